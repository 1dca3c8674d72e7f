//! `functions.md`: the SQL functions that attrib adds to DataFusion's.

use attrib::functions::reference;

const INTRODUCTION: &str = "# SQL functions

Models and queries have all of
[DataFusion's functions](https://datafusion.apache.org/user-guide/sql/scalar_functions.html),
and these.
";

pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for function in reference() {
        let signature = function
            .signature
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        page.push_str(&format!(
            "\n## `{}`\n\n```text\n{}\n```\n\n{}\n",
            function.name,
            signature.replace(" -> ", "\n-> "),
            function.description
        ));
    }
    page
}
