//! Settings before they have types: what each layer says, and where it says it.
//!
//! A layer (the defaults, the file, the environment, flags) adds its settings over those
//! of the layers below; a key that nobody knows is refused on the spot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::nearest::hint;
use super::parameter::Parameter;
use super::position::line_column;
use crate::{Error, Result};

/// What the text of an environment variable or a flag is read as.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    /// A comma-separated list, or a TOML array.
    List,
}

/// Every key that is not free-form.
const KEYS: &[(&str, Kind)] = &[
    ("timezone", Kind::Text),
    ("identity", Kind::Text),
    ("session_timeout", Kind::Text),
    ("conversion_events", Kind::List),
    ("lookback_days", Kind::Number),
    ("direct", Kind::Text),
    ("ignore_referrers", Kind::List),
    ("memory_limit", Kind::Text),
    ("threads", Kind::Number),
    ("snapshot.path", Kind::Text),
    ("snapshot.retention", Kind::Text),
    ("models.path", Kind::Text),
];

/// Sections whose keys are the user's own.
const FREE_SECTIONS: &[&str] = &["fields", "vars"];

/// Environment variables that start with `ATTRIB_` and are no settings: those of the
/// command line and of the project's own tests.
const OTHER_VARIABLES: &[&str] = &[
    "ATTRIB_LOG",
    "ATTRIB_PROJECT",
    "ATTRIB_SNAPSHOT",
    "ATTRIB_TEST_CASES",
];

const PREFIX: &str = "ATTRIB_";

/// Where a setting was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Defaults,
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    Variable(String),
    Flag,
}

impl Place {
    /// `error` with this place added.
    pub(super) fn add_to(&self, error: Error) -> Error {
        match self {
            Place::Defaults => error.with("file", "default.toml"),
            Place::File { path, line, column } => error
                .with("file", path.display())
                .with("line", line)
                .with("column", column),
            Place::Variable(name) => error.with("variable", name),
            Place::Flag => error.with("given by", "flag"),
        }
    }
}

/// What a layer says about one key.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) value: toml::Value,
    pub(super) place: Place,
}

/// All settings by their key path (`snapshot.path`), the highest layer's of each.
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// Adds what the TOML `text` of the file at `path` says; none is the built-in file.
    pub(super) fn add_toml(&mut self, path: Option<&Path>, text: &str) -> Result<()> {
        let place = |offset: usize| match path {
            None => Place::Defaults,
            Some(path) => {
                let (line, column) = line_column(text, offset);
                Place::File {
                    path: path.to_owned(),
                    line,
                    column,
                }
            }
        };
        let malformed = |error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            place(start).add_to(Error::config(format!(
                "not valid TOML: {}",
                error.message()
            )))
        };
        let spans = DeTable::parse(text).map_err(malformed)?;
        let mut values: toml::Table = text.parse().map_err(malformed)?;

        for (key, spanned) in spans.get_ref() {
            let name = key.get_ref().as_ref();
            let Some(value) = values.remove(name) else {
                continue;
            };
            let is_section = is_free(name) || section_keys(name).next().is_some();
            if !is_section {
                if !is_setting(name) {
                    return Err(place(key.span().start).add_to(unknown_key(name)));
                }
                let place = place(spanned.span().start);
                self.0.insert(name.to_owned(), Setting { value, place });
                continue;
            }
            let (toml::Value::Table(mut section), Some(section_spans)) =
                (value, spanned.get_ref().as_table())
            else {
                let error = Error::config(format!("`{name}` is a section"))
                    .hint(format!("write it as `[{name}]` with its keys below"));
                return Err(place(spanned.span().start).add_to(error));
            };
            for (key, spanned) in section_spans {
                let path = format!("{name}.{}", key.get_ref());
                let Some(value) = section.remove(key.get_ref().as_ref()) else {
                    continue;
                };
                if !is_free(name) && !is_setting(&path) {
                    return Err(place(key.span().start).add_to(unknown_key(&path)));
                }
                let place = place(spanned.span().start);
                self.0.insert(path, Setting { value, place });
            }
        }
        Ok(())
    }

    /// Adds what the variables of the environment that start with `ATTRIB_` say.
    pub(super) fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<()> {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            if OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let rest = rest.to_lowercase();
            let free = FREE_SECTIONS.iter().find_map(|section| {
                let own = rest.strip_prefix(section)?.strip_prefix('_')?;
                (!own.is_empty()).then(|| format!("{section}.{own}"))
            });
            let known = KEYS.iter().find(|(key, _)| key.replace('.', "_") == rest);
            let Some(key) = free.or(known.map(|(key, _)| key.to_string())) else {
                let variables: Vec<String> = KEYS
                    .iter()
                    .map(|(key, _)| variable_of(key))
                    .chain(OTHER_VARIABLES.iter().map(|name| name.to_string()))
                    .collect();
                return Err(Error::config("unknown environment variable")
                    .with("variable", &name)
                    .hint(hint(
                        &name,
                        "known variables",
                        variables.iter().map(String::as_str),
                    )));
            };
            self.add_text(key, &text, Place::Variable(name))?;
        }
        Ok(())
    }

    /// Adds flags: pairs of a key path (`lookback_days`, `vars.discount`) and a text.
    pub(super) fn add_overrides(&mut self, overrides: &[(String, String)]) -> Result<()> {
        for (key, text) in overrides {
            let free = key
                .split_once('.')
                .is_some_and(|(section, own)| is_free(section) && !own.is_empty());
            if !free && !is_setting(key) {
                return Err(Place::Flag.add_to(unknown_key(key)));
            }
            self.add_text(key.clone(), text, Place::Flag)?;
        }
        Ok(())
    }

    fn add_text(&mut self, key: String, text: &str, place: Place) -> Result<()> {
        let kind = KEYS
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, kind)| *kind);
        let value = match kind {
            Some(Kind::Text) => toml::Value::String(text.to_owned()),
            Some(Kind::Number) => match text.trim().parse() {
                Ok(number) => toml::Value::Integer(number),
                Err(_) => {
                    return Err(place.add_to(wrong_type(
                        &key,
                        "a whole number",
                        &toml::Value::String(text.to_owned()),
                    )));
                }
            },
            Some(Kind::List) => match text.parse::<toml::Value>() {
                Ok(value @ toml::Value::Array(_)) => value,
                _ => toml::Value::Array(
                    text.split(',')
                        .map(str::trim)
                        .filter(|item| !item.is_empty())
                        .map(|item| toml::Value::String(item.to_owned()))
                        .collect(),
                ),
            },
            None if key.starts_with("vars.") => guess(text),
            None => toml::Value::String(text.to_owned()),
        };
        self.0.insert(key, Setting { value, place });
        Ok(())
    }

    /// The setting of a key that the defaults have.
    pub(super) fn get(&self, key: &str) -> Result<&Setting> {
        self.0
            .get(key)
            .ok_or_else(|| Error::internal("a setting has no default").with("key", key))
    }

    /// The settings of a free-form section, by their own names.
    pub(super) fn section<'a>(
        &'a self,
        section: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Setting)> {
        self.0.iter().filter_map(move |(key, setting)| {
            Some((key.strip_prefix(section)?.strip_prefix('.')?, setting))
        })
    }
}

/// The type that TOML would see in `text`, or else text.
fn guess(text: &str) -> toml::Value {
    match Parameter::guess(text) {
        Parameter::Text(text) => toml::Value::String(text),
        Parameter::Int(number) => toml::Value::Integer(number),
        Parameter::Float(number) => toml::Value::Float(number),
        Parameter::Bool(flag) => toml::Value::Boolean(flag),
        Parameter::List(items) => items.into(),
    }
}

/// "`key` must be …, not …", without the place.
pub(super) fn wrong_type(key: &str, expected: &str, value: &toml::Value) -> Error {
    let found = match value {
        toml::Value::String(text) => format!("the text {text:?}"),
        toml::Value::Integer(number) => format!("the number {number}"),
        toml::Value::Float(number) => format!("the number {number}"),
        toml::Value::Boolean(flag) => flag.to_string(),
        toml::Value::Datetime(time) => format!("the time {time}"),
        toml::Value::Array(_) => "a list".to_owned(),
        toml::Value::Table(_) => "a section".to_owned(),
    };
    Error::config(format!("`{key}` must be {expected}, not {found}"))
}

fn unknown_key(key: &str) -> Error {
    let all = KEYS.iter().map(|(key, _)| *key);
    let candidates: Vec<&str> = match key.split_once('.') {
        Some((section, _)) if section_keys(section).next().is_some() => {
            section_keys(section).collect()
        }
        _ => all.chain(sections()).collect(),
    };
    Error::config(format!("unknown key `{key}`")).hint(hint(
        key,
        "known keys",
        candidates.iter().copied(),
    ))
}

/// Whether `key` is the path of a setting of attrib itself, such as `snapshot.path`: not one of
/// the free-form `[fields]` and `[vars]`.
pub fn is_setting(key: &str) -> bool {
    KEYS.iter().any(|(known, _)| *known == key)
}

fn is_free(section: &str) -> bool {
    FREE_SECTIONS.contains(&section)
}

/// The sections: `snapshot`, `models` and the free-form ones.
fn sections() -> impl Iterator<Item = &'static str> {
    let mut seen = Vec::new();
    let fixed = KEYS
        .iter()
        .filter_map(|(key, _)| Some(key.split_once('.')?.0));
    fixed
        .chain(FREE_SECTIONS.iter().copied())
        .filter(move |section| {
            let new = !seen.contains(section);
            seen.push(*section);
            new
        })
}

/// The key paths of a fixed section; none if there is no such section.
fn section_keys(section: &str) -> impl Iterator<Item = &'static str> {
    let prefix = format!("{section}.");
    KEYS.iter()
        .map(|(key, _)| *key)
        .filter(move |key| key.starts_with(&prefix))
}

/// `snapshot.path` → `ATTRIB_SNAPSHOT_PATH`.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}
