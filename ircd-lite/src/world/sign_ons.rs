//! Sign-on times as WHOIS tells them (317): whole seconds, and never the same twice for one user@host.
//!
//! A bot tells one holder of a nick from the next by user@host and sign-on time. Behind one address, with a client's
//! default user name, two people may well come in the same second; the later one is then said to have come a
//! second later than the earlier, so that the pair stays a name for one connection.

use std::collections::HashMap;

/// The newest sign-on of each user@host, as far as a new one could still meet it.
#[derive(Debug, Default)]
pub(crate) struct SignOns {
    newest: HashMap<Vec<u8>, u64>,
    swept_at: u64,
}

impl SignOns {
    /// The sign-on time of a new connection, in seconds since 1970: `now`, or the first second that is free.
    pub(crate) fn assign(&mut self, origin: Vec<u8>, now: u64) -> u64 {
        if self.swept_at != now {
            // What lies behind can't be met any more: the table holds one second's arrivals, or a burst's.
            self.newest.retain(|_, newest| *newest >= now);
            self.swept_at = now;
        }
        let newest = self.newest.entry(origin);
        *newest.and_modify(|newest| *newest = now.max(*newest + 1)).or_insert(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_connections_of_one_origin_share_a_second() {
        let mut sign_ons = SignOns::default();
        let mut at = |origin: &str, now| sign_ons.assign(origin.into(), now);
        assert_eq!([at("~v@here", 10), at("~v@here", 10), at("~v@here", 10)], [10, 11, 12]);
        assert_eq!(at("~w@here", 10), 10, "others don't count");
        assert_eq!([at("~v@here", 11), at("~v@here", 20)], [13, 20]);
        assert_eq!(at("~v@here", 19), 21, "a clock that was set back");
    }

    #[test]
    fn the_past_is_forgotten() {
        let mut sign_ons = SignOns::default();
        for second in 0..1000 {
            sign_ons.assign(second.to_string().into(), second);
        }
        assert_eq!(sign_ons.newest.len(), 1);
    }
}
