//! `attrib compact`: fewer, larger files.

use attrib::Result;
use clap::Args;

use super::args::GlobalArgs;
use super::maintenance;
use super::print::Printer;

/// Rewrite small files of the tables into larger ones, for faster reading
///
/// Safe beside readers and writers. The old files stay until `attrib vacuum`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib compact && attrib vacuum")]
pub struct CompactArgs {}

pub async fn run(_: &CompactArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let reports = super::open(global, &[])?.compact().await?;
    printer.report(&reports, |style| maintenance::compacted(&reports, style))
}
