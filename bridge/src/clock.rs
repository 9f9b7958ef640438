//! The one place of the bridge that reads clocks. Everything else takes time as an argument.

use std::time::{Duration, Instant, SystemTime};

/// One moment by both clocks: `instant` for deadlines, `wall` for what people and other programs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic; never goes back.
    pub instant: Instant,
    /// The date; may jump when somebody sets it.
    pub wall: SystemTime,
}

impl Moment {
    /// This moment. Where a test holds the runtime's clock, `instant` is what that clock says.
    #[expect(clippy::disallowed_methods, reason = "the bridge's one reading of the clocks")]
    pub fn now() -> Self {
        Self { instant: tokio::time::Instant::now().into_std(), wall: SystemTime::now() }
    }

    /// The moment `duration` later by both clocks.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self { instant: self.instant + duration, wall: self.wall + duration }
    }
}
