//! What a long command tells while it works: implemented by the command line's bars and
//! lines, and by nothing at all.

use crate::report::{ModelReport, TestReport};

/// Watches a command at work. Calls come from any thread.
pub trait Progress: Send + Sync {
    /// Reading starts; `total_bytes` where the size of the sources is known.
    fn start(&self, _total_bytes: Option<u64>) {}
    /// Bytes of the sources read so far (of compressed sources, compressed bytes).
    fn bytes(&self, _done: u64) {}
    /// Rows read so far.
    fn rows(&self, _done: u64) {}
    /// A model is done.
    fn model(&self, _report: &ModelReport) {}
    /// A test is done.
    fn test(&self, _report: &TestReport) {}
    /// What is being done now, in a few words.
    fn stage(&self, _text: &str) {}
    /// Whether the user wants no more of it: the command then ends as soon as it can, with an
    /// error, and keeps nothing of what it did.
    fn is_cancelled(&self) -> bool {
        false
    }
    /// The work is over; what was drawn can go.
    fn finish(&self) {}
}

/// Watches and says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}
