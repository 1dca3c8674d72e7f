//! One event as a flat file could carry it, before any cleaning: texts as written.

use std::collections::BTreeMap;
use std::fmt;

macro_rules! event {
    ($($name:ident),* $(,)?) => {
        /// A flat event. Absent and empty are both `None`.
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct Event {
            /// Microseconds since the epoch, UTC; `None` where the row has no usable one.
            pub event_timestamp: Option<i64>,
            pub batch_page_id: Option<i64>,
            pub batch_ordering_id: Option<i64>,
            pub batch_event_index: Option<i64>,
            pub event_bundle_sequence_id: Option<i64>,
            $(pub $name: Option<String>,)*
            /// Event params that have no field here.
            pub params: BTreeMap<String, String>,
        }

        /// The text fields, in the order of the columns that are written.
        pub const TEXTS: &[&str] = &[$(stringify!($name)),*];

        impl Event {
            pub fn text(&self, name: &str) -> Option<&str> {
                match name {
                    $(stringify!($name) => self.$name.as_deref(),)*
                    _ => None,
                }
            }

            pub fn text_mut(&mut self, name: &str) -> Option<&mut Option<String>> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }
        }
    };
}

event!(
    event_name,
    event_id,
    user_id,
    user_pseudo_id,
    stream_id,
    ga_session_id,
    source,
    medium,
    campaign,
    content,
    term,
    collected_source,
    collected_medium,
    collected_campaign,
    collected_content,
    collected_term,
    page_location,
    page_referrer,
    gclid,
    msclkid,
    fbclid,
    value,
    purchase_revenue,
    currency,
    transaction_id,
);

/// The whole-number fields beside the time stamp.
pub const INTEGERS: &[&str] = &[
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
    "event_bundle_sequence_id",
];

/// The text fields that GA4 keeps in `event_params`. They belong to an event's identity.
pub const PARAMS: &[&str] = &[
    "source",
    "medium",
    "campaign",
    "content",
    "term",
    "page_location",
    "page_referrer",
    "gclid",
    "msclkid",
    "fbclid",
    "value",
    "currency",
];

/// Where a (not yet hashed) event stands among others of the same or other users: all of
/// the total order but its last resort, the engine's own event id.
pub type Order = (i64, Option<i64>, Option<i64>, Option<i64>);

impl Event {
    /// The event's place in the total order, NULLs first. A row without a time stamp, which
    /// is rejected anyway, counts as the earliest.
    pub fn order(&self) -> Order {
        (
            self.event_timestamp.unwrap_or(i64::MIN),
            self.batch_page_id,
            self.batch_ordering_id,
            self.batch_event_index,
        )
    }

    pub fn integer(&self, name: &str) -> Option<i64> {
        match name {
            "batch_page_id" => self.batch_page_id,
            "batch_ordering_id" => self.batch_ordering_id,
            "batch_event_index" => self.batch_event_index,
            "event_bundle_sequence_id" => self.event_bundle_sequence_id,
            _ => None,
        }
    }

    pub fn integer_mut(&mut self, name: &str) -> Option<&mut Option<i64>> {
        match name {
            "batch_page_id" => Some(&mut self.batch_page_id),
            "batch_ordering_id" => Some(&mut self.batch_ordering_id),
            "batch_event_index" => Some(&mut self.batch_event_index),
            "event_bundle_sequence_id" => Some(&mut self.event_bundle_sequence_id),
            _ => None,
        }
    }

    /// Every event param by name, those with a field of their own included.
    pub fn all_params(&self) -> BTreeMap<String, String> {
        let mut params = self.params.clone();
        for name in PARAMS {
            if let Some(text) = self.text(name) {
                params.insert((*name).to_owned(), text.to_owned());
            }
        }
        params
    }

    /// Microseconds since the epoch; only for clean events, which have a time.
    pub fn at(&self) -> i64 {
        self.event_timestamp.expect("a clean event has a time")
    }

    /// Only for clean events, which have a name.
    pub fn name(&self) -> &str {
        self.event_name
            .as_deref()
            .expect("a clean event has a name")
    }
}

/// Only the fields that are set, so that a shrunk log can be read.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self
            .event_timestamp
            .map(|micros| format!("event_timestamp={micros}"));
        let integers = INTEGERS
            .iter()
            .filter_map(|n| Some(format!("{n}={}", self.integer(n)?)));
        let texts = TEXTS
            .iter()
            .filter_map(|n| Some(format!("{n}={:?}", self.text(n)?)));
        let params = self
            .params
            .iter()
            .map(|(key, text)| format!("param {key}={text:?}"));
        let fields: Vec<String> = time
            .into_iter()
            .chain(integers)
            .chain(texts)
            .chain(params)
            .collect();
        write!(f, "Event({})", fields.join(", "))
    }
}
