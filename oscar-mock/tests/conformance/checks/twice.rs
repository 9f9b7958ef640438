//! Signed on twice.

use super::super::client::{ACK, How, USUAL};
use super::super::wire::{Outcome, ensure};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "second_sign_on_ends_the_first",
        fact: "the older session is closed by channel 4, and the newer is let in (libpurple-bos-replaced)",
        steps: "sign on twice with TLV 4A = 3",
        expected: "channel 4 and a close on the first; the second talks",
        run: second_sign_on_ends_the_first,
    },
    Check {
        name: "reason_of_the_sign_off",
        fact: "its TLV 9 is 1, in one byte or two, and TLV B is a URL (captures; libpurple reads two)",
        steps: "the same",
        expected: "both",
        run: reason_of_the_sign_off,
    },
    Check {
        name: "reason_in_two_bytes",
        fact: "libpurple reads TLV 9 as u16, and only then knows not to sign on again (libpurple's source)",
        steps: "the same",
        expected: "two bytes",
        run: reason_in_two_bytes,
    },
    Check {
        name: "two_share_an_account",
        fact: "two with TLV 4A = 1 stay, and both get what comes (server's source)",
        steps: "sign on twice with 1; somebody writes",
        expected: "04/07 on both",
        run: two_share_an_account,
    },
    Check {
        name: "old_client_ends_all",
        fact: "without TLV 4A nobody shares (server's source)",
        steps: "sign on with 1, then without TLV 4A",
        expected: "the first is closed",
        run: old_client_ends_all,
    },
];

fn replaced(scene: &Scene<'_>) -> Outcome<super::super::wire::Tlvs> {
    let mut first = scene.sign_on("anna")?;
    let mut second = scene.sign_on("anna")?;
    let goodbye = first.bos.signed_off()?;
    let name = second.name.clone();
    let (id, _) = second.says(&name, "hello", ACK);
    second.hears()?;
    let acknowledged = second.bos.heard_snacs().any(|snac| snac.id == id);
    if !acknowledged {
        second.bos.answer(id)?;
    }
    Ok(goodbye)
}

fn second_sign_on_ends_the_first(scene: &Scene<'_>) -> Outcome {
    replaced(scene).map(drop)
}

fn reason_of_the_sign_off(scene: &Scene<'_>) -> Outcome {
    let goodbye = replaced(scene)?;
    ensure!(goodbye.number(9)? == 1, "TLV 9 is {:?}", goodbye.get(9));
    ensure!(goodbye.require(0x0b)?.starts_with(b"http"), "TLV B is {:?}", goodbye.get(0x0b));
    Ok(())
}

fn reason_in_two_bytes(scene: &Scene<'_>) -> Outcome {
    let goodbye = replaced(scene)?;
    ensure!(goodbye.require(9)? == [0, 1], "TLV 9 is {:?}", goodbye.get(9));
    Ok(())
}

fn two_share_an_account(scene: &Scene<'_>) -> Outcome {
    let how = How { multi: Some(1), ..USUAL };
    let (mut one, mut other) = (scene.sign_on_as("anna", how)?, scene.sign_on_as("anna", how)?);
    let mut bert = scene.sign_on("bert")?;
    let (_, cookie) = bert.says(&one.name, "to both", &[]);
    for session in [&mut one, &mut other] {
        ensure!(session.hears()?.cookie == cookie, "another message");
    }
    Ok(())
}

fn old_client_ends_all(scene: &Scene<'_>) -> Outcome {
    let mut first = scene.sign_on_as("anna", How { multi: Some(1), ..USUAL })?;
    let _second = scene.sign_on_as("anna", How { multi: None, ..USUAL })?;
    first.bos.closes().map(drop)
}
