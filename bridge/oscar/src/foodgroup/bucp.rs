//! 17: signing on with an MD5 challenge; and the roasted password of the older sign-on, which has no SNACs.
//!
//! Source: captured (`libpurple-auth-…`, `bitlbee-auth-…`, `raw-auth-…`); the hashes and the roasting are recomputed from
//! them. TLVs 4, 11 and 54 are generally described, and sent by no server known today.

use super::{snac_body, snac_place};
use crate::wire::{DecodeError, Reader, Tlvs, Wire, Writer};
use md5::{Digest, Md5};

/// TLV types of the authorizer's bodies and of sign-on and sign-off frames.
pub mod tlv {
    /// Screen name.
    pub const SCREEN_NAME: u16 = 0x01;
    /// Sign-on frame: the [`super::roast`]ed password.
    pub const ROASTED_PASSWORD: u16 = 0x02;
    /// What the client calls itself.
    pub const CLIENT_NAME: u16 = 0x03;
    /// Where to read about the error.
    pub const ERROR_URL: u16 = 0x04;
    /// BOS server, `host:port`; the port may be missing.
    pub const BOS_ADDRESS: u16 = 0x05;
    /// The cookie for it.
    pub const COOKIE: u16 = 0x06;
    /// Why not, `u16`.
    pub const ERROR: u16 = 0x08;
    /// Sign-off frame of BOS: why, 1 or 2 bytes.
    pub const DISCONNECT_REASON: u16 = 0x09;
    /// Sign-off frame of BOS: where to read about it.
    pub const DISCONNECT_URL: u16 = 0x0b;
    /// Country.
    pub const COUNTRY: u16 = 0x0e;
    /// Language.
    pub const LANGUAGE: u16 = 0x0f;
    /// E-mail address.
    pub const EMAIL: u16 = 0x11;
    /// Distribution, `u32`.
    pub const DISTRIBUTION: u16 = 0x14;
    /// Client id, `u16`.
    pub const CLIENT_ID: u16 = 0x16;
    /// Major version, `u16`.
    pub const MAJOR: u16 = 0x17;
    /// Minor version, `u16`.
    pub const MINOR: u16 = 0x18;
    /// Lesser version, `u16`.
    pub const LESSER: u16 = 0x19;
    /// Build, `u16`.
    pub const BUILD: u16 = 0x1a;
    /// The MD5 hash, 16 bytes.
    pub const PASSWORD_HASH: u16 = 0x25;
    /// `u8`: 0 or absent old, 1 may share, 3 single.
    pub const MULTI_SIGN_ON: u16 = 0x4a;
    /// Empty: the hash is the newer form.
    pub const NEWER_HASH: u16 = 0x4c;
    /// Where to change the password.
    pub const PASSWORD_URL: u16 = 0x54;
    /// `u8`; 0: without TLS.
    pub const SSL_STATE: u16 = 0x8e;
}

snac_body! { Bucp, 0x02;
    /// c→s: name, hash, who the client is.
    pub struct LoginRequest {
        /// See [`tlv`].
        pub tlvs: Tlvs,
    }
}

impl LoginRequest {
    /// Whether the hash is that of this password under this key, in either form: open-oscar-server asks not which one
    /// [`tlv::NEWER_HASH`] announces.
    pub fn proves(&self, key: &[u8], password: &[u8]) -> bool {
        let hash = self.tlvs.get(tlv::PASSWORD_HASH);
        [newer_hash(key, password), older_hash(key, password)].iter().any(|right| hash == Some(&right[..]))
    }
}

snac_body! { Bucp, 0x03;
    /// s→c: address and cookie, or an error. May come in answer to 17/06 already.
    pub struct LoginResponse {
        /// See [`tlv`].
        pub tlvs: Tlvs,
    }
}

impl LoginResponse {
    /// A yes: the name as it is displayed, the BOS server's address, and a cookie for it. Its TLVs are those of the
    /// sign-off frame too that answers a roasted password.
    pub fn accepted(screen_name: &str, address: &str, cookie: &[u8]) -> Self {
        let tlvs = Tlvs::new()
            .with(tlv::SCREEN_NAME, screen_name)
            .with(tlv::BOS_ADDRESS, address)
            .with(tlv::COOKIE, cookie)
            .with(tlv::SSL_STATE, [0]);
        Self { tlvs }
    }

    /// A no, with a code such as [`crate::sign_on::RefusalCode::WrongPassword`].
    pub fn refused(screen_name: &str, code: impl Into<u16>) -> Self {
        Self { tlvs: Tlvs::new().with(tlv::SCREEN_NAME, screen_name).with_u16(tlv::ERROR, code.into()) }
    }
}

snac_body! { Bucp, 0x06;
    /// c→s: a key, please.
    pub struct ChallengeRequest {
        /// [`tlv::SCREEN_NAME`].
        pub tlvs: Tlvs,
    }
}

/// s→c: the key, `length u16, key`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Challenge {
    /// Any bytes; the same each time for one account at open-oscar-server.
    pub key: Vec<u8>,
}

impl Wire for Challenge {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { key: reader.block16()?.to_vec() })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.block16(&self.key);
    }
}
snac_place!(Bucp, 0x07, Challenge);

/// What every hash ends with.
const SUFFIX: &[u8] = b"AOL Instant Messenger (SM)";

/// `MD5(key + MD5(password) + suffix)`, announced by [`tlv::NEWER_HASH`]; libpurple's form.
pub fn newer_hash(key: &[u8], password: &[u8]) -> [u8; 16] {
    older_hash(key, &Md5::digest(password))
}

/// `MD5(key + password + suffix)`; BitlBee's form. Servers take either, whatever is announced.
pub fn older_hash(key: &[u8], password: &[u8]) -> [u8; 16] {
    Md5::new().chain_update(key).chain_update(password).chain_update(SUFFIX).finalize().into()
}

const ROAST: [u8; 16] =
    [0xf3, 0x26, 0x81, 0xc4, 0x39, 0x86, 0xdb, 0x92, 0x71, 0xa3, 0xb9, 0xe6, 0x53, 0x7a, 0x95, 0x7c];

/// The password as the sign-on frame holds it, and back: XOR with a fixed pattern. It hides nothing.
pub fn roast(password: &[u8]) -> Vec<u8> {
    password.iter().zip(ROAST.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use testkit::capture::unhex;

    // From 17/07 and 17/02 of real clients; see the captures' README.
    const PURPLE_KEY: &[u8] = b"6def9f4b-8f74-4e8f-b238-28516e7d2a44";
    const BITLBEE_KEY: &[u8] = b"a9e9d443-cade-4a3c-9317-c0c55aab29e8";
    const RAW_KEY: &[u8] = b"353ecbbe-4f96-4ccf-8da3-b89338024cf8";

    #[test]
    fn the_newer_hash_is_libpurples() {
        assert_eq!(newer_hash(PURPLE_KEY, b"pass1word"), *unhex("1ef30aa2b62fee5ac6578e458798526c"));
        assert_eq!(newer_hash(PURPLE_KEY, b"wrongpw"), *unhex("d28bbee89f16f13f51fd2843f5d3be96"));
    }

    #[test]
    fn the_older_hash_is_bitlbees() {
        assert_eq!(older_hash(BITLBEE_KEY, b"pass1word"), *unhex("150ad18d65524fd229ce8e7d53d70370"));
        assert_eq!(older_hash(BITLBEE_KEY, b"wrongpw"), *unhex("878f646cfe14eca7f580f3718b3c8f81"));
        assert_eq!(older_hash(RAW_KEY, b"pass1word"), *unhex("6a12345651784855ee08f1cc83944da4"));
    }

    #[test]
    fn a_server_takes_either_hash_whatever_is_announced() {
        for hash in [newer_hash(RAW_KEY, b"pass1word"), older_hash(RAW_KEY, b"pass1word")] {
            for announced in [true, false] {
                let mut login = LoginRequest { tlvs: Tlvs::new().with(tlv::PASSWORD_HASH, hash) };
                if announced {
                    login.tlvs.push(tlv::NEWER_HASH, []);
                }
                assert!(login.proves(RAW_KEY, b"pass1word"));
                assert!(!login.proves(RAW_KEY, b"pass2word") && !login.proves(b"", b"pass1word"));
            }
        }
        assert!(!LoginRequest::default().proves(b"", b""));
    }

    #[test]
    fn roasting_is_its_own_inverse() {
        assert_eq!(roast(b"pass1word"), unhex("8347f2b708f1b4e015"));
        assert_eq!(roast(&roast(b"a password of more than 16 bytes")), b"a password of more than 16 bytes");
    }
}
