//! The orders of a row as bytes that sort as they do.

use std::cmp::Ordering;

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

/// The orders of a batch of rows.
pub(super) struct Orders {
    columns: Vec<Column>,
}

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

    /// Writes the order of a row; false if one of its parts is null. Bytes are taken as they
    /// are: they come last.
    pub(super) fn write(&self, row: usize, key: &mut Vec<u8>) -> bool {
        key.clear();
        for column in &self.columns {
            match column {
                Column::Int(ints) if ints.is_valid(row) => {
                    key.extend_from_slice(&(ints.value(row) ^ i64::MIN).to_be_bytes());
                }
                Column::Bytes(bytes) if bytes.is_valid(row) => {
                    key.extend_from_slice(bytes.value(row));
                }
                _ => return false,
            }
        }
        true
    }
}

/// A key for each group: all in one buffer, and the first eight bytes apart, which mostly
/// decide.
#[derive(Debug, Default)]
pub(super) struct Keys {
    heads: Vec<u64>,
    places: Vec<Place>,
    bytes: Vec<u8>,
    /// Bytes that no place names any more.
    wasted: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct Place {
    start: usize,
    /// The length and one, so that 0 is no key.
    length: u32,
}

impl Keys {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn grow(&mut self, groups: usize) {
        self.heads.resize(groups, 0);
        self.places.resize(groups, Place::default());
    }

    /// The key of a group, if it has one.
    pub(super) fn get(&self, group: usize) -> Option<&[u8]> {
        let Place { start, length } = self.places[group];
        let length = (length as usize).checked_sub(1)?;
        Some(&self.bytes[start..start + length])
    }

    /// How `key` compares with the group's, if it has one.
    pub(super) fn compare(&self, key: &[u8], group: usize) -> Option<Ordering> {
        let other = self.get(group)?;
        let heads = head(key).cmp(&self.heads[group]);
        Some(heads.then_with(|| key.cmp(other)))
    }

    pub(super) fn set(&mut self, group: usize, key: &[u8]) {
        self.heads[group] = head(key);
        let place = &mut self.places[group];
        let before = (place.length as usize).saturating_sub(1);
        if key.len() <= before {
            self.wasted += before - key.len();
        } else {
            self.wasted += before;
            place.start = self.bytes.len();
            self.bytes.resize(place.start + key.len(), 0);
        }
        place.length = key.len() as u32 + 1;
        self.bytes[place.start..place.start + key.len()].copy_from_slice(key);
        if self.wasted > self.bytes.len() / 2 && self.wasted > 1 << 16 {
            self.rebuild(0);
        }
    }

    /// Forgets the first `count` groups.
    pub(super) fn forget(&mut self, count: usize) {
        self.heads.drain(..count);
        self.rebuild(count);
    }

    /// Copies the keys from group `from` on together.
    fn rebuild(&mut self, from: usize) {
        let mut bytes = Vec::new();
        self.places.drain(..from);
        for place in &mut self.places {
            if place.length > 0 {
                let start = bytes.len();
                let length = place.length as usize - 1;
                bytes.extend_from_slice(&self.bytes[place.start..place.start + length]);
                place.start = start;
            }
        }
        self.bytes = bytes;
        self.wasted = 0;
    }

    pub(super) fn size(&self) -> usize {
        self.bytes.capacity()
            + self.places.capacity() * size_of::<Place>()
            + self.heads.capacity() * size_of::<u64>()
    }
}

/// The first eight bytes as a number that compares as they do.
fn head(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(head) => u64::from_be_bytes(*head),
        None => {
            let mut head = [0; 8];
            head[..key.len()].copy_from_slice(key);
            u64::from_be_bytes(head)
        }
    }
}
