//! `tables.md`: every table with its columns. Types are those that the tables have after a
//! run; descriptions are those of the models' YAML.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use attrib::clock::SystemClock;
use attrib::config::Config;
use attrib::events::{self, PARTITION_COLUMN, RAW_TABLE, SORT_COLUMNS};
use attrib::models::{Catalog, Graph, Model, ReadsBack};
use attrib::project::{IngestOptions, Project, QueryOptions, RunOptions, Silent};

use crate::cell;
use crate::raw_columns::RAW_COLUMNS;

const INTRODUCTION: &str = "# Tables

In the order in which they are built. Times are UTC, microseconds; dates are civil dates of
the project's `timezone`, but for `event_day`, the UTC day. Money is `decimal(38, 9)`:
sums are exact. A `*_key` is a hash of 64 bits, to join by; a `*_order` compares, as bytes,
as the total order of events does.
";

pub async fn page() -> String {
    let (_folder, project) = built_project().await;
    let catalog = Catalog::load(None).unwrap();
    let graph = Graph::new(&catalog, &[]).unwrap();
    let mut page = format!("{INTRODUCTION}\n{}", raw());
    for name in graph.order() {
        let model = catalog.model(name).unwrap();
        let sql = format!("select * from {name} limit 0");
        let (schema, _) = project.query(&sql, &QueryOptions::default()).await.unwrap();
        page.push_str(&section(model, schema.fields()));
    }
    page
}

/// A project of the built-in models in a temporary folder, after a run.
async fn built_project() -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::load(Some(folder.path()), [], &[]).unwrap();
    let project = Project::with(config, Arc::new(SystemClock)).unwrap();
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny/ties/events.csv");
    let events = events.to_str().unwrap().to_owned();
    project
        .ingest(&[events], &IngestOptions::default(), &Silent)
        .await
        .unwrap();
    project.run(&RunOptions::default(), &Silent).await.unwrap();
    (folder, project)
}

fn raw() -> String {
    let mut text = format!(
        "## `{RAW_TABLE}`\n\nOne row is one distinct event, cleaned, in the shape that all \
         input shapes share.\n\nStored as a table in partitions of `{PARTITION_COLUMN}`, sorted \
         by `{}`.\n\n{HEAD}",
        SORT_COLUMNS.join("`, `")
    );
    let schema = events::schema();
    let named: Vec<&str> = RAW_COLUMNS.iter().map(|(name, _)| *name).collect();
    let actual: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(
        named, actual,
        "tests/reference_docs/raw_columns.rs is not the schema"
    );
    for (field, (_, description)) in schema.fields().iter().zip(RAW_COLUMNS) {
        text.push_str(&row(field, description));
    }
    text
}

const HEAD: &str = "| column | type | |\n| --- | --- | --- |\n";

fn section(model: &Model, fields: &[Arc<Field>]) -> String {
    let name = &model.name;
    let properties = &model.properties;
    let described: BTreeSet<&str> =
        properties.columns.iter().map(|c| c.name.as_str()).collect();
    let actual: BTreeSet<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    assert_eq!(
        described, actual,
        "the YAML of {name} and its SQL name other columns"
    );
    let mut text = format!(
        "\n## `{name}`\n\n{}\n\n{} Reads {}.\n\n{HEAD}",
        properties.description,
        stored(model),
        model
            .depends_on
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", "),
    );
    for field in fields {
        let column = properties
            .columns
            .iter()
            .find(|column| column.name == *field.name());
        let description = &column.unwrap().description;
        assert!(
            !description.is_empty(),
            "{name}.{} has no description",
            field.name()
        );
        text.push_str(&row(field, description));
    }
    text
}

/// How the table is kept and how far a change of what it reads goes.
fn stored(model: &Model) -> String {
    let config = &model.properties.config;
    let mut text = match &config.partition_by {
        Some(column) => format!(
            "A {} in partitions of `{column}`",
            config.materialized.name()
        ),
        None => format!("A {}", config.materialized.name()),
    };
    if !config.sort_by.is_empty() {
        text.push_str(&format!(", sorted by `{}`", config.sort_by.join("`, `")));
    }
    text.push_str(
        match (&model.scope, &model.affected, &config.reads_back_days) {
            (Some(_), _, _) => "; a change reaches the keys that its `.scope.sql` names.",
            (_, Some(_), _) => "; a change reaches the dates that its `.affected.sql` names.",
            (_, _, Some(ReadsBack::Days(0))) => "; a change reaches its own date.",
            (_, _, Some(_)) => "; a change reaches its own date and later ones.",
            _ if config.materialized.name() == "view" => "; only its SQL is kept.",
            _ => "; a change rebuilds all of it.",
        },
    );
    text
}

fn row(field: &Field, description: &str) -> String {
    format!(
        "| `{}` | {} | {} |\n",
        field.name(),
        sql_type(field.data_type()),
        cell(description)
    )
}

/// The type in SQL's words.
fn sql_type(kind: &DataType) -> String {
    match kind {
        DataType::Binary | DataType::BinaryView => "binary".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Float64 => "double".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Map(_, _) => "map(text, text)".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp".to_owned(),
        DataType::Utf8 | DataType::Utf8View => "text".to_owned(),
        other => panic!("no name for {other}"),
    }
}
