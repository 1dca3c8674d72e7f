//! Rows that cannot be used: why, and what they said.

/// The classes of reasons, as counted in reports.
pub mod reason {
    /// The row has no timestamp.
    pub const NO_TIMESTAMP: &str = "no_timestamp";
    /// The timestamp is no time, or a local time without a zone.
    pub const BAD_TIMESTAMP: &str = "bad_timestamp";
    /// The timestamp is before 2001-09-09 or after 2099-12-31 in every unit.
    pub const TIMESTAMP_OUT_OF_RANGE: &str = "timestamp_out_of_range";
    /// The row has no event name.
    pub const NO_EVENT_NAME: &str = "no_event_name";
    /// The row has neither a `user_id` nor a `user_pseudo_id`.
    pub const NO_USER_ID: &str = "no_user_id";
    /// A CSV row has more or fewer fields than the header.
    pub const FIELD_COUNT: &str = "field_count";
    /// The row has bytes that are no UTF-8.
    pub const INVALID_UTF8: &str = "invalid_utf8";
    /// The record is no JSON object of the expected shape.
    pub const BAD_JSON: &str = "bad_json";
    /// The record is longer than 64 MiB.
    pub const TOO_LARGE: &str = "too_large";
}

/// Why one row was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// One of [`reason`].
    pub reason: &'static str,
    /// A sentence for a person.
    pub detail: String,
}

impl Rejection {
    pub fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Rejection {
            reason,
            detail: detail.into(),
        }
    }
}

/// A rejected row with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub file: String,
    /// The physical line on which the record starts, from 1; in a Parquet file the row.
    pub line: u64,
    /// One of [`reason`].
    pub reason: &'static str,
    pub detail: String,
    /// The record as it stood, invalid bytes replaced; only its beginning if it is too large.
    pub raw: String,
}
