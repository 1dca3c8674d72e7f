//! Commits that meet other commits, and what a log keeps.

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use std::sync::Arc;

use super::*;
use crate::snapshot::testing::{append, events, store, write};
use crate::snapshot::{FileWriter, WriterOptions, is_conflict};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_appends_from_one_version_the_second_must_look_again() {
    let (_dir, store) = store();
    let table = store
        .create("t", &events(&[]).schema(), None)
        .await
        .unwrap();
    let other = store.table("t").await.unwrap().unwrap();
    append(&other, write(&other, None, &events(&[(1, "a")])).await).await;

    let mut change = Change::new("ingest");
    change.add = write(&table, None, &events(&[(2, "b")])).await;
    let error = table.commit(change.clone()).await.unwrap_err();
    assert!(is_conflict(&error), "{error}");
    assert!(error.hint_text().unwrap().contains("again"));

    let latest = table.latest().await.unwrap();
    assert_eq!(latest.rows(), 1);
    let both = latest.commit(change).await.unwrap();
    assert_eq!((both.rows(), both.version()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_and_appends_do_not_disturb_each_other() {
    let (_dir, store) = store();
    let empty = store
        .create("t", &events(&[]).schema(), None)
        .await
        .unwrap();
    let one = append(&empty, write(&empty, None, &events(&[(1, "a")])).await).await;
    let base = append(&one, write(&one, None, &events(&[(2, "b")])).await).await;
    let mut compaction = Change::new("compact");
    compaction.data_change = false;
    compaction.remove = base.files().to_vec();
    compaction.add = write(&base, None, &events(&[(1, "a"), (2, "b")])).await;
    let mut ingest = Change::new("ingest");
    ingest.add = write(&base, None, &events(&[(3, "c")])).await;

    // Compaction over an append that came first, and the other way round.
    let appended = base.commit(ingest.clone()).await.unwrap();
    let compacted = base.commit(compaction.clone()).await.unwrap();
    assert_eq!((appended.rows(), compacted.rows()), (3, 3));
    assert_eq!(compacted.files().len(), 2);
    let mut again = Change::new("compact");
    again.data_change = false;
    again.remove = compacted.files().to_vec();
    again.add = write(&base, None, &events(&[(1, "a"), (2, "b"), (3, "c")])).await;
    compacted.commit(again).await.unwrap();
    ingest.add = write(&base, None, &events(&[(4, "d")])).await;
    let last = compacted.commit(ingest).await.unwrap();
    assert_eq!((last.rows(), last.files().len()), (4, 2));

    // The same files twice: one of the two must fail, or rows would double.
    let error = base.commit(compaction).await.unwrap_err();
    assert!(is_conflict(&error), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_lose_nothing() {
    let (_dir, store) = store();
    store
        .create("t", &events(&[]).schema(), None)
        .await
        .unwrap();
    let writers = (0..4).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for i in 0..5 {
                loop {
                    let table = store.table("t").await.unwrap().unwrap();
                    let mut change = Change::new("ingest");
                    change.add = write(&table, None, &events(&[(writer * 100 + i, "x")])).await;
                    match table.commit(change).await {
                        Ok(_) => break,
                        Err(e) => assert!(is_conflict(&e), "{e}"),
                    }
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let table = store.table("t").await.unwrap().unwrap();
    assert_eq!((table.rows(), table.version()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_transactions_are_remembered() {
    let (_dir, store) = store();
    let table = store
        .create("t", &events(&[]).schema(), None)
        .await
        .unwrap();
    assert_eq!(table.transaction_version("stream").await.unwrap(), None);
    let mut change = Change::new("ingest");
    change.metadata.insert("files".into(), json!(["a.csv"]));
    change.transaction = Some(("stream".into(), 7));
    let table = table.commit(change).await.unwrap();
    let reread = store.table("t").await.unwrap().unwrap();
    assert_eq!(reread.transaction_version("stream").await.unwrap(), Some(7));
    let history = table.history(10).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|c| (c.version, c.operation.as_str()))
        .collect();
    assert_eq!(told, [(1, "ingest"), (0, "create")]);
    assert_eq!(history[0].metadata["files"][0], "a.csv");
    assert!(history[0].timestamp.is_some());
    assert_eq!(table.history(1).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_keep_what_is_known_of_files() {
    let (_dir, store) = store();
    let mut table = store
        .create("t", &events(&[]).schema(), Some("day"))
        .await
        .unwrap();
    for key in 0..i64::try_from(CHECKPOINT_INTERVAL).unwrap() + 2 {
        let file = write(&table, Some("2026-11-01"), &events(&[(key, "a")])).await;
        table = append(&table, file).await;
    }
    let log = std::path::Path::new(store.folder().unwrap()).join("t/_delta_log");
    assert!(log.join("_last_checkpoint").exists());
    let reread = store.table("t").await.unwrap().unwrap();
    assert_eq!(reread.files(), table.files());
    assert_eq!(reread.files()[0].sorted_by, ["key"]);
    assert!(reread.files()[0].range("key").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn new_columns_replace_all_files() {
    let (_dir, store) = store();
    let table = store
        .create("t", &events(&[]).schema(), None)
        .await
        .unwrap();
    let table = append(&table, write(&table, None, &events(&[(1, "a")])).await).await;
    let rows = RecordBatch::try_from_iter(vec![
        ("n", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("shop", Arc::new(Int64Array::from(vec![5, 5])) as ArrayRef),
    ])
    .unwrap();
    let layout = Layout::new(&rows.schema(), Some("shop")).unwrap();
    let shop = Some("5".to_owned());
    let mut writer =
        FileWriter::with_layout(&table, layout.clone(), shop, WriterOptions::default())
            .unwrap();
    writer.write(&rows).await.unwrap();
    let mut change = Change::new("run");
    change.add = writer.finish().await.unwrap();
    change.layout = Some(layout.clone());
    assert!(table.commit(change.clone()).await.is_err());
    change.remove = table.files().to_vec();
    let replaced = table.commit(change).await.unwrap();
    assert_eq!(replaced.layout(), &layout);
    assert_eq!(replaced.rows(), 2);
    let reread = store.table("t").await.unwrap().unwrap();
    assert_eq!(reread.layout(), &layout);
    assert_eq!(reread.files()[0].partition.as_deref(), Some("5"));
    assert_eq!(
        store.table_at("t", 1).await.unwrap().layout(),
        table.layout()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_that_would_change_rows_is_refused() {
    let (_dir, store) = store();
    let table = store
        .create("t", &events(&[]).schema(), None)
        .await
        .unwrap();
    let table = append(&table, write(&table, None, &events(&[(1, "a")])).await).await;
    let mut change = Change::new("compact");
    change.data_change = false;
    change.remove = table.files().to_vec();
    let error = table.commit(change).await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Internal);
}
