//! What the daemon says of itself in 005 (ISUPPORT), as far as a client acts on it.

/// How the daemon compares nicks and channel names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CaseMapping {
    /// Letters only.
    Ascii,
    /// `{}|~` are the small letters of `[]\^`.
    Rfc1459,
    /// As `Rfc1459` without `~` and `^`.
    StrictRfc1459,
}

impl CaseMapping {
    /// The form in which equal names are the same text.
    pub(super) fn fold(self, name: &str) -> String {
        name.chars().map(|c| self.folded(c)).collect()
    }

    pub(super) fn same(self, a: &str, b: &str) -> bool {
        a.len() == b.len() && a.chars().zip(b.chars()).all(|(a, b)| self.folded(a) == self.folded(b))
    }

    const fn folded(self, c: char) -> char {
        match (self, c) {
            (Self::Rfc1459 | Self::StrictRfc1459, '[') => '{',
            (Self::Rfc1459 | Self::StrictRfc1459, ']') => '}',
            (Self::Rfc1459 | Self::StrictRfc1459, '\\') => '|',
            (Self::Rfc1459, '^') => '~',
            _ => c.to_ascii_lowercase(),
        }
    }
}

/// The tokens that matter here; RFC 1459's values until the daemon says otherwise.
#[derive(Debug, Clone)]
pub(super) struct ISupport {
    pub(super) case_mapping: CaseMapping,
    pub(super) nick_length: usize,
    channel_types: String,
    status_prefixes: String,
    /// How many nicks may be watched; `None`: no MONITOR.
    pub(super) monitor: Option<usize>,
    /// How CHATHISTORY is asked page by page.
    pub(super) history_page: Page,
}

/// A daemon that names no limit for MONITOR gets this one of ours.
const MONITOR_CAP: usize = 512;
const HISTORY_CAP: usize = 200;

impl Default for ISupport {
    fn default() -> Self {
        Self {
            case_mapping: CaseMapping::Rfc1459,
            nick_length: 9,
            channel_types: "#&".to_owned(),
            status_prefixes: String::new(),
            monitor: None,
            history_page: Page { lines: 100, by_id: false },
        }
    }
}

/// How a history is asked for, page by page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// How many lines one answer may hold.
    pub(super) lines: usize,
    /// Whether the next page may begin behind a line that is named by its id; else behind a moment.
    pub(super) by_id: bool,
}

impl ISupport {
    /// Takes the parameters of one 005 between our nick and the closing words.
    pub(super) fn apply(&mut self, tokens: &[String]) {
        for token in tokens {
            let (key, value) = token.split_once('=').unwrap_or((token, ""));
            match key {
                "CASEMAPPING" => {
                    self.case_mapping = match value {
                        "ascii" => CaseMapping::Ascii,
                        "strict-rfc1459" => CaseMapping::StrictRfc1459,
                        _ => CaseMapping::Rfc1459,
                    }
                }
                "NICKLEN" => self.nick_length = value.parse().unwrap_or(self.nick_length).max(1),
                "CHANTYPES" => value.clone_into(&mut self.channel_types),
                "STATUSMSG" => value.clone_into(&mut self.status_prefixes),
                "MONITOR" => self.monitor = Some(value.parse().unwrap_or(MONITOR_CAP).min(MONITOR_CAP)),
                "CHATHISTORY" | "draft/CHATHISTORY" => {
                    // 0 means no limit of the daemon's own.
                    let named = value.parse().ok().filter(|&most| most > 0).unwrap_or(HISTORY_CAP);
                    self.history_page.lines = named.min(HISTORY_CAP);
                }
                "MSGREFTYPES" => self.history_page.by_id = value.split(',').any(|kind| kind == "msgid"),
                _ => {}
            }
        }
    }

    /// The channel that a message's target means, `@#channel` included; `None` for a nick.
    pub(super) fn channel<'a>(&self, target: &'a str) -> Option<&'a str> {
        let name = target.trim_start_matches(|c| self.status_prefixes.contains(c));
        [name, target].into_iter().find(|name| name.starts_with(|c| self.channel_types.contains(c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_as_the_daemon_says() {
        let mut support = ISupport::default();
        assert!(support.case_mapping.same("A[]\\^", "a{}|~"));
        support.apply(&["CASEMAPPING=strict-rfc1459".into()]);
        assert!(support.case_mapping.same("A[", "a{") && !support.case_mapping.same("^", "~"));
        support.apply(&["CASEMAPPING=ascii".into()]);
        assert!(!support.case_mapping.same("[", "{"));
    }

    #[test]
    fn odd_values_keep_what_was_known() {
        let mut support = ISupport::default();
        support.apply(&["NICKLEN=x".into(), "MONITOR".into(), "CHATHISTORY=0".into(), "=".into()]);
        assert_eq!((support.nick_length, support.monitor, support.history_page.lines), (9, Some(512), 200));
        support.apply(&["STATUSMSG=@+".into(), "CHANTYPES=#".into()]);
        assert_eq!(support.channel("@#ops"), Some("#ops"));
        assert_eq!(support.channel("&local"), None);
    }
}
