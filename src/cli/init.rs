//! `attrib init`: writes a project to start from.

use std::path::PathBuf;

use attrib::{Result, project};
use clap::Args;
use serde::Serialize;

use super::print::{Printer, Style, human};

/// Write a project: settings, the models to edit, sample events
///
/// A folder that is a project already is left alone. A project is not needed for ingesting
/// and running; it is for settings, own models and column mappings, kept in version
/// control.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib init                        In the current folder
  attrib init shop                   In ./shop, made if missing")]
pub struct InitArgs {
    /// The folder for the project
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct InitReport {
    directory: PathBuf,
    files: Vec<PathBuf>,
}

pub fn run(args: &InitArgs, printer: &Printer) -> Result<()> {
    let files = project::init(&args.directory)?;
    let report = InitReport {
        directory: args.directory.clone(),
        files,
    };
    printer.report(&report, |style| render(&report, style))
}

fn render(report: &InitReport, style: Style) -> String {
    let directory = report.directory.display().to_string();
    if report.files.is_empty() {
        return format!("The project in {directory} has all its files; nothing was written.\n");
    }
    let files = human::counted(report.files.len() as u64, "file");
    let mut text = format!("{} {files} to {directory}\n", style.good("Wrote"));
    text.push_str("\nNext:\n");
    if directory != "." {
        text.push_str(&format!("  cd {directory}\n"));
    }
    text.push_str(
        "  attrib ingest PATH…                load your GA4 events
  attrib run                         build the tables
  attrib.toml                        settings, with comments
",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_to_go_next() {
        let report = InitReport {
            directory: "shop".into(),
            files: vec!["attrib.toml".into()],
        };
        let text = render(&report, Style::PLAIN);
        assert!(text.starts_with("Wrote 1 file to shop\n"), "{text}");
        assert!(text.contains("  cd shop\n"));
    }
}
