//! Lines of one visitor that the bridge has said nothing about yet, in order.
//!
//! A line may be lost with the bot's connection to the daemon, or be refused because the bot is not there, while the
//! next one of the same visitor finds the bot back: then the visitor's program would send the first one again, behind
//! the second. So the gateway keeps what the bot has not confirmed, and when the bot is back sends it before anything
//! newer. The bridge knows a line by its id, so one that had arrived is stored once.

use std::collections::VecDeque;

/// What is kept for one visitor.
const MOST_LINES: usize = 128;
const MOST_BYTES: usize = 16 * 1024;
/// Lines of which the bot has said something, remembered by their ids.
const MOST_HEARD: usize = 32;
/// Sent again at once; the next follow as these are confirmed. Daemons end a connection that floods them.
const WINDOW: usize = 10;

#[derive(Debug)]
struct Kept {
    id: String,
    text: String,
    sent: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unheard {
    lines: VecDeque<Kept>,
    bytes: usize,
    /// Ids, oldest first.
    heard: VecDeque<String>,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It goes to the bot at once.
    Now,
    /// It goes when those before it are confirmed, or the bot is back.
    Later,
    /// There is no room for it.
    Full,
}

impl Unheard {
    /// A line of the visitor's. `there`: the bot is.
    pub(super) fn take(&mut self, id: &str, text: &str, there: bool) -> Turn {
        if let Some(known) = self.lines.iter().find(|kept| kept.id == id) {
            return if there && known.sent { Turn::Now } else { Turn::Later };
        }
        if self.lines.len() >= MOST_LINES || self.bytes + text.len() > MOST_BYTES {
            return Turn::Full;
        }
        let now = there && self.lines.iter().all(|kept| kept.sent);
        self.bytes += text.len();
        self.lines.push_back(Kept { id: id.to_owned(), text: text.to_owned(), sent: now });
        if now { Turn::Now } else { Turn::Later }
    }

    /// The bot knows what became of this line.
    pub(super) fn heard(&mut self, id: &str) {
        if let Some(at) = self.lines.iter().position(|kept| kept.id == id)
            && let Some(kept) = self.lines.remove(at)
        {
            self.bytes -= kept.text.len();
            if self.heard.len() >= MOST_HEARD {
                self.heard.pop_front();
            }
            self.heard.push_back(kept.id);
        }
    }

    /// Whether the visitor's program says again what it has said on this connection, and what is taken care of: it has been
    /// told what became of the line, or will be.
    pub(super) fn is_repeat(&self, id: &str) -> bool {
        self.lines.iter().any(|kept| kept.id == id) || self.heard.iter().any(|heard| heard == id)
    }

    /// The bot's connection is another: nobody knows what of all this arrived.
    pub(super) fn forget_sent(&mut self) {
        self.lines.iter_mut().for_each(|kept| kept.sent = false);
    }

    /// The next one whose turn it is, id and text; for as long as the bot is there.
    pub(super) fn next(&mut self) -> Option<(String, String)> {
        let at = self.lines.iter().position(|kept| !kept.sent)?;
        let kept = self.lines.get_mut(at).filter(|_| at < WINDOW)?;
        kept.sent = true;
        Some((kept.id.clone(), kept.text.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next_ids(unheard: &mut Unheard) -> Vec<String> {
        std::iter::from_fn(|| unheard.next()).map(|(id, _)| id).collect()
    }

    #[test]
    fn what_is_not_confirmed_goes_again_in_order_before_anything_newer() {
        let mut unheard = Unheard::default();
        assert_eq!(unheard.take("a", "1", true), Turn::Now);
        assert_eq!(unheard.take("b", "2", true), Turn::Now);
        unheard.heard("a");
        unheard.forget_sent();
        assert_eq!(unheard.take("c", "3", false), Turn::Later);
        assert_eq!(unheard.take("d", "4", true), Turn::Later, "behind b and c");
        assert_eq!(next_ids(&mut unheard), ["b", "c", "d"]);
        assert_eq!(unheard.take("b", "2", true), Turn::Now, "the visitor's program asks again");
        assert_eq!(unheard.take("e", "5", true), Turn::Now);
    }

    #[test]
    fn a_few_at_once_and_not_too_many_at_all() {
        let mut unheard = Unheard::default();
        for number in 0..MOST_LINES {
            assert_eq!(unheard.take(&number.to_string(), "x", false), Turn::Later);
        }
        assert_eq!(unheard.take("more", "x", false), Turn::Full);
        assert_eq!(next_ids(&mut unheard).len(), WINDOW);
        unheard.heard("3");
        unheard.heard("1");
        assert_eq!(next_ids(&mut unheard), ["10", "11"]);
        assert_eq!(unheard.take("12", "x", true), Turn::Later, "its turn has yet to come");
        assert_eq!(Unheard::default().take("long", &"x".repeat(MOST_BYTES + 1), true), Turn::Full);
    }
}
