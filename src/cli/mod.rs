//! The command line: what the user typed goes in, a report or an error goes out.
//!
//! One file per command: its flags (clap structs without logic), the call of
//! [`attrib::Project`] that does the work, and how its report reads. [`print`] alone
//! writes to the terminal, [`output`] writes the rows of a query in every format.
//! Data and reports go to standard output, all else to standard error.

mod args;
mod compact;
mod completions;
mod demo;
mod ingest;
mod init;
pub mod interrupt;
pub mod logging;
mod ls;
mod maintenance;
mod output;
pub mod print;
mod query;
mod run;
mod status;
mod test;
mod vacuum;

use std::process::ExitCode;

use attrib::Result;
use attrib::config::is_setting;
use attrib::project::{Overrides, Project};
use clap::{Parser, Subcommand};

use args::GlobalArgs;
use print::Printer;

/// Marketing attribution on GA4 events, on your own machine
///
/// Reads GA4 events from files, keeps them as tables in a folder, and works out which
/// channels, sources and campaigns earned each conversion, by first and by last click.
#[derive(Debug, Parser)]
#[command(
    name = "attrib",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = EXAMPLES,
)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  attrib demo                        See it work on sample events
  attrib ingest events/*.csv.gz      Load your own GA4 events
  attrib run                         Build the tables
  attrib query \"select * from mart_attribution_last_click limit 10\"

`attrib COMMAND --help` explains each command, with examples.";

#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Ingest(ingest::IngestArgs),
    Run(run::RunArgs),
    Query(query::QueryArgs),
    Test(test::TestArgs),
    Status(status::StatusArgs),
    Ls(ls::LsArgs),
    Compact(compact::CompactArgs),
    Vacuum(vacuum::VacuumArgs),
    Completions(completions::CompletionsArgs),
}

/// Runs one command to its end, prints what went wrong if anything did, and tells the
/// exit code: 0, or the one of the error's kind. A reader that went away (`| head`) has
/// seen enough, which is no error.
pub async fn run(cli: Cli) -> ExitCode {
    let printer = Printer::new(&cli.global);
    match dispatch(cli, &printer).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if printer.reader_is_gone() => ExitCode::SUCCESS,
        // That was said already.
        Err(_) if interrupt::is_interrupted() => ExitCode::FAILURE,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

async fn dispatch(cli: Cli, printer: &Printer) -> Result<()> {
    let global = &cli.global;
    match cli.command {
        Command::Demo(args) => demo::run(&args, global, printer).await,
        Command::Init(args) => init::run(&args, printer),
        Command::Ingest(args) => ingest::run(&args, global, printer).await,
        Command::Run(args) => run::run(&args, global, printer).await,
        Command::Query(args) => query::run(&args, global, printer).await,
        Command::Test(args) => test::run(&args, global, printer).await,
        Command::Status(args) => status::run(&args, global, printer).await,
        Command::Ls(args) => ls::run(&args, global, printer).await,
        Command::Compact(args) => compact::run(&args, global, printer).await,
        Command::Vacuum(args) => vacuum::run(&args, global, printer).await,
        Command::Completions(args) => completions::run(&args, printer),
    }
}

/// Opens the project that the global flags name, with the variables of this call on top.
fn open(global: &GlobalArgs, vars: &[(String, String)]) -> Result<Project> {
    let vars = vars
        .iter()
        .map(|(name, value)| (setting_of(name), value.clone()));
    Project::open(&Overrides {
        project: global.project.clone(),
        snapshot: global.snapshot.clone(),
        settings: global.settings.iter().cloned().chain(vars).collect(),
    })
}

/// The setting that a variable is: one of attrib's own, or else one of the project's `[vars]`.
fn setting_of(variable: &str) -> String {
    if is_setting(variable) || variable.starts_with("vars.") {
        variable.to_owned()
    } else {
        format!("vars.{variable}")
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn flags_are_declared_without_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_go_before_and_after_the_command() {
        let cli = parse("attrib --json run --project shop -vv --set timezone=UTC").unwrap();
        assert!(cli.global.json);
        assert_eq!(cli.global.verbose, 2);
        assert_eq!(cli.global.project.unwrap().to_str(), Some("shop"));
        assert_eq!(
            cli.global.settings,
            [("timezone".to_owned(), "UTC".to_owned())]
        );
    }

    #[test]
    fn a_selection_takes_several_models_and_variables_repeat() {
        let cli = parse("attrib run -s +a tag:x --exclude b --vars p=1 --vars q=2").unwrap();
        let Command::Run(args) = cli.command else {
            panic!("not a run")
        };
        assert_eq!(args.selection.select, ["+a", "tag:x"]);
        assert_eq!(args.selection.exclude, ["b"]);
        assert_eq!(args.vars.vars.len(), 2);
    }

    #[test]
    fn a_variable_is_a_setting_or_the_project_s_own() {
        assert_eq!(setting_of("lookback_days"), "lookback_days");
        assert_eq!(setting_of("discount"), "vars.discount");
        assert_eq!(setting_of("vars.discount"), "vars.discount");
    }

    #[test]
    fn fixtures_need_no_folder() {
        let fixtures = |line| match parse(line).unwrap().command {
            Command::Test(args) => args.fixtures,
            _ => panic!("not a test"),
        };
        assert_eq!(fixtures("attrib test"), None);
        assert_eq!(fixtures("attrib test --fixtures"), Some("fixtures".into()));
        assert_eq!(fixtures("attrib test --fixtures x/y"), Some("x/y".into()));
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(parse("attrib query select -f file.sql").is_err());
        assert!(parse("attrib -q -v run").is_err());
        assert!(parse("attrib ingest").is_err());
        assert!(parse("attrib run --vars lookback_days").is_err());
    }

    #[test]
    fn every_command_has_help_with_an_example() {
        for command in Cli::command().get_subcommands() {
            assert!(
                command.get_about().is_some(),
                "{} has no help",
                command.get_name()
            );
            assert!(
                command.get_after_help().is_some(),
                "{} has no example",
                command.get_name()
            );
        }
    }
}
