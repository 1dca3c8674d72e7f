//! Building a whole table in slices: ranges of a hashed key that its rows, and the rows that
//! they are made of, have in common (`slice_by` of a model).
//!
//! A slice is a query of its own on one thread, so that nothing is exchanged between
//! threads, a slice's groups fit the processor's caches, and memory is bounded by the
//! slices at work and not by the table. The inputs' files are sorted by the key, so a slice
//! reads little more than its own pages.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{Expr, col, lit};

use super::profile::Profile;
use super::table::SnapshotTable;
use super::write::streams::Query;
use super::{Engine, Tables, explain};
use crate::models::Model;
use crate::snapshot::Table;
use crate::{Error, Result};

/// Rows of the largest input that a slice reads, about.
const SLICE_ROWS: u64 = 2_500_000;

/// Inputs of fewer rows are not worth a slice for each thread.
const FEW_ROWS: u64 = 100_000;

/// The queries that give all rows of the model, slice by slice; none if it does not say how
/// to slice, or is not worth it.
pub(crate) fn queries(
    engine: &Engine,
    model: &Model,
    tables: &Tables,
    profile: &Profile,
) -> Option<Vec<Query>> {
    let key = model.properties.config.slice_by.clone()?;
    let inputs = engine.base_tables(model);
    let rows = inputs
        .iter()
        .filter_map(|name| tables.get(name))
        .map(Table::rows)
        .max()?;
    if rows < FEW_ROWS {
        return None;
    }
    let threads = engine.config.thread_count() as u64;
    let slices = rows.div_ceil(SLICE_ROWS).next_multiple_of(threads);
    let queries = ranges(slices).into_iter().map(|range| -> Query {
        let (engine, model, tables) = (engine.clone(), model.clone(), tables.clone());
        let (key, profile) = (key.clone(), profile.clone());
        Box::pin(async move {
            let context = engine.sessions.with_threads(1)?;
            let restrict = |_: &str, table: &Table| restricted(table, &key, &range);
            engine
                .register(&context, &model.depends_on, &tables, &restrict)
                .await?;
            let frame = engine.plan_model(&context, &model).await?;
            let task = Arc::new(frame.task_ctx());
            let failed = |e| explain::failed(&model.name, e);
            let plan = frame.create_physical_plan().await.map_err(failed)?;
            let rows = execute_stream(plan.clone(), task).map_err(failed)?;
            Ok(profile.watch(plan, rows))
        })
    });
    Some(queries.collect())
}

/// A range of keys: from its start up to its end, or to the last key there is.
type Keys = (i64, Option<i64>);

/// All keys in so many ranges. Keys are hashes, so equal ranges hold about as many.
fn ranges(count: u64) -> Vec<Keys> {
    let bound = |i: u64| {
        let offset = (u128::from(i) << 64) / u128::from(count);
        (offset < 1 << 64).then(|| (offset as u64 ^ (1 << 63)).cast_signed())
    };
    (0..count)
        .filter_map(|i| Some((bound(i)?, bound(i + 1))))
        .collect()
}

/// The rows of a table whose key is in the range; of a table without the key, all.
fn restricted(table: &Table, key: &str, (start, end): &Keys) -> Result<Arc<dyn TableProvider>> {
    let whole = SnapshotTable::with_views(table.clone());
    let schema = table.schema();
    match schema.field_with_name(key) {
        Err(_) => return Ok(Arc::new(whole)),
        Ok(field) if field.data_type() == &DataType::Int64 => {}
        Ok(field) => {
            return Err(Error::model("a table is sliced by a hashed key, a bigint")
                .with("table", table.name())
                .with("slice_by", format!("{key}, {}", field.data_type())));
        }
    }
    let mut condition: Expr = col(key).gt_eq(lit(*start));
    if let Some(end) = end {
        condition = condition.and(col(key).lt(lit(*end)));
    }
    let source = provider_as_source(Arc::new(whole));
    let plan = LogicalPlanBuilder::scan(table.name(), source, None)
        .and_then(|scan| scan.filter(condition)?.build())
        .map_err(|e| explain::failed(table.name(), e))?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_key_once() {
        for count in [1, 2, 3, 7, 64] {
            let ranges = ranges(count);
            assert_eq!(ranges.len() as u64, count);
            assert_eq!(ranges[0].0, i64::MIN);
            assert_eq!(ranges[ranges.len() - 1].1, None);
            for pair in ranges.windows(2) {
                assert_eq!(pair[0].1, Some(pair[1].0));
                assert!(pair[0].0 < pair[1].0);
            }
        }
    }
}
