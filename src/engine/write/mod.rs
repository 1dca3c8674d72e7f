//! From a query's result to files of a table: sorted by partition and sort columns (with
//! DataFusion's spilling sort), cut where the partition changes, written file by file.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use datafusion::common::{Column, DFSchema};
use datafusion::prelude::{DataFrame, col};
use futures::TryStreamExt;

use crate::Result;
use crate::snapshot::{
    DataFile, FileWriter, Layout, Table, WriterOptions, conform, split_by_partition,
};

/// The order of rows in a table's files, and what stands for a row in its signature.
#[derive(Debug, Clone, Default)]
pub struct Order {
    pub sort_by: Vec<String>,
    /// All columns, if none are named.
    pub checksum_columns: Option<Vec<String>>,
}

/// Rows of one file at the most.
const ROWS_PER_FILE: usize = 4_000_000;

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

/// Runs `frame` and writes its rows as files for a version of `table` with `layout`. Nothing is committed: on an
/// error the files written so far are no part of any table.
pub async fn write_frame(
    table: &Table,
    layout: &Layout,
    order: &Order,
    frame: DataFrame,
) -> Result<Written> {
    let name = table.name();
    let keys: Vec<_> = layout
        .partition_by
        .iter()
        .chain(&order.sort_by)
        .map(|column| col(Column::from_name(column)).sort(true, true))
        .collect();
    let mut stream = async {
        let frame = if keys.is_empty() {
            frame
        } else {
            frame.sort(keys)?
        };
        frame.execute_stream().await
    }
    .await
    .map_err(|e| super::explain::failed(name, e))?;

    let mut writer = PartitionWriter::new(table, layout, order);
    while let Some(batch) = stream
        .try_next()
        .await
        .map_err(|e| super::explain::failed(name, e))?
    {
        writer.write(&conform(&batch, &layout.schema)?).await?;
    }
    writer.finish().await
}

/// Writes rows that come sorted by partition: a new file where the partition changes.
pub struct PartitionWriter<'a> {
    table: &'a Table,
    layout: &'a Layout,
    order: &'a Order,
    open: Option<(Option<String>, FileWriter)>,
    written: Written,
}

impl<'a> PartitionWriter<'a> {
    pub fn new(table: &'a Table, layout: &'a Layout, order: &'a Order) -> Self {
        PartitionWriter {
            table,
            layout,
            order,
            open: None,
            written: Written::default(),
        }
    }

    /// Writes a batch of the table's schema.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let slices = match &self.layout.partition_by {
            Some(column) => split_by_partition(batch, column)?,
            None => vec![(None, batch.clone())],
        };
        for (value, slice) in slices {
            if self
                .open
                .as_ref()
                .is_none_or(|(current, _)| *current != value)
            {
                self.close().await?;
                let options = WriterOptions {
                    sort_columns: self.order.sort_by.clone(),
                    rows_per_file: ROWS_PER_FILE,
                    checksum_columns: self.order.checksum_columns.clone(),
                };
                let writer = FileWriter::with_layout(
                    self.table,
                    self.layout.clone(),
                    value.clone(),
                    options,
                )?;
                self.open = Some((value, writer));
            }
            if let Some((_, writer)) = &mut self.open {
                writer.write(&slice).await?;
            }
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        if let Some((value, writer)) = self.open.take() {
            let files = writer.finish().await?;
            self.written.files.entry(value).or_default().extend(files);
        }
        Ok(())
    }

    /// The files written.
    pub async fn finish(mut self) -> Result<Written> {
        self.close().await?;
        Ok(self.written)
    }
}
