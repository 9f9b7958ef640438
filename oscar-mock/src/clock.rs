//! The one place of this crate that reads a clock, and where a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// As far as a clock can be moved on in all: a century.
const MOST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A moment, as both clocks show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For intervals.
    pub instant: Instant,
    /// Seconds since 1970, for what clients are told.
    pub unix: u32,
}

/// Where the double takes the time from. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Where it stands still, but for being moved; none for one that runs.
    stands_at: Option<Now>,
    /// Nanoseconds by which it has been moved on.
    moved: Arc<AtomicU64>,
}

impl Clock {
    /// The machine's own time, which runs and can be moved on as well.
    pub fn system() -> Self {
        Self { stands_at: None, moved: Arc::default() }
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn manual() -> Self {
        Self { stands_at: Some(read()), moved: Arc::default() }
    }

    /// Moves it on, by a century in all at most. A server does nothing by itself when its clock is moved; move it
    /// through [`Handle::advance`](crate::Handle::advance), so that what falls due happens, each thing at its time.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.min(MOST).as_nanos()).unwrap_or(u64::MAX);
        let most = u64::try_from(MOST.as_nanos()).unwrap_or(u64::MAX);
        let moved = |moved: u64| Some(moved.saturating_add(by).min(most));
        // The closure never refuses.
        let _ = self.moved.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }

    /// Whether time passes only by [`Clock::advance`].
    pub const fn is_manual(&self) -> bool {
        self.stands_at.is_some()
    }

    /// What it shows.
    pub fn now(&self) -> Now {
        let start = self.stands_at.unwrap_or_else(read);
        let moved = self.moved();
        let seconds = u32::try_from(moved.as_secs()).unwrap_or(u32::MAX);
        let instant = start.instant.checked_add(moved).unwrap_or(start.instant);
        Now { instant, unix: start.unix.saturating_add(seconds) }
    }

    /// When it will show `at` by itself, in the machine's time. None: it stands still.
    pub(crate) fn comes_to(&self, at: Instant) -> Option<Instant> {
        let runs = !self.is_manual();
        runs.then(|| at.checked_sub(self.moved()).unwrap_or(at))
    }

    fn moved(&self) -> Duration {
        Duration::from_nanos(self.moved.load(Ordering::SeqCst))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the crate's clock")]
fn read() -> Now {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), unix: u32::try_from(unix.as_secs()).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_runs_can_be_moved_and_one_that_stands_moves_only_so() {
        let hour = Duration::from_secs(3600);
        for clock in [Clock::system(), Clock::manual()] {
            let before = clock.now();
            clock.clone().advance(hour);
            let after = clock.now();
            assert!(after.instant - before.instant >= hour && after.unix - before.unix >= 3600);
            assert_eq!(after == clock.now(), clock.is_manual());
            // In an hour by the clock is now, for the machine.
            let due = clock.comes_to(after.instant + hour);
            assert_eq!(due, (!clock.is_manual()).then_some(after.instant));
        }
    }

    #[test]
    fn nobody_can_move_a_clock_until_it_breaks() {
        let clock = Clock::manual();
        let before = clock.now();
        for _ in 0..3 {
            clock.advance(Duration::MAX);
        }
        assert_eq!(clock.now().instant - before.instant, MOST);
    }
}
