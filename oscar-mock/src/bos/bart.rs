//! 10: pictures, most of all buddy icons. Who shows which stands on the server-stored list; here they are stored and
//! fetched, on BOS as well as on a connection of their own.

use oscar_im::ScreenName;
use oscar_im::foodgroup::bart::BartItem;
use oscar_im::foodgroup::{ErrorCode, FoodGroup};
use oscar_im::wire::{Reader, Snac, Wire, Writer};

use super::{Caller, Context, Outcome, buddy};

/// The id that means no picture.
const NONE: [u8; 5] = [0x02, 0x01, 0xd2, 0x04, 0x72];
/// What is fetched under it: a GIF of one transparent point.
const EMPTY: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0\x21\xf9\x04\x01\0\0\0\0\
                       \x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

pub(super) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    let mut reader = Reader::new(&snac.body);
    match snac.subgroup {
        0x02 => {
            let (kind, length) = (reader.u16()?, reader.u16()?);
            let picture = reader.bytes(length.into())?;
            store(cx, caller, kind, picture)
        }
        0x04 => {
            let whose = ScreenName::decode(&mut reader)?;
            // How many ids follow. Clients ask for one picture at a time; of several, the first is what they get.
            reader.u8()?;
            fetch(cx, caller, &whose, &BartItem::decode(&mut reader)?)
        }
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

/// 10/02 → 10/03: a code, 0, and the id. Whoever sees the owner learns of it again, as they may have asked too early.
fn store(cx: &mut Context<'_>, caller: &Caller, kind: u16, picture: &[u8]) -> Outcome {
    const STORED: u8 = 0;
    let hash = cx.realm.pictures.store(picture).ok_or(ErrorCode::ListOverflow)?;
    let mut answer = Writer::new();
    answer.u8(STORED);
    BartItem { kind, flags: 0, id: hash.to_vec() }.encode(&mut answer);
    cx.reply_with(caller, FoodGroup::Bart, 0x03, answer)?;
    buddy::announce(cx, caller.account);
    Ok(())
}

/// 10/04 → 10/05: whose, which, and the picture, empty if there is none.
fn fetch(cx: &mut Context<'_>, caller: &Caller, whose: &ScreenName, which: &BartItem) -> Outcome {
    let picture = if which.id == NONE { Some(EMPTY) } else { cx.realm.pictures.get(&which.id) };
    let mut answer = Writer::new();
    whose.encode(&mut answer);
    which.encode(&mut answer);
    answer.block16(picture.unwrap_or_default());
    cx.reply_with(caller, FoodGroup::Bart, 0x05, answer)
}
