//! Flat CSV and newline-delimited flat JSON as events, before cleaning.

use serde_json::Value;

use super::clean::timestamp;
use super::event::Event;

/// Names that extracts use for the fields of `collected_traffic_source`.
const COLLECTED: [(&str, &str); 5] = [
    ("collected_traffic_source_manual_source", "collected_source"),
    ("collected_traffic_source_manual_medium", "collected_medium"),
    (
        "collected_traffic_source_manual_campaign_name",
        "collected_campaign",
    ),
    (
        "collected_traffic_source_manual_content",
        "collected_content",
    ),
    ("collected_traffic_source_manual_term", "collected_term"),
];

/// Columns that the export has and the reference has no use for. They are no params.
const IGNORED: &[&str] = &[
    "event_date",
    "ga_session_number",
    "page_title",
    "platform",
    "device_category",
    "geo_country",
    "traffic_source_source",
    "traffic_source_medium",
    "traffic_source_name",
];

pub fn csv(text: &str) -> Vec<Event> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().expect("has a header").clone();
    reader
        .records()
        .map(|record| {
            let record = record.expect("is CSV");
            flat(
                header
                    .iter()
                    .zip(record.iter())
                    .map(|(key, text)| (key, text.to_owned())),
            )
        })
        .collect()
}

pub fn ndjson(text: &str) -> Vec<Event> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let row: serde_json::Map<String, Value> =
                serde_json::from_str(line).expect("is JSON");
            flat(row.iter().filter_map(|(key, value)| {
                let text = match value {
                    Value::Null => return None,
                    Value::String(text) => text.clone(),
                    // Without an exponent, however small.
                    Value::Number(number) if number.is_f64() => {
                        number.as_f64().map(|float| float.to_string())?
                    }
                    other => other.to_string(),
                };
                Some((key.as_str(), text))
            }))
        })
        .collect()
}

fn flat<'a>(fields: impl Iterator<Item = (&'a str, String)>) -> Event {
    let mut event = Event::default();
    for (key, text) in fields.filter(|(_, text)| !text.is_empty()) {
        let name = COLLECTED
            .iter()
            .find(|(long, _)| *long == key)
            .map_or(key, |(_, name)| name);
        if name == "event_timestamp" {
            event.event_timestamp = timestamp(&text);
        } else if let Some(field) = event.integer_mut(name) {
            *field = Some(text.trim().parse().expect("a whole number"));
        } else if let Some(field) = event.text_mut(name) {
            *field = Some(text);
        } else if !IGNORED.contains(&name) {
            event.params.insert(name.to_owned(), text);
        }
    }
    event
}
