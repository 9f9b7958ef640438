//! The desk and whom a staff member's text is for: labels, the one addressed last, and the question where it isn't clear.
//!
//! Better one question too many than a line to the wrong person: whatever may have drawn somebody's eyes to another
//! visitor since the last text makes it unclear who is meant.

use std::time::Duration;

use oscar_im::ScreenName;

use super::desk::Desk;
use crate::conversation::routing::{self, LastAddressed, Target};
use crate::conversation::wording::Nearest;
use crate::conversation::{Conversation, ConversationId, Millis, labels, staff_input, wording};
use crate::outbox::staff::{Im, room};

/// The longest text that a staff member may send a visitor at once.
const LONGEST: usize = 8000;
/// A text that was asked about waits so long for its label.
const HOLD: Duration = Duration::from_secs(600);
/// What is typed so soon after a text that was asked about was typed before the question could be read.
const GOES_ON: Duration = Duration::from_secs(30);

/// A text that waits for its label.
#[derive(Debug)]
pub(super) struct Held {
    text: String,
    since: Millis,
    /// Whether the next text that is asked about goes on with it: nothing was sent to anybody since.
    goes_on: bool,
}

impl Held {
    pub(super) fn new(text: &str, now: Millis) -> Self {
        Self { text: text.to_owned(), since: now, goes_on: false }
    }
}

impl Desk {
    /// A text with labels; a label alone sends the text that waits for it.
    pub(super) fn addressed(
        &mut self,
        from: &ScreenName,
        to: &[ConversationId],
        text: String,
        at: Millis,
        now: Millis,
    ) {
        let text = if text.is_empty() { self.take_held(from, now).unwrap_or_default() } else { text };
        if text.is_empty() {
            let label = to.first().map(|id| self.label(*id)).unwrap_or_default();
            self.object(from, &wording::nothing_to_send(&label), now);
            return;
        }
        if text.chars().count() > LONGEST {
            self.object(from, &wording::too_long(LONGEST), now);
            return;
        }
        for id in to {
            self.answer(from, *id, &text, at, now);
        }
        let spoken = self.book.spoken();
        if let Some(member) = self.member_mut(from) {
            member.last = Some(LastAddressed { conversations: to.to_vec(), at: spoken, interrupted: false });
            if let Some(held) = &mut member.held {
                held.goes_on = false;
            }
        }
    }

    /// A text without a label.
    pub(super) fn unaddressed(&mut self, from: &ScreenName, text: &str, at: Millis, now: Millis) {
        if self.is_said_in_room() {
            self.said_among_colleagues(from, text, now);
            return;
        }
        if let Some(question) = self.answers_without_colon(from, text, now) {
            self.ask(from, &question, now);
            return;
        }
        let target = self.target(from);
        let named = self.named_in(text);
        match (target, named) {
            (Target::Clear(id), named) if named.is_none_or(|named| named == id) => {
                self.addressed(from, &[id], text.to_owned(), at, now);
            }
            (Target::Nobody, None) if self.book.open_count() == 0 => {
                self.ask(from, &wording::nobody_to_answer(text), now);
            }
            (target, named) => {
                let mut candidates: Vec<ConversationId> = named.into_iter().collect();
                let others = match target {
                    Target::Clear(id) => vec![id],
                    Target::Ask(ids) => ids,
                    Target::Nobody => self.book.open_ones().map(|conversation| conversation.id).collect(),
                };
                candidates.extend(others.into_iter().filter(|id| named != Some(*id)));
                let labels: Vec<String> = candidates.iter().map(|id| self.label(*id)).collect();
                let waiting = self.hold(from, text, now);
                self.ask(from, &wording::which(&labels, &waiting), now);
            }
        }
    }

    /// Where a text of this person without label would go.
    pub(super) fn target(&self, from: &ScreenName) -> Target {
        let member = self.member(from);
        let (last, read) = (member.and_then(|member| member.last.as_ref()), member.map(|member| member.read));
        // The last one addressed may have been deleted or retired since.
        let last = last.filter(|last| last.conversations.iter().all(|id| self.book.get(*id).is_some()));
        let theirs = |conversation: &&Conversation| match &conversation.holder {
            Some(holder) => holder == from,
            None => self
                .department_in_force(conversation)
                .is_none_or(|department| department.handles.contains(from)),
        };
        match routing::target(last, read.unwrap_or_default(), self.book.open_ones().filter(theirs)) {
            // Written before a restart of ours, by somebody who saw others then.
            Target::Clear(id) if self.hearing.offline && last.is_none() => Target::Ask(vec![id]),
            target => target,
        }
    }

    /// The label that may have been meant by one that nobody has.
    pub(super) fn nearest(&self, typed: &str) -> Nearest {
        if let Some(alike) = self.book.looks_like(typed) {
            return Nearest::LooksLike(alike.to_owned());
        }
        let labels = self.open_labels();
        let near = staff_input::nearest(typed, labels.iter().map(String::as_str));
        near.map_or(Nearest::None, |near| Nearest::Meant(near.to_owned()))
    }

    pub(super) fn open_labels(&self) -> Vec<String> {
        self.book.open_ones().map(|conversation| conversation.label.clone()).collect()
    }

    pub(super) fn ask(&mut self, from: &ScreenName, question: &str, now: Millis) {
        self.counters.questions += 1;
        self.object(from, question, now);
    }

    /// The server took a message: visitors' lines in it have been read, or are about to be.
    pub(super) fn was_shown(&mut self, to: &ScreenName, im: &Im) {
        let readers: Vec<ScreenName> = if *to == room() {
            self.staff_names().into_iter().filter(|who| self.room.has(who)).collect()
        } else {
            vec![to.clone()]
        };
        let lines = im.rows.iter().filter(|row| row.entry.is_some());
        for id in lines.filter_map(|row| row.conversation) {
            for who in &readers {
                self.turned_to(who, id);
            }
        }
    }

    /// Somebody has read of another conversation than the one addressed last, and may mean that one from now on.
    pub(super) fn turned_to(&mut self, from: &ScreenName, id: ConversationId) {
        let Some(member) = self.member_mut(from) else { return };
        match &mut member.last {
            Some(last) => last.interrupted |= last.is_another(id),
            None => member.read = member.read.and(id),
        }
    }

    /// Those people are done with a conversation: whom they write to next isn't clear.
    pub(super) fn turned_away_from(&mut self, id: ConversationId, who: impl Fn(&ScreenName) -> bool) {
        for member in self.staff.iter_mut().filter(|member| who(&member.name)) {
            if let Some(last) = member.last.as_mut().filter(|last| last.conversations.contains(&id)) {
                last.interrupted = true;
            }
        }
    }

    fn take_held(&mut self, from: &ScreenName, now: Millis) -> Option<String> {
        let held = self.member_mut(from)?.held.take()?;
        (now.since(held.since) <= HOLD).then_some(held.text)
    }

    /// Keeps a text for its label, behind what was typed before the question could be read. Gives all that waits.
    fn hold(&mut self, from: &ScreenName, text: &str, now: Millis) -> String {
        let Some(member) = self.member_mut(from) else { return text.to_owned() };
        let before = member.held.take().filter(|held| held.goes_on && now.since(held.since) <= GOES_ON);
        let all = before.map(|held| format!("{}\n{text}", held.text));
        let all = all.filter(|all| all.chars().count() <= LONGEST).unwrap_or_else(|| text.to_owned());
        member.held = Some(Held { text: all.clone(), since: now, goes_on: true });
        all
    }

    /// Who is asked whom a text is for may answer with the label alone, but forget its colon.
    fn answers_without_colon(&self, from: &ScreenName, text: &str, now: Millis) -> Option<String> {
        let held = self.member(from)?.held.as_ref().filter(|held| now.since(held.since) <= HOLD)?;
        let label = self.label(self.book.by_label(text)?);
        labels::same(&label, text).then(|| wording::which(&[label], &held.text))
    }

    /// The visitor whom a text names where somebody would be addressed. One whose conversation is closed counts only
    /// where the name is marked as one: a visitor may be called `hello`.
    fn named_in(&self, text: &str) -> Option<ConversationId> {
        staff_input::mentions(text).into_iter().find_map(|mention| {
            let id = self.book.by_label(mention.name)?;
            let counts = mention.marked || self.book.get(id).is_some_and(Conversation::is_open);
            counts.then_some(id)
        })
    }
}
