//! MONITOR: who waits for which nick.

use std::collections::HashMap;

use super::{Slot, World};
use crate::wire::name::Folded;
use crate::wire::numeric::{RPL_MONOFFLINE, RPL_MONONLINE};

/// Nicks and those who watch them.
#[derive(Debug, Default)]
pub(crate) struct Monitors(HashMap<Folded, Vec<Slot>>);

impl Monitors {
    /// Who watches `nick`.
    pub(crate) fn watchers(&self, nick: &[u8]) -> &[Slot] {
        self.0.get(&Folded::new(nick)).map_or(&[], Vec::as_slice)
    }

    /// `watcher` watches `nick` from now on.
    pub(crate) fn add(&mut self, nick: &Folded, watcher: Slot) {
        let watchers = self.0.entry(nick.clone()).or_default();
        if !watchers.contains(&watcher) {
            watchers.push(watcher);
        }
    }

    /// No longer.
    pub(crate) fn remove(&mut self, nick: &Folded, watcher: Slot) {
        if let Some(watchers) = self.0.get_mut(nick) {
            watchers.retain(|slot| *slot != watcher);
            if watchers.is_empty() {
                self.0.remove(nick);
            }
        }
    }
}

impl World {
    /// Tells those who watch its nick that `client` is there.
    pub(crate) fn monitor_online(&mut self, client: Slot) {
        let identity = self.client(client).identity.clone();
        for watcher in self.monitors.watchers(&identity.nick()).to_vec() {
            if !self.hidden(watcher, client) {
                self.reply_text(watcher, RPL_MONONLINE, &[], identity.source());
            }
        }
    }

    /// Tells those who watch its nick that `client` goes, by that name. To be called while it is still visible.
    pub(crate) fn monitor_offline(&mut self, client: Slot) {
        let nick = self.client(client).identity.nick();
        for watcher in self.monitors.watchers(&nick).to_vec() {
            if watcher != client && !self.hidden(watcher, client) {
                self.reply_text(watcher, RPL_MONOFFLINE, &[], &nick);
            }
        }
    }
}
