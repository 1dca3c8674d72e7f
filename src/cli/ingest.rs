//! `attrib ingest`: loads events into the snapshot.

use std::collections::BTreeMap;

use attrib::Result;
use attrib::project::IngestOptions;
use attrib::report::{FileReport, IngestReport, Rejected};
use clap::Args;

use super::args::GlobalArgs;
use super::print::{Grid, Printer, Style, human};

/// Load GA4 events: files, folders, globs, standard input, gs:// and s3://
///
/// Reads the BigQuery export (Parquet or JSON lines), flat CSV or JSON lines, and
/// Measurement Protocol JSON, plain or compressed (.gz, .zst). What a file holds is told
/// by its content. Events that are there already are not loaded twice. Rows that cannot
/// be used are set aside in a file, with line and reason, and the rest goes on. All files
/// of a call are committed together, or none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib ingest events.csv
  attrib ingest exports/ more/2024-*.ndjson.gz
  attrib ingest gs://bucket/ga4/events_20240101.parquet
  zcat events.csv.gz | attrib ingest - --format flat_csv")]
pub struct IngestArgs {
    /// Files, folders, globs, URLs, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,

    /// What the input is, where its content should not decide: ga4_parquet, ga4_ndjson,
    /// flat_csv, flat_ndjson, measurement_protocol
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,

    /// Fail on the first row that cannot be used, and load nothing
    #[arg(long)]
    pub strict: bool,
}

/// Files listed one by one; of more, the rest is counted.
const MOST_FILES: usize = 20;

/// Reasons of rejection that are listed.
const MOST_REASONS: usize = 10;

pub async fn run(args: &IngestArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let project = super::open(global, &[])?;
    let options = IngestOptions {
        format: args.format.clone(),
        strict: args.strict,
    };
    let progress = printer.progress();
    let result = project.ingest(&args.paths, &options, &*progress).await;
    progress.finish();
    let report = result?;
    printer.report(&report, |style| render(&report, style))?;
    if report.rows_kept > 0 {
        printer.note("\nNext: attrib run");
    }
    Ok(())
}

/// What was read, what became of it, and how each file was understood.
pub fn render(report: &IngestReport, style: Style) -> String {
    let mut text = format!(
        "{} {} from {} ({}) in {}\n",
        style.good("Read"),
        human::counted(report.rows_read, "row"),
        human::counted(report.files.len() as u64, "file"),
        human::bytes(report.bytes_read),
        human::seconds(report.seconds),
    );
    let mut counts = Grid::new(&["", ">", ""]);
    counts.row(["kept".into(), human::count(report.rows_kept), String::new()]);
    counts.row([
        "duplicate".into(),
        human::count(report.rows_duplicate),
        String::new(),
    ]);
    if report.rows_replaced > 0 {
        counts.row([
            "replaced".into(),
            human::count(report.rows_replaced),
            "older versions of the same event".into(),
        ]);
    }
    counts.row([
        "rejected".into(),
        human::count(report.rows_rejected),
        String::new(),
    ]);
    text.push_str(&counts.draw(style));
    text.push_str(&rejections(report, style));
    if report.rows_with_unreadable_money > 0 {
        text.push_str(&format!(
            "  {} with an amount that is no number (it counts as 0)\n",
            style.warning(human::counted(report.rows_with_unreadable_money, "row")),
        ));
    }
    if !report.days_touched.is_empty() {
        text.push_str(&format!(
            "  {} ({}, UTC)\n",
            human::days(&report.days_touched, 4),
            human::counted(report.days_touched.len() as u64, "day"),
        ));
    }
    if !report.files.is_empty() {
        text.push('\n');
        text.push_str(&files(&report.files, style));
    }
    text
}

fn rejections(report: &IngestReport, style: Style) -> String {
    let mut reasons: Vec<(&String, &Rejected)> = report.rejected.iter().collect();
    reasons.sort_by(|a, b| b.1.rows.cmp(&a.1.rows).then(a.0.cmp(b.0)));
    let mut text = String::new();
    for (reason, rejected) in reasons.iter().take(MOST_REASONS) {
        text.push_str(&format!(
            "    {} {reason}\n      {}:{}: {}\n",
            style.warning(human::count(rejected.rows)),
            rejected.file,
            rejected.line,
            rejected.detail
        ));
    }
    if let Some(more) = reasons
        .len()
        .checked_sub(MOST_REASONS)
        .filter(|&more| more > 0)
    {
        text.push_str(&format!(
            "    … and {}\n",
            human::counted(more as u64, "more reason")
        ));
    }
    if let Some(file) = &report.rejects_file {
        text.push_str(&format!("    kept with line and reason in {file}\n"));
    }
    text
}

fn files(files: &[FileReport], style: Style) -> String {
    let mut grid = Grid::new(&["file", "format", ">rows", ">rejected", "timestamps"]);
    for file in files.iter().take(MOST_FILES) {
        grid.row([
            file.name.clone(),
            file.format.clone(),
            human::count(file.rows_read),
            human::count(file.rows_rejected),
            units(&file.timestamp_units),
        ]);
    }
    let mut text = grid.draw(style);
    if files.len() > MOST_FILES {
        let more = human::counted((files.len() - MOST_FILES) as u64, "more file");
        text.push_str(&format!("  … and {more}\n"));
    }
    let mut params: Vec<&str> = files
        .iter()
        .flat_map(|file| &file.param_columns)
        .map(String::as_str)
        .collect();
    params.sort_unstable();
    params.dedup();
    if !params.is_empty() {
        let names = params.join(", ");
        text.push_str(&format!("  columns kept as event params: {names}\n"));
    }
    text
}

/// The unit that time stamps were found to be in; with counts where there are several.
fn units(units: &BTreeMap<String, u64>) -> String {
    let name = |unit: &str| match unit {
        "us" => "microseconds".to_owned(),
        "ms" => "milliseconds".to_owned(),
        "s" => "seconds".to_owned(),
        "rfc3339" => "RFC 3339".to_owned(),
        other => other.to_owned(),
    };
    let several = units.len() > 1;
    let texts: Vec<String> = units
        .iter()
        .map(|(unit, rows)| {
            if several {
                format!("{} in {}", human::count(*rows), name(unit))
            } else {
                name(unit)
            }
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn rejected(rows: u64, detail: &str) -> Rejected {
        Rejected {
            rows,
            file: "a.csv".into(),
            line: 9,
            detail: detail.into(),
        }
    }

    #[test]
    fn a_report_counts_every_row() {
        let report = IngestReport {
            files: vec![FileReport {
                name: "a.csv".into(),
                format: "flat_csv".into(),
                rows_read: 1_234_567,
                rows_rejected: 67,
                timestamp_units: [("us".into(), 1_234_400), ("s".into(), 100)].into(),
                param_columns: vec!["coupon".into()],
                bytes_read: 12_000_000,
            }],
            rows_read: 1_234_567,
            rows_kept: 1_234_000,
            rows_duplicate: 500,
            rows_rejected: 67,
            rejected: [
                (
                    "no_event_name".into(),
                    rejected(7, "the event name is empty"),
                ),
                ("bad_timestamp".into(), rejected(60, "`x` is no time")),
            ]
            .into(),
            rows_with_unreadable_money: 1,
            rejects_file: Some("rejects/1.ndjson".into()),
            days_touched: vec![NaiveDate::from_ymd_opt(2020, 11, 1).unwrap()],
            version: Some(3),
            bytes_read: 12_000_000,
            seconds: 2.5,
            ..IngestReport::default()
        };
        assert_eq!(
            render(&report, Style::PLAIN),
            "\
Read 1,234,567 rows from 1 file (12 MB) in 2.50 s
  kept       1,234,000
  duplicate        500
  rejected          67
    60 bad_timestamp
      a.csv:9: `x` is no time
    7 no_event_name
      a.csv:9: the event name is empty
    kept with line and reason in rejects/1.ndjson
  1 row with an amount that is no number (it counts as 0)
  2020-11-01 (1 day, UTC)

  file   format         rows  rejected  timestamps
  a.csv  flat_csv  1,234,567        67  100 in seconds, 1,234,400 in microseconds
  columns kept as event params: coupon
"
        );
    }
}
