//! `event_order(…)`: SPEC §2's total order of events as one binary value, so that a first or
//! a last is a minimum or maximum of a plain column.
//!
//! 51 bytes that compare byte by byte as the events do by (`event_timestamp`,
//! `batch_page_id`, `batch_ordering_id`, `batch_event_index`, `event_id`), nulls first:
//! the timestamp as a big-endian integer with its sign bit flipped (8 bytes); each batch
//! number as a byte 0 if null, else 1, and the number likewise (9 bytes each); the event id
//! (16 bytes).

use std::sync::{Arc, LazyLock};

use arrow::array::BinaryBuilder;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::FunctionDoc;
use super::arguments::{Bytes, Primitive, expect_count};
use crate::Error;

pub(super) const DOC: FunctionDoc = FunctionDoc {
    name: "event_order",
    signature: "event_order(event_timestamp timestamp, batch_page_id bigint, \
                batch_ordering_id bigint, batch_event_index bigint, event_id binary) -> binary",
    description: "51 bytes that sort as the events do in their total order, nulls first: the \
                  earliest event is that with the `min`, the latest that with the `max`. Null \
                  where the timestamp or the id is null.",
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| DOC.documentation());

const ID_BYTES: usize = 16;

/// The length of every value.
const BYTES: usize = 8 + 3 * 9 + ID_BYTES;

pub(super) fn function() -> ScalarUDF {
    ScalarUDF::from(EventOrder {
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct EventOrder {
    signature: Signature,
}

impl ScalarUDFImpl for EventOrder {
    fn name(&self) -> &str {
        DOC.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        expect_count(DOC.name, given, 5)?;
        let timestamp = match &given[0] {
            DataType::Timestamp(_, zone) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            DataType::Null => DataType::Timestamp(TimeUnit::Microsecond, None),
            other => return plan_err!("event_order takes a timestamp first, not {other}"),
        };
        let mut types = vec![timestamp];
        for number in &given[1..4] {
            if !(number.is_integer() || number.is_null()) {
                return plan_err!(
                    "event_order takes integers after the timestamp, not {number}"
                );
            }
            types.push(DataType::Int64);
        }
        types.push(match &given[4] {
            id @ (DataType::Binary | DataType::BinaryView) => id.clone(),
            DataType::LargeBinary | DataType::FixedSizeBinary(_) | DataType::Null => {
                DataType::Binary
            }
            other => return plan_err!("event_order takes a binary event id last, not {other}"),
        });
        Ok(types)
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let timestamps = Primitive::<TimestampMicrosecondType>::new(&arguments.args[0])?;
        let pages = Primitive::<Int64Type>::new(&arguments.args[1])?;
        let orderings = Primitive::<Int64Type>::new(&arguments.args[2])?;
        let indexes = Primitive::<Int64Type>::new(&arguments.args[3])?;
        let ids = Bytes::new(&arguments.args[4])?;
        let mut orders = BinaryBuilder::with_capacity(rows, rows * BYTES);
        for row in 0..rows {
            let (Some(timestamp), Some(id)) = (timestamps.get(row), ids.get(row)) else {
                orders.append_null();
                continue;
            };
            let id = id.try_into().map_err(|_| wrong_id(id.len()))?;
            let batch = [pages.get(row), orderings.get(row), indexes.get(row)];
            orders.append_value(encode(timestamp, batch, id));
        }
        Ok(ColumnarValue::Array(Arc::new(orders.finish())))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

fn encode(timestamp: i64, batch: [Option<i64>; 3], id: &[u8; ID_BYTES]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&sortable(timestamp));
    for (number, place) in batch.iter().zip(bytes[8..].chunks_exact_mut(9)) {
        if let Some(number) = number {
            place[0] = 1;
            place[1..].copy_from_slice(&sortable(*number));
        }
    }
    bytes[BYTES - ID_BYTES..].copy_from_slice(id);
    bytes
}

/// A signed integer as bytes in the order of the integers.
fn sortable(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

fn wrong_id(length: usize) -> DataFusionError {
    DataFusionError::External(Box::new(Error::input(format!(
        "event_order takes an event id of {ID_BYTES} bytes, not {length}"
    ))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Event = (i64, [Option<i64>; 3], [u8; ID_BYTES]);

    fn event() -> impl Strategy<Value = Event> {
        let number = prop_oneof![Just(i64::MIN), -2..3i64, Just(i64::MAX)];
        let batch = proptest::array::uniform3(proptest::option::of(number.clone()));
        // Ids that differ in few bytes, so that ties on all before them happen.
        let id = (0..3u8, 254..=255u8).prop_map(|(first, last)| {
            let mut id = [0; ID_BYTES];
            (id[0], id[15]) = (first, last);
            id
        });
        (number, batch, id)
    }

    proptest! {
        #[test]
        fn bytes_compare_as_events_do(one in event(), other in event()) {
            let encode = |event: &Event| encode(event.0, event.1, &event.2);
            // `None` is less than any `Some`: nulls first.
            prop_assert_eq!(encode(&one).cmp(&encode(&other)), one.cmp(&other));
        }
    }

    #[test]
    fn nulls_come_before_the_smallest_number() {
        let id = [0xff; ID_BYTES];
        assert!(encode(7, [None; 3], &id) < encode(7, [Some(i64::MIN), None, None], &[0; 16]));
    }

    #[test]
    fn a_value_is_51_bytes_in_the_order_of_its_parts() {
        let bytes = encode(1, [None, Some(2), Some(-1)], &[9; ID_BYTES]);
        assert_eq!(bytes.len(), 51);
        assert_eq!(bytes[..8], [0x80, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(bytes[8..17], [0; 9]);
        assert_eq!(bytes[17..26], [1, 0x80, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(bytes[26..35], [1, 0x7f, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(bytes[35..], [9; 16]);
    }
}
