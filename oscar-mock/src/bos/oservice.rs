//! 01: versions, rates, own user info, service requests, ready, idle, and the notices of rate limits.

use std::time::Duration;

use oscar_im::ScreenName;
use oscar_im::foodgroup::chat::RoomId;
use oscar_im::foodgroup::oservice::{
    BartReply, ClientVersions, HostVersions, IdleNotification, Migrate, Motd, OwnUserInfo, RateClass,
    RateMembers, RateParamChange, RateParams, ServiceRequest, ServiceResponse, SetUserInfoFields, tlv,
};
use oscar_im::foodgroup::user_info::{flags, tlv as info};
use oscar_im::foodgroup::{ErrorCode, FoodGroup, UserInfo, stats};
use oscar_im::wire::{Snac, Tlvs, Wire};

use super::{Caller, Context, Outcome, Service, buddy, chat, icbm};
use crate::clock::Now;
use crate::outbox::UNASKED;
use crate::rates;
use crate::realm::{ListUse, Realm, Session, SessionId};
use crate::tickets::Ticket;

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    match snac.subgroup {
        0x02 => client_online(cx, caller),
        0x04 => service_request(cx, caller, &Wire::from_bytes(&snac.body)?),
        0x06 => rate_params(cx, caller),
        0x0e => own_user_info(cx, caller, Detail::Session),
        0x11 => {
            idle(cx, caller, &Wire::from_bytes(&snac.body)?);
            Ok(())
        }
        0x17 => versions(cx, caller, Wire::from_bytes(&snac.body)?),
        0x1e => set_user_info(cx, caller, &Wire::from_bytes(&snac.body)?),
        // Rate subscriptions (all are subscribed), the answer to a pause, privacy flags, no-op: without an answer.
        0x08 | 0x09 | 0x0c | 0x14 | 0x16 => Ok(()),
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

/// 01/17 → 01/18, which repeats the client's list, and the message of the day unasked.
fn versions(cx: &mut Context<'_>, caller: &Caller, announced: ClientVersions) -> Outcome {
    let own = announced.versions.iter().find(|version| version.group == FoodGroup::Oservice);
    if let (Some(session), Some(own)) = (cx.realm.session_mut(caller.session), own) {
        session.versions = own.version;
    }
    cx.reply(caller, &HostVersions { versions: announced.versions })?;
    let motd =
        Motd { kind: 4, tlvs: Tlvs::new().with(tlv::MOTD_TEXT, "This is oscar-mock, a server double.") };
    Ok(cx.out.snac(caller.connection, UNASKED, &motd)?)
}

/// 01/06 → 01/07.
fn rate_params(cx: &mut Context<'_>, caller: &Caller) -> Outcome {
    let Some(session) = cx.realm.session(caller.session) else { return Ok(()) };
    let mut classes = session.levels.records(cx.now.instant);
    for class in &mut classes {
        if session.versions < 2 {
            class.state = None;
        } else if let Some(state) = &mut class.state {
            // Here open-oscar-server names the time of day, not a distance.
            state.last = cx.now.unix;
        }
    }
    let members =
        |(index, class): (usize, &RateClass)| RateMembers { class: class.id, members: rates::members(index) };
    let members = classes.iter().enumerate().map(members).collect();
    cx.reply(caller, &RateParams { classes, members })
}

/// How much 01/0F says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// What others are told.
    Others,
    /// That, and the times of the session.
    Session,
}

/// 01/0E → 01/0F; also the answer to 01/1E.
fn own_user_info(cx: &mut Context<'_>, caller: &Caller, detail: Detail) -> Outcome {
    let Some(session) = cx.realm.session(caller.session) else { return Ok(()) };
    let mut own = describe(cx.realm, session, cx.now);
    if detail == Detail::Session {
        let began = session.began.unix;
        own.tlvs = own
            .tlvs
            .with_u32(ACCOUNT_TIME, began)
            .with_u32(info::SIGN_ON_TIME, began)
            .with_u32(info::SESSION_LENGTH, cx.now.unix.saturating_sub(began));
    }
    cx.reply(caller, &OwnUserInfo { infos: vec![own] })
}

/// Tells a client that its new icon is known (01/21), and how it is seen with it.
pub(super) fn icon_changed(cx: &mut Context<'_>, caller: &Caller) -> Outcome {
    // Unasked, but open-oscar-server leaves the id of these at zero.
    let unasked = Caller { request_id: 0, ..caller.clone() };
    let items = cx.realm.account(caller.account).feedbag.icons();
    cx.reply(&unasked, &BartReply { items })?;
    own_user_info(cx, &unasked, Detail::Session)
}

/// TLV 5 of a user info, which open-oscar-server sets to the time of the sign-on.
const ACCOUNT_TIME: u16 = 0x05;

/// 01/1E: sets the status. Icons come from the server-stored list, and status texts (TLV 1D) are not passed on, as at
/// open-oscar-server.
fn set_user_info(cx: &mut Context<'_>, caller: &Caller, fields: &SetUserInfoFields) -> Outcome {
    if let (Some(session), Some(status)) =
        (cx.realm.session_mut(caller.session), fields.tlvs.number(tlv::STATUS))
    {
        session.status = status;
    }
    own_user_info(cx, caller, Detail::Others)?;
    buddy::session_changed(cx, caller);
    Ok(())
}

/// 01/11: idle since, or back.
fn idle(cx: &mut Context<'_>, caller: &Caller, notice: &IdleNotification) {
    if let Some(session) = cx.realm.session_mut(caller.session) {
        let since = cx.now.instant.checked_sub(Duration::from_secs(notice.seconds.into()));
        session.idle_since = (notice.seconds > 0).then(|| since.unwrap_or(cx.now.instant));
    }
    buddy::session_changed(cx, caller);
}

/// 01/02: from here on others see the client, and it gets messages.
fn client_online(cx: &mut Context<'_>, caller: &Caller) -> Outcome {
    match &caller.service {
        Service::Bos => {}
        Service::Other(_) => return Ok(()),
        Service::Room(cookie) => return chat::enter(cx, caller, cookie),
    }
    let Some(session) = cx.realm.session_mut(caller.session) else { return Ok(()) };
    if std::mem::replace(&mut session.ready, true) {
        return Ok(());
    }
    if session.list == ListUse::Asked {
        session.list = ListUse::Active;
    }
    let interval = stats::MinReportInterval { hours: 1 };
    cx.out.snac(caller.connection, UNASKED, &interval)?;
    buddy::watch_contacts(cx, caller.session);
    buddy::survey(cx, caller.session);
    buddy::announce(cx, caller.account);
    icbm::announce_stored(cx, caller);
    Ok(())
}

/// 01/04 → 01/05 with an address and a cookie, or an error.
fn service_request(cx: &mut Context<'_>, caller: &Caller, request: &ServiceRequest) -> Outcome {
    let room = match request.group {
        FoodGroup::ChatNav | FoodGroup::Bart | FoodGroup::Alert => None,
        FoodGroup::Chat => {
            let room = RoomId::from_bytes(request.tlvs.require(tlv::ROOM)?)?;
            let cookie = oscar_im::wire::text(&room.cookie);
            cx.realm.rooms.get(&cookie).ok_or(ErrorCode::NoMatch)?;
            Some(cookie)
        }
        _ => return Err(ErrorCode::ServiceUnavailable.into()),
    };
    let ticket = Ticket::Service { session: caller.session, group: request.group, room };
    let cookie = cx.tickets.issue(ticket, cx.entropy, cx.now.instant);
    let tlvs = Tlvs::new()
        .with_u16(tlv::GROUP, request.group.into())
        .with(tlv::ADDRESS, caller.address.as_bytes())
        .with(tlv::COOKIE, cookie)
        .with(tlv::SSL_STATE, [0]);
    cx.reply(caller, &ServiceResponse { tlvs })
}

/// How others see a session.
pub(super) fn describe(realm: &Realm, session: &Session, now: Now) -> UserInfo {
    let account = realm.account(session.account);
    let mut bits = flags::UNCONFIRMED | if is_number(&account.name) { flags::ICQ } else { flags::AIM };
    if session.away.is_some() {
        bits |= flags::AWAY;
    }
    if account.bot {
        bits |= flags::BOT;
    }
    let mut tlvs = Tlvs::new()
        .with_u32(info::SIGN_ON_TIME, session.began.unix)
        .with_u16(info::FLAGS, bits)
        .with_u32(info::STATUS, session.status);
    if session.idle_since.is_some() {
        tlvs = tlvs.with_u16(info::IDLE_MINUTES, session.idle_minutes(now));
    }
    let icons = account.feedbag.icons();
    if let (false, Ok(icons)) = (icons.is_empty(), icons.to_bytes()) {
        tlvs = tlvs.with(info::BART, icons);
    }
    if !session.capabilities.is_empty() {
        tlvs = tlvs.with(info::CAPABILITIES, session.capabilities.concat());
    }
    UserInfo { screen_name: account.name.clone(), warning: account.warning, tlvs: tlvs.with_u32(UNNAMED, 0) }
}

/// TLV 1E of a user info: always zero at open-oscar-server, without a known meaning.
pub(super) const UNNAMED: u16 = 0x1e;

fn is_number(name: &ScreenName) -> bool {
    name.normal().bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells a client to go on with its session on another connection (01/12).
pub(crate) fn migrate(cx: &mut Context<'_>, caller: &Caller) {
    let ticket = Ticket::Move { from: caller.connection };
    let cookie = cx.tickets.issue(ticket, cx.entropy, cx.now.instant);
    let tlvs = Tlvs::new().with(tlv::ADDRESS, caller.address.as_bytes()).with(tlv::COOKIE, cookie);
    // An address and a cookie always fit a frame.
    let _ = cx.out.snac(caller.connection, UNASKED, &Migrate { groups: Vec::new(), tlvs });
}

/// Tells a session what its rate limits have come to, on each of its connections.
pub(crate) fn tell_rates(cx: &mut Context<'_>, session: SessionId) {
    let Some(session) = cx.realm.session_mut(session) else { return };
    let long = session.versions >= 2;
    let connections: Vec<_> = session.connections().collect();
    for (code, class) in session.levels.notices(cx.now.instant) {
        let class = RateClass { state: class.state.filter(|_| long), ..class };
        for connection in &connections {
            // A record always fits a frame.
            let _ = cx.out.snac(*connection, UNASKED, &RateParamChange { code, class });
        }
    }
}
