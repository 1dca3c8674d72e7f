//! The traffic source that one event carries.

use super::channel::{Category, category};
use super::clean::is_nothing;
use super::event::Event;
use super::settings::Settings;

/// Taken whole from one place of one event; never direct.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub content: Option<String>,
    pub term: Option<String>,
}

/// Click ids in the order in which they count, and what they stand for.
const CLICK_IDS: [(&str, &str, &str); 10] = [
    ("gclid", "google", "cpc"),
    ("gbraid", "google", "cpc"),
    ("wbraid", "google", "cpc"),
    ("dclid", "google", "cpc"),
    ("msclkid", "bing", "cpc"),
    ("ttclid", "tiktok", "cpc"),
    ("twclid", "twitter", "cpc"),
    ("li_fat_id", "linkedin", "cpc"),
    ("fbclid", "facebook", "social"),
    ("srsltid", "google", "organic"),
];

/// The first of the five places that gives a source; `None` where all are direct, a
/// referral from the site itself, or from an ignored host.
pub fn of_event(event: &Event, settings: &Settings) -> Option<Source> {
    let own_host = event.page_location.as_deref().and_then(host);
    let collected = Source {
        source: event.collected_source.clone(),
        medium: event.collected_medium.clone(),
        campaign: event.collected_campaign.clone(),
        content: event.collected_content.clone(),
        term: event.collected_term.clone(),
    };
    let params = Source {
        source: event.source.clone(),
        medium: event.medium.clone(),
        campaign: event.campaign.clone(),
        content: event.content.clone(),
        term: event.term.clone(),
    };
    let page = event.page_location.as_deref().unwrap_or("");
    let utm = Source {
        source: query(page, "utm_source"),
        medium: query(page, "utm_medium"),
        campaign: query(page, "utm_campaign"),
        content: query(page, "utm_content"),
        term: query(page, "utm_term"),
    };
    [
        Some(collected),
        Some(params),
        Some(utm),
        clicked(event, page),
        referred(event),
    ]
    .into_iter()
    .flatten()
    .find(|source| !is_direct(source) && !is_own(source, own_host.as_deref(), settings))
}

fn is_direct(source: &Source) -> bool {
    let is_one_of = |field: &Option<String>, names: &[&str]| {
        field
            .as_deref()
            .is_none_or(|text| names.contains(&text.to_lowercase().as_str()))
    };
    is_one_of(&source.source, &["(direct)"])
        && is_one_of(&source.medium, &["(none)", "(not set)"])
}

/// Whether it is a referral from the site itself or from a host in `ignore_referrers`.
fn is_own(source: &Source, own_host: Option<&str>, settings: &Settings) -> bool {
    let is_referral = source
        .medium
        .as_deref()
        .is_some_and(|m| m.eq_ignore_ascii_case("referral"));
    let Some(from) = source.source.as_deref().filter(|_| is_referral).map(bare) else {
        return false;
    };
    let is_self = own_host.is_some_and(|own| is_under(&bare(own), &from));
    is_self
        || settings
            .ignore_referrers
            .iter()
            .any(|ignored| is_under(&from, ignored))
}

/// Whether `host` is `parent` or a subdomain of it.
fn is_under(host: &str, parent: &str) -> bool {
    host == parent || host.ends_with(&format!(".{parent}"))
}

fn bare(host: &str) -> String {
    let host = host.to_lowercase();
    host.strip_prefix("www.")
        .map_or(host.clone(), str::to_owned)
}

fn clicked(event: &Event, page: &str) -> Option<Source> {
    CLICK_IDS.iter().find_map(|(name, source, medium)| {
        let is_param = event.text(name).is_some()
            || event
                .params
                .get(*name)
                .is_some_and(|text| !is_nothing(text));
        (is_param || query(page, name).is_some()).then(|| Source {
            source: Some((*source).to_owned()),
            medium: Some((*medium).to_owned()),
            ..Source::default()
        })
    })
}

fn referred(event: &Event) -> Option<Source> {
    let from = bare(&host(event.page_referrer.as_deref()?)?);
    let medium = match category(&from) {
        Some(Category::Search) => "organic",
        _ => "referral",
    };
    Some(Source {
        source: Some(from),
        medium: Some(medium.to_owned()),
        ..Source::default()
    })
}

/// The host of `scheme://host[:port]/…`, in lower case.
fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty()).then(|| host.to_lowercase())
}

/// A parameter of a URL's query, decoded; nothing where it is absent or says nothing.
fn query(url: &str, name: &str) -> Option<String> {
    let query = url.split('#').next()?.split_once('?')?.1;
    let (_, text) = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)?;
    let text = decode(text).trim().to_owned();
    (!is_nothing(&text)).then_some(text)
}

fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|_| byte == b'%')
        {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
