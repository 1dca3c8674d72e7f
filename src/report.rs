//! What each command has to say when it is done: plain data, serialised as it stands by
//! `--json` and printed by the command line. Nothing here prints or computes.
//!
//! Times are UTC (RFC 3339 in JSON), durations are seconds, sizes are bytes, dates are
//! `YYYY-MM-DD`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

/// `attrib ingest`: one transaction.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct IngestReport {
    pub files: Vec<FileReport>,
    /// Rows read: kept + duplicate + rejected.
    pub rows_read: u64,
    /// Rows new to the snapshot.
    pub rows_kept: u64,
    /// Rows that the snapshot, or an earlier row of this call, already had.
    pub rows_duplicate: u64,
    /// Stored rows that a later version of the same `event_id` of the source replaced.
    /// Their successors count as kept.
    pub rows_replaced: u64,
    pub rows_rejected: u64,
    /// Rejected rows by reason.
    pub rejected: BTreeMap<String, Rejected>,
    /// Where the rejected rows went, if there were any.
    pub rejects_file: Option<String>,
    /// Rows read with an amount of money that is no number, such as `12,50`: 0 in the models.
    pub rows_with_unreadable_money: u64,
    /// UTC days whose partition changed.
    pub days_touched: Vec<NaiveDate>,
    /// The version of the raw table afterwards; none if nothing was ever kept.
    pub version: Option<u64>,
    pub bytes_read: u64,
    pub seconds: f64,
}

/// Rows rejected for one reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rejected {
    pub rows: u64,
    /// Where the first of them is, and what is wrong with it.
    pub file: String,
    pub line: u64,
    pub detail: String,
}

/// One file of an ingest.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FileReport {
    pub name: String,
    /// `ga4_parquet`, `ga4_ndjson`, `flat_csv`, `flat_ndjson` or `measurement_protocol`.
    pub format: String,
    pub rows_read: u64,
    pub rows_rejected: u64,
    /// Rows by the unit that their `event_timestamp` was found to be in: `us`, `ms`, `s`,
    /// `rfc3339`.
    pub timestamp_units: BTreeMap<String, u64>,
    /// Columns of the file that are no known field and became event params.
    pub param_columns: Vec<String>,
    pub bytes_read: u64,
}

/// Why a table was, or would be, rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Reason {
    /// The table was never built.
    New,
    /// `--full-refresh`.
    FullRefresh,
    /// The model's SQL, its YAML, a function's version or a variable changed.
    ModelChanged,
    /// A table that it reads changed.
    UpstreamChanged { upstream: Vec<String> },
    /// Nothing that it reads changed.
    UpToDate,
}

/// `attrib run`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// The publication that readers see now; none if nothing was published.
    pub run_id: Option<u64>,
    pub models: Vec<ModelReport>,
    /// The audit, before anything was published.
    pub tests: Vec<TestReport>,
    /// Whether readers see the new versions.
    pub published: bool,
    pub seconds: f64,
}

/// One model of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelReport {
    pub name: String,
    /// `table` or `view`.
    pub materialized: String,
    pub reason: Reason,
    /// Rows written.
    pub rows: u64,
    /// Partitions rewritten; none for a table without partitions.
    pub partitions: Option<u64>,
    /// Whether it was computed anew and came out with the rows that it had: nothing was
    /// written then.
    pub unchanged: bool,
    pub seconds: f64,
    /// What its queries did, from the last step to the first; with `--profile` only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<OperatorReport>,
}

/// One operator of a query plan, over all threads and slices.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperatorReport {
    /// As DataFusion calls it, or `write`.
    pub name: String,
    /// How many operators take its rows on, one after the other.
    pub depth: usize,
    /// Rows handed on.
    pub rows: u64,
    /// Bytes read from files, compressed as they are.
    pub bytes_scanned: u64,
    /// Time at work, of all threads.
    pub seconds: f64,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Pass,
    Fail,
    /// It could not be carried out.
    Error,
}

/// One test of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestReport {
    /// e.g. `not_null int_user_sessions.session_key`.
    pub name: String,
    /// The model or table that it is about.
    pub model: String,
    pub outcome: Outcome,
    /// Failing rows.
    pub failures: u64,
    /// What failed, with some of the failing rows as a small table, when it failed.
    pub detail: Option<String>,
    /// A query to look further.
    pub query: Option<String>,
    pub seconds: f64,
}

/// `attrib test`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestRunReport {
    pub tests: Vec<TestReport>,
    pub passed: u64,
    pub failed: u64,
    pub seconds: f64,
}

/// `attrib status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusReport {
    pub location: String,
    pub run_id: Option<u64>,
    pub published_at: Option<DateTime<Utc>>,
    pub tables: Vec<TableStatus>,
    /// What a run would rebuild now.
    pub pending: Vec<PendingModel>,
}

/// One table of the snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableStatus {
    pub name: String,
    /// `raw`, `staging`, `intermediate`, `marts` or the model's folder.
    pub layer: String,
    pub version: u64,
    pub rows: u64,
    pub bytes: u64,
    pub files: u64,
    pub first_date: Option<String>,
    pub last_date: Option<String>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// A model that a run would rebuild.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PendingModel {
    pub name: String,
    pub reason: Reason,
    /// Partitions known to be affected before the run; none where all of the table is, or
    /// where it depends on what comes out upstream.
    pub partitions: Option<u64>,
}

/// `attrib ls`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedModel {
    pub name: String,
    pub layer: String,
    pub materialized: String,
    /// `builtin` or the file in the project.
    pub origin: String,
    pub depends_on: Vec<String>,
    pub tags: Vec<String>,
    pub description: String,
}

/// `attrib compact` and `attrib vacuum`: one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaintenanceReport {
    pub table: String,
    pub files_before: u64,
    pub files_after: u64,
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Files deleted from storage (vacuum).
    pub files_deleted: u64,
}
