//! The frames of one connection that are to be sent, numbered in order.

use crate::wire::Frame;
use std::collections::VecDeque;

/// Frames that wait for a socket that takes nothing. What is beyond is refused or waits in its rate class.
const FULL: usize = 512;

/// A queue that numbers frames as they leave it: one counter for all channels, strictly up by one, over FFFF to 0.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    frames: VecDeque<Frame>,
    sent: u16,
}

impl Outgoing {
    /// At the end of the queue.
    pub(crate) fn push(&mut self, frame: Frame) {
        self.frames.push_back(frame);
    }

    /// The next, with its number; the first is 1, as libpurple and BitlBee have it.
    pub(crate) fn poll(&mut self) -> Option<Frame> {
        let mut frame = self.frames.pop_front()?;
        self.sent = self.sent.wrapping_add(1);
        frame.sequence = self.sent;
        Some(frame)
    }

    /// Whether the socket is so slow that nothing but what must go should be added.
    pub(crate) fn is_full(&self) -> bool {
        self.frames.len() >= FULL
    }
}
