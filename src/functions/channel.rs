//! `channel(source, medium, campaign, date)`: the channel of a visit by the project's rules
//! as they held on that date (SPEC §5; the rules are in [`super::channels`]).
//!
//! Visits are many and differ little: each different visit of a batch is judged once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{StringArray, StringBuilder};
use arrow::datatypes::{DataType, Date32Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::arguments::{Primitive, Text, expect_count, text_type};
use super::channels::Channels;
use super::{FunctionDoc, FunctionSettings};

pub(super) const DOC: FunctionDoc = FunctionDoc {
    name: "channel",
    signature: "channel(source text, medium text, campaign text, date date) -> text",
    description: "The channel of a visit by the rules in `queries/channels/rules.yml` that held \
                  on that date (those that hold last, where it is null): GA4's default channel \
                  group unless the project says otherwise. Never null: `Unassigned` where no \
                  rule holds, `Direct` where source and medium are null. Case does not matter.",
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| DOC.documentation());

pub(super) fn function(settings: &FunctionSettings) -> ScalarUDF {
    ScalarUDF::from(Channel {
        signature: Signature::user_defined(Volatility::Immutable),
        channels: settings.channels.clone(),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Channel {
    signature: Signature,
    channels: Arc<Channels>,
}

impl ScalarUDFImpl for Channel {
    fn name(&self) -> &str {
        DOC.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        expect_count(DOC.name, given, 4)?;
        let mut types = given[..3]
            .iter()
            .map(|text| text_type(DOC.name, text))
            .collect::<Result<Vec<_>>>()?;
        match &given[3] {
            DataType::Date32 | DataType::Date64 | DataType::Null => {
                types.push(DataType::Date32)
            }
            other => return plan_err!("channel takes a date last, not {other}"),
        }
        Ok(types)
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let sources = Text::new(&arguments.args[0])?;
        let mediums = Text::new(&arguments.args[1])?;
        let campaigns = Text::new(&arguments.args[2])?;
        let dates = Primitive::<Date32Type>::new(&arguments.args[3])?;
        let rows = arguments.number_rows;
        let found = channels_of(
            &self.channels,
            [&sources, &mediums, &campaigns],
            &dates,
            rows,
        );
        Ok(ColumnarValue::Array(Arc::new(found)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

fn channels_of(
    channels: &Channels,
    [sources, mediums, campaigns]: [&Text; 3],
    dates: &Primitive<Date32Type>,
    rows: usize,
) -> StringArray {
    let mut known = HashMap::new();
    let mut found = StringBuilder::with_capacity(rows, rows * 14);
    for row in 0..rows {
        let (source, medium, campaign) =
            (sources.get(row), mediums.get(row), campaigns.get(row));
        let date = dates.get(row);
        let index = *known
            .entry((source, medium, campaign, channels.version(date)))
            .or_insert_with(|| channels.channel_index(source, medium, campaign, date));
        found.append_value(&channels.names()[index]);
    }
    found.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::common::ScalarValue;

    #[test]
    fn a_visit_that_was_seen_before_is_judged_anew_under_other_rules() {
        let channels = Channels::load(None).unwrap();
        let text =
            |value: &str| Text::new(&ColumnarValue::Scalar(ScalarValue::from(value))).unwrap();
        let dates = arrow::array::Date32Array::from(vec![Some(0), Some(30_000), Some(0), None]);
        let found = channels_of(
            &channels,
            [&text("chatgpt.com"), &text("ai-assistant"), &text("x")],
            &Primitive::new(&ColumnarValue::Array(Arc::new(dates))).unwrap(),
            4,
        );
        let found: Vec<_> = found.iter().flatten().collect();
        assert_eq!(
            found,
            ["Unassigned", "AI Assistant", "Unassigned", "AI Assistant"]
        );
    }
}
