//! The user info block: how servers describe somebody, in presence, messages and chat rooms.
//!
//! Source: captured; TLVs 2, 10, 14 and 19 are libpurple's source.

use super::bart::BartItem;
use crate::ScreenName;
use crate::wire::{DecodeError, Reader, Tlvs, Wire, Writer};

/// TLV types of a user info block.
pub mod tlv {
    /// `u16` of [`super::flags`].
    pub const FLAGS: u16 = 0x01;
    /// `u32` UNIX time of the account's making, from old servers.
    pub const MEMBER_SINCE_OLD: u16 = 0x02;
    /// `u32` UNIX time of the sign-on.
    pub const SIGN_ON_TIME: u16 = 0x03;
    /// `u16` minutes.
    pub const IDLE_MINUTES: u16 = 0x04;
    /// `u32` UNIX time of the account's making; open-oscar-server has that of the sign-on here.
    pub const MEMBER_SINCE: u16 = 0x05;
    /// `u32` of [`super::status`].
    pub const STATUS: u16 = 0x06;
    /// 16 bytes each.
    pub const CAPABILITIES: u16 = 0x0d;
    /// `u32` seconds of this session.
    pub const SESSION_LENGTH: u16 = 0x0f;
    /// `u32` seconds of this session, of somebody on AOL.
    pub const SESSION_LENGTH_AOL: u16 = 0x10;
    /// `u8`: which of several places where the user is signed on.
    pub const INSTANCE: u16 = 0x14;
    /// Two bytes each, in the short form.
    pub const SHORT_CAPABILITIES: u16 = 0x19;
    /// Status text, icon hash, as BART items.
    pub const BART: u16 = 0x1d;
}

/// Bits of TLV 1.
pub mod flags {
    /// Not yet confirmed.
    pub const UNCONFIRMED: u16 = 0x0001;
    /// A free AIM account.
    pub const AIM: u16 = 0x0010;
    /// Away.
    pub const AWAY: u16 = 0x0020;
    /// An ICQ account.
    pub const ICQ: u16 = 0x0040;
    /// On a phone.
    pub const WIRELESS: u16 = 0x0080;
    /// A program.
    pub const BOT: u16 = 0x0400;
}

/// Bits of TLV 6. Away is there at libpurple's users, together with [`flags::AWAY`].
pub use super::oservice::status;

/// `name, warning u16, TLV block`. The count in front of the TLVs is all that parts them from TLVs that follow the
/// block in an 04/07; it may be 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserInfo {
    /// As the server displays it.
    pub screen_name: ScreenName,
    /// Warning level in tenths of a percent, at most 1000.
    pub warning: u16,
    /// See [`tlv`].
    pub tlvs: Tlvs,
}

impl Default for UserInfo {
    fn default() -> Self {
        Self::new(ScreenName::from(""))
    }
}

impl UserInfo {
    /// Nothing but a name.
    pub const fn new(screen_name: ScreenName) -> Self {
        Self { screen_name, warning: 0, tlvs: Tlvs::new() }
    }

    /// The bits of [`flags`]; 0 when absent.
    pub fn flags(&self) -> u16 {
        self.tlvs.u16(tlv::FLAGS).unwrap_or_default()
    }

    /// Whether the away flag is set.
    pub fn is_away(&self) -> bool {
        self.flags() & flags::AWAY != 0
    }

    /// Minutes idle, if idle.
    pub fn idle_minutes(&self) -> Option<u16> {
        self.tlvs.u16(tlv::IDLE_MINUTES).filter(|minutes| *minutes > 0)
    }

    /// UNIX time of the sign-on.
    pub fn sign_on_time(&self) -> Option<u32> {
        self.tlvs.number(tlv::SIGN_ON_TIME)
    }

    /// UNIX time of the account's making, as far as the server says it.
    pub fn member_since(&self) -> Option<u32> {
        self.tlvs.number(tlv::MEMBER_SINCE).or_else(|| self.tlvs.number(tlv::MEMBER_SINCE_OLD))
    }

    /// The bits of [`status`]; 0 when absent.
    pub fn status(&self) -> u32 {
        self.tlvs.number(tlv::STATUS).unwrap_or_default()
    }

    /// Seconds since the sign-on.
    pub fn session_seconds(&self) -> Option<u32> {
        self.tlvs.number(tlv::SESSION_LENGTH).or_else(|| self.tlvs.number(tlv::SESSION_LENGTH_AOL))
    }

    /// Which of several places where the user is signed on; servers count from 1.
    pub fn instance(&self) -> Option<u8> {
        self.tlvs.number(tlv::INSTANCE).and_then(|number| u8::try_from(number).ok())
    }

    /// Their icon and status text, by id. None when absent.
    pub fn bart_items(&self) -> Option<Result<Vec<BartItem>, DecodeError>> {
        self.tlvs.get(tlv::BART).map(Vec::from_bytes)
    }

    /// What their client can do, short forms made long.
    pub fn capabilities(&self) -> Vec<Capability> {
        let mut capabilities = Capability::list(self.tlvs.get(tlv::CAPABILITIES).unwrap_or_default());
        let short = self.tlvs.get(tlv::SHORT_CAPABILITIES).unwrap_or_default();
        let (short, _) = short.as_chunks::<2>();
        capabilities.extend(short.iter().map(|code| Capability::short(u16::from_be_bytes(*code))));
        capabilities
    }
}

impl Wire for UserInfo {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            screen_name: ScreenName::decode(reader)?,
            warning: reader.u16()?,
            tlvs: Tlvs::decode_counted(reader)?,
        })
    }

    fn encode(&self, writer: &mut Writer) {
        self.screen_name.encode(writer);
        writer.u16(self.warning);
        self.tlvs.encode_counted(writer);
    }
}

/// Something a client can do: a 16-byte id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capability(pub [u8; 16]);

impl Capability {
    /// Chat rooms.
    pub const CHAT: Self = Self(*b"\x74\x8f\x24\x20\x62\x87\x11\xd1\x82\x22\x44\x45\x53\x54\x00\x00");
    /// Sending files.
    pub const SEND_FILE: Self = Self::short(0x1343);
    /// Messages from client to client.
    pub const DIRECT_IM: Self = Self::short(0x1345);
    /// ICQ's messages on channel 2, through the server.
    pub const SERVER_RELAY: Self = Self::short(0x1349);
    /// Buddy icons.
    pub const ICON: Self = Self::short(0x1346);
    /// UTF-8 in channel 2 messages.
    pub const UTF8: Self = Self::short(0x134e);
    /// Talks to both ICQ and AIM.
    pub const INTEROPERATE: Self = Self::short(0x134d);
    /// Understands the short form.
    pub const SHORT_FORM: Self = Self::short(0x0000);

    /// The long form of a two-byte one: `0946xxxx-4C7F-11D1-8222-444553540000`.
    pub const fn short(code: u16) -> Self {
        let [a, b] = code.to_be_bytes();
        Self([0x09, 0x46, a, b, 0x4c, 0x7f, 0x11, 0xd1, 0x82, 0x22, 0x44, 0x45, 0x53, 0x54, 0x00, 0x00])
    }

    /// Those in a TLV, 16 bytes each; less than that at its end is left out.
    pub fn list(bytes: &[u8]) -> Vec<Self> {
        let (ids, _) = bytes.as_chunks::<16>();
        ids.iter().copied().map(Self).collect()
    }

    /// The value of a TLV that names these.
    pub fn to_value(capabilities: &[Self]) -> Vec<u8> {
        capabilities.iter().flat_map(|capability| capability.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_somebody_is_read() {
        let capabilities = Capability::to_value(&[Capability::CHAT, Capability::SERVER_RELAY]);
        let mut info = UserInfo::new(ScreenName::from("Ann"));
        assert_eq!((info.member_since(), info.status(), info.session_seconds()), (None, 0, None));
        assert_eq!((info.instance(), info.bart_items()), (None, None));
        info.tlvs = Tlvs::new()
            .with_u16(tlv::FLAGS, flags::AIM | flags::AWAY)
            .with_u32(tlv::MEMBER_SINCE_OLD, 7)
            .with_u32(tlv::SESSION_LENGTH_AOL, 60)
            .with_u32(tlv::STATUS, status::AWAY | status::NEEDS_AUTHORIZATION)
            .with(tlv::INSTANCE, [2])
            // From the captures: no icon.
            .with(tlv::BART, b"\x00\x01\x00\x05\x02\x01\xd2\x04\x72")
            .with(tlv::CAPABILITIES, capabilities)
            .with_u16(tlv::SHORT_CAPABILITIES, 0x1343);
        assert_eq!((info.member_since(), info.session_seconds()), (Some(7), Some(60)));
        assert_eq!((info.status(), info.instance()), (0x1000_0001, Some(2)));
        assert!(info.is_away());
        let none = BartItem { kind: BartItem::ICON, flags: 0, id: BartItem::NO_ICON.to_vec() };
        assert_eq!(info.bart_items(), Some(Ok(vec![none])));
        let known = [Capability::CHAT, Capability::SERVER_RELAY, Capability::SEND_FILE];
        assert_eq!(info.capabilities(), known);
        info.tlvs.set(tlv::BART, [0, 1]);
        assert!(matches!(info.bart_items(), Some(Err(_))));
    }
}
