//! The desk and the staff room: one message there reaches everybody who is in it.
//!
//! The room is used while somebody of staff is in it and nobody else is. What it was to carry and is not sure to have
//! carried goes to each person by instant message when it can't be used any more.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use oscar_im::ScreenName;

use super::addressing::Held;
use super::desk::{Desk, Effect};
use super::staff::StaffIm;
use crate::aim::event::{AccountId, AimCommand, Presence, RoomEvent};
use crate::conversation::routing::Target;
use crate::conversation::{Conversation, ConversationId, Millis, wording};
use crate::outbox::staff::{Allowance, Gate, Rank, Row, room};
use crate::store::Write;

/// That lines without label stay in the room is said to the same person once in this time.
const TELL_OF_ROOM_AGAIN: Duration = Duration::from_secs(600);

/// Who signs on is invited after this: servers announce people before these can be written to, and an invitation that is
/// refused then is lost.
pub(super) const INVITED_AFTER: Duration = Duration::from_secs(3);

/// Which of our accounts keeps the room.
pub(super) const KEEPER: AccountId = AccountId(0);

/// What is known of the room.
#[derive(Debug, Default)]
pub(super) struct StaffRoom {
    /// Whether our account is in it.
    open: bool,
    /// The others in it.
    present: BTreeSet<ScreenName>,
    /// Who was invited since they signed on or left the room.
    invited: BTreeSet<ScreenName>,
    /// Who is to be invited when a credit is to spare, and not before when.
    to_invite: VecDeque<(ScreenName, Millis)>,
    /// Whether what is being taken in was said in the room.
    speaking: bool,
}

impl StaffRoom {
    /// Whether this person reads what is said in the room.
    pub(super) fn has(&self, who: &ScreenName) -> bool {
        self.open && self.present.contains(who)
    }

    /// When the next one is due.
    pub(super) fn next_invitation(&self, now: Millis) -> Option<Millis> {
        self.to_invite.iter().map(|(_, at)| *at).filter(|at| *at > now).min()
    }
}

impl Desk {
    /// Whether what is said in the room reaches staff, and nobody else.
    pub(super) fn room_is_used(&self) -> bool {
        self.room.open && self.staff_in_room() > 0 && self.room.present.iter().all(|who| self.belongs(who))
    }

    /// One of staff, or another account of ours.
    fn belongs(&self, who: &ScreenName) -> bool {
        self.member(who).is_some() || self.accounts.iter().any(|account| account.name.as_ref() == Some(who))
    }

    /// To whom a visitor's line, or news about the visitor, is owed: the room and those who are not in it, where
    /// everybody is meant; else each.
    pub(super) fn owed_to(&self, id: ConversationId) -> Vec<ScreenName> {
        let mut recipients = self.recipients(id);
        if self.book.get(id).is_some_and(|conversation| self.is_for_room(conversation)) {
            let outside = self.settings.outside_room;
            recipients.retain(|who| outside && !self.room.has(who));
            recipients.push(room());
        }
        recipients
    }

    fn is_for_room(&self, conversation: &Conversation) -> bool {
        conversation.holder.is_none()
            && self.department_in_force(conversation).is_none()
            && self.room_is_used()
    }

    /// News that `all` are told who are there, all but one: once in the room, if everybody in it may hear it.
    pub(super) fn tell_those_there(
        &mut self,
        all: Vec<ScreenName>,
        about: Option<ConversationId>,
        but: &ScreenName,
        words: &str,
        now: Millis,
    ) {
        let conversation = about.and_then(|id| self.book.get(id));
        let in_room = self.room_is_used()
            && conversation.is_none_or(|conversation| self.department_in_force(conversation).is_none());
        let there = |name: &ScreenName| self.member(name).is_some_and(super::desk::Member::is_available);
        let mut to: Vec<ScreenName> = all
            .into_iter()
            .filter(|name| name != but && there(name) && !(in_room && self.room.has(name)))
            .collect();
        // What was typed in the room everybody there has read.
        if in_room && !self.room.speaking {
            to.push(room());
        }
        for who in to {
            self.tell_about(about, &who, Rank::Passenger, words, now);
        }
    }

    pub(super) fn room_event(&mut self, account: AccountId, event: RoomEvent, now: Millis) {
        if account != KEEPER {
            return;
        }
        let was_used = self.room_is_used();
        match event {
            RoomEvent::Entered(who) => {
                self.room = StaffRoom { open: true, ..StaffRoom::default() };
                self.come_in(who, now);
                for name in self.staff_names() {
                    self.think_of_inviting(&name, now);
                }
            }
            RoomEvent::Joined(who) => self.come_in(who, now),
            RoomEvent::Left(who) => {
                for name in who {
                    self.room.present.remove(&name);
                }
            }
            RoomEvent::Said { from, cookie, text } => {
                if self.member(&from).is_some() {
                    self.room.speaking = true;
                    self.staff_im(
                        account,
                        StaffIm { from, text, auto: false, offline: false, cookie, at: now },
                        now,
                    );
                    self.room.speaking = false;
                }
            }
            RoomEvent::Reflected { cookie } => {
                if was_used {
                    self.im_acked(cookie);
                } else {
                    self.outbox.unknown(cookie, now);
                    self.leave_room_lane(now);
                }
            }
            RoomEvent::Lost => self.room_lost(now),
        }
        if was_used && !self.room_is_used() {
            self.leave_room_lane(now);
        }
    }

    /// Our account is out of the room.
    pub(super) fn room_lost(&mut self, now: Millis) {
        self.room = StaffRoom::default();
        self.leave_room_lane(now);
    }

    fn come_in(&mut self, who: Vec<ScreenName>, now: Millis) {
        for name in who {
            self.room.present.insert(name.clone());
            if !self.belongs(&name) {
                tracing::warn!(%name, "somebody who is no staff is in the staff room; it is not used meanwhile");
                let words = wording::stranger_in_room(&name);
                for member in self.staff_names() {
                    self.tell(&member, Rank::Line, &words, now);
                }
            } else if self.member(&name).is_some_and(|member| !member.is_seen_by(KEEPER)) {
                self.presence(KEEPER, &name, Presence::Online, now);
            }
        }
    }

    /// Somebody of staff signed on, or the room was entered.
    pub(super) fn think_of_inviting(&mut self, who: &ScreenName, at: Millis) {
        let there = self.member(who).is_some_and(|member| member.is_seen_by(KEEPER));
        if self.room.open && there && !self.room.has(who) && self.room.invited.insert(who.clone()) {
            self.room.to_invite.push_back((who.clone(), at));
        }
    }

    /// Somebody signed off, so an invitation will be news again.
    pub(super) fn forget_invitation(&mut self, who: &ScreenName) {
        self.room.invited.remove(who);
        self.room.to_invite.retain(|(waiting, _)| waiting != who);
    }

    /// By command. What to say about it.
    pub(super) fn invite(&mut self, who: &ScreenName) -> String {
        if !self.room.open {
            return wording::no_room();
        }
        if self.room.has(who) {
            return wording::in_room_already(who);
        }
        if !self.member(who).is_some_and(|member| member.is_seen_by(KEEPER)) {
            return wording::not_signed_on(who);
        }
        self.room.invited.insert(who.clone());
        self.room.to_invite.retain(|(waiting, _)| waiting != who);
        self.room.to_invite.push_front((who.clone(), Millis(0)));
        wording::invited(who)
    }

    /// Says what waits for the room, one message at a time: the next goes when the server has reflected the last. What
    /// comes meanwhile is joined, and the link paces.
    pub(super) fn speak_in_room(&mut self, now: Millis) {
        if !self.room_is_used() {
            return;
        }
        let key = room();
        let gate = |to: &ScreenName, _| if *to == key { Gate::All } else { Gate::Shut };
        let allowance = Allowance { account: KEEPER, credits: 1, wide: false };
        let cookies = &mut self.cookies;
        let departures = self.outbox.depart(allowance, now, gate, || cookies.next());
        for (to, departure) in departures {
            let (cookie, text) = self.record_departure(&to, departure);
            self.effect(Effect::Aim(KEEPER, AimCommand::Say { cookie, text: text.to_string() }));
        }
    }

    /// Sends invitations while nothing else needs the credits.
    pub(super) fn send_invitations(&mut self, now: Millis) {
        while self.room.to_invite.iter().any(|(_, at)| *at <= now) && !self.is_pressed() {
            let Some(account) = self.accounts.get_mut(KEEPER.0) else { return };
            let Some(left) = account.credits.checked_sub(1).filter(|_| account.up.is_some()) else { return };
            account.credits = left;
            let due = self.room.to_invite.iter().position(|(_, at)| *at <= now);
            let Some((to, _)) = due.and_then(|due| self.room.to_invite.remove(due)) else { return };
            let cookie = self.cookies.next();
            let text = wording::INVITATION.to_owned();
            self.effect(Effect::Aim(KEEPER, AimCommand::Invite { cookie, to, text }));
        }
    }

    /// What the room was to carry goes to each person by instant message; marked, where the room may have had it.
    fn leave_room_lane(&mut self, now: Millis) {
        let copies = self.take_lane_apart(&room());
        self.hand_on(copies, now);
    }

    /// Ends a lane. Visitors' lines in it come back; those that may have arrived are marked.
    pub(super) fn take_lane_apart(&mut self, who: &ScreenName) -> Vec<(ScreenName, Row)> {
        let (rows, ims) = self.outbox.remove_lane(who);
        for im in ims {
            self.write(Write::Return(im));
        }
        let mut lines = Vec::new();
        for (mut row, doubtful) in rows {
            self.write(Write::Drop(row.id));
            if row.entry.is_some() && row.conversation.is_some() {
                if doubtful {
                    row.text = format!("{}{}", row.text, wording::AGAIN).into();
                }
                lines.push((who.clone(), row));
            }
        }
        lines
    }

    /// Whether what is being taken in was said in the room.
    pub(super) fn is_said_in_room(&self) -> bool {
        self.room.speaking
    }

    /// A line without label in the room is talk among colleagues and goes to no visitor. To whom it may have been meant for
    /// one, is told so once in a while; a label alone sends it all the same.
    pub(super) fn said_among_colleagues(&mut self, from: &ScreenName, text: &str, now: Millis) {
        let label = match self.target(from) {
            Target::Clear(id) => Some(self.label(id)),
            Target::Ask(ids) => ids.first().map(|id| self.label(*id)),
            Target::Nobody => None,
        };
        let Some(label) = label else { return };
        let Some(member) = self.member_mut(from) else { return };
        if member.told_of_room.is_some_and(|at| now.since(at) < TELL_OF_ROOM_AGAIN) {
            return;
        }
        member.told_of_room = Some(now);
        member.held = Some(Held::new(text, now));
        self.counters.questions += 1;
        self.tell(from, Rank::Reply, &wording::stays_in_room(&label, text), now);
    }

    /// For `/list`: who is in, and what waits for the room. None where there is no room.
    pub(super) fn room_state(&self) -> Option<String> {
        self.room.open.then(|| wording::room(&self.room.present, self.outbox.owed(&room())))
    }

    /// Staff in the room.
    pub(super) fn staff_in_room(&self) -> usize {
        self.room.present.iter().filter(|who| self.member(who).is_some()).count()
    }
}
