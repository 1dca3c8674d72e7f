//! One model: its SQL, what it reads, and what its YAML says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::common::DataFusionError;
use xxhash_rust::xxh3::Xxh3;

use super::properties::{Properties, ReadsBack};
use super::source::{Origin, SourceFile};
use super::sql::{self, Query, TableUse};
use crate::config::{Parameter, hint};
use crate::{Error, Result};

/// A query that belongs to a model and is none itself: `<name>.affected.sql` or
/// `<name>.scope.sql` beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Companion {
    pub file: Arc<SourceFile>,
    /// The tables that it names; besides models, those that the engine makes for it.
    pub depends_on: BTreeSet<String>,
    pub parameters: BTreeSet<String>,
    normalised: String,
}

impl Companion {
    pub(super) fn read(file: Arc<SourceFile>) -> Result<Companion> {
        let query = sql::read(&file)?;
        Ok(Companion {
            depends_on: query.table_names(),
            parameters: query.parameters,
            normalised: query.normalised,
            file,
        })
    }

    pub fn sql(&self) -> &str {
        &self.file.text
    }

    /// The error to show where DataFusion refuses the SQL: with file, line and caret.
    pub fn explain(&self, error: &DataFusionError) -> Error {
        sql::explain(&self.file, error)
    }
}

/// A model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The file's name without `.sql`, and the table's.
    pub name: String,
    /// The first folder of its path: `staging`, `intermediate`, `marts` …; `models` for a
    /// file that lies in none.
    pub layer: String,
    pub file: Arc<SourceFile>,
    pub properties: Properties,
    /// The tables that the SQL reads, models and others; no CTEs, functions or files.
    pub depends_on: BTreeSet<String>,
    /// The names after `$` in the SQL.
    pub parameters: BTreeSet<String>,
    /// Which partitions a change upstream affects: `<name>.affected.sql`.
    pub affected: Option<Companion>,
    /// Which rows to compute anew: `<name>.scope.sql`.
    pub scope: Option<Companion>,
    pub(super) tables: Vec<TableUse>,
    normalised: String,
}

impl Model {
    pub(super) fn new(name: &str, file: Arc<SourceFile>, query: Query) -> Model {
        Model {
            name: name.to_owned(),
            layer: file.folder().unwrap_or("models").to_owned(),
            properties: Properties::default(),
            depends_on: query.table_names(),
            parameters: query.parameters,
            affected: None,
            scope: None,
            tables: query.tables,
            normalised: query.normalised,
            file,
        }
    }

    pub fn sql(&self) -> &str {
        &self.file.text
    }

    pub fn origin(&self) -> &Origin {
        &self.file.origin
    }

    /// The path that `path:` selects by, the same for built-in models and a project's:
    /// `queries/marts/daily.sql`.
    pub fn path(&self) -> String {
        format!("queries/{}", self.file.path)
    }

    /// The error to show where DataFusion refuses the model's SQL: with file, line and
    /// caret.
    pub fn explain(&self, error: &DataFusionError) -> Error {
        sql::explain(&self.file, error).with("model", &self.name)
    }

    /// Checks the columns that the SQL gives (name and type) against those that the YAML
    /// names: as a column, as partition, cluster or sort key, in a test.
    ///
    /// # Errors
    ///
    /// `model`, with the line of the YAML: it names a column that the SQL does not give.
    pub fn check_columns(&self, actual: &[(String, String)]) -> Result<()> {
        let Some(file) = &self.properties.file else {
            return Ok(());
        };
        for (name, span) in &self.properties.mentioned {
            if !actual.iter().any(|(column, _)| column == name) {
                let message = format!("the model `{}` has no column `{name}`", self.name);
                let columns = actual.iter().map(|(column, _)| column.as_str());
                return Err(file
                    .error(span.clone(), message, "not in the SQL")
                    .hint(hint(name, "its columns", columns)));
            }
        }
        Ok(())
    }

    /// 128 bits, as hexadecimal, that change when the model's result may: its SQL and that
    /// of its companions (not their comments and layout), how it is built, and the values
    /// of the `parameters` that it uses. `extra` is what else the result depends on, such
    /// as the version of the SQL functions.
    pub fn fingerprint(&self, parameters: &BTreeMap<String, Parameter>, extra: &str) -> String {
        let mut hasher = Xxh3::new();
        let mut add = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        add(&self.normalised);
        let mut used: BTreeSet<&str> = self.parameters.iter().map(String::as_str).collect();
        for companion in [&self.affected, &self.scope] {
            add(companion
                .as_ref()
                .map_or("", |companion| &companion.normalised));
            let parameters = companion.iter().flat_map(|companion| &companion.parameters);
            used.extend(parameters.map(String::as_str));
        }
        let config = &self.properties.config;
        add(config.materialized.name());
        add(config.partition_by.as_deref().unwrap_or(""));
        match &config.reads_back_days {
            None => add(""),
            Some(ReadsBack::Days(days)) => add(&days.to_string()),
            Some(ReadsBack::Parameter(name)) => {
                add(&format!("${name}"));
                used.insert(name);
            }
        }
        for columns in [&config.cluster_by, &config.sort_by] {
            add(&columns.len().to_string());
            columns.iter().for_each(|column| add(column));
        }
        for name in used {
            add(name);
            match parameters.get(name) {
                None => add("none"),
                Some(Parameter::Bool(flag)) => add(&format!("bool {flag}")),
                Some(Parameter::Int(number)) => add(&format!("int {number}")),
                Some(Parameter::Float(number)) => add(&format!("float {number}")),
                Some(Parameter::Text(text)) => add(&format!("text {text}")),
                Some(Parameter::List(items)) => {
                    add(&format!("list {}", items.len()));
                    items.iter().for_each(|item| add(item));
                }
            }
        }
        add(extra);
        format!("{:032x}", hasher.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::catalog::tests::catalog;

    fn model(sql: &str, yaml: &str) -> Model {
        let catalog = catalog(&[("marts/a.sql", sql), ("marts/a.yml", yaml)]).unwrap();
        catalog.model("a").unwrap().clone()
    }

    #[test]
    fn yaml_may_only_name_columns_of_the_sql() {
        let yaml =
            "models:\n  - name: a\n    columns:\n      - name: day\n      - name: chanel\n";
        let model = model("select 1 as day, 2 as channel", yaml);
        let columns = |names: &[&str]| {
            names
                .iter()
                .map(|n| (n.to_string(), "Int64".to_string()))
                .collect::<Vec<_>>()
        };
        let error = model
            .check_columns(&columns(&["day", "channel"]))
            .unwrap_err();
        assert_eq!(error.message(), "the model `a` has no column `chanel`");
        assert_eq!(error.hint_text(), Some("did you mean `channel`?"));
        assert!(
            error.to_string().contains("a.yml, line: 5, column: 15"),
            "{error}"
        );
        assert!(
            error
                .snippet_text()
                .unwrap()
                .contains("5 |       - name: chanel")
        );
        assert!(
            model
                .check_columns(&columns(&["day", "chanel", "more"]))
                .is_ok()
        );
    }

    #[test]
    fn keys_must_be_columns_too() {
        let yaml = "models: [{name: a, config: {partition_by: dy}}]";
        let model = model("select 1 as day", yaml);
        let error = model
            .check_columns(&[("day".into(), "Int64".into())])
            .unwrap_err();
        assert_eq!(error.message(), "the model `a` has no column `dy`");
    }

    #[test]
    fn the_fingerprint_changes_with_what_matters() {
        let parameters = |days| {
            let days = ("lookback_days".to_owned(), Parameter::Int(days));
            BTreeMap::from([days, ("other".to_owned(), Parameter::Bool(true))])
        };
        let sql = "select 1 as day where 1 > $lookback_days";
        let yaml = "models: [{name: a, description: b}]";
        let print =
            |sql: &str, yaml: &str, days| model(sql, yaml).fingerprint(&parameters(days), "v1");
        let base = print(sql, yaml, 14);
        assert_eq!(base.len(), 32);
        let laid_out = "-- comment\nselect 1 as day\nwhere 1 > $lookback_days;";
        assert_eq!(base, print(laid_out, yaml, 14));
        assert_eq!(
            base,
            print(sql, "models: [{name: a, description: c, tags: [x]}]", 14)
        );
        assert_ne!(base, print(sql, yaml, 7));
        assert_ne!(
            base,
            print("select 2 as day where 1 > $lookback_days", yaml, 14)
        );
        assert_ne!(
            base,
            print(sql, "models: [{name: a, config: {materialized: view}}]", 14)
        );
        assert_ne!(base, model(sql, yaml).fingerprint(&parameters(14), "v2"));
        let mut more = parameters(14);
        more.insert("other".to_owned(), Parameter::Bool(false));
        assert_eq!(base, model(sql, yaml).fingerprint(&more, "v1"));
    }

    #[test]
    fn the_fingerprint_covers_companions() {
        let with = |scope: &str| {
            let files = [
                ("marts/a.sql", "select 1 as x"),
                ("marts/a.scope.sql", scope),
            ];
            let catalog = catalog(&files).unwrap();
            catalog
                .model("a")
                .unwrap()
                .fingerprint(&BTreeMap::new(), "")
        };
        assert_ne!(with("select 1"), with("select 2"));
        assert_ne!(
            with("select 1"),
            model("select 1 as x", "").fingerprint(&BTreeMap::new(), "")
        );
    }
}
