//! Which models a run is about, in the words of dbt's `--select` and `--exclude`.
//!
//! | criterion | selects |
//! | --- | --- |
//! | `daily`, `mart_*` | models by name |
//! | `marts` | the models of a layer |
//! | `tag:nightly` | models with a tag |
//! | `path:queries/marts` | models below a folder, or the one of a file |
//! | `+a`, `a+`, `2+a+1` | also all up- or downstream, or so many steps |
//! | `a b` | either (also as several arguments) |
//! | `a,b` | both |

use std::collections::BTreeSet;

use glob::Pattern;

use super::catalog::Catalog;
use super::graph::Graph;
use super::model::Model;
use crate::config::hint;
use crate::{Error, Result};

/// The models that `select` names (all, if it is empty) without those that `exclude` does,
/// in the order to build them in.
///
/// # Errors
///
/// `config`: a criterion matches no model, or cannot be read.
pub fn select(
    catalog: &Catalog,
    graph: &Graph,
    select: &[String],
    exclude: &[String],
) -> Result<Vec<String>> {
    let mut chosen: BTreeSet<String> = match select {
        [] => graph.order().iter().cloned().collect(),
        _ => union(catalog, graph, select)?,
    };
    for name in union(catalog, graph, exclude)? {
        chosen.remove(&name);
    }
    Ok(graph
        .order()
        .iter()
        .filter(|name| chosen.contains(*name))
        .cloned()
        .collect())
}

fn union(catalog: &Catalog, graph: &Graph, arguments: &[String]) -> Result<BTreeSet<String>> {
    let mut chosen = BTreeSet::new();
    for term in arguments
        .iter()
        .flat_map(|argument| argument.split_whitespace())
    {
        let mut both: Option<BTreeSet<String>> = None;
        for criterion in term.split(',') {
            let found = one(catalog, graph, criterion)?;
            both = Some(match both {
                None => found,
                Some(others) => others.intersection(&found).cloned().collect(),
            });
        }
        chosen.extend(both.unwrap_or_default());
    }
    Ok(chosen)
}

/// How far to go from the models that are named: not at all, so many steps, or all the way.
type Steps = Option<Option<usize>>;

fn one(catalog: &Catalog, graph: &Graph, criterion: &str) -> Result<BTreeSet<String>> {
    let (up, rest) = match criterion.split_once('+') {
        Some((steps, rest)) if is_steps(steps) => (Some(steps.parse().ok()), rest),
        _ => (None, criterion),
    };
    let (down, name): (Steps, &str) = match rest.rsplit_once('+') {
        Some((name, steps)) if is_steps(steps) => (Some(steps.parse().ok()), name),
        _ => (None, rest),
    };
    let named = matching(catalog, name)?;
    if named.is_empty() {
        return Err(no_match(catalog, name));
    }
    let mut chosen = named.clone();
    for name in &named {
        if let Some(steps) = up {
            chosen.extend(graph.upstream(name, steps));
        }
        if let Some(steps) = down {
            chosen.extend(graph.downstream(name, steps));
        }
    }
    Ok(chosen)
}

fn is_steps(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

/// The models that a criterion without `+` names.
fn matching(catalog: &Catalog, criterion: &str) -> Result<BTreeSet<String>> {
    let (method, value) = criterion.split_once(':').unwrap_or(("name", criterion));
    let value = match method {
        "path" => value.trim_start_matches("./").trim_end_matches('/'),
        _ => value,
    };
    let pattern = Pattern::new(value).map_err(|error| {
        Error::config(format!("`{criterion}` cannot be read")).caused_by(error)
    })?;
    let is_match: Box<dyn Fn(&Model) -> bool> = match method {
        "name" => Box::new(|model| pattern.matches(&model.name) || model.layer == value),
        "tag" => Box::new(|model| {
            model
                .properties
                .config
                .tags
                .iter()
                .any(|tag| pattern.matches(tag))
        }),
        "path" => Box::new(|model| {
            let path = model.path();
            let below = path
                .strip_prefix(value)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            below || pattern.matches(&path)
        }),
        _ => {
            return Err(Error::config(format!("unknown way to select `{method}:`"))
                .with("criterion", criterion)
                .hint(hint(method, "ways to select", ["tag", "path"])));
        }
    };
    let found = catalog.models().filter(|model| is_match(model));
    Ok(found.map(|model| model.name.clone()).collect())
}

fn no_match(catalog: &Catalog, criterion: &str) -> Error {
    let mut candidates: BTreeSet<String> = BTreeSet::new();
    for model in catalog.models() {
        if criterion.starts_with("tag:") {
            let tags = model.properties.config.tags.iter();
            candidates.extend(tags.map(|tag| format!("tag:{tag}")));
        } else if criterion.starts_with("path:") {
            candidates.insert(format!("path:queries/{}", model.layer));
        } else {
            candidates.extend([model.name.clone(), model.layer.clone()]);
        }
    }
    let error = Error::config(format!("no model matches `{criterion}`"));
    match candidates.is_empty() {
        true => error.hint("no model has a tag"),
        false => error.hint(hint(
            criterion,
            "known",
            candidates.iter().map(String::as_str),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::catalog::tests::catalog;

    fn chosen(select_by: &[&str], exclude: &[&str]) -> Result<String> {
        let catalog = catalog(&[
            ("staging/a.sql", "select 1 as x"),
            ("intermediate/b.sql", "select * from a"),
            ("intermediate/c.sql", "select * from b"),
            ("marts/mart_d.sql", "select * from c"),
            ("marts/mart_e.sql", "select * from c"),
            (
                "marts/m.yml",
                "models: [{name: mart_d, tags: nightly}, {name: b, config: {tags: [nightly]}}]",
            ),
        ])?;
        let graph = Graph::new(&catalog, &[])?;
        let owned = |texts: &[&str]| texts.iter().map(|t| t.to_string()).collect::<Vec<_>>();
        Ok(select(&catalog, &graph, &owned(select_by), &owned(exclude))?.join(" "))
    }

    #[test]
    fn selects_in_the_words_of_dbt() {
        let cases: &[(&[&str], &str)] = &[
            (&[], "a b c mart_d mart_e"),
            (&["b"], "b"),
            (&["mart_*"], "mart_d mart_e"),
            (&["marts"], "mart_d mart_e"),
            (&["+b"], "a b"),
            (&["c+"], "c mart_d mart_e"),
            (&["1+c"], "b c"),
            (&["2+c+0"], "a b c"),
            (&["b+1"], "b c"),
            (&["+c+"], "a b c mart_d mart_e"),
            (&["tag:nightly"], "b mart_d"),
            (&["tag:night*"], "b mart_d"),
            (&["path:queries/marts"], "mart_d mart_e"),
            (&["path:queries/marts/mart_e.sql"], "mart_e"),
            (&["path:queries/*/b.sql"], "b"),
            (&["a", "mart_e"], "a mart_e"),
            (&["a mart_e"], "a mart_e"),
            (&["marts,tag:nightly"], "mart_d"),
            (&["+mart_d,+mart_e"], "a b c"),
            (&["1+path:queries/marts"], "c mart_d mart_e"),
        ];
        for (select, expected) in cases {
            assert_eq!(chosen(select, &[]).unwrap(), *expected, "{select:?}");
        }
        assert_eq!(chosen(&[], &["+c"]).unwrap(), "mart_d mart_e");
        assert_eq!(chosen(&["marts"], &["tag:nightly"]).unwrap(), "mart_e");
    }

    #[test]
    fn what_matches_nothing_is_refused_with_the_nearest() {
        let error = chosen(&["+mart_dd"], &[]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        assert_eq!(error.message(), "no model matches `mart_dd`");
        assert_eq!(error.hint_text(), Some("did you mean `mart_d`?"));
        let hint = |criterion: &str| {
            chosen(&[criterion], &[])
                .unwrap_err()
                .hint_text()
                .unwrap_or("")
                .to_owned()
        };
        assert_eq!(hint("tag:nightli"), "did you mean `tag:nightly`?");
        assert_eq!(
            hint("path:queries/mart"),
            "did you mean `path:queries/marts`?"
        );
        assert_eq!(hint("tags:nightly"), "did you mean `tag`?");
        assert!(chosen(&["["], &[]).is_err());
        assert!(chosen(&[], &["nothing"]).is_err());
    }
}
