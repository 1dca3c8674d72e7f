//! Tables large enough to be built in slices: what comes out is what one query gives, and
//! memory that forces every partition to be written in pieces changes nothing.

use std::fmt::Write;
use std::fs;

use crate::support::TestProject;

/// The models that are built in slices, without `slice_by`.
const WHOLE: &str = "models:
  - name: int_user_sessions
    description: As it was, in one piece.
    config: {partition_by: session_date, sort_by: [device_key, session_started_at]}
  - name: int_user_identities
    description: As it was, in one piece.
";

/// More events than are built in one piece: visits of a few events, with and without a
/// session id, over midnight, with logins, sources and purchases.
fn events() -> String {
    let mut text = String::from(
        "event_timestamp,event_name,user_pseudo_id,user_id,ga_session_id,page_location,\
         page_referrer,transaction_id,purchase_revenue,currency\n",
    );
    for row in 0..120_000u64 {
        let (visit, step) = (row / 4, row % 4);
        let device = visit * 7919 % 9_973;
        // Forty visits an hour for a month, each event two minutes after the one before.
        let time = 1_788_220_800 + visit * 90 + step * 120;
        let name = ["session_start", "page_view", "page_view", "purchase"][step as usize];
        let name = if step == 3 && visit % 20 > 0 {
            "scroll"
        } else {
            name
        };
        let user = if device % 5 == 0 && step > 1 {
            format!("u{}", device / 10)
        } else {
            String::new()
        };
        let session = if visit % 11 == 0 {
            String::new()
        } else {
            format!("{visit}")
        };
        let page = match (step, visit % 4) {
            (1, 0) => "https://shop.example/?utm_source=news&utm_medium=email",
            (1, 1) => "https://shop.example/a?gclid=x",
            _ => "https://shop.example/b",
        };
        let referrer = if visit % 4 == 2 {
            "https://www.google.com/"
        } else {
            ""
        };
        let (order, revenue) = match name {
            "purchase" => (format!("T{}", visit / 40), "9.99"),
            _ => (String::new(), ""),
        };
        let line = writeln!(
            text,
            "{time},{name},d{device},{user},{session},{page},{referrer},{order},{revenue},EUR"
        );
        line.expect("a text grows");
    }
    text
}

#[test]
fn slices_and_pieces_change_nothing() {
    let project = TestProject::new("");
    let file = project.write("events.csv", events());
    project.ingest(&file);
    project.run();
    let unchanged = |arguments: &[&str]| {
        let output = project.attrib(&[arguments, &["--json"]].concat());
        let report: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("a report in JSON");
        let models = report["models"].as_array().expect("models").clone();
        for model in models {
            if model["materialized"] == "table" {
                assert_eq!(model["reason"]["kind"], "full_refresh", "{model}");
                assert_eq!(model["unchanged"], true, "{model}");
            }
        }
    };
    // As it was: what is written has the content that it had.
    unchanged(&["run", "--full-refresh"]);
    // On one thread, and with so little memory that rows are written again and again.
    unchanged(&["run", "--full-refresh", "--set", "threads=1"]);
    unchanged(&["run", "--full-refresh", "--set", "memory_limit=48MB"]);
    // In one piece.
    fs::create_dir_all(project.path().join("queries")).expect("makes a folder");
    fs::write(project.path().join("queries/whole.yml"), WHOLE).expect("writes YAML");
    unchanged(&["run", "--full-refresh"]);

    // The events in any order, in little memory, are the same table.
    let mut lines: Vec<String> = events().lines().map(str::to_owned).collect();
    let header = lines.remove(0);
    lines.sort_by_key(|line| {
        line.bytes()
            .map(u64::from)
            .fold(7, |sum, b| sum * 31 % 99_991 + b)
    });
    let shuffled = TestProject::new("memory_limit = \"64MB\"\n");
    let file = shuffled.write("shuffled.csv", format!("{header}\n{}\n", lines.join("\n")));
    shuffled.ingest(&file);
    shuffled.attrib(&["run", "--set", "memory_limit=2GB"]);
    let sum = "select count(*) as events, sum(arrow_cast(device_key, 'Decimal128(38, 0)')) as devices,
        min(event_id) as first, max(event_id) as last from raw_ga4_events";
    assert_eq!(shuffled.query(sum), project.query(sum));
    assert_eq!(shuffled.marts(), project.marts());
}
