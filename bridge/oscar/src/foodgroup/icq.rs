//! 15: ICQ's own group, as far as clients ask on sign-on. BitlBee does so on AIM accounts too.
//!
//! Source: captured, but for stored messages in it ([`OfflineMessage`]).

use super::snac_body;
use crate::wire::{DecodeError, EncodeError, Reader, Tlvs, Wire, Writer};

/// TLV type of the [`Meta`].
pub const META: u16 = 0x01;

/// [`Meta::kind`]s.
pub mod kind {
    /// c→s: hand out stored messages.
    pub const OFFLINE_QUERY: u16 = 0x3c;
    /// c→s: and forget them.
    pub const OFFLINE_DELETE: u16 = 0x3e;
    /// s→c: one of them, an [`super::OfflineMessage`]. open-oscar-server sends them as 04/07 instead.
    pub const OFFLINE_MESSAGE: u16 = 0x41;
    /// s→c: those were they.
    pub const OFFLINE_DONE: u16 = 0x42;
}

snac_body! { Icq, 0x02;
    /// c→s: a request in TLV 1.
    pub struct ToHost {
        /// [`META`].
        pub tlvs: Tlvs,
    }
}

snac_body! { Icq, 0x03;
    /// s→c: an answer in TLV 1.
    pub struct ToClient {
        /// [`META`].
        pub tlvs: Tlvs,
    }
}

impl ToHost {
    /// Around a request.
    pub fn of_meta(meta: &Meta) -> Result<Self, EncodeError> {
        Ok(Self { tlvs: Tlvs::new().with_wire(META, meta)? })
    }

    /// The request.
    pub fn meta(&self) -> Result<Meta, DecodeError> {
        Meta::from_bytes(self.tlvs.require(META)?)
    }
}

impl ToClient {
    /// The answer.
    pub fn meta(&self) -> Result<Meta, DecodeError> {
        Meta::from_bytes(self.tlvs.require(META)?)
    }

    /// Around an answer.
    pub fn of_meta(meta: &Meta) -> Result<Self, EncodeError> {
        Ok(Self { tlvs: Tlvs::new().with_wire(META, meta)? })
    }
}

/// The [`Meta::data`] of [`kind::OFFLINE_MESSAGE`], in little-endian: `number u32, year u16, month u8, day u8, hour u8,
/// minute u8, kind u8, flags u8, length u16, text with a zero`.
///
/// Source: open-oscar-server's `wire/snacs.go`; not in the captures.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct OfflineMessage {
    /// The sender's ICQ number.
    pub uin: u32,
    /// When it was sent, in the server's time.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// See [`super::icbm::icq_kind`].
    pub kind: u8,
    /// 0 mostly.
    pub flags: u8,
    /// The text, in whatever charset the sender's system has, without the zero.
    pub text: Vec<u8>,
}

impl Wire for OfflineMessage {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self {
            uin: reader.u32_le()?,
            year: reader.u16_le()?,
            month: reader.u8()?,
            day: reader.u8()?,
            hour: reader.u8()?,
            minute: reader.u8()?,
            kind: reader.u8()?,
            flags: reader.u8()?,
            text: Vec::new(),
        };
        let length = reader.u16_le()?;
        let text = reader.bytes(usize::from(length))?;
        message.text = text.strip_suffix(&[0]).unwrap_or(text).to_vec();
        Ok(message)
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u32_le(self.uin);
        writer.u16_le(self.year);
        for byte in [self.month, self.day, self.hour, self.minute, self.kind, self.flags] {
            writer.u8(byte);
        }
        // A TLV can't hold what would overflow here.
        writer.u16_le(u16::try_from(self.text.len().saturating_add(1)).unwrap_or(u16::MAX));
        writer.bytes(&self.text);
        writer.u8(0);
    }
}

/// What TLV 1 holds, in little-endian: `length u16, number u32, kind u16, sequence u16, data`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Meta {
    /// The user's ICQ number; 0 on AIM accounts.
    pub uin: u32,
    /// See [`kind`].
    pub kind: u16,
    /// Answers repeat it.
    pub sequence: u16,
    /// The rest.
    pub data: Vec<u8>,
}

impl Wire for Meta {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = reader.u16_le()?;
        let mut reader = reader.sub(usize::from(length))?;
        Ok(Self {
            uin: reader.u32_le()?,
            kind: reader.u16_le()?,
            sequence: reader.u16_le()?,
            data: reader.rest().to_vec(),
        })
    }

    fn encode(&self, writer: &mut Writer) {
        // 8 bytes of fields; a TLV can't hold what would overflow here.
        writer.u16_le(u16::try_from(self.data.len().saturating_add(8)).unwrap_or(u16::MAX));
        writer.u32_le(self.uin);
        writer.u16_le(self.kind);
        writer.u16_le(self.sequence);
        writer.bytes(&self.data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_stored_messages_is_bitlbees() {
        let meta = Meta { uin: 0, kind: kind::OFFLINE_QUERY, sequence: 0x0b, data: Vec::new() };
        let asked = ToHost::of_meta(&meta).unwrap();
        // From the captures.
        assert_eq!(asked.to_bytes().unwrap(), b"\x00\x01\x00\x0a\x08\x00\x00\x00\x00\x00\x3c\x00\x0b\x00");
        assert_eq!(asked.meta(), Ok(meta));
    }

    #[test]
    fn a_stored_message_is_read() {
        let bytes = b"\x40\xe2\x01\x00\xd3\x07\x05\x0e\x17\x3b\x01\x00\x06\x00hello\x00";
        let message = OfflineMessage::from_bytes(bytes).unwrap();
        assert_eq!((message.uin, message.year, message.kind), (123_456, 2003, 1));
        assert_eq!((message.month, message.day, message.hour, message.minute), (5, 14, 23, 59));
        assert_eq!(message.text, b"hello");
        assert_eq!(message.to_bytes().unwrap(), bytes);
    }
}
