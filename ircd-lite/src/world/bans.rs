//! K-lines (`user@host`) and D-lines (addresses): who may not be here.

use std::net::IpAddr;

use crate::network::Network;
use crate::wire::mask::{self, Subject};

/// The most bans of each kind.
const MOST: usize = 10_000;

/// One ban.
#[derive(Debug, Clone)]
pub(crate) struct Ban<T> {
    /// What it matches.
    pub what: T,
    /// Told to those who are refused.
    pub reason: String,
    /// Until when, in Unix milliseconds; `None`: for good.
    pub until_ms: Option<u64>,
}

impl<T> Ban<T> {
    fn holds(&self, unix_ms: u64) -> bool {
        self.until_ms.is_none_or(|until| unix_ms < until)
    }
}

/// All bans.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    klines: Vec<Ban<String>>,
    dlines: Vec<Ban<Network>>,
    /// The D-lines as they were written.
    dline_texts: Vec<String>,
}

impl Bans {
    /// Adds or replaces a K-line; `false` when there are too many.
    pub(crate) fn kline(&mut self, ban: Ban<String>, unix_ms: u64) -> bool {
        self.klines.retain(|old| old.holds(unix_ms) && old.what != ban.what);
        if self.klines.len() >= MOST {
            return false;
        }
        self.klines.push(ban);
        true
    }

    /// Removes a K-line; `false` when there is none.
    pub(crate) fn unkline(&mut self, mask: &str) -> bool {
        let before = self.klines.len();
        self.klines.retain(|ban| !ban.what.eq_ignore_ascii_case(mask));
        before != self.klines.len()
    }

    /// Adds or replaces a D-line; `false` when there are too many.
    pub(crate) fn dline(&mut self, text: &str, ban: Ban<Network>) -> bool {
        self.undline(text);
        if self.dlines.len() >= MOST {
            return false;
        }
        self.dlines.push(ban);
        self.dline_texts.push(text.to_owned());
        true
    }

    /// Removes a D-line; `false` when there is none.
    pub(crate) fn undline(&mut self, text: &str) -> bool {
        let Some(at) = self.dline_texts.iter().position(|known| known.eq_ignore_ascii_case(text)) else {
            return false;
        };
        self.dlines.remove(at);
        self.dline_texts.remove(at);
        true
    }

    /// The reason of the K-line that matches.
    pub(crate) fn klined(&self, subject: Subject<'_>, unix_ms: u64) -> Option<&str> {
        let ban = self
            .klines
            .iter()
            .find(|ban| ban.holds(unix_ms) && mask::applies(ban.what.as_bytes(), subject))?;
        Some(&ban.reason)
    }

    /// The reason of the D-line that matches.
    pub(crate) fn dlined(&self, address: IpAddr, unix_ms: u64) -> Option<&str> {
        let ban = self.dlines.iter().find(|ban| ban.holds(unix_ms) && ban.what.contains(address))?;
        Some(&ban.reason)
    }

    /// The K-lines for STATS k.
    pub(crate) fn klines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.klines.iter().map(|ban| (ban.what.as_str(), ban.reason.as_str()))
    }

    /// One ban a line: `K until-ms mask reason`, for keeping.
    pub(crate) fn to_text(&self, unix_ms: u64) -> String {
        let until = |until: Option<u64>| until.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let klines = self
            .klines
            .iter()
            .filter(|ban| ban.holds(unix_ms))
            .map(|ban| ("K", ban.until_ms, &ban.what, &ban.reason));
        let dlines = self
            .dlines
            .iter()
            .zip(&self.dline_texts)
            .filter(|(ban, _)| ban.holds(unix_ms))
            .map(|(ban, text)| ("D", ban.until_ms, text, &ban.reason));
        let line = |(kind, at, what, reason): (&str, Option<u64>, &String, &String)| {
            [kind, " ", &until(at), " ", what, " ", &reason.replace(['\n', '\r'], " "), "\n"].concat()
        };
        klines.chain(dlines).map(line).collect()
    }

    /// Reads what [`Bans::to_text`] wrote; lines that make no sense are skipped.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut bans = Self::default();
        for line in text.lines() {
            let mut parts = line.splitn(4, ' ');
            let (Some(kind), Some(until), Some(what)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let reason = parts.next().unwrap_or_default().to_owned();
            let until_ms = until.parse().ok();
            match (kind, what.parse::<Network>()) {
                ("K", _) => {
                    bans.kline(Ban { what: what.to_owned(), reason, until_ms }, 0);
                }
                ("D", Ok(network)) => {
                    bans.dline(what, Ban { what: network, reason, until_ms });
                }
                _ => {}
            }
        }
        bans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_end_and_survive_being_written_down() {
        let mut bans = Bans::default();
        bans.kline(Ban { what: "*@10.0.0.0/8".into(), reason: "no spam".into(), until_ms: Some(1000) }, 0);
        bans.dline("10.9.9.9", Ban { what: "10.9.9.9".parse().unwrap(), reason: "x".into(), until_ms: None });
        let bans = Bans::from_text(&bans.to_text(0));
        let subject = Subject { source: b"n!u@h", address: "10.1.1.1".parse().unwrap() };
        assert_eq!((bans.klined(subject, 999), bans.klined(subject, 1000)), (Some("no spam"), None));
        assert_eq!(bans.dlined("10.9.9.9".parse().unwrap(), 5000), Some("x"));
        assert_eq!(bans.to_text(2000), "D - 10.9.9.9 x\n");
    }
}
