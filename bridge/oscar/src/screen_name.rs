//! Screen names: as displayed, and as compared.
//!
//! Source: open-oscar-server's `state/user.go`; both spellings of one name occur in the captures.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An AIM screen name or ICQ number as it is displayed. Two are equal when OSCAR takes them for the same: spaces and
/// letter case don't count. Cheap to clone.
#[derive(Clone)]
pub struct ScreenName {
    displayed: Arc<str>,
    normal: Arc<str>,
    /// It came in ISO-8859-1, and goes on so.
    latin1: bool,
}

impl ScreenName {
    /// Any text; use [`ScreenName::is_valid`] where a person typed it.
    pub fn new(displayed: impl Into<String>) -> Self {
        Self::of(displayed.into().into())
    }

    fn of(displayed: Arc<str>) -> Self {
        let is_itself = |byte: u8| byte.is_ascii() && byte != b' ' && !byte.is_ascii_uppercase();
        // Most names are displayed as they are compared.
        let normal = if displayed.bytes().all(is_itself) {
            displayed.clone()
        } else {
            displayed.chars().filter(|c| *c != ' ').flat_map(char::to_lowercase).collect::<String>().into()
        };
        Self { displayed, normal, latin1: false }
    }

    /// As it came: UTF-8, else ISO-8859-1.
    pub(crate) fn from_wire(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::of(text.into()),
            Err(_) => Self { latin1: true, ..Self::new(crate::wire::text(bytes)) },
        }
    }

    /// The bytes that [`ScreenName::from_wire`] made it of; UTF-8 for a name of our own.
    pub(crate) fn to_wire(&self) -> Cow<'_, [u8]> {
        let latin1 = || self.displayed.chars().map(u8::try_from).collect::<Result<_, _>>().ok();
        self.latin1.then(latin1).flatten().map_or_else(|| self.displayed.as_bytes().into(), Cow::Owned)
    }

    /// As its owner or the server spells it.
    pub fn as_str(&self) -> &str {
        &self.displayed
    }

    /// Without spaces, in lower case: the form in which names are compared and stored.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// The ICQ number that it is, 10000 to 2147483646; None for an AIM name.
    pub fn uin(&self) -> Option<u32> {
        let digits = !self.normal.is_empty() && self.normal.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| self.normal.parse().ok())??;
        (10_000..=2_147_483_646).contains(&number).then_some(number)
    }

    /// Whether a server of AIM would let somebody have it: at most 16 bytes, 3 or more of them letters or digits, the rest
    /// spaces, a letter first and no space last. For servers; a client does not know what they allow.
    ///
    /// Source: open-oscar-server's `state/user.go`. Addresses (`user@example.org`) were allowed later, and are not by this.
    pub fn is_aim(&self) -> bool {
        let bytes = self.displayed.as_bytes();
        let known = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
        known
            && bytes.len() <= 16
            && self.normal.len() >= 3
            && bytes.first().is_some_and(u8::is_ascii_alphabetic)
            && bytes.last() != Some(&b' ')
    }

    /// Whether it could be a name on the network: 1 to 97 bytes (libpurple's buffer), no control characters, something
    /// left when spaces are dropped. Servers are stricter (AIM 3 to 16 characters, letter first), and tell.
    pub fn is_valid(&self) -> bool {
        !self.normal.is_empty() && self.displayed.len() <= 97 && !self.displayed.chars().any(char::is_control)
    }
}

impl PartialEq for ScreenName {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for ScreenName {}

impl Hash for ScreenName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normal.hash(state);
    }
}

impl PartialOrd for ScreenName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ScreenName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.normal.cmp(&other.normal)
    }
}

impl fmt::Display for ScreenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.displayed)
    }
}

impl fmt::Debug for ScreenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScreenName({:?})", self.displayed)
    }
}

impl Default for ScreenName {
    /// The empty name, which nobody has.
    fn default() -> Self {
        Self::new("")
    }
}

impl From<&str> for ScreenName {
    fn from(text: &str) -> Self {
        Self::of(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_on_as_it_came() {
        use crate::wire::Wire;
        for bytes in ["café".as_bytes(), b"caf\xe9", &[0xaa; 255], b"Staff One", b""] {
            let on_the_wire = [&[u8::try_from(bytes.len()).unwrap()], bytes].concat();
            let name = <ScreenName as Wire>::from_bytes(&on_the_wire).unwrap();
            assert_eq!(Wire::to_bytes(&name).unwrap(), on_the_wire, "{name}");
        }
        let (old, new) = (ScreenName::from_wire(b"Caf\xe9"), ScreenName::from("caf\u{e9}"));
        assert_eq!((old.as_str(), &old), ("Caf\u{e9}", &new), "the same person");
        assert_eq!(*new.to_wire(), *"caf\u{e9}".as_bytes());
    }

    #[test]
    fn names_are_aims_or_icq_numbers() {
        let kind = |text| (ScreenName::from(text).is_aim(), ScreenName::from(text).uin());
        for text in ["Staff One", "abc", "a b c", "abcdefghijklmnop"] {
            assert_eq!(kind(text), (true, None), "{text}");
        }
        for (text, uin) in [("10000", 10_000), ("2147483646", 2_147_483_646), ("123 456", 123_456)] {
            assert_eq!(kind(text), (false, Some(uin)), "{text}");
        }
        for text in
            ["", "ab", "a b", "1abc", "abc ", "é23", "a@b.example", "abcdefghijklmnopq", "9999", "2147483647"]
        {
            assert_eq!(kind(text), (false, None), "{text}");
        }
        assert_eq!(kind("99999999999999999999"), (false, None));
    }

    #[test]
    fn spaces_and_case_do_not_count() {
        assert_eq!(ScreenName::from("Staff One"), ScreenName::from("staffone"));
        assert_ne!(ScreenName::from("Staff One"), ScreenName::from("staff2"));
        assert_eq!(ScreenName::from("Staff One").to_string(), "Staff One");
    }
}
