//! The client against a living server, whichever it is: set `OSCAR_LIVE=host:port` and, for accounts of it,
//! `OSCAR_LIVE_ACCOUNTS=name:password,name:password,…` (seven for all of the tests). `OSCAR_LIVE_SECONDS` (60) is how
//! long it sends as fast as it may, and 95 % of what the stock limits permit must be acknowledged (149 of 157 in 600 s);
//! the server should have its ordinary rate limits. Without these the server is the
//! program `oscar-mock`, if it has been built, and the time 5 s.
#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stderr, reason = "a test's helpers fail by them")]

use oscar_im::ScreenName;
use oscar_im::foodgroup::chat_nav::EXCHANGE_PRIVATE;
use oscar_im::foodgroup::{ErrorCode, FoodGroup};
use oscar_im::net::{self, Client, ConnectError, ServiceClient};
use oscar_im::service::Event as ServiceEvent;
use oscar_im::session::{
    CloseReason, Event, ImReceived, Presence, Privacy, SendError, Service, Session, Typing,
};
use oscar_im::sign_on::{Credentials, Method, RefusalCode, SignOnError};
use std::io::ErrorKind;
use std::time::Duration;
use testkit::child::Daemon;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(10);

const NAMES: [&str; 7] = ["Live Ann", "livebob", "livecy", "livedan", "liveeve", "livefay", "livepest"];

struct Subject {
    host: String,
    port: u16,
    accounts: Vec<Credentials>,
    seconds: u64,
    /// The server, if it is ours.
    _double: Option<Daemon>,
}

fn subject() -> Option<Subject> {
    let Ok(address) = std::env::var("OSCAR_LIVE") else { return double() };
    let (host, port) = address.rsplit_once(':').unwrap();
    let accounts = std::env::var("OSCAR_LIVE_ACCOUNTS").unwrap();
    let accounts = accounts.split(',').map(|account| {
        let (name, password) = account.split_once(':').unwrap();
        Credentials { screen_name: ScreenName::from(name), password: password.to_owned() }
    });
    let seconds = std::env::var("OSCAR_LIVE_SECONDS").map_or(60, |seconds| seconds.parse().unwrap());
    Some(Subject {
        host: host.to_owned(),
        port: port.parse().unwrap(),
        accounts: accounts.collect(),
        seconds,
        _double: None,
    })
}

/// `oscar-mock`, which cargo puts beside the folder of the tests.
fn double() -> Option<Subject> {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent()?.parent()?.join("oscar-mock");
    if !program.exists() {
        eprintln!("skipped: OSCAR_LIVE names no server, and oscar-mock is not built");
        return None;
    }
    let mut arguments = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
    for name in NAMES {
        arguments.extend(["--account".to_owned(), format!("{name}:pass1word")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let double = Daemon::start(&program, &arguments);
    let address = double.address("oscar");
    let accounts = NAMES
        .map(|name| Credentials { screen_name: ScreenName::from(name), password: "pass1word".to_owned() });
    Some(Subject {
        host: address.ip().to_string(),
        port: address.port(),
        accounts: accounts.to_vec(),
        seconds: 5,
        _double: Some(double),
    })
}

impl Subject {
    fn name(&self, account: usize) -> &ScreenName {
        &self.accounts.get(account).unwrap().screen_name
    }

    fn config(&self, account: usize) -> net::Config {
        net::Config::new(self.host.clone(), self.port, self.accounts.get(account).unwrap().clone())
    }

    async fn sign_on(&self, account: usize) -> Client<TcpStream> {
        self.sign_on_as(&self.config(account)).await
    }

    /// open-oscar-server lets an address sign on ten times a minute, which is known and waited for. It closes with what
    /// we sent unread, so that its refusal may be lost on the way.
    async fn sign_on_as(&self, config: &net::Config) -> Client<TcpStream> {
        let mut tries = 0;
        loop {
            tries += 1;
            match net::connect(config).await {
                Err(ConnectError::SignOn(SignOnError::Refused(refusal)))
                    if refusal.code == RefusalCode::TooManyFromAddress =>
                {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
                Err(ConnectError::Io { source, .. })
                    if source.kind() == ErrorKind::ConnectionReset && tries < 10 =>
                {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
                client => {
                    let mut client = client.unwrap();
                    until(&mut client, |event| matches!(event, Event::SignedOn { .. }).then_some(())).await;
                    // The frame that makes us visible is queued by now; an answer shows that it has come.
                    let (session, now) = client.session_mut();
                    session.query_user(&config.credentials.screen_name, now).unwrap();
                    until(&mut client, |event| matches!(event, Event::UserInfo { .. }).then_some(())).await;
                    return client;
                }
            }
        }
    }

    async fn service(&self, service: &Service) -> ServiceClient<TcpStream> {
        let mut client = net::connect_service(service, self.port).await.unwrap();
        until_service(&mut client, |event| (*event == ServiceEvent::Ready).then_some(())).await;
        client
    }
}

async fn until<T>(client: &mut Client<TcpStream>, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let mut seen = Vec::new();
    let search = async {
        loop {
            let event = client.event().await;
            if let Some(found) = wanted(&event) {
                return found;
            }
            assert!(!matches!(event, Event::Closed(_) | Event::Unreadable { .. }), "{event:?}");
            seen.push(event);
        }
    };
    let found = timeout(PATIENCE, search).await;
    found.unwrap_or_else(|_| panic!("waited in vain; came instead: {seen:?}"))
}

async fn until_service<T>(
    client: &mut ServiceClient<TcpStream>,
    wanted: impl Fn(&ServiceEvent) -> Option<T>,
) -> T {
    let search = async {
        loop {
            let event = client.event().await;
            if let Some(found) = wanted(&event) {
                return found;
            }
            assert!(!matches!(event, ServiceEvent::Closed(_)), "{event:?}");
        }
    };
    timeout(PATIENCE, search).await.unwrap()
}

fn im(event: &Event) -> Option<ImReceived> {
    match event {
        Event::ImReceived(im) => Some(im.clone()),
        _ => None,
    }
}

/// Waits until somebody is seen so, unless they are already.
async fn sees(client: &mut Client<TcpStream>, who: &ScreenName, wanted: Presence) {
    if client.session().presence(who) != wanted {
        let event = Event::Presence { who: who.clone(), presence: wanted };
        until(client, |seen| (*seen == event).then_some(())).await;
    }
}

/// Waits for one thing while another client's connection goes on; what happens there is not looked at.
macro_rules! while_going_on {
    ($client:expr, $wanted:expr) => {
        tokio::select! {
            found = $wanted => found,
            () = async { loop { $client.event().await; } } => panic!(),
        }
    };
}

#[tokio::test]
async fn two_people_meet() {
    let Some(subject) = subject() else { return };
    let (ann, bob) = (subject.name(0), subject.name(1));

    // A wrong password is refused, and every way to prove the right one is taken.
    let mut wrong = subject.config(0);
    wrong.credentials.password = "not it".into();
    let error = net::connect(&wrong).await.unwrap_err();
    assert!(matches!(error, ConnectError::SignOn(SignOnError::Refused(_))), "{error}");
    for method in [Method::OlderMd5, Method::Roasted] {
        let mut config = subject.config(0);
        config.method = method;
        let mut client = subject.sign_on_as(&config).await;
        client.sign_off();
        client.event().await;
    }

    // Presence, both ways, from lists that the server keeps.
    let mut anns = subject.sign_on(0).await;
    anns.watch(std::slice::from_ref(bob));
    let mut bobs = subject.sign_on(1).await;
    bobs.watch(std::slice::from_ref(ann));
    let here = Presence::Online { away: false, idle_minutes: 0 };
    tokio::join!(sees(&mut anns, bob, here), sees(&mut bobs, ann, here));
    assert!(anns.session().buddy_list().contains(bob));

    // Messages of every kind of character; typing; away.
    for (number, text) in (1u8..).zip(["plain", "<b>&amp; \"q\"\ntwo lines", "café", "日本語 😀"]) {
        anns.send_im([number; 8], bob, text).unwrap();
        let acked =
            until(&mut anns, |event| (*event == Event::ImAcked { cookie: [number; 8] }).then_some(()));
        let ((), received) = tokio::join!(acked, until(&mut bobs, im));
        assert_eq!((received.text.as_str(), received.cookie, &received.from), (text, [number; 8], ann));
    }
    bobs.send_typing(ann, Typing::Typing).unwrap();
    let typing = Event::Typing { from: bob.clone(), typing: Typing::Typing };
    while_going_on!(bobs, until(&mut anns, |event| (*event == typing).then_some(())));
    bobs.set_away(Some("at <lunch>")).unwrap();
    let away = Presence::Online { away: true, idle_minutes: 0 };
    while_going_on!(bobs, sees(&mut anns, bob, away));
    let (session, now) = anns.session_mut();
    session.query_user(bob, now).unwrap();
    let message = until(&mut anns, |event| match event {
        Event::UserInfo { away, .. } => Some(away.clone()),
        _ => None,
    });
    assert_eq!(message.await.as_deref(), Some("at <lunch>"));

    // Who is not there does not get it.
    let nobody = ScreenName::from("nobody here 1");
    anns.send_im([9; 8], &nobody, "hello?").unwrap();
    let refusal = until(&mut anns, |event| match event {
        Event::ImRefused { cookie, code, .. } => Some((*cookie, *code)),
        _ => None,
    });
    assert_eq!(refusal.await, ([9; 8], ErrorCode::NotLoggedOn));

    // The same name again: the newer stays.
    let again = subject.sign_on(0).await;
    let closed = until(&mut anns, |event| match event {
        Event::Closed(reason) => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(closed.await, CloseReason::SignedOnElsewhere);
    drop(again);
    bobs.sign_off();
    assert_eq!(bobs.event().await, Event::Closed(CloseReason::SignedOff));
}

/// Edits the list, and waits for the server's answer to all of it.
async fn edit(
    client: &mut Client<TcpStream>,
    edit: impl FnOnce(&mut Session, std::time::Instant) -> Result<(), SendError>,
) {
    let (session, now) = client.session_mut();
    edit(session, now).unwrap();
    // Answers come in order: that to a question behind the edit comes after those to the edit.
    let own = session.screen_name().clone();
    session.query_user(&own, now).unwrap();
    until(client, |event| {
        assert!(!matches!(event, Event::BuddyListRefused { .. }), "{event:?}");
        matches!(event, Event::UserInfo { .. }).then_some(())
    })
    .await;
}

#[tokio::test]
async fn lists_are_kept_and_a_blocked_person_sees_nobody() {
    let Some(subject) = subject() else { return };
    if subject.accounts.len() < 7 {
        eprintln!("skipped: privacy needs a sixth and a seventh account");
        return;
    }
    let (ann, pest) = (subject.name(5), subject.name(6));
    let mut anns = subject.sign_on(5).await;
    let mut pests = subject.sign_on(6).await;
    edit(&mut anns, |session, now| session.add_buddy("Old friends", pest, now)).await;
    edit(&mut anns, |session, now| session.set_alias(pest, Some("the pest \u{e9}"), now)).await;
    edit(&mut anns, |session, now| session.move_buddy(pest, "Others", now)).await;
    edit(&mut anns, |session, now| session.rename_group("Others", "Pests", now)).await;
    edit(&mut anns, |session, now| session.remove_group("Old friends", now)).await;
    edit(&mut pests, |session, now| session.add_buddy("Friends", ann, now)).await;
    let here = Presence::Online { away: false, idle_minutes: 0 };
    while_going_on!(anns, sees(&mut pests, ann, here));

    edit(&mut anns, |session, now| session.set_privacy(Privacy::NotDenied, now)).await;
    edit(&mut anns, |session, now| session.deny(pest, now)).await;
    while_going_on!(anns, sees(&mut pests, ann, Presence::Offline));
    pests.send_im([1; 8], ann, "hello?").unwrap();
    let refusal = until(&mut pests, |event| match event {
        Event::ImRefused { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(while_going_on!(anns, refusal), ErrorCode::NotLoggedOn);
    anns.sign_off();
    anns.event().await;

    // All of it was kept.
    let mut anns = subject.sign_on(5).await;
    let list = anns.session().buddy_list();
    let buddy = list.buddies().find(|buddy| buddy.screen_name == *pest).unwrap();
    assert_eq!((buddy.group, buddy.alias.as_deref()), ("Pests", Some("the pest \u{e9}")));
    assert!(list.groups().all(|group| group != "Old friends"));
    assert_eq!(list.privacy(), Some(Privacy::NotDenied));
    assert!(list.denied().eq([pest.clone()]));

    edit(&mut anns, |session, now| session.undeny(pest, now)).await;
    while_going_on!(anns, sees(&mut pests, ann, here));
    edit(&mut anns, |session, now| session.set_privacy(Privacy::All, now)).await;
    edit(&mut anns, |session, now| session.remove_group("Pests", now)).await;
    assert!(!anns.session().buddy_list().contains(pest));
}

#[tokio::test]
async fn two_people_share_a_room() {
    let Some(subject) = subject() else { return };
    let (first, second) = (2, 3);
    if subject.accounts.len() < 4 {
        eprintln!("skipped: a room needs the third and fourth account");
        return;
    }
    let mut anns = subject.sign_on(first).await;
    let mut bobs = subject.sign_on(second).await;
    let ready = |event: &Event| match event {
        Event::ServiceReady(service) => Some(service.clone()),
        _ => None,
    };
    let (session, now) = anns.session_mut();
    session.request_service(FoodGroup::ChatNav, now).unwrap();
    let service = until(&mut anns, ready).await;
    let mut nav = subject.service(&service).await;
    nav.find_or_create("staff lounge", EXCHANGE_PRIVATE).unwrap();
    let room = until_service(&mut nav, |event| match event {
        ServiceEvent::RoomFound { room, .. } => Some(room.clone()),
        _ => None,
    });
    let room = room.await;
    let (session, now) = anns.session_mut();
    session.request_room(&room, now).unwrap();
    let service = until(&mut anns, ready).await;
    let mut anns_room = subject.service(&service).await;

    let (session, now) = anns.session_mut();
    session.invite([3; 8], subject.name(second), &room, "come <in>", now).unwrap();
    let invited = until(&mut bobs, |event| match event {
        Event::ChatInvited(invitation) => Some(invitation.clone()),
        _ => None,
    });
    let invitation = while_going_on!(anns, invited);
    assert_eq!((&invitation.from, &invitation.room), (subject.name(first), &room));
    let (session, now) = bobs.session_mut();
    session.request_room(&invitation.room, now).unwrap();
    let service = until(&mut bobs, ready).await;
    let mut bobs_room = subject.service(&service).await;
    bobs_room.say([4; 8], "hello & <all>\n日本").unwrap();
    let said = |event: &ServiceEvent| match event {
        ServiceEvent::Said { from, text, .. } => Some((from.clone(), text.clone())),
        _ => None,
    };
    let (echo, heard) =
        tokio::join!(until_service(&mut bobs_room, said), until_service(&mut anns_room, said));
    assert_eq!(heard, (subject.name(second).clone(), "hello & <all>\n日本".to_owned()));
    assert_eq!(echo, heard);
    bobs_room.leave();
    let left = until_service(&mut anns_room, |event| match event {
        ServiceEvent::Left(who) => Some(who.clone()),
        _ => None,
    });
    let left = while_going_on!(bobs_room, left);
    assert_eq!(left, [subject.name(second).clone()]);
}

#[tokio::test]
async fn as_fast_as_allowed_is_never_too_fast() {
    let Some(subject) = subject() else { return };
    if subject.accounts.len() < 5 {
        eprintln!("skipped: the rate needs a fifth account");
        return;
    }
    let seconds = subject.seconds;
    let mut client = subject.sign_on(4).await;
    let to = subject.name(4).clone();
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut sent, mut acked) = (0u64, 0u64);
    // A message that nobody acknowledges is told as such; the loop ends all the same if that isn't either.
    while Instant::now() < end || (acked < sent && Instant::now() < end + PATIENCE) {
        let wait = client.next_im_credit_in().unwrap();
        if wait.is_zero() && Instant::now() < end {
            sent += 1;
            client.send_im(sent.to_be_bytes(), &to, "tick").unwrap();
        }
        match timeout(wait.max(Duration::from_millis(1)), client.event()).await {
            Ok(Event::ImAcked { .. }) => acked += 1,
            Ok(event @ (Event::NoAcknowledgement { .. } | Event::ImRefused { .. } | Event::Closed(_))) => {
                panic!("after {sent} sent and {acked} acknowledged: {event:?}")
            }
            _ => {}
        }
    }
    eprintln!("{sent} messages sent, {acked} acknowledged in {seconds} s");
    assert_eq!(sent, acked);
    // The stock limits permit a burst of seven and then one each 4 s: 157 in ten minutes.
    let permitted = 7 + seconds / 4;
    assert!(sent >= permitted * 95 / 100, "{sent} of the {permitted} that the stock limits permit");
}
