//! The queries of a dashboard, again and again in one process, on a snapshot that is there:
//! how long each takes at the median and at the 99th percentile.
//!
//! ```sh
//! cargo bench --bench warm_queries -- target/bench/snapshot
//! ```

use std::time::{Duration, Instant};

use attrib::project::{Overrides, QueryOptions};
use attrib::{Project, Result};
use clap::Parser;
use futures::TryStreamExt;

const QUERIES: [(&str, &str); 4] = [
    ("totals", include_str!("totals.sql")),
    ("trend", include_str!("trend.sql")),
    ("channels", include_str!("channels.sql")),
    ("campaigns", include_str!("campaigns.sql")),
];

#[derive(Parser)]
struct Flags {
    /// `cargo bench` says so.
    #[arg(long = "bench", hide = true)]
    _bench: bool,
    /// The folder of a snapshot that `attrib run` published.
    snapshot: String,
    /// How often each query runs, after ten times that do not count.
    #[arg(long, default_value_t = 500)]
    runs: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let flags = Flags::parse();
    let project = Project::open(&Overrides {
        snapshot: Some(flags.snapshot),
        ..Overrides::default()
    })?;
    println!("query       median     99 %");
    for (name, sql) in QUERIES {
        for _ in 0..10 {
            time(&project, sql).await?;
        }
        let mut times = Vec::with_capacity(flags.runs);
        for _ in 0..flags.runs.max(1) {
            times.push(time(&project, sql).await?);
        }
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        let (median, late) = (at(0.5), at(0.99));
        println!("{name:<10} {median:>7.1?} {late:>8.1?}");
    }
    Ok(())
}

async fn time(project: &Project, sql: &str) -> Result<Duration> {
    let started = Instant::now();
    let (_, rows) = project.query(sql, &QueryOptions::default()).await?;
    let rows: Vec<_> = rows
        .try_collect()
        .await
        .map_err(|e| attrib::Error::input("a query of the benchmark failed").caused_by(e))?;
    assert!(
        !rows.is_empty(),
        "the snapshot has no conversions in September 2026"
    );
    Ok(started.elapsed())
}
