//! Where a project's tables live: a folder, or a bucket.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;
use deltalake_core::kernel::transaction::CommitProperties;
use deltalake_core::logstore::{LogStore, LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::StreamExt as _;
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;

use super::durable::{DurableFileSystem, create_folders};
use super::failure::{Conflict, at_path, damaged, storage};
use super::lock::WriteLock;
use super::schema::Layout;
use super::table::Table;
use super::{commit, remote};
use crate::clock::{Clock as _, SystemClock};
use crate::{Error, Result};

/// The folder of a table's log, as Delta names it.
pub(super) const LOG_FOLDER: &str = "_delta_log";

/// How each table is kept. Old log entries go only with [`vacuum`](super::vacuum()), which
/// knows what publications still need; what a log remembers of deleted files is of no use
/// here, as vacuum goes by the versions themselves.
const PROPERTIES: [(&str, &str); 4] = [
    ("delta.checkpointInterval", "20"),
    ("delta.enableExpiredLogCleanup", "false"),
    ("delta.logRetentionDuration", "interval 3650 days"),
    ("delta.deletedFileRetentionDuration", "interval 1 days"),
];

/// Where all tables of a project live. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    objects: Arc<dyn ObjectStore>,
    /// Ends in a slash.
    url: Url,
    /// The same place within `objects`.
    prefix: Path,
    /// The same place as a folder, where it is local.
    folder: Option<PathBuf>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store")
            .field(&self.inner.url.as_str())
            .finish()
    }
}

impl Store {
    /// The store at a folder, a `gs://` or an `s3://` URL. Reads and creates nothing.
    ///
    /// # Errors
    /// If the location is neither, or its credentials are incomplete.
    pub fn open(location: &str) -> Result<Self> {
        let invalid = |e: Box<dyn std::error::Error + Send + Sync>| {
            Error::config("not a folder and not a URL that tables can live at")
                .with("location", location)
                .caused_by(e)
        };
        let (objects, mut url, folder) = match location.split_once("://") {
            None | Some(("file", _)) => {
                let path = match location.split_once("://") {
                    None => PathBuf::from(location),
                    Some(_) => Url::parse(location)
                        .map_err(|e| invalid(e.into()))?
                        .to_file_path()
                        .map_err(|()| invalid("the URL names another host".into()))?,
                };
                let folder =
                    resolve(&path).map_err(|e| at_path("cannot find the folder", &path, e))?;
                if has_escape(&folder) {
                    return Err(Error::config("tables cannot live in a folder of this name")
                        .with("location", folder.display())
                        .hint("choose a folder without % and two digits in its path"));
                }
                let url = Url::from_directory_path(&folder)
                    .map_err(|()| invalid("not an absolute path".into()))?;
                let objects: Arc<dyn ObjectStore> = Arc::new(DurableFileSystem::new());
                (objects, url, Some(folder))
            }
            Some(_) => {
                let url = Url::parse(location).map_err(|e| invalid(e.into()))?;
                (remote::object_store(&url)?, url, None)
            }
        };
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let prefix = Path::from_url_path(url.path()).map_err(|e| invalid(e.into()))?;
        Ok(Store {
            inner: Arc::new(Inner {
                objects,
                url,
                prefix,
                folder,
            }),
        })
    }

    /// The object store that holds the tables, rooted at the scheme and host of
    /// [`Store::root_url`] (`file:///`, `gs://bucket/`), as DataFusion wants it registered.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.objects)
    }

    /// Where the tables are, ending in a slash: the table `t` is at `root_url()` + `t/`.
    pub fn root_url(&self) -> &Url {
        &self.inner.url
    }

    /// The folder, where the store is local.
    pub fn folder(&self) -> Option<&FilePath> {
        self.inner.folder.as_deref()
    }

    /// The place of a table within [`Store::object_store`].
    pub(super) fn table_path(&self, name: &str) -> Path {
        self.inner.prefix.clone().join(name)
    }

    /// Takes the right to write, which is held until the lock is dropped or the process
    /// ends. On a bucket there is nothing to take: there, commits that conflict fail.
    ///
    /// # Errors
    /// If another process holds it; the error says which.
    pub fn lock(&self, purpose: &str) -> Result<WriteLock> {
        match &self.inner.folder {
            Some(folder) => WriteLock::acquire(folder, purpose, SystemClock.now()),
            None => Ok(WriteLock::none()),
        }
    }

    /// The table at its newest version; none if there is no such table.
    pub async fn table(&self, name: &str) -> Result<Option<Table>> {
        if let Some(folder) = &self.inner.folder
            && !folder.join(name).join(LOG_FOLDER).is_dir()
        {
            return Ok(None);
        }
        let log = self.log_store(name)?;
        let mut delta = DeltaTable::new(Arc::clone(&log));
        match delta.load().await {
            Ok(()) => Table::new(self.clone(), name, delta).map(Some),
            Err(DeltaTableError::NotATable(_)) if !self.has_log(name, log.as_ref()).await? => {
                Ok(None)
            }
            Err(e) => Err(damaged(name, self.log_url(name), e)),
        }
    }

    /// The table as it was at `version`.
    ///
    /// # Errors
    /// If the table or the version does not exist, or vacuum has removed its log.
    pub async fn table_at(&self, name: &str, version: u64) -> Result<Table> {
        let mut delta = DeltaTable::new(self.log_store(name)?);
        delta.load_version(version).await.map_err(|e| {
            storage("cannot open this version of the table", name, e)
                .with("version", version)
                .hint("the version does not exist, or vacuum has removed it")
        })?;
        Table::new(self.clone(), name, delta)
    }

    /// Creates a table without rows, at version 0, with the columns of `schema` in
    /// [`storable_schema`](super::storable_schema)'s types.
    ///
    /// # Errors
    /// If the table exists (a conflict, see [`is_conflict`](super::is_conflict)), or a type
    /// cannot be stored.
    pub async fn create(
        &self,
        name: &str,
        schema: &Schema,
        partition_by: Option<&str>,
    ) -> Result<Table> {
        let layout = Layout::new(schema, partition_by).map_err(|e| e.with("table", name))?;
        if let Some(folder) = &self.inner.folder {
            let folder = folder.join(name).join(LOG_FOLDER);
            create_folders(&folder)
                .map_err(|e| at_path("cannot create the table's folder", &folder, e))?;
        }
        let log = self.log_store(name)?;
        if self.has_log(name, log.as_ref()).await? {
            return Err(self.exists(name));
        }
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_create_checkpoint(false)
            .with_metadata(commit::created());
        let created = CreateBuilder::new()
            .with_log_store(log)
            .with_table_name(name)
            .with_columns(layout.delta_schema()?.fields().cloned())
            .with_partition_columns(layout.partition_by.iter().cloned())
            .with_configuration(PROPERTIES.map(|(key, value)| (key, Some(value))))
            .with_commit_properties(properties)
            .await;
        match created {
            Ok(delta) => Table::new(self.clone(), name, delta),
            Err(e) if commit::lost_race(&e) => Err(self.exists(name)),
            Err(e) => Err(storage("cannot create the table", name, e)),
        }
    }

    /// The names of all tables, in order, but those that the store keeps for itself (whose
    /// names begin with `_`).
    pub async fn list(&self) -> Result<Vec<String>> {
        let folders = self
            .inner
            .objects
            .list_with_delimiter(Some(&self.inner.prefix))
            .await;
        let folders = match folders {
            Ok(listed) => listed.common_prefixes,
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            Err(e) => {
                return Err(Error::storage("cannot list the tables")
                    .with("location", &self.inner.url)
                    .caused_by(e));
            }
        };
        let mut names = Vec::new();
        for folder in folders {
            let Some(name) = folder.filename().filter(|n| !n.starts_with('_')) else {
                continue;
            };
            if is_name(name) && self.has_log(name, self.log_store(name)?.as_ref()).await? {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    pub(super) fn log_store(&self, name: &str) -> Result<LogStoreRef> {
        if !is_name(name) {
            return Err(Error::internal("no name for a table").with("table", name));
        }
        let url = self.table_url(name);
        let prefixed = PrefixStore::new(self.object_store(), self.table_path(name));
        Ok(default_logstore(
            Arc::new(prefixed),
            self.object_store(),
            &url,
            &StorageConfig::default(),
        ))
    }

    fn table_url(&self, name: &str) -> Url {
        let mut url = self.inner.url.clone();
        url.set_path(&format!("{}{name}/", url.path()));
        url
    }

    pub(super) fn log_url(&self, name: &str) -> String {
        format!("{}{LOG_FOLDER}/", self.table_url(name))
    }

    async fn has_log(&self, name: &str, log: &dyn LogStore) -> Result<bool> {
        let objects = log.object_store(None);
        let mut entries = objects.list(Some(log.log_path()));
        match entries.next().await {
            None => Ok(false),
            Some(Ok(_)) => Ok(true),
            Some(Err(e)) => Err(storage("cannot look for the table", name, e)),
        }
    }

    fn exists(&self, name: &str) -> Error {
        Conflict {
            table: name.to_owned(),
            base: 0,
            reason: "the table exists already".to_owned(),
        }
        .into_error()
    }
}

/// Table names are folder names and names in SQL.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Whether `path` contains what reads like an escaped character of a URL (`%20`): Delta's
/// reader would take it for that character and look for the log elsewhere.
fn has_escape(path: &FilePath) -> bool {
    let path = path.to_string_lossy();
    let digits = |pair: &[u8]| pair.iter().all(u8::is_ascii_hexdigit);
    path.as_bytes()
        .windows(3)
        .any(|window| window[0] == b'%' && digits(&window[1..]))
}

/// `path`, absolute and without links or `..`, whether or not all of it exists.
fn resolve(path: &FilePath) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match std::fs::canonicalize(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            match (path.parent(), path.file_name()) {
                (Some(parent), Some(name)) => Ok(resolve(parent)?.join(name)),
                _ => Err(e),
            }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::testing::{append, events, read, schema, store, write};
    use crate::snapshot::{Change, is_conflict};

    #[tokio::test(flavor = "multi_thread")]
    async fn opening_creates_nothing_and_tables_appear_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("späce #?&100%/new");
        let store = Store::open(root.to_str().unwrap()).unwrap();
        assert!(store.table("t").await.unwrap().is_none());
        assert!(store.list().await.unwrap().is_empty());
        assert!(!root.exists());

        let table = store.create("t", &schema(), Some("day")).await.unwrap();
        assert_eq!((table.version(), table.rows()), (0, 0));
        assert_eq!(table.schema().as_ref(), &schema());
        assert_eq!(table.partition_by(), Some("day"));
        store.create("b", &schema(), None).await.unwrap();
        assert_eq!(store.list().await.unwrap(), ["b", "t"]);
        let again = store.create("t", &schema(), None).await.unwrap_err();
        assert!(is_conflict(&again), "{again}");
        assert!(root.join("t/_delta_log").is_dir());
    }

    #[test]
    fn a_folder_that_delta_would_not_find_again_is_refused() {
        let error = Store::open("/tmp/a%20b").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        assert!(Store::open("/tmp/100%").is_ok());
    }

    /// The way of a bucket: nothing is a local file.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_without_a_folder_works_alike() {
        let url = Url::parse("memory:///bucket/project/").unwrap();
        let store = Store {
            inner: Arc::new(Inner {
                objects: Arc::new(object_store::memory::InMemory::new()),
                prefix: Path::from_url_path(url.path()).unwrap(),
                url,
                folder: None,
            }),
        };
        let _lock = store.lock("ingest").unwrap();
        assert!(store.table("t").await.unwrap().is_none());
        let table = store.create("t", &schema(), Some("day")).await.unwrap();
        let files = write(&table, Some("2026-11-01"), &events(&[(1, "a")])).await;
        let table = append(&table, files).await;
        let stale = store.table_at("t", 0).await.unwrap();
        let mut change = Change::new("ingest");
        change.add = write(&stale, Some("2026-11-01"), &events(&[(2, "b")])).await;
        assert!(is_conflict(
            &stale.commit(change.clone()).await.unwrap_err()
        ));
        stale.discard(&change.add).await;
        assert_eq!(read(&table).await[0].num_rows(), 1);
        let files = store.object_store().list(Some(&store.table_path("t")));
        let parquet = files.filter(|object| {
            let path = object.as_ref().unwrap().location.to_string();
            futures::future::ready(path.ends_with(".parquet"))
        });
        assert_eq!(parquet.count().await, 1);
        assert_eq!(store.list().await.unwrap(), ["t"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_damaged_log_and_a_missing_version_say_so() {
        let (dir, store) = store();
        store
            .create("t", &events(&[]).schema(), None)
            .await
            .unwrap();
        let error = store.table_at("t", 5).await.unwrap_err();
        assert!(error.to_string().contains("version: 5"), "{error}");
        let entry = dir.path().join("t/_delta_log/00000000000000000000.json");
        std::fs::write(entry, "{\"metaData\": 1").unwrap();
        let error = store.table("t").await.unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Storage);
        assert!(error.hint_text().unwrap().contains("copy"), "{error}");
        assert!(
            store.table("../t").await.is_err() || store.table("../t").await.unwrap().is_none()
        );
    }
}
