//! How much one visitor and one address may do. Pure: time is an argument.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// A bucket of tokens that fills with time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    burst: u32,
    every: Duration,
    /// When all that was taken will have come back.
    full_at: Option<Instant>,
}

impl Bucket {
    /// `burst` at once, then one in `every`; a burst of 0: no limit.
    pub(super) fn new(burst: u32, every: Duration) -> Self {
        let every = if burst == 0 { Duration::ZERO } else { every };
        Self { burst, every, full_at: None }
    }

    /// Takes one, if there is one. A bucket of 0 is never empty: that limit is off.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.burst == 0 {
            return true;
        }
        let from = self.full_at.map_or(now, |at| at.max(now));
        let after = from + self.every;
        let fits = after <= now + self.every * self.burst;
        if fits {
            self.full_at = Some(after);
        }
        fits
    }

    /// When the next one can be taken.
    pub(super) fn ready_at(&self, now: Instant) -> Instant {
        let most_owed = self.every * self.burst.saturating_sub(1);
        self.full_at.and_then(|at| at.checked_sub(most_owed)).map_or(now, |at| at.max(now))
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }
}

/// What the gateway allows. A 0 switches that limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Visitors' connections in all.
    pub connections: usize,
    /// Of them from one address (IPv6: one /64).
    pub per_address: usize,
    /// New ones a minute from one address.
    pub connects_a_minute: u32,
    /// PRIVMSGs at once.
    pub lines_at_once: u32,
    /// After that one in this time.
    pub line_every: Duration,
}

impl Default for Limits {
    /// As `docs/protocol/visitor.md` says, and 10,000 visitors in all.
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_address: 8,
            connects_a_minute: 30,
            lines_at_once: 5,
            line_every: Duration::from_secs(1),
        }
    }
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Crowded {
    #[error("too many visitors at the moment, please try again later")]
    Everywhere,
    #[error("too many connections from your address")]
    Address,
    #[error("reconnecting too fast, please wait a minute")]
    TooFast,
}

/// Who is connected from where.
#[derive(Debug)]
pub(super) struct Census {
    limits: Limits,
    open: usize,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Debug)]
struct Address {
    open: usize,
    connects: Bucket,
}

/// Addresses remembered beyond those that are connected.
const MAX_ADDRESSES: usize = 65_536;

impl Census {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, open: 0, addresses: HashMap::new() }
    }

    /// Counts a new connection, or says why not. Each admitted one must leave.
    pub(super) fn enter(&mut self, address: IpAddr, now: Instant) -> Result<(), Crowded> {
        let Limits { connections, per_address, connects_a_minute, .. } = self.limits;
        if connections > 0 && self.open >= connections {
            return Err(Crowded::Everywhere);
        }
        if self.addresses.len() >= MAX_ADDRESSES {
            self.addresses.retain(|_, known| known.open > 0 || !known.connects.is_full(now));
        }
        if self.addresses.len() >= MAX_ADDRESSES {
            return Err(Crowded::Everywhere);
        }
        let every = Duration::from_secs(60) / connects_a_minute.max(1);
        let known = self
            .addresses
            .entry(network(address))
            .or_insert_with(|| Address { open: 0, connects: Bucket::new(connects_a_minute, every) });
        if per_address > 0 && known.open >= per_address {
            return Err(Crowded::Address);
        }
        if connects_a_minute > 0 && !known.connects.take(now) {
            return Err(Crowded::TooFast);
        }
        known.open += 1;
        self.open += 1;
        Ok(())
    }

    /// A connection is gone.
    pub(super) fn leave(&mut self, address: IpAddr) {
        self.open = self.open.saturating_sub(1);
        if let Some(known) = self.addresses.get_mut(&network(address)) {
            known.open = known.open.saturating_sub(1);
        }
    }

    /// Connections now.
    pub(super) fn open(&self) -> usize {
        self.open
    }
}

/// One address of IPv4, one /64 of IPv6: what one subscriber has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let prefix = six.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_then_its_pace() {
        let (mut bucket, now) = (Bucket::new(5, Duration::from_secs(1)), Instant::now());
        assert_eq!((0..9).filter(|_| bucket.take(now)).count(), 5);
        assert_eq!(bucket.ready_at(now), now + Duration::from_secs(1));
        assert!(!bucket.take(now + Duration::from_millis(900)));
        assert!(bucket.take(now + Duration::from_secs(1)));
        assert_eq!((0..9).filter(|_| bucket.take(now + Duration::from_secs(60))).count(), 5);
        let mut open = Bucket::new(0, Duration::from_secs(1));
        assert!((0..1000).all(|_| open.take(now)) && open.ready_at(now) == now);
    }

    #[test]
    fn an_address_is_a_slash_64() {
        let mut census = Census::new(Limits { per_address: 2, connects_a_minute: 0, ..Limits::default() });
        let now = Instant::now();
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(census.enter(at("2001:db8::1"), now), Ok(()));
        assert_eq!(census.enter(at("2001:db8::2:1"), now), Ok(()));
        assert_eq!(census.enter(at("2001:db8::3"), now), Err(Crowded::Address));
        assert_eq!(census.enter(at("2001:db8:0:1::3"), now), Ok(()));
        assert_eq!(census.enter(at("10.0.0.1"), now), Ok(()));
        assert_eq!(census.enter(at("::ffff:10.0.0.1"), now), Ok(()));
        assert_eq!(census.enter(at("10.0.0.1"), now), Err(Crowded::Address));
        census.leave(at("10.0.0.1"));
        assert_eq!(census.enter(at("10.0.0.1"), now), Ok(()));
    }

    #[test]
    fn too_many_and_too_fast() {
        let limits = Limits { connections: 3, per_address: 0, connects_a_minute: 2, ..Limits::default() };
        let (mut census, now) = (Census::new(limits), Instant::now());
        let at = |last: u8| IpAddr::from([10, 0, 0, last]);
        assert_eq!(census.enter(at(1), now), Ok(()));
        assert_eq!(census.enter(at(1), now), Ok(()));
        assert_eq!(census.enter(at(1), now), Err(Crowded::TooFast));
        assert_eq!(census.enter(at(2), now), Ok(()));
        assert_eq!(census.enter(at(3), now), Err(Crowded::Everywhere));
        census.leave(at(1));
        assert_eq!(census.enter(at(1), now + Duration::from_secs(31)), Ok(()));
        assert_eq!(census.open(), 3);
    }
}
