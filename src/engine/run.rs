//! `attrib run`: brings the models' tables up to date, tests them, and only then lets
//! readers see them (write, audit, publish).
//!
//! Each model's new version is committed to its own Delta table as it is built; readers go
//! by the table of publications, so until the last step nobody sees any of it. A run that
//! dies in between leaves versions that no publication names: the next run starts from the
//! published ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use datafusion::catalog::TableProvider;
use datafusion::common::{Column, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{DataFrame, col, lit};

use super::audit::Changed;
use super::incremental::{self, Delta, Partitions, Work};
use super::profile::Profile;
use super::replace::Replacement;
use super::write::{Order, layout, write_frame, write_queries};
use super::{Engine, Tables, explain, is_table, scope, slices, whole};
use crate::events::RAW_TABLE;
use crate::models::{Model, select};
use crate::progress::Progress;
use crate::report::{ModelReport, Outcome, Reason, RunReport};
use crate::snapshot::{Layout, PublishedTable, Table};
use crate::{Error, Result};

/// What to run and how.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Build everything from scratch.
    pub full_refresh: bool,
    /// Models by name, `+name+`, `tag:`, `path:`; all, if empty.
    pub select: Vec<String>,
    pub exclude: Vec<String>,
    /// Report what each query did.
    pub profile: bool,
}

/// A run in progress.
struct Run<'a> {
    engine: &'a Engine,
    full_refresh: bool,
    is_profiled: bool,
    /// The tables as the models of this run see them: published, or new.
    tables: Tables,
    /// What the run will publish.
    publish: BTreeMap<String, PublishedTable>,
    /// The partitions whose rows are not those that readers see now, by table.
    changed: Changed,
}

/// One table to bring up to date.
struct Task<'a> {
    work: Work,
    /// The version that readers see, if the model still has its columns.
    this: Option<&'a Table>,
    /// The version that the table has.
    latest: &'a Table,
    deltas: &'a [Delta],
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
    progress: &dyn Progress,
) -> Result<RunReport> {
    let started = Instant::now();
    let selected = select(
        &engine.catalog,
        &engine.graph,
        &options.select,
        &options.exclude,
    )?;
    let raw = engine.raw().await?;
    let _lock = engine.store.lock("run")?;
    let latest = engine.store.latest_publication().await?;
    let published = latest
        .as_ref()
        .map(|p| p.tables.clone())
        .unwrap_or_default();
    let mut run = Run {
        engine,
        full_refresh: options.full_refresh,
        is_profiled: options.profile,
        tables: match &latest {
            Some(publication) => engine.open(publication).await?,
            None => Tables::new(),
        },
        publish: published.clone(),
        changed: Changed::new(),
    };
    run.forget_models_that_are_gone();
    run.read_events(raw);

    let mut models = Vec::new();
    for model in selected.iter().filter_map(|name| engine.catalog.get(name)) {
        progress.stage(&model.name);
        let report = run.build(model, published.get(&model.name)).await?;
        progress.model(&report);
        models.push(report);
    }

    let tests = if run.changed.is_empty() {
        Vec::new()
    } else {
        progress.stage("tests");
        let selected = selected.into_iter().collect();
        super::audit::audit(engine, &run.tables, &selected, Some(&run.changed), progress)
            .await?
    };
    let passed = tests.iter().all(|test| test.outcome == Outcome::Pass);
    let base = latest.map(|publication| publication.run_id);
    let mut run_id = base;
    if passed && run.publish != published {
        let now = engine.clock.now();
        run_id = Some(engine.store.publish(base, run.publish, now).await?.run_id);
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(RunReport {
        run_id,
        models,
        tests,
        published: passed,
        seconds,
    })
}

impl Run<'_> {
    fn forget_models_that_are_gone(&mut self) {
        let catalog = &self.engine.catalog;
        self.publish
            .retain(|name, _| name == RAW_TABLE || catalog.get(name).is_some());
        self.tables
            .retain(|name, _| self.publish.contains_key(name));
    }

    fn read_events(&mut self, raw: Table) {
        let before = self.tables.get(RAW_TABLE);
        let changed = raw.changed_partitions(before);
        if !changed.is_empty() {
            self.changed.insert(RAW_TABLE.to_string(), changed);
        }
        self.publish.insert(
            RAW_TABLE.to_string(),
            PublishedTable {
                version: Some(raw.version()),
                fingerprint: String::new(),
                built_from: BTreeMap::new(),
                materialized: true,
            },
        );
        self.tables.insert(RAW_TABLE.to_string(), raw);
    }

    async fn build(
        &mut self,
        model: &Model,
        published: Option<&PublishedTable>,
    ) -> Result<ModelReport> {
        let started = Instant::now();
        self.check_inputs(model)?;
        let fingerprint = self.engine.fingerprint(model);
        let mut report = ModelReport {
            name: model.name.clone(),
            materialized: model.properties.config.materialized.name().to_string(),
            reason: Reason::UpToDate,
            rows: 0,
            partitions: model.properties.config.partition_by.as_ref().map(|_| 0),
            unchanged: false,
            seconds: 0.0,
            operators: Vec::new(),
        };
        if !self.full_refresh && self.is_untouched(model, &fingerprint, published) {
            report.seconds = started.elapsed().as_secs_f64();
            return Ok(report);
        }
        let context = self.engine.sessions.session()?;
        self.engine
            .register(&context, &model.depends_on, &self.tables, &whole)
            .await?;
        let frame = self.engine.plan_model(&context, model).await?;
        let layout = layout(
            frame.schema(),
            model.properties.config.partition_by.as_deref(),
        )
        .map_err(|e| e.with("model", &model.name))?;
        check_contract(model, &layout)?;

        if is_table(model) {
            // A publication may name what was a view then.
            let published = published.filter(|published| published.materialized);
            self.build_table(model, &fingerprint, published, frame, layout, &mut report)
                .await?;
        } else {
            report.reason = self.publish_view(model, fingerprint, published);
        }
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Whether what is published was made by this very model of these very versions, so
    /// that there is nothing to plan. Versions may differ and hold the same rows: that is
    /// for `incremental` to tell.
    fn is_untouched(
        &self,
        model: &Model,
        fingerprint: &str,
        published: Option<&PublishedTable>,
    ) -> bool {
        let Some(published) = published else {
            return false;
        };
        let has_same_inputs = match is_table(model) {
            true => {
                let built_from = incremental::built_from(self.engine, model, &self.tables);
                published.built_from == built_from
            }
            false => {
                let inputs = self.engine.base_tables(model);
                !inputs.iter().any(|name| self.changed.contains_key(name))
            }
        };
        published.fingerprint == fingerprint
            && published.materialized == is_table(model)
            && has_same_inputs
    }

    fn publish_view(
        &mut self,
        model: &Model,
        fingerprint: String,
        published: Option<&PublishedTable>,
    ) -> Reason {
        let reason = match published {
            None => Reason::New,
            Some(before) if before.fingerprint != fingerprint => Reason::ModelChanged,
            Some(_) => Reason::UpToDate,
        };
        if reason != Reason::UpToDate {
            self.changed.insert(model.name.clone(), Partitions::new());
        }
        let entry = PublishedTable {
            version: None,
            fingerprint,
            built_from: BTreeMap::new(),
            materialized: false,
        };
        self.publish.insert(model.name.clone(), entry);
        reason
    }

    async fn build_table(
        &mut self,
        model: &Model,
        fingerprint: &str,
        published: Option<&PublishedTable>,
        frame: DataFrame,
        layout: Layout,
        report: &mut ModelReport,
    ) -> Result<()> {
        let engine = self.engine;
        let this = self
            .tables
            .get(&model.name)
            .filter(|table| *table.layout() == layout)
            .cloned();
        let deltas = match published {
            Some(published) => {
                incremental::deltas(engine, model, published, &self.tables).await?
            }
            None => Vec::new(),
        };
        let (reason, work) = incremental::decide(
            engine,
            model,
            fingerprint,
            published,
            self.full_refresh,
            &deltas,
            &self.tables,
        )
        .await?;
        report.reason = reason;
        let table = match (work, this) {
            (Work::Nothing, Some(this)) => this,
            (work, this) => {
                let latest = match engine.store.table(&model.name).await? {
                    Some(latest) => latest,
                    None => {
                        let partition_by = layout.partition_by.as_deref();
                        engine
                            .store
                            .create(&model.name, &layout.schema, partition_by)
                            .await?
                    }
                };
                let task = Task {
                    work,
                    this: this.as_ref(),
                    latest: &latest,
                    deltas: &deltas,
                };
                let profile = Profile::default();
                let replacement = self.compute(model, task, frame, &layout, &profile).await?;
                report.rows = replacement.rows();
                if self.is_profiled {
                    report.operators = profile.operators();
                }
                report.partitions = layout
                    .partition_by
                    .as_ref()
                    .map(|_| replacement.partitions());
                let table = replacement.commit(latest, &layout, this.as_ref()).await?;
                let changed = table.changed_partitions(this.as_ref());
                report.unchanged = this.is_some() && changed.is_empty();
                if !report.unchanged {
                    self.changed.insert(model.name.clone(), changed);
                }
                table
            }
        };
        let entry = PublishedTable {
            version: Some(table.version()),
            fingerprint: fingerprint.to_string(),
            built_from: incremental::built_from(engine, model, &self.tables),
            materialized: true,
        };
        self.publish.insert(model.name.clone(), entry);
        self.tables.insert(model.name.clone(), table);
        Ok(())
    }

    /// Computes as much of the model as the work asks for, and writes it. `frame` is all of
    /// it.
    async fn compute(
        &self,
        model: &Model,
        task: Task<'_>,
        frame: DataFrame,
        layout: &Layout,
        profile: &Profile,
    ) -> Result<Replacement> {
        let engine = self.engine;
        let Task {
            work,
            this,
            latest,
            deltas,
        } = task;
        let (frame, rebuilt) = match (work, this) {
            (Work::Partitions(partitions), Some(_)) => (
                self.partitions_frame(model, &partitions).await?,
                Some(partitions),
            ),
            (Work::Keys, Some(this)) => {
                let scope = scope::find(engine, model, this, deltas, &self.tables).await?;
                let merged = scope::merge(engine, model, &scope, this, &self.tables).await?;
                (merged.frame, Some(merged.partitions))
            }
            _ => (frame, None),
        };
        let order = order(model);
        let slices = match &rebuilt {
            None => slices::queries(engine, model, &self.tables, profile),
            Some(_) => None,
        };
        let written = match slices {
            Some(queries) => {
                let threads = engine.config.thread_count();
                write_queries(engine, latest, layout, &order, queries, threads, profile).await?
            }
            None => write_frame(engine, latest, layout, &order, frame, profile).await?,
        };
        Ok(match this {
            Some(this) => Replacement::of(this, written, rebuilt.as_ref()),
            None => Replacement::all(written),
        })
    }

    /// Every table that the model reads must be there.
    fn check_inputs(&self, model: &Model) -> Result<()> {
        for name in self.engine.base_tables(model) {
            if !self.tables.contains_key(&name) {
                return Err(Error::model(format!("{name} has not been built"))
                    .with("model", &model.name)
                    .hint(format!(
                        "`attrib run --select +{}` builds it too",
                        model.name
                    )));
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
        let days = model
            .properties
            .config
            .reads_back(&self.engine.parameters)?;
        let context = self.engine.sessions.session()?;
        let restrict = |_: &str, table: &Table| -> Result<Arc<dyn TableProvider>> {
            Ok(incremental::restricted(table, partitions, days))
        };
        self.engine
            .register(&context, &model.depends_on, &self.tables, &restrict)
            .await?;
        let frame = self.engine.plan_model(&context, model).await?;
        match &model.properties.config.partition_by {
            Some(column) => {
                within(frame, column, partitions).map_err(|e| explain::failed(&model.name, e))
            }
            None => Ok(frame),
        }
    }
}

/// The order of the rows in a model's files.
pub(crate) fn order(model: &Model) -> Order {
    Order {
        sort_by: model.properties.config.sort_by.clone(),
        checksum_columns: None,
    }
}

/// What the YAML says of the columns must hold of the SQL.
fn check_contract(model: &Model, layout: &Layout) -> Result<()> {
    let columns: Vec<(String, String)> = layout
        .schema
        .fields()
        .iter()
        .map(|field| (field.name().clone(), field.data_type().to_string()))
        .collect();
    model.check_columns(&columns)
}

/// `frame`'s rows whose `column` is one of the values, given in Delta's text.
fn within(
    frame: DataFrame,
    column: &str,
    values: &Partitions,
) -> Result<DataFrame, DataFusionError> {
    let data_type = frame
        .schema()
        .field_with_unqualified_name(column)?
        .data_type()
        .clone();
    let literals = values
        .iter()
        .flatten()
        .map(|text| ScalarValue::try_from_string(text.clone(), &data_type).map(lit))
        .collect::<Result<Vec<Expr>, _>>()?;
    let column = col(Column::from_name(column));
    let mut condition = column.clone().in_list(literals, false);
    if values.contains(&None) {
        condition = condition.or(column.is_null());
    }
    frame.filter(condition)
}
