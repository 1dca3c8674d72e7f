//! What each command promises.

use std::fs;
use std::io::Write;

use crate::support::{Fixture, TestProject};
use crate::{attempt, refused, says};

fn shop() -> TestProject {
    let shop = Fixture::all().pop().expect("the shop is last");
    let project = TestProject::new(&shop.config());
    project.ingest(&shop.events()[0]);
    project.run();
    project
}

fn json(project: &TestProject, args: &[&str]) -> serde_json::Value {
    let output = project.attrib(&[&["--json"], args].concat());
    serde_json::from_slice(&output.stdout).expect("is JSON")
}

#[test]
fn a_run_rebuilds_what_changed_and_no_more() {
    let project = shop();
    assert_eq!(
        json(&project, &["status"])["pending"],
        serde_json::json!([])
    );
    let report = json(&project, &["run"]);
    assert!(
        report["models"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|model| model["rows"] == 0),
        "{report}"
    );
    let purchase = "event_timestamp,event_name,user_pseudo_id,ga_session_id,purchase_revenue\n\
        2026-09-15T12:00:00Z,purchase,one_more,1,5\n";
    project.ingest(&project.write("one.csv", purchase));
    let status = json(&project, &["status"]);
    assert!(!status["pending"].as_array().expect("a list").is_empty());
    let report = json(&project, &["run"]);
    for model in report["models"].as_array().expect("a list") {
        let partitions = model["partitions"].as_u64().unwrap_or(0);
        assert!(partitions <= 1, "{model}");
    }
    let sql = "select conversions from mart_attribution_last_click
        where conversion_date = '2026-09-15' and channel = 'Direct' and currency is null";
    assert_eq!(project.count(sql), 1);
}

#[test]
fn a_failed_test_keeps_the_last_good_tables() {
    let project = shop();
    let before = project.marts();
    let tests = project.path().join("queries/tests");
    fs::create_dir_all(&tests).expect("makes a folder");
    let sql = "-- No purchase of 77.\nselect * from int_conversions where revenue = 77\n";
    fs::write(tests.join("no_77.sql"), sql).expect("writes");
    let purchase = "event_timestamp,event_name,user_pseudo_id,ga_session_id,purchase_revenue\n\
        2026-09-15T12:00:00Z,purchase,one_more,1,77\n";
    project.ingest(&project.write("one.csv", purchase));
    let output = attempt(&project, &["run"]);
    assert_eq!(output.status.code(), Some(1));
    let said = [output.stdout, output.stderr].concat();
    says(
        &String::from_utf8_lossy(&said),
        &["no_77", "1 row", "select * from int_conversions"],
    );
    assert_eq!(project.marts(), before);
    fs::remove_file(tests.join("no_77.sql")).expect("removes");
    project.run();
    assert_ne!(project.marts(), before);
}

#[test]
fn the_past_can_be_asked() {
    let project = shop();
    let count = "select sum(conversions) from mart_attribution_first_click";
    let before = project.count(count);
    let purchase = "event_timestamp,event_name,user_pseudo_id,ga_session_id,purchase_revenue\n\
        2026-09-15T12:00:00Z,purchase,one_more,1,5\n";
    project.ingest(&project.write("one.csv", purchase));
    project.run();
    assert_eq!(project.count(count), before + 1);
    let then = project.attrib(&["query", count, "--as-of", "1", "--format", "csv"]);
    says(
        &String::from_utf8_lossy(&then.stdout),
        &[&before.to_string()],
    );
    says(
        &refused(&project, &["query", count, "--as-of", "2001-01-01"], 3),
        &["hint:"],
    );
}

#[test]
fn threads_and_memory_change_no_number() {
    let shop = Fixture::all().pop().expect("the shop is last");
    for settings in ["threads = 1\n", "threads = 7\nmemory_limit = \"256MB\"\n"] {
        let project = TestProject::new(&format!("{settings}{}", shop.config()));
        project.ingest(&shop.events()[0]);
        project.run();
        assert_eq!(project.marts(), shop.expected(), "{settings}");
    }
}

#[test]
fn the_size_of_batches_changes_no_number() {
    let shop = Fixture::all().pop().expect("the shop is last");
    let project = TestProject::new(&shop.config());
    let events = shop.events()[0].to_str().expect("is Unicode").to_string();
    for args in [["ingest", &events].as_slice(), &["run"]] {
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_attrib"))
            .env("DATAFUSION_EXECUTION_BATCH_SIZE", "13")
            .arg("--project")
            .arg(project.path())
            .args(args)
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.expect("runs").success());
    }
    assert_eq!(project.marts(), shop.expected());
}

#[test]
fn compaction_and_vacuum_change_no_number() {
    let project = shop();
    let shop = Fixture::all().pop().expect("the shop is last");
    for i in 0..3 {
        let row = format!(
            "event_timestamp,event_name,user_pseudo_id,ga_session_id\n\
             2026-09-15T12:00:0{i}Z,page_view,extra,1\n"
        );
        project.ingest(&project.write("one.csv", row));
    }
    project.run();
    let marts = project.marts();
    assert_eq!(marts.first_click, shop.expected().first_click);
    project.attrib(&["compact"]);
    let report = json(&project, &["run"]);
    assert!(
        report["models"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|model| model["rows"] == 0),
        "{report}"
    );
    project.attrib(&["vacuum"]);
    assert_eq!(project.marts(), marts);
    project.full_refresh();
    assert_eq!(project.marts(), marts);
}

#[test]
fn other_names_are_mapped() {
    let project = TestProject::new(
        "[fields]\nevent_timestamp = \"at\"\nevent_name = { value = \"purchase\" }\n\
         user_pseudo_id = { column = \"payload\", path = \"visitor.id\" }\n",
    );
    let log = "at,payload,amount\n2026-09-15T12:00:00Z,\"{\"\"visitor\"\":{\"\"id\"\":\"\"v1\"\"}}\",5\n";
    project.ingest(&project.write("log.csv", log));
    project.run();
    let sql = "select count(*) from int_conversions where user_pseudo_id = 'v1'";
    assert_eq!(project.count(sql), 1);
}

#[test]
fn files_are_told_by_content_and_found_by_folder_glob_and_pipe() {
    let project = TestProject::new("");
    let rows: Vec<String> = (0..4)
        .map(|i| {
            format!(
                "{{\"event_timestamp\":{},\"event_name\":\"page_view\",\"user_pseudo_id\":\"u\"}}\n",
                1_600_000_000_000_000_i64 + i
            )
        })
        .collect();
    project.write("d/a.txt", &rows[0]);
    project.write(
        "d/b.zst",
        zstd::encode_all(rows[1].as_bytes(), 1).expect("packs"),
    );
    let glob = project.write("c_1.log", &rows[2]).with_file_name("c_*.log");
    let folder = project.path().join("inbox/d");
    let output = project.attrib(&[
        "ingest",
        folder.to_str().expect("is Unicode"),
        glob.to_str().expect("is Unicode"),
    ]);
    assert!(output.status.success());
    assert_eq!(project.count("select count(*) from raw_ga4_events"), 3);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_attrib"))
        .arg("--project")
        .arg(project.path())
        .args(["ingest", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    rows.iter()
        .for_each(|row| stdin.write_all(row.as_bytes()).expect("writes"));
    drop(stdin);
    assert!(child.wait().expect("ends").success());
    assert_eq!(project.count("select count(*) from raw_ga4_events"), 4);
}

#[test]
fn answers_come_in_every_format_and_files_can_be_asked() {
    let project = shop();
    let sql = "select channel, conversions, revenue from mart_attribution_last_click";
    let expected = project.count(&format!("select count(*) from ({sql})"));
    for ending in ["csv", "parquet", "json", "arrow"] {
        let file = project.path().join(format!("out.{ending}"));
        let file = file.to_str().expect("is Unicode");
        // A JSON array is no table of lines.
        let ending = if ending == "json" { "ndjson" } else { ending };
        project.attrib(&["query", sql, "--format", ending, "-o", file]);
        let count = project.count(&format!("select count(*) from '{file}'"));
        assert_eq!(count, expected, "{ending}");
    }
    for format in ["table", "tsv", "json", "markdown"] {
        let output = project.attrib(&["query", sql, "--format", format]);
        says(
            &String::from_utf8_lossy(&output.stdout),
            &["Organic Search"],
        );
    }
}

#[test]
fn tests_are_reported_as_junit() {
    let project = shop();
    let file = project.path().join("report.xml");
    project.attrib(&["test", "--junit", file.to_str().expect("is Unicode")]);
    says(
        &fs::read_to_string(file).expect("is there"),
        &["<testsuite", "conservation"],
    );
}

#[test]
fn the_demo_is_the_main_job_in_one_command() {
    let project = TestProject::new("");
    let folder = project.path().join("demo");
    let output = assert_cmd::cargo::cargo_bin_cmd!("attrib")
        .arg("demo")
        .arg(&folder)
        .output()
        .expect("runs");
    assert!(output.status.success());
    says(
        &String::from_utf8_lossy(&output.stdout),
        &["Organic Search", "first", "last_revenue"],
    );
    assert!(folder.join("attrib.toml").exists());
}
