//! Text to pieces that fit a line, without losing any of it: at spaces where there are some, else between
//! characters as people see them.

use unicode_segmentation::UnicodeSegmentation;

/// A line with its CR LF has at most 512 bytes, the source that the daemon puts before it included (RFC 1459).
const LINE_BYTES: usize = 512 - 2;

/// Bytes of text that fit `:source COMMAND target :text`, as those who receive it see the line.
pub(super) fn budget(source_bytes: usize, command: &str, target: &str) -> usize {
    let fixed = ":".len() + source_bytes + " ".len() + command.len() + " ".len() + target.len() + " :".len();
    // Whatever a daemon makes of our name, some text must get through.
    LINE_BYTES.saturating_sub(fixed).max(64)
}

/// Cuts `text` into pieces of at most `bytes` (4 or more) each.
///
/// A space at a cut is dropped, everything else is kept. A piece is cut at its last space if that leaves at least
/// half of it, else between grapheme clusters, else (a cluster that alone is too long) between characters.
pub(super) fn split(text: &str, bytes: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > bytes {
        let cut = cut(rest, bytes.max(4));
        let (piece, tail) = rest.split_at(cut);
        let piece = piece.strip_suffix(' ').unwrap_or(piece);
        if !piece.is_empty() {
            pieces.push(piece);
        }
        rest = tail;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Where to cut a text that is longer than `bytes`; at least one character in.
fn cut(text: &str, bytes: usize) -> usize {
    let mut clusters = 0;
    let mut word = None;
    for (start, cluster) in text.grapheme_indices(true) {
        let end = start + cluster.len();
        // A space may be the one byte beyond, for it will not be sent.
        if cluster == " " && start <= bytes && start > 0 {
            word = Some(end);
        }
        if end > bytes {
            break;
        }
        clusters = end;
    }
    match word {
        Some(end) if end > bytes / 2 => end,
        _ if clusters > 0 => clusters,
        _ => (0..=bytes).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_words_then_clusters_then_characters() {
        assert_eq!(split("", 10), [""]);
        assert_eq!(split("just right", 10), ["just right"]);
        assert_eq!(split("hello big world", 10), ["hello big", "world"]);
        assert_eq!(split("exactly10! next", 10), ["exactly10!", "next"]);
        assert_eq!(split("a bcdefghijklm", 10), ["a bcdefghi", "jklm"]);
        // Family: one cluster of 18 bytes; a flag: one of 8.
        assert_eq!(split("ab👨‍👩‍👧", 18), ["ab", "👨‍👩‍👧"]);
        assert_eq!(split("🇫🇷🇩🇪", 10), ["🇫🇷", "🇩🇪"]);
        assert_eq!(split("👨‍👩‍👧", 6)[0], "👨", "a cluster that is too long is cut between characters");
    }

    #[test]
    fn the_budget_is_what_receivers_have_left() {
        let text = budget("bridgebot!~bridgebot@127.0.0.1".len(), "PRIVMSG", "anna");
        let line = format!(":bridgebot!~bridgebot@127.0.0.1 PRIVMSG anna :{}\r\n", "x".repeat(text));
        assert_eq!(line.len(), 512);
    }

    proptest! {
        #[test]
        fn pieces_fit_and_lose_nothing_but_spaces(text in "(\\PC| |👨‍👩‍👧){0,60}", bytes in 4usize..40) {
            let pieces = split(&text, bytes);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= bytes));
            prop_assert_eq!(pieces.concat().replace(' ', ""), text.replace(' ', ""));
        }
    }
}
