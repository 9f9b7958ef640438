//! Staff members' messages that were heard, so that one that comes twice is heard once.
//!
//! An id alone says little: libpurple and BitlBee count through the same ids from each start on, so whoever restarts the
//! client, or has two, uses them again for other texts, and for the same ones. A repeat has sender, id and text of what was
//! heard, and comes soon after it or soon after a sign-on of ours.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use oscar_im::ScreenName;

use crate::aim::event::ImCookie;
use crate::conversation::Millis;

/// How long they are remembered.
const FOR: Duration = Duration::from_secs(24 * 3600);
/// So soon a repeat comes, after what it repeats or after our sign-on.
const REPEATED_WITHIN: Duration = Duration::from_secs(120);
/// How many at most: servers repeat what was on its way when a connection broke, not more.
const MOST: usize = 16_384;

/// The id by which a message is remembered: its own and its text in one.
pub(super) fn id_of(cookie: ImCookie, text: &str) -> ImCookie {
    // FNV-1a; it stands in the store, so it may never change.
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = cookie.0.iter().chain(text.as_bytes());
    ImCookie(bytes.fold(START, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME)).to_be_bytes())
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

    /// Whether this is a repeat; `up` is since when we are signed on.
    pub(super) fn is_repeat(
        &self,
        sender: &ScreenName,
        id: ImCookie,
        up: Option<Millis>,
        now: Millis,
    ) -> bool {
        let Some(at) = self.at.get(&(sender.clone(), id)).copied() else { return false };
        let just_signed_on = up.is_some_and(|up| at < up && now.since(up) <= REPEATED_WITHIN);
        just_signed_on || now.since(at) <= REPEATED_WITHIN
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
        let knows = |heard: &Heard, who: &str, id| heard.is_repeat(&who.into(), id, None, Millis(9));
        assert!(!knows(&heard, "staff1", cookie(0)), "the newest are kept");
        assert!(knows(&heard, "Staff 1", cookie(1)));
        assert_eq!(heard.forget_old(Millis(99_999)), Some(Millis(1)));
        assert_eq!(heard.forget_old(Millis(99_999)), None);
        let day = Millis(0).after(FOR).after(Duration::from_secs(60));
        assert_eq!(heard.forget_old(day), Some(Millis(60_000)), "all of them");
        assert!(!knows(&heard, "staff1", cookie(16_000)));
    }

    #[test]
    fn the_same_id_is_a_repeat_only_with_the_same_text_and_soon() {
        let mut heard = Heard::default();
        let (staff1, cookie) = (ScreenName::new("staff1"), ImCookie(*b"3855154\0"));
        let id = id_of(cookie, "anna: hi");
        assert_ne!(id, id_of(cookie, "anna: hi there"));
        assert_eq!(id.0, [185, 83, 23, 144, 233, 232, 11, 29], "as the store has it");
        let minutes = |count: u64| Millis(count * 60_000);
        heard.insert(staff1.clone(), id, minutes(10));
        let is_repeat = |up, now| heard.is_repeat(&staff1, id, Some(minutes(up)), minutes(now));
        assert!(is_repeat(0, 11));
        assert!(!is_repeat(0, 13), "typed again");
        assert!(is_repeat(60, 61), "a server that gives us again what it had for us");
        assert!(!is_repeat(60, 63));
    }
}
