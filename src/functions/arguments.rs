//! The arguments of a function as columns to read by row, whether they came as a column or
//! as a constant, and in whichever of Arrow's text and binary types.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BinaryViewArray,
    LargeStringArray, PrimitiveArray, StringArray, StringViewArray,
};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::ColumnarValue;

/// The array behind an argument, and whether its one value stands for all rows.
fn unpack(argument: &ColumnarValue) -> Result<(ArrayRef, bool)> {
    Ok(match argument {
        ColumnarValue::Array(array) => (array.clone(), false),
        ColumnarValue::Scalar(value) => (value.to_array()?, true),
    })
}

/// Refuses a call with another number of arguments.
pub(super) fn expect_count(function: &str, given: &[DataType], expected: usize) -> Result<()> {
    if given.len() != expected {
        return plan_err!("{function} takes {expected} arguments, not {}", given.len());
    }
    Ok(())
}

/// The type in which a text argument is read: as it is, where that is text.
pub(super) fn text_type(function: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => Ok(given.clone()),
        DataType::Null => Ok(DataType::Utf8),
        DataType::Dictionary(_, values) => text_type(function, values),
        other => plan_err!("{function} takes text here, not {other}"),
    }
}

enum TextArray {
    Utf8(StringArray),
    View(StringViewArray),
    Large(LargeStringArray),
}

/// A text argument.
pub(super) struct Text {
    array: TextArray,
    constant: bool,
}

impl Text {
    pub(super) fn new(argument: &ColumnarValue) -> Result<Self> {
        let (array, constant) = unpack(argument)?;
        let array = match array.data_type() {
            DataType::Utf8 => TextArray::Utf8(array.as_string::<i32>().clone()),
            DataType::Utf8View => TextArray::View(array.as_string_view().clone()),
            DataType::LargeUtf8 => TextArray::Large(array.as_string::<i64>().clone()),
            other => return exec_err!("expected text, found {other}"),
        };
        Ok(Text { array, constant })
    }

    pub(super) fn get(&self, row: usize) -> Option<&str> {
        let row = if self.constant { 0 } else { row };
        match &self.array {
            TextArray::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            TextArray::View(array) => array.is_valid(row).then(|| array.value(row)),
            TextArray::Large(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }

    /// Whether two rows have the same text, or both none.
    pub(super) fn is_same(&self, row: usize, other: usize) -> bool {
        if self.constant {
            return true;
        }
        if let TextArray::View(array) = &self.array {
            // Of one dictionary, equal texts have one view.
            let views = array.views();
            if array.is_valid(row) && array.is_valid(other) && views[row] == views[other] {
                return true;
            }
        }
        self.get(row) == self.get(other)
    }

    /// Whether no row has a text.
    pub(super) fn is_null(&self) -> bool {
        let array: &dyn Array = match &self.array {
            TextArray::Utf8(array) => array,
            TextArray::View(array) => array,
            TextArray::Large(array) => array,
        };
        array.null_count() == array.len()
    }
}

/// An argument of a primitive type: numbers, dates, timestamps.
pub(super) struct Primitive<T: ArrowPrimitiveType> {
    array: PrimitiveArray<T>,
    constant: bool,
}

impl<T: ArrowPrimitiveType> Primitive<T> {
    pub(super) fn new(argument: &ColumnarValue) -> Result<Self> {
        let (array, constant) = unpack(argument)?;
        match array.as_primitive_opt::<T>() {
            Some(array) => Ok(Primitive {
                array: array.clone(),
                constant,
            }),
            None => exec_err!("expected {}, found {}", T::DATA_TYPE, array.data_type()),
        }
    }

    pub(super) fn get(&self, row: usize) -> Option<T::Native> {
        let row = if self.constant { 0 } else { row };
        self.array.is_valid(row).then(|| self.array.value(row))
    }
}

enum BytesArray {
    Plain(BinaryArray),
    View(BinaryViewArray),
}

/// A binary argument, `Binary` or `BinaryView`.
pub(super) struct Bytes {
    array: BytesArray,
    constant: bool,
}

impl Bytes {
    pub(super) fn new(argument: &ColumnarValue) -> Result<Self> {
        let (array, constant) = unpack(argument)?;
        let array = match array.data_type() {
            DataType::Binary => BytesArray::Plain(array.as_binary::<i32>().clone()),
            DataType::BinaryView => BytesArray::View(array.as_binary_view().clone()),
            other => return exec_err!("expected bytes, found {other}"),
        };
        Ok(Bytes { array, constant })
    }

    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        let row = if self.constant { 0 } else { row };
        match &self.array {
            BytesArray::Plain(array) => array.is_valid(row).then(|| array.value(row)),
            BytesArray::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Int64Type;
    use datafusion::common::ScalarValue;
    use std::sync::Arc;

    #[test]
    fn a_constant_reads_the_same_on_every_row() {
        let text = Text::new(&ColumnarValue::Scalar(ScalarValue::from("a"))).unwrap();
        assert_eq!((text.get(0), text.get(9)), (Some("a"), Some("a")));
        let none = Text::new(&ColumnarValue::Scalar(ScalarValue::Utf8(None))).unwrap();
        assert_eq!(none.get(3), None);
        assert!(none.is_null() && none.is_same(0, 1));
    }

    #[test]
    fn a_column_reads_by_row_with_its_nulls() {
        let array = StringViewArray::from(vec![Some("a"), None, None, Some("a")]);
        let text = Text::new(&ColumnarValue::Array(Arc::new(array))).unwrap();
        assert_eq!((text.get(0), text.get(1)), (Some("a"), None));
        assert!(text.is_same(1, 2) && text.is_same(0, 3) && !text.is_same(0, 1));
        assert!(!text.is_null());
    }

    #[test]
    fn another_type_is_an_error() {
        let number = ColumnarValue::Scalar(ScalarValue::from(1i64));
        assert!(Text::new(&number).is_err());
        assert!(Bytes::new(&number).is_err());
        assert_eq!(
            Primitive::<Int64Type>::new(&number).unwrap().get(5),
            Some(1)
        );
    }
}
