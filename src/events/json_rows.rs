//! Reads events as JSON objects: flat, one member a field, or GA4 BigQuery export rows with
//! nested params.
//!
//! Nested objects are read as columns with dots in their names (`device.category`). In a flat
//! file, members of unknown names are event params; in an export they are left out, as they
//! are from Parquet.

use std::borrow::Cow;
use std::io::BufRead;
use std::ops::Range;
use std::sync::Arc;

use super::aliases::Known;
use super::chunk::{Chunk, Chunks};
use super::decode::read_error;
use super::detect::Format;
use super::event::Event;
use super::frames::{Frame, Frames, Framing};
use super::json::Json;
use super::layout::{Layout, Target, Unknown, apply_pairs};
use super::mapping::Fields;
use super::output::Output;
use super::reject::{Rejection, reason};
use super::{MAX_RECORD_BYTES, ReadOptions, measurement_protocol};
use crate::Result;

/// What the records of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Records {
    /// One member a field.
    Flat,
    /// Rows of the BigQuery export.
    Export,
    /// Bodies of Measurement Protocol requests.
    Bodies,
}

/// A file of JSON: lines, values, or one array of them.
pub(crate) struct JsonChunks {
    records: Records,
    fields: Arc<Fields>,
    frames: Frames<Box<dyn BufRead + Send>>,
}

impl JsonChunks {
    pub(crate) fn new(
        reader: Box<dyn BufRead + Send>,
        head: &[u8],
        records: Records,
        options: &ReadOptions,
    ) -> Self {
        JsonChunks {
            records,
            fields: Arc::new(options.fields.clone()),
            frames: Frames::new(reader, Framing::detect(head)),
        }
    }
}

/// Bytes of a chunk, about.
const CHUNK_BYTES: usize = 2 << 20;

/// Some records, cut apart.
struct JsonChunk {
    records: Records,
    fields: Arc<Fields>,
    bytes: Vec<u8>,
    /// The line, the state and the bytes of each.
    frames: Vec<(u64, Frame, Range<usize>)>,
}

impl Chunks for JsonChunks {
    fn format(&self) -> Format {
        match self.records {
            Records::Flat => Format::FlatNdjson,
            Records::Export => Format::Ga4Ndjson,
            Records::Bodies => Format::MeasurementProtocol,
        }
    }

    fn next(&mut self, name: &str) -> Result<Option<Box<dyn Chunk>>> {
        let mut chunk = JsonChunk {
            records: self.records,
            fields: Arc::clone(&self.fields),
            bytes: Vec::new(),
            frames: Vec::new(),
        };
        while chunk.bytes.len() < CHUNK_BYTES {
            let Some((line, frame)) = self.frames.next().map_err(|e| read_error(name, e))?
            else {
                break;
            };
            let start = chunk.bytes.len();
            chunk.bytes.extend_from_slice(self.frames.bytes());
            chunk.frames.push((line, frame, start..chunk.bytes.len()));
        }
        let is_empty = chunk.frames.is_empty();
        Ok((!is_empty).then(|| Box::new(chunk) as Box<dyn Chunk>))
    }
}

impl Chunk for JsonChunk {
    fn read(&self, output: &mut Output<'_>) -> Result<()> {
        let unknown = match self.records {
            Records::Flat => Unknown::Param,
            Records::Export | Records::Bodies => Unknown::Ignore,
        };
        let layout = Layout::new(&self.fields, unknown);
        for (line, frame, range) in &self.frames {
            let bytes = &self.bytes[range.clone()];
            match whole_text(*frame, bytes) {
                Ok(text) if self.records == Records::Bodies => {
                    measurement_protocol::read(&layout, *line, text, output)?;
                }
                Ok(text) => read_object(&layout, *line, text, output)?,
                Err(rejection) => {
                    let raw = || String::from_utf8_lossy(bytes).trim().to_owned();
                    output.reject(*line, rejection, raw)?;
                }
            }
        }
        output.params(layout.param_columns());
        Ok(())
    }
}

/// The text of a record that is text at all.
fn whole_text(frame: Frame, bytes: &[u8]) -> Result<&str, Rejection> {
    match (frame, std::str::from_utf8(bytes)) {
        (Frame::Whole, Ok(text)) => Ok(text),
        (Frame::Whole, Err(e)) => Err(Rejection::new(
            reason::INVALID_UTF8,
            format!("byte {} of the record is no UTF-8", e.valid_up_to() + 1),
        )),
        (Frame::Broken, _) => Err(Rejection::new(
            reason::BAD_JSON,
            "the record is no whole JSON object",
        )),
        (Frame::TooLarge, _) => Err(Rejection::new(
            reason::TOO_LARGE,
            format!("the record is longer than {} MiB", MAX_RECORD_BYTES >> 20),
        )),
    }
}

/// One event, flat or nested.
fn read_object(layout: &Layout, line: u64, text: &str, output: &mut Output<'_>) -> Result<()> {
    let members = match object(text) {
        Ok(members) => members,
        Err(rejection) => return output.reject(line, rejection, || text.trim().to_owned()),
    };
    let mut event = layout.start();
    for (name, member) in members {
        apply(layout, &mut event, name, member);
    }
    output.event(&mut event, line, || text.trim().to_owned())
}

/// A JSON object's members in order.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// Parses a record that must be an object.
pub(crate) fn object(text: &str) -> Result<Members<'_>, Rejection> {
    match Json::parse(text) {
        Ok(Json::Object(members)) => Ok(members),
        Ok(_) => Err(Rejection::new(
            reason::BAD_JSON,
            "the record is no JSON object",
        )),
        Err(what) => Err(Rejection::new(reason::BAD_JSON, what)),
    }
}

/// Gives the event one member; `name` is its path, with dots.
pub(crate) fn apply<'a>(
    layout: &Layout,
    event: &mut Event<'a>,
    name: Cow<'a, str>,
    member: Json<'a>,
) {
    if member == Json::Null {
        if let target @ Target::Mapped(_) = layout.target(&name) {
            give(layout, event, target, name, Json::Null);
        }
        return;
    }
    let target = layout.target(&name);
    match (target, member) {
        (Target::Mapped(group), member) => layout.apply_mapped_json(event, group, member),
        (
            Target::Known(Known::Params | Known::UserProperties),
            member @ (Json::Array(_) | Json::Object(_)),
        ) => {
            let user = target == Target::Known(Known::UserProperties);
            apply_pairs(event, user, member);
        }
        // An object under a known name that is not of a field for objects is looked into.
        (Target::Known(known), Json::Object(members))
            if !matches!(known, Known::Param(_) | Known::UserProperty(_)) =>
        {
            for (inner, member) in members {
                apply(layout, event, Cow::Owned(format!("{name}.{inner}")), member);
            }
        }
        (target, member) => give(layout, event, target, name, member),
    }
}

fn give<'a>(
    layout: &Layout,
    event: &mut Event<'a>,
    target: Target,
    name: Cow<'a, str>,
    member: Json<'a>,
) {
    if target == Target::Known(Known::Unknown) && !layout.note_param(&name) {
        return;
    }
    let value = member.into_value();
    match (target, name) {
        (target, Cow::Borrowed(name)) => layout.apply(event, target, name, value),
        (Target::Known(Known::Unknown), name) => event.param(name, value),
        (Target::Known(Known::Param(skip)), Cow::Owned(mut name)) => {
            name.drain(..skip);
            event.param(Cow::Owned(name), value);
        }
        (Target::Known(Known::UserProperty(skip)), Cow::Owned(mut name)) => {
            name.drain(..skip);
            event.user_property(Cow::Owned(name), value);
        }
        // These need no name, or are text, which stays a param of a fixed name.
        (Target::Known(Known::Params), _) => layout.apply(event, target, "event_params", value),
        (Target::Known(Known::UserProperties), _) => {
            layout.apply(event, target, "user_properties", value);
        }
        (target, _) => layout.apply(event, target, "", value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes_test::{read_text, text_at};

    #[test]
    fn reads_flat_lines_with_params() {
        let (rows, rejects, report) = read_text(
            "{\"event_timestamp\":1607615248873729,\"event_name\":\"purchase\",\
             \"client_id\":31733645.3711323316,\"session_id\":7,\"value\":138.0,\"tier\":\"gold\",\
             \"context\":{\"n\":1.50},\"tags\":[\"a\"],\"ep_x\":\"1\"}\n\
             {\"event_timestamp\":1607615248,\"event_name\":\"a\",\"user_id\":\"u\"}\n\
             {bad\n[1]\n{\"event_name\":\"a\"}\n",
        );
        assert_eq!(report.format, "flat_ndjson");
        assert_eq!((report.rows_read, report.rows_rejected), (5, 3));
        assert_eq!(report.param_columns, ["context.n", "tags", "tier"]);
        assert_eq!(report.timestamp_units["us"], 1);
        assert_eq!(report.timestamp_units["s"], 1);
        assert_eq!(
            text_at(&rows, "user_pseudo_id", 0).as_deref(),
            Some("31733645.3711323316")
        );
        assert_eq!(text_at(&rows, "ga_session_id", 0).as_deref(), Some("7"));
        assert_eq!(
            text_at(&rows, "event_params", 0).as_deref(),
            Some("{context.n: 1.5, tags: [\"a\"], tier: gold, x: 1}")
        );
        let reasons: Vec<_> = rejects.iter().map(|r| (r.line, r.reason)).collect();
        assert_eq!(
            reasons,
            [(3, "bad_json"), (4, "bad_json"), (5, "no_timestamp")]
        );
        assert_eq!(rejects[0].raw, "{bad");
    }

    #[test]
    fn reads_an_array_of_export_rows() {
        let (rows, rejects, report) = read_text(
            r#"[{"event_timestamp":"1607615248873729","event_name":"purchase","stream_id":"9",
               "user_pseudo_id":"d","device":{"category":"mobile","web_info":{"browser":"Chrome"},
               "mobile_brand_name":"x"},"event_params":[{"key":"ga_session_id","value":
               {"int_value":"7"}},{"key":"n","value":{"double_value":1.0}}],
               "user_properties":[{"key":"tier","value":{"string_value":"gold"}}],
               "ecommerce":{"transaction_id":"(not set)","purchase_revenue":138.0},
               "traffic_source":{"name":"(direct)","medium":"(none)","source":"(direct)"},
               "collected_traffic_source":{"manual_source":"news","gclid":"g"},"unknown":1,
               "items":[{"item_id":"1","quantity":"2"}]}]"#,
        );
        assert_eq!(report.format, "ga4_ndjson");
        assert!(rejects.is_empty(), "{rejects:?}");
        assert_eq!(rows.num_rows(), 1);
        let is = |column: &str, text: &str| {
            assert_eq!(text_at(&rows, column, 0).as_deref(), Some(text), "{column}");
        };
        is("stream_id", "9");
        is("device_browser", "Chrome");
        is("ga_session_id", "7");
        is("event_params", "{n: 1}");
        is("user_properties", "{tier: gold}");
        is("purchase_revenue", "138.000000000");
        is("first_user_campaign", "(direct)");
        is("collected_source", "news");
        is("click_id_type", "gclid");
        is("items", r#"[{"item_id":"1","quantity":2}]"#);
        assert_eq!(text_at(&rows, "transaction_id", 0), None);
    }
}
