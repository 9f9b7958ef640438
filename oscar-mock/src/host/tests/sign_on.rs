//! Signing on: every way in, every refusal, and what happens to who was there before.

use oscar_im::foodgroup::bucp::{older_hash, roast};
use oscar_im::foodgroup::icbm::ImToClient;
use oscar_im::foodgroup::oservice::{RateParams, RateParamsQuery, ServiceRequest};

use super::*;
use crate::config::Quirks;

#[test]
fn either_hash_is_taken_and_the_password_matters() {
    let mut town = Town::new();
    for hash in [newer_hash, older_hash] {
        assert!(town.authorize("an na", &SignOn { hash, ..USUAL }).has(tlv::COOKIE));
    }
    let wrong = town.authorize("Anna", &SignOn { hash: |_, _| [0; 16], ..USUAL });
    assert_eq!((wrong.u16(tlv::ERROR), wrong.text(tlv::SCREEN_NAME).as_deref()), (Some(5), Some("Anna")));
    assert_eq!(town.authorize("nobody", &USUAL).u16(tlv::ERROR), Some(1));
}

#[test]
fn a_name_in_the_sign_on_frame_is_answered_on_channel_4() {
    let mut town = Town::new();
    for (password, admitted) in [(PASSWORD, true), ("wrong", false)] {
        let id = town.connect();
        let tlvs = Tlvs::new()
            .with(tlv::SCREEN_NAME, "Anna")
            .with(tlv::ROASTED_PASSWORD, roast(password.as_bytes()));
        town.frame(id, FlapChannel::SignOn, SignOnFrame { version: 1, tlvs }.to_bytes().unwrap());
        let last = town.frames(id).pop().unwrap();
        assert_eq!(last.channel, FlapChannel::SignOff);
        assert_eq!(Tlvs::from_bytes(&last.payload).unwrap().has(tlv::COOKIE), admitted);
        assert!(town.closed.contains_key(&id));
    }
}

#[test]
fn an_open_server_takes_everybody() {
    let mut town = Town::with(|config| config.open = true);
    let tlvs = town.authorize("Somebody New", &SignOn { hash: |_, _| [0; 16], ..USUAL });
    assert!(tlvs.has(tlv::COOKIE));
    assert_eq!(tlvs.text(tlv::BOS_ADDRESS).as_deref(), Some("192.0.2.1:5190"));
}

#[test]
fn the_advertised_address_is_the_one_that_clients_get() {
    let mut town = Town::with(|config| config.advertise = Some("aim.example:5190".into()));
    assert_eq!(town.authorize("Anna", &USUAL).text(tlv::BOS_ADDRESS).as_deref(), Some("aim.example:5190"));
}

#[test]
fn an_address_may_sign_on_so_often_in_a_minute() {
    let mut town = Town::with(|config| config.signon_limit = Some(2));
    for expected in [None, None, Some(0x1d)] {
        assert_eq!(town.authorize("Anna", &USUAL).u16(tlv::ERROR), expected);
    }
    town.pass(60);
    assert_eq!(town.authorize("Anna", &USUAL).u16(tlv::ERROR), None);
}

#[test]
fn a_cookie_lets_in_once_and_a_bad_one_not_at_all() {
    let mut town = Town::new();
    let tlvs = town.authorize("Anna", &USUAL);
    let cookie = tlvs.get(tlv::COOKIE).unwrap().to_vec();
    assert_eq!(cookie.len(), 256);
    let first = town.present(&cookie);
    assert!(!town.closed.contains_key(&first));
    for bad in [&cookie[..], b"nonsense"] {
        let id = town.present(bad);
        assert_eq!(town.closed[&id], Ending::BadCookie);
        assert_eq!(town.frames(id).len(), 1, "nothing but the greeting");
    }
}

#[test]
fn a_sign_on_has_thirty_seconds_and_ten_frames() {
    let mut town = Town::new();
    let slow = town.connect();
    let done = town.sign_on("Anna", &[]);
    town.pass(30);
    assert_eq!(town.closed[&slow], Ending::TooSlow);
    assert!(!town.closed.contains_key(&done));

    let eager = town.connect();
    town.frame(eager, FlapChannel::SignOn, vec![0, 0, 0, 1]);
    for _ in 0..11 {
        town.send(eager, &ChallengeRequest { tlvs: Tlvs::new().with(tlv::SCREEN_NAME, "Anna") });
    }
    assert_eq!(town.closed[&eager], Ending::TooManyFrames);
}

#[test]
fn rate_records_have_the_length_that_the_client_announced() {
    let mut town = Town::new();
    for (version, long) in [(1, false), (2, true), (4, true)] {
        let id = town.arrive("Anna", &SignOn { version, ..USUAL });
        town.send(id, &RateParamsQuery {});
        let params: RateParams = town.body(id);
        assert!(params.classes.iter().all(|class| class.state.is_some() == long), "version {version}");
    }
}

#[test]
fn the_older_of_two_sessions_is_told_and_closed() {
    for (quirks, payload_starts) in [
        (Quirks::default(), [0, 9, 0, 2, 0, 1].as_slice()),
        (Quirks { one_byte_reason: true, ..Quirks::default() }, &[0, 9, 0, 1, 1]),
    ] {
        let mut town = Town::with(|config| config.quirks = quirks);
        let older = town.sign_on("Anna", &[]);
        let newer = town.sign_on("Anna", &[]);
        assert_eq!(town.closed[&older], Ending::SignedOnElsewhere);
        assert!(!town.closed.contains_key(&newer));
        let goodbye = town.frames(older).pop().unwrap();
        assert_eq!(goodbye.channel, FlapChannel::SignOff);
        assert!(goodbye.payload.starts_with(payload_starts), "{goodbye:?}");
    }
}

#[test]
fn a_client_that_sent_no_tlv_4a_may_get_four_bytes() {
    let mut town = Town::with(|config| config.quirks.short_sign_off = true);
    let older = town.arrive("Anna", &SignOn { multi: None, ..USUAL });
    let tlvs = town.authorize("Anna", &USUAL);
    let id = ConnectionId(1000);
    town.host.connect(id, [127, 0, 0, 1].into(), "127.0.0.1:1".parse().unwrap(), town.clock.now());
    let tlvs = Tlvs::new().with(tlv::COOKIE, tlvs.get(tlv::COOKIE).unwrap());
    let hello = SignOnFrame { version: 1, tlvs }.to_bytes().unwrap();
    town.host.receive(id, &Frame::new(FlapChannel::SignOn, hello), town.clock.now());
    let short = std::iter::from_fn(|| town.host.poll_output()).find_map(|output| match output {
        Output::Write(id, bytes) if id == older => Some(bytes),
        _ => None,
    });
    assert!(matches!(short.as_deref(), Some([0x2a, 4, _, _])), "{short:?}");
}

#[test]
fn sessions_that_share_both_get_what_is_sent() {
    let mut town = Town::new();
    let shared = SignOn { multi: Some(1), ..USUAL };
    let both: Vec<_> = (0..2)
        .map(|_| {
            let id = town.arrive("Anna", &shared);
            town.send(id, &ClientOnline::default());
            town.frames(id);
            id
        })
        .collect();
    let bert = town.sign_on("Bert", &[]);
    town.send(bert, &im("anna", &[]));
    for id in both {
        assert!(!town.closed.contains_key(&id));
        town.body::<ImToClient>(id);
    }
}

#[test]
fn services_are_offered_where_there_are_any() {
    let mut town = Town::new();
    let anna = town.sign_on("Anna", &[]);
    for (group, code) in [(0x0d, None), (0x18, None), (0x10, None), (0x07, Some(5)), (0x0f, Some(5))] {
        let request = ServiceRequest { group: FoodGroup::from(group), tlvs: Tlvs::new() };
        let request = town.send(anna, &request);
        assert_eq!(town.error(anna, request).map(|error| error.code), code, "{group:02x}");
    }
}
