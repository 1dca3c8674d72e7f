//! The one place that writes to the terminal. Data and reports go to standard output;
//! errors, notes and progress to standard error.

mod error;
mod grid;
pub mod human;
mod progress;
mod style;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use attrib::project::Progress;
use attrib::{Error, ErrorKind, Result};
use serde::Serialize;

pub use grid::Grid;
pub use progress::reason;
pub use style::Style;

use super::args::GlobalArgs;

/// The columns of a terminal that does not tell how many it has.
const UNKNOWN_WIDTH: usize = 80;

/// Prints what a command has to say, the way the global flags ask for it.
#[derive(Debug)]
pub struct Printer {
    json: bool,
    quiet: bool,
    verbose: bool,
    out: Style,
    err: Style,
    /// Set when whoever read standard output stopped reading.
    reader_gone: Arc<AtomicBool>,
}

impl Printer {
    pub fn new(global: &GlobalArgs) -> Self {
        Printer {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose > 0,
            out: Style::of(&io::stdout(), global.color),
            err: Style::of(&io::stderr(), global.color),
            reader_gone: Arc::default(),
        }
    }

    /// Whether a write to standard output failed because nobody reads it any more.
    pub fn reader_is_gone(&self) -> bool {
        self.reader_gone.load(Ordering::Relaxed)
    }

    /// Whether `--json` was given.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether `--quiet` was given.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether standard output is a terminal.
    pub fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// The columns of the terminal; none where standard output is no terminal.
    pub fn width(&self) -> Option<usize> {
        if !self.is_terminal() {
            return None;
        }
        let size = terminal_size::terminal_size_of(io::stdout());
        Some(size.map_or(UNKNOWN_WIDTH, |(width, _)| width.0.into()))
    }

    /// How text on standard output is styled.
    pub fn style(&self) -> Style {
        self.out
    }

    /// How notes on standard error are styled.
    pub fn note_style(&self) -> Style {
        self.err
    }

    /// Standard output for data, buffered and unstyled. Flush it before letting go, or
    /// an error in writing the last bytes is lost.
    pub fn data(&self) -> Box<dyn Write + Send> {
        Box::new(BufWriter::with_capacity(
            64 * 1024,
            Watched {
                inner: io::stdout(),
                reader_gone: Arc::clone(&self.reader_gone),
            },
        ))
    }

    /// Data that was asked for, as it stands, with a line break at its end.
    pub fn text(&self, text: &str) -> Result<()> {
        let mut out = self.data();
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        write!(out, "{text}{end}")
            .and_then(|()| out.flush())
            .map_err(cannot_write)
    }

    /// The report of a command that was asked for information: always printed.
    pub fn answer<T: Serialize + ?Sized>(
        &self,
        report: &T,
        render: impl FnOnce(Style) -> String,
    ) -> Result<()> {
        if self.json {
            self.json(report)
        } else {
            self.text(&render(self.out))
        }
    }

    /// The report of a command that did something: `--quiet` leaves its text out.
    pub fn report<T: Serialize + ?Sized>(
        &self,
        report: &T,
        render: impl FnOnce(Style) -> String,
    ) -> Result<()> {
        if self.quiet && !self.json {
            Ok(())
        } else {
            self.answer(report, render)
        }
    }

    fn json<T: Serialize + ?Sized>(&self, report: &T) -> Result<()> {
        let text = serde_json::to_string_pretty(report)
            .map_err(|e| Error::internal("cannot write the report as JSON").caused_by(e))?;
        self.text(&text)
    }

    /// A remark on standard error, for people only.
    pub fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            complain(text);
        }
    }

    /// An error, on standard error.
    pub fn error(&self, error: &Error) {
        if self.json {
            complain(&error::json(error));
        } else {
            complain(&error::text(error, self.err));
        }
    }

    /// Shows how far a command is: bars on a terminal, lines where there is none, and
    /// nothing with `--quiet` or `--json`.
    pub fn progress(&self) -> Box<dyn Progress> {
        if self.quiet || self.json {
            Box::new(progress::Silent)
        } else if io::stderr().is_terminal() {
            Box::new(progress::Bar::new(self.err, self.verbose))
        } else {
            Box::new(progress::Lines::new(self.err, self.verbose))
        }
    }
}

/// Says that Ctrl-C was understood.
pub fn interrupted() {
    complain("\ninterrupted: what was not finished was not kept");
}

/// Reports that the process could not even start its threads.
pub fn cannot_start(global: &GlobalArgs, cause: io::Error) -> ExitCode {
    let error = Error::new(ErrorKind::Internal, "cannot start the runtime").caused_by(cause);
    Printer::new(global).error(&error);
    ExitCode::from(error.kind().exit_code())
}

/// The error for a failed write to standard output or to a file of the user.
pub fn cannot_write(cause: io::Error) -> Error {
    Error::storage("cannot write the output").caused_by(cause)
}

/// Writes to standard error. Where that fails there is nobody left to tell.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Remembers when the reader of what is written goes away.
struct Watched<W> {
    inner: W,
    reader_gone: Arc<AtomicBool>,
}

impl<W> Watched<W> {
    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.reader_gone.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.watch(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.watch(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_noticed() {
        let gone = Arc::new(AtomicBool::new(false));
        let mut out = Watched {
            inner: Closed,
            reader_gone: Arc::clone(&gone),
        };
        assert!(out.write(b"x").is_err());
        assert!(gone.load(Ordering::Relaxed));
    }
}
