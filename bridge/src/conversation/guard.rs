//! Who may say how much: visitors by a token bucket, strangers on the AIM side by one polite line an hour.

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
    /// Takes one token; false where there is none.
    pub fn take(&mut self, pace: Pace, now: Millis) -> bool {
        if pace.burst == 0 {
            return true;
        }
        let full = u64::from(pace.burst) * 1000;
        let level = match self.state {
            None => full,
            Some((level, at)) => {
                let gained = now.0.saturating_sub(at.0).saturating_mul(u64::from(pace.per_second));
                level.saturating_add(gained).min(full)
            }
        };
        let left = level.checked_sub(1000);
        self.state = Some((left.unwrap_or(level), now));
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
