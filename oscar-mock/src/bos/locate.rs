//! 02: profiles, away messages, capabilities, and entries in the directory.

use oscar_im::ScreenName;
use oscar_im::foodgroup::locate::{
    Rights, SetInfo, UserInfoQuery, UserInfoQuery2, UserInfoReply, query, tlv,
};
use oscar_im::foodgroup::{Capability, ErrorCode, FoodGroup};
use oscar_im::wire::{Snac, Tlvs, Wire, Writer};

use super::oservice::describe;
use super::{Caller, Context, Outcome, buddy};
use crate::realm::session::Text;

/// Bytes of a profile or an away message, and number of capabilities, as open-oscar-server's 02/03 says.
const LIMIT: u16 = 1000;

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    match snac.subgroup {
        0x02 => {
            let tlvs = (1..=5).fold(Tlvs::new(), |tlvs, kind| tlvs.with_u16(kind, LIMIT));
            cx.reply(caller, &Rights { tlvs })
        }
        0x04 => {
            set_info(cx, caller, &Wire::from_bytes(&snac.body)?);
            Ok(())
        }
        0x05 => {
            let UserInfoQuery { kind, screen_name } = Wire::from_bytes(&snac.body)?;
            let mask = match kind {
                query::PROFILE => mask::PROFILE,
                query::AWAY => mask::AWAY,
                4 => mask::CAPABILITIES,
                _ => 0,
            };
            user_info(cx, caller, &UserInfoQuery2 { mask, screen_name })
        }
        0x09 => {
            let entry = Tlvs::from_bytes(&snac.body)?;
            let bytes: usize = entry.0.iter().map(|tlv| 4 + tlv.value.len()).sum();
            if bytes > usize::from(LIMIT) {
                return Err(ErrorCode::ListOverflow.into());
            }
            cx.realm.account_mut(caller.account).directory = entry;
            done(cx, caller, 0x0a)
        }
        0x0b => directory_entry(cx, caller, &ScreenName::from_bytes(&snac.body)?),
        // Interests are taken and shown to nobody.
        0x0f => done(cx, caller, 0x10),
        0x15 => user_info(cx, caller, &Wire::from_bytes(&snac.body)?),
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

/// Says that something was done.
fn done(cx: &mut Context<'_>, caller: &Caller, subgroup: u16) -> Outcome {
    let mut answer = Writer::new();
    answer.u16(DONE);
    cx.reply_with(caller, FoodGroup::Locate, subgroup, answer)
}

const DONE: u16 = 1;

/// 02/0B → 02/0C: a TLV block, empty for somebody who has no entry or is unknown.
fn directory_entry(cx: &mut Context<'_>, caller: &Caller, whose: &ScreenName) -> Outcome {
    let known = cx.realm.find(whose);
    let entry = known.map(|account| cx.realm.account(account).directory.clone()).unwrap_or_default();
    let mut answer = Writer::new();
    answer.u16(DONE);
    entry.encode_counted(&mut answer);
    cx.reply_with(caller, FoodGroup::Locate, 0x0c, answer)
}

/// Bits of 02/15.
mod mask {
    pub(super) const PROFILE: u32 = 1;
    pub(super) const AWAY: u32 = 2;
    pub(super) const CAPABILITIES: u32 = 4;
}

/// 02/04: what is absent stays as it is.
fn set_info(cx: &mut Context<'_>, caller: &Caller, set: &SetInfo) {
    let text = |mime, body| -> Option<Option<Text>> {
        let body = set.tlvs.get(body)?;
        let mime = set.tlvs.get(mime).unwrap_or_default();
        let cut = |bytes: &[u8]| bytes.iter().copied().take(usize::from(LIMIT)).collect();
        Some((!body.is_empty()).then(|| Text { mime: cut(mime), body: cut(body) }))
    };
    let Some(session) = cx.realm.session_mut(caller.session) else { return };
    if let Some(profile) = text(tlv::PROFILE_TYPE, tlv::PROFILE) {
        session.profile = profile;
    }
    if let Some(away) = text(tlv::AWAY_TYPE, tlv::AWAY) {
        session.away = away;
    }
    if let Some(capabilities) = set.tlvs.get(tlv::CAPABILITIES) {
        let (all, _) = capabilities.as_chunks::<16>();
        // Others are not told who talks to ICQ: so does open-oscar-server.
        let told = all.iter().filter(|capability| **capability != Capability::INTEROPERATE.0);
        session.capabilities = told.copied().take(usize::from(LIMIT)).collect();
        session.capabilities.sort_unstable();
        session.capabilities.dedup();
    }
    buddy::session_changed(cx, caller);
}

/// 02/05 and 02/15 → 02/06. Whoever can't be seen is not signed on.
fn user_info(cx: &mut Context<'_>, caller: &Caller, asked: &UserInfoQuery2) -> Outcome {
    let account = cx.realm.find(&asked.screen_name).ok_or(ErrorCode::NotLoggedOn)?;
    let session = cx.realm.foremost(account).ok_or(ErrorCode::NotLoggedOn)?;
    let seen = !session.is_invisible()
        && cx.realm.allows(account, caller.account)
        && cx.realm.allows(caller.account, account);
    if !seen {
        return Err(ErrorCode::NotLoggedOn.into());
    }
    let mut tlvs = Tlvs::new();
    if asked.mask & mask::PROFILE != 0 {
        let profile = session.profile.as_ref();
        tlvs = tlvs
            .with(tlv::PROFILE_TYPE, profile.map(|text| text.mime.as_slice()).unwrap_or_default())
            .with(tlv::PROFILE, profile.map(|text| text.body.as_slice()).unwrap_or_default());
    }
    if let (true, Some(away)) = (asked.mask & mask::AWAY != 0, &session.away) {
        tlvs = tlvs.with(tlv::AWAY_TYPE, &away.mime).with(tlv::AWAY, &away.body);
    }
    if asked.mask & mask::CAPABILITIES != 0 {
        tlvs = tlvs.with(tlv::CAPABILITIES, session.capabilities.concat());
    }
    let reply = UserInfoReply { info: describe(cx.realm, session, cx.now), tlvs };
    cx.reply(caller, &reply)
}
