//! The channels we belong in: joining, and coming back after a KICK or a refusal, each time later.

use std::time::{Duration, Instant};

use super::isupport::ISupport;
use super::queue::Queue;
use super::text::{Line, Word};

/// First pause after a KICK; doubled each time up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// First pause after a refused JOIN.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Who stayed this long starts again with the first pause.
const SETTLED: Duration = Duration::from_secs(600);

/// A channel to be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name, such as `#support`.
    pub name: Word,
    /// Its key, where it has one.
    pub key: Option<Word>,
}

#[derive(Debug)]
struct Place {
    channel: Channel,
    joined_at: Option<Instant>,
    attempts: u32,
    retry_at: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Channels {
    places: Vec<Place>,
}

impl Channels {
    pub(super) fn new(channels: &[Channel]) -> Self {
        let place = |channel: &Channel| Place {
            channel: channel.clone(),
            joined_at: None,
            attempts: 0,
            retry_at: None,
        };
        Self { places: channels.iter().map(place).collect() }
    }

    pub(super) fn join_all(&mut self, queue: &mut Queue) {
        for place in &mut self.places {
            place.join(queue);
        }
    }

    /// The daemon put us into a channel. `false` for one that we did not ask for.
    pub(super) fn joined(&mut self, name: &str, support: &ISupport, now: Instant) -> bool {
        let Some(place) = self.find(name, support) else { return false };
        place.joined_at = Some(now);
        place.retry_at = None;
        true
    }

    /// Whether each has let us in or refused us.
    pub(super) fn are_settled(&self) -> bool {
        self.places.iter().all(|place| place.joined_at.is_some() || place.attempts > 0)
    }

    /// We were kicked, or left by force.
    pub(super) fn lost(&mut self, name: &str, support: &ISupport, now: Instant) {
        if let Some(place) = self.find(name, support) {
            if place.joined_at.take().is_some_and(|since| now.saturating_duration_since(since) >= SETTLED) {
                place.attempts = 0;
            }
            place.retry_later(FIRST_PAUSE, now);
        }
    }

    /// The daemon does not let us in. `true` the first time, for the log.
    pub(super) fn refused(&mut self, name: &str, support: &ISupport, now: Instant) -> bool {
        match self.find(name, support) {
            Some(place) if place.joined_at.is_none() => {
                place.retry_later(REFUSED_PAUSE, now);
                place.attempts == 1
            }
            _ => false,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, queue: &mut Queue) {
        for place in &mut self.places {
            if place.retry_at.is_some_and(|at| at <= now) {
                place.join(queue);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.places.iter().filter_map(|place| place.retry_at).min()
    }

    fn find(&mut self, name: &str, support: &ISupport) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| support.case_mapping.same(place.channel.name.as_str(), name))
    }
}

impl Place {
    fn join(&mut self, queue: &mut Queue) {
        self.retry_at = None;
        let line = Line::new("JOIN").word(&self.channel.name);
        queue.control(match &self.channel.key {
            Some(key) => line.word(key),
            None => line,
        });
    }

    fn retry_later(&mut self, first: Duration, now: Instant) {
        let pause = first.saturating_mul(1 << self.attempts.min(8)).min(LONGEST_PAUSE);
        self.attempts += 1;
        self.retry_at = Some(now + pause);
    }
}
