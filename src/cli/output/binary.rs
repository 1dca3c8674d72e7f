//! Formats for programs: Arrow IPC and Parquet. They keep every type as it is.

use std::io::Write;

use attrib::{Error, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{Ending, Output, Sink, cannot_format, print};

/// Rows that Parquet holds in memory before it writes them. Fewer than its default of
/// about a million, which wide rows would make gigabytes of.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Arrow's file format (also called Feather), which can be read at random.
pub struct ArrowFile {
    writer: FileWriter<Output>,
    rows: u64,
}

impl ArrowFile {
    pub fn new(out: Output, schema: &Schema) -> Result<Self> {
        let writer = FileWriter::try_new(out, schema).map_err(cannot_format)?;
        Ok(ArrowFile { writer, rows: 0 })
    }
}

impl Sink for ArrowFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(cannot_format)
    }

    fn finish(mut self: Box<Self>) -> Result<Ending> {
        self.writer.finish().map_err(cannot_format)?;
        self.writer.get_mut().flush().map_err(print::cannot_write)?;
        Ok(Ending {
            rows: self.rows,
            ..Ending::default()
        })
    }
}

/// Arrow's stream format, for pipes.
pub struct ArrowStream {
    writer: StreamWriter<Output>,
    rows: u64,
}

impl ArrowStream {
    pub fn new(out: Output, schema: &Schema) -> Result<Self> {
        let writer = StreamWriter::try_new(out, schema).map_err(cannot_format)?;
        Ok(ArrowStream { writer, rows: 0 })
    }
}

impl Sink for ArrowStream {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(cannot_format)
    }

    fn finish(mut self: Box<Self>) -> Result<Ending> {
        self.writer.finish().map_err(cannot_format)?;
        self.writer.get_mut().flush().map_err(print::cannot_write)?;
        Ok(Ending {
            rows: self.rows,
            ..Ending::default()
        })
    }
}

/// Parquet, compressed with zstd.
pub struct Parquet {
    writer: ArrowWriter<Output>,
    rows: u64,
}

impl Parquet {
    pub fn new(out: Output, schema: SchemaRef) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer =
            ArrowWriter::try_new(out, schema, Some(properties)).map_err(cannot_encode)?;
        Ok(Parquet { writer, rows: 0 })
    }
}

impl Sink for Parquet {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(cannot_encode)
    }

    fn finish(self: Box<Self>) -> Result<Ending> {
        let mut out = self.writer.into_inner().map_err(cannot_encode)?;
        out.flush().map_err(print::cannot_write)?;
        Ok(Ending {
            rows: self.rows,
            ..Ending::default()
        })
    }
}

fn cannot_encode(cause: ParquetError) -> Error {
    Error::storage("cannot write the output as Parquet").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use bytes::Bytes;
    use datafusion::arrow::ipc::reader::{FileReader, StreamReader};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

    use crate::cli::output::Format;
    use crate::cli::output::test_data::{batch, written};

    #[test]
    fn a_file_of_arrow_reads_back() {
        let bytes = written(Format::Arrow, true, &[batch()], batch().schema());
        let mut reader = FileReader::try_new(Cursor::new(bytes), None).unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), batch());
    }

    #[test]
    fn a_stream_of_arrow_reads_back() {
        let bytes = written(Format::Arrow, false, &[batch()], batch().schema());
        let mut reader = StreamReader::try_new(Cursor::new(bytes), None).unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), batch());
    }

    #[test]
    fn parquet_reads_back_also_without_rows() {
        let bytes = written(Format::Parquet, true, &[batch()], batch().schema());
        let mut reader = ParquetRecordBatchReader::try_new(Bytes::from(bytes), 1024).unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), batch());
        let bytes = written(Format::Parquet, true, &[], batch().schema());
        let reader = ParquetRecordBatchReader::try_new(Bytes::from(bytes), 1024).unwrap();
        assert_eq!(reader.count(), 0);
    }
}
