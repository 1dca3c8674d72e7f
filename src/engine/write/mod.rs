//! From rows to files of a table: split by partition, sorted, written.
//!
//! In come the streams of a query (`streams`) or an ingest's batches, out go uncommitted
//! files. Rows wait by partition in `buckets`, within a bound of memory, and each partition
//! is sorted by itself (`place`).

pub(crate) mod buckets;
pub(crate) mod place;
pub(crate) mod streams;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::{Column, DFSchema};
use datafusion::physical_plan::execute_stream_partitioned;
use datafusion::prelude::{DataFrame, col};
use futures::TryStreamExt;

use super::profile::Profile;
use super::table::SnapshotTable;
use super::{Engine, explain};
use crate::Result;
use crate::snapshot::{DataFile, FileWriter, Layout, Table, conform, split_by_partition};
use buckets::{Buckets, Sorted, writer_options};
use streams::{Query, take_all};

/// The order of rows in a table's files, and what stands for a row in its signature.
#[derive(Debug, Clone, Default)]
pub struct Order {
    pub sort_by: Vec<String>,
    /// All columns, if none are named.
    pub checksum_columns: Option<Vec<String>>,
}

/// The files of a result, by partition, uncommitted.
#[derive(Debug, Default)]
pub struct Written {
    pub files: BTreeMap<Option<String>, Vec<DataFile>>,
}

impl Written {
    pub fn rows(&self) -> u64 {
        self.files.values().flatten().map(|file| file.rows).sum()
    }

    pub fn all(self) -> Vec<DataFile> {
        self.files.into_values().flatten().collect()
    }
}

/// The layout of a query's result as a table. Whether a column can be null is the planner's
/// guess and changes with its mood, so every column can.
pub fn layout(schema: &DFSchema, partition_by: Option<&str>) -> Result<Layout> {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    Layout::new(&Schema::new(fields), partition_by)
}

/// Runs `frame` and writes its rows as files for a version of `table` with `layout`. Nothing
/// is committed, and nothing stays after an error.
pub(crate) async fn write_frame(
    engine: &Engine,
    table: &Table,
    layout: &Layout,
    order: &Order,
    frame: DataFrame,
    profile: &Profile,
) -> Result<Written> {
    let failed = |e| explain::failed(table.name(), e);
    let task = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await.map_err(failed)?;
    let streams = execute_stream_partitioned(plan.clone(), task).map_err(failed)?;
    // The partitions of one plan feed each other: all must be at work.
    let at_once = streams.len();
    let queries = streams
        .into_iter()
        .map(|stream| -> Query { Box::pin(std::future::ready(Ok(stream))) });
    let queries = queries.collect();
    let written =
        write_queries(engine, table, layout, order, queries, at_once, profile).await?;
    profile.add(plan.as_ref());
    Ok(written)
}

/// Runs `queries`, `at_once` of them at a time, and writes the rows of all as one table.
pub(crate) async fn write_queries(
    engine: &Engine,
    table: &Table,
    layout: &Layout,
    order: &Order,
    queries: Vec<Query>,
    at_once: usize,
    profile: &Profile,
) -> Result<Written> {
    let sorted = Sorted(order.clone());
    let mut buckets = Buckets::new(engine, table, layout.clone(), order.clone(), sorted);
    let written = match take_all(table.name(), queries, at_once, &mut buckets).await {
        Ok(()) => buckets.finish().await,
        Err(error) => Err(error),
    };
    match &written {
        Ok(written) => profile.add_writing(written.rows(), buckets.writing_time()),
        Err(_) => buckets.discard().await,
    }
    written
}

/// The rows of some files of a table in one sorted run: one file for each partition, however
/// many rows there are, by DataFusion's spilling sort. Nothing is committed.
pub(crate) async fn merge_files(
    engine: &Engine,
    table: &Table,
    layout: &Layout,
    order: &Order,
    files: &[DataFile],
) -> Result<Written> {
    let context = engine.sessions.session()?;
    let part = SnapshotTable::of_files(table.clone(), files.to_vec());
    let frame = context
        .read_table(Arc::new(part))
        .map_err(|e| explain::failed(table.name(), e))?;
    let keys: Vec<_> = layout
        .partition_by
        .iter()
        .chain(&order.sort_by)
        .map(|column| col(Column::from_name(column)).sort(true, true))
        .collect();
    let mut stream = async { frame.sort(keys)?.execute_stream().await }
        .await
        .map_err(|e| explain::failed(table.name(), e))?;
    let mut written = Written::default();
    let mut open: Option<(Option<String>, FileWriter)> = None;
    while let Some(batch) = stream
        .try_next()
        .await
        .map_err(|e| explain::failed(table.name(), e))?
    {
        let batch = conform(&batch, &layout.schema)?;
        let slices = match &layout.partition_by {
            Some(column) => split_by_partition(&batch, column)?,
            None => vec![(None, batch)],
        };
        for (value, slice) in slices {
            let writer = match open.take() {
                Some((current, writer)) if current == value => writer,
                other => {
                    close(other, &mut written).await?;
                    let options = writer_options(order);
                    FileWriter::with_layout(table, layout.clone(), value.clone(), options)?
                }
            };
            let (_, writer) = open.insert((value, writer));
            writer.write(&slice).await?;
        }
    }
    close(open, &mut written).await?;
    Ok(written)
}

async fn close(
    open: Option<(Option<String>, FileWriter)>,
    written: &mut Written,
) -> Result<()> {
    if let Some((value, writer)) = open {
        let files = writer.finish().await?;
        written.files.entry(value).or_default().extend(files);
    }
    Ok(())
}
