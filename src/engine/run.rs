//! `attrib run`: brings the models' tables up to date, tests them, and only then lets
//! readers see them (write, audit, publish).
//!
//! Each model's new version is committed to its own Delta table as it is built; readers go
//! by the table of publications, so until the last step nobody sees any of it. A run that
//! dies in between leaves versions that no publication names: the next run starts from the
//! published ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{DataFrame, col, lit};

use super::incremental::{self, Partitions, Work};
use super::write::{Layout, Written, stored_schema, write_frame};
use super::{Engine, Tables, explain, scope, whole};
use crate::events::RAW_TABLE;
use crate::models::{Materialized, Model};
use crate::report::{ModelReport, Outcome, PendingModel, Reason, RunReport};
use crate::snapshot::{Change, DataFile, Publication, PublishedTable, Table};
use crate::{Error, Result};

/// What to run and how.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Build everything from scratch.
    pub full_refresh: bool,
    /// Models by name, `+name+`, `tag:`, `path:`; all, if empty.
    pub select: Vec<String>,
    pub exclude: Vec<String>,
}

/// A run in progress.
struct Run<'a> {
    engine: &'a Engine,
    full_refresh: bool,
    /// The tables as the models of this run see them: published, or new.
    tables: Tables,
    /// What the run will publish.
    publish: BTreeMap<String, PublishedTable>,
    /// Tables whose rows are not those that readers see now.
    changed: BTreeSet<String>,
}

/// A model's new files against its published ones.
struct Replacement {
    add: Vec<DataFile>,
    keep: Vec<DataFile>,
    rows: u64,
    partitions: u64,
}

/// Runs the selected models. A failed test is no error: the report says that nothing was
/// published.
///
/// # Errors
/// A model that cannot be planned or executed, a selection that names nothing, a snapshot
/// that cannot be written, another run in progress.
pub async fn run(
    engine: &Engine,
    options: &RunOptions,
    observe: &(dyn Fn(&ModelReport) + Send + Sync),
    observe_test: &(dyn Fn(&crate::report::TestReport) + Send + Sync),
) -> Result<RunReport> {
    let started = Instant::now();
    let selected = engine.catalog.select(&options.select, &options.exclude)?;
    let _lock = engine.store.lock("run")?;
    let raw = engine.raw().await?;
    let latest = engine.store.latest_publication().await?;
    let mut tables = match &latest {
        Some(publication) => engine.open(publication).await?,
        None => Tables::new(),
    };
    let published = latest.as_ref().map(|p| p.tables.clone()).unwrap_or_default();
    let mut run = Run {
        engine,
        full_refresh: options.full_refresh,
        changed: BTreeSet::new(),
        publish: published.clone(),
        tables: Tables::new(),
    };
    // A table of a model that is gone is no longer published.
    run.publish.retain(|name, _| name == RAW_TABLE || engine.catalog.model(name).is_some());
    tables.retain(|name, _| run.publish.contains_key(name));
    if !tables
        .get(RAW_TABLE)
        .is_some_and(|before| raw.changed_partitions(Some(before)).is_empty())
    {
        run.changed.insert(RAW_TABLE.to_string());
    }
    run.publish.insert(RAW_TABLE.to_string(), PublishedTable {
        version: raw.version(),
        fingerprint: String::new(),
        built_from: BTreeMap::new(),
        materialized: true,
    });
    tables.insert(RAW_TABLE.to_string(), raw);
    run.tables = tables;

    let mut models = Vec::new();
    for name in engine.catalog.order() {
        let Some(model) = engine.catalog.model(name).filter(|_| selected.contains(name)) else {
            continue;
        };
        let report = run.build(model, published.get(name)).await?;
        observe(&report);
        models.push(report);
    }

    let tests = if run.changed.is_empty() {
        Vec::new()
    } else {
        super::audit::audit(engine, &run.tables, &selected, Some(&run.changed), observe_test)
            .await?
    };
    let failed = tests.iter().any(|test| test.outcome != Outcome::Pass);
    let mut run_id = latest.as_ref().map(|publication| publication.run_id);
    let mut is_published = false;
    if !failed {
        if run.publish != published {
            let now = engine.clock.now();
            run_id = Some(engine.store.publish(run.publish, now).await?.run_id);
        }
        is_published = true;
    }
    Ok(RunReport {
        run_id,
        models,
        tests,
        published: is_published,
        seconds: started.elapsed().as_secs_f64(),
    })
}

impl Run<'_> {
    async fn build(
        &mut self,
        model: &Model,
        published: Option<&PublishedTable>,
    ) -> Result<ModelReport> {
        let started = Instant::now();
        self.check_inputs(model)?;
        let fingerprint = self.engine.fingerprint(model);
        let context = self.engine.sessions.session()?;
        self.engine.register(&context, &model.depends_on, &self.tables, &whole).await?;
        let frame = self.engine.plan_model(&context, model).await?;
        let schema = stored_schema(frame.schema().as_arrow());
        self.check_contract(model, &schema)?;

        if model.materialized() == Materialized::View {
            let is_new = published.is_none_or(|p| p.fingerprint != fingerprint);
            self.publish.insert(model.name.clone(), PublishedTable {
                version: 0,
                fingerprint,
                built_from: BTreeMap::new(),
                materialized: false,
            });
            if is_new || model.depends_on.iter().any(|name| self.changed.contains(name)) {
                self.changed.insert(model.name.clone());
            }
            let reason = match published {
                None => Reason::New,
                Some(_) if is_new => Reason::ModelChanged,
                Some(_) => Reason::UpToDate,
            };
            return Ok(report(model, reason, 0, None, started));
        }

        // A publication may name what was a view then.
        let published = published.filter(|published| published.materialized);
        let this = self.tables.get(&model.name).cloned();
        let deltas = match published {
            Some(published) => {
                incremental::deltas(self.engine, model, published, &self.tables).await?
            }
            None => Vec::new(),
        };
        let (reason, mut work) = incremental::decide(
            self.engine,
            model,
            &fingerprint,
            published,
            self.full_refresh,
            &deltas,
            &self.tables,
        )
        .await?;
        let partition_by = model.partition_by().map(str::to_string);
        let compatible = this.as_ref().is_some_and(|table| {
            *table.schema() == *schema && table.partition_by() == partition_by.as_deref()
        });
        if !compatible {
            work = Work::Everything;
        }
        let layout = Layout {
            partition_by,
            sort_by: model.sort_by().to_vec(),
            checksum_columns: None,
        };
        let old = this.filter(|_| compatible);
        let replacement = match (work, &old) {
            (Work::Nothing, Some(_)) => None,
            (Work::Partitions(partitions), Some(this)) => {
                let frame = self.partitions_frame(model, &partitions).await?;
                let written = self.write(model, &schema, &layout, frame).await?;
                Some(replace(this, written, Some(&partitions)))
            }
            (Work::Keys, Some(this)) => {
                let sql = model.scope_sql.as_deref().unwrap_or_default();
                let scope =
                    scope::find(self.engine, model, sql, this, &deltas, &self.tables).await?;
                let merged =
                    scope::merge(self.engine, model, &scope, this, &self.tables).await?;
                let written = self.write(model, &schema, &layout, merged.frame).await?;
                Some(replace(this, written, Some(&merged.partitions)))
            }
            (_, Some(this)) => {
                let written = self.write(model, &schema, &layout, frame).await?;
                Some(replace(this, written, None))
            }
            (_, None) => {
                let written = self.write(model, &schema, &layout, frame).await?;
                let add = written.all();
                Some(Replacement {
                    rows: add.iter().map(|file| file.rows).sum(),
                    partitions: count_partitions(&add),
                    add,
                    keep: Vec::new(),
                })
            }
        };

        let built_from = incremental::built_from(self.engine, model, &self.tables);
        let (rows, partitions) = match replacement {
            None => (0, 0),
            Some(replacement) => {
                let counts = (replacement.rows, replacement.partitions);
                let table =
                    self.commit(model, &schema, &layout, old.as_ref(), replacement).await?;
                let unchanged =
                    old.is_some_and(|old| table.changed_partitions(Some(&old)).is_empty());
                if !unchanged {
                    self.changed.insert(model.name.clone());
                }
                self.tables.insert(model.name.clone(), table);
                counts
            }
        };
        let version = match self.tables.get(&model.name) {
            Some(table) => table.version(),
            None => return Err(Error::internal("a built model has no table")),
        };
        self.publish.insert(model.name.clone(), PublishedTable {
            version,
            fingerprint,
            built_from,
            materialized: true,
        });
        let partitions = layout.partition_by.map(|_| partitions);
        Ok(report(model, reason, rows, partitions, started))
    }

    /// Every table that the model reads must be there.
    fn check_inputs(&self, model: &Model) -> Result<()> {
        for name in self.engine.base_tables(model) {
            if !self.tables.contains_key(&name) {
                return Err(Error::model(format!(
                    "{} reads {name}, which has not been built",
                    model.name
                ))
                .with("model", &model.name)
                .hint(format!("`attrib run --select +{}` builds it too", model.name)));
            }
        }
        Ok(())
    }

    /// What the YAML says of the columns must hold of the SQL.
    fn check_contract(&self, model: &Model, schema: &SchemaRef) -> Result<()> {
        let columns: Vec<(String, String)> = schema
            .fields()
            .iter()
            .map(|field| (field.name().clone(), field.data_type().to_string()))
            .collect();
        model.check_columns(&columns)?;
        for column in model.partition_by().into_iter().chain(model.sort_by().iter().map(String::as_str)) {
            if schema.field_with_name(column).is_err() {
                return Err(Error::model(format!(
                    "the model is partitioned or sorted by `{column}`, which its SQL does not give"
                ))
                .with("model", &model.name)
                .with("file", model.origin.display()));
            }
        }
        Ok(())
    }

    /// The model's rows in `partitions`, reading no more of its inputs than that needs.
    async fn partitions_frame(
        &self,
        model: &Model,
        partitions: &Partitions,
    ) -> Result<DataFrame> {
        let days = model.reads_back_days(&self.engine.parameters)?;
        let context = self.engine.sessions.session()?;
        let restrict = |_: &str, table: &Table| -> Result<Arc<dyn TableProvider>> {
            Ok(incremental::restricted(table, partitions, days))
        };
        self.engine.register(&context, &model.depends_on, &self.tables, &restrict).await?;
        let frame = self.engine.plan_model(&context, model).await?;
        let Some(partition_by) = model.partition_by() else {
            return Ok(frame);
        };
        let data_type = frame
            .schema()
            .field_with_unqualified_name(partition_by)
            .map_err(|e| explain::failed(&model.name, e))?
            .data_type()
            .clone();
        let values = partitions
            .iter()
            .map(|value| {
                let value = match value {
                    Some(text) => datafusion::common::ScalarValue::try_from_string(
                        text.clone(),
                        &data_type,
                    ),
                    None => datafusion::common::ScalarValue::try_from(&data_type),
                };
                value.map(lit)
            })
            .collect::<Result<Vec<Expr>, _>>()
            .map_err(|e| explain::failed(&model.name, e))?;
        frame
            .filter(col(Column::from_name(partition_by)).in_list(values, false))
            .map_err(|e| explain::failed(&model.name, e))
    }

    async fn write(
        &self,
        model: &Model,
        schema: &SchemaRef,
        layout: &Layout,
        frame: DataFrame,
    ) -> Result<Written> {
        write_frame(&self.engine.store, &model.name, schema, layout, frame).await
    }

    /// Commits the files that make up the model's new version on top of whatever version
    /// the table has, published or left behind by a run that died.
    async fn commit(
        &self,
        model: &Model,
        schema: &SchemaRef,
        layout: &Layout,
        old: Option<&Table>,
        replacement: Replacement,
    ) -> Result<Table> {
        if let Some(old) = old
            && replacement.add.is_empty()
            && replacement.keep.len() == old.files().len()
        {
            return Ok(old.clone());
        }
        let store = &self.engine.store;
        let latest = match store.table(&model.name).await? {
            Some(table) => table,
            None => {
                store.create(&model.name, schema, layout.partition_by.as_deref()).await?
            }
        };
        let wanted: BTreeSet<&str> =
            replacement.keep.iter().map(|file| file.path.as_str()).collect();
        let present: BTreeSet<&str> =
            latest.files().iter().map(|file| file.path.as_str()).collect();
        let remove: Vec<DataFile> = latest
            .files()
            .iter()
            .filter(|file| !wanted.contains(file.path.as_str()))
            .cloned()
            .collect();
        let mut add = replacement.add;
        add.extend(
            replacement.keep.iter().filter(|file| !present.contains(file.path.as_str())).cloned(),
        );
        let same = *latest.schema() == **schema
            && latest.partition_by() == layout.partition_by.as_deref();
        latest
            .commit(Change {
                add,
                remove,
                data_change: true,
                operation: "attrib run".to_string(),
                metadata: serde_json::Map::new(),
                transaction: None,
                schema: (!same).then(|| (schema.clone(), layout.partition_by.clone())),
            })
            .await
    }
}

/// The new files of the partitions that came out with other rows than before; the old
/// files of all others.
fn replace(this: &Table, written: Written, rebuilt: Option<&Partitions>) -> Replacement {
    let old = this.partitions();
    let mut add = Vec::new();
    let mut same = BTreeSet::new();
    let mut replaced: BTreeSet<Option<String>> = match rebuilt {
        Some(partitions) => partitions.clone(),
        None => old.keys().cloned().collect(),
    };
    for (value, files) in written.files {
        let signature = crate::snapshot::Signature::of(&files);
        if old.get(&value) == Some(&signature) {
            same.insert(value);
        } else {
            replaced.insert(value);
            add.extend(files);
        }
    }
    replaced.retain(|value| !same.contains(value));
    let keep: Vec<DataFile> = this
        .files()
        .iter()
        .filter(|file| !replaced.contains(&file.partition))
        .cloned()
        .collect();
    Replacement {
        rows: add.iter().map(|file| file.rows).sum(),
        partitions: count_partitions(&add),
        add,
        keep,
    }
}

fn count_partitions(files: &[DataFile]) -> u64 {
    files.iter().map(|file| &file.partition).collect::<BTreeSet<_>>().len() as u64
}

fn report(
    model: &Model,
    reason: Reason,
    rows: u64,
    partitions: Option<u64>,
    started: Instant,
) -> ModelReport {
    ModelReport {
        name: model.name.clone(),
        materialized: model.materialized().to_string(),
        reason,
        rows,
        partitions,
        seconds: started.elapsed().as_secs_f64(),
    }
}

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
    let published = latest.map(|publication| publication.tables.clone()).unwrap_or_default();
    let mut waiting: BTreeSet<String> = BTreeSet::new();
    let mut pending = Vec::new();
    for name in engine.catalog.order() {
        let Some(model) = engine.catalog.model(name) else { continue };
        let before = published.get(name);
        let fingerprint = engine.fingerprint(model);
        let upstream: Vec<String> =
            engine.base_tables(model).into_iter().filter(|base| waiting.contains(base)).collect();
        let is_stale = before.is_none_or(|before| before.fingerprint != fingerprint);
        let (reason, partitions) = if model.materialized() == Materialized::View || is_stale {
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
                engine, model, &fingerprint, Some(before), false, &deltas, &tables,
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
        pending.push(PendingModel { name: name.clone(), reason, partitions });
    }
    Ok(pending)
}
