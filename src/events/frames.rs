//! Cuts a stream of JSON into records: lines, values over several lines, or the elements
//! of one array, with at most one record in memory.

use std::io::{self, BufRead, Read};

use super::MAX_RECORD_BYTES;

/// How records follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One a line; a broken line does not spoil the next.
    Lines,
    /// Anywhere: pretty-printed objects, or an array of objects.
    Values,
}

impl Framing {
    /// Tells the framing by the beginning of the text.
    pub(crate) fn detect(head: &[u8]) -> Framing {
        let mut lines = head
            .split(|&b| b == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        if first.starts_with(b"[") {
            return Framing::Values;
        }
        // A line that leaves its object open begins a pretty-printed one, unless the next
        // line begins an object of its own.
        let mut depth = Depth::default();
        let closed = first.iter().any(|&b| depth.step(b));
        let next_is_object = lines.next().is_none_or(|line| line.starts_with(b"{"));
        if !closed && (first == b"{" || !next_is_object) {
            Framing::Values
        } else {
            Framing::Lines
        }
    }
}

/// One record, as far as it could be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A record that may be JSON.
    Whole,
    /// What is no JSON value, or one that the file's end cuts off.
    Broken,
    /// A record over the limit; only its beginning is kept.
    TooLarge,
}

/// The records of a stream.
pub(crate) struct Frames<R> {
    reader: R,
    framing: Framing,
    line: u64,
    limit: usize,
    buffer: Vec<u8>,
}

/// How much of a record over the limit is kept for the message.
const KEPT_BYTES: usize = 1024;

impl<R: BufRead> Frames<R> {
    pub(crate) fn new(reader: R, framing: Framing) -> Self {
        Frames {
            reader,
            framing,
            line: 1,
            limit: MAX_RECORD_BYTES,
            buffer: Vec::new(),
        }
    }

    /// The bytes of the last frame.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Reads the next record: the line on which it starts, from 1.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, Frame)>> {
        self.buffer.clear();
        // A buffer that one huge record grew is not kept.
        self.buffer.shrink_to(1 << 20);
        match self.framing {
            Framing::Lines => self.next_line(),
            Framing::Values => self.next_value(),
        }
    }

    fn next_line(&mut self) -> io::Result<Option<(u64, Frame)>> {
        loop {
            self.buffer.clear();
            let limit = self.limit as u64 + 1;
            let size = self
                .reader
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut self.buffer)?;
            if size == 0 {
                return Ok(None);
            }
            let line = self.line;
            self.line += 1;
            if size > self.limit && self.buffer.last() != Some(&b'\n') {
                self.buffer.truncate(KEPT_BYTES);
                self.skip_line()?;
                return Ok(Some((line, Frame::TooLarge)));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some((line, Frame::Whole)));
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(());
            }
            match chunk.iter().position(|&b| b == b'\n') {
                Some(at) => {
                    self.reader.consume(at + 1);
                    return Ok(());
                }
                None => {
                    let size = chunk.len();
                    self.reader.consume(size);
                }
            }
        }
    }

    fn next_value(&mut self) -> io::Result<Option<(u64, Frame)>> {
        // To the beginning of a value, past an array's brackets and commas.
        let start = loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let between = |b: &&u8| b.is_ascii_whitespace() || matches!(b, b',' | b'[' | b']');
            let skipped = chunk.iter().take_while(between).count();
            self.line += chunk[..skipped].iter().filter(|&&b| b == b'\n').count() as u64;
            let start = chunk.get(skipped).copied();
            self.reader.consume(skipped);
            if let Some(start) = start {
                break start;
            }
        };
        let line = self.line;
        if start != b'{' {
            self.take_until(|b| b == b'\n')?;
            return Ok(Some((line, Frame::Broken)));
        }
        let mut depth = Depth::default();
        let (ended, size) = self.take_until(|b| depth.step(b))?;
        let frame = if size > self.limit {
            self.buffer.truncate(KEPT_BYTES);
            Frame::TooLarge
        } else if ended {
            Frame::Whole
        } else {
            Frame::Broken
        };
        Ok(Some((line, frame)))
    }

    /// Takes bytes up to and with the one that ends the record; says whether there was one,
    /// and how many bytes they were. Those over the limit are dropped.
    fn take_until(&mut self, mut ends: impl FnMut(u8) -> bool) -> io::Result<(bool, usize)> {
        let mut size = 0;
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok((false, size));
            }
            let end = chunk.iter().position(|&b| ends(b));
            let taken = end.map_or(chunk.len(), |at| at + 1);
            self.line += chunk[..taken].iter().filter(|&&b| b == b'\n').count() as u64;
            if size <= self.limit {
                self.buffer.extend_from_slice(&chunk[..taken]);
            }
            size += taken;
            self.reader.consume(taken);
            if end.is_some() {
                return Ok((true, size));
            }
        }
    }
}

/// Follows brackets and strings.
#[derive(Default)]
struct Depth {
    open: usize,
    in_string: bool,
    escaped: bool,
}

impl Depth {
    /// Takes a byte; whether it closes the last open bracket.
    fn step(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.open += 1,
            b'}' | b']' => {
                self.open = self.open.saturating_sub(1);
                return self.open == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &str, limit: usize) -> Vec<(u64, Frame, String)> {
        let framing = Framing::detect(text.as_bytes());
        // A tiny buffer, so that records lie across its ends.
        let reader = io::BufReader::with_capacity(3, text.as_bytes());
        let mut frames = Frames {
            limit,
            ..Frames::new(reader, framing)
        };
        let mut found = Vec::new();
        while let Some((line, frame)) = frames.next().expect("in memory") {
            let text = String::from_utf8_lossy(frames.bytes()).trim().to_owned();
            found.push((line, frame, text));
        }
        found
    }

    fn whole(line: u64, text: &str) -> (u64, Frame, String) {
        (line, Frame::Whole, text.to_owned())
    }

    #[test]
    fn lines_are_records_and_a_broken_one_stays_alone() {
        assert_eq!(
            frames("{\"a\":1}\r\n\n{\"b\":\n{\"c\":3}", 1000),
            [
                whole(1, "{\"a\":1}"),
                whole(3, "{\"b\":"),
                whole(4, "{\"c\":3}")
            ]
        );
        assert_eq!(frames("{\"b\":\n{\"c\":3}", 1000)[1], whole(2, "{\"c\":3}"));
    }

    #[test]
    fn values_may_span_lines_or_stand_in_an_array() {
        assert_eq!(
            frames("{\n \"a\": \"}\\\"\"\n}\n{\"b\":{}}", 1000),
            [whole(1, "{\n \"a\": \"}\\\"\"\n}"), whole(4, "{\"b\":{}}")]
        );
        assert_eq!(
            frames("[{\"a\":1},\n{\"a\":2}]\n", 1000),
            [whole(1, "{\"a\":1}"), whole(2, "{\"a\":2}")]
        );
        assert_eq!(frames("[\n]", 1000), []);
        let cut = frames("[{\"a\":1},{\"a\":", 1000);
        assert_eq!(cut[1], (1, Frame::Broken, "{\"a\":".to_owned()));
        let rubbish = frames("[{\"a\":1}, nonsense\n{\"a\":2}]", 1000);
        assert_eq!(rubbish[1].1, Frame::Broken);
        assert_eq!(rubbish[2], whole(2, "{\"a\":2}"));
    }

    #[test]
    fn huge_records_are_dropped_and_the_next_is_read() {
        let text = format!("{{\"a\":\"{}\"}}\n{{\"a\":1}}\n", "x".repeat(100));
        let found = frames(&text, 50);
        assert_eq!((found[0].0, found[0].1), (1, Frame::TooLarge));
        assert_eq!(found[1], whole(2, "{\"a\":1}"));
        let found = frames(&format!("[{text}]").replace("}\n{", "},\n{"), 50);
        assert_eq!((found[0].0, found[0].1), (1, Frame::TooLarge));
        assert_eq!(found[1], whole(2, "{\"a\":1}"));
    }
}
