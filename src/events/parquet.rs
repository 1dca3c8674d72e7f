//! Reads GA4 BigQuery export rows as Parquet, in blocks, only the columns that are needed.
//!
//! Columns are found by name, nested ones by their path with dots, and read with tolerant
//! casts: exports of different years and tools have differing types.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::schema::types::SchemaDescriptor;

use super::ReadOptions;
use super::aliases::Known;
use super::csv::{check_needed, listed};
use super::detect::Format;
use super::field::Field;
use super::layout::{Layout, Target, Unknown};
use super::output::Output;
use super::parquet_columns::{Column, Row};
use crate::report::FileReport;
use crate::{Error, Result};

/// Reads a Parquet file; `bytes_read` is set as blocks are done.
pub(crate) fn read(
    file: File,
    options: &ReadOptions,
    mut output: Output<'_>,
    bytes_read: &AtomicU64,
) -> Result<FileReport> {
    let name = output.name();
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
    let wanted = wanted(builder.parquet_schema(), &layout, unknown);
    check_columns(name, &wanted, builder.parquet_schema(), &layout)?;
    let mask = ProjectionMask::leaves(
        builder.parquet_schema(),
        wanted
            .iter()
            .flat_map(|column| column.leaves.iter().copied()),
    );
    let total = builder.metadata().file_metadata().num_rows().max(1) as u64;
    let blocks = builder
        .with_projection(mask)
        .with_batch_size(options.batch_rows.max(1))
        .build()
        .map_err(|e| damaged(name, e))?;
    let mut rows = 0u64;
    for block in blocks {
        let block = block.map_err(|e| damaged(name, e))?;
        let columns = columns(name, &block, &wanted)?;
        for index in 0..block.num_rows() {
            let row = Row {
                columns: &columns,
                index,
            };
            let mut event = layout.start();
            row.apply(&layout, &mut event);
            output.event(event, rows + index as u64 + 1, || row.to_json())?;
        }
        rows += block.num_rows() as u64;
        let done = u128::from(size) * u128::from(rows.min(total)) / u128::from(total);
        bytes_read.store(u64::try_from(done).unwrap_or(size), Ordering::Relaxed);
    }
    bytes_read.store(size, Ordering::Relaxed);
    output.finish(Format::Ga4Parquet.name(), layout.param_columns())
}

fn damaged(name: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::input("the Parquet file is cut off or damaged")
        .with("file", name)
        .hint("copy or export it again")
        .caused_by(error)
}

/// A column that is read.
struct Wanted {
    /// The names from the root, for a nested column; the root alone for lists.
    path: Vec<String>,
    target: Target,
    /// Its leaves in the file's schema.
    leaves: Vec<usize>,
}

/// The columns to read: leaves under a name that means something, and params, user properties
/// and items as a whole.
fn wanted(schema: &SchemaDescriptor, layout: &Layout, unknown: Unknown) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
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
            None => wanted.push(Wanted {
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
    wanted: &[Wanted],
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
fn columns(name: &str, block: &RecordBatch, wanted: &[Wanted]) -> Result<Vec<Column>> {
    let mut columns = Vec::with_capacity(wanted.len());
    for Wanted { path, target, .. } in wanted {
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
