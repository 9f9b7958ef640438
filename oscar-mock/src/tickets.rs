//! The cookies that carry a client from one connection to the next: 256 bytes, good once, for a minute.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use oscar_im::foodgroup::FoodGroup;

use crate::entropy::Entropy;
use crate::realm::{AccountId, ConnectionId, SessionId, Sharing};

/// Bytes of a cookie on the wire, as open-oscar-server's have: the secret, then zeros.
const COOKIE_BYTES: usize = 256;
/// How long a client may take to connect.
const LIFETIME: Duration = Duration::from_secs(60);
/// Cookies that may wait to be used; the oldest is forgotten for one more.
const MAX_WAITING: usize = 65_536;

type Secret = [u8; 32];

/// What a cookie lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ticket {
    /// A new session.
    Bos {
        /// Whose.
        account: AccountId,
        /// Whether it shares the account with others.
        sharing: Sharing,
        /// Whether the client sent TLV 4A at all.
        knows_multi: bool,
    },
    /// The next connection of a session that moves (01/12).
    Move {
        /// The connection that it leaves.
        from: ConnectionId,
    },
    /// A service connection of a session.
    Service {
        /// The session.
        session: SessionId,
        /// Which service.
        group: FoodGroup,
        /// For a chat connection the room's cookie.
        room: Option<String>,
    },
}

/// Cookies that have been given out and not been used.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    waiting: HashMap<Secret, Ticket>,
    order: VecDeque<(Instant, Secret)>,
}

impl Tickets {
    /// A cookie for `ticket`.
    pub(crate) fn issue(&mut self, ticket: Ticket, entropy: &mut Entropy, now: Instant) -> Vec<u8> {
        self.expire(now);
        if self.order.len() >= MAX_WAITING
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.waiting.remove(&oldest);
        }
        let secret: Secret = entropy.array();
        self.waiting.insert(secret, ticket);
        self.order.push_back((now + LIFETIME, secret));
        let mut cookie = secret.to_vec();
        cookie.resize(COOKIE_BYTES, 0);
        cookie
    }

    /// What a cookie stands for; it stands for nothing from here on.
    pub(crate) fn redeem(&mut self, cookie: &[u8], now: Instant) -> Option<Ticket> {
        self.expire(now);
        let (secret, padding) = cookie.split_first_chunk::<32>()?;
        let whole = cookie.len() == COOKIE_BYTES && padding.iter().all(|byte| *byte == 0);
        if whole { self.waiting.remove(secret) } else { None }
    }

    fn expire(&mut self, now: Instant) {
        while let Some((until, secret)) = self.order.front()
            && *until <= now
        {
            self.waiting.remove(secret);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_good_once_and_for_a_minute() {
        let now = crate::clock::Clock::manual().now().instant;
        let mut tickets = Tickets::default();
        let mut entropy = Entropy::counting();
        let mut issue = |tickets: &mut Tickets| {
            let ticket =
                Ticket::Service { session: SessionId::default(), group: FoodGroup::ChatNav, room: None };
            tickets.issue(ticket, &mut entropy, now)
        };
        let cookie = issue(&mut tickets);
        assert_eq!(cookie.len(), 256);
        assert!(tickets.redeem(&cookie[..255], now).is_none());
        assert!(tickets.redeem(&cookie, now).is_some());
        assert!(tickets.redeem(&cookie, now).is_none());
        let cookie = issue(&mut tickets);
        assert!(tickets.redeem(&cookie, now + LIFETIME).is_none());
        assert!(tickets.waiting.is_empty() && tickets.order.is_empty());
    }
}
