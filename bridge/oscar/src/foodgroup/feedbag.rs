//! 13: the buddy list that the server keeps (feedbag, also called SSI). A flat list of items; groups name theirs.
//!
//! Source: captured, but for 13/05, 13/0F and 13/18 to 13/1C (libpurple's source), preferences and comments
//! (open-oscar-server's), and the codes of 13/0E other than 0 (C was seen from a living server).

use super::{snac_body, snac_place};
use crate::ScreenName;
use crate::wire::{DecodeError, Reader, Tlvs, Wire, Writer};

/// What an [`Item`] is: its `class`.
pub mod class {
    /// A buddy.
    pub const BUDDY: u16 = 0;
    /// A group of them; group 0 is the master group.
    pub const GROUP: u16 = 1;
    /// Somebody permitted.
    pub const PERMIT: u16 = 2;
    /// Somebody blocked.
    pub const DENY: u16 = 3;
    /// Whom to permit in general.
    pub const PRIVACY: u16 = 4;
    /// Preferences.
    pub const PREFERENCES: u16 = 5;
    /// The own icon.
    pub const ICON: u16 = 0x14;
}

/// TLV types of items.
pub mod tlv {
    /// Group: `u16` list of the ids in it, in order; the master group's are the groups.
    pub const ORDER: u16 = 0xc8;
    /// Preferences: `u32` bits.
    pub const PREFERENCE_BITS: u16 = 0xc9;
    /// Privacy: mode, `u8`: 1 all, 2 none, 3 permit list, 4 deny list, 5 buddies.
    pub const PRIVACY_MODE: u16 = 0xca;
    /// Privacy: mask, `u32`.
    pub const PRIVACY_MASK: u16 = 0xcb;
    /// Icon: BART id.
    pub const ICON: u16 = 0xd5;
    /// Buddy: waiting for authorisation.
    pub const AWAITING_AUTHORIZATION: u16 = 0x66;
    /// Buddy: alias, UTF-8.
    pub const ALIAS: u16 = 0x131;
    /// Buddy: comment.
    pub const COMMENT: u16 = 0x13c;
}

/// Codes of 13/0E.
pub mod status {
    /// Done.
    pub const OK: u16 = 0x0000;
    /// There is no such item.
    pub const NOT_FOUND: u16 = 0x0002;
    /// There already is one.
    pub const EXISTS: u16 = 0x0003;
    /// The item is not valid.
    pub const INVALID: u16 = 0x000a;
    /// Too many of that class.
    pub const OVER_LIMIT: u16 = 0x000c;
    /// The buddy must agree first.
    pub const NEEDS_AUTHORIZATION: u16 = 0x000e;
}

/// `name (length u16), group u16, item u16, class u16, TLV L-block`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Item {
    /// Screen name or group name, as its owner wrote it.
    pub name: String,
    /// The group it is in; 0: none, or the master group.
    pub group: u16,
    /// Its id in the group; 0 for a group.
    pub item: u16,
    /// See [`class`].
    pub class: u16,
    /// See [`tlv`].
    pub tlvs: Tlvs,
}

impl Item {
    /// Group: the ids in it, in order.
    pub fn order(&self) -> Vec<u16> {
        let (ids, _) = self.tlvs.get(tlv::ORDER).unwrap_or_default().as_chunks::<2>();
        ids.iter().copied().map(u16::from_be_bytes).collect()
    }

    /// Group: sets the ids in it.
    pub fn set_order(&mut self, ids: &[u16]) {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
        self.tlvs.set(tlv::ORDER, bytes);
    }

    /// Buddy: what its owner calls it.
    pub fn alias(&self) -> Option<String> {
        self.tlvs.text(tlv::ALIAS).filter(|alias| !alias.is_empty())
    }
}

impl Wire for Item {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: crate::wire::text(reader.block16()?),
            group: reader.u16()?,
            item: reader.u16()?,
            class: reader.u16()?,
            tlvs: Tlvs::decode_sized(reader)?,
        })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.block16(self.name.as_bytes());
        writer.u16(self.group);
        writer.u16(self.item);
        writer.u16(self.class);
        self.tlvs.encode_sized(writer);
    }
}

snac_body! { Feedbag, 0x02;
    /// c→s: which limits are there?
    pub struct RightsQuery {
        /// TLV B: flags, from newer clients.
        pub tlvs: Tlvs,
    }
}

snac_body! { Feedbag, 0x03;
    /// s→c: these.
    pub struct Rights {
        /// TLV 4: `u16` each, most items of the class that is the index.
        pub tlvs: Tlvs,
    }
}

snac_body! { Feedbag, 0x04;
    /// c→s: the list, please.
    pub struct Query {}
}

snac_body! { Feedbag, 0x05;
    /// c→s: the list, if it is not this one.
    pub struct QueryIfModified {
        /// UNIX time of the last change that we know.
        pub last_change: u32,
        /// Items that we have.
        pub count: u16,
    }
}

/// s→c: the list, or a part of it ([`crate::wire::SnacFlags::MORE`] is set on all but the last).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Reply {
    /// 0.
    pub version: u8,
    /// The items.
    pub items: Vec<Item>,
    /// UNIX time.
    pub last_change: u32,
}

impl Wire for Reply {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = reader.u8()?;
        let items = (0..reader.u16()?).map(|_| Item::decode(reader)).collect::<Result<_, _>>()?;
        Ok(Self { version, items, last_change: reader.u32()? })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u8(self.version);
        writer.count(self.items.len());
        self.items.encode(writer);
        writer.u32(self.last_change);
    }
}
snac_place!(Feedbag, 0x06, Reply);

snac_body! { Feedbag, 0x07;
    /// c→s: use it: presence starts. Not answered.
    pub struct Use {}
}

snac_body! { Feedbag, 0x08;
    /// c→s: add; also s→c, when the user did so from another place.
    pub struct InsertItems {
        /// What.
        pub items: Vec<Item>,
    }
}

snac_body! { Feedbag, 0x09;
    /// c→s: change; also s→c.
    pub struct UpdateItems {
        /// What.
        pub items: Vec<Item>,
    }
}

snac_body! { Feedbag, 0x0a;
    /// c→s: remove; also s→c.
    pub struct DeleteItems {
        /// What.
        pub items: Vec<Item>,
    }
}

snac_body! { Feedbag, 0x0e;
    /// s→c: how an edit went, a code for each of its items.
    pub struct Status {
        /// See [`status`].
        pub codes: Vec<u16>,
    }
}

snac_body! { Feedbag, 0x0f;
    /// s→c: the list is the one that you have.
    pub struct NotModified {
        /// UNIX time of its last change.
        pub last_change: u32,
        /// Its items.
        pub count: u16,
    }
}

snac_body! { Feedbag, 0x11;
    /// c→s: several edits follow. Not answered.
    pub struct StartCluster {
        /// Empty, or a `u32` flag from newer clients.
        pub data: Vec<u8>,
    }
}

snac_body! { Feedbag, 0x12;
    /// c→s: those were they. Not answered.
    pub struct EndCluster {}
}

/// `name (length u8), reason (length u16), u16`.
macro_rules! authorization_request {
    ($subgroup:literal, $(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
        pub struct $name {
            /// The other side.
            pub screen_name: ScreenName,
            /// In words.
            pub reason: String,
            /// 0.
            pub reserved: u16,
        }

        impl Wire for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self {
                    screen_name: ScreenName::decode(reader)?,
                    reason: crate::wire::text(reader.block16()?),
                    reserved: reader.u16()?,
                })
            }

            fn encode(&self, writer: &mut Writer) {
                self.screen_name.encode(writer);
                writer.block16(self.reason.as_bytes());
                writer.u16(self.reserved);
            }
        }
        snac_place!(Feedbag, $subgroup, $name);
    };
}
authorization_request!(0x18, /// c→s: may I add you?
    AuthorizationRequestToHost);
authorization_request!(0x19, /// s→c: may they add you?
    AuthorizationRequestToClient);

/// `name (length u8), accepted u8, reason (length u16)`.
macro_rules! authorization_reply {
    ($subgroup:literal, $(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
        pub struct $name {
            /// The other side.
            pub screen_name: ScreenName,
            /// 1: yes.
            pub accepted: u8,
            /// In words.
            pub reason: String,
        }

        impl Wire for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self {
                    screen_name: ScreenName::decode(reader)?,
                    accepted: reader.u8()?,
                    reason: crate::wire::text(reader.block16()?),
                })
            }

            fn encode(&self, writer: &mut Writer) {
                self.screen_name.encode(writer);
                writer.u8(self.accepted);
                writer.block16(self.reason.as_bytes());
            }
        }
        snac_place!(Feedbag, $subgroup, $name);
    };
}
authorization_reply!(0x1a, /// c→s: you may, or not.
    AuthorizationReplyToHost);
authorization_reply!(0x1b, /// s→c: they let you, or not.
    AuthorizationReplyToClient);

snac_body! { Feedbag, 0x1c;
    /// s→c: somebody has added you.
    pub struct BuddyAdded {
        /// Who.
        pub screen_name: ScreenName,
    }
}
