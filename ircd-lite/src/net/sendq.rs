//! What one connection is owed: shared lines, bounded in bytes, taken all at once by its writer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use bytes::Bytes;

/// How much more than the limit a queue may hold before its writer has found the socket full: one turn's answer, such
/// as the NAMES of a large channel, may be longer than the limit and is no sign of a slow reader.
const LENIENCE: usize = 16;

/// The queue. One side pushes at the end of a turn, the other takes when it runs.
#[derive(Debug, Default)]
pub(super) struct SendQueue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    lines: Vec<Bytes>,
    bytes: usize,
    closing: bool,
    reset: bool,
    blocked: bool,
    reader: Option<Waker>,
}

/// The queue is longer than its owner may let it grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// What the writer found.
#[derive(Debug)]
pub(super) struct Taken {
    /// Lines in order, perhaps none.
    pub lines: Vec<Bytes>,
    /// Nothing will follow.
    pub closing: bool,
    /// The connection is to be dropped without a word.
    pub reset: bool,
}

impl SendQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds lines, and perhaps the order to close after them. `limit` 0 means none.
    pub(super) fn push(&self, mut lines: Vec<Bytes>, close: bool, limit: usize) -> Result<(), Full> {
        let mut state = self.state();
        let bytes = state.bytes + lines.iter().map(Bytes::len).sum::<usize>();
        let most = if state.blocked { limit } else { limit.saturating_mul(LENIENCE) };
        if limit > 0 && bytes > most && !close {
            return Err(Full);
        }
        state.bytes = bytes;
        state.reset |= close && lines.is_empty();
        if state.lines.is_empty() {
            state.lines = lines;
        } else {
            state.lines.append(&mut lines);
        }
        state.closing |= close;
        // With a full socket there is nothing to be done, but to end.
        let reader = if state.blocked && !close { None } else { state.reader.take() };
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// How many bytes have not been written yet.
    pub(super) fn waiting(&self) -> usize {
        self.state().bytes
    }

    /// Takes all lines; where there are none, has the task of `cx` woken by the next push.
    pub(super) fn take(&self, cx: &Context<'_>) -> Taken {
        let mut state = self.state();
        let lines = std::mem::take(&mut state.lines);
        state.blocked = false;
        if lines.is_empty() {
            state.wake_later(cx);
        }
        Taken { lines, closing: state.closing, reset: state.reset }
    }

    /// The writer got rid of `bytes` of lines.
    pub(super) fn written(&self, bytes: usize) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// The writer found the socket full. Lines stay where they are; the task of `cx` is woken by an order to close.
    pub(super) fn blocked(&self, cx: &Context<'_>) -> Taken {
        let mut state = self.state();
        state.blocked = true;
        state.wake_later(cx);
        Taken { lines: Vec::new(), closing: state.closing, reset: state.reset }
    }
}

impl State {
    fn wake_later(&mut self, cx: &Context<'_>) {
        if !self.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            self.reader = Some(cx.waker().clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<Bytes> {
        vec![Bytes::from_static(b"0123456789"); count]
    }

    #[test]
    fn a_reader_that_keeps_up_is_never_cut_off_by_one_long_answer() {
        let queue = SendQueue::default();
        queue.push(lines(10), false, 20).unwrap();
        let context = Context::from_waker(Waker::noop());
        assert_eq!(queue.take(&context).lines.len(), 10);
        queue.written(100);
        assert_eq!(queue.push(lines(33), false, 20), Err(Full));
    }

    #[test]
    fn a_full_socket_makes_the_limit_hold_but_the_last_lines_pass() {
        let queue = SendQueue::default();
        let context = Context::from_waker(Waker::noop());
        assert!(!queue.blocked(&context).closing);
        queue.push(lines(2), false, 20).unwrap();
        assert_eq!(queue.push(lines(1), false, 20), Err(Full));
        queue.push(lines(1), true, 20).unwrap();
        assert!(queue.blocked(&context).closing);
        let taken = queue.take(&context);
        assert_eq!((taken.lines.len(), taken.closing), (3, true));
    }
}
