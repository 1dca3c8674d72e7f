//! What the user named, as things to read: files, the files of a folder, the matches of a
//! glob, standard input, objects of `gs://` and `s3://`.

use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;
use url::Url;

use crate::events::Source;
use crate::{Error, Result};

/// One thing to read.
pub(super) struct Input {
    /// As shown to the user.
    pub name: String,
    /// Bytes as they lie there; unknown for standard input.
    pub size: Option<u64>,
    place: Place,
}

enum Place {
    File(PathBuf),
    Stdin,
    /// Downloaded to a temporary file when its turn comes.
    Object {
        store: Arc<dyn ObjectStore>,
        path: object_store::path::Path,
        runtime: Handle,
    },
}

/// All that `names` stand for, in the order given, the files of a folder or glob by name.
pub(super) async fn resolve(names: &[String]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for name in names {
        if name == "-" {
            if std::io::stdin().is_terminal() {
                return Err(Error::input("standard input is a terminal")
                    .hint("pipe events into it, or name a file"));
            }
            inputs.push(Input {
                name: "(stdin)".into(),
                size: None,
                place: Place::Stdin,
            });
        } else if name.contains("://") {
            inputs.extend(remote(name).await?);
        } else {
            inputs.extend(local(name)?);
        }
    }
    if inputs.is_empty() {
        return Err(Error::input("nothing to read")
            .with("paths", names.join(" "))
            .hint("name a file, a folder with files, a glob, - or a gs:// or s3:// URL"));
    }
    Ok(inputs)
}

fn local(name: &str) -> Result<Vec<Input>> {
    let path = Path::new(name);
    if path.is_dir() {
        let mut files = Vec::new();
        walk(path, &mut files)?;
        files.sort();
        return Ok(files.into_iter().map(file).collect());
    }
    if path.exists() {
        return Ok(vec![file(path.to_path_buf())]);
    }
    if name.contains(['*', '?', '[']) {
        let matches = glob::glob(name).map_err(|e| {
            Error::input("this is no valid glob")
                .with("glob", name)
                .caused_by(e)
        })?;
        let mut files = Vec::new();
        for found in matches {
            let found = found.map_err(|e| {
                Error::input("cannot read a folder")
                    .with("glob", name)
                    .caused_by(e)
            })?;
            if found.is_file() {
                files.push(file(found));
            }
        }
        if !files.is_empty() {
            return Ok(files);
        }
        return Err(Error::input("no file matches").with("glob", name));
    }
    Err(Error::input("there is no such file").with("file", name))
}

fn file(path: PathBuf) -> Input {
    Input {
        name: path.display().to_string(),
        size: std::fs::metadata(&path).ok().map(|meta| meta.len()),
        place: Place::File(path),
    }
}

/// The files below a folder; hidden ones and those that begin with `_` are not data.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::input("cannot read a folder")
            .with("folder", folder.display())
            .caused_by(e)
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(['.', '_']));
        if hidden {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

async fn remote(name: &str) -> Result<Vec<Input>> {
    let failed = |e: object_store::Error| {
        Error::new(crate::ErrorKind::Remote, "cannot read the object store")
            .with("url", name)
            .caused_by(e)
    };
    let (base, pattern) = match name.find(['*', '?', '[']) {
        Some(at) => (
            &name[..name[..at].rfind('/').map_or(at, |slash| slash + 1)],
            Some(name),
        ),
        None => (name, None),
    };
    let url = Url::parse(base).map_err(|e| {
        Error::input("this is no valid URL")
            .with("url", name)
            .caused_by(e)
    })?;
    let store = crate::snapshot::bucket(&url)?;
    let path =
        object_store::path::Path::from_url_path(url.path()).map_err(|e| failed(e.into()))?;
    if pattern.is_none()
        && let Ok(meta) = store.head(&path).await
    {
        let place = Place::Object {
            store,
            path,
            runtime: Handle::current(),
        };
        return Ok(vec![Input {
            name: name.into(),
            size: Some(meta.size),
            place,
        }]);
    }
    let pattern = pattern.map(glob::Pattern::new).transpose().map_err(|e| {
        Error::input("this is no valid glob")
            .with("url", name)
            .caused_by(e)
    })?;
    let mut found: Vec<_> = store
        .list(Some(&path))
        .try_collect()
        .await
        .map_err(failed)?;
    found.sort_by(|a, b| a.location.cmp(&b.location));
    let root = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    let inputs: Vec<Input> = found
        .into_iter()
        .map(|meta| Input {
            name: format!("{root}/{}", meta.location),
            size: Some(meta.size),
            place: Place::Object {
                store: store.clone(),
                path: meta.location,
                runtime: Handle::current(),
            },
        })
        .filter(|input| {
            pattern
                .as_ref()
                .is_none_or(|pattern| pattern.matches(&input.name))
        })
        .collect();
    if inputs.is_empty() {
        return Err(Error::input("there is nothing at this URL").with("url", name));
    }
    Ok(inputs)
}

impl Input {
    /// Opens it, on any thread that may wait: an object is downloaded first.
    pub fn open(&self) -> Result<Source> {
        match &self.place {
            Place::Stdin => Ok(Source::Stream(Box::new(std::io::stdin()))),
            Place::File(path) => File::open(path).map(Source::File).map_err(|e| {
                Error::input("cannot open the file")
                    .with("file", &self.name)
                    .caused_by(e)
            }),
            Place::Object {
                store,
                path,
                runtime,
            } => {
                let file = runtime
                    .block_on(download(store.as_ref(), path))
                    .map_err(|e| e.with("url", &self.name))?;
                Ok(Source::File(file))
            }
        }
    }
}

async fn download(store: &dyn ObjectStore, path: &object_store::path::Path) -> Result<File> {
    use std::io::{Seek, Write};
    let remote = |e: object_store::Error| {
        Error::new(crate::ErrorKind::Remote, "cannot read the object").caused_by(e)
    };
    let disk =
        |e: std::io::Error| Error::storage("cannot write to the temporary folder").caused_by(e);
    let mut file = tempfile::tempfile().map_err(disk)?;
    let mut stream = store.get(path).await.map_err(remote)?.into_stream();
    while let Some(bytes) = stream.next().await {
        file.write_all(&bytes.map_err(remote)?).map_err(disk)?;
    }
    file.rewind().map_err(disk)?;
    Ok(file)
}
