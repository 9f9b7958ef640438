//! What the commands of staff do.

use oscar_im::ScreenName;

use super::desk::{Desk, Effect};
use crate::conversation::commands::{self, Canned, Command};
use crate::conversation::model::Address;
use crate::conversation::routing::Target;
use crate::conversation::wording::{self, Info, Listed, Release, visitor as words};
use crate::conversation::{
    Conversation, ConversationId, Millis, VisitorKey, department, labels, staff_input,
};
use crate::outbox::staff::Rank;
use crate::store::Write;

/// Conversations that `/list` shows.
const LISTED: usize = 15;
/// Prepared answers that are kept.
const MOST_CANNED: usize = 200;

impl Desk {
    pub(super) fn command(&mut self, from: &ScreenName, command: Command, at: Millis, now: Millis) {
        match command {
            Command::Help(None) => self.reply(from, &wording::help(), now),
            Command::Help(Some(name)) => {
                let words = commands::find(&name).map_or_else(
                    || match commands::parse(&name, "") {
                        Err(mistake) => wording::mistake(&name, mistake),
                        Ok(_) => wording::help(),
                    },
                    wording::help_for,
                );
                self.reply(from, &words, now);
            }
            Command::List => self.list(from, now),
            Command::WhoAmI => self.who_am_i(from, now),
            Command::Away => {
                if let Some(member) = self.member_mut(from) {
                    member.away = member.away.or(Some(now));
                    self.attendance.fewer_are_there();
                }
                self.reply(from, &wording::away(), now);
            }
            Command::Back => {
                let waiting = self.outbox.owed(from);
                if let Some(member) = self.member_mut(from) {
                    member.away = None;
                    self.attendance.changed = true;
                }
                self.reply(from, &wording::back(waiting), now);
            }
            Command::History { label, entries } => {
                if let Some(conversation) = self.meant(from, label.as_deref(), "/history", now) {
                    self.turned_to(from, conversation);
                    let (to, label) = (from.clone(), self.label(conversation));
                    self.effect(Effect::ReadForStaff { to, conversation, label, entries });
                }
            }
            Command::Info(label) => {
                if let Some(id) = self.meant(from, label.as_deref(), "/info", now) {
                    self.turned_to(from, id);
                    self.info(from, id, now);
                }
            }
            Command::Claim(label) => {
                if let Some(id) = self.meant(from, label.as_deref(), "/claim", now) {
                    self.turned_to(from, id);
                    self.claim(from, id, now);
                }
            }
            Command::Release(label) => {
                if let Some(id) = self.meant(from, label.as_deref(), "/release", now) {
                    self.release(from, id, now);
                }
            }
            Command::Transfer { label, to } => self.transfer(from, label, &to, now),
            Command::Close(label) => {
                if let Some(id) = self.meant(from, label.as_deref(), "/close", now) {
                    self.close(from, id, now);
                }
            }
            Command::Block(label) => {
                if let Some(id) = self.meant(from, label.as_deref(), "/block", now) {
                    self.block(from, id, Blocking::Refuse, now);
                }
            }
            Command::Unblock(label) => {
                if let Some(id) = self.meant(from, Some(&label), "/unblock", now) {
                    self.block(from, id, Blocking::Take, now);
                }
            }
            Command::Canned(canned) => self.canned(from, canned, at, now),
            Command::Invite(name) => {
                let who = name.as_deref().map_or_else(|| from.clone(), ScreenName::new);
                let Some(who) = self.member(&who).map(|member| member.name.clone()) else {
                    let staff = self.staff.iter().map(|member| member.name.as_str());
                    let nearest = staff_input::nearest(who.as_str(), staff);
                    self.object(from, &wording::not_listed(who.as_str(), nearest), now);
                    return;
                };
                let words = self.invite(&who);
                self.reply(from, &words, now);
            }
        }
    }

    fn reply(&mut self, to: &ScreenName, words: &str, now: Millis) {
        self.tell(to, Rank::Reply, words, now);
    }

    /// The conversation that a command is about: the label's, or the one that a text without label would go to. Where
    /// that can't be told, the person is asked and nothing is done.
    fn meant(
        &mut self,
        from: &ScreenName,
        label: Option<&str>,
        typed: &str,
        now: Millis,
    ) -> Option<ConversationId> {
        if let Some(label) = label {
            let found = self.book.by_label(label);
            if found.is_none() {
                let typed = format!("{typed} {label}");
                self.label_unknown(from, label, &typed, now);
            }
            return found;
        }
        match self.target(from) {
            Target::Clear(id) => Some(id),
            Target::Ask(ids) => {
                let labels: Vec<String> = ids.iter().map(|id| self.label(*id)).collect();
                self.object(from, &wording::which_for_command(typed, &labels), now);
                None
            }
            Target::Nobody => {
                let open = self.open_labels();
                let words = match open.as_slice() {
                    [] => wording::list(&[], 0, 0),
                    held => wording::which_for_command(typed, held),
                };
                self.object(from, &words, now);
                None
            }
        }
    }

    fn label_unknown(&mut self, from: &ScreenName, label: &str, typed: &str, now: Millis) {
        let words = wording::unknown_label(label, &self.nearest(label), &wording::Kept::Command(typed));
        self.object(from, &words, now);
    }

    fn list(&mut self, from: &ScreenName, now: Millis) {
        let mut open: Vec<&Conversation> = self.book.open_ones().collect();
        open.sort_by_key(|conversation| std::cmp::Reverse((conversation.last_at, conversation.id)));
        let shown: Vec<Listed> = open
            .iter()
            .take(LISTED)
            .map(|conversation| Listed {
                label: conversation.label.clone(),
                holder: conversation.holder.clone(),
                department: conversation.department.clone(),
                quiet: now.since(conversation.last_at),
                untaken: conversation.untaken.len(),
                owed: self.answers.owed(conversation.id),
            })
            .collect();
        let mut words = wording::list(&shown, open.len(), self.outbox.owed(from));
        let absent = self.staff.iter().filter(|member| !member.is_available() && member.name != *from);
        let absent = absent.map(|member| (member.name.as_str(), self.outbox.owed(&member.name)));
        let absent: Vec<(&str, usize)> = absent.filter(|(_, waiting)| *waiting > 0).collect();
        for more in self.room_state().into_iter().chain(wording::absent(&absent)) {
            words.push('\n');
            words.push_str(&more);
        }
        self.reply(from, &words, now);
    }

    fn who_am_i(&mut self, from: &ScreenName, now: Millis) {
        let Some(member) = self.member(from) else { return };
        let (name, away) = (member.name.clone(), member.away.is_some());
        let held = |conversation: &&Conversation| conversation.holder.as_ref() == Some(from);
        let holds: Vec<String> =
            self.book.open_ones().filter(held).map(|conversation| conversation.label.clone()).collect();
        self.reply(from, &wording::whoami(&name, away, &holds), now);
    }

    fn info(&mut self, from: &ScreenName, id: ConversationId, now: Millis) {
        let Some(conversation) = self.book.get(id) else { return };
        let info = Info {
            label: conversation.label.clone(),
            nick: match &conversation.address {
                Address::Here(nick) => Some(labels::shown(nick)),
                _ => None,
            },
            page: conversation.page.clone(),
            language: conversation.language.clone(),
            contact: conversation.contact.clone(),
            department: conversation.department.clone(),
            known_by: wording::known_by(conversation.key.as_ref().map(VisitorKey::kind)),
            opened_at: conversation.opened_at,
            entries: conversation.last_entry,
            holder: conversation.holder.clone(),
            closed: !conversation.is_open(),
            blocked: conversation.blocked,
        };
        self.tell_about(Some(id), from, Rank::Reply, &wording::info(&info), now);
    }

    fn claim(&mut self, from: &ScreenName, id: ConversationId, now: Millis) {
        let Some(me) = self.member(from).map(|member| member.name.clone()) else { return };
        let label = self.label(id);
        self.give_to(id, Some(me.clone()), now);
        self.reply(&me, &wording::claimed_by_you(&label), now);
        self.tell_others(Some(id), &me, &wording::claimed(&me, &label), now);
    }

    fn release(&mut self, from: &ScreenName, id: ConversationId, now: Millis) {
        let label = self.label(id);
        let holder = self.book.get(id).and_then(|conversation| conversation.holder.clone());
        match holder {
            None => self.reply(from, &wording::not_held(&label), now),
            Some(holder) if holder != *from => self.reply(from, &wording::held_by(&holder, &label), now),
            Some(_) => {
                self.give_to(id, None, now);
                let words = wording::released(&label, &Release::ByCommand(self.settings.routing));
                self.reply(from, &words, now);
                self.tell_others(Some(id), from, &words, now);
            }
        }
    }

    /// Names of people may hold spaces: what looks like a label and is none may be the beginning of one.
    fn transfer(&mut self, from: &ScreenName, label: Option<String>, to: &str, now: Millis) {
        let whole = label.as_deref().map(|label| format!("{label} {to}"));
        let (label, to) = match (label, whole) {
            (Some(label), Some(whole)) if self.book.by_label(&label).is_none() => {
                if self.heir(&whole).is_none() {
                    self.transfer_of_nobody(from, &label, to, &whole, now);
                    return;
                }
                (None, whole)
            }
            (label, _) => (label, to.to_owned()),
        };
        let Some(heir) = self.heir(&to) else {
            let words = match self.book.by_label(&to) {
                Some(id) if label.is_none() => wording::transfer_to_whom(&self.label(id)),
                _ => {
                    let staff = self.staff.iter().map(|member| member.name.as_str());
                    let known = staff.chain(self.settings.departments.names());
                    wording::unknown_colleague(&to, staff_input::nearest(&to, known))
                }
            };
            self.object(from, &words, now);
            return;
        };
        let Some(id) = self.meant(from, label.as_deref(), "/transfer", now) else { return };
        match heir {
            Heir::Colleague(who) if who == *from => self.claim(from, id, now),
            Heir::Colleague(who) => self.transfer_to(from, id, &who, now),
            Heir::Department(name) => self.transfer_to_department(from, id, name, now),
        }
    }

    fn transfer_of_nobody(&mut self, from: &ScreenName, label: &str, to: &str, whole: &str, now: Millis) {
        let colleague = self.member(&ScreenName::new(label)).map(|member| member.name.clone());
        match (colleague, self.book.by_label(to)) {
            (Some(who), Some(id)) => {
                let words = wording::transfer_turned_round(&who, &self.label(id));
                self.object(from, &words, now);
            }
            _ => self.label_unknown(from, label, &format!("/transfer {whole}"), now),
        }
    }

    /// To whom a conversation can be given under this name.
    fn heir(&self, name: &str) -> Option<Heir> {
        if let Some(member) = self.member(&ScreenName::new(name)) {
            return Some(Heir::Colleague(member.name.clone()));
        }
        match self.settings.departments.find(name) {
            Some(department) => Some(Heir::Department(Some(department.name.clone()))),
            None => name.eq_ignore_ascii_case(department::EVERYBODY).then_some(Heir::Department(None)),
        }
    }

    fn transfer_to(&mut self, from: &ScreenName, id: ConversationId, to: &ScreenName, now: Millis) {
        let label = self.label(id);
        self.give_to(id, Some(to.clone()), now);
        let words = wording::claimed(to, &label);
        self.reply(from, &words, now);
        self.tell(to, Rank::Line, &wording::transferred(from, &label), now);
        let mut others = self.audience(id);
        others.retain(|other| other != to);
        self.tell_those_there(others, Some(id), from, &words, now);
    }

    fn transfer_to_department(
        &mut self,
        from: &ScreenName,
        id: ConversationId,
        department: Option<String>,
        now: Millis,
    ) {
        let label = self.label(id);
        let name = department.clone().unwrap_or_else(|| department::EVERYBODY.to_owned());
        self.set_department(id, department);
        self.give_to(id, None, now);
        self.reply(from, &wording::for_department(&name, &label), now);
        let words = wording::transferred_to(from, &name, &label);
        for member in self.audience(id).iter().filter(|member| *member != from) {
            self.tell(member, Rank::Line, &words, now);
        }
    }

    fn close(&mut self, from: &ScreenName, id: ConversationId, now: Millis) {
        let label = self.label(id);
        if self.book.get(id).is_some_and(Conversation::is_open) {
            self.close_conversation(id, now);
            self.notice_to(id, "closed", words::CLOSED);
            self.tell_others(Some(id), from, &wording::closed_by(from, &label), now);
        }
        self.reply(from, &wording::closed(&label), now);
    }

    /// Whoever held it holds it no more: what nobody has taken yet is owed to all, before anything newer is.
    pub(super) fn close_conversation(&mut self, id: ConversationId, now: Millis) {
        self.book.set_closed(id, Some(now));
        self.write(Write::Closed(id, Some(now)));
        self.turned_away_from(id, |_| true);
        if self.book.get(id).is_some_and(|conversation| conversation.holder.is_some()) {
            self.give_to(id, None, now);
        }
    }

    fn block(&mut self, from: &ScreenName, id: ConversationId, blocking: Blocking, now: Millis) {
        let Some(conversation) = self.book.get_mut(id) else { return };
        let blocked = blocking == Blocking::Refuse;
        conversation.blocked = blocked;
        let label = conversation.label.clone();
        self.write(Write::Blocked(id, blocked));
        self.reply(from, &wording::blocked(&label, blocked), now);
    }

    fn canned(&mut self, from: &ScreenName, canned: Canned, at: Millis, now: Millis) {
        let words = match canned {
            Canned::List => {
                let names: Vec<&str> = self.canned.keys().map(String::as_str).collect();
                wording::canned_list(&names)
            }
            Canned::Set { name, .. }
                if self.canned.len() >= MOST_CANNED && !self.canned.contains_key(&name) =>
            {
                wording::canned_full(MOST_CANNED)
            }
            Canned::Set { name, text } => {
                self.canned.insert(name.clone(), text.clone());
                self.write(Write::Canned(name.clone(), text));
                wording::canned_set(&name)
            }
            Canned::Remove(name) if self.canned.remove(&name).is_some() => {
                self.write(Write::ForgetCanned(name.clone()));
                wording::canned_removed(&name)
            }
            Canned::Say { name, label } if self.canned.contains_key(&name) => {
                let text = self.canned.get(&name).cloned().unwrap_or_default();
                if let Some(id) = self.meant(from, label.as_deref(), &format!("/canned {name}"), now) {
                    self.addressed(from, &[id], text, at, now);
                }
                return;
            }
            Canned::Remove(name) | Canned::Say { name, .. } => {
                let nearest = staff_input::nearest(&name, self.canned.keys().map(String::as_str));
                let words = wording::canned_unknown(&name, nearest);
                self.object(from, &words, now);
                return;
            }
        };
        self.reply(from, &words, now);
    }
}

/// Who gets a conversation that is given over.
#[derive(Debug)]
enum Heir {
    Colleague(ScreenName),
    /// None: everybody.
    Department(Option<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blocking {
    Refuse,
    Take,
}
