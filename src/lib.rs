//! Local-first marketing attribution on GA4 events.
pub mod clock;
pub mod config;
pub mod engine;
pub mod error;
pub mod events;
pub mod functions;
pub mod models;
pub mod progress;
pub mod project;
pub mod report;
pub mod snapshot;

pub use error::{Error, ErrorKind, Result};
pub use project::Project;
