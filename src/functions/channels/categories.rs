//! The category of a source (SPEC §5): by its text in lower case, else without a leading
//! `www.` or `m.`, else, where that is a registrable domain, by its name without the
//! public suffix: `google.co.uk` is `google`, `mail.google.com` is not.
//!
//! Public suffixes are those of the list's ICANN part. Below a suffix of its private part
//! anyone can take a name: `google.github.io` is not `google`.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use crate::{Error, Result};

/// A category that takes a source out of the list.
const NONE: &str = "none";

/// Sources and their categories.
#[derive(Debug, Default)]
pub(super) struct Categories {
    of_source: HashMap<String, String>,
}

impl Categories {
    /// Lays the lines of a CSV file `source,category` over what is there. Lines that start
    /// with `#` are comments.
    pub(super) fn add(&mut self, csv: &str, file: &str) -> Result<()> {
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
        let unreadable = |error: csv::Error| {
            let line = error.position().map(csv::Position::line);
            let wrong = Error::model("cannot read the source categories").with("file", file);
            match line {
                Some(line) => wrong.with("line", line),
                None => wrong,
            }
            .caused_by(error)
        };
        let header = reader.headers().map_err(unreadable)?;
        if header != vec!["source", "category"] {
            return Err(
                Error::model("the source categories have other columns than expected")
                    .with("file", file)
                    .with("columns", header.iter().collect::<Vec<_>>().join(","))
                    .hint("the first line must be `source,category`"),
            );
        }
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            let (source, category) = (&record[0], &record[1]);
            if source.is_empty() || category.is_empty() {
                let line = record.position().map_or(0, csv::Position::line);
                return Err(Error::model("a source or its category is empty")
                    .with("file", file)
                    .with("line", line)
                    .hint(format!(
                        "the category `{NONE}` takes a source out of the list"
                    )));
            }
            self.of_source
                .insert(source.to_lowercase(), category.to_lowercase());
        }
        Ok(())
    }

    /// The category of a source.
    pub(super) fn find(&self, source: &str) -> Option<&str> {
        let folded = source.trim().to_lowercase();
        let category = self.listed(&folded).or_else(|| {
            let bare = without_prefix(&folded);
            let bare_category = if bare.len() < folded.len() {
                self.listed(bare)
            } else {
                None
            };
            bare_category.or_else(|| self.listed(registrable_name(bare)?))
        })?;
        (category != NONE).then_some(category)
    }

    fn listed(&self, source: &str) -> Option<&str> {
        self.of_source.get(source).map(String::as_str)
    }

    /// Whether some source has this category.
    pub(super) fn has(&self, category: &str) -> bool {
        category != NONE && self.of_source.values().any(|one| one == category)
    }

    /// The categories, sorted.
    pub(super) fn names(&self) -> Vec<&str> {
        let names: BTreeSet<&str> = self.of_source.values().map(String::as_str).collect();
        names.into_iter().filter(|name| *name != NONE).collect()
    }

    /// All that the list says, sorted.
    pub(super) fn write_canonical(&self, text: &mut String) {
        let mut lines: Vec<_> = self.of_source.iter().collect();
        lines.sort_unstable();
        for (source, category) in lines {
            let _ = writeln!(text, "{source:?} {category:?}");
        }
    }
}

/// Without a leading `www.` or `m.`.
fn without_prefix(source: &str) -> &str {
    ["www.", "m."]
        .iter()
        .find_map(|prefix| source.strip_prefix(prefix))
        .unwrap_or(source)
}

/// `google` of `google.co.uk`; none of what is no registrable domain.
fn registrable_name(source: &str) -> Option<&str> {
    let domain = psl::domain(source.as_bytes())?;
    let suffix = domain.suffix();
    if domain.as_bytes().len() != source.len() || suffix.typ() != Some(psl::Type::Icann) {
        return None;
    }
    let name_and_dot = source.len().checked_sub(suffix.as_bytes().len())?;
    source.get(..name_and_dot)?.strip_suffix('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categories(csv: &str) -> Result<Categories> {
        let mut categories = Categories::default();
        categories.add(csv, "some.csv")?;
        Ok(categories)
    }

    fn small() -> Categories {
        categories("source,category\ngoogle,search\nblog.example.com,social\n").unwrap()
    }

    #[test]
    fn by_folded_text() {
        assert_eq!(small().find("Google"), Some("search"));
        assert_eq!(small().find("BLOG.example.com "), Some("social"));
        assert_eq!(small().find("goo"), None);
    }

    #[test]
    fn else_without_www_or_m() {
        assert_eq!(small().find("www.blog.example.com"), Some("social"));
        assert_eq!(small().find("m.blog.example.com"), Some("social"));
        assert_eq!(small().find("x.blog.example.com"), None);
    }

    #[test]
    fn else_a_registrable_domain_by_its_name() {
        assert_eq!(small().find("google.co.uk"), Some("search"));
        assert_eq!(small().find("www.google.com"), Some("search"));
        assert_eq!(small().find("mail.google.com"), None);
        assert_eq!(small().find("example.com"), None);
    }

    #[test]
    fn a_name_below_a_private_or_unknown_suffix_is_anyones() {
        assert_eq!(small().find("google.github.io"), None);
        assert_eq!(small().find("google.internal"), None);
    }

    #[test]
    fn later_lines_win_and_none_takes_out() {
        let mut list = small();
        list.add(
            "source,category\ngoogle.fr,none\nGOOGLE,Shopping\n",
            "own.csv",
        )
        .unwrap();
        assert_eq!(list.find("google.com"), Some("shopping"));
        assert_eq!(list.find("google.fr"), None);
        assert!(!list.has("none"));
        assert_eq!(list.names(), ["shopping", "social"]);
    }

    #[test]
    fn errors_name_file_and_line() {
        let error = categories("# head\nsource,category\na,b\nc\n").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Model);
        let place = ("line", "4".to_string());
        assert_eq!(error.context()[0], ("file", "some.csv".to_string()));
        assert_eq!(error.context()[1], place);
        assert_eq!(
            categories("source,category\na,b\nc,b\nc,\n")
                .unwrap_err()
                .context()[1],
            place
        );
        assert!(
            categories("source;category\n")
                .unwrap_err()
                .hint_text()
                .is_some()
        );
    }
}
