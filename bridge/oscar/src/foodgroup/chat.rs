//! 0E: inside a chat room; each room is a connection of its own.
//!
//! Source: captured (`libpurple-chat-room`, `libpurple-chat-room-two`, `bitlbee-chat-room`).

use super::chat_nav::Room;
use super::{UserInfo, snac_body};
use crate::wire::{DecodeError, Reader, Tlvs, Wire, Writer};

/// Which room: `exchange u16, cookie (length u8), instance u16`; in service requests and invitations.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RoomId {
    /// A family of rooms: 4 private, 5 public.
    pub exchange: u16,
    /// The room's id in the exchange.
    pub cookie: Vec<u8>,
    /// 0.
    pub instance: u16,
}

impl From<&Room> for RoomId {
    fn from(room: &Room) -> Self {
        Self { exchange: room.exchange, cookie: room.cookie.clone(), instance: room.instance }
    }
}

impl Wire for RoomId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { exchange: reader.u16()?, cookie: reader.block8()?.to_vec(), instance: reader.u16()? })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.exchange);
        writer.block8(&self.cookie);
        writer.u16(self.instance);
    }
}

/// TLV types of a chat message.
pub mod tlv {
    /// Empty: to the whole room.
    pub const PUBLIC: u16 = 0x01;
    /// From the server: the sender's user info.
    pub const SENDER: u16 = 0x03;
    /// The message: TLVs of [`super::message_tlv`].
    pub const MESSAGE: u16 = 0x05;
    /// Empty: send it back to the sender too.
    pub const REFLECT: u16 = 0x06;
}

/// TLV types inside [`tlv::MESSAGE`].
pub mod message_tlv {
    /// The text.
    pub const TEXT: u16 = 0x01;
    /// Its charset by name: `us-ascii`, `unicode-2-0`, `iso-8859-1`.
    pub const CHARSET: u16 = 0x02;
    /// Its language.
    pub const LANGUAGE: u16 = 0x03;
}

/// The ICBM channel of chat messages.
pub const CHANNEL: u16 = 3;

snac_body! { Chat, 0x02;
    /// s→c: the room's properties.
    pub struct RoomInfoUpdate {
        /// Them.
        pub room: Room,
    }
}

snac_body! { Chat, 0x03;
    /// s→c: who is here, or has come.
    pub struct UsersJoined {
        /// Them.
        pub infos: Vec<UserInfo>,
    }
}

snac_body! { Chat, 0x04;
    /// s→c: who has gone.
    pub struct UsersLeft {
        /// Them.
        pub infos: Vec<UserInfo>,
    }
}

snac_body! { Chat, 0x05;
    /// c→s: say something.
    pub struct MessageToHost {
        /// The sender's id of it.
        pub cookie: [u8; 8],
        /// 3.
        pub channel: u16,
        /// See [`tlv`].
        pub tlvs: Tlvs,
    }
}

snac_body! { Chat, 0x06;
    /// s→c: somebody said something.
    pub struct MessageToClient {
        /// The sender's id of it.
        pub cookie: [u8; 8],
        /// 3.
        pub channel: u16,
        /// See [`tlv`].
        pub tlvs: Tlvs,
    }
}

impl MessageToClient {
    /// Who said it.
    pub fn sender(&self) -> Option<Result<UserInfo, DecodeError>> {
        self.tlvs.get(tlv::SENDER).map(UserInfo::from_bytes)
    }

    /// What, as TLVs of [`message_tlv`].
    pub fn message(&self) -> Option<Result<Tlvs, DecodeError>> {
        self.tlvs.get(tlv::MESSAGE).map(Tlvs::from_bytes)
    }
}
