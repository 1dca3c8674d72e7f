//! A table of the snapshot as DataFusion sees it: the Parquet files of one version of a
//! Delta table, or of some of its partitions, scanned with DataFusion's own Parquet source.
//!
//! The log, not the scan, knows the files, their rows and their partition values: partition
//! filters are resolved before a file is opened, and `count(*)` reads none.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, Result, ScalarValue, Statistics, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::ObjectMeta;

use crate::snapshot::{DataFile, Table};

/// Where sessions find the snapshot's object store.
pub(crate) const STORE_URL: &str = "attrib://snapshot";

/// Some files of one version of a table.
#[derive(Debug)]
pub struct SnapshotTable {
    table: Table,
    files: Vec<DataFile>,
    /// The table's columns in their order.
    schema: SchemaRef,
    /// What the files hold, then the partition column.
    scanned: TableSchema,
}

impl SnapshotTable {
    /// All of the table's files.
    pub fn new(table: Table) -> Self {
        let files = table.files().to_vec();
        Self::of_files(table, files)
    }

    /// Only these partitions, by their values as Delta writes them.
    pub fn partitions(table: Table, values: &BTreeSet<Option<String>>) -> Self {
        let files = table
            .files()
            .iter()
            .filter(|file| values.contains(&file.partition))
            .cloned()
            .collect();
        Self::of_files(table, files)
    }

    /// The files given, all of which must belong to the table.
    pub fn of_files(table: Table, files: Vec<DataFile>) -> Self {
        // Texts stay plain: a batch of views answers for the memory of every buffer that it
        // points into, so sorts would ask for many times what they hold.
        let fields = table.schema().fields().iter().cloned().collect();
        Self::of_fields(table, files, fields)
    }

    /// All of the table's files, its texts as views of what was read, which are not copied
    /// on their way: for queries that sort and join little of them.
    pub fn with_views(table: Table) -> Self {
        let view = |field: &FieldRef| match field.data_type() {
            DataType::Utf8 if table.partition_by() != Some(field.name()) => {
                Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
            }
            _ => field.clone(),
        };
        let fields = table.schema().fields().iter().map(view).collect();
        let files = table.files().to_vec();
        Self::of_fields(table, files, fields)
    }

    fn of_fields(table: Table, files: Vec<DataFile>, fields: Vec<FieldRef>) -> Self {
        let (partition, stored): (Vec<FieldRef>, Vec<FieldRef>) = fields
            .iter()
            .cloned()
            .partition(|field| table.partition_by() == Some(field.name().as_str()));
        SnapshotTable {
            scanned: TableSchema::builder(Arc::new(Schema::new(stored)))
                .with_table_partition_cols(partition)
                .build(),
            schema: Arc::new(Schema::new(fields)),
            files,
            table,
        }
    }

    /// The columns of `self.schema` as positions in `self.scanned`.
    fn scan_indices(&self, projection: Option<&Vec<usize>>) -> Result<Vec<usize>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        projection
            .unwrap_or(&all)
            .iter()
            .map(|&i| {
                Ok(self
                    .scanned
                    .table_schema()
                    .index_of(self.schema.field(i).name())?)
            })
            .collect()
    }

    fn is_partition_filter(&self, filter: &Expr) -> bool {
        let Some(partition) = self.table.partition_by() else {
            return false;
        };
        let columns = filter.column_refs();
        !columns.is_empty()
            && columns.iter().all(|column| column.name == partition)
            && !filter.is_volatile()
    }

    /// The files whose partition passes every filter.
    fn pruned(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<DataFile>> {
        let Some(field) = self.scanned.table_partition_cols().first() else {
            return Ok(self.files.clone());
        };
        let filters: Vec<&Expr> = filters
            .iter()
            .filter(|filter| self.is_partition_filter(filter))
            .collect();
        if filters.is_empty() {
            return Ok(self.files.clone());
        }
        let values: Vec<Option<String>> = self
            .files
            .iter()
            .map(|file| file.partition.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let scalars = values
            .iter()
            .map(|value| partition_scalar(value.as_deref(), field.data_type()))
            .collect::<Result<Vec<_>>>()?;
        let column: ArrayRef = ScalarValue::iter_to_array(scalars)?;
        let schema = Arc::new(Schema::new(vec![Field::new(
            field.name(),
            field.data_type().clone(),
            true,
        )]));
        let batch = RecordBatch::try_new(schema.clone(), vec![column])?;
        let df_schema = DFSchema::try_from(schema)?;
        let mut keep: BTreeSet<Option<String>> = values.iter().cloned().collect();
        for filter in filters {
            let filter = unqualified(filter.clone())?;
            let predicate = state.create_physical_expr(filter, &df_schema)?;
            let passed = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
            let passed = passed.as_boolean();
            for (i, value) in values.iter().enumerate() {
                use arrow::array::Array;
                if passed.is_null(i) || !passed.value(i) {
                    keep.remove(value);
                }
            }
        }
        Ok(self
            .files
            .iter()
            .filter(|file| keep.contains(&file.partition))
            .cloned()
            .collect())
    }

    fn partitioned_file(&self, file: &DataFile) -> Result<PartitionedFile> {
        let meta = ObjectMeta {
            location: self.table.object_path(file),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: file.size,
            e_tag: None,
            version: None,
        };
        let mut partitioned = PartitionedFile::from(meta);
        if let Some(field) = self.scanned.table_partition_cols().first() {
            partitioned.partition_values = vec![partition_scalar(
                file.partition.as_deref(),
                field.data_type(),
            )?];
        }
        Ok(partitioned)
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // Filters on other columns reach the Parquet source when the plan is physical.
        Ok(filters
            .iter()
            .map(|filter| {
                if self.is_partition_filter(filter) {
                    TableProviderFilterPushDown::Exact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.pruned(state, filters)?;
        if files.is_empty() {
            let schema = project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        let mut statistics = Statistics::new_unknown(self.scanned.table_schema());
        statistics.num_rows = Precision::Exact(rows as usize);
        statistics.total_byte_size = Precision::Inexact(bytes as usize);
        let mut files = files;
        // Day after day: what belongs together comes together.
        files.sort_by(|a, b| (&a.partition, &a.path).cmp(&(&b.partition, &b.path)));
        let files = files
            .iter()
            .map(|file| self.partitioned_file(file))
            .collect::<Result<Vec<_>>>()?;
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        // A file's footer is parsed once, however many queries of a run read the file.
        let url = ObjectStoreUrl::parse(STORE_URL)?;
        let runtime = state.runtime_env();
        let readers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&url)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let source = ParquetSource::new(self.scanned.clone())
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_parquet_file_reader_factory(Arc::new(readers));
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(Some(self.scan_indices(projection)?))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// A partition value as Delta writes it, typed.
fn partition_scalar(value: Option<&str>, data_type: &DataType) -> Result<ScalarValue> {
    match value {
        None => ScalarValue::try_from(data_type),
        Some(text) => ScalarValue::try_from_string(text.to_string(), data_type),
    }
}

/// `filter` with bare column names, as the partition batch has them.
fn unqualified(filter: Expr) -> Result<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    Ok(filter
        .transform(|expr| match expr {
            Expr::Column(column) => Ok(Transformed::yes(Expr::Column(
                datafusion::common::Column::from_name(column.name),
            ))),
            other => Ok(Transformed::no(other)),
        })?
        .data)
}
