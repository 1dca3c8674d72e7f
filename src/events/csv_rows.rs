//! Cuts CSV text into rows: quoted line breaks, either line ending, the line on which each
//! row starts, and no row larger than the limit.

use csv_core::ReadRecordResult;

use super::MAX_RECORD_BYTES;
use crate::{Error, Result};

/// The rows of a text.
pub(crate) struct Rows<'t> {
    rest: &'t [u8],
    core: csv_core::Reader,
    line: u64,
    limit: usize,
    row: Row<'t>,
}

/// One row.
#[derive(Default)]
pub(crate) struct Row<'t> {
    /// The line on which it starts, from 1.
    pub(crate) line: u64,
    raw: &'t [u8],
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl<'t> Rows<'t> {
    /// Rows of `text`, which starts on `line`.
    pub(crate) fn new(text: &'t [u8], delimiter: u8, line: u64) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Rows {
            rest: text,
            core,
            line,
            limit: MAX_RECORD_BYTES,
            row: Row::default(),
        }
    }

    /// What comes after the rows that were read, and the line on which it starts.
    pub(crate) fn rest(&self) -> (&'t [u8], u64) {
        (self.rest, self.line)
    }

    /// Reads the next row; empty lines are none.
    ///
    /// # Errors
    /// An input error if the row, of the file `name`, is over the limit.
    pub(crate) fn next(&mut self, name: &str) -> Result<Option<&Row<'t>>> {
        self.skip_line_ends();
        let Rows {
            rest,
            core,
            line,
            limit,
            row,
        } = self;
        row.start(*line);
        let start = *rest;
        let (mut text_len, mut ends_len) = (0, 0);
        loop {
            let (result, read, wrote, ended) =
                core.read_record(rest, &mut row.text[text_len..], &mut row.ends[ends_len..]);
            *rest = &rest[read..];
            text_len += wrote;
            ends_len += ended;
            row.raw = &start[..start.len() - rest.len()];
            if row.raw.len() > *limit {
                return Err(too_large(name, row.line, *limit));
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => row.text.resize(row.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => row.ends.resize(row.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    row.fields = ends_len;
                    *line += memchr::memchr_iter(b'\n', row.raw).count() as u64;
                    return Ok(Some(row));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Passes over line ends, so that the line of what follows is known.
    fn skip_line_ends(&mut self) {
        let is_end = |b: &&u8| matches!(b, b'\n' | b'\r');
        let ends = self.rest.iter().take_while(is_end).count();
        let (ends, rest) = self.rest.split_at(ends);
        self.line += ends.iter().filter(|&&b| b == b'\n').count() as u64;
        self.rest = rest;
    }
}

fn too_large(name: &str, line: u64, limit: usize) -> Error {
    Error::input(format!("a row is longer than {} MiB", limit >> 20))
        .with("file", name)
        .with("line", line)
        .hint("a quote that opens on this line may never be closed")
}

impl Row<'_> {
    fn start(&mut self, line: u64) {
        self.line = line;
        self.fields = 0;
        // What one huge row took is not kept.
        if self.text.len() > 1 << 20 {
            self.text = Vec::new();
        }
        self.text.resize(self.text.len().max(1024), 0);
        self.ends.resize(self.ends.len().max(64), 0);
    }

    /// How many fields it has.
    pub(crate) fn len(&self) -> usize {
        self.fields
    }

    /// All fields run together, if they are UTF-8.
    ///
    /// # Errors
    /// The number of the field, from 1, that is not.
    pub(crate) fn text(&self) -> Result<&str, usize> {
        let size = self.fields.checked_sub(1).map_or(0, |last| self.ends[last]);
        if let Ok(text) = std::str::from_utf8(&self.text[..size])
            && self.ends[..self.fields]
                .iter()
                .all(|&end| text.is_char_boundary(end))
        {
            return Ok(text);
        }
        let invalid = |field: &usize| std::str::from_utf8(self.bytes(*field)).is_err();
        Err((0..self.fields).find(invalid).unwrap_or(0) + 1)
    }

    /// Where a field lies in the text.
    pub(crate) fn range(&self, field: usize) -> std::ops::Range<usize> {
        let start = field.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[field]
    }

    fn bytes(&self, field: usize) -> &[u8] {
        &self.text[self.range(field)]
    }

    /// The row as it stood in the file.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(self.raw)
            .trim_end_matches(['\r', '\n'])
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<(u64, Vec<String>, String)> {
        let mut rows = Rows::new(text, b',', 1);
        let mut found = Vec::new();
        while let Some(row) = rows.next("f").expect("in memory") {
            let text = row.text().expect("UTF-8");
            let fields = (0..row.len())
                .map(|i| text[row.range(i)].to_owned())
                .collect();
            found.push((row.line, fields, row.raw()));
        }
        found
    }

    #[test]
    fn lines_are_counted_through_quotes_empty_lines_and_line_ends() {
        for end in ["\n", "\r\n"] {
            let text = "a,b\n\n\"1\n\n1\",2\n3,4\n5".replace('\n', end);
            let found = rows(text.as_bytes());
            let lines: Vec<_> = found.iter().map(|(line, ..)| *line).collect();
            assert_eq!(lines, [1, 3, 6, 7], "{end:?}");
            assert_eq!(found[1].1[1], "2");
            assert_eq!(found[2].2, "3,4");
        }
        assert_eq!(rows(b"a\r\nb\r\n").len(), 2);
        assert_eq!(rows(b"").len(), 0);
    }

    #[test]
    fn large_fields_are_read_and_endless_ones_are_not() {
        let large = "x".repeat(3 << 20);
        let found = rows(format!("a,\"{large}\"\nb,c\n").as_bytes());
        assert_eq!(found[0].1[1].len(), large.len());
        assert_eq!(found[1].1, ["b", "c"]);
        let text = format!("a,b\nc,\"{large}");
        let mut rows = Rows {
            limit: 1 << 20,
            ..Rows::new(text.as_bytes(), b',', 1)
        };
        assert!(rows.next("f").expect("the header").is_some());
        let error = rows.next("f").err().expect("too large");
        assert!(error.to_string().contains("line: 2"), "{error}");
    }

    #[test]
    fn finds_bytes_that_are_no_utf8_even_at_the_seams() {
        let text: &[u8] = b"\xc3,\xa9\n";
        let mut rows = Rows::new(text, b',', 1);
        let row = rows.next("f").expect("in memory").expect("a row");
        assert_eq!(row.text(), Err(1));
    }
}
