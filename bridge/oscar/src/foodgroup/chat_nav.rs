//! 0D: finding and creating chat rooms.
//!
//! Source: captured (`libpurple-chatnav`, `libpurple-chatnav-create`, `bitlbee-chatnav`), but for 0D/03 and 0D/04
//! (open-oscar-server's source).

use super::{snac_body, snac_place};
use crate::wire::{DecodeError, Reader, Tlvs, Wire, Writer};

/// TLV types of 0D/09 and of a room.
pub mod tlv {
    /// 0D/09: most rooms at once, `u8`.
    pub const MAX_ROOMS: u16 = 0x02;
    /// 0D/09: an exchange: `number u16`, then a TLV block.
    pub const EXCHANGE: u16 = 0x03;
    /// 0D/09: a [`super::Room`].
    pub const ROOM: u16 = 0x04;
    /// Full name.
    pub const FULL_NAME: u16 = 0x6a;
    /// `u16` flags.
    pub const FLAGS: u16 = 0xc9;
    /// `u32` UNIX time.
    pub const CREATED: u16 = 0xca;
    /// Longest message, `u16` bytes.
    pub const MAX_MESSAGE: u16 = 0xd1;
    /// Most people, `u16`.
    pub const MAX_OCCUPANCY: u16 = 0xd2;
    /// Name.
    pub const NAME: u16 = 0xd3;
    /// Who may create, `u8`.
    pub const CREATE_PERMISSION: u16 = 0xd5;
    /// Charset of the name, by name.
    pub const CHARSET: u16 = 0xd6;
    /// Language of the name.
    pub const LANGUAGE: u16 = 0xd7;
    /// Longest visible message, `u16`.
    pub const MAX_VISIBLE: u16 = 0xda;
}

/// Exchange of private rooms.
pub const EXCHANGE_PRIVATE: u16 = 4;
/// Exchange of public rooms.
pub const EXCHANGE_PUBLIC: u16 = 5;

/// `exchange u16, cookie (length u8), instance u16, detail u8, TLV block`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Room {
    /// A family of rooms: 4 private, 5 public.
    pub exchange: u16,
    /// The room's id in the exchange, such as `4-0-stafflounge`; `create` to make one.
    pub cookie: Vec<u8>,
    /// 0; FFFF to make one.
    pub instance: u16,
    /// How much the TLVs tell: 1 short, 2 full.
    pub detail: u8,
    /// See [`tlv`].
    pub tlvs: Tlvs,
}

impl Room {
    /// The room's name.
    pub fn name(&self) -> Option<String> {
        self.tlvs.text(tlv::NAME)
    }

    /// The longest message it takes, in bytes.
    pub fn max_message(&self) -> Option<u16> {
        self.tlvs.u16(tlv::MAX_MESSAGE)
    }

    /// How many people may be in it.
    pub fn max_occupancy(&self) -> Option<u16> {
        self.tlvs.u16(tlv::MAX_OCCUPANCY)
    }
}

impl Wire for Room {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            exchange: reader.u16()?,
            cookie: reader.block8()?.to_vec(),
            instance: reader.u16()?,
            detail: reader.u8()?,
            tlvs: Tlvs::decode_counted(reader)?,
        })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.exchange);
        writer.block8(&self.cookie);
        writer.u16(self.instance);
        writer.u8(self.detail);
        self.tlvs.encode_counted(writer);
    }
}

/// A family of rooms, as 0D/09 describes it: `number u16, TLV block`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Exchange {
    /// 4 private, 5 public.
    pub number: u16,
    /// See [`tlv`].
    pub tlvs: Tlvs,
}

impl Wire for Exchange {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { number: reader.u16()?, tlvs: Tlvs::decode_counted(reader)? })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.number);
        self.tlvs.encode_counted(writer);
    }
}

snac_body! { ChatNav, 0x02;
    /// c→s: which exchanges and limits are there?
    pub struct RightsQuery {}
}

snac_body! { ChatNav, 0x03;
    /// c→s: tell me of an exchange.
    pub struct ExchangeInfoQuery {
        /// Which.
        pub exchange: u16,
    }
}

/// c→s: tell me of a room.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RoomInfoQuery {
    /// Its exchange.
    pub exchange: u16,
    /// Its id in the exchange.
    pub cookie: Vec<u8>,
    /// 0.
    pub instance: u16,
    /// How much: 1 short, 2 full.
    pub detail: u8,
}

impl Wire for RoomInfoQuery {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            exchange: reader.u16()?,
            cookie: reader.block8()?.to_vec(),
            instance: reader.u16()?,
            detail: reader.u8()?,
        })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.exchange);
        writer.block8(&self.cookie);
        writer.u16(self.instance);
        writer.u8(self.detail);
    }
}
snac_place!(ChatNav, 0x04, RoomInfoQuery);

snac_body! { ChatNav, 0x08;
    /// c→s: make a room, or find the one of that name.
    pub struct CreateRoom {
        /// With cookie `create`, instance FFFF, detail 1 and [`tlv::NAME`].
        pub room: Room,
    }
}

snac_body! { ChatNav, 0x09;
    /// s→c: the answer to each of the requests.
    pub struct NavInfo {
        /// [`tlv::MAX_ROOMS`], [`tlv::EXCHANGE`] (several), [`tlv::ROOM`].
        pub tlvs: Tlvs,
    }
}

impl NavInfo {
    /// The room it describes.
    pub fn room(&self) -> Option<Result<Room, DecodeError>> {
        self.tlvs.get(tlv::ROOM).map(Room::from_bytes)
    }

    /// Most rooms that one may be in at once.
    pub fn max_rooms(&self) -> Option<u8> {
        self.tlvs.u16(tlv::MAX_ROOMS).and_then(|most| u8::try_from(most).ok())
    }

    /// The families of rooms it describes.
    pub fn exchanges(&self) -> Result<Vec<Exchange>, DecodeError> {
        self.tlvs
            .0
            .iter()
            .filter(|tlv| tlv.kind == tlv::EXCHANGE)
            .map(|tlv| Exchange::from_bytes(&tlv.value))
            .collect()
    }
}
