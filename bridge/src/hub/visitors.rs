//! The desk towards visitors: their lines, where they are, and the answers they are owed.

use std::time::Duration;

use super::attendance::Reception;
use super::desk::{Desk, Effect};
use super::receipts::Receipt;
use crate::conversation::labels::fold;
use crate::conversation::model::Address;
use crate::conversation::wording::{self, visitor as words};
use crate::conversation::{Author, ConversationId, Millis, VisitorKey, routing, text};
use crate::irc::event::{IrcCommand, IrcEvent, IrcLine, IrcRefusal, Place, SendId, Source, Speech};
use crate::outbox::staff::{Rank, Row, room};
use crate::outbox::visitor::{AnswerId, Refused};
use crate::store::Write;
use crate::web::event::WebEvent;

/// A daemon that was asked who has a nick, and did not answer, is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// How long a nick is taken for the visitor's after the visitor was last seen there, where nothing would tell us that it
/// changes hands.
const SIGHT_HOLDS: Duration = Duration::from_secs(2);
/// A visitor is told once in this time to slow down, or that their lines are refused.
const REPEAT_NOTICE: Duration = Duration::from_secs(10);

/// What became of a visitor's line, as `+bridgebot/state` says it.
pub(super) mod state {
    pub(in crate::hub) const STORED: &str = "stored";
    pub(in crate::hub) const WAITING: &str = "waiting";
    pub(in crate::hub) const TAKEN: &str = "taken";
    pub(in crate::hub) const FAILED: &str = "failed";
}

/// Why a line is not taken: the kind of the notice, the words.
type Refusal = (&'static str, &'static str);

impl Desk {
    pub(super) fn irc_event(&mut self, event: IrcEvent, now: Millis) {
        match event {
            IrcEvent::SignedOn { nick } => {
                self.irc.nick = Some(nick);
                self.irc.door = None;
                for (user, nick) in self.connections.named_ones() {
                    self.effect(Effect::Irc(IrcCommand::Vouch { user, nick }));
                }
                self.answers.look_at_all();
            }
            IrcEvent::OwnNick { nick } => self.irc.nick = Some(nick),
            IrcEvent::Joined { channel } => self.redactions.joined(&channel),
            IrcEvent::Redacted { refused } => self.redacted(refused),
            IrcEvent::Line(line) => self.visitor_line(&line, now),
            IrcEvent::Typing { from, typing } => self.visitor_types(&from, typing, now),
            IrcEvent::Renamed { from, to } => self.renamed(&from, &to),
            IrcEvent::Identified { source } => self.identified(&source, now),
            IrcEvent::Unseen { nick } => self.unseen(&nick, now),
            IrcEvent::Gone { nick } => self.nick_gone(&nick, now),
            IrcEvent::Accepted { id } => {
                if let Some((_, answer)) = self.answers.accepted(AnswerId(id.0)) {
                    self.receipts.push(Receipt::Accepted(answer.id));
                    self.write(Write::Paid(answer.id));
                    self.counters.answers_paid += 1;
                }
            }
            IrcEvent::Refused { id, refusal } => {
                if let Some(refused) = self.answers.refused(AnswerId(id.0)) {
                    self.answer_refused(refused, &refusal, now);
                }
            }
            IrcEvent::Fetching { since } => self.fetches(Some(Millis::from_system(since))),
            IrcEvent::Fetched => self.fetches(None),
            IrcEvent::Lost { .. } => self.irc_lost(),
        }
    }

    pub(super) fn web_event(&mut self, event: WebEvent) {
        match event {
            WebEvent::Opened { session, user, page, language } => {
                if let Some(id) = self.book.by_key(&VisitorKey::session(&session.0)) {
                    self.is_connected_by(id, None);
                    self.note_browser(id, page.as_deref(), language.as_deref());
                }
                self.connections.opened(session, user, page, language);
            }
            WebEvent::Named { user, nick, numbered } => {
                let vouch = IrcCommand::Vouch { user: user.clone(), nick: nick.clone() };
                let Some(connection) = self.connections.named(&user, &nick) else { return };
                let is_new = !std::mem::replace(&mut connection.welcomed, true);
                let conversation = self.book.by_key(&VisitorKey::session(&connection.session.0));
                if is_new && !numbered {
                    let waits = conversation.and_then(|id| self.answers.waiting_from(id));
                    let last = conversation.and_then(|id| self.book.get(id)).map_or(0, |one| one.last_entry);
                    connection.unnumbered_from = Some(waits.unwrap_or(last + 1));
                }
                if let Some(id) = conversation {
                    self.visitor_is_at(id, &nick);
                }
                self.effect(Effect::Irc(vouch));
            }
            WebEvent::Closed { user } => {
                self.effect(Effect::Irc(IrcCommand::Unvouch { user: user.clone() }));
                let Some(session) = self.connections.closed(&user) else { return };
                if let Some(id) = self.book.by_key(&VisitorKey::session(&session.0)) {
                    self.book.set_address(id, Address::Gone);
                    self.answers.unproven(id);
                }
            }
            WebEvent::History { session, range, limit, reply } => {
                let Some(conversation) = self.book.by_key(&VisitorKey::session(&session.0)) else {
                    // Nobody knows while the store is awaited: then the asker sees that nobody answers.
                    if self.is_store_down() {
                        return;
                    }
                    // Who asks may have gone meanwhile.
                    let _ = reply.send(Vec::new());
                    return;
                };
                let untaken =
                    if self.somebody_is_there_for(conversation) { state::STORED } else { state::WAITING };
                let said_from = self.connections.unnumbered_from(&session.0);
                self.effect(Effect::ReadForVisitor { conversation, range, limit, untaken, said_from, reply });
            }
        }
    }

    fn fetches(&mut self, from: Option<Millis>) {
        let write = Write::FetchingFrom(from);
        self.fetching = Some(write.clone());
        self.write(write);
    }

    fn visitor_line(&mut self, line: &IrcLine, now: Millis) {
        if self.irc.nick.as_deref().is_some_and(|ours| ours == line.from.nick) {
            return;
        }
        let key = self.identify(&line.from);
        let known = self.conversation_of(&key, &line.from, line.replayed);
        // Said through a gateway that is gone, by a program that says its lines again: as the same person, which nobody
        // could tell from the daemon's history.
        let by_old_gateway = line.replayed && line.place == Place::Private && line.client_id.is_some();
        if by_old_gateway && !key.is_session() && known.is_none() {
            return;
        }
        // Services and bots speak by NOTICE; it begins no conversation.
        if line.speech == Speech::Notice && known.is_none() {
            return;
        }
        if self.was_refused(line) {
            return;
        }
        if self.is_store_down() {
            self.refuse_line(None, line, ("refused", words::NOT_STORED), now);
            return;
        }
        if let Some(id) = known {
            self.visitor_spoke_as(id, line);
        }
        if let Some((id, entry)) = self.book.known(known, line.client_id.as_deref(), line.msgid.as_deref()) {
            self.line_came_again(id, entry, line);
            return;
        }
        let mut said = text::clean_line(&line.text);
        said.truncate(said.trim_end().len());
        if line.action && !said.is_empty() {
            said.insert_str(0, "/me ");
        }
        if let Err(refusal) = self.admit(known, &said, line, now) {
            self.refuse_line(known, line, refusal, now);
            return;
        }
        let id = known.unwrap_or_else(|| self.open_conversation(key, line, now));
        self.take_line(id, line, &said, now);
    }

    /// Stores a line and owes it to staff, in one transaction; then its sender may hear so.
    fn take_line(&mut self, id: ConversationId, line: &IrcLine, said: &str, now: Millis) {
        let spoke = self.book.next_spoken();
        let Some(conversation) = self.book.get_mut(id) else { return };
        conversation.last_entry += 1;
        conversation.visitor_spoke(now);
        conversation.spoke = spoke;
        let number = conversation.last_entry;
        conversation.untaken.insert(number, line.client_id.clone());
        let was_closed = !conversation.is_open();
        let label = conversation.label.clone();
        if was_closed {
            self.book.set_closed(id, None);
            self.write(Write::Closed(id, None));
            self.choose_department(id, line);
        }
        self.book.remember(id, number, line.client_id.as_deref(), line.msgid.as_deref());
        self.write(Write::Entry {
            conversation: id,
            number,
            at: Millis::from_system(line.at),
            author: Author::Visitor,
            text: said.to_owned(),
            client_id: line.client_id.clone(),
            msgid: line.msgid.clone(),
            channel: match &line.place {
                Place::Channel(name) => Some(name.clone()),
                Place::Private => None,
            },
        });
        self.visitor_stopped(id);
        self.owe_line(id, number, &label, said, now);
        self.counters.lines += 1;

        let reception = self.receive_visitor(id, said, now);
        let reached = if reception == Reception::NobodyAsTold { state::WAITING } else { state::STORED };
        // Where the visitor is about to hear that nobody is there, the line's state comes with it.
        if !(reception == Reception::Nobody && self.is_certain(now)) {
            self.tell_sender(line, reached, None);
        }
        self.refuse_if_not_stored(line);
    }

    /// One row for each recipient and piece.
    fn owe_line(&mut self, id: ConversationId, number: u64, label: &str, said: &str, now: Millis) {
        let mut recipients = self.owed_to(id);
        if recipients.is_empty() {
            recipients.push(super::staff::nobody());
        }
        let pieces = shared(self.budget.pieces(label, said));
        for to in &recipients {
            let in_room = (*to == room()).then(|| shared(self.outbox.budget_of(to).pieces(label, said)));
            let pieces = in_room.as_ref().unwrap_or(&pieces);
            self.make_place(to, id, label, now);
            for (index, piece) in pieces.iter().enumerate() {
                let row = Row {
                    id: self.delivery_id(),
                    rank: Rank::Line,
                    conversation: Some(id),
                    entry: Some(number),
                    last: index + 1 == pieces.len(),
                    text: piece.clone(),
                    at: now,
                };
                self.write(Write::Owe { to: to.clone(), row: row.clone() });
                self.outbox.enqueue(to, row);
            }
        }
    }

    /// Somebody away for long keeps the newest lines; one line tells of the older.
    fn make_place(&mut self, to: &oscar_im::ScreenName, id: ConversationId, label: &str, now: Millis) {
        let Some(left_out) = self.outbox.make_place(to, id) else { return };
        self.write(Write::Drop(left_out.row.id));
        if !left_out.told {
            let row = Row {
                id: self.delivery_id(),
                rank: Rank::Line,
                conversation: Some(id),
                entry: None,
                last: true,
                text: wording::left_out(label).into(),
                at: now,
            };
            self.write(Write::Owe { to: to.clone(), row: row.clone() });
            self.outbox.enqueue_in_front(to, row);
        }
    }

    fn open_conversation(&mut self, key: VisitorKey, line: &IrcLine, now: Millis) -> ConversationId {
        let (from, pace) = (&line.from, self.settings.pace);
        let id = self.book.open(key.clone(), &from.nick, now);
        let label = self.label(id);
        self.write(Write::Open { id, key, label: label.clone(), at: now });
        if let Some(conversation) = self.book.get_mut(id).filter(|_| !line.replayed) {
            conversation.bucket.take(pace, said_at(line, now));
        }
        self.visitor_spoke_as(id, line);
        let browser = self
            .connections
            .behind(&from.user, &from.nick)
            .map(|connection| (connection.page.clone(), connection.language.clone()));
        if let Some((page, language)) = browser {
            self.note_browser(id, page.as_deref(), language.as_deref());
        }
        self.choose_department(id, line);
        let first_line = self.book.get(id).and_then(|conversation| {
            wording::first_line(&label, conversation.page.as_deref(), conversation.language.as_deref())
        });
        if let Some(words) = first_line {
            self.tell_recipients(id, &words, now);
        }
        if self.settings.routing == routing::Routing::Claim {
            self.tell_recipients(id, &wording::unclaimed(&label), now);
        }
        id
    }

    /// Who answers: the channel's department, else the page's, else everybody.
    fn choose_department(&mut self, id: ConversationId, line: &IrcLine) {
        let Some(conversation) = self.book.get(id) else { return };
        let departments = &self.settings.departments;
        let of_channel = match &line.place {
            Place::Channel(channel) => departments.of_channel(channel),
            Place::Private => None,
        };
        let of_page = || departments.of_page(conversation.page.as_deref()?);
        let department = of_channel.or_else(of_page).map(|department| department.name.clone());
        if department != conversation.department {
            self.set_department(id, department);
        }
    }

    /// Another department answers, or everybody.
    pub(super) fn set_department(&mut self, id: ConversationId, department: Option<String>) {
        let Some(conversation) = self.book.get_mut(id) else { return };
        conversation.department.clone_from(&department);
        self.attendance.changed = true;
        self.write(Write::Department(id, department));
    }

    /// What the gateway knows of the visitor's browser.
    fn note_browser(&mut self, id: ConversationId, page: Option<&str>, language: Option<&str>) {
        if let Some(page) = page {
            self.note_page(id, page);
        }
        if let Some(language) = language
            && let Some(conversation) = self.book.get_mut(id)
            && conversation.language.as_deref() != Some(language)
        {
            conversation.language = Some(language.to_owned());
            self.write(Write::Language(id, language.to_owned()));
        }
    }

    /// Origin and path only: what comes behind may hold secrets.
    fn note_page(&mut self, id: ConversationId, page: &str) {
        const MOST: usize = 200;
        let path = page.split(['?', '#']).next().unwrap_or_default();
        let page: String = text::clean_line(path).chars().take(MOST).collect();
        if let Some(conversation) = self.book.get_mut(id)
            && conversation.page.as_ref() != Some(&page)
        {
            conversation.page = Some(page.clone());
            self.write(Write::Page(id, page));
        }
    }

    /// May this line be taken?
    fn admit(
        &mut self,
        known: Option<ConversationId>,
        said: &str,
        line: &IrcLine,
        now: Millis,
    ) -> Result<(), Refusal> {
        if said.is_empty() {
            return Err(("refused", words::EMPTY));
        }
        let (pace, most_waiting) = (self.settings.pace, self.settings.most_waiting);
        let Some(conversation) = known.and_then(|id| self.book.get_mut(id)) else {
            let room = self.book.open_count() < self.settings.most_open;
            return if room { Ok(()) } else { Err(("refused", words::TOO_MANY_VISITORS)) };
        };
        if conversation.blocked {
            return Err(("refused", words::BLOCKED));
        }
        if conversation.untaken.len() >= most_waiting {
            return Err(("refused", words::TOO_MANY_WAIT));
        }
        // What the daemon kept for us comes all at once, and what came while we were held up: its sender was not too fast.
        if !line.replayed && !conversation.bucket.take(pace, said_at(line, now)) {
            return Err(("slow-down", words::SLOW_DOWN));
        }
        Ok(())
    }

    fn refuse_line(
        &mut self,
        known: Option<ConversationId>,
        line: &IrcLine,
        (kind, words): Refusal,
        now: Millis,
    ) {
        self.counters.lines_refused += 1;
        self.line_is_refused(line);
        self.tell_sender(line, state::FAILED, Some(words));
        if line.speech == Speech::Notice {
            return;
        }
        let told = known.and_then(|id| self.book.get_mut(id)).map(|conversation| match kind {
            "slow-down" => &mut conversation.told.slow_down,
            _ => &mut conversation.told.refused,
        });
        if let Some(told) = told {
            if told.is_some_and(|at| now.since(at) < REPEAT_NOTICE) {
                return;
            }
            *told = Some(now);
        }
        // A client that reads states has the words already; too fast it should hear anyhow.
        if line.client_id.is_none() || kind == "slow-down" {
            let notice = self.notice_to_sender(line, kind, words);
            if let Some(notice) = notice {
                self.effect(notice);
            }
        }
    }

    /// What the sender hears when the transaction fails.
    fn refuse_if_not_stored(&mut self, line: &IrcLine) {
        self.line_is_at_stake(line);
        let refusal = match line.client_id.as_deref() {
            Some(client_id) => {
                let receiver = self.connection_of(line);
                let reason = Some(words::NOT_STORED);
                self.state_effect(&line.from.nick, receiver, client_id, state::FAILED, reason)
            }
            None => self.notice_to_sender(line, "refused", words::NOT_STORED),
        };
        if let Some(refusal) = refusal {
            self.refusal(refusal);
        }
    }

    fn line_came_again(&mut self, id: ConversationId, entry: u64, line: &IrcLine) {
        let Some(conversation) = self.book.get(id) else { return };
        let reached = match conversation.untaken.contains(entry) {
            false => state::TAKEN,
            true if self.somebody_is_there_for(id) => state::STORED,
            true => state::WAITING,
        };
        self.tell_sender(line, reached, None);
    }

    /// Whoever had the nick before, as far as we know: it is who said this line that is meant.
    fn connection_of(&self, line: &IrcLine) -> Option<String> {
        line.from.connection.clone().or_else(|| self.connection_at(&line.from.nick))
    }

    fn notice_to_sender(&mut self, line: &IrcLine, kind: &str, words: &str) -> Option<Effect> {
        let receiver = self.connection_of(line);
        self.notice_for(&line.from.nick, receiver, kind, words)
    }

    fn tell_sender(&mut self, line: &IrcLine, reached: &'static str, reason: Option<&str>) {
        let Some(client_id) = line.client_id.as_deref() else { return };
        let receiver = self.connection_of(line);
        if let Some(effect) = self.state_effect(&line.from.nick, receiver, client_id, reached, reason) {
            self.effect(effect);
        }
    }

    /// What became of a line; only clients that gave it an id are told.
    pub(super) fn tell_state(
        &mut self,
        nick: &str,
        client_id: Option<&str>,
        reached: &'static str,
        reason: Option<&str>,
    ) {
        let Some(client_id) = client_id else { return };
        let receiver = self.connection_at(nick);
        if let Some(effect) = self.state_effect(nick, receiver, client_id, reached, reason) {
            self.effect(effect);
        }
    }

    fn state_effect(
        &self,
        nick: &str,
        receiver: Option<String>,
        client_id: &str,
        reached: &str,
        reason: Option<&str>,
    ) -> Option<Effect> {
        self.irc.nick.as_ref()?;
        let mut tags = vec![
            ("+bridgebot/id".to_owned(), client_id.to_owned()),
            ("+bridgebot/state".to_owned(), reached.to_owned()),
        ];
        tags.extend(reason.map(|reason| ("+bridgebot/reason".to_owned(), reason.to_owned())));
        Some(Effect::Irc(IrcCommand::Tag { to: nick.to_owned(), tags, receiver }))
    }

    /// The best that is known about who sent something.
    pub(super) fn identify(&self, from: &Source) -> VisitorKey {
        if let Some(connection) = self.connections.behind(&from.user, &from.nick) {
            return VisitorKey::session(&connection.session.0);
        }
        match (&from.account, &from.connection, from.signed_on) {
            (Some(account), ..) => VisitorKey::account(account),
            (None, Some(connection), _) => VisitorKey::named_connection(connection),
            (None, None, Some(signed_on)) => {
                let key = VisitorKey::connection(&from.user, &from.host, signed_on);
                let by_nick = VisitorKey::nick(&from.nick, &from.user, &from.host);
                if self.is_anothers(&key, &from.nick, &by_nick) { by_nick } else { key }
            }
            (None, None, None) => VisitorKey::nick(&from.nick, &from.user, &from.host),
        }
    }

    /// Two people behind one address, with one user name, may sign on in one second. ircd-lite tells them apart by
    /// the sign-on time all the same; elsewhere a second nick beside one that never left is a second person, who is
    /// then known by the nick.
    fn is_anothers(&self, key: &VisitorKey, nick: &str, by_nick: &VisitorKey) -> bool {
        let Some(holder) = self.book.by_key(key).and_then(|id| self.book.get(id)) else { return false };
        let elsewhere = matches!(&holder.address, Address::Here(other) if fold(other) != fold(nick));
        elsewhere || self.book.by_key(by_nick).is_some()
    }

    /// The conversation of a visitor. One that was begun while less was known about the same visitor is theirs too,
    /// and is known by the better key from now on.
    fn conversation_of(&mut self, key: &VisitorKey, from: &Source, replayed: bool) -> Option<ConversationId> {
        if let Some(id) = self.book.by_key(key) {
            return Some(id);
        }
        if key.is_session() {
            return None;
        }
        if key.is_nick() {
            // The daemon did not say when this connection began. It is the one that we know if it never left.
            let id = self.book.by_nick(&from.nick)?;
            let conversation = self.book.get(id)?;
            let stayed = replayed || matches!(conversation.address, Address::Here(_));
            let same = conversation.key.as_ref()?.is_connection_of(&from.user, &from.host);
            return (stayed && same).then_some(id);
        }
        let named = from.connection.as_deref().map(VisitorKey::named_connection);
        let connection =
            from.signed_on.map(|signed_on| VisitorKey::connection(&from.user, &from.host, signed_on));
        let nick = VisitorKey::nick(&from.nick, &from.user, &from.host);
        let lesser = named.into_iter().chain(connection).chain([nick]);
        let id = lesser.into_iter().find_map(|lesser| self.book.by_key(&lesser))?;
        self.book.set_key(id, Some(key.clone()));
        self.write(Write::Key(id, Some(key.clone())));
        Some(id)
    }

    /// The daemon's name for the connection that a visitor has now, where it is known.
    fn is_connected_by(&mut self, id: ConversationId, connection: Option<&str>) {
        if let Some(conversation) = self.book.get_mut(id)
            && conversation.connection.as_deref() != connection
        {
            conversation.connection = connection.map(str::to_owned);
        }
    }

    /// Who spoke just now is there. Who spoke while we were away may have left since, and somebody else may have the nick.
    fn visitor_spoke_as(&mut self, id: ConversationId, line: &IrcLine) {
        if !line.replayed {
            self.visitor_is_at(id, &line.from.nick);
            self.is_connected_by(id, line.from.connection.as_deref());
            return;
        }
        let nick = &line.from.nick;
        let is_here = |id| {
            self.book.get(id).is_some_and(|conversation| matches!(conversation.address, Address::Here(_)))
        };
        if is_here(id) || self.book.by_nick(nick).is_some_and(is_here) {
            return;
        }
        self.book.set_address(id, Address::Unverified(nick.clone()));
        self.answers.unproven(id);
        self.write(Write::Nick(id, nick.clone()));
    }

    /// A visitor spoke or registered under this nick.
    fn visitor_is_at(&mut self, id: ConversationId, nick: &str) {
        let Some(conversation) = self.book.get_mut(id) else { return };
        conversation.unseen_since = None;
        if matches!(&conversation.address, Address::Here(known) if known == nick) {
            return;
        }
        self.book.here(id, nick);
        self.answers.unproven(id);
        self.write(Write::Nick(id, nick.to_owned()));
    }

    fn renamed(&mut self, from: &Source, to: &str) {
        let Some(id) = self.book.by_nick(&from.nick) else { return };
        let key = self.book.get(id).and_then(|conversation| conversation.key.clone());
        if key.is_some_and(|key| key.is_nick()) {
            let key = VisitorKey::nick(to, &from.user, &from.host);
            self.book.set_key(id, Some(key.clone()));
            self.write(Write::Key(id, Some(key)));
        }
        self.visitor_is_at(id, to);
    }

    /// The gateway knows better than the daemon who of its visitors is there: a QUIT may be the last of an older
    /// connection under the same nick.
    fn is_here_by_session(&self, id: ConversationId, nick: &str) -> bool {
        let key = self.book.get(id).and_then(|conversation| conversation.key.as_ref());
        let session = key.and_then(VisitorKey::session_id);
        let there = session.and_then(|session| self.connections.nick_of(session));
        there.is_some_and(|there| fold(there) == fold(nick))
    }

    fn answer_refused(&mut self, refused: Refused, refusal: &IrcRefusal, now: Millis) {
        let id = refused.conversation;
        let nick = self.book.get(id).and_then(|conversation| conversation.address.nick()).map(str::to_owned);
        match nick {
            // Who has written or changed the nick since is where we know them to be: it goes there.
            Some(_) if refused.overtaken => {}
            // The daemon will know the nick in a moment, or the gateway will say that it is gone.
            Some(nick) if *refusal == IrcRefusal::NoSuchNick && self.is_here_by_session(id, &nick) => {
                self.book.set_address(id, Address::Asked(nick, now));
            }
            _ => {
                self.book.set_address(id, Address::Gone);
                self.tell_away(id, Some(refusal), now);
            }
        }
    }

    /// The IRC link would not see this person leave. Where the daemon compares the receiver, or the gateway knows its own,
    /// that need not be watched.
    fn unseen(&mut self, nick: &str, now: Millis) {
        let Some(id) = self.book.by_nick(nick).filter(|id| !self.is_here_by_session(*id, nick)) else {
            return;
        };
        if let Some(conversation) = self.book.get_mut(id).filter(|one| one.receiver().is_none()) {
            conversation.unseen_since = Some(now);
        }
    }

    fn nick_gone(&mut self, nick: &str, now: Millis) {
        let Some(id) = self.book.by_nick(nick) else { return };
        if self.is_here_by_session(id, nick) {
            return;
        }
        self.book.set_address(id, Address::Gone);
        self.answers.unproven(id);
        let key = self.book.get(id).and_then(|conversation| conversation.key.clone());
        if key.is_some_and(|key| key.is_nick()) {
            // Whoever has the nick next is somebody else, as far as anybody can tell.
            self.book.set_key(id, None);
            self.write(Write::Key(id, None));
        }
        if self.answers.owed(id) > 0 {
            self.tell_away(id, None, now);
        }
    }

    /// Who has the nick of somebody we owe something.
    fn identified(&mut self, source: &Source, now: Millis) {
        let Some(id) = self.book.by_nick(&source.nick) else { return };
        let Some(conversation) = self.book.get(id) else { return };
        if !matches!(conversation.address, Address::Asked(..) | Address::Unverified(_)) {
            return;
        }
        let key = conversation.key.clone();
        let found = self.identify(source);
        let same = key.as_ref() == Some(&found)
            // An account is known by its name; a connection stays what it is while it lives.
            || key.as_ref().is_some_and(|key| {
                source.signed_on.is_some_and(|at| {
                    *key == VisitorKey::connection(&source.user, &source.host, at)
                })
            });
        if same {
            self.visitor_is_at(id, &source.nick);
            self.is_connected_by(id, source.connection.as_deref());
        } else {
            self.nick_gone(&source.nick, now);
        }
    }

    fn irc_lost(&mut self) {
        self.irc.nick = None;
        self.irc.door = None;
        self.redactions.lost();
        self.answers.lost();
        // While we don't look, nicks change hands. The gateway goes on looking after its own.
        let here: Vec<(ConversationId, String)> = self
            .book
            .iter()
            .filter(|conversation| conversation.key.as_ref().is_none_or(|key| !key.is_session()))
            .filter_map(|conversation| Some((conversation.id, conversation.address.nick()?.to_owned())))
            .collect();
        for (id, nick) in here {
            self.book.set_address(id, Address::Unverified(nick));
        }
    }

    /// Tells staff, once for each absence, that a visitor is not there to get an answer.
    pub(super) fn tell_away(&mut self, id: ConversationId, why: Option<&IrcRefusal>, now: Millis) {
        let Some(conversation) = self.book.get_mut(id) else { return };
        if std::mem::replace(&mut conversation.told.away, true) {
            return;
        }
        let label = conversation.label.clone();
        let words = match why {
            Some(IrcRefusal::Cannot(words)) => wording::visitor_unreachable(&label, &text::clean_line(words)),
            Some(IrcRefusal::NoSuchNick) | None => wording::visitor_away(&label),
        };
        for to in self.answers.authors(id) {
            self.tell(&to, Rank::Reply, &words, now);
        }
    }

    /// Sends answers to visitors who are there; asks about those who may not be.
    pub(super) fn pay_answers(&mut self, now: Millis) {
        if self.irc.nick.is_none() {
            return;
        }
        for id in self.answers.take_ready() {
            let Some(conversation) = self.book.get(id).filter(|_| self.answers.waits(id)) else { continue };
            let out_of_sight = conversation.unseen_since.is_some_and(|at| now.since(at) >= SIGHT_HOLDS);
            match conversation.address.clone() {
                Address::Here(nick) if !out_of_sight => self.pay(id, &nick),
                Address::Here(nick) | Address::Unverified(nick) => {
                    self.book.set_address(id, Address::Asked(nick.clone(), now));
                    self.effect(Effect::Irc(IrcCommand::Identify { nick }));
                }
                Address::Asked(nick, at) if now.since(at) >= ASK_AGAIN => {
                    self.book.set_address(id, Address::Asked(nick.clone(), now));
                    self.effect(Effect::Irc(IrcCommand::Identify { nick }));
                }
                Address::Asked(..) | Address::Gone => {}
            }
        }
    }

    fn pay(&mut self, id: ConversationId, nick: &str) {
        // The widget shows an entry once, however often it comes, where it sees the number; to others a repeat has to be
        // marked.
        let session = self.book.get(id).and_then(|one| one.key.as_ref()).and_then(VisitorKey::session_id);
        let is_numbered = session.is_some_and(|session| self.connections.unnumbered_from(session).is_none());
        let receiver = self.book.get(id).and_then(|conversation| conversation.receiver().map(str::to_owned));
        while let Some(answer) = self.answers.depart(id) {
            let mut text = answer.text.clone();
            if answer.again && !is_numbered {
                text.push_str(words::AGAIN);
            }
            let receiver = receiver.clone();
            let say = IrcCommand::Say {
                id: SendId(answer.id.0),
                to: nick.to_owned(),
                speech: Speech::Privmsg,
                text,
                tags: vec![
                    ("+bridgebot/from".to_owned(), answer.from.to_string()),
                    ("+bridgebot/entry".to_owned(), answer.entry.to_string()),
                ],
                receiver,
            };
            self.effect(Effect::Irc(say));
        }
    }
}

/// When the daemon had a line, where it says so; a clock of its own that is ahead of ours counts for nothing.
fn said_at(line: &IrcLine, now: Millis) -> Millis {
    Millis::from_system(line.at).min(now)
}

fn shared(pieces: Vec<String>) -> Vec<std::sync::Arc<str>> {
    pieces.into_iter().map(Into::into).collect()
}
