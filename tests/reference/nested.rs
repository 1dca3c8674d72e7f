//! The same events in the nested shape of the GA4 BigQuery export, as newline-delimited
//! JSON (whole numbers as texts, as BigQuery exports them) and as Parquet.

use std::io::Cursor;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value, json};

use super::event::{Event, INTEGERS};
use super::write::number;

pub fn ndjson(events: &[Event]) -> String {
    events
        .iter()
        .map(|event| format!("{}\n", row(event)))
        .collect()
}

pub fn parquet(events: &[Event]) -> Vec<u8> {
    let schema = schema();
    let mut decoder = arrow::json::ReaderBuilder::new(schema.clone())
        .with_batch_size(events.len().max(1))
        .build(Cursor::new(ndjson(events)))
        .expect("a reader of JSON");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).expect("writes to memory");
    for batch in &mut decoder {
        writer
            .write(&batch.expect("decodes what was written"))
            .expect("writes to memory");
    }
    writer.close().expect("writes to memory");
    bytes
}

fn row(event: &Event) -> Value {
    let mut row = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            row.insert(key.to_owned(), value);
        }
    };
    let text = |name: &str| event.text(name).map(Value::from);
    put(
        "event_timestamp",
        event
            .event_timestamp
            .map(|micros| micros.to_string().into()),
    );
    for name in INTEGERS {
        put(
            name,
            event.integer(name).map(|number| number.to_string().into()),
        );
    }
    for name in [
        "event_name",
        "event_id",
        "user_id",
        "user_pseudo_id",
        "stream_id",
    ] {
        put(name, text(name));
    }

    let mut params = event.all_params();
    if let Some(id) = &event.ga_session_id {
        params.insert("ga_session_id".to_owned(), id.clone());
    }
    let params = params
        .iter()
        .map(|(key, text)| json!({"key": key, "value": value(key, text)}));
    put("event_params", Some(params.collect()));

    let ecommerce = json!({
        "purchase_revenue": event.purchase_revenue.as_deref().map(number),
        "transaction_id": event.transaction_id,
    });
    let has_ecommerce = event.purchase_revenue.is_some() || event.transaction_id.is_some();
    put("ecommerce", has_ecommerce.then_some(ecommerce));

    let collected = json!({
        "manual_source": event.collected_source,
        "manual_medium": event.collected_medium,
        "manual_campaign_name": event.collected_campaign,
        "manual_content": event.collected_content,
        "manual_term": event.collected_term,
    });
    let has_collected = collected
        .as_object()
        .is_some_and(|map| map.values().any(|v| !v.is_null()));
    put(
        "collected_traffic_source",
        has_collected.then_some(collected),
    );
    Value::Object(row)
}

/// A param's value in the field that GA4 would use for it.
fn value(key: &str, text: &str) -> Value {
    if key == "ga_session_id" && text.parse::<i64>().is_ok() {
        return json!({"int_value": text});
    }
    if key == "value" {
        return match text.parse::<i64>() {
            Ok(_) => json!({"int_value": text}),
            Err(_) if text.parse::<f64>().is_ok() => json!({"double_value": number(text)}),
            Err(_) => json!({"string_value": text}),
        };
    }
    json!({"string_value": text})
}

fn schema() -> Arc<Schema> {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let whole = |name: &str| Field::new(name, DataType::Int64, true);
    let float = |name: &str| Field::new(name, DataType::Float64, true);
    let record = |name: &str, fields: Vec<Field>| {
        Field::new(name, DataType::Struct(Fields::from(fields)), true)
    };
    let value = record(
        "value",
        vec![
            text("string_value"),
            whole("int_value"),
            float("float_value"),
            float("double_value"),
        ],
    );
    let param = record("element", vec![text("key"), value]);
    let mut fields = vec![whole("event_timestamp")];
    fields.extend(INTEGERS.iter().map(|name| whole(name)));
    fields.extend(
        [
            "event_name",
            "event_id",
            "user_id",
            "user_pseudo_id",
            "stream_id",
        ]
        .map(text),
    );
    fields.push(Field::new(
        "event_params",
        DataType::List(Arc::new(param)),
        true,
    ));
    fields.push(record(
        "ecommerce",
        vec![float("purchase_revenue"), text("transaction_id")],
    ));
    fields.push(record(
        "collected_traffic_source",
        [
            "manual_source",
            "manual_medium",
            "manual_campaign_name",
            "manual_content",
            "manual_term",
        ]
        .map(text)
        .to_vec(),
    ));
    Arc::new(Schema::new(fields))
}
