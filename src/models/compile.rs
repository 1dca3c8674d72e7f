//! Data tests become SQL: a query that returns the rows that fail.

use std::collections::BTreeSet;

use super::data_tests::{Check, DataTest, Severity};
use super::sql::{literal, quote};
use super::unit_tests::Cell;

/// A test as a query. It passes when the query returns no row.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledTest {
    /// e.g. `not_null int_user_sessions.session_key`, or the name of a SQL test's file.
    pub name: String,
    /// The model that it is about; for a SQL test, the tables that it reads.
    pub model: String,
    /// Holds for the rows of the model that fail, where the test judges each row by itself.
    pub condition: Option<String>,
    /// Returns failing rows: rows of the model, or for tests of uniqueness, values and
    /// relationships the offending values with their `row_count`.
    pub sql: String,
    /// The columns that it is about; none for a SQL test.
    pub columns: Vec<String>,
    /// The tables that the SQL reads.
    pub tables: BTreeSet<String>,
    /// The names after `$` in the SQL.
    pub parameters: BTreeSet<String>,
    pub severity: Severity,
}

/// A data test in SQL.
pub(super) struct Compiled {
    pub name: String,
    pub columns: Vec<String>,
    pub sql: String,
    /// Holds for failing rows, where rows fail one by one.
    pub condition: Option<String>,
}

/// A test of `model` in SQL.
pub(super) fn compile(model: &str, test: &DataTest) -> Compiled {
    let column = test.column.as_deref().unwrap_or("");
    let quoted = quote(column);
    let from = match &test.filter {
        None => quote(model),
        Some(filter) => format!("(select * from {} where ({filter}\n))", quote(model)),
    };
    let mut columns: Vec<String> = test.column.iter().cloned().collect();
    let mut condition = None;
    let (name, sql) = match &test.check {
        Check::NotNull => {
            let fails = condition.insert(format!("{quoted} is null"));
            (
                format!("not_null {model}.{column}"),
                format!("select * from {from} as tested where {fails}"),
            )
        }
        Check::Unique => (
            format!("unique {model}.{column}"),
            repeated(&from, &[column.to_owned()]),
        ),
        Check::AcceptedValues { values } => {
            let values: Vec<String> = values.iter().map(sql_literal).collect();
            let fails = condition.insert(format!("{quoted} not in ({})", values.join(", ")));
            let sql = format!(
                "select {quoted}, count(*) as row_count from {from} as tested \
                 where {fails} group by {quoted} order by {quoted}",
            );
            (format!("accepted_values {model}.{column}"), sql)
        }
        Check::Relationships { to, field } => {
            let sql = format!(
                "select {quoted}, count(*) as row_count from {from} as tested \
                 where {quoted} is not null and not exists \
                 (select 1 from {} as parent where parent.{} = tested.{quoted}) \
                 group by {quoted} order by {quoted}",
                quote(to),
                quote(field)
            );
            (
                format!("relationships {model}.{column} → {to}.{field}"),
                sql,
            )
        }
        Check::ExpressionIsTrue { expression } => {
            let (name, holds) = match &test.column {
                Some(column) => (
                    format!("expression_is_true {model}.{column} {expression}"),
                    format!("{quoted} {expression}"),
                ),
                None => (
                    format!("expression_is_true {model}: {expression}"),
                    expression.clone(),
                ),
            };
            let fails = condition.insert(format!("not ({holds}\n)"));
            (
                name,
                format!("select * from {from} as tested where {fails}"),
            )
        }
        Check::UniqueCombination { columns: together } => {
            columns = together.clone();
            let name = format!("unique_combination {model} ({})", together.join(", "));
            (name, repeated(&from, together))
        }
    };
    if let (Some(condition), Some(filter)) = (&mut condition, &test.filter) {
        *condition = format!("({filter}\n) and {condition}");
    }
    Compiled {
        name,
        columns,
        sql,
        condition,
    }
}

/// The values of `columns` that several rows share. Nulls are no values, as in dbt's
/// `unique`; in a combination they are equal to each other.
fn repeated(from: &str, columns: &[String]) -> String {
    let list = columns
        .iter()
        .map(|column| quote(column))
        .collect::<Vec<_>>()
        .join(", ");
    let filter = match columns {
        [_] => format!(" where {list} is not null"),
        _ => String::new(),
    };
    format!(
        "select {list}, count(*) as row_count from {from} as tested{filter} \
         group by {list} having count(*) > 1 order by {list}"
    )
}

fn sql_literal(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Bool(flag) => flag.to_string(),
        Cell::Number(text) => text.clone(),
        Cell::Text(text) => literal(text),
        Cell::List(cells) => {
            format!(
                "[{}]",
                cells.iter().map(sql_literal).collect::<Vec<_>>().join(", ")
            )
        }
        Cell::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, cell)| format!("{}: {}", literal(key), sql_literal(cell)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(check: Check, column: Option<&str>, filter: Option<&str>) -> (String, String) {
        let test = DataTest {
            check,
            column: column.map(str::to_owned),
            filter: filter.map(str::to_owned),
            severity: Severity::Error,
            span: 0..0,
        };
        let Compiled { name, sql, .. } = compile("m", &test);
        super::super::sql::check_expression(&format!("select count(*) from ({sql})")).unwrap();
        (name, sql)
    }

    #[test]
    fn each_kind_selects_its_failures() {
        assert_eq!(
            compiled(Check::NotNull, Some("a\"b"), None),
            (
                "not_null m.a\"b".into(),
                "select * from \"m\" as tested where \"a\"\"b\" is null".into()
            )
        );
        let (_, sql) = compiled(Check::Unique, Some("a"), Some("b > 0 -- why"));
        assert_eq!(
            sql,
            "select \"a\", count(*) as row_count from (select * from \"m\" where (b > 0 -- why\n)) \
             as tested where \"a\" is not null group by \"a\" having count(*) > 1 order by \"a\""
        );
        let values = vec![Cell::Text("it's".into()), Cell::Number("1".into())];
        let (_, sql) = compiled(Check::AcceptedValues { values }, Some("a"), None);
        assert!(sql.contains("\"a\" not in ('it''s', 1)"), "{sql}");
        let check = Check::Relationships {
            to: "p".into(),
            field: "id".into(),
        };
        let (name, sql) = compiled(check, Some("a"), None);
        assert_eq!(name, "relationships m.a → p.id");
        assert!(
            sql.contains("from \"p\" as parent where parent.\"id\" = tested.\"a\""),
            "{sql}"
        );
        let check = Check::ExpressionIsTrue {
            expression: ">= 0".into(),
        };
        let (_, sql) = compiled(check, Some("a"), None);
        assert!(sql.ends_with("where not (\"a\" >= 0\n)"), "{sql}");
        let check = Check::UniqueCombination {
            columns: vec!["a".into(), "b".into()],
        };
        let (name, sql) = compiled(check, None, None);
        assert_eq!(name, "unique_combination m (a, b)");
        assert!(sql.contains("group by \"a\", \"b\" having"), "{sql}");
    }
}
