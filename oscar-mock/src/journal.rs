//! What the double has seen and sent: two rings, one of frames and one of messages, bounded in number and in bytes.
//!
//! Frames of a sign-on are noted without their content: it would let somebody sign on.

use std::collections::VecDeque;
use std::fmt;

use oscar_im::ScreenName;
use oscar_im::foodgroup::icbm::{ImToHost, tlv};
use oscar_im::wire::{FlapChannel, Snac};
use serde::Serialize;

use crate::clock::Now;
use crate::realm::ConnectionId;

/// Bytes of a frame's payload that are kept.
const MAX_KEPT: usize = 4096;

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the client.
    In,
    /// To the client.
    Out,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Counts all entries of this server, so that a gap shows what the ring has forgotten.
    pub number: u64,
    /// Seconds since 1970.
    pub unix: u32,
    /// Counts connections from 1.
    pub connection: u64,
    /// Who is signed on there; none during a sign-on.
    pub screen_name: Option<String>,
    /// Which way.
    pub direction: Direction,
    /// The FLAP channel.
    pub channel: u8,
    /// Food group, on channel 2.
    pub group: Option<u16>,
    /// Subgroup, on channel 2.
    pub subgroup: Option<u16>,
    /// Request id, on channel 2.
    pub request_id: Option<u32>,
    /// The SNAC's body, or the payload of other channels; empty for what belongs to a sign-on.
    #[serde(serialize_with = "hex")]
    pub body: Vec<u8>,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.direction {
            Direction::In => "→",
            Direction::Out => "←",
        };
        let who = self.screen_name.as_deref().unwrap_or("?");
        write!(f, "#{} {who} {arrow} ", self.number)?;
        match (self.group, self.subgroup) {
            (Some(group), Some(subgroup)) => write!(f, "{group:02x}/{subgroup:02x}")?,
            _ => write!(f, "channel {}", self.channel)?,
        }
        write!(f, ", {} bytes", self.body.len())
    }
}

/// Which frames are meant; what is not said may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Whose connection.
    pub screen_name: Option<ScreenName>,
    /// Which way.
    pub direction: Option<Direction>,
    /// Food group and subgroup.
    pub snac: Option<(u16, u16)>,
    /// FLAP channel.
    pub channel: Option<u8>,
}

impl Pattern {
    /// SNACs of this kind.
    pub fn snac(group: u16, subgroup: u16) -> Self {
        Self { snac: Some((group, subgroup)), ..Self::default() }
    }

    /// Only from this client.
    #[must_use]
    pub fn from(self, screen_name: &str) -> Self {
        Self { screen_name: Some(screen_name.into()), direction: Some(Direction::In), ..self }
    }

    /// Only to this client.
    #[must_use]
    pub fn to(self, screen_name: &str) -> Self {
        Self { screen_name: Some(screen_name.into()), direction: Some(Direction::Out), ..self }
    }

    /// Whether an entry is meant.
    pub fn fits(&self, entry: &Entry) -> bool {
        let name = entry.screen_name.as_deref().map(ScreenName::from);
        self.direction.is_none_or(|direction| direction == entry.direction)
            && self.channel.is_none_or(|channel| channel == entry.channel)
            && self.snac.is_none_or(|(group, subgroup)| {
                (entry.group, entry.subgroup) == (Some(group), Some(subgroup))
            })
            && (self.screen_name.is_none() || self.screen_name == name)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.snac, self.channel) {
            (Some((group, subgroup)), _) => write!(f, "{group:02x}/{subgroup:02x}")?,
            (None, Some(channel)) => write!(f, "channel {channel}")?,
            (None, None) => f.write_str("any frame")?,
        }
        let way = match self.direction {
            Some(Direction::In) => "from",
            Some(Direction::Out) => "to",
            None => "from or to",
        };
        match &self.screen_name {
            Some(name) => write!(f, " {way} {name}"),
            None => write!(f, " {way} anybody"),
        }
    }
}

/// Frames, oldest first, as they stood when they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Journal(pub Vec<Entry>);

impl Journal {
    /// Those that are meant.
    pub fn matching<'a>(&'a self, pattern: &'a Pattern) -> impl Iterator<Item = &'a Entry> {
        self.0.iter().filter(|entry| pattern.fits(entry))
    }

    /// Fails a test unless exactly `count` frames were meant, and shows what came instead.
    ///
    /// # Panics
    /// When there were more or fewer.
    #[track_caller]
    pub fn assert_seen(&self, count: usize, pattern: &Pattern) {
        let seen = self.matching(pattern).count();
        assert!(seen == count, "{seen} instead of {count} of {pattern}; there were:\n{self}");
    }

    /// Fails a test unless frames that fit these patterns came in this order, with others between them or not, and shows
    /// what came instead.
    ///
    /// # Panics
    /// When one of them did not come after those before it.
    #[track_caller]
    pub fn assert_order(&self, patterns: &[Pattern]) {
        let mut rest = self.0.iter();
        for (at, pattern) in patterns.iter().enumerate() {
            let found = rest.any(|entry| pattern.fits(entry));
            assert!(found, "no {pattern} after the {at} before it; there were:\n{self}");
        }
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|entry| writeln!(f, "  {entry}"))
    }
}

fn hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    let digits: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect();
    serializer.serialize_str(&digits)
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It went to the receiver's client.
    Delivered,
    /// It waits for the receiver.
    Stored,
    /// It was refused with this code (04/01).
    Refused(u16),
    /// It was acknowledged and thrown away, by a fault.
    Lost,
}

/// One message, of any channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Seconds since 1970.
    pub unix: u32,
    /// From whom.
    pub from: String,
    /// To whom, as the sender wrote it.
    pub to: String,
    /// 1 for plain messages.
    pub channel: u16,
    /// The text as it was sent, HTML mostly; empty on other channels.
    pub text: String,
    /// Whether it is an automatic reply.
    pub auto: bool,
    /// What became of it.
    pub delivery: Delivery,
}

impl Message {
    /// As it came.
    pub(crate) fn of(from: &ScreenName, im: &ImToHost, now: Now) -> Self {
        let texts = im.message().and_then(Result::ok).map(|data| data.texts().collect::<Vec<_>>());
        let text = texts.unwrap_or_default().into_iter().map(|text| match text.charset {
            2 => {
                let (units, _) = text.bytes.as_chunks::<2>();
                let units: Vec<u16> = units.iter().copied().map(u16::from_be_bytes).collect();
                String::from_utf16_lossy(&units)
            }
            _ => oscar_im::wire::text(&text.bytes),
        });
        Self {
            unix: now.unix,
            from: from.to_string(),
            to: im.to.to_string(),
            channel: im.channel,
            text: text.collect(),
            auto: im.tlvs.has(tlv::AUTO_RESPONSE),
            delivery: Delivery::Delivered,
        }
    }
}

/// The newest of what was pushed, as much as there is room for.
#[derive(Debug, Clone)]
pub(crate) struct Ring<T> {
    kept: VecDeque<T>,
    room: usize,
    bytes: usize,
    weigh: fn(&T) -> usize,
}

impl<T> Ring<T> {
    /// Keeps at most `room`, and of long ones fewer: [`MAX_KEPT`] bytes each on average, by `weigh`, or one alone.
    pub(crate) const fn new(room: usize, weigh: fn(&T) -> usize) -> Self {
        Self { kept: VecDeque::new(), room, bytes: 0, weigh }
    }

    /// Adds one, and forgets the oldest where there is no room.
    pub(crate) fn push(&mut self, one: T) {
        if self.room == 0 {
            return;
        }
        self.bytes += (self.weigh)(&one);
        while self.kept.len() >= self.room || self.bytes > self.room.saturating_mul(MAX_KEPT) {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= (self.weigh)(&oldest);
        }
        self.kept.push_back(one);
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter()
    }

    fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }
}

/// Called with the frame that somebody waits for.
pub(crate) type Tell = Box<dyn FnOnce(Entry) + Send + Sync>;

/// How many may wait for frames at once.
const MAX_WAITING: usize = 1000;

/// Both rings, and whoever waits for a frame.
pub(crate) struct Recorder {
    frames: Ring<Entry>,
    /// Messages, oldest first.
    pub(crate) messages: Ring<Message>,
    noted: u64,
    waiting: Vec<(Pattern, Tell)>,
}

impl Recorder {
    /// Keeps `room` frames and as many messages.
    pub(crate) const fn new(room: usize) -> Self {
        let frames = Ring::new(room, |entry: &Entry| entry.body.len());
        let messages = Ring::new(room, |message: &Message| message.text.len() + message.to.len());
        Self { frames, messages, noted: 0, waiting: Vec::new() }
    }

    /// Frames, oldest first.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Entry> {
        self.frames.iter()
    }

    /// Notes a frame of somebody's connection; without its content where nobody is signed on.
    pub(crate) fn note(
        &mut self,
        connection: ConnectionId,
        screen_name: Option<&ScreenName>,
        direction: Direction,
        (channel, payload): (FlapChannel, &[u8]),
        now: Now,
    ) {
        self.noted += 1;
        if self.frames.room == 0 && self.waiting.is_empty() {
            return;
        }
        let snac = if channel == FlapChannel::Data { Snac::decode(payload).ok() } else { None };
        let body = match (screen_name, &snac) {
            // What signs somebody on is not written down.
            (None, _) => &[],
            (Some(_), Some(snac)) => snac.body.as_slice(),
            (Some(_), None) => payload,
        };
        let entry = Entry {
            number: self.noted,
            unix: now.unix,
            connection: connection.0,
            screen_name: screen_name.map(ToString::to_string),
            direction,
            channel: channel.into(),
            group: snac.as_ref().map(|snac| snac.group.into()),
            subgroup: snac.as_ref().map(|snac| snac.subgroup),
            request_id: snac.as_ref().map(|snac| snac.request_id),
            body: body.get(..MAX_KEPT).unwrap_or(body).to_vec(),
        };
        for (_, tell) in self.waiting.extract_if(.., |(pattern, _)| pattern.fits(&entry)) {
            tell(entry.clone());
        }
        self.frames.push(entry);
    }

    /// Calls `tell` with the first frame that is meant: one that is kept, or the next. Dropped unused when too many
    /// wait.
    pub(crate) fn tell_when_seen(&mut self, pattern: Pattern, tell: Tell) {
        match self.frames.iter().find(|entry| pattern.fits(entry)) {
            Some(entry) => tell(entry.clone()),
            None if self.waiting.len() < MAX_WAITING => self.waiting.push((pattern, tell)),
            None => {}
        }
    }

    /// Forgets what has been seen.
    pub(crate) fn forget(&mut self) {
        self.frames.clear();
        self.messages.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_keeps_the_newest_by_number_and_by_size() {
        const MOST: usize = 3 * MAX_KEPT;
        let mut ring = Ring::new(3, |text: &Vec<u8>| text.len());
        for length in [1, 2, 3, 4] {
            ring.push(vec![0; length]);
        }
        assert_eq!(ring.iter().map(Vec::len).collect::<Vec<_>>(), [2, 3, 4]);
        ring.push(vec![0; MOST - 4]);
        assert_eq!(ring.iter().map(Vec::len).collect::<Vec<_>>(), [4, MOST - 4]);
        ring.push(vec![0; MOST + 1]);
        assert_eq!(ring.iter().map(Vec::len).collect::<Vec<_>>(), [MOST + 1]);
        ring.push(vec![0; 1]);
        assert_eq!(ring.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
    }
}
