//! `attrib status`: the tables as they are, and what a run would do.

use attrib::Result;
use attrib::clock::{Clock, SystemClock};
use attrib::report::{StatusReport, TableStatus};
use chrono::{DateTime, Utc};
use clap::Args;

use super::args::GlobalArgs;
use super::print::{Grid, Printer, Style, human, reason};

/// Show the tables, how fresh they are, and what a run would rebuild and why
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib status
  attrib status --json | jq '.pending'")]
pub struct StatusArgs {}

pub async fn run(_: &StatusArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let report = super::open(global, &[])?.status().await?;
    let now = SystemClock.now();
    printer.answer(&report, |style| render(&report, now, style))
}

fn render(report: &StatusReport, now: DateTime<Utc>, style: Style) -> String {
    let mut text = format!("{} {}\n", style.strong("Snapshot:"), report.location);
    match (report.run_id, report.published_at) {
        (Some(id), Some(at)) => text.push_str(&format!(
            "{} run {id}, {} ({})\n",
            style.strong("Published:"),
            human::ago(now - at),
            time(at),
        )),
        (Some(id), None) => {
            text.push_str(&format!("{} run {id}\n", style.strong("Published:")))
        }
        (None, _) => text.push_str(&format!("{} nothing yet\n", style.strong("Published:"))),
    }
    text.push('\n');
    if report.tables.is_empty() {
        text.push_str("There are no tables. Next: attrib ingest PATH…\n");
        return text;
    }
    let mut grid = Grid::new(&[
        "layer", "table", ">rows", ">size", ">files", "dates", ">version", "updated",
    ]);
    for table in &report.tables {
        grid.row([
            table.layer.clone(),
            table.name.clone(),
            human::count(table.rows),
            human::bytes(table.bytes),
            human::count(table.files),
            dates(table),
            table.version.to_string(),
            table
                .updated_at
                .map_or_else(String::new, |at| human::ago(now - at)),
        ]);
    }
    text.push_str(&grid.draw(style));
    text.push('\n');
    text.push_str(&pending(report, style));
    text
}

fn pending(report: &StatusReport, style: Style) -> String {
    if report.pending.is_empty() {
        return format!("{}: a run has nothing to do\n", style.good("Up to date"));
    }
    let models = human::counted(report.pending.len() as u64, "model");
    let mut text = format!("{} {models}\n", style.warning("A run would rebuild"));
    let mut grid = Grid::new(&["model", "because", ">partitions"]);
    for model in &report.pending {
        grid.row([
            model.name.clone(),
            reason(&model.reason),
            model.partitions.map_or_else(String::new, human::count),
        ]);
    }
    text.push_str(&grid.draw(style));
    text
}

fn dates(table: &TableStatus) -> String {
    match (&table.first_date, &table.last_date) {
        (Some(first), Some(last)) if first == last => first.clone(),
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use attrib::report::{PendingModel, Reason};
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn tells_freshness_and_what_is_pending() {
        let now = DateTime::from_timestamp(1_604_192_400, 0).unwrap();
        let report = StatusReport {
            location: "./snapshot".into(),
            run_id: Some(7),
            published_at: Some(now - TimeDelta::minutes(5)),
            tables: vec![TableStatus {
                name: "raw_ga4_events".into(),
                layer: "raw".into(),
                version: 3,
                rows: 4_295_584,
                bytes: 250_000_000,
                files: 92,
                first_date: Some("2020-11-01".into()),
                last_date: Some("2021-01-31".into()),
                updated_at: Some(now),
            }],
            pending: vec![PendingModel {
                name: "stg_ga4_events".into(),
                reason: Reason::UpstreamChanged {
                    upstream: vec!["raw_ga4_events".into()],
                },
                partitions: Some(2),
            }],
        };
        assert_eq!(
            render(&report, now, Style::PLAIN),
            "\
Snapshot: ./snapshot
Published: run 7, 5 minutes ago (2020-11-01 00:55:00 UTC)

  layer  table                rows    size  files  dates                     version  updated
  raw    raw_ga4_events  4,295,584  250 MB     92  2020-11-01 to 2021-01-31        3  just now

A run would rebuild 1 model
  model           because                  partitions
  stg_ga4_events  changed: raw_ga4_events           2
"
        );
    }

    #[test]
    fn an_empty_snapshot_says_what_to_do() {
        let report = StatusReport {
            location: "x".into(),
            run_id: None,
            published_at: None,
            tables: vec![],
            pending: vec![],
        };
        let text = render(&report, DateTime::UNIX_EPOCH, Style::PLAIN);
        assert!(text.contains("Next: attrib ingest"), "{text}");
    }
}
