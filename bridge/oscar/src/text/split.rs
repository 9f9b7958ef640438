//! Cutting plain text into parts that fit one message each. Nothing is dropped: the parts joined are the text.

use super::html::{WRAPPER_LENGTH, escape};
use unicode_segmentation::UnicodeSegmentation;

/// What fits one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Characters that are seen. Windows AIM takes about 1,024.
    pub characters: usize,
    /// Bytes on the wire, wrapper and entities included, in the charset that the part needs. libpurple sends at most
    /// 2,544, and BitlBee's buffers are of that class.
    pub bytes: usize,
}

impl Default for Limits {
    /// What every known client and server takes.
    fn default() -> Self {
        Self { characters: 1_000, bytes: 2_400 }
    }
}

/// Cuts `plain` into parts, each within `limits` once [`super::encode`]d: behind a line break if there is one in the
/// second half of what fits, else behind a space, else between two graphemes, and inside one only if it alone is too
/// large. An empty text has no parts.
pub fn split(plain: &str, limits: Limits) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = plain;
    while !rest.is_empty() {
        let (part, behind) = rest.split_at(cut(rest, limits));
        parts.push(part);
        rest = behind;
    }
    parts
}

/// Where the first part of `text` ends: more than 0, at a character.
fn cut(text: &str, limits: Limits) -> usize {
    let mut size = Size::default();
    let mut end = 0;
    let (mut line, mut word) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let grown = size.with(grapheme);
        if !grown.fits(limits) {
            let half = end / 2;
            return match (line, word, end) {
                (line, _, _) if line > half => line,
                (_, word, _) if word > half => word,
                (_, _, 0) => cut_grapheme(grapheme, limits),
                (_, _, end) => end,
            };
        }
        size = grown;
        end = at + grapheme.len();
        if grapheme.ends_with('\n') {
            line = end;
        }
        if grapheme.chars().all(char::is_whitespace) {
            word = end;
        }
    }
    end
}

/// Where a grapheme that does not fit is cut: at least one character is taken, whatever the limits.
fn cut_grapheme(grapheme: &str, limits: Limits) -> usize {
    let mut size = Size::default();
    let mut end = 0;
    for (at, character) in grapheme.char_indices() {
        let length = character.len_utf8();
        size = size.with(grapheme.get(at..at + length).unwrap_or_default());
        if end > 0 && !size.fits(limits) {
            break;
        }
        end = at + length;
    }
    end
}

/// What a text takes as a message.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    characters: usize,
    /// UTF-16 units, escapes included; for ASCII that is bytes.
    units: usize,
    wide: bool,
}

impl Size {
    fn with(mut self, text: &str) -> Self {
        for character in text.chars() {
            self.characters += 1;
            self.units += escape(character).map_or_else(|| character.len_utf16(), str::len);
            self.wide |= !character.is_ascii();
        }
        self
    }

    const fn fits(self, limits: Limits) -> bool {
        let width = if self.wide { 2 } else { 1 };
        self.characters <= limits.characters && (self.units + WRAPPER_LENGTH) * width <= limits.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, limits: Limits) -> Vec<&str> {
        let parts = split(text, limits);
        assert_eq!(parts.concat(), text);
        for part in &parts {
            assert!(part.chars().count() <= limits.characters.max(1));
            let bytes = super::super::encode(part).bytes.len();
            assert!(bytes <= limits.bytes || part.chars().count() == 1, "{part:?}: {bytes}");
        }
        parts
    }

    #[test]
    fn a_short_text_is_one_part() {
        assert_eq!(check("hello\nthere", Limits::default()), ["hello\nthere"]);
        assert!(check("", Limits::default()).is_empty());
    }

    #[test]
    fn cuts_stand_behind_lines_or_words() {
        let limits = Limits { characters: 12, bytes: 2_400 };
        assert_eq!(check("first line\nsecond line", limits), ["first line\n", "second line"]);
        assert_eq!(check("alpha beta gamma", limits), ["alpha beta ", "gamma"]);
        assert_eq!(check("aaaaaaaaaaaaaaaa", limits), ["aaaaaaaaaaaa", "aaaa"]);
    }

    #[test]
    fn entities_and_width_count() {
        let limits = Limits::default();
        assert_eq!(check(&"&".repeat(1_000), limits).len(), 3);
        assert_eq!(check(&"é".repeat(1_174), limits).len(), 2);
        assert_eq!(check(&"x".repeat(2_001), limits).len(), 3);
    }

    #[test]
    fn a_family_stays_together() {
        let family = "👨‍👩‍👧‍👦";
        let limits = Limits { characters: 10, bytes: 2_400 };
        assert_eq!(check(&family.repeat(2), limits), [family, family]);
    }

    #[test]
    fn an_endless_grapheme_is_cut() {
        let stacked = format!("e{}", "\u{301}".repeat(5_000));
        assert!(check(&stacked, Limits::default()).len() >= 5);
        check("e\u{301}\u{301}\u{301}", Limits { characters: 0, bytes: 0 });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn parts_joined_are_the_text(text in "\\PC{0,400}|[a-z <>&\n]{0,800}", characters in 1usize..60, bytes in 0usize..400) {
            check(&text, Limits { characters, bytes });
        }
    }
}
