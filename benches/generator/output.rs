//! The files: a folder for each format, and in it a file a day.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::Tables;
use super::cells::Cells;
use super::day::Day;
use super::flat::FlatWriter;
use super::nested::NestedWriter;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Parquet,
}

impl Format {
    /// The name of the folder and the ending of the files.
    fn text(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// The rows of a file.
pub struct Output {
    /// Below the folder of all output; may be empty.
    pub folder: &'static str,
    /// Without its ending.
    pub name: String,
    pub day: Day,
}

/// Writes what comes in.
pub fn write_all(
    tables: &Tables,
    root: &Path,
    format: Format,
    outputs: Receiver<Arc<Output>>,
) -> io::Result<()> {
    for output in outputs {
        let folder = root.join(output.folder).join(format.text());
        fs::create_dir_all(&folder)?;
        let file = File::create(folder.join(format!("{}.{}", output.name, format.text())))?;
        write(tables, file, format, &output.day)?;
    }
    Ok(())
}

fn write(tables: &Tables, file: File, format: Format, day: &Day) -> io::Result<()> {
    let mut cells = Cells::new(tables);
    match format {
        Format::Csv => {
            let mut writer = FlatWriter::new(file);
            for row in day.iter() {
                cells.fill(row);
                writer.write(&cells)?;
            }
            writer.finish()
        }
        Format::Parquet => {
            let mut writer = NestedWriter::new(file).map_err(io::Error::other)?;
            for row in day.iter() {
                cells.fill(row);
                writer.write(&cells).map_err(io::Error::other)?;
            }
            writer.finish().map_err(io::Error::other)
        }
    }
}
