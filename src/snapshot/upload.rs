//! Bringing a finished file to a bucket, in parts where it is large.

use std::fs::File;
use std::io::Read;
use std::path::Path as FilePath;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, WriteMultipart};

use super::failure::at_path;
use crate::{Error, Result};

/// Bytes of a part of an upload.
const PART_BYTES: usize = 8 << 20;

/// Copies the file `from`, of `size` bytes, to the object `to`, which appears whole.
pub(super) async fn upload(
    from: &FilePath,
    size: u64,
    objects: &dyn ObjectStore,
    to: &Path,
) -> Result<()> {
    let failed = |e: object_store::Error| {
        Error::storage("cannot upload the file")
            .with("file", to)
            .caused_by(e)
    };
    let unread = |e: std::io::Error| at_path("cannot read the temporary file", from, e);
    let mut file = File::open(from).map_err(unread)?;
    if size <= PART_BYTES as u64 {
        let mut bytes = Vec::with_capacity(size as usize);
        file.read_to_end(&mut bytes).map_err(unread)?;
        objects.put(to, bytes.into()).await.map_err(failed)?;
        return Ok(());
    }
    let parts = objects.put_multipart(to).await.map_err(failed)?;
    let mut parts = WriteMultipart::new_with_chunk_size(parts, PART_BYTES);
    let mut buffer = vec![0; PART_BYTES];
    loop {
        let read = file.read(&mut buffer).map_err(unread)?;
        if read == 0 {
            break;
        }
        parts.wait_for_capacity(2).await.map_err(failed)?;
        parts.write(&buffer[..read]);
    }
    parts.finish().await.map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    #[tokio::test]
    async fn an_upload_of_several_parts_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("file");
        for size in [10, PART_BYTES * 2 + 5] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            std::fs::write(&from, &bytes).unwrap();
            let objects = InMemory::new();
            let to = Path::from("a/b.parquet");
            upload(&from, size as u64, &objects, &to).await.unwrap();
            let stored = objects.get(&to).await.unwrap().bytes().await.unwrap();
            assert!(stored == bytes);
        }
    }
}
