//! `config.md`: every setting with its default, from the file of defaults, and what of it
//! SQL sees as `$name`.

use std::path::Path;

use attrib::config::{Config, DEFAULT_TOML, Parameter};

use crate::cell;

const INTRODUCTION: &str = "# Settings

A setting is taken from the first of these that has it:

1. a flag, where there is one (`--snapshot`, `--vars`);
2. the environment: the key in capitals after `ATTRIB_`, with `_` for a dot
   (`ATTRIB_TIMEZONE`, `ATTRIB_SNAPSHOT_PATH`; a list with commas:
   `ATTRIB_CONVERSION_EVENTS=purchase,generate_lead`);
3. `attrib.toml` in the project's folder, the nearest from the working directory upwards;
4. the defaults below.

A key that nobody knows is refused, with the nearest known one. Keys without a section stand
at the top of the file, before the first `[section]`.
";

pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut comment: Vec<&str> = Vec::new();
    let mut section = "";
    let mut lines = DEFAULT_TOML.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.strip_prefix(' ').unwrap_or(text));
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            page.push_str(&format!("\n## `[{section}]`\n{}", prose(&comment)));
            comment.clear();
        } else if let Some((key, _)) = line.split_once(" = ") {
            let mut default = line.to_owned();
            while default.contains('[') && !default.trim_end().ends_with(']') {
                let more = lines.next().expect("a list ends");
                default = format!("{default}\n{more}");
            }
            let path = if section.is_empty() {
                key.to_owned()
            } else {
                format!("{section}.{key}")
            };
            page.push_str(&format!(
                "\n### `{path}`\n{}\n```toml\n{default}\n```\n",
                prose(&comment)
            ));
            comment.clear();
        } else {
            comment.clear();
        }
    }
    page.push_str(&parameters());
    page
}

/// A comment as Markdown: paragraphs, and what is indented in it as code.
fn prose(comment: &[&str]) -> String {
    let mut text = String::new();
    let mut is_code = false;
    for line in comment {
        if line.starts_with("  ") != is_code {
            text.push_str(if is_code { "```\n" } else { "\n```text\n" });
            is_code = !is_code;
        } else if text.is_empty() {
            text.push('\n');
        }
        text.push_str(line.strip_prefix("  ").unwrap_or(line));
        text.push('\n');
    }
    if is_code {
        text.push_str("```\n");
    }
    text
}

fn parameters() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::load(Some(root), [], &[]).expect("the defaults are valid");
    let mut text = String::from(
        "\n## What SQL sees\n\nModels, tests and queries use these as `$name`, besides each \
         `[vars]`.\n\n| name | type | default |\n| --- | --- | --- |\n",
    );
    for (name, value) in config.parameters() {
        let (kind, default) = match value {
            Parameter::Bool(value) => ("boolean", value.to_string()),
            Parameter::Int(value) => ("bigint", value.to_string()),
            Parameter::Float(value) => ("double", value.to_string()),
            Parameter::Text(value) => ("text", format!("'{value}'")),
            Parameter::List(items) if items.len() > 3 => {
                ("list of text", format!("{} items, see above", items.len()))
            }
            Parameter::List(items) => ("list of text", format!("['{}']", items.join("', '"))),
        };
        text.push_str(&format!("| `${name}` | {kind} | {} |\n", cell(&default)));
    }
    text
}
