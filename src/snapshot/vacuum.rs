//! Deleting what nobody can read any more.
//!
//! A file lives as long as a version that someone may open refers to it: the newest version
//! of its table, and every version that a publication younger than the retention shows or
//! was built from. Publications beyond the retention are forgotten first. Files younger
//! than the retention stay in any case: they may belong to a commit that is on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use deltalake_core::checkpoints::cleanup_expired_logs_for;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::failure::storage;
use super::publications;
use super::store::{LOG_FOLDER, Store};
use crate::report::MaintenanceReport;
use crate::{Error, Result};

/// What to keep.
#[derive(Debug, Clone, Copy)]
pub struct VacuumOptions {
    /// How far back publications stay readable. Less than an hour may take the files of a
    /// commit that is on its way: hold the store's [lock](Store::lock) then.
    pub retention: Duration,
    /// Delete nothing, only report.
    pub dry_run: bool,
    pub now: DateTime<Utc>,
}

/// Deletes the files, log entries and publications that are older than the retention and
/// that no younger publication needs. Readers of the latest publication, and writers, may
/// go on meanwhile.
///
/// One report a table, counting data files: before, after (or what it would be).
pub async fn vacuum(store: &Store, options: VacuumOptions) -> Result<Vec<MaintenanceReport>> {
    let retention = TimeDelta::from_std(options.retention)
        .map_err(|e| Error::config("the retention is too long").caused_by(e))?;
    let cutoff = options.now.checked_sub_signed(retention);
    let cutoff = cutoff.ok_or_else(|| Error::config("the retention is too long"))?;

    if !options.dry_run {
        store.forget_publications(|time| time >= cutoff).await?;
    }
    let needed = needed_versions(store, cutoff).await?;
    let mut names = store.list().await?;
    names.push(publications::TABLE.to_owned());
    let mut reports = Vec::new();
    for name in names {
        let needed = needed.get(&name).cloned().unwrap_or_default();
        if let Some(report) =
            vacuum_table(store, &name, needed, cutoff, options.dry_run).await?
        {
            reports.push(report);
        }
    }
    Ok(reports)
}

/// The versions, by table, that publications since `cutoff` and the latest refer to.
async fn needed_versions(
    store: &Store,
    cutoff: DateTime<Utc>,
) -> Result<BTreeMap<String, BTreeSet<u64>>> {
    let publications = store.publications().await?;
    let latest = publications.last().map(|p| p.run_id);
    let mut needed: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for publication in publications {
        if publication.published_at < cutoff && Some(publication.run_id) != latest {
            continue;
        }
        for (name, table) in publication.tables {
            needed.entry(name).or_default().extend(table.version);
            for (upstream, version) in table.built_from {
                needed.entry(upstream).or_default().insert(version);
            }
        }
    }
    Ok(needed)
}

async fn vacuum_table(
    store: &Store,
    name: &str,
    mut needed: BTreeSet<u64>,
    cutoff: DateTime<Utc>,
    dry_run: bool,
) -> Result<Option<MaintenanceReport>> {
    // The files are listed before the newest version is read: what is committed in between
    // is then in that version.
    let stored = stored_files(store, name).await?;
    let Some(latest) = store.table(name).await? else {
        return Ok(None);
    };
    let oldest = needed.first().copied().unwrap_or(latest.version());
    needed.remove(&latest.version());
    let mut live: BTreeSet<Path> = BTreeSet::new();
    live.extend(latest.files().iter().map(|f| latest.object_path(f)));
    for version in needed {
        match store.table_at(name, version).await {
            Ok(table) => live.extend(table.files().iter().map(|f| table.object_path(f))),
            // A log that an earlier vacuum cut: its readers are gone, or were refused then.
            Err(e) => tracing::warn!(table = name, version, error = %e, "not readable"),
        }
    }
    let dead: Vec<&ObjectMeta> = stored
        .iter()
        .filter(|o| o.last_modified < cutoff && !live.contains(&o.location))
        .collect();
    let bytes = |objects: &mut dyn Iterator<Item = &ObjectMeta>| objects.map(|o| o.size).sum();
    let bytes_before: u64 = bytes(&mut stored.iter());
    let bytes_dead: u64 = bytes(&mut dead.iter().copied());
    let report = MaintenanceReport {
        table: name.to_owned(),
        files_before: stored.len() as u64,
        files_after: (stored.len() - dead.len()) as u64,
        bytes_before,
        bytes_after: bytes_before - bytes_dead,
        files_deleted: dead.len() as u64,
    };
    if !dry_run {
        let paths: Vec<_> = dead.iter().map(|o| Ok(o.location.clone())).collect();
        let deleted = store
            .object_store()
            .delete_stream(futures::stream::iter(paths).boxed());
        deleted
            // Another vacuum may have been there.
            .filter(|r| {
                let gone = matches!(r, Err(object_store::Error::NotFound { .. }));
                futures::future::ready(!gone)
            })
            .try_for_each(|_| futures::future::ok(()))
            .await
            .map_err(|e| storage("cannot delete a file", name, e))?;
        let log = store.log_store(name)?;
        let cutoff = cutoff.timestamp_millis();
        cleanup_expired_logs_for(oldest, log.as_ref(), cutoff, None)
            .await
            .map_err(|e| storage("cannot delete old log entries", name, e))?;
    }
    Ok(Some(report))
}

/// All files in the table's folder but the log's.
async fn stored_files(store: &Store, name: &str) -> Result<Vec<ObjectMeta>> {
    let folder = store.table_path(name);
    let log = folder.clone().join(LOG_FOLDER);
    let objects = store.object_store().list(Some(&folder));
    objects
        .try_filter(|object| futures::future::ready(!object.location.prefix_matches(&log)))
        .try_collect()
        .await
        .map_err(|e| storage("cannot list the table's files", name, e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::testing::{append, events, files_on_disk, read, store, write};
    use crate::snapshot::{Change, PublishedTable, Table};

    /// Far enough ahead that every file is old.
    fn later(hours: i64) -> DateTime<Utc> {
        use crate::clock::Clock as _;
        crate::clock::SystemClock.now() + TimeDelta::hours(hours)
    }

    fn options(now: DateTime<Utc>) -> VacuumOptions {
        VacuumOptions {
            retention: Duration::from_secs(24 * 3600),
            dry_run: false,
            now,
        }
    }

    fn published(table: &Table) -> BTreeMap<String, PublishedTable> {
        let version = Some(table.version());
        let entry = PublishedTable {
            version,
            materialized: true,
            ..PublishedTable::default()
        };
        BTreeMap::from([(table.name().to_owned(), entry)])
    }

    async fn replace(table: &Table, rows: &[(i64, &str)]) -> Table {
        let mut change = Change::new("run");
        change.remove = table.files().to_vec();
        change.add = write(table, None, &events(rows)).await;
        table.commit(change).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_of_a_crash_go_once_they_are_old() {
        let (dir, store) = store();
        let table = store
            .create("t", &events(&[]).schema(), None)
            .await
            .unwrap();
        let table = append(&table, write(&table, None, &events(&[(1, "a")])).await).await;
        // Killed between writing and committing, and while writing.
        let mut lost = write(&table, None, &events(&[(2, "b")])).await;
        std::fs::write(dir.path().join("t/.tmp-x"), "half").unwrap();
        assert_eq!(store.table("t").await.unwrap().unwrap().rows(), 1);

        let young = vacuum(&store, options(later(1))).await.unwrap();
        assert_eq!((young[0].files_before, young[0].files_deleted), (3, 0));
        let mut dry = options(later(25));
        dry.dry_run = true;
        assert_eq!(vacuum(&store, dry).await.unwrap()[0].files_deleted, 2);
        assert_eq!(files_on_disk(&dir, "t"), 3);
        let old = vacuum(&store, options(later(25))).await.unwrap();
        assert_eq!((old[0].files_after, old[0].files_deleted), (1, 2));
        assert_eq!(
            old[0].bytes_before - old[0].bytes_after,
            lost.remove(0).size + 4
        );
        assert_eq!(files_on_disk(&dir, "t"), 1);
        assert_eq!(
            read(&store.table("t").await.unwrap().unwrap()).await.len(),
            1
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_kept_publication_shows_stays() {
        let (dir, store) = store();
        let empty = store
            .create("t", &events(&[]).schema(), None)
            .await
            .unwrap();
        let one = append(&empty, write(&empty, None, &events(&[(1, "a")])).await).await;
        store
            .publish(None, published(&one), later(0))
            .await
            .unwrap();
        let two = replace(&one, &[(2, "b")]).await;
        store
            .publish(Some(1), published(&two), later(30))
            .await
            .unwrap();
        let three = replace(&two, &[(3, "c")]).await;

        // Run 1 is 23 hours old: all versions stay.
        vacuum(&store, options(later(23))).await.unwrap();
        assert_eq!(files_on_disk(&dir, "t"), 3);
        // Run 1 is forgotten, run 2 and the newest version stay.
        vacuum(&store, options(later(40))).await.unwrap();
        assert_eq!(files_on_disk(&dir, "t"), 2);
        assert_eq!(store.publications().await.unwrap().len(), 1);
        assert_eq!(
            read(&store.table_at("t", two.version()).await.unwrap())
                .await
                .len(),
            1
        );
        // The latest publication stays however old it is.
        vacuum(&store, options(later(1000))).await.unwrap();
        assert_eq!(files_on_disk(&dir, "t"), 2);
        assert_eq!(read(&three).await.len(), 1);
        assert_eq!(files_on_disk(&dir, "_publications"), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn old_log_entries_go_and_needed_versions_stay_readable() {
        let (dir, store) = store();
        let mut table = store
            .create("t", &events(&[]).schema(), None)
            .await
            .unwrap();
        for key in 0..50 {
            table = replace(&table, &[(key, "a")]).await;
            if table.version() == 45 {
                store
                    .publish(None, published(&table), later(0))
                    .await
                    .unwrap();
            }
        }
        vacuum(&store, options(later(100))).await.unwrap();
        let log = dir.path().join("t/_delta_log");
        assert!(!log.join("00000000000000000001.json").exists());
        assert_eq!(read(&store.table_at("t", 45).await.unwrap()).await.len(), 1);
        let newest = store.table("t").await.unwrap().unwrap();
        assert_eq!((newest.version(), newest.rows()), (50, 1));
        let history = newest.history(100).await.unwrap();
        assert!(
            history.len() >= 10 && history.len() < 50,
            "{}",
            history.len()
        );
    }
}
