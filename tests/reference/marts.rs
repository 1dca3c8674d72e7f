//! The marts: sums of credited conversions, their CSV form, and the reconciliation.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::clean::{money, money_text};
use super::conversions::Conversion;
use super::sessions::Touchpoint;

/// Columns of `mart_attribution_first_click` and `mart_attribution_last_click`.
pub const MART_COLUMNS: &str = "conversion_date,conversion_event,channel,source,medium,campaign,currency,conversions,revenue";

/// Columns of `mart_attribution_reconciliation`.
pub const RECONCILIATION_COLUMNS: &str = "conversion_date,model,currency,conversions,\
    conversions_credited,conversions_unattributed,revenue,revenue_credited,revenue_unattributed";

/// NULLs come first, as in the marts' CSV, where they are empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MartRow {
    pub date: NaiveDate,
    pub event_name: String,
    pub channel: String,
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub currency: Option<String>,
    pub conversions: u64,
    pub revenue: i128,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReconciliationRow {
    pub date: NaiveDate,
    pub model: String,
    pub currency: Option<String>,
    pub conversions: u64,
    pub conversions_credited: u64,
    pub conversions_unattributed: u64,
    pub revenue: i128,
    pub revenue_credited: i128,
    pub revenue_unattributed: i128,
}

const UNATTRIBUTED: &str = "(unattributed)";

pub fn rows(conversions: &[Conversion], credited: &[Option<&Touchpoint>]) -> Vec<MartRow> {
    let mut sums = BTreeMap::new();
    for (conversion, touch) in conversions.iter().zip(credited) {
        let none = || Some(UNATTRIBUTED.to_owned());
        let (channel, source, medium, campaign) = match touch {
            Some(touch) => (
                touch.channel.clone(),
                touch.source.clone(),
                touch.medium.clone(),
                touch.campaign.clone(),
            ),
            None => (UNATTRIBUTED.to_owned(), none(), none(), none()),
        };
        let key = (
            conversion.date,
            conversion.event_name.clone(),
            (channel, source, medium, campaign),
            conversion.currency.clone(),
        );
        let (count, revenue) = sums.entry(key).or_insert((0, 0));
        *count += 1;
        *revenue += conversion.revenue;
    }
    let mut rows = Vec::new();
    for ((date, event_name, click, currency), (conversions, revenue)) in sums {
        let (channel, source, medium, campaign) = click;
        let row = MartRow {
            date,
            event_name,
            channel,
            source,
            medium,
            campaign,
            currency,
            conversions,
            revenue,
        };
        rows.push(row);
    }
    rows.sort();
    rows
}

pub fn reconcile(
    model: &str,
    conversions: &[Conversion],
    credited: &[Option<&Touchpoint>],
) -> Vec<ReconciliationRow> {
    let mut rows: BTreeMap<(NaiveDate, Option<String>), ReconciliationRow> = BTreeMap::new();
    for (conversion, touch) in conversions.iter().zip(credited) {
        let key = (conversion.date, conversion.currency.clone());
        let row = rows.entry(key).or_insert_with(|| ReconciliationRow {
            date: conversion.date,
            model: model.to_owned(),
            currency: conversion.currency.clone(),
            conversions: 0,
            conversions_credited: 0,
            conversions_unattributed: 0,
            revenue: 0,
            revenue_credited: 0,
            revenue_unattributed: 0,
        });
        row.conversions += 1;
        row.revenue += conversion.revenue;
        if touch.is_some() {
            row.conversions_credited += 1;
            row.revenue_credited += conversion.revenue;
        } else {
            row.conversions_unattributed += 1;
            row.revenue_unattributed += conversion.revenue;
        }
    }
    rows.into_values().collect()
}

/// A sorted CSV file with a header, money in its shortest plain form.
pub fn mart_csv(rows: &[MartRow]) -> String {
    let texts = rows.iter().map(|row| {
        let field = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            row.date.to_string(),
            row.event_name.clone(),
            row.channel.clone(),
            field(&row.source),
            field(&row.medium),
            field(&row.campaign),
            field(&row.currency),
            row.conversions.to_string(),
            money_text(row.revenue),
        ]
    });
    csv_text(MART_COLUMNS, texts)
}

pub fn reconciliation_csv(rows: &[ReconciliationRow]) -> String {
    let texts = rows.iter().map(|row| {
        vec![
            row.date.to_string(),
            row.model.clone(),
            row.currency.clone().unwrap_or_default(),
            row.conversions.to_string(),
            row.conversions_credited.to_string(),
            row.conversions_unattributed.to_string(),
            money_text(row.revenue),
            money_text(row.revenue_credited),
            money_text(row.revenue_unattributed),
        ]
    });
    csv_text(RECONCILIATION_COLUMNS, texts)
}

fn csv_text(header: &str, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(header.split(','))
        .expect("writes to memory");
    for row in rows {
        writer.write_record(row).expect("writes to memory");
    }
    String::from_utf8(writer.into_inner().expect("writes to memory")).expect("is UTF-8")
}

/// Reads a mart back: from an expected file, or from what the engine answered.
///
/// # Panics
/// Where the header is not exactly the mart's.
pub fn parse_mart(text: &str) -> Vec<MartRow> {
    let mut rows: Vec<MartRow> = records(text, MART_COLUMNS)
        .into_iter()
        .map(|row| MartRow {
            date: date(&row[0]),
            event_name: row[1].clone(),
            channel: row[2].clone(),
            source: optional(&row[3]),
            medium: optional(&row[4]),
            campaign: optional(&row[5]),
            currency: optional(&row[6]),
            conversions: count(&row[7]),
            revenue: amount(&row[8]),
        })
        .collect();
    rows.sort();
    rows
}

/// Likewise for the reconciliation.
pub fn parse_reconciliation(text: &str) -> Vec<ReconciliationRow> {
    let mut rows: Vec<ReconciliationRow> = records(text, RECONCILIATION_COLUMNS)
        .into_iter()
        .map(|row| ReconciliationRow {
            date: date(&row[0]),
            model: row[1].clone(),
            currency: optional(&row[2]),
            conversions: count(&row[3]),
            conversions_credited: count(&row[4]),
            conversions_unattributed: count(&row[5]),
            revenue: amount(&row[6]),
            revenue_credited: amount(&row[7]),
            revenue_unattributed: amount(&row[8]),
        })
        .collect();
    rows.sort();
    rows
}

fn records(text: &str, header: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records().map(|record| -> Vec<String> {
        record.expect("is CSV").iter().map(str::to_owned).collect()
    });
    let found = records.next().unwrap_or_default().join(",");
    assert_eq!(found, header, "the columns of the mart");
    records.collect()
}

fn date(text: &str) -> NaiveDate {
    text.get(..10)
        .and_then(|day| day.parse().ok())
        .unwrap_or_else(|| panic!("a date: {text:?}"))
}

fn optional(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn count(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("a count: {text:?}"))
}

fn amount(text: &str) -> i128 {
    money(text).unwrap_or_else(|| panic!("an amount: {text:?}"))
}
