//! What counts as nothing: SPEC's clean rule for ids and campaign fields.

use std::borrow::Cow;

use super::value::trim;

/// Words that mean null, in any case.
const NULL_WORDS: &[&str] = &["null", "undefined", "(not set)", "nan"];

/// Whether a trimmed text is one of the words for null.
pub fn is_null_word(text: &str) -> bool {
    NULL_WORDS
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Trims; the empty string and the words for null are null.
pub fn clean(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = trim(text);
    (!text.is_empty() && !is_null_word(&text)).then_some(text)
}

/// Cleans an id that is a number by nature: `2315275013.0`, as spreadsheets and data frames
/// write a number among nulls, reads `2315275013`.
pub fn clean_numeric(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = clean(text)?;
    let whole = match text.split_once('.') {
        Some((whole, zeros))
            if !whole.is_empty()
                && whole.bytes().all(|b| b.is_ascii_digit())
                && zeros.bytes().all(|b| b == b'0') =>
        {
            whole.len()
        }
        _ => return Some(unexponent(text)),
    };
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..whole]),
        Cow::Owned(mut text) => {
            text.truncate(whole);
            Cow::Owned(text)
        }
    })
}

/// `1.668246729e9` as `1668246729`.
fn unexponent(text: Cow<'_, str>) -> Cow<'_, str> {
    let number = text.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && text.bytes().any(|b| b == b'e' || b == b'E');
    if number && let Some(int) = super::money::Decimal::parse(&text).and_then(|d| d.integer()) {
        return Cow::Owned(int.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_in_any_case() {
        for null in [
            "",
            "  ",
            "null",
            "NULL",
            " Undefined ",
            "(not set)",
            "(Not Set)",
            "NaN",
        ] {
            assert_eq!(clean(null.into()), None, "{null:?}");
        }
        for text in [
            "(none)",
            "(direct)",
            "nullable",
            "0",
            "<Other>",
            "(data deleted)",
        ] {
            assert_eq!(clean(text.into()).as_deref(), Some(text));
        }
        assert_eq!(clean(" a ".into()).as_deref(), Some("a"));
    }

    #[test]
    fn numeric_ids_lose_a_point_zero() {
        let numeric = |text: &'static str| clean_numeric(text.into()).map(Cow::into_owned);
        assert_eq!(numeric("2315275013.0").as_deref(), Some("2315275013"));
        assert_eq!(numeric("2315275013.").as_deref(), Some("2315275013"));
        assert_eq!(numeric("1.668246729e9").as_deref(), Some("1668246729"));
        assert_eq!(numeric("2315275013.5").as_deref(), Some("2315275013.5"));
        assert_eq!(numeric("abc.0").as_deref(), Some("abc.0"));
        assert_eq!(numeric("007").as_deref(), Some("007"));
        assert_eq!(numeric("1e5x").as_deref(), Some("1e5x"));
    }
}
