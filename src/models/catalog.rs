//! All models, tests and properties: the built-in files with the project's over them.
//!
//! A project's `.sql` file replaces the built-in one of the same name, in whatever folder;
//! so do its YAML entries and unit tests, by model and by test. A YAML file replaces the
//! built-in one at the same path as a whole. The companions of a built-in model
//! (`.affected.sql`, `.scope.sql`) go with its SQL: a project that replaces the SQL brings
//! its own or has none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::compile::{Compiled, CompiledTest, compile};
use super::data_tests::Severity;
use super::model::{Companion, Model};
use super::properties::{self, Properties};
use super::source::{Origin, SourceFile, built_in_files, is_sql, is_yaml, project_files};
use super::sql;
use super::unit_tests::UnitTest;
use crate::config::hint;
use crate::{Error, Result};

/// The folder of SQL tests.
const TESTS: &str = "tests";

/// The folders of channel rules and of queries to look at the results with, which are no
/// models.
const NO_MODELS: [&str; 2] = ["channels", "analyses"];

/// A query over the tables that must return no rows: `queries/tests/<name>.sql`.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlTest {
    pub name: String,
    pub file: Arc<SourceFile>,
    pub depends_on: BTreeSet<String>,
    pub parameters: BTreeSet<String>,
    pub(super) tables: Vec<sql::TableUse>,
}

/// Everything below `queries/`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    models: BTreeMap<String, Model>,
    sql_tests: BTreeMap<String, SqlTest>,
    unit_tests: BTreeMap<String, UnitTest>,
}

impl Catalog {
    /// The built-in models with those of a project's folder over them. The folder need not
    /// exist.
    ///
    /// # Errors
    ///
    /// `model`: a file cannot be read, its SQL or YAML is wrong, a name is used twice, YAML
    /// is about a model that there is not. Whether the tables that models read exist is
    /// for [`super::Graph::new`] to say.
    pub fn load(project_queries_dir: Option<&Path>) -> Result<Catalog> {
        let project = match project_queries_dir {
            Some(folder) => project_files(folder)?,
            None => Vec::new(),
        };
        Catalog::build(built_in_files(), project)
    }

    pub(super) fn build(
        built_in: Vec<SourceFile>,
        project: Vec<SourceFile>,
    ) -> Result<Catalog> {
        let mut below = Files::sort(built_in)?;
        let mut above = Files::sort(project)?;
        below.yaml.retain(|path, _| !above.yaml.contains_key(path));
        for name in above.models.keys() {
            below.companions.remove(name);
        }
        let mut catalog = Catalog::default();
        below.models.append(&mut above.models);
        for (name, file) in below.models {
            let model = Model::new(&name, Arc::clone(&file), sql::read(&file)?);
            catalog.models.insert(name, model);
        }
        for (name, companions) in below.companions.into_iter().chain(above.companions) {
            for (kind, file) in companions {
                let Some(model) = catalog.models.get_mut(&name) else {
                    return Err(no_model(&catalog, &name, &file, 0..0));
                };
                let companion = Some(Companion::read(file)?);
                match kind {
                    Kind::Affected => model.affected = companion,
                    Kind::Scope => model.scope = companion,
                }
            }
        }
        below.tests.append(&mut above.tests);
        for (name, file) in below.tests {
            let query = sql::read(&file)?;
            let test = SqlTest {
                name: name.clone(),
                depends_on: query.table_names(),
                parameters: query.parameters,
                tables: query.tables,
                file,
            };
            catalog.sql_tests.insert(name, test);
        }
        for files in [below.yaml, above.yaml] {
            catalog.add_properties(files.values())?;
        }
        catalog.check_unit_tests()?;
        Ok(catalog)
    }

    /// Adds what the property files of one layer say.
    fn add_properties<'a>(
        &mut self,
        files: impl Iterator<Item = &'a Arc<SourceFile>>,
    ) -> Result<()> {
        let mut described: BTreeMap<String, Properties> = BTreeMap::new();
        let mut tests: BTreeMap<String, UnitTest> = BTreeMap::new();
        for file in files {
            let (entries, unit_tests) = properties::read(file)?;
            for entry in entries {
                if !self.models.contains_key(&entry.model) {
                    return Err(no_model(self, &entry.model, file, entry.span));
                }
                if let Some(other) = described.get(&entry.model) {
                    let message = format!("the model `{}` is described twice", entry.model);
                    let error = file.error(entry.span, message, "the second");
                    let first = other
                        .file
                        .as_ref()
                        .map_or(&file.origin, |file| &file.origin);
                    return Err(error.with("first", first));
                }
                described.insert(entry.model, entry.properties);
            }
            for test in unit_tests {
                if let Some(other) = tests.get(&test.name) {
                    let message = format!("there are two unit tests `{}`", test.name);
                    let error = file.error(test.name_span.clone(), message, "the second");
                    return Err(error.with("first", &other.file.origin));
                }
                tests.insert(test.name.clone(), test);
            }
        }
        for (name, properties) in described {
            if let Some(model) = self.models.get_mut(&name) {
                model.properties = properties;
            }
        }
        self.unit_tests.append(&mut tests);
        Ok(())
    }

    fn check_unit_tests(&self) -> Result<()> {
        for test in self.unit_tests.values() {
            let Some(model) = self.models.get(&test.model) else {
                return Err(no_model(
                    self,
                    &test.model,
                    &test.file,
                    test.model_span.clone(),
                ));
            };
            for given in &test.given {
                if !model.depends_on.contains(&given.input) {
                    let message =
                        format!("the model `{}` does not read `{}`", model.name, given.input);
                    let reads = model.depends_on.iter().map(String::as_str);
                    return Err(test
                        .file
                        .error(given.input_span.clone(), message, "not in its SQL")
                        .hint(hint(&given.input, "it reads", reads)));
                }
            }
            for (name, span) in &test.vars_spans {
                if !model.parameters.contains(name) {
                    let message = format!("the model `{}` does not use `${name}`", model.name);
                    let uses = model.parameters.iter().map(String::as_str);
                    return Err(test
                        .file
                        .error(span.clone(), message, "not in its SQL")
                        .hint(hint(name, "it uses", uses)));
                }
            }
        }
        Ok(())
    }

    /// All models, by name.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// The model of this name.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// The model of this name.
    ///
    /// # Errors
    ///
    /// `config`: there is none; the hint has the nearest name.
    pub fn model(&self, name: &str) -> Result<&Model> {
        self.models.get(name).ok_or_else(|| {
            Error::config(format!("there is no model `{name}`")).hint(hint(
                name,
                "models",
                self.models.keys().map(String::as_str),
            ))
        })
    }

    /// The unit tests, by name.
    pub fn unit_tests(&self) -> impl Iterator<Item = &UnitTest> {
        self.unit_tests.values()
    }

    /// The SQL tests, by name.
    pub fn sql_tests(&self) -> impl Iterator<Item = &SqlTest> {
        self.sql_tests.values()
    }

    /// Every data test and SQL test as a query, models by name, SQL tests last.
    ///
    /// # Errors
    ///
    /// `model`: the SQL of a test does not parse.
    pub fn compiled_tests(&self) -> Result<Vec<CompiledTest>> {
        let mut compiled = Vec::new();
        for model in self.models.values() {
            for test in model.properties.all_tests() {
                let Compiled {
                    name,
                    columns,
                    sql: text,
                    condition,
                } = compile(&model.name, test);
                let origin = match &model.properties.file {
                    Some(file) => file.origin.clone(),
                    None => model.file.origin.clone(),
                };
                let path = name.clone();
                let query = sql::read(&SourceFile {
                    origin,
                    path,
                    text: text.clone(),
                })?;
                compiled.push(CompiledTest {
                    name,
                    model: model.name.clone(),
                    condition,
                    sql: text,
                    columns,
                    tables: query.table_names(),
                    parameters: query.parameters,
                    severity: test.severity,
                });
            }
        }
        compiled.extend(self.sql_tests.values().map(|test| {
            CompiledTest {
                name: test.name.clone(),
                model: test
                    .depends_on
                    .iter()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", "),
                condition: None,
                sql: test.file.text.clone(),
                columns: Vec::new(),
                tables: test.depends_on.clone(),
                parameters: test.parameters.clone(),
                severity: Severity::Error,
            }
        }));
        Ok(compiled)
    }
}

/// An error about a place that names a model which there is not.
fn no_model(
    catalog: &Catalog,
    name: &str,
    file: &SourceFile,
    span: std::ops::Range<usize>,
) -> Error {
    let names = catalog.models.keys().map(String::as_str);
    file.error(span, format!("there is no model `{name}`"), "no such model")
        .hint(hint(name, "models", names))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Affected,
    Scope,
}

/// The files of one layer (built in, project), by what they are and what they are called.
#[derive(Default)]
struct Files {
    models: BTreeMap<String, Arc<SourceFile>>,
    companions: BTreeMap<String, BTreeMap<Kind, Arc<SourceFile>>>,
    tests: BTreeMap<String, Arc<SourceFile>>,
    /// By path.
    yaml: BTreeMap<String, Arc<SourceFile>>,
}

impl Files {
    fn sort(files: Vec<SourceFile>) -> Result<Files> {
        let mut sorted = Files::default();
        for file in files {
            if file
                .folder()
                .is_some_and(|folder| NO_MODELS.contains(&folder))
            {
                continue;
            }
            let file = Arc::new(file);
            if is_yaml(&file.path) {
                sorted.yaml.insert(file.path.clone(), file);
                continue;
            }
            if !is_sql(&file.path) {
                continue;
            }
            let stem = file.file_name().trim_end_matches(".sql").to_owned();
            let companion = [(".affected", Kind::Affected), (".scope", Kind::Scope)]
                .iter()
                .find_map(|(end, kind)| Some((stem.strip_suffix(end)?.to_owned(), *kind)));
            let (name, first) = match companion {
                Some((name, kind)) => {
                    let companions = sorted.companions.entry(name.clone()).or_default();
                    (name, companions.insert(kind, Arc::clone(&file)))
                }
                None if file.folder() == Some(TESTS) => {
                    (stem.clone(), sorted.tests.insert(stem, Arc::clone(&file)))
                }
                None => (stem.clone(), sorted.models.insert(stem, Arc::clone(&file))),
            };
            if let Some(first) = first {
                return Err(Error::model(format!(
                    "two files are called `{}`",
                    file.file_name()
                ))
                .with("first", &first.origin)
                .with("second", &file.origin)
                .hint("a model's name is its file's: rename one"));
            }
            check_name(&name, &file.origin)?;
        }
        Ok(sorted)
    }
}

/// A model's name is a table's: it must not need quotes in SQL.
fn check_name(name: &str, origin: &Origin) -> Result<()> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain {
        return Ok(());
    }
    Err(Error::model(format!("`{name}` cannot be a model's name"))
        .with("file", origin)
        .hint("rename the file: lower-case letters, digits and `_`, no digit first"))
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
pub(super) mod tests;
