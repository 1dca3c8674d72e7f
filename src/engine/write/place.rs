//! Rows by where they stand, so that they can be sorted without being moved.

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{SortColumn, SortOptions, concat, interleave, lexsort_to_indices};

use crate::{Error, Result};

/// A row: its batch, and its place in it.
pub(crate) type Place = (usize, usize);

/// The rows at `places`; there is at least one batch.
pub(crate) fn gather(batches: &[RecordBatch], places: &[Place]) -> Result<RecordBatch> {
    let schema = batches[0].schema();
    let columns = (0..schema.fields().len()).map(|i| {
        let parts: Vec<&dyn Array> = batches.iter().map(|b| b.column(i).as_ref()).collect();
        // Much of a wide schema is empty in many a file.
        if parts.iter().all(|part| part.null_count() == part.len()) {
            return Ok(new_null_array(schema.field(i).data_type(), places.len()));
        }
        interleave(&parts, places)
    });
    columns
        .collect::<std::result::Result<Vec<ArrayRef>, _>>()
        .and_then(|columns| RecordBatch::try_new(schema.clone(), columns))
        .map_err(|e| Error::internal("cannot gather rows").caused_by(e))
}

/// The places of all rows, sorted by `columns`, ascending, nulls first.
pub(crate) fn sorted(batches: &[RecordBatch], columns: &[String]) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for (batch, rows) in batches.iter().enumerate() {
        places.extend((0..rows.num_rows()).map(|row| (batch, row)));
    }
    if columns.is_empty() {
        return Ok(places);
    }
    let failed = |e| Error::internal("cannot sort rows").caused_by(e);
    let mut keys = Vec::with_capacity(columns.len());
    for name in columns {
        let parts: Option<Vec<&dyn Array>> = batches
            .iter()
            .map(|batch| batch.column_by_name(name).map(|column| column.as_ref()))
            .collect();
        let parts = parts.ok_or_else(|| {
            Error::internal("the column to sort by is missing").with("column", name)
        })?;
        keys.push(SortColumn {
            values: concat(&parts).map_err(failed)?,
            options: Some(SortOptions {
                descending: false,
                nulls_first: true,
            }),
        });
    }
    let order = lexsort_to_indices(&keys, None).map_err(failed)?;
    Ok(order.values().iter().map(|&i| places[i as usize]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;
    use std::sync::Arc;

    #[test]
    fn rows_of_several_batches_are_sorted_together() {
        let batch = |keys: Vec<Option<i64>>, texts: Vec<&str>| {
            RecordBatch::try_from_iter_with_nullable(vec![
                ("key", Arc::new(Int64Array::from(keys)) as ArrayRef, true),
                ("text", Arc::new(StringArray::from(texts)) as ArrayRef, true),
                (
                    "none",
                    new_null_array(&arrow::datatypes::DataType::Utf8, 2),
                    true,
                ),
            ])
            .unwrap()
        };
        let batches = [
            batch(vec![Some(3), Some(1)], vec!["c", "b"]),
            batch(vec![Some(1), None], vec!["a", "z"]),
        ];
        let places = sorted(&batches, &["key".into(), "text".into()]).unwrap();
        assert_eq!(places, [(1, 1), (1, 0), (0, 1), (0, 0)]);
        let rows = gather(&batches, &places[1..]).unwrap();
        assert_eq!(
            rows.column(0).as_primitive::<Int64Type>().values(),
            &[1, 1, 3]
        );
        assert_eq!(rows.column(2).null_count(), 3);
        assert_eq!(sorted(&batches, &[]).unwrap()[2], (1, 0));
        assert!(sorted(&batches, &["no".into()]).is_err());
    }
}
