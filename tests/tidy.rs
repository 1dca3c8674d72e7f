//! The house rules, as tests: what every file opens with, how long it may be, who may
//! import whom, who may print, and what never gets in.

use std::fs;
use std::path::{Path, PathBuf};

/// A file may have this many lines, with its tests.
const MOST_LINES: usize = 500;

/// Who may import whom (docs/architecture.md): a folder of `src/` and what it may name.
const IMPORTS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("clock", &[]),
    ("config", &[]),
    ("report", &[]),
    ("progress", &[]),
    ("events", &[]),
    ("snapshot", &[]),
    ("models", &[]),
    ("functions", &[]),
    ("engine", &["events", "snapshot", "models", "functions"]),
    (
        "project",
        &["events", "snapshot", "models", "functions", "engine"],
    ),
];

/// What everything may import, beside itself.
const OPEN: &[&str] = &["error", "clock", "config", "report", "progress"];

/// What the command line sees of the library.
const FACADE: &[&str] = &["project", "report", "progress", "error", "clock", "config"];

/// A text file of the repository.
struct Source {
    /// From the root of the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Whether the file holds tests and nothing else.
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let is_named = ["tests.rs", "testing.rs"].contains(&name)
            || name.ends_with("_test.rs")
            || name.ends_with("_tests.rs");
        is_named || self.path.starts_with("tests/")
    }

    /// The lines of the product with their numbers: no comments, no `#[cfg(test)]` items.
    fn product_lines(&self) -> Vec<(usize, &str)> {
        let mut lines = Vec::new();
        let mut skipped_indent = None;
        for (number, line) in (1..).zip(self.text.lines()) {
            let indent = line.len() - line.trim_start().len();
            let code = line.trim();
            if let Some(skipped) = skipped_indent {
                let is_item = indent == skipped && !code.is_empty();
                if is_item && (code.ends_with(';') || code == "}") {
                    skipped_indent = None;
                }
            } else if code == "#[cfg(test)]" {
                skipped_indent = Some(indent);
            } else if !code.starts_with("//") {
                lines.push((number, line));
            }
        }
        lines
    }
}

/// The files below the folders (or of the names) whose names end so.
fn files(roots: &[&str], extensions: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut todo: Vec<PathBuf> = roots.iter().map(|name| root.join(name)).collect();
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            todo.extend(entries);
            continue;
        }
        let extension = path
            .extension()
            .unwrap_or_default()
            .to_str()
            .unwrap_or_default();
        if extensions.contains(&extension) {
            let below = path.strip_prefix(root).unwrap().to_str().unwrap();
            let text = fs::read_to_string(&path).unwrap();
            found.push(Source {
                path: below.replace('\\', "/"),
                text,
            });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no files below {roots:?}");
    found
}

fn rust() -> Vec<Source> {
    files(&["src", "tests", "fixtures/generator", "build.rs"], &["rs"])
}

/// Everything that people wrote: code, models, docs, settings.
fn written() -> Vec<Source> {
    let roots = [
        "src",
        "tests",
        "queries",
        "docs",
        "fixtures",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "Cargo.toml",
        "build.rs",
    ];
    files(&roots, &["rs", "sql", "yml", "md", "toml"])
}

/// Fails with all offences at once.
fn none(rule: &str, offences: Vec<String>) {
    assert!(
        offences.is_empty(),
        "{rule}:\n  {}\n",
        offences.join("\n  ")
    );
}

#[test]
fn every_file_says_what_it_owns() {
    let silent = rust()
        .into_iter()
        .filter(|file| !file.text.starts_with("//! "));
    none(
        "open the file with `//!`",
        silent.map(|file| file.path).collect(),
    );
}

#[test]
fn every_query_says_what_a_row_is() {
    let silent = files(&["queries"], &["sql"])
        .into_iter()
        .filter(|file| !file.text.starts_with("-- "));
    none(
        "open the file with a comment",
        silent.map(|file| file.path).collect(),
    );
}

#[test]
fn no_file_is_long() {
    let long = written().into_iter().filter(|file| {
        let is_written = !file.path.starts_with("docs/reference/");
        is_written && file.text.lines().count() > MOST_LINES
    });
    none("split the file", long.map(|file| file.path).collect());
}

#[test]
fn imports_go_one_way() {
    let mut offences = Vec::new();
    for file in files(&["src"], &["rs"])
        .iter()
        .filter(|file| !file.is_test())
    {
        let below = file.path.trim_start_matches("src/");
        let owner = below.split(['/', '.']).next().unwrap_or_default();
        let (root, allowed): (_, &[&str]) = match owner {
            "lib" => continue,
            "main" | "cli" => ("attrib::", FACADE),
            _ => {
                let rule = IMPORTS.iter().find(|(name, _)| *name == owner);
                let Some((_, allowed)) = rule else {
                    offences.push(format!("{}: `{owner}` is not in the table", file.path));
                    continue;
                };
                ("crate::", *allowed)
            }
        };
        for (line, name) in imports(file, root) {
            let is_allowed = name == owner || [OPEN, allowed].concat().contains(&name.as_str());
            if !is_allowed {
                offences.push(format!("{}:{line}: {owner} imports {name}", file.path));
            }
        }
    }
    none("import as docs/architecture.md says", offences);
}

/// The modules that a file names after `crate::` (or `attrib::`), also within braces, with
/// their lines. What begins with a capital is a type that the crate shows to all.
fn imports(file: &Source, root: &str) -> Vec<(usize, String)> {
    let lines = file.product_lines();
    let mut found = Vec::new();
    for (i, (number, line)) in lines.iter().enumerate() {
        for (at, _) in line.match_indices(root) {
            let is_word = line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if is_word {
                continue;
            }
            let rest: String = std::iter::once(&line[at + root.len()..])
                .chain(lines[i + 1..].iter().map(|(_, line)| line.trim()))
                .take(20)
                .collect();
            let names = match rest.strip_prefix('{') {
                Some(group) => heads(group),
                None => vec![word(&rest)],
            };
            let modules = names.into_iter().filter(|name| {
                name.starts_with(|c: char| c.is_ascii_lowercase()) && name != "self"
            });
            found.extend(modules.map(|name| (*number, name)));
        }
    }
    found
}

/// The first word of each item of `a::b, c::{d, e}}`, up to the brace that closes it.
fn heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            _ => {}
        }
        if depth == 0 && c != ',' {
            items.last_mut().unwrap().push(c);
        }
    }
    items.iter().map(|item| word(item.trim())).collect()
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn the_table_of_imports_is_read_right() {
    let text = "use crate::{Error, events, models::{Model, sql}};\n\
                // crate::cli\n\
                #[cfg(test)]\nmod tests {\n    use crate::engine;\n}\n\
                fn f() { crate::snapshot::open() }\n";
    let file = Source {
        path: "src/x.rs".into(),
        text: text.into(),
    };
    let names: Vec<_> = imports(&file, "crate::")
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(names, ["events", "models", "snapshot"]);
}

#[test]
fn only_the_command_line_prints() {
    let prints = ["print!(", "println!(", "eprint!(", "eprintln!(", "dbg!("];
    let may_print = ["src/cli/print/", "src/cli/output/"];
    let files = files(&["src"], &["rs"]);
    let offences = files
        .iter()
        .filter(|file| !file.is_test())
        .filter(|file| !may_print.iter().any(|folder| file.path.starts_with(folder)));
    none(
        "print from src/cli/print or src/cli/output",
        lines_with(offences, &prints),
    );
}

#[test]
fn nothing_in_the_product_panics_on_purpose() {
    let panics = [
        ".unwrap()",
        ".expect(\"",
        "panic!(",
        "unreachable!(",
        "unimplemented!(",
    ];
    let files = files(&["src"], &["rs"]);
    let product = files.iter().filter(|file| !file.is_test());
    none("answer with an error", lines_with(product, &panics));
}

fn lines_with<'a>(files: impl Iterator<Item = &'a Source>, parts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.product_lines() {
            if parts.iter().any(|part| line.contains(part)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
    ];
    none("do it, or open an issue", lines_anywhere(&marks));
}

#[test]
fn no_path_of_somebody_s_machine() {
    let paths = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
    ];
    none("name no folder of one machine", lines_anywhere(&paths));
}

/// The lines, comments too, of all that was written that have one of the parts.
fn lines_anywhere(parts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in written() {
        for (number, line) in (1..).zip(file.text.lines()) {
            if parts.iter().any(|part| line.contains(part)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    found
}

#[test]
fn every_model_is_described() {
    let described: String = files(&["queries"], &["yml"])
        .iter()
        .map(|f| f.text.as_str())
        .collect();
    let folders = ["queries/staging", "queries/intermediate", "queries/marts"];
    let silent = files(&folders, &["sql"]).into_iter().filter_map(|file| {
        let name = file.path.rsplit('/').next()?.strip_suffix(".sql")?;
        let is_companion = name.contains('.');
        let is_described = described.contains(&format!("  - name: {name}\n    description:"));
        (!is_companion && !is_described).then_some(file.path)
    });
    none("describe the model in its YAML", silent.collect());
}
