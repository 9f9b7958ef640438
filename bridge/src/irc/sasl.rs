//! SASL PLAIN over AUTHENTICATE (IRCv3 sasl-3.1), before registration ends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use program::Secret;

use super::text::Word;

/// The account that we sign in to.
#[derive(Debug, Clone)]
pub struct SaslAccount {
    /// Its name.
    pub account: String,
    /// Its password.
    pub password: Secret,
}

/// Longest piece of one AUTHENTICATE.
const PIECE: usize = 400;

/// The answer to `AUTHENTICATE +`: base64 of authzid, account and password in pieces of 400 bytes; one that ends on a
/// full piece is followed by `+`.
pub(super) fn plain(credentials: &SaslAccount) -> Vec<Word> {
    let account = &credentials.account;
    let encoded = STANDARD.encode(format!("\0{account}\0{}", credentials.password.expose()));
    let mut pieces: Vec<Word> = encoded
        .as_bytes()
        .chunks(PIECE)
        .filter_map(|piece| Word::new(std::str::from_utf8(piece).ok()?))
        .collect();
    if encoded.len().is_multiple_of(PIECE) {
        pieces.extend(Word::new("+"));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(password: &str) -> Vec<usize> {
        let account = SaslAccount { account: "jilles".into(), password: Secret::new(password) };
        plain(&account).iter().map(|piece| piece.as_str().len()).collect()
    }

    #[test]
    fn full_pieces_are_closed_by_a_plus() {
        let account = SaslAccount { account: "jilles".into(), password: Secret::new("sesame") };
        assert_eq!(plain(&account)[0].as_str(), "AGppbGxlcwBzZXNhbWU=");
        assert_eq!(pieces(&"x".repeat(300 - 8)), [400, 1]);
        assert_eq!(pieces(&"x".repeat(300 - 7)), [400, 4]);
    }
}
