//! Signing on at the authorizer: from a name and a password to the address and cookie of the BOS server, or to the
//! reason why not.
//!
//! A machine without I/O: give it each frame that came ([`SignOn::receive`]), send what it hands out
//! ([`SignOn::poll_transmit`]), until there is an [`SignOn::outcome`]. It does not time out: whoever holds the socket
//! sets the deadline.
//!
//! ```text
//! c→s  channel 1, then 17/06 with the name          (nothing is waited for: real clients don't either)
//! s→c  17/07 with a key, or already 17/03 with an error
//! c→s  17/02 with the hash
//! s→c  17/03 with address and cookie, or an error; channel 4
//! ```
//!
//! [`Method::Roasted`] has one frame each way: channel 1 with name and password, channel 4 with the answer.
//!
//! Source: captured, both hashes and the roasted password, and the refusals 1, 5 and 1D; the other refusals are those that
//! libpurple, BitlBee and open-oscar-server know.

use crate::ScreenName;
use crate::foodgroup::Body;
use crate::foodgroup::bucp::{
    ChallengeRequest, LoginRequest, LoginResponse, newer_hash, older_hash, roast, tlv,
};
use crate::outgoing::Outgoing;
use crate::wire::{DecodeError, EncodeError, FlapChannel, Frame, SignOnFrame, Snac, Tlvs, Wire};
use std::fmt;

/// How the password is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Method {
    /// BUCP, newer hash (libpurple).
    #[default]
    NewerMd5,
    /// BUCP, older hash (BitlBee).
    OlderMd5,
    /// In the sign-on frame, hidden by a fixed pattern (AIM 1 to 3, ICQ). Anyone who sees the bytes can read it.
    Roasted,
}

/// What the client says that it is. Some servers refuse versions that they think too old.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// In words (TLV 3).
    pub name: String,
    /// A number that says which program (TLV 16).
    pub client_id: u16,
    /// Version, first part (TLV 17).
    pub major: u16,
    /// Version, second part (TLV 18).
    pub minor: u16,
    /// Version, third part (TLV 19).
    pub lesser: u16,
    /// Version, fourth part (TLV 1A).
    pub build: u16,
    /// Who gave it out (TLV 14).
    pub distribution: u32,
    /// Two letters (TLV F).
    pub language: String,
    /// Two letters (TLV E).
    pub country: String,
    /// Whether the name may be signed on from other places too.
    pub sharing: Sharing,
}

/// Whether a screen name may be signed on twice (TLV 4A); of [`Method::Roasted`] servers think that it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// The new session ends the old one. So a client that lost its connection also ends what the server still takes
    /// for its session, which would go on to receive messages.
    #[default]
    Single,
    /// Both get every message, if both say so.
    Shared,
}

impl From<Sharing> for u8 {
    fn from(sharing: Sharing) -> Self {
        match sharing {
            Sharing::Shared => 1,
            Sharing::Single => 3,
        }
    }
}

impl Default for Identity {
    /// This crate, with the version numbers of AIM 5.1, which every server takes.
    fn default() -> Self {
        Self {
            name: concat!("oscar-im/", env!("CARGO_PKG_VERSION")).into(),
            client_id: 0x0109,
            major: 5,
            minor: 1,
            lesser: 0,
            build: 3036,
            distribution: 0x0611,
            language: "en".into(),
            country: "us".into(),
            sharing: Sharing::default(),
        }
    }
}

/// What signs on, and as whom.
#[derive(Clone)]
pub struct Credentials {
    /// Who: 1 to 97 bytes; servers are stricter.
    pub screen_name: ScreenName,
    /// Sent hashed or roasted; AIM's are 4 to 16 characters, ICQ's 6 to 8. Never printed.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("screen_name", &self.screen_name).finish_non_exhaustive()
    }
}

/// Where to go on: what the authorizer's yes (17/03) says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authorized {
    /// The name as the server displays it.
    pub screen_name: ScreenName,
    /// The BOS server.
    pub address: Address,
    /// To be sent unchanged in the sign-on frame there. A secret while it is valid.
    pub cookie: Vec<u8>,
    /// The account's e-mail address (TLV 11), from servers that have one.
    pub email: Option<String>,
    /// Where to change the password (TLV 54), from servers that have such a place.
    pub password_url: Option<String>,
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized")
            .field("screen_name", &self.screen_name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A server's address as TLV 5 gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Name or number, without brackets.
    pub host: String,
    /// May be missing: then it is the port of the server that said so.
    pub port: Option<u16>,
}

impl Address {
    /// Reads `host`, `host:port`, `[2001:db8::1]:port`. None if there is no host or the port is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (host, behind) = bracketed.split_once(']')?;
                (host, behind.strip_prefix(':'))
            }
            // More than one colon without brackets is an IPv6 address without a port.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = port.map(str::parse).transpose().ok()?;
        (!host.is_empty()).then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

macro_rules! refusals {
    ($($name:ident = $number:literal, $permanent:literal, $words:literal;)*) => {
        /// Why the server does not let somebody on (TLV 8), with words for a person.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RefusalCode {
            $(#[doc = $words] $name,)*
            /// A code without a known meaning.
            Other(u16),
        }

        impl From<u16> for RefusalCode {
            fn from(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<RefusalCode> for u16 {
            fn from(code: RefusalCode) -> Self {
                match code {
                    $(RefusalCode::$name => $number,)*
                    RefusalCode::Other(other) => other,
                }
            }
        }

        impl RefusalCode {
            /// Whether trying again with the same name, password and client is of no use until a person has changed
            /// something.
            pub const fn is_permanent(self) -> bool {
                match self {
                    $(Self::$name => $permanent,)*
                    Self::Other(_) => false,
                }
            }
        }

        impl fmt::Display for RefusalCode {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($words),)*
                    Self::Other(other) => write!(f, "the server refuses the sign-on with code {other:#04x}"),
                }
            }
        }
    };
}

refusals! {
    UnknownName = 0x01, true, "there is no such screen name";
    Unavailable = 0x02, false, "the service is not available for the moment";
    WrongPassword = 0x05, true, "the password is wrong";
    InvalidAccount = 0x07, true, "the account is not valid";
    DeletedAccount = 0x08, true, "the account has been deleted";
    ExpiredAccount = 0x09, true, "the account has expired";
    Suspended = 0x11, true, "the account is suspended";
    TemporarilyUnavailable = 0x14, false, "the service is not available for the moment, try again later";
    TooFrequent = 0x18, false, "this screen name signs on too often, wait some minutes";
    WarnedTooMuch = 0x19, false, "the account has been warned too often";
    ClientTooOld = 0x1c, true, "the server takes this client's version for too old";
    TooManyFromAddress = 0x1d, false, "there are too many sign-ons from this address, wait some minutes";
    BadSecurId = 0x20, true, "the SecurID code is wrong";
    UnderAge = 0x22, true, "the account's owner is too young";
}

/// A refused sign-on: what the authorizer's no says, in 17/03 or a sign-off frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// Where the server explains it.
    pub url: Option<String>,
}

/// Why there is neither an address nor a refusal: the peer did not keep to the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignOnError {
    /// The server said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A body that can't be read.
    #[error("the server's answer can not be read: {0}")]
    Malformed(#[from] DecodeError),
    /// TLV 5 is no address.
    #[error("the server names no address to go on at")]
    BadAddress,
    /// It ended the connection without an answer.
    #[error("the server closed the connection without an answer")]
    Closed,
    /// The name or password does not fit its field.
    #[error("the screen name or the password is too long")]
    TooLong,
}

/// The machine. See the module's documentation.
#[derive(Debug)]
pub struct SignOn {
    credentials: Credentials,
    identity: Identity,
    method: Method,
    outgoing: Outgoing,
    outcome: Option<Result<Authorized, SignOnError>>,
}

impl SignOn {
    /// Ready to send its first frames.
    pub fn new(credentials: Credentials, identity: Identity, method: Method) -> Self {
        let mut machine =
            Self { credentials, identity, method, outgoing: Outgoing::default(), outcome: None };
        if machine.hello().is_err() {
            machine.outcome = Some(Err(SignOnError::TooLong));
        }
        machine
    }

    /// A frame came.
    pub fn receive(&mut self, frame: &Frame) {
        if self.outcome.is_none() {
            self.outcome = self.step(frame).transpose();
        }
    }

    /// The connection has ended.
    pub fn closed(&mut self) {
        self.outcome.get_or_insert(Err(SignOnError::Closed));
    }

    /// The next frame to send.
    pub fn poll_transmit(&mut self) -> Option<Frame> {
        self.outgoing.poll()
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<&Result<Authorized, SignOnError>> {
        self.outcome.as_ref()
    }

    fn hello(&mut self) -> Result<(), EncodeError> {
        let name = self.credentials.screen_name.as_str();
        let mut hello = SignOnFrame { version: 1, tlvs: Tlvs::new() };
        if self.method == Method::Roasted {
            hello.tlvs = self.identify(
                Tlvs::new()
                    .with(tlv::SCREEN_NAME, name)
                    .with(tlv::ROASTED_PASSWORD, roast(self.credentials.password.as_bytes())),
            );
        }
        self.outgoing.push(Frame::new(FlapChannel::SignOn, hello.to_bytes()?));
        if self.method != Method::Roasted {
            self.outgoing
                .push(Frame::body(1, &ChallengeRequest { tlvs: Tlvs::new().with(tlv::SCREEN_NAME, name) })?);
        }
        Ok(())
    }

    fn step(&mut self, frame: &Frame) -> Result<Option<Authorized>, SignOnError> {
        match frame.channel {
            FlapChannel::Data => match Body::decode(&Snac::decode(&frame.payload)?)? {
                Body::Challenge(challenge) => self.answer(&challenge.key).map(|()| None),
                // In answer to 17/02; to 17/06 already, if the name is unknown; and to a roasted client too.
                Body::LoginResponse(LoginResponse { tlvs }) => self.judge(&tlvs).map(Some),
                Body::Error(error) => Err(Refusal { code: RefusalCode::Other(error.code), url: None }.into()),
                _ => Ok(None),
            },
            FlapChannel::SignOff if frame.payload.is_empty() => Err(SignOnError::Closed),
            FlapChannel::SignOff => self.judge(&Tlvs::from_bytes(&frame.payload)?).map(Some),
            FlapChannel::Error => Err(SignOnError::Closed),
            FlapChannel::SignOn | FlapChannel::KeepAlive | FlapChannel::Other(_) => Ok(None),
        }
    }

    fn answer(&mut self, key: &[u8]) -> Result<(), SignOnError> {
        let password = self.credentials.password.as_bytes();
        let hash = match self.method {
            Method::OlderMd5 => older_hash(key, password),
            Method::NewerMd5 | Method::Roasted => newer_hash(key, password),
        };
        let mut tlvs = Tlvs::new()
            .with(tlv::SCREEN_NAME, self.credentials.screen_name.as_str())
            .with(tlv::PASSWORD_HASH, hash);
        if self.method != Method::OlderMd5 {
            tlvs.push(tlv::NEWER_HASH, []);
        }
        // Without TLV 4A open-oscar-server cuts its sign-off frames short.
        let tlvs = self.identify(tlvs).with(tlv::MULTI_SIGN_ON, [self.identity.sharing.into()]);
        let frame = Frame::body(2, &LoginRequest { tlvs }).map_err(|_| SignOnError::TooLong)?;
        self.outgoing.push(frame);
        Ok(())
    }

    fn identify(&self, tlvs: Tlvs) -> Tlvs {
        let identity = &self.identity;
        tlvs.with(tlv::CLIENT_NAME, &identity.name)
            .with_u16(tlv::CLIENT_ID, identity.client_id)
            .with_u16(tlv::MAJOR, identity.major)
            .with_u16(tlv::MINOR, identity.minor)
            .with_u16(tlv::LESSER, identity.lesser)
            .with_u16(tlv::BUILD, identity.build)
            .with_u32(tlv::DISTRIBUTION, identity.distribution)
            .with(tlv::LANGUAGE, &identity.language)
            .with(tlv::COUNTRY, &identity.country)
    }

    fn judge(&self, tlvs: &Tlvs) -> Result<Authorized, SignOnError> {
        if let Some(code) = tlvs.u16(tlv::ERROR) {
            return Err(Refusal { code: code.into(), url: tlvs.text(tlv::ERROR_URL) }.into());
        }
        let address = tlvs.text(tlv::BOS_ADDRESS).ok_or(DecodeError::MissingTlv(tlv::BOS_ADDRESS))?;
        Ok(Authorized {
            screen_name: tlvs
                .text(tlv::SCREEN_NAME)
                .map_or_else(|| self.credentials.screen_name.clone(), ScreenName::new),
            address: Address::parse(&address).ok_or(SignOnError::BadAddress)?,
            cookie: tlvs.require(tlv::COOKIE)?.to_vec(),
            email: tlvs.text(tlv::EMAIL),
            password_url: tlvs.text(tlv::PASSWORD_URL),
        })
    }
}
