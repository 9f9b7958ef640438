//! 04: messages, acknowledgements, errors, offline messages, typing, warnings, invitations; 15 as far as BitlBee asks.

use super::super::client::{ACK, Client, Heard, STORE, fragments, im, im_of, same_name};
use super::super::wire::{Outcome, Reader, Tlvs, ensure, name, number, tlv};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "message",
        fact: "04/06 becomes 04/07 with the cookie, the sender's user info and the TLVs but 3 and 6; 04/0C repeats cookie, channel and name (captures)",
        steps: "Anna writes to Bert, his name in capitals, with TLVs 2, 3, 6, B",
        expected: "04/07 with cookie, her name, TLVs 2 and B as sent; 04/0C with the name as sent",
        run: message,
    },
    Check {
        name: "no_acknowledgement_unasked",
        fact: "without TLV 3 there is no 04/0C (captures)",
        steps: "Anna writes to Bert without TLV 3",
        expected: "04/07, and nothing to Anna",
        run: no_acknowledgement_unasked,
    },
    Check {
        name: "text_is_not_touched",
        fact: "texts are passed on byte for byte: UTF-16 with surrogates, UTF-8 under charset 0, several fragments (captures)",
        steps: "write all three to oneself",
        expected: "TLV 2 as sent",
        run: text_is_not_touched,
    },
    Check {
        name: "automatic_reply",
        fact: "TLV 4 marks an automatic reply, and is passed on (captures)",
        steps: "write to oneself with TLV 4",
        expected: "04/07 with TLV 4",
        run: automatic_reply,
    },
    Check {
        name: "parameters",
        fact: "04/05: slots, flags, length, two warning levels, interval; 04/02 has no answer (captures)",
        steps: "send 04/02, ask 04/04",
        expected: "04/05 of 16 bytes first",
        run: parameters,
    },
    Check {
        name: "offline_refused",
        fact: "a message to somebody who isn't there is 04/01 code 4 without TLV 6 (raw-bos-stored-and-refused)",
        steps: "write to an account that isn't signed on",
        expected: "04/01 code 4 with the request's id",
        run: offline_refused,
    },
    Check {
        name: "offline_stored",
        fact: "with TLV 6 it is acknowledged and stored; 04/10 brings it with its time in TLV 16, and 04/17 (libpurple-bos-stored-messages)",
        steps: "Anna writes two messages to absent Bert; he signs on and sends 04/10, twice",
        expected: "04/07 twice with TLV 16, 04/17; then only 04/17",
        run: offline_stored,
    },
    Check {
        name: "offline_by_icq",
        fact: "BitlBee asks by 15/02 type 3C, on AIM accounts too (bitlbee-bos-offline-typing-invite)",
        steps: "the same with 15/02",
        expected: "04/07, then 15/03 type 42",
        run: offline_by_icq,
    },
    Check {
        name: "offline_box_is_full",
        fact: "ten messages of one sender wait for one receiver; the next is 04/01 code 4 with TLV 8 = F (source)",
        steps: "write eleven messages to somebody absent, signing on again after six",
        expected: "ten 04/0C, then the error",
        run: offline_box_is_full,
    },
    Check {
        name: "typing",
        fact: "04/14 goes to the one it names with the sender's name in it, and has no answer (raw-bos-typing)",
        steps: "Anna types, pauses, stops: 2, 1, 0",
        expected: "three 04/14 with her name at Bert's, nothing at hers",
        run: typing,
    },
    Check {
        name: "warning",
        fact: "04/08 is refused with code D unless the one warned wrote since; then 04/09, and 01/10 to the one warned; 3 % without one's name, 10 % with it (raw-bos-warn, libpurple-bos-warned; source)",
        steps: "Anna warns Bert; he writes; she warns him, twice",
        expected: "04/01 code D; 04/09 of 100 and 100; code D; Bert gets 01/10 with 100",
        run: warning,
    },
    Check {
        name: "invitation",
        fact: "channel 2 is passed on as it is: TLV 5 (libpurple-bos-chat)",
        steps: "Anna sends a proposal of a chat to Bert",
        expected: "04/07 on channel 2 with the same TLV 5",
        run: invitation,
    },
];

fn message(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    let to = bert.name.to_uppercase();
    let (id, cookie) = anna.says(&to, "hello <b>Bert</b>", &[ACK, STORE, &[0, 0x0b, 0, 0]].concat());
    let heard = bert.hears()?;
    ensure!(heard.cookie == cookie && heard.channel == 1, "{heard:?}");
    ensure!(same_name(&heard.from.name, &anna.name), "from {:?}", heard.from.name);
    ensure!(heard.tlvs.require(2)? == fragments(0, b"hello <b>Bert</b>"), "{:x?}", heard.tlvs);
    ensure!(heard.tlvs.get(3).is_none() && heard.tlvs.get(6).is_none(), "{:x?}", heard.tlvs);
    heard.tlvs.require(0x0b)?;
    let ack = anna.bos.answer(id)?;
    ensure!(ack.is(0x04, 0x0c), "{ack:x?}");
    ensure!(ack.body == [&cookie[..], &[0, 1], &name(&to)].concat(), "{ack:x?}");
    Ok(())
}

fn no_acknowledgement_unasked(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    anna.says(&bert.name, "hello", &[]);
    bert.hears()?;
    let before = anna.bos.fence()?;
    ensure!(before.is_empty(), "{before:?}");
    Ok(())
}

fn to_oneself(client: &mut Client, fragments: &[u8], tlvs: &[u8]) -> Outcome<Heard> {
    let (_, body) = im_of(&client.name, fragments, tlvs);
    client.bos.snac(0x04, 0x06, &body);
    client.hears()
}

fn text_is_not_touched(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let utf16: Vec<u8> = "日本語 😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let several = [fragments(0, b"one "), fragments(3, b"caf\xe9")[5..].to_vec()].concat();
    for sent in [fragments(2, &utf16), fragments(0, "😀".as_bytes()), several] {
        let heard = to_oneself(&mut anna, &sent, &[])?;
        ensure!(heard.tlvs.require(2)? == sent, "{sent:x?} came as {:x?}", heard.tlvs.get(2));
    }
    Ok(())
}

fn automatic_reply(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let heard = to_oneself(&mut anna, &fragments(0, b"I am away"), &[0, 4, 0, 0])?;
    heard.tlvs.require(4).map(drop)
}

fn parameters(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let from = anna.bos.heard.len();
    anna.bos.snac(0x04, 0x02, &[0, 0, 0, 0, 0, 0x0b, 0x1f, 0x40, 3, 0xe7, 3, 0xe7, 0, 0, 0, 0]);
    let id = anna.bos.snac(0x04, 0x04, &[]);
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(0x04, 0x05) && answer.body.len() == 16, "{answer:?}");
    ensure!(anna.bos.heard.len() == from + 1, "{:?}", &anna.bos.heard[from..]);
    Ok(())
}

fn offline_refused(scene: &Scene<'_>) -> Outcome {
    // So that the account exists where accounts are made by signing on.
    drop(scene.sign_on("bert")?);
    let mut anna = scene.sign_on("anna")?;
    gone(&mut anna, &scene.name("bert"))?;
    let (id, _) = anna.says(&scene.name("bert"), "hello", ACK);
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(0x04, 0x01) && answer.error() == Some(4), "{answer:?}");
    Ok(())
}

/// Waits until somebody who has just left has been noticed to.
fn gone(client: &mut Client, whom: &str) -> Outcome {
    for _ in 0..100 {
        let id = client.bos.snac(0x02, 0x15, &[&[0, 0, 0, 1], &name(whom)[..]].concat());
        if client.bos.answer(id)?.error().is_some() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Err(format!("{whom} never leaves"))
}

/// Anna's messages, stored for Bert, who has signed on since.
fn stored(scene: &Scene<'_>, texts: &[&str]) -> Outcome<Client> {
    drop(scene.sign_on("bert")?);
    let mut anna = scene.sign_on("anna")?;
    gone(&mut anna, &scene.name("bert"))?;
    for text in texts {
        let (id, _) = anna.says(&scene.name("bert"), text, &[ACK, STORE].concat());
        let answer = anna.bos.answer(id)?;
        ensure!(answer.is(0x04, 0x0c), "{answer:?}");
    }
    scene.sign_on("bert")
}

/// The next stored message: a notice that the server itself sends has no time.
fn hears_stored(bert: &mut Client) -> Outcome<Heard> {
    loop {
        let heard = bert.hears()?;
        if heard.tlvs.get(0x16).is_some() {
            return Ok(heard);
        }
    }
}

fn offline_stored(scene: &Scene<'_>) -> Outcome {
    let mut bert = stored(scene, &["first", "second"])?;
    let id = bert.bos.snac(0x04, 0x10, &[]);
    for text in ["first", "second"] {
        let heard = hears_stored(&mut bert)?;
        ensure!(same_name(&heard.from.name, &scene.name("anna")), "from {:?}", heard.from.name);
        ensure!(heard.tlvs.require(2)? == fragments(0, text.as_bytes()), "{:x?}", heard.tlvs);
        ensure!(heard.tlvs.number(0x16)? > 1_000_000_000, "{:x?}", heard.tlvs);
    }
    ensure!(bert.bos.answer(id)?.is(0x04, 0x17), "no 04/17");
    let from = bert.bos.heard.len();
    let id = bert.bos.snac(0x04, 0x10, &[]);
    ensure!(bert.bos.answer(id)?.is(0x04, 0x17), "no second 04/17");
    ensure!(bert.bos.heard.len() == from + 1, "they came again");
    Ok(())
}

fn offline_by_icq(scene: &Scene<'_>) -> Outcome {
    let mut bert = stored(scene, &["first"])?;
    // Length, UIN, type, sequence, all little-endian.
    let ask = tlv(1, [8, 0, 0, 0, 0, 0, 0x3c, 0, 2, 0]);
    let id = bert.bos.snac(0x15, 0x02, &ask);
    let heard = hears_stored(&mut bert)?;
    ensure!(heard.tlvs.require(2)? == fragments(0, b"first"), "{:x?}", heard.tlvs);
    let done = bert.bos.answer(id)?;
    ensure!(done.is(0x15, 0x03), "{done:x?}");
    let tlvs = Tlvs::read(&done.body)?;
    let meta = tlvs.require(1)?;
    ensure!(meta.len() >= 10 && meta[6..8] == [0x42, 0], "{meta:x?}");
    Ok(())
}

fn offline_box_is_full(scene: &Scene<'_>) -> Outcome {
    drop(scene.sign_on("bert")?);
    let mut anna = scene.sign_on("anna")?;
    gone(&mut anna, &scene.name("bert"))?;
    for sent in 1..=11 {
        if sent == 7 {
            // The rate limits begin anew.
            anna.bos.frame(4, &[]);
            drop(anna);
            anna = scene.sign_on("anna")?;
        }
        let (id, _) = anna.says(&scene.name("bert"), "hello", &[ACK, STORE].concat());
        let answer = anna.bos.answer(id)?;
        if sent <= 10 {
            ensure!(answer.is(0x04, 0x0c), "message {sent}: {answer:?}");
        } else {
            ensure!(answer.error() == Some(4), "message {sent}: {answer:?}");
            let code = Tlvs::read(&answer.body[2..])?.number(8)?;
            ensure!(code == 0x0f, "TLV 8 is {code:#x}");
        }
    }
    Ok(())
}

fn typing(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    for event in [2u8, 1, 0] {
        let head = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        anna.bos.snac(0x04, 0x14, &[&head[..], &name(&bert.name), &[0, event]].concat());
        let notice = bert.bos.until(0x04, 0x14)?;
        let mut reader = Reader(&notice.body);
        ensure!(reader.take(10)? == head, "{notice:x?}");
        let from = reader.name()?;
        ensure!(same_name(&from, &anna.name), "it names {from:?}");
        ensure!(reader.u16()? == u16::from(event), "{notice:x?}");
    }
    let before = anna.bos.fence()?;
    ensure!(before.is_empty(), "{before:?}");
    Ok(())
}

fn warning(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    let warn = |anna: &mut Client| {
        let id = anna.bos.snac(0x04, 0x08, &[&[0, 0], &name(&scene.name("bert"))[..]].concat());
        anna.bos.answer(id)
    };
    let answer = warn(&mut anna)?;
    ensure!(answer.error() == Some(0x0d), "before he wrote: {answer:?}");
    bert.says(&anna.name, "hello", &[]);
    anna.hears()?;
    let answer = warn(&mut anna)?;
    ensure!(answer.is(0x04, 0x09) && answer.body == [0, 100, 0, 100], "after it: {answer:?}");
    let told = bert.bos.until(0x01, 0x10)?;
    ensure!(number(&told.body[..2]) == 100, "{told:?}");
    let warner = Reader(&told.body[2..]).name()?;
    ensure!(same_name(&warner, &anna.name), "by {warner:?}");
    let answer = warn(&mut anna)?;
    ensure!(answer.error() == Some(0x0d), "again: {answer:?}");
    Ok(())
}

fn invitation(scene: &Scene<'_>) -> Outcome {
    const CHAT: [u8; 16] = *b"\x74\x8f\x24\x20\x62\x87\x11\xd1\x82\x22\x44\x45\x53\x54\x00\x00";
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    let (cookie, _) = im(&bert.name, "", &[]);
    let room = [&[0, 4][..], &name("4-0-lounge"), &[0, 0]].concat();
    let tlvs = [tlv(0x0a, [0, 1]), tlv(0x0f, []), tlv(0x0c, "come in"), tlv(0x2711, room)].concat();
    let proposal = tlv(5, [&[0, 0][..], &cookie, &CHAT, &tlvs].concat());
    anna.bos.snac(0x04, 0x06, &[&cookie[..], &[0, 2], &name(&bert.name), &proposal].concat());
    let heard = bert.hears()?;
    ensure!(heard.channel == 2 && heard.cookie == cookie, "{heard:x?}");
    ensure!(heard.tlvs.require(5)? == &proposal[4..], "{heard:x?}");
    Ok(())
}
