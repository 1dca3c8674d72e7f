//! `attrib vacuum`: deletes files that no version in keeping needs.

use attrib::Result;
use clap::Args;

use super::args::GlobalArgs;
use super::maintenance;
use super::print::Printer;

/// Delete files that no kept version of a table needs
///
/// Versions older than the retention in attrib.toml can no longer be read with --as-of
/// afterwards. Safe beside readers and writers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib vacuum --dry-run            What would be deleted
  attrib vacuum")]
pub struct VacuumArgs {
    /// Only tell what would be deleted
    #[arg(long)]
    pub dry_run: bool,
}

pub async fn run(args: &VacuumArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let reports = super::open(global, &[])?.vacuum(args.dry_run).await?;
    printer.report(&reports, |style| {
        maintenance::vacuumed(&reports, args.dry_run, style)
    })
}
