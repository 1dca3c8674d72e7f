//! What must be recomputed: which of a model's inputs changed since it was built, and which
//! of its partitions that reaches.
//!
//! A table's partitions are compared by their content signature, so a compaction, or a
//! rebuild that gives the same rows, is no change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::Array;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use chrono::{Days, NaiveDate};
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::prelude::{DataFrame, SessionContext, col};

use super::table::SnapshotTable;
use super::{Engine, Tables, explain, register_table, whole};
use crate::models::{Companion, Model};
use crate::report::Reason;
use crate::snapshot::{DataFile, PublishedTable, Table};
use crate::{Error, Result};

/// Partition values as Delta writes them.
pub(crate) type Partitions = BTreeSet<Option<String>>;

/// One input of a model: how it was when the model was built, and how it is now.
#[derive(Debug, Clone)]
pub(crate) struct Delta {
    pub name: String,
    pub before: Option<Table>,
    pub table: Table,
    pub changed: Partitions,
}

impl Delta {
    /// Compares two versions of a table.
    pub fn new(name: &str, before: Option<Table>, table: Table) -> Self {
        let changed = table.changed_partitions(before.as_ref());
        Delta {
            name: name.to_string(),
            before,
            table,
            changed,
        }
    }

    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The files of the changed partitions that only the old, or only the new version has:
    /// the rows that the two have in common in one file cancel out.
    fn files(&self, table: &Table, other: Option<&Table>) -> Vec<DataFile> {
        let shared: BTreeSet<&str> = other
            .map(|other| {
                other
                    .files()
                    .iter()
                    .map(|file| file.path.as_str())
                    .collect()
            })
            .unwrap_or_default();
        table
            .files()
            .iter()
            .filter(|file| {
                self.changed.contains(&file.partition) && !shared.contains(file.path.as_str())
            })
            .cloned()
            .collect()
    }

    /// Rows in the files that are new since the model was built.
    pub fn rows_added(&self) -> u64 {
        self.files(&self.table, self.before.as_ref())
            .iter()
            .map(|file| file.rows)
            .sum()
    }

    /// Registers `before_<name>` and `after_<name>`: the rows of the files that differ.
    pub fn register(&self, context: &SessionContext) -> Result<()> {
        let after = self.files(&self.table, self.before.as_ref());
        let (table, before) = match &self.before {
            Some(before) => (before, self.files(before, Some(&self.table))),
            None => (&self.table, Vec::new()),
        };
        let before = SnapshotTable::of_files(table.clone(), before);
        let after = SnapshotTable::of_files(self.table.clone(), after);
        register_table(context, &format!("before_{}", self.name), Arc::new(before))?;
        register_table(context, &format!("after_{}", self.name), Arc::new(after))
    }
}

/// How a model is brought up to date.
#[derive(Debug)]
pub(crate) enum Work {
    /// Nothing that it reads changed.
    Nothing,
    /// All of it.
    Everything,
    /// These partitions, from scratch.
    Partitions(Partitions),
    /// The rows of the keys that its scope query finds.
    Keys,
}

/// The inputs of a model against what its published version was built from.
pub(crate) async fn deltas(
    engine: &Engine,
    model: &Model,
    published: &PublishedTable,
    tables: &Tables,
) -> Result<Vec<Delta>> {
    let mut deltas = Vec::new();
    for name in engine.base_tables(model) {
        let Some(table) = tables.get(&name) else {
            continue;
        };
        let before = match published.built_from.get(&name) {
            Some(version) if *version == table.version() => Some(table.clone()),
            Some(version) => Some(engine.table_at(&name, *version).await?),
            None => None,
        };
        deltas.push(Delta::new(&name, before, table.clone()));
    }
    Ok(deltas)
}

/// Decides why and how much of a model to build.
pub(crate) async fn decide(
    engine: &Engine,
    model: &Model,
    fingerprint: &str,
    published: Option<&PublishedTable>,
    full_refresh: bool,
    deltas: &[Delta],
    tables: &Tables,
) -> Result<(Reason, Work)> {
    let Some(published) = published else {
        return Ok((Reason::New, Work::Everything));
    };
    if full_refresh {
        return Ok((Reason::FullRefresh, Work::Everything));
    }
    if published.fingerprint != fingerprint {
        return Ok((Reason::ModelChanged, Work::Everything));
    }
    let changed: Vec<String> = deltas
        .iter()
        .filter(|delta| delta.is_changed())
        .map(|delta| delta.name.clone())
        .collect();
    if changed.is_empty() {
        return Ok((Reason::UpToDate, Work::Nothing));
    }
    let reason = Reason::UpstreamChanged { upstream: changed };
    let Some(partition_by) = &model.properties.config.partition_by else {
        return Ok((reason, Work::Everything));
    };
    if deltas.iter().any(|delta| delta.before.is_none()) {
        return Ok((reason, Work::Everything));
    }
    if model.scope.is_some() {
        // Past a quarter of the input, computing all of it is cheaper than merging.
        let added: u64 = deltas.iter().map(Delta::rows_added).sum();
        let rows: u64 = deltas.iter().map(|delta| delta.table.rows()).sum();
        let work = if added * 4 > rows {
            Work::Everything
        } else {
            Work::Keys
        };
        return Ok((reason, work));
    }
    if let Some(query) = &model.affected {
        let partitions = match tables.get(&model.name) {
            Some(this) => {
                affected(engine, model, query, partition_by, this, deltas, tables).await?
            }
            None => return Ok((reason, Work::Everything)),
        };
        return Ok((reason, Work::Partitions(partitions)));
    }
    match model.properties.config.reads_back(&engine.parameters)? {
        Some(days) => Ok((reason, mapped(deltas, days))),
        None => Ok((reason, Work::Everything)),
    }
}

/// Runs a model's affected query: the partitions that the changes reach. `this` is the
/// model's table as it was built last.
async fn affected(
    engine: &Engine,
    model: &Model,
    query: &Companion,
    partition_by: &str,
    this: &Table,
    deltas: &[Delta],
    tables: &Tables,
) -> Result<Partitions> {
    let context = engine.sessions.session()?;
    register_table(&context, "this", Arc::new(SnapshotTable::new(this.clone())))?;
    for delta in deltas {
        delta.register(&context)?;
    }
    engine
        .register(&context, &model.depends_on, tables, &whole)
        .await?;
    let frame = engine
        .plan(&context, query.sql())
        .await
        .map_err(|e| query.explain(&e))?;
    let first = frame.schema().field(0).name().clone();
    let frame = frame
        .select(vec![col(Column::from_name(first)).alias(partition_by)])
        .map_err(|e| explain::failed(&model.name, e))?;
    partition_values(&model.name, frame, Some(partition_by)).await
}

/// The partitions that a change of the inputs' partitions reaches when a model reads
/// `days` back: a changed day reaches itself and the `days` after it.
fn mapped(deltas: &[Delta], days: u32) -> Work {
    let mut reached = Partitions::new();
    for delta in deltas.iter().filter(|delta| delta.is_changed()) {
        let Some(partition_by) = delta.table.partition_by() else {
            return Work::Everything;
        };
        let (back, forward) = margins(partition_by, days);
        for value in &delta.changed {
            let Some(date) = value.as_deref().and_then(parse_date) else {
                return Work::Everything;
            };
            reached.extend(dates(date, forward, back).map(|date| Some(date.to_string())));
        }
    }
    Work::Partitions(reached)
}

/// How many days before and after its own date a model reads of an input. A UTC day covers
/// parts of two civil dates, and a span of n × 24 hours parts of n + 1 dates.
fn margins(partition_by: &str, days: u32) -> (u64, u64) {
    let utc = u64::from(partition_by == "event_day");
    let span = u64::from(days > 0);
    (u64::from(days) + span + utc, utc)
}

/// The dates from `before` days before `date` to `after` days after it.
fn dates(date: NaiveDate, before: u64, after: u64) -> impl Iterator<Item = NaiveDate> {
    (0..=before + after).filter_map(move |i| {
        date.checked_sub_days(Days::new(before))?
            .checked_add_days(Days::new(i))
    })
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

/// An input of a model, cut to what rebuilding `partitions` reads of it.
pub(crate) fn restricted(
    table: &Table,
    partitions: &Partitions,
    reads_back_days: Option<u32>,
) -> Arc<dyn TableProvider> {
    let (Some(days), Some(partition_by)) = (reads_back_days, table.partition_by()) else {
        return Arc::new(SnapshotTable::new(table.clone()));
    };
    let (back, forward) = margins(partition_by, days);
    let mut read = Partitions::new();
    for value in partitions {
        match value.as_deref().and_then(parse_date) {
            Some(date) => {
                read.extend(dates(date, back, forward).map(|date| Some(date.to_string())));
            }
            None => return Arc::new(SnapshotTable::new(table.clone())),
        }
    }
    Arc::new(SnapshotTable::partitions(table.clone(), &read))
}

/// The distinct values of a frame's partition column, as Delta writes them.
pub(crate) async fn partition_values(
    name: &str,
    frame: DataFrame,
    partition_by: Option<&str>,
) -> Result<Partitions> {
    let Some(column) = partition_by else {
        return Ok(Partitions::from([None]));
    };
    let batches = async {
        frame
            .select(vec![col(Column::from_name(column))])?
            .distinct()?
            .collect()
            .await
    }
    .await
    .map_err(|e| explain::failed(name, e))?;
    let mut values = Partitions::new();
    for batch in batches {
        let column = cast(batch.column(0), &DataType::Date32)
            .and_then(|dates| cast(&dates, &DataType::Utf8))
            .map_err(|e| {
                Error::model("an affected partition is no date")
                    .with("model", name)
                    .caused_by(e)
            })?;
        let text = arrow::array::AsArray::as_string::<i32>(&column);
        values.extend(
            (0..text.len()).map(|i| (!text.is_null(i)).then(|| text.value(i).to_string())),
        );
    }
    Ok(values)
}

/// The versions of its inputs that a model is built from now.
pub(crate) fn built_from(
    engine: &Engine,
    model: &Model,
    tables: &Tables,
) -> BTreeMap<String, u64> {
    engine
        .base_tables(model)
        .into_iter()
        .filter_map(|name| tables.get(&name).map(|table| (name, table.version())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_utc_day_reaches_the_civil_dates_around_it() {
        assert_eq!(margins("event_day", 0), (1, 1));
        assert_eq!(margins("session_date", 0), (0, 0));
        // 14 × 24 hours before noon of the 15th is noon of the 1st, and around a change of
        // the clocks it is another date.
        assert_eq!(margins("session_date", 14), (15, 0));
    }

    #[test]
    fn dates_run_from_before_to_after() {
        let date: NaiveDate = "2026-03-01".parse().unwrap();
        let around: Vec<String> = dates(date, 1, 1).map(|date| date.to_string()).collect();
        assert_eq!(around, ["2026-02-28", "2026-03-01", "2026-03-02"]);
    }
}
