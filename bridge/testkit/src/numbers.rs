//! Numbers without a pattern, the same ones for the same seed, and what they make of bytes.

/// Made by xorshift64.
#[derive(Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// `seed` must not be 0.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one, less than `limit`, which must not be 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or_default()
    }

    /// Turns bits, cuts, doubles, splices in parts of `corpus`, or invents. `corpus` must not be empty.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => bytes.truncate(at),
                2 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
                3 => bytes.insert(at, self.byte()),
                4 => {
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len() + 1);
                    bytes.truncate(at);
                    bytes.extend(other[from..].iter().take(5000));
                }
                5 => {
                    let length = self.below(200);
                    *bytes = (0..length).map(|_| self.byte()).collect();
                }
                // A length field, perhaps.
                _ if at + 1 < bytes.len() => bytes[at..at + 2].fill(0xff),
                _ => {}
            }
        }
    }
}
