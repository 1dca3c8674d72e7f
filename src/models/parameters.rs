//! Whether every `$name` in the SQL has a value.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::Catalog;
use super::snippet::word_at;
use super::source::SourceFile;
use crate::Result;
use crate::config::{Parameter, hint, line_column};

/// Checks the SQL of all models, their companions and the SQL tests.
///
/// # Errors
///
/// `model`, with line and caret: SQL uses a parameter that `parameters` does not have.
pub fn check_parameters(
    catalog: &Catalog,
    parameters: &BTreeMap<String, Parameter>,
) -> Result<()> {
    for model in catalog.models() {
        check(&model.file, &model.parameters, parameters)?;
        for companion in [&model.affected, &model.scope].into_iter().flatten() {
            check(&companion.file, &companion.parameters, parameters)?;
        }
    }
    for test in catalog.sql_tests() {
        check(&test.file, &test.parameters, parameters)?;
    }
    Ok(())
}

fn check(
    file: &SourceFile,
    used: &BTreeSet<String>,
    known: &BTreeMap<String, Parameter>,
) -> Result<()> {
    let Some(name) = used.iter().find(|name| !known.contains_key(*name)) else {
        return Ok(());
    };
    let way_out = hint(name, "parameters", known.keys().map(String::as_str));
    Err(file
        .error(
            place_of(&file.text, name),
            format!("the parameter `${name}` has no value"),
            "not set",
        )
        .hint(format!(
            "{way_out} (your own go under `[vars]` in attrib.toml)"
        )))
}

/// Where `$name` stands in the SQL first.
fn place_of(sql: &str, name: &str) -> std::ops::Range<usize> {
    let wanted = format!("${name}");
    let found = sql.match_indices(&wanted).find(|(start, _)| {
        let (line, column) = line_column(sql, start + 1);
        word_at(sql, line as u64, column as u64).len() == name.len()
    });
    found.map_or(0..0, |(start, text)| start..start + text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::catalog::tests::catalog;

    fn fail(files: &[(&str, &str)]) -> crate::Error {
        let known = BTreeMap::from([("lookback_days".to_owned(), Parameter::Int(14))]);
        check_parameters(&catalog(files).unwrap(), &known).unwrap_err()
    }

    #[test]
    fn a_parameter_without_a_value_is_shown() {
        let sql = "select $lookback_days,\n  $lookback_days_more + $lookback_day";
        let error = fail(&[("a.sql", sql)]);
        assert_eq!(
            error.message(),
            "the parameter `$lookback_day` has no value"
        );
        assert!(error.to_string().contains("line: 2, column: 25"), "{error}");
        let hint = error.hint_text().unwrap();
        assert!(hint.starts_with("did you mean `lookback_days`?"), "{hint}");
    }

    #[test]
    fn companions_and_tests_are_checked_too() {
        let error = fail(&[("a.sql", "select 1"), ("a.scope.sql", "select $x")]);
        assert!(error.to_string().contains("a.scope.sql"), "{error}");
        let error = fail(&[("a.sql", "select 1"), ("tests/t.sql", "select $x")]);
        assert!(error.to_string().contains("tests/t.sql"), "{error}");
    }

    #[test]
    fn the_built_in_models_use_what_there_is() {
        let config = crate::config::Config::load(
            Some(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))),
            [],
            &[],
        )
        .unwrap();
        let catalog = Catalog::load(None).unwrap();
        check_parameters(&catalog, &config.parameters()).unwrap();
    }
}
