//! How much text fits one instant message.
//!
//! The link encodes it as AIM's HTML, in ASCII where that suffices and as UTF-16 elsewhere. Clients cut what is longer
//! than 1,000 to 1,024 visible characters, servers what is longer than the configured bytes.

use crate::conversation::{text, wording};

/// Bytes kept free for the link's HTML frame and the mark of a repeat.
const FRAME: usize = 96;
/// Characters that every known client shows.
const CHARACTERS: usize = 1000;

/// The bounds of one instant message.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    bytes: usize,
}

impl Budget {
    /// From the configured `max_im_bytes`; never so small that nothing would fit.
    pub fn new(max_im_bytes: usize) -> Self {
        Self { bytes: max_im_bytes.saturating_sub(FRAME).max(96) }
    }

    /// Whether the text fits one message.
    pub fn fits(&self, text: &str) -> bool {
        let mut size = Size::default();
        size.add(text);
        self.holds(size)
    }

    /// Whether something of this size fits.
    pub fn holds(&self, size: Size) -> bool {
        let characters = size.characters + wording::AGAIN.len();
        characters <= CHARACTERS && size.bytes() <= self.bytes
    }

    /// A visitor's line as staff get it: one piece or several, each with the label.
    pub fn pieces(&self, label: &str, line: &str) -> Vec<String> {
        let whole = wording::line(label, line);
        if self.fits(&whole) {
            return vec![whole];
        }
        let pieces = text::split(line, |piece| self.fits(&wording::line(label, piece)));
        pieces.into_iter().map(|piece| wording::line(label, piece)).collect()
    }

    /// Words of the bridge in pieces; each line of them keeps its `* `.
    pub fn own_pieces(&self, words: &str) -> Vec<String> {
        let mut pieces: Vec<String> = Vec::new();
        for line in words.lines() {
            let line = line.strip_prefix("* ").unwrap_or(line);
            for part in text::split(line, |part| self.fits(&format!("* {part}"))) {
                match pieces.last_mut() {
                    Some(last) if self.fits(&format!("{last}\n* {part}")) => {
                        last.push_str("\n* ");
                        last.push_str(part);
                    }
                    _ => pieces.push(format!("* {part}")),
                }
            }
        }
        pieces
    }
}

/// The encoded size of a growing text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Size {
    characters: usize,
    units: usize,
    wide: bool,
}

impl Size {
    /// Counts more text in.
    pub fn add(&mut self, text: &str) {
        if text.is_ascii() {
            self.characters += text.len();
            self.units += text.bytes().map(units).sum::<usize>();
            return;
        }
        self.wide = true;
        for c in text.chars() {
            self.characters += 1;
            self.units += u8::try_from(c).map_or_else(|_| c.len_utf16(), units);
        }
    }

    fn bytes(self) -> usize {
        if self.wide { self.units * 2 } else { self.units }
    }
}

/// What a character up to U+00FF becomes in AIM's HTML, in characters.
const fn units(c: u8) -> usize {
    match c {
        b'&' => "&amp;".len(),
        b'<' | b'>' => "&lt;".len(),
        b'"' => "&quot;".len(),
        b'\n' => "<BR>".len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_fits_is_one_piece() {
        assert_eq!(Budget::new(2400).pieces("anna", "hello"), ["anna: hello"]);
    }

    #[test]
    fn each_piece_has_its_label_and_fits() {
        let budget = Budget::new(2400);
        for text in ["word ".repeat(500), "<&\">".repeat(400), "日本語".repeat(500), "👩‍👩‍👧 ".repeat(300)]
        {
            let text = text.trim();
            let pieces = budget.pieces("anna", text);
            assert!(pieces.len() > 1);
            assert!(pieces.iter().all(|piece| budget.fits(piece) && piece.starts_with("anna: ")));
            let strip = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            let joined: String = pieces.iter().filter_map(|piece| piece.strip_prefix("anna: ")).collect();
            assert_eq!(strip(&joined), strip(text), "nothing is lost");
        }
    }

    #[test]
    fn long_words_of_ours_keep_their_star() {
        let words = format!("* {}\n* second", "history ".repeat(300).trim());
        let pieces = Budget::new(2400).own_pieces(&words);
        assert!(pieces.len() > 1);
        assert!(pieces.iter().flat_map(|piece| piece.lines()).all(|line| line.starts_with("* ")));
    }
}
