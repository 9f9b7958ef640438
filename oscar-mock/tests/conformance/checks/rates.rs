//! Rate classes: the stock figures, and what becomes of a client that sends too fast.

use std::time::{Duration, Instant};

use super::super::client::{ACK, Client, fragments, im};
use super::super::wire::{Outcome, Reader, Snac, ensure};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "limited_and_clear_again",
        fact: "limited is told by 01/0A code 3, and clear by code 4 after a rest of some 26 s (raw-bos-rate-half-second; arithmetic)",
        steps: "send nine messages at once, then rest, then send one",
        expected: "code 3 in seconds; code 4 after 24 to 32 s; the message is acknowledged",
        run: limited_and_clear_again,
    },
    Check {
        name: "limit_foretold",
        fact: "each second 01/0A tells how one more message would fare: limited and dropping, though none was dropped and the level is at the limit or above (server's source; seen)",
        steps: "seven messages at once, an eighth after 1 s, wait for 01/0A code 3, rest 4 s, send one",
        expected: "dropping 1 and a level of 4000 or more; nine acknowledgements",
        run: limit_foretold,
    },
    Check {
        name: "one_message_each_four_seconds",
        fact: "one message each 4 s never reaches the limit (arithmetic)",
        steps: "seven messages at once, then four more, one each 4 s",
        expected: "eleven acknowledgements",
        run: one_message_each_four_seconds,
    },
    Check {
        name: "figures",
        fact: "five classes: window, clear, alert, limit, disconnect, max (server's source; captures)",
        steps: "ask 01/06",
        expected: "80 2500 2000 1500 800 6000; 80 3000 2000 1500 1000 6000; 20 5100 5000 4000 3000 6000; 20 5500 5300 4200 3000 8000; 10 5500 5300 4200 3000 8000",
        run: figures,
    },
    Check {
        name: "class_of_messages",
        fact: "class 3 holds 04/06 and 02/05 (server's source; captures)",
        steps: "ask 01/06",
        expected: "those two",
        run: class_of_messages,
    },
    Check {
        name: "burst",
        fact: "of a burst after the sign-on 7 messages pass, 6 are dropped without a word, the 14th is taken and closes the connection (raw-bos-rate-burst)",
        steps: "Anna sends Bert 14 messages in one write",
        expected: "he gets 1 to 7 and 14; acknowledgements of 1 to 7, none of 8 to 13, no 04/01, channel 4 with TLV 9 = 1, close",
        run: burst,
    },
];

/// `id, window, clear, alert, limit, disconnect, max` of each class.
const STOCK: [[u32; 7]; 5] = [
    [1, 80, 2500, 2000, 1500, 800, 6000],
    [2, 80, 3000, 2000, 1500, 1000, 6000],
    [3, 20, 5100, 5000, 4000, 3000, 6000],
    [4, 20, 5500, 5300, 4200, 3000, 8000],
    [5, 10, 5500, 5300, 4200, 3000, 8000],
];

fn figures(scene: &Scene<'_>) -> Outcome {
    let body = params(&mut scene.sign_on("anna")?)?;
    let mut reader = Reader(&body);
    ensure!(reader.u16()? == 5, "not five classes");
    for stock in STOCK {
        let mut class = vec![u32::from(reader.u16()?)];
        for _ in 0..7 {
            class.push(reader.u32()?);
        }
        // The sixth is the level as it is now.
        class.remove(6);
        ensure!(class == stock, "{class:?}");
        reader.take(5)?;
    }
    Ok(())
}

fn class_of_messages(scene: &Scene<'_>) -> Outcome {
    let body = params(&mut scene.sign_on("anna")?)?;
    let mut reader = Reader(&body);
    let classes = reader.u16()?;
    reader.take(35 * usize::from(classes))?;
    for _ in 0..classes {
        let (id, count) = (reader.u16()?, reader.u16()?);
        let mut members =
            (0..count).map(|_| Ok((reader.u16()?, reader.u16()?))).collect::<Outcome<Vec<_>>>()?;
        members.sort_unstable();
        ensure!(id != 3 || members == [(2, 5), (4, 6)], "{members:x?}");
    }
    Ok(())
}

fn params(client: &mut Client) -> Outcome<Vec<u8>> {
    let id = client.bos.snac(0x01, 0x06, &[]);
    Ok(client.bos.answer(id)?.body)
}

/// So many messages to oneself in one write; their request ids.
fn volley(client: &mut Client, count: usize) -> Vec<u32> {
    let mut all = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..count {
        let (_, body) = im(&client.name, "hello", ACK);
        let (id, bytes) = client.bos.next_snac(0x04, 0x06, &body);
        ids.push(id);
        all.extend(bytes);
    }
    client.bos.raw(&all);
    ids
}

fn acknowledged(client: &Client, ids: &[u32]) -> Vec<usize> {
    let heard: Vec<Snac> = client.bos.heard_snacs().collect();
    let is_acknowledged = |id: &u32| heard.iter().any(|snac| snac.id == *id && snac.is(0x04, 0x0c));
    ids.iter().zip(1..).filter(|(id, _)| is_acknowledged(id)).map(|(_, number)| number).collect()
}

fn burst(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    let mut ids = Vec::new();
    let mut all = Vec::new();
    for number in 1..=14 {
        let (_, body) = im(&bert.name, &number.to_string(), ACK);
        let (id, bytes) = anna.bos.next_snac(0x04, 0x06, &body);
        ids.push(id);
        all.extend(bytes);
    }
    anna.bos.raw(&all);
    let goodbye = anna.bos.signed_off()?;
    ensure!(goodbye.number(9)? == 1, "TLV 9 is {:?}", goodbye.get(9));
    let mut acknowledgements = acknowledged(&anna, &ids);
    // Whether it is sent before the close is a race in open-oscar-server.
    acknowledgements.retain(|number| *number != 14);
    ensure!(acknowledgements == [1, 2, 3, 4, 5, 6, 7], "acknowledged: {acknowledgements:?}");
    ensure!(!anna.bos.heard_snacs().any(|snac| snac.is(0x04, 0x01)), "there is a 04/01");
    for number in [1, 2, 3, 4, 5, 6, 7, 14] {
        let heard = bert.hears()?;
        let sent = fragments(0, number.to_string().as_bytes());
        ensure!(heard.tlvs.require(2)? == sent, "in place of {number} came {:?}", heard.tlvs.get(2));
    }
    Ok(())
}

fn limited_and_clear_again(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let ids = volley(&mut anna, 9);
    let began = Instant::now();
    let mut notice = |code: u16, patience: u64| loop {
        let body = anna.bos.until_within(0x01, 0x0a, Duration::from_secs(patience))?.body;
        let mut reader = Reader(&body);
        match (reader.u16()?, reader.u16()?) {
            (told, 3) if told == code => return Ok(()),
            // The level passes through alert on its way.
            (2, 3) => {}
            other => return Err(format!("01/0A says {other:?}, not {code}")),
        }
    };
    notice(3, 10)?;
    notice(4, 40)?;
    let rest = began.elapsed().as_secs();
    ensure!((24..=32).contains(&rest), "clear after {rest} s");
    let passed = acknowledged(&anna, &ids);
    // A server that has other work may take so long for seven that there is time for an eighth.
    ensure!(
        matches!(passed[..], [1, 2, 3, 4, 5, 6, 7] | [1, 2, 3, 4, 5, 6, 7, 8]),
        "acknowledged: {passed:?}"
    );
    let again = volley(&mut anna, 1);
    ensure!(anna.bos.answer(again[0])?.is(0x04, 0x0c), "not acknowledged after the rest");
    Ok(())
}

fn limit_foretold(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let mut ids = volley(&mut anna, 7);
    std::thread::sleep(Duration::from_secs(1));
    ids.extend(volley(&mut anna, 1));
    let (level, dropping) = loop {
        let body = anna.bos.until(0x01, 0x0a)?.body;
        let mut reader = Reader(&body);
        let (code, class) = (reader.u16()?, reader.u16()?);
        reader.take(20)?;
        let level = reader.u32()?;
        reader.take(8)?;
        match (code, class) {
            (3, 3) => break (level, reader.u8()?),
            // The level passes through alert on its way.
            (2, 3) => {}
            other => return Err(format!("01/0A says {other:?}")),
        }
    };
    ensure!(level >= 4000 && dropping == 1, "level {level}, dropping {dropping}");
    // It is the pause that is examined. Some more, for the network's sake.
    std::thread::sleep(Duration::from_millis(4050));
    ids.extend(volley(&mut anna, 1));
    anna.bos.fence()?;
    let passed = acknowledged(&anna, &ids).len();
    ensure!(passed == 9, "{passed} acknowledged");
    Ok(())
}

fn one_message_each_four_seconds(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let mut ids = volley(&mut anna, 7);
    for _ in 0..4 {
        // It is the pause that is examined. Some more, for the network's sake.
        std::thread::sleep(Duration::from_millis(4050));
        ids.extend(volley(&mut anna, 1));
    }
    anna.bos.fence()?;
    let passed = acknowledged(&anna, &ids).len();
    ensure!(passed == 11, "{passed} acknowledged");
    Ok(())
}
