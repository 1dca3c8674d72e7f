//! `attrib ingest`: events of any shape into the raw table, in one transaction.
//!
//! The readers of [`crate::events`] turn the inputs into rows, which wait by their UTC day in
//! buckets (`engine::write`). When they are many, and at the end, each day's rows are sorted
//! into the order of the raw table's files, the duplicates among them and those that the
//! table has already are dropped (`fresh`), and what is new is written. One commit names all
//! new files: until then they are part of nothing. Memory is bounded by the configured limit,
//! not by the input; exports come a day a file, so that most days are written once.
//!
//! Rows that carry an `event_id` of their source wait in a `spool` until all are read,
//! because the latest of one id wins, on whatever day (`explicit`).

mod explicit;
mod fresh;
mod inputs;
mod rejects;
mod spool;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::array::AsArray;
use arrow::compute::or_kleene;
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use tokio::runtime::Handle;

use self::fresh::Fresh;
use self::inputs::Input;
use self::rejects::Rejects;
use self::spool::Spool;
use super::write::Order;
use super::write::buckets::Buckets;
use super::{Engine, explain};
use crate::events::{
    self, Fields, Format, PARTITION_COLUMN, RAW_TABLE, ReadOptions, Reject, Sink,
};
use crate::progress::Progress;
use crate::report::{FileReport, IngestReport};
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
    rows_by_day: Buckets<Fresh>,
    /// Rows that carry the source's own `event_id`.
    explicit: Spool,
    rejects: Rejects,
    progress: &'a dyn Progress,
    runtime: Handle,
    rows: u64,
    rows_with_unreadable_money: u64,
}

impl Sink for Reading<'_> {
    fn batch(&mut self, batch: RecordBatch) -> Result<()> {
        if self.progress.is_cancelled() {
            return Err(Error::internal("the ingest was cancelled"));
        }
        self.rows += batch.num_rows() as u64;
        self.rows_with_unreadable_money += rows_with_unreadable_money(&batch);
        self.progress.rows(self.rows);
        let (plain, explicit) = explicit::split(&batch)?;
        self.explicit.push(explicit)?;
        self.runtime.block_on(self.rows_by_day.push(&plain))
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejects.push(&reject)
    }

    fn progress(&mut self, bytes_read: u64) {
        self.progress.bytes(bytes_read);
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
    progress.start(inputs.iter().map(|input| input.size).sum());
    // Also where nothing can be used: the report is then on an empty table.
    let raw = match engine.store.table(RAW_TABLE).await? {
        Some(raw) => raw,
        None => {
            engine
                .store
                .create(RAW_TABLE, &events::schema(), Some(PARTITION_COLUMN))
                .await?
        }
    };
    let fresh = Fresh {
        engine: engine.clone(),
        raw: raw.clone(),
    };
    let mut reading = Reading {
        rows_by_day: Buckets::new(engine, &raw, raw_layout()?, raw_order(), fresh),
        explicit: Spool::new(events::schema()),
        rejects: Rejects::new(&options.rejects_folder),
        progress,
        runtime: Handle::current(),
        rows: 0,
        rows_with_unreadable_money: 0,
    };
    let mut report = IngestReport::default();
    let threads = engine.config.thread_count();
    let read = tokio::task::block_in_place(|| read(inputs, options, threads, &mut reading));
    let outcome = match read {
        Ok(files) => {
            report.files = files;
            progress.stage("writing");
            commit(engine, &raw, &mut reading, &mut report).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        reading.rows_by_day.discard().await;
        return Err(error);
    }
    report.rows_with_unreadable_money = reading.rows_with_unreadable_money;
    (report.rejects_file, report.rejected) = reading.rejects.finish()?;
    report.bytes_read = report.files.iter().map(|file| file.bytes_read).sum();
    report.rows_read = report.files.iter().map(|file| file.rows_read).sum();
    report.rows_rejected = report.files.iter().map(|file| file.rows_rejected).sum();
    report.rows_duplicate = report
        .rows_read
        .saturating_sub(report.rows_rejected + report.rows_kept);
    report.seconds = started.elapsed().as_secs_f64();
    progress.finish();
    Ok(report)
}

fn read(
    inputs: Vec<Input>,
    options: &IngestOptions,
    threads: usize,
    reading: &mut Reading<'_>,
) -> Result<Vec<FileReport>> {
    let options = ReadOptions {
        format: options.format,
        fields: options.fields.clone(),
        strict: options.strict,
        threads,
        ..ReadOptions::default()
    };
    let inputs = inputs.into_iter().map(|input| -> events::Input<'_> {
        (input.name.clone(), Box::new(move || input.open()))
    });
    events::read(inputs.collect(), &options, reading)
}

async fn commit(
    engine: &Engine,
    raw: &Table,
    reading: &mut Reading<'_>,
    report: &mut IngestReport,
) -> Result<()> {
    let read = std::mem::replace(&mut reading.explicit, Spool::new(events::schema()));
    let mut explicit = explicit::resolve(engine, raw, read).await?;
    let context = Spool::session(engine)?;
    let mut rows = explicit
        .rows
        .frame(&context)
        .await?
        .execute_stream()
        .await
        .map_err(|e| explain::failed(RAW_TABLE, e))?;
    while let Some(batch) = rows
        .try_next()
        .await
        .map_err(|e| explain::failed(RAW_TABLE, e))?
    {
        reading.rows_by_day.push(&batch).await?;
    }
    let mut add = reading.rows_by_day.finish().await?.all();
    report.rows_kept = add.iter().map(|file| file.rows).sum();
    report.rows_replaced = explicit.replaced.len() as u64;
    let mut remove = Vec::new();
    if !explicit.replaced.is_empty() {
        let rewritten = explicit::without(engine, raw, &explicit.replaced).await?;
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

fn rows_with_unreadable_money(batch: &RecordBatch) -> u64 {
    let flag = |name| batch.column_by_name(name)?.as_boolean_opt();
    let either = flag("is_purchase_revenue_nan")
        .zip(flag("is_value_nan"))
        .and_then(|(purchase, value)| or_kleene(purchase, value).ok());
    either.map_or(0, |either| either.true_count() as u64)
}

/// A folder for rejected rows beside a local snapshot, or in the working directory.
pub fn rejects_folder(snapshot: Option<&Path>) -> PathBuf {
    snapshot.map_or_else(
        || PathBuf::from("rejects"),
        |folder| folder.join("_rejects"),
    )
}
