//! Bytes from the daemon to lines of text, bounded before they are kept.
//!
//! A line ends at CR or LF. One that is longer than tags and text may be (8,191 + 512 bytes, IRCv3 message-tags)
//! is thrown away whole. Bytes that are no UTF-8 are read as CP1252, what old clients send.

/// Longest line that is kept: IRCv3's tags and RFC 1459's 512.
const MAX_LINE: usize = 8191 + 512;

/// Collects bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    partial: Vec<u8>,
    /// Inside a line that is too long, up to its end.
    skipping: bool,
}

impl Framer {
    /// Takes what was read and gives each line that it completes, without its end; empty lines are left out.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
            let ended = matches!(piece.last(), Some(b'\r' | b'\n'));
            let content = if ended { piece.split_last().map_or(piece, |(_, rest)| rest) } else { piece };
            if self.partial.len() + content.len() > MAX_LINE {
                self.skipping = true;
                self.partial.clear();
            } else if !self.skipping {
                self.partial.extend_from_slice(content);
            }
            if ended {
                if !self.skipping && !self.partial.is_empty() {
                    line(decode(&self.partial));
                }
                self.partial.clear();
                self.skipping = false;
            }
        }
    }
}

fn decode(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    normalise(&text)
}

/// One space between the parts of a line and none before it, as the parser wants it; the text after ` :` is kept
/// as it is. NUL goes.
fn normalise(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.trim_start_matches(' ');
    let mut command_seen = false;
    while !rest.is_empty() {
        if !out.is_empty() {
            out.push(' ');
        }
        if command_seen && rest.starts_with(':') {
            out.push_str(rest);
            break;
        }
        let (token, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        command_seen |= !token.starts_with(['@', ':']);
        out.push_str(token);
        rest = tail.trim_start_matches(' ');
    }
    if out.contains('\0') {
        out.retain(|c| c != '\0');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let (mut framer, mut lines) = (Framer::default(), Vec::new());
        for chunk in chunks {
            framer.feed(chunk, |line| lines.push(line));
            assert!(framer.partial.len() <= MAX_LINE);
        }
        lines
    }

    #[test]
    fn ends_spaces_and_encodings() {
        assert_eq!(lines(&[b"PING :a\r\nPING", b" :b\rPING :c\n\r\n"]), ["PING :a", "PING :b", "PING :c"]);
        assert_eq!(
            lines(&[b"  @a=b   :n!u@h  PRIVMSG   bot   :two  spaces \r\n"]),
            ["@a=b :n!u@h PRIVMSG bot :two  spaces "]
        );
        assert_eq!(lines(&[b":n PRIVMSG b :caf\xe9 \x80\r\n"]), [":n PRIVMSG b :caf\u{e9} \u{20ac}"]);
    }

    #[test]
    fn a_line_too_long_goes_whole_and_the_next_one_stays() {
        let long = vec![b'x'; MAX_LINE + 1];
        assert_eq!(lines(&[&long, b"tail\r\nPING :a\r\n"]), ["PING :a"]);
        let just = vec![b'x'; MAX_LINE];
        assert_eq!(lines(&[&just, b"\n"]).len(), 1);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            bytes in prop::collection::vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>()
        ) {
            let cut = at.index(bytes.len() + 1);
            prop_assert_eq!(lines(&[&bytes]), lines(&[&bytes[..cut], &bytes[cut..]]));
        }
    }
}
