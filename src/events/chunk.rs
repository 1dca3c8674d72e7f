//! A part of a file that can be read apart from the rest, by any thread.

use super::detect::Format;
use super::output::Output;
use crate::Result;

/// Whole records of one file, cut out and not yet looked into.
pub(crate) trait Chunk: Send {
    /// Turns its records into rows and rejects.
    ///
    /// # Errors
    /// What spoils the whole file; with `strict` also a record that cannot be used.
    fn read(&self, output: &mut Output<'_>) -> Result<()>;
}

/// A file, opened: the cheap part of reading it, which goes from front to back.
pub(crate) trait Chunks {
    fn format(&self) -> Format;

    /// Columns that are event params, as far as the head of the file tells.
    fn param_columns(&self) -> Vec<String> {
        Vec::new()
    }

    /// The next chunk, in the order of the file; `name` is the file's, for messages.
    fn next(&mut self, name: &str) -> Result<Option<Box<dyn Chunk>>>;
}
