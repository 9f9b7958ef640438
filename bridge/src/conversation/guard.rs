//! Who may say how much: visitors by a token bucket, strangers on the AIM side by one polite line an hour; and how often
//! staff are asked back, so that a program which answers for one of them isn't asked for ever.

use std::collections::HashMap;
use std::time::Duration;

use oscar_im::ScreenName;

use super::model::Millis;

/// How fast one visitor may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Lines at once; 0 switches the limit off.
    pub burst: u32,
    /// Then lines a second.
    pub per_second: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { burst: 5, per_second: 1 }
    }
}

/// A token bucket in thousandths of a line.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenBucket {
    /// None: never used, so full.
    state: Option<(u64, Millis)>,
}

impl TokenBucket {
    /// Takes one token; false where there is none. A time before the last one gains nothing.
    pub fn take(&mut self, pace: Pace, now: Millis) -> bool {
        if pace.burst == 0 {
            return true;
        }
        let full = u64::from(pace.burst) * 1000;
        let (level, at) = match self.state {
            None => (full, now),
            Some((level, at)) => {
                let gained = now.0.saturating_sub(at.0).saturating_mul(u64::from(pace.per_second));
                (level.saturating_add(gained).min(full), at.max(now))
            }
        };
        let left = level.checked_sub(1000);
        self.state = Some((left.unwrap_or(level), at));
        left.is_some()
    }
}

/// Remembers which strangers were answered, so that each is answered at most once an hour.
#[derive(Debug, Default)]
pub struct Strangers {
    answered: HashMap<ScreenName, Millis>,
}

impl Strangers {
    const QUIET: Duration = Duration::from_secs(3600);
    /// More than this in an hour are not answered at all.
    const MOST: usize = 1000;

    /// Whether to say the polite line now.
    pub fn may_answer(&mut self, who: &ScreenName, now: Millis) -> bool {
        self.answered.retain(|_, at| now.since(*at) < Self::QUIET);
        if self.answered.contains_key(who) || self.answered.len() >= Self::MOST {
            return false;
        }
        self.answered.insert(who.clone(), now);
        true
    }
}

/// What is answered to a message that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outlook {
    /// What is wrong with it.
    #[default]
    Answer,
    /// That no more is answered.
    LastWord,
    /// Nothing.
    Silence,
}

/// How often one of staff was not understood without a break. A program that answers whatever it reads, and doesn't mark
/// that as automatic, would otherwise be asked what it means again and again.
#[derive(Debug, Default)]
pub struct Patience {
    last: String,
    same: u32,
    any: u32,
    at: Millis,
}

impl Patience {
    /// The same text in a row, digits aside: programs tell the time.
    const SAME: u32 = 10;
    /// Whatever was written, in a row.
    const ANY: u32 = 100;
    /// After this without a message that was not understood, all is forgotten.
    const QUIET: Duration = Duration::from_secs(600);
    /// Enough of a text to know it again.
    const KEPT: usize = 200;

    /// What is to be answered if this message isn't understood.
    pub fn outlook(&self, text: &str, now: Millis) -> Outlook {
        if self.is_forgotten(now) {
            return Outlook::Answer;
        }
        let same = if self.last == Self::outline(text) { self.same } else { 0 };
        match (same, self.any) {
            (0..Self::SAME, 0..Self::ANY) => Outlook::Answer,
            (..=Self::SAME, ..=Self::ANY) => Outlook::LastWord,
            _ => Outlook::Silence,
        }
    }

    /// One more was not understood.
    pub fn lose(&mut self, text: &str, now: Millis) {
        if self.is_forgotten(now) {
            *self = Self::default();
        }
        let outline = Self::outline(text);
        self.same = if self.last == outline { self.same.saturating_add(1) } else { 1 };
        self.any = self.any.saturating_add(1);
        self.last = outline;
        self.at = now;
    }

    fn is_forgotten(&self, now: Millis) -> bool {
        now.since(self.at) >= Self::QUIET
    }

    fn outline(text: &str) -> String {
        text.chars().filter(|c| !c.is_numeric()).take(Self::KEPT).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_at_once_then_one_a_second() {
        let mut bucket = TokenBucket::default();
        let pace = Pace::default();
        let taken = |bucket: &mut TokenBucket, at: u64| bucket.take(pace, Millis(at));
        assert_eq!((0..7).filter(|_| taken(&mut bucket, 1000)).count(), 5);
        assert!(!taken(&mut bucket, 1999));
        assert!(taken(&mut bucket, 2000));
        assert!(!taken(&mut bucket, 2000));
        assert_eq!((0..9).filter(|_| taken(&mut bucket, 60_000)).count(), 5, "never more than the burst");
    }

    #[test]
    fn no_burst_means_no_limit() {
        let mut bucket = TokenBucket::default();
        assert!((0..1000).all(|_| bucket.take(Pace { burst: 0, per_second: 0 }, Millis(0))));
    }

    #[test]
    fn a_stranger_is_answered_once_an_hour() {
        let mut strangers = Strangers::default();
        let eve = ScreenName::from("Eve");
        assert!(strangers.may_answer(&eve, Millis(0)));
        assert!(!strangers.may_answer(&ScreenName::from("e v e"), Millis(3_599_999)));
        assert!(strangers.may_answer(&eve, Millis(3_600_000)));
    }
}
