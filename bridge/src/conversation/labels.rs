//! Labels: what staff call a visitor. The nick as first seen, made unique, so that `LABEL: text` can't be misread.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization as _;

use super::model::ConversationId;

/// Longest label, in characters; longer nicks are cut.
const LONGEST: usize = 30;

/// RFC 1459 case folding, as `CASEMAPPING=rfc1459` has it, and Unicode's beyond ASCII.
pub fn fold(name: &str) -> String {
    name.chars()
        .flat_map(|c| match c {
            '[' => '{'.to_lowercase(),
            ']' => '}'.to_lowercase(),
            '\\' => '|'.to_lowercase(),
            '~' => '^'.to_lowercase(),
            other => other.to_lowercase(),
        })
        .collect()
}

/// Bases whose numbers are remembered; where there are more, counting begins anew, which costs time only.
const BASES: usize = 4096;

/// All labels in use: no two that differ only in case or only to a machine.
#[derive(Debug, Default)]
pub struct Labels {
    /// By what they look like: two of the same name look alike as well, so this tells also which names are taken.
    by_shape: HashMap<Box<str>, ConversationId>,
    /// Where to go on counting for a base, so that a thousand guests don't count from 2 a thousand times.
    next: HashMap<Box<str>, u32>,
    /// What names look like that no visitor may go by.
    reserved: HashSet<Box<str>>,
}

impl Labels {
    /// A free label for this nick, now taken.
    pub fn assign(&mut self, nick: &str, owner: ConversationId) -> String {
        let base = from_nick(nick);
        if !self.reserved.contains(shape(&base).as_str()) && self.take(&base, owner) {
            return base;
        }
        let folded = fold(&base);
        let mut number = self.next.get(folded.as_str()).copied().unwrap_or(2);
        loop {
            let label = format!("{base}-{number}");
            number = number.saturating_add(1);
            if !self.reserved.contains(shape(&label).as_str()) && self.take(&label, owner) {
                if self.next.len() >= BASES {
                    self.next.clear();
                }
                self.next.insert(folded.into(), number);
                return label;
            }
        }
    }

    /// Takes a label; false where it, or one that looks like it, is taken.
    pub fn take(&mut self, label: &str, owner: ConversationId) -> bool {
        match self.by_shape.entry(shape(label).into()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(owner);
                true
            }
        }
    }

    /// No new label is one of these names, or looks like one; spaces in them don't count. Labels that are taken stay.
    pub fn reserve<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        self.reserved = names.map(|name| shape(&name.replace(' ', "")).into()).collect();
    }

    /// Gives a label back.
    pub fn release(&mut self, label: &str) {
        self.by_shape.remove(shape(label).as_str());
    }

    /// Whose label looks like this one. It may be another, which only looks so: [`same`] tells.
    pub fn alike(&self, label: &str) -> Option<ConversationId> {
        self.by_shape.get(shape(label).as_str()).copied()
    }
}

/// Whether two labels are one: letter case apart, the same characters, however they are composed.
pub fn same(one: &str, other: &str) -> bool {
    one == other || fold(one) == fold(other) || fold(one).nfc().eq(fold(other).nfc())
}

/// A nick as it is shown: without what can't be seen, or turns what stands beside it.
pub fn shown(nick: &str) -> String {
    super::text::clean_line(nick).nfc().filter(|c| !is_invisible(*c)).collect()
}

/// Whether a character leaves no trace where it stands (Unicode's default ignorable ones, and the empty Braille cell).
fn is_invisible(c: char) -> bool {
    let mut bytes = [0; 4];
    c == '\u{2800}'
        || (!c.is_ascii() && unicode_security::skeleton(c.encode_utf8(&mut bytes)).next().is_none())
}

/// The nick without what would make `LABEL: text` ambiguous. A daemon lets no such nick through; ours is not the only one.
fn from_nick(nick: &str) -> String {
    let mut label: String = shown(nick)
        .chars()
        .map(|c| if c.is_whitespace() || matches!(c, ':' | ',') { '_' } else { c })
        .take(LONGEST)
        .collect();
    if label.is_empty() {
        "visitor".clone_into(&mut label);
    }
    if label.starts_with(['/', '*', '#', '&', '@']) {
        label.insert(0, '_');
    }
    label
}

/// What the label looks like to a person (Unicode TR39 skeleton), case aside.
fn shape(label: &str) -> String {
    fold(&unicode_security::skeleton(&fold(label)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assign(labels: &mut Labels, nick: &str) -> String {
        labels.assign(nick, ConversationId(1))
    }

    #[test]
    fn the_second_of_a_name_gets_a_number() {
        let mut labels = Labels::default();
        assert_eq!(assign(&mut labels, "anna"), "anna");
        assert_eq!(assign(&mut labels, "Anna"), "Anna-2");
        assert_eq!(assign(&mut labels, "anna-2"), "anna-2-2", "a visitor may be called so");
        assert_eq!(assign(&mut labels, "anna"), "anna-3");
        assert_eq!(assign(&mut labels, "bob"), "bob");
        assert_eq!(assign(&mut labels, "bob2"), "bob2");
    }

    #[test]
    fn case_is_rfc1459() {
        let mut labels = Labels::default();
        assert_eq!(assign(&mut labels, "joe[x]"), "joe[x]");
        assert_eq!(assign(&mut labels, "JOE{X}"), "JOE{X}-2");
        assert!(labels.alike("Joe[X]").is_some());
        assert!(same("joe[x]", "Joe{X}") && !same("paypal", "paypa1"));
    }

    #[test]
    fn look_alikes_count_as_taken() {
        let mut labels = Labels::default();
        assert_eq!(assign(&mut labels, "paypal"), "paypal");
        assert_eq!(assign(&mut labels, "p\u{430}yp\u{430}l"), "p\u{430}yp\u{430}l-2", "Cyrillic a");
        assert_eq!(
            assign(&mut labels, "paypa1"),
            "paypa1-3",
            "one for l, and -2 is taken by a look-alike too"
        );
    }

    #[test]
    fn a_released_label_is_free_again() {
        let mut labels = Labels::default();
        assign(&mut labels, "anna");
        labels.release("anna");
        assert!(labels.alike("anna").is_none());
        assert_eq!(assign(&mut labels, "anna"), "anna");
    }

    #[test]
    fn nothing_that_could_be_misread_gets_into_a_label() {
        let mut labels = Labels::default();
        for (nick, label) in [
            ("/close", "_/close"),
            ("* bot", "_*_bot"),
            ("a:b", "a_b"),
            ("c,d", "c_d"),
            ("", "visitor"),
            ("\u{202e}evil", "evil"),
            ("x\r\nPRIVMSG", "x_PRIVMSG"),
        ] {
            assert_eq!(assign(&mut labels, nick), label);
        }
        assert!(assign(&mut labels, &"w".repeat(200)).chars().count() <= LONGEST);
    }
}
