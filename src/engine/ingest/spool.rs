//! Rows that wait until all are read: in memory up to a bound, then in temporary Arrow
//! files that go when the spool goes.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::MemTable;
use datafusion::execution::options::ArrowReadOptions;
use datafusion::prelude::{DataFrame, SessionContext};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::{Error, Result};

/// Bytes of rows that wait in memory before they go to disk.
const MEMORY_BYTES: usize = 256 << 20;

/// Rows of one schema, written once and read any number of times.
pub(super) struct Spool {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    bytes: usize,
    disk: Option<TempDir>,
    files: usize,
    rows: u64,
}

impl Spool {
    pub fn new(schema: SchemaRef) -> Self {
        Spool {
            schema,
            batches: Vec::new(),
            bytes: 0,
            disk: None,
            files: 0,
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

    /// Moves the rows in memory to a file of their own.
    fn flush(&mut self) -> Result<()> {
        let folder = match self.disk.take() {
            Some(folder) => folder,
            None => tempfile::Builder::new()
                .prefix("attrib-")
                .tempdir()
                .map_err(full)?,
        };
        let path = folder.path().join(format!("{:06}.arrow", self.files));
        self.disk = Some(folder);
        let file = BufWriter::new(File::create(path).map_err(full)?);
        let mut writer = FileWriter::try_new(file, &self.schema).map_err(full)?;
        for batch in self.batches.drain(..) {
            writer.write(&batch).map_err(full)?;
        }
        writer.finish().map_err(full)?;
        self.files += 1;
        self.bytes = 0;
        Ok(())
    }

    /// A session in which [`Spool::frame`] reads files batch by batch. DataFusion would
    /// hold all batches of a file that it reads in parts.
    pub fn session(engine: &Engine) -> Result<SessionContext> {
        let context = engine.sessions.session()?;
        let state = context.state_ref();
        state
            .write()
            .config_mut()
            .options_mut()
            .optimizer
            .repartition_file_scans = false;
        Ok(context)
    }

    /// The rows as a frame. What is on disk stays there as long as the spool.
    pub async fn frame(&mut self, context: &SessionContext) -> Result<DataFrame> {
        if self.disk.is_some() && !self.batches.is_empty() {
            self.flush()?;
        }
        let frame = match &self.disk {
            Some(folder) => {
                let options = ArrowReadOptions::default().schema(&self.schema);
                let path = format!("{}/", folder.path().display());
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
