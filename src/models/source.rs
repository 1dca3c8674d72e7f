//! The files that models are made of: those built in, and the project's over them.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::snippet;
use crate::config::line_column;
use crate::{Error, Result};

/// The folder `queries/` of the source tree, as part of the binary.
static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/queries");

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Part of the binary; its path there, such as `queries/marts/daily.sql`.
    BuiltIn(String),
    /// A file of the project.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn(path) => write!(f, "{path}"),
            Origin::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A text file of models, tests or properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    pub origin: Origin,
    /// The path below the folder of models, with `/`: `marts/daily.sql`.
    pub path: String,
    pub text: String,
}

impl SourceFile {
    /// The file's name without folder.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The first folder of [`SourceFile::path`], if the file lies in one.
    pub fn folder(&self) -> Option<&str> {
        self.path.split_once('/').map(|(folder, _)| folder)
    }

    /// An error about the bytes `span` of this file: says the file, line and column and
    /// draws the line with `label` at the caret.
    pub fn error(&self, span: Range<usize>, message: impl Into<String>, label: &str) -> Error {
        let path = self.origin.to_string();
        let (line, column) = line_column(&self.text, span.start);
        Error::model(message)
            .with("file", &path)
            .with("line", line)
            .with("column", column)
            .snippet(snippet::draw(&path, &self.text, span, label))
    }
}

/// The built-in files: path below `queries/` and text. What `attrib init` writes out.
pub fn built_in_files() -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut folders = vec![&BUILT_IN];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let path = slashes(file.path());
            if let Some(text) = file.contents_utf8().filter(|_| !is_hidden(&path)) {
                files.push(SourceFile {
                    origin: Origin::BuiltIn(format!("queries/{path}")),
                    path,
                    text: text.to_owned(),
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The SQL and YAML files below `folder`, by path; none if there is no such folder.
///
/// # Errors
///
/// `model`: a file cannot be read or is not UTF-8.
pub(super) fn project_files(folder: &Path) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        if !current.is_dir() {
            continue;
        }
        let unreadable = |path: &Path, error: std::io::Error| {
            Error::model("cannot read a model")
                .with("file", path.display())
                .caused_by(error)
        };
        for entry in std::fs::read_dir(&current).map_err(|e| unreadable(&current, e))? {
            let path = entry.map_err(|e| unreadable(&current, e))?.path();
            let below = slashes(path.strip_prefix(folder).unwrap_or(&path));
            if is_hidden(&below) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if is_sql(&below) || is_yaml(&below) {
                let text = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
                let text = match text.strip_prefix('\u{feff}') {
                    Some(rest) => rest.to_owned(),
                    None => text,
                };
                files.push(SourceFile {
                    origin: Origin::File(path),
                    path: below,
                    text,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

pub(super) fn is_sql(path: &str) -> bool {
    path.ends_with(".sql")
}

pub(super) fn is_yaml(path: &str) -> bool {
    path.ends_with(".yml") || path.ends_with(".yaml")
}

fn is_hidden(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with('.'))
}

fn slashes(path: &Path) -> String {
    path.components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_folder_in_order_and_skips_what_is_no_model() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("staging/b.sql", "\u{feff}select 1");
        write("marts/a.yml", "version: 2");
        write("marts/.hidden.sql", "");
        write("README.md", "");
        let files = project_files(folder.path()).unwrap();
        let paths: Vec<_> = files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["marts/a.yml", "staging/b.sql"]);
        assert_eq!(files[1].text, "select 1");
        assert_eq!(files[1].folder(), Some("staging"));
        assert_eq!(files[1].file_name(), "b.sql");
        assert!(
            project_files(&folder.path().join("none"))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_file_that_is_no_text_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.sql"), [0xff, 0xfe]).unwrap();
        let error = project_files(folder.path()).unwrap_err();
        assert!(error.to_string().contains("a.sql"), "{error}");
    }
}
