//! 0E: inside a chat room. Each room that somebody is in is a connection of its own.

use oscar_im::foodgroup::chat::{
    MessageToClient, MessageToHost, RoomInfoUpdate, UsersJoined, UsersLeft, tlv,
};
use oscar_im::foodgroup::user_info::{flags, tlv as info};
use oscar_im::foodgroup::{ErrorCode, SnacBody, UserInfo};
use oscar_im::wire::{Snac, Tlvs, Wire};

use super::oservice::UNNAMED;
use super::{Caller, Context, Outcome, Service, chat_nav};
use crate::ending::Ending;
use crate::realm::rooms::Occupant;
use crate::realm::{AccountId, ConnectionId, SessionId};

/// The request id of what no request of the room's connection caused: here open-oscar-server leaves it at zero.
const UNASKED_IN_A_ROOM: u32 = 0;

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    let Service::Room(cookie) = &caller.service else { return Err(ErrorCode::BadSnac.into()) };
    match snac.subgroup {
        0x05 => say(cx, caller, cookie, &Wire::from_bytes(&snac.body)?),
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

/// The client of a room's connection is ready: it learns who is there, and they of it.
pub(super) fn enter(cx: &mut Context<'_>, caller: &Caller, cookie: &str) -> Outcome {
    // One is in a room once: so does open-oscar-server.
    if let Some(before) = occupants(cx, cookie).into_iter().find(|other| is(cx, other, caller.account)) {
        leave(cx, cookie, before.connection, caller.account);
        cx.out.close(before.connection, Ending::CameAgain);
    }
    let occupant = Occupant { session: caller.session, connection: caller.connection };
    if !cx.realm.rooms.enter(cookie, occupant) {
        return Err(ErrorCode::QueueFull.into());
    }
    let occupants = occupants(cx, cookie);
    let describe_one = |occupant: &Occupant| {
        let session = cx.realm.session(occupant.session)?;
        Some(describe(cx, session.account))
    };
    let everybody = UsersJoined { infos: occupants.iter().filter_map(describe_one).collect() };
    let newcomer = UsersJoined { infos: vec![describe(cx, caller.account)] };
    cx.out.snac(caller.connection, UNASKED_IN_A_ROOM, &everybody)?;
    if let Some(room) = cx.realm.rooms.get(cookie).map(chat_nav::describe) {
        cx.out.snac(caller.connection, UNASKED_IN_A_ROOM, &RoomInfoUpdate { room })?;
    }
    tell_others(cx, &occupants, caller.connection, &newcomer);
    Ok(())
}

fn is(cx: &Context<'_>, occupant: &Occupant, account: AccountId) -> bool {
    cx.realm.session(occupant.session).is_some_and(|session| session.account == account)
}

/// Somebody's connection to a room has ended.
pub(super) fn leave(cx: &mut Context<'_>, cookie: &str, connection: ConnectionId, account: AccountId) {
    if cx.realm.rooms.leave(cookie, connection) {
        let left = UsersLeft { infos: vec![describe(cx, account)] };
        tell_others(cx, &occupants(cx, cookie), connection, &left);
    }
}

/// Somebody's session has ended.
pub(super) fn leave_all(cx: &mut Context<'_>, session: SessionId, account: AccountId) {
    let held = |occupant: &&Occupant| occupant.session == session;
    let places: Vec<(String, ConnectionId)> = cx
        .realm
        .rooms
        .iter()
        .filter_map(|room| Some((room.cookie.clone(), room.occupants.iter().find(held)?.connection)))
        .collect();
    for (cookie, connection) in places {
        leave(cx, &cookie, connection, account);
    }
}

/// 0E/05 → 0E/06 for the others, and for the speaker if TLV 6 asks for it.
fn say(cx: &mut Context<'_>, caller: &Caller, cookie: &str, said: &MessageToHost) -> Outcome {
    let occupants = occupants(cx, cookie);
    if !occupants.iter().any(|occupant| occupant.connection == caller.connection) {
        return Err(ErrorCode::NotLoggedOn.into());
    }
    let mut tlvs = Tlvs::new().with_wire(tlv::SENDER, &describe(cx, caller.account))?;
    let passed_on = |kind: u16| kind != tlv::SENDER && kind != tlv::REFLECT;
    tlvs.0.extend(said.tlvs.0.iter().filter(|tlv| passed_on(tlv.kind)).cloned());
    let heard = MessageToClient { cookie: said.cookie, channel: said.channel, tlvs };
    tell_others(cx, &occupants, caller.connection, &heard);
    if said.tlvs.has(tlv::REFLECT) { cx.reply(caller, &heard) } else { Ok(()) }
}

fn occupants(cx: &Context<'_>, cookie: &str) -> Vec<Occupant> {
    cx.realm.rooms.get(cookie).map(|room| room.occupants.clone()).unwrap_or_default()
}

fn tell_others<B: SnacBody>(cx: &mut Context<'_>, occupants: &[Occupant], except: ConnectionId, body: &B) {
    for occupant in occupants.iter().filter(|occupant| occupant.connection != except) {
        if cx.out.snac(occupant.connection, UNASKED_IN_A_ROOM, body).is_err() {
            tracing::warn!(subgroup = B::SUBGROUP, "not sent to a room: too long for a frame");
        }
    }
}

/// How people in a room see each other: with less than buddies do.
fn describe(cx: &Context<'_>, account: AccountId) -> UserInfo {
    let began = cx.realm.foremost(account).map_or(cx.now.unix, |session| session.began.unix);
    let account = cx.realm.account(account);
    let tlvs = Tlvs::new()
        .with_u32(info::SIGN_ON_TIME, began)
        .with_u16(info::FLAGS, flags::AIM)
        .with_u32(info::STATUS, 0)
        .with_u32(UNNAMED, 0);
    UserInfo { screen_name: account.name.clone(), warning: account.warning, tlvs }
}
