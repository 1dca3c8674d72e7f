//! Reads GA4 BigQuery export rows as Parquet, in blocks, only the columns that are needed.
//!
//! Columns are found by name, nested ones by their path with dots, and read with tolerant
//! casts: exports of different years and tools have differing types.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::schema::types::SchemaDescriptor;

use super::ReadOptions;
use super::aliases::Known;
use super::chunk::{Chunk, Chunks};
use super::csv::{check_needed, listed};
use super::detect::Format;
use super::field::Field;
use super::layout::{Layout, Target, Unknown};
use super::mapping::Fields;
use super::output::Output;
use super::parquet_columns::{Column, Row};
use crate::{Error, Result};

/// Rows of a block at most.
const BLOCK_ROWS: usize = 8192;

/// A Parquet file.
pub(crate) struct ParquetChunks {
    wanted: Arc<Wanted>,
    blocks: ParquetRecordBatchReader,
    rows: u64,
    total: u64,
    /// Bytes of the file, and those of the files before.
    size: u64,
    before: u64,
    bytes_read: Arc<AtomicU64>,
    param_columns: Vec<String>,
}

/// What a block must know to be read.
struct Wanted {
    columns: Vec<WantedColumn>,
    fields: Fields,
    unknown: Unknown,
}

/// Some rows.
struct ParquetChunk {
    wanted: Arc<Wanted>,
    block: RecordBatch,
    /// Rows before it in the file.
    before: u64,
}

impl ParquetChunks {
    /// Reads the schema; `bytes_read` grows as blocks are done.
    pub(crate) fn open(
        name: &str,
        file: File,
        options: &ReadOptions,
        bytes_read: &Arc<AtomicU64>,
    ) -> Result<ParquetChunks> {
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(name, e))?;
        let nested = builder.schema().fields().iter().any(|field| {
            matches!(
                field.data_type(),
                DataType::List(_) | DataType::LargeList(_)
            ) && super::aliases::lookup(field.name()) == Known::Params
        });
        let unknown = if nested {
            Unknown::Ignore
        } else {
            Unknown::Param
        };
        let layout = Layout::new(&options.fields, unknown);
        let columns = wanted(builder.parquet_schema(), &layout, unknown);
        check_columns(name, &columns, builder.parquet_schema(), &layout)?;
        let mask = ProjectionMask::leaves(
            builder.parquet_schema(),
            columns
                .iter()
                .flat_map(|column| column.leaves.iter().copied()),
        );
        let total = builder.metadata().file_metadata().num_rows().max(1) as u64;
        let blocks = builder
            .with_projection(mask)
            .with_batch_size(options.batch_rows.clamp(1, BLOCK_ROWS))
            .build()
            .map_err(|e| damaged(name, e))?;
        Ok(ParquetChunks {
            wanted: Arc::new(Wanted {
                columns,
                fields: options.fields.clone(),
                unknown,
            }),
            blocks,
            rows: 0,
            total,
            size,
            before: bytes_read.load(Ordering::Relaxed),
            bytes_read: Arc::clone(bytes_read),
            param_columns: layout.param_columns(),
        })
    }
}

impl Chunks for ParquetChunks {
    fn format(&self) -> Format {
        Format::Ga4Parquet
    }

    fn param_columns(&self) -> Vec<String> {
        self.param_columns.clone()
    }

    fn next(&mut self, name: &str) -> Result<Option<Box<dyn Chunk>>> {
        let Some(block) = self.blocks.next() else {
            let end = self.before + self.size;
            self.bytes_read.store(end, Ordering::Relaxed);
            return Ok(None);
        };
        let block = block.map_err(|e| damaged(name, e))?;
        let before = self.rows;
        self.rows += block.num_rows() as u64;
        let done = u128::from(self.size) * u128::from(self.rows.min(self.total))
            / u128::from(self.total);
        let done = self.before + u64::try_from(done).unwrap_or(self.size);
        self.bytes_read.store(done, Ordering::Relaxed);
        Ok(Some(Box::new(ParquetChunk {
            wanted: Arc::clone(&self.wanted),
            block,
            before,
        })))
    }
}

impl Chunk for ParquetChunk {
    fn read(&self, output: &mut Output<'_>) -> Result<()> {
        let layout = Layout::new(&self.wanted.fields, self.wanted.unknown);
        let columns = columns(output.name(), &self.block, &self.wanted.columns)?;
        for index in 0..self.block.num_rows() {
            let row = Row {
                columns: &columns,
                index,
            };
            let mut event = layout.start();
            row.apply(&layout, &mut event);
            let line = self.before + index as u64 + 1;
            output.event(&mut event, line, || row.to_json())?;
        }
        Ok(())
    }
}

fn damaged(name: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::input("the Parquet file is cut off or damaged")
        .with("file", name)
        .hint("copy or export it again")
        .caused_by(error)
}

/// A column that is read.
struct WantedColumn {
    /// The names from the root, for a nested column; the root alone for lists.
    path: Vec<String>,
    target: Target,
    /// Its leaves in the file's schema.
    leaves: Vec<usize>,
}

/// The columns to read: leaves under a name that means something, and params, user properties
/// and items as a whole.
fn wanted(schema: &SchemaDescriptor, layout: &Layout, unknown: Unknown) -> Vec<WantedColumn> {
    let mut wanted: Vec<WantedColumn> = Vec::new();
    for (leaf, column) in schema.columns().iter().enumerate() {
        let parts = column.path().parts();
        let Some(root) = parts.first() else { continue };
        let target = layout.target(root);
        let whole = matches!(
            target,
            Target::Mapped(_)
                | Target::Known(
                    Known::Params | Known::UserProperties | Known::Field(Field::Items, _)
                )
        );
        let repeated = column.max_rep_level() > 0;
        let (path, target) = if whole || repeated {
            (&parts[..1], target)
        } else {
            (parts, layout.target(&parts.join(".")))
        };
        let needed = match target {
            Target::Known(Known::Ignored) => false,
            Target::Known(Known::Unknown) => unknown == Unknown::Param && !repeated,
            Target::Known(Known::Field(field, _)) => !repeated || field == Field::Items,
            _ => true,
        };
        if !needed {
            continue;
        }
        match wanted.iter_mut().find(|column| column.path == path) {
            Some(column) => column.leaves.push(leaf),
            None => wanted.push(WantedColumn {
                path: path.to_vec(),
                target,
                leaves: vec![leaf],
            }),
        }
    }
    for column in &wanted {
        if column.target == Target::Known(Known::Unknown) {
            layout.note_param(&column.path.join("."));
        }
    }
    wanted
}

/// # Errors
/// An input error if the file is of something else than events.
fn check_columns(
    name: &str,
    wanted: &[WantedColumn],
    schema: &SchemaDescriptor,
    layout: &Layout,
) -> Result<()> {
    let mut found: Vec<String> = Vec::new();
    for column in schema.columns() {
        if let Some(root) = column.path().parts().first()
            && found.last() != Some(root)
        {
            found.push(root.clone());
        }
    }
    let targets: Vec<_> = wanted.iter().map(|column| column.target).collect();
    let has = |field| {
        targets
            .iter()
            .any(|target| layout.fields_of(*target).contains(&field))
    };
    if !has(Field::EventTimestamp) && !has(Field::EventName) {
        return Err(Error::input("the Parquet file holds something else than GA4 events")
            .with("file", name)
            .with("found", listed(&found))
            .hint(
                "a GA4 export has the columns event_timestamp, event_name, user_pseudo_id and \
                 event_params; map other names under [fields] in attrib.toml",
            ));
    }
    check_needed(name, &found, &targets, layout)
}

/// A block's columns, cast.
fn columns(name: &str, block: &RecordBatch, wanted: &[WantedColumn]) -> Result<Vec<Column>> {
    let mut columns = Vec::with_capacity(wanted.len());
    for WantedColumn { path, target, .. } in wanted {
        let Some((root, inner)) = path.split_first() else {
            continue;
        };
        let Some(array) = block.column_by_name(root) else {
            continue;
        };
        let column = Column::new(path.join("."), *target, array, inner);
        columns.push(column.map_err(|e| damaged(name, e).with("column", path.join(".")))?);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::super::shapes_test::{parquet_bytes, read_bytes};
    use crate::events::ReadOptions;
    use arrow::array::{
        ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    };
    use std::sync::Arc;

    fn block(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        parquet_bytes(&RecordBatch::try_from_iter(columns).expect("columns of one length"))
    }

    fn text(text: &str) -> ArrayRef {
        Arc::new(StringArray::from(vec![text]))
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |bytes: Vec<u8>| {
            read_bytes(bytes, &ReadOptions::default())
                .expect_err("is no use")
                .to_string()
        };
        let other = block(vec![("a", text("x")), ("b", text("y"))]);
        assert!(error(other).contains("something else"));
        let lacks = block(vec![("event_name", text("x")), ("user_id", text("y"))]);
        assert!(error(lacks.clone()).contains("event_timestamp"));
        assert!(error(lacks[..lacks.len() - 10].to_vec()).contains("cut off"));
        assert!(error(b"PAR1".to_vec()).contains("cut off"));
    }

    #[test]
    fn reads_odd_types() {
        let times = TimestampMicrosecondArray::from(vec![1_607_615_248_873_729]);
        let bytes = block(vec![
            (
                "event_timestamp",
                Arc::new(times.with_timezone("UTC")) as ArrayRef,
            ),
            ("event_name", text("a")),
            ("user_id", Arc::new(Int64Array::from(vec![7]))),
            ("stream_id", Arc::new(Int64Array::from(vec![None]))),
            ("tier", text("gold")),
        ]);
        let (rows, rejects, report) =
            read_bytes(bytes, &ReadOptions::default()).expect("events");
        assert!(rejects.is_empty(), "{rejects:?}");
        assert_eq!(rows.num_rows(), 1);
        assert_eq!(report.param_columns, ["tier"]);
        assert_eq!(report.format, "ga4_parquet");
        let times = TimestampMicrosecondArray::from(vec![1_607_615_248_873_729]);
        let local = block(vec![
            ("event_timestamp", Arc::new(times)),
            ("event_name", text("a")),
            ("user_id", text("u")),
        ]);
        let (_, rejects, _) = read_bytes(local, &ReadOptions::default()).expect("a file");
        assert_eq!(rejects[0].reason, "bad_timestamp");
        assert!(
            rejects[0].raw.contains("\"event_name\":\"a\""),
            "{}",
            rejects[0].raw
        );
    }
}
