//! The way of a connection's lines into its socket. What the socket does not take stays as it came, in blocks that are
//! shared with everybody who is owed the same: a reader that falls behind costs a handle for each block, no copy.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::connection::Framing;
use crate::wire::scan;
use crate::wire::websocket::{self, Payload};

/// What one write gathers at most.
pub(super) const WRITE: usize = 64 * 1024;
/// A block of this size is worth a write of its own, and then needs no copy.
const LARGE: usize = 8 * 1024;

thread_local! {
    static WRITE_BUFFER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(WRITE));
}

/// What a connection still has to write.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// The rest of a WebSocket frame that was begun, and control frames; written first, from `start` on.
    begun: Vec<u8>,
    start: usize,
    /// Blocks of whole lines, but for the first: its beginning may be written already.
    blocks: VecDeque<Bytes>,
}

impl Outgoing {
    /// Blocks of lines, to be written in order.
    pub(super) fn new(blocks: Vec<Bytes>) -> Self {
        Self { begun: Vec::new(), start: 0, blocks: blocks.into() }
    }

    /// Where control frames are put, which go before lines and never into the middle of a frame.
    pub(super) fn control(&mut self) -> &mut Vec<u8> {
        &mut self.begun
    }

    /// How many bytes of control frames, and of a frame that was begun, wait.
    pub(super) fn control_waiting(&self) -> usize {
        self.begun.len().saturating_sub(self.start)
    }

    /// Writes as much as the socket takes; ready when nothing is left. Adds to `lines` how many bytes of lines are no
    /// longer held here.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        framing: &Framing,
        lines: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut write =
            |bytes: &[u8], cx: &mut Context<'_>| match Pin::new(&mut *stream).poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                other => other,
            };
        loop {
            if let Some(begun) = self.begun.get(self.start..).filter(|begun| !begun.is_empty()) {
                self.start += ready!(write(begun, cx))?;
                continue;
            }
            (self.begun, self.start) = (Vec::new(), 0);
            let Some(first) = self.blocks.front() else { return Poll::Ready(Ok(())) };
            match framing {
                Framing::Lines(_) => {
                    let alone = first.len() >= LARGE || self.blocks.len() == 1;
                    let written =
                        if alone { write(first, cx) } else { self.gather_and(|bytes| write(bytes, cx)) };
                    let written = ready!(written)?;
                    self.drop_written(written);
                    *lines += written;
                }
                Framing::WebSocket(_, payload) => {
                    let written = ready!(self.frame_and(*payload, |bytes| write(bytes, cx)))?;
                    *lines += self.drop_framed(*payload, written);
                }
            }
        }
    }

    /// Hands small blocks over in one piece.
    fn gather_and<T>(&self, write: impl FnOnce(&[u8]) -> T) -> T {
        WRITE_BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            for block in self.blocks.iter().take_while(|block| block.len() < LARGE) {
                if buffer.len() + block.len() > WRITE {
                    break;
                }
                buffer.extend_from_slice(block);
            }
            write(buffer)
        })
    }

    /// Hands lines over as WebSocket messages.
    fn frame_and<T>(&self, payload: Payload, write: impl FnOnce(&[u8]) -> T) -> T {
        WRITE_BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            for line in self.blocks.iter().flat_map(|block| scan::lines(block)) {
                if buffer.len() >= WRITE {
                    break;
                }
                websocket::put_line(payload, line, buffer);
            }
            write(buffer)
        })
    }

    /// Forgets so many bytes of lines.
    fn drop_written(&mut self, mut written: usize) {
        while let Some(first) = self.blocks.front_mut() {
            if written < first.len() {
                return first.advance(written);
            }
            written -= first.len();
            self.blocks.pop_front();
        }
    }

    /// Forgets the lines in so many bytes of frames, and keeps the rest of a frame that was begun. Says how many bytes
    /// of lines these were.
    fn drop_framed(&mut self, payload: Payload, mut written: usize) -> usize {
        let (mut frame, mut lines) = (Vec::new(), 0);
        while written > 0
            && let Some(first) = self.blocks.front_mut()
        {
            let end = scan::find(first, [b'\n']).map_or(first.len(), |at| at + 1);
            frame.clear();
            let line = first.get(..end).unwrap_or_default();
            if line != b"\n" {
                websocket::put_line(payload, line, &mut frame);
            }
            let of_frame = written.min(frame.len());
            self.begun.extend_from_slice(frame.get(of_frame..).unwrap_or_default());
            written -= of_frame;
            lines += end;
            first.advance(end);
            if first.is_empty() {
                self.blocks.pop_front();
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use proptest::prelude::*;

    use super::*;
    use crate::wire::framer::Framer;

    /// Takes as many bytes at a time as it is told, then says that it is full.
    struct Socket {
        taken: Vec<u8>,
        steps: Vec<usize>,
    }

    impl AsyncWrite for Socket {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let Some(room) = self.steps.pop().filter(|room| *room > 0) else { return Poll::Pending };
            let taken = bytes.len().min(room);
            self.taken.extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Lets a socket of these steps take `blocks`, a control frame coming once it is full for the first time; what it took.
    fn send(blocks: &[Vec<u8>], framing: &Framing, steps: &[usize], control: &[u8]) -> Vec<u8> {
        let mut socket = Socket { taken: Vec::new(), steps: steps.to_vec() };
        let mut outgoing = Outgoing::new(blocks.iter().map(|block| Bytes::copy_from_slice(block)).collect());
        let (mut lines, mut context) = (0, Context::from_waker(Waker::noop()));
        if outgoing.poll_write(&mut socket, framing, &mut lines, &mut context).is_pending() {
            outgoing.control().extend_from_slice(control);
        }
        while outgoing.poll_write(&mut socket, framing, &mut lines, &mut context).is_pending() {
            if socket.steps.is_empty() {
                socket.steps.push(usize::MAX);
            }
        }
        assert_eq!(lines, blocks.iter().map(Vec::len).sum::<usize>(), "all is accounted for");
        socket.taken
    }

    #[test]
    fn what_a_full_socket_leaves_is_no_copy() {
        let block = Bytes::from("a line\r\n".repeat(5000));
        let mut outgoing = Outgoing::new(vec![block.clone(); 2]);
        let mut socket = Socket { taken: Vec::new(), steps: vec![0, 100] };
        let (mut lines, mut context) = (0, Context::from_waker(Waker::noop()));
        let outcome = outgoing.poll_write(&mut socket, &framing(None), &mut lines, &mut context);
        assert!(outcome.is_pending() && lines == 100);
        assert_eq!(outgoing.blocks[0].as_ptr(), block[100..].as_ptr());
        assert_eq!((outgoing.blocks[1].as_ptr(), outgoing.begun.capacity()), (block.as_ptr(), 0));
    }

    fn framing(web: Option<Payload>) -> Framing {
        web.map_or_else(
            || Framing::Lines(Framer::default()),
            |payload| Framing::WebSocket(Box::default(), payload),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_the_socket_takes_at_a_time_the_bytes_are_the_same(
            lengths in proptest::collection::vec(proptest::collection::vec(0usize..300, 1..40), 1..4),
            steps in proptest::collection::vec(prop_oneof![0usize..40, 0usize..20_000], 0..12),
        ) {
            let line = |length: &usize| format!("{}\r\n", "xä".repeat(*length)).into_bytes();
            let blocks: Vec<Vec<u8>> = lengths.iter().map(|block| block.iter().flat_map(line).collect()).collect();
            for web in [None, Some(Payload::Text), Some(Payload::Binary)] {
                let framing = framing(web);
                let whole = send(&blocks, &framing, &[usize::MAX; 8], b"");
                prop_assert_eq!(&send(&blocks, &framing, &steps, b""), &whole);
                let Some(payload) = web else {
                    prop_assert_eq!(whole, blocks.concat());
                    continue;
                };
                let mut expected = Vec::new();
                blocks.concat().split_inclusive(|byte| *byte == b'\n').for_each(|line| websocket::put_line(payload, line, &mut expected));
                prop_assert_eq!(whole, expected);
            }
        }

        #[test]
        fn a_control_frame_never_stands_within_another(first in 1usize..10, then in 1usize..10) {
            let control = b"\x8a\x00";
            let steps = [then, 0, first];
            let taken = send(&[b"one\r\ntwo\r\n".to_vec()], &framing(Some(Payload::Text)), &steps, control);
            let frames: [&[u8]; 3] = [b"\x81\x03one", b"\x81\x03two", control];
            let orders = [[0, 1, 2], [0, 2, 1]];
            prop_assert!(orders.iter().any(|order| order.map(|at| frames[at]).concat() == taken), "{taken:?}");
        }
    }
}
