//! The one error type: what went wrong, where, and what to do next.
//!
//! Every public function of the library answers with [`Result`]. An [`Error`] carries a
//! [`ErrorKind`], which decides the exit code of the binary, a message for a person, the
//! places it concerns (file, line, column, model, table …) in order, an optional way out,
//! and the error that caused it.

use std::fmt;

/// What kind of thing went wrong. A kind maps to exactly one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// `attrib.toml`, an environment variable or a flag says something that cannot be.
    Config,
    /// An input file or a query of the user cannot be read as what it claims to be.
    Input,
    /// A model's SQL or YAML is wrong.
    Model,
    /// A test of a model failed.
    Test,
    /// The snapshot cannot be read or written.
    Storage,
    /// A remote service answered with an error.
    Remote,
    /// A bug in attrib.
    Internal,
}

impl ErrorKind {
    /// The exit code of the process for this kind. 0 is success; 2 is also what a wrong
    /// flag gives.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Test => 1,
            ErrorKind::Config => 2,
            ErrorKind::Input => 3,
            ErrorKind::Model => 4,
            ErrorKind::Storage => 5,
            ErrorKind::Remote => 6,
            ErrorKind::Internal => 70,
        }
    }
}

/// An error that speaks to the user. Build it with [`Error::new`] or a kind's constructor
/// and add context with [`Error::with`], [`Error::hint`] and [`Error::caused_by`].
pub struct Error {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    snippet: Option<String>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of everything in this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `message` is a sentence without a full stop, in lower case.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            context: Vec::new(),
            snippet: None,
            hint: None,
            source: None,
        }
    }

    pub fn config(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Config, message)
    }

    pub fn input(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Input, message)
    }

    pub fn model(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Model, message)
    }

    pub fn test(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Test, message)
    }

    pub fn storage(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Storage, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Internal, message)
    }

    /// Adds a place: `error.with("file", path)`. Printed in the order added.
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((key, value.to_string()));
        self
    }

    /// Adds the lines of source that the error points at, already drawn (see
    /// [`crate::models::snippet`]).
    pub fn snippet(mut self, drawn: impl Into<String>) -> Self {
        self.snippet = Some(drawn.into());
        self
    }

    /// Adds the way out, printed as a `hint:` line.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the error underneath.
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence, without places, snippet, hint or cause.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The places, in the order they were added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.context
    }

    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub fn snippet_text(&self) -> Option<&str> {
        self.snippet.as_deref()
    }
}

/// The message, then the places in brackets, then the chain of causes: one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (i, (key, value)) in self.context.iter().enumerate() {
            f.write_str(if i == 0 { " (" } else { ", " })?;
            write!(f, "{key}: {value}")?;
        }
        if !self.context.is_empty() {
            f.write_str(")")?;
        }
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            // An `Error` prints its own chain.
            if error.is::<Error>() {
                break;
            }
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|s| s.as_ref() as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_message_places_and_causes_on_one_line() {
        let io = std::io::Error::other("disk on fire");
        let error = Error::storage("cannot write the table")
            .with("table", "raw_ga4_events")
            .with("file", "part-1.parquet")
            .hint("free some space")
            .caused_by(io);
        assert_eq!(
            error.to_string(),
            "cannot write the table (table: raw_ga4_events, file: part-1.parquet): disk on fire"
        );
        assert_eq!(error.kind().exit_code(), 5);
        assert_eq!(error.hint_text(), Some("free some space"));
    }
}
