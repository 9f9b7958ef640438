//! Connections counted by address: at once, and in a minute. An IPv6 address counts by its /64.

use std::collections::HashMap;
use std::net::IpAddr;

/// The length of the throttle's window.
pub(crate) const WINDOW_MS: u64 = 60_000;

#[derive(Debug, Default)]
struct Count {
    open: usize,
    recent: usize,
    since_ms: u64,
}

/// What is known of addresses. An entry goes when nothing is open and its window is over.
#[derive(Debug, Default)]
pub(crate) struct Addresses(HashMap<IpAddr, Count>);

/// Why an address may not connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// At once.
    Open,
    /// In a minute.
    Recent,
}

impl Addresses {
    /// Counts a connection, unless a limit (0: none) forbids it.
    pub(crate) fn open(
        &mut self,
        address: IpAddr,
        now_ms: u64,
        open: usize,
        recent: usize,
    ) -> Result<(), TooMany> {
        let count = self.0.entry(key(address)).or_default();
        if now_ms.saturating_sub(count.since_ms) >= WINDOW_MS || count.recent == 0 {
            count.since_ms = now_ms;
            count.recent = 0;
        }
        if recent > 0 && count.recent >= recent {
            return Err(TooMany::Recent);
        }
        count.recent += 1;
        if open > 0 && count.open >= open {
            return Err(TooMany::Open);
        }
        count.open += 1;
        Ok(())
    }

    /// A counted connection ended.
    pub(crate) fn close(&mut self, address: IpAddr) {
        if let Some(count) = self.0.get_mut(&key(address)) {
            count.open = count.open.saturating_sub(1);
        }
    }

    /// Drops what no longer matters.
    pub(crate) fn purge(&mut self, now_ms: u64) {
        self.0.retain(|_, count| count.open > 0 || now_ms.saturating_sub(count.since_ms) < WINDOW_MS);
    }
}

fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => IpAddr::from((address.to_bits() >> 64 << 64).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_pass_in_a_minute_and_the_sixth_does_not() {
        let mut addresses = Addresses::default();
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        for _ in 0..5 {
            addresses.open(address, 1000, 10, 5).unwrap();
        }
        assert_eq!(addresses.open(address, 60_999, 10, 5), Err(TooMany::Recent));
        assert_eq!(addresses.open(address, 61_000, 5, 5), Err(TooMany::Open));
        addresses.close(address);
        assert_eq!(addresses.open(address, 61_000, 5, 5), Ok(()));
        assert_eq!(addresses.open("10.0.0.2".parse().unwrap(), 61_000, 5, 5), Ok(()));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_nothing_is_kept_for_ever() {
        let mut addresses = Addresses::default();
        addresses.open("2001:db8::1".parse().unwrap(), 0, 1, 0).unwrap();
        assert_eq!(addresses.open("2001:db8::2".parse().unwrap(), 0, 1, 0), Err(TooMany::Open));
        addresses.close("2001:db8::2".parse().unwrap());
        addresses.purge(WINDOW_MS);
        assert!(addresses.0.is_empty());
    }
}
