//! SNACs: what FLAP data frames carry.
//!
//! Source: captured; the extension is how libpurple, BitlBee and open-oscar-server alike read it.

use super::{DecodeError, EncodeError, Reader, Writer};
use crate::foodgroup::{FoodGroup, SnacBody};

/// Group, subgroup, flags, request id.
const HEADER_LENGTH: usize = 10;

/// The flags word of a SNAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SnacFlags(pub u16);

impl SnacFlags {
    /// More replies with the same request id follow (13/06 in several parts).
    pub const MORE: u16 = 0x0001;
    /// The body starts with `length u16` and that many bytes to skip.
    pub const EXTENDED: u16 = 0x8000;

    /// Whether more replies with the same request id follow.
    pub const fn more_follows(self) -> bool {
        self.0 & Self::MORE != 0
    }
}

/// `group u16, subgroup u16, flags u16, request id u32`, and the body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Snac {
    /// The food group (also called family).
    pub group: FoodGroup,
    /// Which of the group's bodies it is (also called subtype).
    pub subgroup: u16,
    /// See [`SnacFlags`]. [`SnacFlags::EXTENDED`] is set exactly when there is an extension, whatever stands here.
    pub flags: SnacFlags,
    /// Replies repeat it. Not unique: BitlBee sends most queries with 0. Servers set the high bit in what they
    /// start themselves.
    pub request_id: u32,
    /// The block that flag 0x8000 announces, without its length: TLVs that no client needs.
    pub extension: Option<Vec<u8>>,
    /// The body; [`crate::foodgroup::Body::decode`] gives it a type.
    pub body: Vec<u8>,
}

impl Snac {
    /// Request id of what a server sends unasked: open-oscar-server's, and some old clients rely on its high bit.
    pub const UNASKED: u32 = 0x8000_0000;

    /// With a typed body and no flags.
    pub fn new<B: SnacBody>(request_id: u32, body: &B) -> Result<Self, EncodeError> {
        Ok(Self {
            group: B::GROUP,
            subgroup: B::SUBGROUP,
            flags: SnacFlags::default(),
            request_id,
            extension: None,
            body: body.to_bytes()?,
        })
    }

    /// Its body, if it is a `B`.
    pub fn body_as<B: SnacBody>(&self) -> Option<Result<B, DecodeError>> {
        (self.group == B::GROUP && self.subgroup == B::SUBGROUP).then(|| B::from_bytes(&self.body))
    }

    /// From the payload of a FLAP data frame.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        let group = FoodGroup::from(reader.u16()?);
        let subgroup = reader.u16()?;
        let flags = SnacFlags(reader.u16()?);
        let request_id = reader.u32()?;
        let extension = match flags.0 & SnacFlags::EXTENDED {
            0 => None,
            _ => Some(reader.block16()?.to_vec()),
        };
        Ok(Self { group, subgroup, flags, request_id, extension, body: reader.rest().to_vec() })
    }

    /// The payload of a FLAP data frame. Its length is checked when it becomes a frame.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut writer = Writer::with_capacity(HEADER_LENGTH + self.body.len());
        writer.u16(self.group.into());
        writer.u16(self.subgroup);
        let extended = if self.extension.is_some() { SnacFlags::EXTENDED } else { 0 };
        writer.u16(self.flags.0 & !SnacFlags::EXTENDED | extended);
        writer.u32(self.request_id);
        if let Some(extension) = &self.extension {
            writer.block16(extension);
        }
        writer.bytes(&self.body);
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_skipped_and_kept() {
        let payload = [0, 1, 0, 3, 0x80, 1, 0, 0, 0, 9, 0, 2, 0xaa, 0xbb, 0, 4];
        let snac = Snac::decode(&payload).unwrap();
        assert_eq!(snac.group, FoodGroup::Oservice);
        assert_eq!(snac.extension.as_deref(), Some(&[0xaa, 0xbb][..]));
        assert_eq!(snac.body, [0, 4]);
        assert!(snac.flags.more_follows());
        assert_eq!(snac.encode().unwrap(), payload);
    }

    #[test]
    fn an_extension_can_not_claim_more_than_there_is() {
        assert!(Snac::decode(&[0, 1, 0, 3, 0x80, 0, 0, 0, 0, 9, 0, 20, 1]).is_err());
    }
}
