//! Generates GA4 events for benchmarks, as many as wanted, from a seed: the same flags, the
//! same bytes, and the same rows in either format.
//!
//! ```sh
//! cargo run --release --example bench_events -- --events 10000000 --out target/bench/10m
//! ```
//!
//! writes a file a day, as GA4's export has them; in `next_day/` the day after, in which the
//! same users come again; and in `late/` a few events that arrive ten days late. A day is
//! generated while the one before is written, and no more than these are held in memory.

mod arrivals;
mod cells;
mod day;
mod device;
mod dice;
mod flat;
mod late;
mod nested;
mod nested_params;
mod output;
mod plan;
mod row;
mod site;
mod visit;
mod zipf;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use chrono::NaiveDate;
use clap::{Parser, ValueEnum};

use day::World;
use output::{Format, Output};
use plan::{MICROS_PER_DAY, Plan};

#[derive(Parser)]
struct Flags {
    /// Rows of all days together.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..=2_000_000_000))]
    events: u64,
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The last of the days, UTC; one more follows in `next_day/`.
    #[arg(long, default_value = "2026-09-30")]
    end: NaiveDate,
    #[arg(long)]
    out: PathBuf,
    #[arg(long, value_enum, default_value = "both")]
    format: Formats,
}

#[derive(Clone, Copy, ValueEnum)]
enum Formats {
    Csv,
    Parquet,
    Both,
}

/// What does not change while days go by.
pub struct Tables {
    seed: u64,
    site: site::Site,
    sources: arrivals::Sources,
}

fn main() -> io::Result<()> {
    let flags = Flags::parse();
    let midnight = flags.end.and_time(chrono::NaiveTime::MIN).and_utc();
    let last_day = midnight.timestamp_micros() / MICROS_PER_DAY;
    let plan = Plan {
        seed: flags.seed,
        events: flags.events,
        days: flags.days,
        first_day: last_day + 1 - i64::from(flags.days),
    };
    let formats: &[Format] = match flags.format {
        Formats::Csv => &[Format::Csv],
        Formats::Parquet => &[Format::Parquet],
        Formats::Both => &[Format::Csv, Format::Parquet],
    };
    let tables = Tables {
        seed: flags.seed,
        site: site::Site::new(),
        sources: arrivals::Sources::new(),
    };
    let (tables, root) = (&tables, flags.out.as_path());
    thread::scope(|scope| {
        let mut senders = Vec::new();
        let mut writers = Vec::new();
        for &format in formats {
            // Without room for more: the next day waits until the last is written.
            let (sender, outputs) = sync_channel(0);
            senders.push(sender);
            writers.push(scope.spawn(move || output::write_all(tables, root, format, outputs)));
        }
        generate(tables, plan, senders);
        for writer in writers {
            writer
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(())
    })
}

/// Hands all days to the writers; stops early if one of them stopped, which then tells why.
fn generate(tables: &Tables, plan: Plan, senders: Vec<SyncSender<Arc<Output>>>) {
    let send = |output: Output| {
        let output = Arc::new(output);
        senders
            .iter()
            .all(|sender| sender.send(Arc::clone(&output)).is_ok())
    };
    let mut world = World::new(tables, plan);
    for index in 0..=plan.days {
        let output = Output {
            folder: if index < plan.days { "" } else { "next_day" },
            name: format!("events_{}", cells::date(plan.date(index))),
            day: world.day(index),
        };
        if !send(output) {
            return;
        }
    }
    send(Output {
        folder: "late",
        name: "late".to_owned(),
        day: world.late,
    });
}
