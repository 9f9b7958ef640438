//! Lines from the server: a source, a command, parameters; cut at 510 bytes, ended with CR LF.

use std::cell::RefCell;

use bytes::Bytes;

use super::scan::find;
use super::{BODY_LIMIT, text};

thread_local! {
    /// Where the next line is put together: its own memory, made at its end, has its size then and is got once.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A line under construction. CR, LF and NUL never pass: whatever a caller hands over, one line comes out.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

/// What ends a line, or the text in it.
const FORBIDDEN: [u8; 3] = [b'\r', b'\n', 0];

impl Writer {
    /// `:source command`.
    pub(crate) fn new(source: &[u8], command: &str) -> Self {
        let mut line = Self::empty();
        line.0.push(b':');
        line.0.extend_from_slice(source);
        line.0.push(b' ');
        line.0.extend_from_slice(command.as_bytes());
        line
    }

    /// `command` without a source, as PING, ERROR and AUTHENTICATE are sent.
    pub(crate) fn bare(command: &str) -> Self {
        let mut line = Self::empty();
        line.0.extend_from_slice(command.as_bytes());
        line
    }

    fn empty() -> Self {
        let mut bytes = SCRATCH.take();
        bytes.clear();
        Self(bytes)
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
        if find(&bytes, FORBIDDEN).is_some() {
            bytes.retain(|byte| !FORBIDDEN.contains(byte));
        }
        bytes.extend_from_slice(b"\r\n");
        let line = Bytes::copy_from_slice(&bytes);
        SCRATCH.set(bytes);
        line
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
