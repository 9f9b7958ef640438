//! The one task that keeps the bridge on IRC: connects, carries bytes between socket and [`Session`], reconnects.
//!
//! It decides nothing about IRC. Events go to the hub over a bounded channel: when it is full the link stops
//! reading and TCP pushes back. Commands are taken while the session has room, else they wait in their channel.
//! Commands that arrive while nobody is signed on are dropped: the hub has been told by [`IrcEvent::Lost`] and
//! owes them still.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::event::{IrcCommand, IrcEvent};
use super::framing::Framer;
pub use super::session::Memory;
use super::session::{Session, SessionConfig};
use crate::backoff::{Backoff, random};
use crate::clock::Moment;
use crate::connect::{Endpoint, Stream};

/// Room for one read.
const INPUT_BYTES: usize = 16 * 1024;
/// What is written at most before the socket takes some of it.
const OUTPUT_BYTES: usize = 16 * 1024;
/// After a stop was asked for, the hub is told what still comes for so long at most.
const LEAVE: Duration = Duration::from_secs(3);
/// A socket that takes nothing for so long is dead.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// The hub held us up for longer than this: what the daemon said meanwhile has not been read.
const HELD_UP: Duration = Duration::from_secs(1);

/// Where and as whom to be on IRC.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// The daemon.
    pub endpoint: Endpoint,
    /// The client.
    pub session: SessionConfig,
    /// Pauses between attempts.
    pub backoff: Backoff,
}

/// The link's ends towards the hub.
#[derive(Debug)]
pub struct LinkChannels {
    /// What happens on IRC. 256; full: the link stops reading.
    pub events: mpsc::Sender<IrcEvent>,
    /// What is wanted there. 256; full: the hub keeps the row.
    pub commands: mpsc::Receiver<IrcCommand>,
    /// Our nick while we are signed on.
    pub nick: watch::Sender<Option<String>>,
}

/// Stays on IRC until `stop`, [`IrcCommand::Quit`] or the end of the hub. `memory` says from when on history is wanted.
///
/// Logs «Lost connection (…), reconnecting.» once a loss and «Could not connect: …» once an outage.
pub async fn run(config: LinkConfig, memory: Memory, channels: LinkChannels, stop: CancellationToken) {
    Link { config, memory, channels, stop, away: None, goodbye: None, outage: false, failures: 0 }
        .run()
        .await;
}

struct Link {
    config: LinkConfig,
    memory: Memory,
    channels: LinkChannels,
    stop: CancellationToken,
    /// What we are away for, told again after each sign-on.
    away: Option<String>,
    goodbye: Option<String>,
    /// The outage that is going on has been logged.
    outage: bool,
    failures: u32,
}

impl Link {
    async fn run(mut self) {
        while !self.is_stopping() {
            let endpoint = self.config.endpoint.clone();
            match self.while_offline(endpoint.connect()).await {
                None => break,
                Some(Ok(stream)) => self.one_connection(stream).await,
                Some(Err(error)) => self.failed(&error.to_string()),
            }
            if self.is_stopping() {
                break;
            }
            let pause = self.config.backoff.pause(self.failures, random());
            self.failures = self.failures.saturating_add(1);
            if self.while_offline(sleep(pause)).await.is_none() {
                break;
            }
        }
    }

    fn is_stopping(&self) -> bool {
        self.goodbye.is_some() || self.stop.is_cancelled()
    }

    /// Waits for `work`, dropping commands meanwhile; `None` when it is time to end.
    async fn while_offline<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                () = self.stop.cancelled() => return None,
                command = self.channels.commands.recv() => match command {
                    None | Some(IrcCommand::Quit(_)) => return None,
                    Some(IrcCommand::Away(reason)) => self.away = reason,
                    Some(
                        IrcCommand::Say { .. }
                        | IrcCommand::Tag { .. }
                        | IrcCommand::Identify { .. }
                        | IrcCommand::Redact { .. }
                        | IrcCommand::Vouch { .. }
                        | IrcCommand::Unvouch { .. },
                    ) => {}
                },
            }
        }
    }

    fn failed(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.outage, true) {
            tracing::warn!("Could not connect: {reason}");
        }
    }

    /// From a fresh socket to its end.
    async fn one_connection(&mut self, stream: Box<dyn Stream>) {
        let session =
            Session::new(self.config.session.clone(), std::mem::take(&mut self.memory), Moment::now());
        let mut connection = Connection::new(session);
        connection.drive(stream, self).await;
        let Connection { session, signed_on_at, .. } = connection;
        let reason = session.end().unwrap_or("stopped").to_owned();
        self.memory = session.into_memory();
        self.channels.nick.send_replace(None);
        let Some(since) = signed_on_at else {
            if !self.is_stopping() {
                self.failed(&reason);
            }
            return;
        };
        if since.elapsed() >= self.config.backoff.settled {
            self.failures = 0;
        }
        if self.is_stopping() {
            return;
        }
        tracing::warn!("Lost connection ({reason}), reconnecting.");
        let lost = IrcEvent::Lost { reason };
        tokio::select! {
            _ = self.channels.events.send(lost) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// One socket's loop.
struct Connection {
    session: Session,
    framer: Framer,
    output: VecDeque<u8>,
    write_deadline: Option<Instant>,
    held_up_since: Option<Instant>,
    signed_on_at: Option<Instant>,
}

impl Connection {
    fn new(session: Session) -> Self {
        Self {
            session,
            framer: Framer::default(),
            output: VecDeque::new(),
            write_deadline: None,
            held_up_since: None,
            signed_on_at: None,
        }
    }

    async fn drive(&mut self, stream: Box<dyn Stream>, link: &mut Link) {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let events = link.channels.events.clone();
        let mut input = vec![0; INPUT_BYTES];
        let mut stopping = false;
        let mut leave_by = None;
        loop {
            let now = Moment::now();
            self.fill_output(now);
            if stopping && events.is_closed() {
                while self.session.poll_event().is_some() {}
            }
            if stopping {
                leave_by.get_or_insert_with(|| Instant::now() + LEAVE);
            }
            let has_event = self.session.has_event();
            if self.session.end().is_some() && !has_event {
                break;
            }
            let timeout = self.session.poll_timeout(now).map(Instant::from_std);
            let timeout = [timeout, self.write_deadline].into_iter().flatten().min();
            let is_open = self.session.end().is_none();
            tokio::select! {
                () = link.stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.session.quit("stopping", Moment::now());
                }
                // What was not told by then nobody is told, nor anything later: the next start fetches it in order.
                () = sleep_until(leave_by.unwrap_or_else(Instant::now)), if leave_by.is_some() => break,
                written = writer.write(self.output.as_slices().0), if is_open && !self.output.is_empty() => {
                    self.written(written);
                }
                permit = events.reserve(), if has_event => {
                    let Ok(permit) = permit else {
                        // Nobody listens any more.
                        stopping = true;
                        link.stop.cancel();
                        self.session.quit("stopping", Moment::now());
                        continue;
                    };
                    if let Some(event) = self.session.poll_event() {
                        self.observe(&event, link);
                        permit.send(event);
                    }
                    while self.session.has_event()
                        && let Ok(permit) = events.try_reserve()
                        && let Some(event) = self.session.poll_event()
                    {
                        self.observe(&event, link);
                        permit.send(event);
                    }
                }
                read = reader.read(&mut input), if is_open && !has_event => {
                    self.read(read.map(|length| input.get(..length).unwrap_or_default()));
                }
                command = link.channels.commands.recv(), if is_open && !stopping && self.session.accepts_commands() => {
                    stopping = self.command(command, link);
                    // Those that are there already are written together.
                    while !stopping
                        && self.session.accepts_commands()
                        && let Ok(command) = link.channels.commands.try_recv()
                    {
                        stopping = self.command(Some(command), link);
                    }
                }
                () = sleep_until(timeout.unwrap_or_else(Instant::now)), if timeout.is_some() && !has_event => {
                    if self.write_deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                        self.session.connection_lost("the daemon takes nothing more");
                    }
                    self.session.handle_timeout(Moment::now());
                }
            }
            self.note_waiting(has_event);
        }
        // Best effort: the goodbye of TLS, within the deadline of the session.
        let _ = tokio::time::timeout(Duration::from_millis(200), writer.shutdown()).await;
    }

    fn fill_output(&mut self, now: Moment) {
        while self.output.len() < OUTPUT_BYTES
            && let Some(line) = self.session.poll_transmit(now)
        {
            self.output.extend(line.as_str().bytes());
            self.output.extend(b"\r\n");
        }
        if self.output.is_empty() {
            self.write_deadline = None;
        } else if self.write_deadline.is_none() {
            self.write_deadline = Some(Instant::now() + WRITE_DEADLINE);
        }
    }

    fn written(&mut self, written: std::io::Result<usize>) {
        match written {
            Ok(0) => self.session.connection_lost("connection closed"),
            Ok(bytes) => {
                self.output.drain(..bytes);
                self.write_deadline = None;
            }
            Err(error) => self.session.connection_lost(&error.to_string()),
        }
    }

    fn read(&mut self, read: std::io::Result<&[u8]>) {
        match read {
            Ok([]) => self.session.connection_lost("connection closed"),
            Ok(bytes) => {
                let (now, session) = (Moment::now(), &mut self.session);
                self.framer.feed(bytes, |line| session.receive(&line, now));
            }
            Err(error) => self.session.connection_lost(&error.to_string()),
        }
    }

    /// Gives whether it is time to stop.
    fn command(&mut self, command: Option<IrcCommand>, link: &mut Link) -> bool {
        match command {
            Some(IrcCommand::Say { id, to, speech, text, tags, receiver }) => {
                self.session.say(id, &to, speech, &text, &tags, receiver.as_deref());
            }
            Some(IrcCommand::Tag { to, tags, receiver }) => {
                self.session.tag(&to, &tags, receiver.as_deref());
            }
            Some(IrcCommand::Vouch { user, nick }) => self.session.vouch(user, &nick),
            Some(IrcCommand::Unvouch { user }) => self.session.unvouch(&user),
            Some(IrcCommand::Identify { nick }) => self.session.identify(&nick, Moment::now()),
            Some(IrcCommand::Redact { lines }) => self.session.redact(&lines),
            Some(IrcCommand::Away(reason)) => {
                self.session.away(reason.as_deref());
                link.away = reason;
            }
            Some(IrcCommand::Quit(words)) => {
                self.session.quit(&words, Moment::now());
                link.goodbye = Some(words);
                return true;
            }
            None => {
                self.session.quit("stopping", Moment::now());
                link.goodbye = Some(String::new());
                return true;
            }
        }
        false
    }

    /// What the rest of the program and the log learn from an event as it goes to the hub.
    fn observe(&mut self, event: &IrcEvent, link: &mut Link) {
        match event {
            IrcEvent::SignedOn { nick } => {
                tracing::info!("Signed on as {nick}.");
                self.signed_on_at = Some(Instant::now());
                link.outage = false;
                if link.away.is_some() {
                    self.session.away(link.away.as_deref());
                }
            }
            IrcEvent::OwnNick { nick } => tracing::info!("The nick is {nick} now."),
            IrcEvent::Joined { channel } => tracing::info!("Joined {channel}."),
            _ => {}
        }
        if self.session.is_signed_on() {
            let nick = self.session.nick();
            link.channels.nick.send_if_modified(|known| {
                let news = known.as_deref() != Some(nick);
                if news {
                    *known = Some(nick.to_owned());
                }
                news
            });
        }
    }

    /// While the hub holds us up nothing is read, so silence then is not the daemon's.
    fn note_waiting(&mut self, waited: bool) {
        if self.session.has_event() && waited {
            self.held_up_since.get_or_insert_with(Instant::now);
        } else if let Some(since) = self.held_up_since.take()
            && since.elapsed() >= HELD_UP
        {
            self.session.resumed(Moment::now());
        }
    }
}
