//! `attrib test`: tests the models, and what their tables hold.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use attrib::project::TestOptions;
use attrib::report::{Outcome, TestReport, TestRunReport};
use attrib::{Error, Result};
use clap::Args;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::args::{GlobalArgs, SelectArgs, VarsArgs};
use super::print::{self, Printer, Style, human};

/// Test the tables and the models
///
/// Runs the data tests of each model's YAML and the SQL tests on the tables as they are,
/// and the unit tests, which need no data. With --fixtures, builds everything in a
/// temporary place from small files of events and compares with the expected tables.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib test                                  All tests, on the current tables
  attrib test --select int_user_sessions       The tests of one model
  attrib test --fixtures                       From ./fixtures, needs no tables: for CI
  attrib test --fixtures --junit report.xml    The same, with a report for CI")]
pub struct TestArgs {
    #[command(flatten)]
    pub selection: SelectArgs,

    /// Build from the cases in DIR and compare with the tables expected there
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "fixtures")]
    pub fixtures: Option<PathBuf>,

    /// Write a JUnit report to FILE
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    #[command(flatten)]
    pub vars: VarsArgs,
}

pub async fn run(args: &TestArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let project = super::open(global, &args.vars.vars)?;
    let options = TestOptions {
        select: args.selection.select.clone(),
        exclude: args.selection.exclude.clone(),
        fixtures: args.fixtures.clone(),
    };
    let progress = printer.progress();
    let result = project.test(&options, &*progress).await;
    progress.finish();
    let report = result?;
    if let Some(path) = &args.junit {
        let xml = junit(&report)?;
        fs::write(path, xml)
            .map_err(|e| print::cannot_write(e).with("file", path.display()))?;
    }
    printer.report(&report, |style| render(&report, style))?;
    if report.failed == 0 {
        return Ok(());
    }
    let tests = human::counted(report.passed + report.failed, "test");
    Err(Error::test(format!(
        "{} of {tests} failed",
        human::count(report.failed)
    )))
}

fn render(report: &TestRunReport, style: Style) -> String {
    let mut text = failures(&report.tests, style);
    let passed = format!("{} passed", human::counted(report.passed, "test"));
    let passed = if report.failed == 0 {
        style.good(passed)
    } else {
        passed
    };
    let seconds = human::seconds(report.seconds);
    if report.failed == 0 {
        text.push_str(&format!("{passed} in {seconds}\n"));
    } else {
        let failed = style.bad(format!("{} failed", human::count(report.failed)));
        text.push_str(&format!("{passed}, {failed} in {seconds}\n"));
    }
    text
}

/// Each test that did not pass: what failed, how many rows, some of them, and the query
/// to look further. Empty if all passed.
pub fn failures(tests: &[TestReport], style: Style) -> String {
    let mut text = String::new();
    for test in tests {
        let word = match test.outcome {
            Outcome::Pass => continue,
            Outcome::Fail => style.bad("FAIL"),
            Outcome::Error => style.bad("ERROR"),
        };
        text.push_str(&format!("{word} {}", style.strong(&test.name)));
        if test.failures > 0 {
            text.push_str(&format!(": {}", human::counted(test.failures, "row")));
        }
        text.push('\n');
        if let Some(detail) = &test.detail {
            text.push_str(&indented(detail));
        }
        if let Some(query) = &test.query {
            text.push_str(&format!("  {}\n", style.dim("to look further:")));
            text.push_str(&indented(query));
        }
        text.push('\n');
    }
    text
}

fn indented(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect()
}

/// The report as JUnit reads it: a suite per model.
fn junit(report: &TestRunReport) -> Result<String> {
    let mut models: Vec<&str> = report
        .tests
        .iter()
        .map(|test| test.model.as_str())
        .collect();
    models.sort_unstable();
    models.dedup();
    let mut document = Report::new("attrib test");
    document.set_time(duration(report.seconds));
    for model in models {
        let mut suite = TestSuite::new(model);
        let mut seconds = 0.0;
        for test in report.tests.iter().filter(|test| test.model == model) {
            suite.add_test_case(junit_case(test));
            seconds += test.seconds;
        }
        suite.set_time(duration(seconds));
        document.add_test_suite(suite);
    }
    document
        .to_string()
        .map_err(|e| Error::internal("cannot write the JUnit report").caused_by(e))
}

fn junit_case(test: &TestReport) -> TestCase {
    let kind = match test.outcome {
        Outcome::Pass => None,
        Outcome::Fail => Some(NonSuccessKind::Failure),
        Outcome::Error => Some(NonSuccessKind::Error),
    };
    let status = match kind {
        None => TestCaseStatus::success(),
        Some(kind) => {
            let mut status = TestCaseStatus::non_success(kind);
            if test.failures > 0 {
                status.set_message(human::counted(test.failures, "failing row"));
            }
            let parts = [test.detail.as_deref(), test.query.as_deref()];
            let parts: Vec<&str> = parts.into_iter().flatten().collect();
            status.set_description(parts.join("\n\n"));
            status
        }
    };
    let mut case = TestCase::new(test.name.as_str(), status);
    case.set_classname(test.model.as_str());
    case.set_time(duration(test.seconds));
    case
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> TestRunReport {
        let pass = TestReport {
            name: "unique a.id".into(),
            model: "a".into(),
            outcome: Outcome::Pass,
            failures: 0,
            detail: None,
            query: None,
            seconds: 0.25,
        };
        let fail = TestReport {
            name: "not_null b.id".into(),
            model: "b".into(),
            outcome: Outcome::Fail,
            failures: 2,
            detail: Some("id\n----\nNULL & <none>".into()),
            query: Some("select * from b where id is null".into()),
            seconds: 0.5,
        };
        TestRunReport {
            tests: vec![pass, fail],
            passed: 1,
            failed: 1,
            seconds: 0.75,
        }
    }

    #[test]
    fn a_failure_shows_rows_and_the_query() {
        assert_eq!(
            render(&report(), Style::PLAIN),
            "\
FAIL not_null b.id: 2 rows
    id
    ----
    NULL & <none>
  to look further:
    select * from b where id is null

1 test passed, 1 failed in 0.75 s
"
        );
    }

    #[test]
    fn junit_has_a_suite_per_model() {
        let xml = junit(&report()).unwrap();
        assert!(xml.contains(r#"<testsuite name="a" tests="1""#), "{xml}");
        assert!(
            xml.contains(r#"<failure message="2 failing rows">"#),
            "{xml}"
        );
        assert!(xml.contains("NULL &amp; &lt;none"), "{xml}");
    }
}
