//! 02: profiles, away messages, capabilities.
//!
//! Source: captured, but for 02/05 (BitlBee's source) and bit 4 of 02/15 (open-oscar-server's).

use super::{Capability, UserInfo, snac_body};
use crate::ScreenName;
use crate::wire::Tlvs;

/// TLV types of 02/03, 02/04, 02/06.
pub mod tlv {
    /// 02/03: longest profile, `u16` bytes.
    pub const MAX_PROFILE: u16 = 0x01;
    /// 02/03: most capabilities, `u16`.
    pub const MAX_CAPABILITIES: u16 = 0x02;
    /// MIME type of the profile.
    pub const PROFILE_TYPE: u16 = 0x01;
    /// The profile.
    pub const PROFILE: u16 = 0x02;
    /// MIME type of the away message.
    pub const AWAY_TYPE: u16 = 0x03;
    /// The away message; empty means back.
    pub const AWAY: u16 = 0x04;
    /// 16 bytes each.
    pub const CAPABILITIES: u16 = 0x05;
}

snac_body! { Locate, 0x02;
    /// c→s: which limits are there?
    pub struct RightsQuery {}
}

snac_body! { Locate, 0x03;
    /// s→c: these.
    pub struct Rights {
        /// [`tlv::MAX_PROFILE`], [`tlv::MAX_CAPABILITIES`], …
        pub tlvs: Tlvs,
    }
}

snac_body! { Locate, 0x04;
    /// c→s: set one's profile, away message, capabilities; what is absent stays.
    pub struct SetInfo {
        /// See [`tlv`].
        pub tlvs: Tlvs,
    }
}

impl SetInfo {
    /// What the client can do, if it says so here.
    pub fn capabilities(&self) -> Option<Vec<Capability>> {
        self.tlvs.get(tlv::CAPABILITIES).map(Capability::list)
    }
}

/// What 02/05 asks for.
pub mod query {
    /// The profile.
    pub const PROFILE: u16 = 1;
    /// The away message.
    pub const AWAY: u16 = 3;
}

snac_body! { Locate, 0x05;
    /// c→s: tell me of somebody.
    pub struct UserInfoQuery {
        /// See [`query`].
        pub kind: u16,
        /// Whom.
        pub screen_name: ScreenName,
    }
}

snac_body! { Locate, 0x06;
    /// s→c: their user info, and in [`UserInfoReply::tlvs`] what was asked for.
    pub struct UserInfoReply {
        /// Who.
        pub info: UserInfo,
        /// See [`tlv`].
        pub tlvs: Tlvs,
    }
}

impl UserInfoReply {
    /// What their client can do, if that was asked for.
    pub fn capabilities(&self) -> Option<Vec<Capability>> {
        self.tlvs.get(tlv::CAPABILITIES).map(Capability::list)
    }
}

/// What 02/15 asks for. libpurple asks for profile and away message.
pub mod mask {
    /// The profile.
    pub const PROFILE: u32 = 1;
    /// The away message.
    pub const AWAY: u32 = 2;
    /// The capabilities.
    pub const CAPABILITIES: u32 = 4;
}

snac_body! { Locate, 0x15;
    /// c→s: tell me of somebody, newer form.
    pub struct UserInfoQuery2 {
        /// Bits of [`mask`].
        pub mask: u32,
        /// Whom.
        pub screen_name: ScreenName,
    }
}
