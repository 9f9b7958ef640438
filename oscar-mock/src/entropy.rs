//! Where random bytes come from: the operating system, or a counter in tests.

use std::fmt;

/// A source of bytes for cookies and keys.
pub(crate) struct Entropy(Source);

type Source = Box<dyn FnMut(&mut [u8]) + Send + Sync>;

impl Entropy {
    /// From the operating system. A failure there (none is known on a running Linux) is logged and leaves zeros: a
    /// cookie could be guessed then.
    pub(crate) fn system() -> Self {
        Self(Box::new(|bytes| {
            if let Err(error) = getrandom::fill(bytes) {
                tracing::error!(%error, "no random bytes");
            }
        }))
    }

    /// The same bytes each time, never twice in a row.
    #[cfg(test)]
    pub(crate) fn counting() -> Self {
        let mut count = 0u8;
        Self(Box::new(move |bytes| {
            count = count.wrapping_add(1);
            bytes.fill(count);
        }))
    }

    /// `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// A key for BUCP: 36 characters in the shape of a UUID, as open-oscar-server's are.
    pub(crate) fn key(&mut self) -> String {
        let number = u128::from_be_bytes(self.array());
        let part = |shift: u32, digits: usize| {
            let mask = (1u128 << (4 * digits)) - 1;
            format!("{:0digits$x}", (number >> shift) & mask)
        };
        [part(96, 8), part(80, 4), part(64, 4), part(48, 4), part(0, 12)].join("-")
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_has_the_shape_of_a_uuid() {
        assert_eq!(super::Entropy::counting().key(), "01010101-0101-0101-0101-010101010101");
    }
}
