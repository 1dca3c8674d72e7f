//! DataFusion's errors in the user's words: which model or query, which line and column,
//! what was meant.

use datafusion::error::DataFusionError;

use crate::models::snippet;
use crate::{Error, ErrorKind};

/// A piece of SQL and where it stands, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// `model` or `query`.
    pub what: &'static str,
    pub name: &'a str,
    /// The file as shown to the user.
    pub path: &'a str,
    pub sql: &'a str,
    pub kind: ErrorKind,
}

impl<'a> Origin<'a> {
    /// SQL that the user typed.
    pub fn query(sql: &'a str) -> Self {
        Origin { what: "query", name: "", path: "query", sql, kind: ErrorKind::Input }
    }
}

/// A query could not be planned: points at the place in its text.
pub fn planning(origin: Origin<'_>, error: DataFusionError) -> Error {
    let (message, span, hint) = describe(&error);
    let mut out = Error::new(origin.kind, message);
    if !origin.name.is_empty() {
        out = out.with(origin.what, origin.name);
    }
    match span {
        Some((line, start, end)) => {
            if origin.path != "query" {
                out = out.with("file", format!("{}:{line}:{start}", origin.path));
            }
            out = out.snippet(snippet::draw(
                origin.path,
                origin.sql,
                line,
                start,
                end,
                "here",
            ));
        }
        None if origin.path != "query" => out = out.with("file", origin.path),
        None => {}
    }
    match hint {
        Some(hint) => out.hint(hint),
        None => out,
    }
}

/// A plan failed while it ran.
pub fn failed(name: &str, error: DataFusionError) -> Error {
    let root = error.find_root();
    match root {
        DataFusionError::ResourcesExhausted(text) => {
            Error::storage(format!("not enough room to compute: {}", first_line(text)))
                .with("table", name)
                .hint("raise memory_limit in attrib.toml, or free space in the temporary folder")
        }
        DataFusionError::IoError(e) => {
            Error::storage(format!("cannot read or write: {e}")).with("table", name)
        }
        DataFusionError::ObjectStore(e) => {
            Error::storage(format!("cannot read the snapshot: {e}")).with("table", name)
        }
        other => Error::model(describe(other).0).with("table", name),
    }
}

type Span = (usize, usize, usize);

/// Message, place (line, first column, last column; all from 1) and way out.
fn describe(error: &DataFusionError) -> (String, Option<Span>, Option<String>) {
    let root = error.find_root();
    if let DataFusionError::SQL(parser, _) = root {
        let text = parser.to_string();
        let text = text.strip_prefix("sql parser error: ").unwrap_or(&text);
        let (message, line, column) = snippet::parser_position(text);
        return match (line, column) {
            (Some(line), Some(column)) => (message, Some((line, column, column)), None),
            _ => (message, None, None),
        };
    }
    let mut hint = None;
    let mut span = None;
    let mut message = None;
    if let Some(diagnostic) = error.diagnostic() {
        message = Some(diagnostic.message.clone());
        if let Some(found) = diagnostic.span.filter(|span| span.start.line > 0) {
            let start = found.start.column as usize;
            let end = if found.end.line == found.start.line {
                (found.end.column as usize).max(start)
            } else {
                start
            };
            span = Some((found.start.line as usize, start, end));
        }
        let helps: Vec<&str> = diagnostic
            .notes
            .iter()
            .map(|note| note.message.as_str())
            .chain(diagnostic.helps.iter().map(|help| help.message.as_str()))
            .collect();
        if !helps.is_empty() {
            hint = Some(helps.join("; "));
        }
    }
    let message = message.unwrap_or_else(|| plain(root));
    (message, span, hint)
}

/// The text without DataFusion's prefixes and backtraces.
fn plain(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let mut text = text.as_str();
    for prefix in [
        "Error during planning: ",
        "Schema error: ",
        "Execution error: ",
        "Invalid argument error: ",
        "Arrow error: ",
        "Optimizer rule",
    ] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    let mut chars = first_line(text).chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "the query failed".to_string(),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text).trim()
}
