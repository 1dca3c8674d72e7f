//! Tests of the models: those that their YAML names, the SQL of `queries/tests/`, and
//! given / expect unit tests, which need no data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;

use super::incremental::Partitions;
use super::{Engine, Tables, explain, screen, unit, whole};
use crate::models::{CompiledTest, Severity, select as select_models};
use crate::progress::Progress;
use crate::report::{Outcome, TestReport, TestRunReport};
use crate::{Error, Result};

/// Failing rows that a report shows.
const SHOWN: usize = 5;

/// The partitions that differ from what readers see, by table; of a view whose SQL differs,
/// none.
pub(crate) type Changed = BTreeMap<String, Partitions>;

/// Runs the tests of the selected models on `tables`. With `changed`, only those that read
/// something that changed, and where rows fail one by one only on the partitions that did:
/// the others passed when they were published.
///
/// # Errors
/// A test whose SQL cannot be planned. A test that fails is a report, not an error.
pub(crate) async fn audit(
    engine: &Engine,
    tables: &Tables,
    selected: &BTreeSet<String>,
    changed: Option<&Changed>,
    progress: &dyn Progress,
) -> Result<Vec<TestReport>> {
    let mut by_model: BTreeMap<String, Vec<CompiledTest>> = BTreeMap::new();
    for test in engine.catalog.compiled_tests()? {
        let is_wanted = selected.contains(&test.model)
            || test.columns.is_empty()
                && test.tables.iter().any(|name| selected.contains(name));
        let is_touched = changed.is_none_or(|changed| {
            test.tables
                .iter()
                .any(|name| is_changed(engine, name, changed))
        });
        if is_wanted && is_touched {
            by_model.entry(test.model.clone()).or_default().push(test);
        }
    }
    let context = engine.sessions.session()?;
    let mut reports = Vec::new();
    for tests in by_model.into_values() {
        let failing = screen::failing(engine, tables, &tests, changed).await?;
        for (place, test) in tests.iter().enumerate() {
            let report = match failing.contains(&place) {
                true => run(engine, &context, tables, test).await?,
                false => passed(test),
            };
            progress.test(&report);
            reports.push(report);
        }
    }
    Ok(reports)
}

fn is_changed(engine: &Engine, name: &str, changed: &Changed) -> bool {
    changed.contains_key(name)
        || engine.catalog.get(name).is_some_and(|model| {
            engine
                .base_tables(model)
                .iter()
                .any(|base| changed.contains_key(base))
        })
}

fn passed(test: &CompiledTest) -> TestReport {
    TestReport {
        name: test.name.clone(),
        model: test.model.clone(),
        outcome: Outcome::Pass,
        failures: 0,
        detail: None,
        query: None,
        seconds: 0.0,
    }
}

async fn run(
    engine: &Engine,
    context: &SessionContext,
    tables: &Tables,
    test: &CompiledTest,
) -> Result<TestReport> {
    let started = Instant::now();
    engine
        .register(context, &test.tables, tables, &whole)
        .await?;
    let frame = engine.plan(context, &test.sql).await.map_err(|e| {
        Error::model("a test's SQL is wrong")
            .with("test", &test.name)
            .caused_by(explain::query(&test.sql, &e))
    })?;
    let failed = |e| explain::failed(&test.name, e);
    let failures = frame.clone().count().await.map_err(failed)? as u64;
    let mut detail = None;
    if failures > 0 {
        let sample = frame.limit(0, Some(SHOWN)).map_err(failed)?;
        let rows = sample.collect().await.map_err(failed)?;
        let table = pretty_format_batches(&rows)
            .map_err(|e| Error::internal("cannot show rows").caused_by(e))?;
        detail = Some(format!("{}{table}", head_comment(&test.sql)));
    }
    let outcome = match (failures, test.severity) {
        (0, _) => Outcome::Pass,
        (_, Severity::Warn) => Outcome::Pass,
        (_, Severity::Error) => Outcome::Fail,
    };
    Ok(TestReport {
        name: test.name.clone(),
        model: test.model.clone(),
        outcome,
        failures,
        detail,
        query: (failures > 0).then(|| one_line(&test.sql)),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// What the comment at the head of a test's SQL says, as a line.
fn head_comment(sql: &str) -> String {
    let lines: Vec<&str> = sql
        .lines()
        .map_while(|line| line.trim_start().strip_prefix("--"))
        .map(str::trim)
        .collect();
    if lines.is_empty() {
        String::new()
    } else {
        format!("{}\n", lines.join(" "))
    }
}

/// SQL without its comments and line breaks, to paste behind `attrib query`.
fn one_line(sql: &str) -> String {
    sql.lines()
        .map(|line| line.split("--").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `attrib test`: the tests of the selected models on the published tables, and the unit
/// tests. Without a publication only the unit tests can run, and do.
pub async fn test(
    engine: &Engine,
    select: &[String],
    exclude: &[String],
    progress: &dyn Progress,
) -> Result<TestRunReport> {
    let started = Instant::now();
    let selected: BTreeSet<String> =
        select_models(&engine.catalog, &engine.graph, select, exclude)?
            .into_iter()
            .collect();
    let mut tests = unit::run(engine, &selected, progress).await?;
    if let Some(publication) = engine.store.latest_publication().await? {
        let tables = engine.open(&publication).await?;
        let built: BTreeSet<String> = selected
            .iter()
            .filter(|name| publication.tables.contains_key(*name))
            .cloned()
            .collect();
        tests.extend(audit(engine, &tables, &built, None, progress).await?);
    }
    Ok(summary(tests, started))
}

pub(crate) fn summary(tests: Vec<TestReport>, started: Instant) -> TestRunReport {
    let mut counts: BTreeMap<bool, u64> = BTreeMap::new();
    for test in &tests {
        *counts.entry(test.outcome == Outcome::Pass).or_default() += 1;
    }
    TestRunReport {
        passed: counts.get(&true).copied().unwrap_or_default(),
        failed: counts.get(&false).copied().unwrap_or_default(),
        tests,
        seconds: started.elapsed().as_secs_f64(),
    }
}
