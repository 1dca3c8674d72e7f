//! The column `event_params`: lists of keys with a value in one of four types.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Builder, Int64Builder, ListArray, StringBuilder, StructArray,
    new_null_array,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;

use super::cells::Cells;

pub fn data_type() -> DataType {
    DataType::List(element(pair_fields()))
}

/// The field of a list's elements, as BigQuery names it.
pub fn element(fields: Fields) -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(fields), true))
}

fn pair_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Struct(value_fields()), true),
    ])
}

fn value_fields() -> Fields {
    Fields::from(vec![
        Field::new("string_value", DataType::Utf8, true),
        Field::new("int_value", DataType::Int64, true),
        Field::new("float_value", DataType::Float64, true),
        Field::new("double_value", DataType::Float64, true),
    ])
}

#[derive(Default)]
pub struct Params {
    ends: Vec<i32>,
    count: i32,
    keys: StringBuilder,
    strings: StringBuilder,
    ints: Int64Builder,
    doubles: Float64Builder,
}

impl Params {
    pub fn append(&mut self, cells: &Cells<'_>) {
        self.string("page_location", &cells.location);
        self.string("page_referrer", &cells.referrer);
        self.string("page_title", cells.title);
        if let Some(session_id) = cells.session_id {
            self.int("ga_session_id", session_id);
            self.int("ga_session_number", cells.session_number);
        }
        if let Some(tag) = cells.params {
            self.string("source", &tag.source);
            self.string("medium", &tag.medium);
            self.string("campaign", &tag.campaign);
        }
        if let Some(engagement_ms) = cells.engagement_ms {
            self.int("engagement_time_msec", engagement_ms);
        }
        if let Some(cents) = cells.cents {
            self.double("value", f64::from(cents) / 100.0);
        }
        self.string("currency", cells.currency);
        self.string("transaction_id", &cells.transaction);
        self.ends.push(self.count);
    }

    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let floats = new_null_array(&DataType::Float64, self.count as usize);
        let values: Vec<ArrayRef> = vec![
            Arc::new(self.strings.finish()),
            Arc::new(self.ints.finish()),
            floats,
            Arc::new(self.doubles.finish()),
        ];
        let values = StructArray::try_new(value_fields(), values, None)?;
        let pairs: Vec<ArrayRef> = vec![Arc::new(self.keys.finish()), Arc::new(values)];
        let pairs = StructArray::try_new(pair_fields(), pairs, None)?;
        self.count = 0;
        let lists = list(
            element(pair_fields()),
            std::mem::take(&mut self.ends),
            pairs,
        )?;
        Ok(Arc::new(lists))
    }

    /// An empty text is no param.
    fn string(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.strings.append_value(value);
            self.ints.append_null();
            self.doubles.append_null();
            self.add(key);
        }
    }

    fn int(&mut self, key: &str, value: i64) {
        self.strings.append_null();
        self.ints.append_value(value);
        self.doubles.append_null();
        self.add(key);
    }

    fn double(&mut self, key: &str, value: f64) {
        self.strings.append_null();
        self.ints.append_null();
        self.doubles.append_value(value);
        self.add(key);
    }

    fn add(&mut self, key: &str) {
        self.keys.append_value(key);
        self.count += 1;
    }
}

/// Lists that end at these elements.
pub fn list(
    element: Arc<Field>,
    ends: Vec<i32>,
    values: StructArray,
) -> Result<ListArray, ArrowError> {
    let offsets: ScalarBuffer<i32> = std::iter::once(0).chain(ends).collect();
    ListArray::try_new(element, OffsetBuffer::new(offsets), Arc::new(values), None)
}
