//! The staff room on the wire: the bridge's link and staff's clients in a room of the server double.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::time::Duration;

use bridge::aim::event::{AccountId, AimCommand, AimEvent, ImCookie, RoomEvent};
use bridge::aim::link::{self, LinkChannels, LinkConfig, Room};
use bridge::backoff::Backoff;
use bridge::connect::Endpoint;
use oscar_im::foodgroup::FoodGroup;
use oscar_im::foodgroup::chat::RoomId;
use oscar_im::foodgroup::chat_nav::EXCHANGE_PRIVATE;
use oscar_im::net::{self, Client, ServiceClient};
use oscar_im::service::Event as InRoom;
use oscar_im::session::{Event, Invitation};
use oscar_im::sign_on::Credentials;
use oscar_im::{ScreenName, session};
use oscar_mock::Server;
use oscar_mock::config::Rates;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(20);

struct Bridge {
    events: mpsc::Receiver<(AccountId, AimEvent)>,
    commands: mpsc::Sender<AimCommand>,
}

impl Bridge {
    async fn start(server: &oscar_mock::Running, room: Room) -> Self {
        let address = server.address();
        let endpoint = Endpoint { host: address.ip().to_string(), port: address.port(), tls: None };
        let quick = Backoff {
            first: Duration::from_millis(20),
            longest: Duration::from_millis(20),
            settled: Duration::from_secs(60),
        };
        let password = program::Secret::new("pass1word");
        let mut config = LinkConfig::new(AccountId(0), endpoint, "bridgebot".into(), password);
        (config.backoff, config.patience, config.room) = (quick, quick, room);
        let (to_hub, events) = mpsc::channel(256);
        let (commands, from_hub) = mpsc::channel(64);
        let channels = LinkChannels { events: to_hub, commands: from_hub };
        tokio::spawn(link::run(config, channels, CancellationToken::new()));
        let bridge = Self { events, commands };
        bridge.wants(AimCommand::Watch(vec!["staff1".into()])).await;
        bridge
    }

    async fn wants(&self, command: AimCommand) {
        self.commands.send(command).await.unwrap();
    }

    /// What happens next in the room.
    async fn room(&mut self) -> RoomEvent {
        let next = async {
            loop {
                if let (_, AimEvent::Room(event)) = self.events.recv().await.expect("the link lives") {
                    return event;
                }
            }
        };
        timeout(SOON, next).await.expect("in time")
    }

    async fn until(&mut self, wanted: impl Fn(&AimEvent) -> bool) {
        let search = async { while !wanted(&self.events.recv().await.expect("the link lives").1) {} };
        timeout(SOON, search).await.expect("in time");
    }
}

async fn server() -> oscar_mock::Running {
    let accounts = [("bridgebot", "pass1word"), ("staff1", "demo"), ("eve", "demo")];
    let builder = accounts.iter().fold(Server::builder(), |all, (name, word)| all.account(*name, *word));
    builder.rates(Rates::None).start().await.unwrap()
}

/// A person with an AIM client, in at most one room.
struct Person {
    client: Client<TcpStream>,
    room: Option<ServiceClient<TcpStream>>,
    port: u16,
}

impl Person {
    async fn sign_on(server: &oscar_mock::Running, name: &str) -> Self {
        let credentials = Credentials { screen_name: ScreenName::from(name), password: "demo".into() };
        let address = server.address();
        let config = net::Config::new(address.ip().to_string(), address.port(), credentials);
        let client = net::connect(&config).await.unwrap();
        let mut person = Self { client, room: None, port: address.port() };
        person.until(|event| matches!(event, Event::SignedOn { .. }).then_some(())).await;
        person
    }

    async fn until<T>(&mut self, wanted: impl Fn(Event) -> Option<T>) -> T {
        let search = async {
            loop {
                if let Some(found) = wanted(self.client.event().await) {
                    return found;
                }
            }
        };
        timeout(SOON, search).await.expect("in time")
    }

    async fn invitation(&mut self) -> Invitation {
        self.until(|event| if let Event::ChatInvited(invitation) = event { Some(invitation) } else { None })
            .await
    }

    async fn service(&mut self) -> ServiceClient<TcpStream> {
        let wanted = |event| if let Event::ServiceReady(service) = event { Some(service) } else { None };
        let service: session::Service = self.until(wanted).await;
        net::connect_service(&service, self.port).await.unwrap()
    }

    async fn enter(&mut self, room: &RoomId) {
        let (session, now) = self.client.session_mut();
        session.request_room(room, now).unwrap();
        self.room = Some(self.service().await);
        self.hears(|event| matches!(event, InRoom::Joined(_)).then_some(())).await;
    }

    /// Makes a room, and goes in.
    async fn make_room(&mut self, name: &str) -> RoomId {
        let (session, now) = self.client.session_mut();
        session.request_service(FoodGroup::ChatNav, now).unwrap();
        self.room = Some(self.service().await);
        self.hears(|event| (*event == InRoom::Ready).then_some(())).await;
        self.room.as_mut().unwrap().find_or_create(name, EXCHANGE_PRIVATE).unwrap();
        let room = self
            .hears(|event| if let InRoom::RoomFound { room, .. } = event { Some(room.clone()) } else { None })
            .await;
        self.enter(&room).await;
        room
    }

    async fn hears<T>(&mut self, wanted: impl Fn(&InRoom) -> Option<T>) -> T {
        let room = self.room.as_mut().expect("in a room");
        let search = async {
            loop {
                // The session has to go on meanwhile.
                tokio::select! {
                    event = room.event() => if let Some(found) = wanted(&event) { return found },
                    _ = self.client.event() => {}
                }
            }
        };
        timeout(SOON, search).await.expect("in time")
    }
}

fn said(event: &InRoom) -> Option<String> {
    if let InRoom::Said { text, .. } = event { Some(text.clone()) } else { None }
}

#[tokio::test]
async fn the_bridge_makes_the_room_invites_speaks_listens_and_comes_back() {
    let server = server().await;
    let mut bridge = Bridge::start(&server, Room::Named("Support room".into())).await;
    assert_eq!(bridge.room().await, RoomEvent::Entered(vec![]));
    let mut staff = Person::sign_on(&server, "staff1").await;
    bridge.until(|event| matches!(event, AimEvent::Presence { .. })).await;

    let (cookie, to) = (ImCookie([1; 8]), ScreenName::from("staff1"));
    bridge.wants(AimCommand::Invite { cookie, to, text: "come in".into() }).await;
    let invitation = staff.invitation().await;
    assert_eq!((invitation.from.as_str(), invitation.text.as_str()), ("bridgebot", "come in"));
    staff.enter(&invitation.room).await;
    assert_eq!(bridge.room().await, RoomEvent::Joined(vec!["staff1".into()]));

    let cookie = ImCookie([2; 8]);
    bridge.wants(AimCommand::Say { cookie, text: "anna: <b>1 < 2</b> 😀\nanna: bye".into() }).await;
    assert_eq!(staff.hears(said).await, "anna: <b>1 < 2</b> 😀\nanna: bye");
    assert_eq!(bridge.room().await, RoomEvent::Reflected { cookie });

    staff.room.as_mut().unwrap().say([3; 8], "anna: hello").unwrap();
    let heard =
        RoomEvent::Said { from: "staff1".into(), cookie: ImCookie([3; 8]), text: "anna: hello".into() };
    // The line leaves when the client's connection is driven.
    let (_, event) = tokio::join!(staff.hears(said), bridge.room());
    assert_eq!(event, heard);

    server.disconnect("bridgebot").await.unwrap();
    bridge.until(|event| matches!(event, AimEvent::Lost { .. })).await;
    assert_eq!(bridge.room().await, RoomEvent::Entered(vec!["staff1".into()]));
    staff.room = None;
    assert_eq!(bridge.room().await, RoomEvent::Left(vec!["staff1".into()]));
}

#[tokio::test]
async fn an_invitation_from_staff_is_followed_and_one_from_others_is_not() {
    let server = server().await;
    let mut bridge = Bridge::start(&server, Room::Invited).await;
    bridge.until(|event| matches!(event, AimEvent::SignedOn { .. })).await;
    let mut eve = Person::sign_on(&server, "eve").await;
    let trap = eve.make_room("trap").await;
    let invite = |person: &mut Person, room: &RoomId| {
        let (session, now) = person.client.session_mut();
        session.invite([5; 8], &"bridgebot".into(), room, "come", now).unwrap();
    };
    invite(&mut eve, &trap);
    let mut staff = Person::sign_on(&server, "staff1").await;
    let room = staff.make_room("lounge").await;
    invite(&mut staff, &room);
    let joined = |event: &InRoom| {
        if let InRoom::Joined(who) = event { Some(who.clone()) } else { None }
    };
    let (who, entered, ()) = tokio::join!(staff.hears(joined), bridge.room(), async {
        // Eve's client goes on, so that her invitation has left.
        let _ = timeout(Duration::from_millis(100), eve.client.event()).await;
    });
    assert_eq!(who, ["bridgebot".into()]);
    assert_eq!(entered, RoomEvent::Entered(vec!["staff1".into()]));
}
