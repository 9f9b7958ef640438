//! Who may learn of whom: the auditorium (channel mode `u`).
//!
//! A plain member of an auditorium is hidden from everybody whom nothing else joins to it: another shared channel
//! that is no auditorium, or one in which either of the two is operator. Outsiders are strangers like other members,
//! for a second connection could ask what the first may not. IRC operators see everybody. The rule is asked at every
//! place where one could learn of another; `world/tests/auditorium.rs` has a test for each.

use super::client::{Client, UserModes};
use super::{ChannelSlot, Slot, World};

/// Who could be seen over MONITOR before a change; compared with after.
#[derive(Debug, Default)]
pub(crate) struct Sightings(Vec<(Slot, Slot, bool)>);

impl World {
    /// Whether `observer` may not learn of `subject`.
    pub(crate) fn hidden(&self, observer: Slot, subject: Slot) -> bool {
        let (watching, watched) = (self.client(observer), self.client(subject));
        if observer == subject || watched.auditoriums == 0 || watching.oper() {
            return false;
        }
        !watched.channels.iter().any(|at| self.joined(*at, observer, subject))
    }

    /// Whether this channel makes its members `a` and `b` known to each other.
    fn joined(&self, channel: ChannelSlot, a: Slot, b: Slot) -> bool {
        let channel = self.channel(channel);
        match (channel.rank(a), channel.rank(b)) {
            (Some(a), Some(b)) => !channel.auditorium() || a.operator || b.operator,
            _ => false,
        }
    }

    /// Whether `observer` may learn that `subject` is a member of this channel.
    pub(crate) fn sees_member(&self, channel: ChannelSlot, observer: Slot, subject: Slot) -> bool {
        let channel = self.channel(channel);
        observer == subject
            || !channel.auditorium()
            || channel.is_operator(subject)
            || channel.is_operator(observer)
            || self.client(observer).oper()
    }

    /// The registered user with this nick, if `asker` may learn of it.
    pub(crate) fn visible_user(&self, asker: Slot, nick: &[u8]) -> Option<Slot> {
        self.user(nick).filter(|subject| !self.hidden(asker, *subject))
    }

    /// How many members of a channel `asker` may count.
    pub(crate) fn visible_members(&self, channel: ChannelSlot, asker: Slot) -> usize {
        let state = self.channel(channel);
        if !state.auditorium() || state.is_operator(asker) || self.client(asker).oper() {
            return state.members().len();
        }
        let own = usize::from(state.rank(asker).is_some());
        state.operators().len() + own
    }

    /// Everybody who shares a channel with `subject` and may learn of it there; each once, without itself.
    pub(crate) fn peers(&mut self, subject: Slot) -> Vec<Slot> {
        let mark = self.clients.next_mark();
        let Self { channels, clients, .. } = self;
        let own: Vec<ChannelSlot> = clients.get(subject).channels.clone();
        clients.get_mut(subject).mark = mark;
        let mut peers = Vec::new();
        let mut visit = |slot: Slot, client: &mut Client| {
            if client.mark != mark {
                client.mark = mark;
                peers.push(slot);
            }
        };
        for at in own {
            let channel = &channels[at.0];
            if channel.auditorium() && !channel.is_operator(subject) {
                channel.operators().iter().for_each(|slot| visit(*slot, clients.get_mut(*slot)));
            } else {
                channel
                    .members()
                    .iter()
                    .for_each(|member| visit(member.client, clients.get_mut(member.client)));
            }
        }
        peers
    }

    /// Keeps count of the auditoriums in which `client` is a plain member, after any change of membership, rank or
    /// mode.
    pub(crate) fn recount_auditoriums(&mut self, client: Slot) {
        let count = self
            .client(client)
            .channels
            .iter()
            .map(|at| self.channel(*at))
            .filter(|channel| channel.auditorium() && !channel.is_operator(client))
            .count();
        let before = self.client(client).auditoriums;
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        self.client_mut(client).auditoriums = count;
        if self.client(client).registered() {
            let invisible = usize::from(self.client(client).modes.has(UserModes::INVISIBLE));
            match (before > 0, count > 0) {
                (false, true) => {
                    self.counts.hidden += 1;
                    self.counts.hidden_invisible += invisible;
                }
                (true, false) => {
                    self.counts.hidden -= 1;
                    self.counts.hidden_invisible -= invisible;
                }
                _ => {}
            }
            self.count_seen();
        }
    }

    /// Notes a new highest number of users that anybody could count.
    pub(crate) fn count_seen(&mut self) {
        let seen = self.counts.users - self.counts.hidden;
        self.counts.max_seen = self.counts.max_seen.max(seen);
        self.counts.max_users = self.counts.max_users.max(self.counts.users);
    }

    /// Notes who sees whom over MONITOR, before a change that concerns `client`.
    pub(crate) fn sightings(&self, client: Slot) -> Sightings {
        let lists = self.client(client).lists.iter();
        let watched = lists
            .flat_map(|lists| lists.monitor.iter())
            .filter_map(|(_, nick)| self.user(nick))
            .map(|subject| (client, subject));
        self.who_is_hidden(self.watchers_of(client).chain(watched))
    }

    /// The same before a change that concerns all members of a channel.
    pub(crate) fn sightings_of_members(&self, channel: ChannelSlot) -> Sightings {
        let members = self.channel(channel).members().iter().map(|member| member.client);
        self.who_is_hidden(members.flat_map(|member| self.watchers_of(member)))
    }

    /// Those who watch `subject`, each with it.
    fn watchers_of(&self, subject: Slot) -> impl Iterator<Item = (Slot, Slot)> + '_ {
        let watchers = self.monitors.watchers(&self.client(subject).identity.nick());
        watchers.iter().map(move |watcher| (*watcher, subject))
    }

    fn who_is_hidden(&self, pairs: impl Iterator<Item = (Slot, Slot)>) -> Sightings {
        Sightings(pairs.map(|(watcher, subject)| (watcher, subject, self.hidden(watcher, subject))).collect())
    }

    /// Tells over MONITOR what a change has uncovered or covered.
    pub(crate) fn tell_sightings(&mut self, before: Sightings) {
        for (watcher, subject, was_hidden) in before.0 {
            let hidden = self.hidden(watcher, subject);
            if hidden == was_hidden {
                continue;
            }
            let identity = self.client(subject).identity.clone();
            if hidden {
                self.reply_text(watcher, crate::wire::numeric::RPL_MONOFFLINE, &[], identity.nick());
            } else {
                self.reply_text(watcher, crate::wire::numeric::RPL_MONONLINE, &[], identity.source());
            }
        }
    }
}
