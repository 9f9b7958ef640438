//! What AOL's own clients ask beside what libpurple and BitlBee do. No capture has it; where it is known from is said
//! with each, and open-oscar-server has been asked.

use md5::{Digest, Md5};

use super::super::client::{Client, Connection, same_name};
use super::super::wire::{Outcome, Reader, ensure, item, name, tlv};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "advertisements_refused",
        fact: "01/04 for a service that isn't there is answered by 01/01 code 5, and the session goes on (server's source)",
        steps: "ask for group 05, advertisements",
        expected: "01/01 code 5 with the request's id",
        run: advertisements_refused,
    },
    Check {
        name: "usage_report",
        fact: "0B/03, a report of usage, is answered by 0B/04 (protocol descriptions; server's source)",
        steps: "send 0B/03",
        expected: "0B/04 with the request's id",
        run: usage_report,
    },
    Check {
        name: "lookup_by_address",
        fact: "0A/02, who has this e-mail address, is answered by 0A/01 code 14 if nobody has (server's source)",
        steps: "ask 0A/02 for an address",
        expected: "0A/01 code 14 with the request's id",
        run: lookup_by_address,
    },
    Check {
        name: "directory",
        fact: "02/09 sets one's entry in the directory, 02/0F one's interests, each answered by a 1; 02/0B asks for an entry (server's source)",
        steps: "Anna sets her first name and her interests; Bert asks for her entry",
        expected: "02/0A 1, 02/10 1, 02/0C 1 with the first name",
        run: directory,
    },
    Check {
        name: "client_error",
        fact: "04/0B, what a client could not take, goes to whoever sent it, under the name of who says so (server's source)",
        steps: "Anna sends Bert 04/0B",
        expected: "04/0B with her name, and what she said",
        run: client_error,
    },
    Check {
        name: "temporary_buddy",
        fact: "03/0F and 03/10 add and remove names as 03/04 and 03/05 do (server's source)",
        steps: "Anna adds Bert by 03/0F, and removes him by 03/10",
        expected: "03/0B of Bert",
        run: temporary_buddy,
    },
    Check {
        name: "authorisation",
        fact: "13/18 asks somebody for leave to list them: they get 13/19 with one's name (server's source; libpurple's)",
        steps: "Anna sends Bert 13/18",
        expected: "13/19 with her name and her words",
        run: authorisation,
    },
    Check {
        name: "icon",
        fact: "10/02 stores a picture under its MD5, which 10/03 says; 10/04 fetches it, as 10/05 (server's source; libpurple's)",
        steps: "Anna stores a picture; Bert fetches it",
        expected: "10/03 with a hash, 10/05 with the picture",
        run: icon,
    },
    Check {
        name: "no_icon",
        fact: "the id 0201D20472, which means none, is an empty picture (server's source)",
        steps: "ask 10/04 for it",
        expected: "10/05 with it",
        run: no_icon,
    },
];

fn advertisements_refused(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(0x01, 0x04, &[0, 5]);
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(0x01, 0x01) && answer.error() == Some(5), "{answer:x?}");
    anna.bos.fence().map(drop)
}

fn usage_report(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(0x0b, 0x03, &[0; 20]);
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(0x0b, 0x04), "{answer:x?}");
    Ok(())
}

fn lookup_by_address(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(0x0a, 0x02, b"nobody@example.com");
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(0x0a, 0x01) && answer.error() == Some(0x14), "{answer:x?}");
    Ok(())
}

fn directory(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    for (asked, answered) in [(0x09, 0x0a), (0x0f, 0x10)] {
        let id = anna.bos.snac(0x02, asked, &tlv(1, "Anna"));
        let answer = anna.bos.answer(id)?;
        ensure!(answer.is(0x02, answered) && answer.body == [0, 1], "to {asked:02x}: {answer:x?}");
    }
    let id = bert.bos.snac(0x02, 0x0b, &name(&anna.name));
    let answer = bert.bos.answer(id)?;
    ensure!(answer.is(0x02, 0x0c), "{answer:x?}");
    let mut reader = Reader(&answer.body);
    ensure!(reader.u16()? == 1, "{answer:x?}");
    let entry = reader.counted_tlvs()?;
    ensure!(entry.require(1)? == b"Anna", "{entry:x?}");
    Ok(())
}

fn client_error(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    let said = |who: &str| [&b"COOKIE12"[..], &[0, 2], &name(who), &[0, 3], b"busy"].concat();
    anna.bos.snac(0x04, 0x0b, &said(&bert.name));
    let told = bert.bos.until(0x04, 0x0b)?;
    let mut reader = Reader(&told.body);
    ensure!(reader.take(10)? == [&b"COOKIE12"[..], &[0, 2]].concat(), "{told:x?}");
    let who = reader.name()?;
    ensure!(same_name(&who, &anna.name) && reader.0 == b"\0\x03busy", "{told:x?}");
    Ok(())
}

fn temporary_buddy(scene: &Scene<'_>) -> Outcome {
    let (mut anna, bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    anna.bos.snac(0x03, 0x0f, &name(&bert.name));
    anna.sees(&bert.name, |_| true)?;
    anna.bos.snac(0x03, 0x10, &name(&bert.name));
    let before = anna.bos.fence()?;
    ensure!(!before.iter().any(|snac| snac.is(0x03, 0x01)), "{before:x?}");
    Ok(())
}

fn authorisation(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    anna.bos.snac(0x13, 0x18, &[&name(&bert.name)[..], &[0, 6], b"please", &[0, 0]].concat());
    let asked = bert.bos.until(0x13, 0x19)?;
    let mut reader = Reader(&asked.body);
    let who = reader.name()?;
    ensure!(same_name(&who, &anna.name) && reader.0.starts_with(b"\0\x06please"), "{asked:x?}");
    Ok(())
}

/// The connection for pictures.
fn pictures(client: &mut Client) -> Outcome<Connection> {
    let mut connection = client.service(0x10, &[])?;
    connection.snac(0x01, 0x17, &[0, 1, 0, 3, 0, 0x10, 0, 1]);
    connection.until(0x01, 0x18)?;
    connection.snac(0x01, 0x02, &[0, 1, 0, 3, 1, 0x10, 6, 0x29, 0, 0x10, 0, 1, 0, 0x10, 6, 0x29]);
    Ok(connection)
}

/// What is fetched under this id.
fn fetch(connection: &mut Connection, whose: &str, id: &[u8]) -> Outcome<Vec<u8>> {
    let asked = connection.snac(0x10, 0x04, &[&name(whose)[..], &[1], id].concat());
    let answer = connection.answer(asked)?;
    ensure!(answer.is(0x10, 0x05), "{answer:x?}");
    let mut reader = Reader(&answer.body);
    let who = reader.name()?;
    ensure!(same_name(&who, whose) && reader.take(id.len())? == id, "{answer:x?}");
    let length = reader.u16()?;
    Ok(reader.take(length.into())?.to_vec())
}

fn icon(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    let mut annas = pictures(&mut anna)?;
    let picture = format!("GIF89a as {} has it", anna.name);
    let length = u16::try_from(picture.len()).map_err(|error| error.to_string())?.to_be_bytes();
    let id = annas.snac(0x10, 0x02, &[&[0, 1][..], &length, picture.as_bytes()].concat());
    let answer = annas.answer(id)?;
    ensure!(answer.is(0x10, 0x03) && answer.body.len() == 21 && answer.body[..3] == [0, 0, 1], "{answer:x?}");
    // On the list it stands with the flags of its owner; a fetch repeats what it is asked for.
    let wanted = [&[0, 1, 1, 16][..], &answer.body[5..]].concat();
    ensure!(wanted[4..] == Md5::digest(picture.as_bytes())[..], "another hash: {answer:x?}");

    let stored = item("1", 0, 9, 0x14, &tlv(0xd5, &wanted[2..]));
    let id = anna.bos.snac(0x13, 0x08, &stored);
    anna.bos.answer(id)?;
    bert.lists(&anna.name)?;
    let shown = bert.sees(&anna.name, |info| info.tlvs.get(0x1d).is_some())?;
    let shown = shown.tlvs.require(0x1d)?.to_vec();
    ensure!(shown.ends_with(&wanted[4..]), "TLV 1D is {shown:x?}");
    let mut berts = pictures(&mut bert)?;
    let fetched = fetch(&mut berts, &anna.name, &shown)?;
    ensure!(fetched == picture.as_bytes(), "{fetched:x?}");
    Ok(())
}

fn no_icon(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let whose = anna.name.clone();
    let picture = fetch(&mut pictures(&mut anna)?, &whose, &[0, 1, 1, 5, 2, 1, 0xd2, 4, 0x72])?;
    ensure!(picture.starts_with(b"GIF89a"), "{picture:x?}");
    Ok(())
}
