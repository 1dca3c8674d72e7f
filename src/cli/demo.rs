//! `attrib demo`: the main job in one command, on sample events.

use std::path::{Path, PathBuf};

use attrib::config::FILE_NAME;
use attrib::project::{self, IngestOptions, Overrides, Project, QueryOptions, RunOptions};
use attrib::{Error, Result};
use clap::Args;

use super::args::GlobalArgs;
use super::output::{Format, TableOptions};
use super::print::Printer;
use super::run::{check as check_run, render as render_run};
use super::{ingest, query};

/// See it work: sample events in, first and last click side by side
///
/// Writes a project with sample events to a folder, loads them, builds and tests all
/// tables, and compares the channels. Once more in the same folder does no harm.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib demo                        In ./attrib-demo
  attrib demo /tmp/look              Elsewhere")]
pub struct DemoArgs {
    /// The folder to write to
    #[arg(default_value = "attrib-demo", value_name = "DIR")]
    pub directory: PathBuf,
}

const CHANNELS: &str =
    include_str!("../../queries/analyses/channels_by_first_and_last_click.sql");

/// The folder of a project with the sample events.
const SAMPLE: &str = "sample";

pub async fn run(args: &DemoArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let directory = &args.directory;
    let sample = directory.join(SAMPLE);
    if directory.join(FILE_NAME).is_file() && sample.is_dir() {
        printer.note(&format!("Using the project in {}", directory.display()));
    } else {
        printer.note(&format!(
            "Writing a project with sample events to {}",
            directory.display()
        ));
        project::init(directory)?;
    }
    let sample = sample.to_str().ok_or_else(|| {
        Error::input("the folder's name is no valid Unicode")
            .with("folder", directory.display())
    })?;

    let project = Project::open(&Overrides {
        project: Some(directory.clone()),
        snapshot: global.snapshot.clone(),
        settings: global.settings.clone(),
    })?;

    printer.note("\nLoading the events (attrib ingest)");
    let progress = printer.progress();
    let report = project
        .ingest(&[sample.to_owned()], &IngestOptions::default(), &*progress)
        .await?;
    progress.finish();
    printer.note(ingest::render(&report, printer.note_style()).trim_end());

    printer.note("\nBuilding and testing the tables (attrib run)");
    let progress = printer.progress();
    let report = project.run(&RunOptions::default(), &*progress).await?;
    progress.finish();
    printer.note(render_run(&report, printer.note_style()).trim_end());
    check_run(&report)?;

    printer.note("\nConversions and revenue by channel, first click beside last click");
    let (schema, rows) = project.query(CHANNELS, &QueryOptions::default()).await?;
    let format = if printer.is_json() {
        Format::Json
    } else {
        Format::Table
    };
    let table = TableOptions {
        max_rows: None,
        width: printer.width(),
        colored: printer.style().is_on(),
    };
    query::print_rows(schema, rows, format, table, printer).await?;
    printer.note(&next_steps(directory));
    Ok(())
}

fn next_steps(directory: &Path) -> String {
    format!(
        "
A first click credits the channel that opened the path to a conversion, a last click the
one that closed it. What to try next:

  cd {}
  attrib query \"select * from mart_attribution_last_click limit 10\"
  attrib query \"select * from int_attribution_paths limit 10\"
  attrib ls                          all tables, and what they hold
  attrib ingest PATH…                your own GA4 events, then: attrib run",
        directory.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_steps_start_in_the_folder() {
        assert!(next_steps(Path::new("attrib-demo")).contains("  cd attrib-demo\n"));
    }

    #[test]
    fn the_comparison_reads_both_marts() {
        assert!(CHANNELS.contains("from mart_attribution_first_click"));
        assert!(CHANNELS.contains("from mart_attribution_last_click"));
    }
}
