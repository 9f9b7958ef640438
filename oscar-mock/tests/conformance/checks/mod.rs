//! The checks, one file a matter.

mod frames;
mod lists;
mod malformed;
mod messages;
mod own_clients;
mod presence;
mod rates;
mod rooms;
mod sign_on;
mod start_up;
mod twice;

use super::Scene;
use super::wire::Outcome;

/// One fact and how it is tried.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// What is known, and from where.
    pub(crate) fact: &'static str,
    pub(crate) steps: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) run: fn(&Scene<'_>) -> Outcome,
}

/// Run before all others, one by one: how fast the server works through a burst is part of the result.
pub(crate) const ALONE: [&str; 1] = ["burst"];

/// All checks; those that wait longest come first, as they run beside the others.
pub(crate) fn all() -> Vec<Check> {
    let parts: [&[Check]; 11] = [
        rates::CHECKS,
        malformed::CHECKS,
        sign_on::CHECKS,
        start_up::CHECKS,
        frames::CHECKS,
        lists::CHECKS,
        presence::CHECKS,
        messages::CHECKS,
        rooms::CHECKS,
        twice::CHECKS,
        own_clients::CHECKS,
    ];
    let all: Vec<Check> = parts.into_iter().flatten().map(|check| Check { ..*check }).collect();
    for (at, check) in all.iter().enumerate() {
        assert!(all[..at].iter().all(|other| other.name != check.name), "{} is there twice", check.name);
    }
    all
}
