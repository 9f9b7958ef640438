//! Rate classes: what 01/07 announces, which class a SNAC is in, and what becomes of a client that sends too fast.
//!
//! Figures and membership as open-oscar-server's 01/07 shows them; the behaviour as its clients met it: notices
//! come from a poll once a second, a dropped SNAC is counted and never answered, and the SNAC that takes a level below
//! *disconnect* is still carried out before the connection closes.

use std::time::{Duration, Instant};

use oscar_im::foodgroup::oservice::{RateClass, RateMember, RateState, rate_code};
use oscar_im::rate::{Level, RateStatus, STOCK};

use crate::config::Rates;

/// As many as open-oscar-server has.
pub(crate) const CLASSES: usize = STOCK.len();

/// Figures by which a client that paces itself need never wait: no level is a limit, one SNAC takes next to nothing
/// off the level (some 48,000 may follow each other without a pause), and `window × max` stays below 2³¹ for clients
/// that compute in 32 bits. A window of 1 would be worse: there the level *is* the last pause, and libpurple holds back
/// whatever would bring it to the alert level, 0 included.
const fn unlimited(id: u16) -> RateClass {
    RateClass {
        id,
        window: 30_000,
        clear: 0,
        alert: 0,
        limit: 0,
        disconnect: 0,
        current: 70_000,
        max: 70_000,
        state: None,
    }
}

/// The figures of each class, full, for somebody warned to `warning` tenths of a percent: warnings tighten class 3.
pub(crate) fn classes(rates: Rates, warning: u16) -> [RateClass; CLASSES] {
    STOCK.map(|stock| match (rates, stock.id) {
        (Rates::None, id) => unlimited(id),
        (Rates::Stock, 3) => {
            // Towards 5,840: so it comes out in the one capture of a warned client (raw-bos-typing-wanted).
            let tighten = |figure: u32| figure + (5840 - figure) * u32::from(warning.min(1000)) / 1000;
            RateClass {
                clear: tighten(stock.clear),
                alert: tighten(stock.alert),
                limit: tighten(stock.limit),
                ..stock
            }
        }
        (Rates::Stock, _) => stock,
    })
}

/// What becomes of a SNAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is carried out.
    Pass,
    /// It is dropped without a word.
    Drop,
    /// It is carried out, and then the session ends.
    PassAndClose,
}

#[derive(Debug, Clone)]
struct Class {
    level: Level,
    /// What the client believes: the code of the last notice.
    told: u16,
}

impl Class {
    /// The code that one more SNAC at `elapsed` would earn; the level moves only when one comes.
    fn code(&self, elapsed: Duration) -> u16 {
        match self.level.clone().evaluate(elapsed) {
            RateStatus::Clear => rate_code::CLEAR,
            RateStatus::Alert => rate_code::ALERT,
            RateStatus::Limited | RateStatus::Disconnect => rate_code::LIMITED,
        }
    }
}

/// The levels of one session, which all its connections share.
#[derive(Debug, Clone)]
pub(crate) struct Levels {
    began: Instant,
    classes: [Class; CLASSES],
}

impl Levels {
    /// Full, as at sign-on.
    pub(crate) fn new(classes: [RateClass; CLASSES], began: Instant) -> Self {
        let classes =
            classes.map(|class| Class { level: Level::new(class, Duration::ZERO), told: rate_code::CLEAR });
        Self { began, classes }
    }

    /// Takes other figures for its own and keeps where it stands.
    pub(crate) fn retune(&mut self, classes: [RateClass; CLASSES]) {
        for (class, figures) in self.classes.iter_mut().zip(classes) {
            let dropping = u8::from(class.level.is_limited());
            let state = Some(RateState { last: 0, dropping });
            let figures = RateClass { current: class.level.level(), state, ..figures };
            class.level = Level::new(figures, class.level.last());
        }
    }

    /// The records for 01/07.
    pub(crate) fn records(&self, now: Instant) -> Vec<RateClass> {
        self.classes.iter().map(|class| class.level.record(self.elapsed(now))).collect()
    }

    /// Counts one SNAC of a class, from 0.
    pub(crate) fn spend(&mut self, index: usize, now: Instant) -> Verdict {
        let elapsed = self.elapsed(now);
        let Some(class) = self.classes.get_mut(index) else { return Verdict::Pass };
        match class.level.evaluate(elapsed) {
            RateStatus::Clear | RateStatus::Alert => Verdict::Pass,
            RateStatus::Limited => Verdict::Drop,
            RateStatus::Disconnect => Verdict::PassAndClose,
        }
    }

    /// Brings a class, from 0, just below its limit; one without a limit takes the stock figures first.
    pub(crate) fn limit(&mut self, index: usize, now: Instant) {
        let elapsed = self.elapsed(now);
        let (Some(class), Some(stock)) = (self.classes.get_mut(index), STOCK.get(index)) else { return };
        let figures = if class.level.class().limit == 0 { *stock } else { *class.level.class() };
        let state = Some(RateState { last: 0, dropping: 1 });
        let current = figures.limit.saturating_sub(1);
        class.level = Level::new(RateClass { current, state, ..figures }, elapsed);
    }

    /// Whether [`Levels::notices`] has something to say, or may have by the mere passing of time.
    pub(crate) fn is_restless(&self, now: Instant) -> bool {
        let elapsed = self.elapsed(now);
        let at_rest =
            |class: &Class| class.told == rate_code::CLEAR && class.code(elapsed) == rate_code::CLEAR;
        !self.classes.iter().all(at_rest)
    }

    /// What the client has not been told yet, as code and record for 01/0A. How a class stands is how one more SNAC
    /// would find it, so a client may be warned of a limit that it has not met, and a limit ends by resting.
    pub(crate) fn notices(&mut self, now: Instant) -> Vec<(u16, RateClass)> {
        let elapsed = self.elapsed(now);
        let mut notices = Vec::new();
        for class in &mut self.classes {
            let code = class.code(elapsed);
            class.level.clears(elapsed);
            if code != class.told {
                class.told = code;
                let seconds = u32::try_from(elapsed.saturating_sub(class.level.last()).as_secs());
                let mut record = class.level.record(elapsed);
                if let Some(state) = &mut record.state {
                    state.last = seconds.unwrap_or(u32::MAX);
                    // The same foresight, though nothing need have been dropped yet.
                    state.dropping = u8::from(code == rate_code::LIMITED);
                }
                notices.push((code, record));
            }
        }
        notices
    }

    fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }
}

/// The class of a SNAC, from 0; None for one that no class holds.
pub(crate) fn class_of(group: u16, subgroup: u16) -> Option<usize> {
    match (group, subgroup) {
        (0x03, 0x04 | 0x05) | (0x09, 0x05..=0x08) | (0x0e, 0x05) => Some(1),
        (0x02, 0x05) | (0x04, 0x06) => Some(2),
        (0x02, 0x09 | 0x0b) => Some(3),
        _ => CLASS_1
            .iter()
            .find(|(member, _)| *member == group)
            .is_some_and(|(_, subgroups)| subgroups.contains(&subgroup))
            .then_some(0),
    }
}

/// The members of class `index + 1`, for 01/07.
pub(crate) fn members(index: usize) -> Vec<RateMember> {
    let named =
        [(0x03, 0x04), (0x03, 0x05), (0x02, 0x05), (0x04, 0x06), (0x02, 0x09), (0x02, 0x0b), (0x0e, 0x05)];
    let candidates = CLASS_1
        .iter()
        .flat_map(|(group, subgroups)| subgroups.iter().map(|subgroup| (*group, *subgroup)))
        .chain(named)
        .chain((0x05..=0x08).map(|subgroup| (0x09, subgroup)));
    candidates
        .filter(|(group, subgroup)| class_of(*group, *subgroup) == Some(index))
        .map(|(group, subgroup)| RateMember { group: group.into(), subgroup })
        .collect()
}

/// Class 1: all that no other class holds.
const CLASS_1: [(u16, &[u16]); 20] = [
    (0x01, &span::<0x23>()),
    (0x02, &[1, 2, 3, 4, 6, 7, 8, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15]),
    (0x03, &[1, 2, 3, 6, 7, 8, 9, 0x0a, 0x0b, 0x0c, 0x0f, 0x10]),
    (0x04, &[1, 2, 3, 4, 5, 7, 8, 9, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14]),
    (0x05, &span::<3>()),
    (0x06, &span::<3>()),
    (0x07, &span::<9>()),
    (0x08, &span::<2>()),
    (0x09, &[1, 2, 3, 4, 9, 0x0a, 0x0b]),
    (0x0a, &span::<3>()),
    (0x0b, &span::<4>()),
    (0x0c, &span::<3>()),
    (0x0d, &span::<9>()),
    (0x0e, &[1, 2, 3, 4, 6, 7, 8, 9]),
    (0x0f, &span::<4>()),
    (0x10, &[1, 2, 4, 6]),
    (0x13, &span::<0x28>()),
    (0x15, &span::<3>()),
    (0x17, &[1, 2, 4, 6, 8, 0x0a, 0x0c]),
    (0x18, &[1, 2, 4, 6, 7, 8, 0x0a, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x15, 0x16, 0x17]),
];

/// 1 to N.
const fn span<const N: usize>() -> [u16; N] {
    let mut numbers = [0; N];
    let mut at = 0;
    while at < N {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "at < N, and N is small"
        )]
        {
            numbers[at] = at as u16 + 1;
        }
        at += 1;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn start(rates: Rates) -> (Levels, Instant) {
        let now = crate::clock::Clock::manual().now().instant;
        (Levels::new(classes(rates, 0), now), now)
    }

    #[test]
    fn a_limited_class_is_told_so_and_is_clear_after_a_rest_of_twenty_six_seconds() {
        let (mut levels, start) = start(Rates::Stock);
        assert!(!levels.is_restless(start));
        while levels.spend(2, start) == Verdict::Pass {}
        let mut codes = |seconds| {
            let notices = levels.notices(start + Duration::from_secs(seconds));
            notices.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
        };
        assert_eq!(codes(1), [rate_code::LIMITED]);
        assert!(codes(26).is_empty());
        assert_eq!(codes(27), [rate_code::CLEAR]);
        assert!(!levels.is_restless(start + Duration::from_secs(27)));
        assert_eq!(levels.spend(2, start + Duration::from_secs(27)), Verdict::Pass);
    }

    #[test]
    fn a_limit_that_the_next_message_would_meet_is_told_as_if_it_were_met() {
        let (mut levels, start) = start(Rates::Stock);
        for sent in 0..8 {
            let now = start + Duration::from_secs(u64::from(sent == 7));
            assert_eq!(levels.spend(2, now), Verdict::Pass);
        }
        let told = |levels: &mut Levels, seconds| {
            let notices = levels.notices(start + Duration::from_secs(seconds));
            notices
                .into_iter()
                .map(|(code, record)| (code, record.state.unwrap().dropping, record.current))
                .collect::<Vec<_>>()
        };
        let level = levels.records(start)[2].current;
        assert!(level >= STOCK[2].limit);
        assert_eq!(told(&mut levels, 2), [(rate_code::LIMITED, 1, level)]);
        assert_eq!(told(&mut levels, 5), [(rate_code::ALERT, 0, level)]);
        assert_eq!(levels.spend(2, start + Duration::from_secs(5)), Verdict::Pass);
    }

    #[test]
    fn warnings_tighten_the_class_of_messages() {
        let (mut levels, start) = start(Rates::Stock);
        levels.retune(classes(Rates::Stock, 500));
        let passed = (0..100).take_while(|_| levels.spend(2, start) == Verdict::Pass).count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn without_limits_a_client_that_paces_itself_need_not_wait() {
        let (mut levels, start) = start(Rates::None);
        let mut clients = Level::new(levels.records(start)[2], Duration::ZERO);
        for sent in 0..48_000 {
            assert_eq!(levels.spend(2, start), Verdict::Pass);
            assert_eq!(clients.earliest(Duration::ZERO), Some(Duration::ZERO), "after {sent}");
            clients.evaluate(Duration::ZERO);
        }
    }

    #[test]
    fn every_class_has_the_members_that_its_snacs_say() {
        assert_eq!(members(0).len(), 209);
        assert_eq!(members(2).len(), 2);
        assert!(members(4).is_empty());
        assert_eq!(class_of(0x99, 2), None);
    }
}
