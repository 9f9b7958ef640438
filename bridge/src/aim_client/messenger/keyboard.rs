//! What the keyboard tells others without a word: that we type, to those whose clients asked for it, and that nobody is
//! there. Only the full-screen view sees keys; line by line nothing of this happens.

use std::time::{Duration, Instant};

use oscar_im::ScreenName;
use oscar_im::session::Typing;

use super::{Action, Link, Messenger, With};

/// Without a key for so long, one has stopped to type.
const PAUSED: Duration = Duration::from_secs(5);
/// Without a key for so long, nobody is there; AIM's own figure.
const IDLE: Duration = Duration::from_secs(600);

/// Whom we have told that we type, and when the last key was.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    composing: Option<Composing>,
    last_key: Option<Instant>,
    idle: bool,
}

#[derive(Debug)]
struct Composing {
    to: ScreenName,
    told: Typing,
    last_change: Instant,
}

impl Keyboard {
    pub(super) fn due(&self) -> Option<Instant> {
        let typing = self.composing.as_ref().filter(|composing| composing.told == Typing::Typing);
        let pause = typing.map(|composing| composing.last_change + PAUSED);
        let idle = self.last_key.filter(|_| !self.idle).map(|key| key + IDLE);
        pause.into_iter().chain(idle).min()
    }

    /// Since when nobody is there, if so.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        self.last_key.filter(|_| self.idle)
    }

    /// A message went: it says by itself that we type no longer.
    pub(super) fn sent(&mut self, to: &ScreenName) {
        self.composing.take_if(|composing| composing.to == *to);
    }

    /// Nobody has been told anything in a new session.
    pub(super) fn forget(&mut self) {
        self.composing = None;
    }
}

impl Messenger {
    /// Somebody is there.
    pub(in crate::aim_client) fn key(&mut self, now: Instant) {
        self.keyboard.last_key = Some(now);
        if std::mem::take(&mut self.keyboard.idle) && self.link == Link::Online {
            self.actions.push_back(Action::Idle(Duration::ZERO));
        }
    }

    /// The text to the current conversation has been changed; `something`: there is one now.
    pub(in crate::aim_client) fn composes(&mut self, something: bool, now: Instant) {
        let current = self.conversations.current();
        let to = match &current.with {
            With::Person(name) if current.wants_typing == Some(true) && something => Some(name.clone()),
            _ => None,
        };
        if let Some(before) = self.keyboard.composing.take_if(|composing| to.as_ref() != Some(&composing.to))
        {
            self.tell_typing(before.to, Typing::None);
        }
        let Some(to) = to else { return };
        let told = self.keyboard.composing.as_ref().map_or(Typing::None, |composing| composing.told);
        if told != Typing::Typing {
            self.tell_typing(to.clone(), Typing::Typing);
        }
        self.keyboard.composing = Some(Composing { to, told: Typing::Typing, last_change: now });
    }

    pub(super) fn keyboard_timeout(&mut self, now: Instant) {
        if let Some(composing) = &mut self.keyboard.composing
            && composing.told == Typing::Typing
            && now >= composing.last_change + PAUSED
        {
            composing.told = Typing::Paused;
            let to = composing.to.clone();
            self.tell_typing(to, Typing::Paused);
        }
        if !self.keyboard.idle && self.keyboard.last_key.is_some_and(|key| now >= key + IDLE) {
            self.keyboard.idle = true;
            self.tell_idle(now);
        }
    }

    /// Says for how long nobody has been there, if nobody is; a new session does not know.
    pub(super) fn tell_idle(&mut self, now: Instant) {
        if let Some(since) = self.keyboard.idle_since()
            && self.link == Link::Online
        {
            self.actions.push_back(Action::Idle(now.saturating_duration_since(since)));
        }
    }

    fn tell_typing(&mut self, to: ScreenName, typing: Typing) {
        if self.link == Link::Online {
            self.actions.push_back(Action::Typing(to, typing));
        }
    }
}
