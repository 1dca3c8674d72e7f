//! Reads bodies of GA4 Measurement Protocol requests: one object with a client and several
//! events. Each event is a row.

use std::borrow::Cow;

use super::event::Event;
use super::field::Field;
use super::json::Json;
use super::json_rows::{self, Members};
use super::layout::{Layout, apply_pairs};
use super::output::Output;
use super::reject::{Rejection, reason};
use super::value::Value;
use crate::Result;

/// Reads one body. Of the mapping in `layout`, only constants mean something here: the
/// body's names are Google's.
pub(crate) fn read(
    layout: &Layout,
    line: u64,
    text: &str,
    output: &mut Output<'_>,
) -> Result<()> {
    let raw = || text.trim().to_owned();
    let body = json_rows::object(text).and_then(Body::new);
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return output.reject(line, rejection, raw),
    };
    for event in &body.events {
        match body.event(layout, event) {
            Ok(mut event) => output.event(&mut event, line, raw)?,
            Err(rejection) => output.reject(line, rejection, raw)?,
        }
    }
    Ok(())
}

/// A request's body, taken apart.
struct Body<'a> {
    client: Members<'a>,
    events: Vec<Json<'a>>,
}

impl<'a> Body<'a> {
    fn new(members: Members<'a>) -> Result<Body<'a>, Rejection> {
        let (mut client, mut events) = (Vec::new(), None);
        for (name, member) in members {
            match (name.as_ref(), member) {
                ("events", Json::Array(elements)) => events = Some(elements),
                (_, member) => client.push((name, member)),
            }
        }
        let missing = || Rejection::new(reason::BAD_JSON, "the body has no array `events`");
        Ok(Body {
            client,
            events: events.ok_or_else(missing)?,
        })
    }

    /// One event of the body as a row's event.
    fn event<'e>(
        &'e self,
        layout: &'e Layout,
        json: &'e Json<'a>,
    ) -> Result<Event<'e>, Rejection> {
        let Json::Object(members) = json else {
            return Err(Rejection::new(
                reason::BAD_JSON,
                "an event of the body is no object",
            ));
        };
        let mut event = layout.start();
        for (name, member) in members {
            match (name.as_ref(), member) {
                ("name", name) => event.offer(Field::EventName, 1, value(name)),
                ("timestamp_micros", time) => {
                    event.offer(Field::EventTimestamp, 1, value(time))
                }
                ("params", Json::Object(params)) => {
                    for (name, param) in params {
                        give_param(&mut event, name, value(param));
                    }
                }
                _ => {}
            }
        }
        for (name, member) in &self.client {
            match (name.as_ref(), member) {
                ("client_id", id) => event.offer(Field::UserPseudoId, 1, value(id)),
                ("app_instance_id", id) => event.offer(Field::UserPseudoId, 2, value(id)),
                ("user_id", id) => event.offer(Field::UserId, 1, value(id)),
                ("timestamp_micros", time) => {
                    event.offer(Field::EventTimestamp, 2, value(time))
                }
                ("user_properties", properties) => {
                    apply_pairs(&mut event, true, properties.clone());
                }
                ("device", Json::Object(device)) => {
                    for (name, member) in device {
                        let name = Cow::Owned(format!("device.{name}"));
                        json_rows::apply(layout, &mut event, name, member.clone());
                    }
                }
                _ => {}
            }
        }
        Ok(event)
    }
}

fn give_param<'e>(event: &mut Event<'e>, name: &'e str, value: Value<'e>) {
    match name {
        "session_id" => event.offer(Field::GaSessionId, 1, value),
        "session_number" => event.offer(Field::GaSessionNumber, 1, value),
        "items" => event.offer(Field::Items, 1, value),
        _ => event.param(Cow::Borrowed(name), value),
    }
}

/// A value that borrows from the body rather than copies.
fn value<'e>(json: &'e Json<'_>) -> Value<'e> {
    match json {
        Json::Text(text) => Value::Text(Cow::Borrowed(text)),
        Json::Number(number) => Value::number(Cow::Borrowed(number)),
        Json::Bool(bool) => Value::Bool(*bool),
        nested => nested.canonical().map_or(Value::Null, Value::Json),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes_test::{read_text, text_at};

    #[test]
    fn each_event_of_a_body_is_a_row() {
        let (rows, rejects, report) = read_text(
            r#"{
              "client_id": "c.1", "user_id": "u", "timestamp_micros": "1607615248873729",
              "user_properties": {"tier": {"value": "gold"}},
              "events": [
                {"name": "purchase", "params": {"session_id": "7", "transaction_id": "t1",
                  "value": 12.5, "currency": "eur", "items": [{"item_id": "a", "quantity": 1}],
                  "engagement_time_msec": 100}},
                {"name": "page_view", "timestamp_micros": 1607615249000000,
                  "params": {"page_location": "https://x.test/"}},
                {"params": {}}, 7
              ]
            }"#,
        );
        assert_eq!(report.format, "measurement_protocol");
        assert_eq!((report.rows_read, report.rows_rejected), (4, 2));
        let is = |column: &str, row: usize, text: &str| {
            assert_eq!(
                text_at(&rows, column, row).as_deref(),
                Some(text),
                "{column}"
            );
        };
        is("ga_session_id", 0, "7");
        is("transaction_id", 0, "t1");
        is("value", 0, "12.500000000");
        is("currency", 0, "EUR");
        is("items", 0, r#"[{"item_id":"a","quantity":1}]"#);
        is("event_params", 0, "{engagement_time_msec: 100}");
        is("user_properties", 0, "{tier: gold}");
        is("user_pseudo_id", 1, "c.1");
        is("event_timestamp", 1, "2020-12-10T15:47:29Z");
        is("page_location", 1, "https://x.test/");
        assert_eq!(text_at(&rows, "stream_id", 0), None);
        let reasons: Vec<_> = rejects.iter().map(|r| r.reason).collect();
        assert_eq!(reasons, ["no_event_name", "bad_json"]);
    }

    #[test]
    fn bodies_may_be_lines() {
        let line =
            r#"{"client_id":"c","timestamp_micros":1607615248873729,"events":[{"name":"a"}]}"#;
        let text = format!("{line}\n{line}\n{{\"client_id\":\"c\"}}\n");
        let (rows, rejects, _) = read_text(&text);
        assert_eq!(rows.num_rows(), 2);
        assert_eq!((rejects[0].line, rejects[0].reason), (3, "bad_json"));
    }
}
