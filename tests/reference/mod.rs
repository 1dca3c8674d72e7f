//! The oracle: a small, slow, plain-Rust reading of what the numbers mean (events in,
//! attribution out) that shares no code with the engine. Every table is built by walking a
//! sorted vector of events; no hashing, no SQL, no incremental state.
//!
//! Comes in: events in ingest order, and settings. Goes out: [`Tables`], each a sorted
//! vector of plain rows. Times are microseconds since the epoch, UTC; dates are civil dates
//! in the settings' time zone; money is a whole number of billionths.
//!
//! Each integration test compiles this module for itself and none uses all of it.
#![allow(dead_code)]

pub mod attribution;
pub mod channel;
pub mod clean;
pub mod conversions;
pub mod dedup;
pub mod event;
pub mod identity;
pub mod log;
pub mod marts;
pub mod nested;
pub mod read;
pub mod sessions;
pub mod settings;
pub mod source;
pub mod write;

pub use event::Event;
pub use settings::Settings;

use attribution::{Model, Path};
use conversions::Conversion;
use identity::Identities;
use marts::{MartRow, ReconciliationRow};
use sessions::{Session, Touchpoint};

/// Every table, rows in canonical order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Distinct, clean events in the total order; other tables refer to an event by its
    /// place here, its rank.
    pub events: Vec<Event>,
    pub rejected: usize,
    pub duplicates: usize,
    pub sessions: Vec<Session>,
    pub touchpoints: Vec<Touchpoint>,
    pub conversions: Vec<Conversion>,
    pub paths: Vec<Path>,
    pub first_click: Vec<MartRow>,
    pub last_click: Vec<MartRow>,
    pub reconciliation: Vec<ReconciliationRow>,
}

/// All tables of `events`, which are given in ingest order.
pub fn attribute(events: &[Event], settings: &Settings) -> Tables {
    let clean: Vec<Event> = events.iter().filter_map(clean::event).collect();
    let rejected = events.len() - clean.len();
    let distinct = dedup::distinct(&clean);
    let duplicates = clean.len() - distinct.len();

    let sessions_of_events = sessions::split(&distinct, settings);
    let identities = Identities::new(&distinct, &sessions_of_events, settings);
    let sessions = sessions::rows(&distinct, &sessions_of_events, &identities, settings);
    let touchpoints = sessions::touchpoints(&sessions);
    let conversions = conversions::rows(&distinct, &identities, settings);
    let paths = attribution::paths(&conversions, &touchpoints, settings);
    let first = attribution::credit(Model::FirstClick, &conversions, &touchpoints, settings);
    let last = attribution::credit(Model::LastClick, &conversions, &touchpoints, settings);
    let mut reconciliation = marts::reconcile("first_click", &conversions, &first);
    reconciliation.extend(marts::reconcile("last_click", &conversions, &last));
    reconciliation.sort();
    Tables {
        first_click: marts::rows(&conversions, &first),
        last_click: marts::rows(&conversions, &last),
        events: distinct,
        rejected,
        duplicates,
        sessions,
        touchpoints,
        conversions,
        paths,
        reconciliation,
    }
}
