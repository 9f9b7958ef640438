//! Who speaks: sign-on time and account of each source, learnt by WHOIS before its first line goes on.
//!
//! A nick is not a person. user@host together with the sign-on time tells a visitor from the next holder of the
//! nick, so a line waits (in order per source, bounded, with a deadline) until that is known. A daemon that names the
//! connection with each line (`ircd-lite/receiver`) is asked nothing: no line waits there. What was learnt
//! holds while we would see the source go: in a common channel, or watched by MONITOR; else for a short time.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::event::{IrcEvent, IrcLine, Place, Source, Speech};
use super::isupport::ISupport;
use super::queue::Queue;
use super::text::{Line, LineText, Word};

/// How long a line waits for what WHOIS tells; then it goes on with what is known.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer holds when nothing would tell us that its person left.
const UNANCHORED: Duration = Duration::from_secs(30);
/// How long after a daemon has said that it is too busy for a WHOIS it is asked again.
const PAUSE: Duration = Duration::from_secs(2);
/// WHOIS under way at once.
const IN_FLIGHT: usize = 4;
/// Lines that wait in all; beyond it those of the source that waits longest go on unidentified.
const MAX_HELD: usize = 512;
/// People remembered.
const MAX_KNOWN: usize = 4096;

#[derive(Debug)]
struct Known {
    user: String,
    host: String,
    account: Option<String>,
    signed_on: Option<u64>,
    connection: Option<String>,
    learnt: Instant,
    /// Whether we would see this person leave.
    anchored: bool,
}

#[derive(Debug)]
struct Waiting {
    /// As spelled by the daemon.
    nick: String,
    /// User and host of the lines; `None` when none wait.
    expected: Option<(String, String)>,
    lines: VecDeque<IrcLine>,
    /// The hub asked who this is.
    wanted: bool,
    deadline: Instant,
    /// WHOIS was queued.
    asked: bool,
    /// Whom it asks.
    reach: Reach,
    /// The daemon is not asked before.
    not_before: Option<Instant>,
    /// The folded nick under which we knew the same connection. Who has that now tells whether it is the same person under
    /// another nick, of which no news came, or one of two whom their user@host and sign-on time don't tell apart.
    former: Option<String>,
    answer: Answer,
}

/// Whom a WHOIS asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The daemon itself: enough for everybody who is connected to it.
    Near,
    /// The server that the person is on: elsewhere only that one knows the sign-on time. Daemons of ratbox's family answer
    /// one such question in some seconds and refuse the others (263).
    Far,
}

#[derive(Debug, Default, Clone)]
struct Answer {
    /// User and host as 311 named them.
    found: Option<(String, String)>,
    account: Option<String>,
    signed_on: Option<u64>,
    connection: Option<String>,
}

impl Known {
    fn is_fresh(&self, now: Instant) -> bool {
        self.anchored || now.saturating_duration_since(self.learnt) < UNANCHORED
    }

    fn source(&self, nick: &str) -> Source {
        Source {
            nick: nick.to_owned(),
            user: self.user.clone(),
            host: self.host.clone(),
            account: self.account.clone(),
            signed_on: self.signed_on,
            connection: self.connection.clone(),
        }
    }
}

impl Answer {
    /// Whether it tells of the same connection, as far as user@host and sign-on time tell.
    fn is_about(&self, known: &Known) -> bool {
        self.signed_on.is_some()
            && self.signed_on == known.signed_on
            && self.found.as_ref().is_some_and(|(user, host)| *user == known.user && *host == known.host)
    }

    fn known(&self, learnt: Instant) -> Option<Known> {
        let (user, host) = self.found.clone()?;
        let Self { account, signed_on, connection, .. } = self.clone();
        Some(Known { user, host, account, signed_on, connection, learnt, anchored: false })
    }
}

impl Waiting {
    fn new(nick: &str, now: Instant) -> Self {
        Self {
            nick: nick.to_owned(),
            expected: None,
            lines: VecDeque::new(),
            wanted: false,
            deadline: now + PATIENCE,
            asked: false,
            reach: Reach::Near,
            not_before: None,
            former: None,
            answer: Answer::default(),
        }
    }
}

/// The sources of lines, by nick.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Boxed: a table has room for as many again.
    known: HashMap<String, Box<Known>>,
    waiting: HashMap<String, Waiting>,
    /// Folded nicks whose WHOIS is under way, in the order in which it was asked, which is that of the answers.
    under_way: VecDeque<String>,
    /// Folded nicks in the order in which they began to wait.
    order: VecDeque<String>,
    held: usize,
    ready: VecDeque<IrcEvent>,
    /// Folded nicks on the daemon's MONITOR list, oldest first.
    watched: VecDeque<String>,
    /// User names, and the folded nick of each, that the hub knows better than the daemon. As many as the gateway has
    /// connections.
    vouched: HashMap<String, String>,
}

impl People {
    /// The hub knows who this is.
    pub(super) fn vouch(&mut self, user: String, nick: String) {
        self.vouched.insert(user, nick);
    }

    /// Not any more.
    pub(super) fn unvouch(&mut self, user: &str) {
        self.vouched.remove(user);
    }

    /// Takes a line; it comes out of [`People::poll_ready`] now or later, after those before it of the same source.
    pub(super) fn admit(&mut self, mut line: IrcLine, support: &ISupport, now: Instant, queue: &mut Queue) {
        let nick = support.case_mapping.fold(&line.from.nick);
        if line.from.connection.is_some() && line.speech == Speech::Privmsg {
            self.release_lines(&nick, now);
            self.named(&nick, &line, support, now, queue);
            self.ready.push_back(IrcEvent::Line(line));
            return;
        }
        if let Some(waiting) = self.waiting.get_mut(&nick) {
            let from = (line.from.user.clone(), line.from.host.clone());
            if *waiting.expected.get_or_insert_with(|| from.clone()) == from {
                waiting.lines.push_back(line);
                self.held += 1;
                self.bound(now);
                return;
            }
            self.release(&nick, now);
        }
        if let Some(known) = self.fresh(&nick, &line.from, now) {
            known.anchored |= line.place != Place::Private && !line.replayed;
            let unseen = (!known.anchored && !line.replayed).then(|| line.from.nick.clone());
            fill(&mut line, known.account.as_ref(), known.signed_on);
            self.ready.push_back(IrcEvent::Line(line));
            self.ready.extend(unseen.map(|nick| IrcEvent::Unseen { nick }));
            return;
        }
        let nothing_to_learn =
            line.from.account.is_some() || line.speech == Speech::Notice || line.from.user.is_empty();
        let is_vouched = self.vouched.get(line.from.user.trim_start_matches('~')) == Some(&nick);
        if nothing_to_learn || is_vouched {
            let is_unseen = !is_vouched && !line.replayed && line.place == Place::Private;
            let unseen = is_unseen.then(|| line.from.nick.clone());
            self.ready.push_back(IrcEvent::Line(line));
            self.ready.extend(unseen.map(|nick| IrcEvent::Unseen { nick }));
            return;
        }
        self.known.remove(&nick);
        let mut waiting = Waiting::new(&line.from.nick, now);
        waiting.expected = Some((line.from.user.clone(), line.from.host.clone()));
        waiting.lines.push_back(line);
        self.held += 1;
        self.wait(nick, waiting, now, queue);
        self.bound(now);
    }

    /// Lines that wait go before one that need not.
    fn release_lines(&mut self, nick: &str, now: Instant) {
        if self.waiting.get(nick).is_some_and(|waiting| !waiting.lines.is_empty()) {
            self.release(nick, now);
        }
    }

    /// The daemon says which connection a line came from. Whether its person leaves is still to be seen.
    fn named(&mut self, nick: &str, line: &IrcLine, support: &ISupport, now: Instant, queue: &mut Queue) {
        let is_vouched =
            self.vouched.get(line.from.user.trim_start_matches('~')).is_some_and(|of| of == nick);
        if line.replayed || is_vouched {
            return;
        }
        let in_channel = line.place != Place::Private;
        if let Some(known) = self.fresh(nick, &line.from, now) {
            known.anchored |= in_channel;
            return;
        }
        self.make_room();
        let Source { user, host, account, signed_on, connection, .. } = line.from.clone();
        let known = Known { user, host, account, signed_on, connection, learnt: now, anchored: in_channel };
        self.known.insert(nick.to_owned(), Box::new(known));
        if !in_channel {
            self.watch(nick, &line.from.nick, support, queue);
        }
    }

    /// Asks who has a nick; the answer comes out of [`People::poll_ready`].
    pub(super) fn identify(&mut self, nick: &str, support: &ISupport, now: Instant, queue: &mut Queue) {
        let folded = support.case_mapping.fold(nick);
        if let Some(waiting) = self.waiting.get_mut(&folded) {
            waiting.wanted = true;
            return;
        }
        // What was learnt of somebody whom we would not see leave is no answer: others may have the nick by now.
        if let Some(known) = self.known.get(&folded).filter(|known| known.anchored) {
            self.ready.push_back(IrcEvent::Identified { source: known.source(nick) });
            return;
        }
        let mut waiting = Waiting::new(nick, now);
        waiting.wanted = true;
        self.wait(folded, waiting, now, queue);
    }

    /// The next line whose source is as known as it will be, or answer to [`People::identify`].
    pub(super) fn poll_ready(&mut self) -> Option<IrcEvent> {
        self.ready.pop_front()
    }

    /// What is known of a source now; `None` while lines of it wait.
    pub(super) fn describe(
        &mut self,
        mut source: Source,
        support: &ISupport,
        now: Instant,
    ) -> Option<Source> {
        let nick = support.case_mapping.fold(&source.nick);
        if self.waiting.contains_key(&nick) {
            return None;
        }
        if let Some(known) = self.fresh(&nick, &source, now) {
            source.account = source.account.or_else(|| known.account.clone());
            source.signed_on = known.signed_on;
        }
        Some(source)
    }

    /// 311: whom the WHOIS is about.
    pub(super) fn whois_user(&mut self, nick: &str, user: &str, host: &str) {
        if let Some(waiting) = self.waiting.get_mut(nick) {
            waiting.answer.found = Some((user.to_owned(), host.to_owned()));
        }
    }

    /// 330.
    pub(super) fn whois_account(&mut self, nick: &str, account: &str) {
        if let Some(waiting) = self.waiting.get_mut(nick) {
            waiting.answer.account = Some(account.to_owned());
        }
    }

    /// 320, where it has this meaning.
    pub(super) fn whois_connection(&mut self, nick: &str, connection: &str) {
        if let Some(waiting) = self.waiting.get_mut(nick) {
            waiting.answer.connection = Some(connection.to_owned());
        }
    }

    /// 317.
    pub(super) fn whois_signed_on(&mut self, nick: &str, at: Option<u64>) {
        if let Some(waiting) = self.waiting.get_mut(nick) {
            waiting.answer.signed_on = at;
        }
    }

    /// 401 or 402 while a WHOIS is under way that has told nothing yet. `false`: it is about something else.
    pub(super) fn whois_absent(
        &mut self,
        nick: &str,
        is_nobody: bool,
        now: Instant,
        support: &ISupport,
        queue: &mut Queue,
    ) -> bool {
        let Some(waiting) = self.waiting.get_mut(nick) else { return false };
        let has_answered = waiting.answer.found.is_some() && waiting.reach == Reach::Near;
        if !waiting.asked || has_answered {
            return false;
        }
        if is_nobody {
            // What the first question told is about somebody who has left since.
            waiting.answer = Answer::default();
        }
        let later = self.tell_renamed(nick);
        self.release(nick, now);
        for later in later {
            self.finish(&later, now, support, queue);
        }
        true
    }

    /// 263 for a WHOIS: the daemon was asked too much. It doesn't say about whom; answers come in the order of the
    /// questions.
    pub(super) fn whois_refused(&mut self, now: Instant) {
        let Some(nick) = self.under_way.pop_front() else { return };
        if let Some(waiting) = self.waiting.get_mut(&nick) {
            waiting.asked = false;
            waiting.not_before = Some(now + PAUSE);
        }
    }

    /// 318.
    pub(super) fn whois_end(&mut self, nick: &str, now: Instant, support: &ISupport, queue: &mut Queue) {
        self.under_way.retain(|other| other != nick);
        let Some(waiting) = self.waiting.get_mut(nick) else { return };
        let Answer { found, account, signed_on, connection } = &waiting.answer;
        let is_known = found.is_none() || account.is_some() || signed_on.is_some() || connection.is_some();
        if waiting.reach == Reach::Near && !is_known {
            waiting.reach = Reach::Far;
            waiting.asked = false;
            self.ask_next(now, queue);
            return;
        }
        if waiting.former.is_none()
            && let Some(former) = self.former(nick)
        {
            self.known.remove(&former);
            if let Some(waiting) = self.waiting.get_mut(nick) {
                waiting.former = Some(former.clone());
            }
            if !self.waiting.contains_key(&former) {
                let waiting = Waiting::new(&former, now);
                self.wait(former, waiting, now, queue);
            }
            self.ask_next(now, queue);
            return;
        }
        let later = self.tell_renamed(nick);
        self.finish(nick, now, support, queue);
        for later in later {
            self.finish(&later, now, support, queue);
        }
    }

    /// Another nick under which we knew the connection that a WHOIS has told of, and would not have seen it go.
    fn former(&self, nick: &str) -> Option<String> {
        let answer = &self.waiting.get(nick)?.answer;
        let is_it = |known: &Known| !known.anchored && known.connection.is_none() && answer.is_about(known);
        self.known.iter().find(|(old, known)| *old != nick && is_it(known)).map(|(old, _)| old.clone())
    }

    /// A WHOIS about this nick is answered. Gives those who waited for that; where the nick is not theirs any more they have
    /// changed it.
    fn tell_renamed(&mut self, former: &str) -> Vec<String> {
        let waits = |(_, waiting): &(&String, &Waiting)| waiting.former.as_deref() == Some(former);
        let later: Vec<String> = self.waiting.iter().filter(waits).map(|(nick, _)| nick.clone()).collect();
        let holder = self.waiting.get(former).map(|waiting| &waiting.answer);
        for waiting in later.iter().filter_map(|nick| self.waiting.get(nick)) {
            let Some(known) = waiting.answer.known(waiting.deadline) else { continue };
            if holder.is_none_or(|holder| !holder.is_about(&known)) {
                let from = known.source(former);
                self.ready.push_back(IrcEvent::Renamed { from, to: waiting.nick.clone() });
            }
        }
        later
    }

    fn finish(&mut self, nick: &str, now: Instant, support: &ISupport, queue: &mut Queue) {
        let Some(waiting) = self.waiting.get(nick) else { return };
        let place = waiting.lines.back().map(|line| (line.place.clone(), line.replayed));
        let spelled = waiting.nick.clone();
        self.release(nick, now);
        match place {
            // Nobody's line waits: the hub wants to write to this person.
            None | Some((Place::Private, false)) => self.watch(nick, &spelled, support, queue),
            Some((Place::Channel(_), false)) => {
                if let Some(known) = self.known.get_mut(nick) {
                    known.anchored = true;
                }
            }
            Some((_, true)) => {}
        }
        self.ask_next(now, queue);
    }

    /// QUIT, or MONITOR's 731: the nick is nobody's now.
    pub(super) fn gone(&mut self, nick: &str, now: Instant) {
        if let Some(waiting) = self.waiting.get_mut(nick) {
            // The session says so itself.
            waiting.wanted = false;
        }
        self.release(nick, now);
        self.known.remove(nick);
    }

    /// NICK: the same person under another name. Folded nicks.
    pub(super) fn renamed(&mut self, from: &str, to: &str, now: Instant) {
        self.release(from, now);
        self.release(to, now);
        self.known.remove(to);
        if let Some(mut known) = self.known.remove(from) {
            // MONITOR watches the old nick.
            known.anchored = false;
            known.learnt = now;
            self.known.insert(to.to_owned(), known);
        }
    }

    /// PART or KICK: a later QUIT may pass unseen.
    pub(super) fn parted(&mut self, nick: &str, now: Instant) {
        let watched = self.watched.iter().any(|other| other == nick);
        if let Some(known) = self.known.get_mut(nick)
            && !watched
        {
            known.anchored = false;
            known.learnt = now;
            self.ready.push_back(IrcEvent::Unseen { nick: nick.to_owned() });
        }
    }

    /// ACCOUNT or CHGHOST: what was learnt is no longer so.
    pub(super) fn changed(&mut self, nick: &str) {
        self.known.remove(nick);
    }

    /// 730: a watched nick is there, as this person.
    pub(super) fn watched_is_on(&mut self, nick: &str, user_and_host: &str) {
        let Some(known) = self.known.get_mut(nick) else { return };
        if user_and_host.is_empty() || user_and_host == format!("{}@{}", known.user, known.host) {
            known.anchored = true;
        } else {
            self.known.remove(nick);
        }
    }

    /// 734: the daemon watches no more than it does.
    pub(super) fn watch_list_full(&mut self, nicks: &str, support: &ISupport) {
        for nick in nicks.split(',') {
            let nick = support.case_mapping.fold(nick);
            self.watched.retain(|other| *other != nick);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, queue: &mut Queue) {
        let late = |people: &Self| {
            let first = people.order.front()?;
            people.waiting.get(first).is_none_or(|waiting| waiting.deadline <= now).then(|| first.clone())
        };
        while let Some(nick) = late(self) {
            self.release(&nick, now);
        }
        self.ask_next(now, queue);
    }

    /// Whether no line waits for what WHOIS tells.
    pub(super) fn hold_nothing(&self) -> bool {
        self.held == 0
    }

    /// The connection is over: what waits goes on with what is known.
    pub(super) fn release_all(&mut self, now: Instant) {
        let order: Vec<String> = self.order.iter().cloned().collect();
        for nick in order {
            if let Some(waiting) = self.waiting.get_mut(&nick) {
                waiting.wanted = false;
            }
            self.release(&nick, now);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let first = self.waiting.get(self.order.front()?).map(|waiting| waiting.deadline);
        let again =
            self.waiting.values().filter(|waiting| !waiting.asked).filter_map(|waiting| waiting.not_before);
        first.into_iter().chain(again).min()
    }

    fn fresh(&mut self, nick: &str, source: &Source, now: Instant) -> Option<&mut Known> {
        self.known
            .get_mut(nick)
            .map(Box::as_mut)
            .filter(|known| known.user == source.user && known.host == source.host && known.is_fresh(now))
            // The same user and host, yet another connection: somebody else.
            .filter(|known| source.connection.is_none() || known.connection == source.connection)
    }

    fn ask_next(&mut self, now: Instant, queue: &mut Queue) {
        let mut free = IN_FLIGHT.saturating_sub(self.under_way.len());
        for nick in &self.order {
            if free == 0 {
                break;
            }
            let may_ask =
                |waiting: &&mut Waiting| !waiting.asked && waiting.not_before.is_none_or(|at| at <= now);
            let Some(waiting) = self.waiting.get_mut(nick).filter(may_ask) else { continue };
            waiting.asked = true;
            waiting.not_before = None;
            free -= 1;
            if let Some(word) = Word::new(&waiting.nick) {
                let line = Line::new("WHOIS").word(&word);
                queue.query(if waiting.reach == Reach::Far { line.word(&word) } else { line });
                self.under_way.push_back(nick.clone());
            }
        }
    }

    /// Lets the waiting lines of a nick go on with what is known.
    fn release(&mut self, nick: &str, now: Instant) {
        self.under_way.retain(|other| other != nick);
        let Some(waiting) = self.waiting.remove(nick) else {
            self.order.retain(|other| other != nick);
            return;
        };
        self.order.retain(|other| other != nick);
        self.held = self.held.saturating_sub(waiting.lines.len());
        let Answer { found, account, signed_on, connection } = waiting.answer;
        let same = found.is_some() && (waiting.expected.is_none() || waiting.expected == found);
        // Whoever speaks in a channel is seen to leave.
        let is_unseen = match waiting.lines.back() {
            Some(line) => line.place == Place::Private && !line.replayed,
            None => waiting.wanted && found.is_some(),
        };
        let unseen = is_unseen.then(|| waiting.nick.clone());
        for mut line in waiting.lines {
            if same {
                fill(&mut line, account.as_ref(), signed_on);
            }
            self.ready.push_back(IrcEvent::Line(line));
        }
        let known = found.map(|(user, host)| {
            Box::new(Known { user, host, account, signed_on, connection, learnt: now, anchored: false })
        });
        if waiting.wanted {
            self.ready.push_back(match &known {
                Some(known) => IrcEvent::Identified { source: known.source(&waiting.nick) },
                // Not answered in time counts as nobody: what is owed stays owed.
                None => IrcEvent::Gone { nick: waiting.nick },
            });
        }
        self.ready.extend(unseen.map(|nick| IrcEvent::Unseen { nick }));
        if let Some(known) = known {
            self.make_room();
            self.known.insert(nick.to_owned(), known);
        }
    }

    fn wait(&mut self, nick: String, waiting: Waiting, now: Instant, queue: &mut Queue) {
        self.waiting.insert(nick.clone(), waiting);
        self.order.push_back(nick);
        self.ask_next(now, queue);
    }

    fn bound(&mut self, now: Instant) {
        while self.held > MAX_HELD {
            let Some(first) = self.order.front().cloned() else { return };
            self.release(&first, now);
        }
    }

    fn make_room(&mut self) {
        if self.known.len() < MAX_KNOWN {
            return;
        }
        let oldest = self.known.iter().min_by_key(|(_, known)| known.learnt).map(|(nick, _)| nick.clone());
        if let Some(nick) = oldest {
            self.known.remove(&nick);
        }
    }

    fn watch(&mut self, nick: &str, spelled: &str, support: &ISupport, queue: &mut Queue) {
        let Some(limit) = support.monitor else { return };
        if self.watched.iter().any(|other| other == nick) || limit < 2 {
            return;
        }
        // One place stays free for our own wanted nick.
        if self.watched.len() + 1 >= limit
            && let Some(oldest) = self.watched.pop_front()
        {
            if let Some(known) = self.known.get_mut(&oldest) {
                known.anchored = false;
                self.ready.push_back(IrcEvent::Unseen { nick: oldest.clone() });
            }
            monitor("-", &oldest, queue);
        }
        self.watched.push_back(nick.to_owned());
        monitor("+", spelled, queue);
    }
}

/// `MONITOR + nick` or `MONITOR - nick`.
pub(super) fn monitor(sign: &str, nick: &str, queue: &mut Queue) {
    if let Some(sign) = Word::new(sign) {
        queue.query(Line::new("MONITOR").word(&sign).trailing(&LineText::flat(nick)));
    }
}

/// Adds what WHOIS told, unless the line is older than the sign-on: then it was somebody else's.
fn fill(line: &mut IrcLine, account: Option<&String>, signed_on: Option<u64>) {
    let said = line.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if line.replayed && signed_on.is_some_and(|at| at > said) {
        return;
    }
    line.from.signed_on = signed_on;
    if line.from.account.is_none() {
        line.from.account = account.cloned();
    }
}
