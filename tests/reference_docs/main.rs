//! The reference in `docs/reference/`, rendered from the code. A file that is not fresh
//! fails; `UPDATE_EXPECT=1 cargo test --release --test reference_docs` writes it anew.

mod cli;
mod config;
mod functions;
mod raw_columns;
mod tables;

use std::fs;
use std::path::Path;

const NOTE: &str = "<!-- Rendered from the code by tests/reference_docs: do not edit. -->";

/// Compares `docs/reference/<name>` with what the code says, or writes it.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/reference")
        .join(name);
    let (title, rest) = text.split_once('\n').expect("a page has a title and more");
    let fresh = format!("{title}\n\n{NOTE}\n{}\n", rest.trim_end());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, fresh).unwrap();
        return;
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    let pairs = fresh.lines().zip(stored.lines());
    let line = pairs.take_while(|(fresh, stored)| fresh == stored).count();
    assert!(
        fresh == stored,
        "docs/reference/{name} is not what the code says, from line {}:\n  it says:  {:?}\n  \
         the code: {:?}\nUPDATE_EXPECT=1 cargo test --release --test reference_docs writes it",
        line + 1,
        stored.lines().nth(line).unwrap_or_default(),
        fresh.lines().nth(line).unwrap_or_default(),
    );
}

/// Text in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn the_command_line_is_up_to_date() {
    check("cli.md", &cli::page());
}

#[test]
fn the_settings_are_up_to_date() {
    check("config.md", &config::page());
}

#[test]
fn the_functions_are_up_to_date() {
    check("functions.md", &functions::page());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_up_to_date() {
    check("tables.md", &tables::page().await);
}
