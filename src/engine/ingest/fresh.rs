//! Which of the rows read are new, and the order in which the raw table has them.

use std::cmp::Ordering;
use std::sync::Arc;

use ahash::HashSet;
use arrow::array::{
    Array, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use async_trait::async_trait;
use datafusion::prelude::col;
use futures::TryStreamExt;

use crate::engine::table::SnapshotTable;
use crate::engine::write::buckets::Arrange;
use crate::engine::write::place::{Place, Pool};
use crate::engine::{Engine, explain};
use crate::events::RAW_TABLE;
use crate::snapshot::{DataFile, Table};
use crate::{Error, Result};

type Id = [u8; 16];

/// Arranges the rows of a day for the raw table: sorted, without those that the table or a
/// file of this ingest has, and of those that came several times one. Rows with an `event_id`
/// of the source were resolved before and are taken as they are.
pub(super) struct Fresh {
    pub engine: Engine,
    /// As it was before this ingest.
    pub raw: Table,
}

#[async_trait]
impl Arrange for Fresh {
    async fn arrange(
        &self,
        partition: Option<&str>,
        pool: &Pool,
        places: Vec<Place>,
        written: &[DataFile],
    ) -> Result<Vec<Place>> {
        let stored = stored_ids(&self.engine, &self.raw, partition, written).await?;
        new_rows(pool, places, &stored)
    }
}

/// Of the rows at `places` those that are new, in the order of the table's files.
fn new_rows(pool: &Pool, places: Vec<Place>, stored: &HashSet<Id>) -> Result<Vec<Place>> {
    let columns = pool
        .batches()
        .iter()
        .map(OrderColumns::new)
        .collect::<Result<Vec<_>>>()?;
    let keys = places.into_iter().map(|(batch, row)| {
        let columns = &columns[batch];
        let length = columns.ids.value(row).len();
        if length != size_of::<Id>() {
            return Err(Error::internal(format!("an event_id of {length} bytes")));
        }
        let (device, time) = (columns.devices.value(row), columns.times.value(row));
        Ok((device, time, batch as u32, row as u32))
    });
    let mut rows: Vec<(i64, i64, u32, u32)> = keys.collect::<Result<_>>()?;
    let place = |row: &(i64, i64, u32, u32)| (row.2 as usize, row.3 as usize);
    rows.sort_unstable_by(|a, b| {
        (a.0, a.1)
            .cmp(&(b.0, b.1))
            .then_with(|| OrderColumns::compare(&columns, place(a), place(b)))
    });
    let id = |at: Place| columns[at.0].id(at.1);
    let mut new = Vec::with_capacity(rows.len());
    let mut several = Several::default();
    let mut start = 0;
    while start < rows.len() {
        let first = place(&rows[start]);
        let first_id = id(first);
        let same = |row: &&(i64, i64, u32, u32)| id(place(row)) == first_id;
        let end = start + rows[start..].iter().take_while(same).count();
        if columns[first.0].is_explicit(first.1) {
            new.extend(rows[start..end].iter().map(place));
        } else if !stored.contains(&first_id) {
            if end - start > 1 {
                several.add(new.len(), rows[start..end].iter().map(place));
            }
            new.push(first);
        }
        start = end;
    }
    several.choose(pool, &mut new)?;
    Ok(new)
}

/// Rows that came several times. They may differ in what is no part of their identity, and
/// must not be told apart by where they stood: the greatest stays.
#[derive(Default)]
struct Several {
    places: Vec<Place>,
    /// For each identity, which of the new rows it is, and where its places end.
    ends: Vec<(usize, usize)>,
}

impl Several {
    fn add(&mut self, new: usize, places: impl Iterator<Item = Place>) {
        self.places.extend(places);
        self.ends.push((new, self.places.len()));
    }

    fn choose(&self, pool: &Pool, new: &mut [Place]) -> Result<()> {
        if self.ends.is_empty() {
            return Ok(());
        }
        let failed = |e| Error::internal("cannot compare rows").caused_by(e);
        let rows = pool.gather(&self.places)?;
        let schema = rows.schema();
        let fields = schema.fields().iter();
        let fields = fields.map(|f| SortField::new(f.data_type().clone()));
        let converter = RowConverter::new(fields.collect()).map_err(failed)?;
        let rows = converter.convert_columns(rows.columns()).map_err(failed)?;
        let mut start = 0;
        for &(at, end) in &self.ends {
            let greatest = (start..end).max_by(|&a, &b| rows.row(a).cmp(&rows.row(b)));
            new[at] = self.places[greatest.unwrap_or(start)];
            start = end;
        }
        Ok(())
    }
}

/// The columns by which rows are sorted, and what says which rows are taken as they are.
struct OrderColumns {
    devices: Int64Array,
    times: TimestampMicrosecondArray,
    batch: [Int64Array; 3],
    ids: BinaryArray,
    source_ids: StringArray,
}

impl OrderColumns {
    fn new(batch: &RecordBatch) -> Result<Self> {
        let column = |name: &str| {
            let missing = || Error::internal(format!("a raw batch without {name}"));
            batch.column_by_name(name).ok_or_else(missing)
        };
        let int = |name| column(name).map(|c| c.as_primitive::<Int64Type>().clone());
        let times = column("event_timestamp")?.as_primitive::<TimestampMicrosecondType>();
        let ids = column("event_id")?.as_binary::<i32>();
        Ok(OrderColumns {
            devices: int("device_key")?,
            times: times.clone(),
            batch: [
                int("batch_page_id")?,
                int("batch_ordering_id")?,
                int("batch_event_index")?,
            ],
            ids: ids.clone(),
            source_ids: column("source_event_id")?.as_string::<i32>().clone(),
        })
    }

    fn id(&self, row: usize) -> Id {
        let mut id = Id::default();
        id.copy_from_slice(self.ids.value(row));
        id
    }

    fn is_explicit(&self, row: usize) -> bool {
        self.source_ids.is_valid(row)
    }

    /// Compares rows of one device and time by the rest of the order.
    fn compare(columns: &[OrderColumns], a: Place, b: Place) -> Ordering {
        let (a_columns, b_columns) = (&columns[a.0], &columns[b.0]);
        let value =
            |array: &Int64Array, row: usize| array.is_valid(row).then(|| array.value(row));
        let numbers = a_columns.batch.iter().zip(&b_columns.batch);
        numbers
            .map(|(one, other)| value(one, a.1).cmp(&value(other, b.1)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| a_columns.ids.value(a.1).cmp(b_columns.ids.value(b.1)))
    }
}

/// The ids of one day in the table and in `written`.
async fn stored_ids(
    engine: &Engine,
    raw: &Table,
    day: Option<&str>,
    written: &[DataFile],
) -> Result<HashSet<Id>> {
    let in_table = raw.files().iter();
    let in_table = in_table.filter(|file| file.partition.as_deref() == day);
    let files: Vec<DataFile> = in_table.chain(written).cloned().collect();
    let mut stored = HashSet::default();
    if files.is_empty() {
        return Ok(stored);
    }
    let failed = |e| explain::failed(RAW_TABLE, e);
    let context = engine.sessions.session()?;
    let part = SnapshotTable::of_files(raw.clone(), files);
    let mut stream = async {
        context
            .read_table(Arc::new(part))?
            .select(vec![col("event_id")])?
            .execute_stream()
            .await
    }
    .await
    .map_err(failed)?;
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        for value in batch.column(0).as_binary::<i32>().iter().flatten() {
            let id = Id::try_from(value)
                .map_err(|_| Error::internal("an event_id that is not 16 bytes long"))?;
            stored.insert(id);
        }
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Input, ReadOptions, Reject, Sink, Source, read};

    #[derive(Default)]
    struct Batches(Vec<RecordBatch>);

    impl Sink for Batches {
        fn batch(&mut self, batch: RecordBatch) -> Result<()> {
            self.0.push(batch);
            Ok(())
        }

        fn reject(&mut self, reject: Reject) -> Result<()> {
            Err(Error::input(reject.detail))
        }
    }

    fn pool(texts: &[&str]) -> Pool {
        let header = "event_timestamp,event_name,user_pseudo_id,batch_page_id,geo_country\n";
        let inputs = texts.iter().map(|text| -> Input<'static> {
            let bytes = std::io::Cursor::new(format!("{header}{text}"));
            let source = Source::Stream(Box::new(bytes));
            ("f".to_owned(), Box::new(|| Ok(source)))
        });
        let mut sink = Batches::default();
        read(inputs.collect(), &ReadOptions::default(), &mut sink).expect("events");
        Pool::new(crate::events::schema(), sink.0)
    }

    fn countries(pool: &Pool, stored: &HashSet<Id>) -> Vec<Option<String>> {
        let batches = (0..).zip(pool.batches());
        let all =
            batches.flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)));
        let places = new_rows(pool, all.collect(), stored).expect("raw rows");
        let rows = pool.gather(&places).expect("raw rows");
        let column = rows.column_by_name("geo_country").expect("a column");
        let column = column.as_string::<i32>();
        column.iter().map(|text| text.map(str::to_owned)).collect()
    }

    #[test]
    fn rows_of_one_identity_are_one_whatever_the_order_of_files() {
        let (one, other) = (
            "1788256800000000,a,d,,Austria\n",
            "1788256800000000,a,d,,Belgium\n",
        );
        let none = HashSet::default();
        for texts in [[one, other], [other, one]] {
            assert_eq!(
                countries(&pool(&texts), &none),
                [Some("Belgium".to_owned())]
            );
        }
    }

    #[test]
    fn rows_are_in_the_order_of_the_table_without_those_that_are_stored() {
        let text =
            "1788256800000002,a,d,,c\n1788256800000001,a,d,2,b\n1788256800000001,a,d,,a\n";
        let pool = pool(&[text]);
        let mut stored = HashSet::default();
        let all: Vec<_> = countries(&pool, &stored).into_iter().flatten().collect();
        assert_eq!(all, ["a", "b", "c"]);
        let columns = OrderColumns::new(&pool.batches()[0]).expect("raw columns");
        stored.insert(columns.id(1));
        let rest: Vec<_> = countries(&pool, &stored).into_iter().flatten().collect();
        assert_eq!(rest, ["a", "c"]);
    }
}
