//! Clients as the checks need them: a connection that keeps what it heard, and somebody who is signed on.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};

use super::subject::{PASSWORD, PATIENCE, Subject};
use super::wire::{Frame, Outcome, Reader, Snac, Tlvs, UserInfo, ensure, name, tlv};

/// One TCP connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    sequence: u16,
    requests: u32,
    buffer: Vec<u8>,
    /// All that came, in order.
    pub(crate) heard: Vec<Frame>,
    /// The last bytes were the four of a short sign-off.
    pub(crate) short_sign_off: bool,
}

impl Connection {
    pub(crate) fn open(subject: &Subject, source: Option<IpAddr>) -> Outcome<Self> {
        Self::open_at(source, subject.address)
    }

    fn open_at(source: Option<IpAddr>, to: SocketAddr) -> Outcome<Self> {
        let stream = Subject::connect(source, to)?;
        Ok(Self {
            stream,
            sequence: 0x7ff1,
            requests: 0,
            buffer: vec![],
            heard: vec![],
            short_sign_off: false,
        })
    }

    /// Bytes as they are. A server that has closed is no error here: what it sent before is still to be read.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn set_sequence(&mut self, sequence: u16) {
        self.sequence = sequence;
    }

    /// The bytes of the next frame.
    pub(crate) fn next_frame(&mut self, channel: u8, payload: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        Frame::bytes(channel, self.sequence, payload)
    }

    pub(crate) fn frame(&mut self, channel: u8, payload: &[u8]) {
        let bytes = self.next_frame(channel, payload);
        self.raw(&bytes);
    }

    /// The bytes of a request, and its id.
    pub(crate) fn next_snac(&mut self, group: u16, sub: u16, body: &[u8]) -> (u32, Vec<u8>) {
        self.requests += 1;
        let snac = Snac::bytes(group, sub, 0, self.requests, body);
        (self.requests, self.next_frame(2, &snac))
    }

    /// A request; its id.
    pub(crate) fn snac(&mut self, group: u16, sub: u16, body: &[u8]) -> u32 {
        let (id, bytes) = self.next_snac(group, sub, body);
        self.raw(&bytes);
        id
    }

    /// The next frame; None when the server has closed.
    pub(crate) fn next(&mut self) -> Outcome<Option<Frame>> {
        self.next_by(Instant::now() + PATIENCE)
    }

    fn next_by(&mut self, deadline: Instant) -> Outcome<Option<Frame>> {
        loop {
            if let Some(frame) = Frame::take(&mut self.buffer)? {
                self.heard.push(frame.clone());
                return Ok(Some(frame));
            }
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
            let mut chunk = [0; 8192];
            match self.stream.read(&mut chunk) {
                Ok(0) => return self.at_the_end(),
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return self.at_the_end(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(format!("nothing more came; before it {}", self.story())),
            }
        }
    }

    fn at_the_end(&mut self) -> Outcome<Option<Frame>> {
        self.short_sign_off |= matches!(self.buffer[..], [0x2a, 4, _, _]);
        ensure!(self.buffer.is_empty() || self.short_sign_off, "closed within a frame: {:x?}", self.buffer);
        Ok(None)
    }

    /// The next SNAC of this kind; others are passed over.
    pub(crate) fn until(&mut self, group: u16, sub: u16) -> Outcome<Snac> {
        self.find(&format!("{group:02x}/{sub:02x}"), PATIENCE, |snac| snac.is(group, sub))
    }

    /// The SNACs that came so far.
    pub(crate) fn heard_snacs(&self) -> impl Iterator<Item = Snac> {
        self.heard.iter().filter_map(|frame| frame.snac().ok())
    }

    /// A SNAC of this kind that came already, or the next.
    pub(crate) fn heard_or_until(&mut self, group: u16, sub: u16) -> Outcome<Snac> {
        let heard = self.heard_snacs().find(|snac| snac.is(group, sub));
        heard.map_or_else(|| self.until(group, sub), Ok)
    }

    /// As [`Connection::until`], for what takes longer.
    pub(crate) fn until_within(&mut self, group: u16, sub: u16, patience: Duration) -> Outcome<Snac> {
        self.find(&format!("{group:02x}/{sub:02x}"), patience, |snac| snac.is(group, sub))
    }

    /// The answer to a request.
    pub(crate) fn answer(&mut self, id: u32) -> Outcome<Snac> {
        self.find(&format!("the answer to {id}"), PATIENCE, |snac| snac.id == id)
    }

    /// The next SNAC that fits.
    pub(crate) fn find(
        &mut self,
        what: &str,
        patience: Duration,
        fits: impl Fn(&Snac) -> bool,
    ) -> Outcome<Snac> {
        let deadline = Instant::now() + patience;
        loop {
            match self.next_by(deadline).map_err(|error| format!("waiting for {what}: {error}"))? {
                Some(frame) if frame.channel == 2 => {
                    let snac = frame.snac()?;
                    if fits(&snac) {
                        return Ok(snac);
                    }
                }
                Some(frame) if frame.channel == 4 => {
                    return Err(format!("signed off in place of {what}; before it {}", self.story()));
                }
                Some(_) => {}
                None => return Err(format!("closed in place of {what}; before it {}", self.story())),
            }
        }
    }

    /// Sends a request that every server answers, and returns the SNACs that came before the answer: the server has by
    /// then dealt with all that was sent before it.
    pub(crate) fn fence(&mut self) -> Outcome<Vec<Snac>> {
        let from = self.heard.len();
        let id = self.snac(0x01, 0x0e, &[]);
        self.answer(id)?;
        let before = &self.heard[from..self.heard.len() - 1];
        before.iter().filter(|frame| frame.channel == 2).map(Frame::snac).collect()
    }

    /// Reads to the end; the frames that came until then.
    pub(crate) fn closes(&mut self) -> Outcome<Vec<Frame>> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().map_err(|error| format!("waiting for the close: {error}"))? {
            frames.push(frame);
        }
        Ok(frames)
    }

    /// Waits for the sign-off frame; its TLVs.
    pub(crate) fn signed_off(&mut self) -> Outcome<Tlvs> {
        let frames = self.closes()?;
        if self.short_sign_off {
            return Ok(Tlvs(Vec::new()));
        }
        let last = frames.iter().rev().find(|frame| frame.channel == 4);
        Tlvs::read(&last.ok_or_else(|| format!("closed without a sign-off frame: {}", self.story()))?.payload)
    }

    /// What came last, for failures.
    fn story(&self) -> String {
        let last = self.heard.iter().rev().take(5).rev();
        let start = |bytes: &[u8]| format!("{:02x?}", &bytes[..bytes.len().min(24)]);
        let shown: Vec<String> = last
            .map(|frame| match frame.snac() {
                Ok(snac) => {
                    format!("{:02x}/{:02x} id {:x} {}", snac.group, snac.sub, snac.id, start(&snac.body))
                }
                Err(_) => format!("channel {} {}", frame.channel, start(&frame.payload)),
            })
            .collect();
        if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
    }
}

/// How somebody signs on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) password: &'static str,
    pub(crate) hash: Hash,
    /// TLV 4C.
    pub(crate) says_newer: bool,
    /// TLV 4A.
    pub(crate) multi: Option<u8>,
    /// Of group 01.
    pub(crate) version: u16,
    /// Whether the server-stored list is asked for and used; else the client names its buddies by 03/04.
    pub(crate) list: bool,
    /// Whether 01/02 is sent.
    pub(crate) ready: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Hash {
    Newer,
    Older,
}

pub(crate) const USUAL: How = How {
    password: PASSWORD,
    hash: Hash::Newer,
    says_newer: true,
    multi: Some(3),
    version: 3,
    list: true,
    ready: true,
};

/// What BUCP sends for a password.
pub(crate) fn hash(kind: Hash, key: &[u8], password: &str) -> Vec<u8> {
    const SALT: &[u8] = b"AOL Instant Messenger (SM)";
    let secret = match kind {
        Hash::Newer => Md5::digest(password).to_vec(),
        Hash::Older => password.as_bytes().to_vec(),
    };
    Md5::digest([key, &secret, SALT].concat()).to_vec()
}

/// Goes through the authorizer: the TLVs of 17/03, and the connection.
pub(crate) fn authorize(
    subject: &Subject,
    source: Option<IpAddr>,
    screen_name: &str,
    how: How,
) -> Outcome<(Tlvs, Connection)> {
    let mut connection = Connection::open(subject, source)?;
    connection.frame(1, &[0, 0, 0, 1]);
    connection.snac(0x17, 0x06, &tlv(1, screen_name));
    let answer = connection.find("17/07 or 17/03", PATIENCE, |snac| snac.group == 0x17)?;
    if answer.is(0x17, 0x03) {
        return Ok((Tlvs::read(&answer.body)?, connection));
    }
    let mut reader = Reader(&answer.body);
    let length = reader.u16()?;
    let key = reader.take(length.into())?;
    let mut body = [
        tlv(1, screen_name),
        tlv(0x25, hash(how.hash, key, how.password)),
        tlv(3, "conformance"),
        tlv(0x16, [1, 9]),
        tlv(0x17, [0, 5]),
        tlv(0x18, [0, 9]),
        tlv(0x19, [0, 0]),
        tlv(0x1a, [0x0b, 0xdc]),
        tlv(0x14, [0, 0, 0, 0xd2]),
        tlv(0x0f, "en"),
        tlv(0x0e, "us"),
    ]
    .concat();
    if how.says_newer {
        body.extend(tlv(0x4c, []));
    }
    if let Some(multi) = how.multi {
        body.extend(tlv(0x4a, [multi]));
    }
    connection.snac(0x17, 0x02, &body);
    let answer = connection.until(0x17, 0x03)?;
    Ok((Tlvs::read(&answer.body)?, connection))
}

/// Connects to where 17/03 or 01/05 says, with the cookie of the same; the `host:port` is in TLV 5.
pub(crate) fn present(source: Option<IpAddr>, tlvs: &Tlvs) -> Outcome<Connection> {
    let address = String::from_utf8_lossy(tlvs.require(5)?).into_owned();
    let address = if address.contains(':') { address } else { format!("{address}:5190") };
    let address = address.parse().map_err(|_| format!("TLV 5 is {address:?}"))?;
    let mut connection = Connection::open_at(source, address)?;
    connection.frame(1, &[&[0, 0, 0, 1], &tlv(6, tlvs.require(6)?)[..]].concat());
    Ok(connection)
}

/// Somebody who is signed on.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: String,
    pub(crate) source: Option<IpAddr>,
    pub(crate) bos: Connection,
}

impl Client {
    /// Signs on as far as `how` says.
    pub(crate) fn sign_on(subject: &Subject, screen_name: &str, how: How) -> Outcome<Self> {
        let source = subject.turn();
        let (tlvs, _) = authorize(subject, source, screen_name, how)?;
        ensure!(tlvs.get(8).is_none(), "refused with code {:?}", tlvs.get(8));
        let mut bos = present(source, &tlvs)?;
        bos.until(0x01, 0x03)?;
        let version = how.version.to_be_bytes();
        bos.snac(0x01, 0x17, &[&[0, 1, version[0], version[1]], VERSIONS].concat());
        bos.until(0x01, 0x18)?;
        bos.snac(0x01, 0x06, &[]);
        bos.until(0x01, 0x07)?;
        bos.snac(0x01, 0x08, &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5]);
        if how.list {
            let list = bos.snac(0x13, 0x04, &[]);
            bos.answer(list)?;
            bos.snac(0x13, 0x07, &[]);
        } else {
            // Somebody has to be on it: before 03/04 or 13/04 a server may not show the client to others.
            bos.snac(0x03, 0x04, &name(screen_name));
        }
        let mut client = Self { name: screen_name.to_owned(), source, bos };
        if how.ready {
            client.ready()?;
        }
        Ok(client)
    }

    /// 01/02.
    pub(crate) fn ready(&mut self) -> Outcome {
        self.bos.snac(0x01, 0x02, READY);
        self.bos.until(0x0b, 0x02)?;
        self.bos.fence().map(drop)
    }

    /// The next 03/0B about somebody that fits.
    pub(crate) fn sees(&mut self, whom: &str, fits: impl Fn(&UserInfo) -> bool) -> Outcome<UserInfo> {
        let about = |snac: &Snac| {
            let infos = if snac.is(0x03, 0x0b) { infos(&snac.body).unwrap_or_default() } else { Vec::new() };
            infos.into_iter().find(|info| same_name(&info.name, whom) && fits(info))
        };
        let found = self.bos.find(&format!("03/0b of {whom}"), PATIENCE, |snac| about(snac).is_some())?;
        about(&found).ok_or_else(String::new)
    }

    /// The next 03/0C about somebody.
    pub(crate) fn sees_go(&mut self, whom: &str) -> Outcome {
        let about = |snac: &Snac| {
            snac.is(0x03, 0x0c) && Reader(&snac.body).name().is_ok_and(|name| same_name(&name, whom))
        };
        self.bos.find(&format!("03/0c of {whom}"), PATIENCE, about).map(drop)
    }

    /// Puts somebody on the server-stored list: a group of one.
    pub(crate) fn lists(&mut self, whom: &str) -> Outcome {
        let items = [
            super::wire::item("", 0, 0, 1, &tlv(0xc8, [0, 1])),
            super::wire::item("Friends", 1, 0, 1, &tlv(0xc8, [0, 1])),
            super::wire::item(whom, 1, 1, 0, &[]),
        ];
        let id = self.bos.snac(0x13, 0x08, &items.concat());
        let codes = self.bos.answer(id)?.body;
        ensure!(codes == [0; 6], "13/0e says {codes:?}");
        Ok(())
    }

    /// Sends an instant message with these TLVs besides its text; its id and cookie.
    pub(crate) fn says(&mut self, to: &str, text: &str, tlvs: &[u8]) -> (u32, [u8; 8]) {
        let (cookie, body) = im(to, text, tlvs);
        (self.bos.snac(0x04, 0x06, &body), cookie)
    }

    /// The next message: who from, and its TLVs.
    pub(crate) fn hears(&mut self) -> Outcome<Heard> {
        Heard::read(&self.bos.until(0x04, 0x07)?)
    }

    /// Asks for a service and connects to it, as far as 01/03.
    pub(crate) fn service(&mut self, group: u16, tlvs: &[u8]) -> Outcome<Connection> {
        let id = self.bos.snac(0x01, 0x04, &[&group.to_be_bytes()[..], tlvs].concat());
        let answer = self.bos.answer(id)?;
        ensure!(answer.is(0x01, 0x05), "01/04 for {group:02x} is answered by {answer:x?}");
        let mut connection = present(self.source, &Tlvs::read(&answer.body)?)?;
        connection.until(0x01, 0x03)?;
        Ok(connection)
    }
}

/// A message that came.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) cookie: Vec<u8>,
    pub(crate) channel: u16,
    pub(crate) from: UserInfo,
    pub(crate) tlvs: Tlvs,
}

impl Heard {
    pub(crate) fn read(snac: &Snac) -> Outcome<Self> {
        let mut reader = Reader(&snac.body);
        Ok(Self {
            cookie: reader.take(8)?.to_vec(),
            channel: reader.u16()?,
            from: reader.user_info()?,
            tlvs: reader.tlvs()?,
        })
    }
}

/// TLV 3 and TLV 6 of a message: acknowledge it, store it.
pub(crate) const ACK: &[u8] = &[0, 3, 0, 0];
pub(crate) const STORE: &[u8] = &[0, 6, 0, 0];

/// The body of 04/06 on channel 1, with its cookie.
pub(crate) fn im(to: &str, text: &str, tlvs: &[u8]) -> ([u8; 8], Vec<u8>) {
    im_of(to, &fragments(0, text.as_bytes()), tlvs)
}

/// The same of any TLV 2.
pub(crate) fn im_of(to: &str, fragments: &[u8], tlvs: &[u8]) -> ([u8; 8], Vec<u8>) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COOKIES: AtomicU64 = AtomicU64::new(0x0102_0304_0000_0000);
    let cookie = COOKIES.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    (cookie, [&cookie[..], &[0, 1], &name(to), &tlv(2, fragments), tlvs].concat())
}

/// What TLV 2 holds: features, and a text in a charset.
pub(crate) fn fragments(charset: u16, text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len() + 4).expect("a text's length").to_be_bytes();
    [&[5, 1, 0, 1, 1, 1, 1][..], &length, &charset.to_be_bytes(), &[0, 0], text].concat()
}

/// User infos back to back.
pub(crate) fn infos(body: &[u8]) -> Outcome<Vec<UserInfo>> {
    let mut reader = Reader(body);
    let mut infos = Vec::new();
    while !reader.0.is_empty() {
        infos.push(reader.user_info()?);
    }
    Ok(infos)
}

/// Names are compared without spaces and without case.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    let normal = |name: &str| name.replace(' ', "").to_lowercase();
    normal(a) == normal(b)
}

/// Of the other groups, for 01/17.
const VERSIONS: &[u8] =
    &[0, 0x13, 0, 3, 0, 2, 0, 1, 0, 3, 0, 1, 0, 4, 0, 1, 0, 9, 0, 1, 0, 0x15, 0, 1, 0, 0x0b, 0, 1];
/// For 01/02: group, version, tool, its version.
pub(crate) const READY: &[u8] = &[
    0, 1, 0, 3, 1, 0x10, 6, 0x29, 0, 0x13, 0, 3, 1, 0x10, 6, 0x29, 0, 2, 0, 1, 1, 0x10, 6, 0x29, 0, 3, 0, 1,
    1, 0x10, 6, 0x29, 0, 4, 0, 1, 1, 0x10, 6, 0x29, 0, 9, 0, 1, 1, 0x10, 6, 0x29,
];
