//! Accepting connections and introducing them to the world.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Connection, Framing};
use super::sendq::SendQueue;
use super::turn::Event;
use super::upgrade;
use crate::wire::framer::Framer;
use crate::world::{ClientId, Gone, Peer, Transport};

/// After a failed accept (too many open files), the pause before the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a TLS or WebSocket handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The origins that pages may come from, as they are now.
pub(super) type Origins = Arc<RwLock<Vec<String>>>;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) events: mpsc::Sender<Event>,
    /// Replaced by a reload; held only to be copied.
    pub(super) origins: Origins,
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

async fn refuse(stream: &mut TcpStream, refusal: &[u8]) -> std::io::Result<()> {
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
        Err(_) => gone(client, std::io::ErrorKind::TimedOut, &shared).await,
    }
}

async fn web_socket(mut stream: TcpStream, peer: Peer, shared: Arc<Shared>) {
    let (client, queue) = match connect(peer, &shared).await {
        Ok(known) => known,
        Err(refusal) => {
            let _ = timeout(HANDSHAKE, upgrade::too_many(&mut stream, &refusal)).await;
            return;
        }
    };
    let origins = shared.origins.read().unwrap_or_else(PoisonError::into_inner).clone();
    let handshake = tokio::select! {
        handshake = timeout(HANDSHAKE, upgrade::accept(&mut stream, &origins)) => handshake,
        () = shared.stop.cancelled() => return,
    };
    match handshake {
        Ok(Ok((framing, first))) => {
            serve(Connection::new(stream, framing, &first, client, queue, shared.clone()), &shared);
        }
        Ok(Err(error)) => gone(client, error.kind(), &shared).await,
        Err(_) => gone(client, std::io::ErrorKind::TimedOut, &shared).await,
    }
}

async fn gone(client: ClientId, kind: std::io::ErrorKind, shared: &Shared) {
    let _ = shared.events.send(Event::Gone { client, gone: Gone::Error(kind) }).await;
}
