//! Where the time of a model goes: DataFusion's own metrics of the plans that were run,
//! added up over threads and slices.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use crate::report::OperatorReport;

/// The operators of a model's plans. Plans of one shape (its slices) are added up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile(Arc<Mutex<Vec<OperatorReport>>>);

impl Profile {
    /// Adds what the operators of a plan did until now.
    pub fn add(&self, plan: &dyn ExecutionPlan) {
        let mut found = Vec::new();
        walk(plan, 0, &mut found);
        let mut operators = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = operators.len() >= found.len()
            && found
                .iter()
                .zip(operators.iter())
                .all(|(one, other)| (one.depth, &one.name) == (other.depth, &other.name));
        if !same {
            operators.extend(found);
            return;
        }
        for (sum, one) in operators.iter_mut().zip(found) {
            sum.rows += one.rows;
            sum.bytes_scanned += one.bytes_scanned;
            sum.seconds += one.seconds;
        }
    }

    /// Adds the writing of files: rows, and the time of all threads.
    pub fn add_writing(&self, rows: u64, time: Duration) {
        let mut operators = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        operators.push(OperatorReport {
            name: "write".to_owned(),
            depth: 0,
            rows,
            bytes_scanned: 0,
            seconds: time.as_secs_f64(),
        });
    }

    pub fn operators(&self) -> Vec<OperatorReport> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// `rows`, with `plan` added once they have come to their end.
    pub fn watch(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        rows: SendableRecordBatchStream,
    ) -> SendableRecordBatchStream {
        let (schema, profile) = (rows.schema(), self.clone());
        let end = stream::once(async move { profile.add(plan.as_ref()) });
        let end = end.filter_map(|()| async { None });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows.chain(end)))
    }
}

fn walk(plan: &dyn ExecutionPlan, depth: usize, found: &mut Vec<OperatorReport>) {
    let metrics = plan.metrics().unwrap_or_default();
    found.push(OperatorReport {
        name: plan.name().to_owned(),
        depth,
        rows: metrics.output_rows().unwrap_or_default() as u64,
        bytes_scanned: sum(&metrics, "bytes_scanned"),
        seconds: seconds(&metrics),
    });
    for child in plan.children() {
        walk(child.as_ref(), depth + 1, found);
    }
}

fn sum(metrics: &MetricsSet, name: &str) -> u64 {
    metrics
        .sum_by_name(name)
        .map_or(0, |value| value.as_usize() as u64)
}

/// A scan counts its time elsewhere than the other operators.
fn seconds(metrics: &MetricsSet) -> f64 {
    let compute = metrics.elapsed_compute().unwrap_or_default() as u64;
    let nanoseconds = compute.max(sum(metrics, "time_elapsed_processing"));
    Duration::from_nanos(nanoseconds).as_secs_f64()
}
