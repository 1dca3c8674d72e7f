//! The table for people: as many rows as asked for, from both ends of the result, fitted
//! to the terminal, numbers to the right, NULL dimmed.

use std::collections::VecDeque;
use std::io::Write;

use attrib::Result;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, Table};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use unicode_width::UnicodeWidthStr;

use super::cells::{self, Times};
use super::fit::{self, Shown, Wanted};
use super::{Ending, Output, Sink, is_numeric, print};

/// No value is drawn wider than this, terminal or not.
const WIDEST: usize = 200;

/// How a table is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableOptions {
    /// The most rows to show; none shows all.
    pub max_rows: Option<usize>,
    /// Cells of the terminal; none where there is no terminal to fit into.
    pub width: Option<usize>,
    pub colored: bool,
}

/// Collects the rows to show. Of a longer result it keeps the first and the last rows,
/// never more than two batches beyond them.
pub struct TableSink {
    out: Output,
    schema: SchemaRef,
    options: TableOptions,
    head: Vec<RecordBatch>,
    head_rows: usize,
    tail: VecDeque<RecordBatch>,
    tail_rows: usize,
    rows: u64,
}

impl TableSink {
    pub fn new(out: Output, schema: SchemaRef, options: TableOptions) -> Self {
        TableSink {
            out,
            schema,
            options,
            head: Vec::new(),
            head_rows: 0,
            tail: VecDeque::new(),
            tail_rows: 0,
            rows: 0,
        }
    }

    /// Rows from the start of the result, and from its end.
    fn limits(&self) -> (usize, usize) {
        match self.options.max_rows {
            Some(most) => (most.div_ceil(2), most / 2),
            None => (usize::MAX, 0),
        }
    }

    /// The rows to show, and where those that are not would stand.
    fn shown(&self) -> Result<(Vec<Row>, Option<usize>)> {
        let mut rows = Vec::with_capacity(self.head_rows);
        for batch in &self.head {
            take_rows(batch, &mut rows)?;
        }
        let gap = rows.len();
        let mut skip = self.tail_rows.saturating_sub(self.limits().1);
        for batch in &self.tail {
            let skipped = skip.min(batch.num_rows());
            skip -= skipped;
            take_rows(&batch.slice(skipped, batch.num_rows() - skipped), &mut rows)?;
        }
        let is_cut = (rows.len() as u64) < self.rows;
        Ok((rows, is_cut.then_some(gap)))
    }
}

impl Sink for TableSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        let (from_start, from_end) = self.limits();
        let in_head = batch.num_rows().min(from_start - self.head_rows);
        if in_head > 0 {
            self.head.push(batch.slice(0, in_head));
            self.head_rows += in_head;
        }
        if in_head < batch.num_rows() && from_end > 0 {
            let rest = batch.slice(in_head, batch.num_rows() - in_head);
            self.tail_rows += rest.num_rows();
            self.tail.push_back(rest);
            while let Some(first) = self.tail.front()
                && self.tail_rows - first.num_rows() >= from_end
            {
                self.tail_rows -= first.num_rows();
                self.tail.pop_front();
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Ending> {
        let (rows, gap) = self.shown()?;
        let hidden_rows = self.rows - rows.len() as u64;
        let drawing = Drawing::new(&self.schema, rows, self.options);
        let hidden_columns = self.schema.fields().len() - drawing.shown.len();
        if !self.schema.fields().is_empty() {
            writeln!(self.out, "{}", drawing.draw(gap)).map_err(print::cannot_write)?;
        }
        self.out.flush().map_err(print::cannot_write)?;
        Ok(Ending {
            rows: self.rows,
            hidden_rows,
            hidden_columns,
        })
    }
}

type Row = Vec<Option<String>>;

fn take_rows(batch: &RecordBatch, rows: &mut Vec<Row>) -> Result<()> {
    cells::for_each_row(batch, Times::Readable, |cells| {
        let cell = |text: &str| fit::cut(&fit::one_line(text), WIDEST);
        rows.push(cells.iter().map(|c| c.as_deref().map(cell)).collect());
        Ok(())
    })
}

/// What stands for NULL.
const NULL: &str = "NULL";

struct Drawing {
    names: Vec<String>,
    numeric: Vec<bool>,
    rows: Vec<Row>,
    shown: Vec<Shown>,
    colored: bool,
}

impl Drawing {
    fn new(schema: &SchemaRef, rows: Vec<Row>, options: TableOptions) -> Self {
        let names: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| fit::one_line(field.name()))
            .collect();
        let numeric: Vec<bool> = (0..names.len()).map(|c| is_numeric(schema, c)).collect();
        let wanted: Vec<Wanted> = (0..names.len())
            .map(|c| {
                let cells = rows
                    .iter()
                    .map(|row| row[c].as_deref().unwrap_or(NULL).width());
                let width = cells.max().unwrap_or(0).max(names[c].width());
                Wanted {
                    width,
                    can_shrink: !numeric[c],
                }
            })
            .collect();
        let shown = fit::fit(&wanted, options.width.unwrap_or(usize::MAX));
        Drawing {
            names,
            numeric,
            rows,
            shown,
            colored: options.colored,
        }
    }

    fn draw(&self, gap: Option<usize>) -> Table {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED);
        if self.colored {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(self.line(|shown| {
            let name = Cell::new(fit::cut(&self.names[shown.column], shown.width));
            self.aligned(name.add_attribute(Attribute::Bold), shown.column)
        }));
        for (number, row) in self.rows.iter().enumerate() {
            if gap == Some(number) {
                table.add_row(self.gap_line());
            }
            table.add_row(self.line(|shown| match &row[shown.column] {
                Some(text) => {
                    self.aligned(Cell::new(fit::cut(text, shown.width)), shown.column)
                }
                None => {
                    self.aligned(Cell::new(NULL).add_attribute(Attribute::Dim), shown.column)
                }
            }));
        }
        if gap == Some(self.rows.len()) {
            table.add_row(self.gap_line());
        }
        table
    }

    /// The cells of one line, with `…` where columns were left out.
    fn line(&self, cell: impl Fn(&Shown) -> Cell) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(self.shown.len() + 1);
        let mut next = 0;
        for shown in &self.shown {
            if shown.column != next {
                cells.push(Cell::new("…"));
            }
            cells.push(cell(shown));
            next = shown.column + 1;
        }
        if next < self.names.len() {
            cells.push(Cell::new("…"));
        }
        cells
    }

    fn gap_line(&self) -> Vec<Cell> {
        self.line(|shown| self.aligned(Cell::new("⋮"), shown.column))
    }

    fn aligned(&self, cell: Cell, column: usize) -> Cell {
        let alignment = if self.numeric[column] {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        };
        cell.set_alignment(alignment)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::cli::output::test_data::{self, Shared};
    use crate::cli::output::{Format, sink};

    fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
        let array: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
        RecordBatch::try_from_iter([("n", array)]).unwrap()
    }

    fn draw(batches: &[RecordBatch], options: TableOptions) -> (String, Ending) {
        let shared = Shared::default();
        let out = Box::new(shared.clone());
        let schema = batches[0].schema();
        let mut sink = sink(Format::Table, out, false, schema, options).unwrap();
        for batch in batches {
            sink.write(batch).unwrap();
        }
        let ending = sink.finish().unwrap();
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        (text, ending)
    }

    #[test]
    fn numbers_stand_right_and_nulls_are_named() {
        let batch = test_data::batch().project(&[0, 1, 2]).unwrap();
        let (text, ending) = draw(&[batch], TableOptions::default());
        assert_eq!(
            text,
            "\
┌──────────────┬──────┬──────────────┐
│ channel      ┆    n ┆      revenue │
╞══════════════╪══════╪══════════════╡
│ Paid, Search ┆    1 ┆         12.5 │
│ NULL         ┆ 2000 ┆         NULL │
│ x|y\\nz       ┆   -3 ┆ -0.000000001 │
└──────────────┴──────┴──────────────┘
"
        );
        assert_eq!(
            ending,
            Ending {
                rows: 3,
                hidden_rows: 0,
                hidden_columns: 0
            }
        );
    }

    #[test]
    fn long_results_show_both_ends() {
        let batches: Vec<RecordBatch> =
            (0..100).map(|i| numbers(i * 10..i * 10 + 10)).collect();
        let options = TableOptions {
            max_rows: Some(5),
            ..TableOptions::default()
        };
        let (text, ending) = draw(&batches, options);
        let cells: Vec<&str> = text
            .lines()
            .filter_map(|l| l.strip_prefix("│ ")?.split_whitespace().next())
            .collect();
        assert_eq!(cells, ["n", "0", "1", "2", "⋮", "998", "999"]);
        assert_eq!(
            ending,
            Ending {
                rows: 1000,
                hidden_rows: 995,
                hidden_columns: 0
            }
        );
    }

    #[test]
    fn rows_that_just_fit_are_all_shown() {
        let options = TableOptions {
            max_rows: Some(10),
            ..TableOptions::default()
        };
        let (text, ending) = draw(&[numbers(0..7), numbers(7..10)], options);
        assert!(!text.contains('⋮'));
        assert_eq!(ending.hidden_rows, 0);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(300)]));
        let columns = (0..12).map(|i| (format!("column_{i}"), Arc::clone(&long)));
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        for width in [30, 80, 81, 120] {
            let options = TableOptions {
                width: Some(width),
                ..TableOptions::default()
            };
            let (text, ending) = draw(std::slice::from_ref(&batch), options);
            assert!(
                text.lines().all(|line| line.width() <= width),
                "{width}:\n{text}"
            );
            assert!(ending.hidden_columns > 0);
        }
    }

    #[test]
    fn colours_only_where_they_are_on() {
        let batch = test_data::batch();
        let colored = TableOptions {
            colored: true,
            ..TableOptions::default()
        };
        assert!(
            draw(std::slice::from_ref(&batch), colored)
                .0
                .contains('\u{1b}')
        );
        assert!(!draw(&[batch], TableOptions::default()).0.contains('\u{1b}'));
    }
}
