//! Rate classes: whatever numbers a server states.

use super::survives;
use oscar_im::foodgroup::oservice::{RateClass, RateParams};
use oscar_im::rate::{Level, RateStatus};
use oscar_im::wire::Wire;
use std::time::Duration;

pub(crate) fn rate_params(data: &[u8]) {
    survives::<RateParams>(data);
    survives::<RateClass>(data);
}

/// The arithmetic holds, and who waits for a credit gets one and is not limited by it.
pub(crate) fn rate(data: &[u8]) {
    let Ok(class) = RateClass::from_bytes(data) else { return };
    let mut level = Level::new(class, Duration::ZERO);
    let mut now = Duration::ZERO;
    for byte in data.iter().take(64) {
        now += Duration::from_millis(u64::from(*byte) * 50);
        level.evaluate(now);
        assert!(level.level() <= class.max.max(class.current));
        if let Some(at) = level.earliest(now) {
            assert!(at >= now);
            assert!(level.credits(at, 1) == 1);
            // Where the numbers are in their order, what was waited for is taken.
            let ordered = class.disconnect <= class.limit && class.limit <= class.clear;
            if ordered && class.limit > 0 {
                let status = level.clone().evaluate(at);
                assert!(matches!(status, RateStatus::Clear | RateStatus::Alert), "{status:?}");
            }
        }
    }
}
