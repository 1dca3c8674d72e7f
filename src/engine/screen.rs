//! A first look at a model's tests: those that judge a row by itself are asked together, in
//! one pass over the rows. Only where there are failures is a test's own query run.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::LogicalPlan;

use super::audit::Changed;
use super::table::SnapshotTable;
use super::{Engine, Tables, explain, whole};
use crate::Result;
use crate::models::{CompiledTest, Model};
use crate::snapshot::Table;

/// Which of `tests`, all of one model, have a row that fails, by their place; with `changed`,
/// a row of the partitions that did. Tests that do not judge single rows, and all if one of
/// them cannot be planned, are left to their own queries: they count as failing.
pub(crate) async fn failing(
    engine: &Engine,
    tables: &Tables,
    tests: &[CompiledTest],
    changed: Option<&Changed>,
) -> Result<BTreeSet<usize>> {
    let mut failing: BTreeSet<usize> = (0..tests.len()).collect();
    let conditions: Vec<(usize, &str)> = (0..)
        .zip(tests)
        .filter_map(|(place, test)| Some((place, test.condition.as_deref()?)))
        .collect();
    let Some((first, _)) = conditions.first() else {
        return Ok(failing);
    };
    let model = &tests[*first].model;
    let is_part_enough = match engine.view(model) {
        None => true,
        Some(_) if has_changed_view(engine, changed) => false,
        Some(view) => is_row_by_row(engine, view, tables).await?,
    };
    let provide = |name: &str, table: &Table| -> Result<Arc<dyn TableProvider>> {
        let partitions = changed.and_then(|changed| changed.get(name));
        match partitions.filter(|_| is_part_enough) {
            None => whole(name, table),
            Some(partitions) => Ok(Arc::new(SnapshotTable::partitions(
                table.clone(),
                partitions,
            ))),
        }
    };
    let context = engine.sessions.session()?;
    let names = BTreeSet::from([model.clone()]);
    engine.register(&context, &names, tables, &provide).await?;
    let counts: Vec<String> = conditions
        .iter()
        .map(|(place, condition)| {
            format!("sum(case when {condition}\nthen 1 else 0 end) as failures_{place}")
        })
        .collect();
    let sql = format!("select {} from \"{model}\"", counts.join(", "));
    let Ok(frame) = engine.plan(&context, &sql).await else {
        return Ok(failing);
    };
    let Ok(batches) = frame.collect().await else {
        return Ok(failing);
    };
    for batch in &batches {
        for ((place, _), column) in conditions.iter().zip(batch.columns()) {
            let counts = column.as_primitive::<Int64Type>();
            // Of no rows the sum is null.
            if counts.iter().all(|count| count.unwrap_or_default() == 0) {
                failing.remove(place);
            }
        }
    }
    Ok(failing)
}

/// Whether the SQL of some view is not what it was, so that rows differ on any partition.
fn has_changed_view(engine: &Engine, changed: Option<&Changed>) -> bool {
    let mut names = changed.iter().flat_map(|changed| changed.keys());
    names.any(|name| engine.view(name).is_some())
}

/// Whether each row of the view comes of one row of what it reads, so that some of the rows
/// read give the same rows as all of them, but fewer.
async fn is_row_by_row(engine: &Engine, view: &Model, tables: &Tables) -> Result<bool> {
    let context = engine.sessions.session()?;
    engine
        .register(&context, &view.depends_on, tables, &whole)
        .await?;
    let frame = engine.plan_model(&context, view).await?;
    let plan = frame
        .into_optimized_plan()
        .map_err(|e| explain::failed(&view.name, e))?;
    let has_other = plan
        .exists(|node| {
            Ok(!matches!(
                node,
                LogicalPlan::Projection(_)
                    | LogicalPlan::Filter(_)
                    | LogicalPlan::SubqueryAlias(_)
                    | LogicalPlan::TableScan(_)
                    | LogicalPlan::Union(_)
            ))
        })
        .map_err(|e| explain::failed(&view.name, e))?;
    Ok(!has_other)
}
