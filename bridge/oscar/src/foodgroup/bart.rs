//! 10: icons and other small pictures. Only the ids of them, which occur in user info: a sign-on needs no more. The group's
//! own requests can be made with [`crate::service::ServiceSession::request`].
//!
//! Source: captured (01/0F, 01/1E, 01/21, and items of the buddy list).

use crate::wire::{DecodeError, Reader, Wire, Writer};

/// `type u16, flags u8, length u8, id`: which picture or status text somebody shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BartItem {
    /// [`BartItem::ICON`], [`BartItem::STATUS_TEXT`], or one of some twenty more.
    pub kind: u16,
    /// 1: custom, 0x40: unknown to the server, please upload.
    pub flags: u8,
    /// MD5 of an icon, or [`BartItem::NO_ICON`].
    pub id: Vec<u8>,
}

impl BartItem {
    /// Kind: the icon beside a name.
    pub const ICON: u16 = 1;
    /// Kind: the words beside a status.
    pub const STATUS_TEXT: u16 = 2;
    /// The id that says that there is no icon.
    pub const NO_ICON: &[u8] = b"\x02\x01\xd2\x04\x72";
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
