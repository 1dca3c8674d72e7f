//! What each column of one file means: the mapping first, then the names that are known.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::aliases::{self, Known};
use super::event::Event;
use super::field::Field;
use super::json::Json;
use super::mapping::{FieldSource, Fields};
use super::value::Value;

/// What to do with columns of unknown names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// They are event params: flat files.
    Param,
    /// They are left out: the export's columns that are not needed.
    Ignore,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Mapped by the user: the group of this index.
    Mapped(usize),
    /// Found by its name.
    Known(Known),
}

/// The mapped uses of one column.
struct Group {
    column: String,
    uses: Vec<(Field, Option<Vec<String>>)>,
}

/// The meaning of columns, remembered by name.
pub(crate) struct Layout {
    constants: Vec<(Field, String)>,
    groups: Vec<Group>,
    unknown: Unknown,
    seen: RefCell<HashMap<String, Target>>,
    params: RefCell<BTreeSet<String>>,
}

/// Names remembered or reported, so that a file with ever new names cannot fill the memory.
const MAX_NAMES: usize = 10_000;

impl Layout {
    pub(crate) fn new(fields: &Fields, unknown: Unknown) -> Self {
        let mut constants = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        for (field, source) in fields.iter() {
            let (column, path) = match source {
                FieldSource::Constant(value) => {
                    constants.push((*field, value.clone()));
                    continue;
                }
                FieldSource::Column(column) => (column.trim(), None),
                FieldSource::Json { column, path } => {
                    let path = path.trim_start_matches("$.").split('.').map(str::to_owned);
                    (column.trim(), Some(path.collect()))
                }
            };
            match groups
                .iter_mut()
                .find(|group| group.column.eq_ignore_ascii_case(column))
            {
                Some(group) => group.uses.push((*field, path)),
                None => {
                    groups.push(Group {
                        column: column.to_owned(),
                        uses: vec![(*field, path)],
                    });
                }
            }
        }
        Layout {
            constants,
            groups,
            unknown,
            seen: RefCell::default(),
            params: RefCell::default(),
        }
    }

    /// What the column of this name is for.
    pub(crate) fn target(&self, name: &str) -> Target {
        if let Some(target) = self.seen.borrow().get(name) {
            return *target;
        }
        let mapped = self
            .groups
            .iter()
            .position(|g| g.column.eq_ignore_ascii_case(name));
        let target =
            mapped.map_or_else(|| Target::Known(aliases::lookup(name)), Target::Mapped);
        let mut seen = self.seen.borrow_mut();
        if seen.len() < MAX_NAMES {
            seen.insert(name.to_owned(), target);
        }
        target
    }

    /// The fields that a column gives, for checking that what is needed is there.
    pub(crate) fn fields_of(&self, target: Target) -> Vec<Field> {
        match target {
            Target::Mapped(group) => self.groups[group].uses.iter().map(|(f, _)| *f).collect(),
            Target::Known(Known::Field(field, _)) => vec![field],
            Target::Known(_) => Vec::new(),
        }
    }

    /// Whether the user gave the field a constant.
    pub(crate) fn is_constant(&self, field: Field) -> bool {
        self.constants
            .iter()
            .any(|(constant, _)| *constant == field)
    }

    /// Columns that are mapped, for messages.
    pub(crate) fn mapped_columns(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| group.column.as_str())
    }

    /// Names of columns that became event params, sorted.
    pub(crate) fn param_columns(&self) -> Vec<String> {
        self.params.borrow().iter().cloned().collect()
    }

    /// Notes that a column of an unknown name is an event param; false if it is left out.
    pub(crate) fn note_param(&self, name: &str) -> bool {
        if self.unknown == Unknown::Ignore {
            return false;
        }
        let mut params = self.params.borrow_mut();
        if !params.contains(name) && params.len() < MAX_NAMES {
            params.insert(name.to_owned());
        }
        true
    }

    /// A new event with its constants.
    pub(crate) fn start<'a>(&'a self) -> Event<'a> {
        let mut event = Event::new();
        for (field, value) in &self.constants {
            event.set(*field, Value::Text(Cow::Borrowed(value)));
        }
        event
    }

    /// Gives the event the value of one column. `name` must have been noted if it is unknown.
    pub(crate) fn apply<'a>(
        &self,
        event: &mut Event<'a>,
        target: Target,
        name: &'a str,
        value: Value<'a>,
    ) {
        match target {
            Target::Mapped(group) => self.apply_mapped(event, group, value),
            Target::Known(Known::Field(field, rank)) => event.offer(field, rank, value),
            Target::Known(Known::Param(skip)) => event.param(name[skip..].into(), value),
            Target::Known(Known::UserProperty(skip)) => {
                event.user_property(name[skip..].into(), value);
            }
            Target::Known(Known::Params | Known::UserProperties) => {
                let user = target == Target::Known(Known::UserProperties);
                apply_pairs_text(event, user, name, value);
            }
            Target::Known(Known::Unknown) => {
                if self.unknown == Unknown::Param {
                    event.param(Cow::Borrowed(name), value);
                }
            }
            Target::Known(Known::Ignored) => {}
        }
    }

    fn apply_mapped<'a>(&self, event: &mut Event<'a>, group: usize, value: Value<'a>) {
        let uses = &self.groups[group].uses;
        // The column's JSON is parsed once, however many paths lead into it.
        let owned;
        let json = match &value {
            _ if uses.iter().all(|(_, path)| path.is_none()) => None,
            Value::Text(Cow::Owned(text)) => {
                owned = text.clone();
                Json::parse(&owned).ok()
            }
            Value::Text(Cow::Borrowed(text)) => Json::parse(text).ok(),
            Value::Json(text) => {
                owned = text.clone();
                Json::parse(&owned).ok()
            }
            _ => None,
        };
        for (field, path) in uses {
            let value = match path {
                None => value.clone(),
                Some(path) => {
                    let found = json.as_ref().and_then(|json| json.at(path)).cloned();
                    found.map_or(Value::Null, |json| json.into_value().into_owned())
                }
            };
            event.set(*field, value);
        }
    }

    /// Gives the event a mapped column that is nested JSON already.
    pub(crate) fn apply_mapped_json<'a>(
        &self,
        event: &mut Event<'a>,
        group: usize,
        json: Json<'a>,
    ) {
        let text = match json {
            nested @ (Json::Object(_) | Json::Array(_)) => nested,
            scalar => return self.apply_mapped(event, group, scalar.into_value()),
        };
        for (field, path) in &self.groups[group].uses {
            let found = match path {
                None => Some(&text),
                Some(path) => text.at(path),
            };
            event.set(*field, found.cloned().map_or(Value::Null, Json::into_value));
        }
    }
}

/// Params or user properties in a column of JSON text; other text becomes a param itself.
fn apply_pairs_text<'a>(event: &mut Event<'a>, user: bool, name: &'a str, value: Value<'a>) {
    let text = match value {
        Value::Text(text) => text,
        Value::Json(text) => Cow::Owned(text),
        _ => return,
    };
    match text {
        Cow::Borrowed(borrowed) => match Json::parse(borrowed) {
            Ok(json) => apply_pairs(event, user, json),
            Err(_) => event.param(Cow::Borrowed(name), Value::Text(text)),
        },
        Cow::Owned(owned) => match Json::parse(&owned) {
            Ok(json) => each_pair(json, &mut |key, value| {
                let key = Cow::Owned(key.into_owned());
                add_pair(event, user, key, value.into_owned());
            }),
            Err(_) => event.param(Cow::Borrowed(name), Value::Text(Cow::Owned(owned))),
        },
    }
}

/// Event params or user properties as the export nests them, or as a plain object.
pub(crate) fn apply_pairs<'a>(event: &mut Event<'a>, user: bool, json: Json<'a>) {
    each_pair(json, &mut |key, value| add_pair(event, user, key, value));
}

fn add_pair<'a>(event: &mut Event<'a>, user: bool, key: Cow<'a, str>, value: Value<'a>) {
    if user {
        event.user_property(key, value);
    } else {
        event.param(key, value);
    }
}

/// Calls back with each param of `[{key, value: {string_value …}}]` or `{key: value}`.
fn each_pair<'a>(json: Json<'a>, then: &mut dyn FnMut(Cow<'a, str>, Value<'a>)) {
    match json {
        Json::Array(elements) => {
            for element in elements {
                let Json::Object(members) = element else {
                    continue;
                };
                let (mut key, mut value) = (None, None);
                for (name, member) in members {
                    match (name.as_ref(), member) {
                        ("key", Json::Text(text)) => key = Some(text),
                        ("value", member) => value = Some(typed(member)),
                        _ => {}
                    }
                }
                if let (Some(key), Some(value)) = (key, value) {
                    then(key, value);
                }
            }
        }
        Json::Object(members) => {
            for (key, member) in members {
                then(key, typed(member));
            }
        }
        _ => {}
    }
}

/// A param's value: plain, or the first that is set of the export's typed ones.
fn typed(json: Json<'_>) -> Value<'_> {
    const TYPES: [&str; 5] = [
        "string_value",
        "int_value",
        "float_value",
        "double_value",
        "value",
    ];
    let Json::Object(mut members) = json else {
        return json.into_value();
    };
    let is_typed = members
        .iter()
        .any(|(name, _)| TYPES.contains(&name.as_ref()));
    if !is_typed {
        return Json::Object(members).into_value();
    }
    for kind in TYPES {
        let found = members
            .iter()
            .position(|(name, value)| name == kind && *value != Json::Null);
        if let Some(at) = found {
            return match members.swap_remove(at).1 {
                // A BigQuery JSON export quotes numbers.
                Json::Text(text) if kind.starts_with("float") || kind.starts_with("double") => {
                    Value::number(text)
                }
                other => other.into_value(),
            };
        }
    }
    Value::Null
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(fields: &[(&str, FieldSource)], unknown: Unknown) -> Layout {
        let fields = fields
            .iter()
            .map(|(name, source)| ((*name).to_owned(), source.clone()));
        Layout::new(&Fields::new(fields.collect()).expect("valid"), unknown)
    }

    fn give<'a>(layout: &Layout, event: &mut Event<'a>, name: &'a str, text: &'a str) {
        let target = layout.target(name);
        layout.apply(event, target, name, Value::Text(text.into()));
    }

    #[test]
    fn mapped_columns_win_over_known_names() {
        let customer = FieldSource::Column("Customer".into());
        let layout = layout(&[("user_id", customer)], Unknown::Param);
        let mut event = layout.start();
        give(&layout, &mut event, "user_id", "by name");
        give(&layout, &mut event, "customer", "mapped");
        assert_eq!(event.text(Field::UserId), Some("mapped"));
        assert!(event.params().is_empty());
    }

    #[test]
    fn paths_lead_into_json_columns() {
        let json = |path: &str| FieldSource::Json {
            column: "payload".into(),
            path: path.into(),
        };
        let layout = layout(
            &[
                ("user_id", json("user.id")),
                ("source", json("$.utm.source")),
                ("medium", json("utm.none")),
                ("event_name", FieldSource::Constant("purchase".into())),
            ],
            Unknown::Param,
        );
        let mut event = layout.start();
        let payload = r#"{"user":{"id":7},"utm":{"source":"a"}}"#;
        give(&layout, &mut event, "payload", payload);
        assert_eq!(event.text(Field::UserId), Some("7"));
        assert_eq!(event.text(Field::Source), Some("a"));
        assert_eq!(event.text(Field::Medium), None);
        assert_eq!(event.text(Field::EventName), Some("purchase"));
        let mut event = layout.start();
        give(&layout, &mut event, "payload", "no json");
        assert_eq!(event.text(Field::UserId), None);
    }

    #[test]
    fn nested_params_are_read_from_text_too() {
        let layout = layout(&[], Unknown::Param);
        for text in [
            r#"[{"key":"a","value":{"string_value":null,"int_value":"7"}},
                {"key":"page_title","value":{"string_value":"T"}},
                {"key":"d","value":{"double_value":"138.0"}}]"#,
            r#"{"a":7,"page_title":"T","d":138.0}"#,
        ] {
            let mut event = layout.start();
            give(&layout, &mut event, "event_params", text);
            assert_eq!(event.text(Field::PageTitle), Some("T"));
            let params: Vec<_> = event.params().iter().map(|(k, v)| (&**k, &**v)).collect();
            assert_eq!(params, [("a", "7"), ("d", "138")]);
        }
    }

    #[test]
    fn unknown_columns_are_params_or_left_out() {
        let flat = layout(&[], Unknown::Param);
        let mut event = flat.start();
        assert!(flat.note_param("tier"));
        give(&flat, &mut event, "tier", "gold");
        assert_eq!(event.params().len(), 1);
        assert_eq!(flat.param_columns(), ["tier"]);
        let nested = layout(&[], Unknown::Ignore);
        let mut event = nested.start();
        assert!(!nested.note_param("tier"));
        give(&nested, &mut event, "tier", "gold");
        assert!(event.params().is_empty());
    }
}
