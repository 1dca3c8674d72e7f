//! How a table fits into a terminal: long texts are cut first, numbers never; where that
//! is not enough, columns in the middle are left out.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Characters that a column adds to its content: a space on each side and a line.
const FRAME: usize = 3;

/// Texts are not cut below this.
const NARROWEST: usize = 12;

/// One column before fitting.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Cells of the terminal that the widest value needs.
    pub width: usize,
    /// Whether values may be cut.
    pub can_shrink: bool,
}

/// A column that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub column: usize,
    pub width: usize,
}

/// The columns to show, in order, and how wide: what fits in `available` cells of the
/// terminal. A gap in the sequence is where columns were left out; it takes a column that
/// holds `…`. At least the first column is always there.
pub fn fit(wanted: &[Wanted], available: usize) -> Vec<Shown> {
    let mut left: Vec<usize> = (0..wanted.len()).collect();
    loop {
        let has_gap = left.len() < wanted.len();
        let frame = 1 + FRAME * left.len() + if has_gap { FRAME + 1 } else { 0 };
        let room = available.saturating_sub(frame);
        if let Some(shown) = shrink(wanted, &left, room) {
            return shown;
        }
        if left.len() <= 1 {
            let width = room.max(1);
            return left.iter().map(|&column| Shown { column, width }).collect();
        }
        // Ids and names stand in front, the latest sums at the end: the middle goes.
        left.remove(left.len() / 2);
    }
}

/// The widths of some columns within `room`, or none if that cannot be.
fn shrink(wanted: &[Wanted], columns: &[usize], room: usize) -> Option<Vec<Shown>> {
    let total: usize = columns.iter().map(|&c| wanted[c].width).sum();
    // The widest that a text may be: as large as still fits.
    let width_under = |limit: usize, c: usize| {
        if wanted[c].can_shrink {
            wanted[c].width.min(limit)
        } else {
            wanted[c].width
        }
    };
    let limit = if total <= room {
        usize::MAX
    } else {
        let sum = |limit: usize| {
            columns
                .iter()
                .map(|&c| width_under(limit, c))
                .sum::<usize>()
        };
        (NARROWEST..=room).rev().find(|&limit| sum(limit) <= room)?
    };
    let shown = |&column: &usize| Shown {
        column,
        width: width_under(limit, column),
    };
    Some(columns.iter().map(shown).collect())
}

/// A text of at most `width` cells, cut with `…` if need be.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for letter in text.chars() {
        used += letter.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(letter);
    }
    kept.push('…');
    kept
}

/// A value on one line that cannot move the cursor or colour the screen.
pub fn one_line(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(width: usize) -> Wanted {
        Wanted {
            width,
            can_shrink: true,
        }
    }

    fn number(width: usize) -> Wanted {
        Wanted {
            width,
            can_shrink: false,
        }
    }

    fn widths(shown: &[Shown]) -> Vec<usize> {
        shown.iter().map(|s| s.width).collect()
    }

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(widths(&fit(&[text(10), number(5)], 80)), [10, 5]);
    }

    #[test]
    fn the_longest_texts_are_cut() {
        let shown = fit(&[text(100), text(15), number(10)], 80);
        assert_eq!(widths(&shown), [45, 15, 10]);
        let used: usize = 1 + shown.iter().map(|s| s.width + FRAME).sum::<usize>();
        assert_eq!(used, 80);
    }

    #[test]
    fn then_columns_in_the_middle_go() {
        let shown = fit(&[number(12); 10], 80);
        let columns: Vec<usize> = shown.iter().map(|s| s.column).collect();
        assert_eq!(columns, [0, 1, 2, 8, 9]);
    }

    #[test]
    fn a_column_wider_than_the_terminal_is_cut() {
        assert_eq!(widths(&fit(&[number(100)], 20)), [16]);
        assert_eq!(widths(&fit(&[number(100)], 0)), [1]);
    }

    #[test]
    fn cutting_counts_cells_not_letters() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello!", 5), "hell…");
        assert_eq!(cut("日本語日本語", 5), "日本…");
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
    }
}
