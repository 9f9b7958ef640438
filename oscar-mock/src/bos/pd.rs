//! 09: permit and deny lists of clients that keep them themselves. They last for the session, and the list that was
//! added to last is the one that counts. One's own name alone stands for all: permitted, nobody else is; denied, nobody
//! is. So open-oscar-server does.

use std::collections::HashSet;

use oscar_im::ScreenName;
use oscar_im::foodgroup::ErrorCode;
use oscar_im::foodgroup::pd::{AddDeny, AddPermit, RemoveDeny, RemovePermit, Rights};
use oscar_im::wire::{Snac, Tlvs, Wire};

use super::{Caller, Context, Outcome, buddy};
use crate::realm::Privacy;

/// Names on either list, as 09/03 says; more are ignored.
const LIMIT: u16 = 100;

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    match snac.subgroup {
        0x02 => {
            // In open-oscar-server's order.
            let tlvs = [2, 1, 3].iter().fold(Tlvs::new(), |tlvs, kind| tlvs.with_u16(*kind, LIMIT));
            return cx.reply(caller, &Rights { tlvs });
        }
        // Who may see us by class of user; there is only one class here.
        0x04 => return Ok(()),
        0x05 => {
            let AddPermit { names } = Wire::from_bytes(&snac.body)?;
            let all = is_own_name_alone(cx, caller, &names);
            change(cx, caller, |privacy| match privacy {
                _ if all => *privacy = Some(Privacy::Nobody),
                Some(Privacy::Permit(permitted)) => add(permitted, names),
                other => *other = Some(Privacy::Permit(collect(names))),
            });
        }
        0x06 => {
            let RemovePermit { names } = Wire::from_bytes(&snac.body)?;
            change(cx, caller, |privacy| {
                if let Some(Privacy::Permit(permitted)) = privacy {
                    permitted.retain(|name| !names.contains(name));
                }
            });
        }
        0x07 => {
            let AddDeny { names } = Wire::from_bytes(&snac.body)?;
            let all = is_own_name_alone(cx, caller, &names);
            change(cx, caller, |privacy| match privacy {
                _ if all => *privacy = Some(Privacy::All),
                Some(Privacy::Deny(denied)) => add(denied, names),
                other => *other = Some(Privacy::Deny(collect(names))),
            });
        }
        0x08 => {
            let RemoveDeny { names } = Wire::from_bytes(&snac.body)?;
            change(cx, caller, |privacy| {
                if let Some(Privacy::Deny(denied)) = privacy {
                    denied.retain(|name| !names.contains(name));
                }
            });
        }
        _ => return Err(ErrorCode::BadSnac.into()),
    }
    buddy::privacy_changed(cx, caller.account);
    Ok(())
}

fn is_own_name_alone(cx: &Context<'_>, caller: &Caller, names: &[ScreenName]) -> bool {
    matches!(names, [only] if *only == cx.realm.account(caller.account).name)
}

fn change(cx: &mut Context<'_>, caller: &Caller, how: impl FnOnce(&mut Option<Privacy>)) {
    if let Some(session) = cx.realm.session_mut(caller.session) {
        how(&mut session.client_privacy);
    }
}

fn collect(names: Vec<ScreenName>) -> HashSet<ScreenName> {
    let mut set = HashSet::new();
    add(&mut set, names);
    set
}

fn add(set: &mut HashSet<ScreenName>, names: Vec<ScreenName>) {
    let room = usize::from(LIMIT).saturating_sub(set.len());
    set.extend(names.into_iter().filter(ScreenName::is_valid).take(room));
}
