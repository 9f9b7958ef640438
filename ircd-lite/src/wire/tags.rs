//! Message tags: which of a client's are relayed, and the escapes of values.

/// Splits a tag section into keys and raw (still escaped) values; empty keys are left out.
pub(crate) fn split(section: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    section.split(|byte| *byte == b';').filter(|tag| !tag.is_empty()).map(|tag| {
        match tag.iter().position(|byte| *byte == b'=') {
            Some(at) => (tag.get(..at).unwrap_or_default(), tag.get(at + 1..).unwrap_or_default()),
            None => (tag, &[][..]),
        }
    })
}

/// The value of `key`, unescaped; the last of several counts. Empty and missing are the same.
pub(crate) fn value(section: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let raw = split(section).filter(|(name, _)| *name == key).last()?.1;
    Some(unescape(raw)).filter(|value| !value.is_empty())
}

/// The client-only tags (`+…`) of a section, in order, each key once with its last value, ready to be relayed. Keys
/// that are no valid tag names are dropped; values are escaped anew, so nothing odd travels on.
pub(crate) fn relayed(section: &[u8]) -> Vec<u8> {
    let tags: Vec<_> = split(section).filter(|(key, _)| is_client_key(key)).collect();
    let mut out = Vec::new();
    for (at, (key, raw)) in tags.iter().enumerate() {
        let repeated_later = tags.iter().skip(at + 1).any(|(later, _)| later == key);
        if repeated_later {
            continue;
        }
        if !out.is_empty() {
            out.push(b';');
        }
        out.extend_from_slice(key);
        let value = unescape(raw);
        if !value.is_empty() {
            out.push(b'=');
            escape(&value, &mut out);
        }
    }
    out
}

/// `+[vendor/]name`.
fn is_client_key(key: &[u8]) -> bool {
    let Some(name) = key.strip_prefix(b"+") else { return false };
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-./".contains(byte);
    !name.is_empty() && name.iter().all(valid) && name.split(|byte| *byte == b'/').count() <= 2
}

/// Appends `value` with the escapes of the specification.
pub(crate) fn escape(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        match byte {
            b';' => out.extend_from_slice(b"\\:"),
            b' ' => out.extend_from_slice(b"\\s"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0 => {}
            other => out.push(*other),
        }
    }
}

fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        match bytes.next() {
            Some(b':') => out.push(b';'),
            Some(b's') => out.push(b' '),
            Some(b'r') => out.push(b'\r'),
            Some(b'n') => out.push(b'\n'),
            Some(other) => out.push(*other),
            None => {}
        }
    }
    out
}

/// `line` with `tag` (already escaped, such as `label=1`) before its other tags.
pub(crate) fn prepend(line: &[u8], tag: &[u8]) -> bytes::Bytes {
    let mut out = Vec::with_capacity(line.len() + tag.len() + 2);
    out.push(b'@');
    out.extend_from_slice(tag);
    let (separator, rest) = line.strip_prefix(b"@").map_or((b' ', line), |rest| (b';', rest));
    out.push(separator);
    out.extend_from_slice(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_client_tags_are_relayed_each_once() {
        assert_eq!(relayed(b"time=1;+a=1;b;+c;+a=2;+;+bad key"), b"+c;+a=2");
        assert_eq!(relayed(b"+bridgebot/id=x1;+a/b/c=2;+draft/reply=m"), b"+bridgebot/id=x1;+draft/reply=m");
    }

    #[test]
    fn odd_escapes_are_made_regular() {
        assert_eq!(relayed(b"+a=x\\by\\"), b"+a=xby");
        assert_eq!(value(b"label=a\\sb\\:", b"label").unwrap(), b"a b;");
        assert_eq!(value(b"label=;label", b"label"), None);
    }

    #[test]
    fn prepending() {
        assert_eq!(prepend(b"PING\r\n", b"label=1"), "@label=1 PING\r\n");
        assert_eq!(prepend(b"@time=2 PING\r\n", b"label=1"), "@label=1;time=2 PING\r\n");
    }

    proptest! {
        #[test]
        fn escaping_is_undone_and_holds_nothing_that_ends_a_tag(value in proptest::collection::vec(1u8.., 0..50)) {
            let mut out = Vec::new();
            escape(&value, &mut out);
            prop_assert!(!out.iter().any(|byte| matches!(byte, b' ' | b';' | b'\r' | b'\n')));
            prop_assert_eq!(unescape(&out), value);
        }

        #[test]
        fn what_is_relayed_is_never_longer_than_what_came(section in proptest::collection::vec(any::<u8>(), 0..300)) {
            let out = relayed(&section);
            prop_assert!(out.len() <= section.len() * 2);
            prop_assert_eq!(relayed(&out), out);
        }
    }
}
