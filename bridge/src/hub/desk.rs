//! The desk: conversations, what is owed, who is there. Everything the hub decides, without I/O and clocks.
//!
//! Inputs change the desk and leave [`Write`]s and [`Effect`]s behind; the hub makes the writes durable and then has
//! the effects carried out. If the writes fail, [`Batch::refusals`] are carried out instead and the desk starts again
//! from the store. What links told (presence, credits, connections) is not stored and stays.

use std::collections::BTreeMap;
use std::time::Duration;

use oscar_im::ScreenName;

use super::HubControl;
use super::addressing::Held;
use super::attendance::{Attendance, Door};
use super::connections::Connections;
use super::deletion::Redactions;
use super::heard::Heard;
use super::receipts::{OnTheWay, Receipt};
use super::refused::Refused;
use super::room::StaffRoom;
use super::staff::Hearing;
use super::status::Counters;
use super::typing::Typing;
use super::unsaid::Unsaid;
use crate::aim::event::{AccountId, AimCommand, AimEvent, ImCookie, Presence};
use crate::conversation::book::Book;
use crate::conversation::department::Departments;
use crate::conversation::guard::{Pace, Patience, Strangers};
use crate::conversation::hours::Hours;
use crate::conversation::routing::{self, LastAddressed, ReadOf, Routing};
use crate::conversation::wording::{Said, visitor::Words};
use crate::conversation::{ConversationId, Millis};
use crate::irc::event::{IrcCommand, IrcEvent, SendId, Speech};
use crate::outbox::budget::Budget;
use crate::outbox::staff::{DeliveryId, Rank, Row, StaffOutbox};
use crate::outbox::visitor::VisitorOutbox;
use crate::store::{Snapshot, Write};
use crate::web::event::{HistoryRange, WebEvent};

/// What the hub is told once, at its start. All of it valid.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who answers, each once.
    pub staff: Vec<ScreenName>,
    /// How visitors' lines are shared out.
    pub routing: Routing,
    /// Whether those who are not in the staff room get instant messages.
    pub outside_room: bool,
    /// Who answers for which channel and site.
    pub departments: Departments,
    /// Business hours; none: always.
    pub hours: Option<Hours>,
    /// What visitors are told.
    pub words: Words,
    /// How many OSCAR accounts of ours there are.
    pub accounts: usize,
    /// Encoded bytes of one instant message.
    pub max_im_bytes: usize,
    /// Whether staff are shown what colleagues answer, where it costs no credit that a visitor's line needs.
    pub show_answers: bool,
    /// How fast one visitor may write.
    pub pace: Pace,
    /// Conversations that may be open at once.
    pub most_open: usize,
    /// Lines of one visitor that may wait for the AIM server.
    pub most_waiting: usize,
    /// A conversation in which nobody spoke for so long is closed.
    pub close_after: Duration,
    /// A closed conversation keeps its label and visitor for so long.
    pub retire_after: Duration,
    /// A claim is given back when its holder lets the visitor wait for so long; never where there is none.
    pub claim_idle: Option<Duration>,
    /// How long conversations are kept after the last line; for ever where there is none.
    pub retention: Option<Duration>,
    /// Random at each start; makes instant messages' ids differ from those of an earlier life and of other bridges.
    pub cookie_seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            staff: Vec::new(),
            routing: Routing::Broadcast,
            outside_room: true,
            departments: Departments::default(),
            hours: None,
            words: Words::default(),
            accounts: 1,
            max_im_bytes: 2400,
            show_answers: true,
            pace: Pace::default(),
            most_open: 10_000,
            most_waiting: 1000,
            close_after: DAY,
            retire_after: 7 * DAY,
            claim_idle: Some(Duration::from_secs(1800)),
            retention: None,
            cookie_seed: 0,
        }
    }
}

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Input {
    Irc(IrcEvent),
    Aim(AccountId, AimEvent),
    Web(WebEvent),
    Control(HubControl),
    /// The store's answer to [`Effect::ReadForStaff`].
    Read {
        to: ScreenName,
        conversation: ConversationId,
        label: String,
        entries: Option<Vec<Said>>,
    },
}

/// Something to be done once what was decided is stored.
#[derive(Debug)]
pub(crate) enum Effect {
    Irc(IrcCommand),
    Aim(AccountId, AimCommand),
    /// Answer a visitor's question for history; lines not taken are in the state `untaken`.
    ReadForVisitor {
        conversation: ConversationId,
        range: HistoryRange,
        limit: usize,
        untaken: &'static str,
        /// Answers from this entry on are said to the visitor, whose program could not tell that it has them already.
        said_from: Option<u64>,
        reply: tokio::sync::oneshot::Sender<Vec<crate::web::event::HistoryEntry>>,
    },
    /// Answer a staff member's.
    ReadForStaff {
        to: ScreenName,
        conversation: ConversationId,
        label: String,
        entries: usize,
    },
}

impl Effect {
    /// Whether it is right even if nothing of its batch was stored.
    pub(crate) fn needs_no_store(&self) -> bool {
        match self {
            Self::Irc(command) => matches!(
                command,
                IrcCommand::Away(_)
                    | IrcCommand::Identify { .. }
                    | IrcCommand::Vouch { .. }
                    | IrcCommand::Unvouch { .. }
            ),
            Self::Aim(_, command) => matches!(command, AimCommand::Watch(_) | AimCommand::Typing { .. }),
            Self::ReadForVisitor { .. } => true,
            Self::ReadForStaff { .. } => false,
        }
    }
}

/// What came of some inputs.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// To be made durable, in this order, in one transaction.
    pub(crate) writes: Vec<Write>,
    /// To be done then.
    pub(crate) effects: Vec<Effect>,
    /// To be done instead when nothing could be stored.
    pub(crate) refusals: Vec<Effect>,
}

/// One listed staff member.
#[derive(Debug)]
pub(crate) struct Member {
    pub(super) name: ScreenName,
    /// As each of our accounts sees it.
    pub(super) presence: Vec<Presence>,
    /// By command, and since when.
    pub(super) away: Option<Millis>,
    pub(super) last: Option<LastAddressed>,
    /// Before that.
    pub(super) read: ReadOf,
    /// A text that waits for its label.
    pub(super) held: Option<Held>,
    /// Lines this person sent since then may not have arrived.
    pub(super) missed_since: Option<Millis>,
    /// When one of our accounts saw this person come.
    pub(super) seen_at: Millis,
    /// Since when nobody of our accounts sees this person.
    pub(super) gone_since: Option<Millis>,
    /// How often this person was not understood.
    pub(super) patience: Patience,
    /// When it was last said that lines without label stay in the staff room.
    pub(super) told_of_room: Option<Millis>,
    /// Tells which of our accounts serves this person; kept for as long as the person is listed.
    pub(super) seat: usize,
}

impl Member {
    pub(super) fn new(name: ScreenName, seat: usize, accounts: usize, now: Millis) -> Self {
        Self {
            name,
            seat,
            presence: vec![Presence::Offline; accounts],
            away: None,
            last: None,
            read: ReadOf::Nobody,
            held: None,
            missed_since: None,
            seen_at: Millis(0),
            gone_since: Some(now),
            patience: Patience::default(),
            told_of_room: None,
        }
    }

    /// Seen by this account of ours.
    pub(super) fn is_seen_by(&self, account: AccountId) -> bool {
        self.presence.get(account.0).is_some_and(|presence| *presence != Presence::Offline)
    }

    /// Seen by any of our accounts.
    pub(super) fn is_signed_on(&self) -> bool {
        self.presence.iter().any(|presence| *presence != Presence::Offline)
    }

    /// Signed on, and away by what the AIM server says.
    pub(super) fn seems_away(&self) -> bool {
        self.is_signed_on() && !self.presence.contains(&Presence::Online)
    }

    /// Signed on and taking lines.
    pub(super) fn is_available(&self) -> bool {
        self.is_signed_on() && self.away.is_none()
    }
}

/// One OSCAR account of ours.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Its name and since when it is signed on.
    pub(super) up: Option<(ScreenName, Millis)>,
    /// Its name, when it was ever signed on: our own echo.
    pub(super) name: Option<ScreenName>,
    pub(super) credits: u32,
    /// Whether the server evidently doesn't limit this account: several messages to one person may be on their way.
    pub(super) is_wide: bool,
    pub(super) down_since: Option<Millis>,
}

/// The IRC side.
#[derive(Debug, Default)]
pub(super) struct Irc {
    /// Ours, while signed on.
    pub(super) nick: Option<String>,
    /// What we told the daemon about who is there.
    pub(super) door: Option<Door>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) settings: Settings,
    pub(super) budget: Budget,
    pub(super) book: Book,
    pub(super) outbox: StaffOutbox,
    pub(super) answers: VisitorOutbox,
    pub(super) staff: Vec<Member>,
    pub(super) accounts: Vec<Account>,
    pub(super) irc: Irc,
    pub(super) connections: Connections,
    pub(super) attendance: Attendance,
    pub(super) room: StaffRoom,
    pub(super) strangers: Strangers,
    pub(super) hearing: Hearing,
    pub(super) heard: Heard,
    pub(super) redactions: Redactions,
    pub(super) canned: BTreeMap<String, String>,
    pub(super) counters: Counters,
    pub(super) typing: Typing,
    pub(super) next_tick: Millis,
    pub(super) aim_noted: Millis,
    /// Credits spent on messages that are not stored yet.
    pub(super) spent: Vec<AccountId>,
    /// Credits kept for refusals, which are sent only where the rest can't be stored.
    pub(super) reserved: Vec<AccountId>,
    /// What links told of messages since the last transaction that worked.
    pub(super) receipts: Vec<Receipt>,
    /// Of which absences staff were told since then: whom, from when to when.
    pub(super) absences: Vec<(ScreenName, Millis, Millis)>,
    pub(super) refused: Refused,
    pub(super) unsaid: Unsaid,
    /// What the store should know of a fetch of the daemon's history, if it may not.
    pub(super) fetching: Option<Write>,
    store_is_down: bool,
    last_delivery: u64,
    last_answer: u64,
    last_notice: u64,
    pub(super) cookies: Cookies,
    batch: Batch,
}

/// Numbers of our own words to visitors; their receipts tell nothing. Answers have the numbers below.
const NOTICES_FROM: u64 = 1 << 63;

impl Desk {
    /// A desk with what the store has.
    pub(crate) fn new(settings: Settings, snapshot: Snapshot, now: Millis) -> Self {
        let accounts = settings.accounts.max(1);
        let seats = settings.staff.iter().enumerate();
        let staff = seats.map(|(seat, name)| Member::new(name.clone(), seat, accounts, now)).collect();
        let budget = Budget::new(settings.max_im_bytes);
        let mut desk = Self {
            budget,
            book: Book::default(),
            outbox: StaffOutbox::new(budget),
            answers: VisitorOutbox::default(),
            staff,
            accounts: (0..accounts)
                .map(|_| Account { down_since: Some(now), ..Account::default() })
                .collect(),
            irc: Irc::default(),
            connections: Connections::default(),
            attendance: Attendance::default(),
            room: StaffRoom::default(),
            strangers: Strangers::default(),
            hearing: Hearing::default(),
            heard: Heard::default(),
            redactions: Redactions::default(),
            canned: BTreeMap::new(),
            counters: Counters::default(),
            typing: Typing::default(),
            next_tick: now,
            aim_noted: now,
            spent: Vec::new(),
            reserved: Vec::new(),
            receipts: Vec::new(),
            absences: Vec::new(),
            refused: Refused::default(),
            unsaid: Unsaid::default(),
            fetching: None,
            store_is_down: false,
            last_delivery: 0,
            last_answer: 0,
            last_notice: 0,
            cookies: Cookies { seed: settings.cookie_seed, last: 0 },
            batch: Batch::default(),
            settings,
        };
        desk.begin(snapshot, now);
        desk
    }

    /// Starts with what the store has; to be done once.
    pub(crate) fn begin(&mut self, snapshot: Snapshot, now: Millis) {
        let since = snapshot.aim_up;
        self.restore(snapshot, now);
        for member in &mut self.staff {
            member.missed_since = since;
        }
    }

    /// The store can't be had yet: [`Desk::begin`] comes later.
    pub(crate) fn store_is_awaited(&mut self) {
        self.store_is_down = true;
    }

    /// Starts again from what the store has; what links told stays.
    pub(crate) fn restore(&mut self, snapshot: Snapshot, now: Millis) {
        self.store_is_down = false;
        let book = std::mem::take(&mut self.book);
        let before = OnTheWay {
            outbox: std::mem::replace(&mut self.outbox, StaffOutbox::new(self.budget)),
            answers: std::mem::take(&mut self.answers),
        };
        self.book.skip_ids(snapshot.last_conversation);
        for conversation in snapshot.conversations {
            self.book.restore(conversation);
        }
        for (msgid, conversation, entry) in snapshot.msgids {
            self.book.remember(conversation, entry, None, Some(&msgid));
        }
        let formed = snapshot.ims.iter().flat_map(|(_, im)| &im.rows);
        let rows = formed.chain(snapshot.owed.iter().map(|(_, row)| row)).map(|row| row.id.0);
        self.last_delivery = rows.max().unwrap_or_default().max(self.last_delivery);
        for (to, im) in snapshot.ims {
            self.outbox.restore(&to, im);
        }
        for (to, row) in snapshot.owed {
            self.outbox.enqueue(&to, row);
        }
        for (conversation, answer) in snapshot.answers {
            self.last_answer = self.last_answer.max(answer.id.0);
            self.answers.enqueue(conversation, answer);
        }
        self.heard = Heard::restore(snapshot.heard);
        self.restore_refused(snapshot.refused);
        self.canned = snapshot.canned.into_iter().collect();
        for (session, nick) in self.connections.present() {
            if let Some(id) = self.book.by_key(&session) {
                self.book.here(id, &nick);
            }
        }
        for member in self.staff.iter().filter(|member| member.seems_away()) {
            self.outbox.set_away(&member.name, true);
        }
        self.attend_again(&book, now);
        self.catch_up_with(&before, now);
        self.settle_staff_list(now);
        for (name, since, up) in std::mem::take(&mut self.absences) {
            self.tell_absence(name, since, up, now);
        }
        if let Some(fetching) = self.fetching.clone() {
            self.write(fetching);
        }
    }

    /// The store takes nothing: until [`Desk::restore`] every line is refused in words. What was decided and is not `done`
    /// because of it, no link has.
    pub(crate) fn store_went_down<'a>(&mut self, not_done: impl IntoIterator<Item = &'a Effect>) {
        for effect in not_done {
            self.not_done(effect);
        }
        self.store_is_down = true;
        self.all_at_stake_is_refused();
        self.unsaid.not_stored();
        self.batch = Batch::default();
        self.reserved.clear();
        let unspent = std::mem::take(&mut self.spent);
        self.give_back(unspent);
        self.counters.store_failures += 1;
    }

    /// Whether lines are refused because the store takes nothing.
    pub(crate) fn is_store_down(&self) -> bool {
        self.store_is_down
    }

    /// Takes something in.
    pub(crate) fn receive(&mut self, input: Input, now: Millis) {
        match input {
            Input::Irc(event) => self.irc_event(event, now),
            Input::Aim(account, event) => self.aim_event(account, event, now),
            Input::Web(event) => self.web_event(event),
            Input::Control(HubControl::Settings(settings)) => self.settings_changed(*settings, now),
            Input::Read { to, conversation, label, entries } => {
                self.history_read(&to, conversation, &label, entries, now);
            }
        }
    }

    /// Sends what may go, tells who has to be told. After each round of inputs, and when [`Desk::next_deadline`] comes.
    pub(crate) fn pump(&mut self, now: Millis) {
        if self.store_is_down {
            return;
        }
        if now >= self.next_tick {
            self.tick(now);
        }
        self.say_unsaid(now);
        self.attend(now);
        self.pass_typing_time(now);
        self.pay_answers(now);
        self.speak_in_room(now);
        self.spend_credits(now);
        self.send_invitations(now);
        self.redact();
    }

    /// What came of it all since the last time.
    pub(crate) fn take(&mut self) -> Batch {
        if self.store_is_down {
            // What memory says is not what the store has; it is built anew before anything is written again.
            self.batch.writes.clear();
        }
        // Where there is much to do, the next time brings as much.
        let next = Batch {
            writes: Vec::with_capacity(self.batch.writes.len()),
            effects: Vec::with_capacity(self.batch.effects.len()),
            ..Batch::default()
        };
        std::mem::replace(&mut self.batch, next)
    }

    /// What was taken is stored.
    pub(crate) fn stored(&mut self) {
        if !self.store_is_down {
            self.receipts.clear();
            self.absences.clear();
            self.fetching = None;
        }
        self.nothing_is_at_stake();
        self.unsaid.stored();
        self.spent.clear();
        let unneeded = std::mem::take(&mut self.reserved);
        self.give_back(unneeded);
    }

    fn give_back(&mut self, credits: Vec<AccountId>) {
        for account in credits {
            if let Some(account) = self.accounts.get_mut(account.0) {
                account.credits += 1;
            }
        }
    }

    /// When [`Desk::pump`] has something to do though nothing comes in.
    pub(crate) fn next_deadline(&self, now: Millis) -> Millis {
        let lanes = self.outbox.next_deadline(now);
        let due = self.attendance.due_at().map(|at| self.certain_at().map_or(at, |certain| at.max(certain)));
        let certain = due.filter(|at| *at > now);
        [lanes, certain, self.typing.next_deadline(), self.room.next_invitation(now)]
            .into_iter()
            .flatten()
            .fold(self.next_tick, Millis::min)
    }

    /// To be stored.
    pub(super) fn write(&mut self, write: Write) {
        self.batch.writes.push(write);
    }

    /// To be done once it is stored.
    pub(super) fn effect(&mut self, effect: Effect) {
        self.batch.effects.push(effect);
    }

    /// To be done if it can't be stored.
    pub(super) fn refusal(&mut self, effect: Effect) {
        self.batch.refusals.push(effect);
    }

    pub(super) fn member(&self, name: &ScreenName) -> Option<&Member> {
        self.staff.iter().find(|member| member.name == *name)
    }

    pub(super) fn member_mut(&mut self, name: &ScreenName) -> Option<&mut Member> {
        self.staff.iter_mut().find(|member| member.name == *name)
    }

    pub(super) fn staff_names(&self) -> Vec<ScreenName> {
        self.staff.iter().map(|member| member.name.clone()).collect()
    }

    pub(super) fn label(&self, id: ConversationId) -> String {
        self.book.get(id).map(|conversation| conversation.label.clone()).unwrap_or_default()
    }

    pub(super) fn delivery_id(&mut self) -> DeliveryId {
        self.last_delivery += 1;
        DeliveryId(self.last_delivery)
    }

    pub(super) fn answer_id(&mut self) -> u64 {
        self.last_answer += 1;
        self.last_answer
    }

    /// Says something of our own to a staff member.
    pub(super) fn tell(&mut self, to: &ScreenName, rank: Rank, words: &str, now: Millis) {
        self.tell_about(None, to, rank, words, now);
    }

    /// The same about a conversation: when that is deleted or let go of, what was to be said of it is so too.
    pub(super) fn tell_about(
        &mut self,
        about: Option<ConversationId>,
        to: &ScreenName,
        rank: Rank,
        words: &str,
        now: Millis,
    ) {
        for piece in self.outbox.budget_of(to).own_pieces(words) {
            let row = Row {
                id: self.delivery_id(),
                rank,
                conversation: about,
                entry: None,
                last: true,
                text: piece.into(),
                at: now,
            };
            self.write(Write::Owe { to: to.clone(), row: row.clone() });
            self.outbox.enqueue(to, row);
        }
    }

    /// Who answers in this conversation, whoever holds it.
    pub(super) fn audience(&self, id: ConversationId) -> Vec<ScreenName> {
        let department = self.book.get(id).and_then(|conversation| conversation.department.as_deref());
        self.settings.departments.members(department, &self.staff_names())
    }

    /// Who is owed this visitor's lines.
    pub(super) fn recipients(&self, id: ConversationId) -> Vec<ScreenName> {
        let Some(conversation) = self.book.get(id) else { return Vec::new() };
        routing::recipients(conversation, &self.staff_names(), &self.settings.departments)
    }

    /// News for those who are there, all but one: about a conversation, for those who answer in it.
    pub(super) fn tell_others(
        &mut self,
        about: Option<ConversationId>,
        but: &ScreenName,
        words: &str,
        now: Millis,
    ) {
        let all = about.map_or_else(|| self.staff_names(), |id| self.audience(id));
        self.tell_those_there(all, about, but, words, now);
    }

    /// What a visitor is told by the bridge itself; none while IRC is down.
    pub(super) fn notice(&mut self, nick: &str, kind: &str, words: &str) -> Option<Effect> {
        let receiver = self.connection_at(nick);
        self.notice_for(nick, receiver, kind, words)
    }

    /// The same for who has this connection, where the daemon tells one.
    pub(super) fn notice_for(
        &mut self,
        nick: &str,
        receiver: Option<String>,
        kind: &str,
        words: &str,
    ) -> Option<Effect> {
        self.irc.nick.as_ref()?;
        self.last_notice += 1;
        Some(Effect::Irc(IrcCommand::Say {
            id: SendId(NOTICES_FROM | self.last_notice),
            to: nick.to_owned(),
            speech: Speech::Notice,
            text: words.to_owned(),
            tags: vec![("+bridgebot/kind".to_owned(), kind.to_owned())],
            receiver,
        }))
    }

    /// The daemon's name for the connection of the visitor who is, as far as we know, at this nick.
    pub(super) fn connection_at(&self, nick: &str) -> Option<String> {
        self.book.get(self.book.by_nick(nick)?)?.receiver().map(str::to_owned)
    }
}

/// New ids for instant messages: well spread, never the same twice.
#[derive(Debug)]
pub(super) struct Cookies {
    seed: u64,
    last: u64,
}

impl Cookies {
    pub(super) fn next(&mut self) -> ImCookie {
        self.last = self.last.wrapping_add(1);
        // Multiplication by an odd number and xor with a constant are reversible: no two counts give the same id.
        let mixed = self.last.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ self.seed;
        ImCookie(mixed.to_be_bytes())
    }
}
