//! The one place of this crate that reads a clock; a test may put its own in its stead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A moment, as both clocks show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For intervals.
    pub instant: Instant,
    /// Seconds since 1970, for what clients are told.
    pub unix: u32,
}

/// Where the double takes the time from.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Now,
    moved: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// The machine's own time.
    pub fn system() -> Self {
        Self { started: read(), moved: None }
    }

    /// A clock that stands still until [`Clock::advance`] moves it. What waits for a moment is woken when it is moved
    /// through the server's handle.
    pub fn manual() -> Self {
        Self { started: read(), moved: Some(Arc::default()) }
    }

    /// Moves a manual clock on; the machine's own can't be moved.
    pub fn advance(&self, by: Duration) {
        if let Some(moved) = &self.moved {
            let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            moved.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// Whether time passes only by [`Clock::advance`].
    pub fn is_manual(&self) -> bool {
        self.moved.is_some()
    }

    /// What it shows.
    pub fn now(&self) -> Now {
        let Some(moved) = &self.moved else { return read() };
        let moved = Duration::from_millis(moved.load(Ordering::SeqCst));
        let seconds = u32::try_from(moved.as_secs()).unwrap_or(u32::MAX);
        let instant = self.started.instant.checked_add(moved).unwrap_or(self.started.instant);
        Now { instant, unix: self.started.unix.saturating_add(seconds) }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the crate's clock")]
fn read() -> Now {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), unix: u32::try_from(unix.as_secs()).unwrap_or(u32::MAX) }
}
