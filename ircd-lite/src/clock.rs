//! The only place of this crate that reads a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::world::Now;

/// Both clocks, from one start on.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts to count.
    #[expect(clippy::disallowed_methods, reason = "the crate's clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// What time it is.
    #[expect(clippy::disallowed_methods, reason = "the crate's clock")]
    pub fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Now { unix_ms: millis(unix), mono_ms: millis(self.start.elapsed()) }
    }

    /// The moment of a reading of the monotonic clock.
    pub fn instant(&self, mono_ms: u64) -> Instant {
        let wait = std::time::Duration::from_millis(mono_ms);
        self.start.checked_add(wait).unwrap_or(self.start)
    }
}
