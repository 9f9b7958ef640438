//! How many lines a client may send, as ircd-ratbox counts them.
//!
//! Before registration five lines at once and one a second; then a grace of forty lines a second that ends after
//! 30 s or with the first line that others notice; then five at once and two a second. Time is counted in whole
//! seconds since the stage began, as that daemon's timer does. Lines beyond the allowance wait; what happens when
//! too many wait is decided by the caller.

const BURST: u32 = 5;
const GRACE_BURST: u32 = 40;
const GRACE_MS: u64 = 30_000;

/// One client's allowance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flood {
    stage: Stage,
    used: u32,
    since_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Registering,
    Grace { until_ms: u64 },
    Normal,
}

impl Stage {
    fn burst(self) -> u32 {
        if matches!(self, Self::Grace { .. }) { GRACE_BURST } else { BURST }
    }

    fn per_second(self) -> u32 {
        match self {
            Self::Registering => 1,
            Self::Grace { .. } => GRACE_BURST,
            Self::Normal => 2,
        }
    }
}

impl Flood {
    /// A connection that came at `now_ms`.
    pub(crate) fn new(now_ms: u64) -> Self {
        Self { stage: Stage::Registering, used: 0, since_ms: now_ms }
    }

    /// Registration is complete: the grace begins.
    pub(crate) fn registered(&mut self, now_ms: u64) {
        *self = Self { stage: Stage::Grace { until_ms: now_ms + GRACE_MS }, used: 0, since_ms: now_ms };
    }

    /// A line came that others notice: the grace ends, and that line is the first one counted.
    pub(crate) fn end_grace(&mut self, now_ms: u64) {
        if matches!(self.stage, Stage::Grace { .. }) {
            *self = Self { stage: Stage::Normal, used: 1, since_ms: now_ms };
        }
    }

    /// Takes one line from the allowance, or says no.
    pub(crate) fn take(&mut self, now_ms: u64) -> bool {
        if let Stage::Grace { until_ms } = self.stage
            && now_ms >= until_ms
        {
            *self = Self { stage: Stage::Normal, used: 0, since_ms: until_ms };
        }
        let seconds = now_ms.saturating_sub(self.since_ms) / 1000;
        if seconds > 0 {
            let drained = u32::try_from(seconds).unwrap_or(u32::MAX).saturating_mul(self.stage.per_second());
            self.used = self.used.saturating_sub(drained);
            self.since_ms += seconds * 1000;
        }
        let free = self.used < self.stage.burst();
        self.used += u32::from(free);
        free
    }

    /// When the next line may go, at the earliest.
    pub(crate) fn next_ms(&self) -> u64 {
        self.since_ms + 1000
    }
}

/// How many messages came to one target of late.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Received {
    second: u64,
    count: usize,
}

impl Received {
    /// Counts one message, unless `most` came in this second.
    pub(crate) fn take(&mut self, now_ms: u64, most: usize) -> bool {
        let second = now_ms / 1000;
        if self.second != second {
            *self = Self { second, count: 0 };
        }
        let free = self.count < most;
        self.count += usize::from(free);
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(flood: &mut Flood, now_ms: u64) -> u32 {
        let mut count = 0;
        while count < 1000 && flood.take(now_ms) {
            count += 1;
        }
        count
    }

    #[test]
    fn before_registration_five_then_one_a_second() {
        let mut flood = Flood::new(0);
        assert_eq!((taken(&mut flood, 0), taken(&mut flood, 999), taken(&mut flood, 1000)), (5, 0, 1));
    }

    #[test]
    fn the_grace_ends_by_itself_or_by_a_line() {
        let mut flood = Flood::new(0);
        flood.registered(0);
        assert_eq!((taken(&mut flood, 0), taken(&mut flood, 1000)), (40, 40));
        assert_eq!((taken(&mut flood, 30_000), taken(&mut flood, 31_000)), (5, 2));
        flood.registered(0);
        flood.end_grace(500);
        assert_eq!((taken(&mut flood, 500), taken(&mut flood, 1400), taken(&mut flood, 1500)), (4, 0, 2));
    }
}
