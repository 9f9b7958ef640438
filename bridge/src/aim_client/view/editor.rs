//! The line that is being written, or several: a text with a cursor, and what was entered before.

use std::collections::VecDeque;

use unicode_segmentation::UnicodeSegmentation as _;

/// The longest text in bytes; what would make it longer is not taken.
const MOST_BYTES: usize = 16 * 1024;
/// Entered texts that can be had back.
const MOST_REMEMBERED: usize = 100;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Editor {
    text: String,
    /// An offset in bytes, between two characters that a person sees.
    cursor: usize,
    entered: VecDeque<String>,
    /// Which of them is shown, counted from the latest, and what was being written before.
    recalled: Option<(usize, String)>,
}

impl Editor {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Writes at the cursor; false if it would be too much, and then nothing.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        if self.text.len() + text.len() > MOST_BYTES {
            return false;
        }
        self.text.insert_str(self.cursor, text);
        // What was written may have joined with what stands around it.
        let end = self.cursor + text.len();
        self.cursor = self.boundary(end);
        true
    }

    /// Puts another text in place of it all, with the cursor at its end.
    pub(super) fn replace(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
    }

    /// What was written; the line is empty then.
    pub(super) fn take(&mut self) -> String {
        self.recalled = None;
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// As [`Editor::take`], and it can be had back.
    pub(super) fn enter(&mut self) -> String {
        let text = self.take();
        if !text.trim().is_empty() && self.entered.back() != Some(&text) {
            if self.entered.len() >= MOST_REMEMBERED {
                self.entered.pop_front();
            }
            self.entered.push_back(text.clone());
        }
        text
    }

    pub(super) fn left(&mut self) {
        self.cursor = self.before();
    }

    pub(super) fn right(&mut self) {
        self.cursor = self.behind();
    }

    pub(super) fn word_left(&mut self) {
        self.cursor = self.word_before();
    }

    pub(super) fn word_right(&mut self) {
        let rest = self.text.get(self.cursor..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start().len();
        let word = rest.trim_start().find(char::is_whitespace);
        self.cursor = word.map_or(self.text.len(), |length| self.cursor + blanks + length);
    }

    /// To the beginning of the line that the cursor is in.
    pub(super) fn home(&mut self) {
        self.cursor = self.head().rfind('\n').map_or(0, |at| at + 1);
    }

    pub(super) fn end(&mut self) {
        let rest = self.text.get(self.cursor..).unwrap_or_default();
        self.cursor += rest.find('\n').unwrap_or(rest.len());
    }

    pub(super) fn delete_left(&mut self) {
        self.delete(self.before(), self.cursor);
    }

    pub(super) fn delete_right(&mut self) {
        self.delete(self.cursor, self.behind());
    }

    pub(super) fn delete_word(&mut self) {
        self.delete(self.word_before(), self.cursor);
    }

    pub(super) fn delete_to_home(&mut self) {
        let end = self.cursor;
        self.home();
        self.delete(self.cursor, end);
    }

    pub(super) fn delete_to_end(&mut self) {
        let start = self.cursor;
        self.end();
        self.delete(start, self.cursor);
    }

    /// The text that was entered before the one that is shown.
    pub(super) fn older(&mut self) {
        let next = self.recalled.as_ref().map_or(0, |(at, _)| at + 1);
        let Some(text) = self.entered.iter().rev().nth(next).cloned() else { return };
        let draft = self.recalled.take().map_or_else(|| self.text.clone(), |(_, draft)| draft);
        self.recalled = Some((next, draft));
        self.replace(text);
    }

    /// And the one after it; behind the latest, what was being written.
    pub(super) fn newer(&mut self) {
        let Some((at, draft)) = self.recalled.take() else { return };
        let newer = at.checked_sub(1).and_then(|at| Some((at, self.entered.iter().rev().nth(at)?.clone())));
        match newer {
            Some((at, text)) => {
                self.recalled = Some((at, draft));
                self.replace(text);
            }
            None => self.replace(draft),
        }
    }

    fn delete(&mut self, from: usize, to: usize) {
        if self.text.get(from..to).is_some() {
            self.text.replace_range(from..to, "");
        }
        // What stood around it may have joined.
        self.cursor = self.boundary(from);
    }

    fn head(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn before(&self) -> usize {
        self.boundaries().take_while(|at| *at < self.cursor).last().unwrap_or(0)
    }

    fn behind(&self) -> usize {
        self.boundaries().find(|at| *at > self.cursor).unwrap_or(self.text.len())
    }

    fn word_before(&self) -> usize {
        let head = self.head().trim_end();
        head.char_indices()
            .rfind(|(_, character)| character.is_whitespace())
            .map_or(0, |(at, blank)| at + blank.len_utf8())
    }

    /// The first at or behind an offset.
    fn boundary(&self, from: usize) -> usize {
        self.boundaries().find(|at| *at >= from).unwrap_or(self.text.len())
    }

    fn boundaries(&self) -> impl Iterator<Item = usize> {
        self.text.grapheme_indices(true).map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn editor(text: &str) -> Editor {
        let mut editor = Editor::default();
        assert!(editor.insert(text));
        editor
    }

    #[test]
    fn one_moves_by_what_one_sees() {
        let mut line = editor("a👨‍👩‍👧e\u{301}");
        line.left();
        line.delete_left();
        assert_eq!(line.text(), "ae\u{301}");
        line.right();
        line.delete_left();
        line.delete_left();
        line.delete_left();
        assert_eq!((line.text(), line.cursor()), ("", 0));
    }

    #[test]
    fn words_and_lines() {
        let mut line = editor("one two  three");
        line.word_left();
        line.word_left();
        assert_eq!(line.cursor(), 4);
        line.word_right();
        assert_eq!(line.cursor(), 7);
        line.delete_word();
        assert_eq!(line.text(), "one   three");
        line.delete_to_end();
        assert_eq!(line.text(), "one ");
        line.insert("\nnext");
        line.home();
        line.insert("> ");
        line.delete_right();
        assert_eq!(line.text(), "one \n> ext");
        line.delete_to_home();
        assert_eq!(line.text(), "one \next");
    }

    #[test]
    fn what_was_entered_comes_back_and_the_draft_with_it() {
        let mut line = editor("first");
        assert_eq!(line.enter(), "first");
        line.insert("second");
        line.enter();
        line.insert("draft");
        line.older();
        assert_eq!(line.text(), "second");
        line.older();
        line.older();
        assert_eq!(line.text(), "first");
        line.newer();
        line.newer();
        assert_eq!(line.text(), "draft");
        line.newer();
        assert_eq!(line.text(), "draft");
    }

    #[test]
    fn too_much_is_not_taken() {
        let mut line = editor("x");
        assert!(!line.insert(&"y".repeat(MOST_BYTES)));
        assert_eq!(line.text(), "x");
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_between_characters(steps in proptest::collection::vec((0u8..12, ".{0,3}"), 0..60)) {
            let mut line = Editor::default();
            for (step, text) in steps {
                match step {
                    0 => line.left(),
                    1 => line.right(),
                    2 => line.word_left(),
                    3 => line.word_right(),
                    4 => line.home(),
                    5 => line.end(),
                    6 => line.delete_left(),
                    7 => line.delete_right(),
                    8 => line.delete_word(),
                    9 => line.delete_to_home(),
                    10 => line.delete_to_end(),
                    _ => drop(line.insert(&text)),
                }
                let at = line.cursor();
                prop_assert!(at == line.text().len() || line.boundaries().any(|boundary| boundary == at));
            }
        }
    }
}
