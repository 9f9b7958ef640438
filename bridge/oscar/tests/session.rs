//! The session machine: its start-up against what real servers said, in every capture of a BOS connection, and its
//! behaviour afterwards as transcripts with time in the test's hand.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by them"
)]
#![allow(clippy::disallowed_methods, reason = "an instant to count from")]

mod common;

use common::transcript::{Transcript, kinds};
use common::{place, servers_frames};
use oscar_im::ScreenName;
use oscar_im::foodgroup::chat::RoomId;
use oscar_im::foodgroup::feedbag::{
    AuthorizationReplyToClient, AuthorizationReplyToHost, AuthorizationRequestToClient,
    AuthorizationRequestToHost, BuddyAdded, InsertItems, Item,
};
use oscar_im::foodgroup::icbm::{
    HostAck, IcqMessage, ImData, ImToClient, Rendezvous, TypingNotice, icq_kind, typing,
};
use oscar_im::foodgroup::oservice::{
    OwnUserInfo, RateClass, RateParamChange, RateState, SetUserInfoFields, rate_code, status,
};
use oscar_im::foodgroup::user_info::flags;
use oscar_im::foodgroup::{
    Body, Capability, ErrorCode, FoodGroup, SnacBody, SnacError, UserInfo, bucp, buddy, feedbag, icbm,
    oservice, user_info,
};
use oscar_im::rate::{Level, RateStatus, STOCK, STOCK_IM};
use oscar_im::session::{CloseReason, Config, Event, Presence, ProtocolError, SendError, Typing};
use oscar_im::text;
use oscar_im::wire::{
    DecodeError, FlapChannel, Frame, Reader, SignOnFrame, Snac, SnacFlags, Tlvs, Wire, Writer,
};
use std::time::Duration;

fn im(from: &str, cookie: u8, markup: &str) -> ImToClient {
    let data = ImData::of_text(&text::charset::encode(markup)).unwrap();
    ImToClient {
        cookie: [cookie; 8],
        channel: 1,
        from: UserInfo::new(ScreenName::from(from)),
        tlvs: Tlvs::new().with_wire(icbm::tlv::MESSAGE, &data).unwrap(),
    }
}

fn present(name: &str, flags: u16) -> UserInfo {
    let mut info = UserInfo::new(ScreenName::from(name));
    info.tlvs.push(user_info::tlv::FLAGS, flags.to_be_bytes());
    info
}

const STAFF: &str = "Staff One";

#[test]
fn the_start_up_is_that_of_real_clients() {
    let mut t = Transcript::new(Config::default());
    let hello = SignOnFrame::from_bytes(&t.frames[0].payload).unwrap();
    assert_eq!(hello.tlvs.get(bucp::tlv::COOKIE), Some(&b"cookie"[..]));
    t.start_up("libpurple-bos-messages");
    assert_eq!(
        kinds(&t.sent),
        [
            "01/17", "01/06", "01/08", "01/0e", "02/02", "03/02", "04/04", "09/02", "13/02", "13/04",
            "13/07", "02/04", "04/02", "01/02", "04/10"
        ]
    );
    let mut limits = Vec::new();
    let mut told = t.events();
    told.retain(|event| match event {
        Event::Other(snac) => {
            limits.push((snac.group, snac.subgroup));
            false
        }
        _ => true,
    });
    let [Event::OwnInfo(own), Event::SignedOn { screen_name }] = &told[..] else { panic!("{told:?}") };
    assert_eq!((screen_name.as_str(), &own.screen_name), ("Staff One", screen_name));
    assert!(own.sign_on_time().is_some());
    assert_eq!(
        limits,
        [(FoodGroup::Locate, 3), (FoodGroup::Buddy, 3), (FoodGroup::Icbm, 5), (FoodGroup::Feedbag, 3)]
    );
    let sequence: Vec<u16> = t.frames.iter().map(|frame| frame.sequence).collect();
    assert_eq!(sequence, (1..=16).collect::<Vec<_>>());
}

#[test]
fn a_refused_buddy_list_is_replaced_by_names_for_the_session() {
    let mut t = Transcript::new(Config::default());
    t.session.watch(&[ScreenName::from(STAFF)], t.now);
    let server = servers_frames("libpurple-bos-messages");
    let answer = |wanted| server.iter().find(|frame| place(frame) == Some(wanted)).unwrap();
    t.frame(answer((1, 3)));
    t.frame(answer((1, 0x18)));
    t.frame(answer((1, 7)));
    t.frame(answer((9, 3)));
    let query = t.request_id(FoodGroup::Feedbag, 0x04);
    let refusal = SnacError::new(ErrorCode::ServiceUnavailable);
    t.frame(&Frame::snac(&refusal.to_snac(FoodGroup::Feedbag, query).unwrap()).unwrap());
    let sent = kinds(&t.sent());
    let added = sent.iter().position(|kind| kind == "03/04").unwrap();
    assert!(added < sent.iter().position(|kind| kind == "01/02").unwrap(), "{sent:?}");
    assert!(!sent.contains(&"13/07".to_owned()));
    t.session.watch(&[ScreenName::from("staff2")], t.now);
    t.drain();
    assert_eq!(kinds(&t.sent()), ["03/05", "03/04"]);
}

#[test]
fn a_start_up_that_stops_is_given_up() {
    let mut t = Transcript::new(Config::default());
    t.frame(&servers_frames("libpurple-bos-messages")[0]);
    t.after(Duration::from_secs(31));
    assert_eq!(t.events(), [Event::Closed(CloseReason::StartUpTimeout("its list of services (01/03)"))]);
    assert_eq!(t.session.poll_timeout(t.now), None);
}

#[test]
fn a_message_is_acknowledged_by_cookie_or_refused_by_request_id_or_given_up() {
    let mut t = Transcript::online();
    let staff = ScreenName::from(STAFF);
    for cookie in 1..=3 {
        t.session.send_im([cookie; 8], &staff, "hello", t.now).unwrap();
    }
    t.drain();
    let second = t.sent[1].0.request_id;
    let Body::ImToHost(sent) = &t.sent[0].1 else { panic!("{:?}", t.sent) };
    assert!(sent.tlvs.has(icbm::tlv::HOST_ACK) && sent.tlvs.has(icbm::tlv::WANTS_TYPING));
    t.gets(t.sent[0].0.request_id, &HostAck { cookie: [1; 8], channel: 1, screen_name: staff.clone() });
    let refusal = SnacError::new(ErrorCode::NotLoggedOn);
    t.frame(&Frame::snac(&refusal.to_snac(FoodGroup::Icbm, second).unwrap()).unwrap());
    assert_eq!(
        t.events(),
        [
            Event::ImAcked { cookie: [1; 8] },
            Event::ImRefused {
                cookie: [2; 8],
                to: staff.clone(),
                code: ErrorCode::NotLoggedOn,
                sub_code: None
            }
        ]
    );
    t.after(Duration::from_secs(21));
    assert_eq!(t.events(), [Event::NoAcknowledgement { cookie: [3; 8], to: staff.clone() }]);
    t.gets(9, &HostAck { cookie: [3; 8], channel: 1, screen_name: staff });
    assert_eq!(t.events(), [Event::ImAcked { cookie: [3; 8] }], "late, but good to know");
}

#[test]
fn credits_are_kept_and_refill() {
    let mut t = Transcript::online();
    let staff = ScreenName::from(STAFF);
    assert_eq!(t.session.im_credits(t.now), 7);
    for cookie in 0..7 {
        t.session.send_im([cookie; 8], &staff, "x", t.now).unwrap();
    }
    assert_eq!(t.session.im_credits(t.now), 0);
    assert_eq!(t.session.send_im([9; 8], &staff, "x", t.now), Err(SendError::NoCredit));
    let next = t.session.next_im_credit_at(t.now).unwrap();
    assert!(next > t.now && next < t.now + Duration::from_secs(5));
    assert_eq!(t.session.im_credits(next), 1);
}

/// open-oscar-server limits nobody whose account has its *bot* flag, though it announces the same classes.
#[test]
fn a_bot_is_not_paced_unless_it_is_limited_all_the_same() {
    let mut t = Transcript::online();
    let own = |flags: u16| {
        let info =
            UserInfo { tlvs: Tlvs::new().with(1, flags.to_be_bytes()), ..UserInfo::new("bridgebot".into()) };
        OwnUserInfo { infos: vec![info] }
    };
    assert_eq!(t.session.im_credits(t.now), 7);
    t.gets(0, &own(flags::AIM | flags::BOT));
    let staff = ScreenName::from(STAFF);
    for _ in 0..300 {
        t.session.send_im([0; 8], &staff, "x", t.now).unwrap();
    }
    assert_eq!(t.session.next_im_credit_at(t.now), Some(t.now));
    // The level of the class has nothing to do with it, neither now nor when the session ends.
    t.gets(0, &own(flags::AIM));
    assert_eq!(t.session.im_credits(t.now), 7);

    // A server that warns a bot counts what it sends.
    t.gets(0, &own(flags::AIM | flags::BOT));
    let class = RateClass { current: 4100, ..STOCK_IM };
    t.gets(0, &RateParamChange { code: rate_code::ALERT, class });
    assert_eq!(t.session.im_credits(t.now), 0);
    t.gets(0, &own(flags::AIM | flags::BOT));
    assert_eq!(t.session.im_credits(t.now), 0, "and it is not believed twice");
}

#[test]
fn ten_minutes_of_messages_are_never_limited() {
    let mut t = Transcript::online();
    let staff = ScreenName::from(STAFF);
    let end = t.now + Duration::from_mins(10);
    let start = t.now;
    let mut servers = Level::new(STOCK_IM, Duration::ZERO);
    let mut sent = 0u32;
    while let Some(at) = t.session.next_im_credit_at(t.now).filter(|at| *at <= end) {
        t.after(at - t.now);
        t.session.send_im([0; 8], &staff, "x", t.now).unwrap();
        t.drain();
        t.gets(1, &HostAck { cookie: [0; 8], channel: 1, screen_name: staff.clone() });
        let status = servers.evaluate(t.now - start);
        assert!(matches!(status, RateStatus::Clear | RateStatus::Alert), "{sent}: {status:?}");
        sent += 1;
    }
    assert!((149..=157).contains(&sent), "{sent}");
}

#[test]
fn a_changed_class_changes_the_credits() {
    let mut t = Transcript::online();
    let class = RateClass { clear: 5900, alert: 5800, limit: 5500, disconnect: 5000, ..STOCK_IM };
    t.gets(0x8000_0000, &RateParamChange { code: rate_code::CHANGED, class });
    assert_eq!(t.events(), [Event::RateChanged { class: 3, code: rate_code::CHANGED }]);
    assert_eq!(t.session.im_credits(t.now), 1);
}

/// The server warns us midway (01/0A code 1) and goes by other numbers from then on.
#[test]
fn a_server_that_changes_its_numbers_midway_never_limits_us() {
    let staff = ScreenName::from(STAFF);
    let tighter = RateClass { clear: 5500, alert: 5400, limit: 5200, ..STOCK_IM };
    for changed in [tighter, RateClass { id: 3, ..STOCK[3] }] {
        let mut t = Transcript::online();
        let start = t.now;
        let mut servers = Level::new(STOCK_IM, Duration::ZERO);
        let mut sent = [0; 2];
        while let Some(at) =
            t.session.next_im_credit_at(t.now).filter(|at| *at <= start + Duration::from_mins(10))
        {
            let late = at - start >= Duration::from_mins(5);
            if late && sent[1] == 0 {
                let class = RateClass { current: servers.level(), ..changed };
                servers = Level::new(class, servers.last());
                t.gets(0, &RateParamChange { code: rate_code::CHANGED, class });
                sent[1] = 1;
                continue;
            }
            t.after(at - t.now);
            t.session.send_im([0; 8], &staff, "x", t.now).unwrap();
            t.drain();
            t.gets(1, &HostAck { cookie: [0; 8], channel: 1, screen_name: staff.clone() });
            let status = servers.evaluate(t.now - start);
            assert!(matches!(status, RateStatus::Clear | RateStatus::Alert), "{sent:?}: {status:?}");
            sent[usize::from(late)] += 1;
        }
        assert!(sent[0] > 70 && sent[1] > 50, "{sent:?}");
    }
}

#[test]
fn what_others_write_is_told_as_plain_text() {
    let mut t = Transcript::online();
    let mut stored =
        im(STAFF, 7, "<HTML><BODY>one<BR><a href=\"http://a.example/\">two</a> 日本</BODY></HTML>");
    stored.tlvs.push(icbm::tlv::SEND_TIME, [0, 0, 0, 9]);
    stored.tlvs.push(icbm::tlv::AUTO_RESPONSE, []);
    t.gets(0x8000_0000, &stored);
    let [Event::ImReceived(im)] = &t.events()[..] else { panic!() };
    assert_eq!(im.text, "one\ntwo (http://a.example/) 日本");
    assert_eq!((im.stored_at, im.auto, im.wants_typing, im.cookie), (Some(9), true, false, [7; 8]));
}

#[test]
fn presence_is_told_once_a_change() {
    let mut t = Transcript::online();
    let (online, away) = (present(STAFF, 0x10), present(STAFF, 0x30));
    for info in [&online, &online, &away, &away] {
        t.gets(0, &buddy::Arrived { infos: vec![info.clone()] });
    }
    t.gets(0, &buddy::Departed { infos: vec![online.clone()] });
    let is = |presence| Event::Presence { who: STAFF.into(), presence };
    let here = |away| is(Presence::Online { away, idle_minutes: 0 });
    let seen = |info: &UserInfo| Event::BuddySeen(info.clone());
    assert_eq!(
        t.events(),
        [
            seen(&online),
            here(false),
            seen(&online),
            seen(&away),
            here(true),
            seen(&away),
            is(Presence::Offline)
        ]
    );
}

#[test]
fn typing_goes_both_ways() {
    let mut t = Transcript::online();
    let staff = ScreenName::from(STAFF);
    let notice = |event| TypingNotice { cookie: [0; 8], channel: 1, screen_name: staff.clone(), event };
    for event in [typing::BEGUN, typing::TYPED, typing::NONE, typing::CLOSED] {
        t.gets(0, &notice(event));
    }
    let told: Vec<Event> = [Typing::Typing, Typing::Paused, Typing::None, Typing::None]
        .into_iter()
        .map(|typing| Event::Typing { from: staff.clone(), typing })
        .collect();
    assert_eq!(t.events(), told);
    t.session.send_typing(&staff, Typing::Typing, t.now).unwrap();
    t.drain();
    assert_eq!(t.sent()[0].1, Body::TypingNotice(notice(typing::BEGUN)));
}

#[test]
fn the_watched_are_kept_on_the_servers_list_in_one_transaction() {
    let mut t = Transcript::online();
    let before = t.session.buddy_list().items().len();
    t.session.watch(&[ScreenName::from("Staff One"), ScreenName::from("staff2")], t.now);
    t.drain();
    assert_eq!(t.events(), [Event::BuddyListChanged]);
    assert_eq!(kinds(&t.sent), ["13/11", "13/08", "13/09", "13/12"]);
    assert_eq!(t.session.buddy_list().items().len(), before + 3);
    // The server refuses the second: it is watched all the same.
    let insert = t.request_id(FoodGroup::Feedbag, 0x08);
    t.sent.clear();
    let codes = vec![feedbag::status::OK, feedbag::status::OK, feedbag::status::OVER_LIMIT];
    t.gets(insert, &feedbag::Status { codes });
    t.after(Duration::ZERO);
    assert_eq!(
        t.events(),
        [Event::BuddyListRefused { name: "staff2".into(), code: feedbag::status::OVER_LIMIT }]
    );
    assert_eq!(kinds(&t.sent()), ["03/04"]);
    assert!(!t.session.buddy_list().contains(&ScreenName::from("staff2")));
}

#[test]
fn away_is_set_and_cleared() {
    let mut t = Transcript::online();
    t.session.set_away(Some("gone <fishing>"), t.now).unwrap();
    t.session.set_away(None, t.now).unwrap();
    t.drain();
    let values: Vec<Vec<u8>> = t
        .sent()
        .into_iter()
        .map(|(_, body)| match body {
            Body::SetInfo(info) => info.tlvs.get(4).unwrap().to_vec(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(values, [b"<HTML><BODY>gone &lt;fishing&gt;</BODY></HTML>".to_vec(), Vec::new()]);
}

#[test]
fn a_profile_is_set_and_a_question_about_somebody_can_be_refused() {
    let mut t = Transcript::online();
    t.session.set_profile("I am a program.", t.now).unwrap();
    t.session.query_user(&ScreenName::from("nobody"), t.now).unwrap();
    t.drain();
    let (_, Body::SetInfo(info)) = &t.sent[0] else { panic!("{:?}", t.sent) };
    let profile = info.tlvs.text(oscar_im::foodgroup::locate::tlv::PROFILE).unwrap();
    assert!(profile.contains("I am a program."), "{profile}");
    let refusal = SnacError::new(ErrorCode::NotLoggedOn);
    let id = t.sent[1].0.request_id;
    let refusal = refusal.to_snac(FoodGroup::Locate, id).unwrap();
    t.frame(&Frame::snac(&refusal).unwrap());
    let (group, code) = (FoodGroup::Locate, ErrorCode::NotLoggedOn);
    assert_eq!(t.events(), [Event::Refused { group, request_id: id, code }]);
}

#[test]
fn silence_is_probed_and_then_the_connection_is_dead() {
    let mut t = Transcript::online();
    t.frames.clear();
    t.after(Duration::from_secs(70));
    let channels: Vec<FlapChannel> = t.frames.iter().map(|frame| frame.channel).collect();
    assert_eq!(channels, [FlapChannel::KeepAlive, FlapChannel::KeepAlive]);
    t.after(Duration::from_secs(10));
    assert_eq!(kinds(&t.sent()), ["01/0e"]);
    t.frame(&Frame::new(FlapChannel::KeepAlive, Vec::new()));
    t.after(Duration::from_secs(80));
    assert!(t.session.is_online(), "it was heard of");
    t.after(Duration::from_secs(30));
    assert_eq!(t.events(), [Event::Closed(CloseReason::Silent(Duration::from_secs(105)))]);
}

#[test]
fn a_pause_holds_everything_back() {
    let mut t = Transcript::online();
    t.gets(0, &oservice::Pause {});
    assert_eq!(kinds(&t.sent()), ["01/0c"]);
    assert_eq!((t.session.im_credits(t.now), t.session.next_im_credit_at(t.now)), (0, None));
    t.session.set_away(Some("x"), t.now).unwrap();
    t.after(Duration::from_secs(5));
    assert!(t.sent().is_empty());
    t.gets(0, &oservice::Resume::default());
    assert_eq!(kinds(&t.sent()), ["02/04"]);
    assert_eq!(t.events(), [Event::Paused, Event::Resumed]);
}

#[test]
fn a_second_sign_on_and_a_rate_disconnect_look_alike_and_are_told_apart() {
    for reason in [vec![1], vec![0, 1]] {
        let frame = Frame::new(FlapChannel::SignOff, Tlvs::new().with(9, &reason).to_bytes().unwrap());
        let mut t = Transcript::online();
        t.frame(&frame);
        assert_eq!(t.events(), [Event::Closed(CloseReason::SignedOnElsewhere)]);

        let mut t = Transcript::online();
        let class = RateClass { current: 3100, ..STOCK_IM };
        t.gets(0, &RateParamChange { code: rate_code::LIMITED, class });
        t.frame(&frame);
        assert_eq!(t.events().pop(), Some(Event::Closed(CloseReason::RateExceeded)));

        // Sending as fast as is allowed, one is told each few seconds that one more message would be too many.
        let mut t = Transcript::online();
        let state = Some(RateState { last: 1, dropping: 1 });
        let class = RateClass { current: STOCK_IM.limit + 50, state, ..STOCK_IM };
        t.gets(0, &RateParamChange { code: rate_code::LIMITED, class });
        t.frame(&frame);
        assert_eq!(t.events().pop(), Some(Event::Closed(CloseReason::SignedOnElsewhere)));
    }
}

#[test]
fn a_migration_says_where_to() {
    let mut t = Transcript::online();
    let tlvs = Tlvs::new().with(5, "10.0.0.2:5191").with(6, "new cookie");
    t.gets(0, &oservice::Migrate { groups: Vec::new(), tlvs });
    let [Event::Closed(CloseReason::Migrated(service))] = &t.events()[..] else { panic!() };
    assert_eq!(
        (service.address.to_string().as_str(), &service.cookie[..]),
        ("10.0.0.2:5191", &b"new cookie"[..])
    );
}

#[test]
fn other_groups_are_moved_without_the_session() {
    let mut t = Transcript::online();
    let tlvs = Tlvs::new().with(5, "10.0.0.2:5191").with(6, "new cookie");
    let others = oservice::Migrate { groups: vec![FoodGroup::Chat, FoodGroup::Bart], tlvs };
    t.gets(0, &others);
    assert_eq!(t.events(), [Event::Other(Snac::new(0, &others).unwrap())]);
    let ours = oservice::Migrate { groups: vec![FoodGroup::Bart, FoodGroup::Icbm], ..others };
    t.gets(0, &ours);
    assert!(matches!(t.events()[..], [Event::Closed(CloseReason::Migrated(_))]));
}

#[test]
fn signing_off_sends_the_frame_and_is_the_end() {
    let mut t = Transcript::online();
    t.session.sign_off();
    t.drain();
    assert_eq!(t.frames.last().unwrap().channel, FlapChannel::SignOff);
    assert_eq!(t.events(), [Event::Closed(CloseReason::SignedOff)]);
    assert_eq!(t.session.send_im([0; 8], &ScreenName::from(STAFF), "x", t.now), Err(SendError::NotOnline));
    t.gets(0, &im(STAFF, 1, "late"));
    assert!(t.events().is_empty());
}

#[test]
fn a_body_that_can_not_be_read_is_told_and_left_out() {
    let mut t = Transcript::online();
    let mut snac = Snac::new(0, &im(STAFF, 1, "x")).unwrap();
    snac.body.truncate(12);
    t.frame(&Frame::snac(&snac).unwrap());
    assert!(matches!(t.events()[..], [Event::Unreadable { subgroup: 7, .. }]));
    t.frame(&Frame::new(FlapChannel::Data, vec![1]));
    assert!(matches!(t.events()[..], [Event::Closed(CloseReason::Protocol(ProtocolError::Snac(_)))]));

    let mut t = Transcript::online();
    t.frame(&Frame::new(FlapChannel::Error, Vec::new()));
    assert_eq!(t.events(), [Event::Closed(CloseReason::Protocol(ProtocolError::ErrorFrame))]);
}

#[test]
fn an_invitation_can_be_accepted_or_declined() {
    let capture = "bitlbee-bos-offline-typing-invite";
    let mut t = Transcript::new(Config::default());
    t.start_up(capture);
    for frame in servers_frames(capture).iter().filter(|frame| place(frame) == Some((4, 7))) {
        t.frame(frame);
    }
    let invitation = t
        .events()
        .into_iter()
        .find_map(|event| match event {
            Event::ChatInvited(invitation) => Some(invitation),
            _ => None,
        })
        .unwrap();
    assert_eq!(invitation.room.cookie, b"4-0-stafflounge");
    t.sent.clear();
    t.session.decline(&invitation, t.now).unwrap();
    t.session.request_room(&invitation.room, t.now).unwrap();
    t.after(Duration::from_secs(10));
    let id = t.request_id(FoodGroup::Oservice, 0x04);
    let tlvs = Tlvs::new().with_u16(0x0d, 0x0e).with(5, "127.0.0.1:5190").with(6, "c");
    t.gets(id, &oservice::ServiceResponse { tlvs });
    let Some(Event::ServiceReady(service)) = t.events().pop() else { panic!() };
    assert_eq!(service.room, Some(invitation.room));
}

#[test]
fn an_offer_of_a_file_is_told_and_can_be_declined() {
    let mut t = Transcript::online();
    let offer = Rendezvous {
        kind: icbm::rendezvous::PROPOSE,
        cookie: [7; 8],
        capability: [0x42; 16],
        tlvs: Tlvs::new().with_u16(icbm::rendezvous::SEQUENCE, 1),
    };
    let im = ImToClient {
        cookie: [7; 8],
        channel: icbm::channel::RENDEZVOUS,
        from: UserInfo::new(ScreenName::from(STAFF)),
        tlvs: Tlvs::new().with_wire(icbm::tlv::DATA, &offer).unwrap(),
    };
    t.gets(0, &im);
    let from = ScreenName::from(STAFF);
    assert_eq!(t.events(), [Event::Rendezvous { from: from.clone(), rendezvous: offer.clone() }]);
    t.session.decline_offer(&from, &offer, t.now).unwrap();
    t.drain();
    let Some((_, Body::ImToHost(answer))) = t.sent().pop() else { panic!() };
    let answer_of = answer.rendezvous().unwrap().unwrap();
    assert_eq!((answer.to, answer_of.kind), (from, icbm::rendezvous::CANCEL));
    assert_eq!((answer_of.cookie, answer_of.capability), (offer.cookie, offer.capability));
}

#[test]
fn an_offer_of_ours_is_made_and_one_of_theirs_accepted() {
    let mut t = Transcript::online();
    let (to, tlvs) = (ScreenName::from(STAFF), Tlvs::new().with_u16(icbm::rendezvous::SEQUENCE, 1));
    let capability = Capability::SEND_FILE.0;
    for kind in [icbm::rendezvous::PROPOSE, icbm::rendezvous::ACCEPT, icbm::rendezvous::CANCEL] {
        let offer = Rendezvous { kind, cookie: [8; 8], capability, tlvs: tlvs.clone() };
        t.session.send_rendezvous(&to, &offer, t.now).unwrap();
        t.drain();
        let Some((_, Body::ImToHost(sent))) = t.sent().pop() else { panic!() };
        assert_eq!((sent.cookie, sent.channel, &sent.to), ([8; 8], 2, &to));
        assert_eq!(sent.rendezvous(), Some(Ok(offer.clone())));
        // And so the other side hears of it.
        t.gets(0, &sent.relayed(UserInfo::new(to.clone())));
        assert_eq!(t.events(), [Event::Rendezvous { from: to.clone(), rendezvous: offer }]);
    }
    let offer = Rendezvous::default();
    assert_eq!(t.session.send_rendezvous(&"".into(), &offer, t.now), Err(SendError::InvalidName));
}

#[test]
fn a_relayed_message_asks_the_recipient_for_no_acknowledgement() {
    let mut t = Transcript::online();
    t.session.send_im([9; 8], &STAFF.into(), "hello", t.now).unwrap();
    t.drain();
    let Some((_, Body::ImToHost(sent))) = t.sent().pop() else { panic!() };
    assert!(sent.tlvs.has(icbm::tlv::HOST_ACK));
    let relayed = sent.relayed(UserInfo::new("bridgebot".into()));
    assert!(!relayed.tlvs.has(icbm::tlv::HOST_ACK));
    t.gets(0, &relayed);
    let events = t.events();
    let [Event::ImReceived(im)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((im.text.as_str(), im.cookie, im.wants_typing), ("hello", [9; 8], true));
}

#[test]
fn icqs_old_messages_are_read() {
    let mut t = Transcript::online();
    let old = |kind, text: &[u8]| ImToClient {
        cookie: [0; 8],
        channel: icbm::channel::ICQ,
        from: UserInfo::new(ScreenName::from("123456")),
        tlvs: Tlvs::new()
            .with_wire(icbm::tlv::DATA, &IcqMessage { uin: 123_456, kind, flags: 0, text: text.to_vec() })
            .unwrap(),
    };
    let plain = old(icq_kind::PLAIN, b"caf\xe9 <b>\r\ntwo\x07");
    assert_eq!(
        plain.tlvs.get(icbm::tlv::DATA).unwrap(),
        b"\x40\xe2\x01\0\x01\0\x0f\0caf\xe9 <b>\r\ntwo\x07\0",
        "number, kind, flags, length, text, zero"
    );
    t.gets(0, &plain);
    let Some(Event::ImReceived(im)) = t.events().pop() else { panic!() };
    assert_eq!((im.text.as_str(), im.from), ("caf\u{e9} <b>\ntwo", ScreenName::from("123456")));
    t.gets(0, &old(icq_kind::AUTHORIZATION_REQUEST, b"please"));
    let message = IcqMessage {
        uin: 123_456,
        kind: icq_kind::AUTHORIZATION_REQUEST,
        flags: 0,
        text: b"please".to_vec(),
    };
    assert_eq!(t.events(), [Event::Icq { from: ScreenName::from("123456"), message }]);
    // A length that is not there.
    let mut cut = old(icq_kind::PLAIN, b"");
    cut.tlvs.set(icbm::tlv::DATA, b"\x40\xe2\x01\0\x01\0\xff\xffx");
    t.gets(0, &cut);
    assert!(matches!(t.events()[..], [Event::Unreadable { group: FoodGroup::Icbm, subgroup: 7, .. }]));
}

#[test]
fn an_authorisation_is_asked_for_and_answered_both_ways() {
    let mut t = Transcript::online();
    let ann = ScreenName::from("ann");
    t.session.ask_authorization(&ann, "it is me", t.now).unwrap();
    t.session.answer_authorization(&ann, true, "gladly", t.now).unwrap();
    assert_eq!(t.session.ask_authorization(&ScreenName::from(""), "", t.now), Err(SendError::InvalidName));
    t.drain();
    let asked =
        AuthorizationRequestToHost { screen_name: ann.clone(), reason: "it is me".into(), reserved: 0 };
    let answered =
        AuthorizationReplyToHost { screen_name: ann.clone(), accepted: 1, reason: "gladly".into() };
    let sent: Vec<Body> = t.sent().into_iter().map(|(_, body)| body).collect();
    assert_eq!(sent, [asked.into(), answered.into()]);
    t.gets(
        0,
        &AuthorizationRequestToClient { screen_name: ann.clone(), reason: "may I?".into(), reserved: 0 },
    );
    t.gets(0, &AuthorizationReplyToClient { screen_name: ann.clone(), accepted: 0, reason: "no".into() });
    t.gets(0, &BuddyAdded { screen_name: ann.clone() });
    assert_eq!(
        t.events(),
        [
            Event::AuthorizationAsked { by: ann.clone(), text: "may I?".into() },
            Event::AuthorizationAnswered { by: ann.clone(), granted: false, text: "no".into() },
            Event::AddedBy(ann)
        ]
    );
}

#[test]
fn one_can_be_invisible() {
    let mut t = Transcript::online();
    t.session.set_status(status::INVISIBLE, t.now).unwrap();
    t.drain();
    let tlvs = Tlvs::new().with_u32(6, 0x100);
    assert_eq!(t.sent().pop().unwrap().1, SetUserInfoFields { tlvs }.into());
}

#[test]
fn a_list_without_end_is_cut_and_told() {
    let mut t = Transcript::online();
    let items = |part: u16| (1..3_000).map(|item| Item { group: part, item, ..Item::default() }).collect();
    for part in 1..6 {
        t.gets(0, &InsertItems { items: items(part) });
    }
    assert_eq!(t.session.buddy_list().items().len(), 10_000);
    let told = t.events().into_iter().filter(|event| matches!(event, Event::Unreadable { .. })).count();
    assert_eq!(told, 2, "the list in the capture has items too");
}

#[test]
fn a_warning_is_given_and_answered_or_refused() {
    let mut t = Transcript::online();
    t.session.warn(&ScreenName::from(STAFF), true, t.now).unwrap();
    t.drain();
    assert_eq!(kinds(&t.sent), ["04/08"]);
    let id = t.request_id(FoodGroup::Icbm, 0x08);
    t.gets(id, &icbm::EvilReply { increase: 30, level: 100 });
    assert_eq!(t.events(), [Event::WarningGiven { level: 100, increase: 30 }]);
}

#[test]
fn what_another_client_could_not_take_and_the_end_of_what_was_stored_are_told() {
    let mut t = Transcript::online();
    let by = ScreenName::from(STAFF);
    let error = icbm::ClientError {
        cookie: [3; 8],
        channel: 1,
        screen_name: by.clone(),
        reason: 3,
        details: vec![1],
    };
    t.gets(0, &error);
    t.gets(0, &icbm::OfflineDone {});
    assert_eq!(t.events(), [Event::ImNotTaken { cookie: [3; 8], by, reason: 3 }, Event::StoredImsDone]);
}

#[test]
fn nothing_longer_than_servers_take_is_sent() {
    let mut t = Transcript::online();
    let long = "x".repeat(9_000);
    assert_eq!(t.session.set_away(Some(&long), t.now), Err(SendError::TooLong));
    assert_eq!(t.session.set_profile(&long, t.now), Err(SendError::TooLong));
    let to = ScreenName::from(STAFF);
    assert_eq!(t.session.send_im([1; 8], &to, &long, t.now), Err(SendError::TooLong));
    let room = RoomId { exchange: 4, cookie: b"4-0-room".to_vec(), instance: 0 };
    assert_eq!(t.session.invite([1; 8], &to, &room, &long, t.now), Err(SendError::TooLong));
    t.drain();
    assert!(t.sent.is_empty());

    // A profile from a file does not cost the start-up.
    let mut config = Config::default();
    config.profile = "word ".repeat(2_000);
    let mut t = Transcript::new(config);
    t.start_up("libpurple-bos-messages");
    assert!(t.session.is_online());
    let set =
        t.sent.iter().find_map(|(_, body)| if let Body::SetInfo(set) = body { Some(set) } else { None });
    let set = set.unwrap();
    assert!(set.tlvs.has(5));
    assert!((3_900..=4_096).contains(&set.tlvs.get(2).unwrap().len()));
}

#[test]
fn what_has_no_method_can_be_asked_and_what_has_no_event_is_told() {
    /// 02/0B, the directory: a body that the crate has no type for.
    #[derive(Debug)]
    struct DirectoryQuery(ScreenName);
    impl Wire for DirectoryQuery {
        fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
            ScreenName::decode(reader).map(Self)
        }
        fn encode(&self, writer: &mut Writer) {
            self.0.encode(writer);
        }
    }
    impl SnacBody for DirectoryQuery {
        const GROUP: FoodGroup = FoodGroup::Locate;
        const SUBGROUP: u16 = 0x0b;
    }

    let mut t = Transcript::online();
    let id = t.session.request(&DirectoryQuery(STAFF.into()), t.now).unwrap();
    t.drain();
    assert_eq!(t.sent[0].0.body, b"\x09Staff One");
    assert_eq!(t.sent[0].0.request_id, id);
    let answer = Snac { subgroup: 0x0c, body: vec![1, 2], ..t.sent[0].0.clone() };
    t.frame(&Frame::snac(&answer).unwrap());
    let unheard_of = Snac { group: FoodGroup::Other(0x77), ..answer.clone() };
    t.frame(&Frame::snac(&unheard_of).unwrap());
    let other_channel = ImToClient { channel: 6, ..im(STAFF, 1, "x") };
    t.gets(5, &other_channel);
    let motd = oservice::Motd { kind: 4, tlvs: Tlvs::new().with(0x0b, "hello") };
    t.gets(0, &motd);
    assert_eq!(
        t.events(),
        [answer, unheard_of, Snac::new(5, &other_channel).unwrap(), Snac::new(0, &motd).unwrap()]
            .map(Event::Other)
    );

    let refused = SnacError::new(ErrorCode::NoMatch).to_snac(FoodGroup::Locate, id).unwrap();
    t.frame(&Frame::snac(&refused).unwrap());
    let (group, code) = (FoodGroup::Locate, ErrorCode::NoMatch);
    assert_eq!(t.events(), [Event::Refused { group, request_id: id, code }]);

    // It waits for its turn like everything else.
    let mut asked = 0;
    while t.session.request(&DirectoryQuery(STAFF.into()), t.now).is_ok() {
        asked += 1;
    }
    assert!(asked > 100);
    t.drain();
    assert!(t.sent.len() < asked);
    t.session.sign_off();
    assert_eq!(t.session.request(&oservice::Noop {}, t.now), Err(SendError::NotOnline));
}

#[test]
fn a_class_that_is_limited_waits_for_clear_whatever_the_records_length() {
    let mut t = Transcript::online();
    let class = RateClass { current: 3_950, state: None, ..STOCK_IM };
    t.gets(0, &RateParamChange { code: rate_code::LIMITED, class });
    t.after(Duration::from_secs(20));
    assert_eq!(t.session.im_credits(t.now), 0, "the server drops all until clear");
    t.after(Duration::from_secs(8));
    assert!(t.session.im_credits(t.now) > 0);
}

/// A sign-on up to the question for the buddy list, and that question's id.
fn asking_for_the_list() -> (Transcript, u32) {
    let mut t = Transcript::new(Config::default());
    t.gets(
        0,
        &oservice::HostOnline { groups: vec![FoodGroup::Oservice, FoodGroup::Icbm, FoodGroup::Feedbag] },
    );
    t.gets(0, &oservice::HostVersions::default());
    t.gets(0, &oservice::RateParams::default());
    let id = t.request_id(FoodGroup::Feedbag, 0x04);
    (t, id)
}

#[test]
fn a_list_that_has_not_changed_is_an_empty_one() {
    let (mut t, id) = asking_for_the_list();
    t.gets(id, &feedbag::NotModified::default());
    assert!(t.session.is_online());
    t.sent.clear();
    t.session.add_buddy("Friends", &STAFF.into(), t.now).unwrap();
    t.drain();
    assert_eq!(kinds(&t.sent), ["13/11", "13/08", "13/12"]);
}

#[test]
fn a_list_comes_in_parts_and_bodies_behind_an_extension() {
    let (mut t, id) = asking_for_the_list();
    let part = |group: u16, name: &str| feedbag::Reply {
        items: vec![Item { name: name.into(), group, item: group, ..Item::default() }],
        ..feedbag::Reply::default()
    };
    for (group, name, flags) in [(1, "ann", 0x8001), (2, "bob", 0x0001), (3, "cy", 0x8000)] {
        assert!(!t.session.is_online());
        let mut snac = Snac::new(id, &part(group, name)).unwrap();
        snac.flags = SnacFlags(flags);
        // What stands in front of the body is TLVs that nobody needs.
        snac.extension = (flags & SnacFlags::EXTENDED != 0).then(|| vec![0, 1, 0, 2, 0, 3]);
        t.frame(&Frame::snac(&snac).unwrap());
    }
    assert!(t.session.is_online());
    let names: Vec<String> = t.session.buddy_list().buddies().map(|b| b.screen_name.to_string()).collect();
    assert_eq!(names, ["ann", "bob", "cy"]);
}
