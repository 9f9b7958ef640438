//! Text as it may be written to a terminal: whatever a server or a person elsewhere sends, it moves no cursor, changes
//! no colour or title, answers no query and turns no line around.
//!
//! Both faces write through here, at the last step, so that nothing gets past it. Control characters are shown as
//! signs that stand for them; what only steers direction or joins nothing that is seen is left out.

/// Marks on one character that are kept; more of them would paint over the lines around.
const MOST_MARKS: usize = 4;

/// One line of `text`: no character in it acts on a terminal. Line ends become spaces.
pub(super) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for character in text.chars() {
        let Some(shown) = shown(character) else { continue };
        marks = if is_mark(shown) { marks + 1 } else { 0 };
        if marks <= MOST_MARKS {
            out.push(shown);
        }
    }
    out
}

fn shown(character: char) -> Option<char> {
    match character {
        '\n' | '\r' | '\t' | '\u{a0}' | '\u{2028}' | '\u{2029}' => Some(' '),
        // The signs of the block "Control Pictures" have the order of what they stand for.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)),
        '\u{7f}' => Some('\u{2421}'),
        // C1, which some terminals take for escape sequences in UTF-8 too; private use and characters that are none,
        // about which no two terminals agree.
        '\u{80}'..='\u{9f}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{f0000}'..='\u{10ffff}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{fffe}'
        | '\u{ffff}' => Some(char::REPLACEMENT_CHARACTER),
        // What turns direction: marks, embeddings, overrides, isolates. And what nobody sees: soft hyphen, zero width
        // spaces, fillers, old format characters, annotations, tags.
        '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{ad}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => None,
        _ => Some(character),
    }
}

/// Takes no column of its own.
fn is_mark(character: char) -> bool {
    unicode_width::UnicodeWidthChar::width(character) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequences_are_shown_and_do_nothing() {
        assert_eq!(line("\u{1b}]0;owned\u{7}"), "␛]0;owned␇");
        assert_eq!(line("\u{1b}[2J\u{9b}31m\u{90}"), "␛[2J\u{fffd}31m\u{fffd}");
        assert_eq!(line("a\r\nb\tc\u{8}\u{7f}"), "a  b c␈␡");
    }

    #[test]
    fn direction_is_not_turned_and_nothing_hides() {
        assert_eq!(line("user\u{202e}txt.exe\u{2066}"), "usertxt.exe");
        assert_eq!(line("pay\u{200b}pal\u{ad}\u{feff}\u{e0041}"), "paypal");
    }

    #[test]
    fn people_write_in_all_languages() {
        for text in ["naïve café", "日本語 😀", "👨‍👩‍👧‍👦 ❤️", "नमस्ते", "مرحبا", "e\u{301}"]
        {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn marks_do_not_pile_up() {
        assert_eq!(line(&format!("e{}x", "\u{301}".repeat(500))), format!("e{}x", "\u{301}".repeat(4)));
    }

    proptest! {
        #[test]
        fn nothing_that_acts_gets_through(text in any::<String>()) {
            for character in line(&text).chars() {
                prop_assert!(!character.is_control());
                let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                prop_assert!(!turns);
            }
        }
    }
}
