//! Reads events as flat CSV: one column a field, in any order, under any of the names that
//! are known or mapped.

use std::io::BufRead;
use std::sync::Arc;

use super::ReadOptions;
use super::aliases::Known;
use super::chunk::{Chunk, Chunks};
use super::csv_blocks::{Block, Blocks};
use super::csv_rows::{Row, Rows};
use super::decode::read_error;
use super::detect::Format;
use super::field::Field;
use super::layout::{Layout, Target, Unknown};
use super::mapping::Fields;
use super::output::Output;
use super::reject::{Rejection, reason};
use super::value::Value;
use crate::{Error, Result};

/// Delimiters to choose from; of equals the first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// A CSV file with a header.
pub(crate) struct CsvChunks {
    file: Arc<CsvFile>,
    blocks: Blocks<Box<dyn BufRead + Send>>,
    /// The first block, without the header.
    first: Option<Block>,
    param_columns: Vec<String>,
}

/// What a block must know to be read.
struct CsvFile {
    header: Vec<String>,
    targets: Vec<Target>,
    fields: Fields,
    delimiter: u8,
}

struct CsvChunk {
    file: Arc<CsvFile>,
    block: Block,
}

impl CsvChunks {
    /// Reads the header.
    pub(crate) fn open(
        name: &str,
        reader: Box<dyn BufRead + Send>,
        head: &[u8],
        options: &ReadOptions,
    ) -> Result<CsvChunks> {
        let layout = Layout::new(&options.fields, Unknown::Param);
        let delimiter = delimiter(head, &layout);
        let mut blocks = Blocks::new(reader, delimiter);
        let mut first = blocks.next().map_err(|e| read_error(name, e))?;
        let mut header = Vec::new();
        if let Some(block) = &mut first {
            let mut rows = Rows::new(&block.text, delimiter, block.line);
            if let Some(row) = rows.next(name)? {
                header = names(name, row)?;
            }
            let (rest, line) = rows.rest();
            (block.text, block.line) = (rest.to_vec(), line);
        }
        let targets = check_header(name, &header, &layout)?;
        for (column, target) in header.iter().zip(&targets) {
            if *target == Target::Known(Known::Unknown) {
                layout.note_param(column);
            }
        }
        Ok(CsvChunks {
            param_columns: layout.param_columns(),
            file: Arc::new(CsvFile {
                header,
                targets,
                fields: options.fields.clone(),
                delimiter,
            }),
            blocks,
            first,
        })
    }
}

/// The names in a header.
fn names(file: &str, row: &Row<'_>) -> Result<Vec<String>> {
    let text = row.text().map_err(|field| {
        Error::input("the header has bytes that are no UTF-8")
            .with("file", file)
            .with("column", field)
            .hint("save the file as UTF-8, or UTF-16 with a byte order mark")
    })?;
    let columns = (0..row.len()).map(|i| text[row.range(i)].trim().to_owned());
    Ok(columns.collect())
}

impl Chunks for CsvChunks {
    fn format(&self) -> Format {
        Format::FlatCsv
    }

    fn param_columns(&self) -> Vec<String> {
        self.param_columns.clone()
    }

    fn next(&mut self, name: &str) -> Result<Option<Box<dyn Chunk>>> {
        let block = match self.first.take() {
            Some(block) => Some(block),
            None => self.blocks.next().map_err(|e| read_error(name, e))?,
        };
        let file = Arc::clone(&self.file);
        Ok(block.map(|block| Box::new(CsvChunk { file, block }) as Box<dyn Chunk>))
    }
}

impl Chunk for CsvChunk {
    fn read(&self, output: &mut Output<'_>) -> Result<()> {
        let CsvFile {
            header,
            targets,
            fields,
            delimiter,
        } = self.file.as_ref();
        let layout = Layout::new(fields, Unknown::Param);
        let mut rows = Rows::new(&self.block.text, *delimiter, self.block.line);
        while let Some(row) = rows.next(output.name())? {
            if row.len() != header.len() {
                let detail = format!(
                    "the row has {} fields, the header has {}",
                    row.len(),
                    header.len()
                );
                let rejection = Rejection::new(reason::FIELD_COUNT, detail);
                output.reject(row.line, rejection, || row.raw())?;
                continue;
            }
            let text = match row.text() {
                Ok(text) => text,
                Err(field) => {
                    let column = header.get(field - 1).map_or("", String::as_str);
                    let detail = format!("column `{column}` has bytes that are no UTF-8");
                    let rejection = Rejection::new(reason::INVALID_UTF8, detail);
                    output.reject(row.line, rejection, || row.raw())?;
                    continue;
                }
            };
            let mut event = layout.start();
            for (index, (column, target)) in header.iter().zip(targets).enumerate() {
                let range = row.range(index);
                // An empty field gives nothing, but for a mapped one, which then is empty.
                if !range.is_empty() || matches!(target, Target::Mapped(_)) {
                    let value = Value::Text(text[range].into());
                    layout.apply(&mut event, *target, column, value);
                }
            }
            output.event(&mut event, row.line, || row.raw())?;
        }
        Ok(())
    }
}

/// The delimiter under which the header has the most columns that mean something.
fn delimiter(head: &[u8], layout: &Layout) -> u8 {
    let known = |delimiter: u8| {
        let mut rows = Rows::new(head, delimiter, 1);
        let Ok(Some(row)) = rows.next("") else {
            return 0;
        };
        let Ok(text) = row.text() else { return 0 };
        let columns = (0..row.len()).map(|i| text[row.range(i)].trim());
        columns
            .filter(|column| is_known(layout.target(column)))
            .count()
    };
    let mut best = (DELIMITERS[0], 0);
    for delimiter in DELIMITERS {
        let count = known(delimiter);
        if count > best.1 {
            best = (delimiter, count);
        }
    }
    best.0
}

fn is_known(target: Target) -> bool {
    !matches!(target, Target::Known(Known::Unknown | Known::Ignored))
}

/// What each column is for.
///
/// # Errors
/// An input error if a column stands twice, if no column is known, or if there is nothing for
/// a field that every event needs.
fn check_header(name: &str, header: &[String], layout: &Layout) -> Result<Vec<Target>> {
    for (second, column) in header.iter().enumerate() {
        let first = header[..second].iter().position(|other| other == column);
        if let Some(first) = first.filter(|_| !column.is_empty()) {
            let message = format!("column `{column}` stands in the header twice");
            return Err(Error::input(message)
                .with("file", name)
                .with("columns", format!("{} and {}", first + 1, second + 1))
                .hint("rename one of them"));
        }
    }
    let targets: Vec<_> = header.iter().map(|column| layout.target(column)).collect();
    if !targets.iter().any(|target| is_known(*target)) {
        return Err(nothing_known(name, header));
    }
    check_needed(name, header, &targets, layout)?;
    Ok(targets)
}

fn nothing_known(name: &str, header: &[String]) -> Error {
    let error = Error::input("no column of the header is known")
        .with("file", name)
        .with("found", listed(header));
    let needs = "a file of events needs event_timestamp, event_name and user_id or \
                 user_pseudo_id; map other names under [fields] in attrib.toml, such as \
                 `user_id = \"customer\"`";
    if header.len() <= 1 {
        return error.hint(format!(
            "is the delimiter another one than comma, tab, semicolon or `|`? {needs}"
        ));
    }
    error.hint(needs)
}

/// Checks that there is something for each field that an event cannot do without.
///
/// # Errors
/// An input error that names what is missing, what was found, and how to map it.
pub(crate) fn check_needed(
    name: &str,
    columns: &[String],
    targets: &[Target],
    layout: &Layout,
) -> Result<()> {
    let has = |field| {
        layout.is_constant(field)
            || targets
                .iter()
                .any(|target| layout.fields_of(*target).contains(&field))
    };
    let mut missing = Vec::new();
    for field in [Field::EventTimestamp, Field::EventName] {
        if !has(field) {
            missing.push(field.name());
        }
    }
    if !has(Field::UserId) && !has(Field::UserPseudoId) {
        missing.push("user_id or user_pseudo_id");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let error = Error::input(format!("there is no column for {}", missing.join(", ")))
        .with("file", name)
        .with("found", listed(columns));
    let absent: Vec<_> = layout
        .mapped_columns()
        .filter(|mapped| {
            !columns
                .iter()
                .any(|column| column.eq_ignore_ascii_case(mapped))
        })
        .map(|mapped| format!("`{mapped}`"))
        .collect();
    Err(if absent.is_empty() {
        error.hint(
            "if the columns have other names, map them under [fields] in attrib.toml, such as \
             `user_id = \"customer\"`",
        )
    } else {
        error.hint(format!(
            "[fields] maps {}, which the file lacks",
            absent.join(", ")
        ))
    })
}

/// The names of columns for a message.
pub(crate) fn listed(columns: &[String]) -> String {
    const SHOWN: usize = 12;
    let short = |column: &String| column.chars().take(80).collect::<String>();
    let mut text = columns
        .iter()
        .take(SHOWN)
        .map(short)
        .collect::<Vec<_>>()
        .join(", ");
    if columns.len() > SHOWN {
        text.push_str(&format!(" and {} more", columns.len() - SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::shapes_test::{read_error, read_text, text_at};

    #[test]
    fn reads_columns_in_any_order_under_known_names() {
        let (rows, rejects, report) = read_text(
            "Tier,client_id,utm_source,source,event,timestamp,event_date,value,ep_x,,Unnamed: 0\n\
             gold,c.1,mail,,purchase,1607615248873729,20201210,1.5,\"a\n\"\"b\"\"\",1,1\n\
             ,c.2,mail,(not set),a,1607615248,x,,,2,2\n",
        );
        assert!(rejects.is_empty(), "{rejects:?}");
        assert_eq!(report.param_columns, ["Tier"]);
        let is = |column: &str, row: usize, text: &str| {
            assert_eq!(
                text_at(&rows, column, row).as_deref(),
                Some(text),
                "{column}"
            );
        };
        is("user_pseudo_id", 0, "c.1");
        is("source", 0, "mail");
        is("source", 1, "mail");
        is("event_params", 0, "{Tier: gold, x: a\n\"b\"}");
        is("event_params", 1, "{}");
        is("value", 0, "1.500000000");
    }

    #[test]
    fn finds_the_delimiter() {
        for delimiter in [",", ";", "\t", "|"] {
            let text =
                "event_timestamp;event_name;user_id\n1607615248;a;u\n".replace(';', delimiter);
            assert_eq!(read_text(&text).0.num_rows(), 1, "{delimiter:?}");
        }
        let error = read_error("event_timestamp^event_name^user_id\n1607615248^a^u\n");
        assert!(error.to_string().contains("no column"), "{error}");
        assert!(
            error
                .hint_text()
                .is_some_and(|hint| hint.contains("delimiter"))
        );
    }

    #[test]
    fn rejects_rows_with_line_and_reason() {
        let (rows, rejects, report) = read_text(
            "event_timestamp,event_name,user_id\n\
             1607615248,\"a\nb\",u\n1607615248,a\n1607615248,a,u,x\n1607615248,,u\n\
             1607615248,a,(not set)\n-1,a,u\n2020-11-01 10:00:00,a,u\n,a,u\n",
        );
        assert_eq!(rows.num_rows(), 1);
        assert_eq!((report.rows_read, report.rows_rejected), (8, 7));
        let found: Vec<_> = rejects.iter().map(|r| (r.line, r.reason)).collect();
        assert_eq!(
            found,
            [
                (4, "field_count"),
                (5, "field_count"),
                (6, "no_event_name"),
                (7, "no_user_id"),
                (8, "timestamp_out_of_range"),
                (9, "bad_timestamp"),
                (10, "no_timestamp"),
            ]
        );
        assert_eq!(rejects[1].raw, "1607615248,a,u,x");
    }

    #[test]
    fn a_header_alone_has_no_rows() {
        let (rows, rejects, report) = read_text("event_timestamp,event_name,user_id\n");
        assert_eq!(
            (rows.num_rows(), rejects.len(), report.rows_read),
            (0, 0, 0)
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_header() {
        let twice = read_error("event_timestamp,event_name,user_id,event_name\n");
        assert!(twice.to_string().contains("columns: 2 and 4"), "{twice}");
        let missing = read_error("event_timestamp,event_name,customer\n1607615248,a,u\n");
        let text = missing.to_string();
        assert!(
            text.contains("user_id or user_pseudo_id") && text.contains("customer"),
            "{text}"
        );
        let unknown = read_error("when,what,who\n1,2,3\n");
        assert!(
            unknown
                .hint_text()
                .is_some_and(|hint| hint.contains("[fields]"))
        );
    }
}
