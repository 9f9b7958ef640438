//! 10: icons and other small pictures. Only the ids of them, which occur in user info: a sign-on needs no more.

use crate::wire::{DecodeError, Reader, Wire, Writer};

/// `type u16, flags u8, length u8, id`: which picture or status text somebody shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BartItem {
    /// 1: buddy icon, 2: status text, …
    pub kind: u16,
    /// 1: custom, 0x40: unknown to the server, please upload.
    pub flags: u8,
    /// MD5 of an icon; `0201D20472` means none.
    pub id: Vec<u8>,
}

impl Wire for BartItem {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { kind: reader.u16()?, flags: reader.u8()?, id: reader.block8()?.to_vec() })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.kind);
        writer.u8(self.flags);
        writer.block8(&self.id);
    }
}
