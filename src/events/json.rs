//! A small JSON parser that borrows text and keeps numbers as they are written, and a
//! canonical form of JSON text.
//!
//! Ids are at times written as JSON numbers of more digits than a double holds
//! (`31733645.3711323316`), so numbers must not pass through one.

use std::borrow::Cow;

use super::value::{Value, scan_number};

/// A JSON value that borrows from its text where it can.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// Members in the order of the text, repeated names included.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Nesting allowed, as in serde_json.
const MAX_DEPTH: usize = 128;

impl<'a> Json<'a> {
    /// Parses one JSON value with nothing but white space around it.
    ///
    /// # Errors
    /// What is wrong and at which byte (from 1) of the text.
    pub fn parse(text: &'a str) -> Result<Json<'a>, String> {
        let mut parser = Parser { text, at: 0 };
        let result = parser.value(0).and_then(|value| {
            parser.space();
            if parser.at < text.len() {
                Err("more text after the JSON value")
            } else {
                Ok(value)
            }
        });
        result.map_err(|what| format!("{what} at byte {}", parser.at + 1))
    }

    /// The value as a field or a param takes it; arrays and objects as canonical JSON text.
    pub fn into_value(self) -> Value<'a> {
        match self {
            Json::Null => Value::Null,
            Json::Bool(bool) => Value::Bool(bool),
            Json::Number(number) => Value::number(number),
            Json::Text(text) => Value::Text(text),
            Json::Array(_) | Json::Object(_) => match self.canonical() {
                Some(text) => Value::Json(text),
                None => Value::Null,
            },
        }
    }

    /// The member or element at a path of names and array positions.
    pub fn at(&self, path: &[String]) -> Option<&Json<'a>> {
        path.iter().try_fold(self, |json, step| match json {
            Json::Object(members) => members
                .iter()
                .find(|(name, _)| name == step)
                .map(|(_, member)| member),
            Json::Array(elements) => elements.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// JSON text in one form for equal content: members sorted by name, nulls and empty arrays
    /// and objects left out, numbers in their shortest text. Members that GA4 exports as numbers
    /// are numbers even where a BigQuery JSON export quotes them. Nothing for empty content.
    pub fn canonical(&self) -> Option<String> {
        let mut out = String::new();
        self.write(&mut out, false).then_some(out)
    }

    /// Writes the canonical text and says whether there was anything to write.
    fn write(&self, out: &mut String, numeric: bool) -> bool {
        match self {
            Json::Null => return false,
            Json::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Json::Number(number) => write_number(number, out),
            Json::Text(text) => {
                let number = text.as_bytes();
                if numeric && scan_number(number) == Some(number.len()) {
                    write_number(text, out);
                } else {
                    write_text(text, out);
                }
            }
            Json::Array(elements) => {
                let start = out.len();
                out.push('[');
                for element in elements {
                    let before = out.len();
                    if before > start + 1 {
                        out.push(',');
                    }
                    if !element.write(out, numeric) {
                        out.truncate(before);
                    }
                }
                if out.len() == start + 1 {
                    out.truncate(start);
                    return false;
                }
                out.push(']');
            }
            Json::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by(|a, b| a.0.cmp(&b.0));
                members.dedup_by(|a, b| a.0 == b.0);
                let start = out.len();
                out.push('{');
                for (name, member) in members {
                    let before = out.len();
                    if before > start + 1 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    if !member.write(out, NUMERIC_MEMBERS.contains(&name.as_ref())) {
                        out.truncate(before);
                    }
                }
                if out.len() == start + 1 {
                    out.truncate(start);
                    return false;
                }
                out.push('}');
            }
        }
        true
    }
}

/// Members of items and params that are numbers in the export's schema.
const NUMERIC_MEMBERS: &[&str] = &[
    "price",
    "price_in_usd",
    "quantity",
    "item_revenue",
    "item_revenue_in_usd",
    "item_refund",
    "item_refund_in_usd",
    "discount",
    "int_value",
    "float_value",
    "double_value",
];

fn write_number(number: &str, out: &mut String) {
    match Value::number(Cow::Borrowed(number)).into_text() {
        Some(text) if text != "NaN" && !text.ends_with("Infinity") => out.push_str(&text),
        _ => write_text(number, out),
    }
}

/// Writes a JSON string with the escapes that it needs.
pub fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", control as u32));
            }
            char => out.push(char),
        }
    }
    out.push('"');
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

type Parsed<T> = Result<T, &'static str>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Parsed<Json<'a>> {
        if depth > MAX_DEPTH {
            return Err("nesting deeper than 128");
        }
        self.space();
        match self.peek() {
            None => Err("the JSON value is cut off"),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => {
                let rest = &self.text[self.at..];
                let length = scan_number(rest.as_bytes()).ok_or("not a number")?;
                self.at += length;
                Ok(Json::Number(Cow::Borrowed(&rest[..length])))
            }
            Some(_) => {
                for (word, value) in [
                    ("null", Json::Null),
                    ("true", Json::Bool(true)),
                    ("false", Json::Bool(false)),
                    // Not JSON, but what Python and pandas write.
                    ("NaN", Json::Text(Cow::Borrowed("NaN"))),
                ] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err("not a JSON value")
            }
        }
    }

    fn object(&mut self, depth: usize) -> Parsed<Json<'a>> {
        let mut members = Vec::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err("a member's name in quotes is missing");
            }
            let name = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err("a `:` is missing");
            }
            self.at += 1;
            let member = self.value(depth + 1)?;
            members.push((name, member));
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(members));
                }
                Some(_) => return Err("a `,` or `}` is missing"),
                None => return Err("the JSON object is cut off"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Parsed<Json<'a>> {
        let mut elements = Vec::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(elements));
                }
                Some(_) => return Err("a `,` or `]` is missing"),
                None => return Err("the JSON array is cut off"),
            }
        }
    }

    /// Reads a string, borrowed if it has no escapes. `at` stands on the opening quote.
    fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let mut copied: Option<String> = None;
        let mut from = start;
        loop {
            match self.peek() {
                None => return Err("the JSON string is cut off"),
                Some(b'"') => {
                    let rest = &self.text[from..self.at];
                    self.at += 1;
                    return Ok(match copied {
                        None => Cow::Borrowed(rest),
                        Some(mut text) => {
                            text.push_str(rest);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = copied.get_or_insert_default();
                    text.push_str(&self.text[from..self.at]);
                    self.at += 1;
                    let char = self.escape()?;
                    copied.get_or_insert_default().push(char);
                    from = self.at;
                }
                Some(byte) if byte < 0x20 => {
                    return Err("a control character in a JSON string");
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// Reads what follows a backslash. Half of a surrogate pair reads as U+FFFD.
    fn escape(&mut self) -> Parsed<char> {
        let escape = self.peek().ok_or("the JSON string is cut off")?;
        self.at += 1;
        Ok(match escape {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex()?;
                let pair = (0xD800..0xDC00).contains(&unit)
                    && self.text.as_bytes()[self.at..].starts_with(b"\\u");
                if !pair {
                    return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                let back = self.at;
                self.at += 2;
                let low = self.hex()?;
                if !(0xDC00..0xE000).contains(&low) {
                    self.at = back;
                    return Ok(char::REPLACEMENT_CHARACTER);
                }
                let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err("an unknown escape in a JSON string"),
        })
    }

    fn hex(&mut self) -> Parsed<u32> {
        let digits = self
            .text
            .as_bytes()
            .get(self.at..self.at + 4)
            .ok_or("the escape is cut off")?;
        let mut unit = 0;
        for &digit in digits {
            let digit = char::from(digit)
                .to_digit(16)
                .ok_or("a `\\u` escape without four digits")?;
            unit = unit * 16 + digit;
        }
        self.at += 4;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_serde_json() {
        for text in [
            r#"{"a":1,"b":[true,false,null,"x\n\"\\\/\u00e9\ud83d\ude00"],"c":{},"d":-1.5e3}"#,
            " [ 1 , 2 ] ",
            "\"é\"",
            "0",
        ] {
            let ours = Json::parse(text).expect(text);
            let theirs: serde_json::Value = serde_json::from_str(text).expect(text);
            assert_eq!(as_serde(&ours), theirs, "{text}");
        }
        for wrong in [
            "",
            "{",
            "[1,",
            "{\"a\"}",
            "{a:1}",
            "01",
            "1.",
            "\"\\x\"",
            "\"a",
            "[1]]",
            "nul",
            "{\"a\":1,}",
            "\"\u{1}\"",
            "\"\\u12\"",
            "'a'",
            "\"\\u12é\"",
        ] {
            assert!(Json::parse(wrong).is_err(), "{wrong}");
            assert!(
                serde_json::from_str::<serde_json::Value>(wrong).is_err(),
                "{wrong}"
            );
        }
        assert!(Json::parse(&"[".repeat(100_000)).is_err());
    }

    fn as_serde(json: &Json<'_>) -> serde_json::Value {
        match json {
            Json::Null => serde_json::Value::Null,
            Json::Bool(bool) => (*bool).into(),
            Json::Number(number) => serde_json::from_str(number).expect("a number"),
            Json::Text(text) => text.as_ref().into(),
            Json::Array(elements) => elements.iter().map(as_serde).collect(),
            Json::Object(members) => serde_json::Value::Object(
                members
                    .iter()
                    .map(|(k, v)| (k.to_string(), as_serde(v)))
                    .collect(),
            ),
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_a_replacement() {
        assert_eq!(
            Json::parse(r#""\ud83dx""#),
            Ok(Json::Text("\u{fffd}x".into()))
        );
    }

    #[test]
    fn canonical_text_is_the_same_for_the_same_items() {
        let export =
            r#"[{"quantity":"2","price":20.0,"item_id":"7","coupon":null,"item_params":[]}]"#;
        let columnar = r#"[{"item_id":"7","item_params":null,"price":20,"quantity":2}]"#;
        let canonical = |text: &str| Json::parse(text).ok().and_then(|json| json.canonical());
        assert_eq!(
            canonical(export).as_deref(),
            Some(r#"[{"item_id":"7","price":20,"quantity":2}]"#)
        );
        assert_eq!(canonical(export), canonical(columnar));
        assert_eq!(canonical("[]"), None);
        assert_eq!(canonical(r#"[{"a":{"b":[null]}}]"#), None);
        assert_eq!(canonical(r#"[1,{},2]"#).as_deref(), Some("[1,2]"));
    }

    #[test]
    fn finds_members_by_path() {
        let json = Json::parse(r#"{"user":{"ids":["a","b"]}}"#).expect("valid");
        let path = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(json.at(&path("user.ids.1")), Some(&Json::Text("b".into())));
        assert_eq!(json.at(&path("user.name")), None);
    }
}
