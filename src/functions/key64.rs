//! `key64(text, …)`: a 64-bit hash of some texts, to group and join by numbers.
//!
//! Each part is written as a byte 0 if it is null, else as a byte 1, its length in bytes as
//! a little-endian `u32`, and its bytes; the key is XXH3-64 of the whole with seed 0, its
//! bits read as a signed integer. So null is not the empty text, and `('ab', 'c')` is not
//! `('a', 'bc')`. Of n different keys two collide with a chance of about n² / 2⁶⁵.

use std::sync::{Arc, LazyLock};

use arrow::array::Int64Array;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use xxhash_rust::xxh3::xxh3_64;

use super::FunctionDoc;
use super::arguments::{Text, text_type};

pub(super) const DOC: FunctionDoc = FunctionDoc {
    name: "key64",
    signature: "key64(part text, …) -> bigint",
    description: "A 64-bit hash of one or more texts or integers, never null. Null is a value \
                  of its own, different from the empty text, and the parts do not run \
                  together: `key64('ab', 'c')` is not `key64('a', 'bc')`.",
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| DOC.documentation());

/// The key of some texts.
///
/// ```
/// use attrib::functions::key64::key64;
/// assert_ne!(key64(&[Some(""), Some("a")]), key64(&[None, Some("a")]));
/// ```
pub fn key64(parts: &[Option<&str>]) -> i64 {
    let mut buffer = Vec::with_capacity(64);
    for part in parts {
        write_part(&mut buffer, *part);
    }
    hash(&buffer)
}

fn write_part(buffer: &mut Vec<u8>, part: Option<&str>) {
    match part {
        None => buffer.push(0),
        Some(text) => {
            buffer.push(1);
            // A text in Arrow is shorter than 4 GiB; were it not, its bytes still count.
            buffer.extend_from_slice(&(text.len() as u32).to_le_bytes());
            buffer.extend_from_slice(text.as_bytes());
        }
    }
}

fn hash(bytes: &[u8]) -> i64 {
    xxh3_64(bytes).cast_signed()
}

pub(super) fn function() -> ScalarUDF {
    ScalarUDF::from(Key64 {
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key64 {
    signature: Signature,
}

impl ScalarUDFImpl for Key64 {
    fn name(&self) -> &str {
        DOC.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if given.is_empty() {
            return plan_err!("key64 takes at least one argument");
        }
        given
            .iter()
            .map(|part| match part {
                part if part.is_integer() => Ok(DataType::Utf8),
                part => text_type(DOC.name, part),
            })
            .collect()
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let parts = arguments
            .args
            .iter()
            .map(Text::new)
            .collect::<Result<Vec<_>>>()?;
        let mut buffer = Vec::with_capacity(256);
        let keys = (0..arguments.number_rows).map(|row| {
            buffer.clear();
            for part in &parts {
                write_part(&mut buffer, part.get(row));
            }
            hash(&buffer)
        });
        Ok(ColumnarValue::Array(Arc::new(
            Int64Array::from_iter_values(keys),
        )))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_not_the_empty_text() {
        assert_ne!(key64(&[None]), key64(&[Some("")]));
        assert_ne!(key64(&[None, Some("a")]), key64(&[Some("a"), None]));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(
            key64(&[Some("ab"), Some("c")]),
            key64(&[Some("a"), Some("bc")])
        );
        assert_ne!(key64(&[Some("a")]), key64(&[Some("a"), None]));
    }

    #[test]
    fn the_encoding_never_changes() {
        let written = [
            &[1u8, 1, 0, 0, 0, b'a', 0][..],
            &[1, 2, 0, 0, 0, 0xc3, 0xa9],
        ]
        .concat();
        assert_eq!(
            key64(&[Some("a"), None, Some("é")]),
            xxh3_64(&written) as i64
        );
    }
}
