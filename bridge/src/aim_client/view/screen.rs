//! What a terminal is to show, as values: rows of pieces, each at its column and with its look. Text gets into a piece
//! through [`printable`] only.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::aim_client::printable;

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aim_client) struct Size {
    pub(in crate::aim_client) width: u16,
    pub(in crate::aim_client) height: u16,
}

/// What a piece is; the terminal's side knows how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aim_client) enum Look {
    Plain,
    /// Of less weight: times, rules, hints.
    Faint,
    /// The bar at the top.
    Bar,
    /// A heading.
    Heading,
    /// What is selected or looked at in the list.
    Selected,
    /// Our own name.
    Mine,
    /// Others' names.
    Theirs,
    /// The client's own words.
    Notice,
    /// Something did not work.
    Problem,
    /// Something that waits to be read.
    Unread,
    /// Somebody is there.
    Online,
    /// Somebody is away or idle.
    Away,
}

/// Text at a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aim_client) struct Piece {
    pub(in crate::aim_client) column: u16,
    pub(in crate::aim_client) look: Look,
    text: String,
}

impl Piece {
    /// As it may be written to a terminal.
    pub(in crate::aim_client) fn text(&self) -> &str {
        &self.text
    }
}

/// Pieces from left to right; what of them is not covered is blank.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::aim_client) struct Row(pub(in crate::aim_client) Vec<Piece>);

impl Row {
    /// Adds a text behind what is there, cut to what is left of `width`.
    pub(super) fn push(&mut self, look: Look, text: &str, width: u16) {
        let column = self.end();
        self.push_at(column, look, text, width);
    }

    /// Adds a text at a column, cut to what is left of `width`.
    pub(super) fn push_at(&mut self, column: u16, look: Look, text: &str, width: u16) {
        let text = cut(&printable::line(text), width.saturating_sub(column));
        if !text.is_empty() {
            self.0.push(Piece { column, look, text });
        }
    }

    /// Adds blanks up to `width`, so that a look reaches over the whole of it.
    pub(super) fn fill(&mut self, look: Look, width: u16) {
        let blanks = usize::from(width.saturating_sub(self.end()));
        self.push(look, &" ".repeat(blanks), width);
    }

    /// Adds a text that ends at `width`, where there is room for all of it.
    pub(super) fn push_right(&mut self, look: Look, text: &str, width: u16) {
        let needed = columns(&printable::line(text));
        if let Some(column) = width.checked_sub(needed).filter(|column| *column > self.end()) {
            self.push_at(column, look, text, width);
        }
    }

    /// Takes another row's pieces, `column` further to the right.
    pub(super) fn place(&mut self, column: u16, row: Self) {
        self.0.extend(
            row.0.into_iter().map(|piece| Piece { column: piece.column.saturating_add(column), ..piece }),
        );
    }

    /// The column behind the last piece.
    fn end(&self) -> u16 {
        self.0.last().map_or(0, |piece| piece.column.saturating_add(columns(&piece.text)))
    }
}

/// All that is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aim_client) struct Screen {
    pub(in crate::aim_client) rows: Vec<Row>,
    /// Column and row; None: none is shown.
    pub(in crate::aim_client) cursor: Option<(u16, u16)>,
}

impl std::fmt::Display for Screen {
    /// As it would look, without trailing blanks.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for row in &self.rows {
            let mut line = String::new();
            for piece in &row.0 {
                let blanks = piece.column.saturating_sub(columns(&line));
                line.push_str(&" ".repeat(blanks.into()));
                line.push_str(&piece.text);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// How many columns a printable text takes.
pub(super) fn columns(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// The beginning of a printable text that fits; where not all does, it ends with `…`.
fn cut(text: &str, width: u16) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        used += columns(grapheme);
        if used > room {
            break;
        }
        out.push_str(grapheme);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello", 4), "hel…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…", "half a character is none");
        assert_eq!(cut("x", 0), "");
    }

    #[test]
    fn no_sequence_gets_into_a_piece() {
        let mut row = Row::default();
        row.push(Look::Plain, "a\u{1b}[2J\u{202e}b", 40);
        row.push_right(Look::Faint, "\u{9b}x", 40);
        let text: String = row.0.iter().map(Piece::text).collect();
        assert_eq!(text, "a␛[2Jb\u{fffd}x");
        assert_eq!(row.0[1].column, 38);
    }
}
