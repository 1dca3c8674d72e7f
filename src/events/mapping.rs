//! `[fields]` of `attrib.toml`: where a field comes from when its name does not say so.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::field::Field;
use crate::{Error, Result};

/// Where one field comes from.
///
/// ```toml
/// [fields]
/// user_id = "customer"                                    # a column
/// source = { column = "payload", path = "campaign.source" } # a path into a JSON column
/// event_name = { value = "purchase" }                     # a constant
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Spelling")]
pub enum FieldSource {
    /// A column by name; in nested JSON and Parquet, a path with dots.
    Column(String),
    /// A path, with dots, into a column that holds JSON.
    Json { column: String, path: String },
    /// The same text for every row.
    Constant(String),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a column's name, { column = \"…\", path = \"…\" } or { value = \"…\" }"
)]
enum Spelling {
    Name(String),
    Json(JsonSpelling),
    Column(ColumnSpelling),
    Constant(ConstantSpelling),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSpelling {
    column: String,
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnSpelling {
    column: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstantSpelling {
    value: String,
}

impl From<Spelling> for FieldSource {
    fn from(spelling: Spelling) -> Self {
        match spelling {
            Spelling::Name(column) | Spelling::Column(ColumnSpelling { column }) => {
                FieldSource::Column(column)
            }
            Spelling::Json(JsonSpelling { column, path }) => FieldSource::Json { column, path },
            Spelling::Constant(ConstantSpelling { value }) => FieldSource::Constant(value),
        }
    }
}

/// The mapping of fields, checked. A mapped column wins over columns found by their name, even
/// where it is empty; in a file that lacks the column, names decide as if it were not mapped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Field, FieldSource)>);

impl Fields {
    /// Checks the mapping's fields.
    ///
    /// # Errors
    /// A config error that names an unknown field and the one with the nearest name.
    pub fn new(sources: BTreeMap<String, FieldSource>) -> Result<Fields> {
        let mut fields = Vec::with_capacity(sources.len());
        for (name, source) in sources {
            let field = Field::from_name(&name).ok_or_else(|| unknown(&name))?;
            if fields.iter().any(|(other, _)| *other == field) {
                return Err(
                    Error::config("a field is mapped twice").with("field", field.name())
                );
            }
            fields.push((field, source));
        }
        Ok(Fields(fields))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Field, FieldSource)> {
        self.0.iter()
    }
}

fn unknown(name: &str) -> Error {
    let error =
        Error::config(format!("`{name}` is no field of an event")).with("section", "fields");
    let nearest = Field::ALL
        .iter()
        .map(|field| {
            (
                strsim::damerau_levenshtein(name, field.name()),
                field.name(),
            )
        })
        .min();
    match nearest {
        Some((distance, field)) if distance <= (name.len() / 2).max(2) => {
            error.hint(format!("did you mean `{field}`?"))
        }
        _ => error.hint("fields have the names of the columns of the table raw_ga4_events"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Fields> {
        let sources = toml::from_str::<BTreeMap<String, FieldSource>>(text)
            .map_err(|e| Error::config(e.to_string()))?;
        Fields::new(sources)
    }

    #[test]
    fn reads_the_three_kinds_of_source() {
        let fields = read(
            "user_id = \"customer\"\n\
             source = { column = \"payload\", path = \"user.id\" }\n\
             medium = { column = \"m\" }\n\
             event_name = { value = \"purchase\" }\n",
        );
        let fields: BTreeMap<_, _> = fields.expect("valid").0.into_iter().collect();
        assert_eq!(
            fields[&Field::UserId],
            FieldSource::Column("customer".into())
        );
        assert_eq!(fields[&Field::Medium], FieldSource::Column("m".into()));
        assert_eq!(
            fields[&Field::EventName],
            FieldSource::Constant("purchase".into())
        );
        assert_eq!(
            fields[&Field::Source],
            FieldSource::Json {
                column: "payload".into(),
                path: "user.id".into()
            }
        );
    }

    #[test]
    fn refuses_unknown_fields_and_keys() {
        let error = read("usr_id = \"customer\"").expect_err("unknown");
        assert!(error.to_string().contains("usr_id"));
        assert_eq!(error.hint_text(), Some("did you mean `user_id`?"));
        let error = read("user_id = { colum = \"a\" }").expect_err("unknown key");
        assert!(error.to_string().contains("column"), "{error}");
        assert!(read("event_id = \"a\"\nsource_event_id = \"b\"").is_err());
    }
}
