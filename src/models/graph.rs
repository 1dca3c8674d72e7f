//! Which model reads which: the order to build them in, and who is up- and downstream.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::Catalog;
use super::data_tests::Check;
use super::model::Model;
use super::source::SourceFile;
use crate::config::hint;
use crate::{Error, Result};

/// The raw table, which every catalog may read.
pub const RAW_EVENTS: &str = "raw_ga4_events";

/// The models as a graph without cycles.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    order: Vec<String>,
    parents: BTreeMap<String, BTreeSet<String>>,
    children: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// The graph of a catalog's models. Besides the models, SQL may read `raw_ga4_events`
    /// and the tables in `others`.
    ///
    /// # Errors
    ///
    /// `model`: SQL reads a table that nobody knows (with line and caret), or models read
    /// each other in a circle.
    pub fn new(catalog: &Catalog, others: &[&str]) -> Result<Graph> {
        check_tables(catalog, others)?;
        let mut graph = Graph {
            order: Vec::new(),
            parents: BTreeMap::new(),
            children: BTreeMap::new(),
        };
        for model in catalog.models() {
            let parents = model
                .depends_on
                .iter()
                .filter(|name| catalog.get(name).is_some());
            let parents: BTreeSet<String> = parents.cloned().collect();
            for parent in &parents {
                let children = graph.children.entry(parent.clone()).or_default();
                children.insert(model.name.clone());
            }
            graph.parents.insert(model.name.clone(), parents);
        }
        graph.order = graph.sort().map_err(|cycle| cycle_error(catalog, &cycle))?;
        Ok(graph)
    }

    /// All models, each after those that it reads; of several that could be next, the
    /// first by name.
    pub fn order(&self) -> &[String] {
        &self.order
    }

    /// The models that `name` reads.
    pub fn parents(&self, name: &str) -> impl Iterator<Item = &str> {
        self.parents
            .get(name)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The models that read `name`.
    pub fn children(&self, name: &str) -> impl Iterator<Item = &str> {
        self.children
            .get(name)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The models that `name` reads, those that they read, and so on, over at most `steps`
    /// steps; without `name` itself.
    pub fn upstream(&self, name: &str, steps: Option<usize>) -> BTreeSet<String> {
        reachable(&self.parents, name, steps)
    }

    /// The models that read `name`, those that read them, and so on, over at most `steps`
    /// steps; without `name` itself.
    pub fn downstream(&self, name: &str, steps: Option<usize>) -> BTreeSet<String> {
        reachable(&self.children, name, steps)
    }

    /// The order, or else a cycle: each reads the next, and the last is the first.
    fn sort(&self) -> Result<Vec<String>, Vec<String>> {
        let mut waiting: BTreeMap<&str, usize> = self
            .parents
            .iter()
            .map(|(name, parents)| (name.as_str(), parents.len()))
            .collect();
        let mut ready: BTreeSet<&str> = waiting
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| *name)
            .collect();
        let mut order = Vec::new();
        while let Some(name) = ready.pop_first() {
            waiting.remove(name);
            order.push(name.to_owned());
            for child in self.children(name) {
                if let Some(count) = waiting.get_mut(child) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(child);
                    }
                }
            }
        }
        let Some(start) = waiting.keys().next() else {
            return Ok(order);
        };
        // Each that still waits reads another that does: going on leads into a cycle.
        let mut path: Vec<&str> = vec![start];
        loop {
            let last = path[path.len() - 1];
            let Some(next) = self.parents(last).find(|name| waiting.contains_key(name)) else {
                return Ok(order);
            };
            let seen = path.iter().position(|name| *name == next);
            path.push(next);
            if let Some(seen) = seen {
                return Err(path[seen..].iter().map(|name| name.to_string()).collect());
            }
        }
    }
}

fn reachable(
    edges: &BTreeMap<String, BTreeSet<String>>,
    name: &str,
    steps: Option<usize>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut frontier = vec![name.to_owned()];
    let mut step = 0;
    while !frontier.is_empty() && steps.is_none_or(|most| step < most) {
        let next: BTreeSet<String> = frontier
            .iter()
            .filter_map(|name| edges.get(name))
            .flatten()
            .cloned()
            .collect();
        frontier = next
            .into_iter()
            .filter(|name| found.insert(name.clone()))
            .collect();
        step += 1;
    }
    found
}

/// Refuses tables that nobody knows.
fn check_tables(catalog: &Catalog, others: &[&str]) -> Result<()> {
    let models = catalog.models().map(|model| model.name.as_str());
    let known: BTreeSet<&str> = models
        .chain([RAW_EVENTS])
        .chain(others.iter().copied())
        .collect();
    let unknown = |file: &SourceFile, span: &std::ops::Range<usize>, name: &str| {
        let tables = known
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let mut way_out = hint(name, "tables", known.iter().copied());
        if way_out.starts_with("did you mean") {
            way_out = format!("{way_out} tables: {tables}");
        }
        file.error(
            span.clone(),
            format!("there is no table `{name}`"),
            "no such table",
        )
        .hint(way_out)
    };
    let of_models = catalog.models().map(|model| (&model.file, &model.tables));
    let of_tests = catalog.sql_tests().map(|test| (&test.file, &test.tables));
    for (file, tables) in of_models.chain(of_tests) {
        for table in tables {
            if !known.contains(table.name.as_str()) {
                return Err(unknown(file, &table.span, &table.name));
            }
        }
    }
    for model in catalog.models() {
        for test in model.properties.all_tests() {
            if let (Check::Relationships { to, .. }, Some(file)) =
                (&test.check, &model.properties.file)
                && !known.contains(to.as_str())
            {
                return Err(unknown(file, &test.span, to));
            }
        }
    }
    Ok(())
}

fn cycle_error(catalog: &Catalog, cycle: &[String]) -> Error {
    let message = format!("models read each other in a circle: {}", cycle.join(" → "));
    let members: Vec<&Model> = cycle
        .iter()
        .skip(1)
        .filter_map(|name| catalog.get(name))
        .collect();
    // The first reads the second: point there.
    let first = cycle.first().and_then(|name| catalog.get(name));
    let mut error = match (first, cycle.get(1)) {
        (Some(model), Some(next)) => {
            let used = model.tables.iter().find(|table| table.name == *next);
            let span = used.map_or(0..0, |table| table.span.clone());
            model.file.error(span, message, "closes the circle")
        }
        _ => Error::model(message),
    };
    for model in members
        .iter()
        .filter(|model| cycle.first() != Some(&model.name))
    {
        error = error.with("file", model.origin());
    }
    error.hint("move what both need into a model of its own")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::catalog::tests::catalog;

    fn graph(files: &[(&str, &str)]) -> Result<Graph> {
        Graph::new(&catalog(files).unwrap(), &["extra"])
    }

    const CHAIN: &[(&str, &str)] = &[
        ("m/a.sql", "select * from c cross join extra"),
        ("m/b.sql", "select * from raw_ga4_events"),
        ("m/c.sql", "select * from b"),
        ("m/d.sql", "select * from a cross join b"),
    ];

    #[test]
    fn orders_models_after_what_they_read() {
        let graph = graph(CHAIN).unwrap();
        assert_eq!(graph.order(), ["b", "c", "a", "d"]);
        let set = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<BTreeSet<_>>();
        assert_eq!(graph.upstream("d", None), set(&["a", "b", "c"]));
        assert_eq!(graph.upstream("d", Some(1)), set(&["a", "b"]));
        assert_eq!(graph.downstream("c", None), set(&["a", "d"]));
        assert_eq!(graph.children("b").collect::<Vec<_>>(), ["c", "d"]);
        assert_eq!(graph.parents("a").collect::<Vec<_>>(), ["c"]);
    }

    #[test]
    fn a_cycle_is_named_with_its_files() {
        let error = graph(&[
            ("m/a.sql", "select *\nfrom b"),
            ("m/b.sql", "select * from c"),
            ("m/c.sql", "select * from a"),
            ("m/d.sql", "select * from a"),
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "models read each other in a circle: a → b → c → a (file: project/queries/m/a.sql, \
             line: 2, column: 6, file: project/queries/m/b.sql, file: project/queries/m/c.sql)"
        );
        assert!(error.snippet_text().unwrap().contains("2 | from b"));
        let error = graph(&[("m/a.sql", "select * from a")]).unwrap_err();
        assert!(error.message().ends_with("a → a"), "{error}");
    }

    #[test]
    fn an_unknown_table_is_shown_with_the_nearest() {
        let error = graph(&[
            ("m/sessions.sql", "select 1"),
            ("m/x.sql", "select *\nfrom sesions"),
        ])
        .unwrap_err();
        assert_eq!(error.message(), "there is no table `sesions`");
        assert_eq!(
            error.hint_text(),
            Some("did you mean `sessions`? tables: `extra`, `raw_ga4_events`, `sessions`, `x`")
        );
        assert_eq!(
            error.snippet_text(),
            Some(
                " --> project/queries/m/x.sql:2:6\n  |\n2 | from sesions\n  |      ^^^^^^^ no such table"
            )
        );
        let error = graph(&[("tests/x.sql", "select * from nowhere")]).unwrap_err();
        assert_eq!(error.message(), "there is no table `nowhere`");
        let yaml = "models: [{name: x, columns: [{name: a, tests: [{relationships: {to: y, field: b}}]}]}]";
        let error = graph(&[("x.sql", "select 1 as a"), ("x.yml", yaml)]).unwrap_err();
        assert_eq!(error.message(), "there is no table `y`");
    }
}
