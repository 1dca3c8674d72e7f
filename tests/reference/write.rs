//! The same events as flat CSV and as newline-delimited flat JSON.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::event::{Event, INTEGERS, TEXTS};

/// Columns that every flat file has, used or not.
const ALWAYS: [&str; 3] = ["event_name", "user_id", "user_pseudo_id"];

pub fn csv(events: &[Event]) -> String {
    let is_used = |name: &str| {
        ALWAYS.contains(&name)
            || events
                .iter()
                .any(|e| e.text(name).is_some() || e.integer(name).is_some())
    };
    let integers: Vec<&str> = INTEGERS
        .iter()
        .copied()
        .filter(|name| is_used(name))
        .collect();
    let texts: Vec<&str> = TEXTS.iter().copied().filter(|name| is_used(name)).collect();
    let params: BTreeSet<&str> = events
        .iter()
        .flat_map(|event| event.params.keys().map(String::as_str))
        .collect();

    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = ["event_timestamp"]
        .into_iter()
        .chain(integers.iter().copied());
    let header = header
        .chain(texts.iter().map(|name| column(name)))
        .chain(params.iter().copied());
    writer.write_record(header).expect("writes to memory");
    for event in events {
        let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mut row = vec![number(event.event_timestamp)];
        row.extend(integers.iter().map(|name| number(event.integer(name))));
        row.extend(texts.iter().map(|name| text(event.text(name))));
        row.extend(
            params
                .iter()
                .map(|name| text(event.params.get(*name).map(String::as_str))),
        );
        writer.write_record(row).expect("writes to memory");
    }
    String::from_utf8(writer.into_inner().expect("writes to memory")).expect("is UTF-8")
}

/// Numbers are JSON numbers where a flat file of a shop would have them so: time, batch and
/// money; ids stay texts.
pub fn flat_ndjson(events: &[Event]) -> String {
    let mut lines = String::new();
    for event in events {
        let mut row = Map::new();
        if let Some(micros) = event.event_timestamp {
            row.insert("event_timestamp".into(), micros.into());
        }
        for name in INTEGERS {
            if let Some(number) = event.integer(name) {
                row.insert((*name).into(), number.into());
            }
        }
        for name in TEXTS {
            let Some(text) = event.text(name) else {
                continue;
            };
            let is_money = ["value", "purchase_revenue"].contains(name);
            let value = if is_money { number(text) } else { text.into() };
            row.insert(column(name).into(), value);
        }
        for (key, text) in &event.params {
            row.insert(key.clone(), text.as_str().into());
        }
        lines.push_str(&Value::Object(row).to_string());
        lines.push('\n');
    }
    lines
}

/// A JSON number where the text is one, else the text.
pub fn number(text: &str) -> Value {
    serde_json::from_str(text)
        .ok()
        .filter(Value::is_number)
        .unwrap_or_else(|| text.into())
}

/// The name by which flat extracts call a field.
fn column(field: &'static str) -> &'static str {
    match field {
        "collected_source" => "collected_traffic_source_manual_source",
        "collected_medium" => "collected_traffic_source_manual_medium",
        "collected_campaign" => "collected_traffic_source_manual_campaign_name",
        "collected_content" => "collected_traffic_source_manual_content",
        "collected_term" => "collected_traffic_source_manual_term",
        other => other,
    }
}
