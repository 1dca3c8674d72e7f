//! SQL functions that the models use, one per file.
//!
//! In: a function registry and the project's [`FunctionSettings`]. Out: scalar functions
//! and aggregates that any query can call by name. A plan that uses them carries their names only, so
//! another process can run it once it has registered them with the same settings. All are
//! deterministic and work on whole Arrow columns, text as `Utf8`, `Utf8View` or
//! `LargeUtf8`, any argument a column or a constant.

mod arg_min;
mod arguments;
mod channel;
pub mod channels;
mod civil_date;
mod event_order;
pub mod key64;
mod traffic_source;

use std::sync::Arc;

use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, DocSection, Documentation, ScalarUDF};

use crate::{Error, Result};
use channels::Channels;

/// The version of what the functions compute. It is part of every model's fingerprint:
/// raise it with each change of a result, and the models that are built are built anew.
pub const VERSION: &str = "1";

/// What the functions take from the project. Two sessions with equal settings compute the
/// same; see [`FunctionSettings::fingerprint`].
#[derive(Debug, Clone)]
pub struct FunctionSettings {
    /// Hosts whose referrals are no source information, such as payment providers.
    /// Subdomains count; case, a leading `www.`, `*.` or `.` do not.
    pub ignore_referrers: Vec<String>,
    /// The channel rules and source categories.
    pub channels: Arc<Channels>,
}

impl FunctionSettings {
    /// GA4's channel rules, and no ignored referrers.
    pub fn built_in() -> Result<Self> {
        Ok(FunctionSettings {
            ignore_referrers: Vec::new(),
            channels: Arc::new(Channels::load(None)?),
        })
    }

    /// Changes whenever a function could give another result: with [`VERSION`], the rules,
    /// the categories and the ignored referrers.
    pub fn fingerprint(&self) -> String {
        let mut text = format!("{VERSION}\n{}", self.channels.fingerprint());
        for host in traffic_source::ignored_hosts(&self.ignore_referrers) {
            text.push('\n');
            text.push_str(&host);
        }
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }
}

/// One function, for the reference docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FunctionDoc {
    pub name: &'static str,
    /// Arguments with their types, and the type of the result.
    pub signature: &'static str,
    /// Sentences, in Markdown.
    pub description: &'static str,
}

impl FunctionDoc {
    /// The same for DataFusion's own `show functions`.
    fn documentation(&self) -> Documentation {
        let section = DocSection {
            include: true,
            label: "Attribution",
            description: None,
        };
        Documentation::builder(section, self.description, self.signature).build()
    }
}

/// All aggregates, in alphabetical order.
pub fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![Arc::new(arg_min::arg_max()), Arc::new(arg_min::arg_min())]
}

/// All scalar functions, in alphabetical order.
pub fn all(settings: &FunctionSettings) -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(channel::function(settings)),
        Arc::new(civil_date::function()),
        Arc::new(event_order::function()),
        Arc::new(key64::function()),
        Arc::new(traffic_source::function(settings)),
    ]
}

/// Makes all functions known to `registry`, replacing any of the same name.
pub fn register(
    registry: &mut dyn FunctionRegistry,
    settings: &FunctionSettings,
) -> Result<()> {
    for function in all(settings) {
        let name = function.name().to_string();
        registry.register_udf(function).map_err(|error| {
            Error::internal("cannot register a SQL function")
                .with("function", name)
                .caused_by(error)
        })?;
    }
    for aggregate in aggregates() {
        let name = aggregate.name().to_string();
        registry.register_udaf(aggregate).map_err(|error| {
            Error::internal("cannot register a SQL function")
                .with("function", name)
                .caused_by(error)
        })?;
    }
    Ok(())
}

/// What the functions are, in alphabetical order.
pub fn reference() -> Vec<FunctionDoc> {
    vec![
        arg_min::ARG_MAX,
        arg_min::ARG_MIN,
        channel::DOC,
        civil_date::DOC,
        event_order::DOC,
        key64::DOC,
        traffic_source::DOC,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::{Date32Type, Int64Type};
    use datafusion::prelude::SessionContext;

    async fn query(sql: &str) -> arrow::array::RecordBatch {
        let mut context = SessionContext::new();
        register(&mut context, &FunctionSettings::built_in().unwrap()).unwrap();
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        batches
            .into_iter()
            .find(|batch| batch.num_rows() > 0)
            .unwrap()
    }

    #[test]
    fn every_function_has_its_reference() {
        let settings = FunctionSettings::built_in().unwrap();
        let (functions, aggregates) = (all(&settings), aggregates());
        let functions = functions.iter().map(|f| (f.name(), f.documentation()));
        let aggregates = aggregates.iter().map(|a| (a.name(), a.documentation()));
        let mut documented: Vec<_> = functions.chain(aggregates).collect();
        documented.sort_by_key(|(name, _)| name.to_string());
        let reference = reference();
        assert_eq!(documented.len(), reference.len());
        for ((name, documentation), doc) in documented.iter().zip(&reference) {
            assert_eq!(*name, doc.name);
            assert!(
                doc.signature.starts_with(&format!("{}(", doc.name)),
                "{}",
                doc.signature
            );
            assert_eq!(documentation.unwrap().description, doc.description);
        }
        assert!(reference.is_sorted_by_key(|doc| doc.name));
    }

    #[test]
    fn the_fingerprint_follows_the_settings_not_their_spelling() {
        let plain = FunctionSettings::built_in().unwrap();
        let mut ignoring = plain.clone();
        ignoring.ignore_referrers = vec!["PayPal.com".into(), "stripe.com".into()];
        let mut respelled = plain.clone();
        respelled.ignore_referrers = vec!["stripe.com".into(), "www.paypal.com".into()];
        assert_ne!(plain.fingerprint(), ignoring.fingerprint());
        assert_eq!(ignoring.fingerprint(), respelled.fingerprint());
    }

    #[tokio::test]
    async fn sql_finds_them_by_name() {
        let batch = query(
            "select
                civil_date(timestamp '2026-01-01T23:30:00Z', 'Europe/Berlin') as day,
                channel('google', 'cpc', null, date '2026-01-01') as channel,
                key64('a', null) as key,
                traffic_source(null, null, null, null, null, 'x', 'email', 'may', null, null,
                               null, null, null)['medium'] as medium",
        )
        .await;
        let day = arrow::temporal_conversions::date32_to_datetime(
            batch.column(0).as_primitive::<Date32Type>().value(0),
        );
        assert_eq!(day.unwrap().date().to_string(), "2026-01-02");
        assert_eq!(batch.column(1).as_string::<i32>().value(0), "Paid Search");
        assert_eq!(
            batch.column(2).as_primitive::<Int64Type>().value(0),
            key64::key64(&[Some("a"), None])
        );
        assert_eq!(batch.column(3).as_string::<i32>().value(0), "email");
    }

    #[tokio::test]
    async fn they_take_columns_of_any_text_type() {
        let batch = query(
            "select
                channel(
                    arrow_cast(source, 'LargeUtf8'),
                    arrow_cast(medium, 'Utf8View'),
                    arrow_cast(medium, 'Dictionary(Int32, Utf8)'),
                    arrow_cast('2026-01-01', 'Date32')
                ) as channel,
                key64(arrow_cast(source, 'LargeUtf8'), 7) = key64(source, '7') as same
            from (values ('bing', null), ('x', 'referral')) as t (source, medium)
            order by channel",
        )
        .await;
        assert_eq!(
            batch.column(0).as_string::<i32>().value(0),
            "Organic Search"
        );
        assert_eq!(batch.column(0).as_string::<i32>().value(1), "Referral");
        assert!(batch.column(1).as_boolean().value(0));
        assert!(batch.column(1).as_boolean().value(1));
    }

    #[tokio::test]
    async fn wrong_arguments_are_refused_before_anything_runs() {
        let mut context = SessionContext::new();
        register(&mut context, &FunctionSettings::built_in().unwrap()).unwrap();
        for sql in [
            "select channel('a', 'b')",
            "select civil_date(1.5, 'UTC')",
            "select key64()",
            "select key64(1.5)",
            "select traffic_source('a')",
            "select event_order(1, 2, 3, 4, 5)",
        ] {
            assert!(context.sql(sql).await.is_err(), "{sql}");
        }
    }
}
