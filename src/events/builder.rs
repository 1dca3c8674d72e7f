//! Events into Arrow: one row an event, with its hashed keys computed on the way.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder,
    MapBuilder, MapFieldNames, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field as ArrowField};

use super::event::{Event, Pairs};
use super::field::{Field, Kind};
use super::keys::{self, Encoder};
use super::money::Money;
use super::schema::{MAP_ENTRY, MAP_KEY, MAP_VALUE, MONEY_PRECISION, MONEY_SCALE, schema};
use super::value::fold;
use crate::{Error, Result};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Bytes of text in a batch at which it is full, however few rows it has: a batch of large
/// fields must not grow without bound.
const FULL_BYTES: usize = 32 << 20;

type TextMapBuilder = MapBuilder<StringBuilder, StringBuilder>;

/// Collects finished events into a batch of the raw schema.
pub(crate) struct Builder {
    rows: usize,
    bytes: usize,
    encoder: Encoder,
    event_id: BinaryBuilder,
    content_hash: Int64Builder,
    event_timestamp: TimestampMicrosecondBuilder,
    device_key: Int64Builder,
    session_key: Int64Builder,
    click_id_type: StringBuilder,
    click_id: StringBuilder,
    purchase_revenue: Decimal128Builder,
    is_purchase_revenue_nan: BooleanBuilder,
    value: Decimal128Builder,
    is_value_nan: BooleanBuilder,
    event_params: TextMapBuilder,
    user_properties: TextMapBuilder,
    event_day: Date32Builder,
    texts: Vec<(Field, StringBuilder)>,
    ints: Vec<(Field, Int64Builder)>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let money = || {
            let data_type = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
            Decimal128Builder::new().with_data_type(data_type)
        };
        let of = |wanted: fn(Kind) -> bool| {
            Field::ALL
                .iter()
                .copied()
                .filter(move |field| wanted(field.kind()))
        };
        Builder {
            rows: 0,
            bytes: 0,
            encoder: Encoder::new(),
            event_id: BinaryBuilder::new(),
            content_hash: Int64Builder::new(),
            event_timestamp: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            device_key: Int64Builder::new(),
            session_key: Int64Builder::new(),
            click_id_type: StringBuilder::new(),
            click_id: StringBuilder::new(),
            purchase_revenue: money(),
            is_purchase_revenue_nan: BooleanBuilder::new(),
            value: money(),
            is_value_nan: BooleanBuilder::new(),
            event_params: map_builder(),
            user_properties: map_builder(),
            event_day: Date32Builder::new(),
            texts: of(is_text)
                .map(|field| (field, StringBuilder::new()))
                .collect(),
            ints: of(|kind| kind == Kind::Int)
                .map(|field| (field, Int64Builder::new()))
                .collect(),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the batch holds as much text as a batch should.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES
    }

    /// Adds an event that was finished, at `micros` since the epoch.
    pub(crate) fn append(&mut self, event: &Event<'_>, micros: i64) -> Result<()> {
        let user_id = event.text(Field::UserId);
        let user_pseudo_id = event.text(Field::UserPseudoId);
        match event.text(Field::SourceEventId) {
            Some(id) => {
                self.event_id.append_value(keys::source_identity(id));
                encode_content(&mut self.encoder, event, micros);
                self.content_hash.append_value(self.encoder.hash64());
            }
            None => {
                encode_identity(&mut self.encoder, event, micros);
                self.event_id.append_value(self.encoder.hash128());
                self.content_hash.append_null();
            }
        }
        self.event_timestamp.append_value(micros);
        self.event_day.append_value(day(micros)?);
        self.device_key
            .append_value(keys::device_key(user_pseudo_id, user_id));
        self.session_key.append_option(keys::session_key(
            event.text(Field::StreamId),
            user_pseudo_id,
            user_id,
            event.text(Field::GaSessionId),
        ));
        let click_id = event.click_id();
        self.click_id_type
            .append_option(click_id.map(|(kind, _)| kind));
        self.click_id.append_option(click_id.map(|(_, id)| id));
        let revenue = event.purchase_revenue();
        append_money(
            revenue,
            &mut self.purchase_revenue,
            &mut self.is_purchase_revenue_nan,
        );
        append_money(event.value(), &mut self.value, &mut self.is_value_nan);
        for (field, builder) in &mut self.texts {
            let text = event.text(*field);
            self.bytes += text.map_or(0, str::len);
            builder.append_option(text);
        }
        for (field, builder) in &mut self.ints {
            builder.append_option(event.int(*field));
        }
        self.bytes += append_pairs(&mut self.event_params, event.params())?;
        self.bytes += append_pairs(&mut self.user_properties, event.user_properties())?;
        self.rows += 1;
        Ok(())
    }

    /// Hands out the rows so far and starts anew.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        self.bytes = 0;
        let schema = schema();
        let mut columns = Vec::with_capacity(schema.fields().len());
        for column in schema.fields() {
            columns.push(self.finish_column(column.name())?);
        }
        RecordBatch::try_new(schema, columns).map_err(|e| {
            Error::internal("a batch of events does not fit its schema").caused_by(e)
        })
    }

    fn finish_column(&mut self, name: &str) -> Result<ArrayRef> {
        Ok(match name {
            "event_id" => Arc::new(self.event_id.finish()),
            "content_hash" => Arc::new(self.content_hash.finish()),
            "event_timestamp" => Arc::new(self.event_timestamp.finish()),
            "device_key" => Arc::new(self.device_key.finish()),
            "session_key" => Arc::new(self.session_key.finish()),
            "click_id_type" => Arc::new(self.click_id_type.finish()),
            "click_id" => Arc::new(self.click_id.finish()),
            "purchase_revenue" => Arc::new(self.purchase_revenue.finish()),
            "is_purchase_revenue_nan" => Arc::new(self.is_purchase_revenue_nan.finish()),
            "value" => Arc::new(self.value.finish()),
            "is_value_nan" => Arc::new(self.is_value_nan.finish()),
            "event_params" => Arc::new(self.event_params.finish()),
            "user_properties" => Arc::new(self.user_properties.finish()),
            "event_day" => Arc::new(self.event_day.finish()),
            _ => {
                if let Some((_, text)) = self.texts.iter_mut().find(|(f, _)| f.name() == name) {
                    Arc::new(text.finish())
                } else if let Some((_, int)) =
                    self.ints.iter_mut().find(|(f, _)| f.name() == name)
                {
                    Arc::new(int.finish())
                } else {
                    return Err(Error::internal("a column of the raw table is not built")
                        .with("column", name));
                }
            }
        })
    }
}

/// Kinds that are stored as a text column of the field's own name.
fn is_text(kind: Kind) -> bool {
    match kind {
        Kind::Id
        | Kind::NumericId
        | Kind::Campaign
        | Kind::Text
        | Kind::Currency
        | Kind::Items => true,
        Kind::Timestamp | Kind::Int | Kind::Money | Kind::ClickId => false,
    }
}

fn map_builder() -> TextMapBuilder {
    let names = MapFieldNames {
        entry: MAP_ENTRY.to_owned(),
        key: MAP_KEY.to_owned(),
        value: MAP_VALUE.to_owned(),
    };
    MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
        .with_values_field(ArrowField::new(MAP_VALUE, DataType::Utf8, true))
}

fn append_pairs(builder: &mut TextMapBuilder, pairs: &Pairs<'_>) -> Result<usize> {
    let mut bytes = 0;
    for (name, text) in pairs {
        bytes += name.len() + text.len();
        builder.keys().append_value(name);
        builder.values().append_value(text);
    }
    builder
        .append(true)
        .map_err(|e| Error::internal("a map column cannot be built").caused_by(e))?;
    Ok(bytes)
}

fn append_money(
    money: Option<Money>,
    amount: &mut Decimal128Builder,
    nan: &mut BooleanBuilder,
) {
    amount.append_option(money.and_then(Money::amount));
    nan.append_option((money == Some(Money::NotANumber)).then_some(true));
}

/// The UTC day, in days since the epoch.
fn day(micros: i64) -> Result<i32> {
    i32::try_from(micros.div_euclid(MICROS_PER_DAY))
        .map_err(|e| Error::internal("a timestamp is out of range").caused_by(e))
}

/// Params that are lifted into columns and are part of an identity as params are.
const LIFTED_TEXTS: &[Field] = &[
    Field::PageLocation,
    Field::PageReferrer,
    Field::PageTitle,
    Field::Source,
    Field::Medium,
    Field::Campaign,
    Field::Content,
    Field::Term,
    Field::Currency,
    Field::TransactionId,
];

/// What makes an event itself (SPEC §2, duplicates). The transaction id counts as the param
/// that it is in GA4's own events, wherever it was found, so that all shapes agree.
fn encode_identity(encoder: &mut Encoder, event: &Event<'_>, micros: i64) {
    let text = |field| event.text(field);
    keys::identity(encoder, text(Field::UserPseudoId), text(Field::UserId))
        .text(text(Field::StreamId))
        .text(text(Field::EventName))
        .int(Some(micros))
        .text(text(Field::GaSessionId))
        .int(event.int(Field::BatchPageId))
        .int(event.int(Field::BatchOrderingId))
        .int(event.int(Field::BatchEventIndex))
        .int(event.int(Field::EventBundleSequenceId))
        .int(event.int(Field::GaSessionNumber));
    for &field in LIFTED_TEXTS {
        encoder.text(text(field).map(fold).as_deref());
    }
    encode_money(encoder, event.value());
    let click_id = event.click_id();
    encoder.text(click_id.map(|(kind, _)| kind));
    encoder.text(click_id.map(|(_, id)| fold(id)).as_deref());
    encode_pairs(encoder, event.params());
}

/// Everything that a row holds, to tell two versions of one `event_id` apart.
fn encode_content(encoder: &mut Encoder, event: &Event<'_>, micros: i64) {
    encoder.clear().int(Some(micros));
    for &field in Field::ALL {
        match field.kind() {
            Kind::Int => encoder.int(event.int(field)),
            Kind::Timestamp | Kind::Money => encoder,
            _ => encoder.text(event.text(field)),
        };
    }
    encode_money(encoder, event.purchase_revenue());
    encode_money(encoder, event.value());
    encode_pairs(encoder, event.params());
    encode_pairs(encoder, event.user_properties());
}

fn encode_money(encoder: &mut Encoder, money: Option<Money>) {
    match money {
        Some(Money::NotANumber) => encoder.text(Some("NaN")),
        other => encoder.decimal(other.and_then(Money::amount)),
    };
}

fn encode_pairs(encoder: &mut Encoder, pairs: &Pairs<'_>) {
    encoder.int(i64::try_from(pairs.len()).ok());
    for (name, text) in pairs {
        encoder.text(Some(name)).text(Some(&fold(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::value::Value;
    use arrow::array::Array;

    fn event(params: &[(&'static str, &'static str)]) -> Event<'static> {
        let mut event = Event::new();
        event.offer(
            Field::EventTimestamp,
            1,
            Value::Text("1607615248873729".into()),
        );
        event.offer(Field::EventName, 1, Value::Text("purchase".into()));
        event.offer(Field::UserPseudoId, 1, Value::Text("d".into()));
        for &(name, text) in params {
            event.param(name.into(), Value::Text(text.into()));
        }
        event
    }

    fn row(mut event: Event<'_>) -> RecordBatch {
        let mut builder = Builder::new();
        let (micros, _) = event.finish().expect("usable");
        builder.append(&event, micros).expect("appends");
        builder.finish().expect("fits the schema")
    }

    fn id(event: Event<'_>) -> Vec<u8> {
        let batch = row(event);
        let ids = batch
            .column(0)
            .as_any()
            .downcast_ref::<arrow::array::BinaryArray>();
        ids.expect("binary").value(0).to_vec()
    }

    #[test]
    fn a_row_fits_the_schema() {
        let batch = row(event(&[("a", "1")]));
        assert_eq!(batch.schema(), schema());
        assert_eq!(batch.num_rows(), 1);
        let day = batch.column_by_name("event_day").expect("there");
        let day = day
            .as_any()
            .downcast_ref::<arrow::array::Date32Array>()
            .expect("a date");
        assert_eq!(day.value(0), 18_606); // 2020-12-10
        assert!(
            batch
                .column_by_name("session_key")
                .expect("there")
                .is_null(0)
        );
    }

    #[test]
    fn identity_is_of_params_in_any_order_and_any_spelling_of_numbers() {
        let one = id(event(&[("a", "138.0"), ("b", "x")]));
        assert_eq!(one.len(), 16);
        assert_eq!(one, id(event(&[("b", "x"), ("a", "138")])));
        assert_ne!(one, id(event(&[("a", "138"), ("b", "y")])));
        assert_ne!(one, id(event(&[("a", "138")])));
        assert_ne!(id(event(&[])), id(event(&[("source", "google")])));
        assert_eq!(
            id(event(&[("value", "1.50")])),
            id(event(&[("value", "1.5")]))
        );
    }

    #[test]
    fn a_source_event_id_is_the_identity_and_content_is_hashed() {
        let with_id = |name: &'static str| {
            let mut event = event(&[]);
            event.offer(Field::SourceEventId, 1, Value::Text("e1".into()));
            event.set(Field::PageTitle, Value::Text(name.into()));
            event
        };
        assert_eq!(id(with_id("a")), id(with_id("b")));
        let hash = |event| {
            let batch = row(event);
            let column = batch.column_by_name("content_hash").expect("there");
            column
                .as_any()
                .downcast_ref::<arrow::array::Int64Array>()
                .expect("ints")
                .value(0)
        };
        assert_ne!(hash(with_id("a")), hash(with_id("b")));
        assert_eq!(hash(with_id("a")), hash(with_id("a")));
    }
}
