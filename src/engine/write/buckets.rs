//! Rows on their way to a table: held by partition in memory up to a bound, then brought
//! into order and written, all partitions at once on all threads.
//!
//! A partition that comes whole is written once, as one file. Of more rows than the bound
//! allows, a partition gets several files, and is merged at the end if it got many. Nothing
//! is spooled, and no sort runs over all rows.

use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::stream::{self, StreamExt};

use super::place::{Place, Pool};
use super::{Order, Written, merge_files};
use crate::engine::Engine;
use crate::snapshot::{
    DataFile, FileWriter, Layout, Table, WriterOptions, conform, rows_by_partition,
};
use crate::{Error, Result};

/// Files that a partition may get before they are merged.
const MOST_FILES: usize = 4;

/// Rows gathered and written at a time.
const WRITE_ROWS: usize = 16 * 1024;

/// Rows of one file at the most.
const ROWS_PER_FILE: usize = 4_000_000;

/// Decides which rows of a partition are written, and in what order.
#[async_trait]
pub(crate) trait Arrange: Send + Sync + 'static {
    /// Of the rows of a partition those to write, in the order of the table's files.
    /// `written` are the files that the partition has got before.
    async fn arrange(
        &self,
        partition: Option<&str>,
        pool: &Pool,
        places: Vec<Place>,
        written: &[DataFile],
    ) -> Result<Vec<Place>>;
}

/// All rows, sorted.
pub(crate) struct Sorted(pub Order);

#[async_trait]
impl Arrange for Sorted {
    async fn arrange(
        &self,
        _partition: Option<&str>,
        pool: &Pool,
        places: Vec<Place>,
        _written: &[DataFile],
    ) -> Result<Vec<Place>> {
        pool.sorted(places, &self.0.sort_by)
    }
}

/// Rows by partition, and the files of those that were written.
pub(crate) struct Buckets<A> {
    engine: Engine,
    target: Arc<Target<A>>,
    /// What waits, as it came, and where the rows of each partition are in it.
    waiting: Vec<RecordBatch>,
    places: BTreeMap<Option<String>, Vec<Place>>,
    bytes: usize,
    most_bytes: usize,
    written: Written,
}

/// Where rows go.
struct Target<A> {
    table: Table,
    layout: Layout,
    order: Order,
    arrange: A,
    /// Nanoseconds that writing took, of all threads.
    time: AtomicU64,
}

impl<A: Arrange> Buckets<A> {
    /// Holds a quarter of the memory limit: those who make the rows want their share.
    pub fn new(
        engine: &Engine,
        table: &Table,
        layout: Layout,
        order: Order,
        arrange: A,
    ) -> Self {
        Buckets {
            engine: engine.clone(),
            target: Arc::new(Target {
                table: table.clone(),
                layout,
                order,
                arrange,
                time: AtomicU64::new(0),
            }),
            waiting: Vec::new(),
            places: BTreeMap::new(),
            bytes: 0,
            most_bytes: engine.config.memory_limit as usize / 4,
            written: Written::default(),
        }
    }

    /// Takes rows of the table's columns.
    pub async fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let layout = &self.target.layout;
        let batch = conform(batch, &layout.schema)?;
        let parts = match &layout.partition_by {
            Some(column) => rows_by_partition(&batch, column)?,
            None => vec![(None, iter::once(0..batch.num_rows()).collect())],
        };
        let place = self.waiting.len();
        for (partition, runs) in parts {
            let rows = runs.into_iter().flatten().map(|row| (place, row));
            self.places.entry(partition).or_default().extend(rows);
        }
        self.bytes += batch.get_array_memory_size() + batch.num_rows() * size_of::<Place>();
        self.waiting.push(batch);
        if self.bytes >= self.most_bytes {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes the rows that wait.
    async fn flush(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let places = std::mem::take(&mut self.places);
        self.bytes = 0;
        let schema = self.target.layout.schema.clone();
        let pool = Arc::new(Pool::new(schema, waiting));
        let (target, written) = (&self.target, &self.written.files);
        let tasks = places.into_iter().map(|(partition, places)| {
            let (target, pool) = (Arc::clone(target), Arc::clone(&pool));
            let before = written.get(&partition).cloned().unwrap_or_default();
            async move {
                let task = async move {
                    let files = target
                        .write(partition.as_deref(), &pool, places, &before)
                        .await?;
                    let files = Uncommitted {
                        table: target.table.clone(),
                        files,
                    };
                    Ok::<_, Error>((partition, files))
                };
                tokio::spawn(task)
                    .await
                    .map_err(|e| Error::internal("a partition was not written").caused_by(e))?
            }
        });
        let threads = self.engine.config.thread_count();
        let results: Vec<Result<_>> = stream::iter(tasks)
            .buffer_unordered(threads)
            .collect()
            .await;
        let mut outcome = Ok(());
        for result in results {
            match result {
                Ok((partition, files)) => {
                    let written = &mut self.written.files;
                    written.entry(partition).or_default().extend(files.keep());
                }
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Writes what waits; the new files, to be committed. A partition in many pieces is
    /// merged.
    pub async fn finish(&mut self) -> Result<Written> {
        self.flush().await?;
        let Target {
            table,
            layout,
            order,
            ..
        } = self.target.as_ref();
        for files in self.written.files.values_mut() {
            if files.len() > MOST_FILES {
                let merged = merge_files(&self.engine, table, layout, order, files).await?;
                table.discard(files).await;
                *files = merged.all();
            }
        }
        self.written.files.retain(|_, files| !files.is_empty());
        Ok(std::mem::take(&mut self.written))
    }

    /// How long bringing rows into order and writing them took, of all threads.
    pub fn writing_time(&self) -> Duration {
        Duration::from_nanos(self.target.time.load(Ordering::Relaxed))
    }

    /// Deletes what was written, because it will not be committed.
    pub async fn discard(&mut self) {
        let files = std::mem::take(&mut self.written).all();
        self.target.table.discard(&files).await;
    }
}

/// Files on their way from the task that wrote them. Where nobody takes them over, because
/// the command was stopped, they go.
struct Uncommitted {
    table: Table,
    files: Vec<DataFile>,
}

impl Uncommitted {
    fn keep(mut self) -> Vec<DataFile> {
        std::mem::take(&mut self.files)
    }
}

impl Drop for Uncommitted {
    fn drop(&mut self) {
        for file in &self.files {
            self.table.remove_local(file);
        }
    }
}

impl<A> Drop for Buckets<A> {
    /// Whoever is stopped halfway leaves nothing behind on a local disk. What is in a bucket
    /// then, vacuum takes.
    fn drop(&mut self) {
        for file in self.written.files.values().flatten() {
            self.target.table.remove_local(file);
        }
    }
}

impl<A: Arrange> Target<A> {
    async fn write(
        &self,
        partition: Option<&str>,
        pool: &Pool,
        mut places: Vec<Place>,
        before: &[DataFile],
    ) -> Result<Vec<DataFile>> {
        let started = Instant::now();
        let pool = pool.part(&mut places);
        let places = self
            .arrange
            .arrange(partition, &pool, places, before)
            .await?;
        let mut writer = FileWriter::with_layout(
            &self.table,
            self.layout.clone(),
            partition.map(str::to_owned),
            writer_options(&self.order),
        )?;
        for places in places.chunks(WRITE_ROWS) {
            writer.write(&pool.gather(places)?).await?;
        }
        let files = writer.finish().await;
        let time = started.elapsed().as_nanos() as u64;
        self.time.fetch_add(time, Ordering::Relaxed);
        files
    }
}

pub(super) fn writer_options(order: &Order) -> WriterOptions {
    WriterOptions {
        sort_columns: order.sort_by.clone(),
        rows_per_file: ROWS_PER_FILE,
        checksum_columns: order.checksum_columns.clone(),
    }
}
