//! How an error reads: what happened, where, the lines it points at, why, and the way
//! out; or all of that as one JSON object.

use attrib::Error;
use serde_json::{Map, Value, json};

use super::Style;

/// The error for a person, several lines.
pub fn text(error: &Error, style: Style) -> String {
    let mut lines = vec![format!("{}: {}", style.bad("error"), error.message())];
    for (place, value) in error.context() {
        lines.push(format!("  {} {value}", style.dim(format_args!("{place}:"))));
    }
    if let Some(snippet) = error.snippet_text() {
        lines.push(snippet.trim_end().to_owned());
    }
    for cause in causes(error) {
        let label = style.dim("caused by:");
        lines.push(format!("  {label} {}", cause.replace('\n', "\n    ")));
    }
    if let Some(hint) = error.hint_text() {
        lines.push(format!("{}: {hint}", style.hint("hint")));
    }
    lines.join("\n")
}

/// The error for a program: one line.
pub fn json(error: &Error) -> String {
    let places: Map<String, Value> = error
        .context()
        .iter()
        .map(|(place, value)| ((*place).to_owned(), Value::from(value.as_str())))
        .collect();
    json!({
        "error": {
            "kind": error.kind(),
            "exit_code": error.kind().exit_code(),
            "message": error.message(),
            "context": places,
            "snippet": error.snippet_text(),
            "causes": causes(error),
            "hint": error.hint_text(),
        }
    })
    .to_string()
}

/// The chain of causes, outermost first, without those that the one before quotes.
fn causes(error: &Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let text = match cause.downcast_ref::<Error>() {
            Some(own) => sentence(own),
            None => cause.to_string(),
        };
        let quoted = causes.last().is_some_and(|before| before.contains(&text));
        if !text.is_empty() && !quoted {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

/// An error of ours as a cause: its sentence and places, without its own causes.
fn sentence(error: &Error) -> String {
    let places: Vec<String> = error
        .context()
        .iter()
        .map(|(place, value)| format!("{place}: {value}"))
        .collect();
    if places.is_empty() {
        error.message().to_owned()
    } else {
        format!("{} ({})", error.message(), places.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Error {
        let inner = Error::storage("cannot read the log")
            .with("table", "stg_ga4_events")
            .caused_by(std::io::Error::other("disk on fire"));
        Error::model("unknown column `chanel`")
            .with("file", "queries/marts/a.sql")
            .with("line", 3)
            .snippet("3 | select chanel\n  |        ^^^^^^\n")
            .hint("did you mean `channel`?")
            .caused_by(inner)
    }

    #[test]
    fn reads_what_where_why_and_the_way_out() {
        assert_eq!(
            text(&example(), Style::PLAIN),
            "\
error: unknown column `chanel`
  file: queries/marts/a.sql
  line: 3
3 | select chanel
  |        ^^^^^^
  caused by: cannot read the log (table: stg_ga4_events)
  caused by: disk on fire
hint: did you mean `channel`?"
        );
    }

    #[test]
    fn a_cause_that_was_quoted_is_not_repeated() {
        #[derive(Debug)]
        struct Outer(std::io::Error);
        impl std::fmt::Display for Outer {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "outer: {}", self.0)
            }
        }
        impl std::error::Error for Outer {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::input("bad").caused_by(Outer(std::io::Error::other("inner")));
        assert_eq!(causes(&error), ["outer: inner"]);
    }

    #[test]
    fn json_holds_the_same() {
        let value: Value = serde_json::from_str(&json(&example())).unwrap();
        let error = &value["error"];
        assert_eq!(error["kind"], "model");
        assert_eq!(error["exit_code"], 4);
        assert_eq!(error["context"]["line"], "3");
        assert_eq!(error["causes"][1], "disk on fire");
        assert_eq!(error["hint"], "did you mean `channel`?");
    }
}
