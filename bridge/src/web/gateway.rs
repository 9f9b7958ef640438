//! The shell of the visitors' gateway: one task for each WebSocket, with a connection of its own to the IRC daemon.
//!
//! It moves bytes and keeps time; what may pass is [`Filter`]'s to say. Queues are bounded in bytes both ways: while
//! the visitor reads slowly the daemon is not read, while the daemon is slow the visitor is not read, and either that
//! takes nothing at all for a while is given up.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink as _, StreamExt as _};
use program::Secret;
use std::pin::Pin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;

use super::event::{HistoryEntry, SessionId, WebEvent};
use super::filter::{Close, Filter, Output};
use super::history::Question;
use super::limits::{Census, Crowded, Limits};
use super::metrics::GatewayCounts;
use crate::clock::Moment;
use crate::connect::{Endpoint, Stream};
use crate::irc::framing::Framer;
use crate::irc::text::{Line, LineText, Word};

/// From the WebSocket's beginning to the daemon's 001.
const REGISTER: Duration = Duration::from_secs(30);
/// After so much silence of the visitor's a WebSocket PING.
const IDLE: Duration = Duration::from_secs(60);
/// And after so much more the end.
const PING_DEADLINE: Duration = Duration::from_secs(90);
/// A visitor or daemon that takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(30);
/// For the hub to take or answer something.
const HUB_DEADLINE: Duration = Duration::from_secs(10);
/// For the last words.
const FAREWELL: Duration = Duration::from_secs(2);
/// Between the last words to somebody whose bytes can't be read on and the end of the socket.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// Bytes waiting for the visitor beyond which the daemon isn't read.
const TO_VISITOR: usize = 32 * 1024;
/// Bytes waiting for the daemon beyond which the visitor isn't read.
const TO_DAEMON: usize = 8 * 1024;
/// Histories on their way to visitors at once; each is at most some hundred kilobytes.
const HISTORIES: usize = 256;

/// What the gateway needs.
#[derive(Debug)]
pub(super) struct GatewayConfig {
    pub(super) daemon: Endpoint,
    pub(super) webirc_password: Option<Secret>,
    pub(super) bot: Word,
    pub(super) limits: Limits,
}

/// Everything that the connections share.
#[derive(Debug)]
pub(super) struct Gateway {
    config: GatewayConfig,
    events: mpsc::Sender<WebEvent>,
    bot: watch::Receiver<Option<String>>,
    census: Mutex<Census>,
    /// The newest connection of each session, and how to end it when a newer one comes.
    sessions: Mutex<HashMap<SessionId, Claim>>,
    histories: Arc<Semaphore>,
    pub(super) counts: GatewayCounts,
    stop: CancellationToken,
}

#[derive(Debug, Clone)]
struct Claim {
    user: String,
    replaced: CancellationToken,
}

/// Who is at the other end.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) address: IpAddr,
    pub(super) page: Option<String>,
    pub(super) language: Option<String>,
    /// Whether `binary.ircv3.net` was agreed on.
    pub(super) binary: bool,
}

impl Gateway {
    pub(super) fn new(
        config: GatewayConfig,
        events: mpsc::Sender<WebEvent>,
        bot: watch::Receiver<Option<String>>,
        stop: CancellationToken,
    ) -> Self {
        let census = Mutex::new(Census::new(config.limits));
        let histories = Arc::new(Semaphore::new(HISTORIES));
        let (sessions, counts) = (Mutex::default(), GatewayCounts::default());
        Self { config, events, bot, census, sessions, histories, counts, stop }
    }

    /// Visitors connected now.
    pub(super) fn open(&self) -> usize {
        self.census.lock().unwrap_or_else(PoisonError::into_inner).open()
    }

    /// Serves one visitor to the end.
    pub(super) async fn serve(self: Arc<Self>, socket: WebSocket, visitor: Visitor) {
        let address = visitor.address;
        let admitted =
            self.census.lock().unwrap_or_else(PoisonError::into_inner).enter(address, Moment::now().instant);
        match admitted {
            Ok(()) => {
                self.counts.opened();
                self.admitted(socket, visitor).await;
                self.census.lock().unwrap_or_else(PoisonError::into_inner).leave(address);
            }
            Err(crowded) => {
                self.counts.refused();
                turn_away(socket, crowded).await;
            }
        }
    }

    async fn admitted(&self, socket: WebSocket, visitor: Visitor) {
        let Some(user) = random_user() else {
            tracing::error!("the system has no randomness to offer; visitors can't be let in");
            return;
        };
        let bot_now = self.bot.borrow().clone();
        let filter =
            Filter::new(user.clone(), self.config.bot.clone(), bot_now.as_deref(), self.config.limits);
        let (sink, stream) = socket.split();
        let mut connection = Connection {
            gateway: self,
            visitor,
            user,
            filter,
            sink,
            stream,
            to_visitor: VecDeque::new(),
            to_visitor_bytes: 0,
            unflushed: false,
            to_daemon: VecDeque::new(),
            framer: Framer::default(),
            claim: None,
            history: None,
            history_slot: None,
            closing: None,
            timing: Timing::start(),
        };
        connection.run().await;
        connection.finish().await;
    }

    /// Makes this connection the session's; the one before it is ended.
    fn claim(&self, session: &SessionId, user: &str) -> CancellationToken {
        let claim = Claim { user: user.to_owned(), replaced: CancellationToken::new() };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(older) = sessions.insert(session.clone(), claim.clone()) {
            older.replaced.cancel();
        }
        claim.replaced
    }

    fn release(&self, session: &SessionId, user: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.get(session).is_some_and(|claim| claim.user == user) {
            sessions.remove(session);
        }
    }
}

/// When what was last seen, and what is awaited.
#[derive(Debug)]
struct Timing {
    register_by: Instant,
    heard_at: Instant,
    pinged: bool,
    visitor_stalled_at: Option<Instant>,
    daemon_stalled_at: Option<Instant>,
    history_by: Option<Instant>,
}

impl Timing {
    fn start() -> Self {
        let now = Instant::now();
        Self {
            register_by: now + REGISTER,
            heard_at: now,
            pinged: false,
            visitor_stalled_at: None,
            daemon_stalled_at: None,
            history_by: None,
        }
    }
}

struct Connection<'a> {
    gateway: &'a Gateway,
    visitor: Visitor,
    user: String,
    filter: Filter,
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    to_visitor: VecDeque<Message>,
    to_visitor_bytes: usize,
    /// Something was handed to the socket that may not have left yet.
    unflushed: bool,
    to_daemon: VecDeque<u8>,
    framer: Framer,
    claim: Option<(SessionId, CancellationToken)>,
    history: Option<oneshot::Receiver<Vec<HistoryEntry>>>,
    history_slot: Option<OwnedSemaphorePermit>,
    closing: Option<Close>,
    timing: Timing,
}

/// The visitor's end is gone; there is nobody to say anything to.
struct VisitorGone;

impl Connection<'_> {
    async fn run(&mut self) {
        let daemon = tokio::select! {
            daemon = self.gateway.config.daemon.connect() => daemon,
            () = self.gateway.stop.cancelled() => {
                self.filter.close(Close::STOPPING);
                let _ = self.obey().await;
                return;
            }
        };
        let daemon = match daemon {
            Ok(daemon) => daemon,
            Err(error) => {
                self.gateway.counts.daemon_away();
                tracing::debug!("a visitor could not be connected: {error}");
                self.filter.daemon_gone();
                let _ = self.obey().await;
                return;
            }
        };
        let (mut reader, mut writer) = tokio::io::split(daemon);
        self.introduce();
        let mut bot = self.gateway.bot.clone();
        let mut input = [0; 4096];
        loop {
            if self.obey().await.is_err() {
                break;
            }
            if self.closing.is_some() {
                break;
            }
            let turn = self.turn(&mut reader, &mut writer, &mut bot, &mut input).await;
            if turn.is_err() {
                break;
            }
        }
        say_quit(&mut writer, &self.to_daemon).await;
    }

    /// Waits for one thing to happen, and lets the filter have it.
    async fn turn(
        &mut self,
        reader: &mut ReadHalf<Box<dyn Stream>>,
        writer: &mut WriteHalf<Box<dyn Stream>>,
        bot: &mut watch::Receiver<Option<String>>,
        input: &mut [u8; 4096],
    ) -> Result<(), VisitorGone> {
        let now = Moment::now();
        let replaced = self.claim.as_ref().map(|(_, replaced)| replaced.clone()).unwrap_or_default();
        let visitor_is_read = self.history.is_none()
            && self.to_visitor_bytes < TO_VISITOR
            && self.to_daemon.len() < TO_DAEMON
            && self.filter.ready_at(now.instant) <= now.instant;
        let wakes_at = self.next_deadline(now);
        let sends = !self.to_visitor.is_empty();
        tokio::select! {
            () = self.gateway.stop.cancelled() => self.filter.close(Close::STOPPING),
            () = replaced.cancelled() => self.filter.close(Close::ELSEWHERE),
            Ok(()) = bot.changed() => {
                let nick = bot.borrow_and_update().clone();
                self.filter.bot_changed(nick.as_deref());
            }
            entries = async { self.history.as_mut()?.await.ok() }, if self.history.is_some() => {
                self.history = None;
                self.timing.history_by = None;
                self.filter.history(entries.as_deref());
            }
            read = reader.read(input), if self.to_visitor_bytes < TO_VISITOR => {
                let bytes = read.ok().and_then(|length| input.get(..length)).unwrap_or_default();
                if bytes.is_empty() {
                    self.filter.daemon_gone();
                } else {
                    let (filter, now) = (&mut self.filter, Moment::now());
                    self.framer.feed(bytes, |line| filter.daemon_says(&line, &now));
                }
            }
            written = writer.write(self.to_daemon.as_slices().0), if !self.to_daemon.is_empty() => {
                match written {
                    Ok(bytes) if bytes > 0 => {
                        self.to_daemon.drain(..bytes);
                        self.timing.daemon_stalled_at = None;
                    }
                    _ => self.filter.daemon_gone(),
                }
            }
            message = self.stream.next(), if visitor_is_read => self.heard(message)?,
            // One of the two: room for the next message, or the last ones leaving.
            done = poll_fn(|cx| {
                let sink = Pin::new(&mut self.sink);
                if sends { sink.poll_ready(cx) } else { sink.poll_flush(cx) }
            }), if sends || self.unflushed => {
                done.map_err(|_| VisitorGone)?;
                if sends {
                    self.send_one()?;
                } else {
                    self.unflushed = false;
                    self.timing.visitor_stalled_at = None;
                    self.history_slot = None;
                }
            }
            () = sleep_until(wakes_at) => self.handle_timeout(),
        }
        Ok(())
    }

    /// Does what the filter wants.
    async fn obey(&mut self) -> Result<(), VisitorGone> {
        while let Some(output) = self.filter.poll() {
            match output {
                Output::Daemon(line) => {
                    self.gateway.counts.line_in();
                    self.to_daemon.extend(line.bytes());
                    self.to_daemon.extend(b"\r\n");
                    self.timing.daemon_stalled_at.get_or_insert_with(Instant::now);
                }
                Output::Visitor(line) => {
                    self.gateway.counts.line_out();
                    self.to_visitor_bytes += line.len();
                    self.to_visitor.push_back(if self.visitor.binary {
                        Message::Binary(line.into())
                    } else {
                        Message::Text(line.into())
                    });
                    self.timing.visitor_stalled_at.get_or_insert_with(Instant::now);
                }
                Output::Open(session) => {
                    let replaced = self.gateway.claim(&session, &self.user);
                    self.claim = Some((session.clone(), replaced));
                    let (user, page) = (self.user.clone(), self.visitor.page.clone());
                    let language = self.visitor.language.clone();
                    if self.tell_hub(WebEvent::Opened { session, user, page, language }).await {
                        self.filter.opened();
                    }
                }
                Output::Named(nick) => {
                    let user = self.user.clone();
                    self.tell_hub(WebEvent::Named { user, nick, numbered: self.filter.gives_numbers() })
                        .await;
                }
                Output::History(question) => self.ask_history(question).await,
                Output::Close(close) => self.closing = Some(close),
            }
        }
        Ok(())
    }

    async fn ask_history(&mut self, question: Question) {
        let Some(session) = self.filter.session().cloned() else {
            self.filter.history(None);
            return;
        };
        if self.history_slot.is_none() {
            let slot = timeout(HUB_DEADLINE, Arc::clone(&self.gateway.histories).acquire_owned()).await;
            self.history_slot = slot.ok().and_then(Result::ok);
        }
        if self.history_slot.is_none() {
            self.filter.history(None);
            return;
        }
        let (reply, answer) = oneshot::channel();
        let event = WebEvent::History { session, range: question.range, limit: question.limit, reply };
        if self.tell_hub(event).await {
            self.history = Some(answer);
            self.timing.history_by = Some(Instant::now() + HUB_DEADLINE);
        }
    }

    /// Hands the hub an event; the connection ends where that is not possible.
    async fn tell_hub(&mut self, event: WebEvent) -> bool {
        let taken = tokio::select! {
            taken = timeout(HUB_DEADLINE, self.gateway.events.send(event)) => matches!(taken, Ok(Ok(()))),
            () = self.gateway.stop.cancelled() => false,
        };
        if !taken {
            let stopping = self.gateway.stop.is_cancelled();
            self.filter.close(if stopping { Close::STOPPING } else { Close::DAEMON_AWAY });
        }
        taken
    }

    fn heard(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), VisitorGone> {
        let now = Moment::now();
        self.timing.heard_at = Instant::now();
        self.timing.pinged = false;
        self.filter.count(now.instant);
        match message {
            Some(Ok(Message::Text(text))) => self.filter.visitor_says(&text, now.instant),
            Some(Ok(Message::Binary(bytes))) => {
                self.filter.visitor_says(&String::from_utf8_lossy(&bytes), now.instant);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Err(error)) => self.filter.close(fault(&error).ok_or(VisitorGone)?),
            Some(Ok(Message::Close(_))) | None => return Err(VisitorGone),
        }
        Ok(())
    }

    fn send_one(&mut self) -> Result<(), VisitorGone> {
        if let Some(message) = self.to_visitor.pop_front() {
            self.to_visitor_bytes = self.to_visitor_bytes.saturating_sub(length(&message));
            Pin::new(&mut self.sink).start_send(message).map_err(|_| VisitorGone)?;
            self.unflushed = true;
            self.timing.visitor_stalled_at = Some(Instant::now());
        }
        Ok(())
    }

    fn next_deadline(&self, now: Moment) -> Instant {
        let timing = &self.timing;
        let idle = timing.heard_at + if timing.pinged { IDLE + PING_DEADLINE } else { IDLE };
        let register = (!self.filter.is_registered()).then_some(timing.register_by);
        let stalled = |since: Option<Instant>| since.map(|since| since + STALLED);
        let ready_at = self.filter.ready_at(now.instant);
        let paused = (ready_at > now.instant).then(|| Instant::from_std(ready_at));
        let daemon = stalled(timing.daemon_stalled_at.filter(|_| !self.to_daemon.is_empty()));
        [register, stalled(timing.visitor_stalled_at), daemon, timing.history_by, paused]
            .into_iter()
            .flatten()
            .fold(idle, Instant::min)
    }

    fn handle_timeout(&mut self) {
        let now = Instant::now();
        let is_due = |at: Option<Instant>, after: Duration| at.is_some_and(|at| at + after <= now);
        let timing = &mut self.timing;
        if !self.filter.is_registered() && timing.register_by <= now {
            self.filter.close(Close::UNREGISTERED);
        } else if is_due(timing.visitor_stalled_at, STALLED) {
            self.filter.close(Close::SLOW);
        } else if !self.to_daemon.is_empty() && is_due(timing.daemon_stalled_at, STALLED) {
            self.filter.daemon_gone();
        } else if is_due(timing.history_by, Duration::ZERO) {
            timing.history_by = None;
            self.history = None;
            self.filter.history(None);
        } else if timing.pinged && timing.heard_at + IDLE + PING_DEADLINE <= now {
            self.filter.close(Close::SILENT);
        } else if !timing.pinged && timing.heard_at + IDLE <= now {
            timing.pinged = true;
            self.to_visitor.push_back(Message::Ping(bytes::Bytes::new()));
            timing.visitor_stalled_at.get_or_insert(now);
        }
    }

    /// WEBIRC tells the daemon the visitor's own address; it must come first. Where others have the gateway's name, ngircd reads
    /// the visitor's user name, and keeps it whatever USER says.
    fn introduce(&mut self) {
        let Some(password) = &self.gateway.config.webirc_password else { return };
        let address = self.visitor.address.to_canonical().to_string();
        // A parameter can't begin with a colon, as `::1` does.
        let address = if address.starts_with(':') { format!("0{address}") } else { address };
        let words = [password.expose(), &self.user, &address, &address].map(Word::new);
        if let [Some(password), Some(gateway), Some(host), Some(ip)] = words {
            let line = Line::new("WEBIRC").word(&password).word(&gateway).word(&host).word(&ip);
            self.to_daemon.extend(String::from(line).bytes());
            self.to_daemon.extend(b"\r\n");
        }
    }

    /// The last words: what waits and the close frame, as far as the visitor takes them; then the hub learns of it.
    async fn finish(&mut self) {
        if let Some(close) = self.closing {
            self.gateway.counts.closed(close.code);
            let frame = CloseFrame { code: close.code, reason: Utf8Bytes::from_static(close.reason) };
            self.to_visitor.push_back(Message::Close(Some(frame)));
            let _ = timeout(FAREWELL, self.say_farewell()).await;
        }
        if let Some((session, _)) = &self.claim {
            self.gateway.release(session, &self.user);
            let user = self.user.clone();
            // The hub always takes events while it runs; when it is gone nobody needs this one.
            let _ = self.gateway.events.send(WebEvent::Closed { user }).await;
        }
    }

    async fn say_farewell(&mut self) {
        while !self.to_visitor.is_empty() {
            if poll_fn(|cx| Pin::new(&mut self.sink).poll_ready(cx)).await.is_err()
                || self.send_one().is_err()
            {
                return;
            }
        }
        if poll_fn(|cx| Pin::new(&mut self.sink).poll_flush(cx)).await.is_err() {
            return;
        }
        // Reads on to the answering close frame: a socket closed over unread bytes takes back what was sent. After an
        // error nothing can be read any more, so the visitor gets a moment to read instead.
        while let Some(Ok(_)) = self.stream.next().await {}
        if self.closing.is_some_and(Close::is_fault) {
            sleep(LAST_LOOK).await;
        }
    }
}

async fn say_quit(writer: &mut WriteHalf<Box<dyn Stream>>, waiting: &VecDeque<u8>) {
    let mut last: Vec<u8> = waiting.iter().copied().collect();
    last.extend(b"QUIT :Connection closed\r\n");
    let _ = timeout(Duration::from_secs(1), async {
        let _ = writer.write_all(&last).await;
        let _ = writer.shutdown().await;
    })
    .await;
}

async fn turn_away(mut socket: WebSocket, crowded: Crowded) {
    let text = Line::new("ERROR").trailing(&LineText::flat(&format!("Closing Link: ({crowded})")));
    let frame = CloseFrame { code: 1008, reason: crowded.to_string().into() };
    let _ = timeout(FAREWELL, async {
        let _ = socket.send(Message::Text(String::from(text).into())).await;
        let _ = socket.send(Message::Close(Some(frame))).await;
        while let Some(Ok(_)) = socket.recv().await {}
    })
    .await;
}

/// What the visitor did wrong; `None` when the connection just broke.
fn fault(error: &axum::Error) -> Option<Close> {
    match std::error::Error::source(error)?.downcast_ref()? {
        tungstenite::Error::Capacity(_) => Some(Close::TOO_LONG),
        tungstenite::Error::Utf8(_) => Some(Close::NOT_TEXT),
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some(Close::BROKEN),
        _ => None,
    }
}

fn length(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}

/// A letter and 8 letters or digits; 41 bits that nobody can guess while the connection lasts.
fn random_user() -> Option<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).ok()?;
    let letter = |byte: u8| ALPHABET.get(usize::from(byte % 32)).map_or('a', |&letter| char::from(letter));
    Some(std::iter::once('v').chain(bytes.into_iter().map(letter)).collect())
}
