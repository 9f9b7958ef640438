//! The IRCv3 capabilities: their names, their values, and the set that a client has on.

use crate::config::Config;
use crate::wire::message::TagSet;

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Caps(u32);

/// One capability.
#[derive(Debug)]
pub(crate) struct Capability {
    /// Its name in LS and REQ.
    pub name: &'static str,
    /// What CAP 302 shows after `=`.
    pub value: &'static str,
    /// Its bit.
    pub bit: Caps,
}

macro_rules! capabilities {
    ($($constant:ident = $bit:literal $name:literal $value:literal;)*) => {
        impl Caps {
            $(#[doc = $name] pub(crate) const $constant: Self = Self(1 << $bit);)*
        }

        /// All of them, in the order of LS.
        pub(crate) const ALL: &[Capability] =
            &[$(Capability { name: $name, value: $value, bit: Caps::$constant }),*];
    };
}

capabilities! {
    MULTI_PREFIX = 0 "multi-prefix" "";
    MESSAGE_TAGS = 1 "message-tags" "";
    SERVER_TIME = 2 "server-time" "";
    ECHO_MESSAGE = 3 "echo-message" "";
    BATCH = 4 "batch" "";
    LABELED_RESPONSE = 5 "labeled-response" "";
    ACCOUNT_TAG = 6 "account-tag" "";
    ACCOUNT_NOTIFY = 7 "account-notify" "";
    AWAY_NOTIFY = 8 "away-notify" "";
    EXTENDED_JOIN = 9 "extended-join" "";
    USERHOST_IN_NAMES = 10 "userhost-in-names" "";
    INVITE_NOTIFY = 11 "invite-notify" "";
    SETNAME = 12 "setname" "";
    STANDARD_REPLIES = 13 "standard-replies" "";
    CAP_NOTIFY = 14 "cap-notify" "";
    SASL = 15 "sasl" "PLAIN";
    CHATHISTORY = 16 "draft/chathistory" "";
    RECEIVER = 17 "ircd-lite/receiver" "";
    REDACTION = 18 "draft/message-redaction" "";
}

impl Caps {
    /// Whether all of `other` is on.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Turns `other` on.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Turns `other` off.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What a server with this configuration offers: nothing that could never do anything.
    pub(crate) fn offered(config: &Config) -> Self {
        let privileged = !config.opers.is_empty() || config.accounts.iter().any(|account| account.exempt);
        ALL.iter()
            .filter(|one| one.bit != Self::SASL || !config.accounts.is_empty())
            .filter(|one| one.bit != Self::RECEIVER || privileged)
            .fold(Self::default(), |caps, one| caps.with(one.bit))
    }

    /// Which tags its owner gets. Names of connections are for the `privileged` only.
    pub(crate) fn tags(self, privileged: bool) -> TagSet {
        let mut tags = TagSet::default();
        for (cap, tag) in [
            (Self::SERVER_TIME, TagSet::TIME),
            (Self::MESSAGE_TAGS, TagSet::TAGS),
            (Self::ACCOUNT_TAG, TagSet::ACCOUNT),
        ] {
            if self.has(cap) {
                tags = tags.with(tag);
            }
        }
        if privileged && self.has(Self::RECEIVER) {
            tags = tags.with(TagSet::CONNECTION);
        }
        tags
    }

    /// Looks a name up.
    pub(crate) fn named(name: &[u8]) -> Option<&'static Capability> {
        ALL.iter().find(|capability| capability.name.as_bytes() == name)
    }
}
