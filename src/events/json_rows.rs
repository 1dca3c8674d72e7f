//! Reads events as JSON objects: flat, one member a field, or GA4 BigQuery export rows with
//! nested params.
//!
//! Nested objects are read as columns with dots in their names (`device.category`). In a flat
//! file, members of unknown names are event params; in an export they are left out, as they
//! are from Parquet.

use std::borrow::Cow;
use std::io::BufRead;

use super::aliases::Known;
use super::decode::read_error;
use super::detect::Format;
use super::event::Event;
use super::frames::{Frame, Frames, Framing};
use super::json::Json;
use super::layout::{Layout, Target, Unknown, apply_pairs};
use super::output::Output;
use super::reject::{Rejection, reason};
use super::{MAX_RECORD_BYTES, ReadOptions};
use crate::Result;
use crate::report::FileReport;

/// Reads flat or nested JSON, as lines, values or one array.
pub(crate) fn read(
    reader: Box<dyn BufRead>,
    head: &[u8],
    format: Format,
    options: &ReadOptions,
    mut output: Output<'_>,
) -> Result<FileReport> {
    let unknown = if format == Format::Ga4Ndjson {
        Unknown::Ignore
    } else {
        Unknown::Param
    };
    let layout = Layout::new(&options.fields, unknown);
    each_record(reader, head, &mut output, |output, line, text| {
        let members = match object(text) {
            Ok(members) => members,
            Err(rejection) => return output.reject(line, rejection, || text.trim().to_owned()),
        };
        let mut event = layout.start();
        for (name, member) in members {
            apply(&layout, &mut event, name, member);
        }
        output.event(event, line, || text.trim().to_owned())
    })?;
    output.finish(format.name(), layout.param_columns())
}

/// Calls back with the line and text of each record that is text at all; rejects the others.
pub(crate) fn each_record(
    reader: Box<dyn BufRead>,
    head: &[u8],
    output: &mut Output<'_>,
    mut then: impl FnMut(&mut Output<'_>, u64, &str) -> Result<()>,
) -> Result<()> {
    let mut frames = Frames::new(reader, Framing::detect(head));
    while let Some((line, frame)) = frames.next().map_err(|e| read_error(output.name(), e))? {
        let rejection = match (frame, std::str::from_utf8(frames.bytes())) {
            (Frame::Whole, Ok(text)) => {
                then(output, line, text)?;
                continue;
            }
            (Frame::Whole, Err(e)) => Rejection::new(
                reason::INVALID_UTF8,
                format!("byte {} of the record is no UTF-8", e.valid_up_to() + 1),
            ),
            (Frame::Broken, _) => {
                Rejection::new(reason::BAD_JSON, "the record is no whole JSON object")
            }
            (Frame::TooLarge, _) => Rejection::new(
                reason::TOO_LARGE,
                format!("the record is longer than {} MiB", MAX_RECORD_BYTES >> 20),
            ),
        };
        let raw = || String::from_utf8_lossy(frames.bytes()).trim().to_owned();
        output.reject(line, rejection, raw)?;
    }
    Ok(())
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
