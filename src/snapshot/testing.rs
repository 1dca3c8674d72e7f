//! What the tests of this folder share: a store in a temporary folder, rows, and files.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use object_store::ObjectStoreExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Change, DataFile, FileWriter, Store, Table, WriterOptions};

pub(crate) fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().to_str().unwrap()).unwrap();
    (dir, store)
}

/// A key, a name, and a day to partition by.
pub(crate) fn schema() -> Schema {
    Schema::new(vec![
        Field::new("key", DataType::Int64, false),
        Field::new("day", DataType::Date32, true),
        Field::new("name", DataType::Utf8, true),
    ])
}

/// Rows of [`schema`]; every day is null, as writers leave the partition column out.
pub(crate) fn events(rows: &[(i64, &str)]) -> RecordBatch {
    let keys = Int64Array::from_iter_values(rows.iter().map(|(key, _)| *key));
    let names = StringArray::from_iter_values(rows.iter().map(|(_, name)| *name));
    let days = arrow::array::new_null_array(&DataType::Date32, rows.len());
    let columns = vec![Arc::new(keys) as _, days, Arc::new(names) as _];
    RecordBatch::try_new(Arc::new(schema()), columns).unwrap()
}

pub(crate) fn day(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Writes rows sorted by `key`, and does not commit them.
pub(crate) async fn write(
    table: &Table,
    partition: Option<&str>,
    rows: &RecordBatch,
) -> Vec<DataFile> {
    let options = WriterOptions {
        sort_columns: vec!["key".to_owned()],
        ..WriterOptions::default()
    };
    let partition = partition.map(str::to_owned);
    let mut writer = FileWriter::create(table, partition, options).unwrap();
    writer.write(rows).await.unwrap();
    writer.finish().await.unwrap()
}

pub(crate) async fn append(table: &Table, files: Vec<DataFile>) -> Table {
    let mut change = Change::new("ingest");
    change.add = files;
    table.commit(change).await.unwrap()
}

/// One batch a file, read with nothing but the Parquet reader.
pub(crate) async fn read(table: &Table) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    for file in table.files() {
        let path = table.object_path(file);
        let object = table.store().object_store().get(&path).await.unwrap();
        let bytes = object.bytes().await.unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        batches.extend(reader.build().unwrap().map(Result::unwrap));
    }
    batches
}

/// The files in a table's folder, partitions not counted.
pub(crate) fn files_on_disk(dir: &tempfile::TempDir, table: &str) -> usize {
    let entries = std::fs::read_dir(dir.path().join(table)).unwrap();
    entries
        .filter(|e| e.as_ref().unwrap().path().is_file())
        .count()
}
