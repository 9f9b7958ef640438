//! The authorizer: BUCP in both forms, the roasted password, refusals, cookies.

use super::super::client::{Connection, Hash, How, USUAL, authorize, present};
use super::super::subject::{PASSWORD, Subject};
use super::super::wire::{Outcome, Reader, Tlvs, ensure, tlv};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "newer_md5",
        fact: "MD5(key + MD5(password) + constant), announced by an empty TLV 4C (libpurple-auth-bucp)",
        steps: "sign on with it",
        expected: "17/03 with TLVs 1, 5, 6, and 8E; an empty channel 4; close",
        run: |scene| md5(scene, USUAL),
    },
    Check {
        name: "older_md5",
        fact: "MD5(key + password + constant), without TLV 4C (bitlbee-auth-bucp, raw-auth-older-md5)",
        steps: "sign on with it",
        expected: "the same",
        run: |scene| md5(scene, How { hash: Hash::Older, says_newer: false, ..USUAL }),
    },
    Check {
        name: "newer_md5_unannounced",
        fact: "either hash is taken whatever TLV 4C says (server's source)",
        steps: "sign on with the newer hash and no TLV 4C",
        expected: "the same",
        run: |scene| md5(scene, How { says_newer: false, ..USUAL }),
    },
    Check {
        name: "older_md5_announced_as_newer",
        fact: "either hash is taken whatever TLV 4C says (server's source)",
        steps: "sign on with the older hash and TLV 4C",
        expected: "the same",
        run: |scene| md5(scene, How { hash: Hash::Older, ..USUAL }),
    },
    Check {
        name: "roasted",
        fact: "a sign-on frame with TLV 1 and the roasted password in TLV 2 is answered on channel 4, with no SNAC (raw-auth-roasted)",
        steps: "send channel 1 with name and password",
        expected: "channel 4 with TLVs 5 and 6, and the cookie lets in",
        run: roasted,
    },
    Check {
        name: "same_key",
        fact: "an account is given the same key each time (captures)",
        steps: "ask 17/06 twice",
        expected: "two equal keys",
        run: same_key,
    },
    Check {
        name: "unknown_name",
        fact: "for an unknown name 17/06 is answered by 17/03 with TLV 8 = 1 (libpurple-auth-unknown-name)",
        steps: "sign on as somebody who does not exist",
        expected: "17/03 in place of 17/07, code 1",
        run: unknown_name,
    },
    Check {
        name: "wrong_password",
        fact: "a wrong password gives 17/03 with TLV 8 = 5, then channel 4 (libpurple-auth-wrong-password)",
        steps: "sign on with another password",
        expected: "code 5, no cookie, close",
        run: wrong_password,
    },
    Check {
        name: "name_in_any_spelling",
        fact: "names are compared without spaces and case (server's source)",
        steps: "sign on with spaces and capitals in the name",
        expected: "in",
        run: name_in_any_spelling,
    },
    Check {
        name: "bad_cookie",
        fact: "a bad cookie ends the connection without a word (source)",
        steps: "connect with a cookie of 256 zeros",
        expected: "a close without a SNAC",
        run: bad_cookie,
    },
    Check {
        name: "address_limit",
        fact: "an address may sign on ten times a minute; then TLV 8 is 1D (raw-auth-address-limited)",
        steps: "sign on twelve times from one address",
        expected: "1D from the eleventh on",
        run: address_limit,
    },
];

fn md5(scene: &Scene<'_>, how: How) -> Outcome {
    let source = scene.subject.turn();
    let (tlvs, mut connection) = authorize(scene.subject, source, &scene.name("anna"), how)?;
    ensure!(tlvs.get(8).is_none(), "refused with {:?}", tlvs.get(8));
    ensure!(tlvs.require(1)? == scene.name("anna").as_bytes(), "TLV 1 is {:?}", tlvs.get(1));
    ensure!(tlvs.require(5)?.contains(&b':'), "TLV 5 is {:?}", tlvs.get(5));
    tlvs.require(6)?;
    ensure!(tlvs.number(0x8e)? == 0, "TLV 8E is {:?}", tlvs.get(0x8e));
    let last = connection.closes()?;
    ensure!(last.len() == 1 && last[0].channel == 4 && last[0].payload.is_empty(), "{last:?}");
    present(source, &tlvs)?.until(0x01, 0x03).map(drop)
}

fn roasted(scene: &Scene<'_>) -> Outcome {
    const ROAST: [u8; 16] = *b"\xf3\x26\x81\xc4\x39\x86\xdb\x92\x71\xa3\xb9\xe6\x53\x7a\x95\x7c";
    // A server that limits sign-ons answers an address as its last sign-on was, so it has to be one of its own.
    let source = scene.subject.turn().map(|_| Subject::spare(98));
    let mut connection = Connection::open(scene.subject, source)?;
    let password: Vec<u8> = PASSWORD.bytes().zip(ROAST).map(|(byte, roast)| byte ^ roast).collect();
    let tlvs =
        [tlv(1, scene.name("anna")), tlv(2, password), tlv(3, "conformance"), tlv(0x0f, "en")].concat();
    connection.frame(1, &[&[0, 0, 0, 1][..], &tlvs].concat());
    let frames = connection.closes()?;
    let last = frames.last().ok_or("nothing came")?;
    ensure!(last.channel == 4, "{frames:?}");
    let answer = Tlvs::read(&last.payload)?;
    present(source, &answer)?.until(0x01, 0x03).map(drop)
}

fn same_key(scene: &Scene<'_>) -> Outcome {
    // So that the account exists where accounts are made by signing on.
    drop(scene.sign_on("anna")?);
    let key = || -> Outcome<Vec<u8>> {
        let mut connection = Connection::open(scene.subject, scene.subject.turn())?;
        connection.frame(1, &[0, 0, 0, 1]);
        connection.snac(0x17, 0x06, &tlv(1, scene.name("anna")));
        let body = connection.until(0x17, 0x07)?.body;
        let mut reader = Reader(&body);
        let length = reader.u16()?;
        Ok(reader.take(length.into())?.to_vec())
    };
    let (first, second) = (key()?, key()?);
    ensure!(!first.is_empty() && first == second, "{first:?} and {second:?}");
    Ok(())
}

fn unknown_name(scene: &Scene<'_>) -> Outcome {
    let mut connection = Connection::open(scene.subject, scene.subject.turn())?;
    connection.frame(1, &[0, 0, 0, 1]);
    connection.snac(0x17, 0x06, &tlv(1, scene.name("nobody")));
    let answer = connection.find("an answer", super::super::subject::PATIENCE, |_| true)?;
    ensure!(answer.is(0x17, 0x03), "{:02x}/{:02x}", answer.group, answer.sub);
    let code = Tlvs::read(&answer.body)?.number(8)?;
    ensure!(code == 1, "code {code:#x}");
    Ok(())
}

fn wrong_password(scene: &Scene<'_>) -> Outcome {
    let how = How { password: "another", ..USUAL };
    let (tlvs, mut connection) = authorize(scene.subject, scene.subject.turn(), &scene.name("anna"), how)?;
    ensure!(tlvs.number(8)? == 5, "TLV 8 is {:?}", tlvs.get(8));
    ensure!(tlvs.get(6).is_none(), "there is a cookie");
    connection.closes().map(drop)
}

fn name_in_any_spelling(scene: &Scene<'_>) -> Outcome {
    let name = scene.name("anna").to_uppercase();
    let (start, end) = name.split_at(4);
    let (tlvs, _) = authorize(scene.subject, scene.subject.turn(), &format!("{start} {end}"), USUAL)?;
    tlvs.require(6).map(drop)
}

fn bad_cookie(scene: &Scene<'_>) -> Outcome {
    let mut connection = Connection::open(scene.subject, None)?;
    connection.frame(1, &[&[0, 0, 0, 1], &tlv(6, [0; 256])[..]].concat());
    let frames = connection.closes()?;
    ensure!(frames.iter().all(|frame| frame.channel != 2), "{frames:?}");
    Ok(())
}

fn address_limit(scene: &Scene<'_>) -> Outcome {
    let local = scene.subject.address.ip().is_loopback();
    ensure!(local, "not tried: only on loopback is there an address to spare");
    let source = Some(Subject::spare(99));
    for number in 1..=12 {
        let (tlvs, _) = authorize(scene.subject, source, &scene.name("anna"), USUAL)?;
        match tlvs.get(8) {
            Some([0, 0x1d]) if number > 10 => return Ok(()),
            Some(code) => return Err(format!("sign-on {number} is refused with {code:x?}")),
            None => {}
        }
    }
    Err("twelve sign-ons were let in".to_owned())
}
