//! A byte stream cut into lines: CR, LF or both end one, whatever the chunks.
//!
//! Holds at most [`FRAME_LIMIT`] bytes of one unfinished line (510 where it has no tags) and nothing between lines.
//! What is longer loses its end, as in ircd-ratbox; a NUL ends the text of its line, for it can't be relayed.

use super::scan::find;
use super::{BODY_LIMIT, FRAME_LIMIT};

/// The unfinished line of one connection.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    partial: Vec<u8>,
    cut: bool,
}

impl Framer {
    /// Takes a chunk; every line that it completes is appended to `lines`, each followed by one LF. Empty lines are
    /// left out.
    pub(crate) fn push(&mut self, mut chunk: &[u8], lines: &mut Vec<u8>) {
        while let Some(at) = find(chunk, [b'\r', b'\n']) {
            // For all that the chunk completes, at once.
            lines.reserve(if lines.is_empty() { chunk.len() } else { 0 });
            let (piece, rest) = chunk.split_at(at);
            if self.partial.is_empty() && !self.cut {
                append_line(piece, lines);
            } else {
                self.hold(piece);
                append_line(&self.partial, lines);
                // The memory goes back: an idle connection holds none.
                self.partial = Vec::new();
                self.cut = false;
            }
            chunk = rest.get(1..).unwrap_or_default();
        }
        self.hold(chunk);
    }

    fn hold(&mut self, piece: &[u8]) {
        if self.cut || piece.is_empty() {
            return;
        }
        let tagged = self.partial.first().or_else(|| piece.first()) == Some(&b'@');
        let limit = if tagged { FRAME_LIMIT + 1 } else { BODY_LIMIT };
        let room = limit.saturating_sub(self.partial.len());
        let taken = piece.get(..room).unwrap_or(piece);
        self.cut = taken.len() < piece.len();
        self.partial.extend_from_slice(taken);
    }
}

/// Appends one line with its LF, cut to what may be held.
fn append_line(line: &[u8], lines: &mut Vec<u8>) {
    let line = find(line, [0]).and_then(|end| line.get(..end)).unwrap_or(line);
    let limit = if line.first() == Some(&b'@') { FRAME_LIMIT + 1 } else { BODY_LIMIT };
    let line = line.get(..limit).unwrap_or(line);
    if !line.is_empty() {
        lines.extend_from_slice(line);
        lines.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all_at_once(bytes: &[u8]) -> Vec<u8> {
        let (mut framer, mut lines) = (Framer::default(), Vec::new());
        framer.push(bytes, &mut lines);
        lines
    }

    #[test]
    fn any_line_end_ends_a_line_and_empty_ones_vanish() {
        assert_eq!(all_at_once(b"A\r\nB\rC\n\n\r\nD"), b"A\nB\nC\n");
    }

    #[test]
    fn a_long_line_loses_its_end_and_the_next_is_whole() {
        let mut input = vec![b'x'; 2000];
        input.extend_from_slice(b"\r\nPING 1\r\n");
        let lines = all_at_once(&input);
        let parts: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
        assert_eq!((parts[0].len(), parts[1]), (BODY_LIMIT, &b"PING 1"[..]));
    }

    #[test]
    fn nothing_is_held_between_lines() {
        let (mut framer, mut lines) = (Framer::default(), Vec::new());
        framer.push(b"PI", &mut lines);
        framer.push(b"NG 1\r\n", &mut lines);
        assert_eq!((lines.as_slice(), framer.partial.capacity()), (&b"PING 1\n"[..], 0));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines_within_the_bound(
            bytes in proptest::collection::vec(prop_oneof![Just(b'@'), Just(b'\n'), Just(b'\r'), Just(0), any::<u8>()], 0..700),
            cuts in proptest::collection::vec(0usize..700, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let (mut framer, mut lines, mut from) = (Framer::default(), Vec::new(), 0);
            for cut in cuts.into_iter().chain([bytes.len()]) {
                framer.push(&bytes[from..cut], &mut lines);
                prop_assert!(framer.partial.len() <= FRAME_LIMIT + 1);
                from = cut;
            }
            prop_assert_eq!(&lines, &all_at_once(&bytes));
            for line in lines.split(|byte| *byte == b'\n') {
                prop_assert!(!line.contains(&0) && !line.contains(&b'\r'));
            }
        }
    }
}
