//! SPEC §5's rules by which one event has a traffic source, on plain text.
//!
//! Of an event's own places the first counts that gives a source or medium that is not
//! direct, and it counts whole: collected values, event params, `utm_` parameters of the
//! page, a click id, the referrer. A referral from the site itself or from an ignored host
//! is no source information wherever it stands: the next place is asked.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::url;
use crate::functions::channels::Channels;

/// A source with all that comes with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Source<'a> {
    pub(super) source: Option<Cow<'a, str>>,
    pub(super) medium: Option<Cow<'a, str>>,
    pub(super) campaign: Option<Cow<'a, str>>,
    pub(super) content: Option<Cow<'a, str>>,
    pub(super) term: Option<Cow<'a, str>>,
}

/// What an event says about where its visit came from. Null words are null already.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) collected: Source<'a>,
    pub(super) params: Source<'a>,
    pub(super) page_location: Option<&'a str>,
    pub(super) click_id_type: Option<&'a str>,
    pub(super) page_referrer: Option<&'a str>,
}

/// Click ids, the strongest first, with the source and medium that they stand for.
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

/// The rules with what the project sets.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Rules {
    ignored: BTreeSet<String>,
    channels: Arc<Channels>,
}

impl Rules {
    pub(super) fn new(ignore_referrers: &[String], channels: Arc<Channels>) -> Self {
        Rules {
            ignored: ignored_hosts(ignore_referrers),
            channels,
        }
    }

    /// The event's traffic source, or none if it carries no source information.
    pub(super) fn apply<'a>(&self, event: Event<'a>) -> Option<Source<'a>> {
        let page = event.page_location;
        if self.is_information(&event.collected, page) {
            return Some(event.collected);
        }
        if self.is_information(&event.params, page) {
            return Some(event.params);
        }
        let (utm, page_click_id) = page.map(read_page).unwrap_or_default();
        if self.is_information(&utm, page) {
            return Some(utm);
        }
        let click_id = event.click_id_type.and_then(click_id_rank);
        if let Some(rank) = [click_id, page_click_id].into_iter().flatten().min() {
            let (_, source, medium) = CLICK_IDS[rank];
            return Some(source_and_medium(source.into(), medium));
        }
        self.referral(event.page_referrer?, page)
    }

    /// Whether a source or medium is given that is not direct, and no referral that does
    /// not count.
    fn is_information(&self, given: &Source, page: Option<&str>) -> bool {
        let (source, medium) = (given.source.as_deref(), given.medium.as_deref());
        if is_direct(source, medium) {
            return false;
        }
        let is_referral = medium.is_some_and(|medium| medium.eq_ignore_ascii_case("referral"));
        match source {
            Some(source) if is_referral => {
                let host = url::host(source).unwrap_or(source);
                !self.is_own_or_ignored(host, page)
            }
            _ => true,
        }
    }

    /// The last rule: a referrer of another host.
    fn referral(&self, referrer: &str, page: Option<&str>) -> Option<Source<'static>> {
        let host = url::host(referrer)?;
        if self.is_own_or_ignored(host, page) {
            return None;
        }
        let source = url::without_www(host).to_lowercase();
        let medium = match self.channels.category(&source) {
            Some("search") => "organic",
            _ => "referral",
        };
        Some(source_and_medium(source.into(), medium))
    }

    fn is_own_or_ignored(&self, host: &str, page: Option<&str>) -> bool {
        let page_host = page.and_then(url::host);
        page_host.is_some_and(|page_host| url::is_same_or_parent(host, page_host))
            || self.is_ignored(host)
    }

    fn is_ignored(&self, host: &str) -> bool {
        if self.ignored.is_empty() {
            return false;
        }
        let host = url::without_www(host).to_lowercase();
        let mut parents = std::iter::successors(Some(&*host), |domain| {
            domain.split_once('.').map(|(_, parent)| parent)
        });
        parents.any(|domain| self.ignored.contains(domain))
    }
}

/// Ignored hosts in the form in which they are compared, sorted.
pub(in crate::functions) fn ignored_hosts(written: &[String]) -> BTreeSet<String> {
    written
        .iter()
        .map(|written| {
            let host = url::host(written).unwrap_or(written).trim();
            let host = host.trim_start_matches("*.").trim_start_matches('.');
            url::without_www(host).to_lowercase()
        })
        .filter(|host| !host.is_empty())
        .collect()
}

/// No source or `(direct)`, and no medium, `(none)` or `(not set)`.
fn is_direct(source: Option<&str>, medium: Option<&str>) -> bool {
    source.is_none_or(|source| source.eq_ignore_ascii_case("(direct)"))
        && medium.is_none_or(|medium| {
            medium.eq_ignore_ascii_case("(none)") || medium.eq_ignore_ascii_case("(not set)")
        })
}

fn source_and_medium<'a>(source: Cow<'a, str>, medium: &'a str) -> Source<'a> {
    Source {
        source: Some(source),
        medium: Some(medium.into()),
        ..Source::default()
    }
}

/// The place of a click id in [`CLICK_IDS`].
fn click_id_rank(name: &str) -> Option<usize> {
    CLICK_IDS.iter().position(|(known, ..)| *known == name)
}

/// The `utm_` parameters of a page and the rank of its first click id. Of a parameter that
/// is there twice, the first that has a value counts.
fn read_page(page: &str) -> (Source<'_>, Option<usize>) {
    let mut utm = Source::default();
    let mut click_id: Option<usize> = None;
    for (name, value) in url::parameters(page) {
        let slot = match &*name {
            "utm_source" => &mut utm.source,
            "utm_medium" => &mut utm.medium,
            "utm_campaign" => &mut utm.campaign,
            "utm_content" => &mut utm.content,
            "utm_term" => &mut utm.term,
            name => {
                if let Some(rank) = click_id_rank(name)
                    && clean(value).is_some()
                {
                    click_id = Some(click_id.map_or(rank, |other| other.min(rank)));
                }
                continue;
            }
        };
        if slot.is_none() {
            *slot = clean(value);
        }
    }
    (utm, click_id)
}

/// Words that stand for no value (SPEC §2).
const NULL_WORDS: [&str; 5] = ["", "null", "undefined", "(not set)", "nan"];

/// The value trimmed, or none if it stands for none.
fn clean(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let value = match value {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() < text.len() => {
            Cow::Owned(text.trim().to_string())
        }
        trimmed => trimmed,
    };
    let is_null = NULL_WORDS
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word));
    (!is_null).then_some(value)
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
