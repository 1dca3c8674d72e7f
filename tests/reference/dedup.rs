//! Distinct events: same identity, same event; or the source's own `event_id`.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, Order};

/// A device: the browser or app, or where that is unknown the user. The two never collide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    Pseudo(String),
    User(String),
}

impl Device {
    pub fn of(event: &Event) -> Self {
        match (&event.user_pseudo_id, &event.user_id) {
            (Some(id), _) => Self::Pseudo(id.clone()),
            (None, Some(id)) => Self::User(id.clone()),
            (None, None) => unreachable!("a clean event has a user"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Source(String),
    Own {
        stream_id: Option<String>,
        device: Device,
        name: String,
        order: Order,
        ga_session_id: Option<String>,
        bundle: Option<i64>,
        params: BTreeMap<String, String>,
    },
}

fn key(event: &Event) -> Key {
    match &event.event_id {
        Some(id) => Key::Source(id.clone()),
        None => Key::Own {
            stream_id: event.stream_id.clone(),
            device: Device::of(event),
            name: event.name().to_owned(),
            order: event.order(),
            ga_session_id: event.ga_session_id.clone(),
            bundle: event.event_bundle_sequence_id,
            params: event.all_params(),
        },
    }
}

/// The distinct ones of clean events (in ingest order), in the total order.
///
/// Of versions of one explicit `event_id`, the latest time wins, then the later ingest. Of
/// events without one, the first stays; they differ in nothing that identity covers.
pub fn distinct(clean: &[Event]) -> Vec<Event> {
    let mut kept: BTreeMap<Key, &Event> = BTreeMap::new();
    for event in clean {
        let key = key(event);
        let replaces = match (&key, kept.get(&key)) {
            (_, None) => true,
            (Key::Source(_), Some(old)) => event.at() >= old.at(),
            (Key::Own { .. }, Some(_)) => false,
        };
        if replaces {
            kept.insert(key, event);
        }
    }
    let mut events: Vec<Event> = kept.into_values().cloned().collect();
    events.sort_by(|a, b| (a.order(), a).cmp(&(b.order(), b)));
    events
}

/// Whether two distinct events share all of the total order that is not a hash: there the
/// reference cannot know which one the engine takes for the earlier.
pub fn has_ties(distinct: &[Event]) -> bool {
    let orders: BTreeSet<Order> = distinct.iter().map(Event::order).collect();
    orders.len() < distinct.len()
}
