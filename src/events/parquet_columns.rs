//! Columns of a block of Parquet, cast to few types, and rows over them.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, MapArray,
    StringArray, StructArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;

use super::aliases::Known;
use super::event::Event;
use super::json::Json;
use super::layout::{Layout, Target};
use super::value::Value;

/// One column of a block.
pub(crate) struct Column {
    name: String,
    target: Target,
    data: Data,
}

enum Data {
    Scalar(Scalar),
    Pairs(Pairs),
    /// Anything nested, read as JSON.
    Nested(ArrayRef),
}

/// A column of plain values.
enum Scalar {
    Absent,
    Text(StringArray),
    Int(Int64Array),
    Float(Float64Array),
    Bool(BooleanArray),
}

/// A column of lists of keys with values of several types, of which one is set.
struct Pairs {
    lists: ListArray,
    keys: Scalar,
    values: Vec<Scalar>,
}

/// The typed values of the export, in the order in which the first that is set counts.
const TYPES: [&str; 4] = ["string_value", "int_value", "float_value", "double_value"];

impl Column {
    /// The column under `root` that `inner` leads to.
    pub(crate) fn new(
        name: String,
        target: Target,
        root: &ArrayRef,
        inner: &[String],
    ) -> Result<Column, ArrowError> {
        let mut array = Arc::clone(root);
        for step in inner {
            let found = array
                .as_struct_opt()
                .and_then(|s| s.column_by_name(step).cloned());
            match found {
                Some(found) => array = found,
                None => {
                    return Ok(Column {
                        name,
                        target,
                        data: Data::Scalar(Scalar::Absent),
                    });
                }
            }
        }
        let pairs = matches!(target, Target::Known(Known::Params | Known::UserProperties));
        let data = match array.data_type() {
            nested if pairs && nested.is_nested() => match Pairs::new(&array)? {
                Some(pairs) => Data::Pairs(pairs),
                None => Data::Scalar(Scalar::Absent),
            },
            nested if nested.is_nested() => Data::Nested(array),
            _ => Data::Scalar(Scalar::new(&array)?),
        };
        Ok(Column { name, target, data })
    }

    /// The value of a row that is no list of pairs.
    fn value(&self, row: usize) -> Value<'_> {
        match &self.data {
            Data::Scalar(scalar) => scalar.value(row),
            Data::Nested(array) => nested_json(array, row)
                .canonical()
                .map_or(Value::Null, Value::Json),
            Data::Pairs(_) => Value::Null,
        }
    }
}

impl Scalar {
    fn new(array: &ArrayRef) -> Result<Scalar, ArrowError> {
        let text = || cast(array, &DataType::Utf8).map(|text| text.as_string::<i32>().clone());
        Ok(match array.data_type() {
            DataType::Null => Scalar::Absent,
            DataType::Boolean => Scalar::Bool(array.as_boolean().clone()),
            DataType::Utf8 => Scalar::Text(array.as_string::<i32>().clone()),
            DataType::Int64 => Scalar::Int(array.as_primitive::<Int64Type>().clone()),
            DataType::Float64 => Scalar::Float(array.as_primitive::<Float64Type>().clone()),
            // By its shortest text, so that 0.1 stays 0.1.
            DataType::Float32 => Scalar::Float(
                array
                    .as_primitive::<Float32Type>()
                    .iter()
                    .map(|float| float.and_then(|float| float.to_string().parse().ok()))
                    .collect(),
            ),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => {
                let ints = cast(array, &DataType::Int64)?;
                Scalar::Int(ints.as_primitive::<Int64Type>().clone())
            }
            // A point in time; one without a zone stays text, which says that it has none.
            DataType::Timestamp(_, Some(zone)) => {
                let micros = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(zone)));
                let ints = cast(&cast(array, &micros)?, &DataType::Int64)?;
                Scalar::Int(ints.as_primitive::<Int64Type>().clone())
            }
            _ => Scalar::Text(text()?),
        })
    }

    fn value(&self, row: usize) -> Value<'_> {
        let null = match self {
            Scalar::Absent => true,
            Scalar::Text(array) => array.is_null(row),
            Scalar::Int(array) => array.is_null(row),
            Scalar::Float(array) => array.is_null(row),
            Scalar::Bool(array) => array.is_null(row),
        };
        match self {
            _ if null => Value::Null,
            Scalar::Absent => Value::Null,
            Scalar::Text(array) => Value::Text(Cow::Borrowed(array.value(row))),
            Scalar::Int(array) => Value::Int(array.value(row)),
            Scalar::Float(array) => Value::Float(array.value(row)),
            Scalar::Bool(array) => Value::Bool(array.value(row)),
        }
    }
}

impl Pairs {
    /// Lists of `{key, value}` structs, or maps; nothing for lists of anything else, which
    /// some tools write for columns that are always empty.
    fn new(array: &ArrayRef) -> Result<Option<Pairs>, ArrowError> {
        let lists = match array.data_type() {
            DataType::Map(..) => {
                let map: &MapArray = array.as_map();
                let (field, entries) = match map.data_type() {
                    DataType::Map(field, _) => (Arc::clone(field), map.entries().clone()),
                    _ => return Ok(None),
                };
                ListArray::try_new(
                    field,
                    map.offsets().clone(),
                    Arc::new(entries),
                    map.nulls().cloned(),
                )?
            }
            DataType::List(_) => array.as_list::<i32>().clone(),
            DataType::LargeList(field) => cast(array, &DataType::List(Arc::clone(field)))?
                .as_list::<i32>()
                .clone(),
            _ => return Ok(None),
        };
        let Some(entries) = lists.values().as_struct_opt() else {
            return Ok(None);
        };
        let (key, value) = match array.data_type() {
            DataType::Map(..) => (entries.column(0), entries.column(1)),
            _ => match (
                entries.column_by_name("key"),
                entries.column_by_name("value"),
            ) {
                (Some(key), Some(value)) => (key, value),
                _ => return Ok(None),
            },
        };
        let keys = Scalar::new(key)?;
        let values = match value.as_struct_opt() {
            None => vec![Scalar::new(value)?],
            Some(typed) => {
                let columns = TYPES.iter().filter_map(|kind| typed.column_by_name(kind));
                columns.map(Scalar::new).collect::<Result<_, _>>()?
            }
        };
        Ok(Some(Pairs {
            lists,
            keys,
            values,
        }))
    }

    fn apply<'a>(&'a self, event: &mut Event<'a>, user: bool, row: usize) {
        if self.lists.is_null(row) {
            return;
        }
        let offsets = self.lists.value_offsets();
        for index in offsets[row] as usize..offsets[row + 1] as usize {
            let Some(key) = self.keys.value(index).into_text() else {
                continue;
            };
            let values = self.values.iter().map(|scalar| scalar.value(index));
            let Some(value) = values.into_iter().find(|value| *value != Value::Null) else {
                continue;
            };
            if user {
                event.user_property(key, value);
            } else {
                event.param(key, value);
            }
        }
    }
}

/// One row of a block.
pub(crate) struct Row<'a> {
    pub(crate) columns: &'a [Column],
    pub(crate) index: usize,
}

impl<'a> Row<'a> {
    /// Gives the event all columns.
    pub(crate) fn apply(&self, layout: &Layout, event: &mut Event<'a>) {
        for column in self.columns {
            match &column.data {
                Data::Pairs(pairs) => {
                    let user = column.target == Target::Known(Known::UserProperties);
                    pairs.apply(event, user, self.index);
                }
                _ => {
                    let value = column.value(self.index);
                    layout.apply(event, column.target, &column.name, value);
                }
            }
        }
    }

    /// The row's plain values as JSON text, for the file of rejects.
    pub(crate) fn to_json(&self) -> String {
        let mut members = Vec::new();
        for column in self.columns {
            if let Some(text) = column.value(self.index).into_text() {
                members.push((Cow::Borrowed(column.name.as_str()), Json::Text(text)));
            }
        }
        Json::Object(members)
            .canonical()
            .unwrap_or_else(|| "{}".to_owned())
    }
}

/// A nested value as JSON.
fn nested_json(array: &ArrayRef, row: usize) -> Json<'static> {
    if array.is_null(row) {
        return Json::Null;
    }
    let list = |values: ArrayRef| {
        Json::Array(
            (0..values.len())
                .map(|index| nested_json(&values, index))
                .collect(),
        )
    };
    match array.data_type() {
        DataType::Struct(fields) => {
            let columns: &StructArray = array.as_struct();
            let members = fields.iter().zip(columns.columns()).map(|(field, column)| {
                (Cow::Owned(field.name().clone()), nested_json(column, row))
            });
            Json::Object(members.collect())
        }
        DataType::List(_) => list(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row)),
        DataType::Map(..) => {
            let entries: ArrayRef = Arc::new(array.as_map().value(row));
            list(entries)
        }
        DataType::Boolean => Json::Bool(array.as_boolean().value(row)),
        kind => {
            let number = kind.is_numeric();
            let text = match Scalar::new(&array.slice(row, 1)) {
                Ok(scalar) => scalar.value(0).into_text().map(Cow::into_owned),
                Err(_) => array_value_to_string(array, row).ok(),
            };
            match text {
                Some(text) if number => Json::Number(Cow::Owned(text)),
                Some(text) => Json::Text(Cow::Owned(text)),
                None => Json::Null,
            }
        }
    }
}
