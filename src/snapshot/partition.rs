//! Splitting rows by the value of the partition column.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, partition, take, take_record_batch};
use arrow::datatypes::DataType;

use crate::{Error, Result};

/// The folder of rows whose partition value is null, by the convention of Hive.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Rows of a batch, as runs in ascending order.
pub type Runs = Vec<Range<usize>>;

/// Where the rows of each value of `column` are in `batch`; the value is Delta's text
/// (`2026-11-01` for a date, none for null).
pub fn rows_by_partition(
    batch: &RecordBatch,
    column: &str,
) -> Result<Vec<(Option<String>, Runs)>> {
    let failed = |e| {
        Error::internal("cannot split rows by the partition column")
            .with("column", column)
            .caused_by(e)
    };
    let values = batch.column_by_name(column).ok_or_else(|| {
        Error::internal("the partition column is missing from the data").with("column", column)
    })?;
    let starts = partition(std::slice::from_ref(values)).map_err(failed)?;
    // Runs first: data is mostly sorted by day, or of one day.
    let runs = starts.ranges();
    let firsts = UInt32Array::from_iter_values(runs.iter().map(|run| run.start as u32));
    let firsts = take(values, &firsts, None).map_err(failed)?;
    let text = cast(&firsts, &DataType::Utf8).map_err(failed)?;
    let text = text.as_string::<i32>();
    let mut by_value: BTreeMap<Option<&str>, Runs> = BTreeMap::new();
    for (value, run) in text.iter().zip(runs) {
        by_value.entry(value).or_default().push(run);
    }
    Ok(by_value
        .into_iter()
        .map(|(value, runs)| (value.map(str::to_owned), runs))
        .collect())
}

/// The rows of `batch` by the value of `column`, in the order of the values; the rows of a
/// value keep their order.
pub fn split_by_partition(
    batch: &RecordBatch,
    column: &str,
) -> Result<Vec<(Option<String>, RecordBatch)>> {
    let parts = rows_by_partition(batch, column)?;
    let parts = parts.into_iter().map(|(value, runs)| {
        let rows = match runs.as_slice() {
            [run] => batch.slice(run.start, run.len()),
            _ => {
                let rows = runs.into_iter().flatten().map(|row| row as u32);
                take_record_batch(batch, &UInt32Array::from_iter_values(rows)).map_err(|e| {
                    Error::internal("cannot take the rows of a partition").caused_by(e)
                })?
            }
        };
        Ok((value, rows))
    });
    parts.collect()
}

/// The folder of a partition inside its table. Only the log says what a file's partition
/// is; the name is for people, so characters that some system treats specially become `_`.
pub(super) fn folder(column: &str, value: Option<&str>) -> String {
    let value: String = match value {
        None => NULL_FOLDER.to_owned(),
        Some(value) => value.chars().take(100).map(plain).collect(),
    };
    format!("{}={value}", column.chars().map(plain).collect::<String>())
}

fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
        c
    } else {
        '_'
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Date32Array, Int64Array};
    use arrow::datatypes::Int64Type;
    use std::sync::Arc;

    #[test]
    fn rows_are_grouped_and_keep_their_order() {
        let days = Date32Array::from(vec![Some(20_000), None, Some(20_000), Some(19_999)]);
        let batch = RecordBatch::try_from_iter_with_nullable(vec![
            ("day", Arc::new(days) as ArrayRef, true),
            (
                "n",
                Arc::new(Int64Array::from(vec![1, 2, 3, 4])) as ArrayRef,
                true,
            ),
        ])
        .unwrap();
        let parts = split_by_partition(&batch, "day").unwrap();
        let seen: Vec<_> = parts
            .iter()
            .map(|(value, rows)| {
                let n = rows.column(1).as_primitive::<Int64Type>();
                (value.as_deref(), n.values().to_vec())
            })
            .collect();
        assert_eq!(
            seen,
            vec![
                (None, vec![2]),
                (Some("2024-10-03"), vec![4]),
                (Some("2024-10-04"), vec![1, 3]),
            ]
        );
        assert!(
            split_by_partition(&batch.slice(0, 0), "day")
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn folders_hold_nothing_special() {
        assert_eq!(
            folder("event_day", Some("2026-11-01")),
            "event_day=2026-11-01"
        );
        assert_eq!(folder("shop", Some("a/b%20ü#")), "shop=a_b_20__");
        assert_eq!(folder("d", None), "d=__HIVE_DEFAULT_PARTITION__");
    }
}
