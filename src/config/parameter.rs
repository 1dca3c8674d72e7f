//! A value that SQL can use as `$name`.

/// The value of a query parameter.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Parameter {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<String>),
}

impl Parameter {
    /// The parameter that a TOML value stands for: text, a whole number, a finite number,
    /// true or false, a list of text. A date is text. On anything else, what was expected.
    pub fn from_toml(value: &toml::Value) -> Result<Parameter, &'static str> {
        Ok(match value {
            toml::Value::String(text) => Parameter::Text(text.clone()),
            toml::Value::Integer(number) => Parameter::Int(*number),
            toml::Value::Float(number) if number.is_finite() => Parameter::Float(*number),
            toml::Value::Float(_) => return Err("a finite number"),
            toml::Value::Boolean(flag) => Parameter::Bool(*flag),
            toml::Value::Datetime(time) => Parameter::Text(time.to_string()),
            toml::Value::Array(items) => Parameter::List(
                items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned).ok_or("a list of text"))
                    .collect::<Result<_, _>>()?,
            ),
            toml::Value::Table(_) => {
                return Err("text, a number, true, false or a list of text");
            }
        })
    }

    /// The parameter that a text without a type stands for, as on the command line: what
    /// TOML would read it as, or else the text itself (`7` is a number, `abc` is text).
    pub fn guess(text: &str) -> Parameter {
        text.parse::<toml::Value>()
            .ok()
            .and_then(|value| Parameter::from_toml(&value).ok())
            .unwrap_or_else(|| Parameter::Text(text.to_owned()))
    }
}

/// Whether `name` can stand after `$` in SQL: letters, digits and `_`, no digit first.
pub fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_the_type_of_a_text() {
        assert_eq!(Parameter::guess("7"), Parameter::Int(7));
        assert_eq!(Parameter::guess("0.5"), Parameter::Float(0.5));
        assert_eq!(Parameter::guess("true"), Parameter::Bool(true));
        assert_eq!(
            Parameter::guess("abc def"),
            Parameter::Text("abc def".into())
        );
        assert_eq!(Parameter::guess("\"7\""), Parameter::Text("7".into()));
        assert_eq!(Parameter::guess("nan"), Parameter::Text("nan".into()));
        assert_eq!(
            Parameter::guess("2026-01-31"),
            Parameter::Text("2026-01-31".into())
        );
        assert_eq!(
            Parameter::guess(r#"["a", "b"]"#),
            Parameter::List(vec!["a".into(), "b".into()])
        );
    }

    #[test]
    fn knows_names() {
        assert!(is_name("lookback_days"));
        assert!(!is_name("7days"));
        assert!(!is_name("a-b"));
        assert!(!is_name(""));
    }
}
