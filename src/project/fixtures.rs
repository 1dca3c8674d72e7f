//! `attrib test --fixtures`: builds all models from each fixture's events in a temporary
//! place and compares the tables with those that the fixture expects.
//!
//! A fixture is a folder with `expected/TABLE.csv` files; its events are the files beside
//! that folder, its settings an `attrib.toml` there or the defaults. The models are the
//! project's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::{IngestOptions, Project, QueryOptions, RunOptions, Silent, io};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::engine::unit::{difference, texts};
use crate::progress::Progress;
use crate::report::{Outcome, TestReport};
use crate::{Error, Result};

type Row = Vec<Option<String>>;

/// Tests every fixture below `folder`, in order of their names.
///
/// # Errors
/// There is no fixture, or one cannot be built.
pub(super) async fn test(
    config: &Config,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Vec<TestReport>> {
    let mut fixtures = Vec::new();
    if folder.exists() {
        find(folder, &mut fixtures)?;
    }
    fixtures.sort();
    if fixtures.is_empty() {
        return Err(Error::input("there are no fixtures")
            .with("folder", folder.display())
            .hint(
                "a fixture is a folder with events and expected/TABLE.csv beside them, such \
                 as fixtures/tie/events.csv and fixtures/tie/expected/int_conversions.csv",
            ));
    }
    let mut reports = Vec::new();
    for fixture in fixtures {
        for report in test_one(config, folder, &fixture).await? {
            progress.test(&report);
            reports.push(report);
        }
    }
    Ok(reports)
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if folder.join("expected").is_dir() {
        found.push(folder.to_path_buf());
        return Ok(());
    }
    for path in entries(folder)? {
        if path.is_dir() {
            find(&path, found)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|e| e.map(|e| e.path()))
            .collect::<Result<Vec<_>, _>>()
    });
    let mut entries = entries.map_err(|e| io("read the folder", folder, e))?;
    entries.sort();
    Ok(entries)
}

async fn test_one(config: &Config, root: &Path, fixture: &Path) -> Result<Vec<TestReport>> {
    let started = Instant::now();
    let name = fixture
        .strip_prefix(root)
        .unwrap_or(fixture)
        .display()
        .to_string();
    let place = |error: Error| error.with("fixture", &name);
    let temporary = tempfile::tempdir()
        .map_err(|e| io("make a temporary folder", &std::env::temp_dir(), e))?;
    let snapshot = temporary.path().display().to_string();
    let models = config.models_dir().display().to_string();
    let settings = [
        ("snapshot.path".to_string(), snapshot),
        ("models.path".to_string(), models),
    ];
    let config = Config::load(Some(fixture), [], &settings).map_err(place)?;
    let project = Project::with(config, Arc::new(SystemClock)).map_err(place)?;
    let events: Vec<String> = entries(fixture)?
        .into_iter()
        .filter(|path| path.is_file() && is_events(path))
        .map(|path| path.display().to_string())
        .collect();
    // One after the other, by name: where the later ingest decides, it is the later name.
    for file in events {
        project
            .ingest(&[file], &IngestOptions::default(), &Silent)
            .await
            .map_err(place)?;
    }
    let run = project
        .run(&RunOptions::default(), &Silent)
        .await
        .map_err(place)?;
    let mut reports: Vec<TestReport> = run
        .tests
        .into_iter()
        .filter(|test| test.outcome != Outcome::Pass)
        .map(|test| TestReport {
            name: format!("{name}: {}", test.name),
            ..test
        })
        .collect();
    if !reports.is_empty() {
        return Ok(reports);
    }
    for file in entries(&fixture.join("expected"))? {
        let table = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .to_string();
        let (columns, mut expected) = read_csv(&file)?;
        let list: Vec<String> = columns
            .iter()
            .map(|column| crate::models::quote(column))
            .collect();
        let sql = format!(
            "select {} from {}",
            list.join(", "),
            crate::models::quote(&table)
        );
        let mut actual = rows(&project, &sql).await.map_err(place)?;
        expected.sort();
        actual.sort();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let difference = difference(&columns, &expected, &actual);
        reports.push(TestReport {
            name: format!("fixture {name}: {table}"),
            model: table,
            outcome: if difference.is_none() {
                Outcome::Pass
            } else {
                Outcome::Fail
            },
            failures: difference.as_ref().map_or(0, |(rows, _)| *rows),
            detail: difference.map(|(_, text)| text),
            query: None,
            seconds: started.elapsed().as_secs_f64(),
        });
    }
    Ok(reports)
}

fn is_events(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name != "attrib.toml" && name != "README.md" && !name.starts_with('.')
}

fn read_csv(path: &Path) -> Result<(Vec<String>, Vec<Row>)> {
    let failed = |e: csv::Error| {
        Error::input("cannot read the expected rows")
            .with("file", path.display())
            .caused_by(e)
    };
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    let columns = reader
        .headers()
        .map_err(failed)?
        .iter()
        .map(str::to_string)
        .collect();
    let rows = reader
        .records()
        .map(|record| {
            let cells = record.map_err(failed)?;
            Ok(cells
                .iter()
                .map(|cell| (!cell.is_empty()).then(|| plain_number(cell)))
                .collect())
        })
        .collect::<Result<Vec<Row>>>()?;
    Ok((columns, rows))
}

async fn rows(project: &Project, sql: &str) -> Result<Vec<Row>> {
    use futures::TryStreamExt;
    let (schema, stream) = project.query(sql, &QueryOptions::default()).await?;
    let batches: Vec<_> = stream
        .try_collect()
        .await
        .map_err(|e| Error::internal("a table cannot be read").caused_by(e))?;
    let rows = texts(&batches, &schema)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            row.into_iter()
                .map(|cell| cell.map(|text| plain_number(&text)))
                .collect()
        })
        .collect())
}

/// A decimal number without the zeros that end its fraction; other text as it is.
fn plain_number(text: &str) -> String {
    let is_decimal = text.contains('.')
        && text
            .trim_start_matches('-')
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.');
    if !is_decimal {
        return text.to_string();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::plain_number;

    #[test]
    fn a_decimal_loses_its_last_zeros_and_nothing_else() {
        assert_eq!(plain_number("12.500000000"), "12.5");
        assert_eq!(plain_number("-3.000000000"), "-3");
        assert_eq!(plain_number("120"), "120");
        assert_eq!(plain_number("example.com"), "example.com");
    }
}
