//! `attrib ingest`: events of any shape into the raw table, in one transaction.
//!
//! The readers of [`crate::events`] turn the inputs into rows, which wait in a `spool`:
//! in memory while they are few, on disk when they are many. Then they are sorted (with
//! DataFusion's spilling sort) into the order of the raw table's files, the duplicates
//! among them and those that the table has already are dropped, and what is new is written
//! and committed at once. Memory is bounded by the configured limit, not by the input.

mod dedup;
mod explicit;
mod inputs;
mod rejects;
mod spool;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::record_batch::RecordBatch;

use self::inputs::Input;
use self::rejects::Rejects;
use self::spool::Spool;
use super::Engine;
use super::write::Order;
use crate::events::{
    self, Fields, Format, PARTITION_COLUMN, RAW_TABLE, ReadOptions, Reject, Sink,
};
use crate::progress::Progress;
use crate::report::IngestReport;
use crate::snapshot::{Change, Layout, Table};
use crate::{Error, Result};

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct IngestOptions {
    /// The shape of all inputs; told from their content, if none is given.
    pub format: Option<Format>,
    /// Fail on the first row that cannot be used.
    pub strict: bool,
    /// Where to read which field; the names that GA4 extracts use, if empty.
    pub fields: Fields,
    /// Where rejected rows are written to.
    pub rejects_folder: PathBuf,
}

/// Rows read at once.
const BATCH_ROWS: usize = 8192;

/// The raw table's columns and partitions.
pub(crate) fn raw_layout() -> Result<Layout> {
    Layout::new(&events::schema(), Some(PARTITION_COLUMN))
}

/// The order of the rows in the raw table's files.
pub(crate) fn raw_order() -> Order {
    Order {
        sort_by: events::SORT_COLUMNS
            .iter()
            .map(|name| name.to_string())
            .collect(),
        checksum_columns: Some(vec!["event_id".to_string(), "content_hash".to_string()]),
    }
}

/// What has been read so far.
struct Reading<'a> {
    plain: Spool,
    /// Rows that carry the source's own `event_id`.
    explicit: Spool,
    rejects: Rejects,
    progress: &'a dyn Progress,
    rows: u64,
    bytes_before: u64,
}

impl Sink for Reading<'_> {
    fn batch(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.progress.rows(self.rows);
        let (plain, explicit) = explicit::split(&batch)?;
        self.plain.push(plain)?;
        self.explicit.push(explicit)
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejects.push(&reject)
    }

    fn progress(&mut self, bytes_read: u64) {
        self.progress.bytes(self.bytes_before + bytes_read);
    }
}

/// Reads `inputs` (files, folders, globs, `-`, URLs) and commits the events that are new.
///
/// # Errors
/// An input that is not there or is not what it must be, a rejected row with `strict`, a
/// snapshot that cannot be written, another writer at work. Nothing is committed then.
pub async fn ingest(
    engine: &Engine,
    inputs: &[String],
    options: &IngestOptions,
    progress: &dyn Progress,
) -> Result<IngestReport> {
    let started = Instant::now();
    let inputs = inputs::resolve(inputs).await?;
    let _lock = engine.store.lock("ingest")?;
    let total: Option<u64> = inputs.iter().map(|input| input.size).sum();
    progress.start(total);
    let mut report = IngestReport::default();
    let reading =
        tokio::task::block_in_place(|| read(&inputs, options, progress, &mut report))?;
    report.bytes_read = report.files.iter().map(|file| file.bytes_read).sum();
    report.rows_read = report.files.iter().map(|file| file.rows_read).sum();
    report.rows_rejected = report.files.iter().map(|file| file.rows_rejected).sum();
    let Reading {
        plain,
        explicit,
        rejects,
        ..
    } = reading;

    progress.stage("writing");
    let raw = engine.store.table(RAW_TABLE).await?;
    commit(engine, raw, plain, explicit, &mut report).await?;
    (report.rejects_file, report.rejected) = rejects.finish()?;
    report.rows_duplicate = report
        .rows_read
        .saturating_sub(report.rows_rejected + report.rows_kept);
    report.seconds = started.elapsed().as_secs_f64();
    progress.finish();
    Ok(report)
}

fn read<'a>(
    inputs: &[Input],
    options: &IngestOptions,
    progress: &'a dyn Progress,
    report: &mut IngestReport,
) -> Result<Reading<'a>> {
    let mut reading = Reading {
        plain: Spool::new(events::schema()),
        explicit: Spool::new(events::schema()),
        rejects: Rejects::new(&options.rejects_folder),
        progress,
        rows: 0,
        bytes_before: 0,
    };
    let read_options = ReadOptions {
        format: options.format,
        fields: options.fields.clone(),
        batch_rows: BATCH_ROWS,
        strict: options.strict,
    };
    for input in inputs {
        let file = events::read(&input.name, input.open()?, &read_options, &mut reading)?;
        reading.bytes_before += input.size.unwrap_or(file.bytes_read);
        report.files.push(file);
    }
    Ok(reading)
}

async fn commit(
    engine: &Engine,
    raw: Option<Table>,
    mut plain: Spool,
    explicit: Spool,
    report: &mut IngestReport,
) -> Result<()> {
    // Also where nothing could be used: the report is then on an empty table.
    let raw = match raw {
        Some(raw) => raw,
        None => {
            engine
                .store
                .create(RAW_TABLE, &events::schema(), Some(PARTITION_COLUMN))
                .await?
        }
    };
    let context = Spool::session(engine)?;
    let mut explicit = explicit::resolve(engine, &raw, explicit).await?;
    let plain = plain.frame(&context).await?;
    let frame = plain
        .union(explicit.rows.frame(&context).await?)
        .map_err(|e| Error::internal("cannot join the rows read").caused_by(e))?;
    let new = dedup::write_new(engine, &raw, frame).await?;
    report.rows_kept = new.rows();
    report.rows_replaced = explicit.replaced.len() as u64;

    let mut add = new.all();
    let mut remove = Vec::new();
    if !explicit.replaced.is_empty() {
        let rewritten = explicit::without(engine, &raw, &explicit.replaced).await?;
        add.extend(rewritten.add);
        remove = rewritten.remove;
    }
    let days: BTreeSet<_> = add
        .iter()
        .chain(&remove)
        .filter_map(|file| file.partition.as_deref()?.parse().ok())
        .collect();
    report.days_touched = days.into_iter().collect();
    if add.is_empty() && remove.is_empty() {
        report.version = Some(raw.version());
        return Ok(());
    }
    let mut metadata = serde_json::Map::new();
    metadata.insert("rows_kept".to_string(), report.rows_kept.into());
    let change = Change {
        add,
        remove,
        metadata,
        ..Change::new("ingest")
    };
    let table = raw.commit(change).await?;
    report.version = Some(table.version());
    Ok(())
}

/// A folder for rejected rows beside a local snapshot, or in the working directory.
pub fn rejects_folder(snapshot: Option<&Path>) -> PathBuf {
    snapshot.map_or_else(
        || PathBuf::from("rejects"),
        |folder| folder.join("_rejects"),
    )
}
