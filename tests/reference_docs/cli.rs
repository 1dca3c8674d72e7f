//! `cli.md`: the help of the binary and of each of its commands.

use assert_cmd::Command;

/// The page: an overview, a section per command, exit codes.
pub fn page() -> String {
    let overview = help(&[]);
    let commands = commands(&overview);
    let mut page = String::from("# Command line\n");
    page.push_str(&format!("\n```text\n{}\n```\n", overview.trim_end()));
    for command in &commands {
        let help = without_global_options(&help(&[command]));
        page.push_str(&format!(
            "\n## `attrib {command}`\n\n```text\n{help}\n```\n"
        ));
    }
    page.push_str(EXIT_CODES);
    page
}

const EXIT_CODES: &str = "
## Exit codes

| code | meaning |
| --- | --- |
| 0 | done; `attrib run` and `attrib test`: every test passed |
| 1 | a test failed |
| 2 | a setting, variable or flag says something that cannot be |
| 3 | an input file or a query cannot be read |
| 4 | a model, its YAML or the channel rules are wrong |
| 5 | the tables cannot be read or written |
| 6 | a remote service answered with an error |
| 70 | a bug in attrib |
| 130 | interrupted (Ctrl-C) |
";

/// What `attrib … --help` prints, 100 columns wide.
fn help(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attrib"));
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.to_string_lossy().starts_with("ATTRIB_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .arg("--help")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100");
    let output = command.assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    text.lines()
        .map(|line| line.trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The names below `Commands:`, but for `help`.
fn commands(overview: &str) -> Vec<String> {
    let below = overview
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let names = below
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let is_name = line.starts_with("  ") && !line.starts_with("   ");
            line.split_whitespace()
                .next()
                .filter(|name| is_name && *name != "help")
        });
    names.map(str::to_owned).collect()
}

/// Help of a command without the options that all share and the overview has.
fn without_global_options(help: &str) -> String {
    let Some(start) = help.find("Global options:\n") else {
        return help.to_owned();
    };
    let (before, rest) = help.split_at(start);
    let after = rest.find("\nExamples:\n").map_or("", |at| &rest[at + 1..]);
    format!("{}\n\n{after}", before.trim_end())
        .trim_end()
        .to_owned()
}
