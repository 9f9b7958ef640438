//! Who used a nick before: a bounded ring, newest first.

use std::collections::VecDeque;
use std::net::IpAddr;

use bytes::Bytes;

use super::ClientId;
use super::client::Identity;
use crate::wire::name;

const ENTRIES: usize = 1000;

/// One past use of a nick.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    /// Whose connection it was, perhaps still is.
    pub client: ClientId,
    /// Who.
    pub identity: Identity,
    /// The real name.
    pub realname: Bytes,
    /// The address, for those who may see it.
    pub address: IpAddr,
    /// The host was a stand-in.
    pub cloaked: bool,
    /// Until when, in Unix milliseconds.
    pub unix_ms: u64,
    /// Auditoriums in which it was a plain member: only their operators may learn of it.
    pub auditoriums: Vec<Bytes>,
}

/// The ring.
#[derive(Debug, Default)]
pub(crate) struct Whowas(VecDeque<Past>);

impl Whowas {
    /// Keeps one more, dropping the oldest beyond the bound.
    pub(crate) fn push(&mut self, past: Past) {
        if self.0.len() >= ENTRIES {
            self.0.pop_back();
        }
        self.0.push_front(past);
    }

    /// The uses of `nick`, newest first.
    pub(crate) fn of<'a>(&'a self, nick: &'a [u8]) -> impl Iterator<Item = &'a Past> {
        self.0.iter().filter(move |past| name::same(&past.identity.nick(), nick))
    }
}
