//! Local-first marketing attribution on GA4 events: which channels, sources and campaigns
//! earned each conversion, by first and by last click.
//!
//! [`Project`] is the way in, with one method a command of the binary: [`Project::ingest`]
//! reads events into the raw table, [`Project::run`] builds, tests and publishes the models,
//! [`Project::query`] asks the published tables, [`Project::test`] and [`Project::status`]
//! look at them. Each answers with a report (plain data, [`report`]) or an [`Error`] that
//! speaks to the user; progress goes to a [`progress::Progress`], and nothing prints.
//!
//! Below it, in the order in which data flows: [`events`] makes rows of files of any shape,
//! [`snapshot`] keeps tables, [`models`] reads SQL and YAML into a graph, [`functions`] are
//! what SQL alone cannot say well, [`engine`] computes what changed. [`config`] is what the
//! project wants. `docs/architecture.md` has a section for each.
//!
//! # Example
//!
//! Three purchases, each with a path of its own, to the channels of the last click. Ingesting
//! needs a runtime with more than one thread, tokio's default.
//!
//! ```
//! use std::sync::Arc;
//!
//! use attrib::Project;
//! use attrib::clock::SystemClock;
//! use attrib::config::Config;
//! use attrib::project::{IngestOptions, QueryOptions, RunOptions, Silent};
//! use futures::TryStreamExt;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let folder = tempfile::tempdir()?;
//! let config = Config::load(Some(folder.path()), [], &[])?;
//! let project = Project::with(config, Arc::new(SystemClock))?;
//!
//! let events = ["fixtures/tiny/ties/events.csv".to_string()];
//! let report = project.ingest(&events, &IngestOptions::default(), &Silent).await?;
//! assert_eq!(report.rows_kept, 9);
//!
//! let report = project.run(&RunOptions::default(), &Silent).await?;
//! assert!(report.published);
//!
//! let sql = "select channel, conversions from mart_attribution_last_click order by channel";
//! let (_schema, rows) = project.query(sql, &QueryOptions::default()).await?;
//! let batches: Vec<_> = rows.try_collect().await?;
//! assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3);
//! # Ok(())
//! # })
//! # }
//! ```

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
