//! Single values of a configuration that check themselves while they are read, so that an error has its place.

use std::fmt;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use program::Secret;
use serde::Deserialize;

/// A value that can't be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub(crate) String);

/// A password as configured. It never prints.
#[derive(Clone)]
pub enum Password {
    /// The password itself.
    Plain(Secret),
    /// An argon2id hash in PHC form, as `ircd-lite hash-password` prints it.
    Hash(String),
}

impl Password {
    /// Whether `given` is it. With a hash this takes a noticeable time (argon2): not for an event loop.
    pub fn verify(&self, given: &[u8]) -> bool {
        match self {
            Self::Plain(secret) => {
                let own = secret.expose().as_bytes();
                let difference = own.iter().zip(given).fold(0, |sum, (a, b)| sum | (a ^ b));
                own.len() == given.len() && difference == 0 && !own.is_empty()
            }
            Self::Hash(hash) => PasswordHash::new(hash)
                .is_ok_and(|hash| argon2::Argon2::default().verify_password(given, &hash).is_ok()),
        }
    }

    /// The argon2id hash of a password, with a fresh salt.
    ///
    /// # Errors
    /// When the system gives no random numbers, or the password is too long.
    pub fn hash(plain: &str) -> Result<String, InvalidValue> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| InvalidValue(error.to_string()))?;
        let salt = SaltString::encode_b64(&random).map_err(|error| InvalidValue(error.to_string()))?;
        let hash = argon2::Argon2::default().hash_password(plain.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| InvalidValue(error.to_string()))
    }

    /// Checks the form of a hash.
    ///
    /// # Errors
    /// When it is no argon2 hash.
    pub fn from_hash(hash: &str) -> Result<Self, InvalidValue> {
        match PasswordHash::new(hash) {
            Ok(parsed) if parsed.algorithm.as_str().starts_with("argon2") => Ok(Self::Hash(hash.to_owned())),
            _ => Err(InvalidValue("no argon2 hash; make one with `ircd-lite hash-password`".into())),
        }
    }
}

impl From<&str> for Password {
    fn from(plain: &str) -> Self {
        Self::Plain(Secret::new(plain))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Bytes, written as a number or as `100KiB`, `1MiB`, `64kB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SizeText")]
pub struct ByteSize(pub usize);

#[derive(Deserialize)]
#[serde(untagged)]
enum SizeText {
    Number(usize),
    Text(String),
}

impl TryFrom<SizeText> for ByteSize {
    type Error = InvalidValue;

    fn try_from(size: SizeText) -> Result<Self, InvalidValue> {
        let text = match size {
            SizeText::Number(number) => return Ok(Self(number)),
            SizeText::Text(text) => text,
        };
        let error = || InvalidValue(format!("`{text}` is no size such as \"100KiB\""));
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let factor = match unit.trim() {
            "" | "B" => 1,
            "kB" | "KB" => 1000,
            "KiB" => 1024,
            "MB" => 1_000_000,
            "MiB" => 1024 * 1024,
            _ => return Err(error()),
        };
        digits.parse::<usize>().ok().and_then(|n| n.checked_mul(factor)).map(Self).ok_or_else(error)
    }
}

/// `user@host` with wildcards; a host may be a network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostMask(String);

impl HostMask {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostMask {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let text = if text.contains('@') { text } else { format!("*@{text}") };
        if text.bytes().any(|byte| byte <= b' ') || text.ends_with('@') || text.starts_with('@') {
            return Err(InvalidValue(format!("`{text}` is no mask such as \"*@127.0.0.1\"")));
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let size = |text: &str| ByteSize::try_from(SizeText::Text(text.into())).map(|size| size.0);
        assert_eq!((size("100KiB"), size("5"), size("2 MB")), (Ok(102_400), Ok(5), Ok(2_000_000)));
        assert!(size("many").is_err() && size("1TiB").is_err() && size("99999999999999999999").is_err());
    }

    #[test]
    fn an_empty_password_lets_nobody_in() {
        assert!(!Password::from("").verify(b""));
        assert!(Password::from("x").verify(b"x") && !Password::from("x").verify(b"xy"));
        assert_eq!(format!("{:?}", Password::from("hunter2")), "Password(…)");
    }
}
