//! What comes of the stock limits of OSCAR servers, in simulated time: the real desk and credits against the server's
//! arithmetic, beside a sender that knows nothing of limits. `just bench` prints the figures.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use oscar_im::foodgroup::oservice::RateClass;
use oscar_im::rate::{Level, RateStatus, STOCK_IM};

use super::*;
use crate::aim::credits::Credits;
use crate::aim::event::RoomEvent;
use crate::store::Snapshot;

/// The class of what is said in chat rooms.
const ROOM: RateClass = oscar_im::rate::STOCK[1];
const STAFF: usize = 10;
/// 15 lines a minute for ten minutes.
const LINES: u64 = 150;
const LINE_EVERY: u64 = 4000;
/// One way between bridge and server.
const WAY: u64 = 20;
const STEP: u64 = 10;

/// A server's side of one account, and a link's.
struct Account {
    server: Level,
    client: Level,
    credits: Credits,
    is_up: bool,
    /// When it is there, and what.
    to_server: VecDeque<(u64, ImCookie, String, String)>,
    acks: VecDeque<(u64, ImCookie)>,
}

impl Account {
    fn new() -> Self {
        let level = Level::new(STOCK_IM, Duration::ZERO);
        Self {
            server: level.clone(),
            client: level,
            credits: Credits::default(),
            is_up: true,
            to_server: VecDeque::new(),
            acks: VecDeque::new(),
        }
    }
}

#[derive(Debug, Default)]
struct Outcome {
    due: usize,
    lost: usize,
    dropped: usize,
    thrown_out: usize,
    messages: usize,
    /// Of each line at each person, sorted, in milliseconds.
    delays: Vec<u64>,
    /// Accounts of ours that each person got messages from.
    senders: BTreeMap<String, BTreeSet<usize>>,
}

impl Outcome {
    fn quantile(&self, of_thousand: usize) -> Duration {
        let at = (self.delays.len() * of_thousand / 1000).min(self.delays.len().saturating_sub(1));
        Duration::from_millis(self.delays.get(at).copied().unwrap_or_default())
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: {} of {} lost, p50 {:.1} s, p99 {:.1} s, longest {:.1} s, {} messages, {} dropped, signed off {}",
            self.lost,
            self.due,
            self.quantile(500).as_secs_f64(),
            self.quantile(990).as_secs_f64(),
            self.quantile(1000).as_secs_f64(),
            self.messages,
            self.dropped,
            self.thrown_out,
        );
    }
}

/// Line 7 as a visitor writes it, 60 characters.
fn line(number: u64) -> String {
    format!("{:<60}", format!("line {number} of the visitors, long enough to be one of the usual:"))
        .replace(' ', "_")
}

/// The numbers of the lines in a message.
fn numbers(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.lines().filter_map(|line| line.split_once(": line_")?.1.split('_').next()?.parse().ok())
}

/// The staff room: a server's side, a link's, and what is under way.
struct Room {
    server: Level,
    client: Level,
    waiting: VecDeque<(ImCookie, String)>,
    to_server: VecDeque<(u64, ImCookie, String)>,
    reflected: VecDeque<(u64, ImCookie)>,
}

impl Room {
    fn new() -> Self {
        let level = Level::new(ROOM, Duration::ZERO);
        Self {
            server: level.clone(),
            client: level,
            waiting: VecDeque::new(),
            to_server: VecDeque::new(),
            reflected: VecDeque::new(),
        }
    }

    /// The link sends what its level lets go; the server gives it to everybody, the sender too. What it gave out.
    fn pass(&mut self, now: u64) -> Option<String> {
        let at = Duration::from_millis(now);
        if self.client.earliest(at).is_some_and(|earliest| earliest <= at)
            && let Some((cookie, text)) = self.waiting.pop_front()
        {
            self.client.evaluate(at);
            self.to_server.push_back((now + WAY, cookie, text));
        }
        let (_, cookie, text) = due(&mut self.to_server, |(arrives, ..)| *arrives <= now)?;
        let status = self.server.evaluate(at);
        assert!(matches!(status, RateStatus::Clear | RateStatus::Alert), "{status:?}");
        self.reflected.push_back((now + WAY, cookie));
        Some(text)
    }
}

/// The first, if it is due.
fn due<T>(queue: &mut VecDeque<T>, is_due: impl Fn(&T) -> bool) -> Option<T> {
    if queue.front().is_some_and(is_due) { queue.pop_front() } else { None }
}

/// What became of ten minutes of lines.
struct Simulation {
    accounts: Vec<Account>,
    outcome: Outcome,
    /// When each person has read which line first.
    read: BTreeMap<(String, u64), u64>,
    order: BTreeMap<String, Vec<u64>>,
}

impl Simulation {
    fn new(accounts: usize) -> Self {
        Self {
            accounts: (0..accounts).map(|_| Account::new()).collect(),
            outcome: Outcome::default(),
            read: BTreeMap::new(),
            order: BTreeMap::new(),
        }
    }

    /// The server works off what has come.
    fn serve(&mut self, now: u64) {
        let mut arrived = Vec::new();
        for (index, account) in self.accounts.iter_mut().enumerate() {
            while account.to_server.front().is_some_and(|(at, ..)| *at <= now) {
                let Some((_, cookie, to, text)) = account.to_server.pop_front() else { break };
                if !account.is_up {
                    self.outcome.dropped += 1;
                    continue;
                }
                match account.server.evaluate(Duration::from_millis(now)) {
                    RateStatus::Limited => {
                        self.outcome.dropped += 1;
                        continue;
                    }
                    // The one that is too much still arrives.
                    RateStatus::Disconnect => {
                        account.is_up = false;
                        self.outcome.thrown_out += 1;
                    }
                    RateStatus::Clear | RateStatus::Alert => {}
                }
                account.acks.push_back((now + WAY, cookie));
                self.outcome.senders.entry(to.clone()).or_default().insert(index);
                arrived.push((to, text));
            }
        }
        for (to, text) in arrived {
            self.arrives(&to, &text, now);
        }
    }

    /// The server gives a message to somebody.
    fn arrives(&mut self, to: &str, text: &str, now: u64) {
        for number in numbers(text) {
            if !self.read.contains_key(&(to.to_owned(), number)) {
                self.order.entry(to.to_owned()).or_default().push(number);
                self.read.insert((to.to_owned(), number), now + WAY);
            }
        }
    }

    fn send(&mut self, account: usize, now: u64, cookie: ImCookie, to: &str, text: &str) {
        self.outcome.messages += 1;
        let account = &mut self.accounts[account];
        account.to_server.push_back((now + WAY, cookie, to.to_owned(), text.to_owned()));
    }

    fn finish(mut self) -> Outcome {
        self.outcome.due = usize::try_from(LINES).unwrap() * STAFF;
        self.outcome.lost = self.outcome.due - self.read.len();
        self.outcome.delays = self.read.iter().map(|((_, number), at)| at - number * LINE_EVERY).collect();
        self.outcome.delays.sort_unstable();
        for order in self.order.values() {
            assert!(order.is_sorted(), "each person reads the lines in their order");
        }
        self.outcome
    }
}

fn staff() -> Vec<oscar_im::ScreenName> {
    (0..STAFF).map(|number| format!("staff{number}").as_str().into()).collect()
}

fn moment(now: u64) -> Millis {
    Millis(MIDNIGHT + now)
}

/// The bridge with so many accounts; one of them is gone between two moments, if so told; everybody is in the staff room,
/// if there is one.
fn bridge(accounts: usize, gone: Option<(usize, u64, u64)>, mut room: Option<Room>) -> Outcome {
    let mut run = Simulation::new(accounts);
    let settings = Settings { staff: staff(), accounts, ..Settings::default() };
    let mut desk = Desk::new(settings, Snapshot::default(), moment(0));
    desk.receive(Input::Irc(IrcEvent::SignedOn { nick: "bridgebot".into() }), moment(0));
    for account in 0..accounts {
        sign_on(&mut desk, account, 0);
    }
    if room.is_some() {
        let entered = AimEvent::Room(RoomEvent::Entered(staff()));
        desk.receive(Input::Aim(AccountId(0), entered), moment(0));
    }
    let mut said = 0;
    let end = LINES * LINE_EVERY + 120_000;
    for step in 0..end / STEP {
        let now = step * STEP;
        if let Some((account, from, until)) = gone {
            if now == from {
                let lost = AimEvent::Lost {
                    reason: "test".into(),
                    heard_at: moment(now).to_system(),
                    retry_in: Duration::from_secs(1),
                };
                desk.receive(Input::Aim(AccountId(account), lost), moment(now));
                run.accounts[account] = Account { is_up: false, ..Account::new() };
            }
            if now == until {
                run.accounts[account] = Account::new();
                sign_on(&mut desk, account, now);
            }
        }
        if said < LINES && now == said * LINE_EVERY {
            let nick = format!("visitor{}", said % 5);
            let spoken = IrcLine {
                from: source(&nick, 1),
                place: Place::Private,
                speech: Speech::Privmsg,
                text: line(said),
                action: false,
                msgid: None,
                client_id: None,
                at: moment(now).to_system(),
                replayed: false,
            };
            desk.receive(Input::Irc(IrcEvent::Line(spoken)), moment(now));
            said += 1;
        }
        if let Some(room) = &mut room {
            if let Some(text) = room.pass(now) {
                for who in staff() {
                    run.arrives(who.as_str(), &text, now);
                }
            }
            while let Some((_, cookie)) = due(&mut room.reflected, |(arrives, _)| *arrives <= now) {
                let reflected = AimEvent::Room(RoomEvent::Reflected { cookie });
                desk.receive(Input::Aim(AccountId(0), reflected), moment(now));
            }
        }
        run.serve(now);
        for (index, account) in run.accounts.iter_mut().enumerate() {
            while account.acks.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, cookie)) = account.acks.pop_front() else { break };
                desk.receive(Input::Aim(AccountId(index), AimEvent::Acked { cookie }), moment(now));
            }
            let granted = account.credits.grant(account.client.credits(Duration::from_millis(now), 64));
            if account.is_up && granted > 0 {
                desk.receive(Input::Aim(AccountId(index), AimEvent::Credits(granted)), moment(now));
            }
        }
        desk.pump(moment(now));
        let Batch { effects, .. } = desk.take();
        desk.stored();
        for effect in effects {
            match effect {
                Effect::Aim(AccountId(index), AimCommand::Send { cookie, to, text }) => {
                    let account = &mut run.accounts[index];
                    account.credits.used();
                    account.client.evaluate(Duration::from_millis(now));
                    run.send(index, now, cookie, to.as_str(), &text);
                }
                Effect::Aim(_, AimCommand::Say { cookie, text }) => {
                    run.outcome.messages += 1;
                    room.as_mut().unwrap().waiting.push_back((cookie, text));
                }
                _ => {}
            }
        }
    }
    run.finish()
}

fn sign_on(desk: &mut Desk, account: usize, now: u64) {
    let screen_name = format!("bridgebot{account}").as_str().into();
    desk.receive(Input::Aim(AccountId(account), AimEvent::SignedOn { screen_name }), moment(now));
    for who in staff() {
        let there = AimEvent::Presence { who, presence: Presence::Online };
        desk.receive(Input::Aim(AccountId(account), there), moment(now));
    }
}

/// A sender that writes to everybody at once, as the original bot did.
fn naive() -> Outcome {
    let mut run = Simulation::new(1);
    for number in 0..LINES {
        let now = number * LINE_EVERY;
        for who in staff() {
            run.send(0, now, ImCookie([0; 8]), who.as_str(), &format!("visitor: {}", line(number)));
        }
        run.serve(now + WAY);
    }
    run.finish()
}

#[test]
fn one_account_loses_nothing_and_each_person_has_a_turn_every_forty_seconds() {
    let outcome = bridge(1, None, None);
    outcome.print("bridge, 1 account");
    assert_eq!((outcome.lost, outcome.dropped, outcome.thrown_out), (0, 0, 0));
    assert!(outcome.quantile(990) < Duration::from_secs(50), "{:?}", outcome.quantile(990));
}

#[test]
fn three_accounts_share_the_people_and_each_person_knows_one() {
    let outcome = bridge(3, None, None);
    outcome.print("bridge, 3 accounts");
    assert_eq!((outcome.lost, outcome.dropped, outcome.thrown_out), (0, 0, 0));
    assert!(outcome.quantile(990) < Duration::from_secs(18), "{:?}", outcome.quantile(990));
    assert!(outcome.senders.values().all(|accounts| accounts.len() == 1), "{:?}", outcome.senders);
    let of = |account: usize| outcome.senders.values().filter(|senders| senders.contains(&account)).count();
    assert_eq!([of(0), of(1), of(2)], [4, 3, 3]);
}

#[test]
fn when_an_account_is_lost_its_people_are_spread_over_the_others() {
    let outcome = bridge(3, Some((0, 120_000, 240_000)), None);
    outcome.print("bridge, 3 accounts, one away for 2 minutes");
    assert_eq!((outcome.lost, outcome.thrown_out), (0, 0));
    let of_the_lost = |who: &str| outcome.senders.get(who).cloned().unwrap_or_default();
    let substitutes: BTreeSet<usize> =
        ["staff0", "staff3", "staff6", "staff9"].into_iter().flat_map(of_the_lost).collect();
    assert_eq!(substitutes, BTreeSet::from([0, 1, 2]), "not all to the same");
    assert!(of_the_lost("staff1") == BTreeSet::from([1]), "the others keep theirs");
}

#[test]
fn in_a_staff_room_everybody_reads_at_once() {
    let outcome = bridge(1, None, Some(Room::new()));
    outcome.print("bridge, 1 account, staff room");
    assert_eq!((outcome.lost, outcome.dropped, outcome.thrown_out), (0, 0, 0));
    assert!(outcome.quantile(990) < Duration::from_secs(4), "{:?}", outcome.quantile(990));
}

#[test]
fn a_sender_that_knows_no_limits_loses_nearly_all() {
    let outcome = naive();
    outcome.print("naive sender, 1 account");
    assert!(outcome.lost > outcome.due * 9 / 10, "{outcome:?}");
    assert_eq!(outcome.thrown_out, 1);
}
