//! The types that a table can hold, and how other types become them.
//!
//! Delta knows fewer types than Arrow. A column is stored in the nearest of them:
//!
//! | from | stored as |
//! | --- | --- |
//! | Utf8, LargeUtf8, Utf8View | Utf8 |
//! | Binary, LargeBinary, BinaryView, FixedSizeBinary | Binary |
//! | UInt8, UInt16, UInt32 and UInt64 | Int16, Int32, Int64 (too large a value is an error) |
//! | Float16 | Float32 |
//! | Date64 | Date32 |
//! | Timestamp of any unit and zone | Timestamp(µs, UTC); one without a zone is taken as UTC |
//! | Decimal32, Decimal64, Decimal256 up to 38 digits | Decimal128 |
//! | Dictionary, RunEndEncoded | its values |
//! | every list | List, its item named `element` |
//! | Map | Map, `key_value` of `key` (not null) and `value`, not declared sorted |
//!
//! Null, times, durations, intervals and unions have no place in a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use deltalake_core::kernel::StructType;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel as _;

use crate::{Error, Result};

/// A table's columns and how its rows are split into partitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// All columns, the partition column among them.
    pub schema: SchemaRef,
    /// The column by whose value rows are kept in separate files.
    pub partition_by: Option<String>,
}

impl Layout {
    /// The columns in [`storable_schema`]'s types.
    ///
    /// # Errors
    /// If a column has a type that no table can hold, or the partition column is missing,
    /// alone, or not a date, a text or an integer.
    pub fn new(schema: &Schema, partition_by: Option<&str>) -> Result<Self> {
        let schema = Arc::new(storable_schema(schema)?);
        if let Some(column) = partition_by {
            let Some((_, field)) = schema.column_with_name(column) else {
                return Err(Error::model("the partition column is none of the columns")
                    .with("column", column));
            };
            use DataType::{Date32, Int8, Int16, Int32, Int64, Utf8};
            if !matches!(
                field.data_type(),
                Date32 | Utf8 | Int8 | Int16 | Int32 | Int64
            ) {
                return Err(Error::model(
                    "a table cannot be partitioned by a column of this type",
                )
                .with("column", column)
                .with("type", field.data_type())
                .hint("partition by a date, a text or an integer"));
            }
        }
        if schema.fields().len() <= usize::from(partition_by.is_some()) {
            return Err(Error::model(
                "a table needs a column besides its partition column",
            ));
        }
        Ok(Layout {
            schema,
            partition_by: partition_by.map(str::to_owned),
        })
    }

    /// The columns that are in the files: all but the partition column.
    pub fn file_schema(&self) -> SchemaRef {
        let partition = self.partition_by.as_deref();
        let kept = self.schema.fields().iter();
        let fields: Vec<FieldRef> = kept
            .filter(|f| Some(f.name().as_str()) != partition)
            .cloned()
            .collect();
        Arc::new(Schema::new(fields))
    }

    pub(super) fn delta_schema(&self) -> Result<StructType> {
        self.schema
            .as_ref()
            .try_into_kernel()
            .map_err(|e| Error::internal("cannot write the schema for the log").caused_by(e))
    }
}

/// The type of a column of text by text, as tables hold it. Data in Arrow's own naming of
/// the parts (`entries`, `keys`, `values`) is renamed on its way in.
pub fn map_type() -> DataType {
    map_of(DataType::Utf8, DataType::Utf8, true)
}

fn map_of(key: DataType, value: DataType, value_nullable: bool) -> DataType {
    let fields = vec![
        Field::new("key", key, false),
        Field::new("value", value, value_nullable),
    ];
    let entries = Field::new("key_value", DataType::Struct(fields.into()), false);
    DataType::Map(Arc::new(entries), false)
}

/// `schema` in the types that a table holds (see the top of this file), without metadata.
///
/// # Errors
/// A model error that names the column whose type has no counterpart.
pub fn storable_schema(schema: &Schema) -> Result<Schema> {
    let fields = schema.fields().iter().map(|field| {
        let data_type = storable_type(field.data_type()).ok_or_else(|| {
            Error::model("a table cannot hold a column of this type")
                .with("column", field.name())
                .with("type", field.data_type())
                .hint("cast it to a text, a number, a date or a timestamp")
        })?;
        Ok(Field::new(field.name(), data_type, field.is_nullable()))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<_>>>()?))
}

fn storable_type(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match data_type {
        T::Boolean | T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::Float32 | T::Float64 => {
            data_type.clone()
        }
        T::UInt8 => T::Int16,
        T::UInt16 => T::Int32,
        T::UInt32 | T::UInt64 => T::Int64,
        T::Float16 => T::Float32,
        T::Utf8 | T::LargeUtf8 | T::Utf8View => T::Utf8,
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => T::Binary,
        T::Date32 | T::Date64 => T::Date32,
        T::Timestamp(_, _) => T::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) | T::Decimal256(p, s)
            if *p <= 38 && *s >= 0 =>
        {
            T::Decimal128(*p, *s)
        }
        T::Dictionary(_, values) => storable_type(values)?,
        T::RunEndEncoded(_, values) => storable_type(values.data_type())?,
        T::List(item)
        | T::LargeList(item)
        | T::ListView(item)
        | T::LargeListView(item)
        | T::FixedSizeList(item, _) => {
            let inner = storable_type(item.data_type())?;
            T::List(Arc::new(Field::new("element", inner, item.is_nullable())))
        }
        T::Struct(fields) => {
            let fields = fields.iter().map(|f| {
                storable_type(f.data_type()).map(|t| Field::new(f.name(), t, f.is_nullable()))
            });
            T::Struct(fields.collect::<Option<Vec<_>>>()?.into())
        }
        T::Map(entries, _) => match entries.data_type() {
            T::Struct(fields) if fields.len() == 2 => map_of(
                storable_type(fields[0].data_type())?,
                storable_type(fields[1].data_type())?,
                fields[1].is_nullable(),
            ),
            _ => return None,
        },
        _ => return None,
    })
}

/// `batch` with the columns of `schema`, found by name, in its order and types; columns
/// that `schema` does not have are left out.
///
/// # Errors
/// If a column is missing, holds a null or a value that its type cannot.
pub fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name()).ok_or_else(|| {
            Error::internal("a column of the table is missing from the data")
                .with("column", field.name())
        })?;
        let column = conform_column(column, field.data_type()).map_err(|e| {
            Error::model("a value does not fit the type of its column")
                .with("column", field.name())
                .with("type", field.data_type())
                .caused_by(e)
        })?;
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(Error::model("a column that must not be null holds nulls")
                .with("column", field.name())
                .with("nulls", column.null_count()));
        }
        Ok(column)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|e| Error::internal("the data does not fit the table").caused_by(e))
}

fn conform_column(
    column: &ArrayRef,
    to: &DataType,
) -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
    if column.data_type() == to {
        return Ok(Arc::clone(column));
    }
    // Arrow casts a map only to one that is declared sorted or not just as it is.
    if let (DataType::Map(_, true), DataType::Map(entries, false)) = (column.data_type(), to) {
        let sorted = conform_column(column, &DataType::Map(Arc::clone(entries), true))?;
        let data = sorted.to_data().into_builder().data_type(to.clone());
        return Ok(arrow::array::make_array(data.build()?));
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(column, to, &options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray, Int32Array, MapBuilder, StringBuilder, UInt64Array};
    use arrow::datatypes::Int64Type;
    use deltalake_core::kernel::engine::arrow_conversion::TryIntoArrow as _;

    #[test]
    fn a_storable_schema_comes_back_from_the_log_as_it_is() {
        let arrow_map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new())
            .finish()
            .data_type()
            .clone();
        let item = Arc::new(Field::new("item", DataType::UInt16, true));
        let schema = Schema::new(vec![
            Field::new("id", DataType::FixedSizeBinary(16), false),
            Field::new("params", arrow_map, true),
            Field::new("n", DataType::LargeList(item), true),
            Field::new("at", DataType::Timestamp(TimeUnit::Nanosecond, None), true),
            Field::new("money", DataType::Decimal128(38, 9), true),
        ]);
        let layout = Layout::new(&schema, None).unwrap();
        assert_eq!(layout.schema.field(1).data_type(), &map_type());
        let back: Schema = (&layout.delta_schema().unwrap()).try_into_arrow().unwrap();
        assert_eq!(&back, layout.schema.as_ref());
    }

    #[test]
    fn a_type_without_counterpart_is_named() {
        let schema = Schema::new(vec![Field::new("nothing", DataType::Null, true)]);
        let error = storable_schema(&schema).unwrap_err();
        assert!(error.to_string().contains("nothing"), "{error}");
    }

    #[test]
    fn columns_are_found_by_name_and_cast() {
        let batch = RecordBatch::try_from_iter(vec![
            ("b", Arc::new(UInt64Array::from(vec![7])) as ArrayRef),
            ("a", Arc::new(Int32Array::from(vec![Some(1)])) as ArrayRef),
            (
                "rest",
                Arc::new(Int32Array::from(vec![Some(1)])) as ArrayRef,
            ),
        ])
        .unwrap();
        let schema = Arc::new(Schema::new(vec![
            Field::new("a", DataType::Int64, true),
            Field::new("b", DataType::Int64, false),
        ]));
        let out = conform(&batch, &schema).unwrap();
        assert_eq!(out.column(1).as_primitive::<Int64Type>().value(0), 7);
        assert_eq!(out.num_columns(), 2);

        let strict = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, false)]));
        let nulls = RecordBatch::try_from_iter(vec![(
            "a",
            Arc::new(Int32Array::from(vec![None, Some(1)])) as ArrayRef,
        )])
        .unwrap();
        let error = conform(&nulls, &strict).unwrap_err();
        assert!(error.to_string().contains("nulls: 1"), "{error}");
    }
}
