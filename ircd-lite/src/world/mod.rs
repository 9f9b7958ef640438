//! All state of the server, with one owner: clients, nicks, channels, bans, history.
//!
//! No I/O, no clock, no randomness: connections, lines and the time come in, lines by connection and close orders go
//! out. Each entry point takes [`Now`]; output gathers until [`World::take_output`]. What a command means is in
//! `commands`; here is what commands share. Facts: ircd-ratbox 3 and the IRCv3 specifications.

pub(crate) mod addresses;
pub(crate) mod bans;
pub(crate) mod caps;
pub(crate) mod channel;
pub(crate) mod client;
pub(crate) mod clients;
pub(crate) mod conversations;
pub(crate) mod flood;
pub(crate) mod history;
mod lifecycle;
mod membership;
pub(crate) mod monitor;
pub(crate) mod output;
mod shuffled;
mod sign_ons;
mod visibility;
pub(crate) mod whowas;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use slab::Slab;

use crate::config::{Config, Password};
use crate::wire::connection::ConnectionName;
use crate::wire::name::Folded;
use caps::Caps;

pub use client::Transport;

/// A place in the table of clients. Held only while its client is in the table; a [`ClientId`] may outlive it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(pub usize);

/// A place in the table of channels, held only while the channel exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ChannelSlot(pub usize);

/// A connection for as long as the world knows it; an old one means nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId {
    pub(crate) slot: Slot,
    serial: u64,
}

impl ClientId {
    /// Its place, for tables beside the world's. Reused after the client is gone.
    pub fn index(self) -> usize {
        self.slot.0
    }

    /// Anybody's, for a test that has no world.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self { slot: Slot(0), serial: 0 }
    }
}

/// What time it is, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Milliseconds since 1970, for what people and logs see.
    pub unix_ms: u64,
    /// Milliseconds since some start, never going back, for durations.
    pub mono_ms: u64,
}

/// A connection that came in.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The other end.
    pub address: IpAddr,
    /// Our end, as 002 shows it.
    pub local: SocketAddr,
    /// How it is connected.
    pub transport: Transport,
}

/// Why a connection ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The other side closed.
    Eof,
    /// Reading or writing failed.
    Error(std::io::ErrorKind),
    /// It reads too slowly: its send queue is full.
    SendQ,
    /// Its WebSocket messages broke the protocol.
    Protocol,
}

/// What one connection is owed.
#[derive(Debug)]
pub struct Output {
    /// Whose.
    pub client: ClientId,
    /// Lines with CR LF, in order.
    pub lines: Vec<Bytes>,
    /// Close it once they are written; the world has forgotten it.
    pub close: bool,
}

/// Work that the world asks of its surroundings.
#[derive(Debug)]
pub enum Effect {
    /// Check a password, which takes time, and report by [`World::verified`].
    Verify {
        /// For whom.
        client: ClientId,
        /// The configured one; `None`: there is none, take the same time and say no.
        password: Option<Password>,
        /// The given one.
        given: Vec<u8>,
    },
    /// Report by [`World::drained`] when most of what a connection was handed is on its way.
    TellDrained {
        /// Whose.
        client: ClientId,
    },
    /// An operator asked for a reload of the configuration.
    Reload,
    /// The bans have changed; this is the whole list, to be kept.
    KeepBans(String),
}

/// What a password check was for.
#[derive(Debug, Clone)]
pub(crate) enum Verifying {
    /// SASL PLAIN for this account.
    Sasl(Arc<client::Login>),
    /// OPER.
    Oper,
    /// WEBIRC naming this address.
    WebIrc {
        /// The user's address.
        address: IpAddr,
        /// Option `secure` over a secure gateway link.
        secure: bool,
    },
}

/// What LUSERS counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Registered clients.
    pub users: usize,
    /// Those of them with `+i`.
    pub invisible: usize,
    /// IRC operators.
    pub opers: usize,
    /// Plain members of an auditorium, whom others don't count.
    pub hidden: usize,
    /// Those of them with `+i`.
    pub hidden_invisible: usize,
    /// The most users at once.
    pub max_users: usize,
    /// The most users that anybody could count at once.
    pub max_seen: usize,
    /// The most connections at once.
    pub max_connections: usize,
    /// Connections ever.
    pub total_connections: u64,
}

/// The server.
#[derive(Debug)]
pub struct World {
    pub(crate) config: Arc<Config>,
    pub(crate) name: Bytes,
    pub(crate) now: Now,
    pub(crate) started: Now,
    pub(crate) clients: clients::Clients,
    pub(crate) channels: Slab<channel::Channel>,
    pub(crate) nicks: HashMap<Folded, Slot>,
    pub(crate) channel_names: HashMap<Folded, ChannelSlot>,
    pub(crate) monitors: monitor::Monitors,
    pub(crate) whowas: whowas::Whowas,
    /// What was said in private to the accounts of bots (`exempt`), by account.
    pub(crate) inboxes: HashMap<Bytes, history::History>,
    pub(crate) addresses: addresses::Addresses,
    pub(crate) bans: bans::Bans,
    pub(crate) sign_ons: sign_ons::SignOns,
    pub(crate) conversations: conversations::Conversations,
    pub(crate) counts: Counts,
    pub(crate) verifying: HashMap<Slot, Verifying>,
    /// When each kind of costly query was last answered.
    pub(crate) costly_ms: [Option<u64>; 3],
    /// IRC operators who are signed on.
    pub(crate) opers: Vec<Slot>,
    effects: Vec<Effect>,
    timers: BinaryHeap<Reverse<(u64, Slot, u64)>>,
    next_purge_ms: u64,
    next_serial: u64,
    msgids: shuffled::Shuffled,
    /// Batches that the client whose line is being run has had: it counts its own only.
    batches: u32,
    msgid_prefix: String,
    /// Tells this run of the server from every other.
    run: u64,
    cloak_key: [u8; 16],
}

impl World {
    /// A server without connections. `seed` must differ from process to process: message ids and cloaked hosts
    /// follow from it.
    pub fn new(config: Config, seed: [u8; 16], now: Now) -> Self {
        let run = number_of(b"run", seed);
        let mut world = Self {
            name: Bytes::from(config.server.name.clone()),
            config: Arc::new(Config::default()),
            now,
            started: now,
            clients: clients::Clients::default(),
            channels: Slab::new(),
            nicks: HashMap::new(),
            channel_names: HashMap::new(),
            monitors: monitor::Monitors::default(),
            whowas: whowas::Whowas::default(),
            inboxes: HashMap::new(),
            addresses: addresses::Addresses::default(),
            bans: bans::Bans::default(),
            sign_ons: sign_ons::SignOns::default(),
            conversations: conversations::Conversations::default(),
            counts: Counts::default(),
            verifying: HashMap::new(),
            costly_ms: [None; 3],
            opers: Vec::new(),
            effects: Vec::new(),
            timers: BinaryHeap::new(),
            next_purge_ms: now.mono_ms + addresses::WINDOW_MS,
            next_serial: 0,
            msgids: shuffled::Shuffled::new(number_of(b"msgid", seed)),
            batches: 0,
            msgid_prefix: format!("{:x}{:012x}", now.unix_ms, run >> 16),
            run,
            cloak_key: seed,
        };
        world.adopt(config);
        world
    }

    /// Takes a new configuration. Connections stay; limits hold from now on; permanent channels appear, or become
    /// ordinary ones. Listeners are not the world's.
    pub fn reload(&mut self, config: Config, now: Now) {
        self.now = now;
        self.adopt(config);
    }

    /// Lines and close orders since the last call.
    pub fn take_output(&mut self) -> Vec<Output> {
        self.clients.take_output()
    }

    /// Work for the surroundings since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When [`World::tick`] should be called next, on the monotonic clock.
    pub fn next_tick_ms(&self) -> u64 {
        self.timers.peek().map_or(self.next_purge_ms, |Reverse((at, ..))| self.next_purge_ms.min(*at))
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The next message id: unique for ever, without spaces, and silent on how many there were before.
    pub(crate) fn msgid(&mut self) -> Bytes {
        // By hand, for each message has one: the formatting machinery would take as long as the rest of its line.
        let number = self.msgids.next();
        let mut id = Vec::with_capacity(self.msgid_prefix.len() + 17);
        id.extend_from_slice(self.msgid_prefix.as_bytes());
        id.push(b'-');
        id.extend((0..16).rev().map(|place| hex_digit(number >> (4 * place))));
        Bytes::from(id)
    }

    /// What the connection of a known slot is called towards those who may know.
    pub(crate) fn connection_name(&self, slot: Slot) -> ConnectionName {
        ConnectionName { run: self.run, serial: self.client(slot).serial }
    }

    /// The next batch reference of the client whose line is being run.
    pub(crate) fn batch_id(&mut self) -> String {
        self.batches = self.batches.wrapping_add(1);
        format!("b{:x}", self.batches)
    }

    /// The client of a known slot.
    pub(crate) fn client(&self, slot: Slot) -> &client::Client {
        self.clients.get(slot)
    }

    /// The client of a known slot, to change.
    pub(crate) fn client_mut(&mut self, slot: Slot) -> &mut client::Client {
        self.clients.get_mut(slot)
    }

    /// The channel of a known slot.
    #[expect(clippy::indexing_slicing, reason = "a slot is dropped with what it names")]
    pub(crate) fn channel(&self, slot: ChannelSlot) -> &channel::Channel {
        // A slot is dropped from every table in the step that removes its channel (see `membership.rs`).
        &self.channels[slot.0]
    }

    /// The channel of a known slot, to change.
    #[expect(clippy::indexing_slicing, reason = "a slot is dropped with what it names")]
    pub(crate) fn channel_mut(&mut self, slot: ChannelSlot) -> &mut channel::Channel {
        // As above.
        &mut self.channels[slot.0]
    }

    /// The registered user with this nick.
    pub(crate) fn user(&self, nick: &[u8]) -> Option<Slot> {
        let slot = *Folded::find(&self.nicks, nick)?;
        self.client(slot).registered().then_some(slot)
    }

    /// The channel with this name.
    pub(crate) fn find_channel(&self, name: &[u8]) -> Option<ChannelSlot> {
        Folded::find(&self.channel_names, name).copied()
    }

    fn adopt(&mut self, config: Config) {
        let (before, after) = (Caps::offered(&self.config), Caps::offered(&config));
        self.config = Arc::new(config);
        self.announce_caps(before, after);
        let accounts = &self.config.accounts;
        self.conversations
            .retain(|name| accounts.iter().any(|account| account.name.as_bytes().eq_ignore_ascii_case(name)));
        for channel in self.channels.iter_mut().map(|(_, channel)| channel) {
            channel.permanent = None;
        }
        let config = self.config.clone();
        let has_inbox = |name: &Bytes| {
            config.accounts.iter().any(|account| account.exempt && account.name.as_bytes() == *name)
        };
        self.inboxes.retain(|name, _| has_inbox(name));
        for wanted in &config.channels {
            self.make_permanent(wanted);
        }
        let abandoned: Vec<ChannelSlot> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.permanent.is_none() && channel.members().is_empty())
            .map(|(at, _)| ChannelSlot(at))
            .collect();
        for slot in abandoned {
            self.forget_channel(slot);
        }
    }
}

/// A number for one use in this run, which tells nothing of those for other uses, nor of the cloaks' key.
fn number_of(use_of_it: &[u8], seed: [u8; 16]) -> u64 {
    let digest = Sha256::new().chain_update(use_of_it).chain_update(seed).finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [hex_digit(u64::from(byte >> 4)), hex_digit(u64::from(*byte))])
        .map(char::from)
        .collect()
}

/// The hexadecimal digit of the lower four bits.
fn hex_digit(value: u64) -> u8 {
    let at = usize::try_from(value & 15).unwrap_or(0);
    b"0123456789abcdef".get(at).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests;
