//! The moving average by which servers limit what clients send: one piece of arithmetic for both sides.
//!
//! A class has a level in milliseconds. Each SNAC of the class moves it towards the time since the one before:
//! `level := min(max, (level × (window − 1) + Δ) / window)`, in whole numbers. Below *disconnect* the connection is
//! closed; below *limit* the class is limited, until the level is at *clear* again; below *alert* the client is
//! warned. SNACs that a limited class drops count all the same, so a client that does not heed it is thrown out.
//!
//! A server calls [`Level::evaluate`] for each SNAC that comes. A client asks [`Level::earliest`] before it sends, and
//! calls [`Level::evaluate`] when it does. Neither reads a clock: `now` is the time since any fixed moment.
//!
//! ```
//! use oscar_im::rate::{Level, RateStatus, STOCK_IM};
//! use std::time::Duration;
//!
//! let mut client = Level::new(STOCK_IM, Duration::ZERO);
//! let mut server = client.clone();
//! assert_eq!(client.credits(Duration::ZERO, 100), 7, "a burst after signing on");
//! let mut now = Duration::ZERO;
//! for _ in 0..100 {
//!     now = client.earliest(now).expect("numbers that make sense");
//!     client.evaluate(now);
//!     assert!(matches!(server.evaluate(now), RateStatus::Clear | RateStatus::Alert), "never limited");
//! }
//! assert!(now < Duration::from_secs(385), "and hardly slower than one message in 4 s");
//! ```
//!
//! Source: open-oscar-server's `wire/rate_limit.go`, and its answers to bursts in the captures
//! `raw-bos-rate-burst` and `raw-bos-rate-half-second`.

use crate::foodgroup::oservice::{RateClass, RateParamChange, rate_code};
use std::time::Duration;

/// How far above *limit* a client keeps its level. The server's clock and the network move it by some milliseconds of
/// Δ divided by the window; being in *alert* costs nothing.
pub const MARGIN: u32 = 50;

const fn stock(id: u16, window: u32, [clear, alert, limit, disconnect]: [u32; 4], max: u32) -> RateClass {
    RateClass { id, window, clear, alert, limit, disconnect, current: max, max, state: None }
}

/// The classes 1 to 5 of open-oscar-server as it is shipped, at rest: what most servers that one meets today say. For
/// servers, and for tests; a client goes by the numbers that its own server states.
///
/// Class 1 counts nearly everything, 2 what is said in chat rooms and edits of lists for the session, 3 instant messages
/// ([`STOCK_IM`]), 4 the directory (02/09, 02/0B), 5 nothing. Source: its `wire/rate_limit.go`, and its 01/07 in the captures.
pub const STOCK: [RateClass; 5] = [
    stock(1, 80, [2500, 2000, 1500, 800], 6000),
    stock(2, 80, [3000, 2000, 1500, 1000], 6000),
    stock(3, 20, [5100, 5000, 4000, 3000], 6000),
    stock(4, 20, [5500, 5300, 4200, 3000], 8000),
    stock(5, 10, [5500, 5300, 4200, 3000], 8000),
];

/// Of [`STOCK`], the class of instant messages: 7 in a burst after signing on, then one each 4 s; at most 157 in the
/// first ten minutes.
pub const STOCK_IM: RateClass = STOCK[2];

/// How a class stands after a SNAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateStatus {
    /// Fine.
    Clear,
    /// Taken, with a warning.
    Alert,
    /// Dropped.
    Limited,
    /// The connection is to be closed. open-oscar-server still takes the SNAC.
    Disconnect,
}

/// The level of one class of one session.
#[derive(Debug, Clone)]
pub struct Level {
    class: RateClass,
    current: u32,
    limited: bool,
    last: Duration,
}

impl Level {
    /// Starts from the class's own *current*, as 01/07 states it, with the last SNAC at `now`.
    pub const fn new(class: RateClass, now: Duration) -> Self {
        Self { class, current: class.current, limited: is_dropping(&class), last: now }
    }

    /// The class's parameters.
    pub const fn class(&self) -> &RateClass {
        &self.class
    }

    /// The level after the last SNAC.
    pub const fn level(&self) -> u32 {
        self.current
    }

    /// Whether SNACs are dropped until *clear*.
    pub const fn is_limited(&self) -> bool {
        self.limited
    }

    /// The time of the last SNAC.
    pub const fn last(&self) -> Duration {
        self.last
    }

    /// As a record for 01/07 and 01/0A, with the state that 35-byte records have.
    pub fn record(&self, now: Duration) -> RateClass {
        let state = crate::foodgroup::oservice::RateState {
            last: millis(now.saturating_sub(self.last)),
            dropping: u8::from(self.limited),
        };
        RateClass { current: self.current, state: Some(state), ..self.class }
    }

    /// Counts one SNAC at `now`, and says what becomes of it.
    pub fn evaluate(&mut self, now: Duration) -> RateStatus {
        self.current = self.level_if_sent(now);
        self.last = self.last.max(now);
        if self.current < self.class.disconnect {
            self.limited = true;
            return RateStatus::Disconnect;
        }
        if self.limited && self.current >= self.class.clear {
            self.limited = false;
        }
        if self.limited || self.current < self.class.limit {
            self.limited = true;
            RateStatus::Limited
        } else if self.current < self.class.alert {
            RateStatus::Alert
        } else {
            RateStatus::Clear
        }
    }

    /// Whether a limited class would be free again if a SNAC came at `now`; servers tell so (01/0A code 4) without
    /// waiting for one. The level itself moves only with a SNAC.
    pub fn clears(&mut self, now: Duration) -> bool {
        let clears = self.limited && self.level_if_sent(now) >= self.class.clear;
        self.limited &= !clears;
        clears
    }

    /// Takes what 01/0A says; for clients. With new parameters the server's level is taken; with the same ones the
    /// lower of the two, because SNACs of ours that the notice did not count may have been on their way. Whether the
    /// class is limited stands in the code, and in 35-byte records once more.
    ///
    /// A class that is said to be limited while its level is at the limit or above has met no limit yet:
    /// open-oscar-server says each second how one more SNAC would fare, and so warns whoever sends as fast as it may.
    pub fn adopt(&mut self, change: &RateParamChange, now: Duration) {
        let class = change.class;
        let parameters = |class: &RateClass| RateClass { current: 0, state: None, ..*class };
        let changed = parameters(&class) != parameters(&self.class);
        self.current = if changed { class.current } else { class.current.min(self.current) };
        let told = match (change.code, class.state) {
            (rate_code::LIMITED, _) => true,
            (_, Some(state)) => state.dropping != 0,
            (rate_code::CLEAR, None) => false,
            (_, None) => self.limited,
        };
        self.limited = told && (self.limited || class.current < class.limit);
        self.class = class;
        self.last = self.last.min(now);
    }

    /// The earliest time, `now` or later, at which one more SNAC leaves the level at or above *limit* plus
    /// [`MARGIN`] (while limited: at *clear*, which lifts the limit). `None` if that is above the class's *max*, so
    /// that no waiting is long enough: its numbers make no sense.
    pub fn earliest(&self, now: Duration) -> Option<Duration> {
        let needed = self.needed();
        // The least Δ with (level × (window − 1) + Δ) / window ≥ needed. Products of 32-bit numbers fit.
        let window = u64::from(self.class.window.max(1));
        let elapsed = (needed * window).saturating_sub(u64::from(self.current) * (window - 1));
        (needed <= u64::from(self.class.max))
            .then(|| self.last.saturating_add(Duration::from_millis(elapsed)).max(now))
    }

    /// How many SNACs may go at once at `now`, at most `at_most`.
    pub fn credits(&self, now: Duration, at_most: u32) -> u32 {
        if self.needed() == 0 {
            return at_most;
        }
        let mut after = self.clone();
        let mut credits = 0;
        while credits < at_most && after.earliest(now).is_some_and(|earliest| earliest <= now) {
            after.evaluate(now);
            credits += 1;
        }
        credits
    }

    fn needed(&self) -> u64 {
        // No level is below 0, so a class with such a limit has none, and nothing to stay clear of.
        let limit = if self.class.limit == 0 { 0 } else { self.class.limit.saturating_add(MARGIN) };
        u64::from(if self.limited { limit.max(self.class.clear) } else { limit })
    }

    fn level_if_sent(&self, now: Duration) -> u32 {
        let window = u64::from(self.class.window.max(1));
        let elapsed = u64::try_from(now.saturating_sub(self.last).as_millis()).unwrap_or(u64::MAX);
        let level = (u64::from(self.current) * (window - 1)).saturating_add(elapsed) / window;
        u32::try_from(level.min(u64::from(self.class.max))).unwrap_or(u32::MAX)
    }
}

const fn is_dropping(class: &RateClass) -> bool {
    match class.state {
        Some(state) => state.dropping != 0,
        None => false,
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foodgroup::oservice::RateState;

    #[test]
    fn a_limit_of_zero_limits_nobody_however_long() {
        let class = RateClass { limit: 0, clear: 0, alert: 0, disconnect: 0, current: 0, ..STOCK_IM };
        let mut level = Level::new(class, Duration::ZERO);
        for _ in 0..1000 {
            assert_eq!(level.earliest(Duration::ZERO), Some(Duration::ZERO));
            level.evaluate(Duration::ZERO);
        }
        assert_eq!(level.credits(Duration::ZERO, 64), 64);
    }

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_burst_is_served_as_the_real_server_serves_it() {
        // The capture `raw-bos-rate-burst`: 3 until alert, 7 pass, 6 are dropped, the 14th closes the connection.
        let mut level = Level::new(STOCK_IM, Duration::ZERO);
        let statuses: Vec<_> = (1..=14).map(|at| level.evaluate(secs(f64::from(at) * 0.001))).collect();
        assert_eq!(&statuses[..3], &[RateStatus::Clear; 3]);
        assert_eq!(&statuses[3..7], &[RateStatus::Alert; 4]);
        assert_eq!(&statuses[7..13], &[RateStatus::Limited; 6]);
        assert_eq!(statuses[13], RateStatus::Disconnect);
    }

    #[test]
    fn once_limited_only_clear_ends_it() {
        let mut level = Level::new(STOCK_IM, Duration::ZERO);
        while level.evaluate(Duration::ZERO) != RateStatus::Limited {}
        assert!(!level.clears(secs(26.0)));
        assert!(level.clone().clears(secs(27.0)));
        assert_eq!(level.evaluate(secs(20.0)), RateStatus::Limited);
        assert_eq!(level.earliest(secs(20.0)).map(|at| at.as_secs()), Some(31));
    }

    #[test]
    fn lasting_rates_are_those_of_the_real_server() {
        for (interval, worst) in [(5.0, RateStatus::Clear), (4.0, RateStatus::Alert)] {
            let mut level = Level::new(STOCK_IM, Duration::ZERO);
            for at in 1..1000 {
                let status = level.evaluate(secs(f64::from(at) * interval));
                assert!(status == RateStatus::Clear || status == worst, "{interval} {at} {status:?}");
            }
        }
    }

    #[test]
    fn a_client_that_asks_is_never_limited_and_hardly_slower_than_allowed() {
        for jitter in [0, 1, 40, 300] {
            let (mut ours, mut servers) =
                (Level::new(STOCK_IM, Duration::ZERO), Level::new(STOCK_IM, Duration::ZERO));
            let (mut now, mut sent) = (Duration::ZERO, 0u32);
            loop {
                now = ours.earliest(now).unwrap();
                if now > secs(600.0) {
                    break;
                }
                ours.evaluate(now);
                // The network delays every second SNAC, so that pairs arrive closer together than they left.
                let arrival = now + Duration::from_millis(if sent.is_multiple_of(2) { jitter } else { 0 });
                let status = servers.evaluate(arrival.max(servers.last()));
                assert!(matches!(status, RateStatus::Clear | RateStatus::Alert), "{jitter} {sent}");
                sent += 1;
            }
            assert!((149..=157).contains(&sent), "{sent}");
        }
    }

    /// Sends as fast as it may for ten minutes, with `margin` above the limit (with none nobody can be faster); gives how
    /// many went, and how many of them the server would have dropped. After `change.0` the server goes by the numbers of `change.1`.
    fn ten_minutes(class: RateClass, margin: u32, change: Option<(Duration, RateClass)>) -> (u32, u32) {
        // A level keeps its own margin: who wants none believes in a lower limit.
        let figures = |class: RateClass| RateClass { limit: class.limit - MARGIN + margin, ..class };
        let (mut ours, mut servers) =
            (Level::new(figures(class), Duration::ZERO), Level::new(class, Duration::ZERO));
        let (mut now, mut sent, mut dropped, mut change) = (Duration::ZERO, 0, 0, change);
        loop {
            let next = ours.earliest(now).unwrap();
            if let Some((_, changed)) = change.take_if(|(at, _)| *at <= next) {
                let current = servers.level().min(changed.max);
                let changed = RateClass { current, ..changed };
                let last = servers.last();
                servers = Level::new(changed, last);
                ours.adopt(&RateParamChange { code: rate_code::CHANGED, class: figures(changed) }, now);
                continue;
            }
            now = next;
            if now > secs(600.0) {
                return (sent, dropped);
            }
            ours.evaluate(now);
            sent += 1;
            dropped +=
                u32::from(matches!(servers.evaluate(now), RateStatus::Limited | RateStatus::Disconnect));
        }
    }

    #[test]
    fn in_every_class_nothing_is_dropped_and_hardly_less_goes_than_could() {
        for class in STOCK {
            let ((sent, dropped), (most, _)) =
                (ten_minutes(class, MARGIN, None), ten_minutes(class, 0, None));
            assert_eq!(dropped, 0, "class {}", class.id);
            assert!(sent <= most && sent * 100 >= most * 95, "class {}: {sent} of {most}", class.id);
        }
        assert_eq!(ten_minutes(STOCK_IM, 0, None).0, 157, "what the class permits");
        assert_eq!(ten_minutes(STOCK_IM, MARGIN, None).0, 155);
    }

    #[test]
    fn numbers_that_change_midway_are_kept_from_then_on() {
        let tighter = RateClass { clear: 5500, alert: 5400, limit: 5200, ..STOCK_IM };
        let looser = RateClass { clear: 3100, alert: 3000, limit: 2000, disconnect: 1000, ..STOCK_IM };
        let wider = RateClass { window: 60, ..STOCK_IM };
        for changed in [tighter, looser, wider, STOCK[1]] {
            for at in [0.0, 1.0, 30.0, 299.9, 300.0] {
                let change = Some((secs(at), RateClass { id: 3, ..changed }));
                let ((sent, dropped), (most, _)) =
                    (ten_minutes(STOCK_IM, MARGIN, change), ten_minutes(STOCK_IM, 0, change));
                assert_eq!(dropped, 0, "{changed:?} at {at}");
                assert!(sent * 100 >= most * 95, "{changed:?} at {at}: {sent} of {most}");
            }
        }
    }

    #[test]
    fn credits_are_what_may_go_at_once() {
        let mut level = Level::new(STOCK_IM, Duration::ZERO);
        assert_eq!(level.credits(Duration::ZERO, 64), 7);
        for _ in 0..7 {
            level.evaluate(Duration::ZERO);
        }
        assert_eq!(level.credits(Duration::ZERO, 64), 0);
        assert_eq!(level.credits(secs(3600.0), 3), 3);
    }

    #[test]
    fn a_notice_never_hides_what_is_on_its_way() {
        let mut level = Level::new(STOCK_IM, Duration::ZERO);
        for _ in 0..5 {
            level.evaluate(Duration::ZERO);
        }
        let before = level.level();
        let notice = |class| RateParamChange { code: rate_code::CHANGED, class };
        level.adopt(&notice(RateClass { current: 5700, ..STOCK_IM }), Duration::ZERO);
        assert_eq!(level.level(), before);
        level.adopt(&notice(RateClass { current: 5700, limit: 4500, ..STOCK_IM }), Duration::ZERO);
        assert_eq!(level.level(), 5700);
    }

    /// As open-oscar-server has it: each second it says how one more SNAC would fare.
    #[test]
    fn a_limit_that_is_only_foretold_holds_nothing_back() {
        let mut level = Level::new(STOCK_IM, Duration::ZERO);
        for _ in 0..7 {
            level.evaluate(Duration::ZERO);
        }
        let due = level.earliest(Duration::ZERO).unwrap();
        let state = |dropping| Some(RateState { last: 1, dropping });
        let notice = |code, class| RateParamChange { code, class };
        let foretold = RateClass { current: level.level(), state: state(1), ..STOCK_IM };
        level.adopt(&notice(rate_code::LIMITED, foretold), secs(1.0));
        assert!(!level.is_limited());
        assert_eq!(level.earliest(secs(1.0)), Some(due));

        // Below the limit it has come true, and stays so until the server says otherwise.
        let below = RateClass { current: STOCK_IM.limit - 1, ..foretold };
        level.adopt(&notice(rate_code::LIMITED, below), secs(1.0));
        assert!(level.is_limited());
        let above = RateClass { current: STOCK_IM.limit + 10, ..foretold };
        level.adopt(&notice(rate_code::LIMITED, above), secs(9.0));
        assert!(level.is_limited());
        let clear = RateClass { current: STOCK_IM.clear, state: state(0), ..STOCK_IM };
        level.adopt(&notice(rate_code::CLEAR, clear), secs(30.0));
        assert!(!level.is_limited());
    }

    #[test]
    fn a_notice_limits_by_its_code_where_the_record_is_short() {
        let notice =
            |code, state| RateParamChange { code, class: RateClass { current: 3950, state, ..STOCK_IM } };
        let dropping = |dropping| Some(RateState { last: 0, dropping });
        // Free again at clear, not just above limit; until then what is sent is dropped and counted.
        let at_clear = 5100 * 20 - 3950 * 19;
        for (code, state, limited) in [
            (rate_code::LIMITED, None, true),
            (rate_code::LIMITED, dropping(1), true),
            (rate_code::ALERT, dropping(1), true),
            (rate_code::ALERT, None, false),
            (rate_code::CLEAR, None, false),
        ] {
            let mut level = Level::new(STOCK_IM, Duration::ZERO);
            level.adopt(&notice(code, state), Duration::ZERO);
            assert_eq!(level.is_limited(), limited, "{code} {state:?}");
            if limited {
                assert_eq!(level.earliest(Duration::ZERO), Some(Duration::from_millis(at_clear)));
                level.adopt(&notice(rate_code::CHANGED, None), Duration::ZERO);
                assert!(level.is_limited(), "numbers that change lift no limit");
                level.adopt(&notice(rate_code::CLEAR, None), Duration::ZERO);
                assert!(!level.is_limited());
            }
        }
    }

    #[test]
    fn an_average_over_years_is_waited_for_as_long_as_it_takes() {
        let class = RateClass { window: 3_000_000, current: 0, ..STOCK_IM };
        let mut level = Level::new(class, Duration::ZERO);
        let earliest = level.earliest(Duration::ZERO).unwrap();
        assert_eq!(level.evaluate(earliest), RateStatus::Alert);
        assert_eq!(level.level(), class.limit + MARGIN);
    }

    #[test]
    fn numbers_without_sense_do_not_panic() {
        let odd = RateClass { window: 0, limit: u32::MAX, max: 0, ..STOCK_IM };
        let mut level = Level::new(odd, Duration::MAX);
        assert_eq!(level.earliest(Duration::ZERO), None);
        level.evaluate(Duration::ZERO);
        let huge = RateClass {
            window: u32::MAX,
            current: u32::MAX,
            max: u32::MAX,
            limit: u32::MAX - 60,
            ..STOCK_IM
        };
        let mut level = Level::new(huge, Duration::ZERO);
        level.evaluate(Duration::MAX);
        let _ = level.earliest(Duration::MAX);
    }
}
