//! 01/12: the session goes on where the client went.

use oscar_im::foodgroup::buddy::{Arrived, Departed};
use oscar_im::foodgroup::icbm::{HostAck, ImToClient};
use oscar_im::foodgroup::oservice::{HostOnline, Migrate, OwnUserInfo, UserInfoQuery};

use super::*;
use crate::faults::{Action, Fault};

/// Anna, who is to move at her next message, and Bert, who watches her.
fn told_to_move() -> (Town, ConnectionId, ConnectionId, Vec<u8>) {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &["Bert"]);
    let bert = town.sign_on("Bert", &["Anna"]);
    town.host.faults_mut().add(Fault::new(Action::Migrate).of("Anna").times(1)).unwrap();
    town.frames(anna);
    town.send(anna, &im("Bert", &[ACK]));
    town.body::<ImToClient>(bert);
    let snacs = town.snacs(anna);
    assert!(snacs[0].body_as::<HostAck>().is_some(), "the request is carried out first");
    let migrate: Migrate = snacs[1].body_as().unwrap().unwrap();
    assert_eq!(migrate.tlvs.get(tlv::BOS_ADDRESS), Some(&b"192.0.2.1:5190"[..]));
    let cookie = migrate.tlvs.get(tlv::COOKIE).unwrap().to_vec();
    (town, anna, bert, cookie)
}

fn one_session_online(town: &Town) -> bool {
    let anna = town.host.realm.find(&"Anna".into()).unwrap();
    town.host.realm.online(anna).count() == 1 && town.host.realm.account(anna).sessions.len() == 1
}

#[test]
fn the_session_goes_on_and_nothing_for_it_is_lost() {
    let (mut town, anna, bert, cookie) = told_to_move();
    // On the way: an answer, and a message from somebody else.
    let asked = town.send(anna, &UserInfoQuery {});
    town.send(bert, &im("Anna", &[ACK]));
    town.body::<HostAck>(bert);
    assert!(town.snacs(anna).is_empty(), "01/12 was the last");

    let moved = town.present(&cookie);
    town.body::<HostOnline>(moved);
    assert_eq!(town.closed[&anna], Ending::Migrated);
    assert_eq!(town.frames(anna).last().unwrap().channel, FlapChannel::SignOff);
    // Not before the client is ready.
    town.send(bert, &im("Anna", &[ACK]));
    assert!(town.snacs(moved).is_empty());
    town.send(moved, &ClientOnline::default());
    let snacs = town.snacs(moved);
    assert_eq!(snacs.iter().filter(|snac| snac.body_as::<ImToClient>().is_some()).count(), 2);
    assert!(snacs.iter().any(|snac| snac.request_id == asked && snac.body_as::<OwnUserInfo>().is_some()));
    assert!(snacs.iter().any(|snac| snac.body_as::<Arrived>().is_some()), "it may know of nobody");
    town.send(moved, &im("Bert", &[ACK]));
    town.body::<HostAck>(moved);

    let heard = town.snacs(bert);
    assert!(!heard.iter().any(|snac| snac.body_as::<Departed>().is_some()), "nobody saw her go");
    assert!(one_session_online(&town));
    town.sign_off(moved);
    town.body::<Departed>(bert);
}

#[test]
fn a_client_may_leave_before_it_comes() {
    let (mut town, anna, bert, cookie) = told_to_move();
    town.host.disconnect(anna, Ending::ClosedByClient, town.clock.now());
    town.listen();
    town.send(bert, &im("Anna", &[ACK]));
    town.body::<HostAck>(bert);
    let moved = town.present(&cookie);
    town.send(moved, &ClientOnline::default());
    town.body::<ImToClient>(moved);
    assert!(one_session_online(&town));
}

#[test]
fn whoever_does_not_move_stays() {
    let (mut town, anna, bert, cookie) = told_to_move();
    town.send(bert, &im("Anna", &[]));
    town.pass(61);
    town.body::<ImToClient>(anna);
    assert!(one_session_online(&town));
    let late = town.present(&cookie);
    assert_eq!(town.closed[&late], Ending::BadCookie);
}

#[test]
fn whoever_leaves_and_never_comes_is_gone() {
    let (mut town, anna, bert, _) = told_to_move();
    town.sign_off(anna);
    assert!(town.bodies::<Departed>(bert).is_empty());
    town.pass(61);
    town.body::<Departed>(bert);
    assert!(!one_session_online(&town));
    assert!(town.host.moves.is_empty());
}

#[test]
fn whoever_comes_and_leaves_again_is_gone() {
    let (mut town, _, bert, cookie) = told_to_move();
    let moved = town.present(&cookie);
    town.sign_off(moved);
    town.body::<Departed>(bert);
    assert!(town.host.moves.is_empty());
}

#[test]
fn a_sign_on_elsewhere_ends_a_session_on_its_way() {
    let (mut town, _, _, cookie) = told_to_move();
    let moved = town.present(&cookie);
    let other = town.sign_on("Anna", &[]);
    assert_eq!(town.closed[&moved], Ending::SessionOver);
    assert!(one_session_online(&town));
    town.send(other, &im("Bert", &[ACK]));
    town.body::<HostAck>(other);
    town.pass(61);
    assert!(town.host.moves.is_empty());
}
