//! Recomputing rows by key rather than by partition: a model with a `.scope.sql` beside it
//! says which keys of its input must be computed anew (for sessions: which days of which
//! devices). The engine runs that query until it finds nothing more, computes the model on
//! just those rows of the input, and puts the result in the place of the rows of the same
//! keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::Column;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::JoinType;
use datafusion::prelude::{DataFrame, SessionContext, col};

use super::incremental::{Delta, partition_values};
use super::table::SnapshotTable;
use super::{Engine, Tables, register_table, whole};
use crate::models::Model;
use crate::snapshot::{Table, conform};
use crate::{Error, Result};

/// The keys to recompute, as rows.
pub(crate) struct Scope {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

/// A model's table after a recomputation by key.
pub(crate) struct Merged {
    /// All rows of the partitions that changed.
    pub frame: DataFrame,
    pub partitions: BTreeSet<Option<String>>,
}

impl Scope {
    fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn columns(&self) -> Vec<&str> {
        self.schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect()
    }

    fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let table = MemTable::try_new(self.schema.clone(), vec![self.batches.clone()])
            .map_err(|e| Error::internal("cannot hold the scope").caused_by(e))?;
        Ok(Arc::new(table))
    }

    /// `frame`'s rows whose key is in the scope, or is not.
    fn join(
        &self,
        context: &SessionContext,
        frame: DataFrame,
        join: JoinType,
    ) -> Result<DataFrame> {
        let scope = context
            .read_table(self.provider()?)
            .and_then(|scope| {
                let names: Vec<String> = self
                    .columns()
                    .iter()
                    .map(|name| format!("scope_{name}"))
                    .collect();
                scope.select(
                    self.columns()
                        .iter()
                        .zip(&names)
                        .map(|(name, alias)| col(Column::from_name(*name)).alias(alias))
                        .collect::<Vec<_>>(),
                )
            })
            .map_err(|e| Error::internal("cannot read the scope").caused_by(e))?;
        let right: Vec<String> = self
            .columns()
            .iter()
            .map(|name| format!("scope_{name}"))
            .collect();
        let right: Vec<&str> = right.iter().map(String::as_str).collect();
        frame
            .join(scope, join, &self.columns(), &right, None)
            .map_err(|e| Error::internal("cannot join the scope").caused_by(e))
    }
}

/// Runs the model's scope query to its fixed point. `this` is the model's table as built.
pub(crate) async fn find(
    engine: &Engine,
    model: &Model,
    this: &Table,
    deltas: &[Delta],
    tables: &Tables,
) -> Result<Scope> {
    let Some(query) = &model.scope else {
        return Err(Error::internal("a model without a scope query"));
    };
    let mut scope: Option<Scope> = None;
    loop {
        let context = engine.sessions.session()?;
        register_table(&context, "this", Arc::new(SnapshotTable::new(this.clone())))?;
        for delta in deltas {
            delta.register(&context)?;
        }
        let bases = engine.base_tables(model);
        engine.register(&context, &bases, tables, &whole).await?;
        let previous = match scope.take() {
            Some(scope) => scope,
            None => Scope {
                schema: key_schema(this, deltas)?,
                batches: Vec::new(),
            },
        };
        register_table(&context, "scope", previous.provider()?)?;
        let frame = engine
            .plan(&context, query.sql())
            .await
            .map_err(|e| query.explain(&e))?;
        let found = frame
            .collect()
            .await
            .map_err(|e| super::explain::failed(&model.name, e))?;
        let batches = found
            .iter()
            .map(|batch| conform(batch, &previous.schema))
            .collect::<Result<Vec<_>>>()?;
        let next = Scope {
            schema: previous.schema.clone(),
            batches,
        };
        if next.rows() == previous.rows() {
            return Ok(next);
        }
        scope = Some(next);
    }
}

/// The key columns: those that the model's table shares with the inputs that it restricts.
/// They are the scope query's columns, typed as the table has them.
fn key_schema(this: &Table, deltas: &[Delta]) -> Result<SchemaRef> {
    let input = deltas
        .iter()
        .find(|delta| delta.table.partition_by().is_some())
        .ok_or_else(|| Error::internal("a scope needs an input with partitions"))?;
    let fields: Vec<Field> = this
        .schema()
        .fields()
        .iter()
        .filter(|field| {
            field.name() == "device_key"
                || Some(field.name().as_str()) == input.table.partition_by()
        })
        .map(|field| Field::new(field.name(), field.data_type().clone(), true))
        .collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// The model computed on the scope's rows of its input, merged into the rows of `this` that
/// stay as they are.
pub(crate) async fn merge(
    engine: &Engine,
    model: &Model,
    scope: &Scope,
    this: &Table,
    tables: &Tables,
) -> Result<Merged> {
    let context = engine.sessions.session()?;
    let days = scope_values(scope, &context, tables, engine, model).await?;
    let restrict = |_: &str, table: &Table| -> Result<Arc<dyn TableProvider>> {
        let keyed = scope
            .columns()
            .iter()
            .all(|name| table.schema().field_with_name(name).is_ok());
        if !keyed {
            return Ok(Arc::new(SnapshotTable::new(table.clone())));
        }
        let part = SnapshotTable::partitions(table.clone(), &days);
        let frame = context
            .read_table(Arc::new(part))
            .map_err(|e| Error::internal("cannot read the input").caused_by(e))?;
        let frame = scope.join(&context, frame, JoinType::LeftSemi)?;
        Ok(Arc::new(ViewTable::new(
            frame.into_unoptimized_plan(),
            None,
        )))
    };
    engine
        .register(&context, &model.depends_on, tables, &restrict)
        .await?;
    let computed = engine.plan_model(&context, model).await?;
    let schema = this.schema();
    let computed = computed
        .collect()
        .await
        .map_err(|e| super::explain::failed(&model.name, e))?
        .iter()
        .map(|batch| conform(batch, &schema))
        .collect::<Result<Vec<_>>>()?;

    let partition_by = this.partition_by().map(str::to_string);
    let old = || context.read_table(Arc::new(SnapshotTable::new(this.clone())));
    let old_frame = old().map_err(|e| super::explain::failed(&model.name, e))?;
    let replaced = scope.join(&context, old_frame, JoinType::LeftSemi)?;
    let mut partitions =
        partition_values(&model.name, replaced, partition_by.as_deref()).await?;
    let fresh = MemTable::try_new(schema.clone(), vec![computed])
        .and_then(|table| context.read_table(Arc::new(table)))
        .map_err(|e| Error::internal("cannot hold the recomputed rows").caused_by(e))?;
    partitions
        .extend(partition_values(&model.name, fresh.clone(), partition_by.as_deref()).await?);

    let kept = SnapshotTable::partitions(this.clone(), &partitions);
    let kept = context
        .read_table(Arc::new(kept))
        .map_err(|e| super::explain::failed(&model.name, e))?;
    let kept = scope.join(&context, kept, JoinType::LeftAnti)?;
    let frame = kept
        .union_by_name(fresh)
        .map_err(|e| super::explain::failed(&model.name, e))?;
    Ok(Merged { frame, partitions })
}

/// The partitions of the restricted input that the scope names.
async fn scope_values(
    scope: &Scope,
    context: &SessionContext,
    tables: &Tables,
    engine: &Engine,
    model: &Model,
) -> Result<BTreeSet<Option<String>>> {
    let partition = engine
        .base_tables(model)
        .iter()
        .filter_map(|name| tables.get(name))
        .filter_map(|table| table.partition_by())
        .find(|partition| scope.columns().contains(partition))
        .map(str::to_string);
    let frame = context
        .read_table(scope.provider()?)
        .map_err(|e| Error::internal("cannot read the scope").caused_by(e))?;
    partition_values(&model.name, frame, partition.as_deref()).await
}
