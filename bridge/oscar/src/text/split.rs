//! Cutting plain text into parts that fit one message each. Nothing is dropped: the parts joined are the text.
//!
//! Source of the limits: what real clients sent and took (`raw-bos-sizes`, and libpurple's own limit). Graphemes are those
//! of Unicode's annex 29.

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
/// large. A part has at least one character, whatever the limits. An empty text has no parts.
///
/// What a character becomes in a message (an entity, a surrogate pair) is never parted, for it is the plain text that is
/// cut. Work is linear in the text.
///
/// ```
/// use oscar_im::text::split::{Limits, split};
///
/// let limits = Limits { characters: 12, ..Limits::default() };
/// let parts = split("alpha beta gamma", limits);
/// assert_eq!(parts, ["alpha beta ", "gamma"]);
/// assert_eq!(parts.concat(), "alpha beta gamma");
/// ```
pub fn split(plain: &str, limits: Limits) -> Vec<&str> {
    let mut cutter = Cutter { text: plain, limits, parts: Vec::new(), part: Part::default() };
    for grapheme in plain.graphemes(true) {
        cutter.take(grapheme);
    }
    cutter.cut_at(plain.len());
    cutter.parts
}

struct Cutter<'a> {
    text: &'a str,
    limits: Limits,
    parts: Vec<&'a str>,
    /// The one that grows.
    part: Part,
}

/// A part that is not complete, and the places in it where it could be cut, all counted from the start of the text.
#[derive(Default)]
struct Part {
    start: usize,
    end: usize,
    line: usize,
    word: usize,
    size: Size,
}

impl Cutter<'_> {
    fn take(&mut self, grapheme: &str) {
        let size = Size::of(grapheme);
        while self.part.start < self.part.end && !self.part.size.plus(size).fits(self.limits) {
            self.cut_at(self.part.best_cut());
        }
        if !size.fits(self.limits) {
            return self.take_characters(grapheme);
        }
        self.part.size = self.part.size.plus(size);
        self.part.end += grapheme.len();
        if grapheme.ends_with('\n') {
            self.part.line = self.part.end;
        }
        if grapheme.chars().all(char::is_whitespace) {
            self.part.word = self.part.end;
        }
    }

    /// A grapheme that is too large is cut between characters; its last piece begins a part.
    fn take_characters(&mut self, grapheme: &str) {
        for character in grapheme.chars() {
            let size = Size::of_character(character);
            if self.part.start < self.part.end && !self.part.size.plus(size).fits(self.limits) {
                self.cut_at(self.part.end);
            }
            self.part.size = self.part.size.plus(size);
            self.part.end += character.len_utf8();
        }
    }

    /// Ends the part at `cut`; what it has beyond that begins the next one.
    fn cut_at(&mut self, cut: usize) {
        if let Some(part) = self.text.get(self.part.start..cut).filter(|part| !part.is_empty()) {
            self.parts.push(part);
        }
        // At most half of a part is measured again.
        let size = Size::of(self.text.get(cut..self.part.end).unwrap_or_default());
        self.part = Part { start: cut, end: self.part.end, size, ..self.part };
    }
}

impl Part {
    const fn best_cut(&self) -> usize {
        let half = self.start + (self.end - self.start) / 2;
        if self.line > half {
            self.line
        } else if self.word > half {
            self.word
        } else {
            self.end
        }
    }
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
    fn of(text: &str) -> Self {
        text.chars().map(Self::of_character).fold(Self::default(), Self::plus)
    }

    fn of_character(character: char) -> Self {
        #[cfg(test)]
        MEASURED.set(MEASURED.get() + 1);
        let units = escape(character).map_or_else(|| character.len_utf16(), str::len);
        Self { characters: 1, units, wide: !character.is_ascii() }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            characters: self.characters + other.characters,
            units: self.units + other.units,
            wide: self.wide || other.wide,
        }
    }

    const fn fits(self, limits: Limits) -> bool {
        let width = if self.wide { 2 } else { 1 };
        self.characters <= limits.characters && (self.units + WRAPPER_LENGTH) * width <= limits.bytes
    }
}

// Characters that were measured.
#[cfg(test)]
thread_local!(static MEASURED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

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

    #[test]
    fn what_is_joined_without_end_is_cut_between_characters_and_nothing_is_lost() {
        let limits = Limits { characters: 10, bytes: 2_400 };
        for joined in [
            format!("{}👩", "👩\u{200d}".repeat(500)),
            format!("{}ष", "क\u{94d}".repeat(500)),
            format!("\u{1112}{}\u{11ab}", "\u{1161}".repeat(500)),
            format!("ب{}", "\u{64b}".repeat(500)),
            format!("🏴{}\u{e007f}", "\u{e0067}".repeat(500)),
        ] {
            assert_eq!(joined.graphemes(true).count(), 1, "one, for those who see it");
            let parts = check(&joined, limits);
            assert_eq!(parts.len(), joined.chars().count().div_ceil(10));
            // What stands beside it is not drawn in.
            let among = format!("words before {joined} words behind");
            let parts = check(&among, limits);
            assert_eq!(parts.first(), Some(&"words "));
            assert!(parts.last().is_some_and(|last| last.trim_start() == "behind"));
        }
    }

    #[test]
    fn text_from_right_to_left_is_cut_in_the_order_in_which_it_is_read() {
        let limits = Limits { characters: 14, bytes: 2_400 };
        assert_eq!(check("مرحبا بالعالم كيف", limits), ["مرحبا بالعالم ", "كيف"]);
        // Vowels stay with their letter.
        let limits = Limits { characters: 4, bytes: 2_400 };
        assert_eq!(check("שָׁלוֹם", limits), ["שָׁל", "וֹם"]);
    }

    #[test]
    fn the_work_for_a_long_text_is_a_multiple_of_its_length() {
        for unit in ["x", "é ", "\n", "x\n", "& ", "👨‍👩‍👧‍👦", "e\u{301}\u{301}", "\u{200d}"]
        {
            let measured = |length: usize| {
                MEASURED.set(0);
                check(&unit.repeat(length / unit.len()), Limits { characters: 100, bytes: 400 });
                MEASURED.get()
            };
            let (short, long) = (measured(20_000), measured(80_000));
            assert!(long <= 5 * short, "{unit:?}: {short} and {long}");
        }
    }

    #[test]
    fn a_limit_smaller_than_an_entity_cuts_none() {
        for bytes in 0..60 {
            let parts = check("a&<>\n\u{1F600}b", Limits { characters: 3, bytes });
            let sent: String = parts.iter().map(|part| super::super::html::escaped(part)).collect();
            assert_eq!(sent, "a&amp;&lt;&gt;<BR>\u{1F600}b");
        }
    }

    #[test]
    fn a_grapheme_too_large_does_not_pull_down_what_stands_around_it() {
        let stacked = format!("e{}", "\u{301}".repeat(30));
        let text = format!("some words {stacked} and more");
        let limits = Limits { characters: 20, bytes: 2_400 };
        let parts = check(&text, limits);
        assert_eq!(parts.first(), Some(&"some words "));
        assert!(parts.last().unwrap().ends_with(" and more"));
    }

    /// Where a part may end: between graphemes, or inside one that no part can hold.
    fn cuts_are_between_graphemes(text: &str, limits: Limits) {
        let graphemes: Vec<(usize, &str)> = text.grapheme_indices(true).collect();
        let mut end = 0;
        for part in check(text, limits) {
            end += part.len();
            let at = graphemes.partition_point(|(start, _)| *start < end);
            let (start, grapheme) = graphemes[at - 1];
            assert!(
                end == start + grapheme.len() || !Size::of(grapheme).fits(limits),
                "{grapheme:?} of {text:?} is cut"
            );
        }
    }

    /// Text with much of what is hard to cut.
    fn hard_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC{0,8}",
            "[a-z <>&\n\t]{0,12}",
            Just("👨‍👩‍👧‍👦".to_owned()),
            Just("🇩🇪🇫🇷".to_owned()),
            Just("👍🏽".to_owned()),
            Just("\r\n".to_owned()),
            Just("한국어".to_owned()),
            Just("क्षि".to_owned()),
            // Written from right to left, with marks that turn the direction and end that.
            Just("مرحبًا بالعالم، שָׁלוֹם".to_owned()),
            Just("\u{202e}abc\u{202c}\u{2067}אב\u{2069}\u{200f}".to_owned()),
            Just("🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}".to_owned()),
            (1usize..8).prop_map(|count| "🇩".repeat(count)),
            (1usize..30).prop_map(|count| format!("{}👩", "👩\u{200d}".repeat(count))),
            (1usize..30).prop_map(|count| format!("{}ष", "क\u{94d}".repeat(count))),
            (1usize..30).prop_map(|count| format!("\u{1112}{}\u{11ab}", "\u{1161}".repeat(count))),
            Just("\u{0}\u{7}".to_owned()),
            (0usize..40).prop_map(|count| format!("e{}", "\u{301}".repeat(count))),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn parts_joined_are_the_text(text in hard_text(), characters in 0usize..60, bytes in 0usize..400) {
            check(&text, Limits { characters, bytes });
        }

        #[test]
        fn graphemes_stay_whole_if_they_fit(text in hard_text(), characters in 0usize..60, bytes in 0usize..400) {
            cuts_are_between_graphemes(&text, Limits { characters, bytes });
        }

        #[test]
        fn what_the_parts_say_on_the_wire_is_what_the_text_says(text in hard_text(), characters in 0usize..60) {
            let limits = Limits { characters, ..Limits::default() };
            let sent: String = split(&text, limits).iter().map(|part| super::super::html::escaped(part)).collect();
            prop_assert_eq!(sent, super::super::html::escaped(&text));
        }
    }
}
