//! The client as a machine: what a person enters and what the OSCAR session tells go in; actions and news come
//! out. No I/O and no clock.
//!
//! One file for each matter: `keyboard` (typing and idleness of ours), `messages` (out with their fate, in), `people` (buddy list, presence, profiles), `rooms`
//! (invitations and chat rooms). Whoever drives it calls [`Messenger::poll_action`] and
//! [`Messenger::poll_news`] until they are empty after each input, takes [`Messenger::next_message`] as fast as the
//! session allows, and calls [`Messenger::handle_timeout`] no later than [`Messenger::poll_timeout`].

mod keyboard;
mod messages;
mod people;
mod rooms;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use oscar_im::ScreenName;
use oscar_im::foodgroup::FoodGroup;
use oscar_im::foodgroup::icbm::rendezvous;
use oscar_im::session::{Event, Presence};

pub(super) use people::{Listed, People};
pub(super) use rooms::RoomEvent;

use super::action::{Action, News};
use super::command::{self, Command};
use super::conversation::{Conversations, Voice, With};
use super::outbox::Outbox;
use super::wording;
use crate::clock::Moment;
use keyboard::Keyboard;
use people::Queries;
use rooms::Rooms;

/// How the account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Signing on.
    Connecting,
    /// Signed on.
    Online,
    /// Not signed on.
    Offline,
}

/// Our away message, and who has been answered with it.
#[derive(Debug)]
struct Away {
    text: String,
    answered: BTreeSet<ScreenName>,
}

/// The machine. See the module's documentation.
#[derive(Debug)]
pub(super) struct Messenger {
    me: ScreenName,
    link: Link,
    /// There is no session, and where that has been told.
    lost: Option<With>,
    conversations: Conversations,
    people: People,
    queries: Queries,
    outbox: Outbox,
    rooms: Rooms,
    keyboard: Keyboard,
    away: Option<Away>,
    profile: String,
    /// Nobody will enter anything more: end when all is settled.
    ending: bool,
    /// The session has not sent, or not had answered, all that it was asked for.
    busy: bool,
    actions: VecDeque<Action>,
    news: VecDeque<News>,
}

impl Messenger {
    /// Not signed on yet. `cookie_seed` should be another in each run.
    pub(super) fn new(me: ScreenName, cookie_seed: u64) -> Self {
        Self {
            me,
            link: Link::Connecting,
            lost: None,
            conversations: Conversations::new(wording::CLIENT),
            people: People::default(),
            queries: Queries::default(),
            outbox: Outbox::new(cookie_seed),
            rooms: Rooms::default(),
            keyboard: Keyboard::default(),
            away: None,
            profile: String::new(),
            ending: false,
            busy: false,
            actions: VecDeque::new(),
            news: VecDeque::new(),
        }
    }

    /// A person has entered a line; it may hold line breaks.
    pub(super) fn enter(&mut self, line: &str, now: Moment) {
        match command::parse(line) {
            Ok(command) => self.obey(command, now),
            Err(sentence) => self.problem(&sentence, now),
        }
    }

    /// Nobody will enter anything more.
    pub(super) fn end_of_input(&mut self) {
        self.ending = true;
        self.end_if_settled();
    }

    /// Whether the session has something to send, or edits of the list that the server has not answered.
    pub(super) fn session_is_busy(&mut self, busy: bool) {
        self.busy = busy;
        self.end_if_settled();
    }

    /// Whether all that is waited for is the session.
    pub(super) fn is_ending(&self) -> bool {
        self.ending
    }

    /// The session tells something. [`Event::Closed`] is [`Messenger::offline`]'s matter.
    pub(super) fn receive(&mut self, event: Event, now: Moment) {
        match event {
            Event::SignedOn { screen_name } => self.signed_on(screen_name, now),
            Event::ImReceived(im) => self.heard(&im, now),
            Event::ImAcked { cookie } => self.taken(cookie),
            Event::ImRefused { cookie, code, .. } => self.not_taken(cookie, &code.to_string()),
            Event::NoAcknowledgement { cookie, .. } => self.not_taken(cookie, wording::NO_ACKNOWLEDGEMENT),
            Event::ImsMissed { from, count, reason } => {
                let text = wording::missed(count, from.as_str(), reason);
                self.notice_about(&from, &text, now);
            }
            Event::Presence { who, presence } => self.seen(&who, presence, now),
            Event::Typing { from, typing } => self.types(&from, typing),
            Event::UserInfo { info, away, profile } => {
                self.learned(&info.screen_name, away.as_deref(), profile.as_deref(), now);
            }
            Event::Refused { group: FoodGroup::Locate, .. } => self.learned_nothing(now),
            Event::Refused { group, code, .. } => self.problem(&format!("{group}: {code}"), now),
            Event::WarningGiven { level, .. } => self.answer(&wording::warning_given(level), now),
            Event::ChatInvited(invitation) => self.invited(invitation, now),
            Event::ServiceReady(service) => self.service_ready(service, now),
            Event::ServiceRefused { group, code } => self.service_refused(group, &code.to_string(), now),
            Event::Warned { level, by } => {
                let by = by.as_ref().map(ScreenName::as_str);
                self.notice(&wording::warned(level, by), now);
            }
            Event::BuddyListRefused { name, code } => {
                self.problem(&wording::buddy_refused(&name, code), now);
            }
            Event::Rendezvous { from, rendezvous: offer } if offer.kind == rendezvous::PROPOSE => {
                self.notice_about(&from, &wording::offer_declined(from.as_str()), now);
                self.actions.push_back(Action::DeclineOffer { from, offer });
            }
            Event::AuthorizationAsked { by, text } => {
                self.notice_about(&by, &wording::authorization_asked(by.as_str(), &text), now);
            }
            Event::AuthorizationAnswered { by, granted, text } => {
                let text = wording::authorization_answered(by.as_str(), granted, &text);
                self.notice_about(&by, &text, now);
            }
            Event::AddedBy(who) => self.notice_about(&who, &wording::added_by(who.as_str()), now),
            Event::ImNotTaken { by, .. } => {
                self.notice_about(&by, &wording::not_shown(by.as_str()), now);
            }
            Event::Paused => self.notice(wording::PAUSED, now),
            Event::Resumed => self.notice(wording::RESUMED, now),
            // The list itself comes by `buddies`; rates are the session's matter; the rest is for logs.
            _ => {}
        }
        self.end_if_settled();
    }

    /// A try to sign on has begun.
    pub(super) fn connecting(&mut self, now: Moment) {
        self.link = Link::Connecting;
        self.notice(wording::CONNECTING, now);
    }

    /// There is no session, or no longer one; the next try is after `retry`.
    pub(super) fn offline(&mut self, reason: &str, retry: Duration, now: Moment) {
        self.link = Link::Offline;
        self.lose_messages();
        self.keyboard.forget();
        self.lose_rooms(now);
        self.people.forget_presences();
        self.queries = Queries::default();
        let text = wording::offline(reason, retry);
        if self.lost.is_some() {
            // A night of tries is not to drive out what was said.
            self.conversations.add(&With::Client, wording::CLIENT, Voice::Problem, &text, now.wall);
            self.news.push_back(News::Problem(text));
        } else {
            self.problem(&text, now);
            self.lost = Some(self.conversations.current().with.clone());
        }
        self.end_if_settled();
    }

    /// The session did not take an action.
    pub(super) fn refused(&mut self, reason: &str, now: Moment) {
        self.problem(reason, now);
    }

    /// Does what is due. Harmless when early.
    pub(super) fn handle_timeout(&mut self, now: Moment) {
        while self.queries.expired(now.instant) {
            self.learned_nothing(now);
        }
        self.keyboard_timeout(now.instant);
        self.end_if_settled();
    }

    /// When [`Messenger::handle_timeout`] has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.queries.due().into_iter().chain(self.keyboard.due()).min()
    }

    /// What is to be done next.
    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What is to be told next.
    pub(super) fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    pub(super) fn link(&self) -> Link {
        self.link
    }

    pub(super) fn me(&self) -> &ScreenName {
        &self.me
    }

    pub(super) fn conversations(&self) -> &Conversations {
        &self.conversations
    }

    /// To look at another; what was said stays.
    pub(super) fn conversations_mut(&mut self) -> &mut Conversations {
        &mut self.conversations
    }

    pub(super) fn people(&self) -> &People {
        &self.people
    }

    pub(super) fn away(&self) -> Option<&str> {
        self.away.as_ref().map(|away| away.text.as_str())
    }

    fn obey(&mut self, command: Command, now: Moment) {
        match command {
            Command::Say(text) => self.say(&text, now),
            Command::Message { to, text } => self.send(&to, &text, now),
            Command::Open(name) => self.open(&name),
            Command::Close => self.close(),
            Command::Conversations => self.list_conversations(now),
            Command::Buddies => self.list_buddies(now),
            Command::Add { name, group } => {
                let group = group.unwrap_or_else(|| people::GROUP.to_owned());
                self.ask(Action::AddBuddy { group, name }, now);
            }
            Command::Remove(name) => self.ask(Action::RemoveBuddy(name), now),
            Command::Alias { name, alias } => self.ask(Action::Alias { name, alias }, now),
            Command::Move { name, group } => self.ask(Action::MoveBuddy { name, group }, now),
            Command::Block { name, blocked } => {
                if self.link == Link::Online {
                    self.answer(&wording::blocked(name.as_str(), blocked), now);
                }
                self.ask(Action::Block { name, blocked }, now);
            }
            Command::Authorize(name) => self.ask(Action::Authorize(name), now),
            Command::Warn { name, anonymously } => self.ask(Action::Warn { name, anonymously }, now),
            Command::Away(text) => self.go_away(text, now),
            Command::Profile(text) => {
                if !fits(text.as_deref()) {
                    return self.problem(wording::STATUS_TOO_LONG, now);
                }
                self.answer(&wording::set_profile(text.as_deref()), now);
                self.profile = text.unwrap_or_default();
                if self.link == Link::Online {
                    self.actions.push_back(Action::Profile(self.profile.clone()));
                }
            }
            Command::Info(name) => self.query(name, now),
            Command::Join(room) => self.join(room, now),
            Command::Invite { name, text } => self.invite(name, text, now),
            Command::Accept => self.accept(now),
            Command::Decline => self.decline(now),
            Command::Leave => self.leave(now),
            Command::Help => {
                for line in wording::help() {
                    self.answer(&line, now);
                }
            }
            Command::Quit => self.actions.push_back(Action::Quit),
        }
    }

    fn signed_on(&mut self, screen_name: ScreenName, now: Moment) {
        self.me = screen_name;
        self.link = Link::Online;
        let text = wording::signed_on(self.me.as_str());
        self.notice(&text, now);
        // Where the loss was told, its end is.
        let told = self.lost.take().filter(|with| *with != With::Client);
        if let Some(with) = told.filter(|with| self.conversations.find(with).is_some()) {
            self.conversations.add(&with, wording::CLIENT, Voice::Notice, &text, now.wall);
        }
        // A new session knows nothing of what was set in the one before.
        if let Some(away) = &self.away {
            self.actions.push_back(Action::Away(Some(away.text.clone())));
        }
        if !self.profile.is_empty() {
            self.actions.push_back(Action::Profile(self.profile.clone()));
        }
        self.tell_idle(now.instant);
        self.enter_again();
    }

    fn go_away(&mut self, text: Option<String>, now: Moment) {
        if !fits(text.as_deref()) {
            return self.problem(wording::STATUS_TOO_LONG, now);
        }
        let notice = text.as_deref().map_or_else(|| wording::BACK.to_owned(), wording::away);
        self.away = text.map(|text| Away { text, answered: BTreeSet::new() });
        if self.link == Link::Online {
            self.actions.push_back(Action::Away(self.away().map(str::to_owned)));
        }
        self.answer(&notice, now);
    }

    /// Looks at the conversation with somebody, or at a room of that name.
    pub(super) fn open(&mut self, name: &str) {
        if let Some(room) = self.rooms.by_title(name) {
            let (with, title) = (With::Room(room.key), room.title.clone());
            return self.conversations.open(&with, &title);
        }
        let name = ScreenName::new(name.trim().trim_matches('"'));
        let title = self.people.title(&name);
        self.conversations.open(&With::Person(name), &title);
    }

    /// Looks at a conversation that the view names.
    pub(super) fn look_at(&mut self, with: &With) {
        let title = match with {
            With::Person(name) => self.people.title(name),
            With::Client | With::Room(_) => wording::CLIENT.to_owned(),
        };
        self.conversations.open(with, &title);
    }

    fn close(&mut self) {
        let with = self.conversations.current().with.clone();
        if let With::Room(key) = with {
            self.forget_room(key);
        }
        self.conversations.close(&with);
    }

    fn list_conversations(&mut self, now: Moment) {
        let current = self.conversations.current().title.clone();
        let lines: Vec<String> = self
            .conversations
            .iter()
            .map(|one| format!("{}{}", one.title, wording::unread(one.unread)))
            .collect();
        for line in lines {
            self.answer(&line, now);
        }
        self.answer(&format!("current: {current}"), now);
    }

    /// Does something that needs a session.
    fn ask(&mut self, action: Action, now: Moment) {
        if self.link == Link::Online {
            self.actions.push_back(action);
        } else {
            self.problem(wording::NOT_SIGNED_ON, now);
        }
    }

    fn notice(&mut self, text: &str, now: Moment) {
        self.conversations.add(&With::Client, wording::CLIENT, Voice::Notice, text, now.wall);
        self.news.push_back(News::Notice(text.to_owned()));
    }

    /// Told where somebody looks, if there is a conversation with them.
    fn notice_about(&mut self, who: &ScreenName, text: &str, now: Moment) {
        self.notice_in(&With::Person(who.clone()), text, now);
    }

    fn notice_in(&mut self, with: &With, text: &str, now: Moment) {
        let here = if self.conversations.find(with).is_some() { with } else { &With::Client };
        let title = wording::CLIENT;
        self.conversations.add(here, title, Voice::Notice, text, now.wall);
        self.news.push_back(News::Notice(text.to_owned()));
    }

    /// Told in the conversation that is looked at: it is about what was just entered.
    fn answer(&mut self, text: &str, now: Moment) {
        self.tell_here(Voice::Notice, text, now);
        self.news.push_back(News::Notice(text.to_owned()));
    }

    /// As [`Messenger::answer`], mostly.
    fn problem(&mut self, text: &str, now: Moment) {
        self.tell_here(Voice::Problem, text, now);
        self.news.push_back(News::Problem(text.to_owned()));
    }

    fn tell_here(&mut self, voice: Voice, text: &str, now: Moment) {
        let current = self.conversations.current().with.clone();
        self.conversations.add(&current, wording::CLIENT, voice, text, now.wall);
    }

    fn presence(&self, name: &ScreenName) -> Presence {
        self.people.presence(name)
    }

    fn end_if_settled(&mut self) {
        // What was asked for last has not reached the session yet.
        let settled = self.outbox.is_settled() && self.queries.is_empty() && self.rooms.is_settled();
        let settled = settled && !self.busy && self.actions.is_empty();
        if self.ending && (settled || self.link != Link::Online) {
            self.ending = false;
            self.actions.push_back(Action::Quit);
        }
    }
}

/// Whether a profile or away message is no longer than servers take, and than an automatic answer may be.
fn fits(text: Option<&str>) -> bool {
    text.is_none_or(|text| oscar_im::text::encode(text).bytes.len() <= MOST_STATUS)
}

/// Bytes of a profile or away message as it is sent.
const MOST_STATUS: usize = 4_000;
