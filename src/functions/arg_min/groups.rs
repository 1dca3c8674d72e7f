//! The state of `arg_min` and `arg_max` for many groups at once.
//!
//! For each group where its best row so far stands: a chunk and a row in it. Of each batch
//! only the rows that became the best of their group are kept, their values and orders
//! gathered into a chunk of their own by Arrow's kernels, so that values of any type take
//! one code.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array, new_null_array};
use arrow::compute::{cast, interleave, nullif, take};
use arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::Extreme;
use super::order::{self, Orders};

/// Rows kept in vain at which chunks are gathered anew, if they are also the most.
const MOST_WASTED: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Groups {
    /// How a row compares with a worse one.
    better: Ordering,
    /// The type in which values are kept.
    value: DataType,
    /// Of each group's row.
    heads: Vec<u64>,
    places: Vec<Place>,
    chunks: Vec<Chunk>,
    rows: usize,
    chunk_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    chunk: u32,
    row: u32,
}

/// The one row of the first chunk, all null: that of a group of which no row counted.
const NOTHING: Place = Place { chunk: 0, row: 0 };

/// Rows that were kept: the values, then the orders.
#[derive(Debug)]
struct Chunk {
    arrays: Vec<ArrayRef>,
    orders: Orders,
}

impl Chunk {
    fn new(arrays: Vec<ArrayRef>) -> Result<Self> {
        Ok(Chunk {
            orders: Orders::new(&arrays[1..])?,
            arrays,
        })
    }

    fn bytes(&self) -> usize {
        let arrays = self.arrays.iter();
        arrays.map(|array| array.get_array_memory_size()).sum()
    }
}

impl Groups {
    /// `value` is the type in which values are kept, [`kept`] of theirs; `orders` are the
    /// types of the orders.
    pub(super) fn new<'a>(
        extreme: Extreme,
        value: &DataType,
        orders: impl Iterator<Item = &'a DataType>,
    ) -> Result<Self> {
        let mut nothing = vec![new_null_array(value, 1)];
        nothing.extend(orders.map(|order| new_null_array(&order::kept(order), 1)));
        Ok(Groups {
            better: match extreme {
                Extreme::Min => Ordering::Less,
                Extreme::Max => Ordering::Greater,
            },
            value: value.clone(),
            heads: Vec::new(),
            places: Vec::new(),
            chunks: vec![Chunk::new(nothing)?],
            rows: 0,
            chunk_bytes: 0,
        })
    }

    pub(super) fn grow(&mut self, groups: usize) {
        if groups > self.places.len() {
            self.heads.resize(groups, 0);
            self.places.resize(groups, NOTHING);
        }
    }

    /// Takes over the rows that are better than what the groups have.
    fn update(
        &mut self,
        values: &ArrayRef,
        orders: &Orders,
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        let chunk = self.chunks.len() as u32;
        let mut kept: Vec<u32> = Vec::new();
        for (row, &group) in group_indices.iter().enumerate() {
            if !counts(filter, row) {
                continue;
            }
            let Some(head) = orders.head(row) else {
                continue;
            };
            let place = self.places[group];
            let at = place.row as usize;
            if place != NOTHING {
                // The head mostly decides.
                let order = head.cmp(&self.heads[group]).then_with(|| {
                    if place.chunk == chunk {
                        orders.compare(row, orders, kept[at] as usize)
                    } else {
                        let chunk = &self.chunks[place.chunk as usize];
                        orders.compare(row, &chunk.orders, at)
                    }
                });
                if order != self.better {
                    continue;
                }
            }
            self.heads[group] = head;
            if place.chunk == chunk {
                // In the place of an earlier row of this batch.
                kept[at] = row as u32;
            } else {
                let row_in_chunk = kept.len() as u32;
                self.places[group] = Place {
                    chunk,
                    row: row_in_chunk,
                };
                kept.push(row as u32);
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        self.rows += kept.len();
        let kept = UInt32Array::from(kept);
        let mut arrays = vec![cast(&take(values, &kept, None)?, &self.value)?];
        for order in orders.arrays() {
            arrays.push(take(&order, &kept, None)?);
        }
        self.push(Chunk::new(arrays)?);
        if self.rows > MOST_WASTED + 2 * self.places.len() {
            self.gather()?;
        }
        Ok(())
    }

    fn push(&mut self, chunk: Chunk) {
        self.chunk_bytes += chunk.bytes();
        self.chunks.push(chunk);
    }

    /// Keeps only the rows that groups have.
    fn gather(&mut self) -> Result<()> {
        let arrays = self.arrays(self.places.len())?;
        self.rows = 0;
        for (row, place) in (0..).zip(&mut self.places) {
            if *place != NOTHING {
                *place = Place { chunk: 1, row };
                self.rows += 1;
            }
        }
        self.chunks.truncate(1);
        self.chunk_bytes = 0;
        self.push(Chunk::new(arrays)?);
        Ok(())
    }

    /// The values and orders of the first `count` groups.
    fn arrays(&self, count: usize) -> Result<Vec<ArrayRef>> {
        let columns = 0..self.chunks[0].arrays.len();
        columns.map(|column| self.array(column, count)).collect()
    }

    fn array(&self, column: usize, count: usize) -> Result<ArrayRef> {
        let chunks = self.chunks.iter().map(|chunk| &*chunk.arrays[column]);
        let chunks: Vec<&dyn Array> = chunks.collect();
        let places = self.places[..count].iter();
        let places: Vec<(usize, usize)> = places
            .map(|place| (place.chunk as usize, place.row as usize))
            .collect();
        Ok(interleave(&chunks, &places)?)
    }

    fn forget(&mut self, count: usize) {
        self.heads.drain(..count);
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
        self.update(&values[0], &orders, group_indices, filter)
    }

    /// A state is a value and its orders.
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
        let values = self.array(0, count)?;
        self.forget(count);
        Ok(values)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let count = self.count(emit);
        let arrays = self.arrays(count)?;
        self.forget(count);
        Ok(arrays)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let orders = Orders::new(&values[1..])?.arrays();
        // A row that does not count has no order.
        let counted = (0..values[0].len()).map(|row| counts(filter, row));
        let dropped: BooleanArray = counted.map(|counts| Some(!counts)).collect();
        let mut states = vec![cast(&values[0], &self.value)?];
        for order in orders {
            states.push(nullif(&order, &dropped)?);
        }
        Ok(states)
    }

    fn size(&self) -> usize {
        self.chunk_bytes
            + self.heads.capacity() * size_of::<u64>()
            + self.places.capacity() * size_of::<Place>()
    }
}

/// The type in which a value of a type is kept: without views, which would keep, and answer
/// for, all the text that was read with theirs.
pub(super) fn kept(value: &DataType) -> DataType {
    match value {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Struct(fields) => {
            let kept_field = |field: &Field| {
                let data_type = kept(field.data_type());
                field.clone().with_data_type(data_type)
            };
            DataType::Struct(fields.iter().map(|field| kept_field(field)).collect())
        }
        other => other.clone(),
    }
}

/// Whether the aggregate's filter lets a row count.
fn counts(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}
