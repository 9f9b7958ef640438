//! 04: passing on, storing, refusing, typing, warning.

use oscar_im::foodgroup::icbm::{
    EvilReply, EvilRequest, HostAck, ImToClient, OfflineDone, OfflineRetrieve, TypingNotice, tlv as im_tlv,
};
use oscar_im::foodgroup::icq::{Meta, ToClient, ToHost, kind};
use oscar_im::foodgroup::oservice::EvilNotification;

use super::*;
use crate::journal::Delivery;

#[test]
fn a_message_is_passed_on_without_its_wishes_and_acknowledged() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    let bert = town.sign_on("Bert", &[]);
    town.send(anna, &im("b e r t", &[ACK, STORE, im_tlv::WANTS_TYPING]));
    let ack: HostAck = town.body(anna);
    assert_eq!((ack.cookie, ack.screen_name.as_str()), (*b"12345678", "b e r t"), "the name as sent");
    let got: ImToClient = town.body(bert);
    let kinds: Vec<u16> = got.tlvs.0.iter().map(|tlv| tlv.kind).collect();
    assert_eq!(kinds, [im_tlv::MESSAGE, im_tlv::WANTS_TYPING]);
    assert_eq!(got.from.screen_name.as_str(), "Anna");
    let seen: Vec<_> = town.host.recorder().messages.iter().cloned().collect();
    assert_eq!((seen[0].text.as_str(), seen[0].delivery), ("hi", Delivery::Delivered));
}

#[test]
fn a_client_that_is_not_ready_gets_nothing() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    let bert = town.arrive("Bert", &USUAL);
    let request = town.send(anna, &im("Bert", &[ACK]));
    assert_eq!(town.error(anna, request).map(|error| error.code), Some(0x04));
    assert!(town.bodies::<ImToClient>(bert).is_empty());
}

#[test]
fn ten_messages_wait_and_the_eleventh_is_refused() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    for _ in 0..10 {
        town.send(anna, &im("Bert", &[ACK, STORE]));
        town.body::<HostAck>(anna);
        town.pass(10);
    }
    let request = town.send(anna, &im("Bert", &[ACK, STORE]));
    let error = town.error(anna, request).unwrap();
    assert_eq!((error.code, error.sub_code()), (0x04, Some(0x0f)));
    let unknown = town.send(anna, &im("nobody", &[ACK, STORE]));
    assert_eq!(town.error(anna, unknown).map(|error| error.code), Some(0x04));

    let bert = town.arrive("Bert", &USUAL);
    town.send(bert, &ClientOnline::default());
    assert_eq!(town.bodies::<ImToClient>(bert).len(), 1, "a notice");
    town.send(bert, &OfflineRetrieve {});
    let snacs = town.snacs(bert);
    assert_eq!(snacs.iter().filter(|snac| snac.body_as::<ImToClient>().is_some()).count(), 10);
    assert!(snacs.last().unwrap().body_as::<OfflineDone>().is_some());
    let first: ImToClient = snacs[0].body_as().unwrap().unwrap();
    assert_eq!((first.from.screen_name.as_str(), first.from.tlvs.0.len()), ("anna", 0));
    assert!(first.tlvs.has(im_tlv::SEND_TIME) && first.tlvs.has(ACK));
    town.send(bert, &OfflineRetrieve {});
    assert!(town.bodies::<ImToClient>(bert).is_empty(), "once");
}

#[test]
fn icq_s_own_question_brings_stored_messages_too() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    town.send(anna, &im("Bert", &[STORE]));
    let bert = town.sign_on("Bert", &[]);
    let meta = Meta { uin: 0, kind: kind::OFFLINE_QUERY, sequence: 7, data: Vec::new() };
    town.send(bert, &ToHost { tlvs: Tlvs::new().with_wire(1, &meta).unwrap() });
    let snacs = town.snacs(bert);
    assert!(snacs[0].body_as::<ImToClient>().is_some());
    let done: ToClient = snacs[1].body_as().unwrap().unwrap();
    assert_eq!((done.meta().unwrap().kind, done.meta().unwrap().sequence), (kind::OFFLINE_DONE, 7));
}

#[test]
fn typing_names_the_sender_and_gets_no_answer() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    let bert = town.sign_on("Bert", &[]);
    town.send(anna, &TypingNotice { cookie: [0; 8], channel: 1, screen_name: "bert".into(), event: 2 });
    let notice: TypingNotice = town.body(bert);
    assert_eq!((notice.screen_name.as_str(), notice.event), ("Anna", 2));
    assert!(town.frames(anna).is_empty());
}

#[test]
fn a_warning_costs_a_message() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    let bert = town.sign_on("Bert", &[]);
    let warning = EvilRequest { anonymous: 0, screen_name: "Anna".into() };
    let early = town.send(bert, &warning);
    assert_eq!(town.error(bert, early).map(|error| error.code), Some(0x0d));
    town.send(anna, &im("Bert", &[]));
    town.send(bert, &warning);
    assert_eq!(town.body::<EvilReply>(bert), EvilReply { increase: 100, level: 100 });
    let notice: EvilNotification = town.body(anna);
    assert_eq!(notice.level, 100);
    assert_eq!(notice.warner.unwrap().screen_name.as_str(), "Bert");
    let again = town.send(bert, &warning);
    assert_eq!(town.error(bert, again).map(|error| error.code), Some(0x0d));
}

#[test]
fn a_bot_is_neither_limited_nor_warned() {
    let mut town = Town::with(|config| config.accounts[0].bot = true);
    let (anna, bert) = (town.sign_on("Anna", &[]), town.sign_on("Bert", &[]));
    for _ in 0..100 {
        town.send(anna, &im("Bert", &[ACK]));
    }
    assert_eq!(town.bodies::<HostAck>(anna).len(), 100);
    let warning = town.send(bert, &EvilRequest { anonymous: 0, screen_name: "Anna".into() });
    assert_eq!(town.error(bert, warning).map(|error| error.code), Some(0x0d));
}

#[test]
fn limits_hold_for_each_session_alone() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    let bert = town.sign_on("Bert", &[]);
    let acks = |town: &mut Town, id| town.bodies::<HostAck>(id).len();
    for _ in 0..8 {
        town.send(anna, &im("Bert", &[ACK]));
    }
    assert_eq!(acks(&mut town, anna), 7);
    town.send(bert, &im("Anna", &[ACK]));
    assert_eq!(acks(&mut town, bert), 1);
    for _ in 0..6 {
        town.send(anna, &im("Bert", &[ACK]));
    }
    assert_eq!(town.closed[&anna], Ending::RateLimit);
    assert!(!town.closed.contains_key(&bert));
}
