//! The values of a column as text, the same in every text format.

use std::borrow::Cow;

use attrib::Result;
use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{cannot_format, json};

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// RFC 3339: `2020-11-01T10:00:00.123Z`.
    Exact,
    /// The same with a space in the middle, easier on the eye.
    Readable,
}

impl Times {
    fn options(self) -> FormatOptions<'static> {
        let options = FormatOptions::new().with_display_error(false);
        match self {
            Times::Exact => options,
            Times::Readable => options
                .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
                .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
                .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z")),
        }
    }
}

/// Calls `take` for each row of a batch with its cells; a null is `None`.
pub fn for_each_row(
    batch: &RecordBatch,
    times: Times,
    mut take: impl FnMut(&[Option<Cow<'_, str>>]) -> Result<()>,
) -> Result<()> {
    let json_options = json::options();
    let schema: &Schema = &batch.schema();
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        columns.push(Column::new(field, array.as_ref(), &json_options, times)?);
    }
    let mut cells = Vec::with_capacity(columns.len());
    for row in 0..batch.num_rows() {
        cells.clear();
        for column in &mut columns {
            cells.push(column.cell(row)?);
        }
        take(&cells)?;
    }
    Ok(())
}

/// One column of a batch.
struct Column<'a> {
    /// Logical: also those that a dictionary or an untyped NULL holds.
    nulls: Option<NullBuffer>,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Text(ArrayFormatter<'a>),
    Decimal(ArrayFormatter<'a>),
    Utc(ArrayFormatter<'a>),
    Json(NullableEncoder<'a>),
}

impl<'a> Column<'a> {
    fn new(
        field: &'a FieldRef,
        array: &'a dyn Array,
        json: &'a EncoderOptions,
        times: Times,
    ) -> Result<Self> {
        let plain = || ArrayFormatter::try_new(array, &times.options()).map_err(cannot_format);
        let kind = match array.data_type() {
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Kind::Decimal(plain()?),
            DataType::Timestamp(_, Some(_)) if times == Times::Readable => Kind::Utc(plain()?),
            nested if nested.is_nested() => match make_encoder(field, array, json) {
                Ok(encoder) => Kind::Json(encoder),
                // A map whose keys are no text, say, has no form in JSON.
                Err(_) => Kind::Text(plain()?),
            },
            _ => Kind::Text(plain()?),
        };
        Ok(Column {
            nulls: array.logical_nulls(),
            kind,
        })
    }

    fn cell(&mut self, row: usize) -> Result<Option<Cow<'static, str>>> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(None);
        }
        let text = match &mut self.kind {
            Kind::Text(text) => text.value(row).try_to_string().map_err(cannot_format)?,
            Kind::Decimal(text) => {
                let mut text = text.value(row).try_to_string().map_err(cannot_format)?;
                text.truncate(trimmed(&text).len());
                text
            }
            Kind::Utc(text) => {
                let text = text.value(row).try_to_string().map_err(cannot_format)?;
                match text.strip_suffix("+00:00") {
                    Some(utc) => format!("{utc}Z"),
                    None => text,
                }
            }
            Kind::Json(encoder) => {
                let mut bytes = Vec::new();
                encoder.encode(row, &mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        Ok(Some(Cow::Owned(text)))
    }
}

/// A decimal without the zeros that say nothing: `12.500` is `12.5`, `3.000` is `3`.
pub fn trimmed(decimal: &str) -> &str {
    if decimal.contains('.') {
        decimal.trim_end_matches('0').trim_end_matches('.')
    } else {
        decimal
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, NullArray};

    use super::*;
    use crate::cli::output::test_data;

    #[test]
    fn only_zeros_behind_the_point_go() {
        assert_eq!(trimmed("12.500000000"), "12.5");
        assert_eq!(trimmed("-3.000"), "-3");
        assert_eq!(trimmed("100"), "100");
        assert_eq!(trimmed("0.000"), "0");
    }

    #[test]
    fn an_untyped_null_is_null() {
        let array: ArrayRef = Arc::new(NullArray::new(1));
        let batch = RecordBatch::try_from_iter([("n", array)]).unwrap();
        for_each_row(&batch, Times::Exact, |cells| {
            assert_eq!(cells, [None]);
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn every_kind_of_column_has_a_text() {
        let mut rows: Vec<Vec<Option<String>>> = Vec::new();
        for_each_row(&test_data::batch(), Times::Readable, |cells| {
            rows.push(
                cells
                    .iter()
                    .map(|c| c.as_ref().map(|c| c.to_string()))
                    .collect(),
            );
            Ok(())
        })
        .unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            rows[0],
            [
                some("Paid, Search"),
                some("1"),
                some("12.5"),
                some("0aff"),
                some("2020-11-01 00:00:00.123Z"),
                some(r#"["a","b\"c"]"#),
            ]
        );
        assert_eq!(rows[1], [None, some("2000"), None, some(""), None, None]);
        assert_eq!(rows[2][2], some("-0.000000001"));
        assert_eq!(rows[2][4], some("1970-01-01 00:00:00Z"));
    }
}
