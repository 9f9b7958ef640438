//! 04: instant messages, their acknowledgement, storage and errors; typing; warnings.

use oscar_im::ScreenName;
use oscar_im::foodgroup::icbm::{
    ClientError, EvilReply, EvilRequest, Fragment, HostAck, ImData, ImToClient, ImToHost, OfflineDone,
    Params, TextFragment, TypingNotice, channel, tlv,
};
use oscar_im::foodgroup::oservice::EvilNotification;
use oscar_im::foodgroup::{ErrorCode, UserInfo};
use oscar_im::wire::{Snac, Tlvs, Wire};

use super::oservice::describe;
use super::{Caller, Context, Outcome, buddy};
use crate::journal::{Delivery, Message};
use crate::outbox::{Refusal, UNASKED};
use crate::rates;
use crate::realm::{AccountId, Stored};

/// Tenths of a percent that a warning adds, under one's name and without it.
const NAMED_WARNING: u16 = 100;
const ANONYMOUS_WARNING: u16 = 30;
/// As high as the level goes.
const MAX_WARNING: u16 = 1000;
/// TLV 8 of an error 4: the receiver's box is full.
const BOX_FULL: u16 = 0x0f;

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    match snac.subgroup {
        // The parameters that clients set: none of those seen depends on them.
        0x02 => Ok(()),
        0x04 => cx.reply(caller, &PARAMS),
        0x06 => message(cx, caller, Wire::from_bytes(&snac.body)?),
        0x08 => warn(cx, caller, &Wire::from_bytes(&snac.body)?),
        0x0b => {
            client_error(cx, caller, Wire::from_bytes(&snac.body)?);
            Ok(())
        }
        0x10 => {
            deliver_stored(cx, caller)?;
            cx.reply(caller, &OfflineDone {})
        }
        0x14 => {
            typing(cx, caller, Wire::from_bytes(&snac.body)?);
            Ok(())
        }
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

/// What open-oscar-server's 04/05 says; it does not keep to the length, and neither do we.
const PARAMS: Params = Params {
    max_slots: 100,
    flags: 3,
    max_length: 512,
    max_sender_warning: 999,
    max_receiver_warning: 999,
    min_interval: 0,
};

/// 04/06: to whoever it is for, now or later, and an acknowledgement if one is asked for.
fn message(cx: &mut Context<'_>, caller: &Caller, im: ImToHost) -> Outcome {
    let wants_ack = im.tlvs.has(tlv::HOST_ACK);
    let ack = HostAck { cookie: im.cookie, channel: im.channel, screen_name: im.to.clone() };
    let mut record = Message::of(&cx.realm.account(caller.account).name, &im, cx.now);
    let outcome = pass_on(cx, caller, im);
    record.delivery = match &outcome {
        Ok(delivery) => *delivery,
        Err(refusal) => Delivery::Refused(refusal.body().code),
    };
    cx.messages.push(record);
    outcome?;
    if wants_ack { cx.reply(caller, &ack) } else { Ok(()) }
}

/// Does everything with a message but pass it on.
pub(super) fn lose(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) {
    let Ok(im) = ImToHost::from_bytes(&snac.body) else { return };
    let record = Message::of(&cx.realm.account(caller.account).name, &im, cx.now);
    cx.messages.push(Message { delivery: Delivery::Lost, ..record });
    if im.tlvs.has(tlv::HOST_ACK) {
        // A request that came in a frame fits one.
        let _ = cx.reply(caller, &HostAck { cookie: im.cookie, channel: im.channel, screen_name: im.to });
    }
}

fn pass_on(cx: &mut Context<'_>, caller: &Caller, mut im: ImToHost) -> Result<Delivery, Refusal> {
    let to = cx.realm.find(&im.to).ok_or(ErrorCode::NotLoggedOn)?;
    if !cx.realm.allows(caller.account, to) {
        return Err(ErrorCode::InLocalPermitDeny.into());
    }
    if !cx.realm.allows(to, caller.account) {
        return Err(ErrorCode::NotLoggedOn.into());
    }
    let receivers: Vec<_> = cx.realm.online(to).map(|(_, session)| session.bos).collect();
    if receivers.is_empty() {
        return store(cx, caller, to, im);
    }
    if im.channel == channel::IM {
        cx.realm.account_mut(to).heard_from.insert(caller.account);
    }
    im.tlvs.remove(tlv::HOST_ACK);
    im.tlvs.remove(tlv::STORE);
    let typing = cx.realm.account(caller.account).feedbag.wants_typing();
    if im.channel == channel::IM && typing && !im.tlvs.has(tlv::WANTS_TYPING) {
        im.tlvs.push(tlv::WANTS_TYPING, []);
    }
    let from = match cx.realm.session(caller.session) {
        Some(session) => describe(cx.realm, session, cx.now),
        None => return Err(ErrorCode::NotLoggedOn.into()),
    };
    let body = ImToClient { cookie: im.cookie, channel: im.channel, from, tlvs: im.tlvs };
    let snac = Snac::new(UNASKED, &body)?;
    for receiver in receivers {
        cx.out.raw(receiver, &snac)?;
    }
    Ok(Delivery::Delivered)
}

/// Keeps a message for somebody who isn't there, if the sender asked for it (TLV 6).
fn store(cx: &mut Context<'_>, caller: &Caller, to: AccountId, im: ImToHost) -> Result<Delivery, Refusal> {
    if im.channel != channel::IM || !im.tlvs.has(tlv::STORE) {
        return Err(ErrorCode::NotLoggedOn.into());
    }
    let stored = Stored { sender: caller.account, cookie: im.cookie, tlvs: im.tlvs, unix: cx.now.unix };
    if cx.realm.account_mut(to).store(stored) {
        Ok(Delivery::Stored)
    } else {
        Err(Refusal::SubCode(ErrorCode::NotLoggedOn, BOX_FULL))
    }
}

/// Tells a client that has just become ready that messages wait for it.
pub(super) fn announce_stored(cx: &mut Context<'_>, caller: &Caller) {
    let count = cx.realm.account_mut(caller.account).announce_stored();
    if count == 0 {
        return;
    }
    let text = format!("While you were signed off, {count} message(s) came for you.");
    let text = TextFragment { charset: 0, language: 0, bytes: text.into_bytes() };
    let fragment = |id, data| Fragment { id, version: 1, data };
    // Two short fragments always fit.
    let data = ImData {
        fragments: vec![
            fragment(ImData::FEATURES, vec![1, 1, 2]),
            fragment(ImData::TEXT, text.to_bytes().unwrap_or_default()),
        ],
    };
    let notice = ImToClient {
        cookie: [0; 8],
        channel: channel::IM,
        from: UserInfo::new(ScreenName::from("OOS System Msg")),
        tlvs: Tlvs::new().with(tlv::MESSAGE, data.to_bytes().unwrap_or_default()),
    };
    cx.tell(caller.session, &notice);
}

/// Hands out what was stored, each message with the time at which it was sent. The senders come as
/// open-oscar-server names them: normalised, without anything else known of them.
pub(super) fn deliver_stored(cx: &mut Context<'_>, caller: &Caller) -> Outcome {
    for stored in cx.realm.account_mut(caller.account).take_stored() {
        let sender = cx.realm.account(stored.sender).name.normal();
        let body = ImToClient {
            cookie: stored.cookie,
            channel: channel::IM,
            from: UserInfo::new(ScreenName::from(sender)),
            tlvs: stored.tlvs.with_u32(tlv::SEND_TIME, stored.unix),
        };
        cx.out.snac(caller.connection, UNASKED, &body)?;
    }
    Ok(())
}

/// 04/14: to whoever it is for, with the sender's name in place of the receiver's. Never answered.
fn typing(cx: &mut Context<'_>, caller: &Caller, mut notice: TypingNotice) {
    let name = cx.realm.account(caller.account).name.clone();
    let to = std::mem::replace(&mut notice.screen_name, name);
    cx.tell_account(caller, &to, &notice);
}

/// 04/0B: the same, of a message that a client could not take.
fn client_error(cx: &mut Context<'_>, caller: &Caller, mut error: ClientError) {
    let name = cx.realm.account(caller.account).name.clone();
    let to = std::mem::replace(&mut error.screen_name, name);
    cx.tell_account(caller, &to, &error);
}

/// 04/08 → 04/09: one warning for each message that came, none otherwise, and none for bots.
fn warn(cx: &mut Context<'_>, caller: &Caller, request: &EvilRequest) -> Outcome {
    let target = cx.realm.find(&request.screen_name).ok_or(ErrorCode::NotLoggedOn)?;
    if cx.realm.foremost(target).is_none() {
        return Err(ErrorCode::NotLoggedOn.into());
    }
    if cx.realm.account(target).bot || !cx.realm.account_mut(caller.account).heard_from.remove(&target) {
        return Err(ErrorCode::RequestDenied.into());
    }
    let anonymous = request.anonymous != 0;
    let before = cx.realm.account(target).warning;
    let level = MAX_WARNING.min(before + if anonymous { ANONYMOUS_WARNING } else { NAMED_WARNING });
    set_warning(cx, target, level);
    let warner = (!anonymous).then(|| {
        let account = cx.realm.account(caller.account);
        UserInfo { warning: account.warning, ..UserInfo::new(account.name.clone()) }
    });
    let notice = EvilNotification { level, warner };
    for session in cx.realm.account(target).sessions.clone() {
        cx.tell(session, &notice);
    }
    buddy::announce(cx, target);
    cx.reply(caller, &EvilReply { increase: level - before, level })
}

/// Warns an account to a level, which tightens its limits.
fn set_warning(cx: &mut Context<'_>, account: AccountId, level: u16) {
    cx.realm.account_mut(account).warning = level;
    let classes = rates::classes(cx.settings.rates, level);
    for session in cx.realm.account(account).sessions.clone() {
        if let Some(session) = cx.realm.session_mut(session) {
            session.levels.retune(classes);
        }
    }
}
