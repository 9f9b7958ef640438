//! One transaction's writes.

use std::sync::Arc;

use oscar_im::ScreenName;

use super::{About, Line, MemoryStore, Spoken};
use crate::conversation::{Author, ConversationId, VisitorKey};
use crate::outbox::staff::{DeliveryId, Im, Row};
use crate::outbox::visitor::Answer;
use crate::store::{MOST_REFUSED, StoreError, Write};

fn contradiction(what: &str) -> StoreError {
    StoreError::Contradiction { what: what.to_owned() }
}

impl MemoryStore {
    pub(super) fn apply(&mut self, write: &Write) -> Result<(), StoreError> {
        let tables = &mut self.tables;
        match write {
            Write::Open { id, key, label, at } => {
                if tables.conversations.has(id) {
                    return Err(contradiction("a conversation's number is taken"));
                }
                self.facts.last_conversation = self.facts.last_conversation.max(id.0);
                let about = About {
                    key: None,
                    label: label.clone(),
                    nick: None,
                    page: None,
                    language: None,
                    contact: None,
                    department: None,
                    opened_at: *at,
                    closed_at: None,
                    holder: None,
                    blocked: false,
                };
                tables.conversations.put(*id, about);
                tables.spoken.put(*id, Spoken { at: *at, last: 0 });
                return self.give_key(*id, Some(key));
            }
            Write::Key(id, key) => return self.give_key(*id, key.as_ref()),
            Write::Nick(id, nick) => {
                tables.conversations.change(id, |about| about.nick = Some(nick.clone()));
            }
            Write::Page(id, page) => {
                tables.conversations.change(id, |about| about.page = Some(page.clone()));
            }
            Write::Language(id, language) => {
                tables.conversations.change(id, |about| about.language = Some(language.clone()));
            }
            Write::Contact(id, contact) => {
                tables.conversations.change(id, |about| about.contact = Some(contact.clone()));
            }
            Write::Department(id, department) => {
                tables.conversations.change(id, |about| about.department.clone_from(department));
            }
            Write::Closed(id, at) => tables.conversations.change(id, |about| about.closed_at = *at),
            Write::Retire(id) => self.retire(*id)?,
            Write::Holder(id, holder) => {
                tables.conversations.change(id, |about| about.holder.clone_from(holder));
            }
            Write::Blocked(id, blocked) => {
                tables.conversations.change(id, |about| about.blocked = *blocked);
            }
            Write::Entry { conversation, number, at, author, text, client_id, msgid, channel } => {
                let line = Line {
                    at: *at,
                    author: author.clone(),
                    text: text.clone(),
                    client_id: client_id.clone(),
                    msgid: msgid.clone(),
                    channel: channel.clone(),
                };
                return self.say(*conversation, *number, line);
            }
            Write::Taken(id, entry) => {
                tables.untaken.remove(&(*id, *entry));
            }
            Write::Owe { to, row } => return self.owe(to, row),
            Write::Drop(id) => {
                tables.owed.remove(id);
            }
            Write::Reassign(id, to) => tables.owed.change(id, |(owed_to, _)| *owed_to = to.clone()),
            Write::Form { to, im } => return self.form(to, im),
            Write::Settle(number) => {
                tables.ims.remove(number);
            }
            Write::Return(number) => {
                if let Some((to, im)) = tables.ims.remove(number).cloned() {
                    return im.rows.iter().try_for_each(|row| self.owe(&to, row));
                }
            }
            Write::Answer { id, conversation, entry } => {
                let Some(line) = tables.entries.get(&(*conversation, *entry)) else {
                    return Err(contradiction("an answer is no entry"));
                };
                if tables.answers.has(id) {
                    return Err(contradiction("an answer's number is taken"));
                }
                let from = match &line.author {
                    Author::Staff(name) => name.clone(),
                    Author::Visitor => ScreenName::new(""),
                };
                // It may have left before whoever reads this started.
                let answer = Answer {
                    id: *id,
                    entry: *entry,
                    from,
                    text: line.text.clone(),
                    at: line.at,
                    again: true,
                };
                tables.answers.put(*id, (*conversation, answer));
            }
            Write::Paid(id) => {
                tables.answers.remove(id);
            }
            Write::Heard { sender, cookie, at } => {
                self.facts.last_heard += 1;
                tables.heard.put(self.facts.last_heard, (sender.clone(), *cookie, *at));
            }
            Write::ForgetHeard(before) => {
                for number in tables.heard.keys_where(|(_, _, at)| at < before) {
                    tables.heard.remove(&number);
                }
            }
            Write::Canned(name, text) => tables.canned.put(name.clone(), text.clone()),
            Write::ForgetCanned(name) => {
                tables.canned.remove(name);
            }
            Write::AimUp(at) => self.facts.aim_up = Some(*at),
            Write::FetchingFrom(at) => self.facts.fetching_from = *at,
            Write::Refused(ids) => ids.iter().for_each(|id| self.refuse(id)),
            Write::Redacted(ids) => ids.iter().for_each(|id| {
                tables.redactions.remove(id);
            }),
        }
        Ok(())
    }

    /// The visitor by this key is in this conversation, and in no other.
    fn give_key(&mut self, id: ConversationId, key: Option<&VisitorKey>) -> Result<(), StoreError> {
        let Some(about) = self.tables.conversations.get(&id) else { return Ok(()) };
        if let Some(old) = about.key.clone() {
            self.tables.keys.remove(&old);
        }
        if let Some(key) = key {
            if self.tables.keys.has(key) {
                return Err(contradiction("a visitor has another conversation"));
            }
            self.tables.keys.put(key.clone(), id);
        }
        self.tables.conversations.change(&id, |about| about.key = key.cloned());
        Ok(())
    }

    fn retire(&mut self, id: ConversationId) -> Result<(), StoreError> {
        for answer in self.tables.answers.keys_where(|(conversation, _)| *conversation == id) {
            self.tables.answers.remove(&answer);
        }
        if self.tables.conversations.has(&id) {
            self.tables.retired.put(id, ());
        }
        self.give_key(id, None)
    }

    fn say(&mut self, conversation: ConversationId, number: u64, line: Line) -> Result<(), StoreError> {
        let Some(spoken) = self.tables.spoken.get(&conversation) else {
            return Err(contradiction("an entry is of no conversation"));
        };
        if number != spoken.last + 1 {
            return Err(contradiction("an entry is out of turn"));
        }
        let place = (conversation, number);
        let spoken = Spoken { at: line.at, last: number };
        self.tables.spoken.put(conversation, spoken);
        if line.author == Author::Visitor {
            self.facts.last_line_at = self.facts.last_line_at.max(Some(line.at));
            self.tables.untaken.put(place, line.client_id.clone());
        }
        self.tables.entries.put(place, Box::new(line));
        self.said.push_back(place);
        Ok(())
    }

    fn refuse(&mut self, msgid: &str) {
        let refused = &mut self.tables.refused;
        if refused.iter().any(|(_, known)| known == msgid) {
            return;
        }
        self.facts.last_refused += 1;
        refused.put(self.facts.last_refused, msgid.to_owned());
        if refused.len() > MOST_REFUSED
            && let Some(oldest) = refused.first().copied()
        {
            refused.remove(&oldest);
        }
    }

    fn owe(&mut self, to: &ScreenName, row: &Row) -> Result<(), StoreError> {
        if row.conversation.is_some_and(|id| !self.tables.conversations.has(&id)) {
            return Err(contradiction("a text is of no conversation"));
        }
        if self.tables.owed.has(&row.id) {
            return Err(contradiction("a text's number is taken"));
        }
        self.tables.owed.put(row.id, (to.clone(), row.clone()));
        Ok(())
    }

    fn form(&mut self, to: &ScreenName, im: &Arc<Im>) -> Result<(), StoreError> {
        let number: DeliveryId = im.number();
        if self.tables.ims.has(&number) {
            return Err(contradiction("a message's number is taken"));
        }
        for row in &im.rows {
            self.tables.owed.remove(&row.id);
        }
        self.tables.ims.put(number, (to.clone(), im.clone()));
        Ok(())
    }
}
