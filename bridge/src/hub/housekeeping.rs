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
/// Conversations let go of in one look.
const AT_ONCE: usize = 500;

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

    /// Conversations that are too old to be kept were last spoken in before this.
    pub(crate) fn keep_since(&self, now: Millis) -> Option<Millis> {
        self.settings.retention.map(|retention| now.before(retention))
    }

    fn release_claims(&mut self, now: Millis) {
        let idle = self.settings.claim_idle;
        let signed_on = self.accounts.iter().filter_map(|account| account.up.as_ref());
        let sees_staff = signed_on.map(|(_, since)| *since).any(|since| now.since(since) >= TICK);
        let ended: Vec<(ConversationId, String, Release)> = self
            .book
            .open_ones()
            .filter_map(|conversation| {
                let holder = conversation.holder.as_ref()?;
                let member = self.member(holder);
                let gone_since = member.map_or(Some(conversation.held_at), |member| member.gone_since);
                // While we don't see staff, nobody's absence is known.
                let gone_since = gone_since.filter(|_| sees_staff);
                let is_long_ago = |since: Millis| now.since(since) >= HOLDER_GONE;
                let visitor_waits = conversation.visitor_waits();
                let why = if gone_since.is_some_and(is_long_ago) {
                    Release::SignedOff(holder.clone())
                } else if visitor_waits && member.and_then(|member| member.away).is_some_and(is_long_ago) {
                    Release::Away(holder.clone())
                } else if visitor_waits && idle.is_some_and(|idle| now.since(conversation.held_at) >= idle) {
                    Release::Idle(holder.clone())
                } else {
                    return None;
                };
                Some((conversation.id, conversation.label.clone(), why))
            })
            .collect();
        for (id, label, why) in ended {
            self.give_to(id, None, now);
            self.tell_others(Some(id), &super::staff::nobody(), &wording::released(&label, &why), now);
        }
    }

    /// Closes what nobody speaks in, and lets go of what was closed long ago; the transcript stays in the store. An
    /// answer that its visitor never came for goes with the conversation: it stands in the transcript. What staff have
    /// not had yet keeps a conversation open, until its retention is over.
    fn close_quiet_ones(&mut self, now: Millis) {
        let (close_after, retire_after) = (self.settings.close_after, self.settings.retire_after);
        let is_over = |conversation: &Conversation| {
            self.settings.retention.is_some_and(|retention| now.since(conversation.last_at) >= retention)
        };
        let quiet: Vec<ConversationId> = self
            .book
            .open_ones()
            .filter(|conversation| {
                now.since(conversation.last_at) >= close_after && conversation.untaken.is_empty()
            })
            .filter(|conversation| !is_over(conversation))
            .map(|conversation| conversation.id)
            .collect();
        let old: Vec<ConversationId> = self
            .book
            .iter()
            .filter(|conversation| {
                let is_old = conversation.closed_at.is_some_and(|at| now.since(at) >= retire_after);
                is_over(conversation) || (is_old && !conversation.blocked && conversation.untaken.is_empty())
            })
            .map(|conversation| conversation.id)
            .take(AT_ONCE)
            .collect();
        for id in quiet {
            self.close_conversation(id, now);
        }
        for id in old {
            self.retire(id);
        }
    }

    pub(super) fn retire(&mut self, id: ConversationId) {
        let recipients: Vec<oscar_im::ScreenName> = self.outbox.recipients().cloned().collect();
        for who in recipients {
            for row in self.outbox.forget(&who, id) {
                self.write(Write::Drop(row.id));
            }
        }
        self.book.retire(id);
        self.answers.forget(id);
        self.typing.forget(id);
        self.attendance.forget(id);
        self.write(Write::Retire(id));
    }

    fn forget_heard(&mut self, now: Millis) {
        if let Some(before) = self.heard.forget_old(now) {
            self.write(Write::ForgetHeard(before));
        }
    }
}
