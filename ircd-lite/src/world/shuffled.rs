//! Numbers of which each comes once, in an order that only the holder of the key can foretell: whoever sees two of them
//! doesn't learn how many were given in between.

use std::hash::{DefaultHasher, Hasher};

/// Three rounds make a Feistel network as good as its round function is.
const ROUNDS: u64 = 3;
const HALF: u64 = u32::MAX as u64;

/// The numbers.
#[derive(Debug)]
pub(crate) struct Shuffled {
    key: u64,
    count: u64,
}

impl Shuffled {
    /// The order that belongs to `key`.
    pub(crate) fn new(key: u64) -> Self {
        Self { key, count: 0 }
    }

    /// One more.
    pub(crate) fn next(&mut self) -> u64 {
        self.count = self.count.wrapping_add(1);
        let (mut left, mut right) = (self.count >> 32, self.count & HALF);
        for round in 0..ROUNDS {
            // SipHash, which is made for a secret key.
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(self.key);
            hasher.write_u64(right << 8 | round);
            (left, right) = (right, left ^ (hasher.finish() & HALF));
        }
        left << 32 | right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_comes_once_and_neighbours_are_far_apart() {
        let mut shuffled = Shuffled::new(7);
        let numbers: Vec<u64> = (0..10_000).map(|_| shuffled.next()).collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len());
        let near = numbers.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 1 << 40).count();
        assert!(near < 10, "{near}");
    }

    #[test]
    fn another_key_gives_another_order() {
        assert_ne!(Shuffled::new(7).next(), Shuffled::new(8).next());
    }
}
