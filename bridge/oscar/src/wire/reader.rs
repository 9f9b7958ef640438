//! A cursor over received bytes that can't overrun them.

use super::DecodeError;

/// Reads values from the front of a slice. Every read either succeeds wholly or leaves an error; no index is computed
/// from what the bytes claim.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// Bytes not yet read.
    pub const fn remaining(&self) -> usize {
        self.left.len()
    }

    /// Whether all is read.
    pub const fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Everything not yet read.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, left) = self
            .left
            .split_at_checked(count)
            .ok_or(DecodeError::Truncated { needed: count, left: self.left.len() })?;
        self.left = left;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, left) = self
            .left
            .split_first_chunk::<N>()
            .ok_or(DecodeError::Truncated { needed: N, left: self.left.len() })?;
        self.left = left;
        Ok(*taken)
    }

    /// A reader over exactly the next `count` bytes.
    pub fn sub(&mut self, count: usize) -> Result<Self, DecodeError> {
        self.bytes(count).map(Self::new)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Two bytes, little-endian (ICQ's own food group).
    pub fn u16_le(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, little-endian (ICQ's own food group).
    pub fn u32_le(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// `length u8` and that many bytes.
    pub fn block8(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.u8()?;
        self.bytes(usize::from(length))
    }

    /// `length u16` and that many bytes.
    pub fn block16(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.u16()?;
        self.bytes(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_past_the_end_fails_and_takes_nothing() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16(), Ok(0x0102));
        assert_eq!(reader.u16(), Err(DecodeError::Truncated { needed: 2, left: 1 }));
        assert_eq!(reader.u8(), Ok(3));
        assert!(reader.is_empty());
    }

    #[test]
    fn a_block_can_not_claim_more_than_there_is() {
        assert!(Reader::new(&[0xff, 0xff, 1]).block16().is_err());
        assert_eq!(Reader::new(&[0, 1, 7, 8]).block16(), Ok(&[7u8][..]));
    }
}
