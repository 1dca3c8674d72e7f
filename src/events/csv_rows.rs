//! Cuts CSV text into rows: quoted line breaks, either line ending, the line on which each
//! row starts, and no row larger than the limit.

use std::io::BufRead;

use csv_core::ReadRecordResult;

use super::MAX_RECORD_BYTES;
use super::decode::read_error;
use crate::{Error, Result};

/// The rows of a stream, one in memory at a time.
pub(crate) struct Rows<R> {
    reader: R,
    core: csv_core::Reader,
    line: u64,
    limit: usize,
    row: Row,
}

/// One row.
#[derive(Default)]
pub(crate) struct Row {
    /// The line on which it starts, from 1.
    pub(crate) line: u64,
    raw: Vec<u8>,
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl<R: BufRead> Rows<R> {
    pub(crate) fn new(reader: R, delimiter: u8) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Rows {
            reader,
            core,
            line: 1,
            limit: MAX_RECORD_BYTES,
            row: Row::default(),
        }
    }

    /// Reads the next row; empty lines are none.
    ///
    /// # Errors
    /// An input error if the file `name` cannot be read or the row is over the limit.
    pub(crate) fn next(&mut self, name: &str) -> Result<Option<&Row>> {
        self.skip_line_ends(name)?;
        let Rows {
            reader,
            core,
            line,
            limit,
            row,
        } = self;
        row.start(*line);
        let (mut text_len, mut ends_len) = (0, 0);
        loop {
            let input = reader.fill_buf().map_err(|e| read_error(name, e))?;
            let (result, read, wrote, ended) =
                core.read_record(input, &mut row.text[text_len..], &mut row.ends[ends_len..]);
            let taken = &input[..read];
            *line += taken.iter().filter(|&&b| b == b'\n').count() as u64;
            row.raw.extend_from_slice(taken);
            reader.consume(read);
            text_len += wrote;
            ends_len += ended;
            if row.raw.len() > *limit {
                return Err(too_large(name, row.line, *limit));
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => row.text.resize(row.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => row.ends.resize(row.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    row.fields = ends_len;
                    return Ok(Some(row));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Passes over line ends, so that the line of what follows is known.
    fn skip_line_ends(&mut self, name: &str) -> Result<()> {
        loop {
            let input = self.reader.fill_buf().map_err(|e| read_error(name, e))?;
            let ends = input
                .iter()
                .take_while(|b| matches!(b, b'\n' | b'\r'))
                .count();
            if ends == 0 {
                return Ok(());
            }
            self.line += input[..ends].iter().filter(|&&b| b == b'\n').count() as u64;
            self.reader.consume(ends);
        }
    }
}

fn too_large(name: &str, line: u64, limit: usize) -> Error {
    Error::input(format!("a row is longer than {} MiB", limit >> 20))
        .with("file", name)
        .with("line", line)
        .hint("a quote that opens on this line may never be closed")
}

impl Row {
    fn start(&mut self, line: u64) {
        self.line = line;
        self.raw.clear();
        self.fields = 0;
        // What one huge row took is not kept.
        self.raw.shrink_to(1 << 20);
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
        String::from_utf8_lossy(&self.raw)
            .trim_end_matches(['\r', '\n'])
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<(u64, Vec<String>, String)> {
        let mut rows = Rows::new(std::io::BufReader::with_capacity(2, text), b',');
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
            ..Rows::new(text.as_bytes(), b',')
        };
        assert!(rows.next("f").expect("the header").is_some());
        let error = rows.next("f").err().expect("too large");
        assert!(error.to_string().contains("line: 2"), "{error}");
    }

    #[test]
    fn finds_bytes_that_are_no_utf8_even_at_the_seams() {
        let text: &[u8] = b"\xc3,\xa9\n";
        let mut rows = Rows::new(text, b',');
        let row = rows.next("f").expect("in memory").expect("a row");
        assert_eq!(row.text(), Err(1));
    }
}
