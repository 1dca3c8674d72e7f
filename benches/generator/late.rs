//! Events that arrive long after their day: one more of some visits.

use std::ops::Range;

use super::day::Day;
use super::row::{Name, Referrer, Row};

/// How many.
const COUNT: usize = 14;

/// New events of visits of the day, which is between these times.
pub fn more(day: &Day, between: Range<i64>) -> Day {
    let mut late = Day::default();
    let step = (day.len() / (COUNT + 1)).max(1);
    let is_usable = |row: &&Row| row.has_session_id && between.contains(&row.at);
    let usable = day.iter().step_by(step).filter(is_usable);
    for (nth, row) in (0..).zip(usable.take(COUNT)) {
        let mut row = *row;
        row.at += 7_000_001 + i64::from(nth);
        row.referrer = Referrer::Own(row.page, row.is_landing);
        row.is_landing = false;
        row.name = if nth % 2 == 0 {
            Name::UserEngagement
        } else {
            Name::PageView
        };
        row.engagement_ms = 1000 + nth;
        row.cents = 0;
        row.order = 0;
        row.items = [(0, 0); 2];
        if let Some(batch) = &mut row.batch {
            batch.ordering_id += 50;
        }
        late.push(row.at, row);
    }
    late
}
