//! The orders of rows, compared where they stand.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err, plan_err};

/// The type in which an order of type `given` is taken.
pub(super) fn coerced(function: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => Ok(DataType::Binary),
        DataType::FixedSizeBinary(_) => Ok(DataType::Binary),
        DataType::Int64 | DataType::Timestamp(..) | DataType::Date32 | DataType::Boolean => {
            Ok(given.clone())
        }
        other if other.is_signed_integer() || other.is_null() => Ok(DataType::Int64),
        other => plan_err!("{function} orders by numbers, times or bytes, not by {other}"),
    }
}

/// The type in which an order of a [`coerced`] type is kept.
pub(super) fn kept(order: &DataType) -> DataType {
    match order {
        DataType::Binary => DataType::Binary,
        _ => DataType::Int64,
    }
}

/// The orders of some rows, the deciding one first.
#[derive(Debug)]
pub(super) struct Orders {
    columns: Vec<Column>,
}

#[derive(Debug)]
enum Column {
    Int(Int64Array),
    Bytes(BinaryArray),
}

impl Orders {
    pub(super) fn new(arrays: &[ArrayRef]) -> Result<Self> {
        let columns = arrays.iter().map(|array| match array.data_type() {
            DataType::Binary => Ok(Column::Bytes(array.as_binary::<i32>().clone())),
            DataType::Int64 => Ok(Column::Int(array.as_primitive::<Int64Type>().clone())),
            DataType::Timestamp(..) | DataType::Date32 | DataType::Boolean => {
                // A date casts by way of its own width.
                let ints = match array.data_type() {
                    DataType::Date32 => {
                        cast(&cast(array, &DataType::Int32)?, &DataType::Int64)?
                    }
                    _ => cast(array, &DataType::Int64)?,
                };
                Ok(Column::Int(ints.as_primitive::<Int64Type>().clone()))
            }
            other => exec_err!("no order by {other}"),
        });
        Ok(Orders {
            columns: columns.collect::<Result<_>>()?,
        })
    }

    /// In the types of [`kept`].
    pub(super) fn arrays(&self) -> Vec<ArrayRef> {
        let arrays = self.columns.iter().map(|column| -> ArrayRef {
            match column {
                Column::Int(ints) => Arc::new(ints.clone()),
                Column::Bytes(bytes) => Arc::new(bytes.clone()),
            }
        });
        arrays.collect()
    }

    /// What mostly decides: a number that compares as the row's order does, where the two
    /// differ. None if a part of the order is null.
    pub(super) fn head(&self, row: usize) -> Option<u64> {
        let is_null = self.columns.iter().any(|column| match column {
            Column::Int(ints) => ints.is_null(row),
            Column::Bytes(bytes) => bytes.is_null(row),
        });
        if is_null {
            return None;
        }
        Some(match self.columns.first()? {
            Column::Int(ints) => (ints.value(row) ^ i64::MIN).cast_unsigned(),
            Column::Bytes(bytes) => first_eight(bytes.value(row)),
        })
    }

    /// How a row compares with one of other rows; neither may have a null.
    pub(super) fn compare(&self, row: usize, others: &Orders, other: usize) -> Ordering {
        let mut columns = self.columns.iter().zip(&others.columns);
        let decided = columns.find_map(|(column, others)| {
            let order = match (column, others) {
                (Column::Int(ints), Column::Int(others)) => {
                    ints.value(row).cmp(&others.value(other))
                }
                (Column::Bytes(bytes), Column::Bytes(others)) => {
                    bytes.value(row).cmp(others.value(other))
                }
                _ => Ordering::Equal,
            };
            order.is_ne().then_some(order)
        });
        decided.unwrap_or(Ordering::Equal)
    }
}

/// The first eight bytes as a number that compares as they do.
fn first_eight(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(first)
        }
    }
}
