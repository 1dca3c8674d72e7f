//! `attrib query`: SQL in, rows out.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use attrib::project::{Project, QueryOptions};
use attrib::{Error, Result};
use clap::Args;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::args::{GlobalArgs, VarsArgs};
use super::output::{self, Ending, Format, OutputFile, Sink, TableOptions};
use super::print::{Printer, human};

/// Ask the tables with SQL
///
/// Sees every model and raw_ga4_events by name, and any Parquet, CSV or JSON file by its
/// path in quotes. The rows go to standard output, or to a file that appears only when it
/// is complete.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib query \"select channel, sum(revenue) from mart_attribution_last_click group by 1\"
  attrib query -f report.sql -o report.csv
  attrib query \"select * from int_touchpoints\" --format parquet > touchpoints.parquet
  attrib query \"select count(*) from 'more/events.parquet'\"
  attrib query \"select * from mart_attribution_last_click\" --as-of 2024-05-01T00:00:00Z

In csv, tsv, markdown and json, decimals have no trailing zeros (12.5, not 12.500000000),
times are RFC 3339, binary values are hexadecimal, lists and structs are JSON. In csv and
tsv, NULL is an empty field. Arrow and Parquet keep all types.")]
pub struct QueryArgs {
    /// The query; without it, standard input is read
    #[arg(value_name = "SQL", conflicts_with = "file")]
    pub sql: Option<String>,

    /// Read the query from FILE (- for standard input)
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// The format of the rows [default: by the name of -o FILE, else table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// Write the rows to FILE (- for standard output)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Rows that a table shows, from both ends of the result; 0 shows all
    /// [default: 100, in a file all]
    #[arg(long, value_name = "N")]
    pub max_rows: Option<usize>,

    /// The tables as they were at a time (RFC 3339) or at the run of this number
    #[arg(long, value_name = "TIME|VERSION")]
    pub as_of: Option<String>,

    /// Show how the query would be carried out, and don't
    #[arg(long, conflicts_with_all = ["output", "format", "max_rows"])]
    pub explain: bool,

    #[command(flatten)]
    pub vars: VarsArgs,
}

/// Rows of a table on a terminal, unless told otherwise.
const MAX_ROWS: usize = 100;

pub async fn run(args: &QueryArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let sql = read_sql(args)?;
    let file = args
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"));
    let format = choose_format(args.format, file, printer.is_json())?;
    if format.is_binary() && file.is_none() && !args.explain && printer.is_terminal() {
        return Err(Error::input("a terminal cannot show this format")
            .hint("write it to a file with -o FILE, or pipe it to another program"));
    }
    let project = super::open(global, &args.vars.vars)?;
    let options = QueryOptions {
        as_of: args.as_of.clone(),
    };
    if args.explain {
        return printer.text(&project.explain(&sql, &options).await?);
    }
    execute(&project, &sql, &options, args, file, format, printer).await
}

async fn execute(
    project: &Project,
    sql: &str,
    options: &QueryOptions,
    args: &QueryArgs,
    file: Option<&Path>,
    format: Format,
    printer: &Printer,
) -> Result<()> {
    let (schema, rows) = project.query(sql, options).await?;
    let default_rows = if file.is_some() { 0 } else { MAX_ROWS };
    let max_rows = Some(args.max_rows.unwrap_or(default_rows)).filter(|&most| most > 0);
    let Some(path) = file else {
        let table = TableOptions {
            max_rows,
            width: printer.width(),
            colored: printer.style().is_on(),
        };
        return print_rows(schema, rows, format, table, printer).await;
    };
    let (file, out) = OutputFile::create(path)?;
    let table = TableOptions {
        max_rows,
        width: None,
        colored: false,
    };
    let sink = output::sink(format, out, true, schema, table)?;
    let ending = drain(rows, sink).await?;
    file.keep()?;
    let rows = human::counted(ending.rows, "row");
    printer.note(&format!("{rows} written to {}", path.display()));
    Ok(())
}

/// Prints rows on standard output, and what there is to say about them beside it.
pub async fn print_rows(
    schema: SchemaRef,
    rows: SendableRecordBatchStream,
    format: Format,
    table: TableOptions,
    printer: &Printer,
) -> Result<()> {
    let columns = schema.fields().len();
    let sink = output::sink(format, printer.data(), false, schema, table)?;
    let ending = drain(rows, sink).await?;
    if format == Format::Table {
        printer.note(&footer(ending, columns));
    }
    Ok(())
}

async fn drain(mut rows: SendableRecordBatchStream, mut sink: Box<dyn Sink>) -> Result<Ending> {
    while let Some(batch) = rows.next().await {
        sink.write(&batch.map_err(failed)?)?;
    }
    sink.finish()
}

/// The error of a query that failed while it ran.
fn failed(cause: DataFusionError) -> Error {
    let is_memory = matches!(cause.find_root(), DataFusionError::ResourcesExhausted(_));
    let error = Error::input("the query failed");
    let error = if is_memory {
        error.hint("it needs more memory than it may use: select fewer columns or rows")
    } else {
        error
    };
    error.caused_by(cause)
}

fn footer(ending: Ending, columns: usize) -> String {
    let mut text = human::counted(ending.rows, "row");
    if ending.hidden_rows > 0 {
        let hidden = human::count(ending.hidden_rows);
        text.push_str(&format!(
            ", {hidden} of them not shown (--max-rows 0 shows all)"
        ));
    }
    if ending.hidden_columns > 0 {
        let hidden = ending.hidden_columns;
        text.push_str(&format!(
            "; {hidden} of {columns} columns not shown (--format csv has all)"
        ));
    }
    text
}

/// The query: the argument, the file, or standard input if something is piped into it.
fn read_sql(args: &QueryArgs) -> Result<String> {
    let sql = match (&args.sql, &args.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(path)) if path != Path::new("-") => {
            std::fs::read_to_string(path).map_err(|cause| {
                Error::input("cannot read the query")
                    .with("file", path.display())
                    .caused_by(cause)
            })?
        }
        (None, None) if io::stdin().is_terminal() => {
            return Err(Error::input("no query was given")
                .hint("attrib query \"select * from mart_attribution_last_click limit 10\""));
        }
        (None, _) => {
            let mut sql = String::new();
            io::stdin().read_to_string(&mut sql).map_err(|cause| {
                Error::input("cannot read the query from standard input").caused_by(cause)
            })?;
            sql
        }
    };
    if sql.trim().is_empty() {
        return Err(Error::input("the query is empty"));
    }
    Ok(sql)
}

/// The format asked for, or the one that the file's name tells, or a table.
fn choose_format(asked: Option<Format>, file: Option<&Path>, json: bool) -> Result<Format> {
    match (asked, file) {
        (Some(format), _) => Ok(format),
        (None, Some(path)) => Format::of_file(path).ok_or_else(|| {
            Error::input("the file's name does not tell a format")
                .with("file", path.display())
                .hint(
                    "add --format, or use .csv, .tsv, .json, .ndjson, .md, .arrow or .parquet",
                )
        }),
        (None, None) if json => Ok(Format::Json),
        (None, None) => Ok(Format::Table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_was_asked_for_first() {
        let csv = Some(Path::new("a.csv"));
        assert_eq!(
            choose_format(Some(Format::Tsv), csv, true).unwrap(),
            Format::Tsv
        );
        assert_eq!(choose_format(None, csv, true).unwrap(), Format::Csv);
        assert_eq!(choose_format(None, None, true).unwrap(), Format::Json);
        assert_eq!(choose_format(None, None, false).unwrap(), Format::Table);
        let error = choose_format(None, Some(Path::new("a.xlsx")), false).unwrap_err();
        assert!(error.hint_text().unwrap().contains("--format"));
    }

    #[test]
    fn the_footer_says_what_is_not_shown() {
        let ending = Ending {
            rows: 1,
            ..Ending::default()
        };
        assert_eq!(footer(ending, 3), "1 row");
        let ending = Ending {
            rows: 1334,
            hidden_rows: 1234,
            hidden_columns: 2,
        };
        assert_eq!(
            footer(ending, 12),
            "1,334 rows, 1,234 of them not shown (--max-rows 0 shows all); \
             2 of 12 columns not shown (--format csv has all)"
        );
    }
}
