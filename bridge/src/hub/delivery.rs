//! The desk's deliveries to staff: credits become instant messages, acknowledgements become states that visitors see.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use oscar_im::ScreenName;

use super::desk::{Account, Desk, Effect, Member};
use super::receipts::Receipt;
use super::visitors::state;
use crate::aim::event::{AccountId, AimCommand, ImCookie, ImRefusal, Presence};
use crate::conversation::wording::{self, Said};
use crate::conversation::{ConversationId, Millis, text};
use crate::outbox::staff::{Allowance, Departure, Gate, Im, Pause, Rank, Returned, room};
use crate::store::Write;

/// So long after somebody came "not signed on" is said too early.
const JUST_SEEN: Duration = Duration::from_secs(30);
/// Credits that must be left before news goes in a message of its own.
const CREDITS_FOR_NEWS: u32 = 4;

impl Desk {
    /// Sends as many instant messages as there are credits and people to have them.
    pub(super) fn spend_credits(&mut self, now: Millis) {
        let mut senders = HashMap::new();
        for index in 0..self.accounts.len() {
            let account = AccountId(index);
            let Some(allowance) = self.allowance(account) else { continue };
            if senders.is_empty() {
                if self.outbox.is_idle() {
                    return;
                }
                senders = self.senders();
            }
            let gate = |to: &ScreenName, credits: u32| match senders.get(to) {
                Some((sender, _)) if *sender != account => Gate::Shut,
                Some((_, true)) => Gate::Replies,
                Some((_, false)) if credits >= CREDITS_FOR_NEWS => Gate::All,
                Some((_, false)) => Gate::Lines,
                None => Gate::Shut,
            };
            let cookies = &mut self.cookies;
            for (to, departure) in self.outbox.depart(allowance, now, gate, || cookies.next()) {
                self.send(account, to, departure);
            }
        }
    }

    fn allowance(&self, account: AccountId) -> Option<Allowance> {
        let ours = self.accounts.get(account.0)?;
        let may = ours.up.is_some() && ours.credits > 0;
        may.then_some(Allowance { account, credits: ours.credits, wide: ours.is_wide })
    }

    /// Who of staff can be sent to: by which account of ours, and whether they are away.
    fn senders(&self) -> HashMap<ScreenName, (AccountId, bool)> {
        let reachable = self.staff.iter().filter_map(|member| {
            let account = account_for(member, &self.accounts)?;
            Some((member.name.clone(), (account, member.away.is_some())))
        });
        reachable.collect()
    }

    /// Whether somebody who can be sent to waits for a credit. What is for people who are not there takes none.
    pub(super) fn is_pressed(&self) -> bool {
        self.outbox.waited_for().any(|to| match self.member(to) {
            Some(member) => member.away.is_none() && account_for(member, &self.accounts).is_some(),
            None => *to == room() && self.room_is_used(),
        })
    }

    fn send(&mut self, account: AccountId, to: ScreenName, departure: Departure) {
        if let Some(ours) = self.accounts.get_mut(account.0) {
            ours.credits = ours.credits.saturating_sub(1);
        }
        self.spent.push(account);
        let (cookie, text) = self.record_departure(&to, departure);
        self.effect(Effect::Aim(account, AimCommand::Send { cookie, to, text }));
    }

    /// Stores a new message, counts it, and gives what leaves.
    pub(super) fn record_departure(&mut self, to: &ScreenName, departure: Departure) -> (ImCookie, Arc<str>) {
        self.counters.ims_sent += 1;
        match departure {
            Departure::New(im) => {
                self.write(Write::Form { to: to.clone(), im: im.clone() });
                (im.cookie, im.text.clone())
            }
            Departure::Repeat { im, marked } => {
                self.counters.ims_repeated += 1;
                let mark = if marked { wording::AGAIN } else { "" };
                (im.cookie, format!("{}{mark}", im.text).into())
            }
        }
    }

    /// Which of our accounts sends to this person: always the same one, unless it is down or doesn't see the person.
    pub(super) fn account_for(&self, to: &ScreenName) -> Option<AccountId> {
        account_for(self.member(to)?, &self.accounts)
    }

    pub(super) fn im_acked(&mut self, cookie: ImCookie) {
        let Some((to, im)) = self.outbox.acked(cookie) else { return };
        self.was_shown(&to, &im);
        self.receipts.push(Receipt::Acked(cookie));
        self.counters.ims_acknowledged += 1;
        self.settle(&im);
    }

    /// The server took it.
    pub(super) fn settle(&mut self, im: &Im) {
        self.write(Write::Settle(im.number()));
        self.taken(im);
    }

    /// Lines that stood in a message count as taken; who wrote them is told.
    fn taken(&mut self, im: &Im) {
        for row in im.rows.iter().filter(|row| row.last) {
            let (Some(id), Some(entry)) = (row.conversation, row.entry) else { continue };
            let Some(conversation) = self.book.get_mut(id) else { continue };
            let Some(client_id) = conversation.untaken.remove(entry) else { continue };
            let nick = conversation.address.nick().map(str::to_owned);
            self.write(Write::Taken(id, entry));
            if let Some(nick) = nick {
                self.tell_state(&nick, client_id.as_deref(), state::TAKEN, None);
            }
        }
    }

    pub(super) fn im_refused(
        &mut self,
        account: AccountId,
        cookie: ImCookie,
        refusal: ImRefusal,
        now: Millis,
    ) {
        if self.outbox.has(cookie) {
            self.receipts.push(Receipt::Refused(account, cookie, refusal.clone()));
        }
        match refusal {
            // Servers may announce somebody a moment before they take messages for them.
            ImRefusal::NotSignedOn if self.is_just_seen(cookie, now) => {
                self.returned(cookie, Pause::Short, now);
            }
            ImRefusal::NotSignedOn => {
                let Some(to) = self.returned(cookie, Pause::Absent, now) else { return };
                if let Some(seen) = self.member_mut(&to).and_then(|member| member.presence.get_mut(account.0))
                {
                    *seen = Presence::Offline;
                    self.attendance.fewer_are_there();
                }
            }
            ImRefusal::Refused { permanent: false, .. } => {
                self.returned(cookie, Pause::Short, now);
            }
            ImRefusal::Refused { words, permanent: true, .. } => {
                let Some((to, im)) = self.outbox.given_up(cookie) else { return };
                self.counters.ims_refused += 1;
                self.write(Write::Settle(im.number()));
                self.give_up(&to, &im, &words, now);
            }
            ImRefusal::NoAcknowledgement => {
                self.counters.ims_refused += 1;
                self.outbox.unknown(cookie, now);
            }
        }
    }

    fn is_just_seen(&self, cookie: ImCookie, now: Millis) -> bool {
        let member = self.outbox.recipient(cookie).and_then(|to| self.member(to));
        member.is_some_and(|member| member.is_signed_on() && now.since(member.seen_at) < JUST_SEEN)
    }

    fn returned(&mut self, cookie: ImCookie, pause: Pause, now: Millis) -> Option<ScreenName> {
        let returned = self.outbox.returned(cookie, pause, now)?;
        self.counters.ims_refused += 1;
        match returned {
            Returned::Kept(to) => Some(to),
            Returned::Dissolved(to, number) => {
                self.write(Write::Return(number));
                Some(to)
            }
        }
    }

    /// What one person can never get, colleagues hear of, and get themselves if it wasn't for them anyway.
    fn give_up(&mut self, to: &ScreenName, im: &Im, why: &str, now: Millis) {
        self.tell_others(None, to, &wording::colleague_refused(to, &text::clean_line(why)), now);
        let mut conversations: Vec<ConversationId> =
            im.rows.iter().filter(|row| row.entry.is_some()).filter_map(|row| row.conversation).collect();
        conversations.dedup();
        let copies: Vec<_> = im.rows.iter().map(|row| (to.clone(), row.clone())).collect();
        for id in conversations {
            let mut others = self.audience(id);
            others.retain(|other| other != to);
            self.spread(id, &copies, &others, now);
        }
    }

    /// Says something of our own to a visitor who is there.
    pub(super) fn notice_to(&mut self, id: ConversationId, kind: &str, words: &str) {
        let nick = self.book.get(id).and_then(|conversation| conversation.address.nick()).map(str::to_owned);
        let notice = nick.and_then(|nick| self.notice(&nick, kind, words));
        if let Some(notice) = notice {
            self.effect(notice);
        }
    }

    /// The store has answered `/history`.
    pub(super) fn history_read(
        &mut self,
        to: &ScreenName,
        conversation: ConversationId,
        label: &str,
        entries: Option<Vec<Said>>,
        now: Millis,
    ) {
        if self.is_store_down() {
            return;
        }
        // It may have been deleted since it was asked for.
        let entries = entries.filter(|_| self.book.get(conversation).is_some());
        let about = entries.is_some().then_some(conversation);
        let words = match entries {
            Some(entries) => wording::history(label, &entries),
            None => wording::no_history(),
        };
        self.tell_about(about, to, Rank::Reply, &words, now);
    }
}

/// Always the member's own account, unless it is down or doesn't see them; then one of the others, so that those whom
/// one account served are spread over the rest.
fn account_for(member: &Member, accounts: &[Account]) -> Option<AccountId> {
    let sees = |account: &usize| {
        accounts.get(*account).is_some_and(|account| account.up.is_some())
            && member.presence.get(*account).is_some_and(|presence| *presence != Presence::Offline)
    };
    let count = accounts.len().max(1);
    let own = member.seat % count;
    // Those who share an account sit `count` seats apart.
    let first = member.seat / count;
    let others = count - 1;
    let substitute = |turn: usize| (own + 1 + (first + turn) % others.max(1)) % count;
    std::iter::once(own).chain((0..others).map(substitute)).find(sees).map(AccountId)
}
