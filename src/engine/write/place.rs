//! Rows by where they stand, so that they can be sorted without being moved.

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{SortColumn, SortOptions, interleave, lexsort_to_indices};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::{Error, Result};

/// A row: its batch, and its place in it.
pub(crate) type Place = (usize, usize);

/// Batches of one schema, column by column, to gather rows from.
#[derive(Debug)]
pub(crate) struct Pool {
    schema: SchemaRef,
    /// A column's arrays, batch by batch; none if it holds nothing but nulls, as much of a
    /// wide schema does in many a file.
    columns: Vec<Option<Vec<ArrayRef>>>,
    batches: Vec<RecordBatch>,
}

impl Pool {
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        let columns = (0..schema.fields().len()).map(|i| {
            let parts: Vec<ArrayRef> = batches.iter().map(|b| b.column(i).clone()).collect();
            let is_empty = parts.iter().all(|part| part.null_count() == part.len());
            (!is_empty).then_some(parts)
        });
        Pool {
            columns: columns.collect(),
            schema,
            batches,
        }
    }

    /// A pool of those batches alone that `places` name, which become places in it. Of many
    /// batches, a partition's rows are in few, and gathering asks each for its type.
    pub fn part(&self, places: &mut [Place]) -> Pool {
        let mut parts = vec![None; self.batches.len()];
        let mut batches = Vec::new();
        for (batch, _) in places {
            let part = parts[*batch].get_or_insert_with(|| {
                batches.push(self.batches[*batch].clone());
                batches.len() - 1
            });
            *batch = *part;
        }
        Pool::new(self.schema.clone(), batches)
    }

    /// The batches as they came.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The rows at `places`.
    pub fn gather(&self, places: &[Place]) -> Result<RecordBatch> {
        let columns = (0..self.columns.len()).map(|i| self.column(i, places));
        columns
            .collect::<Result<Vec<ArrayRef>, ArrowError>>()
            .and_then(|columns| RecordBatch::try_new(self.schema.clone(), columns))
            .map_err(|e| Error::internal("cannot gather rows").caused_by(e))
    }

    fn column(&self, index: usize, places: &[Place]) -> Result<ArrayRef, ArrowError> {
        match &self.columns[index] {
            None => Ok(new_null_array(
                self.schema.field(index).data_type(),
                places.len(),
            )),
            Some(parts) => {
                let parts: Vec<&dyn Array> = parts.iter().map(|part| part.as_ref()).collect();
                interleave(&parts, places)
            }
        }
    }

    /// `places` sorted by `columns`, ascending, nulls first.
    pub fn sorted(&self, places: Vec<Place>, columns: &[String]) -> Result<Vec<Place>> {
        if columns.is_empty() {
            return Ok(places);
        }
        let keys = columns.iter().map(|name| {
            Ok(SortColumn {
                values: self.column(self.schema.index_of(name)?, &places)?,
                options: Some(SortOptions {
                    descending: false,
                    nulls_first: true,
                }),
            })
        });
        let order = keys
            .collect::<Result<Vec<_>, ArrowError>>()
            .and_then(|keys| lexsort_to_indices(&keys, None))
            .map_err(|e| Error::internal("cannot sort rows").caused_by(e))?;
        Ok(order.values().iter().map(|&i| places[i as usize]).collect())
    }
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
            let none = new_null_array(&arrow::datatypes::DataType::Utf8, 2);
            RecordBatch::try_from_iter_with_nullable(vec![
                ("key", Arc::new(Int64Array::from(keys)) as ArrayRef, true),
                ("text", Arc::new(StringArray::from(texts)) as ArrayRef, true),
                ("none", none, true),
            ])
            .unwrap()
        };
        let batches = vec![
            batch(vec![Some(3), Some(1)], vec!["c", "b"]),
            batch(vec![Some(1), None], vec!["a", "z"]),
        ];
        let pool = Pool::new(batches[0].schema(), batches);
        let all = vec![(0, 0), (0, 1), (1, 0), (1, 1)];
        let by = |columns: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|name| name.to_string()).collect();
            pool.sorted(all.clone(), &columns)
        };
        let places = by(&["key", "text"]).unwrap();
        assert_eq!(places, [(1, 1), (1, 0), (0, 1), (0, 0)]);
        let mut second = vec![(1, 1), (1, 0)];
        let part = pool.part(&mut second);
        assert_eq!(
            (part.batches().len(), &second[..]),
            (1, &[(0, 1), (0, 0)][..])
        );
        assert_eq!(
            part.gather(&second).unwrap(),
            pool.gather(&[(1, 1), (1, 0)]).unwrap()
        );
        let rows = pool.gather(&places[1..]).unwrap();
        let keys = rows.column(0).as_primitive::<Int64Type>();
        assert_eq!(keys.values(), &[1, 1, 3]);
        assert_eq!(rows.column(2).null_count(), 3);
        assert_eq!(by(&[]).unwrap(), all);
        assert!(by(&["no"]).is_err());
    }
}
