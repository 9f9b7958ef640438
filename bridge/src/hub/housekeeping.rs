//! What the desk does because time has passed.

use std::time::Duration;

use super::desk::Desk;
use crate::conversation::wording::{self, Release};
use crate::conversation::{Conversation, ConversationId, Millis};
use crate::store::Write;

/// How often it looks.
const TICK: Duration = Duration::from_secs(10);
/// How often it notes that the AIM side is up; so inexact is "I was away from" after a crash.
const NOTE_AIM: Duration = Duration::from_secs(60);
/// A holder who is gone for so long holds nothing any more: a reconnect takes less.
const HOLDER_GONE: Duration = Duration::from_secs(60);

impl Desk {
    pub(super) fn tick(&mut self, now: Millis) {
        self.next_tick = now.after(TICK);
        let aim_is_up = self.accounts.iter().any(|account| account.up.is_some());
        if aim_is_up && now.since(self.aim_noted) >= NOTE_AIM {
            self.note_aim(now);
        }
        // Daemons that did not answer who has a nick are asked again.
        self.answers.look_at_all();
        self.release_claims(now);
        self.close_quiet_ones(now);
        self.forget_heard(now);
    }

    /// The last thing before a stop: when the AIM side was up.
    pub(crate) fn stopping(&mut self, now: Millis) {
        if self.accounts.iter().any(|account| account.up.is_some()) {
            self.note_aim(now);
        }
    }

    /// Conversations whose transcripts are too old to be kept were last spoken in before this.
    pub(crate) fn keep_since(&self, now: Millis) -> Option<Millis> {
        self.settings.retention.map(|retention| now.before(retention))
    }

    fn release_claims(&mut self, now: Millis) {
        let idle = self.settings.claim_idle;
        let ended: Vec<(ConversationId, String, Release)> = self
            .book
            .open_ones()
            .filter_map(|conversation| {
                let holder = conversation.holder.as_ref()?;
                let gone_since =
                    self.member(holder).map_or(Some(conversation.held_at), |member| member.gone_since);
                let why = if gone_since.is_some_and(|since| now.since(since) >= HOLDER_GONE) {
                    Release::SignedOff(holder.clone())
                } else if conversation.last_at > conversation.held_at
                    && now.since(conversation.held_at) >= idle
                {
                    Release::Idle(holder.clone())
                } else {
                    return None;
                };
                Some((conversation.id, conversation.label.clone(), why))
            })
            .collect();
        for (id, label, why) in ended {
            self.give_to(id, None, now);
            self.tell_others(&super::staff::nobody(), &wording::released(&label, &why), now);
        }
    }

    /// Closes what nobody speaks in, and lets go of what was closed long ago; the transcript stays in the store.
    fn close_quiet_ones(&mut self, now: Millis) {
        let (close_after, retire_after) = (self.settings.close_after, self.settings.retire_after);
        let retire_after =
            self.settings.retention.map_or(retire_after, |retention| retention.min(retire_after));
        let nothing_owed = |conversation: &Conversation| {
            conversation.untaken.is_empty() && self.answers.owed(conversation.id) == 0
        };
        let quiet: Vec<ConversationId> = self
            .book
            .open_ones()
            .filter(|conversation| {
                now.since(conversation.last_at) >= close_after && nothing_owed(conversation)
            })
            .map(|conversation| conversation.id)
            .collect();
        let old: Vec<ConversationId> = self
            .book
            .iter()
            .filter(|conversation| conversation.closed_at.is_some_and(|at| now.since(at) >= retire_after))
            .filter(|conversation| nothing_owed(conversation) && !conversation.blocked)
            .map(|conversation| conversation.id)
            .collect();
        for id in quiet {
            self.close_conversation(id, now);
        }
        for id in old {
            self.book.retire(id);
            self.answers.forget(id);
            self.typing_shown.remove(&id);
            self.write(Write::Retire(id));
        }
    }

    fn forget_heard(&mut self, now: Millis) {
        let before = now.before(super::staff::HEARD_FOR);
        let known = self.heard.len();
        self.heard.retain(|_, at| *at >= before);
        if self.heard.len() < known {
            self.write(Write::ForgetHeard(before));
        }
    }
}
