//! Which touchpoint a conversion is credited to.

use super::conversions::Conversion;
use super::sessions::Touchpoint;
use super::settings::{Direct, Settings};

const DAY: i64 = 86_400_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    FirstClick,
    LastClick,
}

/// One eligible touchpoint of a conversion.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    pub conversion_rank: usize,
    /// From 1, in the total order.
    pub position: usize,
    pub path_length: usize,
    pub touchpoint_rank: usize,
    pub micros_before: i64,
}

/// The eligible touchpoints, direct ones too, in the total order.
fn eligible<'a>(
    conversion: &Conversion,
    touchpoints: &'a [Touchpoint],
    settings: &Settings,
) -> Vec<&'a Touchpoint> {
    let earliest = conversion.converted_at - settings.lookback_days * DAY;
    let mut found: Vec<&Touchpoint> = touchpoints
        .iter()
        .filter(|touch| conversion.user_key.is_some() && touch.user_key == conversion.user_key)
        .filter(|touch| (earliest..=conversion.converted_at).contains(&touch.touched_at))
        .collect();
    found.sort_by_key(|touch| touch.rank);
    found
}

pub fn paths(
    conversions: &[Conversion],
    touchpoints: &[Touchpoint],
    settings: &Settings,
) -> Vec<Path> {
    let mut rows = Vec::new();
    for conversion in conversions {
        let path = eligible(conversion, touchpoints, settings);
        for (index, touch) in path.iter().enumerate() {
            rows.push(Path {
                conversion_rank: conversion.rank,
                position: index + 1,
                path_length: path.len(),
                touchpoint_rank: touch.rank,
                micros_before: conversion.converted_at - touch.touched_at,
            });
        }
    }
    rows.sort();
    rows
}

/// For each conversion the touchpoint that gets it; `None` where it has none.
pub fn credit<'a>(
    model: Model,
    conversions: &[Conversion],
    touchpoints: &'a [Touchpoint],
    settings: &Settings,
) -> Vec<Option<&'a Touchpoint>> {
    let choose = |conversion: &Conversion| {
        let mut clicks = eligible(conversion, touchpoints, settings);
        if settings.direct == Direct::Skip && clicks.iter().any(|touch| !touch.is_direct) {
            clicks.retain(|touch| !touch.is_direct);
        }
        match model {
            Model::FirstClick => clicks.first().copied(),
            Model::LastClick => clicks.last().copied(),
        }
    };
    conversions.iter().map(choose).collect()
}
