//! What a YAML file says about models, in the form of dbt's property files.
//!
//! ```yaml
//! version: 2
//! models:
//!   - name: daily_visits
//!     description: One row is a day.
//!     config: {materialized: table, partition_by: visit_date, reads_back_days: 1}
//!     columns:
//!       - name: visit_date
//!         data_tests: [not_null, unique]
//! unit_tests:
//!   - name: …
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::data_tests::{self, Check, DataTest};
use super::source::SourceFile;
use super::unit_tests::{self, UnitTest};
use super::yaml::{self, Fields, Node, Yaml};
use crate::config::Parameter;
use crate::{Error, Result};

/// What is kept of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Materialized {
    /// Its rows; the default.
    #[default]
    Table,
    /// Only its SQL.
    View,
}

impl Materialized {
    /// `table` or `view`.
    pub fn name(self) -> &'static str {
        match self {
            Materialized::Table => "table",
            Materialized::View => "view",
        }
    }
}

/// How many days of its upstream tables before a partition a model reads for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadsBack {
    Days(u32),
    /// As many as the parameter of this name says.
    Parameter(String),
}

/// How a model is built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelConfig {
    pub materialized: Materialized,
    /// The column whose values are the partitions.
    pub partition_by: Option<String>,
    pub reads_back_days: Option<ReadsBack>,
    /// Columns for BigQuery to cluster by.
    pub cluster_by: Vec<String>,
    /// Columns by which rows are sorted within a file.
    pub sort_by: Vec<String>,
    /// A hashed key that each row has in common with all rows of the inputs that it is made
    /// of, so that the table can be built in slices, range by range.
    pub slice_by: Option<String>,
    pub tags: BTreeSet<String>,
}

impl ModelConfig {
    /// The days of `reads_back_days`, looked up in `parameters` where it names one.
    ///
    /// # Errors
    ///
    /// `model`: there is no such parameter, or it is no whole number from 0.
    pub fn reads_back(&self, parameters: &BTreeMap<String, Parameter>) -> Result<Option<u32>> {
        let name = match &self.reads_back_days {
            None => return Ok(None),
            Some(ReadsBack::Days(days)) => return Ok(Some(*days)),
            Some(ReadsBack::Parameter(name)) => name,
        };
        match parameters.get(name) {
            Some(Parameter::Int(days)) if u32::try_from(*days).is_ok() => {
                Ok(u32::try_from(*days).ok())
            }
            _ => Err(Error::model(format!(
                "`reads_back_days` is `${name}`, which is no number of days"
            ))),
        }
    }
}

/// A column that the YAML describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub description: String,
    /// For the reader; the type is what the SQL gives.
    pub data_type: Option<String>,
    pub tests: Vec<DataTest>,
}

/// What the YAML says about one model; nothing by default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Properties {
    pub description: String,
    pub config: ModelConfig,
    pub columns: Vec<Column>,
    /// The tests of the model as a whole; those of a column are with the column.
    pub tests: Vec<DataTest>,
    /// The file that says so.
    pub file: Option<Arc<SourceFile>>,
    /// The columns that it names anywhere, and where.
    pub(super) mentioned: Vec<(String, Range<usize>)>,
}

impl Properties {
    /// All tests, those of the model first.
    pub fn all_tests(&self) -> impl Iterator<Item = &DataTest> {
        self.tests
            .iter()
            .chain(self.columns.iter().flat_map(|column| &column.tests))
    }
}

/// A model's entry in a file.
pub(super) struct Entry {
    pub(super) model: String,
    pub(super) span: Range<usize>,
    pub(super) properties: Properties,
}

/// Reads a property file.
pub(super) fn read(file: &Arc<SourceFile>) -> Result<(Vec<Entry>, Vec<UnitTest>)> {
    let root = yaml::parse(file)?;
    if root.value == Yaml::Null {
        return Ok((Vec::new(), Vec::new()));
    }
    let known = ["version", "models", "unit_tests"];
    let fields = Fields::read(file, &root, "a property file", &known)?;
    if let Some(version) = fields.get("version")
        && version.value != Yaml::Number("2".to_owned())
    {
        return Err(version.wrong(file, "`version`", "2"));
    }
    let models = fields
        .list("models")?
        .iter()
        .map(|node| read_model(file, node));
    let tests = fields
        .list("unit_tests")?
        .iter()
        .map(|node| unit_tests::read(file, node));
    Ok((
        models.collect::<Result<_>>()?,
        tests.collect::<Result<_>>()?,
    ))
}

fn read_model(file: &Arc<SourceFile>, node: &Node) -> Result<Entry> {
    let known = [
        "name",
        "description",
        "config",
        "columns",
        "data_tests",
        "tests",
        "tags",
    ];
    let fields = Fields::read(file, node, "a model", &known)?;
    let name = fields.required("name")?;
    let mut mentioned = Vec::new();
    let mut config = read_config(file, fields.get("config"), &mut mentioned)?;
    config.tags.extend(fields.texts("tags")?);

    let mut columns: Vec<Column> = Vec::new();
    for node in fields.list("columns")? {
        let known = ["name", "description", "data_type", "data_tests", "tests"];
        let fields = Fields::read(file, node, "a column", &known)?;
        let name = fields.required("name")?;
        let column = Column {
            name: name.text(file, "`name`")?,
            description: fields.text("description")?.unwrap_or_default(),
            data_type: fields.text("data_type")?,
            tests: Vec::new(),
        };
        if columns.iter().any(|other| other.name == column.name) {
            let message = format!("the column `{}` is described twice", column.name);
            return Err(file.error(name.span.clone(), message, "the second"));
        }
        mentioned.push((column.name.clone(), name.span.clone()));
        let tests = data_tests::read(&fields, Some(&column.name))?;
        columns.push(Column { tests, ..column });
    }
    let tests = data_tests::read(&fields, None)?;
    for test in &tests {
        if let Check::UniqueCombination { columns } = &test.check {
            mentioned.extend(columns.iter().map(|name| (name.clone(), test.span.clone())));
        }
    }
    Ok(Entry {
        model: name.text(file, "`name`")?,
        span: name.span.clone(),
        properties: Properties {
            description: fields.text("description")?.unwrap_or_default(),
            config,
            columns,
            tests,
            file: Some(Arc::clone(file)),
            mentioned,
        },
    })
}

fn read_config(
    file: &SourceFile,
    node: Option<&Node>,
    mentioned: &mut Vec<(String, Range<usize>)>,
) -> Result<ModelConfig> {
    let Some(node) = node else {
        return Ok(ModelConfig::default());
    };
    let known = [
        "materialized",
        "partition_by",
        "reads_back_days",
        "cluster_by",
        "sort_by",
        "slice_by",
        "tags",
    ];
    let fields = Fields::read(file, node, "the config of a model", &known)?;
    let materialized = match fields.get("materialized") {
        None => Materialized::Table,
        Some(node) => match node.text(file, "`materialized`")?.as_str() {
            "table" => Materialized::Table,
            "view" => Materialized::View,
            _ => return Err(node.wrong(file, "`materialized`", "`table` or `view`")),
        },
    };
    let reads_back_days = match fields.get("reads_back_days") {
        None => None,
        Some(node) => Some(read_reads_back(file, node)?),
    };
    let partition_by = fields.text("partition_by")?;
    if let Some(node) = fields.get("partition_by")
        && materialized == Materialized::View
    {
        return Err(file.error(node.span.clone(), "a view has no partitions", ""));
    }
    if let (Some(node), None) = (fields.get("reads_back_days"), &partition_by) {
        let message = "`reads_back_days` needs `partition_by`";
        return Err(file.error(node.span.clone(), message, ""));
    }
    for key in ["partition_by", "cluster_by", "sort_by", "slice_by"] {
        if let Some(node) = fields.get(key) {
            let names = fields.texts(key)?;
            mentioned.extend(names.into_iter().map(|name| (name, node.span.clone())));
        }
    }
    Ok(ModelConfig {
        materialized,
        partition_by,
        reads_back_days,
        cluster_by: fields.texts("cluster_by")?,
        sort_by: fields.texts("sort_by")?,
        slice_by: fields.text("slice_by")?,
        tags: fields.texts("tags")?.into_iter().collect(),
    })
}

fn read_reads_back(file: &SourceFile, node: &Node) -> Result<ReadsBack> {
    let text = node.text(file, "`reads_back_days`")?;
    match (text.strip_prefix('$'), text.parse()) {
        (Some(name), _) if !name.is_empty() => Ok(ReadsBack::Parameter(name.to_owned())),
        (_, Ok(days)) => Ok(ReadsBack::Days(days)),
        _ => Err(node.wrong(
            file,
            "`reads_back_days`",
            "a number of days or a parameter like `$lookback_days`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::yaml::tests::yaml_file;

    fn message(text: &str) -> String {
        match read(&Arc::new(yaml_file(text))) {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn reads_a_model() {
        let file = Arc::new(yaml_file(
            "version: 2\nmodels:\n  - name: a\n    description: One row is a day.\n    tags: x\n    config:\n      materialized: table\n      partition_by: day\n      reads_back_days: $lookback_days\n      cluster_by: [channel]\n      tags: [y]\n    data_tests:\n      - unique_combination: {columns: [day, channel]}\n    columns:\n      - name: day\n        data_type: date\n        tests: [not_null]\n",
        ));
        let (entries, unit_tests) = read(&file).unwrap();
        assert!(unit_tests.is_empty());
        assert_eq!(entries[0].model, "a");
        let properties = &entries[0].properties;
        let config = &properties.config;
        assert_eq!(config.partition_by.as_deref(), Some("day"));
        assert_eq!(config.tags.iter().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(properties.all_tests().count(), 2);
        assert_eq!(properties.columns[0].data_type.as_deref(), Some("date"));
        let mut parameters = BTreeMap::new();
        assert!(config.reads_back(&parameters).is_err());
        parameters.insert("lookback_days".to_owned(), Parameter::Int(14));
        assert_eq!(config.reads_back(&parameters).unwrap(), Some(14));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(message(""), "fine");
        assert_eq!(
            message("version: 1"),
            "`version` must be 2, not the number 1"
        );
        assert_eq!(
            message("model: []"),
            "unknown key `model` in a property file"
        );
        assert_eq!(
            message("models: [{description: a}]"),
            "a model needs `name`"
        );
        let config =
            |text: &str| message(&format!("models: [{{name: a, config: {{{text}}}}}]"));
        assert_eq!(
            config("materialised: table"),
            "unknown key `materialised` in the config of a model"
        );
        assert_eq!(
            config("materialized: incremental"),
            "`materialized` must be `table` or `view`, not the text \"incremental\""
        );
        assert_eq!(
            config("materialized: view, partition_by: a"),
            "a view has no partitions"
        );
        assert_eq!(
            config("reads_back_days: 3"),
            "`reads_back_days` needs `partition_by`"
        );
        assert!(
            config("reads_back_days: soon, partition_by: a")
                .starts_with("`reads_back_days` must be a number of days")
        );
        assert_eq!(
            message("models: [{name: a, columns: [{name: b}, {name: b}]}]"),
            "the column `b` is described twice"
        );
    }
}
