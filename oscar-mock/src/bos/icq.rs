//! 15: ICQ's own group, as far as BitlBee asks at sign-on, on AIM accounts too.

use oscar_im::foodgroup::ErrorCode;
use oscar_im::foodgroup::icq::{Meta, ToClient, ToHost, kind};
use oscar_im::wire::{Snac, Wire};

use super::{Caller, Context, Outcome, icbm};

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    if snac.subgroup != 0x02 {
        return Err(ErrorCode::BadSnac.into());
    }
    let meta = ToHost::from_bytes(&snac.body)?.meta()?;
    match meta.kind {
        kind::OFFLINE_QUERY => {
            icbm::deliver_stored(cx, caller)?;
            // One byte follows: whether messages were dropped.
            let done = Meta { kind: kind::OFFLINE_DONE, data: vec![0], ..meta };
            cx.reply(caller, &ToClient::of_meta(&done)?)
        }
        // They were forgotten when they were handed out.
        kind::OFFLINE_DELETE => Ok(()),
        _ => Err(ErrorCode::NotSupportedByHost.into()),
    }
}
