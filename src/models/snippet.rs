//! Draws the lines of a source that an error points at, with a caret below: plain text,
//! in the style of compilers.
//!
//! ```text
//!  --> queries/marts/daily.sql:2:6
//!   |
//! 2 | from sesions
//!   |      ^^^^^^^ no such table
//! ```

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use datafusion::common::Span;

/// Draws the bytes `span` of `source`, the text of the file `path`. A span past the end,
/// or over several lines, is cut to what can be shown in one line.
pub fn draw(path: &str, source: &str, span: Range<usize>, label: &str) -> String {
    let mut annotation = AnnotationKind::Primary.span(visible(source, span));
    if !label.is_empty() {
        annotation = annotation.label(label);
    }
    let snippet = Snippet::source(source).path(path).annotation(annotation);
    Renderer::plain().render(&[Group::with_level(Level::ERROR).element(snippet)])
}

/// The bytes of the word (letters, digits, `_`), or else the one character, at a line and
/// column of `source`, both from 1 and columns in characters. A place past the end is the
/// last character.
pub fn word_at(source: &str, line: u64, column: u64) -> Range<usize> {
    let start = offset(source, line, column).min(end_of(source));
    let rest = &source[start..];
    let length = match rest.find(|c: char| !c.is_alphanumeric() && c != '_') {
        Some(0) => rest.chars().next().map_or(0, char::len_utf8),
        Some(length) => length,
        None => rest.len(),
    };
    start..start + length
}

/// The bytes of `source` that a span of DataFusion's means.
pub fn span_bytes(source: &str, span: &Span) -> Range<usize> {
    let start = offset(source, span.start.line, span.start.column);
    let end = offset(source, span.end.line, span.end.column);
    start..end.max(start)
}

/// The place of the last character that is not white space.
pub(super) fn end_of(source: &str) -> usize {
    source
        .trim_end()
        .char_indices()
        .next_back()
        .map_or(0, |(start, _)| start)
}

/// The byte at a line and column; the end of the line where the line is shorter.
fn offset(source: &str, line: u64, column: u64) -> usize {
    let line = usize::try_from(line).unwrap_or(usize::MAX).max(1);
    let column = usize::try_from(column).unwrap_or(usize::MAX).max(1);
    let mut start = 0;
    for _ in 1..line {
        match source[start..].find('\n') {
            Some(length) => start += length + 1,
            None => return source.len(),
        }
    }
    let text = source[start..].lines().next().unwrap_or("");
    text.char_indices()
        .nth(column - 1)
        .map_or(start + text.len(), |(byte, _)| start + byte)
}

/// `span` inside `source`, on character boundaries and in one line.
fn visible(source: &str, span: Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, mut end) = (floor(span.start), floor(span.end));
    end = end.max(start);
    if let Some(length) = source[start..end].find('\n') {
        end = start + length;
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "select *\nfrom sesions\n";

    #[test]
    fn points_at_a_word() {
        let drawn = draw("a.sql", SQL, word_at(SQL, 2, 6), "no such table");
        assert_eq!(
            drawn,
            " --> a.sql:2:6\n  |\n2 | from sesions\n  |      ^^^^^^^ no such table"
        );
    }

    #[test]
    fn counts_columns_in_characters() {
        let source = "select 'äö' as x, y";
        assert_eq!(&source[word_at(source, 1, 19)], "y");
        assert_eq!(&source[word_at(source, 1, 18)], " ");
        assert_eq!(&source[word_at(source, 9, 9)], "y");
        assert_eq!(word_at("", 1, 1), 0..0);
    }

    #[test]
    fn cuts_what_cannot_be_shown() {
        assert!(draw("a.sql", SQL, 3..900, "x").contains("1 | select *"));
        assert!(draw("a.sql", SQL, 900..901, "x").contains("a.sql"));
        draw("a.sql", "", 0..0, "");
    }

    #[test]
    fn reads_spans_of_datafusion() {
        use datafusion::common::Location;
        let span = Span::new(
            Location { line: 2, column: 6 },
            Location {
                line: 2,
                column: 13,
            },
        );
        assert_eq!(&SQL[span_bytes(SQL, &span)], "sesions");
    }
}
