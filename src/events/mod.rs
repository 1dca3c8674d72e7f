//! GA4 events: from files of any of the input shapes to rows of the raw table.
//!
//! In come bytes: GA4 BigQuery export rows as Parquet or JSON, flat CSV or JSON, bodies of
//! Measurement Protocol requests, also in gzip or zstd. Out go Arrow batches of [`schema`],
//! rejected rows with line and reason, and a [report](crate::report::FileReport) for each
//! file. What a file is, is told by its content ([`Format`]).
//!
//! Every shape has a reader of its own (`csv`, `json_rows`, `measurement_protocol`,
//! `parquet`), and every reader turns a record into the one canonical [`Event`], which cleans
//! and types the fields; `builder` makes rows of events and computes their hashed [`keys`].
//! So the same event gives the same row, whatever shape it came in. Columns are found by the
//! names in `aliases`, or by the user's mapping ([`Fields`]).
//!
//! Reading is synchronous, on several threads, and streams: a reader cuts its file into
//! chunks of whole records, which are read apart from each other and come out in the order
//! of the file (`reading`). A few chunks are in memory at a time.

mod aliases;
mod builder;
mod chunk;
mod clean;
mod csv;
mod csv_blocks;
mod csv_rows;
mod decode;
mod detect;
mod event;
mod field;
mod frames;
mod json;
mod json_rows;
pub mod keys;
mod layout;
mod mapping;
mod measurement_protocol;
mod money;
mod output;
mod parquet;
mod parquet_columns;
mod reading;
mod reject;
mod schema;
mod timestamp;
mod value;

#[cfg(test)]
mod shapes_test;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use decode::Source;
pub use detect::Format;
pub use event::Event;
pub use field::{Field, Kind};
pub use mapping::{FieldSource, Fields};
pub use money::Money;
pub use reading::{Input, read};
pub use reject::{Reject, reason};
pub use schema::{
    MONEY_PRECISION, MONEY_SCALE, PARTITION_COLUMN, RAW_TABLE, SORT_COLUMNS, schema,
};
pub use value::Value;

use arrow::array::RecordBatch;
use chunk::Chunks;
use csv::CsvChunks;
use json_rows::{JsonChunks, Records};
use parquet::ParquetChunks;

use crate::{Error, Result};

/// The largest record that is read: a line of JSON or a row of CSV.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// How to read a file.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The format; none: told by the content.
    pub format: Option<Format>,
    /// Where fields come from, if not from columns of known names.
    pub fields: Fields,
    /// Rows in a batch, at most.
    pub batch_rows: usize,
    /// Whether the first row that cannot be used is an error.
    pub strict: bool,
    /// Threads that read chunks; one more cuts them.
    pub threads: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            format: None,
            fields: Fields::default(),
            batch_rows: 32 * 1024,
            strict: false,
            threads: 1,
        }
    }
}

/// Takes what is found, in the order of the files. An error of the sink ends the reading.
pub trait Sink {
    /// Rows of the raw schema.
    fn batch(&mut self, batch: RecordBatch) -> Result<()>;

    /// A row that cannot be used.
    fn reject(&mut self, reject: Reject) -> Result<()>;

    /// How many bytes of all sources, compressed as they are, were read so far.
    fn progress(&mut self, bytes_read: u64) {
        let _ = bytes_read;
    }
}

/// Opens one file: tells its format and reads as much as is needed to cut it into chunks.
fn open(
    name: &str,
    source: Source,
    options: &ReadOptions,
    bytes_read: &Arc<AtomicU64>,
) -> Result<Box<dyn Chunks>> {
    let (reader, head) = match decode::open(name, source, Arc::clone(bytes_read))? {
        decode::Decoded::Text { reader, head } => (reader, head),
        decode::Decoded::Parquet(file) => {
            return match options.format {
                None | Some(Format::Ga4Parquet) => {
                    let chunks = ParquetChunks::open(name, file, options, bytes_read)?;
                    Ok(Box::new(chunks))
                }
                Some(format) => Err(mismatch(name, format, "Parquet")),
            };
        }
    };
    let records = match options.format.unwrap_or_else(|| detect::detect(&head)) {
        Format::Ga4Parquet => return Err(mismatch(name, Format::Ga4Parquet, "text")),
        Format::FlatCsv => {
            return Ok(Box::new(CsvChunks::open(name, reader, &head, options)?));
        }
        Format::FlatNdjson => Records::Flat,
        Format::Ga4Ndjson => Records::Export,
        Format::MeasurementProtocol => Records::Bodies,
    };
    Ok(Box::new(JsonChunks::new(reader, &head, records, options)))
}

fn mismatch(name: &str, format: Format, found: &str) -> Error {
    Error::input(format!(
        "the file is {found}, but was to be read as {format}"
    ))
    .with("file", name)
    .hint("leave `--format` out to have the format told by the content")
}
