//! What may pass between one visitor and the IRC daemon, as a pure machine (`docs/protocol/visitor.md`).
//!
//! A visitor speaks with the bot and with nobody else: lines to the daemon are built anew from the parts that are
//! allowed, lines of others don't come through. What the gateway answers itself (SESSION, CHATHISTORY, MONITOR of the
//! bot, parts of CAP, refusals) is answered here. The shell moves the [`Output`]s.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::caps::{CapAction, VisitorCaps};
use super::event::{HistoryEntry, SessionId};
use super::history::{self, Names, Question, Understands};
use super::limits::{Bucket, Limits};
use super::line::LineView;
use super::unheard::{Turn, Unheard};
use crate::irc::text::{Line, LineText, Word};

/// A message of the visitor's, without tags.
const MAX_LINE: usize = 510;
/// The tags of one, `@` and space included.
const MAX_TAGS: usize = 4096;
const MAX_LABEL: usize = 64;
const MAX_NICK: usize = 30;
const MAX_REAL_NAME: usize = 100;
/// What daemons of ratbox's kin allow a host to have.
const MAX_HOST: usize = 63;
/// A person who goes on too fast is told so this often at most.
const REMINDER: Duration = Duration::from_secs(5);

/// What the machine wants done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// To the daemon, without CR LF.
    Daemon(String),
    /// To the visitor, without CR LF.
    Visitor(String),
    /// Tell the hub whose connection this is, then call [`Filter::opened`]; take no line of the visitor's before.
    Open(SessionId),
    /// Tell the hub the nick.
    Named(String),
    /// Ask the hub, then call [`Filter::history`]; take no line of the visitor's before.
    History(Question),
    /// Close the WebSocket.
    Close(Close),
}

/// Why a connection ends: code and reason of the WebSocket's close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl Close {
    pub(super) const TOO_LONG: Self = Self { code: 1009, reason: "a message too long" };
    pub(super) const NOT_TEXT: Self = Self { code: 1007, reason: "a text that is no UTF-8" };
    pub(super) const BROKEN: Self = Self { code: 1002, reason: "not as WebSocket wants it" };
    pub(super) const DAEMON_AWAY: Self =
        Self { code: 1013, reason: "the IRC daemon is away, come back later" };
    pub(super) const STOPPING: Self = Self { code: 1001, reason: "the server stops" };
    pub(super) const ELSEWHERE: Self = Self { code: 4001, reason: "continued elsewhere" };
    pub(super) const SILENT: Self = Self { code: 1008, reason: "no sign of life" };
    pub(super) const SLOW: Self = Self { code: 1008, reason: "reads too slowly" };
    pub(super) const UNREGISTERED: Self = Self { code: 1008, reason: "not registered in 30 s" };
    pub(super) const GOODBYE: Self = Self { code: 1000, reason: "goodbye" };

    /// Whether it ends because of bytes that should not have been sent.
    pub(super) fn is_fault(self) -> bool {
        matches!(self.code, 1002 | 1007 | 1009)
    }
}

#[derive(Debug)]
enum Stage {
    /// Before USER.
    Fresh,
    /// USER came; the hub is asked.
    Opening { user_line: String },
    /// USER went to the daemon.
    Registering,
    /// 001 came.
    Registered,
    /// The visitor said QUIT.
    Leaving,
}

/// The machine of one connection.
#[derive(Debug)]
pub(super) struct Filter {
    gateway: Word,
    /// The user name that marks this connection.
    user: String,
    /// The bot's nick by configuration, and the one it has now.
    bot: Word,
    bot_now: Option<Word>,
    stage: Stage,
    session: Option<SessionId>,
    nick: Option<Word>,
    caps: VisitorCaps,
    watches_bot: bool,
    support_told: bool,
    lines: Bucket,
    typing: Bucket,
    others: Bucket,
    reminded_at: Option<Instant>,
    question: Option<(Question, Option<String>)>,
    unheard: Unheard,
    batches: u64,
    daemon_said_error: bool,
    out: VecDeque<Output>,
}

impl Filter {
    /// `user`: 9 unguessable characters, the first a letter. `bot`: its configured nick; `bot_now`: the one it has.
    pub(super) fn new(user: String, bot: Word, bot_now: Option<&str>, limits: Limits) -> Self {
        Self {
            gateway: Word::new("gateway").unwrap_or_else(Word::star),
            user,
            bot,
            bot_now: bot_now.and_then(Word::new),
            stage: Stage::Fresh,
            session: None,
            nick: None,
            caps: VisitorCaps::default(),
            watches_bot: false,
            support_told: false,
            lines: Bucket::new(limits.lines_at_once, limits.line_every),
            typing: Bucket::new(5, Duration::from_secs(1)),
            others: Bucket::new(20, Duration::from_millis(250)),
            reminded_at: None,
            question: None,
            unheard: Unheard::default(),
            batches: 0,
            daemon_said_error: false,
            out: VecDeque::new(),
        }
    }

    /// The next thing to do.
    pub(super) fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Whether the daemon has welcomed this visitor.
    pub(super) fn is_registered(&self) -> bool {
        matches!(self.stage, Stage::Registered | Stage::Leaving)
    }

    /// The session, once the hub knows of it.
    pub(super) fn session(&self) -> Option<&SessionId> {
        match self.stage {
            Stage::Fresh | Stage::Opening { .. } => None,
            _ => self.session.as_ref(),
        }
    }

    /// When the visitor's next line may be taken: flooding only slows the flooder down.
    pub(super) fn ready_at(&self, now: Instant) -> Instant {
        self.others.ready_at(now)
    }

    /// Takes one message of the visitor's.
    pub(super) fn visitor_says(&mut self, line: &str, now: Instant) {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.contains(['\r', '\n', '\0']) {
            self.fail("*", "INVALID_LINE", "one line a message");
            return;
        }
        let tags = if line.starts_with('@') { line.find(' ').map_or(line.len(), |at| at + 1) } else { 0 };
        if tags > MAX_TAGS || line.len() - tags > MAX_LINE {
            self.close(Close::TOO_LONG);
            return;
        }
        if let Some(view) = LineView::parse(line) {
            self.command(view, now);
        }
    }

    /// Counts a message of any kind; see [`Filter::ready_at`].
    pub(super) fn count(&mut self, now: Instant) {
        self.others.take(now);
    }

    fn command(&mut self, view: LineView<'_>, now: Instant) {
        let parameters = view.parameters();
        let first = parameters.first().copied().unwrap_or_default();
        match view.command.to_ascii_uppercase().as_str() {
            "SESSION" => self.on_session(first),
            "CAP" => self.on_cap(&parameters),
            "NICK" => self.on_nick(first),
            "USER" => self.on_user(&parameters),
            "PING" => self.forward(Line::new("PING").trailing(&LineText::flat(first))),
            "PONG" => self.forward(Line::new("PONG").trailing(&LineText::flat(first))),
            "AUTHENTICATE" => {
                if let Some(word) = Word::new(first).filter(|word| word.as_str().len() <= 400) {
                    self.forward(Line::new("AUTHENTICATE").word(&word));
                }
            }
            "QUIT" => {
                self.forward(Line::new("QUIT").trailing(&LineText::flat(first)));
                self.stage = Stage::Leaving;
            }
            command @ ("PRIVMSG" | "NOTICE" | "TAGMSG" | "CHATHISTORY" | "MONITOR" | "AWAY")
                if !self.is_registered() =>
            {
                let _ = command;
                self.numeric("451", &[], "You have not registered", view.tag("label"));
            }
            "PRIVMSG" => self.on_speech("PRIVMSG", view, &parameters, now),
            "NOTICE" => self.on_speech("NOTICE", view, &parameters, now),
            "TAGMSG" => self.on_tagmsg(view, first, now),
            "CHATHISTORY" => self.on_history(view, &parameters),
            "MONITOR" => self.on_monitor(&parameters),
            "AWAY" => self.forward(match parameters.first() {
                Some(reason) => Line::new("AWAY").trailing(&LineText::flat(reason)),
                None => Line::new("AWAY"),
            }),
            _ => {
                let command = clipped(view.command, 32);
                self.numeric("421", &[command], "Unknown command", view.tag("label"));
            }
        }
    }

    fn on_session(&mut self, token: &str) {
        if !matches!(self.stage, Stage::Fresh) || self.session.is_some() {
            self.fail("SESSION", "ALREADY_REGISTERED", "SESSION comes once, before registration");
            return;
        }
        let fits = (22..=64).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !fits {
            self.fail("SESSION", "INVALID_TOKEN", "a token is 22 to 64 letters, digits, - and _");
            return;
        }
        let hash = Sha256::digest(token.as_bytes());
        self.session = Some(SessionId(URL_SAFE_NO_PAD.encode(hash)));
        self.tell_bot();
    }

    /// `NOTE SESSION READY <bot> <bytes>`: whom to speak to, and how much fits a line.
    fn tell_bot(&mut self) {
        let bot = self.bot_nick().clone();
        let (kind, code) = (word("SESSION"), word("READY"));
        let line = Line::from_source(&self.gateway, &word("NOTE")).word(&kind).word(&code);
        let line = line.word(&bot).word(&word(&self.room().to_string()));
        self.visitor(line.trailing(&LineText::flat(&format!("speak to {bot}"))));
    }

    /// Bytes of text that fit one PRIVMSG to the bot as the daemon passes it on.
    fn room(&self) -> usize {
        let source = ":".len() + MAX_NICK + "!~".len() + self.user.len() + "@".len() + MAX_HOST + " ".len();
        MAX_LINE - source - "PRIVMSG ".len() - self.bot_nick().as_str().len().min(64) - " :".len()
    }

    fn on_cap(&mut self, parameters: &[&str]) {
        match self.caps.asked(parameters) {
            CapAction::Forward(words) => self.forward(cap_line(Line::new("CAP"), &words)),
            CapAction::Answer(words) => self.cap_answer(&words),
            CapAction::Nothing => {}
            CapAction::Unknown => {
                let subcommand = clipped(parameters.first().copied().unwrap_or("*"), 32);
                self.numeric("410", &[subcommand], "Invalid CAP subcommand", None);
            }
        }
    }

    fn cap_answer(&mut self, words: &[String]) {
        let line = Line::from_source(&self.gateway, &word("CAP")).word(&self.nick_or_star());
        self.visitor(cap_line(line, words));
    }

    fn on_nick(&mut self, nick: &str) {
        match Word::new(nick).filter(|nick| nick.as_str().len() <= 64) {
            Some(nick) => self.forward(Line::new("NICK").word(&nick)),
            None => self.numeric("431", &[], "No nickname given", None),
        }
    }

    fn on_user(&mut self, parameters: &[&str]) {
        if !matches!(self.stage, Stage::Fresh) {
            self.numeric("462", &[], "You may not reregister", None);
            return;
        }
        let &[_, _, _, real_name] = parameters else {
            self.numeric("461", &["USER"], "Not enough parameters", None);
            return;
        };
        let real_name = LineText::flat(clipped(real_name, MAX_REAL_NAME));
        let line = Line::new("USER").word(&word(&self.user)).word(&word("0")).word(&word("*"));
        self.stage = Stage::Opening { user_line: line.trailing(&real_name).into() };
        // Without a token this person is new: nobody else can name this session.
        let session =
            self.session.get_or_insert_with(|| SessionId(format!("anonymous-{}", self.user))).clone();
        self.out.push_back(Output::Open(session));
    }

    /// The hub knows the session.
    pub(super) fn opened(&mut self) {
        if let Stage::Opening { user_line } = std::mem::replace(&mut self.stage, Stage::Registering) {
            self.out.push_back(Output::Daemon(user_line));
        }
    }

    fn on_speech(&mut self, command: &'static str, view: LineView<'_>, parameters: &[&str], now: Instant) {
        let label = view.tag("label");
        let &[target, text] = parameters else {
            let (number, words) = if parameters.is_empty() {
                ("411", "No recipient given")
            } else {
                ("412", "No text to send")
            };
            self.numeric(number, &[], words, label);
            return;
        };
        if !self.is_bot(target) {
            self.numeric("401", &[clipped(target, 64)], "No such nick/channel", label);
            return;
        }
        let id = view.tag("+bridgebot/id").filter(|id| is_client_id(id));
        if text.len() > self.room() {
            self.numeric("417", &[], "Input line was too long", label);
            self.refuse(id.as_deref(), "this line is too long");
            return;
        }
        if !self.lines.take(now) {
            // Of one that is on its way already nobody may say that it was not taken.
            if id.as_deref().is_none_or(|id| !self.unheard.is_repeat(id)) {
                self.slow_down(id.as_deref(), now);
            }
            return;
        }
        let turn = match id.as_deref().filter(|_| command == "PRIVMSG" && self.caps.daemon_takes_tags()) {
            Some(id) => self.unheard.take(id, text, self.bot_now.is_some()),
            None => Turn::Now,
        };
        if turn == Turn::Full {
            self.refuse(id.as_deref(), "too many lines wait");
            return;
        }
        // Whoever has the bot's nick while the bot is away is not the bot.
        let Some(bot) = self.bot_now.clone() else {
            let bot = self.bot.clone();
            self.numeric("401", &[bot.as_str()], "No such nick/channel", label);
            return;
        };
        if turn == Turn::Later {
            return;
        }
        let line = Line::new(command).word(&bot).trailing(&LineText::flat(text));
        let id = id.map(|id| ("+bridgebot/id", id));
        self.forward_tagged(line, label, id);
    }

    fn on_tagmsg(&mut self, view: LineView<'_>, target: &str, now: Instant) {
        if !self.is_bot(target) {
            self.numeric("401", &[clipped(target, 64)], "No such nick/channel", view.tag("label"));
            return;
        }
        let typing = view.tag("+typing").filter(|how| matches!(how.as_str(), "active" | "paused" | "done"));
        let (Some(typing), Some(bot)) = (typing, self.bot_now.clone()) else { return };
        // Signs of typing are worth nothing late, so what is too much is dropped.
        if self.caps.daemon_takes_tags() && self.typing.take(now) {
            let line = Line::new("TAGMSG").word(&bot);
            self.forward_tagged(line, view.tag("label"), Some(("+typing", typing)));
        }
    }

    fn forward_tagged(&mut self, line: Line, label: Option<String>, tag: Option<(&'static str, String)>) {
        if !self.caps.daemon_takes_tags() {
            self.forward(line);
            return;
        }
        let label = label.filter(|label| label.len() <= MAX_LABEL && self.caps.is_on("labeled-response"));
        let tags = label.map(|label| ("label", label)).into_iter().chain(tag).collect::<Vec<_>>();
        self.forward(line.tags(tags.iter().map(|(key, value)| (*key, value.as_str()))));
    }

    fn slow_down(&mut self, id: Option<&str>, now: Instant) {
        if self.reminded_at.is_none_or(|at| now.saturating_duration_since(at) >= REMINDER) {
            self.reminded_at = Some(now);
            let line = Line::from_source(&self.gateway, &word("NOTICE")).word(&self.nick_or_star());
            let line =
                line.trailing(&LineText::flat("Please write a little more slowly; this line was not taken."));
            let line = if self.caps.is_on("message-tags") {
                line.tags([("+bridgebot/kind", "slow-down")])
            } else {
                line
            };
            self.visitor(line);
        }
        self.refuse(id, "too fast");
    }

    /// Tells a program that knows tags that its line was not taken.
    fn refuse(&mut self, id: Option<&str>, reason: &str) {
        if let Some(id) = id.filter(|_| self.caps.is_on("message-tags")) {
            let line = Line::from_source(&self.gateway, &word("TAGMSG")).word(&self.nick_or_star());
            let tags = [("+bridgebot/id", id), ("+bridgebot/state", "failed"), ("+bridgebot/reason", reason)];
            self.visitor(line.tags(tags));
        }
    }

    fn on_history(&mut self, view: LineView<'_>, parameters: &[&str]) {
        let target = parameters.get(1).copied().unwrap_or_default();
        let subcommand = clipped(parameters.first().copied().unwrap_or("*"), 32);
        let question = if self.is_bot(target) || parameters.len() < 2 {
            Question::parse(parameters).map_err(|error| error.0)
        } else {
            Err("INVALID_TARGET")
        };
        match question {
            Ok(question) => {
                let label = view.tag("label").filter(|label| label.len() <= MAX_LABEL);
                self.question = Some((question.clone(), label));
                self.out.push_back(Output::History(question));
            }
            Err(code) => {
                let line = Line::from_source(&self.gateway, &word("FAIL"));
                let line = line.word(&word("CHATHISTORY")).word(&word(code)).word(&word(subcommand));
                self.visitor(line.trailing(&LineText::flat("this history can't be given")));
            }
        }
    }

    /// Whether the visitor's program is told the numbers of entries.
    pub(super) fn gives_numbers(&self) -> bool {
        self.caps.is_on("message-tags")
    }

    /// The hub's answer; `None` when it has none to give.
    pub(super) fn history(&mut self, entries: Option<&[HistoryEntry]>) {
        let Some((question, label)) = self.question.take() else { return };
        let Some(entries) = entries else {
            self.fail("CHATHISTORY", "MESSAGE_ERROR", "the history can't be read at the moment");
            return;
        };
        self.batches += 1;
        let understands = Understands {
            batch: self.caps.is_on("batch"),
            message_tags: self.caps.is_on("message-tags"),
            server_time: self.caps.is_on("server-time"),
        };
        let (bot, visitor) = (self.bot_nick().clone(), self.nick_or_star());
        let names = Names { gateway: &self.gateway, bot: &bot, visitor: &visitor };
        let reference = format!("history{}", self.batches);
        let label = label.filter(|_| self.caps.is_on("labeled-response"));
        for line in history::answer(&question, entries, names, understands, &reference, label.as_deref()) {
            self.visitor(line);
        }
    }

    /// MONITOR of the bot works on every daemon: the bridge itself knows whether it is signed on.
    fn on_monitor(&mut self, parameters: &[&str]) {
        let targets = parameters.get(1).copied().unwrap_or_default();
        match parameters.first().copied().unwrap_or_default().to_ascii_uppercase().as_str() {
            "+" => {
                for target in targets.split(',').take(4) {
                    if self.is_bot(target) {
                        self.watches_bot = true;
                        self.tell_presence();
                    } else {
                        self.numeric("401", &[clipped(target, 64)], "No such nick/channel", None);
                    }
                }
            }
            "-" => self.watches_bot &= !targets.split(',').any(|target| self.is_bot(target)),
            "C" => self.watches_bot = false,
            "L" => {
                if self.watches_bot {
                    let bot = self.bot_nick().to_string();
                    self.numeric("732", &[], &bot, None);
                }
                self.numeric("733", &[], "End of MONITOR list", None);
            }
            "S" if self.watches_bot => self.tell_presence(),
            _ => {}
        }
    }

    fn tell_presence(&mut self) {
        let bot = self.bot_nick().to_string();
        self.numeric(if self.bot_now.is_some() { "730" } else { "731" }, &[], &bot, None);
    }

    /// The bot signed on, changed its nick, or is gone.
    pub(super) fn bot_changed(&mut self, nick: Option<&str>) {
        let nick = nick.and_then(Word::new);
        if nick == self.bot_now {
            // It was away, for so short a time that nobody here was told.
            self.unheard.forget_sent();
            self.say_unheard();
            return;
        }
        let before = self.bot_nick().clone();
        if nick.is_none() {
            self.unheard.forget_sent();
        }
        self.bot_now = nick;
        self.say_unheard();
        if self.session.is_some() && *self.bot_nick() != before {
            self.tell_bot();
        }
        if self.watches_bot {
            self.tell_presence();
        }
    }

    /// What the bot never said anything about goes to it before anything newer.
    fn say_unheard(&mut self) {
        let Some(bot) = self.bot_now.clone() else { return };
        while let Some((id, text)) = self.unheard.next() {
            let line = Line::new("PRIVMSG").word(&bot).trailing(&LineText::flat(&text));
            self.forward_tagged(line, None, Some(("+bridgebot/id", id)));
        }
    }

    /// The bot says what became of a line.
    fn heard(&mut self, view: LineView<'_>) {
        if let (Some(id), Some(_)) = (view.tag("+bridgebot/id"), view.tag("+bridgebot/state")) {
            self.unheard.heard(&id);
            self.say_unheard();
        }
    }

    /// Takes one line of the daemon's.
    pub(super) fn daemon_says(&mut self, line: &str, now: &crate::clock::Moment) {
        let Some(view) = LineView::parse(line) else { return };
        let parameters = view.parameters();
        let second = parameters.get(1).copied().unwrap_or_default();
        match view.command {
            "PRIVMSG" | "NOTICE" | "TAGMSG" if !self.may_speak(view) => {}
            "TAGMSG" => {
                self.heard(view);
                self.pass(line, view, now);
            }
            "JOIN" | "PART" | "KICK" | "INVITE" | "WALLOPS" => {}
            "CAP" => {
                let (nick, rest) = parameters
                    .split_first()
                    .map_or(("*", parameters.as_slice()), |(nick, rest)| (*nick, rest));
                let answer = self.caps.answered(rest);
                let source = Word::new(view.source).unwrap_or_else(|| self.gateway.clone());
                let line = Line::from_source(&source, &word("CAP"));
                self.visitor(cap_line(line.word(&Word::new(nick).unwrap_or_else(Word::star)), &answer));
            }
            "421" if second.eq_ignore_ascii_case("CAP") => {
                for answer in self.caps.unknown_to_daemon() {
                    self.cap_answer(&answer);
                }
            }
            "001" => {
                self.stage = Stage::Registered;
                self.renamed(parameters.first().copied().unwrap_or_default());
                self.pass(line, view, now);
            }
            "376" | "422" => {
                self.tell_support();
                self.pass(line, view, now);
            }
            "NICK" => {
                // Others' changes are none of a visitor's business, save the bot's, which the bridge tells.
                if self.is_me(view.nick()) {
                    self.renamed(parameters.first().copied().unwrap_or_default());
                    self.pass(line, view, now);
                }
            }
            "ERROR" => {
                self.daemon_said_error = true;
                self.pass(line, view, now);
            }
            _ => self.pass(line, view, now),
        }
    }

    /// Only the bot, the daemon and the visitor's own echo have a voice here.
    fn may_speak(&self, view: LineView<'_>) -> bool {
        let nick = view.nick();
        let is_bot = self.bot_now.as_ref().is_some_and(|bot| bot.as_str().eq_ignore_ascii_case(nick));
        is_bot || self.is_me(nick) || (view.is_from_server() && view.command == "NOTICE")
    }

    fn pass(&mut self, line: &str, view: LineView<'_>, now: &crate::clock::Moment) {
        let adds_time = self.caps.is_ours("server-time")
            && self.caps.is_on("server-time")
            && matches!(view.command, "PRIVMSG" | "NOTICE")
            && !line.starts_with('@');
        let line = if adds_time {
            format!("@time={} {line}", crate::irc::timestamp::format(now.wall))
        } else {
            line.to_owned()
        };
        self.out.push_back(Output::Visitor(line));
    }

    fn renamed(&mut self, nick: &str) {
        if let Some(nick) = Word::new(nick) {
            self.out.push_back(Output::Named(nick.to_string()));
            self.nick = Some(nick);
        }
    }

    /// The tokens of draft/chathistory, once.
    fn tell_support(&mut self) {
        if !std::mem::replace(&mut self.support_told, true) {
            let pages = format!("CHATHISTORY={}", history::MAX_ENTRIES);
            self.numeric(
                "005",
                &[&pages, "MSGREFTYPES=msgid,timestamp"],
                "are supported by this server",
                None,
            );
        }
    }

    /// The daemon closed the connection, or can't be reached.
    pub(super) fn daemon_gone(&mut self) {
        if matches!(self.stage, Stage::Leaving) {
            self.close(Close::GOODBYE);
        } else if self.daemon_said_error {
            self.out.push_back(Output::Close(Close::DAEMON_AWAY));
        } else {
            self.close(Close::DAEMON_AWAY);
        }
    }

    /// Says why and ends the connection.
    pub(super) fn close(&mut self, close: Close) {
        let text = format!("Closing Link: {} ({})", self.nick_or_star(), close.reason);
        self.visitor(Line::new("ERROR").trailing(&LineText::flat(&text)));
        self.out.push_back(Output::Close(close));
    }

    fn fail(&mut self, command: &str, code: &str, words: &str) {
        let line = Line::from_source(&self.gateway, &word("FAIL")).word(&word(command)).word(&word(code));
        self.visitor(line.trailing(&LineText::flat(words)));
    }

    fn numeric(&mut self, number: &str, parameters: &[&str], words: &str, label: Option<String>) {
        let line = Line::from_source(&self.gateway, &word(number)).word(&self.nick_or_star());
        let line = parameters.iter().fold(line, |line, parameter| line.word(&word(parameter)));
        let label = label.filter(|label| label.len() <= MAX_LABEL && self.caps.is_on("labeled-response"));
        let line = line.trailing(&LineText::flat(words));
        self.visitor(line.tags(label.as_deref().map(|label| ("label", label))));
    }

    fn forward(&mut self, line: Line) {
        self.out.push_back(Output::Daemon(line.into()));
    }

    fn visitor(&mut self, line: Line) {
        self.out.push_back(Output::Visitor(line.into()));
    }

    fn bot_nick(&self) -> &Word {
        self.bot_now.as_ref().unwrap_or(&self.bot)
    }

    fn is_bot(&self, name: &str) -> bool {
        let is = |bot: &Word| bot.as_str().eq_ignore_ascii_case(name);
        is(&self.bot) || self.bot_now.as_ref().is_some_and(is)
    }

    fn is_me(&self, nick: &str) -> bool {
        self.nick.as_ref().is_some_and(|mine| mine.as_str() == nick)
    }

    fn nick_or_star(&self) -> Word {
        self.nick.clone().unwrap_or_else(Word::star)
    }
}

fn cap_line(line: Line, words: &[String]) -> Line {
    let Some((last, before)) = words.split_last() else { return line };
    let line = before.iter().fold(line, |line, one| line.word(&word(one)));
    // LS 302, LIST and END have no list.
    let is_list = !before.is_empty() && !last.bytes().all(|byte| byte.is_ascii_digit());
    if is_list || last.is_empty() { line.trailing(&LineText::flat(last)) } else { line.word(&word(last)) }
}

/// A parameter; what can't be one becomes `*`.
fn word(text: &str) -> Word {
    Word::new(text).unwrap_or_else(Word::star)
}

/// At most so many bytes of a text, whole characters.
fn clipped(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

fn is_client_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests;
