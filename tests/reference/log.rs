//! Small adversarial event logs and settings for property tests.
//!
//! Times are sums of a few anchors (days around the lookback, half hours around the session
//! timeout, single microseconds), from half an hour before midnight on, so that window ends,
//! timeouts, midnights and ties come up all the time; ids are few and shared between users
//! and devices. Each dimension shrinks to its plainest value.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::event::{Event, Order};
use super::settings::{Direct, Identity, Settings};

/// Events in ingest order, and the settings they are read under.
#[derive(Debug, Clone)]
pub struct Log {
    pub events: Vec<Event>,
    pub settings: Settings,
}

/// 2026-05-01T23:30:00Z: with the days below, logs span 2026-05-13 (a new channel).
const START: i64 = 1_777_678_200_000_000;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;

pub fn arb_log() -> impl Strategy<Value = Log> {
    (arb_events(24), arb_settings()).prop_map(|(events, settings)| Log { events, settings })
}

pub fn arb_settings() -> impl Strategy<Value = Settings> {
    use chrono_tz::Tz;
    let zones = [
        Tz::UTC,
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Asia__Kolkata,
    ];
    (
        select(zones.to_vec()),
        prop_oneof![
            3 => Just(Identity::Stitched),
            1 => Just(Identity::UserId),
            1 => Just(Identity::Device),
        ],
        prop_oneof![2 => Just(Direct::Skip), 1 => Just(Direct::Include)],
        select(&[14_i64, 1, 30][..]),
        select(&[30 * MINUTE, 10 * MINUTE, 60 * MINUTE][..]),
        select(vec![vec!["purchase"], vec!["purchase", "sign_up"]]),
    )
        .prop_map(
            |(timezone, identity, direct, lookback_days, session_timeout, names)| Settings {
                timezone,
                identity,
                direct,
                lookback_days,
                session_timeout,
                conversion_events: names.into_iter().map(str::to_owned).collect(),
                ..Settings::default()
            },
        )
}

/// At most `size` events and then some copies, in an order that has nothing to do with time.
pub fn arb_events(size: usize) -> impl Strategy<Value = Vec<Event>> {
    let copies = vec(
        (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        0..4,
    );
    (vec(arb_event(), 1..=size), copies).prop_map(|(mut events, copies)| {
        settle(&mut events);
        for (from, to) in copies {
            let copy = from.get(&events).clone();
            events.insert(to.index(events.len() + 1), copy);
        }
        events
    })
}

fn arb_event() -> impl Strategy<Value = Event> {
    (arb_time(), arb_who(), arb_what(), arb_traffic()).prop_map(|(time, who, what, traffic)| {
        let mut event = Event {
            event_timestamp: Some(time),
            ..what
        };
        event.user_id = who.user_id;
        event.user_pseudo_id = who.user_pseudo_id;
        event.stream_id = who.stream_id;
        event.ga_session_id = who.ga_session_id;
        for (name, text) in traffic {
            *event.text_mut(name).expect("a text field") = Some((*text).to_owned());
        }
        event
    })
}

fn arb_time() -> impl Strategy<Value = i64> {
    let days = prop_oneof![4 => Just(0_i64), 3 => select(&[1_i64, 14, 15, 16, 28, 30][..])];
    let half_hours = prop_oneof![2 => Just(0_i64), 3 => 1..4_i64];
    let seconds = prop_oneof![3 => Just(0_i64), 1 => select(&[1_i64, 60, 600][..])];
    let micros = prop_oneof![3 => Just(0_i64), 2 => -1..=1_i64];
    (days, half_hours, seconds, micros).prop_map(|(days, half_hours, seconds, micros)| {
        START + days * DAY + half_hours * 30 * MINUTE + seconds * SECOND + micros
    })
}

#[derive(Debug, Clone)]
struct Who {
    user_id: Option<String>,
    user_pseudo_id: Option<String>,
    stream_id: Option<String>,
    ga_session_id: Option<String>,
}

fn arb_who() -> impl Strategy<Value = Who> {
    // The same texts name users and devices.
    let device =
        prop_oneof![10 => select(&["a", "b", "c"][..]).prop_map(Some), 1 => Just(None)];
    let user = prop_oneof![
        4 => Just(None),
        3 => select(&["a", "b", "ann"][..]).prop_map(Some),
        1 => select(&["(not set)", " null "][..]).prop_map(Some),
    ];
    let session = prop_oneof![
        5 => select(&["101", "102", "103"][..]).prop_map(Some),
        2 => Just(None),
        1 => Just(Some("(not set)")),
    ];
    let stream = prop_oneof![4 => Just(None), 1 => select(&["web", "app"][..]).prop_map(Some)];
    (device, user, session, stream).prop_map(|(device, user, session, stream)| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Who {
            user_id: own(user),
            user_pseudo_id: own(device),
            stream_id: own(stream),
            ga_session_id: own(session),
        }
    })
}

/// Name, money, transaction, batch; and now and then an id of its own or nothing usable.
fn arb_what() -> impl Strategy<Value = Event> {
    let name = prop_oneof![
        4 => Just("page_view"),
        4 => Just("purchase"),
        1 => Just("session_start"),
        1 => Just("first_visit"),
        1 => Just("sign_up"),
        1 => Just(""),
    ];
    let money = || {
        let texts = ["0", "0.1", "0.2", "10", "99.99", "0.000000001", "-5", "NaN"];
        weighted(0.4, select(texts.to_vec()))
    };
    let transaction = weighted(0.4, select(&["t1", "t2", "(not set)"][..]));
    let currency = weighted(0.6, select(&["USD", "usd", "EUR"][..]));
    let batch = || weighted(0.2, 0..3_i64);
    let event_id = weighted(0.1, select(&["e1", "e2"][..]));
    let extra = weighted(
        0.2,
        (
            select(&["color", "size"][..]),
            select(&["red", "Größe, 1"][..]),
        ),
    );
    (
        (name, event_id, extra),
        (money(), money(), currency, transaction),
        (batch(), batch(), batch(), batch()),
    )
        .prop_map(
            |((name, event_id, extra), (revenue, value, currency, transaction), batch)| {
                let own = |text: Option<&str>| text.map(str::to_owned);
                Event {
                    event_name: Some(name.to_owned()).filter(|name| !name.is_empty()),
                    event_id: own(event_id),
                    purchase_revenue: own(revenue),
                    value: own(value),
                    currency: own(currency),
                    transaction_id: own(transaction),
                    batch_page_id: batch.0,
                    batch_ordering_id: batch.1,
                    batch_event_index: batch.2,
                    event_bundle_sequence_id: batch.3,
                    params: extra
                        .map(|(key, text)| BTreeMap::from([(key.to_owned(), text.to_owned())]))
                        .unwrap_or_default(),
                    ..Event::default()
                }
            },
        )
}

type Fields = &'static [(&'static str, &'static str)];

/// What an event may say of where its user came from.
const TRAFFIC: &[Fields] = &[
    &[],
    &[("page_location", "https://shop.example.com/")],
    &[("source", "(direct)"), ("medium", "(none)")],
    &[
        ("source", "google"),
        ("medium", "cpc"),
        ("campaign", "spring"),
    ],
    &[("source", "google"), ("medium", "organic")],
    &[
        ("source", "Google"),
        ("medium", "CPC"),
        ("campaign", "Spring"),
        ("term", "shoes"),
    ],
    &[
        ("source", "newsletter"),
        ("medium", "email"),
        ("campaign", "shop-now"),
    ],
    &[
        ("source", "partner"),
        ("medium", "(not set)"),
        ("campaign", "(not set)"),
    ],
    &[("medium", "affiliate")],
    &[("campaign", "only a campaign")],
    &[("source", "(direct)"), ("medium", "email")],
    &[
        ("source", "chatgpt.com"),
        ("medium", "ai-assistant"),
        ("campaign", "(ai-assistant)"),
    ],
    &[
        ("collected_source", "facebook"),
        ("collected_medium", "paid"),
        ("source", "x"),
    ],
    &[
        ("collected_source", "(direct)"),
        ("collected_medium", "(none)"),
        ("source", "bing"),
    ],
    &[
        ("collected_source", "(not set)"),
        ("collected_campaign", "c"),
        ("medium", "sms"),
    ],
    &[(
        "page_location",
        "https://shop.example.com/?utm_source=x&utm_medium=cpm&utm_campaign=a%20b+c",
    )],
    &[
        ("page_location", "https://shop.example.com/?gclid=g1"),
        ("page_referrer", "https://www.google.com/"),
    ],
    &[
        ("gclid", "g2"),
        ("source", "shop.example.com"),
        ("medium", "referral"),
    ],
    &[("fbclid", "f1")],
    &[
        ("msclkid", "(not set)"),
        ("page_referrer", "https://bing.com/search?q=1"),
    ],
    &[
        ("page_location", "https://shop.example.com/a"),
        ("page_referrer", "https://shop.example.com/b"),
    ],
    &[
        ("page_location", "https://shop.example.com/a"),
        ("page_referrer", "https://example.com/"),
    ],
    &[
        ("page_location", "https://example.com/a"),
        ("page_referrer", "https://blog.example.com/"),
    ],
    &[
        ("page_location", "https://shop.example.com/a"),
        ("page_referrer", "https://www.google.co.uk/"),
    ],
    &[
        ("page_location", "https://shop.example.com/a"),
        ("page_referrer", "https://www.paypal.com/pay"),
    ],
    &[("source", "checkout.stripe.com"), ("medium", "referral")],
    &[
        ("page_location", "https://shop.example.com/a"),
        ("source", "example.com"),
        ("medium", "referral"),
    ],
    &[
        ("source", "blog.other.org"),
        ("medium", "referral"),
        ("campaign", "(referral)"),
    ],
];

fn arb_traffic() -> impl Strategy<Value = Fields> {
    prop_oneof![1 => Just(TRAFFIC[0]), 2 => select(TRAFFIC)]
}

/// Takes out of a log what the numbers do not define: two differing events at one place of
/// the total order (the engine breaks such ties by a hash), and two differing versions of
/// one `event_id` at one time (the later *ingest* wins, so shuffling would matter).
fn settle(events: &mut Vec<Event>) {
    let mut versions: BTreeSet<(String, Option<i64>)> = BTreeSet::new();
    let mut seen: BTreeMap<Order, Event> = BTreeMap::new();
    let mut kept: Vec<Event> = Vec::new();
    for mut event in events.drain(..) {
        if kept.contains(&event) {
            kept.push(event);
            continue;
        }
        if let Some(id) = event.event_id.clone()
            && !versions.insert((id, event.event_timestamp))
        {
            event.event_id = None;
        }
        while seen
            .get(&event.order())
            .is_some_and(|other| *other != event)
        {
            event.batch_event_index =
                Some(event.batch_event_index.map_or(0, |index| index + 1));
        }
        seen.insert(event.order(), event.clone());
        kept.push(event);
    }
    *events = kept;
}
