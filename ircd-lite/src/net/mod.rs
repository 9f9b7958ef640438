//! The shell: sockets, tasks and queues around the world. No decision about IRC is made here.
//!
//! | from -> to | bound | when full |
//! | --- | --- | --- |
//! | connection -> world | 1,024 events, each what one read of at most 16 KiB held | that connection stops reading |
//! | world -> connection | `[limits] sendq` in bytes | the client is closed, `Max SendQ exceeded` |
//! | password checks | one for each client, two at a time | later ones wait, and so do those clients' lines |

mod apart;
mod connection;
mod listener;
mod outgoing;
mod sendq;
mod share;
mod tls;
mod turn;
mod upgrade;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Config;
use crate::world::{Peer, Transport, World};
use listener::{Doors, Listener, Shared};
use tls::Certificate;
use turn::Event;
pub use upgrade::SubProtocol;

/// Events under way to the world.
const EVENTS: usize = 1024;
/// Connections that the system may hold for us until they are accepted (it has a limit of its own). Whoever finds no
/// place tries again a second later.
const BACKLOG: u32 = 4096;
/// How long clients may take to read their last lines when the server stops.
const DRAIN: Duration = Duration::from_secs(3);

/// The daemon. See [`Server::bind`].
#[derive(Debug)]
pub struct Server;

/// Where a bound server listens, by kind.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Plain TCP.
    pub irc: Vec<SocketAddr>,
    /// WebSocket.
    pub ws: Vec<SocketAddr>,
    /// TLS.
    pub tls: Vec<SocketAddr>,
}

/// Why a server can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// An address can't be listened on.
    #[error("cannot listen on {address}: {source}; choose another address or stop what uses it")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate or its key can't be used.
    #[error(transparent)]
    Certificate(#[from] tls::CertificateError),
    /// The system gave no random numbers.
    #[error("the system gave no random numbers: {0}")]
    Random(String),
}

/// Why a reload did not happen. The old configuration stays in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// A certificate or its key can't be used.
    #[error(transparent)]
    Certificate(#[from] tls::CertificateError),
    /// The server has stopped.
    #[error("the server has stopped")]
    Stopped,
}

/// A server that has its listeners and does not serve yet.
#[derive(Debug)]
pub struct Bound {
    addresses: Addresses,
    listeners: Vec<Listener>,
    world: World,
    config: Config,
    clock: Clock,
    shared: Arc<Shared>,
    events: mpsc::Receiver<Event>,
    certificates: Vec<Arc<Certificate>>,
    wanted_reload: Arc<Notify>,
}

/// Takes connections that another server has accepted, an HTTP server for one: then the chat needs no port of its own.
/// Cheap to clone. See `examples/shared_port.rs`.
#[derive(Debug, Clone)]
pub struct Acceptor {
    shared: Arc<Shared>,
}

/// Gives a running server a new configuration. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reloader {
    shared: Arc<Shared>,
    certificates: Vec<Arc<Certificate>>,
    wanted: Arc<Notify>,
}

impl Server {
    /// Binds every listener of `config`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`], naming the address or the file.
    #[expect(clippy::unused_async, reason = "what needs a runtime is awaited in one")]
    pub async fn bind(config: Config) -> Result<Bound, BindError> {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|error| BindError::Random(error.to_string()))?;
        let clock = Clock::start();
        let (mut addresses, mut listeners, mut certificates) = (Addresses::default(), Vec::new(), Vec::new());
        for address in &config.server.listen {
            let listener = listen(*address, &mut addresses.irc)?;
            listeners.push(Listener::Plain(listener));
        }
        for address in &config.server.ws {
            let listener = listen(*address, &mut addresses.ws)?;
            listeners.push(Listener::WebSocket(listener));
        }
        for wanted in &config.server.tls {
            let certificate = Arc::new(Certificate::load(&wanted.cert, &wanted.key)?);
            let listener = listen(wanted.address, &mut addresses.tls)?;
            listeners.push(Listener::Tls(listener, certificate.acceptor()?));
            certificates.push(certificate);
        }
        let mut world = World::new(config.clone(), seed, clock.now());
        if let Some(Ok(text)) = config.server.bans_file.as_ref().map(std::fs::read_to_string) {
            world.restore_bans(&text);
        }
        let (sender, events) = mpsc::channel(EVENTS);
        let shared = Shared {
            events: sender,
            doors: Arc::new(RwLock::new(Doors::of(&config))),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
        };
        Ok(Bound {
            addresses,
            shared: Arc::new(shared),
            listeners,
            world,
            config,
            clock,
            events,
            certificates,
            wanted_reload: Arc::default(),
        })
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart finds the port free; on Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn listen(address: SocketAddr, bound: &mut Vec<SocketAddr>) -> Result<TcpListener, BindError> {
    let failed = |source| BindError::Listen { address, source };
    let listener = socket(address).map_err(failed)?;
    bound.push(listener.local_addr().map_err(failed)?);
    Ok(listener)
}

impl Bound {
    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// A handle to change its configuration later.
    pub fn reloader(&self) -> Reloader {
        Reloader {
            shared: self.shared.clone(),
            certificates: self.certificates.clone(),
            wanted: self.wanted_reload.clone(),
        }
    }

    /// A handle to bring it connections that it does not listen for itself.
    pub fn acceptor(&self) -> Acceptor {
        Acceptor { shared: self.shared.clone() }
    }

    /// Serves until `stop` is cancelled; then every client is told and closed, within 3 s. Where the future is dropped
    /// instead, listeners and connections are closed without a word.
    ///
    /// Everything happens on one thread, so that what arrives first is told first: on a runtime of several threads the
    /// server gets one of its own. See the [crate's documentation](crate#order).
    pub async fn serve(self, stop: CancellationToken) {
        if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            self.serve_here(stop).await;
        } else {
            apart::serve(self, stop).await;
        }
    }

    async fn serve_here(self, stop: CancellationToken) {
        let shared = self.shared;
        let _stopped = shared.stop.clone().drop_guard();
        let tracker = &shared.tracker;
        for listener in self.listeners {
            tracker.spawn(listener.run(shared.clone()));
        }
        let turn = turn::Turn::new(
            self.world,
            self.clock,
            &shared.events,
            self.wanted_reload,
            self.config.server.bans_file,
        );
        turn.run(self.events, stop, &shared.stop).await;
        tracker.close();
        if tokio::time::timeout(DRAIN, tracker.wait()).await.is_err() {
            tracing::warn!(left = tracker.len(), "clients did not take their last lines in time");
        }
    }
}

impl Acceptor {
    /// Serves IRC over a WebSocket, from after the answer to its HTTP request on; returns when the connection has ended.
    /// `peer` is the visitor's address, whose connections are counted; `local` ours, as the greeting shows it. What the
    /// request says (`Origin`, a proxy's headers) is the caller's to judge. A server that has no room for the
    /// address says so by an ERROR line and close code 1008.
    pub async fn web_socket<S>(&self, stream: S, protocol: SubProtocol, peer: IpAddr, local: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = Peer { address: peer, local, transport: Transport::WebSocket };
        listener::adopted(stream, protocol, peer, self.shared.clone()).await;
    }
}

impl Reloader {
    /// Gives the server a new configuration; certificates are read again. Listeners stay as they were bound.
    ///
    /// # Errors
    /// [`ReloadError`]; nothing has changed then.
    pub async fn reload(&self, config: Config) -> Result<(), ReloadError> {
        let fresh = config.server.tls.iter().map(|tls| Certificate::load(&tls.cert, &tls.key));
        let fresh: Vec<Certificate> = fresh.collect::<Result<_, _>>()?;
        let doors = Doors::of(&config);
        let sent = self.shared.events.send(Event::Reload(Box::new(config))).await;
        sent.map_err(|_| ReloadError::Stopped)?;
        *self.shared.doors.write().unwrap_or_else(PoisonError::into_inner) = doors;
        for (old, fresh) in self.certificates.iter().zip(fresh) {
            old.replace(fresh);
        }
        Ok(())
    }

    /// Tells operators what came of a reload.
    pub async fn report(&self, text: String) {
        let _ = self.shared.events.send(Event::Report(text)).await;
    }

    /// Waits until an operator asks for a reload (REHASH).
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }
}
