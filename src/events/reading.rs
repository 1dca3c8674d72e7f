//! Reading files on several threads: one cuts them into chunks, front to back, others read
//! the chunks, and the caller gets what was found in the order of the files, whatever
//! thread was done first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::chunk::Chunk;
use super::decode::Source;
use super::output::{Found, Output};
use super::{ReadOptions, Sink, open};
use crate::report::FileReport;
use crate::{Error, Result};

/// A file to read: what reports and messages call it, and how to open it.
pub type Input<'a> = (String, Box<dyn FnOnce() -> Result<Source> + Send + 'a>);

/// Chunks under way for each thread, at most: with their rows they are what memory holds.
const CHUNKS_AHEAD: usize = 2;

/// What happens to a file, numbered in the order of the files.
enum Step {
    Opened(FileReport),
    Found(Found),
    /// With the bytes taken from all files so far.
    Closed(u64),
    Failed(Error),
}

/// A chunk with its place in the order, and the name of its file.
type Task = (u64, Arc<str>, Box<dyn Chunk>);

/// Reads the files to the sink.
///
/// # Errors
/// An input error if a file is empty, cut off, damaged or of a foreign kind, if it lacks the
/// columns that every event needs, or, with `strict`, for the first row that cannot be used;
/// and whatever the sink answers. What the sink got before an error is not all.
pub fn read(
    inputs: Vec<Input<'_>>,
    options: &ReadOptions,
    sink: &mut dyn Sink,
) -> Result<Vec<FileReport>> {
    let threads = options.threads.max(1);
    let bytes_read = Arc::new(AtomicU64::new(0));
    let (tasks, work) = sync_channel::<Task>(threads * CHUNKS_AHEAD);
    let (steps, results) = sync_channel::<(u64, Step)>(threads * CHUNKS_AHEAD);
    let work = Arc::new(Mutex::new(work));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (work, steps) = (Arc::clone(&work), steps.clone());
            scope.spawn(move || read_chunks(&work, options, &steps));
        }
        // Once no reader is left, because nobody takes what they find, cutting ends too.
        drop(work);
        let bytes = Arc::clone(&bytes_read);
        scope.spawn(move || cut(inputs, options, &bytes, &tasks, &steps));
        collect(results, &bytes_read, sink)
    })
}

/// Cuts the files into chunks. Ends early when nobody takes them any more.
fn cut(
    inputs: Vec<Input<'_>>,
    options: &ReadOptions,
    bytes_read: &Arc<AtomicU64>,
    tasks: &SyncSender<Task>,
    steps: &SyncSender<(u64, Step)>,
) {
    let mut number = 0;
    let mut next = || {
        number += 1;
        number - 1
    };
    for (name, source) in inputs {
        let name: Arc<str> = name.into();
        let opened = source().and_then(|source| open(&name, source, options, bytes_read));
        let mut chunks = match opened {
            Ok(chunks) => chunks,
            Err(error) => {
                let _ = steps.send((next(), Step::Failed(error)));
                return;
            }
        };
        let report = FileReport {
            name: name.to_string(),
            format: chunks.format().name().to_owned(),
            param_columns: chunks.param_columns(),
            ..FileReport::default()
        };
        if steps.send((next(), Step::Opened(report))).is_err() {
            return;
        }
        loop {
            match chunks.next(&name) {
                Ok(Some(chunk)) => {
                    if tasks.send((next(), Arc::clone(&name), chunk)).is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let _ = steps.send((next(), Step::Failed(error)));
                    return;
                }
            }
        }
        let closed = Step::Closed(bytes_read.load(Ordering::Relaxed));
        if steps.send((next(), closed)).is_err() {
            return;
        }
    }
}

fn read_chunks(
    work: &Mutex<Receiver<Task>>,
    options: &ReadOptions,
    steps: &SyncSender<(u64, Step)>,
) {
    loop {
        let task = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, name, chunk)) = task else {
            return;
        };
        let mut output = Output::new(&name, options);
        let found = chunk.read(&mut output).and_then(|()| output.finish());
        let step = found.map_or_else(Step::Failed, Step::Found);
        if steps.send((number, step)).is_err() {
            return;
        }
    }
}

/// Brings what was found into order, and to the sink.
fn collect(
    results: Receiver<(u64, Step)>,
    bytes_read: &AtomicU64,
    sink: &mut dyn Sink,
) -> Result<Vec<FileReport>> {
    let mut reports: Vec<FileReport> = Vec::new();
    let mut waiting = BTreeMap::new();
    let (mut next, mut bytes_before) = (0, 0);
    for (number, step) in results {
        waiting.insert(number, step);
        while let Some(step) = waiting.remove(&next) {
            next += 1;
            match (step, reports.last_mut()) {
                (Step::Failed(error), _) => return Err(error),
                (Step::Opened(report), _) => reports.push(report),
                (Step::Found(found), Some(report)) => {
                    found.count(report);
                    for batch in found.batches {
                        sink.batch(batch)?;
                    }
                    for reject in found.rejects {
                        sink.reject(reject)?;
                    }
                }
                (Step::Closed(bytes), Some(report)) => {
                    report.bytes_read = bytes - bytes_before;
                    bytes_before = bytes;
                }
                (Step::Found(_) | Step::Closed(_), None) => {
                    return Err(Error::internal("rows of a file that was not opened"));
                }
            }
            sink.progress(bytes_read.load(Ordering::Relaxed));
        }
    }
    Ok(reports)
}
