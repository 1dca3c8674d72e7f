//! `attrib ls`: the models that there are.

use std::collections::BTreeMap;
use std::fmt::Write;

use attrib::Result;
use attrib::report::ListedModel;
use clap::Args;

use super::args::GlobalArgs;
use super::output::cut;
use super::print::{Printer, Style};

/// List the models: built-in and your own
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  attrib ls
  attrib ls +mart_attribution_last_click     One model and all it reads
  attrib ls --tree tag:attribution           Each with what it reads, as a tree
  attrib ls --quiet                          Names only")]
pub struct LsArgs {
    /// Only these models: NAME, +NAME, NAME+, tag:TAG, path:FOLDER
    #[arg(value_name = "MODELS")]
    pub select: Vec<String>,

    /// Draw what each model reads
    #[arg(long)]
    pub tree: bool,
}

pub async fn run(args: &LsArgs, global: &GlobalArgs, printer: &Printer) -> Result<()> {
    let models = super::open(global, &[])?.list(&args.select).await?;
    let width = printer.width();
    let is_quiet = printer.is_quiet();
    printer.answer(&models, |style| {
        if is_quiet {
            models
                .iter()
                .map(|model| format!("{}\n", model.name))
                .collect()
        } else if args.tree {
            tree(&models, style)
        } else {
            list(&models, width, style)
        }
    })
}

/// The models under the name of their layer, in the order given, with the first sentence
/// of what they hold.
fn list(models: &[ListedModel], width: Option<usize>, style: Style) -> String {
    let longest = models
        .iter()
        .map(|model| model.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    let mut layer = None;
    for model in models {
        if layer != Some(&model.layer) {
            let gap = if layer.is_some() { "\n" } else { "" };
            let _ = writeln!(text, "{gap}{}", style.strong(&model.layer));
            layer = Some(&model.layer);
        }
        let mut about = first_sentence(&model.description).to_owned();
        for note in notes(model) {
            let _ = write!(about, " [{note}]");
        }
        if let Some(width) = width {
            about = cut(&about, width.saturating_sub(longest + 4).max(20));
        }
        let line = format!("  {:longest$}  {about}", model.name);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// What sets a model apart: a view, a file of the project, its tags.
fn notes(model: &ListedModel) -> Vec<String> {
    let mut notes = Vec::new();
    if model.materialized != "table" {
        notes.push(model.materialized.clone());
    }
    if model.origin != "builtin" {
        notes.push(model.origin.clone());
    }
    notes.extend(model.tags.iter().map(|tag| format!("tag:{tag}")));
    notes
}

fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    let line = text.lines().next().unwrap_or_default();
    match line.find(". ") {
        Some(end) => &line[..end],
        None => line.trim_end_matches('.'),
    }
}

/// Each model that no other listed one reads, with what it reads below it. What was drawn
/// before is not drawn again.
fn tree(models: &[ListedModel], style: Style) -> String {
    let by_name: BTreeMap<&str, &ListedModel> = models
        .iter()
        .map(|model| (model.name.as_str(), model))
        .collect();
    let is_read = |name: &str| {
        models
            .iter()
            .any(|m| m.depends_on.iter().any(|d| d == name))
    };
    let mut drawing = Drawing {
        by_name,
        drawn: Vec::new(),
        text: String::new(),
        style,
    };
    for model in models.iter().filter(|model| !is_read(&model.name)) {
        let _ = writeln!(drawing.text, "{}", style.strong(&model.name));
        drawing.below(model, "");
    }
    drawing.text
}

struct Drawing<'a> {
    by_name: BTreeMap<&'a str, &'a ListedModel>,
    drawn: Vec<&'a str>,
    text: String,
    style: Style,
}

impl<'a> Drawing<'a> {
    fn below(&mut self, model: &'a ListedModel, indent: &str) {
        for (i, name) in model.depends_on.iter().enumerate() {
            let is_last = i + 1 == model.depends_on.len();
            let (branch, deeper) = if is_last {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            let upstream = self.by_name.get(name.as_str()).copied();
            let is_new = !self.drawn.contains(&name.as_str());
            let has_more = upstream.is_some_and(|model| !model.depends_on.is_empty());
            let rest = if !is_new && has_more {
                self.style.dim(" (see above)")
            } else {
                String::new()
            };
            let _ = writeln!(self.text, "{indent}{branch}{name}{rest}");
            if is_new && let Some(upstream) = upstream {
                self.drawn.push(name);
                self.below(upstream, &format!("{indent}{deeper}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, layer: &str, depends_on: &[&str]) -> ListedModel {
        ListedModel {
            name: name.into(),
            layer: layer.into(),
            materialized: "table".into(),
            origin: "builtin".into(),
            depends_on: depends_on.iter().map(|&name| name.to_owned()).collect(),
            tags: Vec::new(),
            description: format!("About {name}. And more.\nAnd more."),
        }
    }

    fn models() -> Vec<ListedModel> {
        vec![
            model("stg", "staging", &["raw"]),
            model("int", "intermediate", &["stg"]),
            model("mart", "marts", &["int", "stg"]),
        ]
    }

    #[test]
    fn a_list_is_grouped_by_layer() {
        assert_eq!(
            list(&models()[..2], None, Style::PLAIN),
            "staging\n  stg  About stg\n\nintermediate\n  int  About int\n"
        );
    }

    #[test]
    fn a_tree_draws_each_model_once() {
        assert_eq!(
            tree(&models(), Style::PLAIN),
            "\
mart
├── int
│   └── stg
│       └── raw
└── stg (see above)
"
        );
    }
}
