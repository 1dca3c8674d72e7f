//! Unit tests of models in dbt's form: given these rows, expect those. They need no data.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::data_tests::table_name;
use super::source::SourceFile;
use super::yaml::{Fields, Node, Yaml};
use crate::Result;
use crate::config::Parameter;

/// A value in a row of a test, not yet of its column's type.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    /// A decimal number, as written.
    Number(String),
    Text(String),
    List(Vec<Cell>),
    /// A map or struct, in the order written.
    Map(Vec<(String, Cell)>),
}

/// One row: the columns that the test names. Those that it does not are null in a given
/// row, and not compared in an expected one.
pub type Row = Vec<(String, Cell)>;

/// The rows of one table that the model reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub input: String,
    pub rows: Vec<Row>,
    /// Where `input` stands in the file.
    pub(super) input_span: Range<usize>,
}

/// A unit test of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitTest {
    pub name: String,
    pub model: String,
    pub description: String,
    /// The tables that the model reads and that are not given are empty.
    pub given: Vec<Given>,
    pub expect: Vec<Row>,
    /// Parameters that have another value in this test.
    pub vars: BTreeMap<String, Parameter>,
    /// The file that it stands in.
    pub file: Arc<SourceFile>,
    pub(super) name_span: Range<usize>,
    pub(super) model_span: Range<usize>,
    pub(super) vars_spans: BTreeMap<String, Range<usize>>,
}

impl Cell {
    pub(super) fn read(file: &SourceFile, node: &Node) -> Result<Cell> {
        Ok(match &node.value {
            Yaml::Null => Cell::Null,
            Yaml::Bool(flag) => Cell::Bool(*flag),
            Yaml::Number(text) => Cell::Number(text.clone()),
            Yaml::Text(text) => Cell::Text(text.clone()),
            Yaml::List(items) => Cell::List(
                items
                    .iter()
                    .map(|item| Cell::read(file, item))
                    .collect::<Result<_>>()?,
            ),
            Yaml::Map(_) => Cell::Map(read_row(file, node)?),
        })
    }
}

/// Reads an item of `unit_tests`.
pub(super) fn read(file: &Arc<SourceFile>, node: &Node) -> Result<UnitTest> {
    let known = [
        "name",
        "model",
        "description",
        "given",
        "expect",
        "overrides",
        "config",
    ];
    let fields = Fields::read(file, node, "a unit test", &known)?;
    let name = fields.required("name")?;
    let model = fields.required("model")?;
    let given = fields
        .list("given")?
        .iter()
        .map(|node| {
            let given = Fields::read(file, node, "`given`", &["input", "rows", "format"])?;
            let input = given.required("input")?;
            Ok(Given {
                input: table_name(&input.text(file, "`input`")?).to_owned(),
                rows: read_rows(&given)?,
                input_span: input.span.clone(),
            })
        })
        .collect::<Result<_>>()?;
    let expect = fields.required("expect")?;
    let expect = Fields::read(file, expect, "`expect`", &["rows", "format"])?;
    let mut vars = BTreeMap::new();
    let mut vars_spans = BTreeMap::new();
    if let Some(node) = fields.get("overrides") {
        let overrides = Fields::read(file, node, "`overrides`", &["vars"])?;
        if let Some(node) = overrides.get("vars") {
            for (key, value) in node.map(file, "`vars`")? {
                vars.insert(key.text.clone(), read_parameter(file, value)?);
                vars_spans.insert(key.text.clone(), key.span.clone());
            }
        }
    }
    Ok(UnitTest {
        name: name.text(file, "`name`")?,
        model: table_name(&model.text(file, "`model`")?).to_owned(),
        description: fields.text("description")?.unwrap_or_default(),
        given,
        expect: read_rows(&expect)?,
        vars,
        file: Arc::clone(file),
        name_span: name.span.clone(),
        model_span: model.span.clone(),
        vars_spans,
    })
}

fn read_parameter(file: &SourceFile, node: &Node) -> Result<Parameter> {
    Ok(match &node.value {
        Yaml::Bool(flag) => Parameter::Bool(*flag),
        Yaml::Text(text) => Parameter::Text(text.clone()),
        Yaml::Number(text) => Parameter::guess(text),
        Yaml::List(_) => Parameter::List(node.texts(file, "a list")?),
        Yaml::Null | Yaml::Map(_) => {
            return Err(node.wrong(
                file,
                "a variable",
                "text, a number, true, false or a list",
            ));
        }
    })
}

/// The rows under `rows`: a list of maps, or CSV text with a header where `format: csv`.
fn read_rows(fields: &Fields) -> Result<Vec<Row>> {
    let file = fields.file;
    let format = fields.text("format")?.unwrap_or_else(|| "dict".to_owned());
    let Some(node) = fields.get("rows") else {
        return Ok(Vec::new());
    };
    match format.as_str() {
        "dict" => node
            .list(file, "`rows`")?
            .iter()
            .map(|row| read_row(file, row))
            .collect(),
        "csv" => read_csv(file, node),
        _ => {
            let node = fields.required("format")?;
            Err(node.wrong(file, "`format`", "`dict` or `csv`"))
        }
    }
}

fn read_row(file: &SourceFile, node: &Node) -> Result<Row> {
    node.map(file, "a row")?
        .iter()
        .map(|(key, value)| Ok((key.text.clone(), Cell::read(file, value)?)))
        .collect()
}

/// Every field is text and an empty one is null.
fn read_csv(file: &SourceFile, node: &Node) -> Result<Vec<Row>> {
    let text = node.text(file, "`rows`")?;
    let wrong = |error: csv::Error| {
        file.error(
            node.span.clone(),
            "the rows are not valid CSV",
            &error.to_string(),
        )
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(wrong)?.clone();
    reader
        .records()
        .map(|record| {
            let record = record.map_err(wrong)?;
            let cells = record.iter().map(|field| match field {
                "" => Cell::Null,
                text => Cell::Text(text.to_owned()),
            });
            Ok(header.iter().map(str::to_owned).zip(cells).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::yaml::{self, tests::yaml_file};

    fn read_test(text: &str) -> Result<UnitTest> {
        let file = Arc::new(yaml_file(text));
        let root = yaml::parse(&file)?;
        read(&file, &root)
    }

    #[test]
    fn reads_rows_of_both_forms() {
        let test = read_test(
            "name: ties\nmodel: paths\ngiven:\n  - input: ref('touchpoints')\n    rows:\n      - {id: 1, value: 149.90, at: 2026-01-01 10:00:00, source: null}\n  - input: conversions\n    format: csv\n    rows: |\n      id, name\n      1, a\n      2,\nexpect:\n  rows: [{id: 1, params: {a: b}, tags: [x]}]\noverrides:\n  vars: {lookback_days: 7, conversion_events: [purchase]}\n",
        )
        .unwrap();
        assert_eq!(test.model, "paths");
        assert_eq!(test.given[0].input, "touchpoints");
        assert_eq!(
            test.given[0].rows[0],
            vec![
                ("id".to_owned(), Cell::Number("1".into())),
                ("value".to_owned(), Cell::Number("149.90".into())),
                ("at".to_owned(), Cell::Text("2026-01-01 10:00:00".into())),
                ("source".to_owned(), Cell::Null),
            ]
        );
        assert_eq!(test.given[1].rows[1][1], ("name".to_owned(), Cell::Null));
        assert_eq!(
            test.given[1].rows[0][0],
            ("id".to_owned(), Cell::Text("1".into()))
        );
        let params = Cell::Map(vec![("a".into(), Cell::Text("b".into()))]);
        assert_eq!(test.expect[0][1].1, params);
        assert_eq!(
            test.expect[0][2].1,
            Cell::List(vec![Cell::Text("x".into())])
        );
        assert_eq!(test.vars["lookback_days"], Parameter::Int(7));
        assert_eq!(
            test.vars["conversion_events"],
            Parameter::List(vec!["purchase".into()])
        );
    }

    #[test]
    fn says_what_is_wrong() {
        let message = |text: &str| read_test(text).unwrap_err().message().to_owned();
        assert_eq!(
            message("name: a\nexpect: {rows: []}\n"),
            "a unit test needs `model`"
        );
        assert_eq!(
            message("name: a\nmodel: b\nexpected: {rows: []}\n"),
            "unknown key `expected` in a unit test"
        );
        let text = "name: a\nmodel: b\nexpect: {format: csv, rows: \"a,b\\n1\\n\"}\n";
        assert_eq!(message(text), "the rows are not valid CSV");
        let text = "name: a\nmodel: b\nexpect: {format: sql, rows: x}\n";
        assert!(message(text).starts_with("`format` must be `dict` or `csv`"));
    }
}
