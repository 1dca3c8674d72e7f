//! Which of the input shapes a file has, told by its content.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The shapes that events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// GA4 BigQuery export rows as Parquet.
    Ga4Parquet,
    /// GA4 BigQuery export rows as JSON, nested.
    Ga4Ndjson,
    /// One column a field.
    FlatCsv,
    /// One JSON object an event, one member a field.
    FlatNdjson,
    /// Bodies of GA4 Measurement Protocol requests.
    MeasurementProtocol,
}

impl Format {
    pub const ALL: [Format; 5] = [
        Format::Ga4Parquet,
        Format::Ga4Ndjson,
        Format::FlatCsv,
        Format::FlatNdjson,
        Format::MeasurementProtocol,
    ];

    /// The name, as in `--format` and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Format::Ga4Parquet => "ga4_parquet",
            Format::Ga4Ndjson => "ga4_ndjson",
            Format::FlatCsv => "flat_csv",
            Format::FlatNdjson => "flat_ndjson",
            Format::MeasurementProtocol => "measurement_protocol",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Format> {
        Format::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
                Error::config(format!("`{name}` is no input format"))
                    .hint(format!("the formats are {}", names.join(", ")))
            })
    }
}

/// Tells the format of text by its beginning.
pub(crate) fn detect(head: &[u8]) -> Format {
    let start = head
        .iter()
        .position(|b| !b.is_ascii_whitespace())
        .unwrap_or(0);
    if !matches!(head.get(start), Some(b'{' | b'[')) {
        return Format::FlatCsv;
    }
    let members = first_object_members(&head[start..]);
    let has = |names: &[&str], opens: u8| {
        members
            .iter()
            .any(|(name, first)| *first == opens && names.contains(&name.as_str()))
    };
    if has(&["events"], b'[') && !members.iter().any(|(name, _)| name == "event_name") {
        return Format::MeasurementProtocol;
    }
    let nested = [
        "device",
        "geo",
        "traffic_source",
        "collected_traffic_source",
        "ecommerce",
    ];
    if has(&["event_params", "user_properties"], b'[') || has(&nested, b'{') {
        return Format::Ga4Ndjson;
    }
    Format::FlatNdjson
}

/// Names of the members of the first object, each with the first byte of its value. The text
/// may end anywhere.
fn first_object_members(text: &[u8]) -> Vec<(String, u8)> {
    let mut members = Vec::new();
    let Some(open) = text.iter().position(|&b| b == b'{') else {
        return members;
    };
    let (mut depth, mut at) = (0usize, open);
    let mut name: Option<String> = None;
    let mut wants_value = false;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte.is_ascii_whitespace() {
            continue;
        }
        if depth == 1 && wants_value {
            if let Some(name) = name.take() {
                members.push((name, byte));
            }
            wants_value = false;
        }
        match byte {
            b'"' => {
                let start = at;
                while let Some(&inside) = text.get(at) {
                    match inside {
                        b'"' => break,
                        b'\\' => at += 2,
                        _ => at += 1,
                    }
                }
                let end = at.min(text.len());
                at += 1;
                if depth == 1 {
                    name = Some(String::from_utf8_lossy(&text[start..end]).into_owned());
                }
            }
            b':' if depth == 1 => wants_value = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_formats() {
        for format in Format::ALL {
            assert_eq!(
                format.to_string().parse::<Format>().expect("a format"),
                format
            );
        }
        assert!("csv".parse::<Format>().is_err());
    }

    #[test]
    fn tells_shapes_by_their_first_object() {
        let cases = [
            ("event_name,event_timestamp\n", Format::FlatCsv),
            (
                r#"{"event_name":"a","event_params":[{"key":"k"}]}"#,
                Format::Ga4Ndjson,
            ),
            (
                r#"{"event_name":"a","device":{"category":"x"}}"#,
                Format::Ga4Ndjson,
            ),
            (
                r#"{"event_name":"a","source":"device"}"#,
                Format::FlatNdjson,
            ),
            (
                r#"{"event_name":"a","event_params":"["}"#,
                Format::FlatNdjson,
            ),
            (
                r#"{"client_id":"1","events":[{"name":"a"}]}"#,
                Format::MeasurementProtocol,
            ),
            (
                r#"{"events":[{"name":"a\"}"}],"client_id":"1"}"#,
                Format::MeasurementProtocol,
            ),
            (
                "{\n  \"client_id\": \"1\",\n  \"events\" : [",
                Format::MeasurementProtocol,
            ),
            (r#" [{"event_name":"a","geo":{"#, Format::Ga4Ndjson),
            (
                r#"{"event_name":"a","x":{"events":[],"client_id":1}}"#,
                Format::FlatNdjson,
            ),
            ("{", Format::FlatNdjson),
            ("{\"a\\", Format::FlatNdjson),
        ];
        for (text, format) in cases {
            assert_eq!(detect(text.as_bytes()), format, "{text}");
        }
    }
}
