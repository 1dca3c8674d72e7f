//! Cleaning of one event, the reading of money and of time stamps.

use chrono::DateTime;

use super::event::{Event, TEXTS};

/// Texts that stand for nothing in ids and campaign fields.
const NOTHING: [&str; 5] = ["", "null", "undefined", "(not set)", "nan"];

/// Fields in which only the empty text is nothing.
const PLAIN: [&str; 6] = [
    "event_name",
    "page_location",
    "page_referrer",
    "value",
    "purchase_revenue",
    "currency",
];

/// The clean event, or `None` where it has no usable time, name or user.
pub fn event(raw: &Event) -> Option<Event> {
    let mut event = raw.clone();
    for name in TEXTS {
        let field = event.text_mut(name).expect("a text field");
        *field = field
            .take()
            .map(|text| text.trim().to_owned())
            .filter(|text| {
                if PLAIN.contains(name) {
                    !text.is_empty()
                } else {
                    !is_nothing(text)
                }
            });
    }
    event.ga_session_id = event.ga_session_id.map(|id| {
        let whole = id
            .strip_suffix(".0")
            .filter(|id| id.bytes().all(|b| b.is_ascii_digit()));
        whole.map_or(id.clone(), str::to_owned)
    });
    event.currency = event.currency.map(|currency| currency.to_uppercase());
    event.params = std::mem::take(&mut event.params)
        .into_iter()
        .map(|(key, text)| (key, text.trim().to_owned()))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    let has_user = event.user_id.is_some() || event.user_pseudo_id.is_some();
    (has_user && event.event_timestamp.is_some() && event.event_name.is_some()).then_some(event)
}

pub fn is_nothing(text: &str) -> bool {
    NOTHING.contains(&text.trim())
}

/// Money as written: billionths, or nothing where the text is no number.
pub fn money(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !digits.is_empty()
        && (!whole.is_empty() || !fraction.is_empty())
        && whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit());
    if !is_number || fraction.len() > 9 || whole.len() > 20 {
        return None;
    }
    let billionths: i128 = format!("{whole}{fraction:0<9}").parse().ok()?;
    Some(sign * billionths)
}

/// The shortest plain decimal of so many billionths: `12.5`, `0`, `-3`.
pub fn money_text(billionths: i128) -> String {
    let sign = if billionths < 0 { "-" } else { "" };
    let size = billionths.unsigned_abs();
    let text = format!("{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Microseconds of a time stamp in seconds, milliseconds or microseconds since the epoch
/// (between 2001-09-09 and 2100), or in RFC 3339.
pub fn timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        let within = |unit: i64| (1_000_000_000 * unit..4_102_444_800 * unit).contains(&number);
        return [(1, 1_000_000), (1_000, 1_000), (1_000_000, 1)]
            .into_iter()
            .find(|(unit, _)| within(*unit))
            .map(|(_, factor)| number * factor);
    }
    Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros())
}
