//! The flags that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The project: the folder that holds attrib.toml
    ///
    /// Without it, the current folder and then its parents are searched; with no project
    /// anywhere the built-in models and settings are used.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "ATTRIB_PROJECT",
        hide_env_values = true
    )]
    pub project: Option<PathBuf>,

    /// Where the tables are kept: a folder, or a gs:// or s3:// location
    #[arg(
        long,
        global = true,
        value_name = "LOCATION",
        env = "ATTRIB_SNAPSHOT",
        hide_env_values = true
    )]
    pub snapshot: Option<String>,

    /// Print the report as JSON on standard output, and errors as JSON on standard error
    #[arg(long, global = true)]
    pub json: bool,

    /// Print errors and asked-for data, nothing else
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more of what happens: -v, -vv, -vvv (ATTRIB_LOG filters in detail)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// When to use colours; NO_COLOR=1 turns them off too
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub color: ColorWhen,

    /// Overrides one setting of attrib.toml
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value, hide = true)]
    pub settings: Vec<(String, String)>,
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal
    #[default]
    Auto,
    Always,
    Never,
}

/// Variables of models and queries.
#[derive(Debug, Clone, Default, Args)]
pub struct VarsArgs {
    /// Set a variable that models read as $KEY, for this call; may be repeated
    #[arg(long = "vars", value_name = "KEY=VALUE", value_parser = key_value)]
    pub vars: Vec<(String, String)>,
}

/// Which models a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectArgs {
    /// Only these models: NAME, +NAME (and all it reads), NAME+ (and all that read it),
    /// tag:TAG, path:FOLDER; several are united, a comma between two intersects them
    #[arg(short, long, value_name = "MODELS", num_args = 1..)]
    pub select: Vec<String>,

    /// All but these models, in the same notation
    #[arg(long, value_name = "MODELS", num_args = 1..)]
    pub exclude: Vec<String>,
}

/// Reads `KEY=VALUE`; the value may be empty and may hold further `=`.
fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE, for example lookback_days=30".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_a_key_and_a_value() {
        assert_eq!(key_value("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(key_value(" a = "), Ok(("a".into(), "".into())));
        assert!(key_value("a").is_err());
        assert!(key_value("=1").is_err());
    }
}
