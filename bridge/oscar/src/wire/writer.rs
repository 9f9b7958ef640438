//! Appends values to a byte buffer, with length fields filled in behind.

use super::EncodeError;

/// A growing buffer. A value that doesn't fit its length field is remembered and reported once, by
/// [`Writer::finish`], so that encoders read as a list of fields.
#[derive(Debug, Default, Clone)]
pub struct Writer {
    buffer: Vec<u8>,
    overflowed: bool,
}

impl Writer {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empty, with room for so many bytes before it has to grow.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { buffer: Vec::with_capacity(bytes), overflowed: false }
    }

    /// The bytes, unless a length field overflowed.
    pub fn finish(self) -> Result<Vec<u8>, EncodeError> {
        if self.overflowed { Err(EncodeError) } else { Ok(self.buffer) }
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.buffer.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    /// Two bytes, little-endian.
    pub fn u16_le(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    /// Four bytes, little-endian.
    pub fn u32_le(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// `length u8` and the bytes.
    pub fn block8(&mut self, bytes: &[u8]) {
        match u8::try_from(bytes.len()) {
            Ok(length) => {
                self.u8(length);
                self.bytes(bytes);
            }
            Err(_) => self.overflowed = true,
        }
    }

    /// `length u16` and the bytes.
    pub fn block16(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes(bytes);
    }

    /// A `u16` count of items that follow.
    pub fn count(&mut self, count: usize) {
        match u16::try_from(count) {
            Ok(count) => self.u16(count),
            Err(_) => self.overflowed = true,
        }
    }

    /// `length u16` and whatever `fill` writes.
    pub fn sized16(&mut self, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::new();
        fill(&mut inner);
        self.overflowed |= inner.overflowed;
        self.block16(&inner.buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_is_reported_at_the_end() {
        let mut writer = Writer::new();
        writer.sized16(|inner| inner.block8(&[0; 256]));
        assert_eq!(writer.finish(), Err(EncodeError));
    }

    #[test]
    fn lengths_are_filled_in() {
        let mut writer = Writer::new();
        writer.sized16(|inner| {
            inner.u16(5);
            inner.block8(b"x");
        });
        assert_eq!(writer.finish(), Ok(vec![0, 4, 0, 5, 1, b'x']));
    }
}
