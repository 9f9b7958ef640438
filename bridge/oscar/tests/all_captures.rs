//! The server's side of every captured connection is played to the machine that makes such a connection, and none is
//! left out: what a server has really said is understood whole.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail by them")]
#![allow(clippy::disallowed_methods, reason = "an instant to count from")]

mod common;

use common::transcript::Transcript;
use common::{Place, REPLIES, place, servers_frames};
use oscar_im::ScreenName;
use oscar_im::foodgroup::FoodGroup;
use oscar_im::service::{self, ServiceSession};
use oscar_im::session::{CloseReason, Config, Event, Service};
use oscar_im::sign_on::{Address, Credentials, Identity, Method, RefusalCode, SignOn, SignOnError};
use oscar_im::wire::FlapChannel;
use std::time::Instant;
use testkit::capture::names;

/// What kind of connection a capture is of; by its name, as the fixtures' README has it.
#[test]
fn every_capture_is_understood_by_the_machine_for_it() {
    let mut played = [0; 3];
    for capture in names() {
        let kind = if capture.contains("-auth-") {
            signs_on(&capture);
            0
        } else if capture.contains("-bos-") {
            is_a_session(&capture);
            1
        } else {
            is_a_service(&capture);
            2
        };
        played[kind] += 1;
    }
    assert_eq!(played, [8, 22, 8], "authorizers, sessions, services: 38 in all");
}

/// Ends with an address or a refusal, as the capture's name says.
fn signs_on(capture: &str) {
    let method = match capture {
        "raw-auth-roasted" => Method::Roasted,
        name if name.contains("bitlbee") || name.contains("older") => Method::OlderMd5,
        _ => Method::NewerMd5,
    };
    let credentials = Credentials { screen_name: ScreenName::from("visitor3"), password: "pass1word".into() };
    let mut machine = SignOn::new(credentials, Identity::default(), method);
    for frame in servers_frames(capture) {
        while machine.poll_transmit().is_some() {}
        machine.receive(&frame);
    }
    machine.closed();
    let expected = match capture {
        name if name.contains("wrong-password") => Some(RefusalCode::WrongPassword),
        name if name.contains("unknown-name") => Some(RefusalCode::UnknownName),
        name if name.contains("address-limited") => Some(RefusalCode::TooManyFromAddress),
        _ => None,
    };
    match (machine.outcome().unwrap(), expected) {
        (Ok(authorized), None) => assert!(!authorized.cookie.is_empty(), "{capture}"),
        (Err(SignOnError::Refused(refusal)), Some(code)) => assert_eq!(refusal.code, code, "{capture}"),
        (outcome, _) => panic!("{capture}: {outcome:?}"),
    }
}

/// Signs on, tells every message and invitation, and ends as the server ended it.
fn is_a_session(capture: &str) {
    let server = servers_frames(capture);
    let mut t = Transcript::new(Config::default());
    t.start_up(capture);
    // The probes that want little didn't ask for what a client needs; what they were told is told all the same.
    let answered = |wanted| server.iter().any(|frame| place(frame) == Some(wanted));
    let complete = [(1, 3), (1, 7), (9, 3), (0x13, 6)].into_iter().all(answered);
    let online = t.events.iter().any(|event| matches!(event, Event::SignedOn { .. }));
    assert_eq!(online, complete, "{capture}: {:?}", t.events);
    let start_up: Vec<Place> = REPLIES.iter().map(|(_, reply)| *reply).chain([(1, 3)]).collect();
    let later = server.iter().skip(1).filter(|frame| !place(frame).is_some_and(|at| start_up.contains(&at)));
    let mut messages = 0;
    for frame in later.clone() {
        messages += usize::from(place(frame) == Some((4, 7)));
        t.frame(frame);
    }
    let events = t.events();
    let unreadable = events.iter().find(|event| matches!(event, Event::Unreadable { .. }));
    assert_eq!(unreadable, None, "{capture}");
    let told = events.iter().filter(|event| matches!(event, Event::ImReceived(_) | Event::ChatInvited(_)));
    assert_eq!(told.count(), messages, "{capture}: every message is told");
    if later.clone().any(|frame| frame.channel == FlapChannel::SignOff) {
        let end = events.iter().find_map(|event| match event {
            Event::Closed(reason) => Some(reason),
            _ => None,
        });
        // The naive client of the rate captures sent what ours would have held back, so it can't know why.
        assert_eq!(end, Some(&CloseReason::SignedOnElsewhere), "{capture}");
    }
}

/// Becomes ready, unless that never came to it.
fn is_a_service(capture: &str) {
    let group = match capture {
        name if name.contains("chatnav") => FoodGroup::ChatNav,
        name if name.contains("chat-room") => FoodGroup::Chat,
        name if name.contains("icons") => FoodGroup::Bart,
        name if name.contains("alerts") => FoodGroup::Alert,
        name => panic!("{name} is of no known kind"),
    };
    let address = Address::parse("127.0.0.1:5190").unwrap();
    let service = Service { group, address, cookie: b"cookie".to_vec(), room: None };
    let now = Instant::now();
    let mut machine = ServiceSession::new(&service, now);
    let mut events = Vec::new();
    for frame in servers_frames(capture) {
        machine.receive(&frame, now);
        while machine.poll_transmit().is_some() {}
        events.extend(std::iter::from_fn(|| machine.poll_event()));
    }
    assert!(events.contains(&service::Event::Ready), "{capture}: {events:?}");
    let unreadable = events.iter().find(|event| matches!(event, service::Event::Unreadable { .. }));
    assert_eq!(unreadable, None, "{capture}");
}
