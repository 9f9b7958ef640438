//! The desk towards staff: who is there, what they type, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use oscar_im::ScreenName;

use super::desk::{Desk, Effect, Member, Settings};
use super::heard;
use super::unsaid::Lost;
use crate::aim::event::{AccountId, AimCommand, AimEvent, ImCookie, Presence};
use crate::conversation::guard::{Outlook, Patience};
use crate::conversation::model::Address;
use crate::conversation::routing::Routing;
use crate::conversation::staff_input::{self, Part};
use crate::conversation::{Author, ConversationId, Millis, commands, text, wording};
use crate::outbox::staff::{Rank, Row, room};
use crate::outbox::visitor::{Answer, AnswerId, MOST_WAITING};
use crate::store::Write;

/// Who is seen so soon after our sign-on was there all the time.
const ROLL_CALL: Duration = Duration::from_secs(60);

/// With this many credits the server evidently doesn't limit us: those that do let through a handful.
const WIDE: u32 = 64;

/// To whom a line is owed when nobody is listed.
pub(super) fn nobody() -> ScreenName {
    ScreenName::new("")
}

/// What is known of the message that is being taken in.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Something in it was not understood.
    puzzled: bool,
    /// What is answered to that.
    outlook: Outlook,
    /// It was written while we were away.
    pub(super) offline: bool,
}

/// One instant message that came in.
pub(super) struct StaffIm {
    pub(super) from: ScreenName,
    pub(super) text: String,
    pub(super) auto: bool,
    /// The server kept it while we were away.
    pub(super) offline: bool,
    pub(super) cookie: ImCookie,
    pub(super) at: Millis,
}

impl Desk {
    pub(super) fn aim_event(&mut self, account: AccountId, event: AimEvent, now: Millis) {
        match event {
            AimEvent::SignedOn { screen_name } => self.account_up(account, screen_name, now),
            AimEvent::Credits(credits) => {
                if let Some(account) = self.accounts.get_mut(account.0) {
                    account.credits = account.credits.saturating_add(credits);
                    account.is_wide = account.credits >= WIDE;
                }
            }
            AimEvent::Im { from, text, auto, offline, cookie, at } => {
                let at = Millis::from_system(at);
                // Who speaks is there, whatever presence says: open-oscar-server announces nobody whose client never
                // asked for a buddy list. A refused message (not signed on) takes it back.
                if !offline && self.member(&from).is_some_and(|member| !member.is_seen_by(account)) {
                    self.presence(account, &from, Presence::Online, now);
                }
                self.staff_im(account, StaffIm { from, text, auto, offline, cookie, at }, now);
            }
            AimEvent::Acked { cookie } => {
                self.unsaid.acked(cookie);
                self.im_acked(cookie);
            }
            AimEvent::Refused { cookie, refusal } => {
                self.unsaid.not_taken(cookie);
                self.im_refused(account, cookie, refusal, now);
            }
            AimEvent::Presence { who, presence } => self.presence(account, &who, presence, now),
            AimEvent::Typing { from, typing } => self.staff_types(&from, typing, now),
            AimEvent::Room(event) => self.room_event(account, event, now),
            AimEvent::Lost { heard_at, .. } => {
                self.account_lost(account, Millis::from_system(heard_at).min(now), now);
            }
        }
    }

    pub(super) fn staff_im(&mut self, account: AccountId, im: StaffIm, now: Millis) {
        let own_echo = self.accounts.iter().any(|account| account.name.as_ref() == Some(&im.from));
        if im.auto || own_echo {
            return;
        }
        if self.member(&im.from).is_none() {
            self.stranger(account, im.from, now);
            return;
        }
        // ICQ clients give no ids.
        let has_id = im.cookie != ImCookie([0; 8]);
        let id = heard::id_of(im.cookie, &im.text);
        let up =
            self.accounts.get(account.0).and_then(|account| account.up.as_ref()).map(|(_, since)| *since);
        if has_id && self.heard.is_repeat(&im.from, id, up, now) {
            return;
        }
        let refusal = self.unrecorded(account, im.from.clone(), &wording::not_stored());
        let told = refusal.as_ref().map(|(cookie, _)| (account, *cookie));
        let lost = Lost { from: im.from.clone(), at: im.at, told };
        if self.is_store_down() {
            self.unsaid.lost(lost);
            if let Some((_, effect)) = refusal {
                self.effect(effect);
            }
            return;
        }
        self.unsaid.at_stake(lost);
        if has_id {
            self.heard.insert(im.from.clone(), id, now);
            self.write(Write::Heard { sender: im.from.clone(), cookie: id, at: now });
        }
        if let Some((_, refusal)) = refusal {
            self.refusal(refusal);
            self.reserved.push(account);
        }
        let message = text::clean_lines(&im.text);
        // Another bridge's answer to a line of ours; it would go on for ever.
        if message == wording::looks_automatic() {
            return;
        }
        let outlook = self.member(&im.from).map(|member| member.patience.outlook(&message, now));
        let outlook = outlook.unwrap_or_default();
        self.hearing = Hearing { puzzled: false, outlook, offline: im.offline };
        self.take_message(&im.from, &message, im.at, now);
        self.end_of_message(&im.from, &message, now);
    }

    fn take_message(&mut self, from: &ScreenName, message: &str, at: Millis, now: Millis) {
        if message.trim_start().starts_with("* ") {
            self.object(from, &wording::looks_automatic(), now);
            return;
        }
        let parts =
            staff_input::parse(message, |label| self.book.by_label(label).is_some(), commands::is_command);
        let answers_before = self.answers_where_typing(from);
        for part in parts {
            self.staff_part(from, part, at, now);
        }
        self.staff_wrote(from, answers_before);
    }

    fn end_of_message(&mut self, from: &ScreenName, message: &str, now: Millis) {
        let Hearing { puzzled, .. } = std::mem::take(&mut self.hearing);
        let Some(member) = self.member_mut(from) else { return };
        if puzzled {
            member.patience.lose(message, now);
        } else {
            member.patience = Patience::default();
        }
    }

    /// Says that something was not understood, or that this is said no more.
    pub(super) fn object(&mut self, to: &ScreenName, words: &str, now: Millis) {
        self.hearing.puzzled = true;
        match self.hearing.outlook {
            Outlook::Answer => self.tell(to, Rank::Reply, words, now),
            Outlook::LastWord => {
                self.hearing.outlook = Outlook::Silence;
                tracing::warn!(who = %to, "not understood again and again; taken for a program and not answered");
                self.tell(to, Rank::Reply, &wording::no_more_answers(), now);
            }
            Outlook::Silence => {}
        }
    }

    fn staff_part(&mut self, from: &ScreenName, part: Part, at: Millis, now: Millis) {
        match part {
            Part::Command { name, arguments } => match commands::parse(&name, &arguments) {
                Ok(command) => self.command(from, command, at, now),
                Err(mistake) => self.object(from, &wording::mistake(&name, mistake), now),
            },
            Part::Addressed { labels, text } => {
                let mut to: Vec<ConversationId> = Vec::new();
                for id in labels.iter().filter_map(|label| self.book.by_label(label)) {
                    if !to.contains(&id) {
                        to.push(id);
                    }
                }
                self.addressed(from, &to, text, at, now);
            }
            Part::Plain { text } => self.unaddressed(from, &text, at, now),
            Part::UnknownLabel { label, text } => {
                let question =
                    wording::unknown_label(&label, &self.nearest(&label), &wording::Kept::Text(&text));
                self.ask(from, &question, now);
            }
        }
    }

    /// Stores an answer and owes it to the visitor, in one transaction.
    pub(super) fn answer(
        &mut self,
        from: &ScreenName,
        id: ConversationId,
        text: &str,
        at: Millis,
        now: Millis,
    ) {
        let by = self.member(from).map_or_else(|| from.clone(), |member| member.name.clone());
        let owed = self.answers.owed(id);
        let Some(conversation) = self.book.get_mut(id) else { return };
        let label = conversation.label.clone();
        if owed >= MOST_WAITING {
            self.tell(from, Rank::Reply, &wording::too_many_wait(&label), now);
            return;
        }
        conversation.last_entry += 1;
        conversation.last_at = now;
        conversation.held_at = now;
        let entry = conversation.last_entry;
        let (was_closed, holder) = (!conversation.is_open(), conversation.holder.clone());
        let is_gone = conversation.address == Address::Gone;
        if was_closed {
            self.book.set_closed(id, None);
            self.write(Write::Closed(id, None));
        }
        self.write(Write::Entry {
            conversation: id,
            number: entry,
            at,
            author: Author::Staff(by.clone()),
            text: text.to_owned(),
            client_id: None,
            msgid: None,
            channel: None,
        });
        let number = AnswerId(self.answer_id());
        self.write(Write::Answer { id: number, conversation: id, entry });
        let answer =
            Answer { id: number, entry, from: by.clone(), text: text.to_owned(), at: now, again: false };
        self.answers.enqueue(id, answer);
        self.counters.answers += 1;
        if is_gone {
            self.tell_away(id, None, now);
        }
        if self.settings.routing == Routing::Claim && holder.is_none() {
            self.give_to(id, Some(by.clone()), now);
            self.tell_others(Some(id), &by, &wording::claimed(&by, &label), now);
        }
        if self.settings.show_answers {
            self.tell_others(Some(id), &by, &wording::answered(&by, &label, text), now);
        }
    }

    /// Somebody else has the conversation now, or nobody: lines that wait go to whom they belong.
    pub(super) fn give_to(&mut self, id: ConversationId, holder: Option<ScreenName>, now: Millis) {
        let Some(conversation) = self.book.get_mut(id) else { return };
        conversation.held_at = now;
        conversation.holder.clone_from(&holder);
        self.write(Write::Holder(id, holder));
        self.attendance.changed = true;
        let copies = self.outbox.lines_of(id);
        let recipients = self.recipients(id);
        self.turned_away_from(id, |who| !recipients.contains(who));
        let others: Vec<ScreenName> =
            self.outbox.recipients().filter(|to| !recipients.contains(to)).cloned().collect();
        for who in others {
            // Who comes later needs no news of what is somebody else's by then.
            let is_gone = self.member(&who).is_some_and(|member| !member.is_signed_on());
            let mut rows = self.outbox.withdraw(&who, id);
            rows.extend(is_gone.then(|| self.outbox.withdraw_news(&who, id)).into_iter().flatten());
            for row in rows {
                self.write(Write::Drop(row.id));
            }
        }
        self.spread(id, &copies, &recipients, now);
    }

    /// Owes lines that no AIM server has acknowledged, and of which there are `copies`, to people who aren't owed them.
    pub(super) fn spread(
        &mut self,
        id: ConversationId,
        copies: &[(ScreenName, Row)],
        to: &[ScreenName],
        now: Millis,
    ) {
        let Some(conversation) = self.book.get(id) else { return };
        let untaken: Vec<u64> = conversation.untaken.numbers().collect();
        for entry in untaken {
            // A long line is several rows; of somebody who has had the first of them only the rest are left.
            let mut pieces: BTreeMap<&ScreenName, Vec<&Row>> = BTreeMap::new();
            for (owner, row) in copies.iter().filter(|(_, row)| row.entry == Some(entry)) {
                pieces.entry(owner).or_default().push(row);
            }
            let Some(whole) = pieces.into_values().max_by_key(Vec::len) else { continue };
            for to in to {
                if self.outbox.owes(to, id, entry) {
                    continue;
                }
                for row in &whole {
                    let copy = Row { id: self.delivery_id(), at: now, ..(*row).clone() };
                    self.write(Write::Owe { to: to.clone(), row: copy.clone() });
                    self.outbox.enqueue(to, copy);
                }
            }
        }
    }

    /// One polite line an hour, not stored, and only where it takes no credit from anybody.
    fn stranger(&mut self, account: AccountId, who: ScreenName, now: Millis) {
        let spare = self.accounts.get(account.0).is_some_and(|account| account.credits > 1);
        if !spare || self.is_pressed() || !self.strangers.may_answer(&who, now) {
            return;
        }
        if let Some((_, effect)) = self.unrecorded(account, who, &wording::stranger()) {
            self.effect(effect);
        }
    }

    /// A message that is not worth a record, or that can have none.
    fn unrecorded(&mut self, account: AccountId, to: ScreenName, text: &str) -> Option<(ImCookie, Effect)> {
        let cookie = self.cookies.next();
        let credits = &mut self.accounts.get_mut(account.0)?.credits;
        *credits = credits.checked_sub(1)?;
        Some((cookie, Effect::Aim(account, AimCommand::Send { cookie, to, text: text.into() })))
    }

    pub(super) fn presence(&mut self, account: AccountId, who: &ScreenName, presence: Presence, now: Millis) {
        let Some(member) = self.member_mut(who) else { return };
        let Some(seen) = member.presence.get_mut(account.0) else { return };
        let was = std::mem::replace(seen, presence);
        member.gone_since = if member.is_signed_on() { None } else { member.gone_since.or(Some(now)) };
        let (name, away) = (member.name.clone(), member.seems_away());
        self.outbox.set_away(&name, away);
        self.attendance.changed = true;
        if presence == Presence::Offline {
            self.attendance.fewer_are_there();
            self.forget_invitation(&name);
            self.staff_stopped(&name);
        }
        if presence == Presence::Offline || was != Presence::Offline {
            return;
        }
        let missed = self.member_mut(who).and_then(|member| {
            member.seen_at = now;
            member.missed_since.take()
        });
        self.outbox.resume(&name);
        self.think_of_inviting(&name, now.after(super::room::INVITED_AFTER));
        let up =
            self.accounts.get(account.0).and_then(|account| account.up.as_ref()).map(|(_, since)| *since);
        if let (Some(since), Some(up)) = (missed, up)
            && now.since(up) <= ROLL_CALL
            && up > since
        {
            self.tell_absence(name, since, up, now);
        }
    }

    /// What they sent in that time may not have arrived. Told again where this could not be stored.
    pub(super) fn tell_absence(&mut self, name: ScreenName, since: Millis, up: Millis, now: Millis) {
        self.tell(&name, Rank::Reply, &wording::was_away(since, up), now);
        self.absences.push((name, since, up));
    }

    fn account_up(&mut self, account: AccountId, screen_name: ScreenName, now: Millis) {
        let watch = self.staff_names();
        let Some(ours) = self.accounts.get_mut(account.0) else { return };
        ours.name = Some(screen_name.clone());
        ours.up = Some((screen_name, now));
        ours.credits = 0;
        ours.is_wide = false;
        ours.down_since = None;
        self.reserved.retain(|reserved| *reserved != account);
        self.note_aim(now);
        self.effect(Effect::Aim(account, AimCommand::Watch(watch)));
    }

    fn account_lost(&mut self, account: AccountId, heard_at: Millis, now: Millis) {
        let Some(ours) = self.accounts.get_mut(account.0) else { return };
        let was_up = ours.up.take().is_some();
        ours.credits = 0;
        ours.down_since = ours.down_since.or(Some(now));
        self.reserved.retain(|reserved| *reserved != account);
        self.outbox.lost(account);
        self.unsaid.session_ended(account);
        for member in &mut self.staff {
            let Some(seen) = member.presence.get_mut(account.0) else { continue };
            let was_there = std::mem::replace(seen, Presence::Offline) != Presence::Offline;
            if was_up && was_there {
                member.missed_since = member.missed_since.or(Some(heard_at));
            }
            if !member.is_signed_on() {
                member.gone_since = member.gone_since.or(Some(now));
            }
        }
        self.attendance.fewer_are_there();
        if account == super::room::KEEPER {
            self.room_lost(now);
        }
        if was_up {
            self.note_aim(now);
        }
    }

    /// The AIM side was up until now: after a crash staff are told from when lines may have been missed.
    pub(super) fn note_aim(&mut self, now: Millis) {
        if self.is_store_down() {
            return;
        }
        self.aim_noted = now;
        // Who is yet to be told of the last absence is told of it after a crash too.
        let signed_on = self.accounts.iter().filter_map(|account| Some(account.up.as_ref()?.1));
        let calls_the_roll = signed_on.min().is_none_or(|up| now.since(up) <= ROLL_CALL);
        let untold = self.staff.iter().filter_map(|member| member.missed_since);
        let since = untold.min().filter(|_| calls_the_roll).map_or(now, |missed| missed.min(now));
        self.write(Write::AimUp(since));
    }

    /// The configuration was read again.
    pub(super) fn settings_changed(&mut self, settings: Settings, now: Millis) {
        let departments = self.settings.departments.clone();
        let list = settings.staff.clone();
        let Settings { accounts, max_im_bytes, pace, cookie_seed, .. } = self.settings;
        self.settings = Settings { accounts, max_im_bytes, pace, cookie_seed, ..settings };
        self.attendance.hours_changed();
        self.staff_listed(list, now);
        if departments != self.settings.departments {
            // Those who are of a department now get what waits there; who is not any more has no part in it.
            let free: Vec<ConversationId> = self
                .book
                .open_ones()
                .filter(|conversation| conversation.holder.is_none() && conversation.department.is_some())
                .map(|conversation| conversation.id)
                .collect();
            for id in free {
                self.give_to(id, None, now);
            }
        }
    }

    /// Another staff list.
    fn staff_listed(&mut self, list: Vec<ScreenName>, now: Millis) {
        let accounts = self.accounts.len();
        let mut old = std::mem::take(&mut self.staff);
        let known: Vec<ScreenName> = old.iter().map(|member| member.name.clone()).collect();
        for name in list {
            if self.member(&name).is_some() {
                continue;
            }
            let before = old.iter().position(|member| member.name == name);
            let member = match before {
                Some(at) => Member { name, ..old.swap_remove(at) },
                None => Member::new(name, free_seat(&self.staff, &old), accounts, now),
            };
            self.staff.push(member);
        }
        self.settle_staff_list(now);
        self.attendance.fewer_are_there();
        let watch = self.staff_names();
        let new: Vec<ScreenName> = watch.iter().filter(|name| !known.contains(name)).cloned().collect();
        let waiting: Vec<ConversationId> = self
            .book
            .open_ones()
            .filter(|conversation| conversation.holder.is_none() && !conversation.untaken.is_empty())
            .map(|conversation| conversation.id)
            .collect();
        for id in waiting {
            let copies = self.outbox.lines_of(id);
            let mut audience = self.audience(id);
            audience.retain(|name| new.contains(name));
            self.spread(id, &copies, &audience, now);
        }
        for account in 0..accounts {
            if self.accounts.get(account).is_some_and(|account| account.up.is_some()) {
                self.effect(Effect::Aim(AccountId(account), AimCommand::Watch(watch.clone())));
            }
        }
    }

    /// Whoever is listed, nobody else has their names, and what is owed to people who are not listed goes to those who are,
    /// unless one of them had it too.
    pub(super) fn settle_staff_list(&mut self, now: Millis) {
        let staff = self.staff_names();
        // A visitor who goes by a colleague's name would seem to be the colleague.
        self.book.reserve(staff.iter().map(ScreenName::as_str));
        let room_is_used = self.room_is_used();
        let in_use = |to: &ScreenName| room_is_used && *to == room();
        let gone: Vec<ScreenName> =
            self.outbox.recipients().filter(|to| !staff.contains(to) && !in_use(to)).cloned().collect();
        let held: Vec<ConversationId> = self
            .book
            .iter()
            .filter(|conversation| conversation.holder.as_ref().is_some_and(|holder| !staff.contains(holder)))
            .map(|conversation| conversation.id)
            .collect();
        if staff.is_empty() {
            return;
        }
        let orphans = gone.iter().flat_map(|who| self.take_lane_apart(who)).collect();
        for id in held {
            self.give_to(id, None, now);
        }
        self.hand_on(orphans, now);
    }

    /// Visitors' lines out of lanes that are no more go to those who are owed them now.
    pub(super) fn hand_on(&mut self, lines: Vec<(ScreenName, Row)>, now: Millis) {
        let mut orphans: BTreeMap<ConversationId, Vec<(ScreenName, Row)>> = BTreeMap::new();
        for (owner, row) in lines {
            if let Some(id) = row.conversation {
                orphans.entry(id).or_default().push((owner, row));
            }
        }
        for (id, copies) in orphans {
            let recipients = self.recipients(id);
            self.spread(id, &copies, &recipients, now);
        }
    }
}

/// The first seat that nobody has, so that people stay evenly shared out among the accounts.
fn free_seat(new: &[Member], old: &[Member]) -> usize {
    let is_taken = |seat: &usize| new.iter().chain(old).any(|member| member.seat == *seat);
    (0..=new.len() + old.len()).find(|seat| !is_taken(seat)).unwrap_or_default()
}
