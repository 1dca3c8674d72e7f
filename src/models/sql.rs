//! Reads the SQL of a model: exactly one query, the tables it reads, the parameters it
//! uses, its text without comments and layout.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};

use datafusion::common::{DataFusionError, Span, TableReference};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::planner::object_name_to_table_reference;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    self, SetExpr, Spanned, TableFactor, Value, ValueWithSpan, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{self, Token, Tokenizer};

use super::snippet::{end_of, span_bytes, word_at};
use super::source::SourceFile;
use crate::{Error, Result};

/// A table that a query names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableUse {
    /// Lower case unless quoted in the SQL.
    pub name: String,
    /// The bytes of the SQL where it is named first.
    pub span: Range<usize>,
}

/// What a query consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The tables it reads, by name; no CTEs, table functions or files.
    pub tables: Vec<TableUse>,
    /// The names after `$`.
    pub parameters: BTreeSet<String>,
    /// The query as the parser understood it: comments and layout make no difference.
    pub normalised: String,
}

impl Query {
    /// The names of the tables it reads.
    pub fn table_names(&self) -> BTreeSet<String> {
        self.tables.iter().map(|table| table.name.clone()).collect()
    }
}

/// Reads a file that must be exactly one query.
///
/// # Errors
///
/// `model`, with line, column and caret: the SQL does not parse, is empty, is more than
/// one statement, or something else than a query; a parameter has no name.
pub fn read(file: &SourceFile) -> Result<Query> {
    let sql = file.text.as_str();
    let mut statements = DFParser::parse_sql(sql).map_err(|error| explain(file, &error))?;
    let starts = statement_starts(sql);
    let start_of = |i: usize| starts.get(i).cloned().unwrap_or(0..0);
    if statements.len() > 1 {
        let message = format!("a model is one query, this file has {}", statements.len());
        return Err(file
            .error(start_of(1), message, "the second starts here")
            .hint("put each query into a file of its own, or use `with`"));
    }
    let Some(statement) = statements.pop_front() else {
        return Err(file
            .error(0..0, "the file holds no query", "")
            .hint("a model is one `select`; delete the file if it is not needed"));
    };
    if !is_query(&statement) {
        return Err(file
            .error(start_of(0), "a model can only read", "this is no query")
            .hint("write a `select`; attrib creates the table from it"));
    }

    let mut uses = Uses::default();
    if let Statement::Statement(inner) = &statement {
        // The visitor never breaks.
        let _ = inner.visit(&mut uses);
    }
    if let Some(value) = uses.unnamed {
        return Err(file
            .error(sql_span(sql, value), "a parameter needs a name", "")
            .hint("write `$name`, e.g. `$lookback_days`"));
    }
    let (read, _) =
        resolve_table_references(&statement, true).map_err(|error| explain(file, &error))?;
    let tables = read
        .into_iter()
        .filter(|table| !is_file(table))
        .filter_map(|table| {
            let (_, span) = uses.tables.iter().find(|(used, _)| *used == table)?;
            Some(TableUse {
                name: table.to_string(),
                span: sql_span(sql, *span),
            })
        })
        .collect();
    Ok(Query {
        tables,
        parameters: uses.parameters,
        normalised: statement.to_string(),
    })
}

/// An error about a model's file for what DataFusion said, with the place in the SQL where
/// DataFusion knows it, and its notes as the hint.
pub fn explain(file: &SourceFile, error: &DataFusionError) -> Error {
    let root = error.find_root();
    let (mut text, mut place) = match root {
        DataFusionError::SQL(error, _) => match error.as_ref() {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
                let (text, place) = split_place(text);
                (text.to_owned(), Some(place))
            }
            ParserError::RecursionLimitExceeded => {
                ("the query is nested too deeply".to_owned(), None)
            }
        },
        other => (other.strip_backtrace(), None),
    };
    // Without a place, the parser ran into the end.
    let mut span = place.take().map(|place| match place {
        Some((line, column)) => word_at(&file.text, line, column),
        None => end_of(&file.text)..file.text.trim_end().len(),
    });
    let mut hints = Vec::new();
    if let Some(diagnostic) = error.diagnostic() {
        if let Some(found) = diagnostic.span {
            span = Some(span_bytes(&file.text, &found));
        }
        if !matches!(root, DataFusionError::SQL(..)) {
            text = diagnostic.message.clone();
        }
        hints.extend(diagnostic.notes.iter().map(|note| note.message.clone()));
        hints.extend(diagnostic.helps.iter().map(|help| help.message.clone()));
    }
    let mut explained = match span {
        Some(span) => file.error(span, "the SQL is wrong", &text),
        None => Error::model(format!("the SQL is wrong: {text}")).with("file", &file.origin),
    };
    if !hints.is_empty() {
        explained = explained.hint(hints.join("; "));
    }
    explained
}

/// Whether an expression parses; if not, what the parser says.
pub(super) fn check_expression(text: &str) -> Result<(), String> {
    match DFParser::parse_sql(&format!("select 1 where ({text}\n)")) {
        Ok(statements) if statements.len() == 1 => Ok(()),
        Ok(_) => Err("more than one expression".to_owned()),
        Err(error) => Err(match error.find_root() {
            DataFusionError::SQL(error, _) => match error.as_ref() {
                ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
                    split_place(text).0.to_owned()
                }
                ParserError::RecursionLimitExceeded => "nested too deeply".to_owned(),
            },
            other => other.strip_backtrace(),
        }),
    }
}

/// `text` as a quoted identifier: `a"b` → `"a""b"`.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// `text` as a string literal: `it's` → `'it''s'`.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Splits "… at Line: 3, Column: 5" into the message and the place.
fn split_place(text: &str) -> (&str, Option<(u64, u64)>) {
    let Some((message, place)) = text.rsplit_once(" at Line: ") else {
        return (text, None);
    };
    let place = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?)));
    (message, place)
}

fn is_query(statement: &Statement) -> bool {
    fn reads(body: &SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => select.into.is_none(),
            SetExpr::Query(query) => reads(&query.body),
            SetExpr::SetOperation { left, right, .. } => reads(left) && reads(right),
            SetExpr::Values(_) | SetExpr::Table(_) => true,
            _ => false,
        }
    }
    match statement {
        Statement::Statement(inner) => match inner.as_ref() {
            ast::Statement::Query(query) => reads(&query.body),
            _ => false,
        },
        _ => false,
    }
}

/// A quoted path in place of a table: `'events.parquet'`, `"data/*.csv"`.
fn is_file(table: &TableReference) -> bool {
    match table {
        TableReference::Bare { table } => table.contains(['/', '\\', '.', '*']),
        _ => false,
    }
}

fn sql_span(sql: &str, span: tokenizer::Span) -> Range<usize> {
    match Span::try_from_sqlparser_span(span) {
        Some(span) => span_bytes(sql, &span),
        None => 0..0,
    }
}

/// The first word of each statement.
fn statement_starts(sql: &str) -> Vec<Range<usize>> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .unwrap_or_default();
    let mut starts = Vec::new();
    let mut between = true;
    for token in tokens {
        match token.token {
            Token::Whitespace(_) | Token::EOF => {}
            Token::SemiColon => between = true,
            _ if between => {
                between = false;
                starts.push(sql_span(sql, token.span));
            }
            _ => {}
        }
    }
    starts
}

/// Collects what a query names.
#[derive(Default)]
struct Uses {
    /// Tables, with the place where each is named; table functions are left out.
    tables: Vec<(TableReference, tokenizer::Span)>,
    parameters: BTreeSet<String>,
    /// A `?` or `$1`.
    unnamed: Option<tokenizer::Span>,
}

impl Visitor for Uses {
    type Break = ();

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name, args: None, ..
        } = table
            && let Ok(reference) = object_name_to_table_reference(name.clone(), true)
        {
            self.tables.push((reference, name.span()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        if let Value::Placeholder(text) = &value.value {
            match text.strip_prefix('$') {
                Some(name) if !name.starts_with(|c: char| c.is_ascii_digit()) => {
                    self.parameters.insert(name.to_owned());
                }
                _ => self.unnamed = self.unnamed.or(Some(value.span)),
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::source::Origin;

    fn file(text: &str) -> SourceFile {
        SourceFile {
            origin: Origin::BuiltIn("queries/marts/a.sql".into()),
            path: "marts/a.sql".into(),
            text: text.into(),
        }
    }

    fn fail(text: &str) -> (String, String) {
        let error = read(&file(text)).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Model);
        (
            error.to_string(),
            error.snippet_text().unwrap_or("").to_owned(),
        )
    }

    #[test]
    fn finds_tables_and_parameters() {
        let query = read(&file(
            "-- one row per day\nwith\ns as (select * from Stg_Events),\nt as (select * from s)\n\
             select * from t inner join \"Other\" using (x)\n\
             cross join unnest([1]) cross join generate_series(1, 3)\n\
             cross join 'data/x.parquet' cross join \"y.csv\"\n\
             where a > $lookback_days and b in (select c from third where d = $timezone)\n\
             limit $most;\n",
        ))
        .unwrap();
        let names: Vec<_> = query.table_names().into_iter().collect();
        assert_eq!(names, ["Other", "stg_events", "third"]);
        let parameters: Vec<_> = query.parameters.iter().map(String::as_str).collect();
        assert_eq!(parameters, ["lookback_days", "most", "timezone"]);
    }

    #[test]
    fn knows_where_a_table_is_named() {
        let sql = "select 1 as a\nfrom stg\ncross join x";
        let query = read(&file(sql)).unwrap();
        let spans: Vec<_> = query.tables.iter().map(|t| &sql[t.span.clone()]).collect();
        assert_eq!(spans, ["stg", "x"]);
    }

    #[test]
    fn comments_and_layout_make_no_difference() {
        let one = read(&file("select a, -- why\n  b from t")).unwrap();
        let two = read(&file("SELECT a, b\nFROM t;\n")).unwrap();
        assert_eq!(one.normalised, two.normalised);
        let three = read(&file("select a, c from t")).unwrap();
        assert_ne!(one.normalised, three.normalised);
    }

    #[test]
    fn a_syntax_error_shows_line_and_caret() {
        let (text, drawn) = fail("select a\nfrom t\nwhre a = 1\ngroup by");
        assert!(
            text.starts_with("the SQL is wrong (file: queries/marts/a.sql, line: "),
            "{text}"
        );
        assert!(drawn.contains("--> queries/marts/a.sql:"), "{drawn}");
        let (text, drawn) = fail("select a from\n");
        assert!(text.contains("line: 1, column: 13"), "{text}");
        assert!(
            drawn.contains('^') && drawn.contains("found: EOF"),
            "{drawn}"
        );
        let (text, drawn) = fail("select a b c\nfrom t");
        assert!(text.contains("line: 1, column: 12"), "{text}");
        assert!(
            drawn.contains("1 | select a b c") && drawn.contains("           ^ "),
            "{drawn}"
        );
        let (text, _) = fail("select 'abc");
        assert!(text.contains("line: 1, column: 8"), "{text}");
    }

    #[test]
    fn an_error_of_the_planner_shows_its_place_and_notes() {
        use datafusion::common::{Diagnostic, Location};
        let file = file("select a,\n  bb\nfrom t");
        let at = |column| Location { line: 2, column };
        let found =
            Diagnostic::new_error("column 'bb' not found", Some(Span::new(at(3), at(5))))
                .with_note("possible column t.b", None);
        let plan = DataFusionError::Plan("no field named bb".into());
        let error = explain(&file, &plan.with_diagnostic(found).context("planning"));
        assert!(error.to_string().contains("line: 2, column: 3"), "{error}");
        assert!(
            error
                .snippet_text()
                .unwrap()
                .ends_with("2 |   bb\n  |   ^^ column 'bb' not found")
        );
        assert_eq!(error.hint_text(), Some("possible column t.b"));
        let error = explain(&file, &DataFusionError::Plan("no such function".into()));
        assert!(error.message().ends_with("no such function"), "{error}");
    }

    #[test]
    fn only_one_query_is_a_model() {
        let (text, drawn) = fail("select 1;\n-- next\nselect 2");
        assert!(
            text.contains("one query, this file has 2") && text.contains("line: 3"),
            "{text}"
        );
        assert!(drawn.contains("the second starts here"));
        let (text, _) = fail("-- nothing\n");
        assert!(text.contains("holds no query"), "{text}");
        for sql in [
            "create table a as select 1",
            "insert into a select 1",
            "drop table a",
            "copy a to 'b'",
            "explain select 1",
            "with a as (select 1) insert into b select * from a",
        ] {
            let (text, _) = fail(sql);
            assert!(text.contains("a model can only read"), "{sql}: {text}");
        }
        assert!(read(&file("values (1), (2)")).is_ok());
        assert!(read(&file("(select 1) union all select 2;")).is_ok());
    }

    #[test]
    fn a_parameter_has_a_name() {
        let (text, _) = fail("select *\nfrom t where a = $1");
        assert!(
            text.contains("a parameter needs a name") && text.contains("line: 2"),
            "{text}"
        );
        let (text, _) = fail("select ?");
        assert!(text.contains("a parameter needs a name"), "{text}");
    }

    #[test]
    fn expressions_are_checked() {
        assert_eq!(check_expression("a > 1 and b is null"), Ok(()));
        assert!(check_expression("a > ").is_err());
        assert!(check_expression("1; drop table x").is_err());
    }

    #[test]
    fn quotes() {
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
    }
}
