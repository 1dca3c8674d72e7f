//! What the machine itself takes for the bytes of an ingest and of a run: no engine can be
//! faster that reads and writes these files with these crates.
//!
//! ```sh
//! cargo bench --bench limits -- --csv bench/1m/csv --snapshot target/bench/snapshot
//! ```
//!
//! Each line is all files on so many threads, a file at a time on each, from the page cache,
//! results dropped.

use std::fs::File;
use std::io::{self, Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use arrow::record_batch::RecordBatch;
use clap::Parser;
use csv_core::ReadRecordResult;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// The columns of the raw table that `int_user_sessions` needs.
const OF_SESSIONS: [&str; 28] = [
    "event_id",
    "event_timestamp",
    "event_name",
    "user_id",
    "user_pseudo_id",
    "stream_id",
    "device_key",
    "session_key",
    "ga_session_id",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
    "page_location",
    "page_referrer",
    "source",
    "medium",
    "campaign",
    "content",
    "term",
    "collected_source",
    "collected_medium",
    "collected_campaign",
    "collected_content",
    "collected_term",
    "click_id_type",
    "device_category",
    "geo_country",
    "event_day",
];

#[derive(Parser)]
struct Flags {
    /// `cargo bench` says so.
    #[arg(long = "bench", hide = true)]
    _bench: bool,
    /// A folder of CSV files.
    #[arg(long)]
    csv: PathBuf,
    /// The snapshot that they were ingested into and run on, once: files of older versions
    /// would count.
    #[arg(long)]
    snapshot: PathBuf,
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> io::Result<()> {
    let flags = Flags::parse();
    let csv = files(&flags.csv, "csv")?;
    let raw = files(&flags.snapshot.join("raw_ga4_events"), "parquet")?;
    let sessions = files(&flags.snapshot.join("int_user_sessions"), "parquet")?;
    let threads = flags.threads.max(1);
    println!("{:<44} {:>9} {:>12}", "", "seconds", "rows");
    time("CSV: read", &csv, threads, |path| {
        std::fs::read(path).map(|_| 0)
    })?;
    time("CSV: read, records cut into fields", &csv, threads, cut)?;
    time("raw table: read", &raw, threads, |path| {
        std::fs::read(path).map(|_| 0)
    })?;
    let all = |path: &Path| Ok(count(&decode(path, None)?));
    time("raw table: decode all columns", &raw, threads, all)?;
    let some = |path: &Path| Ok(count(&decode(path, Some(&OF_SESSIONS))?));
    time(
        "raw table: decode the columns of sessions",
        &raw,
        threads,
        some,
    )?;
    time("raw table: decode all, encode again", &raw, threads, again)?;
    time(
        "sessions: decode all, encode again",
        &sessions,
        threads,
        again,
    )
}

/// The files of a folder and of those below it.
fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|e| Error::new(e.kind(), format!("{}: {e}", folder.display())))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("_delta_log") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    match found.is_empty() {
        true => Err(Error::new(
            ErrorKind::NotFound,
            format!("{}: no {extension} file", folder.display()),
        )),
        false => Ok(found),
    }
}

/// Runs `work`, which gives rows, on every file.
fn time(
    name: &str,
    files: &[PathBuf],
    threads: usize,
    work: impl Fn(&Path) -> io::Result<u64> + Sync,
) -> io::Result<()> {
    let (next, rows) = (AtomicUsize::new(0), AtomicU64::new(0));
    let started = Instant::now();
    let worker = || -> io::Result<()> {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            rows.fetch_add(work(path)?, Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| {
            let failed = |_| Error::other("a thread panicked");
            worker.join().map_err(failed)?
        })
    })?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{name:<44} {seconds:>9.2} {:>12}", rows.into_inner());
    Ok(())
}

/// The records of a CSV file.
fn cut(path: &Path) -> io::Result<u64> {
    let text = std::fs::read(path)?;
    let mut reader = csv_core::Reader::new();
    let mut fields = vec![0; 1 << 20];
    let mut ends = vec![0; 1 << 10];
    let (mut rest, mut records) = (&text[..], 0);
    loop {
        let (result, read, ..) = reader.read_record(rest, &mut fields, &mut ends);
        rest = &rest[read..];
        match result {
            ReadRecordResult::Record => records += 1,
            ReadRecordResult::End => return Ok(records),
            ReadRecordResult::InputEmpty => {}
            full => return Err(Error::other(format!("a record too large: {full:?}"))),
        }
    }
}

fn decode(path: &Path, columns: Option<&[&str]>) -> io::Result<Vec<RecordBatch>> {
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(reader.parquet_schema(), columns.iter().copied());
        reader = reader.with_projection(mask);
    }
    let batches = reader.with_batch_size(8192).build()?;
    batches.collect::<Result<_, _>>().map_err(Error::other)
}

fn count(batches: &[RecordBatch]) -> u64 {
    batches.iter().map(|batch| batch.num_rows() as u64).sum()
}

fn again(path: &Path) -> io::Result<u64> {
    let batches = decode(path, None)?;
    let Some(first) = batches.first() else {
        return Ok(0);
    };
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let properties = Some(properties.build());
    let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), properties)?;
    for batch in &batches {
        writer.write(batch)?;
    }
    writer.into_inner()?;
    Ok(count(&batches))
}
