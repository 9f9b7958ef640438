//! Masks `nick!user@host` with `*` and `?`, CIDR hosts, and the completion of what people type.

use std::net::IpAddr;

use super::name::{self, fold};
use crate::network::Network;

/// Whether `text` matches `pattern` under `rfc1459`. Linear in practice, at worst the product of the lengths, and
/// both are short; no recursion.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                retry = Some((p, t));
                p += 1;
            }
            (Some(b'?'), Some(_)) => {
                p += 1;
                t += 1;
            }
            (Some(a), Some(b)) if fold(*a) == fold(*b) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// Whether everything that `narrow` matches is matched by `wide` too, as far as text alone tells.
pub(crate) fn covers(wide: &[u8], narrow: &[u8]) -> bool {
    // A `?` of the narrow mask stands for any byte, so only `?` and `*` of the wide one may meet it; taking the mask
    // itself as text gives that, except for `*`, which only `*` may meet.
    let stands_for_many = |byte: &u8| *byte == b'*';
    if narrow.iter().any(stands_for_many) && !wide.iter().any(stands_for_many) {
        return wide == narrow;
    }
    matches(wide, narrow)
}

/// The longest host in a mask, in bytes.
const HOST: usize = 63;

/// Completes a mask as ircd-ratbox does: `x` is a nick, or a host where it holds `.` or `:`. `longest_nick` is the limit
/// of the server.
pub(crate) fn complete(mask: &[u8], longest_nick: usize) -> Vec<u8> {
    let mut mask = mask.to_vec();
    mask.dedup_by(|a, b| *a == b'*' && *b == b'*');
    let (front, host) = match mask.iter().position(|byte| *byte == b'@') {
        Some(at) => (mask.get(..at).unwrap_or_default(), mask.get(at + 1..)),
        None => (mask.as_slice(), None),
    };
    let bang = front.iter().position(|byte| *byte == b'!');
    // As long as each part of a name can be; what is more could match nothing.
    let part = |bytes: Option<&[u8]>, most: usize| match bytes {
        None | Some([]) => b"*".to_vec(),
        Some(bytes) => bytes.get(..most).unwrap_or(bytes).to_vec(),
    };
    let (nick, user, host) = match (bang, host) {
        (Some(bang), host) => (front.get(..bang), front.get(bang + 1..), host),
        (None, Some(host)) => (None, Some(front), Some(host)),
        (None, None) if front.iter().any(|byte| b".:".contains(byte)) => (None, None, Some(front)),
        (None, None) => (Some(front), None, None),
    };
    let (nick, user, host) = (part(nick, longest_nick), part(user, name::USER), part(host, HOST));
    let mut whole = [&nick, &b"!"[..], &user, b"@", &host].concat();
    whole.dedup_by(|a, b| *a == b'*' && *b == b'*');
    whole
}

/// Who a mask is held against: the line's source, and the address behind a host that may be cloaked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// `nick!user@host`.
    pub source: &'a [u8],
    /// The address, where masks on it may count.
    pub address: IpAddr,
}

/// Whether a mask `n!u@h` (or `u@h`, as operators and K-lines use) matches by host, by address, or by network.
pub(crate) fn applies(mask: &[u8], subject: Subject<'_>) -> bool {
    let with_nick = mask.contains(&b'!');
    let start = if with_nick {
        0
    } else {
        subject.source.iter().position(|byte| *byte == b'!').map_or(0, |at| at + 1)
    };
    let source = subject.source.get(start..).unwrap_or_default();
    if matches(mask, source) {
        return true;
    }
    let (Some(mask_at), Some(source_at)) =
        (mask.iter().rposition(|byte| *byte == b'@'), source.iter().rposition(|byte| *byte == b'@'))
    else {
        return false;
    };
    let (mask_front, mask_host) = mask.split_at(mask_at);
    let front = source.get(..source_at).unwrap_or_default();
    let mask_host = mask_host.get(1..).unwrap_or_default();
    if !matches(mask_front, front) {
        return false;
    }
    if mask_host.contains(&b'/') {
        return std::str::from_utf8(mask_host)
            .ok()
            .and_then(|text| text.parse::<Network>().ok())
            .is_some_and(|network| network.contains(subject.address));
    }
    matches(mask_host, subject.address.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("?b*", "ab", true),
            ("*!*@*.example", "n!u@host.example", true),
            ("A[*", "a{x", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn completion() {
        for (typed, whole) in [
            ("bob", "bob!*@*"),
            ("a.host.example", "*!*@a.host.example"),
            ("user@host", "*!user@host"),
            ("nick!user", "nick!user@*"),
            ("**!***@x", "*!*@x"),
            ("::1", "*!*@::1"),
            ("@", "*!*@*"),
        ] {
            assert_eq!(String::from_utf8(complete(typed.as_bytes(), 30)).unwrap(), whole);
        }
    }

    #[test]
    fn parts_are_cut_as_names_are() {
        let long = "n".repeat(63);
        assert_eq!(complete(long.as_bytes(), 63), format!("{long}!*@*").as_bytes());
        assert_eq!(complete(long.as_bytes(), 30), format!("{}!*@*", "n".repeat(30)).as_bytes());
        assert_eq!(complete(b"*!~averylonguser@*", 30), b"*!~averylong@*");
    }

    #[test]
    fn coverage() {
        assert!(covers(b"*!*@host.example", b"*!user@host.example"));
        assert!(!covers(b"*!user@host.example", b"*!*@host.example"));
        assert!(covers(b"bob!*@*", b"bob!*@*"));
    }

    #[test]
    fn hosts_addresses_and_networks() {
        let subject = Subject { source: b"n!~u@cloak-1", address: "10.1.2.3".parse().unwrap() };
        for mask in ["*!*@10.1.2.3", "*!*@10.0.0.0/8", "n!*@cloak-*", "*@10.1.*", "~u@10.1.2.3"] {
            assert!(applies(mask.as_bytes(), subject), "{mask}");
        }
        for mask in ["*!*@10.2.0.0/16", "x!*@*", "x@10.1.2.3", "*!*@not/an/address"] {
            assert!(!applies(mask.as_bytes(), subject), "{mask}");
        }
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_the_star(text in "[a-z*?@!.]{0,40}") {
            prop_assert!(matches(b"*", text.as_bytes()));
            let literal: String = text.replace(['*', '?'], "x");
            prop_assert!(matches(literal.as_bytes(), literal.as_bytes()));
        }

        #[test]
        fn completed_masks_stay_as_they_are(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let once = complete(&text, 30);
            prop_assert_eq!(complete(&once, 30), once);
        }
    }
}
