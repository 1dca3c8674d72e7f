//! (stub) The facade that commands, server and tests share.

use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;

use crate::report::*;
use crate::{Error, Result};

#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub project: Option<PathBuf>,
    pub snapshot: Option<String>,
    pub settings: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default)]
pub struct IngestOptions {
    pub format: Option<String>,
    pub strict: bool,
}

#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    pub full_refresh: bool,
    pub select: Vec<String>,
    pub exclude: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    pub as_of: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct TestOptions {
    pub select: Vec<String>,
    pub exclude: Vec<String>,
    pub fixtures: Option<PathBuf>,
}

pub trait Progress: Send + Sync {
    fn start(&self, total_bytes: Option<u64>);
    fn bytes(&self, done: u64);
    fn rows(&self, rows: u64);
    fn model(&self, model: &ModelReport);
    fn test(&self, test: &TestReport);
    fn stage(&self, text: &str);
    fn finish(&self);
}

pub struct Project;

fn stub<T>() -> Result<T> {
    Err(Error::internal("not built yet"))
}

impl Project {
    pub fn open(_: &Overrides) -> Result<Project> {
        Ok(Project)
    }
    pub fn directory(&self) -> Option<&Path> {
        None
    }
    pub async fn ingest(
        &self,
        _: &[String],
        _: &IngestOptions,
        _: &dyn Progress,
    ) -> Result<IngestReport> {
        stub()
    }
    pub async fn run(&self, _: &RunOptions, _: &dyn Progress) -> Result<RunReport> {
        stub()
    }
    pub async fn query(
        &self,
        _: &str,
        _: &QueryOptions,
    ) -> Result<(SchemaRef, SendableRecordBatchStream)> {
        stub()
    }
    pub async fn explain(&self, _: &str, _: &QueryOptions) -> Result<String> {
        stub()
    }
    pub async fn test(&self, _: &TestOptions, _: &dyn Progress) -> Result<TestRunReport> {
        stub()
    }
    pub async fn status(&self) -> Result<StatusReport> {
        stub()
    }
    pub async fn list(&self, _: &[String]) -> Result<Vec<ListedModel>> {
        stub()
    }
    pub async fn compact(&self) -> Result<Vec<MaintenanceReport>> {
        stub()
    }
    pub async fn vacuum(&self, _: bool) -> Result<Vec<MaintenanceReport>> {
        stub()
    }
}

pub fn init(_: &Path) -> Result<Vec<PathBuf>> {
    stub()
}
