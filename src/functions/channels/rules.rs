//! Channel rules: their YAML form, and whether one holds for a visit. The form is described
//! at the head of `queries/channels/rules.yml`.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::categories::Categories;
use crate::{Error, Result};

/// A rule, ready to use.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) channel: String,
    /// The first day on which it holds, as days since 1970-01-01.
    pub(super) from: Option<i32>,
    /// The first day on which it no longer holds.
    pub(super) until: Option<i32>,
    /// What it says, free of comments, layout and case: equal texts, equal rules.
    pub(super) canonical: String,
    /// One of these must hold.
    any: Vec<Vec<(Field, Test)>>,
}

/// What a rule is asked about: texts in lower case, and the source's category.
pub(super) struct Visit<'a> {
    pub(super) source: Option<&'a str>,
    pub(super) medium: Option<&'a str>,
    pub(super) campaign: Option<&'a str>,
    pub(super) category: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Source,
    Medium,
    Campaign,
}

#[derive(Debug)]
enum Test {
    Is(Vec<Option<String>>),
    Matches(Regex),
    Contains(String),
    EndsWith(String),
    Category(String),
}

impl Rule {
    pub(super) fn holds_on(&self, date: Option<i32>) -> bool {
        match date {
            Some(date) => {
                self.from.is_none_or(|from| from <= date)
                    && self.until.is_none_or(|until| date < until)
            }
            None => self.until.is_none(),
        }
    }

    pub(super) fn holds_for(&self, visit: &Visit) -> bool {
        self.any
            .iter()
            .any(|all| all.iter().all(|(field, test)| test.holds(*field, visit)))
    }
}

impl Test {
    fn holds(&self, field: Field, visit: &Visit) -> bool {
        let text = match field {
            Field::Source => visit.source,
            Field::Medium => visit.medium,
            Field::Campaign => visit.campaign,
        };
        match self {
            Test::Is(texts) => texts.iter().any(|one| one.as_deref() == text),
            Test::Matches(pattern) => text.is_some_and(|text| pattern.is_match(text)),
            Test::Contains(part) => text.is_some_and(|text| text.contains(part)),
            Test::EndsWith(end) => text.is_some_and(|text| text.ends_with(end)),
            Test::Category(name) => visit.category == Some(name),
        }
    }
}

/// A file of rules.
#[derive(Debug)]
pub(super) struct RulesFile {
    pub(super) extends_ga4: bool,
    pub(super) rules: Vec<Rule>,
}

/// Reads a file of rules. A category that no source has is an error, as it is a slip.
pub(super) fn parse(text: &str, file: &str, categories: &Categories) -> Result<RulesFile> {
    let written: WrittenFile = serde_saphyr::from_str(text).map_err(|error| {
        let wrong = Error::model("cannot read the channel rules").with("file", file);
        let wrong = match error.location() {
            Some(location) => wrong.with("line", location.line()),
            None => wrong,
        };
        wrong.caused_by(error.without_snippet().to_string())
    })?;
    let at = |location: Location, message: String| {
        Error::model(message)
            .with("file", file)
            .with("line", location.line())
    };
    if let Some(base) = &written.extends
        && base.value != "ga4"
    {
        return Err(at(
            base.referenced,
            format!("unknown base rules `{}`", base.value),
        )
        .hint("the only rules to extend are `ga4`"));
    }
    if written.rules.is_empty() && written.extends.is_none() {
        return Err(Error::model("the channel rules are empty")
            .with("file", file)
            .hint("write a rule, or `extends: ga4` for GA4's rules"));
    }
    let rules = written
        .rules
        .into_iter()
        .map(|rule| rule.compile(categories, &at))
        .collect::<Result<_>>()?;
    Ok(RulesFile {
        extends_ga4: written.extends.is_some(),
        rules,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    extends: Option<Spanned<String>>,
    #[serde(default)]
    rules: Vec<WrittenRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    channel: Spanned<String>,
    when: When,
    from: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
}

#[derive(Debug)]
struct When(Vec<WrittenCondition>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCondition {
    source: Option<WrittenTest>,
    medium: Option<WrittenTest>,
    campaign: Option<WrittenTest>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenTest {
    Is(Vec<Option<String>>),
    Matches(Spanned<String>),
    Contains(String),
    EndsWith(String),
    Category(Spanned<String>),
}

/// A map, or a list of maps.
impl<'de> Deserialize<'de> for When {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOrList;

        impl<'de> Visitor<'de> for MapOrList {
            type Value = When;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("tests on source, medium or campaign, or a list of such")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<When, A::Error> {
                WrittenCondition::deserialize(MapAccessDeserializer::new(map))
                    .map(|condition| When(vec![condition]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<When, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(When)
            }
        }

        deserializer.deserialize_any(MapOrList)
    }
}

impl WrittenRule {
    fn compile(
        self,
        categories: &Categories,
        at: &impl Fn(Location, String) -> Error,
    ) -> Result<Rule> {
        let start = self.channel.referenced;
        let channel = self.channel.value.trim().to_string();
        if channel.is_empty() {
            return Err(at(start, "a rule has an empty channel name".to_string()));
        }
        let mut any = Vec::new();
        for condition in self.when.0 {
            let fields = [
                (Field::Source, condition.source),
                (Field::Medium, condition.medium),
                (Field::Campaign, condition.campaign),
            ];
            let mut all = Vec::new();
            for (field, test) in fields {
                if let Some(test) = test {
                    all.push((field, test.compile(field, categories, at)?));
                }
            }
            if all.is_empty() {
                any.clear();
                break;
            }
            any.push(all);
        }
        if any.is_empty() {
            return Err(at(start, format!("the rule for `{channel}` tests nothing"))
                .hint("every map under `when` needs a test on source, medium or campaign"));
        }
        let date = |written: Option<Spanned<String>>| match written {
            None => Ok(None),
            Some(date) => match NaiveDate::from_str(&date.value) {
                Ok(day) => Ok(Some(days(day))),
                Err(_) => Err(at(date.referenced, format!("`{}` is no date", date.value))
                    .hint("write it as 2026-05-13")),
            },
        };
        let (from, until) = (date(self.from)?, date(self.until)?);
        // A regex prints as its pattern.
        let canonical = format!("{channel} {from:?} {until:?} {any:?}");
        Ok(Rule {
            channel,
            from,
            until,
            canonical,
            any,
        })
    }
}

impl WrittenTest {
    fn compile(
        self,
        field: Field,
        categories: &Categories,
        at: &impl Fn(Location, String) -> Error,
    ) -> Result<Test> {
        Ok(match self {
            WrittenTest::Is(texts) => Test::Is(
                texts
                    .into_iter()
                    .map(|text| text.map(|text| text.to_lowercase()))
                    .collect(),
            ),
            WrittenTest::Contains(part) => Test::Contains(part.to_lowercase()),
            WrittenTest::EndsWith(end) => Test::EndsWith(end.to_lowercase()),
            WrittenTest::Matches(pattern) => {
                let whole = format!("^(?:{})$", pattern.value);
                let regex = RegexBuilder::new(&whole)
                    .case_insensitive(true)
                    .dot_matches_new_line(true)
                    .build()
                    .map_err(|error| {
                        let message = format!("`{}` is no regular expression", pattern.value);
                        at(pattern.referenced, message).caused_by(error)
                    })?;
                Test::Matches(regex)
            }
            WrittenTest::Category(name) => {
                let category = name.value.to_lowercase();
                if !matches!(field, Field::Source) {
                    return Err(at(
                        name.referenced,
                        "only a source has a category".to_string(),
                    ));
                }
                if !categories.has(&category) {
                    let known = categories.names().join(", ");
                    let message = format!("no source has the category `{category}`");
                    return Err(at(name.referenced, message).hint(format!(
                        "the categories are {known}; source_categories.csv adds"
                    )));
                }
                Test::Category(category)
            }
        })
    }
}

/// Days since 1970-01-01.
fn days(date: NaiveDate) -> i32 {
    const EPOCH: i32 = 719_163;
    date.num_days_from_ce() - EPOCH
}
