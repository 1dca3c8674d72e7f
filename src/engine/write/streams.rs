//! Queries at work: several at a time, each on a thread of its own, their rows to one taker.

use std::future::Future;
use std::pin::Pin;

use arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;

use super::buckets::{Arrange, Buckets};
use crate::engine::explain;
use crate::{Error, Result};

/// A query that has yet to be planned and started.
pub(crate) type Query =
    Pin<Box<dyn Future<Output = Result<SendableRecordBatchStream>> + Send + 'static>>;

/// Batches that may wait for the taker, for each query at work.
const BATCHES_AHEAD: usize = 4;

/// Runs `queries`, `at_once` of them at a time, and puts their rows into the buckets. `name`
/// is the model's, for messages. After an error the queries still at work are stopped.
pub(crate) async fn take_all<A: Arrange>(
    name: &str,
    queries: Vec<Query>,
    at_once: usize,
    buckets: &mut Buckets<A>,
) -> Result<()> {
    let at_once = at_once.max(1);
    let (sender, mut receiver) = channel(at_once * BATCHES_AHEAD);
    let mut queries = queries.into_iter();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < at_once
            && let Some(query) = queries.next()
        {
            tasks.spawn(forward(name.to_owned(), query, sender.clone()));
        }
        if tasks.is_empty() {
            break;
        }
        tokio::select! {
            Some(batch) = receiver.recv() => buckets.push(&batch).await?,
            Some(done) = tasks.join_next() => {
                done.map_err(|e| Error::internal("a query was stopped").caused_by(e))??;
            }
        }
    }
    drop(sender);
    while let Some(batch) = receiver.recv().await {
        buckets.push(&batch).await?;
    }
    Ok(())
}

async fn forward(name: String, query: Query, sender: Sender<RecordBatch>) -> Result<()> {
    let mut batches = query.await?;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|e| explain::failed(&name, e))?;
        if sender.send(batch).await.is_err() {
            // Nobody takes it: the error is elsewhere.
            return Ok(());
        }
    }
    Ok(())
}
