//! Rows on their way from the readers to the sort: in memory up to a bound, then in a
//! temporary Arrow file that goes when the spool goes.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::MemTable;
use datafusion::execution::options::ArrowReadOptions;
use datafusion::prelude::{DataFrame, SessionContext};
use tempfile::TempPath;

use crate::{Error, Result};

/// Bytes of rows that wait in memory before they go to disk.
const MEMORY_BYTES: usize = 256 << 20;

/// Rows of one schema, written once and read any number of times.
pub(super) struct Spool {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    bytes: usize,
    disk: Option<(FileWriter<BufWriter<File>>, TempPath)>,
    finished: Option<TempPath>,
    rows: u64,
}

impl Spool {
    pub fn new(schema: SchemaRef) -> Self {
        Spool {
            schema,
            batches: Vec::new(),
            bytes: 0,
            disk: None,
            finished: None,
            rows: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.rows += batch.num_rows() as u64;
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        if self.bytes > MEMORY_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.disk.is_none() {
            let file = tempfile::Builder::new()
                .prefix("attrib-")
                .suffix(".arrow")
                .tempfile()
                .map_err(full)?;
            let (file, path) = file.into_parts();
            let writer =
                FileWriter::try_new(BufWriter::new(file), &self.schema).map_err(full)?;
            self.disk = Some((writer, path));
        }
        if let Some((writer, _)) = &mut self.disk {
            for batch in self.batches.drain(..) {
                writer.write(&batch).map_err(full)?;
            }
        }
        self.bytes = 0;
        Ok(())
    }

    /// The rows as a frame. What is on disk stays there as long as the spool.
    pub async fn frame(&mut self, context: &SessionContext) -> Result<DataFrame> {
        if self.disk.is_some() {
            self.flush()?;
        }
        if let Some((mut writer, path)) = self.disk.take() {
            writer.finish().map_err(full)?;
            self.finished = Some(path);
        }
        let frame = match &self.finished {
            Some(path) => {
                let options = ArrowReadOptions::default().schema(&self.schema);
                let path = path.to_string_lossy().to_string();
                context.read_arrow(path, options).await
            }
            None => MemTable::try_new(self.schema.clone(), vec![self.batches.clone()])
                .and_then(|table| context.read_table(Arc::new(table))),
        };
        frame.map_err(|e| Error::internal("cannot read the rows back").caused_by(e))
    }
}

fn full(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::storage("cannot write rows to the temporary folder")
        .with("folder", std::env::temp_dir().display())
        .hint("free some space there, or point TMPDIR to another disk")
        .caused_by(error)
}
