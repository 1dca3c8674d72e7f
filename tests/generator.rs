//! The generator of `fixtures/shop`: the same seed makes the same rows, those committed.

mod reference;
mod support;

#[path = "../fixtures/generator/catalog.rs"]
mod catalog;
#[path = "../fixtures/generator/mess.rs"]
mod mess;
#[path = "../fixtures/generator/month.rs"]
mod month;
#[path = "../fixtures/generator/people.rs"]
mod people;
#[path = "../fixtures/generator/random.rs"]
mod random;
#[path = "../fixtures/generator/row.rs"]
mod row;
#[path = "../fixtures/generator/visits.rs"]
mod visits;

use std::path::Path;

/// 2026-09-01T00:00:00Z.
const SEPTEMBER: i64 = 1_788_220_800_000_000;

fn text(seed: u64, format: row::Format) -> String {
    let plan = month::Plan {
        seed,
        users: 1500,
        days: 30,
        start: SEPTEMBER,
    };
    let mut bytes = Vec::new();
    row::write(&mess::disturb(month::rows(&plan), seed), format, &mut bytes).expect("writes");
    String::from_utf8(bytes).expect("is UTF-8")
}

#[test]
fn the_committed_shop_is_what_its_seed_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop/events.csv.gz");
    assert!(
        support::read_text(&path) == text(7, row::Format::Csv),
        "regenerate fixtures/shop"
    );
    assert!(text(7, row::Format::Csv) != text(8, row::Format::Csv));
}

#[test]
fn both_formats_hold_the_same_events() {
    let csv = reference::read::csv(&text(7, row::Format::Csv));
    let json = reference::read::ndjson(&text(7, row::Format::Ndjson));
    let tables = |events: &[reference::Event]| {
        let tables = reference::attribute(events, &reference::Settings::default());
        (
            tables.rejected,
            tables.duplicates,
            tables.first_click,
            tables.last_click,
        )
    };
    assert_eq!(tables(&csv), tables(&json));
}
