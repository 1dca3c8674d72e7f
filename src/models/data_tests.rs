//! Data tests in the form of dbt's property files: what each asserts, and how it is read.

use std::ops::Range;

use super::source::SourceFile;
use super::sql::check_expression;
use super::unit_tests::Cell;
use super::yaml::{Fields, Node, Yaml};
use crate::Result;
use crate::config::hint;

/// What failing rows mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Severity {
    /// Nothing is published.
    #[default]
    Error,
    /// It is said, and the run goes on.
    Warn,
}

/// What a test asserts. Nulls fail `not_null` only, as in dbt.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    NotNull,
    Unique,
    AcceptedValues {
        values: Vec<Cell>,
    },
    /// Every value is a value of the column `field` of the table `to`.
    Relationships {
        to: String,
        field: String,
    },
    /// A SQL condition that no row makes false. Under a column, the condition goes on from
    /// the column's name: `>= 0`.
    ExpressionIsTrue {
        expression: String,
    },
    /// No two rows have the same values in all of these columns.
    UniqueCombination {
        columns: Vec<String>,
    },
}

/// A test of a model or of one of its columns.
#[derive(Debug, Clone, PartialEq)]
pub struct DataTest {
    pub check: Check,
    /// The column that it stands under, if any.
    pub column: Option<String>,
    /// A SQL condition: only rows that fulfil it are tested.
    pub filter: Option<String>,
    pub severity: Severity,
    /// Where it stands in its file.
    pub(super) span: Range<usize>,
}

/// The names of the tests; those after the first of an alternative are dbt's.
const NAMES: &[&str] = &[
    "not_null",
    "unique",
    "accepted_values",
    "relationships",
    "expression_is_true",
    "unique_combination",
    "unique_combination_of_columns",
];

/// Reads the tests under `data_tests` (or `tests`) of a model or a column.
pub(super) fn read(fields: &Fields, column: Option<&str>) -> Result<Vec<DataTest>> {
    let mut tests = Vec::new();
    for key in ["data_tests", "tests"] {
        for node in fields.list(key)? {
            tests.push(read_one(fields.file, node, column)?);
        }
    }
    Ok(tests)
}

/// `not_null`, or `not_null: {…}`.
fn read_one(file: &SourceFile, node: &Node, column: Option<&str>) -> Result<DataTest> {
    let (name, span, body) = match &node.value {
        Yaml::Text(name) => (name.as_str(), &node.span, None),
        Yaml::Map(entries) if entries.len() == 1 => {
            let (key, body) = &entries[0];
            (key.text.as_str(), &key.span, Some(body))
        }
        Yaml::Map(entries) if entries.len() > 1 => {
            let (key, _) = &entries[1];
            return Err(file
                .error(
                    key.span.clone(),
                    "a test is one name with its arguments below",
                    "",
                )
                .hint("indent the arguments further than the test's name"));
        }
        _ => return Err(node.wrong(file, "a test", "a name")),
    };
    let short = name.strip_prefix("dbt_utils.").unwrap_or(name);
    if !NAMES.contains(&short) {
        return Err(file
            .error(span.clone(), format!("unknown test `{name}`"), "not known")
            .hint(hint(short, "known tests", NAMES.iter().copied())));
    }
    let misplaced =
        |place: &str| file.error(span.clone(), format!("`{short}` belongs under {place}"), "");
    let needs_column = !short.starts_with("unique_comb") && short != "expression_is_true";
    if needs_column && column.is_none() {
        return Err(misplaced("a column"));
    }
    if short.starts_with("unique_comb") && column.is_some() {
        return Err(misplaced("the model, not a column"));
    }

    let empty = Node {
        value: Yaml::Map(Vec::new()),
        span: span.clone(),
    };
    let body = body
        .filter(|body| body.value != Yaml::Null)
        .unwrap_or(&empty);
    let known: &[&str] = match short {
        "accepted_values" => &["values", "quote"],
        "relationships" => &["to", "field"],
        "expression_is_true" => &["expression"],
        "unique_combination" | "unique_combination_of_columns" => {
            &["columns", "combination_of_columns"]
        }
        _ => &[],
    };
    let outer: Vec<&str> = known
        .iter()
        .copied()
        .chain(["arguments", "config", "name", "description"])
        .collect();
    let what = format!("the test `{short}`");
    let body = Fields::read(file, body, &what, &outer)?;
    let nested = match body.get("arguments") {
        Some(node) => Some(Fields::read(file, node, &what, known)?),
        None => None,
    };
    let arguments = nested.as_ref().unwrap_or(&body);
    let check = match short {
        "not_null" => Check::NotNull,
        "unique" => Check::Unique,
        "accepted_values" => {
            let node = arguments.required("values")?;
            let items = node.list(file, "`values`")?;
            if items.is_empty() {
                return Err(node.wrong(file, "`values`", "a list of at least one value"));
            }
            let values = items.iter().map(|item| Cell::read(file, item));
            Check::AcceptedValues {
                values: values.collect::<Result<_>>()?,
            }
        }
        "relationships" => Check::Relationships {
            to: table_name(&arguments.required("to")?.text(file, "`to`")?).to_owned(),
            field: arguments.required("field")?.text(file, "`field`")?,
        },
        "expression_is_true" => {
            let node = arguments.required("expression")?;
            let expression = node.text(file, "`expression`")?;
            let whole = match column {
                Some(column) => format!("{} {expression}", super::sql::quote(column)),
                None => expression.clone(),
            };
            check_sql(file, node, &whole)?;
            Check::ExpressionIsTrue { expression }
        }
        _ => {
            let key = if arguments.get("columns").is_some() {
                "columns"
            } else {
                "combination_of_columns"
            };
            let columns = arguments.texts(key)?;
            if columns.is_empty() {
                return Err(file.error(span.clone(), format!("{what} needs `columns`"), ""));
            }
            Check::UniqueCombination { columns }
        }
    };
    let (filter, severity) = read_config(file, body.get("config"))?;
    let column = column.map(str::to_owned);
    Ok(DataTest {
        check,
        column,
        filter,
        severity,
        span: span.clone(),
    })
}

fn read_config(file: &SourceFile, node: Option<&Node>) -> Result<(Option<String>, Severity)> {
    let Some(node) = node else {
        return Ok((None, Severity::Error));
    };
    let config = Fields::read(file, node, "the config of a test", &["where", "severity"])?;
    let filter = config.text("where")?;
    if let (Some(filter), Some(node)) = (&filter, config.get("where")) {
        check_sql(file, node, filter)?;
    }
    let severity = match config.get("severity") {
        None => Severity::Error,
        Some(node) => match node.text(file, "`severity`")?.to_lowercase().as_str() {
            "error" => Severity::Error,
            "warn" => Severity::Warn,
            _ => return Err(node.wrong(file, "`severity`", "`error` or `warn`")),
        },
    };
    Ok((filter, severity))
}

/// Refuses SQL in YAML that does not parse.
fn check_sql(file: &SourceFile, node: &Node, expression: &str) -> Result<()> {
    check_expression(expression)
        .map_err(|label| file.error(node.span.clone(), "the SQL expression is wrong", &label))
}

/// The table meant by `ref('x')`, `source('a', 'x')` or a bare `x`.
pub(super) fn table_name(text: &str) -> &str {
    let text = text.trim();
    let inner = ["ref(", "source("]
        .iter()
        .find_map(|start| text.strip_prefix(start)?.strip_suffix(')'));
    let last = match inner {
        Some(arguments) => arguments.rsplit(',').next().unwrap_or(arguments),
        None => text,
    };
    last.trim().trim_matches(['\'', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::yaml::{self, tests::yaml_file};

    fn read_tests(text: &str, column: Option<&str>) -> Result<Vec<DataTest>> {
        let file = yaml_file(text);
        let root = yaml::parse(&file)?;
        let fields = Fields::read(&file, &root, "a column", &["data_tests", "tests"])?;
        read(&fields, column)
    }

    #[test]
    fn reads_every_kind() {
        let text = "data_tests:\n  - not_null\n  - unique:\n      config: {where: \"b > 0\", severity: warn}\n  - accepted_values: {values: [a, 1]}\n  - relationships:\n      arguments:\n        to: ref('parent')\n        field: id\n  - dbt_utils.expression_is_true:\n      expression: \">= 0\"\n";
        let tests = read_tests(text, Some("a")).unwrap();
        assert_eq!(tests.len(), 5);
        assert_eq!(tests[0].check, Check::NotNull);
        assert_eq!(tests[0].column.as_deref(), Some("a"));
        assert_eq!(tests[1].filter.as_deref(), Some("b > 0"));
        assert_eq!(tests[1].severity, Severity::Warn);
        let values = vec![Cell::Text("a".into()), Cell::Number("1".into())];
        assert_eq!(tests[2].check, Check::AcceptedValues { values });
        let (to, field) = ("parent".to_owned(), "id".to_owned());
        assert_eq!(tests[3].check, Check::Relationships { to, field });
        let text = "tests:\n  - dbt_utils.unique_combination_of_columns:\n      combination_of_columns: [a, b]\n  - expression_is_true: {expression: a + b > 0}\n";
        let tests = read_tests(text, None).unwrap();
        let columns = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(tests[0].check, Check::UniqueCombination { columns });
    }

    #[test]
    fn says_what_is_wrong() {
        let fail = |text: &str, column| read_tests(text, column).unwrap_err();
        let error = fail("tests:\n  - not_nul\n", Some("a"));
        assert!(
            error.to_string().starts_with("unknown test `not_nul`"),
            "{error}"
        );
        assert_eq!(error.hint_text(), Some("did you mean `not_null`?"));
        let message = |text: &str, column| fail(text, column).message().to_owned();
        assert_eq!(
            message("tests: [not_null]", None),
            "`not_null` belongs under a column"
        );
        assert_eq!(
            message("tests: [{unique_combination: {columns: [a]}}]", Some("a")),
            "`unique_combination` belongs under the model, not a column"
        );
        assert_eq!(
            message("tests: [{accepted_values: {vals: [a]}}]", Some("a")),
            "unknown key `vals` in the test `accepted_values`"
        );
        assert_eq!(
            message("tests: [{relationships: {to: b}}]", Some("a")),
            "the test `relationships` needs `field`"
        );
        assert_eq!(
            message("tests: [{expression_is_true: {expression: 'a >'}}]", None),
            "the SQL expression is wrong"
        );
        assert_eq!(
            message(
                "tests:\n  - unique:\n    config: {severity: warn}\n",
                Some("a")
            ),
            "a test is one name with its arguments below"
        );
    }

    #[test]
    fn knows_the_ways_to_name_a_table() {
        assert_eq!(table_name("ref('a')"), "a");
        assert_eq!(table_name("source(\"raw\", \"a\")"), "a");
        assert_eq!(table_name(" a "), "a");
    }
}
