//! The rows of a query, in every format. Rows go out as they come in: only the table,
//! which has to know its widths, holds some of them, and never more than it shows.
//!
//! What the text formats agree on: decimals lose their trailing zeros (`12.500000000` is
//! `12.5`), binary values are hexadecimal, times are RFC 3339, and lists, structs and maps
//! are JSON. Text is written as it is: nothing is done about spreadsheets that take a
//! cell for a formula.

mod binary;
mod cells;
mod delimited;
mod file;
mod fit;
mod json;
mod markdown;
mod table;

use std::io::Write;
use std::path::Path;

use attrib::{Error, Result};
use clap::ValueEnum;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;

pub use file::OutputFile;
pub use fit::cut;
pub use table::TableOptions;

use super::print;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Drawn for people, fitted to the terminal
    Table,
    /// Comma-separated, with a header; NULL is an empty field
    Csv,
    /// Tab-separated, with a header; NULL is an empty field
    Tsv,
    /// One array of objects
    Json,
    /// One object per line
    #[value(alias = "jsonl")]
    Ndjson,
    /// A table for documents and issues
    #[value(alias = "md")]
    Markdown,
    /// Arrow IPC: a file with -o, a stream on standard output
    Arrow,
    /// Parquet, compressed with zstd
    Parquet,
}

impl Format {
    /// The format that a file's name asks for, by its extension.
    pub fn of_file(path: &Path) -> Option<Format> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "csv" => Format::Csv,
            "tsv" | "tab" => Format::Tsv,
            "json" => Format::Json,
            "ndjson" | "jsonl" => Format::Ndjson,
            "md" | "markdown" => Format::Markdown,
            "arrow" | "arrows" | "feather" | "ipc" => Format::Arrow,
            "parquet" | "pq" => Format::Parquet,
            "txt" => Format::Table,
            _ => return None,
        })
    }

    /// Whether a terminal would show it as garbage.
    pub fn is_binary(self) -> bool {
        matches!(self, Format::Arrow | Format::Parquet)
    }
}

/// Takes the rows of one result.
pub trait Sink: Send {
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Writes what is left and flushes. Without it, the output is incomplete.
    fn finish(self: Box<Self>) -> Result<Ending>;
}

/// What there is to say about a result, beside the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ending {
    pub rows: u64,
    /// Rows that were counted but not shown.
    pub hidden_rows: u64,
    /// Columns left out because they did not fit.
    pub hidden_columns: usize,
}

/// Where rows go.
pub type Output = Box<dyn Write + Send>;

/// The writer of a format, onto `out`. `to_file` tells a file, which can be read at
/// random, from a stream.
pub fn sink(
    format: Format,
    out: Output,
    to_file: bool,
    schema: SchemaRef,
    table: TableOptions,
) -> Result<Box<dyn Sink>> {
    Ok(match format {
        Format::Table => Box::new(table::TableSink::new(out, schema, table)),
        Format::Csv => Box::new(delimited::Delimited::new(out, &schema, b',')?),
        Format::Tsv => Box::new(delimited::Delimited::new(out, &schema, b'\t')?),
        Format::Json => Box::new(json::Json::array(out)),
        Format::Ndjson => Box::new(json::Json::lines(out)),
        Format::Markdown => Box::new(markdown::Markdown::new(out, &schema)?),
        Format::Arrow if to_file => Box::new(binary::ArrowFile::new(out, &schema)?),
        Format::Arrow => Box::new(binary::ArrowStream::new(out, &schema)?),
        Format::Parquet => Box::new(binary::Parquet::new(out, schema)?),
    })
}

/// Whether values of this type align right.
fn is_numeric(schema: &Schema, column: usize) -> bool {
    matches!(schema.field(column).data_type(), kind if kind.is_numeric())
        && !matches!(schema.field(column).data_type(), DataType::Null)
}

/// The error for rows that a format could not take.
fn cannot_format(cause: ArrowError) -> Error {
    match cause {
        ArrowError::IoError(_, io) => print::cannot_write(io),
        other => Error::input("the result cannot be written in this format")
            .hint("cast the column, for example `cast(a_column as varchar)`")
            .caused_by(other),
    }
}

#[cfg(test)]
mod test_data {
    //! A small result with a column of each kind, and a writer whose bytes can be read.

    use std::sync::{Arc, Mutex};

    use datafusion::arrow::array::*;
    use datafusion::arrow::datatypes::*;

    use super::*;

    pub fn batch() -> RecordBatch {
        let revenue = Decimal128Array::from(vec![Some(12_500_000_000), None, Some(-1)])
            .with_precision_and_scale(38, 9)
            .unwrap();
        let mut tags = ListBuilder::new(StringBuilder::new());
        tags.append_value([Some("a"), Some("b\"c")]);
        tags.append_null();
        tags.append_value([None::<&str>]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "channel",
                Arc::new(StringArray::from(vec![
                    Some("Paid, Search"),
                    None,
                    Some("x|y\nz"),
                ])),
            ),
            ("n", Arc::new(Int64Array::from(vec![1, 2000, -3]))),
            ("revenue", Arc::new(revenue)),
            (
                "id",
                Arc::new(BinaryArray::from(vec![&[0x0a, 0xff][..], &[], &[1]])),
            ),
            (
                "at",
                Arc::new(
                    TimestampMicrosecondArray::from(vec![
                        Some(1_604_188_800_123_000),
                        None,
                        Some(0),
                    ])
                    .with_timezone("UTC"),
                ),
            ),
            ("tags", Arc::new(tags.finish())),
        ];
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, array)| (name, array, true)),
        )
        .unwrap()
    }

    #[derive(Clone, Default)]
    pub struct Shared(pub Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What a format makes of some batches.
    pub fn written(
        format: Format,
        to_file: bool,
        batches: &[RecordBatch],
        schema: SchemaRef,
    ) -> Vec<u8> {
        let shared = Shared::default();
        let out = Box::new(shared.clone());
        let mut sink = sink(format, out, to_file, schema, TableOptions::default()).unwrap();
        for batch in batches {
            sink.write(batch).unwrap();
        }
        sink.finish().unwrap();
        shared.0.lock().unwrap().clone()
    }

    /// What a text format makes of [`batch`], in two batches.
    pub fn text(format: Format) -> String {
        let batch = batch();
        let parts = [batch.slice(0, 1), batch.slice(1, 2)];
        String::from_utf8(written(format, false, &parts, batch.schema())).unwrap()
    }

    /// What a text format makes of a result without rows.
    pub fn text_of_nothing(format: Format) -> String {
        String::from_utf8(written(format, false, &[], batch().schema())).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides() {
        let of = |name: &str| Format::of_file(Path::new(name));
        assert_eq!(of("a.CSV"), Some(Format::Csv));
        assert_eq!(of("a.b.jsonl"), Some(Format::Ndjson));
        assert_eq!(of("a.pq"), Some(Format::Parquet));
        assert_eq!(of("a.xlsx"), None);
        assert_eq!(of("csv"), None);
    }
}
