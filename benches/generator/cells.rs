//! A row's texts and numbers, found once and the same for all formats.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike};

use super::Tables;
use super::arrivals::{Click, Tag};
use super::device::{Class, Device, Place, user_id};
use super::dice::mix;
use super::plan::MICROS_PER_DAY;
use super::row::{Batch, Item, Name, Referrer, Row, Visit};
use super::site::Page;

/// What a row says. Empty texts are null.
pub struct Cells<'a> {
    tables: &'a Tables,
    day: i64,
    /// `20260930`
    pub date: String,
    pub at: i64,
    pub name: &'static str,
    pub user_id: Option<u64>,
    pub pseudo_id: (u64, u64),
    pub stream_id: i64,
    pub session_id: Option<i64>,
    pub session_number: i64,
    pub batch: Option<Batch>,
    pub location: String,
    pub referrer: String,
    pub title: &'a str,
    pub params: Option<&'a Tag>,
    pub engagement_ms: Option<i64>,
    pub collected: Option<&'a Tag>,
    pub gclid: String,
    pub first: &'a Tag,
    pub class: &'static Class,
    pub place: &'static Place,
    pub cents: Option<u32>,
    pub currency: &'static str,
    /// Empty for all but purchases.
    pub transaction: String,
    items: [Item; 2],
    /// Of the visit: its own random number.
    token: u64,
}

impl<'a> Cells<'a> {
    /// To be filled.
    pub fn new(tables: &'a Tables) -> Self {
        let device = Device::new(tables.seed, 0);
        Self {
            tables,
            day: i64::MIN,
            date: String::new(),
            at: 0,
            name: "",
            user_id: None,
            pseudo_id: (0, 0),
            stream_id: 0,
            session_id: None,
            session_number: 0,
            batch: None,
            location: String::new(),
            referrer: String::new(),
            title: "",
            params: None,
            engagement_ms: None,
            collected: None,
            gclid: String::new(),
            first: &tables.sources.tags[0],
            class: device.class,
            place: device.place,
            cents: None,
            currency: "",
            transaction: String::new(),
            items: [(0, 0); 2],
            token: 0,
        }
    }

    pub fn fill(&mut self, row: &Row) {
        let visit = &row.visit;
        let tables = self.tables;
        let device = Device::new(tables.seed, visit.device);
        let tag = &tables.sources.tags[usize::from(visit.arrival.tag)];
        let tells_source = row.is_landing && row.name.tells_source();
        let has_params = visit.has_source_params && row.name == Name::PageView;
        let is_collected = visit.is_collected && tells_source;
        let is_tagged = visit.arrival.query != 0 || visit.has_source_params;
        let page = &tables.site.pages[usize::from(row.page)];

        self.set_date(row.at);
        self.at = row.at;
        self.name = row.name.text();
        self.user_id = row.is_signed_in.then(|| user_id(visit.account));
        self.pseudo_id = device.pseudo_id();
        self.stream_id = device.stream.id;
        self.session_id = row.has_session_id.then_some(visit.session);
        self.session_number = i64::from(visit.number);
        self.batch = row.batch;
        self.token = mix(mix(u64::from(visit.device)) ^ visit.session as u64);
        self.title = &page.title;
        self.params = (tells_source && has_params).then_some(tag);
        self.engagement_ms = (row.engagement_ms > 0).then_some(i64::from(row.engagement_ms));
        self.collected = (is_collected && is_tagged && visit.arrival.tag != 0).then_some(tag);
        self.first = &tables.sources.tags[usize::from(visit.first_tag)];
        self.class = device.class;
        self.place = device.place;
        self.cents = (row.cents > 0).then_some(row.cents);
        self.currency = if row.cents > 0 {
            device.stream.currency
        } else {
            ""
        };
        self.items = row.items;

        let origin = device.stream.origin;
        let mut location = std::mem::take(&mut self.location);
        self.put_location(&mut location, origin, visit, (row.page, row.is_landing));
        self.location = location;
        let mut referrer = std::mem::take(&mut self.referrer);
        match row.referrer {
            Referrer::None => referrer.clear(),
            Referrer::Own(page, is_landing) => {
                self.put_location(&mut referrer, origin, visit, (page, is_landing));
            }
            Referrer::Other(index) => {
                referrer.clear();
                referrer.push_str(&tables.sources.referrers[usize::from(index)]);
            }
        }
        self.referrer = referrer;
        self.gclid.clear();
        if is_collected && visit.arrival.click == Click::Google {
            put_click_id(&mut self.gclid, "Cj0KCQ", self.token);
        }
        self.transaction.clear();
        if row.order > 0 {
            let _ = write!(self.transaction, "T-{:09}", row.order);
        }
    }

    /// The products bought, with their quantities.
    pub fn items(&self) -> impl Iterator<Item = (u16, &'a Page, u16)> {
        let pages = &self.tables.site.pages;
        let is_bought = |(_, quantity): &Item| *quantity > 0;
        let item = |(page, quantity)| (page, &pages[usize::from(page)], quantity);
        self.items.into_iter().filter(is_bought).map(item)
    }

    fn put_location(
        &self,
        text: &mut String,
        origin: &str,
        visit: &Visit,
        (page, is_landing): (u16, bool),
    ) {
        text.clear();
        text.push_str(origin);
        text.push_str(&self.tables.site.pages[usize::from(page)].path);
        if !is_landing {
            return;
        }
        let mut mark = '?';
        if visit.arrival.query != 0 {
            text.push(mark);
            text.push_str(&self.tables.sources.queries[usize::from(visit.arrival.query)]);
            mark = '&';
        }
        let (name, start) = match visit.arrival.click {
            Click::None => return,
            Click::Google => ("gclid=", "Cj0KCQ"),
            Click::Facebook => ("fbclid=", "IwAR"),
        };
        text.push(mark);
        text.push_str(name);
        put_click_id(text, start, self.token);
    }

    fn set_date(&mut self, at: i64) {
        let day = at.div_euclid(MICROS_PER_DAY);
        if day != self.day {
            self.day = day;
            self.date = date(day);
        }
    }
}

/// A day since the epoch as GA4 writes it.
pub fn date(day: i64) -> String {
    let date = DateTime::from_timestamp(day * 86_400, 0).unwrap_or_default();
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// Cents as a decimal number without zeros at its end.
pub fn shortest(cents: u32) -> String {
    let (whole, rest) = (cents / 100, cents % 100);
    match rest {
        0 => format!("{whole}"),
        _ if rest % 10 == 0 => format!("{whole}.{}", rest / 10),
        _ => format!("{whole}.{rest:02}"),
    }
}

/// Some letters that look like a click id.
fn put_click_id(text: &mut String, start: &str, token: u64) {
    const LETTERS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    text.push_str(start);
    for nth in 0..10 {
        text.push(char::from(LETTERS[(token >> (6 * nth) & 63) as usize]));
    }
}
