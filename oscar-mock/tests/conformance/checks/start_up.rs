//! From the cookie to 01/02: versions, rates, limits, the empty list, services.

use super::super::client::{Client, How, READY, USUAL, authorize, present, same_name};
use super::super::wire::{Outcome, Reader, Tlvs, ensure, number};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "groups",
        fact: "BOS greets with 01/03, which names the groups it has (captures)",
        steps: "connect with a cookie",
        expected: "01, 02, 03, 04, 09 and 13 among them",
        run: groups,
    },
    Check {
        name: "versions",
        fact: "01/17 is answered by 01/18 with the client's list, and 01/13 follows unasked (captures)",
        steps: "send 01/17 with three groups",
        expected: "01/18 with the same, then 01/13 with a text in TLV B",
        run: versions,
    },
    Check {
        name: "rate_records_of_35_bytes",
        fact: "rate records have 35 bytes for clients that announce version 2 or more of group 01 (captures)",
        steps: "announce 3, ask 01/06",
        expected: "five records of 35 bytes, and their members behind",
        run: |scene| rate_records(scene, 3, 35),
    },
    Check {
        name: "rate_records_of_30_bytes",
        fact: "and 30 bytes for those that announce 1 (server's source)",
        steps: "announce 1, ask 01/06",
        expected: "five records of 30 bytes, and their members behind",
        run: |scene| rate_records(scene, 1, 30),
    },
    Check {
        name: "burst_of_queries",
        fact: "clients send all queries at once, without waiting, and need 09/03 and 13/06 (captures)",
        steps: "send 01/0E, 02/02, 03/02, 04/04, 09/02, 13/02 and 13/04 in one write",
        expected: "01/0F, 02/03, 03/03, 04/05, 09/03, 13/03 and 13/06, each with its id",
        run: burst_of_queries,
    },
    Check {
        name: "own_user_info",
        fact: "01/0F is the client's own user info: flags 10, sign-on time (captures)",
        steps: "ask 01/0E",
        expected: "the name, TLV 1 with bit 10, TLV 3",
        run: own_user_info,
    },
    Check {
        name: "stats_interval",
        fact: "0B/02 comes after 01/02 (captures)",
        steps: "send 01/02",
        expected: "0B/02, one u16",
        run: stats_interval,
    },
    Check {
        name: "not_there_before_ready",
        fact: "until 01/02 a client is not shown to others and gets no messages (server's source)",
        steps: "Bert signs on but for 01/02, Anna has him on her list and writes to him; then he sends 01/02",
        expected: "no 03/0B and 04/01 code 4 before, 03/0B after",
        run: not_there_before_ready,
    },
    Check {
        name: "service_refused",
        fact: "a request for a service that isn't there is answered by 01/01 (both clients sign on all the same)",
        steps: "01/04 for group 05 (advertisements)",
        expected: "01/01",
        run: service_refused,
    },
    Check {
        name: "service_given",
        fact: "01/05 names group, address and cookie of a service; its 01/03 names that group and 01 (captures)",
        steps: "01/04 for 0D, connect, 01/17, 01/06, 01/02",
        expected: "01/03 with 0D and 01; 01/18; 01/07",
        run: service_given,
    },
];

fn bos(scene: &Scene<'_>) -> Outcome<super::super::client::Connection> {
    let source = scene.subject.turn();
    let (tlvs, _) = authorize(scene.subject, source, &scene.name("anna"), USUAL)?;
    present(source, &tlvs)
}

fn numbers(body: &[u8]) -> Vec<u16> {
    body.chunks_exact(2).map(number).collect()
}

fn groups(scene: &Scene<'_>) -> Outcome {
    let groups = numbers(&bos(scene)?.until(0x01, 0x03)?.body);
    let needed = [0x01, 0x02, 0x03, 0x04, 0x09, 0x13];
    ensure!(needed.iter().all(|group| groups.contains(group)), "{groups:x?}");
    Ok(())
}

fn versions(scene: &Scene<'_>) -> Outcome {
    let mut bos = bos(scene)?;
    bos.until(0x01, 0x03)?;
    let list = [0, 1, 0, 3, 0, 0x13, 0, 4, 0, 4, 0, 1];
    let id = bos.snac(0x01, 0x17, &list);
    let answer = bos.answer(id)?;
    ensure!(answer.is(0x01, 0x18) && answer.body == list, "{answer:x?}");
    let motd = bos.until(0x01, 0x13)?;
    Tlvs::read(&motd.body[2..])?.require(0x0b).map(drop)
}

fn rate_records(scene: &Scene<'_>, version: u8, length: usize) -> Outcome {
    let mut bos = bos(scene)?;
    bos.until(0x01, 0x03)?;
    bos.snac(0x01, 0x17, &[0, 1, 0, version]);
    bos.until(0x01, 0x18)?;
    let id = bos.snac(0x01, 0x06, &[]);
    let body = bos.answer(id)?.body;
    let mut reader = Reader(&body);
    ensure!(reader.u16()? == 5, "{} classes", number(&body[..2]));
    for class in 1..=5 {
        let record = reader.take(length)?;
        ensure!(number(&record[..2]) == class, "record {class} is of class {}", number(&record[..2]));
    }
    for class in 1..=5 {
        let (id, count) = (reader.u16()?, reader.u16()?);
        ensure!(id == class, "the members of {id} stand where those of {class} belong");
        reader.take(4 * usize::from(count))?;
    }
    ensure!(reader.0.is_empty(), "{} bytes more", reader.0.len());
    Ok(())
}

fn burst_of_queries(scene: &Scene<'_>) -> Outcome {
    let mut bos = bos(scene)?;
    bos.until(0x01, 0x03)?;
    bos.snac(0x01, 0x17, &[0, 1, 0, 3, 0, 0x13, 0, 3]);
    bos.until(0x01, 0x18)?;
    let asked = [
        (0x01, 0x0e, 0x0f),
        (0x02, 0x02, 0x03),
        (0x03, 0x02, 0x03),
        (0x04, 0x04, 0x05),
        (0x09, 0x02, 0x03),
        (0x13, 0x02, 0x03),
        (0x13, 0x04, 0x06),
    ];
    let requests = asked.map(|(group, sub, _)| bos.next_snac(group, sub, &[]));
    bos.raw(&requests.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>());
    for ((group, _, answer), (id, _)) in asked.into_iter().zip(&requests) {
        let found = bos.until(group, answer)?;
        ensure!(found.id == *id, "{group:02x}/{answer:02x} has id {}, not {id}", found.id);
    }
    Ok(())
}

fn own_user_info(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(0x01, 0x0e, &[]);
    let body = anna.bos.answer(id)?.body;
    let info = Reader(&body).user_info()?;
    ensure!(same_name(&info.name, &anna.name), "the name is {:?}", info.name);
    ensure!(info.warning == 0, "the warning level is {}", info.warning);
    ensure!(info.tlvs.number(1)? & 0x10 != 0, "TLV 1 is {:?}", info.tlvs.get(1));
    info.tlvs.number(3).map(drop)
}

fn stats_interval(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on_as("anna", How { ready: false, ..USUAL })?;
    anna.bos.snac(0x01, 0x02, READY);
    let interval = anna.bos.until(0x0b, 0x02)?;
    ensure!(interval.body.len() == 2, "{interval:?}");
    Ok(())
}

fn not_there_before_ready(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    anna.lists(&scene.name("bert"))?;
    let mut bert: Client = scene.sign_on_as("bert", How { ready: false, ..USUAL })?;
    bert.bos.fence()?;
    let (id, _) = anna.says(&bert.name, "hello", &[]);
    let answer = anna.bos.answer(id)?;
    ensure!(answer.error() == Some(4), "{answer:?}");
    let seen = anna.bos.heard_snacs().any(|snac| snac.is(0x03, 0x0b));
    ensure!(!seen, "he was shown");
    bert.ready()?;
    anna.sees(&bert.name, |_| true).map(drop)
}

fn service_refused(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(0x01, 0x04, &[0, 5]);
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(0x01, 0x01), "{answer:?}");
    Ok(())
}

fn service_given(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let mut navigation = anna.service(0x0d, &[])?;
    let greeting = navigation.heard_snacs().next().ok_or("no 01/03")?;
    let groups = numbers(&greeting.body);
    ensure!(groups.contains(&0x0d) && groups.contains(&0x01), "{groups:x?}");
    navigation.snac(0x01, 0x17, &[0, 1, 0, 3, 0, 0x0d, 0, 1]);
    navigation.until(0x01, 0x18)?;
    navigation.snac(0x01, 0x06, &[]);
    navigation.until(0x01, 0x07)?;
    navigation.snac(0x01, 0x02, &[0, 1, 0, 3, 1, 0x10, 6, 0x29, 0, 0x0d, 0, 1, 1, 0x10, 6, 0x29]);
    Ok(())
}
