//! 03: who comes and goes. One rule, [`Realm::sees`](crate::realm::Realm::sees), decides who is shown to whom; here
//! it is asked again after whatever may have changed its answer.

use oscar_im::ScreenName;
use oscar_im::foodgroup::buddy::{AddBuddies, Arrived, Departed, RemoveBuddies, Rights};
use oscar_im::foodgroup::user_info::tlv;
use oscar_im::foodgroup::{ErrorCode, UserInfo};
use oscar_im::wire::{Snac, Tlvs, Wire};

use super::oservice::describe;
use super::{Caller, Context, Outcome};
use crate::realm::{AccountId, Session, SessionId};

/// Names that a client may give by 03/04; more are ignored.
const MAX_CLIENT_BUDDIES: usize = 1000;

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    match snac.subgroup {
        0x02 => {
            let tlvs = (1..=4).fold(Tlvs::new(), |tlvs, kind| tlvs.with_u16(kind, 100));
            return cx.reply(caller, &Rights { tlvs });
        }
        // The second is for names of the moment, which end with the session as all do here.
        0x04 | 0x0f => {
            let AddBuddies { names } = Wire::from_bytes(&snac.body)?;
            if let Some(session) = cx.realm.session_mut(caller.session) {
                let room = MAX_CLIENT_BUDDIES.saturating_sub(session.client_buddies.len());
                session.client_buddies.extend(names.into_iter().filter(ScreenName::is_valid).take(room));
            }
        }
        0x05 | 0x10 => {
            let RemoveBuddies { names } = Wire::from_bytes(&snac.body)?;
            if let Some(session) = cx.realm.session_mut(caller.session) {
                session.client_buddies.retain(|name| !names.contains(name));
            }
        }
        _ => return Err(ErrorCode::BadSnac.into()),
    }
    watch_contacts(cx, caller.session);
    Ok(())
}

/// Takes a session's lists as they are now, and tells it of whoever came on or off them.
pub(super) fn watch_contacts(cx: &mut Context<'_>, session: SessionId) {
    let contacts = cx.realm.contacts(session);
    for name in cx.realm.watch(session, contacts) {
        if let Some(account) = cx.realm.find(&name) {
            refresh(cx, session, account, Known::Silent);
        }
    }
}

/// Asks again for everybody on a session's list.
pub(crate) fn survey(cx: &mut Context<'_>, session: SessionId) {
    let Some(watching) = cx.realm.session(session).map(Session::watching) else { return };
    let mut accounts: Vec<AccountId> = watching.iter().filter_map(|name| cx.realm.find(name)).collect();
    accounts.sort_unstable();
    for account in accounts {
        refresh(cx, session, account, Known::Silent);
    }
}

/// Tells everybody who watches the caller of a change to its session; of one that isn't ready nobody knows.
pub(super) fn session_changed(cx: &mut Context<'_>, caller: &Caller) {
    if cx.realm.session(caller.session).is_some_and(|session| session.ready) {
        announce(cx, caller.account);
    }
}

/// Tells everybody who watches an account how it is now.
pub(crate) fn announce(cx: &mut Context<'_>, account: AccountId) {
    for viewer in cx.realm.watchers(account) {
        refresh(cx, viewer, account, Known::Again);
    }
}

/// Asks again who sees whom after an account's privacy changed: others see it or not, and it them.
pub(super) fn privacy_changed(cx: &mut Context<'_>, account: AccountId) {
    for viewer in cx.realm.watchers(account) {
        refresh(cx, viewer, account, Known::Silent);
    }
    for session in cx.realm.account(account).sessions.clone() {
        survey(cx, session);
    }
}

/// What is said of somebody who is shown already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// 03/0B again: something of theirs has changed.
    Again,
    /// Nothing.
    Silent,
}

fn refresh(cx: &mut Context<'_>, viewer: SessionId, account: AccountId, known: Known) {
    let sees = cx.realm.sees(viewer, account);
    let Some(session) = cx.realm.session_mut(viewer) else { return };
    if sees {
        let new = session.shown.insert(account);
        if let (true, Some(session)) = (new || known == Known::Again, cx.realm.foremost(account)) {
            let info = describe(cx.realm, session, cx.now);
            cx.tell(viewer, &Arrived { infos: vec![info] });
        }
    } else if session.shown.remove(&account) {
        let name = cx.realm.account(account).name.clone();
        let info = UserInfo { tlvs: Tlvs::new().with_u16(tlv::FLAGS, 0), ..UserInfo::new(name) };
        cx.tell(viewer, &Departed { infos: vec![info] });
    }
}
