//! The small tables inside reports: aligned columns, no borders.

use unicode_width::UnicodeWidthStr;

use super::Style;

/// Rows of text in aligned columns, indented by two.
#[derive(Debug, Default)]
pub struct Grid {
    header: Vec<&'static str>,
    /// Whether a column holds numbers, which align right.
    numeric: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A grid with a header. A name that starts with `>` is one of a column of numbers.
    pub fn new(header: &[&'static str]) -> Self {
        Grid {
            header: header
                .iter()
                .map(|name| name.trim_start_matches('>'))
                .collect(),
            numeric: header.iter().map(|name| name.starts_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells carry no colours.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Draws the grid, a line per row, each ended by a line break.
    pub fn draw(&self, style: Style) -> String {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|i| {
                let cells = self.rows.iter().filter_map(|row| row.get(i));
                let widest = cells.map(|cell| cell.width()).max().unwrap_or(0);
                widest.max(self.header[i].width())
            })
            .collect();
        let mut text = String::new();
        if self.header.iter().any(|name| !name.is_empty()) {
            let header: Vec<String> = self.header.iter().map(|&name| name.to_owned()).collect();
            text.push_str(&style.dim(self.line(&header, &widths)));
            text.push('\n');
        }
        for row in &self.rows {
            text.push_str(&self.line(row, &widths));
            text.push('\n');
        }
        text
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (i, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(widths[i].saturating_sub(cell.width()));
            line.push_str("  ");
            if self.numeric[i] {
                line.push_str(&padding);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&padding);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_left_and_numbers_right() {
        let mut grid = Grid::new(&["table", ">rows"]);
        grid.row(["a".into(), "1,000".into()]);
        grid.row(["émile".into(), "2".into()]);
        assert_eq!(
            grid.draw(Style::PLAIN),
            "  table   rows\n  a      1,000\n  émile      2\n"
        );
    }
}
