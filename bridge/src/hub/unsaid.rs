//! Staff members whose messages went to nobody because the store took nothing, and what they were told of it. It is said at once, without
//! a record; where nobody took those words, because the session ended or no credit was at hand, it is said when the
//! store takes again.

use oscar_im::ScreenName;

use super::desk::Desk;
use crate::aim::event::{AccountId, ImCookie};
use crate::conversation::{Millis, wording};
use crate::outbox::staff::Rank;

/// What is remembered at most: more than links hand over at once, and more than anybody wants to read.
const MOST: usize = 512;

/// One message that went to nobody.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    pub(super) from: ScreenName,
    /// When it came.
    pub(super) at: Millis,
    /// How its sender is told, if at all.
    pub(super) told: Option<(AccountId, ImCookie)>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    /// Of this round: lost if it can't be stored.
    at_stake: Vec<Lost>,
    /// Words on their way.
    under_way: Vec<Lost>,
    /// Nobody took the words.
    waiting: Vec<Lost>,
    /// Said in this round, as a text that is owed.
    said: Vec<Lost>,
}

impl Unsaid {
    /// Lost if this round can't be stored.
    pub(super) fn at_stake(&mut self, lost: Lost) {
        self.at_stake.push(lost);
    }

    /// Lost for certain.
    pub(super) fn lost(&mut self, lost: Lost) {
        let list = if lost.told.is_some() { &mut self.under_way } else { &mut self.waiting };
        if list.len() < MOST {
            list.push(lost);
        }
    }

    /// The server took these words.
    pub(super) fn acked(&mut self, cookie: ImCookie) {
        self.under_way.retain(|lost| lost.told.is_none_or(|(_, words)| words != cookie));
    }

    /// The server did not take these words, or no link ever had them.
    pub(super) fn not_taken(&mut self, cookie: ImCookie) {
        self.move_unsaid(|(_, words)| words == cookie);
    }

    /// The session is gone, and the words on their way with it.
    pub(super) fn session_ended(&mut self, account: AccountId) {
        self.move_unsaid(|(by, _)| by == account);
    }

    fn move_unsaid(&mut self, which: impl Fn((AccountId, ImCookie)) -> bool) {
        let room = MOST.saturating_sub(self.waiting.len());
        self.waiting.extend(self.under_way.extract_if(.., |lost| lost.told.is_some_and(&which)).take(room));
    }

    pub(super) fn stored(&mut self) {
        self.at_stake.clear();
        self.said.clear();
    }

    pub(super) fn not_stored(&mut self) {
        self.waiting.append(&mut self.said);
        for lost in std::mem::take(&mut self.at_stake) {
            self.lost(lost);
        }
    }
}

impl Desk {
    /// Says what could not be said before; the store takes something now.
    pub(super) fn say_unsaid(&mut self, now: Millis) {
        for lost in std::mem::take(&mut self.unsaid.waiting) {
            if self.member(&lost.from).is_some() {
                self.tell(&lost.from, Rank::Reply, &wording::not_stored_at(lost.at), now);
            }
            self.unsaid.said.push(lost);
        }
    }
}
