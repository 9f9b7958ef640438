//! Habits of real clients and of the real server on which clients have come to rely, where no other test is about them.
//!
//! | habit | its test |
//! | --- | --- |
//! | a client sends channel 1 and 17/06 before it has read our channel 1 | conformance: `client_does_not_wait` |
//! | request id 0 on most questions, all in one burst | conformance: `request_ids_repeat`, `burst_of_queries` |
//! | either MD5, whatever TLV 4C announces | conformance: `older_md5`, `older_md5_announced_as_newer`, … |
//! | rate records of 30 and 35 bytes, by the version of 01/17 | `rate_records_have_the_length_that_the_client_announced` |
//! | TLV 9 in one byte and in two, a sign-off of four bytes | `a_client_that_sent_no_tlv_4a_may_get_four_bytes` |
//! | services refused by 01/01 code 5, and the session goes on | conformance: `service_refused`, `advertisements_refused` |
//! | 17/03 in answer to 17/06, for an unknown name | conformance: `unknown_name` |
//! | senders of stored messages without TLVs, known by their plain names | `ten_messages_wait_and_the_eleventh_is_refused` |
//! | stored messages by ICQ's question on AIM accounts | `icq_s_own_question_brings_stored_messages_too` |
//! | messages over the limit dropped without a word | conformance: `burst` |
//! | a client without 01/02 is not there | conformance: `not_there_before_ready` |
//! | names by 03/04 in place of the stored list | conformance: `client_side_buddies` |
//! | who blocks looks like who is absent | conformance: `blocked_by_the_list`, `blocked_by_the_client` |
//! | text of any charset passes untouched | conformance: `text_is_not_touched` |

use oscar_im::foodgroup::feedbag::{InsertItems, Item, class, tlv as feedbag};
use oscar_im::foodgroup::icbm::{ImToClient, tlv as im_tlv};
use oscar_im::foodgroup::oservice::{RateParamChange, ServiceRequest, ServiceResponse, rate_code};

use super::*;

fn chat_navigation(town: &mut Town, bos: ConnectionId) -> ConnectionId {
    town.send(bos, &ServiceRequest { group: FoodGroup::ChatNav, tlvs: Tlvs::new() });
    let answer: ServiceResponse = town.body(bos);
    town.present(answer.tlvs.get(tlv::COOKIE).unwrap())
}

#[test]
fn the_same_rate_notice_comes_on_every_connection_of_a_session() {
    let mut town = Town::new();
    let (anna, bert) = (town.sign_on("Anna", &[]), town.sign_on("Bert", &[]));
    let service = chat_navigation(&mut town, anna);
    for _ in 0..8 {
        town.send(anna, &im("Bert", &[ACK]));
    }
    town.pass(1);
    for connection in [anna, service] {
        assert_eq!(town.body::<RateParamChange>(connection).code, rate_code::LIMITED);
    }
    assert!(town.bodies::<RateParamChange>(bert).is_empty());
}

#[test]
fn closing_bos_closes_all_connections_of_a_session() {
    let mut town = Town::new();
    let (anna, bert) = (town.sign_on("Anna", &[]), town.sign_on("Bert", &[]));
    let (annas, berts) = (chat_navigation(&mut town, anna), chat_navigation(&mut town, bert));
    town.sign_off(annas);
    assert!(!town.closed.contains_key(&anna), "but not the other way");
    let annas = chat_navigation(&mut town, anna);
    town.host.disconnect(anna, Ending::ClosedByClient, town.clock.now());
    town.listen();
    assert_eq!(town.closed[&annas], Ending::SessionOver);
    assert!(!town.closed.contains_key(&bert) && !town.closed.contains_key(&berts));
}

#[test]
fn typing_is_asked_for_by_the_message_or_by_the_preferences_of_its_sender() {
    let mut town = Town::new();
    let (anna, bert) = (town.sign_on("Anna", &[]), town.sign_on("Bert", &[]));
    let asks = |town: &mut Town, flags: &[u16]| {
        town.send(anna, &im("Bert", flags));
        town.body::<ImToClient>(bert).tlvs.has(im_tlv::WANTS_TYPING)
    };
    assert!(!asks(&mut town, &[]));
    assert!(asks(&mut town, &[im_tlv::WANTS_TYPING]));
    let tlvs = Tlvs::new().with_u32(feedbag::PREFERENCE_BITS, 0x0040_0000);
    let preferences = Item { item: 1, class: class::PREFERENCES, tlvs, ..Item::default() };
    town.send(anna, &InsertItems { items: vec![preferences] });
    assert!(asks(&mut town, &[]));
}
