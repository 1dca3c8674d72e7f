//! Changing a table: one commit, all or nothing.
//!
//! A commit is made from the version that its author read. Where another commit came
//! first, the change is carried over to the newer version only if that cannot change what
//! it means: the files that it removes are still there, the layout and the application's
//! transactions are as they were, and, unless the change only rearranges rows, the table
//! contains the same rows as before. In every other case it fails with a conflict.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use deltalake_core::kernel::transaction::{
    CommitBuilder, CommitProperties, TableReference, TransactionError,
};
use deltalake_core::kernel::{Action, Metadata, Transaction};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError, checkpoints};
use serde_json::{Map, Value, json};

use super::datafile::DataFile;
use super::durable::sync_files;
use super::failure::{Conflict, at_path, storage};
use super::schema::Layout;
use super::table::{Table, signatures};
use crate::clock::{Clock as _, SystemClock};
use crate::{Error, Result};

/// Attempts at a commit that other writers' harmless commits keep overtaking.
const ATTEMPTS: usize = 10;

/// A checkpoint is written with every commit whose version + 1 is a multiple of this, as
/// the tables' properties say.
const CHECKPOINT_INTERVAL: u64 = 20;

/// Where a commit's own fields are kept in the log's `commitInfo`.
const INFO_KEY: &str = "attrib";

/// What one commit does to a table.
#[derive(Debug, Clone)]
pub struct Change {
    pub add: Vec<DataFile>,
    pub remove: Vec<DataFile>,
    /// Whether the rows of the table change; false for a compaction, whose files must hold
    /// exactly the rows of those that they replace.
    pub data_change: bool,
    /// What the commit is for, as [`Table::history`] tells it, e.g. `ingest`.
    pub operation: String,
    /// More about it, for its author to find again.
    pub metadata: Map<String, Value>,
    /// The application and the version of its own that this commit takes it to.
    pub transaction: Option<(String, i64)>,
    /// New columns and partitioning; all files of the table must be removed with it.
    pub layout: Option<Layout>,
}

impl Change {
    /// A change of rows that does nothing yet.
    pub fn new(operation: impl Into<String>) -> Self {
        Change {
            add: Vec::new(),
            remove: Vec::new(),
            data_change: true,
            operation: operation.into(),
            metadata: Map::new(),
            transaction: None,
            layout: None,
        }
    }
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    pub version: u64,
    /// When, by the clock of the machine that made it.
    pub timestamp: Option<DateTime<Utc>>,
    /// [`Change::operation`]; `create` for version 0; another writer's word for it.
    pub operation: String,
    pub metadata: Map<String, Value>,
}

impl Table {
    /// Makes the change, and returns the table at the version that has it.
    ///
    /// # Errors
    /// A conflict ([`is_conflict`](super::is_conflict)) if another writer changed the rows,
    /// the files or the layout that the change is based on: nothing is visible of it then,
    /// and the files to add are left for the caller to [discard](Table::discard).
    pub async fn commit(&self, change: Change) -> Result<Table> {
        self.check(&change)?;
        self.make_durable(&change.add)?;
        let mut base = self.clone();
        for _ in 0..ATTEMPTS {
            match base.try_commit(&change).await {
                Ok(table) => return Ok(table),
                Err(e) if lost_race(&e) => {
                    let newer = base.latest().await?;
                    self.carry_over(&newer, &change).await?;
                    base = newer;
                }
                Err(e) => return Err(storage("cannot commit to the table", self.name(), e)),
            }
        }
        Err(self.conflict(format!("{ATTEMPTS} attempts were overtaken")))
    }

    /// On a local disk, waits until the files are on it: the log must not name what a power
    /// cut can take.
    fn make_durable(&self, files: &[DataFile]) -> Result<()> {
        let Some(root) = self.store().folder() else {
            return Ok(());
        };
        let table = root.join(self.name());
        let paths: Vec<_> = files.iter().map(|file| table.join(&file.path)).collect();
        sync_files(&table, &paths).map_err(|e| at_path("cannot write to the disk", &table, e))
    }

    async fn try_commit(&self, change: &Change) -> Result<Table, DeltaTableError> {
        let state = self.delta().snapshot()?;
        let now = SystemClock.now().timestamp_millis();
        let mut actions = Vec::with_capacity(change.add.len() + change.remove.len() + 1);
        if let Some(layout) = &change.layout {
            actions.push(Action::Metadata(with_layout(state.metadata(), layout)?));
        }
        let old = self.partition_by();
        let new = match &change.layout {
            Some(layout) => layout.partition_by.as_deref(),
            None => old,
        };
        let removed = change.remove.iter();
        actions.extend(removed.map(|f| f.to_remove(old, change.data_change, now).into()));
        let added = change.add.iter();
        actions.extend(added.map(|f| f.to_add(new, change.data_change).into()));

        let mut properties = CommitProperties::default()
            // Whether to carry on after a conflict is decided here, see `carry_over`.
            .with_max_retries(0)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false))
            .with_metadata(info(&change.operation, change.metadata.clone()));
        if let Some((app, version)) = &change.transaction {
            properties = properties.with_application_transaction(
                Transaction::new_with_last_update(app, *version, Some(now)),
            );
        }
        let done = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(
                Some(state as &dyn TableReference),
                self.delta().log_store(),
                operation(change, old),
            )
            .await?;
        let mut delta = DeltaTable::new(self.delta().log_store());
        delta.state = Some(done.snapshot());
        if (done.version() + 1).is_multiple_of(CHECKPOINT_INTERVAL) {
            // The commit stands; without a checkpoint, opening the table is slower.
            if let Err(e) = checkpoints::create_checkpoint(&delta, None).await {
                tracing::warn!(table = self.name(), error = %e, "no checkpoint was written");
            }
        }
        Table::new(self.store().clone(), self.name(), delta)
            .map_err(|e| DeltaTableError::GenericError { source: e.into() })
    }

    /// Refuses a change that contradicts itself.
    fn check(&self, change: &Change) -> Result<()> {
        let wrong = |what: &str| {
            Err(Error::internal(what)
                .with("table", self.name())
                .with("operation", &change.operation))
        };
        if !change.data_change && signatures(&change.add) != signatures(&change.remove) {
            return wrong("a compaction would change the rows of the table");
        }
        if change.layout.is_some() && change.remove.len() != self.files().len() {
            return wrong("a new layout keeps files of the old one");
        }
        let files: BTreeSet<&str> = self.files().iter().map(|f| f.path.as_str()).collect();
        if !change
            .remove
            .iter()
            .all(|f| files.contains(f.path.as_str()))
        {
            return wrong("a file to remove is not in the table");
        }
        Ok(())
    }

    /// Whether `change`, made from this version, means the same on top of `newer`.
    async fn carry_over(&self, newer: &Table, change: &Change) -> Result<()> {
        if newer.layout() != self.layout() || change.layout.is_some() {
            return Err(self.conflict("the columns changed".to_owned()));
        }
        let files: BTreeSet<&str> = newer.files().iter().map(|f| f.path.as_str()).collect();
        if !change
            .remove
            .iter()
            .all(|f| files.contains(f.path.as_str()))
        {
            return Err(self.conflict("a file to replace was replaced already".to_owned()));
        }
        if change.data_change && newer.partitions() != self.partitions() {
            return Err(self.conflict(format!("version {} has other rows", newer.version())));
        }
        if let Some((app, _)) = &change.transaction
            && newer.transaction_version(app).await? != self.transaction_version(app).await?
        {
            return Err(self.conflict(format!("{app} committed in the meantime")));
        }
        Ok(())
    }

    fn conflict(&self, reason: String) -> Error {
        Conflict {
            table: self.name().to_owned(),
            base: self.version(),
            reason,
        }
        .into_error()
    }

    /// The commits up to this version, the newest first, at most `limit` of them and as
    /// far back as the log goes.
    pub async fn history(&self, limit: usize) -> Result<Vec<Commit>> {
        let log = self.delta().log_store();
        let mut commits = Vec::new();
        for version in (0..=self.version()).rev().take(limit) {
            let entry = log
                .read_commit_entry(version)
                .await
                .map_err(|e| storage("cannot read the table's history", self.name(), e))?;
            let Some(entry) = entry else { break };
            commits.push(commit_in(version, &entry));
        }
        Ok(commits)
    }
}

/// Reads a commit's description from its log entry, one JSON object a line.
fn commit_in(version: u64, entry: &[u8]) -> Commit {
    let lines = entry.split(|byte| *byte == b'\n');
    let mut info = lines
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|mut action| action.get_mut("commitInfo").map(Value::take))
        .unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let operation = text(&info[INFO_KEY]["operation"]).or_else(|| text(&info["operation"]));
    let own = info.get_mut(INFO_KEY);
    let metadata = match own.and_then(|own| own.get_mut("metadata")).map(Value::take) {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    Commit {
        version,
        timestamp: info["timestamp"]
            .as_i64()
            .and_then(DateTime::from_timestamp_millis),
        operation: operation.unwrap_or_default(),
        metadata,
    }
}

fn info(operation: &str, metadata: Map<String, Value>) -> HashMap<String, Value> {
    let own = json!({ "operation": operation, "metadata": metadata });
    HashMap::from([(INFO_KEY.to_owned(), own)])
}

/// The description of the commit that creates a table.
pub(super) fn created() -> HashMap<String, Value> {
    info("create", Map::new())
}

/// Whether a commit failed because its version exists.
pub(super) fn lost_race(error: &DeltaTableError) -> bool {
    match error {
        DeltaTableError::VersionAlreadyExists(_) => true,
        DeltaTableError::Transaction { source } => matches!(
            source,
            TransactionError::VersionAlreadyExists(_)
                | TransactionError::MaxCommitAttempts(_)
                | TransactionError::CommitConflict(_)
        ),
        _ => false,
    }
}

/// The nearest word that Delta has for the change.
fn operation(change: &Change, partition_by: Option<&str>) -> DeltaOperation {
    if !change.data_change {
        return DeltaOperation::Optimize {
            predicate: None,
            target_size: 0,
        };
    }
    DeltaOperation::Write {
        mode: match change.remove.is_empty() {
            true => SaveMode::Append,
            false => SaveMode::Overwrite,
        },
        partition_by: partition_by.map(|column| vec![column.to_owned()]),
        predicate: None,
    }
}

/// The table's metadata with other columns. The crate can only build them as JSON.
fn with_layout(metadata: &Metadata, layout: &Layout) -> Result<Metadata, DeltaTableError> {
    let schema = layout
        .delta_schema()
        .map_err(|e| DeltaTableError::GenericError { source: e.into() })?;
    let mut value = serde_json::to_value(metadata)?;
    value["schemaString"] = serde_json::to_string(&schema)?.into();
    value["partitionColumns"] = layout.partition_by.iter().cloned().collect();
    Ok(serde_json::from_value(value)?)
}

#[cfg(test)]
mod tests;
