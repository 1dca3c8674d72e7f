//! From a file's bytes to UTF-8 text or a Parquet file: compression, byte order marks, UTF-16.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;

use crate::{Error, Result};

/// Where the bytes come from.
pub enum Source {
    /// A file on disk; Parquet is read from it in place.
    File(File),
    /// Anything else; Parquet is first copied to a temporary file.
    Stream(Box<dyn Read + Send>),
}

impl From<File> for Source {
    fn from(file: File) -> Self {
        Source::File(file)
    }
}

/// A source, opened.
pub(crate) enum Decoded {
    Parquet(File),
    /// UTF-8 as far as it is valid, and its first bytes, which the reader gives again.
    Text {
        reader: Box<dyn BufRead + Send>,
        head: Vec<u8>,
    },
}

/// How much of the text is looked at to tell the format.
const HEAD_BYTES: usize = 256 << 10;
const BUFFER_BYTES: usize = 256 << 10;

const PARQUET: &[u8] = b"PAR1";
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Beginnings of files that are something else, and what to do about it.
const FOREIGN: &[(&[u8], &str, &str)] = &[
    (
        b"PK\x03\x04",
        "a zip archive or a spreadsheet",
        "unpack it, or export it as CSV",
    ),
    (
        b"BZh",
        "compressed with bzip2",
        "unpack it; gzip and zstd are read as they are",
    ),
    (
        b"\xfd7zXZ\0",
        "compressed with xz",
        "unpack it; gzip and zstd are read as they are",
    ),
    (
        b"Obj\x01",
        "an Avro file",
        "export it as Parquet or newline-delimited JSON",
    ),
    (
        b"ORC",
        "an ORC file",
        "export it as Parquet or newline-delimited JSON",
    ),
    (
        b"ARROW1",
        "an Arrow file",
        "export it as Parquet or newline-delimited JSON",
    ),
    (
        b"PARE",
        "an encrypted Parquet file",
        "export it without encryption",
    ),
];

/// Opens a source; `read` counts the bytes taken from it, compressed as they are.
///
/// # Errors
/// An input error if the file is empty, of a foreign kind, or cannot be read.
pub(crate) fn open(name: &str, source: Source, read: Arc<AtomicU64>) -> Result<Decoded> {
    let raw: Box<dyn Read + Send> = match source {
        Source::File(mut file) => {
            let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
            if regular {
                let head = peek(&mut file, PARQUET.len()).map_err(|e| read_error(name, e))?;
                file.rewind().map_err(|e| read_error(name, e))?;
                if head == PARQUET {
                    return Ok(Decoded::Parquet(file));
                }
            }
            Box::new(file)
        }
        Source::Stream(stream) => stream,
    };
    let mut raw = Counted { inner: raw, read };
    let magic = peek(&mut raw, 8).map_err(|e| read_error(name, e))?;
    if magic.is_empty() {
        return Err(empty(name));
    }
    let whole = Cursor::new(magic.clone()).chain(raw);
    let mut plain: Box<dyn Read + Send> = if magic.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(
            BUFFER_BYTES,
            whole,
        )))
    } else if magic.starts_with(ZSTD) {
        Box::new(zstd::Decoder::new(whole).map_err(|e| read_error(name, e))?)
    } else {
        Box::new(whole)
    };
    let magic = peek(&mut plain, 8).map_err(|e| read_error(name, e))?;
    if magic.starts_with(PARQUET) {
        return spool(name, Cursor::new(magic).chain(plain)).map(Decoded::Parquet);
    }
    if let Some((_, what, hint)) = FOREIGN.iter().find(|(start, ..)| magic.starts_with(start)) {
        let error = Error::input(format!("the file is {what}, which is not read"));
        return Err(error.with("file", name).hint(*hint));
    }
    let mut text = DecodeReaderBytesBuilder::new()
        .utf8_passthru(true)
        .strip_bom(true)
        .build(Cursor::new(magic).chain(plain));
    let head = peek(&mut text, HEAD_BYTES).map_err(|e| read_error(name, e))?;
    if head.iter().all(u8::is_ascii_whitespace) && head.len() < HEAD_BYTES {
        return Err(empty(name));
    }
    if head.contains(&0) {
        let error = Error::input("the file holds binary data, not text").with("file", name);
        return Err(error.hint(
            "UTF-8, and UTF-16 with a byte order mark, are read, also in gzip or zstd, and Parquet",
        ));
    }
    let again = Cursor::new(head.clone()).chain(text);
    Ok(Decoded::Text {
        reader: Box::new(BufReader::with_capacity(BUFFER_BYTES, again)),
        head,
    })
}

fn empty(name: &str) -> Error {
    Error::input("the file is empty").with("file", name)
}

/// Up to `size` first bytes.
fn peek(reader: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.by_ref().take(size as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn spool(name: &str, mut reader: impl Read) -> Result<File> {
    let temporary = |e| Error::storage("cannot write a temporary file").caused_by(e);
    let mut file = tempfile::tempfile().map_err(temporary)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let size = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(size) => size,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(read_error(name, e)),
        };
        io::Write::write_all(&mut file, &buffer[..size]).map_err(temporary)?;
    }
    file.rewind().map_err(temporary)?;
    Ok(file)
}

/// An error while reading the source, in words.
pub(crate) fn read_error(name: &str, error: io::Error) -> Error {
    let (message, hint) = match error.kind() {
        io::ErrorKind::UnexpectedEof => (
            "the file is cut off: its compressed data ends too early",
            Some("copy or export it again"),
        ),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => (
            "the file is damaged: its compressed data cannot be read",
            Some("copy or export it again"),
        ),
        _ => ("the file cannot be read", None),
    };
    let result = Error::input(message).with("file", name);
    let result = match hint {
        Some(hint) => result.hint(hint),
        None => result,
    };
    result.caused_by(error)
}

/// Counts the bytes read.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.inner.read(buffer)?;
        self.read.fetch_add(size as u64, Ordering::Relaxed);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn text(bytes: Vec<u8>) -> Result<String> {
        let source = Source::Stream(Box::new(Cursor::new(bytes)));
        match open("f", source, Arc::default())? {
            Decoded::Parquet(_) => Ok("parquet".into()),
            Decoded::Text { mut reader, .. } => {
                let mut text = String::new();
                reader
                    .read_to_string(&mut text)
                    .map_err(|e| read_error("f", e))?;
                Ok(text)
            }
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn sees_through_compression_and_encoding() {
        assert_eq!(text(b"a,b".to_vec()).expect("plain"), "a,b");
        assert_eq!(text(b"\xef\xbb\xbfa,b".to_vec()).expect("BOM"), "a,b");
        assert_eq!(text(gzip(b"\xef\xbb\xbfa,b")).expect("gzip"), "a,b");
        let two = [gzip(b"a,"), gzip(b"b")].concat();
        assert_eq!(text(two).expect("two members"), "a,b");
        let zst = zstd::encode_all(&b"a,b"[..], 1).expect("in memory");
        assert_eq!(text(zst).expect("zstd"), "a,b");
        let little: Vec<u8> = "\u{feff}é,b"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(text(little).expect("UTF-16"), "é,b");
        let big: Vec<u8> = "\u{feff}é,b"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(text(gzip(&big)).expect("UTF-16"), "é,b");
        assert_eq!(text(b"PAR1".to_vec()).expect("magic"), "parquet");
        assert_eq!(text(gzip(b"PAR1")).expect("magic"), "parquet");
    }

    #[test]
    fn says_what_is_wrong() {
        let says = |bytes: &[u8], part: &str| {
            let error = text(bytes.to_vec()).expect_err(part);
            assert_eq!(error.kind(), crate::ErrorKind::Input);
            assert!(error.to_string().contains(part), "{error}");
        };
        says(b"", "empty");
        says(b" \n\n", "empty");
        says(&gzip(b""), "empty");
        says(b"PK\x03\x04....", "zip");
        says(b"a,b\0c", "binary");
        let mut cut = gzip(
            &(0..100_000u32)
                .flat_map(u32::to_le_bytes)
                .collect::<Vec<_>>(),
        );
        cut.truncate(cut.len() / 2);
        says(&cut, "cut off");
        let zst = zstd::encode_all(&[b'a'; 1000][..], 1).expect("in memory");
        says(&zst[..zst.len() - 3], "cut off");
        says(b"\x1f\x8bnonsense nonsense nonsense", "damaged");
    }
}
