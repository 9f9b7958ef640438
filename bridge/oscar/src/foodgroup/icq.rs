//! 15: ICQ's own group, as far as clients ask on sign-on. BitlBee does so on AIM accounts too.

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
    /// s→c: one of them.
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
