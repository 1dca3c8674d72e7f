//! One Parquet file of a table, as the log knows it.
//!
//! A file's checksum is part of its name (`<uuid>-<16 hex digits>.parquet`), so that it
//! needs no field of the log that other tools might drop.

use std::collections::HashMap;

use arrow::datatypes::Schema;
use deltalake_core::kernel::{Add, LogicalFileView, Remove};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::stats::{FileStats, Ranges};

/// The key under which the log keeps a file's sort order, column names joined by commas.
const SORTED_BY: &str = "attrib.sortedBy";

/// One Parquet file of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Relative to the table's folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// The value of the partition column in Delta's text, e.g. `2026-11-01`; none for null
    /// and in a table without partitions.
    pub partition: Option<String>,
    pub rows: u64,
    /// The sum of the hashes of its rows, see [`RowHasher`](super::RowHasher).
    pub checksum: u64,
    /// The columns by which its rows are sorted, ascending, nulls first; empty if unknown.
    pub sorted_by: Vec<String>,
    ranges: Ranges,
    stats: String,
    /// Milliseconds since the epoch.
    modified: i64,
}

impl DataFile {
    pub(super) fn new(
        path: String,
        partition: Option<String>,
        sorted_by: Vec<String>,
        written: Written,
    ) -> Self {
        DataFile {
            path,
            size: written.size,
            partition,
            rows: written.rows,
            checksum: written.checksum,
            sorted_by,
            ranges: written.ranges,
            stats: written.stats,
            modified: written.modified,
        }
    }

    /// The least and the greatest value of `column` in the file: an integer, days or µs
    /// since the epoch. Kept for Int64 sort columns, dates and timestamps; none if all are
    /// null.
    pub fn range(&self, column: &str) -> Option<(i64, i64)> {
        self.ranges.get(column).copied()
    }

    /// When the file was written, in milliseconds since the epoch.
    pub(super) fn modified(&self) -> i64 {
        self.modified
    }

    /// Reads a file from the log. The message of the error says what is wrong with it.
    pub(super) fn from_log(
        view: &LogicalFileView,
        partition_by: Option<&str>,
        schema: &Schema,
    ) -> Result<Self, String> {
        let path = view.path().into_owned();
        let text = view.stats().unwrap_or_default();
        let stats = FileStats::parse(&text)
            .map_err(|e| format!("the statistics of {path} cannot be read: {e}"))?;
        let rows = stats
            .rows()
            .ok_or_else(|| format!("the log does not say how many rows {path} has"))?;
        let size = u64::try_from(view.size())
            .map_err(|_| format!("the log gives {path} a negative size"))?;
        let partition = partition_by
            .and_then(|column| view.partition_values_map().remove(column))
            .flatten();
        // The only way to the tags that the crate offers.
        #[allow(deprecated)]
        let mut tags = view.add_action().tags.unwrap_or_default();
        let sorted_by = match tags.remove(SORTED_BY).flatten() {
            Some(columns) => columns.split(',').map(str::to_owned).collect(),
            None => Vec::new(),
        };
        Ok(DataFile {
            checksum: checksum_in_name(&path),
            size,
            partition,
            rows,
            sorted_by,
            ranges: stats.ranges(schema),
            stats: text,
            modified: view.modification_time(),
            path,
        })
    }

    pub(super) fn to_add(&self, partition_by: Option<&str>, data_change: bool) -> Add {
        let sorted_by = (!self.sorted_by.is_empty()).then(|| self.sorted_by.join(","));
        Add {
            path: self.path.clone(),
            partition_values: self.partition_values(partition_by),
            size: self.size as i64,
            modification_time: self.modified,
            data_change,
            stats: Some(self.stats.clone()),
            tags: sorted_by.map(|s| HashMap::from([(SORTED_BY.to_owned(), Some(s))])),
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        }
    }

    /// `now` is in milliseconds since the epoch.
    pub(super) fn to_remove(
        &self,
        partition_by: Option<&str>,
        data_change: bool,
        now: i64,
    ) -> Remove {
        Remove {
            path: self.path.clone(),
            data_change,
            deletion_timestamp: Some(now),
            extended_file_metadata: Some(true),
            partition_values: Some(self.partition_values(partition_by)),
            size: Some(self.size as i64),
            ..Remove::default()
        }
    }

    fn partition_values(&self, partition_by: Option<&str>) -> HashMap<String, Option<String>> {
        let column = partition_by.map(|c| (c.to_owned(), self.partition.clone()));
        column.into_iter().collect()
    }
}

/// What is known of a file once its last byte is written.
#[derive(Debug)]
pub(super) struct Written {
    pub size: u64,
    pub rows: u64,
    pub checksum: u64,
    pub stats: String,
    pub ranges: Ranges,
    /// Milliseconds since the epoch.
    pub modified: i64,
}

pub(super) fn name(checksum: u64) -> String {
    format!("{}-{checksum:016x}.parquet", Uuid::new_v4())
}

/// A file of another writer has no checksum in its name; its path is unique, so that it
/// counts as content of its own.
fn checksum_in_name(path: &str) -> u64 {
    path.strip_suffix(".parquet")
        .and_then(|stem| stem.rsplit_once('-'))
        .filter(|(_, digits)| digits.len() == 16)
        .and_then(|(_, digits)| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_else(|| xxh3_64(path.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_carries_the_checksum() {
        for checksum in [0, 7, u64::MAX] {
            let path = format!("event_day=2026-11-01/{}", name(checksum));
            assert_eq!(checksum_in_name(&path), checksum);
        }
        let foreign = "part-00000-cb6b150b-30b8-4662-ad28-ff32ddab96d2-c000.snappy.parquet";
        assert_eq!(checksum_in_name(foreign), xxh3_64(foreign.as_bytes()));
    }
}
