//! The client's side of one connection to an IRC daemon, as a machine without a socket or a clock.
//!
//! Lines and moments go in by [`Session::receive`] and [`Session::handle_timeout`], wishes by [`Session::say`],
//! [`Session::tag`], [`Session::away`] and [`Session::quit`]; after each call drain [`Session::poll_transmit`] and
//! [`Session::poll_event`], and wake it at [`Session::poll_timeout`]. A line that makes no sense is skipped.
//!
//! Sources: RFC 1459 and 2812 for the commands, the IRCv3 specifications for CAP, tags, labels, batches and
//! chathistory, and transcripts of ircd-ratbox for what daemons really do.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use irc::proto::{Command, Message};
use program::Secret;

use super::caps::{CapStep, Caps};
pub use super::channels::Channel;
use super::channels::Channels;
use super::event::{IrcEvent, IrcLine, IrcRefusal, Place, SendId, Source, Speech, Typing};
use super::isupport::ISupport;
use super::message::{numeric, parameter, person, tag};
use super::nick::Nick;
use super::people::{People, monitor};
use super::queue::{Pacing, Queue, Ticket};
use super::receipts::{Pending, Receipt, Receipts};
use super::redact::Redactions;
pub use super::replay::Memory;
use super::replay::{Of, Replay};
pub use super::sasl::SaslAccount;
use super::text::{Line, LineText, Word};
use super::{RECEIVER, redact, sasl, split, timestamp};
use crate::clock::Moment;

/// Connected and not signed on by then: the daemon doesn't want us, or isn't one.
const SIGN_ON: Duration = Duration::from_secs(30);
/// Daemons end the welcome with 376 or 422; one that does not is waited for this long.
const WELCOME: Duration = Duration::from_secs(5);
/// Nothing heard for so long: ask.
const IDLE: Duration = Duration::from_secs(45);
/// Nothing heard after asking: gone.
const PING_DEADLINE: Duration = Duration::from_secs(30);
/// For the daemon's goodbye after QUIT.
const GOODBYE: Duration = Duration::from_secs(2);
/// user@host as long as ratbox and its kin allow, until the daemon has shown us ours.
const LONGEST_USER_AND_HOST: usize = 10 + "@".len() + 63;
/// Client tags on one line (IRCv3 message-tags: 4,094 bytes of data).
const MAX_TAG_BYTES: usize = 4094;

/// Who we are and how we behave on IRC. All values are valid by their types.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The wanted nick.
    pub nick: Word,
    /// The user name; the daemon may put a `~` before it.
    pub user: Word,
    /// What WHOIS shows.
    pub real_name: LineText,
    /// Where to be.
    pub channels: Vec<Channel>,
    /// The server password.
    pub password: Option<Secret>,
    /// The account to sign in to; without it the daemon is refused.
    pub sasl: Option<SaslAccount>,
    /// How fast to talk; `None` where the daemon exempts us.
    pub pacing: Option<Pacing>,
}

#[derive(Debug)]
enum State {
    /// Until 001.
    Registering {
        deadline: Instant,
    },
    /// From 001 to the end of the welcome.
    Welcomed {
        deadline: Instant,
    },
    Online,
    /// QUIT was sent.
    Closing {
        deadline: Instant,
    },
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SaslState {
    NotWanted,
    Wanted,
    Chosen,
    Done,
}

/// One connection, from its first line to its end.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    state: State,
    sasl: SaslState,
    caps: Caps,
    support: ISupport,
    nick: Nick,
    /// `user@host` as the daemon shows us to others.
    own_user_and_host: Option<String>,
    channels: Channels,
    people: People,
    receipts: Receipts,
    redactions: Redactions,
    replay: Replay,
    memory: Memory,
    queue: Queue,
    heard_at: Instant,
    ping_deadline: Option<Instant>,
    events: VecDeque<IrcEvent>,
    end: Option<String>,
    signed_on: bool,
}

impl Session {
    /// A connection that has just been made. Its first lines wait in [`Session::poll_transmit`].
    pub fn new(config: SessionConfig, memory: Memory, now: Moment) -> Self {
        let mut queue = Queue::new(config.pacing);
        let word = |text: &str| Word::new(text);
        if let (Some(ls), Some(version)) = (word("LS"), word("302")) {
            queue.control(Line::new("CAP").word(&ls).word(&version));
        }
        if let Some(password) = &config.password {
            queue.control(Line::new("PASS").trailing(&LineText::flat(password.expose())));
        }
        Nick::ask(&config.nick, &mut queue);
        if let (Some(zero), Some(star)) = (word("0"), word("*")) {
            let line = Line::new("USER").word(&config.user).word(&zero).word(&star);
            queue.control(line.trailing(&config.real_name));
        }
        Self {
            state: State::Registering { deadline: now.instant + SIGN_ON },
            sasl: if config.sasl.is_some() { SaslState::Wanted } else { SaslState::NotWanted },
            caps: Caps::default(),
            support: ISupport::default(),
            nick: Nick::new(config.nick.clone()),
            own_user_and_host: None,
            channels: Channels::new(&config.channels),
            people: People::default(),
            receipts: Receipts::default(),
            redactions: Redactions::default(),
            replay: Replay::default(),
            memory,
            queue,
            heard_at: now.instant,
            ping_deadline: None,
            events: VecDeque::new(),
            end: None,
            signed_on: false,
            config,
        }
    }

    /// Our nick, as far as it is known.
    pub fn nick(&self) -> &str {
        self.nick.current()
    }

    /// Whether the daemon has welcomed us.
    pub fn is_signed_on(&self) -> bool {
        self.signed_on && self.end.is_none()
    }

    /// Whether the session wants more to say; if not, hold it back.
    pub fn accepts_commands(&self) -> bool {
        self.queue.has_room()
    }

    /// Why the connection is over: close the socket.
    pub fn end(&self) -> Option<&str> {
        self.end.as_deref()
    }

    /// What the next session needs to know of this one.
    pub fn into_memory(self) -> Memory {
        self.memory
    }

    /// Reading was held up on our side: silence meanwhile means nothing.
    pub fn resumed(&mut self, now: Moment) {
        self.heard_at = now.instant;
        self.ping_deadline = self.ping_deadline.map(|_| now.instant + PING_DEADLINE);
    }

    /// The connection broke.
    pub fn connection_lost(&mut self, reason: &str) {
        self.close(reason);
    }

    /// The next line to send now.
    pub fn poll_transmit(&mut self, now: Moment) -> Option<Line> {
        let (ticket, line) = self.queue.pop(now.instant)?;
        if let Some(ticket) = ticket {
            self.receipts.sent(ticket);
        }
        if self.receipts.wants_fence(self.queue.speech_is_out()) {
            self.send_ping();
        }
        Some(line)
    }

    /// The next thing to tell the hub.
    pub fn poll_event(&mut self) -> Option<IrcEvent> {
        self.events.pop_front()
    }

    /// Whether [`Session::poll_event`] has something.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// When to call [`Session::handle_timeout`] and [`Session::poll_transmit`] again at the latest.
    pub fn poll_timeout(&self, now: Moment) -> Option<Instant> {
        let state = match self.state {
            State::Registering { deadline } | State::Welcomed { deadline } | State::Closing { deadline } => {
                Some(deadline)
            }
            State::Online => Some(self.ping_deadline.unwrap_or(self.heard_at + IDLE)),
            State::Ended => return None,
        };
        [
            state,
            self.nick.poll_timeout().filter(|_| self.signed_on),
            self.channels.poll_timeout(),
            self.people.poll_timeout(),
            self.replay.poll_timeout(),
            self.queue.next_at(now.instant),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due. Harmless when early.
    pub fn handle_timeout(&mut self, now: Moment) {
        match self.state {
            State::Registering { deadline } if deadline <= now.instant => {
                self.close("the daemon did not sign us on in 30 s");
            }
            State::Welcomed { deadline } if deadline <= now.instant => self.go_online(now),
            State::Closing { deadline } if deadline <= now.instant => self.close("signed off"),
            State::Online => self.keep_alive(now),
            _ => {}
        }
        if self.signed_on {
            self.nick.handle_timeout(now.instant, &mut self.queue);
            self.channels.handle_timeout(now.instant, &mut self.queue);
        }
        for line in self.replay.handle_timeout(now.instant) {
            self.deliver(line, now);
        }
        self.people.handle_timeout(now.instant, &mut self.queue);
        self.collect();
        self.go_on_fetching(now);
    }

    /// Sends text: one or more lines, one receipt. Nothing, and no receipt, while we are not signed on.
    pub fn say(
        &mut self,
        id: SendId,
        to: &str,
        speech: Speech,
        text: &str,
        tags: &[(String, String)],
        receiver: Option<&str>,
    ) {
        if !self.is_signed_on() {
            return;
        }
        let Some(target) = Word::new(to) else {
            self.events.push_back(IrcEvent::Refused { id, refusal: IrcRefusal::NoSuchNick });
            return;
        };
        let command = match speech {
            Speech::Privmsg => "PRIVMSG",
            Speech::Notice => "NOTICE",
        };
        let budget = split::budget(self.own_source_bytes(), command, to);
        let lines: Vec<LineText> = LineText::lines(text).collect();
        let pieces: Vec<&str> = lines.iter().flat_map(|line| split::split(line.as_str(), budget)).collect();
        if pieces.is_empty() {
            // Nothing to say is said.
            self.events.push_back(IrcEvent::Accepted { id });
            return;
        }
        let last = pieces.len() - 1;
        for (at, piece) in pieces.into_iter().enumerate() {
            let line = Line::new(command).word(&target).trailing(&LineText::flat(piece));
            let part = Part { to, receiver, id: Some(id), last: at == last, speech: Some(speech) };
            self.speak(line, part, tags);
        }
    }

    /// Sends tags alone; nothing where the daemon does not relay them.
    pub fn tag(&mut self, to: &str, tags: &[(String, String)], receiver: Option<&str>) {
        let Some(target) = Word::new(to).filter(|_| self.signed_on && self.caps.is_on("message-tags")) else {
            return;
        };
        let line = Line::new("TAGMSG").word(&target);
        if let [(key, _)] = tags
            && key == "+typing"
        {
            let line = line.tags(bounded(tags, self.ours(None, receiver)));
            self.queue.typing(self.support.case_mapping.fold(to), line);
            return;
        }
        self.speak(line, Part { to, receiver, id: None, last: true, speech: None }, tags);
    }

    /// Lines from this user name under this nick go on without a question to the daemon.
    pub fn vouch(&mut self, user: String, nick: &str) {
        self.people.vouch(user, self.support.case_mapping.fold(nick));
    }

    /// Not any more.
    pub fn unvouch(&mut self, user: &str) {
        self.people.unvouch(user);
    }

    /// Asks who has a nick; [`IrcEvent::Identified`] or [`IrcEvent::Gone`] answers.
    pub fn identify(&mut self, nick: &str, now: Moment) {
        if !self.is_signed_on() {
            return;
        }
        if Word::new(nick).is_some() {
            self.people.identify(nick, &self.support, now.instant, &mut self.queue);
        } else {
            self.events.push_back(IrcEvent::Gone { nick: nick.to_owned() });
        }
        self.collect();
    }

    /// Has the daemon forget lines; [`IrcEvent::Redacted`] answers.
    pub fn redact(&mut self, lines: &[(String, String)]) {
        if !self.is_signed_on() {
            return;
        }
        if self.caps.is_on(redact::CAPABILITY) {
            self.redactions.ask(lines, self.nick.current(), &mut self.queue);
        } else {
            let refused = Some("it offers no message redaction".to_owned());
            self.events.push_back(IrcEvent::Redacted { refused });
        }
    }

    /// Marks us away with a reason, or back.
    pub fn away(&mut self, reason: Option<&str>) {
        if self.signed_on {
            let line = Line::new("AWAY");
            self.queue.control(match reason {
                Some(reason) => line.trailing(&LineText::flat(reason)),
                None => line,
            });
        }
    }

    /// Says goodbye; the session ends when the daemon has answered, or soon.
    pub fn quit(&mut self, reason: &str, now: Moment) {
        if self.end.is_none() {
            self.queue.control(Line::new("QUIT").trailing(&LineText::flat(reason)));
            self.state = State::Closing { deadline: now.instant + GOODBYE };
        }
    }

    /// Takes one line from the daemon, framed and decoded.
    pub fn receive(&mut self, line: &str, now: Moment) {
        if self.end.is_some() {
            return;
        }
        self.heard_at = now.instant;
        self.ping_deadline = None;
        let Ok(message) = line.parse::<Message>() else {
            tracing::debug!("a line that can't be parsed was skipped");
            return;
        };
        self.dispatch(&message, now);
        self.collect();
        self.go_on_fetching(now);
    }

    fn ask_history(&mut self, of: Option<Of>, now: Moment) {
        let page = self.support.history_page;
        if let Some(of) = of {
            self.replay.ask(of, &self.memory, page, now.instant, &mut self.queue);
        }
    }

    /// Asks for the history of those whose turn it is; says when all has gone on.
    fn go_on_fetching(&mut self, now: Moment) {
        if !self.is_signed_on() {
            return;
        }
        self.replay.ask_waiting(&self.memory, self.support.history_page, now.instant, &mut self.queue);
        for line in self.replay.take_private(now.instant) {
            self.deliver(line, now);
        }
        self.collect();
        let settled = self.channels.are_settled() && self.people.hold_nothing();
        if self.replay.ends(settled, now.instant) {
            self.memory.fetched();
            self.events.push_back(IrcEvent::Fetched);
        }
    }

    fn dispatch(&mut self, message: &Message, now: Moment) {
        match &message.command {
            Command::PING(token, _) => {
                self.queue.control(Line::new("PONG").trailing(&LineText::flat(token)));
            }
            Command::PONG(first, second) => self.on_pong(second.as_ref().unwrap_or(first)),
            Command::ERROR(reason) => self.close(reason),
            Command::CAP(_, subcommand, first, second) => {
                let mut words = vec![subcommand.to_str()];
                words.extend(first.as_deref());
                words.extend(second.as_deref());
                let wants_sasl = self.sasl != SaslState::NotWanted;
                if self.caps.receive(&words, wants_sasl, &mut self.queue) == CapStep::Settled {
                    self.on_caps_settled();
                }
            }
            Command::AUTHENTICATE(word) if word == "+" && self.sasl == SaslState::Chosen => {
                for piece in self.config.sasl.iter().flat_map(sasl::plain) {
                    self.queue.control(Line::new("AUTHENTICATE").word(&piece));
                }
            }
            Command::PRIVMSG(target, text) => self.on_speech(message, target, text, Speech::Privmsg, now),
            Command::NOTICE(target, text) => self.on_speech(message, target, text, Speech::Notice, now),
            Command::NICK(to) => self.on_nick(message, to, now),
            Command::JOIN(channel, ..) => self.on_join(message, channel, now),
            Command::PART(channel, _) => self.on_part(message, None, channel, now),
            Command::KICK(channel, nick, _) => self.on_part(message, Some(nick), channel, now),
            Command::QUIT(_) => {
                if let Some((nick, ..)) = person(message) {
                    self.on_gone(nick, now);
                }
            }
            Command::ACCOUNT(_) | Command::CHGHOST(..) => {
                if let Some((nick, ..)) = person(message) {
                    let nick = self.fold(nick);
                    self.people.changed(&nick);
                }
            }
            Command::BATCH(reference, kind, parameters) => {
                let kind = kind.as_ref().map_or("", |kind| kind.to_str());
                let target = parameters.as_ref().and_then(|list| list.first()).map_or("", String::as_str);
                self.on_batch(message, reference, kind, target, now);
            }
            Command::Raw(word, parameters) if numeric(&message.command).is_none() => {
                self.on_raw(message, word, parameters, now);
            }
            command => {
                if let Some((number, parameters)) = numeric(command) {
                    self.on_numeric(message, number, parameters, now);
                }
            }
        }
    }

    fn on_raw(&mut self, message: &Message, word: &str, parameters: &[String], now: Moment) {
        match word.to_ascii_uppercase().as_str() {
            "TAGMSG" => self.on_tagmsg(message, parameter(parameters, 0), now),
            "ACK" => {
                if let Some(id) = self.label(message).and_then(|label| self.receipts.unanswered(label)) {
                    self.withdraw(id);
                }
            }
            "FAIL" => self.on_fail(message, parameters, now),
            "CHATHISTORY" if parameter(parameters, 0) == "TARGETS" => {
                let at = timestamp::parse(parameter(parameters, 2));
                let listed = tag(message, "batch").is_some_and(|batch| self.replay.listed(batch, at));
                let name = parameter(parameters, 1);
                // Channels are asked for as they are joined.
                if listed && self.support.channel(name).is_none() {
                    let of = Of::person(self.fold(name), name);
                    self.ask_history(of, now);
                }
            }
            _ => {}
        }
    }

    fn on_caps_settled(&mut self) {
        if !matches!(self.state, State::Registering { .. }) {
            return;
        }
        match self.sasl {
            SaslState::Wanted if self.caps.is_on("sasl") => {
                self.sasl = SaslState::Chosen;
                if let Some(mechanism) = Word::new("PLAIN") {
                    self.queue.control(Line::new("AUTHENTICATE").word(&mechanism));
                }
            }
            SaslState::Wanted => self.close("the daemon offers no SASL, and an account is configured"),
            SaslState::NotWanted | SaslState::Done => self.end_caps(),
            SaslState::Chosen => {}
        }
    }

    fn end_caps(&mut self) {
        if let Some(end) = Word::new("END") {
            self.queue.control(Line::new("CAP").word(&end));
        }
    }

    fn on_numeric(&mut self, message: &Message, number: u16, parameters: &[String], now: Moment) {
        let first = parameter(parameters, 1);
        let words = parameters.last().map_or("", String::as_str);
        match number {
            1 => self.on_welcome(message, parameter(parameters, 0), now),
            5 => {
                let tokens = parameters.get(1..parameters.len().saturating_sub(1)).unwrap_or_default();
                self.support.apply(tokens);
            }
            376 | 422 if matches!(self.state, State::Welcomed { .. }) => self.go_online(now),
            // 396: the daemon shows another host of ours from now on.
            396 => self.own_user_and_host = None,
            903 | 907 if self.sasl == SaslState::Chosen => {
                self.sasl = SaslState::Done;
                self.end_caps();
            }
            902 | 904 | 905 | 906 | 908 if self.sasl == SaslState::Chosen => {
                self.close(&format!("SASL was refused: {words}"));
            }
            464 | 465 => self.close(words),
            431..=433 | 436 | 437 => {
                if number == 432 {
                    self.nick.reserved(first);
                }
                self.on_nick_refused(first, words);
            }
            311 => {
                let nick = self.fold(first);
                self.people.whois_user(&nick, parameter(parameters, 2), parameter(parameters, 3));
            }
            330 => {
                let nick = self.fold(first);
                self.people.whois_account(&nick, parameter(parameters, 2));
            }
            320 if self.caps.is_on(RECEIVER) => {
                let nick = self.fold(first);
                self.people.whois_connection(&nick, parameter(parameters, 2));
            }
            317 => {
                let nick = self.fold(first);
                self.people.whois_signed_on(&nick, parameter(parameters, 3).parse().ok());
            }
            263 if first == "WHOIS" => self.people.whois_refused(now.instant),
            318 => {
                let nick = self.fold(first);
                self.people.whois_end(&nick, now.instant, &self.support, &mut self.queue);
            }
            401 | 402 => {
                let nick = self.fold(first);
                let label = self.label(message);
                let is_nobody = number == 401;
                let mut absent = || {
                    self.people.whois_absent(&nick, is_nobody, now.instant, &self.support, &mut self.queue)
                };
                if label.is_some() || !absent() {
                    self.on_refused(label, first, IrcRefusal::NoSuchNick);
                }
            }
            730 => {
                for one in words.split(',') {
                    let (nick, user_and_host) = one.split_once('!').unwrap_or((one, ""));
                    let nick = self.fold(nick);
                    self.people.watched_is_on(&nick, user_and_host);
                }
            }
            731 => {
                for one in words.split(',') {
                    self.on_gone(one.split_once('!').map_or(one, |(nick, _)| nick), now);
                }
            }
            734 => self.people.watch_list_full(parameter(parameters, 2), &self.support),
            403 | 405 | 471 | 473..=477 | 489 | 520 if self.support.channel(first).is_some() => {
                let first_time = self.channels.refused(first, &self.support, now.instant);
                if first_time {
                    tracing::warn!(channel = first, reason = words, "cannot join");
                }
            }
            404 | 407 | 408 | 411..=415 | 417 | 486 | 492 | 494 | 505 | 531 | 716 => {
                let label = self.label(message);
                self.on_refused(label, first, IrcRefusal::Cannot(words.to_owned()));
            }
            _ => {}
        }
    }

    fn on_nick_refused(&mut self, refused: &str, words: &str) {
        if matches!(self.state, State::Registering { .. }) {
            self.nick.taken(&mut self.queue);
        } else {
            // We asked for the wanted nick again and it is still taken.
            tracing::debug!(nick = refused, reason = words, "nick not available");
        }
    }

    fn on_welcome(&mut self, message: &Message, nick: &str, now: Moment) {
        if !matches!(self.state, State::Registering { .. }) {
            return;
        }
        if matches!(self.sasl, SaslState::Wanted | SaslState::Chosen) {
            self.close("the daemon signed us on without the account that is configured");
            return;
        }
        self.nick.became(nick, &self.support, now.instant);
        self.memory.begin(time_of(message, now));
        self.state = State::Welcomed { deadline: now.instant + WELCOME };
    }

    fn go_online(&mut self, now: Moment) {
        self.state = State::Online;
        self.signed_on = true;
        self.events.push_back(IrcEvent::SignedOn { nick: self.nick.current().to_owned() });
        if !self.nick.is_wanted(&self.support) && self.support.monitor.is_some() {
            monitor("+", self.nick.wanted().as_str(), &mut self.queue);
        }
        self.channels.join_all(&mut self.queue);
        if self.caps.has_history() {
            if let Some(since) = self.memory.begin_fetch() {
                self.events.push_back(IrcEvent::Fetching { since });
            }
            self.replay.begin(&self.memory, now, &mut self.queue);
        }
    }

    fn on_join(&mut self, message: &Message, channel: &str, now: Moment) {
        let Some((nick, user, host)) = person(message) else { return };
        if !self.is_us(nick) {
            return;
        }
        self.learn_ourselves(user, host);
        if self.channels.joined(channel, &self.support, now.instant) {
            self.events.push_back(IrcEvent::Joined { channel: channel.to_owned() });
            if self.caps.has_history() {
                let of = Of::channel(self.fold(channel), channel);
                self.ask_history(of, now);
            }
        } else if let Some(name) = Word::new(channel) {
            // Some daemons let others force us into channels.
            self.queue.control(Line::new("PART").word(&name));
        }
    }

    /// PART of the source, or KICK of `kicked`.
    fn on_part(&mut self, message: &Message, kicked: Option<&str>, channel: &str, now: Moment) {
        let Some(nick) = kicked.or_else(|| person(message).map(|(nick, ..)| nick)) else { return };
        if self.is_us(nick) {
            self.channels.lost(channel, &self.support, now.instant);
        } else {
            let nick = self.fold(nick);
            self.people.parted(&nick, now.instant);
        }
    }

    fn on_nick(&mut self, message: &Message, to: &str, now: Moment) {
        let Some((nick, user, host)) = person(message) else { return };
        if self.is_us(nick) {
            self.nick.became(to, &self.support, now.instant);
            if self.signed_on {
                self.events.push_back(IrcEvent::OwnNick { nick: to.to_owned() });
            }
            return;
        }
        let source = self.source(message, nick, user, host);
        let known = self.people.describe(source.clone(), &self.support, now.instant).unwrap_or(source);
        let (from, new) = (self.fold(nick), self.fold(to));
        self.people.renamed(&from, &new, now.instant);
        self.collect();
        self.events.push_back(IrcEvent::Renamed { from: known, to: to.to_owned() });
        self.nick.freed(nick, &self.support, &mut self.queue);
    }

    fn on_gone(&mut self, nick: &str, now: Moment) {
        if self.is_us(nick) {
            return;
        }
        let folded = self.fold(nick);
        self.people.gone(&folded, now.instant);
        self.collect();
        self.events.push_back(IrcEvent::Gone { nick: nick.to_owned() });
        self.nick.freed(nick, &self.support, &mut self.queue);
    }

    fn on_speech(&mut self, message: &Message, target: &str, text: &str, speech: Speech, now: Moment) {
        let Some((nick, user, host)) = person(message) else { return };
        let batch = tag(message, "batch");
        let from_history = batch.is_some_and(|batch| self.replay.is_history(batch));
        if self.is_us(nick) {
            if !from_history {
                self.learn_ourselves(user, host);
                let (label, to) = (self.label(message), self.fold(target));
                self.receipts.echoed(label, &to, Some(speech));
            }
            return;
        }
        // Servers speak by NOTICE, some with a name that looks like a nick.
        if speech == Speech::Notice && user.is_empty() {
            return;
        }
        let Some((text, action)) = without_ctcp(text) else { return };
        let place = match self.support.channel(target) {
            Some(channel) => Place::Channel(channel.to_owned()),
            None if self.is_us(target) => Place::Private,
            None => return,
        };
        let line = IrcLine {
            from: self.source(message, nick, user, host),
            place,
            speech,
            text: LineText::flat(text).as_str().to_owned(),
            action,
            msgid: tag(message, "msgid").map(str::to_owned),
            client_id: tag(message, "+bridgebot/id").filter(|id| is_client_id(id)).map(str::to_owned),
            at: time_of(message, now),
            replayed: from_history,
        };
        if let (true, Some(batch)) = (from_history, batch) {
            self.replay.collect(batch, line);
            return;
        }
        let channel = match &line.place {
            Place::Channel(channel) => Some(self.fold(channel)),
            Place::Private => None,
        };
        for line in self.replay.pass(channel.as_deref(), line) {
            self.deliver(line, now);
        }
    }

    fn on_tagmsg(&mut self, message: &Message, target: &str, now: Moment) {
        let Some((nick, user, host)) = person(message) else { return };
        if self.is_us(nick) {
            let (label, to) = (self.label(message), self.fold(target));
            self.receipts.echoed(label, &to, None);
            return;
        }
        let typing = match tag(message, "+typing") {
            Some("active") => Typing::Active,
            Some("paused") => Typing::Paused,
            Some("done") => Typing::Done,
            _ => return,
        };
        let in_history = tag(message, "batch").is_some_and(|batch| self.replay.is_history(batch));
        if in_history || !self.is_us(target) {
            return;
        }
        let source = self.source(message, nick, user, host);
        if let Some(from) = self.people.describe(source, &self.support, now.instant) {
            self.events.push_back(IrcEvent::Typing { from, typing });
        }
    }

    fn on_batch(&mut self, message: &Message, reference: &str, kind: &str, target: &str, now: Moment) {
        if let Some(id) = reference.strip_prefix('+') {
            let target = self.fold(target);
            self.replay.open(id, kind, target, tag(message, "label"));
        } else if let Some(id) = reference.strip_prefix('-') {
            let page = self.support.history_page;
            let lines = self.replay.close(id, &self.memory, page, now.instant, &mut self.queue);
            for line in lines {
                self.deliver(line, now);
            }
        }
    }

    /// Standard replies: `FAIL command code context… :words`.
    fn on_fail(&mut self, message: &Message, parameters: &[String], now: Moment) {
        let words = parameters.last().map_or("", String::as_str);
        match parameter(parameters, 0) {
            "CHATHISTORY" => {
                if parameters.iter().any(|word| word == "TARGETS") {
                    self.replay.no_targets();
                }
                for name in parameters.iter().skip(2) {
                    let name = self.fold(name);
                    for line in self.replay.finish(&name) {
                        self.deliver(line, now);
                    }
                }
            }
            "REDACT" => {
                let is_channel = self.support.channel(parameter(parameters, 2)).is_some();
                self.redactions.failed(parameter(parameters, 1), is_channel, words);
            }
            "PRIVMSG" | "NOTICE" | "TAGMSG" => {
                let (label, to) = (self.label(message), parameter(parameters, 2).to_owned());
                self.on_refused(label, &to, IrcRefusal::Cannot(words.to_owned()));
            }
            _ => {}
        }
    }

    fn on_refused(&mut self, label: Option<Ticket>, to: &str, refusal: IrcRefusal) {
        let to = self.fold(to);
        if let Some(id) = self.receipts.refused(label, &to, refusal) {
            self.withdraw(id);
        }
    }

    fn on_pong(&mut self, token: &str) {
        self.events.extend(self.redactions.passed(token));
        let Some(ticket) = token.strip_prefix(FENCE).and_then(|number| number.parse().ok()) else { return };
        let echoes = self.caps.is_on("echo-message");
        for id in self.receipts.fence_passed(Ticket(ticket), echoes) {
            self.withdraw(id);
        }
    }

    fn withdraw(&mut self, _id: SendId) {
        let receipts = &self.receipts;
        self.queue.withdraw(|ticket| !receipts.awaits(ticket));
    }

    fn keep_alive(&mut self, now: Moment) {
        match self.ping_deadline {
            Some(deadline) if deadline <= now.instant => {
                self.close("no answer to PING in 30 s");
            }
            None if self.heard_at + IDLE <= now.instant => {
                self.ping_deadline = Some(now.instant + PING_DEADLINE);
                self.send_ping();
            }
            _ => {}
        }
    }

    fn send_ping(&mut self) {
        let ticket = self.queue.ticket();
        self.receipts.fence(ticket);
        let token = format!("{FENCE}{}", ticket.0);
        self.queue.control(Line::new("PING").trailing(&LineText::flat(&token)));
    }

    fn speak(&mut self, line: Line, part: Part<'_>, tags: &[(String, String)]) {
        let Part { to, receiver, id, last, speech } = part;
        let ticket = self.queue.ticket();
        let labelled = self.caps.has_labelled_echo();
        let label = labelled.then(|| format!("{LABEL}{}", ticket.0));
        let tags = if self.caps.is_on("message-tags") { tags } else { &[] };
        let line = line.tags(bounded(tags, self.ours(label.as_deref(), receiver)));
        let to = self.support.case_mapping.fold(to);
        self.receipts.expect(Pending { ticket, to, id, last, speech, labelled });
        self.queue.speak(ticket, line);
    }

    /// Tags that are for the daemon.
    fn ours<'a>(&self, label: Option<&'a str>, receiver: Option<&'a str>) -> [Option<(&'a str, &'a str)>; 2] {
        let receiver = receiver.filter(|_| self.caps.is_on(RECEIVER));
        [label.map(|label| ("label", label)), receiver.map(|receiver| ("ircd-lite/to", receiver))]
    }

    fn deliver(&mut self, line: IrcLine, now: Moment) {
        if self.memory.is_new(&line) {
            self.people.admit(line, &self.support, now.instant, &mut self.queue);
        }
    }

    /// Moves what the parts have finished into the events, in order.
    fn collect(&mut self) {
        while let Some(event) = self.people.poll_ready() {
            self.events.push_back(event);
        }
        while let Some(receipt) = self.receipts.poll_receipt() {
            self.events.push_back(match receipt {
                Receipt::Accepted(id) => IrcEvent::Accepted { id },
                Receipt::Refused(id, refusal) => IrcEvent::Refused { id, refusal },
            });
        }
    }

    fn close(&mut self, reason: &str) {
        if self.end.is_some() {
            return;
        }
        // Lines that wait to be told apart were taken in; nobody says them again.
        self.people.release_all(self.heard_at);
        self.collect();
        self.end = Some(LineText::flat(reason).as_str().to_owned());
        self.state = State::Ended;
    }

    fn source(&self, message: &Message, nick: &str, user: &str, host: &str) -> Source {
        Source {
            nick: nick.to_owned(),
            user: user.to_owned(),
            host: host.to_owned(),
            // Without the capability the tag is anybody's.
            account: tag(message, "account").filter(|_| self.caps.is_on("account-tag")).map(str::to_owned),
            signed_on: None,
            connection: tag(message, "ircd-lite/from")
                .filter(|_| self.caps.is_on(RECEIVER))
                .map(str::to_owned),
        }
    }

    /// The ticket in the label of this line, or of the batch that it is in.
    fn label(&self, message: &Message) -> Option<Ticket> {
        let label = tag(message, "label").or_else(|| self.replay.label(tag(message, "batch")?))?;
        label.strip_prefix(LABEL)?.parse().ok().map(Ticket)
    }

    fn learn_ourselves(&mut self, user: &str, host: &str) {
        if !user.is_empty() && !host.is_empty() {
            self.own_user_and_host = Some(format!("{user}@{host}"));
        }
    }

    fn own_source_bytes(&self) -> usize {
        let rest = self.own_user_and_host.as_ref().map_or(LONGEST_USER_AND_HOST, String::len);
        self.nick.current().len() + "!".len() + rest
    }

    fn is_us(&self, nick: &str) -> bool {
        self.support.case_mapping.same(nick, self.nick.current())
    }

    fn fold(&self, name: &str) -> String {
        self.support.case_mapping.fold(name)
    }
}

/// What our PINGs and labels begin with.
const FENCE: &str = "fence-";
const LABEL: &str = "b";

/// One line on its way: where it goes, and what it is a part of.
#[derive(Clone, Copy)]
struct Part<'a> {
    to: &'a str,
    receiver: Option<&'a str>,
    id: Option<SendId>,
    last: bool,
    speech: Option<Speech>,
}

/// The tags that fit, ours first.
fn bounded<'a>(
    tags: &'a [(String, String)],
    ours: [Option<(&'a str, &'a str)>; 2],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut room = MAX_TAG_BYTES;
    let client = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    ours.into_iter().flatten().chain(client).filter(move |(key, value)| {
        // Escaping at most doubles a value.
        let bytes = key.len() + 2 * value.len() + 2;
        let fits = bytes <= room;
        room -= if fits { bytes } else { 0 };
        fits
    })
}

/// `server-time`, else now.
fn time_of(message: &Message, now: Moment) -> SystemTime {
    tag(message, "time").and_then(timestamp::parse).unwrap_or(now.wall)
}

/// The text of an ACTION or of a plain line; `None` for any other CTCP.
fn without_ctcp(text: &str) -> Option<(&str, bool)> {
    let Some(framed) = text.strip_prefix('\u{1}') else { return Some((text, false)) };
    let framed = framed.strip_suffix('\u{1}').unwrap_or(framed);
    let (word, rest) = framed.split_once(' ').unwrap_or((framed, ""));
    word.eq_ignore_ascii_case("ACTION").then_some((rest, true))
}

fn is_client_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests;
