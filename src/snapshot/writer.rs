//! Writing a table's Parquet files.
//!
//! A file is written under a temporary name, synced, and renamed: its name holds the
//! checksum of its rows, which is known only at the end. Bound for a bucket, it is written
//! to the machine's temporary folder and then uploaded. Nothing is part of a table until it
//! is committed.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::Compression;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::checksum::RowHasher;
use super::datafile::{self, DataFile, Written};
use super::failure::{at_path, storage};
use super::partition;
use super::schema::{Layout, conform};
use super::stats::StatsBuilder;
use super::table::Table;
use super::upload::upload;
use crate::{Error, Result};

/// Rows of a row group: what is held in memory before it is written, and what a reader can
/// pass over by its statistics.
const ROW_GROUP_ROWS: usize = 256 * 1024;

/// Rows of a data page: what a reader can pass over within a row group.
const PAGE_ROWS: usize = 4096;

/// How files are written.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// The columns by which the rows come sorted, ascending, nulls first. The writer
    /// believes it and says so in the file and in the log. The prefix of them that is in
    /// the file counts: up to the first that is the partition column or nested.
    pub sort_columns: Vec<String>,
    /// After so many rows another file is begun.
    pub rows_per_file: usize,
    /// The columns that tell rows apart, if not all of them do; the same for all files of
    /// a table.
    pub checksum_columns: Option<Vec<String>>,
}

impl Default for WriterOptions {
    /// Unsorted, 4 million rows a file, all columns.
    fn default() -> Self {
        WriterOptions {
            sort_columns: Vec::new(),
            rows_per_file: 4_000_000,
            checksum_columns: None,
        }
    }
}

/// Writes rows of one partition of a table to files. Dropped before
/// [`FileWriter::finish`], it deletes what it wrote.
pub struct FileWriter {
    table: Table,
    schema: SchemaRef,
    /// Relative to the table's folder; empty, or ends in a slash.
    folder: String,
    partition: Option<String>,
    sorted_by: Vec<String>,
    rows_per_file: usize,
    hasher: RowHasher,
    properties: WriterProperties,
    open: Option<OpenFile>,
    done: Vec<DataFile>,
}

struct OpenFile {
    parquet: ArrowWriter<File>,
    temporary: TemporaryFile,
    stats: StatsBuilder,
    rows: usize,
}

/// Deletes the file when dropped; after it was renamed there is nothing to delete.
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl FileWriter {
    /// A writer of rows of `partition` (Delta's text; none for null or a table without
    /// partitions).
    pub fn create(
        table: &Table,
        partition: Option<String>,
        options: WriterOptions,
    ) -> Result<Self> {
        Self::with_layout(table, table.layout().clone(), partition, options)
    }

    /// A writer of files that will be committed together with a new layout of the table.
    pub fn with_layout(
        table: &Table,
        layout: Layout,
        partition: Option<String>,
        options: WriterOptions,
    ) -> Result<Self> {
        let schema = layout.file_schema();
        let hasher = RowHasher::new(&schema, options.checksum_columns.as_deref())?;
        let folder = match &layout.partition_by {
            Some(column) => partition::folder(column, partition.as_deref()) + "/",
            None => String::new(),
        };
        let in_file = options.sort_columns.into_iter().take_while(|name| {
            schema
                .field_with_name(name)
                .is_ok_and(|field| !field.data_type().is_nested())
        });
        let sorted_by: Vec<String> = in_file.collect();
        Ok(FileWriter {
            table: table.clone(),
            properties: properties(&schema, &sorted_by)?,
            schema,
            folder,
            partition,
            sorted_by,
            rows_per_file: options.rows_per_file.max(1),
            hasher,
            open: None,
            done: Vec::new(),
        })
    }

    /// Writes the columns of the table found in `batch` by name, in the types that tables
    /// hold; the partition column may be there and is left out.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch =
            conform(batch, &self.schema).map_err(|e| e.with("table", self.table.name()))?;
        let mut start = 0;
        while start < batch.num_rows() {
            let open = match self.open.take() {
                Some(open) => open,
                None => self.open_file()?,
            };
            let open = self.open.insert(open);
            let rows = (self.rows_per_file - open.rows).min(batch.num_rows() - start);
            let part = batch.slice(start, rows);
            open.parquet
                .write(&part)
                .map_err(|e| at_path("cannot write the file", &open.temporary.0, e))?;
            open.stats.add(&part);
            open.rows += rows;
            let full = open.rows == self.rows_per_file;
            self.hasher.add(&part)?;
            start += rows;
            if full {
                self.close_file().await?;
            }
        }
        Ok(())
    }

    /// Completes the last file. The files, none if there were no rows, are the caller's now:
    /// to [commit](Table::commit) or to [discard](Table::discard).
    pub async fn finish(mut self) -> Result<Vec<DataFile>> {
        self.close_file().await?;
        Ok(std::mem::take(&mut self.done))
    }

    fn open_file(&self) -> Result<OpenFile> {
        let folder = match self.local_folder() {
            Some(folder) => folder,
            None => std::env::temp_dir(),
        };
        std::fs::create_dir_all(&folder)
            .map_err(|e| at_path("cannot create the folder", &folder, e))?;
        let path = folder.join(format!(".tmp-{}", uuid::Uuid::new_v4()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|e| at_path("cannot write to the folder", &folder, e))?;
        let temporary = TemporaryFile(path);
        let schema = Arc::clone(&self.schema);
        let parquet = ArrowWriter::try_new(file, schema, Some(self.properties.clone()))
            .map_err(|e| storage("cannot write to the table", self.table.name(), e))?;
        Ok(OpenFile {
            parquet,
            temporary,
            stats: StatsBuilder::new(&self.schema, &self.sorted_by),
            rows: 0,
        })
    }

    async fn close_file(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let checksum = self.hasher.take();
        let (stats, ranges) = open.stats.finish()?;
        let temporary = open.temporary;
        let failed = |e: std::io::Error| at_path("cannot write the file", &temporary.0, e);
        let file = open
            .parquet
            .into_inner()
            .map_err(|e| at_path("cannot write the file", &temporary.0, e))?;
        let metadata = file.metadata().map_err(failed)?;
        let written = metadata.modified().map_err(failed)?;
        let written = Written {
            size: metadata.len(),
            rows: open.rows as u64,
            checksum,
            stats,
            ranges,
            modified: written
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| time.as_millis() as i64),
        };
        let path = format!("{}{}", self.folder, datafile::name(checksum));
        let data_file = DataFile::new(
            path,
            self.partition.clone(),
            self.sorted_by.clone(),
            written,
        );
        match self.table.local_path(&data_file) {
            // The commit makes it durable, together with all others.
            Some(path) => std::fs::rename(&temporary.0, &path).map_err(failed)?,
            None => {
                let objects = self.table.store().object_store();
                let to = self.table.object_path(&data_file);
                upload(&temporary.0, data_file.size, objects.as_ref(), &to)
                    .await
                    .map_err(|e| e.with("table", self.table.name()))?;
            }
        }
        self.done.push(data_file);
        Ok(())
    }

    fn local_folder(&self) -> Option<PathBuf> {
        let root = self.table.store().folder()?;
        Some(root.join(self.table.name()).join(&self.folder))
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        for file in &self.done {
            self.table.remove_local(file);
        }
    }
}

fn properties(schema: &SchemaRef, sorted_by: &[String]) -> Result<WriterProperties> {
    let parquet = ArrowSchemaConverter::new()
        .convert(schema)
        .map_err(|e| Error::internal("the columns have no form in Parquet").caused_by(e))?;
    let sorting = sorted_by.iter().filter_map(|name| {
        let leaves = parquet.columns().iter();
        let index = leaves
            .enumerate()
            .find(|(_, leaf)| leaf.path().parts() == [name.as_str()])?;
        Some(SortingColumn {
            column_idx: index.0 as i32,
            descending: false,
            nulls_first: true,
        })
    });
    let sorting: Vec<SortingColumn> = sorting.collect();
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("attrib ", env!("CARGO_PKG_VERSION")).to_owned())
        // Zstandard makes the raw table a sixth smaller, but this writer and reader set it up
        // anew for each page, which costs more than it compresses where pages are small.
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_sorting_columns((!sorting.is_empty()).then_some(sorting));
    // Pages are passed over by what the rows are sorted by; of the other columns, the least
    // and greatest values of each page would only swell the footer.
    for name in sorted_by {
        let column = ColumnPath::new(vec![name.clone()]);
        properties = properties.set_column_statistics_enabled(column, EnabledStatistics::Page);
    }
    for field in schema.fields() {
        // Hashes: every value is another one.
        if field.data_type() == &DataType::Binary {
            let column = ColumnPath::new(vec![field.name().clone()]);
            properties = properties.set_column_dictionary_enabled(column, false);
        }
    }
    Ok(properties.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::testing::{append, events, read, store};
    use crate::snapshot::{Change, map_type};
    use arrow::array::{
        Array, ArrayRef, AsArray, Int64Array, MapBuilder, StringBuilder, StringViewArray,
    };
    use arrow::datatypes::{Field, Schema};

    fn options(rows_per_file: usize) -> WriterOptions {
        WriterOptions {
            sort_columns: vec!["key".to_owned()],
            rows_per_file,
            checksum_columns: None,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_are_full_and_named_for_their_rows() {
        let (dir, store) = store();
        let table = store
            .create("t", &events(&[]).schema(), None)
            .await
            .unwrap();
        let rows = events(&[(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]);
        let mut writer = FileWriter::create(&table, None, options(2)).unwrap();
        writer.write(&rows.slice(0, 3)).await.unwrap();
        writer.write(&rows.slice(3, 2)).await.unwrap();
        let files = writer.finish().await.unwrap();
        let counts: Vec<u64> = files.iter().map(|f| f.rows).collect();
        assert_eq!(counts, [2, 2, 1]);
        assert_eq!(files[1].range("key"), Some((3, 4)));
        let on_disk = std::fs::metadata(dir.path().join("t").join(&files[0].path)).unwrap();
        assert_eq!(on_disk.len(), files[0].size);
        let table = append(&table, files).await;
        let back = read(&table).await;
        assert_eq!(back.iter().map(RecordBatch::num_rows).sum::<usize>(), 5);
        assert!(table.files().iter().all(|f| f.sorted_by == ["key"]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_writer_that_is_dropped_leaves_nothing() {
        let (dir, store) = store();
        let table = store
            .create("t", &events(&[]).schema(), None)
            .await
            .unwrap();
        let mut writer = FileWriter::create(&table, None, options(1)).unwrap();
        writer.write(&events(&[(1, "a"), (2, "b")])).await.unwrap();
        drop(writer);
        let mut writer = FileWriter::create(&table, None, options(9)).unwrap();
        writer.write(&events(&[(1, "a"), (2, "b")])).await.unwrap();
        drop(writer);
        let names: Vec<_> = std::fs::read_dir(dir.path().join("t"))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["_delta_log"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_map_and_a_view_come_back_in_the_types_of_tables() {
        let (_dir, store) = store();
        let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        map.keys().append_value("page");
        map.values().append_value("home");
        map.keys().append_value("x");
        map.values().append_null();
        map.append(true).unwrap();
        map.append(false).unwrap();
        let map = map.finish();
        let rows = RecordBatch::try_from_iter(vec![
            (
                "name",
                Arc::new(StringViewArray::from(vec!["a", "b"])) as ArrayRef,
            ),
            ("params", Arc::new(map) as ArrayRef),
        ])
        .unwrap();
        let schema = Schema::new(vec![
            Field::new("name", DataType::Utf8View, true),
            Field::new("params", rows.column(1).data_type().clone(), true),
        ]);
        let table = store.create("t", &schema, None).await.unwrap();
        assert_eq!(table.schema().field(1).data_type(), &map_type());
        let mut writer = FileWriter::create(&table, None, WriterOptions::default()).unwrap();
        writer.write(&rows).await.unwrap();
        let table = append(&table, writer.finish().await.unwrap()).await;
        let back = read(&store.table("t").await.unwrap().unwrap()).await;
        assert_eq!(back[0].schema().fields(), table.schema().fields());
        let params = back[0].column(1).as_map();
        assert!(params.is_null(1));
        let entries = params.value(0);
        assert_eq!(entries.column(0).as_string::<i32>().value(0), "page");
        assert!(entries.column(1).is_null(1));
        assert_eq!(back[0].column(0).as_string::<i32>().value(1), "b");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_file_says_how_it_is_sorted() {
        let (dir, store) = store();
        let schema = Schema::new(vec![
            Field::new("params", map_type(), true),
            Field::new("key", DataType::Int64, true),
        ]);
        let table = store.create("t", &schema, None).await.unwrap();
        let rows = RecordBatch::try_new(
            Arc::new(schema.clone()),
            vec![
                arrow::array::new_null_array(&map_type(), 1),
                Arc::new(Int64Array::from(vec![1])),
            ],
        )
        .unwrap();
        let mut writer = FileWriter::create(&table, None, options(9)).unwrap();
        writer.write(&rows).await.unwrap();
        let files = writer.finish().await.unwrap();
        let file = File::open(dir.path().join("t").join(&files[0].path)).unwrap();
        let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
            .parse_and_finish(&file)
            .unwrap();
        let sorting = metadata.row_group(0).sorting_columns().unwrap();
        assert_eq!(sorting[0].column_idx, 2);
        assert!(sorting[0].nulls_first && !sorting[0].descending);
        assert!(
            metadata
                .row_group(0)
                .column(2)
                .column_index_offset()
                .is_some()
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn uncommitted_files_are_invisible_and_can_be_discarded() {
        let (dir, store) = store();
        let table = store
            .create("t", &events(&[]).schema(), None)
            .await
            .unwrap();
        let mut writer = FileWriter::create(&table, None, options(9)).unwrap();
        writer.write(&events(&[(1, "a")])).await.unwrap();
        let files = writer.finish().await.unwrap();
        assert_eq!(store.table("t").await.unwrap().unwrap().rows(), 0);
        table.discard(&files).await;
        assert!(!dir.path().join("t").join(&files[0].path).exists());
        let mut change = Change::new("run");
        change.remove = files;
        assert!(table.commit(change).await.is_err());
    }
}
