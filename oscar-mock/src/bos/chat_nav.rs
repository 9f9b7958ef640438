//! 0D: finding and creating chat rooms.

use oscar_im::foodgroup::ErrorCode;
use oscar_im::foodgroup::chat_nav::{
    CreateRoom, EXCHANGE_PRIVATE, EXCHANGE_PUBLIC, ExchangeInfoQuery, NavInfo, Room, RoomInfoQuery, tlv,
};
use oscar_im::wire::{Snac, Tlvs, Wire, Writer};

use super::{Caller, Context, Outcome};
use crate::outbox::Refusal;
use crate::realm::rooms;

/// Bytes of a room's name.
const MAX_NAME: usize = 64;
/// Bytes of one message, as room infos say.
const MAX_MESSAGE: u16 = 1024;
/// How many rooms one may be in.
const MAX_ROOMS: u8 = 10;

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    match snac.subgroup {
        0x02 => {
            let mut tlvs = Tlvs::new().with(tlv::MAX_ROOMS, [MAX_ROOMS]);
            for exchange in [EXCHANGE_PRIVATE, EXCHANGE_PUBLIC] {
                tlvs = tlvs.with(tlv::EXCHANGE, describe_exchange(exchange)?);
            }
            cx.reply(caller, &NavInfo { tlvs })
        }
        0x03 => {
            let ExchangeInfoQuery { exchange } = Wire::from_bytes(&snac.body)?;
            known(exchange)?;
            let tlvs = Tlvs::new().with(tlv::EXCHANGE, describe_exchange(exchange)?);
            cx.reply(caller, &NavInfo { tlvs })
        }
        0x04 => {
            let RoomInfoQuery { cookie, .. } = Wire::from_bytes(&snac.body)?;
            let room = cx.realm.rooms.get(&oscar_im::wire::text(&cookie)).ok_or(ErrorCode::NoMatch)?;
            let tlvs = Tlvs::new().with_wire(tlv::ROOM, &describe(room))?;
            cx.reply(caller, &NavInfo { tlvs })
        }
        0x08 => {
            let CreateRoom { room: asked } = Wire::from_bytes(&snac.body)?;
            known(asked.exchange)?;
            let name = asked.tlvs.require(tlv::NAME)?;
            if name.is_empty() || name.len() > MAX_NAME {
                return Err(ErrorCode::BustedPayload.into());
            }
            let opened =
                cx.realm.rooms.open(asked.exchange, name, cx.now.unix).ok_or(ErrorCode::QueueFull)?;
            let tlvs = Tlvs::new().with_wire(tlv::ROOM, &describe(opened))?;
            cx.reply(caller, &NavInfo { tlvs })
        }
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

fn known(exchange: u16) -> Result<(), Refusal> {
    match exchange {
        EXCHANGE_PRIVATE | EXCHANGE_PUBLIC => Ok(()),
        _ => Err(ErrorCode::NoMatch.into()),
    }
}

/// `exchange u16, TLV block`: what rooms there are like. TLVs 2, 3, 4, D8 and D9 as open-oscar-server has them.
fn describe_exchange(exchange: u16) -> Result<Vec<u8>, Refusal> {
    let tlvs = Tlvs::new()
        .with(0x03, [MAX_ROOMS])
        .with_u16(0x02, 16)
        .with_u16(0x04, 100)
        .with_u16(tlv::FLAGS, ROOM_FLAGS)
        .with(tlv::CREATE_PERMISSION, [2])
        .with(tlv::CHARSET, "us-ascii")
        .with(tlv::LANGUAGE, "en")
        .with(0xd8, "us-ascii")
        .with(0xd9, "en");
    let mut writer = Writer::new();
    writer.u16(exchange);
    tlvs.encode_counted(&mut writer);
    Ok(writer.finish()?)
}

/// TLV C9 of exchanges and rooms.
const ROOM_FLAGS: u16 = 0x0f;

/// A room in full, as 0D/09 and 0E/02 say it.
pub(super) fn describe(room: &rooms::Room) -> Room {
    let tlvs = Tlvs::new()
        .with_u16(tlv::FLAGS, ROOM_FLAGS)
        .with_u32(tlv::CREATED, room.created)
        .with_u16(tlv::MAX_MESSAGE, MAX_MESSAGE)
        .with_u16(tlv::MAX_OCCUPANCY, u16::try_from(rooms::MAX_OCCUPANTS).unwrap_or(u16::MAX))
        .with(tlv::CREATE_PERMISSION, [2])
        .with(tlv::FULL_NAME, &room.name)
        .with(tlv::NAME, &room.name)
        .with_u16(tlv::MAX_VISIBLE, MAX_MESSAGE);
    Room { exchange: room.exchange, cookie: room.cookie.clone().into_bytes(), instance: 0, detail: 2, tlvs }
}
