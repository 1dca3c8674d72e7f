//! A table at one version: its columns and its files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use deltalake_core::DeltaTable;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoArrow as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::datafile::DataFile;
use super::failure::{damaged, storage};
use super::schema::Layout;
use super::store::Store;
use crate::Result;

/// What a set of rows contains, however it is spread over files: compaction changes
/// nothing. Equal signatures mean equal rows, see [`RowHasher`](super::RowHasher).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signature {
    pub rows: u64,
    pub checksum: u64,
}

impl Signature {
    /// That of these files.
    pub fn of(files: &[DataFile]) -> Self {
        let mut sum = Signature::default();
        files.iter().for_each(|file| sum.add(file));
        sum
    }

    pub(super) fn add(&mut self, file: &DataFile) {
        self.rows += file.rows;
        self.checksum = self.checksum.wrapping_add(file.checksum);
    }
}

/// Sums over files by partition. Partitions without rows have no entry.
pub(super) fn signatures<'a>(
    files: impl IntoIterator<Item = &'a DataFile>,
) -> BTreeMap<Option<String>, Signature> {
    let mut sums: BTreeMap<Option<String>, Signature> = BTreeMap::new();
    for file in files.into_iter().filter(|f| f.rows > 0) {
        sums.entry(file.partition.clone()).or_default().add(file);
    }
    sums
}

/// A table at one version. Cheap to clone; never changes.
#[derive(Clone)]
pub struct Table {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    name: String,
    delta: DeltaTable,
    version: u64,
    layout: Layout,
    files: Vec<DataFile>,
    updated_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({}@{})", self.inner.name, self.inner.version)
    }
}

impl Table {
    /// `delta` is loaded.
    pub(super) fn new(store: Store, name: &str, delta: DeltaTable) -> Result<Self> {
        let unreadable =
            |e: Box<dyn std::error::Error + Send + Sync>| damaged(name, store.log_url(name), e);
        let snapshot = delta.snapshot().map_err(|e| unreadable(e.into()))?;
        let version = snapshot.version();
        let schema = snapshot.schema();
        let schema = schema
            .as_ref()
            .try_into_arrow()
            .map_err(|e| unreadable(e.into()))?;
        let partition_by = match snapshot.metadata().partition_columns() {
            [] => None,
            [column] => Some(column.clone()),
            _ => return Err(unreadable("it has several partition columns".into())),
        };
        let mut files = Vec::with_capacity(snapshot.log_data().num_files());
        for view in snapshot.log_data().iter() {
            let file = DataFile::from_log(&view, partition_by.as_deref(), &schema)
                .map_err(|message| unreadable(message.into()))?;
            files.push(file);
        }
        files.sort_by(|a, b| (&a.partition, &a.path).cmp(&(&b.partition, &b.path)));
        // The entry of this version may be gone, replaced by a checkpoint.
        let updated_at = snapshot
            .version_timestamp(version)
            .or_else(|| files.iter().map(DataFile::modified).max())
            .and_then(DateTime::from_timestamp_millis);
        Ok(Table {
            inner: Arc::new(Inner {
                store,
                name: name.to_owned(),
                version,
                layout: Layout {
                    schema: Arc::new(schema),
                    partition_by,
                },
                files,
                updated_at,
                delta,
            }),
        })
    }

    pub fn name(&self) -> &str {
        &self.inner.name
    }

    pub fn version(&self) -> u64 {
        self.inner.version
    }

    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    pub fn layout(&self) -> &Layout {
        &self.inner.layout
    }

    /// All columns, the partition column where the schema has it.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.inner.layout.schema)
    }

    pub fn partition_by(&self) -> Option<&str> {
        self.inner.layout.partition_by.as_deref()
    }

    /// In the order of partition and path.
    pub fn files(&self) -> &[DataFile] {
        &self.inner.files
    }

    pub fn rows(&self) -> u64 {
        self.inner.files.iter().map(|f| f.rows).sum()
    }

    /// The size of the files of this version.
    pub fn bytes(&self) -> u64 {
        self.inner.files.iter().map(|f| f.size).sum()
    }

    /// When this version was committed.
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.inner.updated_at
    }

    /// The partitions that have rows, and what they contain. A table without partitions
    /// has one, named none.
    pub fn partitions(&self) -> BTreeMap<Option<String>, Signature> {
        signatures(self.files())
    }

    /// The partitions whose rows differ from `older`'s, those that are new or gone among
    /// them; all of them if `older` is none or is partitioned by something else.
    pub fn changed_partitions(&self, older: Option<&Table>) -> BTreeSet<Option<String>> {
        let new = self.partitions();
        let Some(older) = older else {
            return new.into_keys().collect();
        };
        let old = older.partitions();
        let comparable = older.partition_by() == self.partition_by();
        let partitions = new.keys().chain(old.keys());
        partitions
            .filter(|p| !comparable || new.get(*p) != old.get(*p))
            .cloned()
            .collect()
    }

    /// Where a file of this table is within [`Store::object_store`].
    pub fn object_path(&self, file: &DataFile) -> Path {
        let mut path = self.inner.store.table_path(self.name());
        for part in file.path.split('/') {
            path = path.join(part);
        }
        path
    }

    /// The same table at its newest version, reading only what was committed since.
    pub async fn latest(&self) -> Result<Table> {
        let mut delta = self.inner.delta.clone();
        delta
            .update_state()
            .await
            .map_err(|e| damaged(self.name(), self.inner.store.log_url(self.name()), e))?;
        if delta.version() == Some(self.version()) {
            return Ok(self.clone());
        }
        Table::new(self.inner.store.clone(), self.name(), delta)
    }

    /// The last version that the application `app_id` committed with, if any: what was
    /// committed up to it must not be committed again.
    pub async fn transaction_version(&self, app_id: &str) -> Result<Option<i64>> {
        let delta = &self.inner.delta;
        let log = delta.log_store();
        let read = async { delta.snapshot()?.transaction_version(&log, app_id).await };
        read.await
            .map_err(|e| storage("cannot read the table's transactions", self.name(), e))
    }

    /// Deletes files that were written and will not be committed, as far as that is
    /// possible; what stays is invisible, and vacuum takes it.
    pub async fn discard(&self, files: &[DataFile]) {
        if self.inner.store.folder().is_some() {
            // At once: whoever is stopped while waiting would leave the rest.
            files.iter().for_each(|file| self.remove_local(file));
            return;
        }
        let objects = self.inner.store.object_store();
        for file in files {
            let path = self.object_path(file);
            if let Err(e) = objects.delete(&path).await {
                tracing::debug!(%path, error = %e, "a file without use could not be deleted");
            }
        }
    }

    /// Deletes a file that was written and not committed, if the table is on a local disk.
    /// In a bucket it stays, for vacuum.
    pub fn remove_local(&self, file: &DataFile) {
        match self.local_path(file).map(std::fs::remove_file) {
            Some(Ok(())) => {}
            Some(Err(e)) => {
                tracing::debug!(file = file.path, error = %e, "a file without use stays");
            }
            None => tracing::debug!(file = file.path, "a file without use was uploaded"),
        }
    }

    /// Where a file of this table is on a local disk.
    pub(super) fn local_path(&self, file: &DataFile) -> Option<PathBuf> {
        let root = self.inner.store.folder()?;
        Some(root.join(self.name()).join(&file.path))
    }

    pub(super) fn delta(&self) -> &DeltaTable {
        &self.inner.delta
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Change;
    use crate::snapshot::testing::{append, day, events, store, write};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_partition_is_replaced_and_the_old_version_stays() {
        let (_dir, store) = store();
        let schema = events(&[]).schema();
        let table = store.create("t", &schema, Some("day")).await.unwrap();
        let one = write(&table, Some("2026-11-01"), &events(&[(1, "a"), (2, "b")])).await;
        let two = write(&table, Some("2026-11-02"), &events(&[(3, "c")])).await;
        let first = append(&table, [one.clone(), two].concat()).await;
        assert_eq!((first.version(), first.rows()), (1, 3));

        let new = write(&first, Some("2026-11-01"), &events(&[(1, "z")])).await;
        let mut change = Change::new("run");
        change.remove = one;
        change.add = new;
        let second = first.commit(change).await.unwrap();
        assert_eq!((second.version(), second.rows()), (2, 2));
        assert_eq!(
            second.changed_partitions(Some(&first)),
            BTreeSet::from([day("2026-11-01")])
        );

        let reread = store.table("t").await.unwrap().unwrap();
        assert_eq!(reread.files(), second.files());
        assert_eq!(first.latest().await.unwrap().files(), second.files());
        let old = store.table_at("t", 1).await.unwrap();
        assert_eq!(old.files(), first.files());
        assert_eq!(old.rows(), 3);
        assert!(second.updated_at() >= first.updated_at());
        assert_eq!(second.changed_partitions(None).len(), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_signature_is_of_the_rows_not_of_the_files() {
        let (_dir, store) = store();
        let schema = events(&[]).schema();
        let table = store.create("t", &schema, Some("day")).await.unwrap();
        let d = Some("2026-11-01");
        let sorted = write(&table, d, &events(&[(1, "a"), (2, "b"), (3, "c")])).await;
        let first = append(&table, sorted.clone()).await;

        let mut others = write(&table, d, &events(&[(3, "c"), (1, "a")])).await;
        others.extend(write(&table, d, &events(&[(2, "b")])).await);
        let mut change = Change::new("compact");
        change.data_change = false;
        change.remove = sorted;
        change.add = others;
        let second = first.commit(change).await.unwrap();
        assert_eq!(first.partitions(), second.partitions());
        assert!(second.changed_partitions(Some(&first)).is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_partition_without_rows_is_gone() {
        let (_dir, store) = store();
        let schema = events(&[]).schema();
        let table = store.create("t", &schema, Some("day")).await.unwrap();
        let null = write(&table, None, &events(&[(1, "a")])).await;
        let first = append(&table, null.clone()).await;
        assert_eq!(first.files()[0].partition, None);
        let mut change = Change::new("run");
        change.remove = null;
        let second = first.commit(change).await.unwrap();
        assert!(second.partitions().is_empty());
        assert_eq!(
            second.changed_partitions(Some(&first)),
            BTreeSet::from([None])
        );
    }
}
