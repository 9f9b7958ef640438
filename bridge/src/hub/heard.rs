//! Staff members' messages that were heard, so that one that comes twice is heard once.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use oscar_im::ScreenName;
use sha2::{Digest as _, Sha256};

use crate::aim::event::ImCookie;
use crate::conversation::Millis;

/// How long they are remembered.
const FOR: Duration = Duration::from_secs(24 * 3600);
/// How many at most: servers repeat what was on its way when a connection broke, not more.
const MOST: usize = 16_384;

/// What a message is known by: its id together with its text. An id alone is not enough: libpurple makes them of seven
/// decimal digits, drawn anew in the same order at each start where its program does not seed them.
pub(super) fn mark(cookie: ImCookie, text: &str) -> ImCookie {
    let hash = Sha256::new().chain_update(cookie.0).chain_update(text).finalize();
    let mut mark = [0; 8];
    mark.iter_mut().zip(hash).for_each(|(byte, of)| *byte = of);
    ImCookie(mark)
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Heard {
    at: HashMap<(ScreenName, ImCookie), Millis>,
    /// Oldest first.
    order: VecDeque<(ScreenName, ImCookie)>,
    /// Up to this moment they were forgotten, and the store was not told.
    forgotten: Option<Millis>,
}

impl Heard {
    /// What the store has.
    pub(super) fn restore(mut all: Vec<(ScreenName, ImCookie, Millis)>) -> Self {
        all.sort_by_key(|(_, _, at)| *at);
        let mut heard = Self::default();
        for (sender, cookie, at) in all {
            heard.insert(sender, cookie, at);
        }
        heard
    }

    pub(super) fn contains(&self, sender: &ScreenName, cookie: ImCookie) -> bool {
        self.at.contains_key(&(sender.clone(), cookie))
    }

    pub(super) fn insert(&mut self, sender: ScreenName, cookie: ImCookie, at: Millis) {
        if self.at.insert((sender.clone(), cookie), at).is_none() {
            self.order.push_back((sender, cookie));
        }
        if self.order.len() > MOST {
            self.forget_oldest();
        }
    }

    /// Forgets the old ones. Gives the moment before which the store may forget too, where there is news.
    pub(super) fn forget_old(&mut self, now: Millis) -> Option<Millis> {
        let before = now.before(FOR);
        while self.order.front().and_then(|oldest| self.at.get(oldest)).is_some_and(|at| *at < before) {
            self.forget_oldest();
        }
        self.forgotten.take().map(|last| last.after(Duration::from_millis(1)).max(before))
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.forgotten = self.at.remove(&oldest).max(self.forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_not_too_many() {
        let mut heard = Heard::default();
        let cookie = |number: u64| ImCookie(number.to_be_bytes());
        for number in 0..=MOST as u64 {
            heard.insert("staff1".into(), cookie(number), Millis(number));
        }
        assert!(!heard.contains(&"staff1".into(), cookie(0)), "the newest are kept");
        assert!(heard.contains(&"Staff 1".into(), cookie(1)));
        assert_eq!(heard.forget_old(Millis(99_999)), Some(Millis(1)));
        assert_eq!(heard.forget_old(Millis(99_999)), None);
        let day = Millis(0).after(FOR).after(Duration::from_secs(60));
        assert_eq!(heard.forget_old(day), Some(Millis(60_000)), "all of them");
        assert!(!heard.contains(&"staff1".into(), cookie(16_000)));
    }
}
