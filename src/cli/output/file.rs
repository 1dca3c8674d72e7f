//! The file of `-o`: written beside its final name and renamed when complete, so that a
//! failed or interrupted query leaves the old file, or none, and never half of one.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use attrib::{Error, Result};
use tempfile::{Builder, TempPath};

use super::Output;

/// A file under way. Dropping it before [`OutputFile::keep`] removes what was written.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    /// None where the path is a pipe or a device, which is written directly.
    temporary: Option<TempPath>,
}

impl OutputFile {
    /// Starts a file at `path`, and gives its writer.
    ///
    /// # Errors
    /// Of kind storage, where the folder is missing or cannot be written to.
    pub fn create(path: &Path) -> Result<(OutputFile, Output)> {
        let cannot_create = |cause: std::io::Error| {
            let error =
                Error::storage("cannot create the output file").with("file", path.display());
            let folder = folder_of(path);
            let error = if folder.is_dir() {
                error
            } else {
                error.hint(format!(
                    "create the folder first: mkdir -p {}",
                    folder.display()
                ))
            };
            error.caused_by(cause)
        };
        if path.is_dir() {
            return Err(Error::input("the output is a folder, not a file")
                .with("path", path.display())
                .hint("name the file in it, for example -o result.csv"));
        }
        if path.exists() && !path.is_file() {
            let file = OpenOptions::new()
                .write(true)
                .open(path)
                .map_err(cannot_create)?;
            return Ok((
                OutputFile {
                    path: path.to_owned(),
                    temporary: None,
                },
                buffered(file),
            ));
        }
        // What a link points at is replaced, not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let temporary = builder()
            .tempfile_in(folder_of(&path))
            .map_err(cannot_create)?;
        let (file, temporary) = temporary.into_parts();
        Ok((
            OutputFile {
                path,
                temporary: Some(temporary),
            },
            buffered(file),
        ))
    }

    /// Puts the complete file in its place. The writer must have been flushed.
    pub fn keep(self) -> Result<()> {
        let Some(temporary) = self.temporary else {
            return Ok(());
        };
        temporary.persist(&self.path).map_err(|error| {
            Error::storage("cannot put the output file in its place")
                .with("file", self.path.display())
                .caused_by(error.error)
        })
    }
}

fn buffered(file: File) -> Output {
    Box::new(BufWriter::with_capacity(256 * 1024, file))
}

/// The folder that a path lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes temporary files that, once kept, anybody may read whom the umask lets.
fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".attrib-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_appears_when_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let (file, mut out) = OutputFile::create(&path).unwrap();
        out.write_all(b"a\n").unwrap();
        out.flush().unwrap();
        assert!(!path.exists());
        file.keep().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a\n");
        assert_eq!(names(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        std::fs::write(&path, "old").unwrap();
        let (file, mut out) = OutputFile::create(&path).unwrap();
        out.write_all(b"half").unwrap();
        drop((file, out));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = OutputFile::create(&folder.path().join("no/out.csv"))
            .err()
            .unwrap();
        assert!(
            error
                .hint_text()
                .unwrap()
                .starts_with("create the folder first")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_directly() {
        let (file, mut out) = OutputFile::create(Path::new("/dev/null")).unwrap();
        out.write_all(b"x").unwrap();
        drop(out);
        file.keep().unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }
}
