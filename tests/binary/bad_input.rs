//! Bad input: what, where and what to do, the exit code of its kind, and nothing changed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::TestProject;
use crate::{attempt, refused, says};

const HEADER: &str = "event_timestamp,event_name,user_pseudo_id,source,medium";
const INPUT: i32 = 3;
const MODEL: i32 = 4;

/// A project with one event.
fn project() -> TestProject {
    let project = TestProject::new("");
    let file = csv(
        &project,
        "first.csv",
        &["1600000000000000,page_view,u,google,organic"],
    );
    project.ingest(&file);
    project
}

fn csv(project: &TestProject, name: &str, rows: &[&str]) -> PathBuf {
    project.write(name, format!("{HEADER}\n{}\n", rows.join("\n")))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("is Unicode")
}

fn rows(project: &TestProject) -> usize {
    project.count("select count(*) from raw_ga4_events")
}

/// The file is refused with these words, and the table is as it was.
fn is_refused(project: &TestProject, file: &Path, parts: &[&str]) {
    let before = rows(project);
    let said = refused(project, &["ingest", text(file)], INPUT);
    says(&said, parts);
    assert_eq!(rows(project), before);
}

/// The file is read, its rows rejected for `reason`.
fn is_rejected(project: &TestProject, file: &Path, reason: &str) -> serde_json::Value {
    let before = rows(project);
    let output = project.attrib(&["ingest", text(file), "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    assert_eq!(report["rejected"][reason]["rows"], 1, "{report}");
    assert_eq!(rows(project), before);
    let kept = fs::read_to_string(report["rejects_file"].as_str().expect("a file"));
    serde_json::from_str(kept.expect("is there").lines().next().expect("a line"))
        .expect("is JSON")
}

#[test]
fn a_file_that_is_no_events_file_is_refused() {
    let project = project();
    is_refused(
        &project,
        &project.write("empty.csv", ""),
        &["empty", "empty.csv"],
    );
    is_refused(
        &project,
        &project.write("x.csv", "a;b\n1;2\n"),
        &["a;b", "[fields]", "hint:"],
    );
    let twice = "event_timestamp,event_name,event_name,user_pseudo_id\n1,2,3,4\n";
    is_refused(
        &project,
        &project.write("twice.csv", twice),
        &["event_name", "2 and 3"],
    );
    is_refused(
        &project,
        Path::new("missing.csv"),
        &["no such file", "missing.csv"],
    );
    let glob = project.path().join("*.nothing");
    is_refused(&project, &glob, &["no file matches"]);
}

#[test]
fn a_damaged_file_is_refused() {
    let project = project();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let line = "1600000009000000,page_view,u,google,organic\n";
    write!(packed, "{HEADER}\n{}", line.repeat(500)).expect("packs");
    let packed = packed.finish().expect("packs");
    let cut = project.write("cut.csv.gz", &packed[..packed.len() / 2]);
    is_refused(&project, &cut, &["cut off", "cut.csv.gz", "hint:"]);
    let parquet = project.write("cut.parquet", b"PAR1 and then no more of it PAR1");
    is_refused(&project, &parquet, &["Parquet", "cut.parquet"]);
}

#[test]
fn a_parquet_file_of_something_else_is_refused() {
    let project = project();
    let file = project.path().join("other.parquet");
    project.attrib(&["query", "select 1 as a, 2 as b", "-o", text(&file)]);
    is_refused(&project, &file, &["something else", "found: a, b"]);
}

#[test]
fn other_encodings_are_read() {
    let project = project();
    let csv = format!("{HEADER}\n1600000000000000,page_view,u,google,organic\n");
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(csv.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    // The same event as the project has.
    project.ingest(&project.write("utf16.csv", utf16));
    project.ingest(&project.write("bom.csv", format!("\u{feff}{csv}")));
    assert_eq!(rows(&project), 1);
}

#[test]
fn rows_that_cannot_be_used_wait_with_line_and_reason() {
    let project = project();
    for (time, reason) in [
        ("-5", "timestamp_out_of_range"),
        ("9999999999999999", "timestamp_out_of_range"),
        ("2020-01-01 10:00:00", "bad_timestamp"),
        ("", "no_timestamp"),
    ] {
        let row = format!("{time},page_view,u,,");
        let reject = is_rejected(&project, &csv(&project, "bad.csv", &[&row]), reason);
        assert_eq!(reject["line"], 2, "{reject}");
    }
    let broken = "1600000005000000,page_view,\"u\n2\",,\n1600000006000000,,u,,";
    let file = csv(&project, "break.csv", &[broken]);
    let output = project.attrib(&["ingest", text(&file), "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    assert_eq!(
        (&report["rows_kept"], &report["rows_rejected"]),
        (&1.into(), &1.into())
    );
    let rejects = fs::read_to_string(report["rejects_file"].as_str().expect("a file"));
    // The record before it takes two lines.
    says(
        &rejects.expect("is there"),
        &["\"line\":4", "no_event_name"],
    );
    let mut invalid = format!("{HEADER}\n1600000007000000,page_").into_bytes();
    invalid.extend(b"\xff\xfe,u,,\n");
    is_rejected(
        &project,
        &project.write("bytes.csv", invalid),
        "invalid_utf8",
    );
}

#[test]
fn strict_fails_on_the_first_row_and_keeps_none() {
    let project = project();
    let file = csv(
        &project,
        "strict.csv",
        &["1600000008000000,page_view,u,,", "soon,page_view,u,,"],
    );
    let said = refused(&project, &["ingest", "--strict", text(&file)], INPUT);
    says(&said, &["strict.csv", "line: 3"]);
    assert_eq!(rows(&project), 1);
    let rejects = project.path().join(".attrib/_rejects");
    assert!(!rejects.exists() || fs::read_dir(rejects).expect("reads").count() == 0);
}

#[test]
fn a_field_of_ten_megabytes_is_only_a_field() {
    let project = project();
    let row = format!(
        "1600000003000000,page_view,u,{},organic",
        "x".repeat(10_000_000)
    );
    project.ingest(&csv(&project, "big.csv", &[&row]));
    let sql = "select max(character_length(source)) from raw_ga4_events";
    assert_eq!(project.count(sql), 10_000_000);
}

#[test]
fn a_wrong_model_is_shown_with_its_place() {
    let project = project();
    let marts = project.path().join("queries/marts");
    fs::create_dir_all(&marts).expect("makes a folder");
    let model = |name: &str, sql: &str| fs::write(marts.join(name), sql).expect("writes");

    model("m.sql", "select\n    event_nam\nfrom stg_ga4_events\n");
    let said = refused(&project, &["run"], MODEL);
    says(
        &said,
        &["m.sql", "line: 2", "column: 5", "^^^", "event_name"],
    );
    model("m.sql", "select event_name frm stg_ga4_events\n");
    says(
        &refused(&project, &["run"], MODEL),
        &["m.sql", "line: 1", "^"],
    );
    model("m.sql", "select * from stg_ga4_event\n");
    says(
        &refused(&project, &["run"], MODEL),
        &["stg_ga4_event", "stg_ga4_events"],
    );
    model("m.sql", "select * from n\n");
    model("n.sql", "select * from m\n");
    says(&refused(&project, &["run"], MODEL), &["m", "n", "->"]);
    fs::remove_file(marts.join("n.sql")).expect("removes");
    model("m.sql", "select event_name from stg_ga4_events\n");
    model(
        "m.yml",
        "models:\n  - name: m\n    columns:\n      - name: event_nam\n",
    );
    says(
        &refused(&project, &["run"], MODEL),
        &["m.yml", "line: 4", "event_name"],
    );
    fs::remove_file(marts.join("m.yml")).expect("removes");
    project.run();
}

#[test]
fn a_wrong_setting_is_shown_with_the_nearest_name() {
    let project = TestProject::new("timezne = \"UTC\"\n");
    says(
        &refused(&project, &["run"], 2),
        &["timezne", "timezone", "attrib.toml"],
    );
    let project = TestProject::new("timezone = \"Europe/Berln\"\n");
    says(&refused(&project, &["run"], 2), &["Europe/Berlin"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let project = TestProject::new("[snapshot]\npath = \"in_the_way/tables\"\n");
    fs::write(project.path().join("in_the_way"), "a file").expect("writes");
    let file = csv(&project, "e.csv", &["1600000000000000,page_view,u,,"]);
    says(
        &refused(&project, &["ingest", text(&file)], 5),
        &["in_the_way"],
    );
}

#[test]
fn a_full_disk_leaves_the_table_as_it_was() {
    let project = project();
    let lines: Vec<String> = (0..40_000)
        .map(|i| format!("{},view_{i},user_{i},,", 1_600_000_100 + i))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let file = csv(&project, "large.csv", &lines);
    // No file may become larger than 64 kB: the disk's answer is an error, as when full.
    let command = format!(
        "trap '' XFSZ; ulimit -f 128; exec '{}' --project '{}' ingest '{}'",
        env!("CARGO_BIN_EXE_attrib"),
        text(project.path()),
        text(&file),
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &command])
        .output();
    let output = output.expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert_eq!(rows(&project), 1);
    project.ingest(&file);
    assert_eq!(rows(&project), 40_001);
}

#[test]
fn queries_only_read() {
    let project = project();
    for sql in [
        "create table t as select 1",
        "drop table raw_ga4_events",
        "set x = 1",
    ] {
        refused(&project, &["query", sql], INPUT);
    }
    let copy = format!("copy (select 1) to '{}/x.csv'", text(project.path()));
    refused(&project, &["query", &copy], INPUT);
    assert!(!project.path().join("x.csv").exists());
    let said = refused(
        &project,
        &["query", "select * from mart_attribution_last_click"],
        INPUT,
    );
    says(&said, &["has not been built", "attrib run"]);
    let said = refused(
        &project,
        &["query", "select chanel from raw_ga4_events"],
        INPUT,
    );
    says(&said, &["^^^^^^", "chanel"]);
}

#[test]
fn errors_are_json_where_reports_are() {
    let project = project();
    let output = attempt(&project, &["--json", "ingest", "missing.csv"]);
    let error: serde_json::Value =
        serde_json::from_slice(&output.stderr).expect("is one JSON object");
    assert!(error.to_string().contains("missing.csv"), "{error}");
}
