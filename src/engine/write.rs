//! From a query's result to files of a table: sorted by partition and sort columns (with
//! DataFusion's spilling sort), cut where the partition changes, written file by file.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, partition};
use arrow::datatypes::{DataType, Date32Type, Schema, SchemaRef};
use datafusion::prelude::{DataFrame, col};
use futures::TryStreamExt;

use crate::snapshot::{DataFile, FileWriter, Store, WriterOptions};
use crate::{Error, Result};

/// How a table's files are laid out.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    pub partition_by: Option<String>,
    pub sort_by: Vec<String>,
    /// The columns that stand for a row in the table's signature; all, if none are named.
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

/// The types that a table stores: views and dictionaries become plain, timestamps are
/// microseconds in UTC, and small or unsigned integers take the next type of Delta's.
pub fn stored_schema(schema: &Schema) -> SchemaRef {
    use arrow::datatypes::{Field, TimeUnit};
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = match field.data_type() {
                DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
                DataType::BinaryView
                | DataType::LargeBinary
                | DataType::FixedSizeBinary(_) => DataType::Binary,
                DataType::Dictionary(_, value) => value.as_ref().clone(),
                DataType::Timestamp(_, _) => {
                    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
                }
                DataType::UInt8 | DataType::UInt16 => DataType::Int32,
                DataType::UInt32 | DataType::UInt64 => DataType::Int64,
                DataType::Date64 => DataType::Date32,
                DataType::Null => DataType::Utf8,
                other => other.clone(),
            };
            Field::new(field.name(), data_type, true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Runs `frame` and writes its rows as files of table `name`. Nothing is committed: on an
/// error the files written so far are no part of any table.
pub async fn write_frame(
    store: &Store,
    name: &str,
    schema: &SchemaRef,
    layout: &Layout,
    frame: DataFrame,
) -> Result<Written> {
    let keys: Vec<_> = layout
        .partition_by
        .iter()
        .chain(&layout.sort_by)
        .map(|column| col(datafusion::common::Column::from_name(column)).sort(true, true))
        .collect();
    let mut stream = async {
        let frame = if keys.is_empty() { frame } else { frame.sort(keys)? };
        frame.execute_stream().await
    }
    .await
    .map_err(|e| super::explain::failed(name, e))?;

    let mut writer = PartitionWriter::new(store, name, schema, layout);
    while let Some(batch) =
        stream.try_next().await.map_err(|e| super::explain::failed(name, e))?
    {
        writer.write(&conform(&batch, schema)?).await?;
    }
    writer.finish().await
}

/// Writes rows that come sorted by partition: a new file where the partition changes.
pub struct PartitionWriter<'a> {
    store: &'a Store,
    name: &'a str,
    schema: &'a SchemaRef,
    layout: &'a Layout,
    open: Option<(Option<String>, FileWriter)>,
    written: Written,
}

impl<'a> PartitionWriter<'a> {
    pub fn new(
        store: &'a Store,
        name: &'a str,
        schema: &'a SchemaRef,
        layout: &'a Layout,
    ) -> Self {
        PartitionWriter { store, name, schema, layout, open: None, written: Written::default() }
    }

    /// Writes a batch of the table's schema.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let partition_by = self.layout.partition_by.as_deref();
        for (value, slice) in slices(batch, partition_by)? {
            if self.open.as_ref().is_none_or(|(current, _)| *current != value) {
                self.close().await?;
                let options = WriterOptions {
                    sort_columns: self.layout.sort_by.clone(),
                    rows_per_file: ROWS_PER_FILE,
                    checksum_columns: self.layout.checksum_columns.clone(),
                };
                let writer = FileWriter::create(
                    self.store,
                    self.name,
                    self.schema,
                    partition_by,
                    value.clone(),
                    options,
                )
                .await?;
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

/// `batch` with the columns and types of `schema`.
pub fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            if column.data_type() == field.data_type() {
                Ok(column.clone())
            } else {
                cast(column, field.data_type())
            }
        })
        .collect::<Result<Vec<ArrayRef>, _>>()
        .and_then(|columns| RecordBatch::try_new(schema.clone(), columns));
    columns.map_err(|e| Error::internal("cannot store a result").caused_by(e))
}

/// The runs of equal partition values in a sorted batch, the value as Delta writes it.
fn slices(
    batch: &RecordBatch,
    partition_by: Option<&str>,
) -> Result<Vec<(Option<String>, RecordBatch)>> {
    let Some(name) = partition_by else {
        return Ok(vec![(None, batch.clone())]);
    };
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| Error::internal(format!("no partition column `{name}`")))?;
    let ranges = partition(std::slice::from_ref(column))
        .map_err(|e| Error::internal("cannot cut a batch into partitions").caused_by(e))?
        .ranges();
    ranges
        .into_iter()
        .map(|range| {
            let value = partition_text(column, range.start)?;
            Ok((value, batch.slice(range.start, range.len())))
        })
        .collect()
}

/// Row `i` of a partition column as Delta writes it: dates as `YYYY-MM-DD`.
fn partition_text(column: &ArrayRef, i: usize) -> Result<Option<String>> {
    if column.is_null(i) {
        return Ok(None);
    }
    if let DataType::Date32 = column.data_type() {
        let date = column.as_primitive::<Date32Type>().value_as_date(i);
        return Ok(date.map(|date| date.format("%Y-%m-%d").to_string()));
    }
    let text = cast(&column.slice(i, 1), &DataType::Utf8)
        .map_err(|e| Error::internal("a partition column has no text form").caused_by(e))?;
    Ok(Some(text.as_string::<i32>().value(0).to_string()))
}
