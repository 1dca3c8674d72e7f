//! JSON: one array, or one object per line. Every column is there in every object, a
//! NULL as `null`; decimals are numbers, exact to the last digit.

use std::io::Write;
use std::sync::Arc;

use attrib::Result;
use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{
    Encoder, EncoderFactory, EncoderOptions, JsonFormat, LineDelimited, NullableEncoder,
    Writer, WriterBuilder,
};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{Ending, Output, Sink, cannot_format, cells, print};

/// How values become JSON, here and inside the cells of other formats.
pub fn options() -> EncoderOptions {
    EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_encoder_factory(Arc::new(ShortDecimals))
}

pub struct Json<F: JsonFormat> {
    writer: Writer<Output, F>,
    rows: u64,
}

impl Json<OneArray> {
    /// One array of objects, an object per line.
    pub fn array(out: Output) -> Self {
        Json {
            writer: writer(out),
            rows: 0,
        }
    }
}

impl Json<LineDelimited> {
    /// One object per line.
    pub fn lines(out: Output) -> Self {
        Json {
            writer: writer(out),
            rows: 0,
        }
    }
}

fn writer<F: JsonFormat>(out: Output) -> Writer<Output, F> {
    WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_encoder_factory(Arc::new(ShortDecimals))
        .build(out)
}

impl<F: JsonFormat + Send> Sink for Json<F> {
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

/// An array with a line per row, so that a file of it can be compared and searched.
#[derive(Debug, Default)]
pub struct OneArray;

impl JsonFormat for OneArray {
    fn start_stream<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        Ok(out.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, out: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(out.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        Ok(out.write_all(b"\n]\n")?)
    }
}

/// Writes decimals as numbers without trailing zeros, at any depth.
#[derive(Debug)]
struct ShortDecimals;

impl EncoderFactory for ShortDecimals {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        match array.data_type() {
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => {}
            _ => return Ok(None),
        }
        let text = ArrayFormatter::try_new(array, &FormatOptions::new())?;
        let encoder = Box::new(ShortDecimal { text });
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct ShortDecimal<'a> {
    text: ArrayFormatter<'a>,
}

impl Encoder for ShortDecimal<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let text = self.text.value(row).to_string();
        out.extend_from_slice(cells::trimmed(&text).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::cli::output::test_data::{text, text_of_nothing};

    #[test]
    fn every_column_is_in_every_object() {
        assert_eq!(
            text(Format::Ndjson),
            "\
{\"channel\":\"Paid, Search\",\"n\":1,\"revenue\":12.5,\"id\":\"0aff\",\"at\":\"2020-11-01T00:00:00.123Z\",\"tags\":[\"a\",\"b\\\"c\"]}
{\"channel\":null,\"n\":2000,\"revenue\":null,\"id\":\"\",\"at\":null,\"tags\":null}
{\"channel\":\"x|y\\nz\",\"n\":-3,\"revenue\":-0.000000001,\"id\":\"01\",\"at\":\"1970-01-01T00:00:00Z\",\"tags\":[null]}
"
        );
    }

    #[test]
    fn an_array_has_a_line_per_row() {
        let text = text(Format::Json);
        assert_eq!(text.lines().count(), 5);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(rows[1]["n"], 2000);
    }

    #[test]
    fn no_rows_are_an_empty_array() {
        let rows: Vec<serde_json::Value> =
            serde_json::from_str(&text_of_nothing(Format::Json)).unwrap();
        assert!(rows.is_empty());
        assert_eq!(text_of_nothing(Format::Ndjson), "");
    }
}
