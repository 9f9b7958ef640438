//! The desk and typing, both ways: who sees that whom writes, and that nobody sees it for longer than it is so.
//!
//! IRC says it again and again, and silence ends it; AIM says it once, and only a word or a message ends it. Each is
//! translated into the other.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use oscar_im::ScreenName;

use super::desk::{Desk, Effect};
use crate::aim::event::{AimCommand, ImTyping};
use crate::conversation::model::Address;
use crate::conversation::routing::Target;
use crate::conversation::{ConversationId, Millis};
use crate::irc::event::{IrcCommand, Source, Typing as VisitorTyping};

/// Staff are shown once in this time that a visitor types.
const SHOW_TYPING: Duration = Duration::from_secs(5);
/// Credits that must be left before typing is worth sending.
const CREDITS_FOR_TYPING: u32 = 4;
/// A visitor who has not said so again for so long does not type any more. Clients say it every three seconds.
const VISITOR_STOPPED: Duration = Duration::from_secs(8);
/// A text that was begun and left is forgotten after this.
const VISITOR_LEFT: Duration = Duration::from_secs(30);
/// IRC clients show typing for six seconds: it is said to them again after this.
const SAY_AGAIN: Duration = Duration::from_secs(5);
/// Nobody writes one message for so long; their client has forgotten to say that they stopped.
const STAFF_STOPPED: Duration = Duration::from_secs(120);

/// Who is shown to be typing.
#[derive(Debug, Default)]
pub(super) struct Typing {
    visitors: HashMap<ConversationId, Visitor>,
    staff: BTreeMap<ScreenName, Answering>,
}

/// A visitor who types.
#[derive(Debug)]
struct Visitor {
    /// To whom it was shown, and when.
    to: Vec<ScreenName>,
    shown: Millis,
    over: Millis,
}

/// A staff member who types an answer.
#[derive(Debug)]
struct Answering {
    conversation: ConversationId,
    /// When it is said again; never where they paused.
    again: Option<Millis>,
    over: Millis,
}

impl Typing {
    /// When something has to be said though nothing comes in.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        let visitors = self.visitors.values().map(|visitor| visitor.over);
        let staff = self.staff.values().map(|one| one.again.map_or(one.over, |again| again.min(one.over)));
        visitors.chain(staff).min()
    }

    /// The conversation is no more.
    pub(super) fn forget(&mut self, id: ConversationId) {
        self.visitors.remove(&id);
        self.staff.retain(|_, one| one.conversation != id);
    }
}

impl Desk {
    /// Shows staff who talk with a visitor that the visitor types, where credits are to spare.
    pub(super) fn visitor_types(&mut self, from: &Source, typing: VisitorTyping, now: Millis) {
        let Some(id) = self.book.by_key(&self.identify(from)) else { return };
        match typing {
            VisitorTyping::Active => {
                if let Some(visitor) = self.typing.visitors.get_mut(&id) {
                    visitor.over = now.after(VISITOR_STOPPED);
                    if now.since(visitor.shown) < SHOW_TYPING {
                        return;
                    }
                }
                self.show_typing(id, now);
            }
            VisitorTyping::Paused => {
                let Some(visitor) = self.typing.visitors.get_mut(&id) else { return };
                // Should they go on, it is news.
                visitor.shown = Millis(0);
                visitor.over = now.after(VISITOR_LEFT);
                let to = visitor.to.clone();
                self.tell_typing(&to, ImTyping::Paused);
            }
            VisitorTyping::Done => self.visitor_stopped(id),
        }
    }

    fn show_typing(&mut self, id: ConversationId, now: Millis) {
        if self.is_pressed() {
            return;
        }
        let holder = self.book.get(id).and_then(|conversation| conversation.holder.as_ref());
        let talk = |member: &&super::desk::Member| {
            holder == Some(&member.name)
                || member.last.as_ref().is_some_and(|last| last.conversations == [id])
        };
        let spare = |name: &ScreenName| {
            let account = self.account_for(name).and_then(|account| self.accounts.get(account.0));
            account.is_some_and(|account| account.credits >= CREDITS_FOR_TYPING)
        };
        let there = self.staff.iter().filter(|member| member.is_available());
        let talking = there.filter(talk).map(|member| member.name.clone());
        let to: Vec<ScreenName> = talking.filter(spare).collect();
        let seen_before = self.typing.visitors.remove(&id).map(|visitor| visitor.to).unwrap_or_default();
        let no_longer: Vec<ScreenName> = seen_before.into_iter().filter(|name| !to.contains(name)).collect();
        self.tell_typing(&no_longer, ImTyping::None);
        if to.is_empty() {
            return;
        }
        self.tell_typing(&to, ImTyping::Typing);
        self.typing.visitors.insert(id, Visitor { to, shown: now, over: now.after(VISITOR_STOPPED) });
    }

    /// They stopped, or what they typed is here.
    pub(super) fn visitor_stopped(&mut self, id: ConversationId) {
        if let Some(visitor) = self.typing.visitors.remove(&id) {
            self.tell_typing(&visitor.to, ImTyping::None);
        }
    }

    fn tell_typing(&mut self, to: &[ScreenName], typing: ImTyping) {
        for to in to {
            if let Some(account) = self.account_for(to) {
                self.effect(Effect::Aim(account, AimCommand::Typing { to: to.clone(), typing }));
            }
        }
    }

    /// Shows a visitor that somebody types, where it is clear for whom.
    pub(super) fn staff_types(&mut self, from: &ScreenName, typing: ImTyping, now: Millis) {
        if self.member(from).is_none() || self.irc.nick.is_none() {
            return;
        }
        let meant = match self.target(from) {
            Target::Clear(id) if typing != ImTyping::None => Some(id),
            _ => None,
        };
        if self.typing.staff.get(from).is_some_and(|shown| Some(shown.conversation) != meant) {
            self.staff_stopped(from);
        }
        let Some(conversation) = meant else { return };
        let (value, again) = match typing {
            ImTyping::Typing => ("active", Some(now.after(SAY_AGAIN))),
            ImTyping::Paused | ImTyping::None => ("paused", None),
        };
        if self.tell_visitor_typing(conversation, value) {
            let shown = Answering { conversation, again, over: now.after(STAFF_STOPPED) };
            self.typing.staff.insert(from.clone(), shown);
        }
    }

    /// They stopped, went, or wrote to somebody else.
    pub(super) fn staff_stopped(&mut self, from: &ScreenName) {
        if let Some(shown) = self.typing.staff.remove(from) {
            self.tell_visitor_typing(shown.conversation, "done");
        }
    }

    /// What they wrote is here. An answer says by itself that the typing is over, anything else doesn't.
    pub(super) fn staff_wrote(&mut self, from: &ScreenName, answers_before: Option<usize>) {
        let Some(shown) = self.typing.staff.get(from) else { return };
        if answers_before == Some(self.answers.owed(shown.conversation)) {
            self.staff_stopped(from);
        } else {
            self.typing.staff.remove(from);
        }
    }

    /// Answers that wait for the visitor who sees this person type.
    pub(super) fn answers_where_typing(&self, from: &ScreenName) -> Option<usize> {
        self.typing.staff.get(from).map(|shown| self.answers.owed(shown.conversation))
    }

    /// Whether the visitor is there to see it.
    fn tell_visitor_typing(&mut self, id: ConversationId, value: &str) -> bool {
        let Some(Address::Here(nick)) = self.book.get(id).map(|conversation| &conversation.address) else {
            return false;
        };
        let tags = vec![("+typing".to_owned(), value.to_owned())];
        let (to, receiver) = (nick.clone(), self.connection_at(nick));
        self.effect(Effect::Irc(IrcCommand::Tag { to, tags, receiver }));
        true
    }

    /// Says again what IRC wants to hear again, and ends what nobody has ended.
    pub(super) fn pass_typing_time(&mut self, now: Millis) {
        if self.typing.next_deadline().is_none_or(|at| now < at) {
            return;
        }
        let visitors = self.typing.visitors.iter().filter(|(_, visitor)| now >= visitor.over);
        for id in visitors.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.visitor_stopped(id);
        }
        let staff = self.typing.staff.iter().filter(|(_, one)| now >= one.over);
        for who in staff.map(|(who, _)| who.clone()).collect::<Vec<_>>() {
            self.staff_stopped(&who);
        }
        let mut again = Vec::new();
        for one in self.typing.staff.values_mut() {
            if one.again.is_some_and(|at| now >= at) {
                one.again = Some(now.after(SAY_AGAIN));
                again.push(one.conversation);
            }
        }
        for id in again {
            self.tell_visitor_typing(id, "active");
        }
    }
}
