//! The facade that the command line, a server and tests share: a project (its settings,
//! models and snapshot) and one method a command.
//!
//! Everything also works without a project: the built-in models and default settings on a
//! snapshot in `.attrib` below the working directory.

mod fixtures;
mod init;
mod maintenance;
mod status;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;

pub use crate::engine::run::RunOptions;
pub use crate::progress::{Progress, Silent};
pub use init::init;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::engine::opened::Opened;
use crate::engine::session::Sessions;
use crate::engine::{Engine, audit, ingest, query, run};
use crate::events::Fields;
use crate::functions::FunctionSettings;
use crate::functions::channels::Channels;
use crate::models::{Catalog, Graph, Origin, check_parameters, select};
use crate::report::{IngestReport, ListedModel, RunReport, TestRunReport};
use crate::snapshot::Store;
use crate::{Error, Result};

/// What flags say over `attrib.toml`.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The project's folder; found from the working directory upwards, if none is given.
    pub project: Option<PathBuf>,
    /// Where the tables are: a folder, `gs://` or `s3://`.
    pub snapshot: Option<String>,
    /// Settings by key path: (`lookback_days`, `30`), (`vars.discount`, `0.9`).
    pub settings: Vec<(String, String)>,
}

/// How to ingest.
#[derive(Debug, Clone, Default)]
pub struct IngestOptions {
    /// `ga4_parquet`, `ga4_ndjson`, `flat_csv`, `flat_ndjson` or `measurement_protocol`;
    /// told from the content, if none is given.
    pub format: Option<String>,
    /// Fail on the first row that cannot be used.
    pub strict: bool,
}

/// Which state of the tables to ask.
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    /// A run's number, a date or a time in UTC; now, if none is given.
    pub as_of: Option<String>,
}

/// What to test.
#[derive(Debug, Clone, Default)]
pub struct TestOptions {
    pub select: Vec<String>,
    pub exclude: Vec<String>,
    /// Build everything from the fixtures in this folder and compare, instead of testing
    /// the tables.
    pub fixtures: Option<PathBuf>,
}

/// A project: settings, models and snapshot, opened.
#[derive(Clone)]
pub struct Project {
    engine: Engine,
}

impl Project {
    /// Opens the project that the overrides and the working directory name.
    ///
    /// # Errors
    /// `config`: a wrong setting; `model`: a model, its YAML or the channel rules are wrong.
    pub fn open(overrides: &Overrides) -> Result<Project> {
        let mut settings = overrides.settings.clone();
        if let Some(location) = &overrides.snapshot {
            settings.push(("snapshot.path".to_string(), absolute(location)));
        }
        // A variable that is no Unicode is none of ours.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let config = Config::load(overrides.project.as_deref(), environment, &settings)?;
        Self::with(config, Arc::new(SystemClock))
    }

    /// A project of settings that are loaded already, on a clock.
    pub fn with(config: Config, clock: Arc<dyn Clock>) -> Result<Project> {
        let models = config.models_dir();
        let models = models.is_dir().then_some(models);
        let catalog = Catalog::load(models.as_deref())?;
        let graph = Graph::new(&catalog, &[])?;
        check_parameters(&catalog, &config.parameters())?;
        let store = Store::open(&config.snapshot_location())?;
        let functions = FunctionSettings {
            ignore_referrers: config.ignore_referrers.clone(),
            channels: Arc::new(Channels::load(models.as_deref())?),
        };
        let sessions = Sessions::new(&config, &store, functions)?;
        let engine = Engine {
            store: Arc::new(store),
            opened: Opened::default(),
            catalog: Arc::new(catalog),
            graph: Arc::new(graph),
            parameters: Arc::new(config.parameters()),
            config: Arc::new(config),
            sessions,
            clock,
        };
        Ok(Project { engine })
    }

    /// The project's folder, if there is a project.
    pub fn directory(&self) -> Option<&Path> {
        self.engine.config.file.as_deref().and_then(Path::parent)
    }

    /// Reads events into the raw table, in one transaction.
    ///
    /// # Errors
    /// See [`ingest::ingest`].
    pub async fn ingest(
        &self,
        inputs: &[String],
        options: &IngestOptions,
        progress: &dyn Progress,
    ) -> Result<IngestReport> {
        let format = options.format.as_deref().map(str::parse).transpose()?;
        let options = ingest::IngestOptions {
            format,
            strict: options.strict,
            fields: self.fields()?,
            rejects_folder: ingest::rejects_folder(self.engine.store.folder()),
        };
        ingest::ingest(&self.engine, inputs, &options, progress).await
    }

    /// Builds the models, tests them, and publishes what passed.
    ///
    /// # Errors
    /// See [`run::run`].
    pub async fn run(
        &self,
        options: &RunOptions,
        progress: &dyn Progress,
    ) -> Result<RunReport> {
        let report = run::run(&self.engine, options, progress).await;
        progress.finish();
        report
    }

    /// Answers a query; rows come as they are computed.
    ///
    /// # Errors
    /// See [`query::plan`].
    pub async fn query(
        &self,
        sql: &str,
        options: &QueryOptions,
    ) -> Result<(SchemaRef, SendableRecordBatchStream)> {
        let stream = query::stream(&self.engine, sql, options.as_of.as_deref()).await?;
        Ok((stream.schema(), stream))
    }

    /// The plan of a query, after running it.
    pub async fn explain(&self, sql: &str, options: &QueryOptions) -> Result<String> {
        query::explain(&self.engine, sql, options.as_of.as_deref()).await
    }

    /// Tests the published tables and the models' unit tests, or the models on fixtures.
    pub async fn test(
        &self,
        options: &TestOptions,
        progress: &dyn Progress,
    ) -> Result<TestRunReport> {
        let started = Instant::now();
        let report = match &options.fixtures {
            Some(folder) => fixtures::test(&self.engine.config, folder, progress)
                .await
                .map(|tests| audit::summary(tests, started)),
            None => {
                audit::test(&self.engine, &options.select, &options.exclude, progress).await
            }
        };
        progress.finish();
        report
    }

    /// Where the project says that events have their fields.
    fn fields(&self) -> Result<Fields> {
        let table = toml::Value::Table(self.engine.config.fields.clone());
        let sources = table.try_into().map_err(|e| {
            Error::config("a field is a column, a path into a JSON column, or a value")
                .with("section", "[fields]")
                .hint("name = \"column\", { column = \"payload\", path = \"user.id\" } or { value = \"x\" }")
                .caused_by(e)
        })?;
        Fields::new(sources)
    }

    /// The selected models, upstream first, and the raw table.
    pub async fn list(&self, criteria: &[String]) -> Result<Vec<ListedModel>> {
        let Engine { catalog, graph, .. } = &self.engine;
        let listed = select(catalog, graph, criteria, &[])?
            .iter()
            .filter_map(|name| catalog.get(name))
            .map(|model| ListedModel {
                name: model.name.clone(),
                layer: model.layer.clone(),
                materialized: model.properties.config.materialized.name().to_string(),
                origin: match model.origin() {
                    Origin::BuiltIn(_) => "builtin".to_string(),
                    Origin::File(path) => path.display().to_string(),
                },
                depends_on: model.depends_on.iter().cloned().collect(),
                tags: model.properties.config.tags.iter().cloned().collect(),
                description: model.properties.description.clone(),
            })
            .collect();
        Ok(listed)
    }
}

/// A location on the command line is relative to the working directory, one in
/// `attrib.toml` to the project.
fn absolute(location: &str) -> String {
    if location.contains("://") {
        return location.to_string();
    }
    std::path::absolute(location)
        .map_or_else(|_| location.to_string(), |path| path.display().to_string())
}

/// An I/O error of a file of the project.
fn io(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::storage(format!("cannot {what}"))
        .with("path", path.display())
        .caused_by(error)
}
