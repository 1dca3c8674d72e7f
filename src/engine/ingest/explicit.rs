//! Events that carry the source's own `event_id`. Where the same id comes with differing
//! content, the latest `event_timestamp` wins, and then the later ingest; the loser may
//! stand in the table already, on another day.
//!
//! Within one ingest, rows of one id and time but of differing content are told apart by
//! their content hash, so that the order of files decides nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::is_not_null;
use arrow::compute::{filter_record_batch, not};
use arrow::record_batch::RecordBatch;
use datafusion::common::Column;
use datafusion::prelude::{SessionContext, col, lit};
use futures::TryStreamExt;

use super::spool::Spool;
use super::{raw_layout, raw_order};
use crate::engine::profile::Profile;
use crate::engine::table::SnapshotTable;
use crate::engine::write::write_frame;
use crate::engine::{Engine, explain, register_table};
use crate::events::{self, RAW_TABLE};
use crate::snapshot::{DataFile, Table, conform};
use crate::{Error, Result};

/// Splits a batch into rows without and rows with an `event_id` of the source.
pub(super) fn split(batch: &RecordBatch) -> Result<(RecordBatch, RecordBatch)> {
    let column = batch
        .column_by_name("source_event_id")
        .ok_or_else(|| Error::internal("a raw batch without source_event_id"))?;
    if column.null_count() == column.len() {
        return Ok((batch.clone(), batch.slice(0, 0)));
    }
    let parts = is_not_null(column).and_then(|explicit| {
        Ok((
            filter_record_batch(batch, &not(&explicit)?)?,
            filter_record_batch(batch, &explicit)?,
        ))
    });
    parts.map_err(|e| Error::internal("cannot split a batch").caused_by(e))
}

/// What of the rows read goes in, and which stored rows go out for it.
pub(super) struct Resolved {
    pub rows: Spool,
    /// `event_id` and day of the stored rows that are replaced.
    pub replaced: BTreeSet<(Vec<u8>, String)>,
}

/// The winners among the rows read and against the stored ones.
pub(super) async fn resolve(engine: &Engine, raw: &Table, mut read: Spool) -> Result<Resolved> {
    let mut resolved = Resolved {
        rows: Spool::new(events::schema()),
        replaced: BTreeSet::new(),
    };
    if read.is_empty() {
        return Ok(resolved);
    }
    let context = Spool::session(engine)?;
    let mut winners = winners(&context, &mut read).await?;
    if raw.files().is_empty() {
        return Ok(Resolved {
            rows: winners,
            ..resolved
        });
    }
    let failed = |e| explain::failed(RAW_TABLE, e);
    let frame = winners.frame(&context).await?;
    register_table(&context, "winners", frame.into_view())?;
    register_table(
        &context,
        "stored",
        Arc::new(SnapshotTable::new(raw.clone())),
    )?;
    let rows = context
        .sql(include_str!("explicit_new.sql"))
        .await
        .map_err(failed)?;
    let mut stream = rows.execute_stream().await.map_err(failed)?;
    let schema = events::schema();
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        resolved.rows.push(conform(&batch, &schema)?)?;
    }
    let rows = context
        .sql(include_str!("explicit_replaced.sql"))
        .await
        .map_err(failed)?;
    for batch in rows.collect().await.map_err(failed)? {
        let ids = batch.column(0).as_binary::<i32>();
        let days = arrow::compute::cast(batch.column(1), &arrow::datatypes::DataType::Utf8)
            .map_err(|e| Error::internal("a day that is no date").caused_by(e))?;
        let days = days.as_string::<i32>();
        for i in 0..batch.num_rows() {
            resolved
                .replaced
                .insert((ids.value(i).to_vec(), days.value(i).to_string()));
        }
    }
    Ok(resolved)
}

/// One row for each id: the latest, then the one of the greatest content hash.
async fn winners(context: &SessionContext, read: &mut Spool) -> Result<Spool> {
    let failed = |e| explain::failed(RAW_TABLE, e);
    let mut stream = read
        .frame(context)
        .await?
        .sort(vec![
            col("event_id").sort(true, true),
            col("event_timestamp").sort(false, false),
            col("content_hash").sort(false, false),
        ])
        .map_err(failed)?
        .execute_stream()
        .await
        .map_err(failed)?;
    let schema = events::schema();
    let mut winners = Spool::new(schema.clone());
    let mut last: Option<Vec<u8>> = None;
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        let batch = conform(&batch, &schema)?;
        let ids = batch
            .column_by_name("event_id")
            .ok_or_else(|| Error::internal("a raw batch without event_id"))?
            .as_binary::<i32>()
            .clone();
        let is_first: BooleanArray = (0..batch.num_rows())
            .map(|i| {
                let is_first = last.as_deref() != Some(ids.value(i));
                if is_first {
                    last = Some(ids.value(i).to_vec());
                }
                Some(is_first)
            })
            .collect();
        let batch = filter_record_batch(&batch, &is_first)
            .map_err(|e| Error::internal("cannot drop duplicates").caused_by(e))?;
        winners.push(batch)?;
    }
    Ok(winners)
}

/// Files in the place of others.
pub(super) struct Rewritten {
    pub add: Vec<DataFile>,
    pub remove: Vec<DataFile>,
}

/// The days of the replaced rows, without them.
pub(super) async fn without(
    engine: &Engine,
    raw: &Table,
    replaced: &BTreeSet<(Vec<u8>, String)>,
) -> Result<Rewritten> {
    let days: BTreeSet<&str> = replaced.iter().map(|(_, day)| day.as_str()).collect();
    let remove: Vec<DataFile> = raw
        .files()
        .iter()
        .filter(|file| {
            file.partition
                .as_deref()
                .is_some_and(|day| days.contains(day))
        })
        .cloned()
        .collect();
    let ids = replaced
        .iter()
        .map(|(id, _)| lit(datafusion::common::ScalarValue::Binary(Some(id.clone()))))
        .collect();
    let context = engine.sessions.session()?;
    let part = SnapshotTable::of_files(raw.clone(), remove.clone());
    let frame = context
        .read_table(Arc::new(part))
        .and_then(|frame| frame.filter(col(Column::from_name("event_id")).in_list(ids, true)))
        .map_err(|e| explain::failed(RAW_TABLE, e))?;
    let written = write_frame(
        engine,
        raw,
        &raw_layout()?,
        &raw_order(),
        frame,
        &Profile::default(),
    )
    .await?;
    Ok(Rewritten {
        add: written.all(),
        remove,
    })
}
