//! GA4 events: from files of any of the input shapes to rows of the raw table.
//!
//! In come bytes: GA4 BigQuery export rows as Parquet or JSON, flat CSV or JSON, bodies of
//! Measurement Protocol requests, also in gzip or zstd. Out go Arrow batches of [`schema`],
//! rejected rows with line and reason, and a [`FileReport`]. What a file is, is told by its
//! content ([`Format`]).
//!
//! Every shape has a reader of its own (`csv`, `json_rows`, `measurement_protocol`,
//! `parquet`), and every reader turns a record into the one canonical [`Event`], which cleans
//! and types the fields; `builder` makes rows of events and computes their hashed [`keys`].
//! So the same event gives the same row, whatever shape it came in. Columns are found by the
//! names in `aliases`, or by the user's mapping ([`Fields`]).
//!
//! Reading is synchronous and streams: one batch of rows and one record are in memory at most.

mod aliases;
mod builder;
mod clean;
mod csv;
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
pub use output::Sink;
pub use reject::{Reject, reason};
pub use schema::{
    MONEY_PRECISION, MONEY_SCALE, PARTITION_COLUMN, RAW_TABLE, SORT_COLUMNS, schema,
};
pub use value::Value;

use crate::report::FileReport;
use crate::{Error, Result};
use output::Output;

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
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            format: None,
            fields: Fields::default(),
            batch_rows: 8192,
            strict: false,
        }
    }
}

/// Reads one file of events to the sink. `name` is what reports and messages call it.
///
/// # Errors
/// An input error if the file is empty, cut off, damaged or of a foreign kind, if it lacks
/// the columns that every event needs, or, with `strict`, for the first row that cannot be
/// used; and whatever the sink answers. What the sink got before an error is not the whole file.
pub fn read(
    name: &str,
    source: Source,
    options: &ReadOptions,
    sink: &mut dyn Sink,
) -> Result<FileReport> {
    let bytes_read = Arc::new(AtomicU64::new(0));
    let decoded = decode::open(name, source, Arc::clone(&bytes_read))?;
    let output = Output::new(name, options, sink, Arc::clone(&bytes_read));
    match (decoded, options.format) {
        (decode::Decoded::Parquet(file), None | Some(Format::Ga4Parquet)) => {
            parquet::read(file, options, output, &bytes_read)
        }
        (decode::Decoded::Parquet(_), Some(format)) => Err(mismatch(name, format, "Parquet")),
        (decode::Decoded::Text { .. }, Some(Format::Ga4Parquet)) => {
            Err(mismatch(name, Format::Ga4Parquet, "text"))
        }
        (decode::Decoded::Text { reader, head }, format) => {
            match format.unwrap_or_else(|| detect::detect(&head)) {
                Format::FlatCsv | Format::Ga4Parquet => {
                    csv::read(reader, &head, options, output)
                }
                Format::MeasurementProtocol => {
                    measurement_protocol::read(reader, &head, options, output)
                }
                format @ (Format::FlatNdjson | Format::Ga4Ndjson) => {
                    json_rows::read(reader, &head, format, options, output)
                }
            }
        }
    }
}

fn mismatch(name: &str, format: Format, found: &str) -> Error {
    Error::input(format!(
        "the file is {found}, but was to be read as {format}"
    ))
    .with("file", name)
    .hint("leave `--format` out to have the format told by the content")
}
