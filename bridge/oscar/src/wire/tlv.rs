//! TLVs: `type u16, length u16, value`, in the three forms in which bodies hold lists of them.
//!
//! Source: captured, all three.

use super::{DecodeError, EncodeError, Reader, Wire, Writer, text};

/// One type-length-value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tlv {
    /// What it is; types mean different things in different bodies.
    pub kind: u16,
    /// The value, at most 65,535 bytes.
    pub value: Vec<u8>,
}

impl Wire for Tlv {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { kind: reader.u16()?, value: reader.block16()?.to_vec() })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.kind);
        writer.block16(&self.value);
    }
}

/// TLVs in the order in which they came; types that nobody asks for pass through unharmed.
///
/// A type may occur twice (03 and 05 do in real 01/0F bodies); the getters take the first. As [`Wire`] it is the
/// *rest* form, which runs to the end of the bytes; a *block* ([`Tlvs::decode_counted`]) has a count in front, an
/// *L-block* ([`Tlvs::decode_sized`]) a length in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tlvs(pub Vec<Tlv>);

impl Tlvs {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Appends one; for building: `Tlvs::new().with(1, name).with(0x4c, [])`.
    #[must_use]
    pub fn with(mut self, kind: u16, value: impl AsRef<[u8]>) -> Self {
        self.push(kind, value);
        self
    }

    /// Appends a `u16`.
    #[must_use]
    pub fn with_u16(self, kind: u16, value: u16) -> Self {
        self.with(kind, value.to_be_bytes())
    }

    /// Appends a `u32`.
    #[must_use]
    pub fn with_u32(self, kind: u16, value: u32) -> Self {
        self.with(kind, value.to_be_bytes())
    }

    /// Appends one whose value is the byte form of `body`.
    pub fn with_wire(mut self, kind: u16, body: &impl Wire) -> Result<Self, EncodeError> {
        self.0.push(Tlv { kind, value: body.to_bytes()? });
        Ok(self)
    }

    /// Appends one.
    pub fn push(&mut self, kind: u16, value: impl AsRef<[u8]>) {
        self.0.push(Tlv { kind, value: value.as_ref().to_vec() });
    }

    /// Replaces the first of this type where it stands, or appends.
    pub fn set(&mut self, kind: u16, value: impl AsRef<[u8]>) {
        match self.0.iter_mut().find(|tlv| tlv.kind == kind) {
            Some(tlv) => tlv.value = value.as_ref().to_vec(),
            None => self.push(kind, value),
        }
    }

    /// Drops all of this type.
    pub fn remove(&mut self, kind: u16) {
        self.0.retain(|tlv| tlv.kind != kind);
    }

    /// The first value of this type.
    pub fn get(&self, kind: u16) -> Option<&[u8]> {
        self.0.iter().find(|tlv| tlv.kind == kind).map(|tlv| tlv.value.as_slice())
    }

    /// The first value of this type, or the error that names it.
    pub fn require(&self, kind: u16) -> Result<&[u8], DecodeError> {
        self.get(kind).ok_or(DecodeError::MissingTlv(kind))
    }

    /// Whether there is one; empty TLVs are flags.
    pub fn has(&self, kind: u16) -> bool {
        self.get(kind).is_some()
    }

    /// As a number: one, two or four bytes, as servers differ in width (TLV 9 of a sign-off is one byte from
    /// open-oscar-server and two from AOL's).
    pub fn number(&self, kind: u16) -> Option<u32> {
        match *self.get(kind)? {
            [a] => Some(u32::from(a)),
            [a, b] => Some(u32::from(u16::from_be_bytes([a, b]))),
            [a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
            _ => None,
        }
    }

    /// As a number of at most 16 bits.
    pub fn u16(&self, kind: u16) -> Option<u16> {
        self.number(kind).and_then(|number| u16::try_from(number).ok())
    }

    /// As protocol text (names, addresses, URLs), not message text.
    pub fn text(&self, kind: u16) -> Option<String> {
        self.get(kind).map(text)
    }

    /// Reads a *block*: `count u16`, then that many.
    pub fn decode_counted(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // No room is reserved for the count: it is only a claim.
        (0..reader.u16()?).map(|_| Tlv::decode(reader)).collect::<Result<_, _>>().map(Self)
    }

    /// Writes a *block*.
    pub fn encode_counted(&self, writer: &mut Writer) {
        writer.count(self.0.len());
        self.encode(writer);
    }

    /// Reads an *L-block*: `length u16` in bytes, then TLVs.
    pub fn decode_sized(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = reader.u16()?;
        Self::decode(&mut reader.sub(usize::from(length))?)
    }

    /// Writes an *L-block*.
    pub fn encode_sized(&self, writer: &mut Writer) {
        writer.sized16(|inner| self.encode(inner));
    }
}

impl Wire for Tlvs {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Vec::decode(reader).map(Self)
    }

    fn encode(&self, writer: &mut Writer) {
        self.0.encode(writer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_type_wins_and_order_is_kept() {
        let tlvs = Tlvs::new().with_u16(3, 1).with(7, []).with_u16(3, 2);
        assert_eq!(tlvs.u16(3), Some(1));
        assert!(tlvs.has(7));
        let bytes = tlvs.to_bytes().unwrap();
        assert_eq!(Tlvs::from_bytes(&bytes).unwrap(), tlvs);
    }

    #[test]
    fn a_count_without_the_tlvs_is_an_error() {
        assert!(Tlvs::decode_counted(&mut Reader::new(&[0xff, 0xff, 0, 1, 0, 0])).is_err());
    }

    #[test]
    fn numbers_come_in_three_widths() {
        let tlvs = Tlvs::new().with(1, [9]).with(2, [0, 9]).with(3, [0, 0, 0, 9]).with(4, [1, 2, 3]);
        assert_eq!([1, 2, 3, 4].map(|kind| tlvs.u16(kind)), [Some(9), Some(9), Some(9), None]);
    }
}
