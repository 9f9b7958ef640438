//! One connection: bytes in to lines for the world, lines from the world to bytes out.
//!
//! One task reads and writes. It is a hand-written future, for there may be many: it holds what every connection
//! has, and what only a busy, blocked or ending one needs is made when it is needed. Reads go through a buffer of the
//! thread, so an idle connection holds none; writes gather all that is queued into one call, so what a turn of the
//! world produced leaves at once.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;

use super::listener::Shared;
use super::outgoing::{Outgoing, WRITE};
use super::sendq::SendQueue;
use super::turn::Event;
use crate::wire::framer::Framer;
use crate::wire::websocket::{self, Incoming, Payload};
use crate::world::{ClientId, Gone};

/// What one read takes at most.
const READ: usize = 16 * 1024;
/// How long a closed client may take to read its last lines, and to close its side.
const LINGER: Duration = Duration::from_secs(2);

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// How lines stand in the byte stream.
#[derive(Debug)]
pub(super) enum Framing {
    /// Ended by CR LF.
    Lines(Framer),
    /// One to a WebSocket message.
    WebSocket(Box<websocket::Reader>, Payload),
}

/// What a connection has to tell.
enum Progress {
    /// Lines, each with LF.
    Lines(Vec<u8>),
    /// It ended by itself; for a WebSocket with a close code.
    Gone(Gone, Option<u16>),
    /// The world wants it closed.
    Closing,
}

/// A connection that the world knows, until it has ended. See [`Connection::new`].
pub(super) struct Connection<S>(Stage<S>);

enum Stage<S> {
    Serving(Serving<S>),
    /// It gets its last lines.
    Ending(Pin<Box<dyn Future<Output = ()> + Send>>),
    Over,
}

#[expect(clippy::struct_excessive_bools, reason = "independent facts, not a state")]
struct Serving<S> {
    stream: S,
    framing: Framing,
    client: ClientId,
    queue: Arc<SendQueue>,
    shared: Arc<Shared>,
    backlog: Option<Box<Outgoing>>,
    /// The world's queue was full: this waits for a place in it, and nothing more is read meanwhile.
    telling: Option<Telling>,
    flush: bool,
    reading: bool,
    closing: bool,
    /// To be dropped without a word.
    reset: bool,
    /// The WebSocket ended with this code, after the lines that came before.
    ended: Option<u16>,
    /// The code to close with, where the other side's end named one.
    close_code: Option<u16>,
}

/// Waits for a place in the world's queue; says whether the world is still there.
type Telling = Pin<Box<dyn Future<Output = bool> + Send>>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection<S> {
    /// `first` is what was read of the stream already.
    pub(super) fn new(
        stream: S,
        framing: Framing,
        first: &[u8],
        client: ClientId,
        queue: Arc<SendQueue>,
        shared: Arc<Shared>,
    ) -> Self {
        let mut serving = Serving {
            stream,
            framing,
            client,
            queue,
            shared,
            backlog: None,
            telling: None,
            flush: false,
            reading: true,
            closing: false,
            reset: false,
            ended: None,
            close_code: None,
        };
        let stage = match serving.accept_bytes(first).map(|progress| serving.tell(progress)) {
            None | Some(Next::Serve) => Stage::Serving(serving),
            Some(Next::End) => Stage::Ending(Box::pin(serving.end())),
            Some(Next::Drop) => Stage::Over,
        };
        Self(stage)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Future for Connection<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let next = match &mut self.0 {
                Stage::Serving(serving) => ready!(serving.poll_serve(cx)),
                Stage::Ending(last) => {
                    ready!(last.as_mut().poll(cx));
                    Next::Drop
                }
                Stage::Over => return Poll::Ready(()),
            };
            self.0 = match (next, std::mem::replace(&mut self.0, Stage::Over)) {
                (Next::Serve, stage) => stage,
                (Next::End, Stage::Serving(serving)) => Stage::Ending(Box::pin(serving.end())),
                (Next::End | Next::Drop, _) => Stage::Over,
            };
        }
    }
}

/// What a connection does next.
enum Next {
    Serve,
    End,
    Drop,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Serving<S> {
    fn poll_serve(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        loop {
            if let Some(telling) = &mut self.telling {
                if !ready!(telling.as_mut().poll(cx)) {
                    return Poll::Ready(Next::Drop);
                }
                self.telling = None;
            }
            let progress = ready!(self.poll(cx));
            match self.tell(progress) {
                Next::Serve => {}
                next => return Poll::Ready(next),
            }
        }
    }

    /// Tells the world.
    fn tell(&mut self, progress: Progress) -> Next {
        let client = self.client;
        let (event, next) = match progress {
            Progress::Lines(lines) => (Event::Lines { client, lines }, Next::Serve),
            Progress::Gone(gone, code) => {
                self.close_code = code;
                self.reading = false;
                // Where only reading has ended the other side gets what it is owed, and the reason.
                let next = if matches!(gone, Gone::Error(_)) { Next::Drop } else { Next::Serve };
                (Event::Gone { client, gone }, next)
            }
            Progress::Closing => return Next::End,
        };
        match (self.shared.events.try_send(event), next) {
            (Ok(()), next) => next,
            (Err(TrySendError::Closed(_)), _) => Next::Drop,
            (Err(TrySendError::Full(event)), next) => {
                let (events, goes_on) = (self.shared.events.clone(), matches!(next, Next::Serve));
                let telling = async move { events.send(event).await.is_ok() && goes_on };
                self.telling = Some(Box::pin(telling));
                Next::Serve
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        match self.poll_write(cx) {
            Poll::Ready(Err(error)) => return Poll::Ready(Progress::Gone(Gone::Error(error.kind()), None)),
            _ if self.closing => return Poll::Ready(Progress::Closing),
            _ => {}
        }
        match self.ended.take() {
            Some(code) => Poll::Ready(gone_with(code)),
            None if self.reading => self.poll_read(cx),
            None => Poll::Pending,
        }
    }

    /// Writes what there is. Ready when nothing is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Some(mut backlog) = self.backlog.take() {
                let outcome = self.poll_outgoing(&mut backlog, cx);
                if outcome.is_pending() {
                    self.backlog = Some(backlog);
                }
                ready!(outcome)?;
            }
            let taken = self.queue.take(cx);
            self.closing |= taken.closing;
            self.reset |= taken.reset;
            if taken.lines.is_empty() {
                if self.flush {
                    ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
                    self.flush = false;
                }
                return Poll::Ready(Ok(()));
            }
            let mut outgoing = Outgoing::new(taken.lines);
            let outcome = self.poll_outgoing(&mut outgoing, cx);
            if outcome.is_pending() {
                self.backlog = Some(Box::new(outgoing));
            }
            ready!(outcome)?;
        }
    }

    fn poll_outgoing(&mut self, outgoing: &mut Outgoing, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush = true;
        let mut lines = 0;
        let outcome = outgoing.poll_write(&mut self.stream, &self.framing, &mut lines, cx);
        self.queue.written(lines);
        if outcome.is_pending() {
            // The order to close must be noticed all the same.
            let ordered = self.queue.blocked(cx);
            self.closing |= ordered.closing;
            self.reset |= ordered.reset;
        }
        outcome
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        loop {
            let progress = READ_BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Err(error)) => Poll::Ready(Some(Progress::Gone(read_failed(&error), None))),
                    Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                        Poll::Ready(Some(Progress::Gone(Gone::Eof, None)))
                    }
                    Poll::Ready(Ok(())) => Poll::Ready(self.accept_bytes(buffer.filled())),
                }
            });
            if let Some(progress) = ready!(progress) {
                return Poll::Ready(progress);
            }
            if self.backlog.is_some() {
                // A pong waits.
                match self.poll_write(cx) {
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Progress::Gone(Gone::Error(error.kind()), None));
                    }
                    _ if self.closing => return Poll::Ready(Progress::Closing),
                    _ => {}
                }
            }
        }
    }

    fn accept_bytes(&mut self, bytes: &[u8]) -> Option<Progress> {
        let mut lines = Vec::new();
        let incoming = match &mut self.framing {
            Framing::Lines(framer) => {
                framer.push(bytes, &mut lines);
                Incoming::Continue
            }
            Framing::WebSocket(reader, _) => {
                let mut replies = Vec::new();
                let incoming = reader.push(bytes, &mut lines, &mut replies);
                if !replies.is_empty() {
                    self.backlog.get_or_insert_default().control().append(&mut replies);
                }
                incoming
            }
        };
        if let Incoming::Close(code) = incoming {
            self.ended = Some(code);
            self.reading = false;
        }
        let waiting = self.backlog.as_ref().map_or(0, |backlog| backlog.control_waiting());
        match () {
            () if waiting > 2 * WRITE => Some(Progress::Gone(Gone::SendQ, None)),
            () if !lines.is_empty() => Some(Progress::Lines(lines)),
            () => self.ended.take().map(gone_with),
        }
    }

    /// Says the last words, within [`LINGER`].
    async fn end(mut self) {
        let code = match self.close_code {
            Some(code) => code,
            None if self.shared.stop.is_cancelled() => websocket::code::GOING_AWAY,
            None => websocket::code::NORMAL,
        };
        let _ = timeout(LINGER, self.finish(code)).await;
    }

    /// Writes what is left, says goodbye, and waits for the other side to close: to close with unread input would
    /// reset the connection, and the last lines with it.
    async fn finish(&mut self, code: u16) -> io::Result<()> {
        if self.reset {
            return Ok(());
        }
        std::future::poll_fn(|cx| self.poll_write(cx)).await?;
        if let Framing::WebSocket(..) = self.framing {
            websocket::put_close(code, self.backlog.get_or_insert_default().control());
            self.flush = true;
            std::future::poll_fn(|cx| self.poll_write(cx)).await?;
        }
        std::future::poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await?;
        std::future::poll_fn(|cx| self.poll_discard(cx)).await
    }

    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            loop {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
                if buffer.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
            }
        })
    }
}

/// A failed read. TLS without a goodbye is common, and is an end like that of plain TCP.
fn read_failed(error: &io::Error) -> Gone {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Gone::Eof,
        kind => Gone::Error(kind),
    }
}

/// What the end of a WebSocket means to the world.
fn gone_with(code: u16) -> Progress {
    let gone = if code == websocket::code::NORMAL { Gone::Eof } else { Gone::Protocol };
    Progress::Gone(gone, Some(code))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Wake, Waker};

    use bytes::Bytes;
    use tokio::net::TcpStream;
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn who_reads_nothing_is_ended_all_the_same() {
        let (events, mut told) = mpsc::channel(1);
        let shared = Shared {
            events,
            doors: Arc::default(),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
        };
        let (stream, _peer) = tokio::io::duplex(8);
        let (queue, client) = (Arc::new(SendQueue::default()), ClientId::for_tests());
        let framing = Framing::Lines(Framer::default());
        let mut connection = Connection::new(stream, framing, &[], client, queue.clone(), Arc::new(shared));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut poll = |connection: &mut Connection<_>| Pin::new(connection).poll(&mut context);

        queue.push(vec![Bytes::from_static(b"0123456789\r\n"); 2], false, 100).unwrap();
        assert!(poll(&mut connection).is_pending());
        queue.push(vec![Bytes::from_static(b"more\r\n")], false, 100).unwrap();
        assert!(!woken.0.load(Ordering::Relaxed), "nothing can be done with a full socket");
        queue.push(vec![Bytes::from_static(b"the last\r\n")], true, 100).unwrap();
        assert!(woken.0.load(Ordering::Relaxed), "but to end");
        assert!(poll(&mut connection).is_pending());
        assert!(matches!(connection.0, Stage::Ending(_)));
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Connection<TcpStream>>() <= 160, "{}", size_of::<Connection<TcpStream>>());
    }
}
