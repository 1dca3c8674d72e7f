//! The engine: runs the models over the snapshot with DataFusion.
//!
//! In come the snapshot's raw table, the models and the configuration; out go new versions
//! of the models' tables, test results and answers to queries. What must be recomputed is
//! decided here (`run`, `incremental`); how a table is scanned (`table`) and written
//! (`write`) too. Nothing here prints.

pub mod audit;
pub(crate) mod explain;
mod incremental;
pub mod ingest;
pub mod opened;
pub mod pending;
mod profile;
pub mod query;
pub(crate) mod replace;
pub mod run;
pub mod scope;
mod screen;
pub mod session;
mod slices;
pub mod table;
pub(crate) mod unit;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext};

use crate::clock::Clock;
use crate::config::{Config, Parameter};
use crate::events::RAW_TABLE;
use crate::models::{Catalog, Graph, Materialized, Model};
use crate::snapshot::{Publication, Store, Table};
use crate::{Error, Result};

use opened::Opened;
use session::Sessions;
use table::SnapshotTable;

/// Everything that running models and answering queries needs.
#[derive(Clone)]
pub struct Engine {
    pub store: Arc<Store>,
    pub opened: Opened,
    pub catalog: Arc<Catalog>,
    pub graph: Arc<Graph>,
    pub config: Arc<Config>,
    pub parameters: Arc<BTreeMap<String, Parameter>>,
    pub sessions: Sessions,
    pub clock: Arc<dyn Clock>,
}

/// The tables that a session may read, by name, each at one version.
pub(crate) type Tables = BTreeMap<String, Table>;

/// How to make a provider of a table: all of it, some partitions, some rows.
pub(crate) type Provide<'a> =
    &'a (dyn Fn(&str, &Table) -> Result<Arc<dyn TableProvider>> + Send + Sync);

/// All of the table.
pub(crate) fn whole(_name: &str, table: &Table) -> Result<Arc<dyn TableProvider>> {
    Ok(Arc::new(SnapshotTable::new(table.clone())))
}

impl Engine {
    /// The tables of a publication, opened.
    pub(crate) async fn open(&self, publication: &Publication) -> Result<Tables> {
        let mut tables = Tables::new();
        for (name, published) in &publication.tables {
            if let Some(version) = published.version {
                tables.insert(name.clone(), self.table_at(name, version).await?);
            }
        }
        Ok(tables)
    }

    /// A version of a table, opened once.
    pub(crate) async fn table_at(&self, name: &str, version: u64) -> Result<Table> {
        self.opened.table_at(&self.store, name, version).await
    }

    /// The materialised tables that a model reads, itself or through views.
    pub(crate) fn base_tables(&self, model: &Model) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut todo: Vec<&str> = model.depends_on.iter().map(String::as_str).collect();
        while let Some(name) = todo.pop() {
            match self.view(name) {
                Some(view) => todo.extend(view.depends_on.iter().map(String::as_str)),
                None => {
                    found.insert(name.to_string());
                }
            }
        }
        found
    }

    /// The text that decides a model's rows, hashed: its own SQL, YAML and parameters, those
    /// of the views that it reads, and the functions.
    pub(crate) fn fingerprint(&self, model: &Model) -> String {
        let mut text = self.sessions.functions_fingerprint();
        let mut todo: Vec<&str> = model.depends_on.iter().map(String::as_str).collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = todo.pop() {
            if let Some(view) = self.view(name)
                && seen.insert(name)
            {
                text.push_str(&view.fingerprint(&self.parameters, ""));
                todo.extend(view.depends_on.iter().map(String::as_str));
            }
        }
        model.fingerprint(&self.parameters, &text)
    }

    /// Makes `names` readable in the session: tables through `provide`, views by planning
    /// their SQL over what they read. Names that are neither are left to the planner.
    pub(crate) async fn register(
        &self,
        context: &SessionContext,
        names: &BTreeSet<String>,
        tables: &Tables,
        provide: Provide<'_>,
    ) -> Result<()> {
        for name in self.with_views(names) {
            if context.table_exist(name.as_str()).unwrap_or(false) {
                continue;
            }
            if let Some(table) = tables.get(&name) {
                register_table(context, &name, provide(&name, table)?)?;
            } else if let Some(view) = self.view(&name)
                && self
                    .base_tables(view)
                    .iter()
                    .all(|base| tables.contains_key(base))
            {
                let frame = self.plan_model(context, view).await?;
                let plan = frame.into_unoptimized_plan();
                let view = ViewTable::new(plan, Some(view.sql().to_string()));
                register_table(context, &name, Arc::new(view))?;
            }
        }
        Ok(())
    }

    /// `names` and all that the views among them read, upstream first.
    fn with_views(&self, names: &BTreeSet<String>) -> Vec<String> {
        let mut all = BTreeSet::new();
        let mut todo: Vec<String> = names.iter().cloned().collect();
        while let Some(name) = todo.pop() {
            if all.insert(name.clone())
                && let Some(view) = self.view(&name)
            {
                todo.extend(view.depends_on.iter().cloned());
            }
        }
        let mut sorted: Vec<String> = all
            .iter()
            .filter(|name| self.catalog.get(name).is_none())
            .cloned()
            .collect();
        sorted.extend(
            self.graph
                .order()
                .iter()
                .filter(|name| all.contains(*name))
                .cloned(),
        );
        sorted
    }

    /// The model of this name, if it is one that is not stored.
    pub(crate) fn view(&self, name: &str) -> Option<&Model> {
        self.catalog.get(name).filter(|model| !is_table(model))
    }

    /// Plans a model's SQL in a session that has its tables.
    pub(crate) async fn plan_model(
        &self,
        context: &SessionContext,
        model: &Model,
    ) -> Result<DataFrame> {
        self.plan(context, model.sql())
            .await
            .map_err(|e| model.explain(&e))
    }

    /// Plans a query with the project's parameters.
    pub(crate) async fn plan(
        &self,
        context: &SessionContext,
        sql: &str,
    ) -> Result<DataFrame, DataFusionError> {
        let statement = session::bind(context, sql, &self.parameters)?;
        session::plan(context, statement).await
    }

    /// The raw table as it is now.
    pub(crate) async fn raw(&self) -> Result<Table> {
        self.store.table(RAW_TABLE).await?.ok_or_else(|| {
            Error::input("there are no events yet")
                .with("snapshot", self.store.root_url())
                .hint(
                    "`attrib ingest FILE` reads GA4 events; `attrib demo` shows it on a sample",
                )
        })
    }
}

/// Whether a model's rows are stored.
pub(crate) fn is_table(model: &Model) -> bool {
    model.properties.config.materialized == Materialized::Table
}

pub(crate) fn register_table(
    context: &SessionContext,
    name: &str,
    provider: Arc<dyn TableProvider>,
) -> Result<()> {
    context
        .register_table(datafusion::common::TableReference::bare(name), provider)
        .map(|_| ())
        .map_err(|e| Error::internal(format!("cannot register {name}")).caused_by(e))
}
