//! One connection: bytes in to lines for the world, lines from the world to bytes out.
//!
//! One task reads and writes. Reads go through a buffer of the thread, so an idle connection holds none; writes gather
//! all that is queued into one call, so what a turn of the world produced leaves at once.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::listener::Shared;
use super::sendq::SendQueue;
use super::turn::Event;
use crate::wire::framer::Framer;
use crate::wire::websocket::{self, Incoming, Payload};
use crate::world::{ClientId, Gone};

/// What one read takes at most.
const READ: usize = 16 * 1024;
/// What one write gathers at most.
const WRITE: usize = 64 * 1024;
/// How long a closed client may take to read its last lines, and to close its side.
const LINGER: Duration = Duration::from_secs(2);

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
    static WRITE_BUFFER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(WRITE));
}

/// How lines stand in the byte stream.
#[derive(Debug)]
pub(super) enum Framing {
    /// Ended by CR LF.
    Lines(Framer),
    /// One to a WebSocket message.
    WebSocket(websocket::Reader, Payload),
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

#[expect(clippy::struct_excessive_bools, reason = "independent facts, not a state")]
struct Connection<S> {
    stream: S,
    framing: Framing,
    queue: Arc<SendQueue>,
    /// Taken from the queue and not gathered yet.
    lines: std::vec::IntoIter<Bytes>,
    /// Gathered and not written yet, from `start` on.
    rest: Vec<u8>,
    start: usize,
    flush: bool,
    reading: bool,
    closing: bool,
    /// To be dropped without a word.
    reset: bool,
    /// The WebSocket ended with this code, after the lines that came before.
    ended: Option<u16>,
}

/// Serves one connection that the world knows, to its end. `first` is what was read of it already.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    framing: Framing,
    first: &[u8],
    client: ClientId,
    queue: Arc<SendQueue>,
    shared: &Shared,
) {
    let mut connection = Connection {
        stream,
        framing,
        queue,
        lines: Vec::new().into_iter(),
        rest: Vec::new(),
        start: 0,
        flush: false,
        reading: true,
        closing: false,
        reset: false,
        ended: None,
    };
    let mut close_code = None;
    let mut progress = connection.accept_bytes(first);
    loop {
        let next = match progress.take() {
            Some(progress) => progress,
            None => std::future::poll_fn(|cx| connection.poll(cx)).await,
        };
        match next {
            Progress::Lines(lines) => {
                // While the world's queue is full this connection reads nothing more.
                if shared.events.send(Event::Lines { client, lines }).await.is_err() {
                    return;
                }
            }
            Progress::Gone(gone, code) => {
                close_code = code;
                connection.reading = false;
                let broken = matches!(gone, Gone::Error(_));
                if shared.events.send(Event::Gone { client, gone }).await.is_err() || broken {
                    return;
                }
                // The other side may still read: it gets what it is owed and the reason.
            }
            Progress::Closing => break,
        }
    }
    let code = match close_code {
        Some(code) => code,
        None if shared.stop.is_cancelled() => websocket::code::GOING_AWAY,
        None => websocket::code::NORMAL,
    };
    let _ = timeout(LINGER, connection.finish(code)).await;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
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
            if self.start < self.rest.len() {
                let unsent = self.rest.get(self.start..).unwrap_or_default();
                match Pin::new(&mut self.stream).poll_write(cx, unsent) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(count)) => self.start += count,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        self.queue.blocked();
                        return self.watch_queue(cx);
                    }
                }
                continue;
            }
            // Nothing is held between writes.
            (self.rest, self.start) = (Vec::new(), 0);
            if self.lines.as_slice().is_empty() {
                self.take_lines(cx);
                if self.lines.as_slice().is_empty() {
                    if !self.flush {
                        return Poll::Ready(Ok(()));
                    }
                    ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
                    self.flush = false;
                    return Poll::Ready(Ok(()));
                }
            }
            ready!(self.gather_and_write(cx))?;
        }
    }

    /// A full socket: the queue's order to close must still be noticed.
    fn watch_queue(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.lines.as_slice().is_empty() {
            self.take_lines(cx);
        }
        Poll::Pending
    }

    fn take_lines(&mut self, cx: &Context<'_>) {
        let taken = self.queue.take(cx);
        self.closing |= taken.closing;
        self.reset |= taken.reset;
        self.lines = taken.lines.into_iter();
    }

    /// Gathers lines into the thread's buffer and writes them; what the socket does not take is kept.
    fn gather_and_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        WRITE_BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            let mut bytes = 0;
            while buffer.len() < WRITE {
                let Some(line) = self.lines.next() else { break };
                bytes += line.len();
                match &self.framing {
                    Framing::Lines(_) => buffer.extend_from_slice(&line),
                    Framing::WebSocket(_, payload) => websocket::put_line(*payload, &line, buffer),
                }
            }
            self.flush = true;
            self.queue.written(bytes);
            let written = match Pin::new(&mut self.stream).poll_write(cx, buffer) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => 0,
            };
            let left = buffer.get(written..).unwrap_or_default();
            self.rest.extend_from_slice(left);
            Poll::Ready(Ok(()))
        })
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
            if self.start < self.rest.len() {
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
            Framing::WebSocket(reader, _) => reader.push(bytes, &mut lines, &mut self.rest),
        };
        if let Incoming::Close(code) = incoming {
            self.ended = Some(code);
            self.reading = false;
        }
        match () {
            () if self.rest.len() > 2 * WRITE => Some(Progress::Gone(Gone::SendQ, None)),
            () if !lines.is_empty() => Some(Progress::Lines(lines)),
            () => self.ended.take().map(gone_with),
        }
    }

    /// Writes what is left, says goodbye, and waits for the other side to close: to close with unread input would
    /// reset the connection, and the last lines with it.
    async fn finish(&mut self, code: u16) -> io::Result<()> {
        if self.reset {
            return Ok(());
        }
        std::future::poll_fn(|cx| self.poll_write(cx)).await?;
        if let Framing::WebSocket(..) = self.framing {
            websocket::put_close(code, &mut self.rest);
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
