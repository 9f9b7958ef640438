//! Bytes to values and back: FLAP frames, SNACs, TLVs, and the cursors they are read and written with.
//!
//! The cursors borrow what was received; values own what they keep, for a frame's buffer is used again before they are done with.
//! Nothing here knows what a food group's body means, reads a socket or a clock, or allocates more than a small
//! multiple of the bytes that have really arrived. All integers are big-endian unless a name says `le`.
//!
//! ```
//! use oscar_im::wire::flap::FlapProgress;
//! use oscar_im::wire::{FlapChannel, FlapDecoder, Frame, Tlvs, Wire};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A buffer that a socket has filled with a frame and a half.
//! let bytes = b"\x2a\x04\x00\x07\x00\x06\x00\x09\x00\x02\x00\x01\x2a\x02\x00";
//! let FlapProgress::Frame { frame, consumed } = FlapDecoder::default().decode(bytes)? else { unreachable!() };
//! assert_eq!((frame.channel, frame.sequence, consumed), (FlapChannel::SignOff, 7, 12));
//! assert_eq!(Tlvs::from_bytes(&frame.payload)?.u16(9), Some(1), "signed on elsewhere");
//! assert_eq!(frame.encode()?, bytes[..12]);
//! assert!(matches!(FlapDecoder::default().decode(&bytes[12..])?, FlapProgress::NeedMore { .. }));
//!
//! // And the same frame made.
//! let made = Frame { sequence: 7, ..Frame::new(FlapChannel::SignOff, Tlvs::new().with_u16(9, 1).to_bytes()?) };
//! assert_eq!(made, frame);
//! # Ok(())
//! # }
//! ```

pub mod flap;
pub mod reader;
pub mod snac;
pub mod tlv;
pub mod writer;

pub use flap::{FlapChannel, FlapDecoder, FlapError, Frame, SignOnFrame};
pub use reader::Reader;
pub use snac::{Snac, SnacFlags};
pub use tlv::{Tlv, Tlvs};
pub use writer::Writer;

use crate::ScreenName;

/// A body or part of one that is not what OSCAR says it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("{needed} bytes are needed where {left} are left")]
    Truncated {
        /// Bytes the value takes.
        needed: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A TLV that a body can't do without is absent.
    #[error("TLV {0:#06x} is missing")]
    MissingTlv(u16),
    /// A value that no reading of the body allows.
    #[error("{0}")]
    Invalid(&'static str),
}

/// A value too long for the length field in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value is longer than its length field can say")]
pub struct EncodeError;

/// A value with one byte form. Structures are the sum of their fields in order; a list runs to the end of the bytes.
pub trait Wire: Sized {
    /// Reads the value and leaves the reader behind it.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
    /// Appends the value.
    fn encode(&self, writer: &mut Writer);

    /// Reads the value from the start of `bytes`. What follows it is ignored: newer peers append fields.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(&mut Reader::new(bytes))
    }

    /// The value alone.
    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        let mut writer = Writer::with_capacity(USUAL);
        self.encode(&mut writer);
        writer.finish()
    }
}

impl Wire for u8 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u8()
    }
    fn encode(&self, writer: &mut Writer) {
        writer.u8(*self);
    }
}

impl Wire for u16 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u16()
    }
    fn encode(&self, writer: &mut Writer) {
        writer.u16(*self);
    }
}

impl Wire for u32 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u32()
    }
    fn encode(&self, writer: &mut Writer) {
        writer.u32(*self);
    }
}

impl<const N: usize> Wire for [u8; N] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array()
    }
    fn encode(&self, writer: &mut Writer) {
        writer.bytes(self);
    }
}

/// `length u8, bytes`. Bytes that are no UTF-8 are read as ISO-8859-1, and go on as they came.
impl Wire for ScreenName {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.block8().map(Self::from_wire)
    }
    fn encode(&self, writer: &mut Writer) {
        writer.block8(&self.to_wire());
    }
}

/// To the end of the bytes. An item takes at least one byte, so the list can't outgrow what arrived.
impl<T: Wire> Wire for Vec<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut items = Self::new();
        while !reader.is_empty() {
            let before = reader.remaining();
            items.push(T::decode(reader)?);
            if reader.remaining() == before {
                return Err(DecodeError::Invalid("a list item without bytes"));
            }
        }
        Ok(items)
    }
    fn encode(&self, writer: &mut Writer) {
        for item in self {
            item.encode(writer);
        }
    }
}

/// Most values have fewer bytes; a message of some words has.
const USUAL: usize = 256;

/// Text of protocol fields (names, addresses, keys): UTF-8, else ISO-8859-1. Message text has its own charset.
pub fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

/// A structure whose byte form is its fields in order.
macro_rules! wire_struct {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }

        impl $crate::wire::Wire for $name {
            #[allow(unused_variables)]
            fn decode(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::DecodeError> {
                Ok(Self { $($field: <$type as $crate::wire::Wire>::decode(reader)?),* })
            }
            #[allow(unused_variables)]
            fn encode(&self, writer: &mut $crate::wire::Writer) {
                $($crate::wire::Wire::encode(&self.$field, writer);)*
            }
        }
    };
}
pub(crate) use wire_struct;
