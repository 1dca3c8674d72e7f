//! Tests across readers: what they share, the same events in every shape, and real files.

use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::util::display::array_value_to_string;

use super::{ReadOptions, Reject, Sink, Source, read, schema};
use crate::report::FileReport;
use crate::{Error, Result};

#[derive(Default)]
struct Collected {
    batches: Vec<RecordBatch>,
    rejects: Vec<Reject>,
    progress: u64,
}

impl Sink for Collected {
    fn batch(&mut self, batch: RecordBatch) -> Result<()> {
        self.batches.push(batch);
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejects.push(reject);
        Ok(())
    }

    fn progress(&mut self, bytes_read: u64) {
        assert!(bytes_read >= self.progress, "progress goes forward");
        self.progress = bytes_read;
    }
}

type Found = (RecordBatch, Vec<Reject>, FileReport);

fn collect(source: Source, options: &ReadOptions) -> Result<Found> {
    let mut sink = Collected::default();
    let input = ("input".to_owned(), Box::new(|| Ok(source)) as _);
    let mut reports = read(vec![input], options, &mut sink)?;
    let report = reports.pop().expect("a report for the file");
    assert_eq!(sink.progress, report.bytes_read);
    let rows = concat_batches(&schema(), &sink.batches)
        .map_err(|e| Error::internal("batches of differing schemas").caused_by(e))?;
    assert_eq!(
        report.rows_read,
        rows.num_rows() as u64 + report.rows_rejected
    );
    Ok((rows, sink.rejects, report))
}

/// Reads bytes as a stream.
pub(super) fn read_bytes(bytes: Vec<u8>, options: &ReadOptions) -> Result<Found> {
    collect(Source::Stream(Box::new(Cursor::new(bytes))), options)
}

/// Reads text with the default options.
pub(super) fn read_text(text: &str) -> Found {
    read_bytes(text.as_bytes().to_vec(), &ReadOptions::default()).expect("a file of events")
}

/// The error of a text that cannot be read.
pub(super) fn read_error(text: &str) -> Error {
    read_bytes(text.as_bytes().to_vec(), &ReadOptions::default()).expect_err("cannot be read")
}

/// A cell as text.
pub(super) fn text_at(rows: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let column = rows
        .column_by_name(column)
        .expect("a column of the raw table");
    (!column.is_null(row)).then(|| array_value_to_string(column, row).expect("a text"))
}

/// A batch as a Parquet file.
pub(super) fn parquet_bytes(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None)
        .expect("a schema for Parquet");
    writer.write(batch).expect("in memory");
    writer.close().expect("in memory");
    bytes
}

/// Nested export rows, as Arrow infers their types from JSON.
fn nested_parquet(text: &str) -> Vec<u8> {
    let (schema, _) =
        arrow::json::reader::infer_json_schema(Cursor::new(text), None).expect("JSON");
    let mut reader = arrow::json::ReaderBuilder::new(Arc::new(schema))
        .build(Cursor::new(text))
        .expect("a schema");
    parquet_bytes(&reader.next().expect("a batch").expect("rows"))
}

const CSV: &str = "\
event_date,event_timestamp,event_name,user_id,user_pseudo_id,stream_id,ga_session_id,ga_session_number,batch_page_id,source,medium,campaign,gclid,fbclid,page_location,collected_traffic_source_manual_source,traffic_source_source,traffic_source_medium,traffic_source_name,device_category,browser,geo_country,purchase_revenue,value,currency,transaction_id,ep_content_group,ep_ratio,user_properties.tier,items
20201210,1607615248873729,purchase,,31733645.3711323316,9,2315275013.0,4,3,news,email,spring,g1,f1,https://x.test/?a=1,news,<Other>,referral,(referral),desktop,Chrome,Germany,138.0,138.0,usd,t1,shop,138.0,gold,\"[{\"\"item_id\"\":\"\"1\"\",\"\"quantity\"\":2}]\"
20201211,1607700000000000,page_view,u1,d2,9,,,,(not set),,,,,,,,,,,,,,,,,,,,
";

const FLAT: &str = r#"
{"event_name":"purchase","event_timestamp":"1607615248873729","user_pseudo_id":"31733645.3711323316","stream_id":9,"session_id":2315275013,"ga_session_number":4.0,"batch_page_id":3,"utm_source":"news","utm_medium":"email","utm_campaign":"spring","gclid":"g1","fbclid":"f1","page_url":"https://x.test/?a=1","manual_source":"news","first_user_source":"<Other>","first_user_medium":"referral","first_user_campaign":"(referral)","device_category":"desktop","device_browser":"Chrome","country":"Germany","revenue":138,"value":138.00,"currency":"USD","transaction_id":"t1","content_group":"shop","ratio":138.0,"up.tier":"gold","items":[{"quantity":2.0,"item_id":"1","coupon":null}]}
{"event_name":"page_view","event_timestamp":"2020-12-11T15:20:00Z","user_id":"u1","user_pseudo_id":"d2","stream_id":"9"}
"#;

const NESTED: &str = r#"
{"event_date":"20201210","event_timestamp":1607615248873729,"event_name":"purchase","user_pseudo_id":"31733645.3711323316","stream_id":9,"batch_page_id":3,"event_params":[{"key":"ga_session_id","value":{"int_value":2315275013}},{"key":"ga_session_number","value":{"int_value":4}},{"key":"source","value":{"string_value":"news"}},{"key":"medium","value":{"string_value":"email"}},{"key":"campaign","value":{"string_value":"spring"}},{"key":"page_location","value":{"string_value":"https://x.test/?a=1"}},{"key":"fbclid","value":{"string_value":"f1"}},{"key":"value","value":{"double_value":138.0}},{"key":"currency","value":{"string_value":"USD"}},{"key":"transaction_id","value":{"string_value":"t1"}},{"key":"ratio","value":{"double_value":138.0}},{"key":"content_group","value":{"string_value":"shop"}}],"user_properties":[{"key":"tier","value":{"string_value":"gold"}}],"collected_traffic_source":{"manual_source":"news","gclid":"g1"},"traffic_source":{"name":"(referral)","medium":"referral","source":"<Other>"},"device":{"category":"desktop","mobile_brand_name":"x","web_info":{"browser":"Chrome"}},"geo":{"country":"Germany","metro":"(not set)"},"ecommerce":{"purchase_revenue":138.0,"transaction_id":"t1"},"items":[{"item_id":"1","quantity":2}]}
{"event_timestamp":1607700000000000,"event_name":"page_view","user_id":"u1","user_pseudo_id":"d2","stream_id":9,"event_params":[{"key":"source","value":{"string_value":"(not set)"}}],"items":[]}
"#;

#[test]
fn the_same_events_in_every_shape_are_the_same_rows() {
    let quoted = NESTED
        .replace(":1607615248873729", ":\"1607615248873729\"")
        .replace(
            "{\"int_value\":2315275013}",
            "{\"string_value\":null,\"int_value\":\"2315275013\",\"double_value\":null}",
        );
    assert_ne!(quoted, NESTED);
    let (csv, rejects, _) = read_text(CSV);
    assert!(rejects.is_empty(), "{rejects:?}");
    let nested = read_bytes(nested_parquet(NESTED), &ReadOptions::default()).expect("Parquet");
    let shapes = [
        ("flat_ndjson", read_text(FLAT)),
        ("ga4_ndjson", read_text(NESTED)),
        ("ga4_ndjson", read_text(&quoted)),
        ("ga4_parquet", nested),
    ];
    assert_eq!(
        text_at(&csv, "ga_session_id", 0).as_deref(),
        Some("2315275013")
    );
    assert_eq!(text_at(&csv, "click_id", 0).as_deref(), Some("g1"));
    for (format, (rows, rejects, report)) in shapes {
        assert_eq!(report.format, format);
        assert!(rejects.is_empty(), "{rejects:?}");
        assert_eq!(rows.num_rows(), 2);
        for row in 0..2 {
            for column in schema().fields() {
                // Text of a CSV cell stays as it is written; only the identity folds numbers.
                let expected = text_at(&csv, column.name(), row)
                    .map(|text| text.replace("ratio: 138.0", "ratio: 138"));
                let found = text_at(&rows, column.name(), row);
                assert_eq!(found, expected, "{format} {} of row {row}", column.name());
            }
        }
    }
}

#[test]
fn batches_are_of_the_size_asked_for_and_all_come() {
    let mut text = String::from("event_timestamp,event_name,user_id\n");
    for second in 0..10 {
        text.push_str(&format!("{},a,u\n", 1_607_615_248 + second));
    }
    let mut sink = Collected::default();
    let source = Source::Stream(Box::new(Cursor::new(text.into_bytes())));
    let options = ReadOptions {
        batch_rows: 4,
        threads: 3,
        ..ReadOptions::default()
    };
    let input = ("input".to_owned(), Box::new(|| Ok(source)) as _);
    read(vec![input], &options, &mut sink).expect("events");
    let sizes: Vec<_> = sink.batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [4, 4, 2]);
}

#[test]
fn strict_reading_fails_on_the_first_reject() {
    let options = ReadOptions {
        strict: true,
        ..ReadOptions::default()
    };
    let text = "event_timestamp,event_name,user_id\n1607615248,a,u\n1607615248,a,\n";
    let error = read_bytes(text.into(), &options).expect_err("a row without a user");
    let text = error.to_string();
    assert!(
        text.contains("line: 3") && text.contains("no_user_id"),
        "{text}"
    );
}

#[test]
fn a_format_that_is_asked_for_must_fit() {
    let options = |format| ReadOptions {
        format: Some(format),
        ..ReadOptions::default()
    };
    let parquet = nested_parquet(NESTED);
    let error = read_bytes(parquet, &options(super::Format::FlatCsv)).expect_err("is Parquet");
    assert!(error.to_string().contains("flat_csv"), "{error}");
    let error =
        read_bytes(CSV.into(), &options(super::Format::Ga4Parquet)).expect_err("is CSV");
    assert!(error.to_string().contains("ga4_parquet"), "{error}");
}

#[test]
fn large_fields_and_invalid_bytes() {
    let large = "x".repeat(10 << 20);
    let mut bytes = format!(
        "event_timestamp,event_name,user_id,title\n1607615248,a,u,{large}\n1607615248,a,u,"
    )
    .into_bytes();
    bytes.extend_from_slice(b"\xff\n1607615248,b,u,\xc3\xa9\n");
    let (rows, rejects, _) = read_bytes(bytes, &ReadOptions::default()).expect("events");
    assert_eq!(rows.num_rows(), 2);
    assert_eq!(
        text_at(&rows, "page_title", 0).map(|text| text.len()),
        Some(large.len())
    );
    assert_eq!(text_at(&rows, "page_title", 1).as_deref(), Some("é"));
    assert_eq!((rejects[0].line, rejects[0].reason), (3, "invalid_utf8"));
    let line = format!(
        "{{\"event_timestamp\":1607615248,\"event_name\":\"a\",\"user_id\":\"u\",\"page_title\":\"{large}\"}}\n"
    );
    let mut bytes = line.into_bytes();
    bytes.extend_from_slice(b"{\"a\":\"\xff\"}\n");
    let (rows, rejects, _) = read_bytes(bytes, &ReadOptions::default()).expect("events");
    assert_eq!(rows.num_rows(), 1);
    assert_eq!((rejects[0].line, rejects[0].reason), (2, "invalid_utf8"));
}

/// The folder of real data, if it is there.
fn real_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no real data at ../shared/data");
    None
}

#[test]
fn reads_the_store_events() {
    let Some(folder) = real_data() else { return };
    for (file, format) in [
        ("ga4_store_events.parquet", "ga4_parquet"),
        ("ga4_store_events_flat.csv.gz", "flat_csv"),
    ] {
        let path = folder.join(file);
        let source = Source::File(File::open(&path).expect("the file opens"));
        let (rows, rejects, report) = collect(source, &ReadOptions::default()).expect("events");
        assert_eq!(report.format, format);
        assert_eq!((rows.num_rows(), rejects.len()), (24_219, 0));
        assert_eq!(report.timestamp_units["us"], 24_219);
        assert!(
            report.param_columns.is_empty(),
            "{:?}",
            report.param_columns
        );
        assert_eq!(report.bytes_read, path.metadata().expect("a size").len());
        let count = |column: &str| {
            let column = rows.column_by_name(column).expect("a column");
            column.len() - column.null_count()
        };
        assert_eq!(count("source"), 8_043);
        assert_eq!(count("user_pseudo_id"), 24_219);
        assert_eq!(count("user_id"), 0);
        let purchases = (0..rows.num_rows())
            .filter(|row| text_at(&rows, "event_name", *row).as_deref() == Some("purchase"));
        assert_eq!(purchases.count(), 624);
        let revenue = rows.column_by_name("purchase_revenue").expect("a column");
        let revenue = revenue
            .as_any()
            .downcast_ref::<arrow::array::Decimal128Array>();
        let sum: i128 = revenue.expect("decimals").iter().flatten().sum();
        assert_eq!(sum, 41_529_000_000_000, "{file}");
    }
    let other = File::open(folder.join("ga360_sessions.parquet")).expect("the file opens");
    let error =
        collect(Source::File(other), &ReadOptions::default()).expect_err("no GA4 events");
    assert!(error.to_string().contains("something else"), "{error}");
}
