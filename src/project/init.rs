//! `attrib init`: a new project's files.

use std::path::{Path, PathBuf};

use super::io;
use crate::config::commented_defaults;
use crate::models::built_in_files;
use crate::{Error, Result};

/// The sample: a month of a made-up shop.
const SAMPLE: &[u8] = include_bytes!("../../fixtures/shop/events.csv.gz");

const README: &str = include_str!("init_readme.md");

/// Writes a project into `dir`: `attrib.toml` with every setting and its default in
/// comments, the built-in models to edit, and a sample of events. Answers the files written.
///
/// # Errors
/// `config`: the folder is a project already. `storage`: it cannot be written.
pub fn init(dir: &Path) -> Result<Vec<PathBuf>> {
    let settings = dir.join("attrib.toml");
    if settings.exists() {
        return Err(Error::config("this folder is a project already")
            .with("file", settings.display())
            .hint("name another folder, or remove attrib.toml"));
    }
    let mut files: Vec<(PathBuf, Vec<u8>)> = built_in_files()
        .into_iter()
        .map(|file| (dir.join("queries").join(&file.path), file.text.into_bytes()))
        .collect();
    files.push((dir.join("sample/events.csv.gz"), SAMPLE.to_vec()));
    files.push((dir.join("README.md"), README.as_bytes().to_vec()));
    files.push((dir.join(".gitignore"), b"/.attrib\n".to_vec()));
    // Last: where attrib.toml is, the project is whole.
    files.push((settings, commented_defaults().into_bytes()));
    let existing = files.iter().find(|(path, _)| {
        path.exists() && !path.ends_with("README.md") && !path.ends_with(".gitignore")
    });
    if let Some((path, _)) = existing {
        return Err(Error::config("a file is in the way")
            .with("file", path.display())
            .hint("name another folder, or move the file"));
    }
    let mut written = Vec::new();
    for (path, bytes) in files {
        if path.exists() {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| io("make a folder", folder, e))?;
        }
        std::fs::write(&path, bytes).map_err(|e| io("write a file", &path, e))?;
        written.push(path);
    }
    Ok(written)
}
