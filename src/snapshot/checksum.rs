//! A fingerprint of rows that does not depend on their order or on the files they are in.
//!
//! A row's hash is XXH3-64 of its bytes in Arrow's row format: every column in the order of
//! the schema, nulls distinct from every value, nested values included. Rows add up
//! modulo 2^64, so that parts add up to the whole, and a duplicate row counts. Two sets of
//! n rows that differ are taken for the same with a chance of about 2^-64, on top of equal
//! row counts; that is a guard against needless work, not against an adversary.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::row::{RowConverter, Rows, SortField};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Error, Result};

/// Adds up the hashes of the rows that it is shown.
pub struct RowHasher {
    converter: RowConverter,
    rows: Rows,
    columns: Vec<usize>,
    sum: u64,
}

impl RowHasher {
    /// Hashes the columns of `schema` named in `columns`, or all of them.
    ///
    /// # Errors
    /// If one of `columns` is not in `schema`, or a type has no row format.
    pub fn new(schema: &Schema, columns: Option<&[String]>) -> Result<Self> {
        let columns: Vec<usize> = match columns {
            None => (0..schema.fields().len()).collect(),
            Some(names) => {
                let found = names.iter().map(|name| {
                    schema
                        .index_of(name)
                        .map_err(|e| Error::internal("no such column to hash").caused_by(e))
                });
                found.collect::<Result<_>>()?
            }
        };
        let fields = columns.iter().map(|i| schema.field(*i).data_type());
        let converter = RowConverter::new(fields.map(sort_field).collect())
            .map_err(|e| Error::internal("cannot hash rows of this type").caused_by(e))?;
        let rows = converter.empty_rows(0, 0);
        Ok(RowHasher {
            converter,
            rows,
            columns,
            sum: 0,
        })
    }

    /// Adds the rows of `batch`, which has the schema given to [`RowHasher::new`].
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = self.columns.iter().map(|i| batch.column(*i).clone());
        let columns: Vec<ArrayRef> = columns.collect();
        self.rows.clear();
        self.converter
            .append(&mut self.rows, &columns)
            .map_err(|e| Error::internal("cannot hash rows").caused_by(e))?;
        for row in &self.rows {
            self.sum = self.sum.wrapping_add(xxh3_64(row.data()));
        }
        Ok(())
    }

    /// The sum so far; starts again from 0.
    pub fn take(&mut self) -> u64 {
        std::mem::take(&mut self.sum)
    }
}

fn sort_field(data_type: &DataType) -> SortField {
    SortField::new(data_type.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::testing::events;

    fn sum(batches: &[RecordBatch]) -> u64 {
        let mut hasher = RowHasher::new(&batches[0].schema(), None).unwrap();
        for batch in batches {
            hasher.add(batch).unwrap();
        }
        hasher.take()
    }

    #[test]
    fn order_and_batches_do_not_matter_and_content_does() {
        let all = events(&[(1, "a"), (2, "b"), (3, "c")]);
        let whole = sum(std::slice::from_ref(&all));
        assert_eq!(
            sum(&[events(&[(3, "c"), (1, "a")]), events(&[(2, "b")])]),
            whole
        );
        assert_ne!(sum(&[events(&[(1, "a"), (2, "b"), (3, "d")])]), whole);
        assert_ne!(sum(&[events(&[(1, "a"), (2, "b")])]), whole);
        assert_ne!(
            sum(&[events(&[(1, "a"), (1, "a"), (2, "b"), (3, "c")])]),
            whole
        );
    }

    /// The value itself is stored in file names: a change rebuilds everything downstream.
    #[test]
    fn the_hash_of_a_row_is_pinned() {
        let value = sum(&[events(&[(1, "a")])]);
        assert_eq!(format!("{value:016x}"), "fc95a7591124e823");
    }

    #[test]
    fn chosen_columns_decide() {
        let columns = ["key".to_owned()];
        let (a, b) = (events(&[(1, "a")]), events(&[(1, "b")]));
        let mut hasher = RowHasher::new(&a.schema(), Some(&columns)).unwrap();
        hasher.add(&a).unwrap();
        let first = hasher.take();
        hasher.add(&b).unwrap();
        assert_eq!(hasher.take(), first);
        assert!(RowHasher::new(&a.schema(), Some(&["x".to_owned()])).is_err());
    }
}
