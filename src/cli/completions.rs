//! `attrib completions`: what a shell needs to complete commands and flags.

use attrib::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::print::Printer;

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib completions bash > ~/.local/share/bash-completion/completions/attrib
  attrib completions zsh > ~/.zfunc/_attrib
  attrib completions fish > ~/.config/fish/completions/attrib.fish")]
pub struct CompletionsArgs {
    #[arg(value_enum)]
    pub shell: Shell,
}

pub fn run(args: &CompletionsArgs, printer: &Printer) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "attrib", &mut script);
    printer.text(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_knows_the_commands() {
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Cli::command(), "attrib", &mut script);
        assert!(String::from_utf8(script).unwrap().contains("ingest"));
    }
}
