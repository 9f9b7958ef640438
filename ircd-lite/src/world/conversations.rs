//! What users who are logged in wrote to each other, for CHATHISTORY of a nick.
//!
//! A conversation belongs to two accounts, never to nicks: a nick that became free opens nobody's past. Whoever is not
//! logged in has no history but a channel's. Bounded as a channel's history is, and all together.

use std::collections::HashMap;

use bytes::Bytes;

use super::history::History;
use crate::wire::message::Message;

/// The most bytes of all conversations together, and what is left after the oldest had to go.
const BYTES: usize = 8 * 1024 * 1024;
const BYTES_LEFT: usize = BYTES / 8 * 7;

/// One side of a message.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    /// The account.
    pub account: Bytes,
    /// The nick that it had.
    pub nick: Bytes,
}

/// Two accounts, the lesser first; in small letters.
type Pair = (Bytes, Bytes);

#[derive(Debug, Default)]
struct Conversation {
    history: History,
    /// The nick that each of the pair had last.
    nicks: (Bytes, Bytes),
}

/// All conversations.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    kept: HashMap<Pair, Conversation>,
    bytes: usize,
}

fn folded(account: &[u8]) -> Bytes {
    account.to_ascii_lowercase().into()
}

fn pair(a: &[u8], b: &[u8]) -> Pair {
    let (a, b) = (folded(a), folded(b));
    if a <= b { (a, b) } else { (b, a) }
}

impl Conversations {
    /// Keeps a message from one account to another.
    pub(crate) fn push(
        &mut self,
        from: Side,
        to: Side,
        (unix_ms, msgid): (u64, Bytes),
        message: Message,
        size: usize,
        lines: usize,
    ) {
        if lines == 0 {
            return;
        }
        let pair = pair(&from.account, &to.account);
        let in_order = folded(&from.account) == pair.0;
        let conversation = self.kept.entry(pair).or_default();
        conversation.nicks = if in_order { (from.nick, to.nick) } else { (to.nick, from.nick) };
        let history = &mut conversation.history;
        let before = history.bytes();
        history.push(unix_ms, msgid, message, size, super::history::Audience::Members, lines);
        self.bytes = self.bytes + history.bytes() - before;
        if self.bytes > BYTES {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let last = |history: &History| history.entries().next_back().map_or(0, |entry| entry.unix_ms);
        let mut by_age: Vec<(u64, Pair)> =
            self.kept.iter().map(|(pair, one)| (last(&one.history), pair.clone())).collect();
        by_age.sort_unstable();
        for (_, pair) in by_age {
            if self.bytes <= BYTES_LEFT || self.kept.len() == 1 {
                break;
            }
            self.bytes -= self.kept.remove(&pair).map_or(0, |one| one.history.bytes());
        }
    }

    /// What two accounts wrote to each other.
    pub(crate) fn between(&self, a: &[u8], b: &[u8]) -> Option<&History> {
        self.kept.get(&pair(a, b)).map(|one| &one.history)
    }

    /// With whom an account has conversations: the other account, the nick that it had last, the history.
    pub(crate) fn of(&self, account: &[u8]) -> impl Iterator<Item = (&Bytes, &Bytes, &History)> {
        let account = folded(account);
        self.kept.iter().filter_map(move |((a, b), one)| {
            if *a == account {
                Some((b, &one.nicks.1, &one.history))
            } else {
                (*b == account).then_some((a, &one.nicks.0, &one.history))
            }
        })
    }

    /// Forgets those of accounts that are no more: the next of that name may be somebody else.
    pub(crate) fn retain(&mut self, exists: impl Fn(&[u8]) -> bool) {
        self.kept.retain(|(a, b), _| exists(a) && exists(b));
        self.bytes = self.kept.values().map(|one| one.history.bytes()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(name: &str) -> Side {
        Side { account: Bytes::from(name.to_owned()), nick: Bytes::from(format!("{name}-nick")) }
    }

    fn push(all: &mut Conversations, from: &str, to: &str, unix_ms: u64, size: usize) {
        let message = Message::new(Bytes::new(), unix_ms);
        all.push(side(from), side(to), (unix_ms, Bytes::from_static(b"id")), message, size, 100);
    }

    #[test]
    fn a_conversation_is_one_from_both_sides_and_in_any_case() {
        let mut all = Conversations::default();
        push(&mut all, "Bob", "ann", 1, 10);
        push(&mut all, "ann", "bob", 2, 10);
        assert_eq!(all.between(b"ANN", b"bob").unwrap().entries().count(), 2);
        let (peer, nick, _) = all.of(b"ann").next().unwrap();
        assert_eq!((peer.as_ref(), nick.as_ref()), (&b"bob"[..], &b"bob-nick"[..]));
        all.retain(|account| account != b"bob");
        assert!(all.between(b"ann", b"bob").is_none() && all.bytes == 0);
    }

    #[test]
    fn the_oldest_go_when_all_are_too_much() {
        let mut all = Conversations::default();
        for at in 0..200 {
            push(&mut all, "ann", &format!("peer{at}"), at, 100 * 1024);
        }
        assert!(all.bytes <= BYTES && all.kept.len() < 200);
        assert!(all.between(b"ann", b"peer0").is_none() && all.between(b"ann", b"peer199").is_some());
        assert_eq!(all.bytes, all.kept.len() * 100 * 1024);
    }
}
