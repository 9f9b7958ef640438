//! FLAP: OSCAR's outer frame, `2A, channel u8, sequence u16, length u16, payload`.
//!
//! Source: captured; the short sign-off is open-oscar-server's `wire/frames.go`, the 8,192 bytes BitlBee's source.

use super::{DecodeError, EncodeError, Snac, Tlvs, wire_struct};
use crate::foodgroup::SnacBody;

/// The first byte of every frame.
const MARKER: u8 = 0x2a;
/// Bytes in front of the payload.
pub const HEADER_LENGTH: usize = 6;
/// AOL's servers took no SNAC longer than this; never send more.
pub const MAX_SENT_PAYLOAD: usize = 8192;

/// What a frame is for. Called so to keep it apart from a chat channel or an ICBM channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlapChannel {
    /// 1: the first frame each way.
    SignOn,
    /// 2: a SNAC.
    Data,
    /// 3: an error; the sender closes.
    Error,
    /// 4: sign-off, with TLVs or empty.
    SignOff,
    /// 5: keep-alive, empty, never answered.
    KeepAlive,
    /// None of them.
    Other(u8),
}

impl From<u8> for FlapChannel {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::SignOn,
            2 => Self::Data,
            3 => Self::Error,
            4 => Self::SignOff,
            5 => Self::KeepAlive,
            other => Self::Other(other),
        }
    }
}

impl From<FlapChannel> for u8 {
    fn from(channel: FlapChannel) -> Self {
        match channel {
            FlapChannel::SignOn => 1,
            FlapChannel::Data => 2,
            FlapChannel::Error => 3,
            FlapChannel::SignOff => 4,
            FlapChannel::KeepAlive => 5,
            FlapChannel::Other(other) => other,
        }
    }
}

/// One frame. The sequence number counts the frames of a direction on a connection, of any channel, from any start,
/// and wraps from FFFF to 0; nobody checks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    /// What for.
    pub channel: FlapChannel,
    /// Plus one for each frame.
    pub sequence: u16,
    /// At most 65,535 bytes.
    pub payload: Vec<u8>,
}

impl Frame {
    /// With sequence number 0, for the sender's counter to overwrite.
    pub const fn new(channel: FlapChannel, payload: Vec<u8>) -> Self {
        Self { channel, sequence: 0, payload }
    }

    /// A data frame around a SNAC.
    pub fn snac(snac: &Snac) -> Result<Self, EncodeError> {
        Ok(Self::new(FlapChannel::Data, snac.encode()?))
    }

    /// A data frame around a typed body.
    pub fn body<B: SnacBody>(request_id: u32, body: &B) -> Result<Self, EncodeError> {
        Self::snac(&Snac::new(request_id, body)?)
    }

    /// The frame's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let length = u16::try_from(self.payload.len()).map_err(|_| EncodeError)?;
        let mut bytes = Vec::with_capacity(HEADER_LENGTH + self.payload.len());
        bytes.extend_from_slice(&[MARKER, self.channel.into()]);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        Ok(bytes)
    }
}

wire_struct! {
    /// The payload of a channel 1 frame. A client's holds the cookie (TLV 6) on every connection but the
    /// authorizer's, and the name and roasted password there if it signs on without BUCP.
    pub struct SignOnFrame {
        /// Always 1.
        pub version: u32,
        /// See `bucp::tlv`.
        pub tlvs: Tlvs,
    }
}

/// Bytes that can't be a FLAP frame: there is no way back into step, the connection is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlapError {
    /// A frame begins with another byte.
    #[error("FLAP marker is {found:#04x}, not 0x2a")]
    BadMarker {
        /// That byte.
        found: u8,
    },
    /// A frame announces more than we take.
    #[error("FLAP payload of {claimed} bytes, at most {limit} are taken")]
    TooLong {
        /// Bytes announced.
        claimed: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The connection ended inside a payload.
    #[error("connection closed inside a FLAP frame, {missing} bytes before its end")]
    CutOff {
        /// Bytes that were still to come.
        missing: usize,
    },
}

/// What the start of a byte buffer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlapProgress {
    /// A whole frame; drop `consumed` bytes from the buffer.
    Frame {
        /// The frame.
        frame: Frame,
        /// Its bytes.
        consumed: usize,
    },
    /// Nothing whole yet.
    NeedMore {
        /// Bytes to come before it is worth asking again.
        at_least: usize,
    },
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Between frames, or inside a header: just closed.
    Closed,
    /// With the 4-byte sign-off `2A 04 sequence`, which open-oscar-server writes to clients that sent no TLV 4A.
    ShortSignOff,
}

/// Finds frames in a buffer. It holds no bytes itself, so a caller's buffer is the only one, and refuses a frame from
/// its header alone: nothing needs to be buffered for a length that is too large.
#[derive(Debug, Clone, Copy)]
pub struct FlapDecoder {
    max_payload: usize,
}

impl Default for FlapDecoder {
    /// Takes every length that the field can state: servers relay messages of 60,000 bytes.
    fn default() -> Self {
        Self::new(usize::from(u16::MAX))
    }
}

impl FlapDecoder {
    /// Takes payloads of at most `max_payload` bytes.
    pub const fn new(max_payload: usize) -> Self {
        Self { max_payload }
    }

    /// Looks at the start of `buffer`. Bad first bytes are refused as soon as they are there.
    pub fn decode(&self, buffer: &[u8]) -> Result<FlapProgress, FlapError> {
        match buffer.first() {
            Some(&MARKER) => {}
            Some(&found) => return Err(FlapError::BadMarker { found }),
            None => return Ok(FlapProgress::NeedMore { at_least: HEADER_LENGTH }),
        }
        let Some((&[_, channel, s0, s1, l0, l1], rest)) = buffer.split_first_chunk::<HEADER_LENGTH>() else {
            return Ok(FlapProgress::NeedMore { at_least: HEADER_LENGTH - buffer.len() });
        };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if length > self.max_payload {
            return Err(FlapError::TooLong { claimed: length, limit: self.max_payload });
        }
        let Some(payload) = rest.get(..length) else {
            return Ok(FlapProgress::NeedMore { at_least: length - rest.len() });
        };
        let frame = Frame {
            channel: channel.into(),
            sequence: u16::from_be_bytes([s0, s1]),
            payload: payload.to_vec(),
        };
        Ok(FlapProgress::Frame { frame, consumed: HEADER_LENGTH + length })
    }

    /// What an end of the connection means with `buffer` not yet consumed.
    pub fn finish(&self, buffer: &[u8]) -> Result<Ending, FlapError> {
        match self.decode(buffer)? {
            FlapProgress::NeedMore { .. } if buffer.len() < HEADER_LENGTH => Ok(match buffer {
                [MARKER, 4, _, _] => Ending::ShortSignOff,
                _ => Ending::Closed,
            }),
            FlapProgress::NeedMore { at_least } => Err(FlapError::CutOff { missing: at_least }),
            FlapProgress::Frame { .. } => Ok(Ending::Closed),
        }
    }
}

/// The 4-byte sign-off `2A 04 sequence`, that open-oscar-server writes to clients that sent no TLV 4A; for servers. The
/// connection is then to be closed: it is no frame.
pub const fn short_sign_off(sequence: u16) -> [u8; 4] {
    let [high, low] = sequence.to_be_bytes();
    [MARKER, 4, high, low]
}

/// Reads the payload of a sign-on frame.
pub fn sign_on(frame: &Frame) -> Result<SignOnFrame, DecodeError> {
    super::Wire::from_bytes(&frame.payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP_ALIVE: [u8; 6] = [0x2a, 5, 0, 9, 0, 0];

    #[test]
    fn a_frame_is_found_only_when_whole() {
        let decoder = FlapDecoder::default();
        for end in 0..KEEP_ALIVE.len() {
            assert_eq!(
                decoder.decode(&KEEP_ALIVE[..end]),
                Ok(FlapProgress::NeedMore { at_least: HEADER_LENGTH - end })
            );
        }
        let frame = Frame { channel: FlapChannel::KeepAlive, sequence: 9, payload: Vec::new() };
        assert_eq!(decoder.decode(&KEEP_ALIVE), Ok(FlapProgress::Frame { frame, consumed: 6 }));
    }

    #[test]
    fn too_long_is_known_from_the_header() {
        let decoder = FlapDecoder::new(100);
        assert_eq!(
            decoder.decode(&[0x2a, 2, 0, 0, 0, 101]),
            Err(FlapError::TooLong { claimed: 101, limit: 100 })
        );
        assert_eq!(decoder.decode(&[0x2a, 2, 0, 0, 0, 100]), Ok(FlapProgress::NeedMore { at_least: 100 }));
    }

    #[test]
    fn a_wrong_marker_is_known_from_the_first_byte() {
        assert_eq!(FlapDecoder::default().decode(b"HTTP"), Err(FlapError::BadMarker { found: b'H' }));
    }

    #[test]
    fn the_end_inside_a_header_is_a_close() {
        let decoder = FlapDecoder::default();
        assert_eq!(decoder.finish(&[]), Ok(Ending::Closed));
        assert_eq!(decoder.finish(&[0x2a, 4, 0, 1]), Ok(Ending::ShortSignOff));
        assert_eq!(decoder.finish(&short_sign_off(0xffff)), Ok(Ending::ShortSignOff));
        assert_eq!(decoder.finish(&[0x2a, 2, 0]), Ok(Ending::Closed));
        assert_eq!(decoder.finish(&[0x2a, 2, 0, 1, 0, 4, 0]), Err(FlapError::CutOff { missing: 3 }));
    }
}
