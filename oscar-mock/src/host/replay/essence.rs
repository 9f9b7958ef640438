//! A frame in words that can be compared: all its content, less what can't be the same on two servers.

use std::fmt::Write as _;

use oscar_im::foodgroup::bucp::{Challenge, tlv};
use oscar_im::foodgroup::chat::{MessageToClient, RoomInfoUpdate, UsersJoined};
use oscar_im::foodgroup::chat_nav::{NavInfo, Room};
use oscar_im::foodgroup::feedbag::Reply;
use oscar_im::foodgroup::locate::UserInfoReply;
use oscar_im::foodgroup::oservice::{OwnUserInfo, RateParamChange, RateParams};
use oscar_im::foodgroup::{UserInfo, chat, chat_nav, user_info};
use oscar_im::wire::{FlapChannel, Frame, Tlvs, Wire};

use super::snac;

/// A frame's content without what can't be the same on two servers or in two years.
pub(super) fn essence(frame: &Frame) -> String {
    let Some(snac) = snac(frame) else {
        return match frame.channel {
            FlapChannel::SignOff => tlvs(
                &Tlvs::from_bytes(&frame.payload).unwrap(),
                &[tlv::BOS_ADDRESS, tlv::COOKIE, tlv::DISCONNECT_URL],
            ),
            _ => hex(&frame.payload),
        };
    };
    let body = match (u16::from(snac.group), snac.subgroup) {
        (0x17, 0x07) => format!("a key of {} bytes", Challenge::from_bytes(&snac.body).unwrap().key.len()),
        (0x17, 0x03) | (0x01, 0x05) => {
            tlvs(&Tlvs::from_bytes(&snac.body).unwrap(), &[tlv::BOS_ADDRESS, tlv::COOKIE])
        }
        (0x01, 0x07) => rates(RateParams::from_bytes(&snac.body).unwrap()),
        (0x01, 0x0a) => {
            let RateParamChange { code, class } = RateParamChange::from_bytes(&snac.body).unwrap();
            format!("code {code} class {} long {}", class.id, class.state.is_some())
        }
        (0x01, 0x0f) => {
            let OwnUserInfo { infos } = Wire::from_bytes(&snac.body).unwrap();
            infos.iter().map(info).collect()
        }
        // Two bytes of kind, then the text.
        (0x01, 0x13) => {
            format!("{} {}", hex(&snac.body[..2]), tlvs(&Tlvs::from_bytes(&snac.body[2..]).unwrap(), &[0x0b]))
        }
        (0x02, 0x06) => {
            let reply = UserInfoReply::from_bytes(&snac.body).unwrap();
            format!("{} then {}", info(&reply.info), tlvs(&reply.tlvs, &[]))
        }
        (0x0d, 0x09) => {
            let NavInfo { tlvs: answer } = Wire::from_bytes(&snac.body).unwrap();
            let made = NavInfo { tlvs: answer.clone() }.room().map(|made| room(&made.unwrap()));
            format!("{} {made:?}", tlvs(&answer, &[chat_nav::tlv::ROOM]))
        }
        (0x0e, 0x02) => room(&RoomInfoUpdate::from_bytes(&snac.body).unwrap().room),
        (0x0e, 0x03) => {
            let UsersJoined { infos } = Wire::from_bytes(&snac.body).unwrap();
            infos.iter().map(info).collect()
        }
        (0x0e, 0x06) => {
            let heard = MessageToClient::from_bytes(&snac.body).unwrap();
            let sender = info(&heard.sender().unwrap().unwrap());
            format!(
                "{:?} {} {sender} {}",
                heard.cookie,
                heard.channel,
                tlvs(&heard.tlvs, &[chat::tlv::SENDER])
            )
        }
        (0x13, 0x06) => {
            let reply = Reply::from_bytes(&snac.body).unwrap();
            format!("version {} {:?}", reply.version, reply.items)
        }
        _ => hex(&snac.body),
    };
    format!("flags {:04x} {body}", snac.flags.0)
}

/// TLVs in their order; of those in `masked` only that they are there.
fn tlvs(tlvs: &Tlvs, masked: &[u16]) -> String {
    let show = |tlv: &oscar_im::wire::Tlv| {
        if masked.contains(&tlv.kind) {
            format!("[{:04x} …]", tlv.kind)
        } else {
            format!("[{:04x} {}]", tlv.kind, hex(&tlv.value))
        }
    };
    tlvs.0.iter().map(show).collect()
}

fn info(info: &UserInfo) -> String {
    let times = [user_info::tlv::SIGN_ON_TIME, 0x05, user_info::tlv::SESSION_LENGTH];
    format!("{} warned {} {}", info.screen_name, info.warning, tlvs(&info.tlvs, &times))
}

fn room(room: &Room) -> String {
    let id = chat::RoomId::from(room);
    format!("{id:?} detail {} {}", room.detail, tlvs(&room.tlvs, &[chat_nav::tlv::CREATED]))
}

/// Rate classes without their levels, members in one order: the real server's change with every answer.
fn rates(mut params: RateParams) -> String {
    for class in &mut params.classes {
        class.current = 0;
        if let Some(state) = &mut class.state {
            state.last = 0;
        }
    }
    for members in &mut params.members {
        members.members.sort_by_key(|member| (member.group, member.subgroup));
    }
    format!("{params:?}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
