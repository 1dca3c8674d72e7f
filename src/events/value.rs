//! A value as a source gave it, and its canonical text.

use std::borrow::Cow;

/// A value of a field or a param, before it is cleaned.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Text(Cow<'a, str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Canonical JSON text of an array or object, see `json.rs`.
    Json(String),
}

impl<'a> Value<'a> {
    /// A number as it is written in JSON. One with more digits than a double holds for sure
    /// stays text, so that `31733645.3711323316` is not bent.
    pub fn number(text: Cow<'a, str>) -> Self {
        if let Ok(int) = text.parse::<i64>() {
            return Value::Int(int);
        }
        let (digits, exponent) = significant_digits(&text);
        match text.parse::<f64>() {
            Ok(float) if digits <= EXACT_DIGITS || exponent => Value::Float(float),
            _ => Value::Text(text),
        }
    }

    /// The canonical text: whole numbers in decimals, doubles in their shortest text, text
    /// trimmed. Empty text is null.
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Value::Null => None,
            Value::Text(text) => {
                let text = trim(text);
                (!text.is_empty()).then_some(text)
            }
            Value::Int(int) => Some(int.to_string().into()),
            Value::Float(float) => Some(float_text(float).into()),
            Value::Bool(bool) => Some(if bool { "true" } else { "false" }.into()),
            Value::Json(json) => Some(json.into()),
        }
    }

    /// The same value, holding on to nothing.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Int(int) => Value::Int(int),
            Value::Float(float) => Value::Float(float),
            Value::Bool(bool) => Value::Bool(bool),
            Value::Json(json) => Value::Json(json),
        }
    }
}

/// Decimal digits that any double keeps.
const EXACT_DIGITS: usize = 15;

/// How many significant digits a number's text has, and whether it has an exponent.
fn significant_digits(text: &str) -> (usize, bool) {
    let mut digits = 0;
    for byte in text.bytes() {
        match byte {
            b'0' if digits == 0 => {}
            b'0'..=b'9' => digits += 1,
            b'e' | b'E' => return (digits, true),
            _ => {}
        }
    }
    (digits, false)
}

/// The shortest decimal text that reads as the same double: `138` for `138.0`.
pub fn float_text(float: f64) -> String {
    let size = float.abs();
    if float.is_nan() {
        "NaN".to_owned()
    } else if float.is_infinite() {
        if float > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if size == 0.0 {
        "0".to_owned()
    } else if (1e-7..1e21).contains(&size) {
        float.to_string()
    } else {
        format!("{float:e}")
    }
}

/// Trims without copying where that can be.
pub fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => {
            let trimmed = text.trim();
            if trimmed.len() == text.len() {
                Cow::Owned(text)
            } else {
                Cow::Owned(trimmed.to_owned())
            }
        }
    }
}

/// The length of the JSON number at the start of `bytes`, if there is one.
pub fn scan_number(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        bytes[from.min(bytes.len())..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 {
        return None;
    }
    // No leading zeros: `007` is no number.
    at += if bytes[at] == b'0' { 1 } else { whole };
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

/// For identities only: a text that reads as a finite number of at most 15 significant
/// digits in that number's canonical text, so that the text `138.0` of a CSV file and the
/// double 138.0 of a Parquet file are the same param. Any other text as it is.
pub fn fold(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let may_be_number = matches!(bytes.first(), Some(b'-' | b'0'..=b'9'));
    if !may_be_number || scan_number(bytes) != Some(bytes.len()) {
        return Cow::Borrowed(text);
    }
    if bytes.iter().all(u8::is_ascii_digit) {
        return Cow::Borrowed(text);
    }
    if significant_digits(text).0 > EXACT_DIGITS {
        return Cow::Borrowed(text);
    }
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => Cow::Owned(float_text(float)),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_text() {
        let text = |value: Value<'static>| value.into_text().map(Cow::into_owned);
        assert_eq!(text(Value::Float(138.0)).as_deref(), Some("138"));
        assert_eq!(text(Value::Float(-0.0)).as_deref(), Some("0"));
        assert_eq!(text(Value::Float(0.1)).as_deref(), Some("0.1"));
        assert_eq!(text(Value::Float(f64::NAN)).as_deref(), Some("NaN"));
        assert_eq!(text(Value::Int(-3)).as_deref(), Some("-3"));
        assert_eq!(text(Value::Text("  a b ".into())).as_deref(), Some("a b"));
        assert_eq!(text(Value::Text("  ".into())), None);
    }

    #[test]
    fn long_json_numbers_keep_their_digits() {
        assert_eq!(Value::number("12".into()), Value::Int(12));
        assert_eq!(Value::number("138.0".into()), Value::Float(138.0));
        assert_eq!(Value::number("1e3".into()), Value::Float(1000.0));
        assert_eq!(
            Value::number("31733645.3711323316".into()),
            Value::Text("31733645.3711323316".into())
        );
        assert_eq!(
            Value::number("18446744073709551616".into()),
            Value::Text("18446744073709551616".into())
        );
    }

    #[test]
    fn folds_only_what_a_double_would_print() {
        assert_eq!(fold("138.0"), "138");
        assert_eq!(fold("-0.50"), "-0.5");
        assert_eq!(fold("1e3"), "1000");
        for kept in [
            "007",
            "+7",
            "1.",
            ".5",
            "abc",
            "1_000",
            "31733645.3711323316",
            "",
            "-",
            "1e",
        ] {
            assert_eq!(fold(kept), kept);
        }
    }
}
