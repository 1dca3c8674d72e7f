//! `attrib query`: SQL over the published tables, the raw table and files by path.

use std::collections::BTreeSet;

use arrow::util::pretty::pretty_format_batches;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::resolve::resolve_table_references;

use super::{Engine, Tables, explain, session, whole};
use crate::config::nearest;
use crate::events::RAW_TABLE;
use crate::snapshot::{AsOf, Publication};
use crate::{Error, Result};

/// Plans `sql` on the tables as of a run or a time; on the latest, if none is given.
///
/// # Errors
/// Input errors that point into the SQL; a table that was not built; an `as_of` before the
/// first publication.
pub async fn plan(engine: &Engine, sql: &str, as_of: Option<&str>) -> Result<DataFrame> {
    let as_of = as_of.map(parse_as_of).transpose()?;
    let context = engine.sessions.session()?.enable_url_table();
    let statement = session::bind(&context, sql, &engine.parameters)
        .map_err(|e| explain::query(sql, &e))?;
    let (references, _) =
        resolve_table_references(&statement, true).map_err(|e| explain::query(sql, &e))?;
    let names: BTreeSet<String> = references
        .iter()
        .map(|reference| reference.table().to_string())
        .collect();
    register(engine, &context, &names, as_of).await?;
    check_built(engine, &context, &names)?;
    session::plan(&context, statement).await.map_err(|e| {
        let error = explain::query(sql, &e);
        match misspelt(engine, &context, &names) {
            Some(hint) if error.hint_text().is_none() => error.hint(hint),
            _ => error,
        }
    })
}

/// What the first table that nobody knows was probably meant to be.
fn misspelt(
    engine: &Engine,
    context: &SessionContext,
    names: &BTreeSet<String>,
) -> Option<String> {
    let unknown = names
        .iter()
        .find(|name| !context.table_exist(name.as_str()).unwrap_or(false))?;
    let models = engine.catalog.models().map(|model| model.name.as_str());
    let near = nearest(unknown, models.chain([RAW_TABLE]))?;
    Some(format!("did you mean `{near}`?"))
}

/// Runs `sql`; rows come as they are computed.
pub async fn stream(
    engine: &Engine,
    sql: &str,
    as_of: Option<&str>,
) -> Result<SendableRecordBatchStream> {
    plan(engine, sql, as_of)
        .await?
        .execute_stream()
        .await
        .map_err(|e| explain::query(sql, &e))
}

/// The plan of `sql`, run with metrics.
pub async fn explain(engine: &Engine, sql: &str, as_of: Option<&str>) -> Result<String> {
    let failed = |e| explain::query(sql, &e);
    let frame = plan(engine, sql, as_of).await?;
    let frame = frame.explain(false, true).map_err(failed)?;
    let batches = frame.collect().await.map_err(failed)?;
    let table = pretty_format_batches(&batches)
        .map_err(|e| Error::internal("cannot show the plan").caused_by(e))?;
    Ok(table.to_string())
}

async fn register(
    engine: &Engine,
    context: &SessionContext,
    names: &BTreeSet<String>,
    as_of: Option<AsOf>,
) -> Result<()> {
    let known: BTreeSet<String> = names
        .iter()
        .filter(|name| *name == RAW_TABLE || engine.catalog.get(name).is_some())
        .cloned()
        .collect();
    if known.is_empty() {
        return Ok(());
    }
    let publication = publication(engine, as_of).await?;
    let mut tables = Tables::new();
    for name in needed(engine, &known) {
        let published = publication.as_ref().and_then(|p| p.tables.get(&name));
        if let Some(version) = published.and_then(|published| published.version) {
            let table = engine.table_at(&name, version).await?;
            tables.insert(name, table);
        }
    }
    // Asked for by name, the raw table is as it is now; as part of a model it is what the
    // model was built from.
    if known.contains(RAW_TABLE) && as_of.is_none() {
        let raw = Tables::from([(RAW_TABLE.to_string(), engine.raw().await?)]);
        let only = BTreeSet::from([RAW_TABLE.to_string()]);
        if known.len() > 1 {
            let views: BTreeSet<String> = known
                .iter()
                .filter(|name| *name != RAW_TABLE)
                .cloned()
                .collect();
            engine.register(context, &views, &tables, &whole).await?;
            let _ = context.deregister_table(RAW_TABLE);
        }
        engine.register(context, &only, &raw, &whole).await?;
    }
    engine.register(context, &known, &tables, &whole).await
}

/// The stored tables behind `names`.
fn needed(engine: &Engine, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    for name in names {
        needed.insert(name.clone());
        if let Some(view) = engine.view(name) {
            needed.extend(engine.base_tables(view));
        }
    }
    needed
}

async fn publication(engine: &Engine, as_of: Option<AsOf>) -> Result<Option<Publication>> {
    match as_of {
        None => engine.store.latest_publication().await,
        Some(as_of) => engine.store.publication_at(as_of).await.map(Some),
    }
}

/// A run's number, a date (the end of that UTC day), or a time in RFC 3339.
fn parse_as_of(text: &str) -> Result<AsOf> {
    if let Ok(run) = text.parse::<u64>() {
        return Ok(AsOf::Run(run));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(AsOf::Time(time.with_timezone(&Utc)));
    }
    if let Ok(date) = text.parse::<NaiveDate>()
        && let Some(end) = date.and_hms_micro_opt(23, 59, 59, 999_999)
    {
        return Ok(AsOf::Time(end.and_utc()));
    }
    for format in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(AsOf::Time(time.and_utc()));
        }
    }
    Err(Error::input("this is neither a run nor a time")
        .with("as of", text)
        .hint("give a run's number, a date, or a time in UTC such as 2026-11-01T12:00:00Z"))
}

/// A model that no run has built says so; a name that nobody knows is for the planner.
fn check_built(
    engine: &Engine,
    context: &SessionContext,
    names: &BTreeSet<String>,
) -> Result<()> {
    let missing = names.iter().find(|name| {
        engine.catalog.get(name).is_some()
            && !context.table_exist(name.as_str()).unwrap_or(false)
    });
    match missing {
        Some(name) => Err(Error::input(format!("{name} has not been built yet"))
            .hint("`attrib run` builds the models")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_of_is_a_run_a_date_or_a_time() {
        assert!(matches!(parse_as_of("12").unwrap(), AsOf::Run(12)));
        let AsOf::Time(day) = parse_as_of("2026-11-01").unwrap() else {
            panic!()
        };
        assert_eq!(day.to_rfc3339(), "2026-11-01T23:59:59.999999+00:00");
        let AsOf::Time(time) = parse_as_of("2026-11-01T12:00:00+02:00").unwrap() else {
            panic!()
        };
        assert_eq!(time.to_rfc3339(), "2026-11-01T10:00:00+00:00");
        assert!(parse_as_of("yesterday").unwrap_err().hint_text().is_some());
    }
}
