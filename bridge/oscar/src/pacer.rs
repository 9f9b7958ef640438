//! What may be sent when: SNACs wait here, in order within their rate class, until the server's moving average takes
//! them without coming near its limit.

use crate::foodgroup::FoodGroup;
use crate::foodgroup::oservice::{RateParamChange, RateParams, rate_code};
use crate::rate::Level;
use crate::wire::Frame;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

/// Frames that wait, in all classes together. Reached only by a caller who asks for far more than the server takes;
/// then it is refused.
const MAX_QUEUED: usize = 512;
/// The most that [`Pacer::credits`] gives: enough for any burst, and bounded where the server limits nothing.
const MAX_CREDITS: u32 = 1024;
/// How long to wait for a class whose numbers make no sense.
const ODD_CLASS_PAUSE: Duration = Duration::from_secs(10);

/// A kind of SNAC: group and subgroup.
pub(crate) type Kind = (FoodGroup, u16);

#[derive(Debug, Default)]
pub(crate) struct Pacer {
    levels: BTreeMap<u16, Level>,
    members: HashMap<Kind, u16>,
    /// By class; None: what no class counts. Each frame with its turn among all, so that classes that are not
    /// held back keep the order in which things were asked for.
    queues: BTreeMap<Option<u16>, VecDeque<(u64, Frame)>>,
    turn: u64,
    queued: usize,
    paused: bool,
    exemption: Exemption,
}

/// Whether the server's limits are for us.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Exemption {
    #[default]
    None,
    /// Its word is that they aren't.
    Granted,
    /// That was its word, but it counted what we sent all the same.
    Broken,
}

impl Pacer {
    /// Takes 01/07.
    pub(crate) fn learn(&mut self, params: &RateParams, now: Duration) {
        self.levels = params.classes.iter().map(|class| (class.id, Level::new(*class, now))).collect();
        self.members = params
            .members
            .iter()
            .flat_map(|list| list.members.iter().map(|member| ((member.group, member.subgroup), list.class)))
            .collect();
    }

    /// The server takes us for a bot, or for somebody like everybody. open-oscar-server limits no bot, although it tells
    /// it of the same classes; nothing is counted meanwhile, as a server that doesn't count either won't say what it has.
    pub(crate) fn is_bot(&mut self, bot: bool) {
        if self.exemption != Exemption::Broken {
            self.exemption = if bot { Exemption::Granted } else { Exemption::None };
        }
    }

    fn is_exempt(&self) -> bool {
        self.exemption == Exemption::Granted
    }

    /// Takes 01/0A; classes that 01/07 did not name are ignored.
    pub(crate) fn adopt(&mut self, change: &RateParamChange, now: Duration) {
        if self.is_exempt() && matches!(change.code, rate_code::ALERT | rate_code::LIMITED) {
            self.exemption = Exemption::Broken;
        }
        if let Some(level) = self.levels.get_mut(&change.class.id) {
            level.adopt(change, now);
        }
    }

    pub(crate) fn classes(&self) -> Vec<u16> {
        self.levels.keys().copied().collect()
    }

    /// The server asks for silence, or ends it.
    pub(crate) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Whether a class is limited, or lower than it is ever let fall: only then a server closes for the rate.
    pub(crate) fn over_limit(&self) -> bool {
        self.levels.values().any(|level| level.is_limited() || level.level() < level.class().limit)
    }

    /// How many wait.
    pub(crate) const fn queued(&self) -> usize {
        self.queued
    }

    /// Whether so many more may be queued.
    pub(crate) const fn has_room(&self, frames: usize) -> bool {
        self.queued + frames <= MAX_QUEUED
    }

    /// Queues a frame; false if too much waits already.
    pub(crate) fn push(&mut self, kind: Kind, frame: Frame) -> bool {
        if self.queued >= MAX_QUEUED {
            return false;
        }
        self.queued += 1;
        self.turn += 1;
        self.queues.entry(self.members.get(&kind).copied()).or_default().push_back((self.turn, frame));
        true
    }

    /// The next frame that may go at `now`, counted as sent.
    pub(crate) fn take(&mut self, now: Duration) -> Option<Frame> {
        if self.paused {
            return None;
        }
        let class = self
            .queues
            .iter()
            .filter_map(|(class, queue)| Some((queue.front()?.0, *class)))
            .filter(|(_, class)| self.earliest(*class, now) <= now)
            .min()
            .map(|(_, class)| class)?;
        let (_, frame) = self.queues.get_mut(&class)?.pop_front()?;
        self.queued -= 1;
        self.count(class, now);
        Some(frame)
    }

    /// When [`Pacer::take`] has something.
    pub(crate) fn next_at(&self, now: Duration) -> Option<Duration> {
        if self.paused {
            return None;
        }
        let waiting = self.queues.iter().filter(|(_, queue)| !queue.is_empty());
        waiting.map(|(class, _)| self.earliest(*class, now)).min()
    }

    /// Counts a frame of this kind as sent, if it may go at once, ahead of no other of its class.
    pub(crate) fn send_now(&mut self, kind: Kind, now: Duration) -> bool {
        let may = self.credits(kind, now) > 0;
        if may {
            self.count(self.members.get(&kind).copied(), now);
        }
        may
    }

    /// How many frames of this kind may go at once.
    pub(crate) fn credits(&self, kind: Kind, now: Duration) -> u32 {
        if self.paused {
            return 0;
        }
        let class = self.members.get(&kind).copied();
        let credits = match class.and_then(|class| self.levels.get(&class)) {
            Some(level) if !self.is_exempt() => level.credits(now, MAX_CREDITS),
            _ => MAX_CREDITS,
        };
        let ahead = self.queues.get(&class).map_or(0, VecDeque::len);
        credits.saturating_sub(u32::try_from(ahead).unwrap_or(u32::MAX))
    }

    /// When there will be a credit, if nothing else of the class is sent before; None while paused.
    pub(crate) fn next_credit_at(&self, kind: Kind, now: Duration) -> Option<Duration> {
        let class = self.members.get(&kind).copied();
        let mut level = class.and_then(|class| self.levels.get(&class)).cloned();
        let ahead = self.queues.get(&class).map_or(0, VecDeque::len);
        let mut at = now;
        if let Some(level) = level.as_mut().filter(|_| !self.is_exempt()) {
            for _ in 0..ahead {
                at = earliest(level, at);
                level.evaluate(at);
            }
            at = earliest(level, at);
        }
        (!self.paused).then_some(at)
    }

    fn earliest(&self, class: Option<u16>, now: Duration) -> Duration {
        let level = class.and_then(|class| self.levels.get(&class)).filter(|_| !self.is_exempt());
        level.map_or(now, |level| earliest(level, now))
    }

    fn count(&mut self, class: Option<u16>, now: Duration) {
        if self.is_exempt() {
            return;
        }
        if let Some(level) = class.and_then(|class| self.levels.get_mut(&class)) {
            level.evaluate(now);
        }
    }
}

fn earliest(level: &Level, now: Duration) -> Duration {
    level.earliest(now).unwrap_or_else(|| level.last().saturating_add(ODD_CLASS_PAUSE).max(now))
}
