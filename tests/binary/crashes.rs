//! Killed at any moment and run again: nothing lost, nothing doubled, nothing to repair.
//! And two at once.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Fixture, TestProject};

fn start(project: &TestProject, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_attrib"))
        .arg("--project")
        .arg(project.path())
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts")
}

fn shop() -> (Fixture, TestProject, String) {
    let shop = Fixture::all().pop().expect("the shop is last");
    let project = TestProject::new(&shop.config());
    let events = shop.events()[0].to_str().expect("is Unicode").to_string();
    (shop, project, events)
}

const KILLS: u32 = 12;

/// The time between kills that spreads them over a whole run of `args`. How long that takes
/// only spaces the kills; it decides nothing.
fn step(project: &TestProject, args: &[&str]) -> Duration {
    let started = Instant::now();
    start(project, args).wait().expect("ends");
    started.elapsed() / KILLS
}

#[test]
fn kill_9_in_ingest_and_run_loses_and_doubles_nothing() {
    let (shop, project, events) = shop();
    let probe = TestProject::new(&shop.config());
    let ingest_step = step(&probe, &["ingest", &events]);
    let run_step = step(&probe, &["run"]);
    let rows = probe.count("select count(*) from raw_ga4_events");
    for (args, step) in [
        (["ingest", &events].as_slice(), ingest_step),
        (&["run"], run_step),
    ] {
        for i in 0..KILLS {
            let mut child = start(&project, args);
            std::thread::sleep(step * i);
            // It may be through already.
            let _ = child.kill();
            child.wait().expect("ends");
        }
        project.attrib(args);
    }
    assert_eq!(project.count("select count(*) from raw_ga4_events"), rows);
    assert_eq!(project.marts(), shop.expected());
    // What the dead left behind goes, and nothing else.
    project.attrib(&["vacuum"]);
    assert_eq!(project.marts(), shop.expected());
    project.full_refresh();
    assert_eq!(project.marts(), shop.expected());
}

#[test]
fn two_at_once_do_no_harm() {
    let (shop, project, events) = shop();
    for args in [["ingest", &events].as_slice(), &["run"]] {
        let both = [start(&project, args), start(&project, args)];
        let mut through = 0;
        for child in both {
            let output = child.wait_with_output().expect("ends");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => through += 1,
                code => {
                    assert_eq!(code, Some(5), "{said}");
                    assert!(said.contains("another"), "{said}");
                }
            }
        }
        assert!(through > 0);
    }
    assert_eq!(project.marts(), shop.expected());
    assert!(Path::new(&events).exists());
}
