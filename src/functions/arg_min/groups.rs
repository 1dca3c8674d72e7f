//! The state of `arg_min` and `arg_max` for many groups at once.
//!
//! For each group the best order so far, and where its value stands: a chunk and a row in
//! it. Of each batch only the rows that became the best of their group are kept, gathered
//! into a chunk of their own by Arrow's kernels, so that values of any type take one code.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryBuilder, BooleanArray, UInt32Array, new_null_array,
};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::Extreme;
use super::order::{Keys, Orders};

/// The chunk of one null: the value of a group that no row counted for.
const NOTHING: (usize, usize) = (0, 0);

/// Rows kept in vain at which chunks are gathered anew, if they are also the most.
const MOST_WASTED: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Groups {
    extreme: Extreme,
    keys: Keys,
    /// Where each group's value stands.
    places: Vec<(usize, usize)>,
    chunks: Vec<ArrayRef>,
    rows: usize,
    chunk_bytes: usize,
    key: Vec<u8>,
}

impl Groups {
    pub(super) fn new(extreme: Extreme, value: &DataType) -> Result<Self> {
        Ok(Groups {
            extreme,
            keys: Keys::default(),
            places: Vec::new(),
            chunks: vec![new_null_array(value, 1)],
            rows: 0,
            chunk_bytes: 0,
            key: Vec::new(),
        })
    }

    pub(super) fn grow(&mut self, groups: usize) {
        if groups > self.keys.len() {
            self.keys.grow(groups);
            self.places.resize(groups, NOTHING);
        }
    }

    /// Takes over the rows that are better than what the groups have; `write_key` writes the
    /// order of a row, or says that it does not count.
    fn update(
        &mut self,
        values: &ArrayRef,
        group_indices: &[usize],
        write_key: impl Fn(usize, &mut Vec<u8>) -> bool,
    ) -> Result<()> {
        let chunk = self.chunks.len();
        let mut kept: Vec<u32> = Vec::new();
        let mut key = std::mem::take(&mut self.key);
        for (row, &group) in group_indices.iter().enumerate() {
            if !write_key(row, &mut key) {
                continue;
            }
            let better = match self.extreme {
                Extreme::Min => Ordering::Less,
                Extreme::Max => Ordering::Greater,
            };
            if self
                .keys
                .compare(&key, group)
                .is_some_and(|order| order != better)
            {
                continue;
            }
            self.keys.set(group, &key);
            let place = &mut self.places[group];
            if place.0 == chunk {
                // In the place of an earlier row of this batch.
                kept[place.1] = row as u32;
            } else {
                *place = (chunk, kept.len());
                kept.push(row as u32);
            }
        }
        self.key = key;
        if kept.is_empty() {
            return Ok(());
        }
        self.rows += kept.len();
        let kept = take(values, &UInt32Array::from(kept), None)?;
        self.chunk_bytes += kept.get_array_memory_size();
        self.chunks.push(kept);
        if self.rows > MOST_WASTED + 2 * self.places.len() {
            self.gather()?;
        }
        Ok(())
    }

    /// Keeps only the values that groups have.
    fn gather(&mut self) -> Result<()> {
        let values = self.values(self.places.len())?;
        self.rows = 0;
        for (row, place) in self.places.iter_mut().enumerate() {
            if *place != NOTHING {
                *place = (1, row);
                self.rows += 1;
            }
        }
        self.chunks.truncate(1);
        self.chunk_bytes = values.get_array_memory_size();
        self.chunks.push(values);
        Ok(())
    }

    /// The values of the first `count` groups.
    fn values(&self, count: usize) -> Result<ArrayRef> {
        let chunks: Vec<&dyn Array> = self.chunks.iter().map(|chunk| chunk.as_ref()).collect();
        Ok(interleave(&chunks, &self.places[..count])?)
    }

    fn forget(&mut self, count: usize) {
        self.keys.forget(count);
        self.places.drain(..count);
        if self.places.is_empty() {
            self.chunks.truncate(1);
            self.chunk_bytes = 0;
            self.rows = 0;
        }
    }

    fn count(&self, emit: EmitTo) -> usize {
        match emit {
            EmitTo::All => self.places.len(),
            EmitTo::First(count) => count,
        }
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        groups: usize,
    ) -> Result<()> {
        self.grow(groups);
        let orders = Orders::new(&values[1..])?;
        self.update(&values[0], group_indices, |row, key| {
            counts(filter, row) && orders.write(row, key)
        })
    }

    /// A state is a value and its order.
    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        groups: usize,
    ) -> Result<()> {
        self.update_batch(states, group_indices, None, groups)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let count = self.count(emit);
        let values = self.values(count)?;
        self.forget(count);
        Ok(values)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let count = self.count(emit);
        let values = self.values(count)?;
        let orders: BinaryArray = (0..count).map(|group| self.keys.get(group)).collect();
        self.forget(count);
        Ok(vec![values, Arc::new(orders)])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let orders = Orders::new(&values[1..])?;
        let mut keys = BinaryBuilder::new();
        let mut key = Vec::new();
        for row in 0..values[0].len() {
            let is_counted = counts(filter, row) && orders.write(row, &mut key);
            keys.append_option(is_counted.then_some(&key));
        }
        Ok(vec![values[0].clone(), Arc::new(keys.finish())])
    }

    fn size(&self) -> usize {
        self.keys.size()
            + self.chunk_bytes
            + self.places.capacity() * size_of::<(usize, usize)>()
            + self.key.capacity()
    }
}

/// Whether the aggregate's filter lets a row count.
fn counts(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}
