//! How far a command is, on standard error: a bar on a terminal, plain lines in a log.
//! Lines about models and failed tests are the same in both.

use std::time::Duration;

use attrib::project::Progress;
use attrib::report::{ModelReport, Outcome, Reason, TestReport};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::interrupt::is_interrupted;
use super::{Style, complain, human};

/// How often the terminal is redrawn while nothing is reported.
const TICK: Duration = Duration::from_millis(100);

/// Where names end and numbers start in a line about a model.
const NAME_WIDTH: usize = 32;

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn is_cancelled(&self) -> bool {
        is_interrupted()
    }
}

/// A line for each thing that happened.
pub struct Lines {
    style: Style,
    verbose: bool,
}

impl Lines {
    pub fn new(style: Style, verbose: bool) -> Self {
        Lines { style, verbose }
    }
}

impl Progress for Lines {
    fn model(&self, model: &ModelReport) {
        complain(&model_line(model, self.style, self.verbose));
    }

    fn test(&self, test: &TestReport) {
        if let Some(line) = test_line(test, self.style, self.verbose) {
            complain(&line);
        }
    }

    fn is_cancelled(&self) -> bool {
        is_interrupted()
    }
}

/// A bar (or a spinner, where the total is unknown) below the lines.
pub struct Bar {
    bar: ProgressBar,
    style: Style,
    verbose: bool,
}

impl Bar {
    pub fn new(style: Style, verbose: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(template("{spinner} {msg}"));
        Bar {
            bar,
            style,
            verbose,
        }
    }
}

impl Progress for Bar {
    fn start(&self, total_bytes: Option<u64>) {
        match total_bytes {
            Some(total) => {
                self.bar.set_length(total);
                self.bar.set_style(template(
                    "{spinner} [{bar:10}] {decimal_bytes}/{decimal_total_bytes}  {msg}  {eta} left",
                ));
            }
            None => self
                .bar
                .set_style(template("{spinner} {decimal_bytes}  {msg}  {elapsed}")),
        }
        self.bar.set_message("");
        self.bar.reset_elapsed();
        self.bar.reset_eta();
        self.bar.enable_steady_tick(TICK);
    }

    fn bytes(&self, done: u64) {
        self.bar.set_position(done);
    }

    fn rows(&self, rows: u64) {
        self.bar.set_message(rate(rows, self.bar.elapsed()));
    }

    fn model(&self, model: &ModelReport) {
        self.bar
            .println(model_line(model, self.style, self.verbose));
    }

    fn test(&self, test: &TestReport) {
        if let Some(line) = test_line(test, self.style, self.verbose) {
            self.bar.println(line);
        }
    }

    fn stage(&self, text: &str) {
        self.bar.set_style(template("{spinner} {msg}"));
        self.bar.set_message(text.to_owned());
        self.bar.enable_steady_tick(TICK);
    }

    fn is_cancelled(&self) -> bool {
        is_interrupted()
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A style of indicatif. A template that it cannot read gives its default bar, and the
/// tests see to it that ours can be read.
fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `1,200 rows, 600 rows/s`.
fn rate(rows: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let counted = human::counted(rows, "row");
    if seconds < 0.2 {
        return counted;
    }
    format!(
        "{counted}, {} rows/s",
        human::count((rows as f64 / seconds) as u64)
    )
}

/// One model of a run: its name, what was written, how long it took, or that there was
/// nothing to do; and why, if asked to say more.
fn model_line(model: &ModelReport, style: Style, verbose: bool) -> String {
    let name = format!("{:NAME_WIDTH$}", model.name);
    if model.reason == Reason::UpToDate {
        return format!("  {name} {}", style.dim("up to date"));
    }
    let mut line = if model.materialized == "view" {
        format!("  {name} {:>15}", "view")
    } else {
        let rows = match model.unchanged {
            true => "unchanged".to_owned(),
            false => human::counted(model.rows, "row"),
        };
        let partitions = match model.partitions {
            Some(number) if !model.unchanged => human::counted(number, "partition"),
            _ => String::new(),
        };
        format!(
            "  {name} {rows:>15}  {partitions:>13}  {:>7}",
            human::seconds(model.seconds)
        )
    };
    if verbose {
        line.push_str("  ");
        line.push_str(&style.dim(reason(&model.reason)));
    }
    line
}

/// Why a model was, or would be, rebuilt.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::New => "never built".to_owned(),
        Reason::FullRefresh => "full refresh".to_owned(),
        Reason::ModelChanged => "the model changed".to_owned(),
        Reason::UpstreamChanged { upstream } => format!("changed: {}", upstream.join(", ")),
        Reason::UpToDate => "up to date".to_owned(),
    }
}

/// One test; those that passed only if asked to say more.
fn test_line(test: &TestReport, style: Style, verbose: bool) -> Option<String> {
    match test.outcome {
        Outcome::Pass if verbose => Some(format!("  {} {}", style.good("pass "), test.name)),
        Outcome::Pass => None,
        Outcome::Fail => Some(format!("  {} {}", style.bad("FAIL "), test.name)),
        Outcome::Error => Some(format!("  {} {}", style.bad("ERROR"), test.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(reason: Reason) -> ModelReport {
        ModelReport {
            name: "int_touchpoints".into(),
            materialized: "table".into(),
            reason,
            rows: 1234,
            partitions: Some(31),
            seconds: 0.42,
            unchanged: false,
            operators: Vec::new(),
        }
    }

    #[test]
    fn a_line_says_rows_partitions_and_time() {
        let line = model_line(&model(Reason::New), Style::PLAIN, false);
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words,
            [
                "int_touchpoints",
                "1,234",
                "rows",
                "31",
                "partitions",
                "0.42",
                "s"
            ]
        );
        let line = model_line(&model(Reason::UpToDate), Style::PLAIN, false);
        assert!(line.ends_with(" up to date"), "{line}");
    }

    #[test]
    fn verbose_lines_say_why() {
        let upstream = vec!["raw_ga4_events".to_owned()];
        let line = model_line(
            &model(Reason::UpstreamChanged { upstream }),
            Style::PLAIN,
            true,
        );
        assert!(line.ends_with("changed: raw_ga4_events"), "{line}");
    }

    #[test]
    fn rates_wait_for_a_moment_to_measure() {
        assert_eq!(rate(10, Duration::from_millis(1)), "10 rows");
        assert_eq!(rate(1200, Duration::from_secs(2)), "1,200 rows, 600 rows/s");
    }

    #[test]
    fn the_templates_can_be_read() {
        for text in [
            "{spinner} {msg}",
            "{spinner} [{bar:10}] {decimal_bytes}/{decimal_total_bytes}  {msg}  {eta} left",
            "{spinner} {decimal_bytes}  {msg}  {elapsed}",
        ] {
            assert!(ProgressStyle::with_template(text).is_ok());
        }
    }
}
