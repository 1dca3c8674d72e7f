//! `traffic_source(…)`: where the visit came from, as far as one event says (SPEC §5).
//!
//! In: the event's columns. Out: a struct of source, medium, campaign, content and term,
//! all from one place of the event, or null. The rules themselves are in `rules.rs`, what
//! they read in a URL in `url.rs`; this file brings columns to them.

mod rules;
mod url;

use std::sync::{Arc, LazyLock};

use arrow::array::{NullBufferBuilder, StringBuilder, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::arguments::{Text, expect_count, text_type};
use super::{FunctionDoc, FunctionSettings};
pub(super) use rules::ignored_hosts;
use rules::{Event, Rules, Source};

pub(super) const DOC: FunctionDoc = FunctionDoc {
    name: "traffic_source",
    signature: "traffic_source(collected_source, collected_medium, collected_campaign, \
                collected_content, collected_term, source, medium, campaign, content, term, \
                page_location, click_id_type, page_referrer text) \
                -> struct(source, medium, campaign, content, term text)",
    description: "Where a visit came from, as far as one event says: the first of the collected \
                  values, the event params, the `utm_` parameters of the page, a click id and \
                  the referrer that gives a source or medium that is not direct, taken whole. \
                  Referrals from the site itself and from the project's `ignore_referrers` do \
                  not count. Null where the event carries no source information.",
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| DOC.documentation());

const ARGUMENTS: usize = 13;

static RESULT: LazyLock<Fields> = LazyLock::new(|| {
    ["source", "medium", "campaign", "content", "term"]
        .map(|name| Field::new(name, DataType::Utf8, true))
        .into_iter()
        .collect()
});

pub(super) fn function(settings: &FunctionSettings) -> ScalarUDF {
    ScalarUDF::from(TrafficSource {
        signature: Signature::user_defined(Volatility::Immutable),
        rules: Rules::new(&settings.ignore_referrers, settings.channels.clone()),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TrafficSource {
    signature: Signature,
    rules: Rules,
}

impl ScalarUDFImpl for TrafficSource {
    fn name(&self) -> &str {
        DOC.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        expect_count(DOC.name, given, ARGUMENTS)?;
        given.iter().map(|text| text_type(DOC.name, text)).collect()
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(RESULT.clone()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = arguments
            .args
            .iter()
            .map(Text::new)
            .collect::<Result<Vec<_>>>()?;
        let mut sources = SourcesBuilder::new(arguments.number_rows);
        // The events of one page view follow each other and say the same.
        let telling: Vec<&Text> = columns.iter().filter(|column| !column.is_null()).collect();
        let mut found = None;
        for row in 0..arguments.number_rows {
            if row == 0 || !telling.iter().all(|column| column.is_same(row - 1, row)) {
                found = self.rules.apply(event(&columns, row));
            }
            sources.append(found.as_ref());
        }
        Ok(ColumnarValue::Array(Arc::new(sources.finish())))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

fn event(columns: &[Text], row: usize) -> Event<'_> {
    let source = |first: usize| {
        let text = |place: usize| columns[first + place].get(row).map(Into::into);
        Source {
            source: text(0),
            medium: text(1),
            campaign: text(2),
            content: text(3),
            term: text(4),
        }
    };
    Event {
        collected: source(0),
        params: source(5),
        page_location: columns[10].get(row),
        click_id_type: columns[11].get(row),
        page_referrer: columns[12].get(row),
    }
}

struct SourcesBuilder {
    columns: [StringBuilder; 5],
    present: NullBufferBuilder,
}

impl SourcesBuilder {
    fn new(rows: usize) -> Self {
        SourcesBuilder {
            columns: std::array::from_fn(|_| StringBuilder::with_capacity(rows, rows * 4)),
            present: NullBufferBuilder::new(rows),
        }
    }

    fn append(&mut self, found: Option<&Source>) {
        self.present.append(found.is_some());
        let texts = match found {
            Some(found) => [
                &found.source,
                &found.medium,
                &found.campaign,
                &found.content,
                &found.term,
            ],
            None => [&None; 5],
        };
        for (column, text) in self.columns.iter_mut().zip(texts) {
            column.append_option(text.as_deref());
        }
    }

    fn finish(mut self) -> StructArray {
        let columns = self
            .columns
            .map(|mut column| Arc::new(column.finish()) as _);
        StructArray::new(RESULT.clone(), columns.into(), self.present.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray, StringArray};
    use datafusion::common::ScalarValue;
    use datafusion::config::ConfigOptions;

    #[test]
    fn rows_come_out_in_place_with_null_for_none() {
        let settings = FunctionSettings::built_in().unwrap();
        let function = function(&settings);
        let null = ColumnarValue::Scalar(ScalarValue::Utf8(None));
        let mut args = vec![null; ARGUMENTS];
        let page = "a.com/?utm_source=u&utm_term=t";
        let pages = StringArray::from(vec![Some(page), Some(page), None, Some("b.com")]);
        args[10] = ColumnarValue::Array(Arc::new(pages));
        let field = |data_type| Arc::new(Field::new("x", data_type, true));
        let found = function
            .invoke_with_args(ScalarFunctionArgs {
                arg_fields: vec![field(DataType::Utf8); ARGUMENTS],
                args,
                number_rows: 4,
                return_field: field(DataType::Struct(RESULT.clone())),
                config_options: Arc::new(ConfigOptions::default()),
            })
            .unwrap()
            .into_array(4)
            .unwrap();
        let found = found.as_struct();
        let present: Vec<bool> = (0..4).map(|row| found.is_valid(row)).collect();
        assert_eq!(present, [true, true, false, false]);
        let text = |name: &str| {
            found
                .column_by_name(name)
                .unwrap()
                .as_string::<i32>()
                .clone()
        };
        assert_eq!((text("source").value(0), text("term").value(1)), ("u", "t"));
        assert!(text("medium").is_null(0) && text("source").is_null(2));
    }
}
