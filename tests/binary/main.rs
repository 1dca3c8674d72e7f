//! The real binary on real files: bad input, crashes, several writers, and what each
//! command promises.

#[path = "../reference/mod.rs"]
mod reference;
#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod commands;
mod crashes;
mod slices;
mod store_events;

use std::process::Output;

use support::TestProject;

/// Runs a command whatever comes of it.
fn attempt(project: &TestProject, args: &[&str]) -> Output {
    assert_cmd::cargo::cargo_bin_cmd!("attrib")
        .env("NO_COLOR", "1")
        .arg("--project")
        .arg(project.path())
        .args(args)
        .output()
        .expect("runs")
}

/// Runs a command that must fail with `code`, and answers what it says.
fn refused(project: &TestProject, args: &[&str], code: i32) -> String {
    let output = attempt(project, args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "attrib {args:?}: {text}");
    assert!(
        text.lines().any(|line| line.starts_with("error: ")),
        "{text}"
    );
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// `text` has every part.
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}
