//! One client's state. Small, for there may be many: what most never have is boxed.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use super::caps::Caps;
use super::flood::{Flood, Received};
use super::{ChannelSlot, ClientId, Slot};
use crate::commands::Listing;
use crate::wire::message::TagSet;
use crate::wire::name::Folded;

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP in the clear.
    Plain,
    /// TLS.
    Tls,
    /// WebSocket in the clear.
    WebSocket,
}

/// `nick!user@host` in one shared piece, and where its parts end.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    source: Bytes,
    nick_end: usize,
    user_end: usize,
}

impl Identity {
    /// Joins the parts. A missing nick or user is empty.
    pub(crate) fn new(nick: &[u8], user: &[u8], host: &[u8]) -> Self {
        let source = [nick, b"!", user, b"@", host].concat();
        Self { source: source.into(), nick_end: nick.len(), user_end: nick.len() + 1 + user.len() }
    }

    /// `nick!user@host`.
    pub(crate) fn source(&self) -> &Bytes {
        &self.source
    }

    /// The nick, sharing the same memory.
    pub(crate) fn nick(&self) -> Bytes {
        self.source.slice(..self.nick_end)
    }

    /// The user name with its `~`.
    pub(crate) fn user(&self) -> Bytes {
        self.source.slice(self.nick_end + 1..self.user_end)
    }

    /// The host that others see.
    pub(crate) fn host(&self) -> Bytes {
        self.source.slice(self.user_end + 1..)
    }

    /// The same with another nick.
    pub(crate) fn with_nick(&self, nick: &[u8]) -> Self {
        Self::new(nick, &self.user(), &self.host())
    }
}

/// User modes, as bits: the letter's place in [`UserModes::LETTERS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct UserModes(u32);

impl UserModes {
    /// Letters in the order in which they are shown. Those without a constant below choose notices that ircd-ratbox
    /// has and this server has not: they are kept and shown, and do nothing.
    pub(crate) const LETTERS: &[u8] = b"abcCdDfgiklnorsuwxyzZ";
    /// `D`: deaf to channel messages.
    pub(crate) const DEAF: Self = Self::of(b'D');
    /// `g`: caller-id.
    pub(crate) const CALLER_ID: Self = Self::of(b'g');
    /// `i`: hidden from WHO and NAMES of strangers.
    pub(crate) const INVISIBLE: Self = Self::of(b'i');
    /// `o`: IRC operator.
    pub(crate) const OPER: Self = Self::of(b'o');
    /// `s`: gets server notices.
    pub(crate) const SERVER_NOTICES: Self = Self::of(b's');
    /// `w`: gets WALLOPS.
    pub(crate) const WALLOPS: Self = Self::of(b'w');

    /// The mode of a letter; none of an unknown one.
    #[expect(clippy::indexing_slicing, reason = "bounded by the loop; no iterator may stand in a constant")]
    pub(crate) const fn of(letter: u8) -> Self {
        let mut at = 0;
        while at < Self::LETTERS.len() {
            if Self::LETTERS[at] == letter {
                return Self(1 << at);
            }
            at += 1;
        }
        Self(0)
    }

    /// Whether it is no mode at all.
    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The letters of those that are on.
    pub(crate) fn letters(self) -> impl Iterator<Item = u8> {
        Self::LETTERS.iter().copied().filter(move |letter| self.has(Self::of(*letter)))
    }

    /// Whether `mode` is on.
    pub(crate) const fn has(self, mode: Self) -> bool {
        self.0 & mode.0 != 0
    }

    /// Turns `mode` on or off.
    pub(crate) fn set(&mut self, mode: Self, on: bool) {
        if on {
            self.0 |= mode.0;
        } else {
            self.0 &= !mode.0;
        }
    }
}

/// What only a client before registration has.
#[derive(Debug, Default)]
pub(crate) struct Registration {
    /// The nick asked for, where it waits for a login (a reserved one).
    pub wanted_nick: Option<Bytes>,
    /// USER has been taken.
    pub user: Option<Vec<u8>>,
    /// PASS.
    pub password: Option<Vec<u8>>,
    /// CAP LS or REQ came, END has not.
    pub negotiating: bool,
    /// 451 was sent once.
    pub told: bool,
    /// Any command came: WEBIRC must be the first.
    pub began: bool,
    /// Our end of the connection, for 002.
    pub local: Option<SocketAddr>,
}

/// An account that a client is logged in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// Its name.
    pub name: Bytes,
    /// Free of flood and target limits.
    pub exempt: bool,
}

/// What few clients have.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// MONITOR, as asked and as compared.
    pub monitor: Vec<(Folded, Bytes)>,
    /// ACCEPT.
    pub accept: Vec<Slot>,
    /// Whose ACCEPT lists hold this client.
    pub accepted_by: Vec<Slot>,
    /// Invitations to `+i` channels.
    pub invites: Vec<ChannelSlot>,
    /// When somebody was last told of a message under `+g`.
    pub caller_told_ms: Option<u64>,
    /// The last KNOCK.
    pub knocked_ms: Option<u64>,
    /// SASL in progress.
    pub sasl: Option<Vec<u8>>,
    /// Failed SASL and OPER tries.
    pub failures: u8,
    /// Nick changes: how many since when.
    pub nick_changes: (u8, u64),
    /// A LIST that is not finished.
    pub listing: Option<Listing>,
    /// Messages to this client.
    pub received: Received,
    /// New private targets: whom lately, and the budget.
    pub targets: VecDeque<ClientId>,
    /// Budget of new targets in thousandths, and when it was counted.
    pub target_budget: Option<(u64, u64)>,
}

/// A connected client.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not a state")]
pub(crate) struct Client {
    /// Tells clients apart that used the same slot.
    pub serial: u64,
    /// Who it is on the wire.
    pub identity: Identity,
    /// The last parameter of USER.
    pub realname: Bytes,
    /// Where it really is.
    pub address: IpAddr,
    /// How.
    pub transport: Transport,
    /// Its host is a stand-in for its address.
    pub cloaked: bool,
    /// No connection limits.
    pub exempt_address: bool,
    /// Present until it is registered.
    pub registration: Option<Box<Registration>>,
    /// Who it has proved to be.
    pub login: Option<Arc<Login>>,
    /// Capabilities that are on.
    pub caps: Caps,
    /// Which forms of lines it gets; follows from `caps` and from what it may do.
    pub tags: TagSet,
    /// It said `CAP LS 302` or higher.
    pub cap_302: bool,
    /// User modes.
    pub modes: UserModes,
    /// AWAY's text.
    pub away: Option<Bytes>,
    /// Channels in the order of joining.
    pub channels: Vec<ChannelSlot>,
    /// In how many auditoriums it is a plain member.
    pub auditoriums: u16,
    /// Signed on, or connected, in Unix milliseconds.
    pub since_unix_ms: u64,
    /// Connected, on the monotonic clock.
    pub connected_ms: u64,
    /// The last sign of life.
    pub seen_ms: u64,
    /// The last PRIVMSG, for idle time.
    pub spoke_ms: u64,
    /// A PING is unanswered.
    pub pinged: bool,
    /// A password is being checked elsewhere; lines wait.
    pub verifying: bool,
    /// The earliest timer that is set for it.
    pub timer_ms: u64,
    /// Batches that it has had.
    pub batches: u32,
    /// Marks it as visited in a walk over shared channels.
    pub mark: u64,
    /// Its allowance of lines.
    pub flood: Flood,
    /// Lines that wait for the allowance or for a password check.
    pub waiting: VecDeque<Box<[u8]>>,
    /// Rarely used lists.
    pub lists: Option<Box<Lists>>,
    /// Output of this turn.
    pub pending: Vec<Bytes>,
}

impl Client {
    /// Whether it is a user, not only a connection.
    pub(crate) fn registered(&self) -> bool {
        self.registration.is_none()
    }

    /// Whether it is an IRC operator.
    pub(crate) fn oper(&self) -> bool {
        self.modes.has(UserModes::OPER)
    }

    /// The name that numerics address: `*` while there is none.
    pub(crate) fn addressee(&self) -> Bytes {
        let nick = self.identity.nick();
        if nick.is_empty() { Bytes::from_static(b"*") } else { nick }
    }

    /// Sets the capabilities and what follows from them.
    pub(crate) fn set_caps(&mut self, caps: Caps) {
        self.caps = caps;
        self.settle_tags();
    }

    /// To be called after a change of what it may do.
    pub(crate) fn settle_tags(&mut self) {
        self.tags = self.caps.tags(self.unlimited());
    }

    /// Whether it is told of connections, and may name one as receiver.
    pub(crate) fn knows_connections(&self) -> bool {
        self.tags.has(TagSet::CONNECTION)
    }

    /// The rarely used lists, made when first needed.
    pub(crate) fn lists_mut(&mut self) -> &mut Lists {
        self.lists.get_or_insert_with(Box::default)
    }

    /// The account, where it is a bot's (`exempt`): what is said to it in private is kept for it, whoever said it.
    pub(crate) fn bot(&self) -> Option<Bytes> {
        self.login.as_ref().filter(|login| login.exempt).map(|login| login.name.clone())
    }

    /// The account's name.
    pub(crate) fn account(&self) -> Option<Bytes> {
        self.login.as_ref().map(|login| login.name.clone())
    }

    /// Free of flood and target limits.
    pub(crate) fn unlimited(&self) -> bool {
        self.oper() || self.login.as_ref().is_some_and(|login| login.exempt)
    }
}
