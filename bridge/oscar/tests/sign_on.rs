//! The sign-on machine against what real authorizers answered: the server's side of captures is played to it.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail by them")]

mod common;

use common::frame_of;
use oscar_im::ScreenName;
use oscar_im::foodgroup::Body;
use oscar_im::foodgroup::bucp::{LoginResponse, tlv};
use oscar_im::sign_on::{
    Address, Authorized, Credentials, Identity, Method, Refusal, RefusalCode, SignOn, SignOnError,
};
use oscar_im::wire::{FlapChannel, Frame, Snac, Tlvs, Wire};
use testkit::capture::{Direction, load};

fn machine(name: &str, password: &str, method: Method) -> SignOn {
    let credentials = Credentials { screen_name: ScreenName::from(name), password: password.into() };
    SignOn::new(credentials, Identity::default(), method)
}

/// Plays the server's frames; gives the outcome and what we sent.
fn play(mut machine: SignOn, capture: &str) -> (Result<Authorized, SignOnError>, Vec<Frame>) {
    let mut sent = Vec::new();
    for captured in load(capture) {
        sent.extend(std::iter::from_fn(|| machine.poll_transmit()));
        if captured.direction == Direction::ServerToClient {
            machine.receive(&frame_of(&captured.bytes));
        }
    }
    machine.closed();
    sent.extend(std::iter::from_fn(|| machine.poll_transmit()));
    (machine.outcome().unwrap().clone(), sent)
}

/// The hash that a client sent in 17/02.
fn hash(frames: &[Frame]) -> Vec<u8> {
    frames
        .iter()
        .filter(|frame| frame.channel == FlapChannel::Data)
        .find_map(|frame| match Body::decode(&Snac::decode(&frame.payload).unwrap()).unwrap() {
            Body::LoginRequest(body) => body.tlvs.get(tlv::PASSWORD_HASH).map(<[u8]>::to_vec),
            _ => None,
        })
        .unwrap()
}

fn clients_hash(capture: &str) -> Vec<u8> {
    let frames: Vec<_> = load(capture)
        .iter()
        .filter(|captured| captured.direction == Direction::ClientToServer)
        .map(|captured| frame_of(&captured.bytes))
        .collect();
    hash(&frames)
}

#[test]
fn bucp_with_either_hash_ends_with_address_and_cookie() {
    for (capture, name, method) in [
        ("libpurple-auth-bucp", "staffone", Method::NewerMd5),
        ("bitlbee-auth-bucp", "BridgeBot", Method::OlderMd5),
    ] {
        let (outcome, sent) = play(machine(name, "pass1word", method), capture);
        let authorized = outcome.unwrap();
        assert_eq!(authorized.screen_name, ScreenName::from(name));
        assert_eq!(authorized.address.to_string(), "127.0.0.1:5190");
        assert_eq!(authorized.cookie.len(), 256);
        assert_eq!(hash(&sent), clients_hash(capture), "the hash that the real client sent");
        assert_eq!(sent.iter().map(|frame| frame.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    }
}

#[test]
fn the_roasted_password_needs_one_frame() {
    let (outcome, sent) = play(machine("visitor3", "pass1word", Method::Roasted), "raw-auth-roasted");
    assert_eq!(outcome.unwrap().address.port, Some(5190));
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_servers_answers_are_what_the_machine_reads() {
    let mut accepted = LoginResponse::accepted("Staff One", "bos.example:5191", b"cookie");
    accepted.tlvs.push(tlv::EMAIL, "a@b.example");
    accepted.tlvs.push(tlv::PASSWORD_URL, "http://b.example/");
    let refused = LoginResponse::refused("Staff One", RefusalCode::Suspended);
    for method in [Method::NewerMd5, Method::Roasted] {
        let frame = |answer: &LoginResponse| match method {
            Method::Roasted => Frame::new(FlapChannel::SignOff, answer.tlvs.to_bytes().unwrap()),
            _ => Frame::body(1, answer).unwrap(),
        };
        let mut yes = machine("staffone", "pass1word", method);
        yes.receive(&frame(&accepted));
        let authorized = yes.outcome().unwrap().clone().unwrap();
        assert_eq!((authorized.screen_name.as_str(), authorized.address.port), ("Staff One", Some(5191)));
        assert_eq!(authorized.email.as_deref(), Some("a@b.example"));
        assert_eq!(authorized.password_url.as_deref(), Some("http://b.example/"));
        let mut no = machine("staffone", "pass1word", method);
        no.receive(&frame(&refused));
        let refusal = Refusal { code: RefusalCode::Suspended, url: None };
        assert_eq!(no.outcome(), Some(&Err(SignOnError::Refused(refusal))));
    }
}

#[test]
fn refusals_are_typed() {
    for (capture, method, code) in [
        ("libpurple-auth-wrong-password", Method::NewerMd5, RefusalCode::WrongPassword),
        ("bitlbee-auth-wrong-password", Method::OlderMd5, RefusalCode::WrongPassword),
        ("libpurple-auth-unknown-name", Method::NewerMd5, RefusalCode::UnknownName),
        ("raw-auth-address-limited", Method::Roasted, RefusalCode::TooManyFromAddress),
    ] {
        let (outcome, _) = play(machine("somebody", "wrongpw", method), capture);
        let Err(SignOnError::Refused(Refusal { code: found, .. })) = outcome else {
            panic!("{capture}: {outcome:?}")
        };
        assert_eq!(found, code, "{capture}");
        assert!(!found.to_string().is_empty());
    }
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    let mut closed = machine("a", "b", Method::NewerMd5);
    closed.closed();
    assert_eq!(closed.outcome(), Some(&Err(SignOnError::Closed)));

    let mut nowhere = machine("a", "b", Method::Roasted);
    let tlvs = Tlvs::new().with(tlv::BOS_ADDRESS, ":5190").with(tlv::COOKIE, "c");
    nowhere.receive(&Frame::new(FlapChannel::SignOff, tlvs.to_bytes().unwrap()));
    assert_eq!(nowhere.outcome(), Some(&Err(SignOnError::BadAddress)));

    let mut garbled = machine("a", "b", Method::NewerMd5);
    garbled.receive(&Frame::new(FlapChannel::Data, vec![0, 0x17, 0]));
    assert!(matches!(garbled.outcome(), Some(Err(SignOnError::Malformed(_)))));
}

#[test]
fn addresses_come_with_and_without_a_port() {
    for (text, host, port) in [
        ("bos.example:5190", "bos.example", Some(5190)),
        ("10.0.0.1", "10.0.0.1", None),
        ("[::1]:99", "::1", Some(99)),
        ("::1", "::1", None),
    ] {
        assert_eq!(Address::parse(text), Some(Address { host: host.into(), port }), "{text}");
    }
    for text in ["", ":5190", "a:b", "a:70000"] {
        assert_eq!(Address::parse(text), None, "{text}");
    }
}
