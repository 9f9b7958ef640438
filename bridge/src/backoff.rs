//! Pauses between attempts: exponential with full jitter, reset only after a stretch that held.

use std::time::Duration;

/// How long to wait after each failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The most that the first pause may be.
    pub first: Duration,
    /// The most that any pause may be.
    pub longest: Duration,
    /// A connection that was signed on this long starts again with the first pause.
    pub settled: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            settled: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The pause after `failures` (0 for the first) with `random` between 0 and `u32::MAX`.
    pub(crate) fn pause(self, failures: u32, random: u32) -> Duration {
        let most = self.first.saturating_mul(1 << failures.min(16)).min(self.longest);
        // Never none at all: a daemon that refuses at once would be asked in a loop.
        most.mul_f64(f64::from(random) / f64::from(u32::MAX)).max(most / 10)
    }
}

/// Jitter for [`Backoff::pause`]; where the system has no randomness, the longest pause.
pub(crate) fn random() -> u32 {
    let mut bytes = [0xff; 4];
    let _ = getrandom::fill(&mut bytes);
    u32::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_cap_and_is_never_zero() {
        let backoff = Backoff::default();
        let most: Vec<_> = (0..8).map(|failures| backoff.pause(failures, u32::MAX).as_secs()).collect();
        assert_eq!(most, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.pause(0, 0), Duration::from_millis(100));
        assert_eq!(backoff.pause(u32::MAX, u32::MAX), Duration::from_secs(60));
    }
}
