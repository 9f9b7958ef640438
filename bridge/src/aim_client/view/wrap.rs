//! Text in rows of a width: messages between words, what is being written at any character.

use unicode_segmentation::UnicodeSegmentation as _;

use super::screen::columns;
use crate::aim_client::printable;

/// A message in rows, at most `width` columns each: its own line breaks are kept, long lines are broken between words,
/// and words that are longer than a row between characters. Never none.
pub(super) fn message(text: &str, width: u16) -> Vec<String> {
    let width = width.max(1);
    let mut rows = Vec::new();
    for line in text.split('\n') {
        let line = printable::line(line);
        let mut row = String::new();
        let mut used = 0_u16;
        for word in line.split_inclusive(' ') {
            // Blanks at the end of a row need no room.
            let needed = columns(word.trim_end_matches(' '));
            if used > 0 && used.saturating_add(needed) > width && needed > 0 {
                rows.push(finished(&mut row, &mut used));
            }
            for grapheme in word.graphemes(true) {
                let wide = columns(grapheme);
                if used.saturating_add(wide) > width && grapheme != " " && used > 0 {
                    rows.push(finished(&mut row, &mut used));
                }
                row.push_str(grapheme);
                used = used.saturating_add(wide);
            }
        }
        rows.push(finished(&mut row, &mut used));
    }
    rows
}

fn finished(row: &mut String, used: &mut u16) -> String {
    *used = 0;
    let row = std::mem::take(row);
    row.trim_end_matches(' ').to_owned()
}

/// What is being written, in rows, and where in them the cursor stands: row and column. `cursor` is an offset in bytes.
pub(super) fn draft(text: &str, cursor: usize, width: u16) -> (Vec<String>, (usize, u16)) {
    let width = width.max(2);
    let mut rows = vec![String::new()];
    let mut used = 0;
    let mut place = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let line_end = grapheme == "\n";
        let shown = printable::line(grapheme);
        let wide = columns(&shown);
        // What takes no column, or ends the line, leaves the cursor none behind a full row.
        let has_no_place = at == cursor && used >= width;
        if has_no_place || (!line_end && used + wide > width) {
            rows.push(String::new());
            used = 0;
        }
        if at == cursor {
            place = (rows.len() - 1, used);
        }
        if line_end {
            rows.push(String::new());
            used = 0;
        } else if let Some(row) = rows.last_mut() {
            row.push_str(&shown);
            used += wide;
        }
    }
    if cursor >= text.len() {
        if used >= width {
            rows.push(String::new());
            used = 0;
        }
        place = (rows.len() - 1, used);
    }
    (rows, place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_broken_between_words() {
        assert_eq!(message("the quick brown fox", 9), ["the quick", "brown fox"]);
        assert_eq!(message("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(message("one\n\n  two", 10), ["one", "", "  two"]);
        assert_eq!(message("", 10), [""]);
        assert_eq!(message("see http://127.0.0.1/a/b", 10), ["see", "http://127", ".0.0.1/a/b"]);
        assert_eq!(message("日本語です", 4), ["日本", "語で", "す"]);
        assert_eq!(message("a\u{1b}[31mb", 20), ["a␛[31mb"]);
    }

    #[test]
    fn a_draft_is_broken_where_the_row_ends_and_knows_its_cursor() {
        assert_eq!(draft("", 0, 4), (vec![String::new()], (0, 0)));
        assert_eq!(draft("abcdef", 5, 4), (vec!["abcd".into(), "ef".into()], (1, 1)));
        assert_eq!(draft("ab\nc", 3, 4), (vec!["ab".into(), "c".into()], (1, 0)));
        assert_eq!(draft("abcd", 4, 4), (vec!["abcd".into(), String::new()], (1, 0)));
        assert_eq!(draft("abcd\n", 4, 4), (vec!["abcd".into(), String::new(), String::new()], (1, 0)));
        assert_eq!(draft("abcd\u{200b}", 4, 4).1, (1, 0), "what takes no column");
        assert_eq!(draft("日本", 3, 3), (vec!["日".into(), "本".into()], (1, 0)));
        assert_eq!(draft("ab\n", 3, 4), (vec!["ab".into(), String::new()], (1, 0)));
    }

    proptest! {
        #[test]
        fn rows_fit_and_nothing_but_blanks_is_lost(text in "[a-zé日😀 \n]{0,80}", width in 2u16..20) {
            let rows = message(&text, width);
            for row in &rows {
                prop_assert!(columns(row) <= width, "{row:?}");
            }
            let kept = |text: &str| text.replace([' ', '\n'], "");
            prop_assert_eq!(kept(&rows.concat()), kept(&text));
        }

        #[test]
        fn a_draft_fits_wherever_the_cursor_is(text in any::<String>(), width in 8u16..20, at in 0usize..40) {
            let cursor = text.grapheme_indices(true).map(|(at, _)| at).nth(at).unwrap_or(text.len());
            let (rows, (row, column)) = draft(&text, cursor, width);
            prop_assert!(row < rows.len() && column < width.max(2));
            for row in &rows {
                prop_assert!(columns(row) <= width, "{row:?}");
            }
        }
    }
}
