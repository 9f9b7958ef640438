//! Lines from the server: a source, a command, parameters; cut at 510 bytes, ended with CR LF.

use bytes::Bytes;

use super::{BODY_LIMIT, text};

/// A line under construction. CR, LF and NUL never pass: whatever a caller hands over, one line comes out.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// `:source command`.
    pub(crate) fn new(source: &[u8], command: &str) -> Self {
        let mut bytes = Vec::with_capacity(source.len() + command.len() + 96);
        bytes.push(b':');
        bytes.extend_from_slice(source);
        bytes.push(b' ');
        bytes.extend_from_slice(command.as_bytes());
        Self(bytes)
    }

    /// `command` without a source, as PING, ERROR and AUTHENTICATE are sent.
    pub(crate) fn bare(command: &str) -> Self {
        Self(command.as_bytes().to_vec())
    }

    /// A parameter in the middle. It can't hold a space, begin with `:` or be empty: it is cut at the space, loses
    /// the colons, and where nothing is left becomes `*`.
    pub(crate) fn word(mut self, word: impl AsRef<[u8]>) -> Self {
        let word = word.as_ref().split(|byte| *byte == b' ').next().unwrap_or_default();
        let start = word.iter().position(|byte| *byte != b':').unwrap_or(word.len());
        let word = word.get(start..).unwrap_or_default();
        self.0.push(b' ');
        self.0.extend_from_slice(if word.is_empty() { b"*" } else { word });
        self
    }

    /// The last parameter, which may hold spaces or nothing at all.
    pub(crate) fn text(mut self, text: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(b" :");
        self.0.extend_from_slice(text.as_ref());
        self
    }

    /// How many bytes the line has so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The whole line.
    pub(crate) fn end(self) -> Bytes {
        let mut bytes = self.0;
        let whole = text::cut(&bytes, BODY_LIMIT).len();
        bytes.truncate(whole);
        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
        bytes.extend_from_slice(b"\r\n");
        Bytes::from(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes() {
        assert_eq!(Writer::new(b"s", "461").word("n").word("X").text("a b").end(), ":s 461 n X :a b\r\n");
        assert_eq!(Writer::bare("PING").text("s").end(), "PING :s\r\n");
        assert_eq!(Writer::new(b"s", "X").word("").word(":a b").end(), ":s X * a\r\n");
    }

    proptest! {
        #[test]
        fn one_line_of_at_most_512_bytes(word in proptest::collection::vec(any::<u8>(), 0..600)) {
            let line = Writer::new(b"n!u@h", "PRIVMSG").word("#c").text(&word).end();
            prop_assert!(line.len() <= BODY_LIMIT + 2);
            let body = &line[..line.len() - 2];
            prop_assert!(!body.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        }
    }
}
