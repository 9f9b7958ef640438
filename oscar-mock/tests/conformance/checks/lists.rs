//! 13: the server-stored list, within a session, across sessions, and in two at once.

use super::super::client::{How, USUAL, same_name};
use super::super::wire::{Outcome, Reader, Snac, Tlvs, ensure, item, tlv};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "empty_list",
        fact: "an empty list is a 13/06 with count 0 (captures)",
        steps: "ask 13/04 on a new account",
        expected: "version 0, count 0, four bytes of time",
        run: empty_list,
    },
    Check {
        name: "limits_of_the_list",
        fact: "13/03 holds the most items of each class in TLV 4 (captures)",
        steps: "ask 13/02",
        expected: "TLV 4, of u16s",
        run: limits_of_the_list,
    },
    Check {
        name: "edits_have_a_code_each",
        fact: "13/08, 09 and 0A are answered by 13/0E with a code for each item; 11, 12 and 07 by nothing (captures)",
        steps: "11, 08 of three items, 09 of one, 0A of one, 12",
        expected: "13/0E with three zeros, one, one; nothing else",
        run: edits_have_a_code_each,
    },
    Check {
        name: "list_outlives_its_session",
        fact: "the list is kept by the server (libpurple-bos-messages)",
        steps: "add two groups and two buddies with alias, change one, remove one; sign off and on; ask 13/04",
        expected: "what was left, with its TLVs",
        run: list_outlives_its_session,
    },
    Check {
        name: "list_not_modified",
        fact: "13/05 with the right time and count is answered by 13/0F (server's source)",
        steps: "add items, ask 13/04, then 13/05 with its time and count, then with another count",
        expected: "13/0F, then 13/06",
        run: list_not_modified,
    },
    Check {
        name: "edits_reach_the_other_session",
        fact: "sessions that share an account are told of each other's edits (server's source)",
        steps: "sign on twice with TLV 4A = 1, add a buddy on one",
        expected: "13/08 with the item on the other",
        run: edits_reach_the_other_session,
    },
    Check {
        name: "buddy_added_while_there",
        fact: "whoever is added while signed on is shown at once (libpurple-bos-messages)",
        steps: "Bert is there; Anna adds him, then removes him",
        expected: "03/0B after the addition; after the removal nothing more of him when he goes away",
        run: buddy_added_while_there,
    },
];

fn list(connection: &mut super::super::client::Connection) -> Outcome<Items> {
    let id = connection.snac(0x13, 0x04, &[]);
    let mut items = Vec::new();
    loop {
        let part = connection.answer(id)?;
        ensure!(part.is(0x13, 0x06), "{part:x?}");
        items.extend(items_of(&part)?.0);
        if part.flags & 1 == 0 {
            return Ok(items);
        }
    }
}

/// Name, group, id, class, and TLVs of each.
type Items = Vec<(String, u16, u16, u16, Tlvs)>;

/// The items of 13/06, and the time behind them.
fn items_of(reply: &Snac) -> Outcome<(Items, u32)> {
    let mut reader = Reader(&reply.body);
    ensure!(reader.u8()? == 0, "the version is not 0");
    let count = reader.u16()?;
    let items = (0..count).map(|_| read_item(&mut reader)).collect::<Outcome<_>>()?;
    Ok((items, reader.u32()?))
}

fn read_item(reader: &mut Reader<'_>) -> Outcome<(String, u16, u16, u16, Tlvs)> {
    let length = reader.u16()?;
    let name = String::from_utf8_lossy(reader.take(length.into())?).into_owned();
    let (group, id, class, size) = (reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?);
    Ok((name, group, id, class, Tlvs::read(reader.take(size.into())?)?))
}

fn empty_list(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(0x13, 0x04, &[]);
    let reply = anna.bos.answer(id)?;
    ensure!(reply.is(0x13, 0x06) && reply.body.len() == 7, "{reply:x?}");
    ensure!(reply.body[..3] == [0, 0, 0], "{reply:x?}");
    Ok(())
}

fn limits_of_the_list(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(0x13, 0x02, &[]);
    let limits = Tlvs::read(&anna.bos.answer(id)?.body)?;
    let limits = limits.require(4)?;
    ensure!(limits.len() >= 30 && limits.len().is_multiple_of(2), "{limits:?}");
    Ok(())
}

fn edits_have_a_code_each(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let before = anna.bos.heard.len();
    anna.bos.snac(0x13, 0x11, &[]);
    let group = item("Friends", 7, 0, 1, &[]);
    let added = [group.clone(), item("r0nobody1", 7, 1, 0, &[]), item("r0nobody2", 7, 2, 0, &[])].concat();
    for (sub, body, count) in [(0x08, added, 3), (0x09, group, 1), (0x0a, item("r0nobody2", 7, 2, 0, &[]), 1)]
    {
        let id = anna.bos.snac(0x13, sub, &body);
        let status = anna.bos.answer(id)?;
        ensure!(status.is(0x13, 0x0e), "{status:x?}");
        ensure!(status.body == vec![0; 2 * count], "13/{sub:02x} of {count}: {:?}", status.body);
    }
    anna.bos.snac(0x13, 0x12, &[]);
    anna.bos.snac(0x13, 0x07, &[]);
    anna.bos.fence()?;
    // Three answers, and that of the fence.
    let came = anna.bos.heard.len() - before;
    ensure!(came == 4, "{came} frames: {:x?}", &anna.bos.heard[before..]);
    Ok(())
}

fn list_outlives_its_session(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let alias = |text: &str| tlv(0x131, text);
    let edits = [
        (0x08, item("Friends", 5, 0, 1, &tlv(0xc8, [0, 1]))),
        (0x08, item("Work", 6, 0, 1, &[])),
        (0x08, item("r0nobody1", 5, 1, 0, &alias("One"))),
        (0x08, item("r0nobody2", 6, 2, 0, &[])),
        (0x09, item("r0nobody1", 5, 1, 0, &alias("The One"))),
        (0x0a, item("r0nobody2", 6, 2, 0, &[])),
    ];
    for (sub, body) in edits {
        let id = anna.bos.snac(0x13, sub, &body);
        anna.bos.answer(id)?;
    }
    anna.bos.frame(4, &[]);
    drop(anna);
    let mut anna = scene.sign_on("anna")?;
    let mut items = list(&mut anna.bos)?;
    items.sort_by_key(|item| (item.1, item.2));
    let places: Vec<_> =
        items.iter().map(|(name, group, id, class, _)| (name.as_str(), *group, *id, *class)).collect();
    ensure!(places == [("Friends", 5, 0, 1), ("r0nobody1", 5, 1, 0), ("Work", 6, 0, 1)], "{places:?}");
    ensure!(items[1].4.require(0x131)? == b"The One", "{:?}", items[1].4);
    ensure!(items[0].4.require(0xc8)? == [0, 1], "{:?}", items[0].4);
    Ok(())
}

fn list_not_modified(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    anna.lists("r0nobody1")?;
    let id = anna.bos.snac(0x13, 0x04, &[]);
    let (items, time) = items_of(&anna.bos.answer(id)?)?;
    let count = u16::try_from(items.len()).expect("a count");
    for (count, expected) in [(count, 0x0f), (count + 1, 0x06)] {
        let body = [&time.to_be_bytes()[..], &count.to_be_bytes()].concat();
        let id = anna.bos.snac(0x13, 0x05, &body);
        let answer = anna.bos.answer(id)?;
        ensure!(answer.is(0x13, expected), "with count {count}: 13/{:02x}", answer.sub);
    }
    Ok(())
}

fn edits_reach_the_other_session(scene: &Scene<'_>) -> Outcome {
    let how = How { multi: Some(1), ..USUAL };
    let (mut one, mut other) = (scene.sign_on_as("anna", how)?, scene.sign_on_as("anna", how)?);
    let added = item("Friends", 5, 0, 1, &[]);
    let id = one.bos.snac(0x13, 0x08, &added);
    one.bos.answer(id)?;
    let told = other.bos.until(0x13, 0x08)?;
    let (name, group, ..) = read_item(&mut Reader(&told.body))?;
    ensure!((name.as_str(), group) == ("Friends", 5), "{told:x?}");
    Ok(())
}

fn buddy_added_while_there(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    anna.lists(&bert.name)?;
    anna.sees(&bert.name, |_| true)?;
    let id = anna.bos.snac(0x13, 0x0a, &item(&bert.name, 1, 1, 0, &[]));
    anna.bos.answer(id)?;
    anna.bos.fence()?;
    let from = anna.bos.heard.len();
    bert.bos.snac(0x02, 0x04, &[tlv(3, "text/plain"), tlv(4, "away")].concat());
    bert.bos.fence()?;
    anna.bos.fence()?;
    let about_him = anna.bos.heard[from..].iter().filter_map(|frame| frame.snac().ok()).any(|snac| {
        snac.is(0x03, 0x0b) && Reader(&snac.body).name().is_ok_and(|name| same_name(&name, &bert.name))
    });
    ensure!(!about_him, "he is still shown");
    Ok(())
}
