//! Sessions, each with its one traffic source, and the touchpoints that they are.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::channel::channel;
use super::dedup::Device;
use super::event::Event;
use super::identity::{Identities, UserKey};
use super::settings::Settings;
use super::source::{Source, of_event};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey {
    pub stream_id: Option<String>,
    pub device: Device,
    pub id: SessionId,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionId {
    /// GA4's own.
    Given(String),
    /// Told by inactivity: the n-th such session of the device on the stream.
    Inferred(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The rank of its first event.
    pub first: usize,
    pub key: SessionKey,
    pub started_at: i64,
    pub ended_at: i64,
    pub events: usize,
    pub date: NaiveDate,
    pub user_key: Option<UserKey>,
    /// `None` is direct.
    pub source: Option<Source>,
    pub channel: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touchpoint {
    pub touched_at: i64,
    /// The rank of its session's first event, which breaks ties of time.
    pub rank: usize,
    pub user_key: Option<UserKey>,
    pub is_direct: bool,
    pub channel: String,
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
}

/// The session of each event; `events` stand in the total order.
pub fn split(events: &[Event], settings: &Settings) -> Vec<SessionKey> {
    // The time of the latest event without an id, and how many sessions there were so far.
    let mut open: BTreeMap<(Option<String>, Device), (i64, usize)> = BTreeMap::new();
    let mut keys = Vec::new();
    for event in events {
        let (stream_id, device) = (event.stream_id.clone(), Device::of(event));
        let id = match &event.ga_session_id {
            Some(id) => SessionId::Given(id.clone()),
            None => {
                let (latest, count) = open
                    .entry((stream_id.clone(), device.clone()))
                    .or_insert((event.at(), 1));
                if event.at() - *latest > settings.session_timeout {
                    *count += 1;
                }
                *latest = event.at();
                SessionId::Inferred(*count)
            }
        };
        keys.push(SessionKey {
            stream_id,
            device,
            id,
        });
    }
    keys
}

pub fn rows(
    events: &[Event],
    session_of: &[SessionKey],
    identities: &Identities<'_>,
    settings: &Settings,
) -> Vec<Session> {
    let mut ranks: BTreeMap<&SessionKey, Vec<usize>> = BTreeMap::new();
    for (rank, key) in session_of.iter().enumerate() {
        ranks.entry(key).or_default().push(rank);
    }
    let mut rows = Vec::new();
    for (key, ranks) in ranks {
        let first = ranks[0];
        let started_at = events[first].at();
        let date = settings.date(started_at);
        let source = source(ranks.iter().map(|rank| &events[*rank]), settings);
        rows.push(Session {
            first,
            key: key.clone(),
            started_at,
            ended_at: events[ranks[ranks.len() - 1]].at(),
            events: ranks.len(),
            date,
            user_key: identities.of_session(key, &events[first]),
            channel: source.as_ref().map_or("Direct".to_owned(), |source| {
                let text = |field: &Option<String>| field.clone().unwrap_or_default();
                channel(
                    &text(&source.source),
                    &text(&source.medium),
                    &text(&source.campaign),
                    date,
                )
                .to_owned()
            }),
            source,
        });
    }
    rows.sort();
    rows
}

/// The first source among a session's events; that of its `session_start` and `first_visit`
/// only where no other event has one.
fn source<'a>(events: impl Iterator<Item = &'a Event>, settings: &Settings) -> Option<Source> {
    let (opening, other): (Vec<&Event>, Vec<&Event>) =
        events.partition(|event| matches!(event.name(), "session_start" | "first_visit"));
    other
        .into_iter()
        .chain(opening)
        .find_map(|event| of_event(event, settings))
}

pub fn touchpoints(sessions: &[Session]) -> Vec<Touchpoint> {
    let mut rows: Vec<Touchpoint> = sessions.iter().map(touchpoint).collect();
    rows.sort();
    rows
}

fn touchpoint(session: &Session) -> Touchpoint {
    let (source, medium, campaign) = match &session.source {
        Some(source) => (
            source.source.clone(),
            source.medium.clone(),
            source.campaign.clone(),
        ),
        None => (Some("(direct)".to_owned()), Some("(none)".to_owned()), None),
    };
    Touchpoint {
        touched_at: session.started_at,
        rank: session.first,
        user_key: session.user_key.clone(),
        is_direct: session.source.is_none(),
        channel: session.channel.clone(),
        source,
        medium,
        campaign,
    }
}
