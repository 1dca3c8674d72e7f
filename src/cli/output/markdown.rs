//! A table in Markdown (GitHub's flavour). Columns are not padded, so that rows can go
//! out as they come in.

use std::io::Write;

use attrib::Result;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;

use super::cells::{self, Times};
use super::{Ending, Output, Sink, is_numeric, print};

pub struct Markdown {
    out: Output,
    rows: u64,
}

impl Markdown {
    pub fn new(mut out: Output, schema: &Schema) -> Result<Self> {
        let names: Vec<String> = schema.fields().iter().map(|f| escaped(f.name())).collect();
        let rules: Vec<&str> = (0..names.len())
            .map(|column| {
                if is_numeric(schema, column) {
                    "---:"
                } else {
                    "---"
                }
            })
            .collect();
        writeln!(out, "| {} |\n| {} |", names.join(" | "), rules.join(" | "))
            .map_err(print::cannot_write)?;
        Ok(Markdown { out, rows: 0 })
    }
}

impl Sink for Markdown {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        cells::for_each_row(batch, Times::Readable, |cells| {
            let cells: Vec<String> = cells
                .iter()
                .map(|cell| escaped(cell.as_deref().unwrap_or_default()))
                .collect();
            writeln!(self.out, "| {} |", cells.join(" | ")).map_err(print::cannot_write)
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Ending> {
        self.out.flush().map_err(print::cannot_write)?;
        Ok(Ending {
            rows: self.rows,
            ..Ending::default()
        })
    }
}

/// Keeps a value inside its cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
        .replace("\r\n", "<br>")
        .replace(['\n', '\r'], "<br>")
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::cli::output::test_data::text;

    #[test]
    fn numbers_align_right_and_bars_are_escaped() {
        let text = text(Format::Markdown);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "| channel | n | revenue | id | at | tags |");
        assert_eq!(lines[1], "| --- | ---: | ---: | --- | --- | --- |");
        assert_eq!(lines[3], "|  | 2000 |  |  |  |  |");
        assert!(lines[4].starts_with("| x\\|y<br>z | -3 |"), "{}", lines[4]);
    }
}
