//! 02, 03, 09, and of 01 what others are told: coming and going, away, idle, profiles, blocking.

use super::super::client::{Client, Connection, How, USUAL, same_name};
use super::super::wire::{Outcome, Reader, Tlvs, UserInfo, ensure, item, name, tlv};
use super::{Check, Scene};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "comes_and_goes",
        fact: "03/0B when a buddy is ready, 03/0C when they have gone (captures)",
        steps: "Anna has Bert on her list; he signs on, and off",
        expected: "03/0B with TLVs 1 and 3, then 03/0C",
        run: |scene| comes_and_goes(scene, |bert| bert.bos.frame(4, &[])),
    },
    Check {
        name: "goes_without_a_word",
        fact: "a connection that breaks is a departure",
        steps: "the same, but Bert's connection closes without channel 4",
        expected: "03/0C",
        run: |scene| comes_and_goes(scene, |_| {}),
    },
    Check {
        name: "client_side_buddies",
        fact: "03/04 and 03/05 add and remove names that the client keeps itself (source; BitlBee)",
        steps: "Anna names Bert by 03/04, he is there; by 03/05 she takes him off, he changes",
        expected: "03/0B, then nothing",
        run: client_side_buddies,
    },
    Check {
        name: "away",
        fact: "02/04 with TLV 4 is away: flag 20 in 03/0B; the text comes by 02/05; an empty TLV 4 is back (captures)",
        steps: "Bert goes away and comes back, Anna watches and asks",
        expected: "flag 20 set; 02/06 with TLVs 3 and 4 as set; flag 20 clear",
        run: away,
    },
    Check {
        name: "user_info_by_mask",
        fact: "02/15 asks by bits: 1 profile, 2 away (libpurple)",
        steps: "Bert sets a profile and an away message; Anna asks 02/15 with 3",
        expected: "02/06: his user info, TLVs 2 and 4",
        run: user_info_by_mask,
    },
    Check {
        name: "user_info_of_nobody",
        fact: "whoever isn't signed on has none: 02/01 code 4 (source)",
        steps: "ask 02/05 for somebody who isn't there",
        expected: "02/01 code 4",
        run: user_info_of_nobody,
    },
    Check {
        name: "idle",
        fact: "01/11 with seconds makes idle: TLV 4 of user infos, in minutes; with 0 it ends (captures)",
        steps: "Bert has been idle for 600 s, then is back",
        expected: "03/0B with TLV 4 = 10, then one without, or with 0",
        run: idle,
    },
    Check {
        name: "status",
        fact: "01/1E is answered by 01/0F (captures)",
        steps: "set TLV 6 to 0",
        expected: "01/0F",
        run: status,
    },
    Check {
        name: "capabilities",
        fact: "02/04 with TLV 5 sets capabilities, which buddies see in TLV D (captures)",
        steps: "Bert says he can chat",
        expected: "03/0B with that capability in TLV D",
        run: capabilities,
    },
    Check {
        name: "blocked_by_the_list",
        fact: "who is blocked sees the blocker go, and gets 04/01 code 4; the blocker gets code 10 (server's source)",
        steps: "Anna denies Bert on her server-stored list (class 3, mode 4)",
        expected: "03/0C to Bert; 04/01 code 4 to him, code 10 to Anna",
        run: |scene| {
            blocked(scene, USUAL, |anna, bert| {
                let items = [item("", 0, 77, 4, &tlv(0xca, [4])), item(bert, 0, 78, 3, &[])].concat();
                let id = anna.snac(0x13, 0x08, &items);
                anna.answer(id).map(drop)
            })
        },
    },
    Check {
        name: "blocked_by_the_client",
        fact: "09/07 blocks for a client that does not use the server-stored list (server's source)",
        steps: "Anna, who keeps her list herself, denies Bert by 09/07",
        expected: "the same",
        run: |scene| {
            blocked(scene, NO_LIST, |anna, bert| {
                anna.snac(0x09, 0x07, &name(bert));
                anna.fence().map(drop)
            })
        },
    },
    Check {
        name: "client_lists_beside_the_stored_one",
        fact: "09/07 blocks nobody for a client that uses the server-stored list (server's source)",
        steps: "Anna, who uses it, denies Bert by 09/07",
        expected: "his message arrives",
        run: client_lists_beside_the_stored_one,
    },
    Check {
        name: "own_name_alone",
        fact: "one's own name alone on a list means all: 09/05 with it hides from everybody, 09/07 with it shows to everybody (server's source)",
        steps: "Anna, who keeps her list herself, sends 09/05 and then 09/07 with her own name",
        expected: "03/0C to Bert, then 03/0B",
        run: own_name_alone,
    },
];

/// Anna, with Bert on her list, and Bert, whom she sees.
fn watching(scene: &Scene<'_>) -> Outcome<(Client, Client, UserInfo)> {
    let mut anna = scene.sign_on("anna")?;
    anna.lists(&scene.name("bert"))?;
    let bert = scene.sign_on("bert")?;
    let info = anna.sees(&bert.name, |_| true)?;
    Ok((anna, bert, info))
}

fn comes_and_goes(scene: &Scene<'_>, goodbye: fn(&mut Client)) -> Outcome {
    let (mut anna, mut bert, info) = watching(scene)?;
    ensure!(info.tlvs.number(1)? & 0x10 != 0, "TLV 1 is {:?}", info.tlvs.get(1));
    ensure!(info.tlvs.number(3)? > 1_000_000_000, "TLV 3 is {:?}", info.tlvs.get(3));
    goodbye(&mut bert);
    let name = bert.name.clone();
    drop(bert);
    anna.sees_go(&name)
}

fn client_side_buddies(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    anna.bos.snac(0x03, 0x04, &name(&bert.name));
    anna.sees(&bert.name, |_| true)?;
    anna.bos.snac(0x03, 0x05, &name(&bert.name));
    anna.bos.fence()?;
    let from = anna.bos.heard.len();
    go_away(&mut bert, "gone")?;
    anna.bos.fence()?;
    let shown =
        anna.bos.heard[from..].iter().filter_map(|frame| frame.snac().ok()).any(|snac| snac.is(0x03, 0x0b));
    ensure!(!shown, "he is still shown");
    Ok(())
}

const MIME: &str = "text/aolrtf; charset=\"us-ascii\"";

fn go_away(client: &mut Client, text: &str) -> Outcome {
    client.bos.snac(0x02, 0x04, &[tlv(3, MIME), tlv(4, text)].concat());
    client.bos.fence().map(drop)
}

fn is_away(info: &UserInfo) -> bool {
    info.tlvs.number(1).is_ok_and(|flags| flags & 0x20 != 0)
}

fn away(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert, _) = watching(scene)?;
    go_away(&mut bert, "gone fishing")?;
    anna.sees(&bert.name, is_away)?;
    let id = anna.bos.snac(0x02, 0x05, &[&[0, 3], &name(&bert.name)[..]].concat());
    let (info, tlvs) = about(&anna.bos.answer(id)?.body)?;
    ensure!(same_name(&info.name, &bert.name), "{info:?}");
    ensure!(tlvs.require(4)? == b"gone fishing", "TLV 4 is {:?}", tlvs.get(4));
    ensure!(tlvs.require(3)? == MIME.as_bytes(), "TLV 3 is {:?}", tlvs.get(3));
    go_away(&mut bert, "")?;
    anna.sees(&bert.name, |info| !is_away(info)).map(drop)
}

/// What 02/06 holds.
fn about(body: &[u8]) -> Outcome<(UserInfo, Tlvs)> {
    let mut reader = Reader(body);
    Ok((reader.user_info()?, reader.tlvs()?))
}

fn user_info_by_mask(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    bert.bos.snac(0x02, 0x04, &[tlv(1, MIME), tlv(2, "about me"), tlv(3, MIME), tlv(4, "gone")].concat());
    bert.bos.fence()?;
    let id = anna.bos.snac(0x02, 0x15, &[&[0, 0, 0, 3], &name(&bert.name)[..]].concat());
    let (info, tlvs) = about(&anna.bos.answer(id)?.body)?;
    ensure!(same_name(&info.name, &bert.name), "{info:?}");
    ensure!(tlvs.require(2)? == b"about me" && tlvs.require(4)? == b"gone", "{tlvs:?}");
    Ok(())
}

fn user_info_of_nobody(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    let id = anna.bos.snac(0x02, 0x05, &[&[0, 1], &name(&scene.name("carl"))[..]].concat());
    let answer = anna.bos.answer(id)?;
    ensure!(answer.is(0x02, 0x01) && answer.error() == Some(4), "{answer:?}");
    Ok(())
}

fn idle(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert, _) = watching(scene)?;
    let minutes = |info: &UserInfo| info.tlvs.number(4).unwrap_or(0);
    bert.bos.snac(0x01, 0x11, &600_u32.to_be_bytes());
    let info = anna.sees(&bert.name, |info| minutes(info) > 0)?;
    ensure!(minutes(&info) == 10, "{} minutes", minutes(&info));
    bert.bos.snac(0x01, 0x11, &[0; 4]);
    anna.sees(&bert.name, |info| minutes(info) == 0).map(drop)
}

fn status(scene: &Scene<'_>) -> Outcome {
    let mut anna = scene.sign_on("anna")?;
    anna.bos.snac(0x01, 0x1e, &tlv(6, [0; 4]));
    anna.bos.until(0x01, 0x0f).map(drop)
}

fn capabilities(scene: &Scene<'_>) -> Outcome {
    const CHAT: [u8; 16] = *b"\x74\x8f\x24\x20\x62\x87\x11\xd1\x82\x22\x44\x45\x53\x54\x00\x00";
    let (mut anna, mut bert, _) = watching(scene)?;
    bert.bos.snac(0x02, 0x04, &tlv(5, CHAT));
    let can_chat =
        |info: &UserInfo| info.tlvs.get(0x0d).is_some_and(|all| all.chunks(16).any(|one| one == CHAT));
    anna.sees(&bert.name, can_chat).map(drop)
}

const NO_LIST: How = How { list: false, ..USUAL };

fn blocked(scene: &Scene<'_>, how: How, block: fn(&mut Connection, &str) -> Outcome) -> Outcome {
    let mut bert = scene.sign_on("bert")?;
    bert.lists(&scene.name("anna"))?;
    let mut anna = scene.sign_on_as("anna", how)?;
    bert.sees(&anna.name, |_| true)?;
    block(&mut anna.bos, &bert.name)?;
    bert.sees_go(&anna.name)?;
    let (id, _) = bert.says(&anna.name, "hello?", &[]);
    let answer = bert.bos.answer(id)?;
    ensure!(answer.error() == Some(4), "to the blocked: {answer:?}");
    let (id, _) = anna.says(&bert.name, "hello?", &[]);
    let answer = anna.bos.answer(id)?;
    ensure!(answer.error() == Some(0x10), "to the blocker: {answer:?}");
    Ok(())
}

fn client_lists_beside_the_stored_one(scene: &Scene<'_>) -> Outcome {
    let (mut anna, mut bert) = (scene.sign_on("anna")?, scene.sign_on("bert")?);
    anna.bos.snac(0x09, 0x07, &name(&bert.name));
    anna.bos.fence()?;
    let (_, cookie) = bert.says(&anna.name, "hello", &[]);
    ensure!(anna.hears()?.cookie == cookie, "another message");
    Ok(())
}

fn own_name_alone(scene: &Scene<'_>) -> Outcome {
    let mut bert = scene.sign_on("bert")?;
    bert.lists(&scene.name("anna"))?;
    let mut anna = scene.sign_on_as("anna", NO_LIST)?;
    bert.sees(&anna.name, |_| true)?;
    anna.bos.snac(0x09, 0x05, &name(&anna.name));
    bert.sees_go(&anna.name)?;
    anna.bos.snac(0x09, 0x07, &name(&anna.name));
    bert.sees(&anna.name, |_| true).map(drop)
}
