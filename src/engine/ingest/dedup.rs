//! Dropping what is there already: rows in the raw table's order, where equal events are
//! neighbours, against the ids that each touched day has.

use std::sync::Arc;

use ahash::HashSet;
use arrow::array::{Array, AsArray, BooleanArray, BooleanBuilder};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use datafusion::common::Column;
use datafusion::prelude::{DataFrame, col};
use futures::TryStreamExt;

use super::{raw_layout, raw_order};
use crate::engine::table::SnapshotTable;
use crate::engine::write::{PartitionWriter, Written};
use crate::engine::{Engine, explain};
use crate::events::{PARTITION_COLUMN, RAW_TABLE};
use crate::snapshot::{Table, conform};
use crate::{Error, Result};

/// Sorts `frame` and writes the rows that neither an earlier one of it nor `raw` has.
/// Rows with an `event_id` of the source were resolved before and are taken as they are.
pub(super) async fn write_new(
    engine: &Engine,
    raw: &Table,
    frame: DataFrame,
) -> Result<Written> {
    let order = raw_order();
    let keys = std::iter::once(PARTITION_COLUMN)
        .chain(order.sort_by.iter().map(String::as_str))
        .map(|name| col(Column::from_name(name)).sort(true, true))
        .collect();
    let mut stream = async { frame.sort(keys)?.execute_stream().await }
        .await
        .map_err(|e| explain::failed(RAW_TABLE, e))?;
    let layout = raw_layout()?;
    let mut writer = PartitionWriter::new(raw, &layout, &order);
    let mut seen = Seen {
        day: None,
        stored: HashSet::default(),
        last: None,
    };
    while let Some(batch) = stream
        .try_next()
        .await
        .map_err(|e| explain::failed(RAW_TABLE, e))?
    {
        let batch = conform(&batch, &layout.schema)?;
        let is_new = seen.new_rows(engine, raw, &batch).await?;
        let batch = filter_record_batch(&batch, &is_new)
            .map_err(|e| Error::internal("cannot drop duplicates").caused_by(e))?;
        writer.write(&batch).await?;
    }
    writer.finish().await
}

type Id = [u8; 16];

/// The ids that count as seen at a place in the sorted rows.
struct Seen {
    day: Option<i32>,
    stored: HashSet<Id>,
    last: Option<Id>,
}

impl Seen {
    async fn new_rows(
        &mut self,
        engine: &Engine,
        raw: &Table,
        batch: &RecordBatch,
    ) -> Result<BooleanArray> {
        let missing = |name: &str| Error::internal(format!("a raw batch without {name}"));
        let ids = batch
            .column_by_name("event_id")
            .ok_or_else(|| missing("event_id"))?;
        let ids = ids.as_binary::<i32>();
        let days = batch
            .column_by_name("event_day")
            .ok_or_else(|| missing("event_day"))?;
        let days = days.as_primitive::<Date32Type>();
        let explicit = batch
            .column_by_name("source_event_id")
            .ok_or_else(|| missing("source_event_id"))?;
        let mut is_new = BooleanBuilder::with_capacity(batch.num_rows());
        for i in 0..batch.num_rows() {
            if self.day != Some(days.value(i)) {
                self.day = Some(days.value(i));
                self.stored = stored_ids(engine, raw, days.value(i)).await?;
            }
            let id = id(ids.value(i))?;
            let is_repeated = self.last == Some(id) || self.stored.contains(&id);
            is_new.append_value(explicit.is_valid(i) || !is_repeated);
            self.last = Some(id);
        }
        Ok(is_new.finish())
    }
}

/// The ids of one UTC day (days since the epoch) of the raw table.
async fn stored_ids(engine: &Engine, raw: &Table, day: i32) -> Result<HashSet<Id>> {
    let day =
        arrow::temporal_conversions::date32_to_datetime(day).map(|day| day.date().to_string());
    let part = SnapshotTable::partitions(raw.clone(), |value| value == day.as_deref());
    let context = engine.sessions.session()?;
    let mut stream = async {
        context
            .read_table(Arc::new(part))?
            .select(vec![col("event_id")])?
            .execute_stream()
            .await
    }
    .await
    .map_err(|e| explain::failed(RAW_TABLE, e))?;
    let mut stored = HashSet::default();
    while let Some(batch) = stream
        .try_next()
        .await
        .map_err(|e| explain::failed(RAW_TABLE, e))?
    {
        for value in batch.column(0).as_binary::<i32>().iter().flatten() {
            stored.insert(id(value)?);
        }
    }
    Ok(stored)
}

fn id(bytes: &[u8]) -> Result<Id> {
    Id::try_from(bytes).map_err(|_| Error::internal("an event_id that is not 16 bytes long"))
}
