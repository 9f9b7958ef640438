//! The machines on sockets (feature `tokio`): the only file that reads a clock or a socket, and nothing else.
//!
//! [`connect`] signs on at the authorizer and connects to the BOS server. The [`Client`] it gives belongs to one task,
//! which waits in [`Client::event`] and calls the other methods between; all reading, writing and timing happens inside
//! `event`, so a task that doesn't come back to it stops the session, and TCP pushes back at the server.
//!
//! ```no_run
//! use oscar_im::{ScreenName, net, session::Event, sign_on::Credentials};
//!
//! # async fn example() -> Result<(), net::ConnectError> {
//! let credentials = Credentials { screen_name: ScreenName::from("bridgebot"), password: "pass1word".into() };
//! let mut client = net::connect(&net::Config::new("127.0.0.1", 5190, credentials)).await?;
//! client.watch(&[ScreenName::from("Staff One")]);
//! loop {
//!     match client.event().await {
//!         Event::ImReceived(im) if !im.auto => {
//!             let cookie = *b"00000001"; // an id of your own, new for each message
//!             let _ = client.send_im(cookie, &im.from, "I am a program.");
//!         }
//!         Event::Closed(reason) => {
//!             println!("{reason}");
//!             return Ok(());
//!         }
//!         _ => {}
//!     }
//! }
//! # }
//! ```
//!
//! Over TLS: [`connect_with`] and the connector [`tls`] (feature `tls`), or a function of your own that makes the stream.

#[cfg(feature = "tls")]
mod tls;

#[cfg(feature = "tls")]
pub use rustls;
#[cfg(feature = "tls")]
pub use tls::{Connecting, TlsStream, tls};

use crate::ScreenName;
use crate::foodgroup::icbm::Cookie;
use crate::service::{Event as ServiceEvent, ServiceSession};
use crate::session::{self, CloseReason, Event, SendError, Service, Session, Typing};
use crate::sign_on::{Address, Authorized, Credentials, Identity, Method, SignOn, SignOnError};
use crate::wire::flap::{Ending, FlapProgress};
use crate::wire::{FlapChannel, FlapDecoder, FlapError, Frame};
use bytes::{Buf, BytesMut};
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout, timeout_at};

/// Room for one read.
const READ_SIZE: usize = 16 * 1024;
/// Bytes that are made ready for the socket; what is beyond stays in the session, which bounds it.
const WRITE_SIZE: usize = 64 * 1024;
/// How long a closing connection may take to send its last frames.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where to sign on, and as whom.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The authorizer's name or number.
    pub host: String,
    /// Its port; AOL's was 5190. The BOS server has the same unless the authorizer says otherwise.
    pub port: u16,
    /// Name and password.
    pub credentials: Credentials,
    /// What the client says it is.
    pub identity: Identity,
    /// How the password is proven.
    pub method: Method,
    /// For the session.
    pub session: session::Config,
    /// For each of: connecting to the authorizer, signing on there, connecting to the BOS server.
    pub deadline: Duration,
}

impl Config {
    /// With defaults for the rest.
    pub fn new(host: impl Into<String>, port: u16, credentials: Credentials) -> Self {
        Self {
            host: host.into(),
            port,
            credentials,
            identity: Identity::default(),
            method: Method::default(),
            session: session::Config::default(),
            deadline: Duration::from_secs(15),
        }
    }
}

/// How far a sign-on had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Connecting to the authorizer.
    Connect,
    /// Signing on there.
    SignOn,
    /// Connecting to the BOS server.
    Bos,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting to the sign-on server",
            Self::SignOn => "signing on",
            Self::Bos => "connecting to the message server",
        })
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A socket failed.
    #[error("{stage} at {address}: {source}")]
    Io {
        /// When.
        stage: Stage,
        /// Where.
        address: String,
        /// How.
        source: io::Error,
    },
    /// [`Config::deadline`] passed.
    #[error("{stage} at {address} took too long")]
    Deadline {
        /// When.
        stage: Stage,
        /// Where.
        address: String,
    },
    /// The authorizer refused, or did not keep to the protocol.
    #[error(transparent)]
    SignOn(#[from] SignOnError),
    /// What it sent is no FLAP.
    #[error("the sign-on server does not speak OSCAR: {0}")]
    Flap(#[from] FlapError),
}

impl ConnectError {
    /// Whether trying again is of no use until a person has changed something.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::SignOn(SignOnError::Refused(refusal)) if refusal.code.is_permanent())
            || matches!(self, Self::SignOn(SignOnError::TooLong))
    }
}

/// Signs on and connects, over TCP. The session's start-up then happens in [`Client::event`], whose
/// [`Event::SignedOn`] ends it.
pub async fn connect(config: &Config) -> Result<Client<TcpStream>, ConnectError> {
    connect_with(config, tcp).await
}

/// As [`connect`], over streams that `connector` makes of a host and a port, such as TLS ones. It is called twice.
pub async fn connect_with<S, C, F>(config: &Config, connector: C) -> Result<Client<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
    C: Fn(String, u16) -> F + Send,
    F: Future<Output = io::Result<S>> + Send,
{
    let stream = open(config, Stage::Connect, &connector, &config.host, config.port).await?;
    let address = format!("{}:{}", config.host, config.port);
    let authorized = timeout(config.deadline, authorize(config, stream, &address))
        .await
        .map_err(|_| ConnectError::Deadline { stage: Stage::SignOn, address })??;
    at_bos(config, &connector, &authorized.address, authorized.screen_name, &authorized.cookie).await
}

async fn at_bos<S, C, F>(
    config: &Config,
    connector: &C,
    bos: &Address,
    screen_name: ScreenName,
    cookie: &[u8],
) -> Result<Client<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite,
    C: Fn(String, u16) -> F,
    F: Future<Output = io::Result<S>>,
{
    let stream = open(config, Stage::Bos, connector, &bos.host, bos.port.unwrap_or(config.port)).await?;
    Ok(Client::new(stream, config.session.clone(), screen_name, cookie))
}

/// Connects to where the server has moved the session (01/12, [`CloseReason::Migrated`]), over streams that `connector`
/// makes; without a new sign-on, for the server keeps what comes for the session meanwhile. Its cookie is good once, and
/// not for long: where this fails, sign on anew.
pub async fn follow_with<S, C, F>(
    config: &Config,
    moved: &Service,
    connector: C,
) -> Result<Client<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
    C: Fn(String, u16) -> F + Send,
    F: Future<Output = io::Result<S>> + Send,
{
    let screen_name = config.credentials.screen_name.clone();
    at_bos(config, &connector, &moved.address, screen_name, &moved.cookie).await
}

/// Connects to a service that [`Event::ServiceReady`] named, over TCP. `port` is for a service that names none.
pub async fn connect_service(service: &Service, port: u16) -> io::Result<ServiceClient<TcpStream>> {
    let stream = tcp(service.address.host.clone(), service.address.port.unwrap_or(port)).await?;
    Ok(ServiceClient::for_service(stream, service))
}

/// A TCP connection without delay for small frames: the connector of [`connect`].
pub async fn tcp(host: String, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn open<S, C, F>(
    config: &Config,
    stage: Stage,
    connector: &C,
    host: &str,
    port: u16,
) -> Result<S, ConnectError>
where
    C: Fn(String, u16) -> F,
    F: Future<Output = io::Result<S>>,
{
    let address = || format!("{host}:{port}");
    timeout(config.deadline, connector(host.to_owned(), port))
        .await
        .map_err(|_| ConnectError::Deadline { stage, address: address() })?
        .map_err(|source| ConnectError::Io { stage, address: address(), source })
}

async fn authorize<S>(config: &Config, mut stream: S, address: &str) -> Result<Authorized, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let io = |source| ConnectError::Io { stage: Stage::SignOn, address: address.to_owned(), source };
    let mut machine = SignOn::new(config.credentials.clone(), config.identity.clone(), config.method);
    let decoder = FlapDecoder::default();
    let mut incoming = BytesMut::new();
    loop {
        while let Some(frame) = machine.poll_transmit() {
            let bytes = frame.encode().map_err(|_| SignOnError::TooLong)?;
            stream.write_all(&bytes).await.map_err(io)?;
        }
        stream.flush().await.map_err(io)?;
        if let Some(outcome) = machine.outcome() {
            return Ok(outcome.clone()?);
        }
        match decoder.decode(&incoming)? {
            FlapProgress::Frame { frame, consumed } => {
                incoming.advance(consumed);
                machine.receive(&frame);
            }
            FlapProgress::NeedMore { .. } => {
                incoming.reserve(READ_SIZE);
                if stream.read_buf(&mut incoming).await.map_err(io)? == 0 {
                    machine.closed();
                }
            }
        }
    }
}

/// A session with its connection.
pub type Client<S> = Driver<S, Session>;

/// A service, such as a chat room, with its connection.
pub type ServiceClient<S> = Driver<S, ServiceSession>;

mod sealed {
    /// Only this crate's machines are driven here, so that [`super::Machine`] may grow.
    pub trait Sealed {}
    impl Sealed for super::Session {}
    impl Sealed for super::ServiceSession {}
}

/// What a [`Driver`] drives; the documentation of [`crate::session`] says how. Sealed: it may grow.
pub trait Machine: sealed::Sealed {
    /// What it tells.
    type Event;
    /// A frame came.
    fn receive(&mut self, frame: &Frame, now: Instant);
    /// The connection has ended.
    fn closed(&mut self, why: &str);
    /// What came is no FLAP.
    fn broken(&mut self, error: FlapError);
    /// Time has passed.
    fn handle_timeout(&mut self, now: Instant);
    /// Until when.
    fn poll_timeout(&self, now: Instant) -> Option<Instant>;
    /// What to send.
    fn poll_transmit(&mut self) -> Option<Frame>;
    /// What happened.
    fn poll_event(&mut self) -> Option<Self::Event>;
    /// The last event, apart from the others.
    fn end(event: Self::Event) -> Result<Self::Event, CloseReason>;
    /// And back.
    fn ended(reason: CloseReason) -> Self::Event;
}

macro_rules! machine {
    ($machine:ty, $event:ident) => {
        impl Machine for $machine {
            type Event = $event;
            fn receive(&mut self, frame: &Frame, now: Instant) {
                <$machine>::receive(self, frame, now);
            }
            fn closed(&mut self, why: &str) {
                <$machine>::closed(self, why);
            }
            fn broken(&mut self, error: FlapError) {
                <$machine>::broken(self, error);
            }
            fn handle_timeout(&mut self, now: Instant) {
                <$machine>::handle_timeout(self, now);
            }
            fn poll_timeout(&self, now: Instant) -> Option<Instant> {
                <$machine>::poll_timeout(self, now)
            }
            fn poll_transmit(&mut self) -> Option<Frame> {
                <$machine>::poll_transmit(self)
            }
            fn poll_event(&mut self) -> Option<$event> {
                <$machine>::poll_event(self)
            }
            fn end(event: $event) -> Result<$event, CloseReason> {
                match event {
                    $event::Closed(reason) => Err(reason),
                    event => Ok(event),
                }
            }
            fn ended(reason: CloseReason) -> $event {
                $event::Closed(reason)
            }
        }
    };
}
machine!(Session, Event);
machine!(ServiceSession, ServiceEvent);

/// A machine with its connection. Belongs to one task.
#[derive(Debug)]
pub struct Driver<S, M> {
    session: M,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    decoder: FlapDecoder,
    /// The last frame's sequence number.
    heard: Option<u16>,
    /// Less than one frame, between calls.
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Whether all that was written has also left the stream's own buffer.
    flushed: bool,
    over: Option<(CloseReason, tokio::time::Instant)>,
}

impl<S: AsyncRead + AsyncWrite, M: Machine> Driver<S, M> {
    fn drive(stream: S, session: M) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            session,
            reader,
            writer,
            decoder: FlapDecoder::default(),
            heard: None,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            flushed: true,
            over: None,
        }
    }

    /// The machine, for all that it tells without changing: buddy list, presence.
    pub const fn session(&self) -> &M {
        &self.session
    }

    /// The machine and the time, for what has no method here. What it is asked for is on its way once
    /// [`Driver::event`] is called.
    pub fn session_mut(&mut self) -> (&mut M, Instant) {
        (&mut self.session, now())
    }

    /// What happened next. Cancel-safe: nothing is lost if the future is dropped. After the event `Closed`, which comes
    /// when the last frames are sent, it gives the same again.
    pub async fn event(&mut self) -> M::Event {
        loop {
            if let Some((reason, deadline)) = &self.over {
                let (reason, deadline) = (reason.clone(), *deadline);
                // Whatever becomes of the last frames, the session is over. A caller who asks on and on lets others run.
                let _ = timeout_at(deadline, self.say_goodbye()).await;
                tokio::task::yield_now().await;
                return M::ended(reason);
            }
            self.write_now().await;
            match self.session.poll_event().map(M::end) {
                Some(Ok(event)) => return event,
                Some(Err(reason)) => self.over = Some((reason, tokio::time::Instant::now() + GOODBYE)),
                None => self.step().await,
            }
        }
    }

    /// One frame, one read, one write or one timeout.
    async fn step(&mut self) {
        match self.decoder.decode(&self.incoming) {
            Ok(FlapProgress::Frame { frame, consumed }) => {
                self.incoming.advance(consumed);
                tracing::trace!(channel = ?frame.channel, bytes = frame.payload.len(), "frame received");
                // Nobody relies on the numbers, so a gap is worth a word and no more.
                let expected = self.heard.replace(frame.sequence).map(|last| last.wrapping_add(1));
                if expected.is_some_and(|expected| expected != frame.sequence) {
                    tracing::debug!(?expected, sequence = frame.sequence, "gap in the FLAP sequence");
                }
                self.session.receive(&frame, now());
                return;
            }
            Ok(FlapProgress::NeedMore { .. }) => {}
            Err(error) => return self.session.broken(error),
        }
        self.incoming.reserve(READ_SIZE);
        let due = self.session.poll_timeout(now()).map(tokio::time::Instant::from_std);
        let writing = !self.outgoing.is_empty() || !self.flushed;
        tokio::select! {
            read = self.reader.read_buf(&mut self.incoming) => match read {
                Ok(0) => self.ended(),
                Ok(_) => {}
                Err(error) => self.session.closed(&error.to_string()),
            },
            written = write_some(&mut self.writer, &mut self.outgoing, &mut self.flushed), if writing => {
                if let Err(error) = written {
                    self.session.closed(&error.to_string());
                }
            }
            () = sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {
                self.session.handle_timeout(now());
            }
        }
    }

    /// Writes what the socket takes at once, so that what a caller or an event has caused is on its way before the
    /// caller hears of the next thing. Never waits.
    async fn write_now(&mut self) {
        self.fill();
        if self.outgoing.is_empty() {
            return;
        }
        tokio::select! {
            biased;
            written = write_some(&mut self.writer, &mut self.outgoing, &mut self.flushed) => {
                if let Err(error) = written {
                    self.session.closed(&error.to_string());
                }
            }
            () = std::future::ready(()) => {}
        }
    }

    fn fill(&mut self) {
        while self.outgoing.len() < WRITE_SIZE
            && let Some(frame) = self.session.poll_transmit()
        {
            // A frame that can't be encoded was never built: payloads are checked when they are queued.
            if let Ok(bytes) = frame.encode() {
                tracing::trace!(channel = ?frame.channel, bytes = frame.payload.len(), "frame queued");
                self.outgoing.extend_from_slice(&bytes);
            }
        }
    }

    fn ended(&mut self) {
        match self.decoder.finish(&self.incoming) {
            Ok(Ending::ShortSignOff) => {
                self.session.receive(&Frame::new(FlapChannel::SignOff, Vec::new()), now());
            }
            Ok(Ending::Closed) => self.session.closed("the server closed it"),
            Err(error) => self.session.closed(&error.to_string()),
        }
    }

    async fn say_goodbye(&mut self) -> io::Result<()> {
        loop {
            self.fill();
            if self.outgoing.is_empty() && self.flushed {
                return self.writer.shutdown().await;
            }
            write_some(&mut self.writer, &mut self.outgoing, &mut self.flushed).await?;
        }
    }
}

impl<S: AsyncRead + AsyncWrite> ServiceClient<S> {
    /// Over a stream to the address that `service` names.
    pub fn for_service(stream: S, service: &Service) -> Self {
        Self::drive(stream, ServiceSession::new(service, now()))
    }

    /// See [`ServiceSession::find_or_create`].
    pub fn find_or_create(&mut self, name: &str, exchange: u16) -> Result<(), SendError> {
        self.session.find_or_create(name, exchange, now())
    }

    /// See [`ServiceSession::say`].
    pub fn say(&mut self, cookie: Cookie, plain: &str) -> Result<(), SendError> {
        self.session.say(cookie, plain, now())
    }

    /// See [`ServiceSession::leave`].
    pub fn leave(&mut self) {
        self.session.leave();
    }
}

impl<S: AsyncRead + AsyncWrite> Client<S> {
    /// Over a stream to a server that gave out `cookie`.
    pub fn new(stream: S, config: session::Config, screen_name: ScreenName, cookie: &[u8]) -> Self {
        Self::drive(stream, Session::new(config, screen_name, cookie, now()))
    }

    /// See [`Session::im_credits`].
    pub fn im_credits(&self) -> u32 {
        self.session.im_credits(now())
    }

    /// How long until there is a credit; zero if there is one, None while nothing may be sent. See
    /// [`Session::next_im_credit_at`].
    pub fn next_im_credit_in(&self) -> Option<Duration> {
        let now = now();
        self.session.next_im_credit_at(now).map(|at| at.saturating_duration_since(now))
    }

    /// See [`Session::send_im`].
    pub fn send_im(&mut self, cookie: Cookie, to: &ScreenName, plain: &str) -> Result<(), SendError> {
        self.session.send_im(cookie, to, plain, now())
    }

    /// See [`Session::send_typing`].
    pub fn send_typing(&mut self, to: &ScreenName, typing: Typing) -> Result<(), SendError> {
        self.session.send_typing(to, typing, now())
    }

    /// See [`Session::watch`].
    pub fn watch(&mut self, names: &[ScreenName]) {
        self.session.watch(names, now());
    }

    /// See [`Session::set_away`].
    pub fn set_away(&mut self, message: Option<&str>) -> Result<(), SendError> {
        self.session.set_away(message, now())
    }

    /// Signs off; [`Client::event`] then sends what is left and gives [`Event::Closed`].
    pub fn sign_off(&mut self) {
        self.session.sign_off();
    }
}

/// Writes or flushes, whichever is next. Cancel-safe.
async fn write_some<W: AsyncWrite + Unpin>(
    writer: &mut W,
    outgoing: &mut BytesMut,
    flushed: &mut bool,
) -> io::Result<()> {
    if outgoing.is_empty() {
        writer.flush().await?;
        *flushed = true;
        return Ok(());
    }
    *flushed = false;
    match writer.write_buf(outgoing).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(()),
    }
}

/// Through tokio, so that a test's paused clock holds here too.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
