//! Nicks, user names, channel names, and their comparison by the casemapping `rfc1459`.

use std::borrow::Borrow;
use std::collections::HashMap;

use super::text;

/// A name as it is compared: `A-Z[]\^` as `a-z{}|~`. A key of maps, never shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Folded(Box<[u8]>);

impl Folded {
    /// Folds a name.
    pub(crate) fn new(name: &[u8]) -> Self {
        Self(name.iter().map(|byte| fold(*byte)).collect())
    }

    /// Looks a name up, without a key of its own unless the name is longer than most.
    pub(crate) fn find<'a, V>(map: &'a HashMap<Self, V>, name: &[u8]) -> Option<&'a V> {
        let mut place = [0; 64];
        let Some(key) = place.get_mut(..name.len()) else { return map.get(&Self::new(name)) };
        for (to, from) in key.iter_mut().zip(name) {
            *to = fold(*from);
        }
        map.get(&*key)
    }
}

/// So that a map of names can be asked for bytes that are folded already.
impl Borrow<[u8]> for Folded {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// One byte's small form under `rfc1459`.
pub(crate) fn fold(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte | 0x20,
        b'[' => b'{',
        b']' => b'}',
        b'\\' => b'|',
        b'^' => b'~',
        other => other,
    }
}

/// Whether two names are the same to IRC.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| fold(*x) == fold(*y))
}

/// What a word given as a nick is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Nick<'a> {
    /// Usable, cut to the length limit.
    Valid(&'a [u8]),
    /// Nothing is left of it (431).
    Missing,
    /// 432.
    Erroneous,
}

/// Reads a nick: letters, digits, ``[]\`_^{|}-``, neither digit nor `-` first. `~` ends it, as in ircd-ratbox.
pub(crate) fn nick(word: &[u8], limit: usize) -> Nick<'_> {
    let word = word.split(|byte| *byte == b'~').next().unwrap_or_default();
    match word.first() {
        None => Nick::Missing,
        Some(b'0'..=b'9' | b'-') => Nick::Erroneous,
        Some(_) if !word.iter().all(|byte| is_nick_byte(*byte)) => Nick::Erroneous,
        Some(_) => Nick::Valid(word.get(..limit).unwrap_or(word)),
    }
}

fn is_nick_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"[]\\`_^{|}-".contains(&byte)
}

/// The longest user name, in bytes, its `~` included.
pub(crate) const USER: usize = 10;

/// The user name that follows from USER's first parameter: no ident answer, so `~` in front, [`USER`] bytes in all.
/// `None` where it holds what no user name may.
pub(crate) fn user(word: &[u8]) -> Option<Vec<u8>> {
    let whole = user_as_shown(word);
    let name = whole.get(1..).unwrap_or_default();
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.[]\\^{}|`~$+".contains(byte);
    let begins = name.first().is_some_and(|byte| !b"-.".contains(byte));
    (begins && name.iter().all(valid)).then_some(whole)
}

/// The same without a look at its bytes, for the answer to one that is not valid.
pub(crate) fn user_as_shown(word: &[u8]) -> Vec<u8> {
    let name = word.split(|byte| *byte == b'@').next().unwrap_or_default();
    std::iter::once(&b'~').chain(name).take(USER).copied().collect()
}

/// Whether a word begins as a channel name does.
pub(crate) fn is_channel(word: &[u8]) -> bool {
    matches!(word.first(), Some(b'#' | b'&'))
}

/// Whether a word that begins as a channel name may be one.
pub(crate) fn valid_channel(word: &[u8], limit: usize) -> bool {
    is_channel(word) && word.len() <= limit && !word.contains(&b',') && !text::has_control(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_letters() {
        assert!(same(b"A[24]\\^", b"a{24}|~"));
        assert_eq!(Folded::new(b"#[X]"), Folded::new(b"#{x}"));
        assert!(!same(b"a", b"ab"));
    }

    #[test]
    fn any_spelling_and_any_length_is_found() {
        let names = ["#[X]".to_owned(), "N".repeat(64), "M".repeat(65)];
        let map: HashMap<Folded, usize> =
            names.iter().enumerate().map(|(at, name)| (Folded::new(name.as_bytes()), at)).collect();
        for (at, name) in names.iter().enumerate() {
            assert_eq!(Folded::find(&map, name.to_lowercase().as_bytes()), Some(&at));
        }
        assert_eq!(Folded::find(&map, b""), None);
    }

    #[test]
    fn nicks() {
        assert_eq!(nick(b"[x]_05^", 30), Nick::Valid(b"[x]_05^"));
        assert_eq!(nick(b"abcdef", 3), Nick::Valid(b"abc"));
        assert_eq!(nick(b"ab~c", 30), Nick::Valid(b"ab"));
        for word in [&b"~x"[..], b""] {
            assert_eq!(nick(word, 30), Nick::Missing);
        }
        for word in [&b"1a"[..], b"-a", b"a.b", b"a!b", b"#a", b"a\xc3\xa4"] {
            assert_eq!(nick(word, 30), Nick::Erroneous);
        }
    }

    #[test]
    fn user_names_get_a_tilde_and_ten_bytes() {
        assert_eq!(user(b"reguser").unwrap(), b"~reguser");
        assert_eq!(user(b"longusername@host").unwrap(), b"~longusern");
        assert_eq!(user(b"~x").unwrap(), b"~~x");
        assert_eq!(user_as_shown(b"bad!name@host"), b"~bad!name");
        assert_eq!(user(b"a b"), None);
        assert_eq!(user(b"@host"), None);
    }
}
