//! Screen names: as displayed, and as compared.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An AIM screen name or ICQ number as it is displayed. Two are equal when OSCAR takes them for the same: spaces and
/// letter case don't count. Cheap to clone.
#[derive(Clone)]
pub struct ScreenName {
    displayed: Arc<str>,
    normal: Arc<str>,
}

impl ScreenName {
    /// Any text; use [`ScreenName::is_valid`] where a person typed it.
    pub fn new(displayed: impl Into<String>) -> Self {
        let displayed: Arc<str> = displayed.into().into();
        let normal: String = displayed.chars().filter(|c| *c != ' ').flat_map(char::to_lowercase).collect();
        let normal = if normal == *displayed { displayed.clone() } else { normal.into() };
        Self { displayed, normal }
    }

    /// As its owner or the server spells it.
    pub fn as_str(&self) -> &str {
        &self.displayed
    }

    /// Without spaces, in lower case: the form in which names are compared and stored.
    pub fn normal(&self) -> &str {
        &self.normal
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
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_case_do_not_count() {
        assert_eq!(ScreenName::from("Staff One"), ScreenName::from("staffone"));
        assert_ne!(ScreenName::from("Staff One"), ScreenName::from("staff2"));
        assert_eq!(ScreenName::from("Staff One").to_string(), "Staff One");
    }
}
