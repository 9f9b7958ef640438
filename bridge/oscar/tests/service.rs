//! Chat rooms: the server's side of captured chat connections, played to the machine.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by them"
)]
#![allow(clippy::disallowed_methods, reason = "an instant to count from")]

mod common;

use common::{place, servers_frames};
use oscar_im::ScreenName;
use oscar_im::foodgroup::chat::{MessageToHost, RoomId};
use oscar_im::foodgroup::chat_nav::{EXCHANGE_PRIVATE, ExchangeInfoQuery, RightsQuery, RoomInfoQuery};
use oscar_im::foodgroup::oservice::{self, RateParamChange, rate_code};
use oscar_im::foodgroup::{Body, ErrorCode, FoodGroup, SnacError};
use oscar_im::rate::STOCK;
use oscar_im::service::{Event, ServiceSession};
use oscar_im::session::{CloseReason, SendError, Service};
use oscar_im::sign_on::Address;
use oscar_im::wire::{FlapChannel, Frame, Snac, SnacFlags, Tlvs, Wire};
use std::time::{Duration, Instant};

fn machine(group: FoodGroup, now: Instant) -> ServiceSession {
    let address = Address::parse("127.0.0.1:5190").unwrap();
    ServiceSession::new(&Service { group, address, cookie: b"cookie".to_vec(), room: None }, now)
}

/// Plays all that the server said, in its order; gives what happened and the SNACs that we sent.
fn play(machine: &mut ServiceSession, capture: &str, now: Instant) -> (Vec<Event>, Vec<Snac>) {
    for frame in servers_frames(capture) {
        machine.receive(&frame, now);
    }
    (std::iter::from_fn(|| machine.poll_event()).collect(), sent(machine))
}

fn sent(machine: &mut ServiceSession) -> Vec<Snac> {
    std::iter::from_fn(|| machine.poll_transmit())
        .filter(|frame| frame.channel == FlapChannel::Data)
        .map(|frame| Snac::decode(&frame.payload).unwrap())
        .collect()
}

/// The room finder of a capture, before its end.
fn at_the_finder(now: Instant) -> ServiceSession {
    let mut nav = machine(FoodGroup::ChatNav, now);
    for frame in servers_frames("libpurple-chatnav").iter().filter(|frame| frame.channel == FlapChannel::Data)
    {
        nav.receive(frame, now);
    }
    sent(&mut nav);
    nav
}

#[test]
fn a_room_is_entered_heard_and_left() {
    for capture in ["libpurple-chat-room", "libpurple-chat-room-two", "bitlbee-chat-room"] {
        let now = Instant::now();
        let mut room = machine(FoodGroup::Chat, now);
        let (events, sent) = play(&mut room, capture, now);
        let kinds: Vec<String> = sent.iter().map(|s| format!("{}/{:02x}", s.group, s.subgroup)).collect();
        assert_eq!(kinds, ["01/17", "01/06", "01/08", "01/02"], "{capture}");
        let known: Vec<&Event> = events.iter().filter(|event| !matches!(event, Event::Other(_))).collect();
        assert_eq!(known[0], &Event::Ready, "{capture}");
        assert!(events.iter().any(|event| matches!(event, Event::Joined(_))), "{capture}");
        let messages = servers_frames(capture).iter().filter(|f| place(f) == Some((0x0e, 6))).count();
        let said = events.iter().filter(|event| matches!(event, Event::Said { .. })).count();
        assert_eq!(said, messages, "{capture}");
        assert!(
            !events.iter().any(|event| matches!(event, Event::Unreadable { .. })),
            "{capture}: {events:?}"
        );
    }
}

#[test]
fn what_is_said_has_a_sender_and_plain_text() {
    let now = Instant::now();
    let mut room = machine(FoodGroup::Chat, now);
    let (events, _) = play(&mut room, "bitlbee-chat-room", now);
    let heard = events.iter().find_map(|event| match event {
        Event::Said { from, text, .. } => Some((from.clone(), text.as_str())),
        _ => None,
    });
    assert_eq!(heard, Some((ScreenName::from("Staff One"), "hello all")));
}

#[test]
fn what_we_say_is_what_libpurple_says() {
    let now = Instant::now();
    let mut room = machine(FoodGroup::Chat, now);
    play(&mut room, "libpurple-chat-room", now);
    room.say([5; 8], "hello <all>", now).unwrap();
    let Body::ChatToHost(ours) = Body::decode(&sent(&mut room)[0]).unwrap() else { panic!() };
    assert_eq!(ours.tlvs.0.iter().map(|tlv| tlv.kind).collect::<Vec<_>>(), [1, 6, 5]);
    assert!(String::from_utf8_lossy(ours.tlvs.get(5).unwrap()).contains("hello &lt;all&gt;"));
    room.leave();
    assert_eq!(room.poll_event(), Some(Event::Closed(CloseReason::SignedOff)));
    assert_eq!(room.say([6; 8], "x", now), Err(SendError::NotOnline));
}

#[test]
fn a_room_is_made_on_its_own_service() {
    let now = Instant::now();
    let mut nav = machine(FoodGroup::ChatNav, now);
    assert_eq!(nav.find_or_create("stafflounge", EXCHANGE_PRIVATE, now), Err(SendError::NotOnline));
    let server = servers_frames("libpurple-chatnav-create");
    let (answers, start_up): (Vec<_>, Vec<_>) = server.iter().partition(|f| place(f) == Some((0x0d, 9)));
    for frame in start_up.iter().filter(|frame| frame.channel != FlapChannel::SignOff) {
        nav.receive(frame, now);
    }
    sent(&mut nav);
    nav.find_or_create("stafflounge", EXCHANGE_PRIVATE, now).unwrap();
    let ours = Body::decode(&sent(&mut nav)[0]).unwrap();
    let Body::CreateRoom(create) = &ours else { panic!("{ours:?}") };
    assert_eq!(create.room.cookie, b"create");
    for frame in answers {
        nav.receive(frame, now);
    }
    let found = std::iter::from_fn(|| nav.poll_event()).find_map(|event| match event {
        Event::RoomFound { room, name } => Some((room.cookie, name)),
        _ => None,
    });
    assert_eq!(found, Some((b"4-0-stafflounge".to_vec(), "stafflounge".to_owned())));
    assert_eq!(nav.say([0; 8], "x", now), Err(SendError::NotOnline), "there is nobody here");
}

#[test]
fn limits_families_and_a_rooms_properties_are_told() {
    let now = Instant::now();
    let mut nav = machine(FoodGroup::ChatNav, now);
    let (events, _) = play(&mut nav, "libpurple-chatnav", now);
    let limits = events.iter().find_map(|event| match event {
        Event::Limits { max_rooms, exchanges } => Some((*max_rooms, exchanges.len())),
        _ => None,
    });
    assert_eq!(limits, Some((Some(10), 2)), "{events:?}");

    let mut nav = at_the_finder(now);
    let id = RoomId { exchange: 4, cookie: b"4-0-stafflounge".to_vec(), instance: 0 };
    nav.query_limits(now).unwrap();
    nav.query_room(&id, now).unwrap();
    let asked: Vec<_> = sent(&mut nav).iter().map(|snac| Body::decode(snac).unwrap()).collect();
    let query = RoomInfoQuery { exchange: 4, cookie: id.cookie, instance: 0, detail: 2 };
    assert_eq!(asked, [RightsQuery {}.into(), query.into()]);

    let mut room = machine(FoodGroup::Chat, now);
    let (events, _) = play(&mut room, "libpurple-chat-room", now);
    let about = events.iter().find_map(|event| match event {
        Event::RoomInfo(room) => Some((room.name(), room.max_message(), room.max_occupancy())),
        _ => None,
    });
    assert_eq!(about, Some((Some("stafflounge".into()), Some(1024), Some(100))), "{events:?}");
}

#[test]
fn a_room_says_why_it_ends() {
    let now = Instant::now();
    for (code, reason) in [(1, CloseReason::SignedOnElsewhere), (2, CloseReason::AccountDeleted)] {
        let mut room = machine(FoodGroup::Chat, now);
        let payload = Tlvs::new().with_u16(9, code).to_bytes().unwrap();
        room.receive(&Frame::new(FlapChannel::SignOff, payload), now);
        assert_eq!(room.poll_event(), Some(Event::Closed(reason)));
    }
}

#[test]
fn a_service_that_does_not_start_is_given_up_and_one_that_does_is_kept_alive() {
    let start = Instant::now();
    let mut room = machine(FoodGroup::Chat, start);
    room.handle_timeout(start + Duration::from_secs(31));
    assert!(matches!(room.poll_event(), Some(Event::Closed(CloseReason::StartUpTimeout(_)))));

    let mut room = machine(FoodGroup::Chat, start);
    play(&mut room, "libpurple-chat-room", start);
    let due = room.poll_timeout(start).unwrap();
    assert_eq!(due, start + Duration::from_secs(30));
    room.handle_timeout(due);
    assert_eq!(room.poll_transmit().unwrap().channel, FlapChannel::KeepAlive);
}

/// The room of a capture, entered.
fn entered(now: Instant) -> ServiceSession {
    let address = Address::parse("127.0.0.1:5190").unwrap();
    let group = FoodGroup::Chat;
    let room = Some(RoomId { exchange: 4, cookie: b"4-0-stafflounge".to_vec(), instance: 0 });
    let mut machine = ServiceSession::new(&Service { group, address, cookie: b"cookie".to_vec(), room }, now);
    play(&mut machine, "libpurple-chat-room", now);
    machine
}

#[test]
fn a_pause_holds_a_room_back_and_a_migration_says_where_it_is() {
    let now = Instant::now();
    let mut room = entered(now);
    room.receive(&Frame::body(0, &oservice::Pause {}).unwrap(), now);
    let answer = sent(&mut room);
    assert_eq!((answer[0].group, answer[0].subgroup), (FoodGroup::Oservice, 0x0c));
    assert!(answer[0].body.as_chunks::<2>().0.contains(&[0, 0x0e]), "the groups of this connection");
    room.say([1; 8], "hello", now).unwrap();
    assert!(sent(&mut room).is_empty());
    room.receive(&Frame::body(0, &oservice::Resume::default()).unwrap(), now);
    assert_eq!(sent(&mut room).len(), 1);

    let tlvs = Tlvs::new().with(5, "10.0.0.2:5191").with(6, "new cookie");
    let groups = vec![FoodGroup::Chat];
    room.receive(&Frame::body(0, &oservice::Migrate { groups, tlvs }).unwrap(), now);
    let events: Vec<Event> = std::iter::from_fn(|| room.poll_event()).collect();
    let [Event::Paused, Event::Resumed, Event::Closed(CloseReason::Migrated(there))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(there.address.to_string(), "10.0.0.2:5191");
    assert_eq!(there.group, FoodGroup::Chat);
    assert_eq!(there.room.as_ref().unwrap().cookie, b"4-0-stafflounge");
}

#[test]
fn what_a_room_has_no_method_and_no_event_for_goes_both_ways() {
    let now = Instant::now();
    let mut room = entered(now);
    let whisper = MessageToHost { cookie: [1; 8], channel: 3, tlvs: Tlvs::new().with(2, "x") };
    let id = room.request(&whisper, now).unwrap();
    assert_eq!(sent(&mut room)[0], Snac::new(id, &whisper).unwrap());
    let unheard_of = Snac {
        group: FoodGroup::Chat,
        subgroup: 0x99,
        flags: SnacFlags::default(),
        request_id: id,
        extension: None,
        body: vec![1],
    };
    room.receive(&Frame::snac(&unheard_of).unwrap(), now);
    let refused = SnacError::new(ErrorCode::NotSupportedByHost).to_snac(FoodGroup::Chat, id).unwrap();
    room.receive(&Frame::snac(&refused).unwrap(), now);
    let class = STOCK[1];
    room.receive(&Frame::body(0, &RateParamChange { code: rate_code::ALERT, class }).unwrap(), now);
    let events: Vec<Event> = std::iter::from_fn(|| room.poll_event()).collect();
    assert_eq!(
        events,
        [
            Event::Other(unheard_of),
            Event::Refused { request_id: id, code: ErrorCode::NotSupportedByHost },
            Event::RateChanged { class: 2, code: rate_code::ALERT },
        ]
    );

    let mut nav = at_the_finder(now);
    nav.query_exchange(5, now).unwrap();
    assert_eq!(Body::decode(&sent(&mut nav)[0]).unwrap(), ExchangeInfoQuery { exchange: 5 }.into());
}
