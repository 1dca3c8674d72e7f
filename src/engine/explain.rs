//! DataFusion's errors in the user's words: which model or query, which line and column,
//! what was meant.

use datafusion::error::DataFusionError;

use crate::Error;
use crate::models::{self, Origin, SourceFile};

/// A query that the user typed could not be planned: points at the place in its text.
pub fn query(sql: &str, error: &DataFusionError) -> Error {
    let file = SourceFile {
        origin: Origin::BuiltIn("query".to_string()),
        path: "query".to_string(),
        text: sql.to_string(),
    };
    let explained = models::explain(&file, error);
    let mut out = Error::input(explained.message());
    for (key, value) in explained.context() {
        if matches!(*key, "line" | "column") {
            out = out.with(key, value);
        }
    }
    if let Some(drawn) = explained.snippet_text() {
        out = out.snippet(drawn);
    }
    match explained.hint_text() {
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
                .hint(
                    "raise memory_limit in attrib.toml, or free space in the temporary folder",
                )
        }
        DataFusionError::IoError(e) => {
            Error::storage(format!("cannot read or write: {e}")).with("table", name)
        }
        DataFusionError::ObjectStore(e) => {
            Error::storage(format!("cannot read the snapshot: {e}")).with("table", name)
        }
        other => Error::model(plain(other)).with("table", name),
    }
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
