//! CSV and TSV: a header, then a line per row, quoted where a value needs it. NULL and
//! the empty text are both an empty field; JSON and Parquet tell them apart.

use attrib::Result;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;

use super::cells::{self, Times};
use super::{Ending, Output, Sink, print};

pub struct Delimited {
    writer: csv::Writer<Output>,
    rows: u64,
}

impl Delimited {
    pub fn new(out: Output, schema: &Schema, delimiter: u8) -> Result<Self> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .from_writer(out);
        let names = schema.fields().iter().map(|field| field.name());
        writer.write_record(names).map_err(cannot_write)?;
        Ok(Delimited { writer, rows: 0 })
    }
}

impl Sink for Delimited {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        cells::for_each_row(batch, Times::Exact, |cells| {
            let fields = cells.iter().map(|cell| cell.as_deref().unwrap_or_default());
            self.writer.write_record(fields).map_err(cannot_write)
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Ending> {
        self.writer.flush().map_err(print::cannot_write)?;
        Ok(Ending {
            rows: self.rows,
            ..Ending::default()
        })
    }
}

fn cannot_write(cause: csv::Error) -> attrib::Error {
    print::cannot_write(cause.into())
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::cli::output::test_data::{text, text_of_nothing};

    #[test]
    fn csv_quotes_what_needs_it() {
        assert_eq!(
            text(Format::Csv),
            "\
channel,n,revenue,id,at,tags
\"Paid, Search\",1,12.5,0aff,2020-11-01T00:00:00.123Z,\"[\"\"a\"\",\"\"b\\\"\"c\"\"]\"
,2000,,,,
\"x|y\nz\",-3,-0.000000001,01,1970-01-01T00:00:00Z,[null]
"
        );
    }

    #[test]
    fn tsv_separates_by_tabs() {
        assert!(
            text(Format::Tsv)
                .starts_with("channel\tn\trevenue\tid\tat\ttags\nPaid, Search\t1\t")
        );
    }

    #[test]
    fn no_rows_are_a_header() {
        assert_eq!(
            text_of_nothing(Format::Csv),
            "channel,n,revenue,id,at,tags\n"
        );
    }
}
