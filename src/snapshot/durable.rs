//! The local file system as an object store whose writes survive a power cut.
//!
//! `LocalFileSystem` makes a file appear atomically and leaves it to the system when its
//! bytes reach the disk. A log entry that exists and is empty after a power cut would
//! damage a table for good, so files put in one piece (log entries, checkpoints) are
//! synced before they appear, and their folder after.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

const NAME: &str = "DurableFileSystem";

/// `LocalFileSystem`, rooted at `/`, with synced puts.
#[derive(Debug, Clone)]
pub(super) struct DurableFileSystem {
    inner: Arc<LocalFileSystem>,
}

impl DurableFileSystem {
    pub(super) fn new() -> Self {
        DurableFileSystem {
            inner: Arc::new(LocalFileSystem::new()),
        }
    }
}

impl std::fmt::Display for DurableFileSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(NAME)
    }
}

#[async_trait]
impl ObjectStore for DurableFileSystem {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let create = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.inner.put_opts(location, payload, opts).await,
        };
        let path = self.inner.path_to_filesystem(location)?;
        tokio::task::spawn_blocking(move || put(&path, &payload, create))
            .await
            .map_err(|source| object_store::Error::JoinError { source })??;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// Writes `payload` beside `path`, syncs it, and makes it appear there: only if nothing is
/// there (`create`), or in its place.
fn put(path: &FilePath, payload: &PutPayload, create: bool) -> Result<()> {
    let (mut file, staged) = stage(path).map_err(|e| failed(path, e))?;
    let result = payload
        .iter()
        .try_for_each(|bytes| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| match create {
            true => std::fs::hard_link(&staged, path),
            false => std::fs::rename(&staged, path),
        });
    if create || result.is_err() {
        let _ = std::fs::remove_file(&staged);
    }
    match result {
        Ok(()) => sync_folder_of(path).map_err(|e| failed(path, e)),
        Err(source) if create && source.kind() == ErrorKind::AlreadyExists => {
            Err(object_store::Error::AlreadyExists {
                path: path.display().to_string(),
                source: Box::new(source),
            })
        }
        Err(source) => Err(failed(path, source)),
    }
}

/// A new file beside `path`, named so that `LocalFileSystem` does not list it.
fn stage(path: &FilePath) -> std::io::Result<(File, PathBuf)> {
    loop {
        let mut staged = path.as_os_str().to_owned();
        staged.push(format!("#{}", uuid::Uuid::new_v4().as_u128()));
        let staged = PathBuf::from(staged);
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&staged)
        {
            Ok(file) => return Ok((file, staged)),
            Err(e) if e.kind() == ErrorKind::NotFound => match path.parent() {
                Some(folder) if !folder.exists() => create_folders(folder)?,
                _ => return Err(e),
            },
            Err(e) => return Err(e),
        }
    }
}

/// Creates `folder` and its missing parents, each synced into its own parent.
pub(super) fn create_folders(folder: &FilePath) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent)?;
    }
    match std::fs::create_dir(folder) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        _ => sync_folder_of(folder),
    }
}

/// Makes the entry of `path` in its folder durable.
pub(super) fn sync_folder_of(path: &FilePath) -> std::io::Result<()> {
    if cfg!(not(unix)) {
        // Elsewhere a folder cannot be opened as a file, and renames are journalled.
        return Ok(());
    }
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Threads that wait for the disk at a time.
const SYNCS_AT_ONCE: usize = 16;

/// Makes new files and their entries, up to the folder `root`, durable. Disks take many
/// waiting requests together, so they are made at once.
pub(super) fn sync_files(root: &FilePath, files: &[PathBuf]) -> std::io::Result<()> {
    let sync = |paths: &[&FilePath]| -> std::io::Result<()> {
        std::thread::scope(|scope| {
            let chunks = paths.chunks(paths.len().div_ceil(SYNCS_AT_ONCE).max(1));
            let workers: Vec<_> = chunks
                .map(|chunk| {
                    scope.spawn(move || {
                        chunk
                            .iter()
                            .try_for_each(|path| File::open(path)?.sync_all())
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(std::io::Error::other("a sync panicked")))
            })
        })
    };
    sync(&files.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    if cfg!(not(unix)) {
        return Ok(());
    }
    let folders: BTreeSet<&FilePath> = files
        .iter()
        .flat_map(|file| file.ancestors().skip(1))
        .filter(|folder| folder.starts_with(root))
        .collect();
    sync(&folders.into_iter().collect::<Vec<_>>())
}

fn failed(path: &FilePath, source: std::io::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: NAME,
        source: Box::new(WriteFailed {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Names the path, which an I/O error does not.
#[derive(Debug)]
struct WriteFailed {
    path: PathBuf,
    source: std::io::Error,
}

impl std::fmt::Display for WriteFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot write {}", self.path.display())
    }
}

impl std::error::Error for WriteFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;
    use object_store::ObjectStoreExt as _;

    #[tokio::test]
    async fn creating_what_exists_is_refused_and_leaves_no_rest() {
        let dir = tempfile::tempdir().unwrap();
        let store = DurableFileSystem::new();
        let path = Path::from_absolute_path(dir.path().join("a/b.json")).unwrap();
        let create = PutOptions::from(PutMode::Create);
        store
            .put_opts(&path, "one".into(), create.clone())
            .await
            .unwrap();
        let again = store.put_opts(&path, "two".into(), create).await;
        assert!(matches!(
            again,
            Err(object_store::Error::AlreadyExists { .. })
        ));
        let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(&bytes[..], b"one");
        store.put(&path, "three".into()).await.unwrap();
        let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(&bytes[..], b"three");
        let entries = std::fs::read_dir(dir.path().join("a")).unwrap().count();
        assert_eq!(entries, 1);
        let listed: Vec<_> = store
            .list(Some(&Path::from_absolute_path(dir.path()).unwrap()))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(listed.len(), 1);
    }
}
