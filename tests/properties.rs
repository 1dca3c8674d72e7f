//! Random small logs, with shrinking: what the engine makes of them is what the reference
//! makes of them, whatever the order, the split, the shape of the files, and the runs in
//! between. Each case runs the real binary in a project of its own.

mod reference;
mod support;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use reference::log::{Log, arb_log};
use reference::marts::{MartRow, ReconciliationRow};
use reference::{Event, Settings, Tables, attribute, dedup, nested, write};
use support::{Marts, TestProject};

/// The shape in which a file of events is written.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Csv,
    FlatNdjson,
    NestedNdjson,
    NestedParquet,
}

const SHAPES: [Shape; 4] = [
    Shape::Csv,
    Shape::FlatNdjson,
    Shape::NestedNdjson,
    Shape::NestedParquet,
];

/// What is done to a project, in order.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The next so many events, in one file.
    Ingest(usize, Shape),
    Run,
    FullRefresh,
}

fn once(shape: Shape) -> Vec<Step> {
    vec![Step::Ingest(usize::MAX, shape), Step::Run]
}

/// What the engine makes of `events`, brought in as `plan` says. Events that the plan leaves
/// over come in one last file, and a last run follows unless one was the last step.
fn tables_of(events: &[Event], settings: &Settings, plan: &[Step]) -> (Marts, Counts) {
    let project = TestProject::new(&settings.to_toml());
    let mut rest = events;
    let files = std::cell::Cell::new(0);
    let ingest = |part: &[Event], shape: Shape| {
        files.set(files.get() + 1);
        let (name, bytes) = match shape {
            Shape::Csv => ("csv", write::csv(part).into_bytes()),
            Shape::FlatNdjson => ("ndjson", write::flat_ndjson(part).into_bytes()),
            Shape::NestedNdjson => ("json", nested::ndjson(part).into_bytes()),
            Shape::NestedParquet => ("parquet", nested::parquet(part)),
        };
        project.ingest(&project.write(&format!("part-{}.{name}", files.get()), bytes));
    };
    for step in plan {
        match step {
            Step::Ingest(count, shape) => {
                let (part, later) = rest.split_at((*count).min(rest.len()));
                if !part.is_empty() {
                    ingest(part, *shape);
                }
                rest = later;
            }
            // Without events a run is refused.
            Step::Run | Step::FullRefresh if files.get() == 0 => {}
            Step::Run => project.run(),
            Step::FullRefresh => project.full_refresh(),
        }
    }
    if !rest.is_empty() {
        ingest(rest, Shape::Csv);
    }
    if !rest.is_empty() || !matches!(plan.last(), Some(Step::Run | Step::FullRefresh)) {
        project.run();
    }
    let count = |table: &str| project.count(&format!("select count(*) from {table}"));
    let counts = Counts {
        events: count("raw_ga4_events"),
        sessions: count("int_user_sessions"),
        conversions: count("int_conversions"),
    };
    (project.marts(), counts)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    events: usize,
    sessions: usize,
    conversions: usize,
}

fn expected(tables: &Tables) -> (Marts, Counts) {
    let marts = Marts {
        first_click: tables.first_click.clone(),
        last_click: tables.last_click.clone(),
        reconciliation: tables.reconciliation.clone(),
    };
    let counts = Counts {
        events: tables.events.len(),
        sessions: tables.sessions.len(),
        conversions: tables.conversions.len(),
    };
    (marts, counts)
}

/// `ATTRIB_TEST_CASES` asks for more, e.g. overnight.
fn config(cases: u32, max_shrink_iters: u32) -> Config {
    let asked = std::env::var("ATTRIB_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    Config {
        cases: asked.unwrap_or(cases),
        max_shrink_iters,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..Config::default()
    }
}

fn arb_shape() -> impl Strategy<Value = Shape> {
    prop::sample::select(SHAPES.to_vec())
}

fn arb_plan() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..8_usize, arb_shape()).prop_map(|(count, shape)| Step::Ingest(count, shape)),
        3 => Just(Step::Run),
        1 => Just(Step::FullRefresh),
    ];
    prop::collection::vec(step, 1..8)
}

fn arb_log_and_order() -> impl Strategy<Value = (Log, Vec<Event>)> {
    arb_log().prop_flat_map(|log| {
        let shuffled = Just(log.events.clone()).prop_shuffle();
        (Just(log), shuffled)
    })
}

fn conserve(rows: &[ReconciliationRow], first: &[MartRow], last: &[MartRow]) {
    for row in rows {
        assert_eq!(
            row.conversions_credited + row.conversions_unattributed,
            row.conversions
        );
        assert_eq!(row.revenue_credited + row.revenue_unattributed, row.revenue);
        let mart = if row.model == "first_click" {
            first
        } else {
            last
        };
        let mine = |mart: &&MartRow| mart.date == row.date && mart.currency == row.currency;
        let conversions: u64 = mart.iter().filter(mine).map(|mart| mart.conversions).sum();
        let revenue: i128 = mart.iter().filter(mine).map(|mart| mart.revenue).sum();
        assert_eq!(
            (conversions, revenue),
            (row.conversions, row.revenue),
            "{row:?}"
        );
    }
}

proptest! {
    #![proptest_config(config(256, 50_000))]

    /// The oracle itself: no ties, conservation, and no say for the order of ingest.
    #[test]
    fn the_reference_is_sound((log, shuffled) in arb_log_and_order()) {
        let tables = attribute(&log.events, &log.settings);
        prop_assert!(!dedup::has_ties(&tables.events));
        conserve(&tables.reconciliation, &tables.first_click, &tables.last_click);
        prop_assert_eq!(&attribute(&shuffled, &log.settings), &tables);
        let csv = reference::read::csv(&write::csv(&log.events));
        prop_assert_eq!(&attribute(&csv, &log.settings), &tables);
        let json = reference::read::ndjson(&write::flat_ndjson(&log.events));
        prop_assert_eq!(&attribute(&json, &log.settings), &tables);
        prop_assert!(!nested::parquet(&log.events).is_empty());
        prop_assert_eq!(&Settings::from_toml(&log.settings.to_toml()), &log.settings);
    }
}

proptest! {
    #![proptest_config(config(32, 200))]

    #[test]
    fn the_engine_makes_what_the_reference_makes(log in arb_log(), shape in arb_shape()) {
        let tables = attribute(&log.events, &log.settings);
        let found = tables_of(&log.events, &log.settings, &once(shape));
        conserve(&found.0.reconciliation, &found.0.first_click, &found.0.last_click);
        prop_assert_eq!(found, expected(&tables));
    }

    /// In any order, split anyhow into files of any shape, with runs in between.
    #[test]
    fn incremental_equals_full((log, shuffled) in arb_log_and_order(), plan in arb_plan()) {
        let tables = attribute(&log.events, &log.settings);
        prop_assert_eq!(tables_of(&shuffled, &log.settings, &plan), expected(&tables));
    }
}

proptest! {
    #![proptest_config(config(8, 200))]

    #[test]
    fn the_same_events_in_another_shape_add_nothing(
        log in arb_log(), first in arb_shape(), second in arb_shape(),
    ) {
        let mut twice = log.events.clone();
        twice.extend(log.events.iter().cloned());
        let plan = [
            Step::Ingest(log.events.len(), first), Step::Run,
            Step::Ingest(log.events.len(), second), Step::Run,
        ];
        let once = attribute(&log.events, &log.settings);
        prop_assert_eq!(tables_of(&twice, &log.settings, &plan), expected(&once));
    }
}
