//! Instant messages: what a person says, what becomes of it, and what others say.

use oscar_im::ScreenName;
use oscar_im::foodgroup::icbm::Cookie;
use oscar_im::session::ImReceived;

use super::{Action, Link, Messenger, News, Voice, With, wording};
use crate::aim_client::conversation::Delivery;
use crate::aim_client::outbox::{EntryId, Part};
use crate::clock::Moment;
use crate::conversation::Millis;

impl Messenger {
    /// To the current conversation.
    pub(super) fn say(&mut self, text: &str, now: Moment) {
        if text.trim().is_empty() {
            return;
        }
        match self.conversations.current().with.clone() {
            With::Client => self.problem(wording::NO_CONVERSATION, now),
            With::Person(to) => self.send(&to, text, now),
            With::Room(key) => self.say_in_room(key, text, now),
        }
    }

    /// To one person, wherever one looks.
    pub(super) fn send(&mut self, to: &ScreenName, text: &str, now: Moment) {
        let title = self.people.title(to);
        let with = With::Person(to.clone());
        let refusal = if self.link != Link::Online {
            Some(wording::NOT_SIGNED_ON)
        } else if text.trim().is_empty() {
            Some(wording::NOTHING_TO_SEND)
        } else {
            None
        };
        let id = self.conversations.add(&with, &title, Voice::Mine(Delivery::Sending), text, now.wall);
        match refusal {
            Some(reason) => self.fail(id, reason),
            None if !self.outbox.queue(id, to, text) => self.fail(id, wording::TOO_MUCH_WAITS),
            None => self.keyboard.sent(to),
        }
    }

    /// What the session is to send next, once it has room for a message; counted as sent.
    pub(in crate::aim_client) fn next_message(&mut self) -> Option<Part> {
        if self.link == Link::Online { self.outbox.next() } else { None }
    }

    /// Whether [`Messenger::next_message`] has one.
    pub(in crate::aim_client) fn has_message(&self) -> bool {
        self.link == Link::Online && self.outbox.has_waiting()
    }

    /// The session had no room for it after all.
    pub(in crate::aim_client) fn put_back(&mut self, part: Part) {
        self.outbox.put_back(part);
    }

    pub(super) fn taken(&mut self, cookie: Cookie) {
        if let Some(id) = self.outbox.taken(cookie) {
            self.delivered(id);
        }
    }

    pub(super) fn delivered(&mut self, id: EntryId) {
        if let Some((to, text)) = self.conversations.settle(id, Delivery::Taken) {
            self.news.push_back(News::Taken { to, text });
        }
    }

    /// A message was refused, or nothing was heard of it.
    pub(in crate::aim_client) fn not_taken(&mut self, cookie: Cookie, reason: &str) {
        if let Some(id) = self.outbox.failed(cookie) {
            self.fail(id, reason);
        }
    }

    /// The session is over.
    pub(super) fn lose_messages(&mut self) {
        let lost = self.outbox.lose();
        for id in lost.unknown {
            self.fail(id, wording::LOST_UNKNOWN);
        }
        for id in lost.unsent {
            self.fail(id, wording::LOST_UNSENT);
        }
    }

    pub(super) fn fail(&mut self, id: EntryId, reason: &str) {
        if let Some((to, _)) = self.conversations.settle(id, Delivery::Failed(reason.to_owned())) {
            self.news.push_back(News::Problem(wording::not_delivered(&to, reason)));
        }
    }

    pub(super) fn heard(&mut self, im: &ImReceived, now: Moment) {
        let with = With::Person(im.from.clone());
        let title = self.people.title(&im.from);
        let mut text = String::new();
        let mut at = now.wall;
        if im.auto {
            text.push_str(wording::AUTO);
        }
        if let Some(seconds) = im.stored_at {
            let sent = Millis(u64::from(seconds) * 1000);
            at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.into());
            text.push_str(&wording::stored(sent));
        }
        text.push_str(&im.text);
        self.conversations.add(&with, &title, Voice::Theirs(im.from.clone()), &text, at);
        if let Some(conversation) = self.conversations.find_mut(&with) {
            conversation.typing = oscar_im::session::Typing::None;
            conversation.wants_typing = Some(im.wants_typing);
        }
        self.news.push_back(News::Said { from: title, room: None, text });
        if !im.auto && im.stored_at.is_none() {
            self.answer_while_away(&im.from, now);
        }
    }

    /// Once for each person and away message, as AIM clients do. Automatic replies themselves are never answered, so that
    /// two of them can't go on for ever.
    fn answer_while_away(&mut self, to: &ScreenName, now: Moment) {
        let Some(away) = &mut self.away else { return };
        if *to == self.me || away.answered.len() >= MOST_ANSWERED || !away.answered.insert(to.clone()) {
            return;
        }
        let text = away.text.clone();
        let cookie = self.outbox.cookie();
        self.actions.push_back(Action::AutoReply { cookie, to: to.clone(), text: text.clone() });
        self.notice_about(to, &wording::answered(to.as_str(), &text), now);
    }
}

/// People that one away message answers.
const MOST_ANSWERED: usize = 1_000;
