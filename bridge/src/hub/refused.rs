//! Lines that were refused in words. The daemon keeps them in its history all the same; by their ids they are known when they come
//! from there, and stay refused: else a line would be stored behind later ones that its sender said instead.

use std::collections::{HashSet, VecDeque};

use super::desk::Desk;
use crate::conversation::Millis;
use crate::irc::event::IrcLine;
use crate::store::{MOST_REFUSED, Write};

/// See the module. All of it bounded by what the store keeps.
#[derive(Debug, Default)]
pub(super) struct Refused {
    known: HashSet<String>,
    /// The same, oldest first.
    order: VecDeque<String>,
    /// Of these the store does not know; oldest first.
    unstored: VecDeque<String>,
    /// Lines of this round: refused if it can't be stored.
    at_stake: Vec<String>,
}

impl Refused {
    fn insert(&mut self, id: &str) {
        if self.known.insert(id.to_owned()) {
            self.order.push_back(id.to_owned());
        }
        if self.order.len() > MOST_REFUSED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    fn insert_unstored(&mut self, id: String) {
        self.insert(&id);
        self.unstored.push_back(id);
        if self.unstored.len() > MOST_REFUSED {
            self.unstored.pop_front();
        }
    }
}

impl Desk {
    /// Whether this line was refused before.
    pub(super) fn was_refused(&self, line: &IrcLine) -> bool {
        line.msgid.as_ref().is_some_and(|id| self.refused.known.contains(id))
    }

    /// Its sender is told so just now.
    pub(super) fn line_is_refused(&mut self, line: &IrcLine) {
        let Some(id) = line.msgid.clone() else { return };
        if self.is_store_down() {
            self.refused.insert_unstored(id);
        } else {
            self.refused.insert(&id);
            self.refused.at_stake.push(id.clone());
            self.write(Write::Refused(vec![id]));
        }
    }

    /// Its sender is told so if this round can't be stored.
    pub(super) fn line_is_at_stake(&mut self, line: &IrcLine) {
        self.refused.at_stake.extend(line.msgid.clone());
    }

    pub(super) fn nothing_is_at_stake(&mut self) {
        self.refused.at_stake.clear();
    }

    /// This round could not be stored.
    pub(super) fn all_at_stake_is_refused(&mut self) {
        for id in std::mem::take(&mut self.refused.at_stake) {
            self.refused.insert_unstored(id);
        }
    }

    /// What a store that took nothing is tried with: the first that it takes is what was refused meanwhile, so that nothing is stored
    /// while that is unknown.
    pub(crate) fn probe(&self) -> Vec<Write> {
        if self.refused.unstored.is_empty() {
            // Reading may work where writing doesn't, so something has to be written.
            return vec![Write::ForgetHeard(Millis(0))];
        }
        vec![Write::Refused(self.refused.unstored.iter().cloned().collect())]
    }

    /// The store knows these, oldest first, and what it was tried with.
    pub(super) fn restore_refused(&mut self, ids: Vec<String>) {
        self.refused = Refused::default();
        for id in ids {
            self.refused.insert(&id);
        }
    }
}
