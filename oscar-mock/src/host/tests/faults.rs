//! Each fault does what it says, and nothing else.

use oscar_im::foodgroup::icbm::{HostAck, ImToClient};
use oscar_im::foodgroup::oservice::{OwnUserInfo, RateParamChange, UserInfoQuery, rate_code};

use super::*;
use crate::config::Rates;
use crate::faults::{Action, Fault};
use crate::journal::{Delivery, Direction};

fn pair(fault: Fault) -> (Town, ConnectionId, ConnectionId) {
    let mut town = Town::new();
    let (anna, bert) = (town.sign_on("Anna", &[]), town.sign_on("Bert", &[]));
    town.host.faults_mut().add(fault).unwrap();
    (town, anna, bert)
}

#[test]
fn a_sign_on_is_refused_with_any_code() {
    let mut town = Town::new();
    town.host.faults_mut().add(Fault::new(Action::RefuseSignOn { code: 0x11 }).of("Anna").times(1)).unwrap();
    assert_eq!(town.authorize("Bert", &USUAL).u16(tlv::ERROR), None);
    assert_eq!(town.authorize("Anna", &USUAL).u16(tlv::ERROR), Some(0x11));
    assert_eq!(town.authorize("Anna", &USUAL).u16(tlv::ERROR), None);
}

#[test]
fn messages_to_one_receiver_are_refused() {
    let (mut town, anna, bert) = pair(Fault::new(Action::Refuse { code: 0x12 }).to("b ert"));
    let request = town.send(anna, &im("Bert", &[ACK]));
    assert_eq!(town.error(anna, request).map(|error| error.code), Some(0x12));
    assert!(town.frames(bert).is_empty());
    town.send(anna, &im("Anna", &[ACK]));
    town.body::<HostAck>(anna);
}

#[test]
fn a_message_arrives_and_is_never_acknowledged() {
    let (mut town, anna, bert) = pair(Fault::new(Action::NeverAcknowledge).of("Anna").after(1).times(1));
    for acknowledged in [1, 0, 1] {
        town.send(anna, &im("Bert", &[ACK]));
        town.body::<ImToClient>(bert);
        assert_eq!(town.bodies::<HostAck>(anna).len(), acknowledged);
    }
}

#[test]
fn a_message_is_acknowledged_and_lost() {
    let (mut town, anna, bert) = pair(Fault::new(Action::AcknowledgeAndLose));
    town.send(anna, &im("Bert", &[ACK]));
    town.body::<HostAck>(anna);
    assert!(town.frames(bert).is_empty());
    assert_eq!(town.host.recorder().messages.iter().last().unwrap().delivery, Delivery::Lost);
}

#[test]
fn the_connection_breaks_at_the_third_message() {
    let (mut town, anna, bert) = pair(Fault::new(Action::Disconnect).of("Anna").after(2));
    for _ in 0..3 {
        town.send(anna, &im("Bert", &[ACK]));
    }
    assert_eq!(town.bodies::<HostAck>(anna).len(), 2);
    assert_eq!(town.bodies::<ImToClient>(bert).len(), 2);
    assert_eq!(town.closed[&anna], Ending::Fault);
}

#[test]
fn somebody_else_seems_to_sign_on() {
    let (mut town, anna, _) = pair(Fault::new(Action::SignOnElsewhere));
    town.send(anna, &im("Bert", &[ACK]));
    assert_eq!(town.closed[&anna], Ending::SignedOnElsewhere);
    assert_eq!(town.frames(anna).last().unwrap().channel, FlapChannel::SignOff);
}

#[test]
fn frames_are_dropped_either_way() {
    let (mut town, anna, _) = pair(Fault::new(Action::Drop).snac(0x01, 0x0f).times(1));
    town.host
        .faults_mut()
        .add(Fault::new(Action::Drop).going(Direction::In).snac(0x01, 0x0e).after(1).times(1));
    for answered in [0, 0, 1] {
        town.send(anna, &UserInfoQuery {});
        assert_eq!(town.bodies::<OwnUserInfo>(anna).len(), answered);
    }
}

#[test]
fn what_follows_a_delayed_frame_does_not_overtake_it() {
    let (mut town, anna, _) =
        pair(Fault::new(Action::Delay { milliseconds: 1500 }).snac(0x01, 0x0f).times(1));
    let first = town.send(anna, &UserInfoQuery {});
    let second = town.send(anna, &UserInfoQuery {});
    town.pass(1);
    assert!(town.frames(anna).is_empty());
    town.pass(1);
    let frames = town.frames(anna);
    let ids: Vec<u32> = frames.iter().map(|frame| Snac::decode(&frame.payload).unwrap().request_id).collect();
    assert_eq!(ids, [first, second]);
    assert_eq!(frames[1].sequence, frames[0].sequence.wrapping_add(1));
    town.send(anna, &UserInfoQuery {});
    town.body::<OwnUserInfo>(anna);
}

#[test]
fn what_was_held_back_goes_first_however_late_the_timer_is() {
    let (mut town, anna, _) =
        pair(Fault::new(Action::Delay { milliseconds: 1500 }).snac(0x01, 0x0f).times(1));
    let first = town.send(anna, &UserInfoQuery {});
    town.clock.advance(Duration::from_secs(2));
    let second = town.send(anna, &UserInfoQuery {});
    let frames = town.frames(anna);
    let ids: Vec<u32> = frames.iter().map(|frame| Snac::decode(&frame.payload).unwrap().request_id).collect();
    assert_eq!(ids, [first, second]);
}

#[test]
fn a_close_waits_for_what_is_held_back_before_it() {
    let mut town = Town::new();
    let delay = Fault::new(Action::Delay { milliseconds: 500 }).snac(0x17, 0x03);
    town.host.faults_mut().add(delay).unwrap();
    let id = town.connect();
    town.frame(id, FlapChannel::SignOn, vec![0, 0, 0, 1]);
    town.send(id, &ChallengeRequest { tlvs: Tlvs::new().with(tlv::SCREEN_NAME, "nobody") });
    assert!(!town.closed.contains_key(&id));
    town.pass(1);
    town.body::<LoginResponse>(id);
    assert_eq!(town.closed[&id], Ending::Refused(1));
}

#[test]
fn frames_are_cut_marred_and_misnumbered() {
    let bytes = |action| {
        let (mut town, anna, _) = pair(Fault::new(action).snac(0x01, 0x0f));
        let ask = Snac::new(1, &UserInfoQuery {}).unwrap();
        town.host.receive(anna, &Frame::snac(&ask).unwrap(), town.clock.now());
        let outputs: Vec<Output> = std::iter::from_fn(|| town.host.poll_output()).collect();
        let Output::Write(_, bytes) = &outputs[0] else { panic!("{outputs:?}") };
        (bytes.clone(), outputs.len() > 1)
    };
    let (whole, closes) = bytes(Action::Corrupt { at: 9999, bits: 1 });
    assert!(!closes);
    assert_eq!(bytes(Action::Truncate { bytes: 9 }), (whole[..9].to_vec(), true));
    let (marred, _) = bytes(Action::Corrupt { at: 0, bits: 1 });
    assert_eq!((marred[0], &marred[1..]), (0x2b, &whole[1..]));
    let (misnumbered, _) = bytes(Action::WrongSequence { by: 5 });
    assert_eq!((misnumbered[3], &misnumbered[4..]), (whole[3] + 5, &whole[4..]));
}

#[test]
fn a_class_is_limited_at_once_and_clear_after_the_rest_that_the_arithmetic_asks_for() {
    for rates in [Rates::Stock, Rates::None] {
        let mut town = Town::with(|config| config.rates = rates);
        let anna = town.sign_on("Anna", &[]);
        town.host.faults_mut().add(Fault::new(Action::RateLimit).times(1)).unwrap();
        let acknowledged = |town: &mut Town| {
            town.send(anna, &im("Anna", &[ACK]));
            town.bodies::<HostAck>(anna).len()
        };
        assert_eq!(acknowledged(&mut town), 0);
        town.pass(1);
        assert_eq!(town.body::<RateParamChange>(anna).code, rate_code::LIMITED);
        // The message at 1 s is dropped, and counts: from 3,849 it takes 29 s to reach 5,100.
        assert_eq!(acknowledged(&mut town), 0);
        town.pass(28);
        assert!(town.bodies::<RateParamChange>(anna).is_empty());
        town.pass(1);
        assert_eq!(town.body::<RateParamChange>(anna).code, rate_code::CLEAR);
        assert_eq!(acknowledged(&mut town), 1);
    }
}

#[test]
fn the_host_limits_a_class_of_a_session_when_told() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    let account = town.host.realm.find(&"Anna".into()).unwrap();
    town.host.limit_rate(account, 2, town.clock.now());
    town.listen();
    let notice: RateParamChange = town.body(anna);
    assert_eq!((notice.code, notice.class.id, notice.class.current), (rate_code::LIMITED, 3, 3999));
}

#[test]
fn the_server_stops_reading_and_reads_on() {
    for milliseconds in [Some(2500), None] {
        let (mut town, anna, _) = pair(Fault::new(Action::StopReading { milliseconds }).times(1));
        town.send(anna, &im("Bert", &[ACK]));
        assert!(!town.reading[&anna]);
        // What it had read already waits as well.
        town.send(anna, &UserInfoQuery {});
        town.pass(2);
        assert!(town.frames(anna).is_empty());
        if milliseconds.is_some() {
            town.pass(1);
        } else {
            town.pass(1000);
            assert!(town.frames(anna).is_empty());
            town.host.clear_faults(town.clock.now());
            town.listen();
        }
        assert!(town.reading[&anna]);
        let groups: Vec<u16> = town.snacs(anna).iter().map(|snac| snac.group.into()).collect();
        assert_eq!(groups, [0x04, 0x01]);
    }
}

#[test]
fn the_output_of_a_session_is_held_until_the_faults_are_cleared() {
    let (mut town, anna, bert) = pair(Fault::new(Action::Hold).of("Bert").snac(0x04, 0x07));
    for _ in 0..3 {
        town.send(anna, &im("Bert", &[ACK]));
        town.body::<HostAck>(anna);
    }
    town.send(bert, &UserInfoQuery {});
    town.pass(3600);
    assert!(town.frames(bert).is_empty());
    town.host.clear_faults(town.clock.now());
    town.listen();
    let frames = town.frames(bert);
    assert_eq!(frames.len(), 4);
    assert!(frames.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
    town.send(anna, &im("Bert", &[]));
    town.body::<ImToClient>(bert);
}
