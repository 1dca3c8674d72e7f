//! Cuts CSV text into blocks of whole rows, which can be read apart from each other.
//!
//! A block ends where a row does, and a line break within quotes ends none. What opens a
//! quote is what the parser takes for one: a `"` at the start of a field. So only quotes and
//! line breaks are looked at, which is many times faster than parsing.

use std::io::{self, Read};

use super::MAX_RECORD_BYTES;

/// Bytes of a block, about.
const BLOCK_BYTES: usize = 2 << 20;

/// Whole rows.
pub(crate) struct Block {
    pub(crate) text: Vec<u8>,
    /// The line on which it starts, from 1.
    pub(crate) line: u64,
}

/// The blocks of a stream.
pub(crate) struct Blocks<R> {
    reader: R,
    delimiter: u8,
    block_bytes: usize,
    /// What was read and belongs to the next block.
    rest: Vec<u8>,
    line: u64,
    at_end: bool,
}

impl<R: Read> Blocks<R> {
    pub(crate) fn new(reader: R, delimiter: u8) -> Self {
        Blocks {
            reader,
            delimiter,
            block_bytes: BLOCK_BYTES,
            rest: Vec::new(),
            line: 1,
            at_end: false,
        }
    }

    /// The next block. One that holds a row over the limit may end within it: whoever reads
    /// it sees the limit first.
    pub(crate) fn next(&mut self) -> io::Result<Option<Block>> {
        let mut text = std::mem::take(&mut self.rest);
        let mut ends = Ends::default();
        while !self.at_end {
            let wanted = self.block_bytes as u64;
            let size = (&mut self.reader).take(wanted).read_to_end(&mut text)?;
            self.at_end = size == 0;
            ends.scan(&text, self.delimiter);
            if let Some(end) = ends.last.filter(|_| !self.at_end) {
                self.rest = text.split_off(end);
                break;
            }
            if text.len() > MAX_RECORD_BYTES + self.block_bytes {
                break;
            }
        }
        if text.is_empty() {
            return Ok(None);
        }
        let line = self.line;
        self.line += memchr::memchr_iter(b'\n', &text).count() as u64;
        Ok(Some(Block { text, line }))
    }
}

/// Finds ends of rows in a text that grows.
#[derive(Default)]
struct Ends {
    /// All before it has been looked at.
    at: usize,
    in_quotes: bool,
    /// Behind the last line break that ends a row.
    last: Option<usize>,
}

impl Ends {
    /// Looks at what came since the last call.
    fn scan(&mut self, text: &[u8], delimiter: u8) {
        while self.at < text.len() {
            if self.in_quotes {
                let Some(quote) = memchr::memchr(b'"', &text[self.at..]) else {
                    self.at = text.len();
                    return;
                };
                let quote = self.at + quote;
                match text.get(quote + 1) {
                    // Doubled, it stands for itself.
                    Some(b'"') => self.at = quote + 2,
                    Some(_) => {
                        self.in_quotes = false;
                        self.at = quote + 1;
                    }
                    // The next byte will tell.
                    None => {
                        self.at = quote;
                        return;
                    }
                }
                continue;
            }
            let Some(found) = memchr::memchr2(b'"', b'\n', &text[self.at..]) else {
                self.at = text.len();
                return;
            };
            let found = self.at + found;
            self.at = found + 1;
            if text[found] == b'\n' {
                self.last = Some(self.at);
            } else {
                let before = found.checked_sub(1).map(|before| text[before]);
                self.in_quotes = before
                    .is_none_or(|byte| matches!(byte, b'\n' | b'\r') || byte == delimiter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::csv_rows::Rows;
    use super::*;
    use proptest::prelude::*;

    fn blocks(text: &[u8], size: usize) -> Vec<Block> {
        let mut blocks = Blocks {
            block_bytes: size,
            ..Blocks::new(text, b',')
        };
        std::iter::from_fn(|| blocks.next().expect("in memory")).collect()
    }

    fn rows(text: &[u8], first_line: u64) -> Vec<(u64, Vec<String>)> {
        let mut rows = Rows::new(text, b',', first_line);
        let mut found = Vec::new();
        while let Some(row) = rows.next("f").expect("small rows") {
            let text = row.text().expect("UTF-8");
            let fields = (0..row.len()).map(|i| text[row.range(i)].to_owned());
            found.push((row.line, fields.collect()));
        }
        found
    }

    proptest! {
        #[test]
        fn rows_are_the_same_in_blocks_of_any_size(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["a", ",", "\"", "\"\"", "\n", "\r\n", "b\"c", "\",\""]),
                0..60,
            ),
            size in 1..40usize,
        ) {
            let text = pieces.concat().into_bytes();
            let found: Vec<_> = blocks(&text, size)
                .iter()
                .flat_map(|block| rows(&block.text, block.line))
                .collect();
            prop_assert_eq!(found, rows(&text, 1));
        }
    }

    #[test]
    fn a_block_ends_where_a_row_does() {
        let text = b"a,\"1\n2\"\nb,5\" wide\nc,3\n";
        let found = blocks(text, 5);
        let lines: Vec<_> = found.iter().map(|block| block.line).collect();
        assert_eq!(lines, [1, 3, 4]);
        assert_eq!(found[0].text, b"a,\"1\n2\"\n");
    }
}
