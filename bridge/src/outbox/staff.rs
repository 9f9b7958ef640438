//! What staff are owed, and the instant messages it travels in.
//!
//! One lane for each staff member. Rows of one conversation leave a lane in the order in which they came; rows that wait
//! are joined into one message at the moment when it may go, taking turns between conversations. A message that was
//! formed never changes: a repeat has the same cookie and text. Who may be sent to, and with whose credit, the hub says.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use oscar_im::ScreenName;

use super::budget::{Budget, Size};
use crate::aim::event::{AccountId, ImCookie};
use crate::conversation::{ConversationId, Millis};

/// Rows of one conversation that may wait for one person; beyond it the oldest make place, and the person is told.
const MOST_WAITING: usize = 1000;
/// Messages on their way to one person at once where the server does not limit us, of one conversation one: then
/// nothing can overtake a line that the server drops or refuses. Where it limits us, one in all.
const WIDE_WINDOW: usize = 64;
/// Where the server does not limit us, each line goes in a message of its own, as a person would send it, unless more
/// than these wait for the same person, or they have waited for long.
const SINGLY: usize = 64;
const LONG: Duration = Duration::from_secs(1);

/// Bytes of a message in a chat room, as servers state them.
const ROOM_BYTES: usize = 1024;

/// The recipient that stands for the staff room: no screen name has this character.
pub fn room() -> ScreenName {
    ScreenName::new(ROOM)
}

const ROOM: &str = "#room";

fn budget_of(usual: Budget, to: &ScreenName) -> Budget {
    if to.as_str() == ROOM { Budget::new(ROOM_BYTES) } else { usual }
}

/// A row's number in the store; rows of one recipient go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// In which order rows get a place in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The answer to something that this person typed.
    Reply,
    /// A visitor's line, and news that can't wait.
    Line,
    /// News that may ride along, or use a credit that nobody needs.
    Passenger,
}

/// One text owed to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub id: DeliveryId,
    /// Its place in the queue.
    pub rank: Rank,
    /// The conversation it belongs to.
    pub conversation: Option<ConversationId>,
    /// The visitor's entry whose text it is, or part of it.
    pub entry: Option<u64>,
    /// Whether that entry has arrived when this row has: false on all but the last of several parts.
    pub last: bool,
    /// As staff will read it.
    pub text: Arc<str>,
    /// Since when it waits.
    pub at: Millis,
}

/// A message that was formed, and what is known about it.
#[derive(Debug)]
struct Formed {
    im: Arc<Im>,
    state: State,
    /// Whether an earlier attempt may have been taken: then each repeat is marked.
    doubtful: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// On its way.
    Sent,
    /// To be sent again, as it is.
    ToRepeat,
}

/// An instant message as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Im {
    /// Its id on the wire.
    pub cookie: ImCookie,
    /// Which of our accounts sends it.
    pub account: AccountId,
    /// The exact text, without the mark of a repeat.
    pub text: Arc<str>,
    /// What stands in it.
    pub rows: Vec<Row>,
}

impl Im {
    /// Its number: that of the first text in it.
    pub fn number(&self) -> DeliveryId {
        self.rows.first().map_or(DeliveryId(0), |row| row.id)
    }
}

/// What may be sent to somebody now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing.
    Shut,
    /// Answers to what they typed.
    Replies,
    /// Everything that is urgent.
    Lines,
    /// Passengers too may use a credit.
    All,
}

/// What goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// A message formed now; it has to be stored before it leaves.
    New(Arc<Im>),
    /// A message that was sent before.
    Repeat {
        /// The same id and text.
        im: Arc<Im>,
        /// Whether it has to be marked: the server may have taken it the last time.
        marked: bool,
    },
}

/// What one account may send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Which account.
    pub account: AccountId,
    /// How many messages.
    pub credits: u32,
    /// Whether the server evidently doesn't limit it.
    pub wide: bool,
}

/// What became of a message that the server did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// There is no such message any more; its rows wait for another.
    Dissolved(ScreenName, DeliveryId),
    /// It will be sent again as it is.
    Kept(ScreenName),
}

#[derive(Debug, Default)]
struct Lane {
    replies: VecDeque<Row>,
    lines: BTreeMap<Option<ConversationId>, VecDeque<Row>>,
    passengers: VecDeque<Row>,
    /// The conversation that was served last.
    turn: Option<ConversationId>,
    /// Oldest first.
    formed: VecDeque<Formed>,
    /// How many of these have lines of a conversation.
    busy: BTreeMap<ConversationId, usize>,
    /// When this lane was served last, as a count over all lanes.
    served: u64,
    /// The person is away: the others come first in each round.
    away: bool,
    waiting: usize,
    failures: u32,
    not_before: Millis,
}

/// All lanes.
#[derive(Debug)]
pub struct StaffOutbox {
    budget: Budget,
    lanes: BTreeMap<ScreenName, Lane>,
    cookies: HashMap<ImCookie, ScreenName>,
    served: u64,
}

impl StaffOutbox {
    /// Nothing owed.
    pub fn new(budget: Budget) -> Self {
        Self { budget, lanes: BTreeMap::new(), cookies: HashMap::new(), served: 0 }
    }

    /// Owes a row. Gives back the row that had to make place for it, where the lane was full, and a row that tells of
    /// it if `notice` made one.
    pub fn enqueue(&mut self, to: &ScreenName, row: Row) {
        self.lane(to).push(row);
    }

    /// The row that has to make place before another of this conversation is owed to this person.
    pub fn make_place(&mut self, to: &ScreenName, conversation: ConversationId) -> Option<LeftOut> {
        let lane = self.lanes.get_mut(to)?;
        let queue = lane.lines.get_mut(&Some(conversation))?;
        if queue.len() < MOST_WAITING {
            return None;
        }
        // The row in front of a shortened queue is the one that tells of it.
        let told = queue.front().is_some_and(|row| row.entry.is_none() && row.text.starts_with("* "));
        let row = queue.remove(usize::from(told))?;
        lane.waiting -= 1;
        Some(LeftOut { row, told })
    }

    /// Puts the row that tells of left-out ones in front.
    pub fn enqueue_in_front(&mut self, to: &ScreenName, row: Row) {
        let lane = self.lane(to);
        lane.waiting += 1;
        lane.lines.entry(row.conversation).or_default().push_front(row);
    }

    /// Takes in a message that was stored before a restart: it may have left, so its fate is unknown.
    pub fn restore(&mut self, to: &ScreenName, im: Im) {
        let im = Arc::new(im);
        self.cookies.insert(im.cookie, to.clone());
        self.lane(to).keep(Formed { im, state: State::ToRepeat, doubtful: true });
    }

    /// Forms messages while the credits last: the most urgent first, people in turn. `gate` is told how many credits
    /// are left, `cookie` gives ids for new messages.
    pub fn depart(
        &mut self,
        allowance: Allowance,
        now: Millis,
        gate: impl Fn(&ScreenName, u32) -> Gate,
        mut cookie: impl FnMut() -> ImCookie,
    ) -> Vec<(ScreenName, Departure)> {
        let Allowance { account, mut credits, wide } = allowance;
        let window = if wide { WIDE_WINDOW } else { 1 };
        let round = u64::try_from(self.lanes.len()).unwrap_or(u64::MAX);
        let mut turns: BinaryHeap<Reverse<(Urgency, u64, ScreenName)>> = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.wants_a_credit(window) && lane.not_before <= now)
            .filter_map(|(to, lane)| {
                let urgency = lane.urgency(gate(to, credits), window)?;
                Some(Reverse((urgency, lane.turn_at(round), to.clone())))
            })
            .collect();
        let mut departures = Vec::new();
        while credits > 0
            && let Some(Reverse((wanted, _, to))) = turns.pop()
        {
            let Some(lane) = self.lanes.get_mut(&to) else { continue };
            // With fewer credits left it may be less urgent by now, or not urgent enough.
            let gate = gate(&to, credits);
            match lane.urgency(gate, window) {
                Some(urgency) if urgency == wanted => {}
                Some(urgency) => {
                    turns.push(Reverse((urgency, lane.turn_at(round), to)));
                    continue;
                }
                None => continue,
            }
            self.served += 1;
            lane.served = self.served;
            let budget = budget_of(self.budget, &to);
            let departure = lane.repeat(account).or_else(|| {
                let lines = lane.lines_at_once(wide, now);
                let im = Arc::new(lane.form(budget, gate, lines, cookie(), account)?);
                lane.keep(Formed { im: im.clone(), state: State::Sent, doubtful: false });
                self.cookies.insert(im.cookie, to.clone());
                Some(Departure::New(im))
            });
            let Some(departure) = departure else { continue };
            credits -= 1;
            if let Some(urgency) = lane.urgency(gate, window) {
                turns.push(Reverse((urgency, lane.turn_at(round), to.clone())));
            }
            departures.push((to, departure));
        }
        departures
    }

    /// The server took a message: nothing in it is owed any more.
    pub fn acked(&mut self, cookie: ImCookie) -> Option<(ScreenName, Arc<Im>)> {
        let (to, im) = self.remove(cookie)?;
        if let Some(lane) = self.lanes.get_mut(&to) {
            lane.failures = 0;
            lane.not_before = Millis(0);
        }
        Some((to, im))
    }

    /// The server did not take it: its rows wait again, in their old places, and the lane pauses. It stays as it is
    /// where an earlier attempt may have been taken, and where later messages were formed already: they would overtake.
    pub fn returned(&mut self, cookie: ImCookie, pause: Pause, now: Millis) -> Option<Returned> {
        let to = self.cookies.get(&cookie)?.clone();
        let lane = self.lanes.get_mut(&to)?;
        lane.pause(pause, now);
        let at = lane.formed.iter().position(|formed| formed.im.cookie == cookie)?;
        let is_last = at + 1 == lane.formed.len();
        let formed = lane.formed.get_mut(at)?;
        if formed.doubtful || !is_last {
            formed.state = State::ToRepeat;
            return Some(Returned::Kept(to));
        }
        let (_, im) = self.remove(cookie)?;
        let lane = self.lane(&to);
        for row in im.rows.iter().rev() {
            lane.push_back_in_place(row.clone());
        }
        Some(Returned::Dissolved(to, im.number()))
    }

    /// The server will never take it: what stood in it is given up.
    pub fn given_up(&mut self, cookie: ImCookie) -> Option<(ScreenName, Arc<Im>)> {
        self.remove(cookie)
    }

    /// It can't be known whether the server took it: it will be repeated.
    pub fn unknown(&mut self, cookie: ImCookie, now: Millis) {
        let Some(to) = self.cookies.get(&cookie) else { return };
        let Some(lane) = self.lanes.get_mut(to) else { return };
        if let Some(formed) = lane.formed.iter_mut().find(|formed| formed.im.cookie == cookie) {
            (formed.state, formed.doubtful) = (State::ToRepeat, true);
            lane.pause(Pause::Short, now);
        }
    }

    /// It never left: it will be sent as it is.
    pub fn not_sent(&mut self, cookie: ImCookie) {
        let Some(lane) = self.cookies.get(&cookie).and_then(|to| self.lanes.get_mut(to)) else { return };
        if let Some(formed) = lane.formed.iter_mut().find(|formed| formed.im.cookie == cookie) {
            formed.state = State::ToRepeat;
        }
    }

    /// What was known of the restored messages before: one that is on its way still is.
    pub fn go_on_from(&mut self, before: &Self) {
        for (to, lane) in &mut self.lanes {
            let Some(known) = before.lanes.get(to) else { continue };
            (lane.failures, lane.not_before) = (known.failures, known.not_before);
            for formed in &mut lane.formed {
                if let Some(known) = known.formed.iter().find(|known| known.im.cookie == formed.im.cookie) {
                    *formed = Formed { im: known.im.clone(), ..*known };
                }
            }
        }
    }

    /// Whether this message is owed.
    pub fn has(&self, cookie: ImCookie) -> bool {
        self.cookies.contains_key(&cookie)
    }

    /// For whom this message is.
    pub fn recipient(&self, cookie: ImCookie) -> Option<&ScreenName> {
        self.cookies.get(&cookie)
    }

    /// A restored message was refused each time it left: no repeat of it is in doubt.
    pub fn is_certain(&mut self, cookie: ImCookie) {
        let Some(lane) = self.cookies.get(&cookie).and_then(|to| self.lanes.get_mut(to)) else { return };
        if let Some(formed) = lane.formed.iter_mut().find(|formed| formed.im.cookie == cookie) {
            formed.doubtful = false;
        }
    }

    /// An account's session is gone: what it had on its way is unknown.
    pub fn lost(&mut self, account: AccountId) {
        for formed in self.lanes.values_mut().flat_map(|lane| &mut lane.formed) {
            if formed.im.account == account && formed.state == State::Sent {
                (formed.state, formed.doubtful) = (State::ToRepeat, true);
            }
        }
    }

    /// Whether this person is away from the keyboard, by what the AIM server says: then others come first.
    pub fn set_away(&mut self, to: &ScreenName, away: bool) {
        if away || self.lanes.contains_key(to) {
            self.lane(to).away = away;
        }
    }

    /// Somebody signed on: no reason to pause.
    pub fn resume(&mut self, to: &ScreenName) {
        if let Some(lane) = self.lanes.get_mut(to) {
            lane.not_before = Millis(0);
        }
    }

    /// Forgets a recipient; what was owed comes back, each row with whether it may have arrived, and the messages that are
    /// no more.
    pub fn remove_lane(&mut self, to: &ScreenName) -> (Vec<(Row, bool)>, Vec<DeliveryId>) {
        let Some(lane) = self.lanes.remove(to) else { return (Vec::new(), Vec::new()) };
        for formed in &lane.formed {
            self.cookies.remove(&formed.im.cookie);
        }
        let ims = lane.formed.iter().map(|formed| formed.im.number()).collect();
        let formed = lane.formed.iter().flat_map(|formed| {
            let may_have_arrived = formed.doubtful || formed.state == State::Sent;
            formed.im.rows.iter().map(move |row| (row.clone(), may_have_arrived))
        });
        let waiting =
            lane.replies.into_iter().chain(lane.lines.into_values().flatten()).chain(lane.passengers);
        let mut rows: Vec<(Row, bool)> = formed.chain(waiting.map(|row| (row, false))).collect();
        rows.sort_by_key(|(row, _)| row.id);
        (rows, ims)
    }

    /// Takes out the waiting lines of one conversation (somebody else has it now).
    pub fn withdraw(&mut self, to: &ScreenName, conversation: ConversationId) -> Vec<Row> {
        let Some(lane) = self.lanes.get_mut(to) else { return Vec::new() };
        let rows: Vec<Row> = lane.lines.remove(&Some(conversation)).into_iter().flatten().collect();
        lane.waiting -= rows.len();
        rows
    }

    /// Takes out the news of one conversation that wait.
    pub fn withdraw_news(&mut self, to: &ScreenName, conversation: ConversationId) -> Vec<Row> {
        let Some(lane) = self.lanes.get_mut(to) else { return Vec::new() };
        let rows = take_those_of(conversation, &mut lane.passengers);
        lane.waiting -= rows.len();
        rows
    }

    /// Takes out all that waits and is of this conversation: lines, news, and what was asked about it.
    pub fn forget(&mut self, to: &ScreenName, conversation: ConversationId) -> Vec<Row> {
        let mut rows = self.withdraw(to, conversation);
        rows.extend(self.withdraw_news(to, conversation));
        let Some(lane) = self.lanes.get_mut(to) else { return rows };
        let replies = take_those_of(conversation, &mut lane.replies);
        lane.waiting -= replies.len();
        rows.extend(replies);
        rows
    }

    /// All rows of visitors' lines in one conversation that are owed, on their way or not, with their owners.
    pub fn lines_of(&self, conversation: ConversationId) -> Vec<(ScreenName, Row)> {
        let mut rows: Vec<(ScreenName, Row)> = Vec::new();
        for (to, lane) in &self.lanes {
            rows.extend(lane.lines_of(conversation).map(|row| (to.clone(), row.clone())));
        }
        rows
    }

    /// Since when the oldest of these waits.
    pub fn oldest_of(&self, conversation: ConversationId) -> Option<Millis> {
        self.lanes.values().flat_map(|lane| lane.lines_of(conversation)).map(|row| row.at).min()
    }

    /// Whether an entry, or a part of it, is owed to this person.
    pub fn owes(&self, to: &ScreenName, conversation: ConversationId, entry: u64) -> bool {
        self.lanes.get(to).is_some_and(|lane| lane.lines_of(conversation).any(|row| row.entry == Some(entry)))
    }

    /// Everybody to whom something is owed.
    pub fn recipients(&self) -> impl Iterator<Item = &ScreenName> {
        self.lanes.keys()
    }

    /// Rows that wait for one person, on their way or not.
    pub fn owed(&self, to: &ScreenName) -> usize {
        self.lanes.get(to).map_or(0, Lane::owed)
    }

    /// Whether nothing waits for a credit.
    pub fn is_idle(&self) -> bool {
        !self.lanes.values().any(|lane| lane.wants_a_credit(usize::MAX))
    }

    /// Those for whom something other than passengers waits.
    pub fn waited_for(&self) -> impl Iterator<Item = &ScreenName> {
        self.lanes.iter().filter(|(_, lane)| lane.waiting > lane.passengers.len()).map(|(to, _)| to)
    }

    /// Rows that wait, over all lanes.
    pub fn depth(&self) -> usize {
        self.lanes.values().map(Lane::owed).sum()
    }

    /// Since when the oldest row waits.
    pub fn oldest(&self) -> Option<Millis> {
        self.lanes.values().filter_map(Lane::oldest).min()
    }

    /// When a paused lane may go on.
    pub fn next_deadline(&self, now: Millis) -> Option<Millis> {
        let paused = self.lanes.values().filter(|lane| lane.owed() > 0 && lane.not_before > now);
        paused.map(|lane| lane.not_before).min()
    }

    /// How much fits one message to this recipient.
    pub fn budget_of(&self, to: &ScreenName) -> Budget {
        budget_of(self.budget, to)
    }

    fn lane(&mut self, to: &ScreenName) -> &mut Lane {
        self.lanes.entry(to.clone()).or_default()
    }

    fn remove(&mut self, cookie: ImCookie) -> Option<(ScreenName, Arc<Im>)> {
        let to = self.cookies.remove(&cookie)?;
        let lane = self.lanes.get_mut(&to)?;
        let at = lane.formed.iter().position(|formed| formed.im.cookie == cookie)?;
        let formed = lane.formed.remove(at)?;
        lane.no_longer_busy(&formed.im);
        Some((to, formed.im))
    }
}

fn take_those_of(conversation: ConversationId, queue: &mut VecDeque<Row>) -> Vec<Row> {
    let is_of_it = |row: &Row| row.conversation == Some(conversation);
    let (taken, left): (VecDeque<Row>, VecDeque<Row>) = queue.drain(..).partition(is_of_it);
    *queue = left;
    taken.into()
}

/// A row that made place for newer ones.
#[derive(Debug)]
pub struct LeftOut {
    /// The row.
    pub row: Row,
    /// Whether a row that tells of it waits already.
    pub told: bool,
}

/// How long a lane rests after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Something passing: 1 s, doubled each time, at most a minute.
    Short,
    /// Not signed on, though presence says otherwise: 1 min, doubled, at most 15 min; presence ends it.
    Absent,
}

impl Lane {
    /// Its place among lanes that are as urgent: whoever is away stands back for one round, and no longer.
    fn turn_at(&self, round: u64) -> u64 {
        if self.away { self.served.saturating_add(round) } else { self.served }
    }

    fn push(&mut self, row: Row) {
        self.waiting += 1;
        match row.rank {
            Rank::Reply => self.replies.push_back(row),
            Rank::Line => self.lines.entry(row.conversation).or_default().push_back(row),
            Rank::Passenger => self.passengers.push_back(row),
        }
    }

    fn push_back_in_place(&mut self, row: Row) {
        self.waiting += 1;
        match row.rank {
            Rank::Reply => self.replies.push_front(row),
            Rank::Line => self.lines.entry(row.conversation).or_default().push_front(row),
            Rank::Passenger => self.passengers.push_front(row),
        }
    }

    fn keep(&mut self, formed: Formed) {
        for id in conversations(&formed.im) {
            *self.busy.entry(id).or_default() += 1;
        }
        self.formed.push_back(formed);
    }

    fn no_longer_busy(&mut self, im: &Im) {
        for id in conversations(im) {
            if let Some(count) = self.busy.get_mut(&id) {
                *count -= 1;
                if *count == 0 {
                    self.busy.remove(&id);
                }
            }
        }
    }

    /// The conversation whose turn it is, of those that have nothing on its way.
    #[expect(clippy::option_option, reason = "none: nobody's turn; none inside: that of lines of no visitor")]
    fn next_turn(&self) -> Option<Option<ConversationId>> {
        let is_free = |id: &&Option<ConversationId>| id.is_none_or(|id| !self.busy.contains_key(&id));
        let after = (std::ops::Bound::Excluded(self.turn), std::ops::Bound::Unbounded);
        let later = self.lines.range(after).map(|(id, _)| id).find(is_free);
        later.or_else(|| self.lines.keys().find(is_free)).copied()
    }

    fn pause(&mut self, pause: Pause, now: Millis) {
        let (first, most) = match pause {
            Pause::Short => (1, 60),
            Pause::Absent => (60, 900),
        };
        let seconds = (first << self.failures.min(10)).min(most);
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.after(Duration::from_secs(seconds));
    }

    fn owed(&self) -> usize {
        self.waiting + self.formed.iter().map(|formed| formed.im.rows.len()).sum::<usize>()
    }

    fn lines_of(&self, conversation: ConversationId) -> impl Iterator<Item = &Row> {
        let formed = self.formed.iter().flat_map(|formed| &formed.im.rows);
        let formed = formed.filter(move |row| row.conversation == Some(conversation));
        formed
            .chain(self.lines.get(&Some(conversation)).into_iter().flatten())
            .filter(|row| row.entry.is_some())
    }

    fn oldest(&self) -> Option<Millis> {
        let formed = self.formed.iter().flat_map(|formed| &formed.im.rows);
        let heads = self.lines.values().filter_map(VecDeque::front);
        formed.chain(heads).chain(self.replies.front()).map(|row| row.at).min()
    }

    /// Whether there is anything at all that a credit could be used for.
    fn wants_a_credit(&self, window: usize) -> bool {
        (self.waiting > 0 && self.formed.len() < window)
            || self.formed.front().is_some_and(|formed| formed.state == State::ToRepeat)
    }

    /// The first message that has to be sent again.
    fn repeat(&mut self, account: AccountId) -> Option<Departure> {
        let first = self.formed.iter_mut().find(|formed| formed.state == State::ToRepeat)?;
        first.state = State::Sent;
        Arc::make_mut(&mut first.im).account = account;
        Some(Departure::Repeat { im: first.im.clone(), marked: first.doubtful })
    }

    /// How soon this lane wants a credit: none, if it has nothing that may go.
    fn urgency(&self, gate: Gate, window: usize) -> Option<Urgency> {
        if gate == Gate::Shut {
            return None;
        }
        if self.formed.iter().any(|formed| formed.state == State::ToRepeat) {
            // One after the other, and before anything newer.
            let first = self.formed.front().is_some_and(|formed| formed.state == State::ToRepeat);
            return first.then_some(Urgency::Reply);
        }
        if self.formed.len() >= window {
            return None;
        }
        if !self.replies.is_empty() {
            return Some(Urgency::Reply);
        }
        match gate {
            Gate::Lines | Gate::All if self.next_turn().is_some() => Some(Urgency::Line),
            Gate::All if !self.passengers.is_empty() => Some(Urgency::Passenger),
            Gate::Shut | Gate::Replies | Gate::Lines | Gate::All => None,
        }
    }

    /// How many lines go in the next message, at most.
    fn lines_at_once(&self, wide: bool, now: Millis) -> usize {
        let heads = self.lines.values().filter_map(VecDeque::front);
        let singly = wide && self.waiting <= SINGLY && heads.map(|row| row.at).all(|at| now.since(at) < LONG);
        if singly { 1 } else { usize::MAX }
    }

    /// Joins what waits, as much as fits, but no more than `lines` lines; at least one row.
    fn form(
        &mut self,
        budget: Budget,
        gate: Gate,
        lines: usize,
        cookie: ImCookie,
        account: AccountId,
    ) -> Option<Im> {
        let rows = Vec::with_capacity(self.waiting.min(lines));
        let mut draft = Draft { budget, size: Size::default(), measured: 0, rows };
        while draft.take(&mut self.replies) {}
        if matches!(gate, Gate::Lines | Gate::All) {
            let replies = draft.rows.len();
            self.take_lines(&mut draft, lines);
            // Conversations took turns; within the message their lines stand as they came.
            draft.rows.get_mut(replies..).unwrap_or_default().sort_by_key(|row| row.id);
            while draft.take(&mut self.passengers) {}
        }
        self.waiting -= draft.rows.len();
        let text = match draft.rows.as_slice() {
            [] => return None,
            [row] => row.text.clone(),
            rows => rows.iter().map(|row| &*row.text).collect::<Vec<_>>().join("\n").into(),
        };
        Some(Im { cookie, account, text, rows: draft.rows })
    }

    fn take_lines(&mut self, draft: &mut Draft, most: usize) {
        /// After this many heads that don't fit, the message is full.
        const MISFITS: usize = 8;
        let mut misfits = 0;
        let full = draft.rows.len().saturating_add(most);
        while misfits < MISFITS && draft.rows.len() < full {
            let Some(conversation) = self.next_turn() else { return };
            let Some(queue) = self.lines.get_mut(&conversation) else { return };
            self.turn = conversation;
            if !draft.take(queue) {
                misfits += 1;
                if self.lines.len() <= misfits {
                    return;
                }
            }
            if self.lines.get(&conversation).is_some_and(VecDeque::is_empty) {
                self.lines.remove(&conversation);
            }
        }
    }
}

/// The conversations whose lines stand in a message, each once.
fn conversations(im: &Im) -> impl Iterator<Item = ConversationId> {
    let of = |row: &Row| row.conversation.filter(|_| row.rank == Rank::Line);
    // Most messages have one row, and none has many.
    let is_first = move |at: usize, id| !im.rows.iter().take(at).any(|row| of(row) == Some(id));
    im.rows.iter().enumerate().filter_map(move |(at, row)| of(row).filter(|id| is_first(at, *id)))
}

struct Draft {
    budget: Budget,
    /// Of the first rows; how many these are. Most messages have one row, and nobody asks for its size.
    size: Size,
    measured: usize,
    rows: Vec<Row>,
}

impl Draft {
    /// Takes the first row of a queue if it fits; the first row of a message always does.
    fn take(&mut self, queue: &mut VecDeque<Row>) -> bool {
        let Some(row) = queue.front() else { return false };
        if !self.rows.is_empty() && !self.has_room_for(row) {
            return false;
        }
        self.rows.extend(queue.pop_front());
        true
    }

    fn has_room_for(&mut self, row: &Row) -> bool {
        for taken in self.rows.iter().skip(self.measured) {
            self.size.add(&taken.text);
            self.size.add("\n");
        }
        self.measured = self.rows.len();
        let mut size = self.size;
        size.add(&row.text);
        self.budget.holds(size)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Reply,
    Line,
    Passenger,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(0);

    struct Test {
        outbox: StaffOutbox,
        rows: u64,
        cookies: u64,
        now: Millis,
    }

    impl Test {
        fn new() -> Self {
            Self { outbox: StaffOutbox::new(Budget::new(2400)), rows: 0, cookies: 0, now: Millis(1000) }
        }

        fn owe(&mut self, to: &str, rank: Rank, conversation: u64, text: &str) {
            self.rows += 1;
            let row = Row {
                id: DeliveryId(self.rows),
                rank,
                conversation: Some(ConversationId(conversation)),
                entry: Some(self.rows),
                last: true,
                text: text.into(),
                at: self.now,
            };
            self.outbox.enqueue(&to.into(), row);
        }

        fn line(&mut self, to: &str, conversation: u64, text: &str) {
            self.owe(to, Rank::Line, conversation, text);
        }

        fn depart_by(&mut self, wide: bool, gate: impl Fn(&str) -> Gate) -> Option<(String, Departure)> {
            self.cookies += 1;
            let cookie = ImCookie(self.cookies.to_be_bytes());
            let allowance = Allowance { account: ACCOUNT, credits: 1, wide };
            let departed = self.outbox.depart(allowance, self.now, |to, _| gate(to.as_str()), || cookie);
            departed.into_iter().next().map(|(to, departure)| (to.to_string(), departure))
        }

        fn depart(&mut self) -> Option<(String, ImCookie, String)> {
            match self.depart_by(false, |_| Gate::Lines)? {
                (to, Departure::Repeat { im, marked: true }) => {
                    Some((to, im.cookie, format!("{} AGAIN", im.text)))
                }
                (to, Departure::New(im) | Departure::Repeat { im, marked: false }) => {
                    Some((to, im.cookie, im.text.to_string()))
                }
            }
        }
    }

    #[test]
    fn what_waits_for_one_person_is_joined() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        t.line("staff1", 2, "bob: hi");
        t.line("staff1", 1, "anna: two");
        let (_, cookie, text) = t.depart().unwrap();
        assert_eq!(text, "anna: one\nbob: hi\nanna: two");
        assert!(t.depart().is_none());
        let (_, im) = t.outbox.acked(cookie).unwrap();
        assert_eq!(im.rows.len(), 3);
        assert_eq!(t.outbox.depth(), 0);
        assert!(t.outbox.acked(cookie).is_none(), "a second acknowledgement means nothing");
    }

    #[test]
    fn the_second_message_waits_for_the_first() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        let (_, cookie, _) = t.depart().unwrap();
        t.line("staff1", 1, "anna: two");
        assert!(t.depart().is_none());
        t.outbox.acked(cookie);
        assert_eq!(t.depart().unwrap().2, "anna: two");
    }

    #[test]
    fn several_are_on_their_way_where_the_server_does_not_limit() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        t.depart_by(true, |_| Gate::Lines).unwrap();
        t.line("staff1", 2, "bob: two");
        t.depart_by(true, |_| Gate::Lines).unwrap();
    }

    #[test]
    fn where_nobody_limits_each_line_goes_by_itself_unless_many_wait() {
        let mut t = Test::new();
        let text = |departed: Option<(String, Departure)>| match departed {
            Some((_, Departure::New(im))) => im.text.to_string(),
            other => panic!("{other:?}"),
        };
        t.line("staff1", 1, "anna: one");
        t.line("staff1", 2, "bob: two");
        assert_eq!(text(t.depart_by(true, |_| Gate::Lines)), "anna: one");
        assert_eq!(text(t.depart_by(true, |_| Gate::Lines)), "bob: two");
        for number in 0..=SINGLY {
            t.line("staff1", 3, &format!("carl: {number}"));
        }
        assert!(text(t.depart_by(true, |_| Gate::Lines)).starts_with("carl: 0\ncarl: 1\n"));
        t.line("staff2", 1, "anna: one");
        t.line("staff2", 1, "anna: two");
        t.now = t.now.after(LONG);
        assert_eq!(text(t.depart_by(true, |_| Gate::Lines)), "anna: one\nanna: two");
    }

    #[test]
    fn who_is_away_comes_after_the_others_and_comes() {
        let mut t = Test::new();
        for staff in ["staff1", "staff2", "staff3"] {
            t.line(staff, 1, "anna: one");
        }
        t.outbox.set_away(&"staff1".into(), true);
        let order: Vec<String> = (0..3).map(|_| t.depart().unwrap().0).collect();
        assert_eq!(order, ["staff2", "staff3", "staff1"]);
    }

    #[test]
    fn people_take_turns_and_the_absent_hold_up_nobody() {
        let mut t = Test::new();
        for staff in ["staff1", "staff2", "staff3"] {
            t.line(staff, 1, "anna: one");
        }
        let gate = |to: &str| if to == "staff2" { Gate::Shut } else { Gate::Lines };
        assert_eq!(t.depart_by(false, gate).unwrap().0, "staff1");
        t.line("staff1", 1, "anna: two");
        assert_eq!(t.depart_by(false, gate).unwrap().0, "staff3");
        assert!(t.depart_by(false, gate).is_none());
        assert_eq!(t.depart().unwrap().0, "staff2", "back again");
    }

    #[test]
    fn a_talkative_visitor_does_not_crowd_out_another() {
        let mut t = Test::new();
        for number in 0..50 {
            t.line("staff1", 1, &format!("anna: {number} {}", "x".repeat(80)));
        }
        t.line("staff1", 2, "bob: hello");
        let (_, _, text) = t.depart().unwrap();
        assert!(text.contains("bob: hello"), "{text}");
        assert!(text.starts_with("anna: 0 "));
    }

    #[test]
    fn answers_to_staff_go_first_and_news_rides_along() {
        let mut t = Test::new();
        t.owe("staff1", Rank::Passenger, 1, "* news");
        assert!(t.depart().is_none(), "news alone costs no credit");
        t.line("staff1", 1, "anna: one");
        t.line("staff2", 1, "anna: one");
        t.owe("staff2", Rank::Reply, 1, "* reply");
        assert_eq!(t.depart().unwrap().2, "* reply\nanna: one");
        assert_eq!(t.depart().unwrap().2, "anna: one\n* news");
        t.owe("staff3", Rank::Passenger, 1, "* news");
        assert_eq!(t.depart_by(false, |_| Gate::All).unwrap().0, "staff3", "unless credits are to spare");
    }

    #[test]
    fn who_is_away_gets_replies_only() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        t.owe("staff1", Rank::Reply, 1, "* reply");
        let (_, departure) = t.depart_by(false, |_| Gate::Replies).unwrap();
        let Departure::New(im) = departure else { panic!("{departure:?}") };
        assert_eq!(&*im.text, "* reply");
        assert_eq!(t.outbox.owed(&"staff1".into()), 2);
    }

    #[test]
    fn a_refused_message_gives_its_rows_back_in_order() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        t.line("staff1", 1, "anna: two");
        let (_, cookie, _) = t.depart().unwrap();
        t.line("staff1", 1, "anna: three");
        t.outbox.returned(cookie, Pause::Absent, t.now);
        assert!(t.depart().is_none(), "the lane pauses");
        assert_eq!(t.outbox.next_deadline(t.now), Some(t.now.after(Duration::from_secs(60))));
        t.outbox.resume(&"staff1".into());
        let (_, again, text) = t.depart().unwrap();
        assert_ne!(again, cookie, "it is another message");
        assert_eq!(text, "anna: one\nanna: two\nanna: three");
    }

    #[test]
    fn what_was_lost_with_the_session_is_repeated_first_and_unchanged() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        let (_, cookie, _) = t.depart().unwrap();
        t.line("staff1", 1, "anna: two");
        t.outbox.lost(ACCOUNT);
        assert_eq!(t.depart().unwrap(), ("staff1".into(), cookie, "anna: one AGAIN".into()));
        assert!(t.depart().is_none());
        t.outbox.acked(cookie);
        assert_eq!(t.depart().unwrap().2, "anna: two");
    }

    #[test]
    fn a_message_without_answer_is_repeated_after_a_pause() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        let (_, cookie, _) = t.depart().unwrap();
        t.outbox.unknown(cookie, t.now);
        assert!(t.depart().is_none());
        t.now = t.now.after(Duration::from_secs(1));
        assert_eq!(t.depart().unwrap().1, cookie);
    }

    #[test]
    fn a_refused_repeat_stays_what_it_is() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        let (_, cookie, _) = t.depart().unwrap();
        t.outbox.lost(ACCOUNT);
        t.depart().unwrap();
        let returned = t.outbox.returned(cookie, Pause::Short, t.now);
        assert_eq!(returned, Some(Returned::Kept("staff1".into())), "the first attempt may have arrived");
        t.outbox.resume(&"staff1".into());
        assert_eq!(t.depart().unwrap(), ("staff1".into(), cookie, "anna: one AGAIN".into()));
    }

    #[test]
    fn a_refused_message_is_not_overtaken_by_those_behind_it() {
        let mut t = Test::new();
        t.line("staff1", 1, "anna: one");
        t.depart_by(true, |_| Gate::Lines).unwrap();
        t.line("staff1", 2, "bob: two");
        t.depart_by(true, |_| Gate::Lines).unwrap();
        for cookie in [1_u64, 2] {
            t.outbox.returned(ImCookie(cookie.to_be_bytes()), Pause::Short, t.now);
        }
        t.outbox.resume(&"staff1".into());
        let (_, first, text) = t.depart().unwrap();
        assert_eq!(text, "anna: one");
        t.outbox.acked(first);
        assert_eq!(t.depart().unwrap().2, "bob: two");
    }

    #[test]
    fn long_absence_leaves_out_the_oldest_and_says_so() {
        let mut t = Test::new();
        let staff1 = "staff1".into();
        for number in 0..MOST_WAITING {
            assert!(t.outbox.make_place(&staff1, ConversationId(1)).is_none());
            t.line("staff1", 1, &format!("anna: {number}"));
        }
        let first = t.outbox.make_place(&staff1, ConversationId(1)).unwrap();
        assert_eq!((&*first.row.text, first.told), ("anna: 0", false));
        let notice = Row { entry: None, text: "* left out".into(), ..first.row };
        t.outbox.enqueue_in_front(&staff1, notice);
        let second = t.outbox.make_place(&staff1, ConversationId(1)).unwrap();
        assert_eq!((&*second.row.text, second.told), ("anna: 1", true));
    }

    #[test]
    fn nothing_overtakes_a_line_of_the_same_visitor_even_where_many_may_be_on_their_way() {
        let mut t = Test::new();
        for (visitor, text) in [(1, "a1"), (2, "b1"), (1, "a2"), (1, "a3"), (2, "b2")] {
            t.line("staff1", visitor, text);
        }
        let mut sent = Vec::new();
        while let Some((_, Departure::New(im))) = t.depart_by(true, |_| Gate::All) {
            sent.push(im);
        }
        let texts = |sent: &[Arc<Im>]| sent.iter().map(|im| im.text.to_string()).collect::<Vec<_>>();
        assert_eq!(texts(&sent), ["a1", "b1"], "one of each visitor");
        t.line("staff1", 3, "c1");
        let Some((_, Departure::New(of_third))) = t.depart_by(true, |_| Gate::All) else {
            panic!("c1 may go")
        };
        assert_eq!(&*of_third.text, "c1");
        assert!(t.depart_by(true, |_| Gate::All).is_none(), "a2 waits for a1, b2 for b1");
        t.outbox.acked(sent[1].cookie);
        t.outbox.returned(sent[0].cookie, Pause::Short, t.now);
        assert!(t.depart_by(true, |_| Gate::All).is_none(), "the lane pauses");
        t.now = t.now.after(Duration::from_secs(2));
        let Some((_, Departure::Repeat { im, marked: false })) = t.depart_by(true, |_| Gate::All) else {
            panic!("the refused one goes again")
        };
        t.outbox.acked(im.cookie);
        let Some((_, Departure::New(rest))) = t.depart_by(true, |_| Gate::All) else { panic!("a2 may go") };
        assert_eq!(&*rest.text, "a2\na3\nb2", "after a second what waits is joined");
    }
}
