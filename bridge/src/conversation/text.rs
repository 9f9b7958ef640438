//! Text from outside, made safe: nothing leaves its line, changes colours, or turns the reading direction of what
//! others wrote. Letters, emoji and joiners of all scripts stay.

use unicode_segmentation::UnicodeSegmentation;

/// One line: line ends and tabs become spaces, the rest as [`clean_lines`]. Spaces stay where they are.
pub fn clean_line(text: &str) -> String {
    // Most lines have nothing to clean: ASCII that is seen.
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let text = text.replace("\r\n", "\n");
    let text: String = text.chars().map(|c| if is_line_end(c) || c == '\t' { ' ' } else { c }).collect();
    without_codes(&text)
}

/// Several lines, separated by `\n`: without control characters, mIRC formatting codes and bidirectional controls.
pub fn clean_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<String> = text.split(is_line_end).map(clean_line).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// What any reader may take for the end of a line.
fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn without_codes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{3}' => skip_colours(&mut chars, 2, |c| c.is_ascii_digit()),
            '\u{4}' => skip_colours(&mut chars, 6, |c| c.is_ascii_hexdigit()),
            c if c.is_control() || is_bidi_control(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// mIRC colours: a code, then perhaps a comma and another. The comma counts only with a digit behind it.
fn skip_colours(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    digits: usize,
    is_digit: fn(char) -> bool,
) {
    let take = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        (0..digits).take_while(|_| chars.next_if(|c| is_digit(*c)).is_some()).count()
    };
    if take(chars) == 0 {
        return;
    }
    let mut ahead = chars.clone();
    if ahead.next() == Some(',') && ahead.next().is_some_and(is_digit) {
        chars.next();
        take(chars);
    }
}

/// Embeddings, overrides and isolates: they reorder what follows, also what others wrote on the same line.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` in pieces that `fits` accepts, broken at spaces where there are any, never within a character as people
/// see it, unless that alone doesn't fit (a letter with a hundred accents). Nothing is lost but the space at a break. A
/// single code point that doesn't fit stands alone all the same.
pub fn split(text: &str, fits: impl Fn(&str) -> bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !fits(rest) {
        let at = break_at(rest, &fits);
        let (piece, after) = rest.split_at(at);
        if after.is_empty() {
            break;
        }
        pieces.push(piece.trim_end());
        rest = after.trim_start();
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The largest break that fits: behind a space if one lies in the second half, else behind any character.
fn break_at(text: &str, fits: &impl Fn(&str) -> bool) -> usize {
    let ends: Vec<usize> = text.grapheme_indices(true).map(|(at, cluster)| at + cluster.len()).collect();
    let fitting = ends.partition_point(|end| text.get(..*end).is_some_and(fits));
    let Some(hard) = fitting.checked_sub(1).and_then(|last| ends.get(last)).copied() else {
        let codes: Vec<usize> = text.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
        let fitting = codes.partition_point(|end| text.get(..*end).is_some_and(fits));
        return codes.get(fitting.saturating_sub(1)).copied().unwrap_or(text.len());
    };
    let soft = text.get(..hard).and_then(|head| head.rfind(' ')).map(|at| at + 1);
    soft.filter(|at| *at > hard / 2).unwrap_or(hard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_leaves_its_line() {
        assert_eq!(clean_line("a\r\nPRIVMSG x :y\0z"), "a PRIVMSG x :yz");
        assert_eq!(clean_line("a\u{2028}b\u{85}c\u{b}d"), "a b c d");
        assert_eq!(clean_lines("one\r\ntwo\rthree\nfour"), "one\ntwo\nthree\nfour");
    }

    #[test]
    fn formatting_codes_go_and_text_stays() {
        assert_eq!(clean_line("\u{2}bold\u{f} \u{3}04,12red\u{3} 5 \u{4}ff0000,00ff00hex"), "bold red 5 hex");
        assert_eq!(clean_line("\u{3}4,five"), ",five", "the comma is the writer's own");
        assert_eq!(clean_line("\u{1}ACTION x\u{1}"), "ACTION x");
    }

    #[test]
    fn spaces_stay() {
        assert_eq!(clean_line("  indented\tcode "), "  indented code ");
    }

    #[test]
    fn direction_overrides_go_and_scripts_stay() {
        assert_eq!(clean_line("abc\u{202e}def\u{2066}"), "abcdef");
        assert_eq!(clean_line("שלום עולם 👩‍👩‍👧 日本"), "שלום עולם 👩‍👩‍👧 日本");
    }

    #[test]
    fn long_text_breaks_at_spaces() {
        let fits = |text: &str| text.len() <= 10;
        assert_eq!(split("one two three four", fits), ["one two", "three four"]);
        assert_eq!(split("abcdefghijklmnop", fits), ["abcdefghij", "klmnop"]);
        assert_eq!(split("", fits), [""]);
        let fits = |text: &str| text.len() <= 20;
        assert_eq!(split("👩‍👩‍👧👩‍👩‍👧", fits), ["👩‍👩‍👧", "👩‍👩‍👧"], "a family stays together");
        let accents = format!("a{}b", "\u{301}".repeat(30));
        let pieces = split(&accents, fits);
        assert_eq!(pieces.concat(), accents);
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| fits(piece)), "{pieces:?}");
    }

    proptest! {
        #[test]
        fn a_split_loses_nothing_but_spaces(text in "\\PC{0,200}", most in 8_usize..40) {
            let pieces = split(&text, |piece| piece.len() <= most);
            let joined: String = pieces.concat();
            let strip = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(strip(&joined), strip(&text));
        }

        #[test]
        fn what_is_clean_holds_no_control(text in any::<String>()) {
            let clean = clean_line(&text);
            prop_assert!(!clean.chars().any(|c| c.is_control() || is_line_end(c) || is_bidi_control(c)));
            prop_assert!(!clean_lines(&text).chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
