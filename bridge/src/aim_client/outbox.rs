//! Messages of ours between the person and the server's acknowledgement: cut into parts, in order, each with its cookie.

use std::collections::{HashMap, VecDeque};

use oscar_im::ScreenName;
use oscar_im::foodgroup::icbm::Cookie;
use oscar_im::text::split;

/// Parts that wait for the server's rate limit; a person who has written more is asked to wait.
const MOST_WAITING: usize = 64;

/// An entry of a conversation; later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct EntryId(pub(super) u64);

/// What one instant message holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) cookie: Cookie,
    pub(super) to: ScreenName,
    pub(super) text: String,
    entry: EntryId,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Outbox {
    next_cookie: u64,
    waiting: VecDeque<Part>,
    /// Sent, and neither acknowledged nor refused.
    open: HashMap<Cookie, EntryId>,
    /// How many parts of an entry are not settled.
    entries: HashMap<EntryId, usize>,
}

impl Outbox {
    /// Cookies count from `seed`, which should be new in each run.
    pub(super) fn new(seed: u64) -> Self {
        Self { next_cookie: seed, waiting: VecDeque::new(), open: HashMap::new(), entries: HashMap::new() }
    }

    /// A cookie that nothing else of ours has.
    pub(super) fn cookie(&mut self) -> Cookie {
        self.next_cookie = self.next_cookie.wrapping_add(1);
        self.next_cookie.to_be_bytes()
    }

    /// Takes a text; false if too much waits.
    pub(super) fn queue(&mut self, entry: EntryId, to: &ScreenName, text: &str) -> bool {
        let parts = split::split(text, split::Limits::default());
        if parts.is_empty() || self.waiting.len() + parts.len() > MOST_WAITING {
            return false;
        }
        self.entries.insert(entry, parts.len());
        for text in parts {
            let cookie = self.cookie();
            self.waiting.push_back(Part { cookie, to: to.clone(), text: text.to_owned(), entry });
        }
        true
    }

    /// The next part, counted as sent.
    pub(super) fn next(&mut self) -> Option<Part> {
        let part = self.waiting.pop_front()?;
        self.open.insert(part.cookie, part.entry);
        Some(part)
    }

    /// It could not be sent yet after all.
    pub(super) fn put_back(&mut self, part: Part) {
        self.open.remove(&part.cookie);
        self.waiting.push_front(part);
    }

    /// Whether a part waits.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether all is settled.
    pub(super) fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.open.is_empty()
    }

    /// The server has taken a part; gives the entry if that was its last.
    pub(super) fn taken(&mut self, cookie: Cookie) -> Option<EntryId> {
        let entry = self.open.remove(&cookie)?;
        let left = self.entries.get_mut(&entry)?;
        *left -= 1;
        if *left > 0 {
            return None;
        }
        self.entries.remove(&entry);
        Some(entry)
    }

    /// A part was not taken: so its entry has failed, and what waits of it is not sent.
    pub(super) fn failed(&mut self, cookie: Cookie) -> Option<EntryId> {
        let entry = self.open.remove(&cookie)?;
        self.entries.remove(&entry)?;
        self.waiting.retain(|part| part.entry != entry);
        Some(entry)
    }

    /// The session is over: gives the entries of which something may have arrived, and those of which nothing was sent.
    pub(super) fn lose(&mut self) -> Lost {
        let mut unknown: Vec<EntryId> = self.open.drain().map(|(_, entry)| entry).collect();
        unknown.sort_unstable_by_key(|entry| entry.0);
        unknown.dedup();
        let mut unsent: Vec<EntryId> = self.waiting.drain(..).map(|part| part.entry).collect();
        unsent.dedup();
        unsent.retain(|entry| !unknown.contains(entry));
        unknown.retain(|entry| self.entries.contains_key(entry));
        unsent.retain(|entry| self.entries.contains_key(entry));
        self.entries.clear();
        Lost { unknown, unsent }
    }
}

/// What [`Outbox::lose`] gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) unknown: Vec<EntryId>,
    pub(super) unsent: Vec<EntryId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to() -> ScreenName {
        ScreenName::from("staff2")
    }

    #[test]
    fn an_entry_is_taken_when_all_its_parts_are() {
        let mut outbox = Outbox::new(0);
        assert!(outbox.queue(EntryId(1), &to(), &"x".repeat(1_500)));
        let (one, two) = (outbox.next().unwrap(), outbox.next().unwrap());
        assert_eq!([one.text.as_str(), &two.text].concat(), "x".repeat(1_500));
        assert_eq!(outbox.taken(two.cookie), None);
        assert!(!outbox.is_settled());
        assert_eq!(outbox.taken(one.cookie), Some(EntryId(1)));
        assert!(outbox.is_settled());
    }

    #[test]
    fn one_refused_part_fails_the_entry_once_and_the_rest_is_not_sent() {
        let mut outbox = Outbox::new(0);
        assert!(outbox.queue(EntryId(1), &to(), &"x".repeat(2_500)));
        assert!(outbox.queue(EntryId(2), &to(), "y"));
        let (one, two) = (outbox.next().unwrap(), outbox.next().unwrap());
        assert_eq!(outbox.failed(one.cookie), Some(EntryId(1)));
        assert_eq!(outbox.failed(two.cookie), None);
        assert_eq!(outbox.next().unwrap().text, "y");
    }

    #[test]
    fn a_lost_session_tells_unknown_from_unsent() {
        let mut outbox = Outbox::new(0);
        for (entry, text) in [(1, "a".repeat(1_500)), (2, "b".into())] {
            assert!(outbox.queue(EntryId(entry), &to(), &text));
        }
        outbox.next().unwrap();
        assert_eq!(outbox.lose(), Lost { unknown: vec![EntryId(1)], unsent: vec![EntryId(2)] });
        assert!(outbox.is_settled());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut outbox = Outbox::new(0);
        assert!(!outbox.queue(EntryId(1), &to(), &"x".repeat(100_000)));
        assert!(!outbox.queue(EntryId(2), &to(), ""));
        assert!(outbox.is_settled());
    }
}
