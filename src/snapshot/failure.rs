//! How a failure of the storage becomes an [`Error`] that says what to do next.

use std::error::Error as StdError;
use std::fmt;
use std::io::ErrorKind as IoKind;

use crate::{Error, ErrorKind};

/// The cause of an error that a retry from the table's newest version may get past: another
/// writer committed first.
#[derive(Debug)]
pub(super) struct Conflict {
    pub table: String,
    /// The version that the change was made from.
    pub base: u64,
    pub reason: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for Conflict {}

impl Conflict {
    pub(super) fn into_error(self) -> Error {
        Error::storage("another process changed the table in the meantime; nothing was written")
            .with("table", self.table.clone())
            .with("version", self.base)
            .hint("run the command again: it starts from the table as it is now")
            .caused_by(self)
    }
}

/// Whether `error` says that another writer committed first. Nothing of the failed commit
/// is visible; read the table again and redo the work on it.
pub fn is_conflict(error: &Error) -> bool {
    error.source().is_some_and(|source| source.is::<Conflict>())
}

/// A storage error about `table`, with the way out that its cause suggests.
pub(super) fn storage(
    message: &str,
    table: &str,
    cause: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    with_hint(Error::storage(message).with("table", table), cause.into())
}

/// A storage error about the file or folder `path`.
pub(super) fn at_path(
    message: &str,
    path: &std::path::Path,
    cause: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    with_hint(
        Error::storage(message).with("path", path.display()),
        cause.into(),
    )
}

/// A log that cannot be understood.
pub(super) fn damaged(
    table: &str,
    log: impl fmt::Display,
    cause: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    let cause = cause.into();
    let log = log.to_string();
    if log.contains("://") && !log.starts_with("file:") {
        return Error::new(
            ErrorKind::Remote,
            "the table's log cannot be read from the bucket",
        )
        .with("table", table)
        .with("log", log)
        .hint(
            "check the bucket's name, the credentials and the endpoint in the environment, \
                 and the network; then run the command again",
        )
        .caused_by(cause);
    }
    let error = Error::storage("the table's log cannot be read")
        .with("table", table)
        .with("log", log);
    match io_hint(cause.as_ref()) {
        Some(hint) => error.hint(hint).caused_by(cause),
        None => error
            .hint(
                "restore the folder from a copy, or move the table's folder away and build \
                 it again",
            )
            .caused_by(cause),
    }
}

fn with_hint(error: Error, cause: Box<dyn StdError + Send + Sync>) -> Error {
    match io_hint(cause.as_ref()) {
        Some(hint) => error.hint(hint).caused_by(cause),
        None => error.caused_by(cause),
    }
}

const DISK_FULL: &str = "the disk is full: free some space and run the command again";

/// The way out for an I/O error anywhere in the chain of causes.
fn io_hint(cause: &(dyn StdError + Send + Sync + 'static)) -> Option<&'static str> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(cause);
    while let Some(error) = next {
        // The Parquet writer hands some causes on as text.
        if error.to_string().contains("(os error 28)") {
            return Some(DISK_FULL);
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                IoKind::StorageFull | IoKind::QuotaExceeded => Some(DISK_FULL),
                IoKind::PermissionDenied | IoKind::ReadOnlyFilesystem => {
                    Some("the folder cannot be written: check its permissions and its owner")
                }
                _ => None,
            };
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_read_only_folder_come_with_a_way_out() {
        let full = storage("x", "t", std::io::Error::from(IoKind::StorageFull));
        assert!(full.hint_text().unwrap().contains("free some space"));
        let denied = at_path(
            "x",
            std::path::Path::new("/data"),
            object_store::Error::Generic {
                store: "LocalFileSystem",
                source: Box::new(std::io::Error::from(IoKind::PermissionDenied)),
            },
        );
        assert!(denied.hint_text().unwrap().contains("permissions"));
        assert!(denied.to_string().contains("/data"));
    }

    #[test]
    fn a_conflict_is_told_from_other_errors() {
        let conflict = Conflict {
            table: "t".into(),
            base: 3,
            reason: "version 4 exists".into(),
        };
        assert!(is_conflict(&conflict.into_error()));
        assert!(!is_conflict(&Error::storage("other")));
    }
}
