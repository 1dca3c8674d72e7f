//! Unit tests of models: given these rows of what a model reads, expect those. They run on
//! rows in memory and need no snapshot.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use comfy_table::{Table as TextTable, presets};
use datafusion::catalog::MemTable;
use datafusion::prelude::SessionContext;
use indexmap::IndexSet;

use super::write::layout;
use super::{Engine, register_table};
use crate::events::{self, RAW_TABLE};
use crate::models::{Cell, Row, UnitTest};
use crate::progress::Progress;
use crate::report::{Outcome, TestReport};
use crate::{Error, Result};

/// Runs the unit tests of the selected models.
///
/// # Errors
/// A model that cannot be planned; a row that does not fit its table.
pub(super) async fn run(
    engine: &Engine,
    selected: &BTreeSet<String>,
    progress: &dyn Progress,
) -> Result<Vec<TestReport>> {
    let tests: Vec<&UnitTest> = engine
        .catalog
        .unit_tests()
        .filter(|test| selected.contains(&test.model))
        .collect();
    if tests.is_empty() {
        return Ok(Vec::new());
    }
    let schemas = schemas(engine).await?;
    let mut reports = Vec::new();
    for test in tests {
        let report = run_one(engine, test, &schemas).await?;
        progress.test(&report);
        reports.push(report);
    }
    Ok(reports)
}

/// The columns of every table, found by planning each model over empty ones.
async fn schemas(engine: &Engine) -> Result<BTreeMap<String, SchemaRef>> {
    let context = engine.sessions.session()?;
    let mut schemas = BTreeMap::new();
    let mut add = |context: &SessionContext, name: &str, schema: SchemaRef| {
        let table = memory(schema.clone(), Vec::new())?;
        schemas.insert(name.to_string(), schema);
        register_table(context, name, table)
    };
    add(&context, RAW_TABLE, nullable(&events::schema()))?;
    for name in engine.graph.order() {
        let Some(model) = engine.catalog.get(name) else {
            continue;
        };
        let frame = engine.plan_model(&context, model).await?;
        add(&context, name, layout(frame.schema(), None)?.schema)?;
    }
    Ok(schemas)
}

async fn run_one(
    engine: &Engine,
    test: &UnitTest,
    schemas: &BTreeMap<String, SchemaRef>,
) -> Result<TestReport> {
    let started = Instant::now();
    let mut engine = engine.clone();
    if !test.vars.is_empty() {
        let mut parameters = (*engine.parameters).clone();
        parameters.extend(test.vars.clone());
        engine.parameters = Arc::new(parameters);
    }
    let place = |error: Error| {
        error
            .with("unit test", &test.name)
            .with("file", &test.file.origin)
    };
    let model = engine.catalog.model(&test.model).map_err(place)?;
    let context = engine.sessions.session()?;
    for name in &model.depends_on {
        let Some(schema) = schemas.get(name) else {
            continue;
        };
        let rows: Vec<Row> = test
            .given
            .iter()
            .filter(|given| given.input == *name)
            .flat_map(|given| given.rows.iter().cloned())
            .collect();
        let batches = decode(schema, &rows).map_err(place)?;
        register_table(&context, name, memory(schema.clone(), batches)?)?;
    }
    let frame = engine.plan_model(&context, model).await?;
    let actual = frame
        .collect()
        .await
        .map_err(|e| super::explain::failed(&test.name, e))?;

    let columns: IndexSet<&str> = test
        .expect
        .iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let schema = &schemas[&test.model];
    let expected_schema = columns
        .iter()
        .map(|name| {
            schema.field_with_name(name).cloned().map_err(|_| {
                place(Error::model(format!(
                    "{} has no column `{name}`",
                    test.model
                )))
            })
        })
        .collect::<Result<Vec<Field>>>()?;
    let expected_schema = Arc::new(Schema::new(expected_schema));
    let expected = decode(&expected_schema, &test.expect).map_err(place)?;
    let mut expected = texts(&expected, &expected_schema)?;
    let mut actual = texts(&actual, &expected_schema)?;
    expected.sort();
    actual.sort();
    let columns: Vec<&str> = columns.into_iter().collect();
    let difference = difference(&columns, &expected, &actual);
    Ok(TestReport {
        name: format!("unit {}", test.name),
        model: test.model.clone(),
        outcome: if difference.is_none() {
            Outcome::Pass
        } else {
            Outcome::Fail
        },
        failures: difference.as_ref().map_or(0, |(rows, _)| *rows),
        detail: difference.map(|(_, text)| format!("{}\n{text}", test.description)),
        query: None,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Rows that one side has and the other has not, as `-` expected and `+` found; none where
/// both are the same. Both must be sorted.
pub(crate) fn difference(
    columns: &[&str],
    expected: &[Vec<Option<String>>],
    actual: &[Vec<Option<String>>],
) -> Option<(u64, String)> {
    let missing = minus(expected, actual);
    let extra = minus(actual, expected);
    if missing.is_empty() && extra.is_empty() {
        return None;
    }
    let mut lines: Vec<(&Vec<Option<String>>, &str)> =
        missing.iter().map(|row| (*row, "-")).collect();
    lines.extend(extra.iter().map(|row| (*row, "+")));
    lines.sort();
    let mut table = TextTable::new();
    table.load_preset(presets::NOTHING);
    table.set_header(std::iter::once("").chain(columns.iter().copied()));
    for (row, sign) in &lines {
        let cells = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL"));
        table.add_row(std::iter::once(*sign).chain(cells));
    }
    let text = format!("- expected, + found\n{table}");
    Some((lines.len() as u64, text))
}

/// The rows of `left` that `right` has not, counting repetitions. Both must be sorted.
fn minus<'a>(
    left: &'a [Vec<Option<String>>],
    right: &[Vec<Option<String>>],
) -> Vec<&'a Vec<Option<String>>> {
    let mut counts: BTreeMap<&Vec<Option<String>>, usize> = BTreeMap::new();
    for row in right {
        *counts.entry(row).or_default() += 1;
    }
    left.iter()
        .filter(|row| match counts.get_mut(row) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .collect()
}

/// The columns of `schema` in `batches` as text.
pub(crate) fn texts(
    batches: &[RecordBatch],
    schema: &SchemaRef,
) -> Result<Vec<Vec<Option<String>>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                let column = batch
                    .column_by_name(field.name())
                    .ok_or_else(|| Error::internal(format!("no column {}", field.name())))?;
                let typed = cast(column, field.data_type());
                typed
                    .and_then(|column| cast(&column, &DataType::Utf8))
                    .map_err(|e| Error::internal("a column has no text form").caused_by(e))
            })
            .collect::<Result<Vec<_>>>()?;
        for i in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| {
                let column = column.as_string::<i32>();
                (!column.is_null(i)).then(|| column.value(i).to_string())
            });
            rows.push(cells.collect());
        }
    }
    Ok(rows)
}

/// Rows of a test as a batch of `schema`; columns that a row does not name are null.
fn decode(schema: &SchemaRef, rows: &[Row]) -> Result<Vec<RecordBatch>> {
    let mut text = String::new();
    for row in rows {
        for (name, _) in row {
            if schema.field_with_name(name).is_err() {
                return Err(Error::model(format!("there is no column `{name}`")));
            }
        }
        let object: serde_json::Map<String, serde_json::Value> = row
            .iter()
            .map(|(name, cell)| (name.clone(), json(cell)))
            .collect();
        text.push_str(&serde_json::Value::Object(object).to_string());
        text.push('\n');
    }
    let reader = ReaderBuilder::new(nullable(schema))
        .build(std::io::Cursor::new(text))
        .and_then(|reader| reader.collect::<Result<Vec<_>, _>>());
    reader.map_err(|e| Error::model("a row does not fit the table").caused_by(e))
}

fn json(cell: &Cell) -> serde_json::Value {
    use serde_json::Value;
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(flag) => Value::Bool(*flag),
        Cell::Number(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        Cell::Text(text) => Value::String(text.clone()),
        Cell::List(items) => Value::Array(items.iter().map(json).collect()),
        Cell::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), json(value)))
                .collect(),
        ),
    }
}

fn nullable(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    Arc::new(Schema::new(fields))
}

fn memory(schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Arc<MemTable>> {
    MemTable::try_new(schema, vec![batches])
        .map(Arc::new)
        .map_err(|e| Error::internal("cannot hold rows in memory").caused_by(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Vec<Option<String>> {
        vec![Some(text.to_string()), None]
    }

    #[test]
    fn equal_rows_differ_in_nothing_and_repeats_count() {
        assert!(difference(&["a", "b"], &[row("x")], &[row("x")]).is_none());
        let (rows, text) =
            difference(&["a", "b"], &[row("x"), row("x")], &[row("x"), row("y")]).unwrap();
        assert_eq!(rows, 2);
        assert!(text.contains("NULL"), "{text}");
    }
}
