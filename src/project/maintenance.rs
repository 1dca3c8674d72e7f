//! `attrib compact` and `attrib vacuum`: fewer files, and none that nobody can read. Both
//! are safe beside readers: compaction commits the same rows as a new version, and vacuum
//! spares the versions that a publication within the retention names.

use std::collections::{BTreeMap, BTreeSet};

use super::Project;
use crate::Result;
use crate::engine::ingest::raw_order;
use crate::engine::run::order;
use crate::engine::write::{Order, merge_files};
use crate::events::RAW_TABLE;
use crate::report::MaintenanceReport;
use crate::snapshot::{Change, DataFile, Table, VacuumOptions, vacuum};

impl Project {
    /// Writes each partition that has more than one file as one.
    pub async fn compact(&self) -> Result<Vec<MaintenanceReport>> {
        let engine = &self.engine;
        let _lock = engine.store.lock("compact")?;
        let publication = engine.store.latest_publication().await?;
        let base = publication.as_ref().map(|publication| publication.run_id);
        let published = publication
            .map(|publication| publication.tables)
            .unwrap_or_default();
        let mut publish = published.clone();
        let mut reports = Vec::new();
        if let Some(raw) = engine.store.table(RAW_TABLE).await? {
            let (compacted, report) = self.compact_table(&raw, &raw_order()).await?;
            if let Some(entry) = publish.get_mut(RAW_TABLE)
                && entry.version == Some(raw.version())
            {
                entry.version = Some(compacted.version());
            }
            reports.push(report);
        }
        for (name, entry) in &published {
            let (Some(model), Some(version)) = (engine.catalog.get(name), entry.version) else {
                continue;
            };
            let table = engine.store.table_at(name, version).await?;
            let (compacted, report) = self.compact_table(&table, &order(model)).await?;
            if let Some(entry) = publish.get_mut(name) {
                entry.version = Some(compacted.version());
            }
            reports.push(report);
        }
        if publish != published {
            engine
                .store
                .publish(base, publish, engine.clock.now())
                .await?;
        }
        Ok(reports)
    }

    async fn compact_table(
        &self,
        table: &Table,
        order: &Order,
    ) -> Result<(Table, MaintenanceReport)> {
        let engine = &self.engine;
        let mut by_partition: BTreeMap<Option<&str>, Vec<DataFile>> = BTreeMap::new();
        for file in table.files() {
            by_partition
                .entry(file.partition.as_deref())
                .or_default()
                .push(file.clone());
        }
        let mut remove = Vec::new();
        let mut add = Vec::new();
        for files in by_partition.into_values().filter(|files| files.len() > 1) {
            let written = merge_files(engine, table, table.layout(), order, &files).await?;
            remove.extend(files);
            add.extend(written.all());
        }
        let compacted = if remove.is_empty() {
            table.clone()
        } else {
            let latest = engine.store.table(table.name()).await?;
            let latest = latest.unwrap_or_else(|| table.clone());
            let kept: BTreeSet<&str> = table
                .files()
                .iter()
                .filter(|file| !remove.contains(file))
                .map(|file| file.path.as_str())
                .collect();
            let change = Change {
                add,
                data_change: false,
                remove: latest
                    .files()
                    .iter()
                    .filter(|file| !kept.contains(file.path.as_str()))
                    .cloned()
                    .collect(),
                ..Change::new("compact")
            };
            latest.commit(change).await?
        };
        let report = MaintenanceReport {
            table: table.name().to_string(),
            files_before: table.files().len() as u64,
            files_after: compacted.files().len() as u64,
            bytes_before: table.bytes(),
            bytes_after: compacted.bytes(),
            files_deleted: 0,
        };
        Ok((compacted, report))
    }

    /// Deletes files that neither a table's latest version nor a publication within the
    /// retention names. With `dry_run`, only says which it would.
    pub async fn vacuum(&self, dry_run: bool) -> Result<Vec<MaintenanceReport>> {
        let engine = &self.engine;
        let _lock = engine.store.lock("vacuum")?;
        let retention = engine.config.snapshot.retention;
        let now = engine.clock.now();
        vacuum(
            &engine.store,
            VacuumOptions {
                retention,
                dry_run,
                now,
            },
        )
        .await
    }
}
