//! YAML as a tree of which every part knows where it stands in its file.
//!
//! Scalars keep their text: `149.90` in a unit test stays `149.90` and never becomes a
//! floating-point number.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span};

use super::source::SourceFile;
use crate::config::hint;
use crate::{Error, Result};

/// A value and the bytes of the file where it stands (its first byte for lists and maps).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Yaml,
    pub(super) span: Range<usize>,
}

/// What a [`Node`] holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    /// A whole or decimal number, as written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// The key of a map's entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

/// Reads the one document of a YAML file; an empty file is null.
///
/// # Errors
///
/// `model`, with line, column and caret: not YAML, a second document, a key twice, a key
/// that is no text, an alias (`*name`).
pub(super) fn parse(file: &SourceFile) -> Result<Node> {
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    for next in Parser::new_from_str(&file.text) {
        let (event, span) = next.map_err(|error| {
            let start = error.marker().byte_offset().unwrap_or(file.text.len());
            file.error(start..start, "the file is not valid YAML", &error.info())
        })?;
        let span = bytes(&span);
        let start = span.start..span.start;
        let node = match event {
            Event::Scalar(text, style, ..) => Node {
                value: scalar(&text, style == ScalarStyle::Plain),
                span,
            },
            Event::SequenceStart(..) => {
                open.push(Open::List(start, Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(start, None, Vec::new()));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(span, items)) => Node {
                    value: Yaml::List(items),
                    span,
                },
                Some(Open::Map(span, _, entries)) => Node {
                    value: Yaml::Map(entries),
                    span,
                },
                None => continue,
            },
            Event::Alias(_) => {
                return Err(file
                    .error(span, "aliases are not read", "")
                    .hint("write the value out where it is used"));
            }
            Event::DocumentStart(..) if root.is_some() => {
                return Err(file.error(span, "a file holds one YAML document", "a second one"));
            }
            _ => continue,
        };
        match open.last_mut() {
            None => root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, key, entries)) => match key.take() {
                None => *key = Some(as_key(file, node, entries)?),
                Some(key) => entries.push((key, node)),
            },
        }
    }
    Ok(root.unwrap_or(Node {
        value: Yaml::Null,
        span: 0..0,
    }))
}

/// A list or map that is being read.
enum Open {
    List(Range<usize>, Vec<Node>),
    Map(Range<usize>, Option<Key>, Vec<(Key, Node)>),
}

fn as_key(file: &SourceFile, node: Node, entries: &[(Key, Node)]) -> Result<Key> {
    let text = match node.value {
        Yaml::Text(text) | Yaml::Number(text) => text,
        Yaml::Bool(flag) => flag.to_string(),
        Yaml::Null => "null".to_owned(),
        Yaml::List(_) | Yaml::Map(_) => {
            return Err(file.error(node.span, "a key must be text", ""));
        }
    };
    if entries.iter().any(|(key, _)| key.text == text) {
        return Err(file.error(node.span, format!("`{text}` is given twice"), "the second"));
    }
    Ok(Key {
        text,
        span: node.span,
    })
}

/// What a scalar is by YAML's core schema, of which only decimal numbers are numbers.
fn scalar(text: &str, is_plain: bool) -> Yaml {
    if !is_plain {
        return Yaml::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Yaml::Null,
        "true" | "True" | "TRUE" => Yaml::Bool(true),
        "false" | "False" | "FALSE" => Yaml::Bool(false),
        _ if is_number(text) => Yaml::Number(text.to_owned()),
        _ => Yaml::Text(text.to_owned()),
    }
}

/// `-12`, `0.50`, `1e6`; no leading zeros, which are ids more often than numbers.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut chars = digits.chars();
    let has_leading_zero =
        chars.next() == Some('0') && chars.next().is_some_and(|c| c.is_ascii_digit());
    digits.starts_with(|c: char| c.is_ascii_digit())
        && !has_leading_zero
        && text.parse::<f64>().is_ok()
}

fn bytes(span: &Span) -> Range<usize> {
    let start = span.start.byte_offset().unwrap_or(0);
    start..span.end.byte_offset().unwrap_or(start).max(start)
}

impl Node {
    /// The text of a scalar that is not null; a number or truth value as written.
    pub(super) fn text(&self, file: &SourceFile, what: &str) -> Result<String> {
        match &self.value {
            Yaml::Text(text) | Yaml::Number(text) => Ok(text.clone()),
            Yaml::Bool(flag) => Ok(flag.to_string()),
            _ => Err(self.wrong(file, what, "text")),
        }
    }

    /// The items of a list; one scalar is a list of one.
    pub(super) fn texts(&self, file: &SourceFile, what: &str) -> Result<Vec<String>> {
        match &self.value {
            Yaml::List(items) => items.iter().map(|item| item.text(file, what)).collect(),
            _ => Ok(vec![self.text(file, what)?]),
        }
    }

    pub(super) fn list(&self, file: &SourceFile, what: &str) -> Result<&[Node]> {
        match &self.value {
            Yaml::List(items) => Ok(items),
            _ => Err(self.wrong(file, what, "a list")),
        }
    }

    pub(super) fn map(&self, file: &SourceFile, what: &str) -> Result<&[(Key, Node)]> {
        match &self.value {
            Yaml::Map(entries) => Ok(entries),
            _ => Err(self.wrong(file, what, "a map of keys and values")),
        }
    }

    /// "`what` must be …, not …" at this place.
    pub(super) fn wrong(&self, file: &SourceFile, what: &str, expected: &str) -> Error {
        let found = match &self.value {
            Yaml::Null => "empty".to_owned(),
            Yaml::Bool(flag) => flag.to_string(),
            Yaml::Number(text) => format!("the number {text}"),
            Yaml::Text(text) => format!("the text {text:?}"),
            Yaml::List(_) => "a list".to_owned(),
            Yaml::Map(_) => "a map".to_owned(),
        };
        file.error(
            self.span.clone(),
            format!("{what} must be {expected}, not {found}"),
            &format!("expected {expected}"),
        )
    }
}

/// The entries of a map whose keys are known.
pub(super) struct Fields<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) node: &'a Node,
    /// What the map describes, as in "a column".
    what: &'a str,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// Reads a map; a key that is not among `known` is refused with the nearest that is.
    pub(super) fn read(
        file: &'a SourceFile,
        node: &'a Node,
        what: &'a str,
        known: &[&str],
    ) -> Result<Fields<'a>> {
        let entries = node.map(file, what)?;
        for (key, _) in entries {
            if !known.contains(&key.text.as_str()) {
                return Err(file
                    .error(
                        key.span.clone(),
                        format!("unknown key `{}` in {what}", key.text),
                        "not known here",
                    )
                    .hint(hint(&key.text, "known keys", known.iter().copied())));
            }
        }
        Ok(Fields {
            file,
            node,
            what,
            entries,
        })
    }

    /// The value of a key; an empty one is none.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        let (_, node) = self.entries.iter().find(|(known, _)| known.text == key)?;
        (node.value != Yaml::Null).then_some(node)
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a Node> {
        self.get(key).ok_or_else(|| {
            let message = format!("{} needs `{key}`", self.what);
            self.file.error(self.node.span.clone(), message, "of this")
        })
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        self.get(key)
            .map(|node| node.text(self.file, &format!("`{key}`")))
            .transpose()
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>> {
        match self.get(key) {
            Some(node) => node.texts(self.file, &format!("`{key}`")),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn list(&self, key: &str) -> Result<&'a [Node]> {
        match self.get(key) {
            Some(node) => node.list(self.file, &format!("`{key}`")),
            None => Ok(&[]),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::models::source::Origin;

    pub(in crate::models) fn yaml_file(text: &str) -> SourceFile {
        SourceFile {
            origin: Origin::BuiltIn("queries/marts/a.yml".into()),
            path: "marts/a.yml".into(),
            text: text.into(),
        }
    }

    fn fail(text: &str) -> String {
        let error = parse(&yaml_file(text)).unwrap_err();
        assert!(error.snippet_text().is_some());
        error.to_string()
    }

    #[test]
    fn every_part_knows_its_place() {
        let file = yaml_file("# head\na: 1\nbé:\n  - x\n  - \"2\"\n");
        let root = parse(&file).unwrap();
        let entries = root.map(&file, "it").unwrap();
        assert_eq!(&file.text[entries[0].1.span.clone()], "1");
        assert_eq!(entries[0].1.value, Yaml::Number("1".into()));
        assert_eq!(&file.text[entries[1].0.span.clone()], "bé");
        let items = entries[1].1.list(&file, "it").unwrap();
        assert_eq!(&file.text[items[1].span.clone()], "\"2\"");
        assert_eq!(items[1].value, Yaml::Text("2".into()));
    }

    #[test]
    fn scalars_keep_their_text() {
        let number = |text: &str| Yaml::Number(text.into());
        assert_eq!(scalar("149.90", true), number("149.90"));
        assert_eq!(scalar("-0.5", true), number("-0.5"));
        assert_eq!(scalar("007", true), Yaml::Text("007".into()));
        assert_eq!(scalar("2026-01-31", true), Yaml::Text("2026-01-31".into()));
        assert_eq!(scalar("1.2.3", true), Yaml::Text("1.2.3".into()));
        assert_eq!(scalar("nan", true), Yaml::Text("nan".into()));
        assert_eq!(scalar("null", true), Yaml::Null);
        assert_eq!(scalar("null", false), Yaml::Text("null".into()));
        assert_eq!(scalar("true", true), Yaml::Bool(true));
        assert_eq!(scalar("yes", true), Yaml::Text("yes".into()));
    }

    #[test]
    fn bad_yaml_is_shown() {
        assert!(fail("a: [1\nb: 2\n").contains("not valid YAML"));
        let text = fail("a: 1\na: 2\n");
        assert!(
            text.contains("`a` is given twice") && text.contains("line: 2"),
            "{text}"
        );
        assert!(fail("a: 1\n---\nb: 2\n").contains("one YAML document"));
        assert!(fail("a: &x 1\nb: *x\n").contains("aliases"));
        assert_eq!(parse(&yaml_file("")).unwrap().value, Yaml::Null);
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest() {
        let file = yaml_file("name: a\ndescripton: b\n");
        let root = parse(&file).unwrap();
        let error = Fields::read(&file, &root, "a model", &["name", "description"])
            .err()
            .unwrap();
        assert_eq!(error.message(), "unknown key `descripton` in a model");
        assert_eq!(error.hint_text(), Some("did you mean `description`?"));
        assert!(error.to_string().contains("line: 2, column: 1"));
    }
}
