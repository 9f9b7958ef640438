//! FLAP and SNAC: frames, their numbers, ids, keep-alives.

use super::super::client::{ACK, Connection, STORE, fragments, im};
use super::super::subject::PATIENCE;
use super::super::wire::{Outcome, Snac, ensure, tlv};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "greeting",
        fact: "the server speaks first: channel 1, version 1 (all captures)",
        steps: "connect and send nothing",
        expected: "one frame of channel 1 with 00000001",
        run: greeting,
    },
    Check {
        name: "client_does_not_wait",
        fact: "libpurple and BitlBee send their channel 1 and 17/06 before they have read the server's (captures)",
        steps: "send channel 1 and 17/06 in one write before reading anything",
        expected: "channel 1, then 17/07",
        run: client_does_not_wait,
    },
    Check {
        name: "sequence_of_the_server",
        fact: "one counter a connection, one up with each frame of any channel (captures)",
        steps: "sign on, talk to oneself, and look at all frames of BOS",
        expected: "no gap",
        run: sequence_of_the_server,
    },
    Check {
        name: "sequence_of_the_client",
        fact: "sequence numbers of the client wrap FFFF to 0000 (raw-bos-sequence-wrap), and gaps are not punished (source)",
        steps: "send requests numbered FFFF, 0000, and then 1234",
        expected: "each is answered",
        run: sequence_of_the_client,
    },
    Check {
        name: "keep_alive",
        fact: "channel 5 and 01/16 keep a connection alive and are never answered (raw-bos-keepalive)",
        steps: "send channel 5 and 01/16, then ask 01/0E",
        expected: "nothing before 01/0F",
        run: keep_alive,
    },
    Check {
        name: "bytes_in_any_portion",
        fact: "FLAP runs over a stream: frames have no relation to writes",
        steps: "send a request byte by byte, then three requests in one write",
        expected: "each is answered, in order",
        run: bytes_in_any_portion,
    },
    Check {
        name: "long_frame",
        fact: "a message of 60,000 bytes is taken and relayed (raw-bos-sizes)",
        steps: "send oneself 60,000 bytes",
        expected: "04/0C and 04/07 with all of them",
        run: long_frame,
    },
    Check {
        name: "request_ids_repeat",
        fact: "BitlBee sends id 0 on most queries; replies repeat the id (captures)",
        steps: "ask 02/02, 03/02, 04/04, 09/02, 13/02 all with id 0, in one write",
        expected: "each is answered with id 0",
        run: request_ids_repeat,
    },
    Check {
        name: "extension_block",
        fact: "flag 8000 says that a block with a length of its own stands before the body (BitlBee, libpurple; server's source)",
        steps: "ask 04/04 with flag 8000 and six bytes to skip",
        expected: "04/05",
        run: extension_block,
    },
    Check {
        name: "unknown_subgroup",
        fact: "an unknown subtype is answered by xx/01 with code 1 (raw-bos-unknown-snac)",
        steps: "send 01/77",
        expected: "01/01 code 1 with the request's id",
        run: |scene| unknown(scene, 0x01),
    },
    Check {
        name: "unknown_group",
        fact: "so is an unknown group, under its own number (raw-bos-unknown-snac)",
        steps: "send 77/77",
        expected: "77/01 code 1 with the request's id",
        run: |scene| unknown(scene, 0x77),
    },
];

fn greeting(scene: &Scene<'_>) -> Outcome {
    let mut connection = Connection::open(scene.subject, None)?;
    let frame = connection.next()?.ok_or("closed at once")?;
    ensure!((frame.channel, &frame.payload[..]) == (1, &[0, 0, 0, 1][..]), "{frame:?}");
    Ok(())
}

fn client_does_not_wait(scene: &Scene<'_>) -> Outcome {
    let mut connection = Connection::open(scene.subject, scene.subject.turn())?;
    let hello = connection.next_frame(1, &[0, 0, 0, 1]);
    let (id, ask) = connection.next_snac(0x17, 0x06, &tlv(1, scene.name("anna")));
    connection.raw(&[hello, ask].concat());
    let answer = connection.answer(id)?;
    ensure!(answer.is(0x17, 0x07), "{answer:?}");
    ensure!(connection.heard[0].channel == 1, "first came {:?}", connection.heard[0]);
    Ok(())
}

fn sequence_of_the_server(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let name = anna.name.clone();
    anna.says(&name, "hello", ACK);
    anna.hears()?;
    anna.bos.fence()?;
    let numbers: Vec<u16> = anna.bos.heard.iter().map(|frame| frame.sequence).collect();
    let in_order = numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1));
    ensure!(in_order, "{numbers:?}");
    Ok(())
}

fn sequence_of_the_client(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    for before in [0xfffe, 0xffff, 0x1233] {
        anna.bos.set_sequence(before);
        anna.bos.fence()?;
    }
    Ok(())
}

fn keep_alive(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let from = anna.bos.heard.len();
    anna.bos.frame(5, &[]);
    anna.bos.snac(0x01, 0x16, &[]);
    let before = anna.bos.fence()?;
    ensure!(before.is_empty() && anna.bos.heard.len() == from + 1, "{:?}", &anna.bos.heard[from..]);
    Ok(())
}

fn bytes_in_any_portion(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let (id, bytes) = anna.bos.next_snac(0x04, 0x04, &[]);
    bytes.chunks(1).for_each(|byte| anna.bos.raw(byte));
    ensure!(anna.bos.answer(id)?.is(0x04, 0x05), "the one in bytes");
    let three: Vec<(u32, Vec<u8>)> = (0..3).map(|_| anna.bos.next_snac(0x04, 0x04, &[])).collect();
    anna.bos.raw(&three.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>());
    for (id, _) in three {
        ensure!(anna.bos.answer(id)?.is(0x04, 0x05), "one of three");
    }
    Ok(())
}

fn long_frame(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let text = "x".repeat(60_000);
    let name = anna.name.clone();
    let (id, _) = anna.says(&name, &text, ACK);
    let heard = anna.hears()?;
    let sent = fragments(0, text.as_bytes());
    ensure!(heard.tlvs.require(2)? == sent, "TLV 2 has {:?} bytes", heard.tlvs.get(2).map(<[u8]>::len));
    let acknowledged = anna.bos.heard_snacs().any(|snac| snac.id == id);
    if !acknowledged {
        ensure!(anna.bos.answer(id)?.is(0x04, 0x0c), "no acknowledgement");
    }
    Ok(())
}

fn request_ids_repeat(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let asked = [(0x02, 0x02), (0x03, 0x02), (0x04, 0x04), (0x09, 0x02), (0x13, 0x02)];
    let frames = asked.map(|(group, sub)| anna.bos.next_frame(2, &Snac::bytes(group, sub, 0, 0, &[])));
    anna.bos.raw(&frames.concat());
    for (group, sub) in asked {
        let answer = anna.bos.until(group, sub + 1)?;
        ensure!(answer.id == 0, "{group:02x}/{:02x} has id {:x}", sub + 1, answer.id);
    }
    Ok(())
}

fn extension_block(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let payload = Snac::bytes(0x04, 0x04, 0x8000, 4711, &[0, 6, 0, 1, 0, 2, 0, 3]);
    anna.bos.frame(2, &payload);
    let answer = anna.bos.answer(4711)?;
    ensure!(answer.is(0x04, 0x05), "{answer:?}");
    Ok(())
}

fn unknown(scene: &Scene<'_>, group: u16) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(group, 0x77, &[1, 2, 3]);
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(group, 0x01) && answer.error() == Some(1), "{answer:?}");
    // And nothing else has changed.
    let (cookie, body) = im(&anna.name, "hello", &[ACK, STORE].concat());
    anna.bos.snac(0x04, 0x06, &body);
    let ack = anna.bos.find("04/0c", PATIENCE, |snac| snac.is(0x04, 0x0c))?;
    ensure!(ack.body.starts_with(&cookie), "{ack:?}");
    Ok(())
}
