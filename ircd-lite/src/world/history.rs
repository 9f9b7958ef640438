//! The last lines of a channel, or of what was said to a bot's account, for CHATHISTORY. Bounded in lines by the configuration and in bytes here.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::wire::message::Message;

/// The most bytes that one history holds, tags included.
const BYTES: usize = 256 * 1024;

/// One kept line.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// When, in Unix milliseconds; never before the entry that precedes it.
    pub unix_ms: u64,
    /// Its id.
    pub msgid: Bytes,
    /// As it was sent to members.
    pub message: Message,
    /// Who may see it.
    pub audience: Audience,
    size: usize,
}

/// Who may see a kept line again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Every member.
    Members,
    /// Operators, and its author: a plain member of an auditorium said it.
    Author {
        /// The author's connection.
        serial: u64,
        /// The author's account.
        account: Option<Bytes>,
    },
    /// The account that it was said to; by whom, as the nick was then.
    Receiver {
        /// The author's nick.
        from: Bytes,
    },
}

/// A reference of CHATHISTORY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// `timestamp=`.
    Time(u64),
    /// `msgid=`.
    Id(Vec<u8>),
}

/// Lines in order of time.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl History {
    /// Keeps a line, dropping the oldest ones beyond the bounds.
    pub(crate) fn push(
        &mut self,
        unix_ms: u64,
        msgid: Bytes,
        message: Message,
        size: usize,
        audience: Audience,
        lines: usize,
    ) {
        if lines == 0 {
            return;
        }
        // The wall clock may step back; references by time need an order.
        let unix_ms = self.entries.back().map_or(unix_ms, |last| last.unix_ms.max(unix_ms));
        self.bytes += size;
        self.entries.push_back(Entry { unix_ms, msgid, message, audience, size });
        while self.entries.len() > lines || self.bytes > BYTES {
            let Some(dropped) = self.entries.pop_front() else { break };
            self.bytes -= dropped.size;
        }
    }

    /// Forgets the line with this id; who could see it, where there was one.
    pub(crate) fn remove(&mut self, msgid: &[u8]) -> Option<Audience> {
        let at = self.entries.iter().rposition(|entry| entry.msgid == msgid)?;
        let entry = self.entries.remove(at)?;
        self.bytes -= entry.size;
        Some(entry.audience)
    }

    /// All kept lines, oldest first.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// How much it holds, tags included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The position of the first entry that is not before `reference`, and of the first that is after it.
    pub(crate) fn place(&self, reference: &Reference) -> Option<(usize, usize)> {
        match reference {
            Reference::Time(unix_ms) => {
                let first = self.entries.partition_point(|entry| entry.unix_ms < *unix_ms);
                let after = self.entries.partition_point(|entry| entry.unix_ms <= *unix_ms);
                Some((first, after))
            }
            Reference::Id(id) => {
                let at = self.entries.iter().position(|entry| entry.msgid == id)?;
                Some((at, at + 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(history: &mut History, unix_ms: u64, size: usize) {
        let message = Message::new(Bytes::new(), unix_ms);
        let id = Bytes::from(format!("m{unix_ms}"));
        history.push(unix_ms, id, message, size, Audience::Members, 3);
    }

    #[test]
    fn old_lines_go_by_count_and_by_size() {
        let mut history = History::default();
        for at in 1..=5 {
            push(&mut history, at, 10);
        }
        assert_eq!(history.entries().map(|entry| entry.unix_ms).collect::<Vec<_>>(), [3, 4, 5]);
        push(&mut history, 6, BYTES);
        assert_eq!(history.entries().map(|entry| entry.unix_ms).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn a_removed_line_leaves_its_room_to_others() {
        let mut history = History::default();
        push(&mut history, 1, BYTES);
        assert_eq!(history.remove(b"m1"), Some(Audience::Members));
        assert_eq!(history.remove(b"m1"), None);
        push(&mut history, 2, BYTES / 2);
        push(&mut history, 3, BYTES / 2);
        assert_eq!(history.entries().count(), 2);
    }

    #[test]
    fn references_find_their_place() {
        let mut history = History::default();
        for at in [10, 20, 20] {
            push(&mut history, at, 1);
        }
        assert_eq!(history.place(&Reference::Time(20)), Some((1, 3)));
        assert_eq!(history.place(&Reference::Time(15)), Some((1, 1)));
        assert_eq!(history.place(&Reference::Id(b"m10".to_vec())), Some((0, 1)));
        assert_eq!(history.place(&Reference::Id(b"none".to_vec())), None);
    }
}
