//! Rejected rows: counted by reason, and kept in a file, one JSON object a line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::events::Reject;
use crate::report::Rejected;
use crate::{Error, Result};

/// The rejects of one ingest. The file is made with the first of them, and goes again if
/// the ingest fails.
pub(super) struct Rejects {
    folder: PathBuf,
    file: Option<(BufWriter<File>, tempfile::TempPath)>,
    rejected: BTreeMap<String, Rejected>,
}

impl Rejects {
    pub fn new(folder: &Path) -> Self {
        Rejects {
            folder: folder.to_path_buf(),
            file: None,
            rejected: BTreeMap::new(),
        }
    }

    pub fn push(&mut self, reject: &Reject) -> Result<()> {
        let rejected = self.rejected.entry(reject.reason.to_string());
        let rejected = rejected.or_insert_with(|| Rejected {
            rows: 0,
            file: reject.file.clone(),
            line: reject.line,
            detail: reject.detail.clone(),
        });
        rejected.rows += 1;
        if self.file.is_none() {
            std::fs::create_dir_all(&self.folder).map_err(|e| self.failed(e))?;
            let name = chrono::Utc::now()
                .format("ingest-%Y%m%dT%H%M%SZ-")
                .to_string();
            let file = tempfile::Builder::new()
                .prefix(&name)
                .suffix(".ndjson")
                .tempfile_in(&self.folder)
                .map_err(|e| self.failed(e))?;
            let (file, path) = file.into_parts();
            self.file = Some((BufWriter::new(file), path));
        }
        let line = json!({
            "file": reject.file,
            "line": reject.line,
            "reason": reject.reason,
            "detail": reject.detail,
            "row": reject.raw,
        });
        let written = match &mut self.file {
            Some((file, _)) => writeln!(file, "{line}"),
            None => Ok(()),
        };
        written.map_err(|e| self.failed(e))
    }

    /// Keeps the file; its path, and what was rejected by reason.
    pub fn finish(mut self) -> Result<(Option<String>, BTreeMap<String, Rejected>)> {
        let Some((mut file, path)) = self.file.take() else {
            return Ok((None, self.rejected));
        };
        file.flush().map_err(|e| self.failed(e))?;
        let path = path.keep().map_err(|e| self.failed(e.error))?;
        Ok((Some(path.display().to_string()), self.rejected))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::storage("cannot write the rejected rows")
            .with("folder", self.folder.display())
            .caused_by(error)
    }
}
