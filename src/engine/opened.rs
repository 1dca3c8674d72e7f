//! Tables that were opened already: one version of one table never changes, so a process
//! that asks again, as a dashboard does, need not read its log again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;
use crate::snapshot::{Store, Table};

/// The version of each table that was asked for last.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    tables: Arc<Mutex<HashMap<String, Table>>>,
}

impl Opened {
    /// A table at a version, opened if it is not the one at hand.
    ///
    /// # Errors
    /// See [`Store::table_at`].
    pub async fn table_at(&self, store: &Store, name: &str, version: u64) -> Result<Table> {
        let known = self.lock().get(name).cloned();
        if let Some(table) = known.filter(|table| table.version() == version) {
            return Ok(table);
        }
        let table = store.table_at(name, version).await?;
        self.lock().insert(name.to_string(), table.clone());
        Ok(table)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Table>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::testing::{append, events, store};
    use crate::snapshot::{FileWriter, WriterOptions};

    #[tokio::test(flavor = "multi_thread")]
    async fn each_version_is_the_one_asked_for() {
        let (_dir, store) = store();
        let rows = events(&[(1, "a")]);
        let empty = store.create("t", &rows.schema(), None).await.unwrap();
        let mut writer = FileWriter::create(&empty, None, WriterOptions::default()).unwrap();
        writer.write(&rows).await.unwrap();
        let full = append(&empty, writer.finish().await.unwrap()).await;
        let opened = Opened::default();
        for (version, rows) in [(0, 0), (0, 0), (full.version(), 1), (0, 0)] {
            let table = opened.table_at(&store, "t", version).await.unwrap();
            assert_eq!((table.version(), table.rows()), (version, rows));
        }
        assert!(opened.table_at(&store, "t", 9).await.is_err());
    }
}
