//! Where a reader puts what it found: batches and rejects to the sink, counts to the report.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;

use super::ReadOptions;
use super::builder::Builder;
use super::event::Event;
use super::reject::{Reject, Rejection};
use super::timestamp::Unit;
use crate::report::FileReport;
use crate::{Error, Result};

/// Takes what a reader finds. An error of the sink ends the reading.
pub trait Sink {
    /// Rows of the raw schema, in the order of the file.
    fn batch(&mut self, batch: RecordBatch) -> Result<()>;

    /// A row that cannot be used.
    fn reject(&mut self, reject: Reject) -> Result<()>;

    /// How many bytes of the source, compressed as it is, were read so far.
    fn progress(&mut self, bytes_read: u64) {
        let _ = bytes_read;
    }
}

/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

/// Collects rows of one file.
pub(crate) struct Output<'s> {
    name: &'s str,
    sink: &'s mut dyn Sink,
    builder: Builder,
    batch_rows: usize,
    strict: bool,
    bytes_read: Arc<AtomicU64>,
    units: [u64; Unit::ALL.len()],
    report: FileReport,
}

impl<'s> Output<'s> {
    pub(crate) fn new(
        name: &'s str,
        options: &ReadOptions,
        sink: &'s mut dyn Sink,
        bytes_read: Arc<AtomicU64>,
    ) -> Self {
        Output {
            name,
            sink,
            builder: Builder::new(),
            batch_rows: options.batch_rows.max(1),
            strict: options.strict,
            bytes_read,
            units: [0; Unit::ALL.len()],
            report: FileReport {
                name: name.to_owned(),
                ..FileReport::default()
            },
        }
    }

    /// The name of the file, for messages.
    pub(crate) fn name(&self) -> &'s str {
        self.name
    }

    /// Adds an event, or rejects it. `line` is where its record starts; `raw` is called for
    /// the record only if it is rejected.
    pub(crate) fn event(
        &mut self,
        mut event: Event<'_>,
        line: u64,
        raw: impl FnOnce() -> String,
    ) -> Result<()> {
        let (micros, unit) = match event.finish() {
            Ok(time) => time,
            Err(rejection) => return self.reject(line, rejection, raw),
        };
        self.units[unit as usize] += 1;
        self.builder.append(&event, micros)?;
        self.count()?;
        if self.builder.rows() >= self.batch_rows || self.builder.is_full() {
            self.flush()?;
        }
        Ok(())
    }

    /// Rejects a row.
    ///
    /// # Errors
    /// An input error with its place if reading is strict.
    pub(crate) fn reject(
        &mut self,
        line: u64,
        rejection: Rejection,
        raw: impl FnOnce() -> String,
    ) -> Result<()> {
        let Rejection { reason, detail } = rejection;
        if self.strict {
            return Err(Error::input(format!("a row cannot be used: {detail}"))
                .with("file", self.name)
                .with("line", line)
                .with("reason", reason)
                .hint("without `--strict`, such rows are put aside and the rest is read"));
        }
        self.report.rows_rejected += 1;
        self.sink.reject(Reject {
            file: self.name.to_owned(),
            line,
            reason,
            detail,
            raw: raw(),
        })?;
        self.count()
    }

    fn count(&mut self) -> Result<()> {
        self.report.rows_read += 1;
        if self.report.rows_read.is_multiple_of(PROGRESS_ROWS) {
            self.sink.progress(self.bytes_read.load(Ordering::Relaxed));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.builder.rows() > 0 {
            let batch = self.builder.finish()?;
            self.sink.batch(batch)?;
        }
        Ok(())
    }

    /// Hands out the last rows and the report.
    pub(crate) fn finish(
        mut self,
        format: &str,
        param_columns: Vec<String>,
    ) -> Result<FileReport> {
        self.flush()?;
        let bytes_read = self.bytes_read.load(Ordering::Relaxed);
        self.sink.progress(bytes_read);
        self.report.format = format.to_owned();
        self.report.param_columns = param_columns;
        self.report.bytes_read = bytes_read;
        for unit in Unit::ALL {
            let rows = self.units[unit as usize];
            if rows > 0 {
                self.report
                    .timestamp_units
                    .insert(unit.name().to_owned(), rows);
            }
        }
        Ok(self.report)
    }
}
