//! Frames built and read from their numbers alone.
//!
//! Nothing here is the library's: a suite that shared the double's codec would share its errors, and call a frame right
//! because both sides misread it the same way. It knows no more than the checks need, and it is strict: what a server
//! sends must be whole.

/// Why a check fails: what came in place of what was expected.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// Fails a check unless something holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;

/// `2A, channel, sequence, length, payload`; of the four-byte sign-off the first three only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) channel: u8,
    pub(crate) sequence: u16,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn bytes(channel: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).expect("a frame's length");
        [&[0x2a, channel][..], &sequence.to_be_bytes(), &length.to_be_bytes(), payload].concat()
    }

    /// The first whole frame of a buffer, taken out of it.
    pub(crate) fn take(buffer: &mut Vec<u8>) -> Outcome<Option<Self>> {
        if buffer.first().is_some_and(|marker| *marker != 0x2a) {
            return Err(format!("a frame begins with {:#04x}", buffer[0]));
        }
        if buffer.len() < 6 {
            return Ok(None);
        }
        let end = 6 + usize::from(number(&buffer[4..6]));
        if buffer.len() < end {
            return Ok(None);
        }
        let payload = buffer[6..end].to_vec();
        let frame = Self { channel: buffer[1], sequence: number(&buffer[2..4]), payload };
        buffer.drain(..end);
        Ok(Some(frame))
    }

    pub(crate) fn snac(&self) -> Outcome<Snac> {
        ensure!(self.channel == 2, "a frame on channel {} where a SNAC was expected", self.channel);
        Snac::read(&self.payload)
    }
}

/// What a frame of channel 2 holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snac {
    pub(crate) group: u16,
    pub(crate) sub: u16,
    pub(crate) flags: u16,
    pub(crate) id: u32,
    pub(crate) body: Vec<u8>,
}

impl Snac {
    pub(crate) fn bytes(group: u16, sub: u16, flags: u16, id: u32, body: &[u8]) -> Vec<u8> {
        let head = [group, sub, flags].map(u16::to_be_bytes).concat();
        [&head, &id.to_be_bytes()[..], body].concat()
    }

    fn read(payload: &[u8]) -> Outcome<Self> {
        let mut reader = Reader(payload);
        let (group, sub, flags) = (reader.u16()?, reader.u16()?, reader.u16()?);
        let id = reader.u32()?;
        if flags & 0x8000 != 0 {
            let length = reader.u16()?;
            reader.take(length.into())?;
        }
        Ok(Self { group, sub, flags, id, body: reader.0.to_vec() })
    }

    pub(crate) fn is(&self, group: u16, sub: u16) -> bool {
        (self.group, self.sub) == (group, sub)
    }

    /// The code of xx/01.
    pub(crate) fn error(&self) -> Option<u16> {
        (self.sub == 1 && self.body.len() >= 2).then(|| number(&self.body[..2]))
    }
}

/// Takes values off the front; an error where there are too few bytes.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Outcome<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| format!("{count} bytes expected, {} left", self.0.len()))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Outcome<u8> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn u16(&mut self) -> Outcome<u16> {
        Ok(number(self.take(2)?))
    }

    pub(crate) fn u32(&mut self) -> Outcome<u32> {
        Ok(u32::from_be_bytes(self.take(4)?.try_into().expect("four bytes")))
    }

    /// `length u8, bytes`.
    pub(crate) fn name(&mut self) -> Outcome<String> {
        let length = self.u8()?;
        Ok(String::from_utf8_lossy(self.take(length.into())?).into_owned())
    }

    pub(crate) fn tlv(&mut self) -> Outcome<(u16, Vec<u8>)> {
        let (kind, length) = (self.u16()?, self.u16()?);
        Ok((kind, self.take(length.into())?.to_vec()))
    }

    /// All that is left, as TLVs.
    pub(crate) fn tlvs(&mut self) -> Outcome<Tlvs> {
        let mut tlvs = Vec::new();
        while !self.0.is_empty() {
            tlvs.push(self.tlv()?);
        }
        Ok(Tlvs(tlvs))
    }

    /// `count u16`, then so many TLVs.
    pub(crate) fn counted_tlvs(&mut self) -> Outcome<Tlvs> {
        let count = self.u16()?;
        (0..count).map(|_| self.tlv()).collect::<Outcome<_>>().map(Tlvs)
    }

    /// `name, warning u16, counted TLVs`.
    pub(crate) fn user_info(&mut self) -> Outcome<UserInfo> {
        Ok(UserInfo { name: self.name()?, warning: self.u16()?, tlvs: self.counted_tlvs()? })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct UserInfo {
    pub(crate) name: String,
    pub(crate) warning: u16,
    pub(crate) tlvs: Tlvs,
}

#[derive(Debug, Clone)]
pub(crate) struct Tlvs(pub(crate) Vec<(u16, Vec<u8>)>);

impl Tlvs {
    pub(crate) fn read(bytes: &[u8]) -> Outcome<Self> {
        Reader(bytes).tlvs()
    }

    pub(crate) fn get(&self, kind: u16) -> Option<&[u8]> {
        self.0.iter().find(|(other, _)| *other == kind).map(|(_, value)| value.as_slice())
    }

    pub(crate) fn require(&self, kind: u16) -> Outcome<&[u8]> {
        let kinds = || self.0.iter().map(|(kind, _)| *kind).collect::<Vec<_>>();
        self.get(kind).ok_or_else(|| format!("no TLV {kind:#04x} among {:x?}", kinds()))
    }

    /// A value of one, two or four bytes.
    pub(crate) fn number(&self, kind: u16) -> Outcome<u32> {
        let value = self.require(kind)?;
        ensure!(value.len() <= 4, "TLV {kind:#04x} has {} bytes", value.len());
        Ok(value.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }
}

/// `type u16, length u16, value`.
pub(crate) fn tlv(kind: u16, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let length = u16::try_from(value.len()).expect("a TLV's length");
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

/// `length u8, bytes`.
pub(crate) fn name(name: &str) -> Vec<u8> {
    [&[u8::try_from(name.len()).expect("a name's length")][..], name.as_bytes()].concat()
}

/// `name, group, item, class, TLVs with their length`: one thing on the server-stored list.
pub(crate) fn item(text: &str, group: u16, id: u16, class: u16, tlvs: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("an item's name");
    let size = u16::try_from(tlvs.len()).expect("an item's TLVs");
    let numbers = [group, id, class, size].map(u16::to_be_bytes).concat();
    [&length.to_be_bytes()[..], text.as_bytes(), &numbers, tlvs].concat()
}

pub(crate) fn number(bytes: &[u8]) -> u16 {
    u16::from_be_bytes(bytes.try_into().expect("two bytes"))
}
