//! Which versions of the tables readers see together.
//!
//! Delta commits are per table. A run commits its tables one by one, unseen, and then one
//! row here makes them visible at once: readers open every table at the versions of the
//! latest publication. The publications are a table themselves, `_publications`, of one
//! file that each publication replaces.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{
    DataType, Field, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, SecondsFormat, Utc};
use object_store::ObjectStoreExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};

use super::commit::Change;
use super::failure::{Conflict, damaged, storage};
use super::store::Store;
use super::table::Table;
use super::thinning::thin;
use super::writer::{FileWriter, WriterOptions};
use crate::{Error, Result};

/// The table that the publications are kept in.
pub(super) const TABLE: &str = "_publications";

/// Publications kept, and how many of them are the newest without a gap, see `thinning`.
const KEPT: usize = 1000;
const KEPT_RECENT: usize = 200;

/// One state of all tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// 1 for the first, then ascending.
    pub run_id: u64,
    pub published_at: DateTime<Utc>,
    pub tables: BTreeMap<String, PublishedTable>,
}

/// One table, or view, of a publication.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishedTable {
    /// The version that readers see; none for a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What it was built by: a hash of the model's text and of all that decides its result.
    pub fingerprint: String,
    /// The version of each table that it was built from.
    pub built_from: BTreeMap<String, u64>,
    pub materialized: bool,
}

/// A point in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// What run `n` published.
    Run(u64),
    /// What readers saw at that time.
    Time(DateTime<Utc>),
}

impl Store {
    /// What readers see now; none before the first publication.
    pub async fn latest_publication(&self) -> Result<Option<Publication>> {
        let Some(table) = self.table(TABLE).await? else {
            return Ok(None);
        };
        let last = usize::try_from(table.rows()).unwrap_or(usize::MAX).max(1) - 1;
        let rows = read(&table, last).await?;
        rows.iter().last().map(|row| row.parse(&table)).transpose()
    }

    /// The publications that are kept, the oldest first.
    pub async fn publications(&self) -> Result<Vec<Publication>> {
        let Some(table) = self.table(TABLE).await? else {
            return Ok(Vec::new());
        };
        let rows = read(&table, 0).await?;
        rows.iter().map(|row| row.parse(&table)).collect()
    }

    /// What readers saw then.
    ///
    /// # Errors
    /// An input error if nothing was published by then, or it is no longer kept.
    pub async fn publication_at(&self, as_of: AsOf) -> Result<Publication> {
        let missing = |message: &str| Error::input(message);
        let Some(table) = self.table(TABLE).await? else {
            return Err(missing("nothing was published yet").hint("run `attrib run` first"));
        };
        let rows = read(&table, 0).await?;
        let found = match as_of {
            AsOf::Run(run_id) => rows.iter().find(|row| row.run_id == run_id),
            AsOf::Time(time) => rows.iter().rfind(|row| row.published_at <= time),
        };
        if let Some(row) = found {
            return row.parse(&table);
        }
        let error = match as_of {
            AsOf::Run(run_id) => {
                missing("there is no such publication, or it is no longer kept")
                    .with("run", run_id)
            }
            AsOf::Time(time) => {
                missing("nothing of that time is kept").with("time", rfc3339(time))
            }
        };
        Err(match (rows.first(), rows.last()) {
            (Some(first), Some(last)) => error
                .with("oldest", first)
                .with("newest", last)
                .hint("choose one between the oldest and the newest"),
            _ => error,
        })
    }

    /// Makes `tables` what readers see. They are all tables of the new state, worked out
    /// from the publication `base` (none if there was none).
    ///
    /// # Errors
    /// A conflict if another publication came after `base`: its tables would be lost.
    pub async fn publish(
        &self,
        base: Option<u64>,
        tables: BTreeMap<String, PublishedTable>,
        now: DateTime<Utc>,
    ) -> Result<Publication> {
        let table = match self.table(TABLE).await? {
            Some(table) => table,
            None => self.create(TABLE, &schema(), None).await?,
        };
        let mut rows = read(&table, 0).await?;
        let latest = rows.last();
        if latest.map(|row| row.run_id) != base {
            return Err(Conflict {
                table: TABLE.to_owned(),
                base: table.version(),
                reason: "another run published its tables first".to_owned(),
            }
            .into_error());
        }
        let publication = Publication {
            run_id: latest.map_or(0, |row| row.run_id) + 1,
            // Never before its predecessor, whatever the clock says.
            published_at: latest.map_or(now, |row| row.published_at.max(now)),
            tables,
        };
        rows.push(Row {
            run_id: publication.run_id,
            published_at: publication.published_at,
            tables: serde_json::to_string(&publication.tables)
                .map_err(|e| Error::internal("cannot write the publication").caused_by(e))?,
        });
        let times = rows.iter().map(|row| row.published_at.timestamp_micros());
        let kept = thin(&times.collect::<Vec<_>>(), KEPT, KEPT_RECENT);
        let rows = kept.into_iter().map(|i| rows[i].clone()).collect();
        replace(&table, rows, "publish").await?;
        Ok(publication)
    }

    /// Forgets the publications that `keep` does not want; the latest always stays.
    pub(super) async fn forget_publications(
        &self,
        keep: impl Fn(DateTime<Utc>) -> bool,
    ) -> Result<()> {
        let Some(table) = self.table(TABLE).await? else {
            return Ok(());
        };
        let rows = read(&table, 0).await?;
        let latest = rows.last().map(|row| row.run_id);
        let kept: Vec<Row> = rows
            .iter()
            .filter(|row| keep(row.published_at) || Some(row.run_id) == latest)
            .cloned()
            .collect();
        if kept.len() < rows.len() {
            replace(&table, kept, "vacuum").await?;
        }
        Ok(())
    }
}

/// A publication as it is stored; most are passed over without a look at their tables.
#[derive(Debug, Clone)]
struct Row {
    run_id: u64,
    published_at: DateTime<Utc>,
    tables: String,
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run {} of {}", self.run_id, rfc3339(self.published_at))
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Row {
    fn parse(&self, table: &Table) -> Result<Publication> {
        let tables = serde_json::from_str(&self.tables).map_err(|e| {
            damaged(TABLE, table.store().log_url(TABLE), e).with("run", self.run_id)
        })?;
        Ok(Publication {
            run_id: self.run_id,
            published_at: self.published_at,
            tables,
        })
    }
}

fn schema() -> Schema {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Schema::new(vec![
        Field::new("run_id", DataType::Int64, false),
        Field::new("published_at", time, false),
        Field::new("tables", DataType::Utf8, false),
    ])
}

/// The publications from the `skip`th on, the oldest first.
async fn read(table: &Table, skip: usize) -> Result<Vec<Row>> {
    let objects = table.store().object_store();
    let mut rows = Vec::new();
    for file in table.files() {
        let read = async { objects.get(&table.object_path(file)).await?.bytes().await };
        let bytes = read
            .await
            .map_err(|e| storage("cannot read the publications", TABLE, e))?;
        let batches = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .and_then(|builder| builder.with_offset(skip).build())
            .map_err(|e| storage("cannot read the publications", TABLE, e))?;
        for batch in batches {
            let batch = batch.map_err(|e| storage("cannot read the publications", TABLE, e))?;
            rows.extend(rows_of(&batch).map_err(|e| storage("not a publication", TABLE, e))?);
        }
    }
    rows.sort_by_key(|row| row.run_id);
    Ok(rows)
}

fn rows_of(batch: &RecordBatch) -> std::result::Result<Vec<Row>, String> {
    let column = |name: &str| {
        batch
            .column_by_name(name)
            .ok_or(format!("it has no {name}"))
    };
    let ids = column("run_id")?.as_primitive_opt::<Int64Type>();
    let times = column("published_at")?.as_primitive_opt::<TimestampMicrosecondType>();
    let tables = column("tables")?.as_string_opt::<i32>();
    let (Some(ids), Some(times), Some(tables)) = (ids, times, tables) else {
        return Err("a column has another type".to_owned());
    };
    let rows = (0..batch.num_rows()).map(|i| {
        Ok(Row {
            run_id: u64::try_from(ids.value(i)).map_err(|e| e.to_string())?,
            published_at: DateTime::from_timestamp_micros(times.value(i))
                .ok_or("a time is out of range")?,
            tables: tables.value(i).to_owned(),
        })
    });
    rows.collect()
}

async fn replace(table: &Table, rows: Vec<Row>, operation: &str) -> Result<()> {
    let schema = Arc::new(schema());
    let times = rows.iter().map(|row| row.published_at.timestamp_micros());
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(Int64Array::from_iter_values(
                rows.iter().map(|row| row.run_id as i64),
            )),
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|row| row.tables.as_str()),
            )),
        ],
    )
    .map_err(|e| Error::internal("cannot write the publications").caused_by(e))?;
    let mut writer = FileWriter::create(table, None, WriterOptions::default())?;
    writer.write(&batch).await?;
    let mut change = Change::new(operation);
    change.remove = table.files().to_vec();
    change.add = writer.finish().await?;
    let added = change.add.clone();
    if let Err(e) = table.commit(change).await {
        table.discard(&added).await;
        return Err(e);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::is_conflict;
    use crate::snapshot::testing::store;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn tables(version: u64) -> BTreeMap<String, PublishedTable> {
        let table = PublishedTable {
            version: Some(version),
            fingerprint: "f".into(),
            built_from: BTreeMap::from([("raw".into(), version)]),
            materialized: true,
        };
        let view = PublishedTable {
            version: None,
            materialized: false,
            ..table.clone()
        };
        BTreeMap::from([("t".into(), table), ("v".into(), view)])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn readers_find_the_latest_and_the_past() {
        let (_dir, store) = store();
        assert_eq!(store.latest_publication().await.unwrap(), None);
        assert!(store.publication_at(AsOf::Run(1)).await.is_err());
        let first = store.publish(None, tables(1), at(10)).await.unwrap();
        let second = store.publish(Some(1), tables(2), at(20)).await.unwrap();
        // A clock that goes back does not disturb the order.
        let third = store.publish(Some(2), tables(3), at(5)).await.unwrap();
        assert_eq!((third.run_id, third.published_at), (3, at(20)));
        assert_eq!(
            store.publications().await.unwrap(),
            [first.clone(), second.clone(), third.clone()]
        );
        assert_eq!(
            store.latest_publication().await.unwrap(),
            Some(third.clone())
        );
        assert_eq!(store.publication_at(AsOf::Run(2)).await.unwrap(), second);
        assert_eq!(
            store.publication_at(AsOf::Time(at(19))).await.unwrap(),
            first
        );
        assert_eq!(
            store.publication_at(AsOf::Time(at(99))).await.unwrap(),
            third
        );
        let error = store.publication_at(AsOf::Time(at(9))).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("oldest: run 1 of 2023-11-14T22:13:30Z"),
            "{error}"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_publication_is_lost_to_another() {
        let (_dir, store) = store();
        store.publish(None, tables(1), at(1)).await.unwrap();
        let stale = store.publish(None, tables(2), at(2)).await.unwrap_err();
        assert!(is_conflict(&stale), "{stale}");
        let both = tokio::join!(
            store.publish(Some(1), tables(3), at(3)),
            store.publish(Some(1), tables(4), at(3)),
        );
        let won = [both.0, both.1].into_iter().filter(Result::is_ok).count();
        assert_eq!(won, 1);
        assert_eq!(store.publications().await.unwrap().len(), 2);
        store.forget_publications(|_| false).await.unwrap();
        assert_eq!(store.latest_publication().await.unwrap().unwrap().run_id, 2);
        assert_eq!(store.publications().await.unwrap().len(), 1);
    }
}
