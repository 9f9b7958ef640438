//! The desk's doorplate: whether anybody answers, now and for whom, and that visitors, the daemon and later the staff
//! hear of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::desk::{Desk, Effect, Member};
use super::visitors::state;
use crate::conversation::book::Book;
use crate::conversation::{Conversation, ConversationId, Millis, contact, wording};
use crate::conversation::{department::Department, wording::visitor as words};
use crate::irc::event::IrcCommand;
use crate::outbox::staff::Rank;

/// After our sign-on the server tells who is there; so long nobody's absence is certain.
const PRESENCE_SETTLES: Duration = Duration::from_secs(2);
/// The AIM side may be gone so long before visitors are told that nobody is there.
const AIM_GRACE: Duration = Duration::from_secs(10);
/// What waited for so long is shown to staff with its time.
const WORTH_A_WORD: Duration = Duration::from_secs(60);
/// Whoever goes may come back at once: so long visitors whose lines wait by then are not told.
const STAFF_GRACE: Duration = Duration::from_secs(10);

/// What the daemon shows of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    Nobody,
    Closed,
}

/// Sees to it that visitors know whether somebody is there.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    /// Conversations whose visitors wait and were not told yet that nobody is there, and from when on they may be.
    due: BTreeMap<ConversationId, Millis>,
    /// Conversations whose visitors were told.
    told: BTreeSet<ConversationId>,
    /// Those whose visitors were told in these closed hours that it is closed.
    told_closed: BTreeSet<ConversationId>,
    /// Somebody came or went, or a conversation belongs to others, since those who were told were looked through.
    pub(super) changed: bool,
    /// Somebody went since those who wait were looked through.
    fewer: bool,
    closed: bool,
    /// What `closed` says holds until then.
    hours_until: Millis,
}

impl Attendance {
    pub(super) fn forget(&mut self, id: ConversationId) {
        self.due.remove(&id);
        self.told.remove(&id);
        self.told_closed.remove(&id);
    }

    fn take_due(&mut self, now: Millis) -> Vec<ConversationId> {
        let due: Vec<ConversationId> =
            self.due.iter().filter(|(_, at)| now >= **at).map(|(id, _)| *id).collect();
        self.due.retain(|_, at| now < *at);
        due
    }

    /// The configuration was read again.
    pub(super) fn hours_changed(&mut self) {
        (self.closed, self.hours_until) = (false, Millis(0));
    }

    /// Somebody went, or takes no lines any more.
    pub(super) fn fewer_are_there(&mut self) {
        (self.changed, self.fewer) = (true, true);
    }

    /// From when on somebody has to be told.
    pub(super) fn due_at(&self) -> Option<Millis> {
        self.due.values().min().copied()
    }
}

impl Desk {
    /// Whether it is outside business hours.
    pub(super) fn is_closed(&mut self, now: Millis) -> bool {
        if let Some(hours) = &self.settings.hours
            && now >= self.attendance.hours_until
        {
            let (open, until) = hours.at(now);
            (self.attendance.closed, self.attendance.hours_until) = (!open, until);
        }
        self.attendance.closed
    }

    /// Whether anybody at all is there.
    pub(super) fn somebody_is_there(&self) -> bool {
        self.staff.iter().any(Member::is_available)
    }

    /// Whether this visitor's line would find somebody.
    pub(super) fn somebody_is_there_for(&self, id: ConversationId) -> bool {
        let conversation = self.book.get(id);
        let holder = conversation.and_then(|conversation| conversation.holder.as_ref());
        let department = conversation.and_then(|conversation| self.department_in_force(conversation));
        self.staff.iter().filter(|member| member.is_available()).any(|member| {
            department.is_none_or(|department| department.handles.contains(&member.name))
                || holder == Some(&member.name)
        })
    }

    /// The conversation's department, if there still is one and anybody of it is listed.
    pub(super) fn department_in_force(&self, conversation: &Conversation) -> Option<&Department> {
        let department = self.settings.departments.find(conversation.department.as_deref()?)?;
        department.handles.iter().any(|name| self.member(name).is_some()).then_some(department)
    }

    /// Whether it is sure that nobody is there: just after a sign-on the server hasn't said it all yet.
    pub(super) fn is_certain(&self, now: Millis) -> bool {
        self.certain_at().is_none_or(|at| now >= at)
    }

    pub(super) fn certain_at(&self) -> Option<Millis> {
        let settled = self.accounts.iter().filter_map(|account| {
            let up = account.up.as_ref().map(|(_, since)| since.after(PRESENCE_SETTLES));
            up.or_else(|| account.down_since.map(|since| since.after(AIM_GRACE)))
        });
        settled.min()
    }

    /// Tells the daemon and the visitors when everybody of staff has gone, and when somebody is back.
    pub(super) fn attend(&mut self, now: Millis) {
        let closed = self.is_closed(now);
        if !closed {
            self.attendance.told_closed.clear();
        }
        if std::mem::take(&mut self.attendance.changed) {
            self.greet(now);
        }
        if std::mem::take(&mut self.attendance.fewer) {
            self.find_left_alone(now);
        }
        let somebody = self.somebody_is_there();
        let certain = self.is_certain(now);
        if certain && self.attendance.due_at().is_some_and(|at| now >= at) {
            for id in self.attendance.take_due(now) {
                if !self.somebody_is_there_for(id) {
                    self.tell_waiting(id, now);
                }
            }
        }
        let door = match (closed, somebody) {
            (true, _) => Door::Closed,
            (false, true) => Door::Open,
            (false, false) if certain => Door::Nobody,
            (false, false) => return,
        };
        if self.irc.nick.is_some() && self.irc.door != Some(door) {
            // A daemon that has just welcomed us knows us as here.
            let news = self.irc.door.is_some() || door != Door::Open;
            self.irc.door = Some(door);
            if news {
                let away = match door {
                    Door::Open => None,
                    Door::Nobody => Some(words::AWAY.to_owned()),
                    Door::Closed => Some(words::AWAY_CLOSED.to_owned()),
                };
                self.effect(Effect::Irc(IrcCommand::Away(away)));
            }
        }
    }

    /// Whose line nobody has had, and who thinks that somebody is there: not any more.
    fn find_left_alone(&mut self, now: Millis) {
        let waits = |conversation: &&Conversation| {
            !conversation.untaken.is_empty() && conversation.told.waiting.is_none()
        };
        let waiting = self.book.open_ones().filter(waits).map(|conversation| conversation.id);
        let alone: Vec<ConversationId> = waiting.filter(|id| !self.somebody_is_there_for(*id)).collect();
        for id in alone {
            self.attendance.due.entry(id).or_insert_with(|| now.after(STAFF_GRACE));
        }
    }

    /// What is known of conversations again after the store was read: whose visitors wait, and since when. `before` is what
    /// memory had; after a start it has nothing, and what waited for a while then was written while nobody was there.
    pub(super) fn attend_again(&mut self, before: &Book, now: Millis) {
        let is_cold = before.iter().next().is_none();
        let waiting: Vec<ConversationId> = self
            .book
            .open_ones()
            .filter(|conversation| !conversation.untaken.is_empty())
            .map(|conversation| conversation.id)
            .collect();
        let mut told = BTreeSet::new();
        for id in waiting {
            let since = if is_cold {
                self.outbox.oldest_of(id).filter(|since| now.since(*since) >= WORTH_A_WORD)
            } else {
                before.get(id).and_then(|conversation| conversation.told.waiting)
            };
            if let (Some(since), Some(conversation)) = (since, self.book.get_mut(id)) {
                conversation.told.waiting = Some(since);
                told.insert(id);
            }
        }
        self.attendance.due.retain(|id, _| self.book.get(*id).is_some());
        self.attendance.told_closed.retain(|id| self.book.get(*id).is_some());
        self.attendance.told = told;
        self.attendance.changed = true;
    }

    /// Visitors for whom somebody is there now need not wait any more.
    fn greet(&mut self, now: Millis) {
        let there = |id: &ConversationId| self.somebody_is_there_for(*id);
        let due: Vec<ConversationId> = self.attendance.due.keys().copied().filter(there).collect();
        let told: Vec<ConversationId> = self.attendance.told.iter().copied().filter(there).collect();
        for id in due {
            self.attendance.due.remove(&id);
        }
        for id in told {
            self.attendance.told.remove(&id);
            let back = self.settings.words.somebody_here.clone();
            self.notice_to(id, "back", &back);
            let Some(conversation) = self.book.get_mut(id) else { continue };
            let since = conversation.told.waiting.take();
            let label = conversation.label.clone();
            if let Some(since) = since
                && now.since(since) >= WORTH_A_WORD
                && !self.attendance.told_closed.contains(&id)
            {
                self.tell_recipients(id, &wording::left_while_away(&label, since), now);
            }
        }
    }

    /// Once for each absence: nobody is there; and the state of each line that waits.
    fn tell_waiting(&mut self, id: ConversationId, now: Millis) {
        let Some(conversation) = self.book.get_mut(id) else { return };
        if conversation.untaken.is_empty() || conversation.told.waiting.is_some() {
            return;
        }
        conversation.told.waiting = Some(now);
        let lines: Vec<String> = conversation.untaken.client_ids().map(str::to_owned).collect();
        let nick = conversation.address.nick().map(str::to_owned);
        self.attendance.told.insert(id);
        if !self.tell_closed(id, "waiting", now) {
            let nobody = self.settings.words.nobody_here.clone();
            self.notice_to(id, "waiting", &nobody);
        }
        for client_id in lines {
            if let Some(nick) = &nick {
                self.tell_state(nick, Some(&client_id), state::WAITING, None);
            }
        }
    }

    /// Once in each closed period: it is closed, and when it opens again; staff see when it was written. False where
    /// it is not closed, or the visitor knows.
    fn tell_closed(&mut self, id: ConversationId, kind: &str, now: Millis) -> bool {
        if !self.is_closed(now) || !self.attendance.told_closed.insert(id) {
            return false;
        }
        let next = self.settings.hours.as_ref().and_then(|hours| hours.next_opening(now));
        let words = self.settings.words.outside_hours(next.as_ref());
        self.notice_to(id, kind, &words);
        let label = self.label(id);
        self.tell_recipients(id, &wording::left_while_closed(&label, now), now);
        true
    }

    /// A visitor wrote, and it was stored: tells them if nobody will answer soon. Whether they heard so before.
    pub(super) fn receive_visitor(&mut self, id: ConversationId, said: &str, now: Millis) -> Reception {
        let told = self.book.get(id).is_some_and(|conversation| conversation.told.waiting.is_some());
        let somebody = self.somebody_is_there_for(id);
        if somebody {
            self.tell_closed(id, "info", now);
        } else {
            self.attendance.due.insert(id, now);
        }
        if !somebody || self.is_closed(now) {
            self.note_contact(id, said, now);
        }
        match (somebody, told) {
            (true, _) => Reception::Somebody,
            (false, true) => Reception::NobodyAsTold,
            (false, false) => Reception::Nobody,
        }
    }

    fn note_contact(&mut self, id: ConversationId, said: &str, now: Millis) {
        let Some(found) = contact::find(said) else { return };
        let Some(conversation) = self.book.get_mut(id) else { return };
        if conversation.contact.as_deref() == Some(found) {
            return;
        }
        conversation.contact = Some(found.to_owned());
        let label = conversation.label.clone();
        self.write(crate::store::Write::Contact(id, found.to_owned()));
        let noted = self.settings.words.contact_noted(found);
        self.notice_to(id, "info", &noted);
        self.tell_recipients(id, &wording::contact(&label, found), now);
    }

    /// News about a visitor for those who get the visitor's lines, there or not.
    pub(super) fn tell_recipients(&mut self, id: ConversationId, words: &str, now: Millis) {
        for to in self.owed_to(id) {
            self.tell_about(Some(id), &to, Rank::Passenger, words, now);
        }
    }
}

/// How a visitor's line met us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reception {
    /// Somebody is there.
    Somebody,
    /// Nobody is, and the visitor has yet to hear so.
    Nobody,
    /// Nobody is, as the visitor knows.
    NobodyAsTold,
}
