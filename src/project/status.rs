//! `attrib status`: what is there, and what a run would do.

use super::Project;
use crate::Result;
use crate::engine::pending::pending;
use crate::events::RAW_TABLE;
use crate::report::{StatusReport, TableStatus};
use crate::snapshot::Table;

impl Project {
    /// Every table as readers see it (the raw table as it is now), and the models that a
    /// run would rebuild, with the reason.
    pub async fn status(&self) -> Result<StatusReport> {
        let engine = &self.engine;
        let publication = engine.store.latest_publication().await?;
        let mut tables = Vec::new();
        let raw = engine.store.table(RAW_TABLE).await?;
        if let Some(raw) = &raw {
            tables.push(table_status(raw, "raw"));
        }
        for name in engine.graph.order() {
            let published = publication.as_ref().and_then(|p| p.tables.get(name));
            if let Some(published) = published
                && let Some(version) = published.version
                && let Some(model) = engine.catalog.get(name)
            {
                let table = engine.table_at(name, version).await?;
                tables.push(table_status(&table, &model.layer));
            }
        }
        let pending = match raw {
            Some(raw) => pending(engine, raw, publication.as_ref()).await?,
            None => Vec::new(),
        };
        Ok(StatusReport {
            location: engine.store.root_url().to_string(),
            run_id: publication.as_ref().map(|publication| publication.run_id),
            published_at: publication
                .as_ref()
                .map(|publication| publication.published_at),
            tables,
            pending,
        })
    }
}

fn table_status(table: &Table, layer: &str) -> TableStatus {
    let mut dates = table
        .files()
        .iter()
        .filter_map(|file| file.partition.as_deref());
    let first = dates.next();
    let (first, last) = dates.fold((first, first), |(first, last), date| {
        (first.min(Some(date)), last.max(Some(date)))
    });
    TableStatus {
        name: table.name().to_string(),
        layer: layer.to_string(),
        version: table.version(),
        rows: table.rows(),
        bytes: table.bytes(),
        files: table.files().len() as u64,
        first_date: first.map(str::to_string),
        last_date: last.map(str::to_string),
        updated_at: table.updated_at(),
    }
}
