//! What no client should send: each ends at worst its own connection, and somebody else goes on.

use std::time::{Duration, Instant};

use super::super::client::{ACK, Connection};
use super::super::wire::{Outcome, Snac, ensure, name, tlv};
use super::{Check, Scene};

const OTHERS: &str = "somebody else still talks to themself";

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "sign_on_takes_too_long",
        fact: "a sign-on has 30 s (server's source)",
        steps: "connect, send channel 1, and wait",
        expected: "a close after 25 to 40 s",
        run: sign_on_takes_too_long,
    },
    Check {
        name: "sign_on_takes_too_many_frames",
        fact: "a sign-on has 10 frames (server's source)",
        steps: "send 17/06 thirty times",
        expected: "a close",
        run: sign_on_takes_too_many_frames,
    },
    Check {
        name: "not_flap_at_first",
        fact: "a frame begins with 2A",
        steps: "send an HTTP request in place of channel 1",
        expected: "a close",
        run: |scene| {
            let mut fresh = Connection::open(scene.subject, None)?;
            fresh.raw(HTTP);
            fresh.closes().map(drop)
        },
    },
    Check {
        name: "not_flap_on_bos",
        fact: "a frame begins with 2A",
        steps: "send an HTTP request on BOS",
        expected: "a close",
        run: |scene| closes_bos(scene, |connection| connection.raw(HTTP)),
    },
    Check {
        name: "error_channel",
        fact: "a client's frame on channel 3 ends the connection (server's source)",
        steps: "send channel 3 on BOS",
        expected: "a close",
        run: |scene| closes_bos(scene, |connection| connection.frame(3, &[0, 1])),
    },
    Check {
        name: "short_snac",
        fact: "a SNAC has ten bytes before its body",
        steps: "send channel 2 with four bytes on BOS",
        expected: "the session ends or goes on; somebody else still talks",
        run: |scene| harmless(scene, &[vec![0, 4, 0, 6]]),
    },
    Check {
        name: "lengths_that_lie",
        fact: "a length may claim more than there is",
        steps: "send 04/06, 02/04, 13/08, 03/04, 01/04 with names and TLVs of claimed 255 and 65,535 bytes",
        expected: OTHERS,
        run: lengths_that_lie,
    },
    Check {
        name: "counts_that_lie",
        fact: "a count may claim more than there is",
        steps: "send 01/17, 13/08, 0E/05 and 15/02 with bodies of FF",
        expected: OTHERS,
        run: counts_that_lie,
    },
    Check {
        name: "closed_within_a_frame",
        fact: "connections break anywhere",
        steps: "send half a header, and half a body, and close",
        expected: OTHERS,
        run: closed_within_a_frame,
    },
    Check {
        name: "data_before_the_sign_on",
        fact: "channel 1 comes first",
        steps: "send 04/06 on channel 2 without having signed on",
        expected: "nothing but a close or an error; nobody gets the message",
        run: data_before_the_sign_on,
    },
];

fn sign_on_takes_too_long(scene: &Scene<'_>) -> Outcome {
    let mut connection = Connection::open(scene.subject, None)?;
    connection.frame(1, &[0, 0, 0, 1]);
    let began = Instant::now();
    connection.next()?;
    let deadline = Duration::from_secs(40);
    while began.elapsed() < deadline {
        match connection.next() {
            Ok(None) => {
                let seconds = began.elapsed().as_secs();
                ensure!((25..=40).contains(&seconds), "closed after {seconds} s");
                return Ok(());
            }
            Ok(Some(frame)) => ensure!(frame.channel == 4, "{frame:?}"),
            // Nothing came in the time that a frame is waited for.
            Err(_) => {}
        }
    }
    Err("not closed after 40 s".to_owned())
}

fn sign_on_takes_too_many_frames(scene: &Scene<'_>) -> Outcome {
    let mut connection = Connection::open(scene.subject, scene.subject.turn())?;
    connection.frame(1, &[0, 0, 0, 1]);
    for _ in 0..30 {
        connection.snac(0x17, 0x06, &tlv(1, scene.name("anna")));
    }
    connection.closes().map(drop)
}

const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn closes_bos(scene: &Scene<'_>, hostile: fn(&mut Connection)) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    hostile(&mut anna.bos);
    anna.bos.closes()?;
    goes_on(scene)
}

/// Sends payloads on BOS, each in a session of its own where the one before has ended.
fn harmless(scene: &Scene<'_>, payloads: &[Vec<u8>]) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    for payload in payloads {
        anna.bos.frame(2, payload);
        // Whether it lives is the server's affair; that it dealt with it is what we wait for.
        if anna.bos.fence().is_err() {
            anna = scene.sign_on("anna")?;
        }
    }
    goes_on(scene)
}

/// Somebody who signs on now can talk to themself.
fn goes_on(scene: &Scene<'_>) -> Outcome {
    let mut bert = scene.sign_on("bert")?;
    let name = bert.name.clone();
    let (_, cookie) = bert.says(&name, "still here", ACK);
    ensure!(bert.hears()?.cookie == cookie, "another message");
    Ok(())
}

fn lengths_that_lie(scene: &Scene<'_>) -> Outcome {
    let cookie = [7; 8];
    let long_name = [&[255][..], b"anna"].concat();
    let long_tlv = [0, 2, 0xff, 0xff, 1];
    let bodies: [(u16, u16, Vec<u8>); 8] = [
        (0x04, 0x06, [&cookie[..], &[0, 1], &long_name].concat()),
        (0x04, 0x06, [&cookie[..], &[0, 1], &name(&scene.name("anna")), &long_tlv].concat()),
        (0x04, 0x06, cookie[..3].to_vec()),
        (0x02, 0x04, long_tlv.to_vec()),
        (0x13, 0x08, vec![0xff, 0xff, b'x']),
        (0x13, 0x08, [&[0, 1, b'x'][..], &[0, 0, 0, 1, 0, 0, 0xff, 0xff, 0]].concat()),
        (0x03, 0x04, long_name.clone()),
        (0x01, 0x04, [&[0, 0x0e][..], &long_tlv].concat()),
    ];
    let payloads = bodies.map(|(group, sub, body)| Snac::bytes(group, sub, 0, 99, &body));
    harmless(scene, &payloads)
}

fn counts_that_lie(scene: &Scene<'_>) -> Outcome {
    let kinds = [(0x01, 0x17), (0x13, 0x08), (0x0e, 0x05), (0x15, 0x02)];
    let payloads = kinds.map(|(group, sub)| Snac::bytes(group, sub, 0, 99, &[0xff; 40]));
    harmless(scene, &payloads)
}

fn closed_within_a_frame(scene: &Scene<'_>) -> Outcome {
    for bytes in [&[0x2a, 2, 0][..], &[0x2a, 2, 0, 9, 0xff, 0xff, 0, 4, 0, 6]] {
        let mut anna = scene.sign_on("anna")?;
        anna.bos.raw(bytes);
        drop(anna);
    }
    goes_on(scene)
}

fn data_before_the_sign_on(scene: &Scene<'_>) -> Outcome {
    let mut bert = scene.sign_on("bert")?;
    let mut connection = Connection::open(scene.subject, None)?;
    let (_, body) = super::super::client::im(&bert.name, "from nobody", ACK);
    connection.snac(0x04, 0x06, &body);
    // It may be left open until the sign-on takes too long.
    while let Ok(Some(frame)) = connection.next() {
        let answered = frame.snac().is_ok_and(|snac| snac.error().is_none());
        ensure!(!answered, "{frame:?}");
    }
    let before = bert.bos.fence()?;
    ensure!(!before.iter().any(|snac| snac.is(0x04, 0x07)), "the message came");
    Ok(())
}
