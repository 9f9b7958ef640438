//! Pictures that clients have stored (10/02), by their MD5. Kept while the server runs, the oldest forgotten for one
//! more.

use std::collections::VecDeque;

use md5::{Digest, Md5};

/// Pictures that are kept.
const MAX_PICTURES: usize = 256;
/// Bytes of one; icons of AIM's own clients have at most 7,168.
const MAX_BYTES: usize = 8192;

/// What a picture is asked for by.
pub(crate) type Hash = [u8; 16];

/// All pictures.
#[derive(Debug, Default)]
pub(crate) struct Pictures(VecDeque<(Hash, Vec<u8>)>);

impl Pictures {
    /// Keeps a picture. None: it is too big.
    pub(crate) fn store(&mut self, picture: &[u8]) -> Option<Hash> {
        if picture.len() > MAX_BYTES {
            return None;
        }
        let hash: Hash = Md5::digest(picture).into();
        if self.get(&hash).is_none() {
            if self.0.len() >= MAX_PICTURES {
                self.0.pop_front();
            }
            self.0.push_back((hash, picture.to_vec()));
        }
        Some(hash)
    }

    /// The picture with this hash.
    pub(crate) fn get(&self, hash: &[u8]) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| known == hash).map(|(_, picture)| picture.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_kept_as_there_is_room_for() {
        let mut pictures = Pictures::default();
        let first = pictures.store(b"first").unwrap();
        assert_eq!(pictures.store(b"first"), Some(first));
        assert_eq!(pictures.get(&first), Some(&b"first"[..]));
        for number in 0..MAX_PICTURES {
            pictures.store(&number.to_be_bytes()).unwrap();
        }
        assert_eq!(pictures.get(&first), None);
        assert_eq!(pictures.0.len(), MAX_PICTURES);
        assert_eq!(pictures.store(&[0; MAX_BYTES + 1]), None);
    }
}
