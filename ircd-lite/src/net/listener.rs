//! Accepting connections and introducing them to the world.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Connection, Framing};
use super::sendq::SendQueue;
use super::turn::Event;
use super::upgrade::{self, SubProtocol};
use crate::config::Config;
use crate::network::Network;
use crate::wire::framer::Framer;
use crate::wire::websocket;
use crate::world::{ClientId, Gone, Peer, Transport};

/// After a failed accept (too many open files), the pause before the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a TLS or WebSocket handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What decides who may come in by WebSocket, and as whom.
#[derive(Debug, Clone, Default)]
pub(super) struct Doors {
    /// The origins that pages may come from.
    pub(super) origins: Vec<String>,
    /// The proxies whose word on a visitor's address counts.
    pub(super) proxies: Vec<Network>,
}

impl Doors {
    pub(super) fn of(config: &Config) -> Self {
        Self { origins: config.server.ws_origins.clone(), proxies: config.server.ws_proxies.clone() }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) events: mpsc::Sender<Event>,
    /// Replaced by a reload; held only to be copied.
    pub(super) doors: Arc<RwLock<Doors>>,
    pub(super) stop: CancellationToken,
    pub(super) tracker: TaskTracker,
}

/// One bound listener.
pub(super) enum Listener {
    Plain(TcpListener),
    WebSocket(TcpListener),
    Tls(TcpListener, TlsAcceptor),
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::WebSocket(_) => "WebSocket",
            Self::Tls(..) => "Tls",
        })
    }
}

impl Listener {
    /// The same, of the runtime that this is called in.
    pub(super) fn moved_here(self) -> io::Result<Self> {
        let moved = |listener: TcpListener| TcpListener::from_std(listener.into_std()?);
        Ok(match self {
            Self::Plain(listener) => Self::Plain(moved(listener)?),
            Self::WebSocket(listener) => Self::WebSocket(moved(listener)?),
            Self::Tls(listener, acceptor) => Self::Tls(moved(listener)?, acceptor),
        })
    }

    /// Accepts until the server stops.
    pub(super) async fn run(self, shared: Arc<Shared>) {
        let listener = match &self {
            Self::Plain(listener) | Self::WebSocket(listener) | Self::Tls(listener, _) => listener,
        };
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shared.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, address)) => self.introduce(stream, address, &shared),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn introduce(&self, stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) {
        let Ok(local) = stream.local_addr() else { return };
        // Lines leave when they are written: many in one call under load, a lone one at once.
        let _ = stream.set_nodelay(true);
        let peer = |transport| Peer { address: address.ip(), local, transport };
        let shared = shared.clone();
        let tracker = shared.tracker.clone();
        match self {
            Self::Plain(_) => tracker.spawn(plain(stream, peer(Transport::Plain), shared)),
            Self::WebSocket(_) => tracker.spawn(web_socket(stream, peer(Transport::WebSocket), shared)),
            Self::Tls(_, acceptor) => {
                tracker.spawn(tls(stream, peer(Transport::Tls), acceptor.clone(), shared))
            }
        };
    }
}

/// Introduces a connection; `Err` holds the world's refusal, if it still answers.
async fn connect(peer: Peer, shared: &Shared) -> Result<(ClientId, Arc<SendQueue>), Bytes> {
    let queue = Arc::new(SendQueue::default());
    let (answer, outcome) = oneshot::channel();
    let event = Event::Connect { peer, queue: queue.clone(), answer };
    if shared.events.send(event).await.is_err() {
        return Err(Bytes::new());
    }
    match outcome.await {
        Ok(result) => result.map(|client| (client, queue)),
        Err(_) => Err(Bytes::new()),
    }
}

async fn plain(mut stream: TcpStream, peer: Peer, shared: Arc<Shared>) {
    match connect(peer, &shared).await {
        Ok((client, queue)) => {
            let framing = Framing::Lines(Framer::default());
            serve(Connection::new(stream, framing, &[], client, queue, shared.clone()), &shared);
        }
        Err(refusal) => {
            let _ = timeout(HANDSHAKE, refuse(&mut stream, &refusal)).await;
        }
    }
}

/// Serves a connection by a task of its own, so that nothing of how it began is held any longer.
fn serve<F: Future<Output = ()> + Send + 'static>(connection: F, shared: &Shared) {
    shared.tracker.spawn(connection);
}

async fn refuse(stream: &mut TcpStream, refusal: &[u8]) -> io::Result<()> {
    stream.write_all(refusal).await?;
    stream.shutdown().await
}

async fn tls(stream: TcpStream, peer: Peer, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    // Counted before the handshake, which costs us more than it costs them. A refusal needs none.
    let Ok((client, queue)) = connect(peer, &shared).await else { return };
    match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let framing = Framing::Lines(Framer::default());
            serve(Connection::new(stream, framing, &[], client, queue, shared.clone()), &shared);
        }
        Ok(Err(error)) => gone(client, error.kind(), &shared).await,
        Err(_) => gone(client, io::ErrorKind::TimedOut, &shared).await,
    }
}

async fn web_socket(mut stream: TcpStream, mut peer: Peer, shared: Arc<Shared>) {
    let doors = shared.doors.read().unwrap_or_else(PoisonError::into_inner).clone();
    let mut offer = None;
    if doors.proxies.iter().any(|proxy| proxy.contains(peer.address)) {
        // The request says whose connection this is.
        let Ok(read) = in_time(upgrade::read(&mut stream, &doors), &shared).await else { return };
        peer.address = read.forwarded.unwrap_or(peer.address);
        offer = Some(read);
    }
    let (client, queue) = match connect(peer, &shared).await {
        Ok(known) => known,
        Err(refusal) => {
            let _ = timeout(HANDSHAKE, upgrade::too_many(&mut stream, &refusal)).await;
            return;
        }
    };
    let handshake = async {
        let offer = match offer {
            Some(offer) => offer,
            None => upgrade::read(&mut stream, &doors).await?,
        };
        Ok((upgrade::agree(&mut stream, &offer).await?, offer.rest))
    };
    match in_time(handshake, &shared).await {
        Ok((framing, first)) => {
            serve(Connection::new(stream, framing, &first, client, queue, shared.clone()), &shared);
        }
        Err(error) => gone(client, error.kind(), &shared).await,
    }
}

/// A part of a handshake, as long as it may take and the server runs.
async fn in_time<T>(work: impl Future<Output = io::Result<T>>, shared: &Shared) -> io::Result<T> {
    tokio::select! {
        done = timeout(HANDSHAKE, work) => done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        () = shared.stop.cancelled() => Err(io::ErrorKind::Interrupted.into()),
    }
}

/// A WebSocket whose handshake somebody else has made. Ends with the connection.
pub(super) async fn adopted<S>(mut stream: S, protocol: SubProtocol, peer: Peer, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match connect(peer, &shared).await {
        Ok((client, queue)) => {
            let framing = Framing::WebSocket(Box::default(), protocol.payload());
            let connection = Connection::new(stream, framing, &[], client, queue, shared.clone());
            shared.tracker.track_future(connection).await;
        }
        Err(refusal) => {
            let (mut last, stopped) = (Vec::new(), refusal.is_empty());
            if !stopped {
                websocket::put_line(protocol.payload(), &refusal, &mut last);
            }
            let code = if stopped { websocket::code::GOING_AWAY } else { websocket::code::POLICY };
            websocket::put_close(code, &mut last);
            let goodbye = async {
                stream.write_all(&last).await?;
                stream.shutdown().await
            };
            let _ = timeout(HANDSHAKE, goodbye).await;
        }
    }
}

async fn gone(client: ClientId, kind: io::ErrorKind, shared: &Shared) {
    let _ = shared.events.send(Event::Gone { client, gone: Gone::Error(kind) }).await;
}
