//! What a run would do: the same comparison as a run makes, without building anything.

use std::collections::BTreeSet;

use super::incremental::{self, Work};
use super::{Engine, Tables, is_table};
use crate::Result;
use crate::events::RAW_TABLE;
use crate::report::{PendingModel, Reason};
use crate::snapshot::{Publication, Table};

/// What a run would rebuild now, and why. What depends on rows that are yet to be computed
/// is told from the tables as they are.
pub async fn pending(
    engine: &Engine,
    raw: Table,
    latest: Option<&Publication>,
) -> Result<Vec<PendingModel>> {
    let mut tables = match latest {
        Some(publication) => engine.open(publication).await?,
        None => Tables::new(),
    };
    tables.insert(RAW_TABLE.to_string(), raw);
    let published = latest
        .map(|publication| publication.tables.clone())
        .unwrap_or_default();
    let mut waiting: BTreeSet<String> = BTreeSet::new();
    let mut pending = Vec::new();
    for name in engine.graph.order() {
        let Some(model) = engine.catalog.get(name) else {
            continue;
        };
        let before = published.get(name);
        let fingerprint = engine.fingerprint(model);
        let upstream: Vec<String> = engine
            .base_tables(model)
            .into_iter()
            .filter(|base| waiting.contains(base))
            .collect();
        let is_stale = before.is_none_or(|before| before.fingerprint != fingerprint);
        let (reason, partitions) = if !is_table(model) || is_stale {
            match before {
                None => (Reason::New, None),
                Some(_) if is_stale => (Reason::ModelChanged, None),
                Some(_) => continue,
            }
        } else if !upstream.is_empty() {
            (Reason::UpstreamChanged { upstream }, None)
        } else if let Some(before) = before {
            let deltas = incremental::deltas(engine, model, before, &tables).await?;
            let (reason, work) = incremental::decide(
                engine,
                model,
                &fingerprint,
                Some(before),
                false,
                &deltas,
                &tables,
            )
            .await?;
            match work {
                Work::Nothing => continue,
                Work::Partitions(partitions) => (reason, Some(partitions.len() as u64)),
                Work::Everything | Work::Keys => (reason, None),
            }
        } else {
            (Reason::New, None)
        };
        waiting.insert(name.clone());
        pending.push(PendingModel {
            name: name.clone(),
            reason,
            partitions,
        });
    }
    Ok(pending)
}
