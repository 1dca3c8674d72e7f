//! The Arrow schema of the raw table `raw_ga4_events`: one row per distinct event.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// The name of the raw table.
pub const RAW_TABLE: &str = "raw_ga4_events";

/// The partition column: the UTC day of `event_timestamp`. Last in the schema.
pub const PARTITION_COLUMN: &str = "event_day";

/// The columns that rows are sorted by inside a file, ascending, nulls first.
pub const SORT_COLUMNS: &[&str] = &[
    "device_key",
    "event_timestamp",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
    "event_id",
];

/// Digits in all and after the point of money columns: BigQuery's `NUMERIC`.
pub const MONEY_PRECISION: u8 = 38;
pub const MONEY_SCALE: i8 = 9;

/// Names inside the map columns; Delta Lake's own, so that no cast is needed to store them.
pub(crate) const MAP_ENTRY: &str = "key_value";
pub(crate) const MAP_KEY: &str = "key";
pub(crate) const MAP_VALUE: &str = "value";

/// The schema of the raw table and of every batch that a reader hands out. Timestamps are
/// microseconds, UTC; `event_day` is the UTC day.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(build()));
    Arc::clone(&SCHEMA)
}

fn build() -> Schema {
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let money = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let int = |name: &str| Field::new(name, DataType::Int64, true);
    let bool = |name: &str| Field::new(name, DataType::Boolean, true);
    Schema::new(vec![
        Field::new("event_id", DataType::Binary, false),
        text("source_event_id"),
        int("content_hash"),
        Field::new("event_timestamp", timestamp, false),
        Field::new("event_name", DataType::Utf8, false),
        text("user_id"),
        text("user_pseudo_id"),
        text("stream_id"),
        text("platform"),
        Field::new("device_key", DataType::Int64, false),
        int("session_key"),
        text("ga_session_id"),
        int("ga_session_number"),
        int("batch_page_id"),
        int("batch_ordering_id"),
        int("batch_event_index"),
        int("event_bundle_sequence_id"),
        text("page_location"),
        text("page_referrer"),
        text("page_title"),
        text("source"),
        text("medium"),
        text("campaign"),
        text("content"),
        text("term"),
        text("collected_source"),
        text("collected_medium"),
        text("collected_campaign"),
        text("collected_content"),
        text("collected_term"),
        text("click_id_type"),
        text("click_id"),
        text("first_user_source"),
        text("first_user_medium"),
        text("first_user_campaign"),
        text("device_category"),
        text("device_operating_system"),
        text("device_browser"),
        text("device_language"),
        text("geo_country"),
        text("geo_region"),
        text("geo_city"),
        Field::new("purchase_revenue", money.clone(), true),
        bool("is_purchase_revenue_nan"),
        Field::new("value", money, true),
        bool("is_value_nan"),
        text("currency"),
        text("transaction_id"),
        text("items"),
        map("event_params"),
        map("user_properties"),
        Field::new(PARTITION_COLUMN, DataType::Date32, false),
    ])
}

fn map(name: &str) -> Field {
    let entries = DataType::Struct(Fields::from(vec![
        Field::new(MAP_KEY, DataType::Utf8, false),
        Field::new(MAP_VALUE, DataType::Utf8, true),
    ]));
    let entries = Field::new(MAP_ENTRY, entries, false);
    Field::new(name, DataType::Map(Arc::new(entries), false), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_with_the_partition_column_and_has_the_sort_columns() {
        let schema = schema();
        assert_eq!(
            schema.fields().last().map(|f| f.name().as_str()),
            Some(PARTITION_COLUMN)
        );
        for column in SORT_COLUMNS {
            assert!(schema.index_of(column).is_ok(), "{column}");
        }
    }
}
