//! 0D and 0E: chat rooms, each a connection of its own.

use super::super::client::{Client, Connection, infos, same_name};
use super::super::wire::{Outcome, Reader, Tlvs, ensure, name, tlv};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "exchanges",
        fact: "0D/02 is answered by 0D/09: TLV 2 most rooms, TLV 3 for each exchange (libpurple-chatnav)",
        steps: "ask 0D/02",
        expected: "0D/09 with at least one TLV 3, of exchange 4",
        run: exchanges,
    },
    Check {
        name: "room",
        fact: "0D/08 makes a room; 01/04 with its block in TLV 1 leads to it; 0E/03 and 0E/02 greet; 0E/05 with TLV 6 is reflected, without it it isn't (captures)",
        steps: "Anna makes a room and enters; Bert enters; both speak; Bert leaves",
        expected: "0E/03 of who is there, and of each newcomer; 0E/06 with the speaker's user info; 0E/04",
        run: room,
    },
    Check {
        name: "room_twice",
        fact: "one is in a room once: coming again ends the connection on which one was (server's source)",
        steps: "Anna and Bert are in a room; Anna enters it again; Bert speaks",
        expected: "her first connection is closed; Bert is told that she left and came; she hears him once",
        run: room_twice,
    },
    Check {
        name: "room_that_is_not",
        fact: "there is no way into a room that nobody made",
        steps: "01/04 for 0E with a room that does not exist",
        expected: "01/01, or a connection that leads nowhere",
        run: room_that_is_not,
    },
];

fn navigation(client: &mut Client) -> Outcome<Connection> {
    let mut connection = client.service(0x0d, &[])?;
    connection.snac(0x01, 0x17, &[0, 1, 0, 3, 0, 0x0d, 0, 1]);
    connection.until(0x01, 0x18)?;
    connection.snac(0x01, 0x02, &[0, 1, 0, 3, 1, 0x10, 6, 0x29, 0, 0x0d, 0, 1, 1, 0x10, 6, 0x29]);
    Ok(connection)
}

fn exchanges(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let mut navigation = navigation(&mut anna)?;
    let id = navigation.snac(0x0d, 0x02, &[]);
    let answer = navigation.answer(id)?;
    ensure!(answer.is(0x0d, 0x09), "{answer:?}");
    let tlvs = Tlvs::read(&answer.body)?;
    tlvs.require(2)?;
    ensure!(tlvs.0.iter().any(|(kind, value)| *kind == 3 && value.starts_with(&[0, 4])), "{tlvs:x?}");
    Ok(())
}

/// A room's exchange, cookie and instance, as TLV 1 of 01/04 and invitations have it.
fn make(client: &mut Client, title: &str) -> Outcome<Vec<u8>> {
    let mut navigation = navigation(client)?;
    let tlvs = [tlv(0xd3, title), tlv(0xd6, "us-ascii"), tlv(0xd7, "en")].concat();
    let body = [&[0, 4][..], &name("create"), &[0xff, 0xff, 1, 0, 3], &tlvs].concat();
    let id = navigation.snac(0x0d, 0x08, &body);
    let answer = navigation.answer(id)?;
    ensure!(answer.is(0x0d, 0x09), "{answer:?}");
    let answer = Tlvs::read(&answer.body)?;
    let mut reader = Reader(answer.require(4)?);
    let (exchange, cookie, instance) = (reader.u16()?, reader.name()?, reader.u16()?);
    ensure!(exchange == 4 && reader.u8()? == 2, "exchange {exchange}");
    let about = reader.counted_tlvs()?;
    ensure!(about.require(0xd3)? == title.as_bytes(), "{about:x?}");
    Ok([&[0, 4][..], &name(&cookie), &instance.to_be_bytes()].concat())
}

/// Goes in: the connection, and who was there.
fn enter(client: &mut Client, room: &[u8]) -> Outcome<(Connection, Vec<String>)> {
    let mut connection = client.service(0x0e, &tlv(1, room))?;
    connection.snac(0x01, 0x17, &[0, 1, 0, 3, 0, 0x0e, 0, 1]);
    connection.until(0x01, 0x18)?;
    connection.snac(0x01, 0x02, &[0, 1, 0, 3, 1, 0x10, 6, 0x29, 0, 0x0e, 0, 1, 1, 0x10, 6, 0x29]);
    // They come in either order.
    connection.until(0x0e, 0x03)?;
    connection.heard_or_until(0x0e, 0x02)?;
    let mut there = Vec::new();
    for snac in connection.heard_snacs().filter(|snac| snac.is(0x0e, 0x03)) {
        there.extend(infos(&snac.body)?.into_iter().map(|info| info.name));
    }
    Ok((connection, there))
}

fn say(connection: &mut Connection, text: &str, reflected: bool) {
    let words = [tlv(2, "us-ascii"), tlv(3, "en"), tlv(1, text)].concat();
    let reflect = if reflected { tlv(6, []) } else { Vec::new() };
    let body = [&[9, 9, 9, 9, 9, 9, 9, 9, 0, 3][..], &tlv(1, []), &reflect, &tlv(5, words)].concat();
    connection.snac(0x0e, 0x05, &body);
}

/// Who said what, in the next 0E/06.
fn hears(connection: &mut Connection) -> Outcome<(String, Vec<u8>)> {
    let said = connection.until(0x0e, 0x06)?;
    let mut reader = Reader(&said.body);
    reader.take(10)?;
    let tlvs = reader.tlvs()?;
    let speaker = Reader(tlvs.require(3)?).user_info()?.name;
    let words = Tlvs::read(tlvs.require(5)?)?;
    Ok((speaker, words.require(1)?.to_vec()))
}

fn room(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    let room = make(&mut anna, &scene.name("room"))?;
    let (mut annas, there) = enter(&mut anna, &room)?;
    ensure!(there.iter().any(|name| same_name(name, &anna.name)), "there are {there:?}");
    let (mut berts, there) = enter(&mut bert, &room)?;
    ensure!(there.iter().any(|name| same_name(name, &anna.name)), "Bert finds {there:?}");
    let newcomer = annas.find("0e/03 of Bert", super::super::subject::PATIENCE, |snac| {
        snac.is(0x0e, 0x03)
            && infos(&snac.body).is_ok_and(|infos| infos.iter().any(|info| same_name(&info.name, &bert.name)))
    });
    newcomer?;

    say(&mut annas, "hello", true);
    for connection in [&mut annas, &mut berts] {
        let (who, what) = hears(connection)?;
        ensure!(same_name(&who, &anna.name) && what == b"hello", "{who:?} said {what:?}");
    }
    say(&mut berts, "not to me", false);
    say(&mut berts, "to me too", true);
    ensure!(hears(&mut annas)?.1 == b"not to me", "Anna missed something");
    ensure!(hears(&mut berts)?.1 == b"to me too", "it was reflected unasked");

    berts.frame(4, &[]);
    drop(berts);
    let left = annas.until(0x0e, 0x04)?;
    let who = infos(&left.body)?;
    ensure!(who.len() == 1 && same_name(&who[0].name, &bert.name), "{who:?}");
    // Leaving a room is not signing off.
    bert.bos.fence().map(drop)
}

fn room_twice(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    let room = make(&mut anna, &scene.name("room"))?;
    let (mut first, _) = enter(&mut anna, &room)?;
    let (mut berts, _) = enter(&mut bert, &room)?;
    let (mut second, there) = enter(&mut anna, &room)?;
    let anna_there = there.iter().filter(|name| same_name(name, &anna.name)).count();
    ensure!(anna_there == 1, "there are {there:?}");
    first.closes()?;
    for subgroup in [0x04, 0x03] {
        let about = infos(&berts.until(0x0e, subgroup)?.body)?;
        ensure!(about.iter().all(|info| same_name(&info.name, &anna.name)), "0E/{subgroup:02x} of {about:?}");
    }
    say(&mut berts, "hello", false);
    ensure!(hears(&mut second)?.1 == b"hello", "something else");
    anna.bos.fence().map(drop)
}

fn room_that_is_not(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let room = [&[0, 4][..], &name("4-0-nosuchroom"), &[0, 0]].concat();
    let id = anna.bos.snac(0x01, 0x04, &[&[0, 0x0e][..], &tlv(1, room)].concat());
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(0x01, 0x01), "{answer:x?}");
    Ok(())
}
