//! `attrib run`: builds the tables.

use attrib::project::RunOptions;
use attrib::report::{Outcome, Reason, RunReport};
use attrib::{Error, Result};
use clap::Args;

use super::args::{GlobalArgs, SelectArgs, VarsArgs};
use super::print::{Grid, Printer, Style, human};
use super::test;

/// Build the tables: what changed since the last run, and what depends on it
///
/// Tables are written, tested, and only then shown to readers: a failed test leaves the
/// tables of the last good run in place.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib run                                       What changed
  attrib run --full-refresh                        Everything, from the raw events
  attrib run --select +mart_attribution_last_click One table and all it reads
  attrib run --vars lookback_days=30               Another look-back window")]
pub struct RunArgs {
    /// Rebuild all tables from the raw events
    #[arg(long)]
    pub full_refresh: bool,

    /// Show what each step of each query did, and how long
    #[arg(long)]
    pub profile: bool,

    #[command(flatten)]
    pub selection: SelectArgs,

    #[command(flatten)]
    pub vars: VarsArgs,
}

pub async fn run(args: &RunArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let project = super::open(global, &args.vars.vars)?;
    let options = RunOptions {
        full_refresh: args.full_refresh,
        select: args.selection.select.clone(),
        exclude: args.selection.exclude.clone(),
        profile: args.profile,
    };
    let progress = printer.progress();
    let result = project.run(&options, &*progress).await;
    progress.finish();
    let report = result?;
    printer.report(&report, |style| render(&report, style))?;
    check(&report)
}

/// What was built and how the tests went. The models were named as they were done.
pub fn render(report: &RunReport, style: Style) -> String {
    let up_to_date = report
        .models
        .iter()
        .filter(|m| m.reason == Reason::UpToDate)
        .count();
    let built = report.models.len() - up_to_date;
    let failed = failed(report);
    let mut text = profile(report, style);
    text.push_str(&test::failures(&report.tests, style));
    let seconds = human::seconds(report.seconds);
    if built == 0 && failed == 0 {
        let models = human::counted(up_to_date as u64, "model");
        text.push_str(&format!(
            "{}: {models}, {seconds}\n",
            style.good("Up to date")
        ));
        return text;
    }
    let verb = if failed == 0 {
        style.good("Built")
    } else {
        style.bad("Built")
    };
    text.push_str(&format!(
        "{verb} {} in {seconds}",
        human::counted(built as u64, "model")
    ));
    if up_to_date > 0 {
        text.push_str(&format!(", {up_to_date} up to date"));
    }
    let passed = report.tests.len() - failed;
    if !report.tests.is_empty() {
        text.push_str(&format!(
            "; {} passed",
            human::counted(passed as u64, "test")
        ));
    }
    if failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    match report.run_id {
        Some(id) if report.published => text.push_str(&format!("; published as run {id}\n")),
        _ => text.push_str("; nothing was published\n"),
    }
    text
}

/// The operators of each model that has them.
fn profile(report: &RunReport, style: Style) -> String {
    let mut text = String::new();
    for model in report.models.iter().filter(|m| !m.operators.is_empty()) {
        text.push_str(&format!("{}\n", style.strong(&model.name)));
        let mut grid = Grid::new(&["operator", ">rows", ">read", ">time"]);
        for operator in &model.operators {
            let read = match operator.bytes_scanned {
                0 => String::new(),
                bytes => human::bytes(bytes),
            };
            grid.row([
                format!("{}{}", "  ".repeat(operator.depth), operator.name),
                human::count(operator.rows),
                read,
                human::seconds(operator.seconds),
            ]);
        }
        text.push_str(&grid.draw(style));
    }
    text
}

/// The error of a run whose tests did not all pass.
///
/// # Errors
/// Of kind test, then.
pub fn check(report: &RunReport) -> Result<()> {
    let failed = failed(report);
    if failed == 0 {
        return Ok(());
    }
    let tests = human::counted(report.tests.len() as u64, "test");
    let error = Error::test(format!("{failed} of {tests} failed"));
    Err(if report.published {
        error
    } else {
        error.hint("readers still see the tables of the last good run")
    })
}

fn failed(report: &RunReport) -> usize {
    report
        .tests
        .iter()
        .filter(|test| test.outcome != Outcome::Pass)
        .count()
}

#[cfg(test)]
mod tests {
    use attrib::report::{ModelReport, TestReport};

    use super::*;

    fn model(reason: Reason) -> ModelReport {
        ModelReport {
            name: "stg_ga4_events".into(),
            materialized: "table".into(),
            reason,
            rows: 10,
            partitions: None,
            seconds: 0.1,
            unchanged: false,
            operators: Vec::new(),
        }
    }

    fn report(models: Vec<ModelReport>, outcomes: &[Outcome], published: bool) -> RunReport {
        let tests = outcomes
            .iter()
            .map(|&outcome| TestReport {
                name: "unique a.b".into(),
                model: "a".into(),
                outcome,
                failures: 0,
                detail: None,
                query: None,
                seconds: 0.0,
            })
            .collect();
        RunReport {
            run_id: Some(7),
            models,
            tests,
            published,
            seconds: 1.5,
        }
    }

    #[test]
    fn a_good_run_tells_what_was_published() {
        let report = report(
            vec![model(Reason::New), model(Reason::UpToDate)],
            &[Outcome::Pass],
            true,
        );
        assert_eq!(
            render(&report, Style::PLAIN),
            "Built 1 model in 1.50 s, 1 up to date; 1 test passed; published as run 7\n"
        );
        assert!(check(&report).is_ok());
    }

    #[test]
    fn nothing_to_do_is_said_in_one_line() {
        let report = report(vec![model(Reason::UpToDate)], &[], false);
        assert_eq!(
            render(&report, Style::PLAIN),
            "Up to date: 1 model, 1.50 s\n"
        );
    }

    #[test]
    fn a_failed_test_is_an_error() {
        let report = report(
            vec![model(Reason::New)],
            &[Outcome::Pass, Outcome::Fail],
            false,
        );
        let text = render(&report, Style::PLAIN);
        assert!(
            text.ends_with("1 test passed, 1 failed; nothing was published\n"),
            "{text}"
        );
        let error = check(&report).unwrap_err();
        assert_eq!(error.kind(), attrib::ErrorKind::Test);
        assert_eq!(error.message(), "1 of 2 tests failed");
    }
}
