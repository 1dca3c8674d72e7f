//! Channels: which of GA4's default channel groups, or of a project's own, a visit belongs
//! to (SPEC §5).
//!
//! In: the rules and source categories that ship in `queries/channels/`, and a project's
//! own files of those names. Out: [`Channels`], which answers for a source, medium,
//! campaign and date. Rules are data with the dates between which they hold, so a session
//! keeps the channel that was right on its day.

mod categories;
mod rules;

use std::path::Path;

use crate::{Error, Result};
use categories::Categories;
use rules::{Rule, Visit};

/// The channel where no rule holds.
pub const UNASSIGNED: &str = "Unassigned";

/// The rules that ship with the binary, for `attrib init` to copy out.
pub const GA4_RULES: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/queries/channels/rules.yml"
));

/// The source categories that ship with the binary.
pub const GA4_CATEGORIES: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/queries/channels/source_categories.csv"
));

/// Channel rules in order, compiled, with the categories that they ask for.
#[derive(Debug)]
pub struct Channels {
    rules: Vec<Rule>,
    /// The names in the order of the rules, [`UNASSIGNED`] last.
    names: Vec<String>,
    /// Per rule, the place of its channel in `names`.
    channel_of_rule: Vec<usize>,
    categories: Categories,
    /// The days on which some rule begins or ceases to hold, sorted.
    changes: Vec<i32>,
    fingerprint: String,
}

/// By fingerprint.
impl PartialEq for Channels {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Channels {}

impl std::hash::Hash for Channels {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

impl Channels {
    /// GA4's rules, changed by the project whose `queries` folder this is, if any:
    /// `channels/rules.yml` there replaces them, or comes before them if it says
    /// `extends: ga4`; `channels/source_categories.csv` is laid over GA4's list.
    ///
    /// Errors are of kind `model` and name the file and the line.
    pub fn load(project_queries: Option<&Path>) -> Result<Self> {
        let folder = project_queries.map(|queries| queries.join("channels"));
        let project_file = |name: &str| match &folder {
            Some(folder) => read_if_there(folder.join(name)),
            None => Ok(None),
        };
        let project_rules = project_file("rules.yml")?;
        let project_categories = project_file("source_categories.csv")?;

        let mut categories = Categories::default();
        categories.add(GA4_CATEGORIES, "queries/channels/source_categories.csv")?;
        if let Some((file, text)) = &project_categories {
            categories.add(text, file)?;
        }
        let ga4 = || rules::parse(GA4_RULES, "queries/channels/rules.yml", &categories);
        let rules = match &project_rules {
            None => ga4()?.rules,
            Some((file, text)) => {
                let own = rules::parse(text, file, &categories)?;
                let mut rules = own.rules;
                if own.extends_ga4 {
                    rules.extend(ga4()?.rules);
                }
                rules
            }
        };
        Ok(Channels::new(rules, categories))
    }

    fn new(rules: Vec<Rule>, categories: Categories) -> Self {
        let mut names: Vec<String> = Vec::new();
        for rule in &rules {
            if rule.channel != UNASSIGNED && !names.contains(&rule.channel) {
                names.push(rule.channel.clone());
            }
        }
        names.push(UNASSIGNED.to_string());
        let channel_of_rule = rules
            .iter()
            .map(|rule| {
                let place = names.iter().position(|name| *name == rule.channel);
                place.unwrap_or(names.len() - 1)
            })
            .collect();
        let mut changes: Vec<i32> = rules
            .iter()
            .flat_map(|rule| [rule.from, rule.until])
            .flatten()
            .collect();
        changes.sort_unstable();
        changes.dedup();

        let mut text = String::new();
        for rule in &rules {
            text.push_str(&rule.canonical);
            text.push('\n');
        }
        categories.write_canonical(&mut text);
        let fingerprint = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()));
        Channels {
            rules,
            names,
            channel_of_rule,
            categories,
            changes,
            fingerprint,
        }
    }

    /// All channels that a visit can have, in the order of the rules, `Unassigned` last.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Changes with what the rules and categories say, not with comments or spelling.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The category of a source, if it has one: by its text in lower case, else without a
    /// leading `www.` or `m.`, else, where that is a registrable domain, by its name
    /// without the public suffix.
    pub fn category(&self, source: &str) -> Option<&str> {
        self.categories.find(source)
    }

    /// The channel of a visit on a date (days since 1970-01-01; none asks for the rules
    /// that hold last). Case does not matter.
    pub fn channel(
        &self,
        source: Option<&str>,
        medium: Option<&str>,
        campaign: Option<&str>,
        date: Option<i32>,
    ) -> &str {
        &self.names[self.channel_index(source, medium, campaign, date)]
    }

    /// As [`Channels::channel`], as a place in [`Channels::names`].
    pub(super) fn channel_index(
        &self,
        source: Option<&str>,
        medium: Option<&str>,
        campaign: Option<&str>,
        date: Option<i32>,
    ) -> usize {
        let [source, medium, campaign] =
            [source, medium, campaign].map(|text| text.map(str::to_lowercase));
        let visit = Visit {
            category: source
                .as_deref()
                .and_then(|source| self.categories.find(source)),
            source: source.as_deref(),
            medium: medium.as_deref(),
            campaign: campaign.as_deref(),
        };
        let rule = self
            .rules
            .iter()
            .position(|rule| rule.holds_on(date) && rule.holds_for(&visit));
        rule.map_or(self.names.len() - 1, |rule| self.channel_of_rule[rule])
    }

    /// Which set of rules holds on a date: equal numbers, equal rules.
    pub(super) fn version(&self, date: Option<i32>) -> usize {
        match date {
            Some(date) => self.changes.partition_point(|change| *change <= date),
            None => self.changes.len(),
        }
    }
}

/// The name and text of a file, or none if there is no such file.
fn read_if_there(file: std::path::PathBuf) -> Result<Option<(String, String)>> {
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some((file.display().to_string(), text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::model("cannot read a file of channel rules")
            .with("file", file.display())
            .caused_by(error)),
    }
}

#[cfg(test)]
mod tests;
