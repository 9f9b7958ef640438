//! WebSocket frames of the server's side (RFC 6455), without I/O: bytes in, messages and replies out.
//!
//! One message is one IRC line without CR LF. A message of more than [`MESSAGE_LIMIT`] bytes ends the connection with
//! 1009, an unmasked frame or another breach of the protocol with 1002. At most one message and one control frame are
//! held; nothing between them. Compression is never negotiated, so there is none to bomb us with.

use super::FRAME_LIMIT;

/// The longest message: the tags and the line that a client may send.
pub(crate) const MESSAGE_LIMIT: usize = FRAME_LIMIT;

/// Close codes that are sent.
pub(crate) mod code {
    /// The peer closed, or we are done.
    pub(crate) const NORMAL: u16 = 1000;
    /// The server stops.
    pub(crate) const GOING_AWAY: u16 = 1001;
    /// Not admitted.
    pub(crate) const POLICY: u16 = 1008;
    /// The protocol was broken.
    pub(crate) const PROTOCOL: u16 = 1002;
    /// A text frame was not UTF-8.
    pub(crate) const INVALID_TEXT: u16 = 1007;
    /// A message was too long.
    pub(crate) const TOO_BIG: u16 = 1009;
}

const OP_CONTINUATION: u8 = 0;
const OP_TEXT: u8 = 1;
const OP_BINARY: u8 = 2;
const OP_CLOSE: u8 = 8;
const OP_PING: u8 = 9;
const OP_PONG: u8 = 10;

/// How lines travel out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// `text.ircv3.net`: text frames; what is not UTF-8 becomes U+FFFD.
    Text,
    /// `binary.ircv3.net`: binary frames, bytes as they are.
    Binary,
}

/// What came of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Whole messages were added to the lines; go on.
    Continue,
    /// The connection ends with this close code.
    Close(u16),
}

/// The reading half of one connection.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// An unfinished frame: its header, and what came of its payload.
    held: Vec<u8>,
    /// The fragments of an unfinished message, unmasked.
    message: Option<Vec<u8>>,
    text: bool,
}

#[derive(Debug)]
struct Header {
    last: bool,
    opcode: u8,
    mask: [u8; 4],
    length: usize,
    size: usize,
}

impl Reader {
    /// Takes a chunk. Each whole message is appended to `lines` with one LF after it; frames that must be answered
    /// (pongs, the echo of a close) are appended to `replies` in their wire form.
    pub(crate) fn push(&mut self, chunk: &[u8], lines: &mut Vec<u8>, replies: &mut Vec<u8>) -> Incoming {
        self.held.extend_from_slice(chunk);
        let mut held = std::mem::take(&mut self.held);
        let mut from = 0;
        let outcome = loop {
            let rest = held.get(from..).unwrap_or_default();
            let header = match parse_header(rest) {
                Ok(Some(header)) => header,
                Ok(None) => break Incoming::Continue,
                Err(code) => break Incoming::Close(code),
            };
            let so_far = self.message.as_ref().map_or(0, Vec::len);
            if header.opcode < OP_CLOSE && header.length + so_far > MESSAGE_LIMIT {
                break Incoming::Close(code::TOO_BIG);
            }
            let Some(payload) = held.get_mut(from + header.size..from + header.size + header.length) else {
                break Incoming::Continue;
            };
            for (byte, mask) in payload.iter_mut().zip(header.mask.iter().cycle()) {
                *byte ^= mask;
            }
            from += header.size + header.length;
            if let Err(code) = self.frame(&header, payload, lines, replies) {
                break Incoming::Close(code);
            }
        };
        held.drain(..from);
        if !held.is_empty() {
            self.held = held;
        }
        outcome
    }

    fn frame(
        &mut self,
        header: &Header,
        payload: &[u8],
        lines: &mut Vec<u8>,
        replies: &mut Vec<u8>,
    ) -> Result<(), u16> {
        match (header.opcode, &mut self.message) {
            (OP_TEXT | OP_BINARY, None) => {
                self.text = header.opcode == OP_TEXT;
                if header.last {
                    return complete(payload, self.text, lines);
                }
                self.message = Some(payload.to_vec());
            }
            (OP_CONTINUATION, Some(message)) => {
                message.extend_from_slice(payload);
                if header.last {
                    let message = self.message.take().unwrap_or_default();
                    return complete(&message, self.text, lines);
                }
            }
            (OP_PING, _) => {
                // One read's worth of pings gets at most one buffer of pongs: no amplification.
                put_header(OP_PONG, payload.len(), replies);
                replies.extend_from_slice(payload);
            }
            (OP_PONG, _) => {}
            (OP_CLOSE, _) => return Err(code::NORMAL),
            _ => return Err(code::PROTOCOL),
        }
        Ok(())
    }
}

fn complete(message: &[u8], text: bool, lines: &mut Vec<u8>) -> Result<(), u16> {
    if text && std::str::from_utf8(message).is_err() {
        return Err(code::INVALID_TEXT);
    }
    // A line end at the end is forgiven; inside it would make two commands of one message.
    let end = message.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
    let line = message.get(..end).unwrap_or_default();
    if line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Err(code::PROTOCOL);
    }
    if !line.is_empty() {
        lines.extend_from_slice(line);
        lines.push(b'\n');
    }
    Ok(())
}

fn parse_header(bytes: &[u8]) -> Result<Option<Header>, u16> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
    let control = opcode >= OP_CLOSE;
    let reserved = first & 0x70 != 0 || !matches!(opcode, 0..=2 | 8..=10);
    let unmasked = second & 0x80 == 0;
    let short = usize::from(second & 0x7f);
    if reserved || unmasked || (control && (!last || short > 125)) {
        return Err(code::PROTOCOL);
    }
    let (length, wide) = match (short, rest) {
        (126, [a, b, ..]) => (usize::from(u16::from_be_bytes([*a, *b])), 2),
        // Eight bytes of length: nothing that long is taken.
        (127, _) => return Err(code::TOO_BIG),
        (126, _) => return Ok(None),
        (short, _) => (short, 0),
    };
    let Some([a, b, c, d]) = rest.get(wide..wide + 4) else { return Ok(None) };
    Ok(Some(Header { last, opcode, mask: [*a, *b, *c, *d], length, size: 2 + wide + 4 }))
}

fn put_header(opcode: u8, length: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=125), _) => out.push(length),
        (_, Ok(length)) => {
            out.push(126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Appends one line (with or without its CR LF) as a message.
pub(crate) fn put_line(payload: Payload, line: &[u8], out: &mut Vec<u8>) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match payload {
        Payload::Binary => {
            put_header(OP_BINARY, line.len(), out);
            out.extend_from_slice(line);
        }
        Payload::Text => {
            let text = String::from_utf8_lossy(line);
            put_header(OP_TEXT, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Appends a close frame.
pub(crate) fn put_close(code: u16, out: &mut Vec<u8>) {
    put_header(OP_CLOSE, 2, out);
    out.extend_from_slice(&code.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        if payload.len() < 126 {
            out.push(0x80 | u8::try_from(payload.len()).unwrap());
        } else {
            out.push(0xfe);
            out.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
        let mask = [1, 2, 3, 4];
        out.extend_from_slice(&mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        out
    }

    fn read(bytes: &[u8]) -> (Incoming, Vec<u8>, Vec<u8>) {
        let (mut lines, mut replies) = (Vec::new(), Vec::new());
        let incoming = Reader::default().push(bytes, &mut lines, &mut replies);
        (incoming, lines, replies)
    }

    #[test]
    fn one_message_is_one_line() {
        let bytes = [masked(0x81, b"NICK a"), masked(0x82, b"PING \xff\r\n"), masked(0x81, b"")].concat();
        assert_eq!(read(&bytes), (Incoming::Continue, b"NICK a\nPING \xff\n".to_vec(), vec![]));
    }

    #[test]
    fn fragments_join_and_controls_may_stand_between() {
        let bytes = [masked(0x01, b"NI"), masked(0x89, b"hi"), masked(0x80, b"CK a")].concat();
        assert_eq!(read(&bytes), (Incoming::Continue, b"NICK a\n".to_vec(), b"\x8a\x02hi".to_vec()));
    }

    #[test]
    fn breaches_have_their_codes() {
        assert_eq!(read(b"\x81\x02hi").0, Incoming::Close(1002), "unmasked");
        assert_eq!(read(&masked(0xc1, b"x")).0, Incoming::Close(1002), "reserved bit");
        assert_eq!(read(&masked(0x83, b"x")).0, Incoming::Close(1002), "unknown opcode");
        assert_eq!(read(&masked(0x80, b"x")).0, Incoming::Close(1002), "continuation of nothing");
        assert_eq!(read(&masked(0x09, b"x")).0, Incoming::Close(1002), "fragmented control");
        assert_eq!(read(&masked(0x81, b"a\nb")).0, Incoming::Close(1002), "two lines in one message");
        assert_eq!(read(&masked(0x81, b"\xff")).0, Incoming::Close(1007), "text that is no text");
        assert_eq!(read(&masked(0x81, &[b'x'; MESSAGE_LIMIT + 1])).0, Incoming::Close(1009), "long");
        assert_eq!(read(b"\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff").0, Incoming::Close(1009), "huge");
        assert_eq!(read(&masked(0x88, b"\x03\xe8")).0, Incoming::Close(1000), "close");
        let fragments = [masked(0x01, &[b'x'; 8000]), masked(0x00, &[b'x'; 8000])].concat();
        assert_eq!(read(&fragments).0, Incoming::Close(1009), "long in pieces");
    }

    #[test]
    fn lines_go_out_as_asked() {
        let mut out = Vec::new();
        put_line(Payload::Text, b"a\xff\r\n", &mut out);
        put_line(Payload::Binary, b"a\xff\r\n", &mut out);
        put_line(Payload::Binary, &[b'x'; 200], &mut out);
        assert_eq!(&out[..10], b"\x81\x04a\xef\xbf\xbd\x82\x02a\xff");
        assert_eq!(&out[10..14], [0x82, 126, 0, 200]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_split_are_bounded(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            step in 1usize..500,
        ) {
            let (mut reader, mut lines, mut replies) = (Reader::default(), Vec::new(), Vec::new());
            for chunk in bytes.chunks(step) {
                if reader.push(chunk, &mut lines, &mut replies) != Incoming::Continue {
                    break;
                }
                prop_assert!(reader.held.len() <= MESSAGE_LIMIT + 14 + step);
            }
            prop_assert!(replies.len() <= bytes.len());
        }

        #[test]
        fn splits_do_not_matter(texts in proptest::collection::vec("[a-z ]{0,300}", 0..5), step in 1usize..64) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| masked(0x81, text.as_bytes())).collect();
            let (mut reader, mut lines, mut replies) = (Reader::default(), Vec::new(), Vec::new());
            for chunk in bytes.chunks(step) {
                prop_assert_eq!(reader.push(chunk, &mut lines, &mut replies), Incoming::Continue);
            }
            prop_assert_eq!(lines, read(&bytes).1);
            prop_assert_eq!(reader.held.capacity(), 0);
        }
    }
}
