//! Sockets around the pure machine: a task for each connection that only reads and writes, and one that owns the
//! [`Host`].
//!
//! | from → to | bound | when full |
//! | --- | --- | --- |
//! | connection → host | 1,024 events | the connection stops reading, and TCP pushes back |
//! | host → connection | 1,024 orders and 1 MiB | the connection is closed: its client reads too slowly |
//!
//! The host waits for nobody, so the two can't lock each other.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use oscar_im::wire::Frame;
use oscar_im::wire::flap::{FlapDecoder, FlapProgress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, Now};
use crate::ending::Ending;
use crate::host::{Host, Output};
use crate::realm::ConnectionId;

/// Connections that may be open; more wait to be accepted.
const MAX_CONNECTIONS: usize = 20_000;
/// Events on their way to the host.
const EVENTS: usize = 1024;
/// Events that the host takes at once, before it writes.
const BATCH: usize = 256;
/// Orders and bytes on their way to one connection.
const ORDERS: usize = 1024;
const BYTES: usize = 1 << 20;
/// How long a connection that is over may take to be read to its end, so that what was sent last arrives.
const LINGER: Duration = Duration::from_secs(1);

/// A question to the host, asked on its own task.
pub(crate) type Question = Box<dyn FnOnce(&mut Host, Now) + Send>;

/// What reaches the task that owns the host.
pub(crate) enum Event {
    Connected { id: ConnectionId, peer: IpAddr, local: SocketAddr, writer: Writer },
    Received(ConnectionId, Frame),
    Gone(ConnectionId, Ending),
    Ask(Question),
}

/// The host's end of a connection.
#[derive(Debug)]
pub(crate) struct Writer {
    orders: mpsc::Sender<Order>,
    queued: Arc<AtomicUsize>,
    abort: CancellationToken,
}

impl Writer {
    /// Queues a frame, unless the client is too slow.
    fn send(&self, bytes: Vec<u8>) -> bool {
        let length = bytes.len();
        // A frame alone may exceed no bound: the queue is empty then.
        if self.queued.fetch_add(length, Ordering::Relaxed) > BYTES {
            return false;
        }
        self.orders.try_send(Order::Write(bytes)).is_ok()
    }

    /// Lets it read, or not. When the queue is full its client is too slow, and the next frame ends it.
    fn set_reading(&self, reads: bool) {
        let _ = self.orders.try_send(Order::Reading(reads));
    }
}

/// What the host tells a connection's task.
#[derive(Debug)]
enum Order {
    Write(Vec<u8>),
    Reading(bool),
}

/// Makes the channel to the host.
pub(crate) fn channel() -> (mpsc::Sender<Event>, mpsc::Receiver<Event>) {
    mpsc::channel(EVENTS)
}

/// Serves `listener` until `stop`, then says goodbye to everybody.
pub(crate) async fn serve(
    listener: TcpListener,
    mut host: Host,
    clock: Clock,
    (events, mut arriving): (mpsc::Sender<Event>, mpsc::Receiver<Event>),
    stop: CancellationToken,
) {
    let tasks = TaskTracker::new();
    tasks.spawn(accept(listener, events, tasks.clone(), stop.clone()));
    let mut writers: HashMap<ConnectionId, Writer> = HashMap::new();
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let due = async {
            // Whoever moves the clock makes the host look.
            match host.poll_timeout().and_then(|at| clock.comes_to(at)) {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            _ = arriving.recv_many(&mut batch, BATCH) => {}
            () = due => {}
        }
        let now = clock.now();
        for event in batch.drain(..) {
            handle(&mut host, &mut writers, event, now);
            write(&mut host, &mut writers, now);
        }
        if host.poll_timeout().is_some_and(|at| at <= now.instant) {
            host.handle_timeout(now);
            write(&mut host, &mut writers, now);
        }
    }
    let now = clock.now();
    host.stop(now);
    write(&mut host, &mut writers, now);
    // Connections that wait for the host go on, find it gone, and end.
    drop((writers, arriving));
    tasks.close();
    if tokio::time::timeout(2 * LINGER, tasks.wait()).await.is_err() {
        tracing::debug!("left connections that did not close in time");
    }
}

fn handle(host: &mut Host, writers: &mut HashMap<ConnectionId, Writer>, event: Event, now: Now) {
    match event {
        Event::Connected { id, peer, local, writer } => {
            writers.insert(id, writer);
            host.connect(id, peer, local, now);
        }
        Event::Received(id, frame) => host.receive(id, &frame, now),
        Event::Gone(id, ending) => host.disconnect(id, ending, now),
        Event::Ask(question) => question(host, now),
    }
}

/// Hands on what the host decided; a client that is too slow for it is a further decision.
fn write(host: &mut Host, writers: &mut HashMap<ConnectionId, Writer>, now: Now) {
    while let Some(output) = host.poll_output() {
        match output {
            Output::Write(id, bytes) => {
                if writers.get(&id).is_some_and(|writer| !writer.send(bytes)) {
                    if let Some(writer) = writers.remove(&id) {
                        writer.abort.cancel();
                    }
                    host.disconnect(id, Ending::SlowReader, now);
                }
            }
            Output::Reading(id, reads) => {
                if let Some(writer) = writers.get(&id) {
                    writer.set_reading(reads);
                }
            }
            Output::Close(id, ending) => {
                let connection = id.0;
                match ending {
                    Ending::ClosedByClient | Ending::SignedOff | Ending::Authorized => {
                        tracing::debug!(connection, %ending, "connection over");
                    }
                    ending => tracing::info!(connection, %ending, "connection over"),
                }
                // The task writes what is queued, and closes.
                writers.remove(&id);
            }
        }
    }
}

async fn accept(
    listener: TcpListener,
    events: mpsc::Sender<Event>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut last = 0;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = async {
                let permit = Arc::clone(&room).acquire_owned().await.map_err(io::Error::other)?;
                Ok::<_, io::Error>((listener.accept().await?, permit))
            } => accepted,
        };
        match accepted {
            Ok(((stream, peer), permit)) => {
                last += 1;
                let (id, events) = (ConnectionId(last), events.clone());
                tasks.spawn(async move {
                    if let Err(error) = connection(stream, id, peer.ip(), &events).await {
                        tracing::debug!(connection = id.0, %error, "connection failed");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: it may pass.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Reads and writes one connection until either side ends it.
async fn connection(
    mut stream: TcpStream,
    id: ConnectionId,
    peer: IpAddr,
    events: &mpsc::Sender<Event>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let (orders, outgoing) = mpsc::channel(ORDERS);
    let queued = Arc::new(AtomicUsize::new(0));
    let abort = CancellationToken::new();
    let writer = Writer { orders, queued: Arc::clone(&queued), abort: abort.clone() };
    if events.send(Event::Connected { id, peer, local, writer }).await.is_err() {
        return linger(&mut stream).await;
    }
    let ending = tokio::select! {
        () = abort.cancelled() => return Ok(()),
        ending = exchange(&mut stream, id, events, outgoing, &queued) => ending,
    };
    match ending {
        // The host closed it: let the client read to the end.
        None => linger(&mut stream).await,
        Some(ending) => {
            // An error means that the host is gone, and the connection with it.
            let _ = events.send(Event::Gone(id, ending)).await;
            Ok(())
        }
    }
}

/// Moves bytes both ways; the ending if it is the client's doing.
async fn exchange(
    stream: &mut TcpStream,
    id: ConnectionId,
    events: &mpsc::Sender<Event>,
    mut outgoing: mpsc::Receiver<Order>,
    queued: &AtomicUsize,
) -> Option<Ending> {
    let (mut reader, mut writer) = stream.split();
    let decoder = FlapDecoder::default();
    let mut buffer = BytesMut::new();
    let mut batch = Vec::new();
    let mut bytes = Vec::new();
    // Whether the host still listens; when it stops, its last frames are yet to be written.
    let mut heard = true;
    // Whether the host wants to listen.
    let mut reads = true;
    loop {
        tokio::select! {
            taken = outgoing.recv_many(&mut batch, 64) => {
                if taken == 0 {
                    return None;
                }
                for order in batch.drain(..) {
                    match order {
                        Order::Write(frame) => bytes.extend_from_slice(&frame),
                        Order::Reading(wanted) => reads = wanted,
                    }
                }
                let written = writer.write_all(&bytes).await;
                queued.fetch_sub(bytes.len(), Ordering::Relaxed);
                if written.is_err() {
                    return Some(Ending::ClosedByClient);
                }
                bytes.clear();
            }
            read = reader.read_buf(&mut buffer), if heard && reads => {
                if !matches!(read, Ok(1..)) {
                    return Some(decoder.finish(&buffer).map_or_else(Ending::from, |_| Ending::ClosedByClient));
                }
                while heard {
                    match decoder.decode(&buffer) {
                        Ok(FlapProgress::Frame { frame, consumed }) => {
                            buffer.advance(consumed);
                            heard = events.send(Event::Received(id, frame)).await.is_ok();
                        }
                        Ok(FlapProgress::NeedMore { .. }) => break,
                        Err(error) => return Some(error.into()),
                    }
                }
            }
        }
    }
}

/// Closes our side and reads the other's rest: a close with unread bytes would reset the connection, and the client
/// might lose what was sent last.
async fn linger(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = [0; 4096];
    let drain = async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} };
    // Whoever doesn't close in time is reset after all.
    let _ = tokio::time::timeout(LINGER, drain).await;
    Ok(())
}
