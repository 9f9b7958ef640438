//! Whatever happens, in whatever order: no line is lost, misrouted or out of order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::{Bench, source};
use crate::aim::event::{AimCommand, AimEvent, ImCookie, ImRefusal};
use crate::conversation::guard::Pace;
use crate::conversation::routing::Routing;
use crate::hub::desk::{Effect, Settings};
use crate::irc::event::{IrcCommand, IrcEvent, IrcLine, IrcRefusal, SendId, Speech};

const VISITORS: [&str; 3] = ["anna", "bob", "carl"];
const STAFF: [&str; 2] = ["staff1", "staff2"];

#[derive(Debug, Clone)]
enum Event {
    VisitorSays(usize),
    StaffAnswers(usize, usize),
    StaffComes(usize),
    StaffGoes(usize),
    Credits(u32),
    /// The server answers the oldest message on its way.
    ServerAcks,
    ServerRefuses(u8),
    AimLost,
    AimUp,
    /// The daemon answers the oldest answer on its way.
    DaemonAccepts,
    DaemonRefuses,
    IrcLost,
    IrcUp,
    VisitorLeaves(usize),
    /// Somebody else takes a visitor's nick, and speaks.
    NickIsTaken(usize),
    Crash,
    Pass(u64),
    /// A command about a visitor's conversation, for claim routing.
    Command(usize, &'static str, usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..3_usize).prop_map(Event::VisitorSays),
        4 => (0..2_usize, 0..3_usize).prop_map(|(staff, visitor)| Event::StaffAnswers(staff, visitor)),
        2 => (0..2_usize).prop_map(Event::StaffComes),
        1 => (0..2_usize).prop_map(Event::StaffGoes),
        3 => (1..20_u32).prop_map(Event::Credits),
        6 => Just(Event::ServerAcks),
        2 => (0..4_u8).prop_map(Event::ServerRefuses),
        1 => Just(Event::AimLost),
        2 => Just(Event::AimUp),
        4 => Just(Event::DaemonAccepts),
        1 => Just(Event::DaemonRefuses),
        1 => Just(Event::IrcLost),
        2 => Just(Event::IrcUp),
        1 => (0..3_usize).prop_map(Event::VisitorLeaves),
        1 => (0..3_usize).prop_map(Event::NickIsTaken),
        1 => Just(Event::Crash),
        2 => (1..90_u64).prop_map(Event::Pass),
    ]
}

fn event_with_claims() -> impl Strategy<Value = Event> {
    let commands = prop::sample::select(vec!["/claim", "/release", "/transfer", "/close", "/away", "/back"]);
    prop_oneof![
        12 => event(),
        4 => (0..2_usize, commands, 0..3_usize).prop_map(|(who, command, whom)| Event::Command(who, command, whom)),
    ]
}

/// The world around the desk: what it was sent, who holds which nick, and what each person has read.
struct World {
    t: Bench,
    aim_up: bool,
    irc_up: bool,
    online: [bool; 2],
    to_aim: Vec<(ImCookie, String, String)>,
    to_irc: Vec<(SendId, String, String)>,
    /// Who has the nick: the sign-on number of the person, 0 for nobody.
    holders: BTreeMap<String, u64>,
    next_person: u64,
    lines: [u64; 3],
    answers: [u64; 3],
    /// Lines that were stored, in order.
    stored: Vec<String>,
    staff_read: BTreeMap<String, Vec<String>>,
    visitor_read: BTreeMap<u64, Vec<String>>,
    cookies: HashMap<ImCookie, String>,
}

impl World {
    fn new(routing: Routing) -> Self {
        let pace = Pace { burst: 0, per_second: 0 };
        let settings = Settings { show_answers: false, pace, routing, ..Settings::default() };
        let mut world = Self {
            t: Bench::quiet(settings),
            aim_up: false,
            irc_up: false,
            online: [false; 2],
            to_aim: Vec::new(),
            to_irc: Vec::new(),
            holders: BTreeMap::new(),
            next_person: 100,
            lines: [0; 3],
            answers: [0; 3],
            stored: Vec::new(),
            staff_read: BTreeMap::new(),
            visitor_read: BTreeMap::new(),
            cookies: HashMap::new(),
        };
        world.happen(&Event::IrcUp);
        world.happen(&Event::AimUp);
        for visitor in 0..VISITORS.len() {
            world.happen(&Event::VisitorSays(visitor));
        }
        world
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::VisitorSays(visitor) if self.irc_up => self.visitor_says(*visitor),
            Event::StaffAnswers(staff, visitor) if self.aim_up && self.online[*staff] => {
                self.answers[*visitor] += 1;
                let text = format!("answer {}", self.answers[*visitor]);
                self.t.types(STAFF[*staff], &format!("{}: {text}", VISITORS[*visitor]));
            }
            Event::StaffComes(staff) if self.aim_up => {
                self.online[*staff] = true;
                self.t.online(STAFF[*staff]);
            }
            Event::StaffGoes(staff) if self.aim_up => {
                self.online[*staff] = false;
                self.t.offline(STAFF[*staff]);
            }
            Event::Credits(credits) if self.aim_up => {
                self.t.credits(*credits);
            }
            Event::ServerAcks if !self.to_aim.is_empty() => {
                let (cookie, to, text) = self.to_aim.remove(0);
                self.deliver_im(&to, &text);
                self.t.aim(AimEvent::Acked { cookie });
            }
            Event::ServerRefuses(how) if !self.to_aim.is_empty() => self.server_refuses(*how),
            Event::AimLost if self.aim_up => {
                self.aim_up = false;
                self.online = [false; 2];
                // The server may have had the first of what was on its way.
                let on_the_way = std::mem::take(&mut self.to_aim);
                for (_, to, text) in on_the_way.iter().take(on_the_way.len().div_ceil(2)) {
                    self.deliver_im(to, text);
                }
                let heard_at = self.t.now.to_system();
                self.t.aim(AimEvent::Lost {
                    reason: "reset".into(),
                    heard_at,
                    retry_in: std::time::Duration::from_secs(1),
                });
            }
            Event::AimUp if !self.aim_up => {
                self.aim_up = true;
                self.t.aim_up();
            }
            Event::DaemonAccepts if !self.to_irc.is_empty() => {
                let (id, nick, text) = self.to_irc.remove(0);
                match self.holders.get(&nick) {
                    Some(person) => {
                        self.visitor_read.entry(*person).or_default().push(text);
                        self.t.irc(IrcEvent::Accepted { id });
                    }
                    None => {
                        self.t.irc(IrcEvent::Refused { id, refusal: IrcRefusal::NoSuchNick });
                    }
                }
            }
            Event::DaemonRefuses if !self.to_irc.is_empty() => {
                let refusal = IrcRefusal::Cannot("too busy".into());
                // A daemon that is too busy for one is so for all that is on the way.
                for (id, ..) in std::mem::take(&mut self.to_irc) {
                    self.t.irc(IrcEvent::Refused { id, refusal: refusal.clone() });
                }
            }
            Event::IrcLost if self.irc_up => {
                self.irc_up = false;
                self.to_irc.clear();
                self.t.irc(IrcEvent::Lost { reason: "reset".into() });
            }
            Event::IrcUp if !self.irc_up => {
                self.irc_up = true;
                self.t.irc_up();
            }
            Event::VisitorLeaves(visitor) if self.irc_up && self.to_irc.is_empty() => {
                self.holders.remove(VISITORS[*visitor]);
                self.t.irc(IrcEvent::Gone { nick: VISITORS[*visitor].into() });
            }
            Event::NickIsTaken(visitor) if self.irc_up && self.to_irc.is_empty() => {
                let nick = VISITORS[*visitor];
                self.t.irc(IrcEvent::Gone { nick: nick.into() });
                self.next_person += 1;
                self.holders.insert(nick.into(), self.next_person);
                let line = IrcLine { from: source(nick, self.next_person), ..self.t.line(nick, "who am I?") };
                self.t.irc(IrcEvent::Line(line));
            }
            Event::Crash => {
                self.collect();
                self.t.crash();
                (self.aim_up, self.irc_up, self.online) = (false, false, [false; 2]);
                self.to_aim.clear();
                self.to_irc.clear();
            }
            Event::Command(staff, command, visitor) if self.aim_up && self.online[*staff] => {
                let text = match *command {
                    "/away" | "/back" => (*command).to_owned(),
                    "/transfer" => format!("/transfer {} {}", VISITORS[*visitor], STAFF[1 - *staff]),
                    command => format!("{command} {}", VISITORS[*visitor]),
                };
                self.t.types(STAFF[*staff], &text);
            }
            Event::Pass(seconds) => {
                self.t.after(*seconds);
            }
            _ => {}
        }
        self.collect();
    }

    fn visitor_says(&mut self, visitor: usize) {
        let nick = VISITORS[visitor];
        let person = visitor as u64 + 1;
        if self.holders.insert(nick.into(), person).is_some_and(|other| other != person) {
            // The nick has to be free before its first owner can come back.
            self.t.irc(IrcEvent::Gone { nick: nick.into() });
        }
        self.lines[visitor] += 1;
        let text = format!("{nick}: line {}", self.lines[visitor]);
        let line = IrcLine {
            from: source(nick, person),
            ..self.t.line(nick, &format!("line {}", self.lines[visitor]))
        };
        self.t.irc(IrcEvent::Line(line));
        self.stored.push(text);
    }

    fn server_refuses(&mut self, how: u8) {
        let refusal = match how {
            0 => ImRefusal::NotSignedOn,
            1 => ImRefusal::Refused { code: 5, words: "later".into(), permanent: false },
            _ => ImRefusal::NoAcknowledgement,
        };
        let (cookie, to, text) = self.to_aim.remove(0);
        if how == 3 {
            // It came, but its acknowledgement did not.
            self.deliver_im(&to, &text);
            self.t.refused(cookie, refusal);
            return;
        }
        // A server that refuses one refuses what it has of the same person behind it.
        let behind: Vec<ImCookie> =
            self.to_aim.iter().filter(|(_, other, _)| *other == to).map(|(cookie, ..)| *cookie).collect();
        self.to_aim.retain(|(_, other, _)| *other != to);
        if how == 0 {
            self.online[STAFF.iter().position(|name| *name == to).unwrap()] = false;
        }
        for cookie in behind.into_iter().rev() {
            self.t.refused(cookie, refusal.clone());
        }
        self.t.refused(cookie, refusal);
    }

    fn deliver_im(&mut self, to: &str, text: &str) {
        let read = self.staff_read.entry(to.into()).or_default();
        let again = text.strip_suffix(" (again)");
        for line in again.unwrap_or(text).lines().filter(|line| !line.starts_with("* ")) {
            if read.iter().any(|known| known == line) {
                assert!(again.is_some(), "{to} read {line:?} twice without a mark");
            } else {
                read.push(line.to_owned());
            }
        }
    }

    /// Takes over what the desk has sent; asks of the daemon are answered at once.
    fn collect(&mut self) {
        loop {
            let effects = std::mem::take(&mut self.t.out);
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Aim(_, AimCommand::Send { cookie, to, text }) => {
                        let body = text.strip_suffix(" (again)").unwrap_or(&text).to_owned();
                        let before = self.cookies.insert(cookie, body.clone());
                        assert!(before.is_none_or(|before| before == body), "one id, two texts");
                        self.to_aim.push((cookie, to.to_string(), text.to_string()));
                    }
                    Effect::Irc(IrcCommand::Say { id, to, speech: Speech::Privmsg, text, .. }) => {
                        self.to_irc.push((id, to, text));
                    }
                    Effect::Irc(IrcCommand::Identify { nick }) => {
                        let event = match self.holders.get(&nick) {
                            Some(person) => IrcEvent::Identified { source: source(&nick, *person) },
                            None => IrcEvent::Gone { nick },
                        };
                        self.t.irc(event);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Everybody comes, everything is answered.
    fn settle(&mut self) {
        self.happen(&Event::IrcUp);
        self.happen(&Event::AimUp);
        for round in 0..60 {
            for staff in 0..STAFF.len() {
                self.happen(&Event::StaffComes(staff));
                if round == 0 {
                    self.happen(&Event::Command(staff, "/back", 0));
                }
            }
            if round == 0 {
                for visitor in 0..VISITORS.len() {
                    self.happen(&Event::VisitorSays(visitor));
                }
            }
            self.happen(&Event::Credits(20));
            while !self.to_aim.is_empty() {
                self.happen(&Event::ServerAcks);
            }
            while !self.to_irc.is_empty() {
                self.happen(&Event::DaemonAccepts);
            }
            self.happen(&Event::Pass(31));
        }
    }

    /// Everybody has read every line, in order.
    fn check_broadcast(&self) {
        for staff in STAFF {
            let read = self.staff_read.get(staff).cloned().unwrap_or_default();
            for visitor in VISITORS {
                assert_eq!(of(visitor, &read), of(visitor, &self.stored), "what {staff} read of {visitor}");
            }
        }
        self.check_answers();
    }

    /// Somebody has read every line, and everybody what they read in order.
    fn check_claims(&self) {
        for visitor in VISITORS {
            let stored = of(visitor, &self.stored);
            let mut all: BTreeSet<String> = BTreeSet::new();
            for staff in STAFF {
                let read = of(visitor, &self.staff_read.get(staff).cloned().unwrap_or_default());
                let place = |line: &String| stored.iter().position(|known| known == line);
                assert!(read.is_sorted_by_key(place), "what {staff} read of {visitor}: {read:?}");
                all.extend(read);
            }
            assert_eq!(all, stored.into_iter().collect(), "what all read of {visitor}");
        }
        self.check_answers();
    }

    fn check_answers(&self) {
        for (index, visitor) in VISITORS.iter().enumerate() {
            let mut heard: Vec<String> = Vec::new();
            let mut seen = BTreeSet::new();
            for text in self.visitor_read.get(&(index as u64 + 1)).into_iter().flatten() {
                let text = text.strip_suffix(" (again)").unwrap_or(text);
                if seen.insert(text.to_owned()) {
                    heard.push(text.to_owned());
                }
            }
            let said: Vec<String> =
                (1..=self.answers[index]).map(|number| format!("answer {number}")).collect();
            assert_eq!(heard, said, "what {visitor} heard");
        }
        for (person, heard) in &self.visitor_read {
            assert!(*person <= 3 || heard.is_empty(), "a stranger heard {heard:?}");
        }
        assert_eq!(self.t.desk.status().owed_to_staff, 0);
        assert_eq!(self.t.desk.status().owed_to_visitors, 0);
    }
}

fn of(visitor: &str, lines: &[String]) -> Vec<String> {
    lines.iter().filter(|line| line.starts_with(&format!("{visitor}: line"))).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_misrouted_or_out_of_order(events in prop::collection::vec(event(), 0..120)) {
        let mut world = World::new(Routing::Broadcast);
        for event in &events {
            world.happen(event);
        }
        world.settle();
        world.check_broadcast();
    }

    #[test]
    fn claims_lose_nothing_either(events in prop::collection::vec(event_with_claims(), 0..120)) {
        let mut world = World::new(Routing::Claim);
        for event in &events {
            world.happen(event);
        }
        world.settle();
        world.check_claims();
    }
}
