//! What the log says about a file's columns, in Delta's JSON form.
//!
//! Kept for integers among the sort columns and for every date and timestamp: enough to
//! pass over files by key and by time, and little enough to keep the log small. In the log
//! a date reads `2026-11-01`, a timestamp `2026-11-01T10:00:00.123456Z`.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{
    DataType, Date32Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

const EPOCH: NaiveDate = DateTime::UNIX_EPOCH.naive_utc().date();

/// Least and greatest value of a column: the integer, days, or µs since the epoch.
pub(super) type Ranges = BTreeMap<String, (i64, i64)>;

/// The statistics of a file in the log. Other writers may leave any of them out.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileStats {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    num_records: Option<u64>,
    #[serde(default)]
    min_values: BTreeMap<String, Value>,
    #[serde(default)]
    max_values: BTreeMap<String, Value>,
    #[serde(default)]
    null_count: BTreeMap<String, Value>,
}

impl FileStats {
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub(super) fn rows(&self) -> Option<u64> {
        self.num_records
    }

    /// The ranges of the columns of `schema` that have both ends.
    pub(super) fn ranges(&self, schema: &Schema) -> Ranges {
        let ends = self.min_values.iter().filter_map(|(name, low)| {
            let high = self.max_values.get(name)?;
            let data_type = schema.field_with_name(name).ok()?.data_type();
            let range = (from_json(low, data_type)?, from_json(high, data_type)?);
            Some((name.clone(), range))
        });
        ends.collect()
    }
}

/// Gathers the statistics of one file, batch by batch.
#[derive(Debug)]
pub(super) struct StatsBuilder {
    columns: Vec<Column>,
    rows: u64,
}

#[derive(Debug)]
struct Column {
    index: usize,
    name: String,
    data_type: DataType,
    range: Option<(i64, i64)>,
    nulls: u64,
}

impl StatsBuilder {
    pub(super) fn new(schema: &Schema, sort_columns: &[String]) -> Self {
        let tracked =
            schema
                .fields()
                .iter()
                .enumerate()
                .filter(|(_, field)| match field.data_type() {
                    DataType::Int64 => sort_columns.contains(field.name()),
                    DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _) => true,
                    _ => false,
                });
        let columns = tracked.map(|(index, field)| Column {
            index,
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            range: None,
            nulls: 0,
        });
        StatsBuilder {
            columns: columns.collect(),
            rows: 0,
        }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        for column in &mut self.columns {
            let values = batch.column(column.index);
            column.nulls += values.null_count() as u64;
            let range = match column.data_type {
                DataType::Int64 => {
                    let values = values.as_primitive::<Int64Type>();
                    min(values).zip(max(values))
                }
                DataType::Date32 => {
                    let values = values.as_primitive::<Date32Type>();
                    min(values)
                        .zip(max(values))
                        .map(|(low, high)| (low.into(), high.into()))
                }
                _ => {
                    let values = values.as_primitive::<TimestampMicrosecondType>();
                    min(values).zip(max(values))
                }
            };
            column.range = match (column.range, range) {
                (Some((a, b)), Some((low, high))) => Some((a.min(low), b.max(high))),
                (one, other) => one.or(other),
            };
        }
    }

    /// The statistics as the log's JSON text, and the ranges in it.
    pub(super) fn finish(&self) -> Result<(String, Ranges)> {
        let mut stats = FileStats {
            num_records: Some(self.rows),
            ..FileStats::default()
        };
        let mut ranges = Ranges::new();
        for column in &self.columns {
            let name = column.name.clone();
            stats.null_count.insert(name.clone(), column.nulls.into());
            let Some((low, high)) = column.range else {
                continue;
            };
            // A time outside the calendar has no text: then the file has no range.
            let texts = to_json(low, &column.data_type).zip(to_json(high, &column.data_type));
            let Some((low_json, high_json)) = texts else {
                continue;
            };
            stats.min_values.insert(name.clone(), low_json);
            stats.max_values.insert(name.clone(), high_json);
            ranges.insert(name, (low, high));
        }
        let text = serde_json::to_string(&stats)
            .map_err(|e| Error::internal("cannot write a file's statistics").caused_by(e))?;
        Ok((text, ranges))
    }
}

fn to_json(value: i64, data_type: &DataType) -> Option<Value> {
    Some(match data_type {
        DataType::Int64 => value.into(),
        DataType::Date32 => {
            let date = EPOCH.checked_add_signed(chrono::TimeDelta::try_days(value)?)?;
            date.format("%Y-%m-%d").to_string().into()
        }
        _ => DateTime::from_timestamp_micros(value)?
            .to_rfc3339_opts(SecondsFormat::Micros, true)
            .into(),
    })
}

fn from_json(value: &Value, data_type: &DataType) -> Option<i64> {
    match data_type {
        DataType::Int64 => value.as_i64(),
        DataType::Date32 => {
            let date: NaiveDate = value.as_str()?.parse().ok()?;
            Some((date - EPOCH).num_days())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let time = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
            Some(time.timestamp_micros())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Date32Array, Int64Array, TimestampMicrosecondArray};
    use std::sync::Arc;

    #[test]
    fn ranges_survive_the_json() {
        let keys = Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]);
        let days = Date32Array::from(vec![Some(-1), Some(20_000), None]);
        let times = TimestampMicrosecondArray::from(vec![1_604_224_800_123_456, 5, 7])
            .with_timezone("UTC");
        let batch = RecordBatch::try_from_iter(vec![
            ("key", Arc::new(keys) as ArrayRef),
            (
                "other",
                Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef,
            ),
            ("day", Arc::new(days) as ArrayRef),
            ("at", Arc::new(times) as ArrayRef),
        ])
        .unwrap();
        let mut builder = StatsBuilder::new(&batch.schema(), &["key".to_owned()]);
        builder.add(&batch.slice(0, 1));
        builder.add(&batch.slice(1, 2));
        let (text, ranges) = builder.finish().unwrap();
        assert_eq!(
            text,
            "{\"numRecords\":3,\
             \"minValues\":{\"at\":\"1970-01-01T00:00:00.000005Z\",\"day\":\"1969-12-31\",\
             \"key\":-9223372036854775808},\
             \"maxValues\":{\"at\":\"2020-11-01T10:00:00.123456Z\",\"day\":\"2024-10-04\",\
             \"key\":9223372036854775807},\
             \"nullCount\":{\"at\":0,\"day\":1,\"key\":1}}"
        );
        let back = FileStats::parse(&text).unwrap();
        assert_eq!(back.rows(), Some(3));
        assert_eq!(back.ranges(&batch.schema()), ranges);
        assert_eq!(ranges["key"], (i64::MIN, i64::MAX));
        assert_eq!(ranges["day"], (-1, 20_000));
    }
}
