//! One writer of a project at a time.
//!
//! Delta refuses conflicting commits by itself; the lock spares people the work of a run
//! that could only end in a conflict. It is a lock of the operating system on a file, so
//! that it goes with the process however that ends; the file's text is only for the message
//! of whoever comes second.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::durable::create_folders;
use super::failure::at_path;
use crate::{Error, Result};

const FILE_NAME: &str = "_lock";

/// Holds the right to write to a project until it is dropped or the process ends.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct WriteLock {
    /// The locked file; none where the store needs no lock.
    _file: Option<File>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    purpose: String,
    since: DateTime<Utc>,
}

impl WriteLock {
    /// For a store whose commits are the only guard.
    pub(super) fn none() -> Self {
        WriteLock { _file: None }
    }

    /// Locks `folder`, which is created if need be, or says who holds it.
    pub(super) fn acquire(folder: &Path, purpose: &str, now: DateTime<Utc>) -> Result<Self> {
        create_folders(folder).map_err(|e| at_path("cannot create the folder", folder, e))?;
        let path = folder.join(FILE_NAME);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|e| at_path("cannot write to the project", &path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&mut file, folder)),
            Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => {
                tracing::warn!(
                    path = %path.display(),
                    "the file system has no locks; two writers at once may conflict"
                );
            }
            Err(TryLockError::Error(e)) => {
                return Err(at_path("cannot lock the project", &path, e));
            }
        }
        let holder = Holder {
            pid: std::process::id(),
            purpose: purpose.to_owned(),
            since: now,
        };
        let text = serde_json::to_string(&holder)
            .map_err(|e| Error::internal("cannot write the lock file").caused_by(e))?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(|e| at_path("cannot write the lock file", &path, e))?;
        Ok(WriteLock { _file: Some(file) })
    }
}

fn held(file: &mut File, folder: &Path) -> Error {
    let mut text = String::new();
    // The holder may be in the middle of writing its name: then there is less to say.
    let holder = file
        .read_to_string(&mut text)
        .ok()
        .and_then(|_| serde_json::from_str::<Holder>(&text).ok());
    let error = Error::storage("another process is writing to this project");
    match holder {
        Some(holder) => error
            .with("process", holder.pid)
            .with("doing", holder.purpose)
            .with(
                "since",
                holder.since.to_rfc3339_opts(SecondsFormat::Secs, true),
            )
            .hint(format!(
                "wait until it is done, or stop process {}: the lock goes with it",
                holder.pid
            )),
        None => error
            .with("path", folder.display())
            .hint("wait until it is done, then run the command again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_writer_learns_who_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("project");
        let now = DateTime::from_timestamp(1_600_000_000, 0).unwrap();
        let first = WriteLock::acquire(&folder, "ingest", now).unwrap();
        let error = WriteLock::acquire(&folder, "run", now).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("doing: ingest"), "{text}");
        assert!(text.contains(&format!("process: {}", std::process::id())));
        assert!(text.contains("since: 2020-09-13T12:26:40Z"));
        assert!(error.hint_text().unwrap().contains("stop process"));
        drop(first);
        let _second = WriteLock::acquire(&folder, "run", now).unwrap();
    }
}
