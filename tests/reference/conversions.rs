//! Conversions: events of the configured names, a repeated transaction once.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::clean::money;
use super::event::Event;
use super::identity::{Identities, UserKey};
use super::settings::Settings;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conversion {
    pub rank: usize,
    pub converted_at: i64,
    pub date: NaiveDate,
    pub event_name: String,
    pub user_key: Option<UserKey>,
    pub transaction_id: Option<String>,
    /// Billionths of the currency.
    pub revenue: i128,
    /// Whether the field that revenue is taken from holds no number.
    pub is_revenue_nan: bool,
    pub currency: Option<String>,
}

/// In the total order; `events` stand in it too.
pub fn rows(
    events: &[Event],
    identities: &Identities<'_>,
    settings: &Settings,
) -> Vec<Conversion> {
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for (rank, event) in events.iter().enumerate() {
        if !settings
            .conversion_events
            .iter()
            .any(|name| name == event.name())
        {
            continue;
        }
        if let Some(id) = &event.transaction_id
            && !seen.insert((event.stream_id.clone(), id.clone()))
        {
            continue;
        }
        let field = event.purchase_revenue.as_ref().or(event.value.as_ref());
        let amount = field.map(|text| money(text));
        rows.push(Conversion {
            rank,
            converted_at: event.at(),
            date: settings.date(event.at()),
            event_name: event.name().to_owned(),
            user_key: identities.of_event(rank),
            transaction_id: event.transaction_id.clone(),
            revenue: amount.flatten().unwrap_or(0),
            is_revenue_nan: amount == Some(None),
            currency: event.currency.clone(),
        });
    }
    rows
}
