//! 13: the server-stored list. Edits take effect at once for whoever reads the list; who is shown to whom is asked
//! again when a transaction ends, so that a buddy who moves between groups doesn't seem to leave.

use oscar_im::foodgroup::feedbag::{
    AuthorizationReplyToClient, AuthorizationReplyToHost, AuthorizationRequestToClient,
    AuthorizationRequestToHost, DeleteItems, InsertItems, Item, NotModified, QueryIfModified, Reply, Rights,
    Status, UpdateItems, class,
};
use oscar_im::foodgroup::{ErrorCode, SnacBody};
use oscar_im::wire::{Snac, SnacFlags, Tlvs, Wire};

use super::{Caller, Context, Outcome, buddy, oservice};
use crate::realm::feedbag::LIMITS;
use crate::realm::{ListUse, SessionId};

/// Items in one 13/06; a longer list comes in parts. An item takes some 2 KiB at most, and a frame 64.
const ITEMS_A_PART: usize = 25;

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    match snac.subgroup {
        0x02 => rights(cx, caller),
        0x04 => {
            asked(cx, caller);
            list(cx, caller)
        }
        0x05 => {
            asked(cx, caller);
            let QueryIfModified { last_change, count } = Wire::from_bytes(&snac.body)?;
            let feedbag = &cx.realm.account(caller.account).feedbag;
            let same = usize::from(count) == feedbag.items().len() && last_change >= feedbag.changed();
            if same && count > 0 {
                cx.reply(caller, &NotModified { last_change, count })
            } else {
                list(cx, caller)
            }
        }
        0x07 => {
            if let Some(session) = cx.realm.session_mut(caller.session) {
                session.list = ListUse::Active;
            }
            buddy::watch_contacts(cx, caller.session);
            Ok(())
        }
        0x08 => {
            let InsertItems { items } = Wire::from_bytes(&snac.body)?;
            put(cx, caller, items.clone(), &InsertItems { items })
        }
        0x09 => {
            let UpdateItems { items } = Wire::from_bytes(&snac.body)?;
            put(cx, caller, items.clone(), &UpdateItems { items })
        }
        0x0a => {
            let DeleteItems { items } = Wire::from_bytes(&snac.body)?;
            let unix = cx.now.unix;
            let feedbag = &mut cx.realm.account_mut(caller.account).feedbag;
            let codes = items.iter().map(|item| feedbag.remove(item.group, item.item, unix)).collect();
            let classes = classes(&items);
            finish(cx, caller, &Status { codes }, classes, &DeleteItems { items })
        }
        // Leave to list somebody, which ICQ clients ask for and give: nothing depends on it here. It says whom it is for,
        // and arrives saying who it is from.
        0x18 => {
            let AuthorizationRequestToHost { screen_name: to, reason, reserved } =
                Wire::from_bytes(&snac.body)?;
            let screen_name = cx.realm.account(caller.account).name.clone();
            let asked = AuthorizationRequestToClient { screen_name, reason, reserved };
            cx.tell_account(caller, &to, &asked);
            Ok(())
        }
        0x1a => {
            let AuthorizationReplyToHost { screen_name: to, accepted, reason } =
                Wire::from_bytes(&snac.body)?;
            let screen_name = cx.realm.account(caller.account).name.clone();
            let answered = AuthorizationReplyToClient { screen_name, accepted, reason };
            cx.tell_account(caller, &to, &answered);
            Ok(())
        }
        0x11 | 0x12 => {
            let begins = snac.subgroup == 0x11;
            if let Some(session) = cx.realm.session_mut(caller.session) {
                session.in_transaction = begins;
            }
            if !begins {
                settle(cx, caller);
            }
            Ok(())
        }
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

/// 13/02 → 13/03. What TLVs 3 and 5 to E mean is not known to us; the figures are open-oscar-server's.
fn rights(cx: &mut Context<'_>, caller: &Caller) -> Outcome {
    const MAX_PER_CLASS: u16 = 0x04;
    let limits: Vec<u8> = LIMITS.iter().flat_map(|limit| limit.to_be_bytes()).collect();
    let mut tlvs = Tlvs::new().with_u16(0x03, 200).with(MAX_PER_CLASS, limits);
    for kind in [5, 6, 7, 8, 9, 0x0a, 0x0c, 0x0d] {
        tlvs = tlvs.with_u16(kind, 200);
    }
    cx.reply(caller, &Rights { tlvs: tlvs.with_u16(0x0e, 100) })
}

fn asked(cx: &mut Context<'_>, caller: &Caller) {
    if let Some(session) = cx.realm.session_mut(caller.session) {
        session.list = session.list.max(ListUse::Asked);
    }
}

/// 13/06, in as many parts as it takes.
fn list(cx: &mut Context<'_>, caller: &Caller) -> Outcome {
    let feedbag = &cx.realm.account(caller.account).feedbag;
    let last_change = feedbag.changed();
    let mut parts: Vec<Vec<Item>> = feedbag.items().chunks(ITEMS_A_PART).map(<[Item]>::to_vec).collect();
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    let last = parts.len() - 1;
    for (index, items) in parts.into_iter().enumerate() {
        let mut snac = Snac::new(caller.request_id, &Reply { version: 0, items, last_change })?;
        if index < last {
            snac.flags = SnacFlags(SnacFlags::MORE);
        }
        cx.out.raw(caller.connection, &snac)?;
    }
    Ok(())
}

fn put<B: SnacBody>(cx: &mut Context<'_>, caller: &Caller, items: Vec<Item>, edit: &B) -> Outcome {
    let classes = classes(&items);
    let unix = cx.now.unix;
    let feedbag = &mut cx.realm.account_mut(caller.account).feedbag;
    let codes = items.into_iter().map(|item| feedbag.put(item, unix)).collect();
    finish(cx, caller, &Status { codes }, classes, edit)
}

/// Which things an edit may have changed.
#[derive(Debug, Clone, Copy)]
struct Touched {
    icon: bool,
}

fn classes(items: &[Item]) -> Touched {
    Touched { icon: items.iter().any(|item| item.class == class::ICON) }
}

/// Answers an edit, tells the account's other sessions of it, and draws its consequences.
fn finish<B: SnacBody>(
    cx: &mut Context<'_>,
    caller: &Caller,
    status: &Status,
    touched: Touched,
    edit: &B,
) -> Outcome {
    cx.reply(caller, status)?;
    let others: Vec<SessionId> = cx.realm.account(caller.account).sessions.clone();
    for other in others.into_iter().filter(|other| *other != caller.session) {
        cx.tell(other, edit);
    }
    if touched.icon {
        oservice::icon_changed(cx, caller)?;
        buddy::announce(cx, caller.account);
    }
    let waits = cx.realm.session(caller.session).is_some_and(|session| session.in_transaction);
    if !waits {
        settle(cx, caller);
    }
    Ok(())
}

/// Takes lists and privacy as they are now, for all sessions of the account.
fn settle(cx: &mut Context<'_>, caller: &Caller) {
    let account = cx.realm.account_mut(caller.account);
    let privacy = account.feedbag.privacy();
    let privacy_changed = account.privacy != privacy;
    account.privacy = privacy;
    for session in account.sessions.clone() {
        buddy::watch_contacts(cx, session);
    }
    if privacy_changed {
        buddy::privacy_changed(cx, caller.account);
    }
}
