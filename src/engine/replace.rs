//! A model's new files in the place of its published ones: only partitions whose rows came
//! out differently are replaced, in one commit.

use std::collections::BTreeSet;

use super::incremental::Partitions;
use super::write::Written;
use crate::Result;
use crate::snapshot::{Change, DataFile, Layout, Signature, Table};

/// The files that make up a table's next version.
#[derive(Debug, Default)]
pub(crate) struct Replacement {
    pub add: Vec<DataFile>,
    /// Files of the version that readers see now.
    pub keep: Vec<DataFile>,
    /// Files that hold the rows that are there already.
    pub superfluous: Vec<DataFile>,
}

impl Replacement {
    /// All new.
    pub fn all(written: Written) -> Self {
        Replacement {
            add: written.all(),
            ..Replacement::default()
        }
    }

    /// The new files of the partitions that came out with other rows than `this` has; its
    /// own files of all others. `rebuilt` are the partitions that were computed, all if
    /// none are given.
    pub fn of(this: &Table, written: Written, rebuilt: Option<&Partitions>) -> Self {
        let old = this.partitions();
        let mut replaced: Partitions = match rebuilt {
            Some(partitions) => partitions.clone(),
            None => old.keys().cloned().collect(),
        };
        let mut replacement = Replacement::default();
        for (value, files) in written.files {
            if old.get(&value) == Some(&Signature::of(&files)) {
                replaced.remove(&value);
                replacement.superfluous.extend(files);
            } else {
                replaced.insert(value);
                replacement.add.extend(files);
            }
        }
        let kept = this
            .files()
            .iter()
            .filter(|file| !replaced.contains(&file.partition));
        replacement.keep = kept.cloned().collect();
        replacement
    }

    /// Rows written.
    pub fn rows(&self) -> u64 {
        self.add.iter().map(|file| file.rows).sum()
    }

    /// Partitions written.
    pub fn partitions(&self) -> u64 {
        self.add
            .iter()
            .map(|file| &file.partition)
            .collect::<BTreeSet<_>>()
            .len() as u64
    }

    /// Commits on top of `latest`, whatever version the table has, published or left behind
    /// by a run that died. Where nothing differs from `old`, nothing is committed.
    pub async fn commit(
        self,
        latest: Table,
        layout: &Layout,
        old: Option<&Table>,
    ) -> Result<Table> {
        if let Some(old) = old {
            old.discard(&self.superfluous).await;
            if self.add.is_empty() && self.keep.len() == old.files().len() {
                return Ok(old.clone());
            }
        }
        let wanted: BTreeSet<&str> = self.keep.iter().map(|file| file.path.as_str()).collect();
        let present: BTreeSet<&str> = latest
            .files()
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        let mut change = Change::new("run");
        change.remove = latest
            .files()
            .iter()
            .filter(|file| !wanted.contains(file.path.as_str()))
            .cloned()
            .collect();
        change.add = self.add;
        change.add.extend(
            self.keep
                .iter()
                .filter(|file| !present.contains(file.path.as_str()))
                .cloned(),
        );
        change.layout = (latest.layout() != layout).then(|| layout.clone());
        latest.commit(change).await
    }
}
