//! What a chunk gave: batches of rows, rejects and counts.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;

use super::ReadOptions;
use super::builder::Builder;
use super::event::Event;
use super::reject::{Reject, Rejection};
use super::timestamp::Unit;
use crate::report::FileReport;
use crate::{Error, Result};

/// Collects the rows of one chunk.
pub(crate) struct Output<'a> {
    name: &'a str,
    strict: bool,
    batch_rows: usize,
    builder: Builder,
    found: Found,
}

/// The content of one chunk.
#[derive(Default)]
pub(crate) struct Found {
    /// Rows of the raw schema, in the order of the file.
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) rejects: Vec<Reject>,
    rows_read: u64,
    units: [u64; Unit::ALL.len()],
    params: BTreeSet<String>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(name: &'a str, options: &ReadOptions) -> Self {
        Output {
            name,
            strict: options.strict,
            batch_rows: options.batch_rows.max(1),
            builder: Builder::new(),
            found: Found::default(),
        }
    }

    /// The name of the file, for messages.
    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    /// Adds an event that was offered all, or rejects it. `line` is where its record starts; `raw` is called for
    /// the record only if it is rejected.
    pub(crate) fn event(
        &mut self,
        event: &mut Event<'_>,
        line: u64,
        raw: impl FnOnce() -> String,
    ) -> Result<()> {
        let (micros, unit) = match event.finish() {
            Ok(time) => time,
            Err(rejection) => return self.reject(line, rejection, raw),
        };
        self.found.units[unit as usize] += 1;
        self.found.rows_read += 1;
        self.builder.append(event, micros)?;
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
        self.found.rows_read += 1;
        self.found.rejects.push(Reject {
            file: self.name.to_owned(),
            line,
            reason,
            detail,
            raw: raw(),
        });
        Ok(())
    }

    /// Notes columns that are event params.
    pub(crate) fn params(&mut self, names: Vec<String>) {
        self.found.params.extend(names);
    }

    fn flush(&mut self) -> Result<()> {
        if self.builder.rows() > 0 {
            self.found.batches.push(self.builder.finish()?);
        }
        Ok(())
    }

    /// Hands out all that was found.
    pub(crate) fn finish(mut self) -> Result<Found> {
        self.flush()?;
        Ok(self.found)
    }
}

impl Found {
    /// Adds its counts to the report of the file.
    pub(crate) fn count(&self, report: &mut FileReport) {
        report.rows_read += self.rows_read;
        report.rows_rejected += self.rejects.len() as u64;
        for unit in Unit::ALL {
            let rows = self.units[unit as usize];
            if rows > 0 {
                let name = unit.name().to_owned();
                *report.timestamp_units.entry(name).or_default() += rows;
            }
        }
        for name in &self.params {
            if let Err(at) = report.param_columns.binary_search(name) {
                report.param_columns.insert(at, name.clone());
            }
        }
    }
}
