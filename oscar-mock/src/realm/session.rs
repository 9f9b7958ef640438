//! One signed-on stretch of an account, and what others are told of it.

use std::collections::HashSet;
use std::time::Instant;

use oscar_im::ScreenName;

use super::{AccountId, ConnectionId, Privacy};
use crate::clock::Now;
use crate::rates::Levels;

/// Whether a client lets others of its account be signed on beside it (TLV 4A of the sign-on).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// TLV 4A was 1.
    Shared,
    /// Anything else, or none.
    Single,
}

/// How far the client has gone with the server-stored list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ListUse {
    /// It has not asked for it: a client of before 13.
    Unasked,
    /// It has asked (13/04 or 05) and not activated it.
    Asked,
    /// In use (13/07, or ready after having asked).
    Active,
}

/// A text with its MIME type, as 02/04 sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// Such as `text/aolrtf; charset="us-ascii"`.
    pub(crate) mime: Vec<u8>,
    /// In that charset.
    pub(crate) body: Vec<u8>,
}

/// A BOS connection with the service connections that belong to it.
#[derive(Debug)]
pub(crate) struct Session {
    /// Whose.
    pub(crate) account: AccountId,
    /// Whether others may be signed on beside it.
    pub(crate) sharing: Sharing,
    /// The BOS connection.
    pub(crate) bos: ConnectionId,
    /// The other connections.
    pub(crate) services: Vec<ConnectionId>,
    /// The version of group 1 that the client announced (01/17); from 2 on rate records are longer.
    pub(crate) versions: u16,
    /// Whether 01/02 has come: only then is it seen, and gets messages.
    pub(crate) ready: bool,
    /// How far the server-stored list is in use.
    pub(crate) list: ListUse,
    /// Whether the client is between 13/11 and 13/12: presence waits for the end.
    pub(crate) in_transaction: bool,
    /// Names given by 03/04.
    pub(crate) client_buddies: HashSet<ScreenName>,
    /// Who may see and write, as set by 09/05 and following.
    pub(crate) client_privacy: Option<Privacy>,
    /// The names on the watch list that counts.
    pub(super) watching: HashSet<ScreenName>,
    /// Whom the client has been told to be there.
    pub(crate) shown: HashSet<AccountId>,
    /// TLV 6 of the user info: bit 0x100 is *invisible*.
    pub(crate) status: u32,
    /// Sixteen bytes each, sorted, without repeats.
    pub(crate) capabilities: Vec<[u8; 16]>,
    /// The profile, if set.
    pub(crate) profile: Option<Text>,
    /// The away message; being away is having one.
    pub(crate) away: Option<Text>,
    /// Since when it has been idle.
    pub(crate) idle_since: Option<Instant>,
    /// When it began.
    pub(crate) began: Now,
    /// Where it stands with the rate classes.
    pub(crate) levels: Levels,
}

impl Session {
    pub(super) fn new(
        account: AccountId,
        sharing: Sharing,
        bos: ConnectionId,
        levels: Levels,
        now: Now,
    ) -> Self {
        Self {
            account,
            sharing,
            bos,
            services: Vec::new(),
            ready: false,
            list: ListUse::Unasked,
            in_transaction: false,
            client_buddies: HashSet::new(),
            client_privacy: None,
            watching: HashSet::new(),
            shown: HashSet::new(),
            status: 0,
            capabilities: Vec::new(),
            profile: None,
            away: None,
            idle_since: None,
            began: now,
            levels,
            versions: 1,
        }
    }

    /// Whether it looks offline to all.
    pub(crate) const fn is_invisible(&self) -> bool {
        self.status & 0x100 != 0
    }

    /// Whole minutes without a key pressed; 0 when not idle.
    pub(crate) fn idle_minutes(&self, now: Now) -> u16 {
        self.idle_since.map_or(0, |since| {
            let minutes = now.instant.saturating_duration_since(since).as_secs() / 60;
            u16::try_from(minutes).unwrap_or(u16::MAX)
        })
    }

    /// All its connections.
    pub(crate) fn connections(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        std::iter::once(self.bos).chain(self.services.iter().copied())
    }

    /// Who is watched.
    pub(crate) const fn watching(&self) -> &HashSet<ScreenName> {
        &self.watching
    }
}
