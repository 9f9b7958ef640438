//! Machines live through any frames, in any state, and what they hold is bounded.

use oscar_im::ScreenName;
use oscar_im::foodgroup::chat::RoomId;
use oscar_im::foodgroup::oservice::{
    GroupVersion, HostOnline, HostVersions, RateMember, RateMembers, RateParams,
};
use oscar_im::foodgroup::{FoodGroup, SnacBody, chat_nav, feedbag, pd};
use oscar_im::rate::STOCK_IM;
use oscar_im::service::{self, ServiceSession};
use oscar_im::session::{Config, Event, Service, Session};
use oscar_im::sign_on::{Address, Credentials, Identity, Method, SignOn};
use oscar_im::wire::flap::FlapProgress;
use oscar_im::wire::{FlapChannel, FlapDecoder, Frame, Snac, SnacFlags, Tlvs};
use std::time::{Duration, Instant};

/// What a machine may give out at once, for a frame of so many bytes: the answers and events of its smallest parts.
fn most(bytes: usize) -> usize {
    600 + bytes
}

/// Every method of signing on, and an outcome that stays what it is.
pub(crate) fn sign_on(data: &[u8]) {
    for method in [Method::NewerMd5, Method::OlderMd5, Method::Roasted] {
        let credentials = Credentials { screen_name: staff(1), password: "secret".into() };
        let mut machine = SignOn::new(credentials, Identity::default(), method);
        for frame in whole_frames(data) {
            let before = machine.outcome().cloned();
            machine.receive(&frame);
            assert!(before.is_none() || machine.outcome() == before.as_ref());
            assert!(std::iter::from_fn(|| machine.poll_transmit()).count() <= 4);
        }
        machine.closed();
        assert!(machine.outcome().is_some());
    }
}

/// A session from its first frame on.
pub(crate) fn session(data: &[u8]) {
    let now = Instant::now();
    let mut session = Session::new(Config::default(), ScreenName::from("bridgebot"), b"cookie", now);
    session.watch(&[staff(1), staff(2)], now);
    let mut driver = Driver { session, now, ids: Vec::new(), over: false };
    for (at, frame) in whole_frames(data).iter().enumerate() {
        driver.receive(frame);
        driver.send();
        if at % 3 == 0 {
            driver.wait();
        }
    }
}

/// A session that is signed on, with messages that wait for their acknowledgement, an edit of the buddy list under way
/// and services asked for; then any SNACs, whose ids are those of our requests, and time.
pub(crate) fn online(data: &[u8]) {
    let now = Instant::now();
    let session = Session::new(Config::default(), ScreenName::from("bridgebot"), b"cookie", now);
    let mut driver = Driver { session, now, ids: Vec::new(), over: false };
    driver.says(&HostOnline { groups: GROUPS.to_vec() });
    let versions = GROUPS.map(|group| GroupVersion { group, version: 1 }).to_vec();
    driver.says(&HostVersions { versions });
    driver.says(&rates());
    driver.says(&pd::Rights { tlvs: Tlvs::new() });
    driver.says(&feedbag::Reply { version: 0, items: Vec::new(), last_change: 0 });
    assert!(driver.session.is_online());
    driver.session.watch(&[staff(1), staff(2), staff(3)], now);
    for _ in 0..5 {
        driver.send();
    }
    let room = RoomId { exchange: 4, cookie: b"4-0-room".to_vec(), instance: 0 };
    driver.session.request_room(&room, now).unwrap();
    driver.session.request_service(FoodGroup::ChatNav, now).unwrap();
    driver.session.query_user(&staff(1), now).unwrap();
    driver.drain(0);

    let mut rest = data;
    while let Some((&choice, behind)) = rest.split_first() {
        rest = behind;
        match choice {
            0xf0.. => driver.send(),
            0xe0..0xf0 => driver.wait(),
            0xd0..0xe0 => driver.now += Duration::from_millis(100 << (choice & 7)),
            0xc0..0xd0 => {
                let payload = taken(&mut rest);
                driver.receive(&Frame::new((choice & 7).into(), payload));
            }
            _ => {
                let Some((&[subgroup, id, flags], behind)) = rest.split_first_chunk::<3>() else { break };
                rest = behind;
                let snac = Snac {
                    group: GROUPS[usize::from(choice) % GROUPS.len()],
                    subgroup: u16::from(subgroup),
                    flags: SnacFlags(u16::from(flags & 1)),
                    request_id: driver.ids.get(usize::from(id)).copied().unwrap_or_default(),
                    extension: None,
                    body: taken(&mut rest),
                };
                driver.receive(&Frame::snac(&snac).unwrap());
            }
        }
    }
}

/// The room finder, from its first frame on, and the same in a room.
pub(crate) fn service(data: &[u8]) {
    for (group, room) in [(FoodGroup::ChatNav, None), (FoodGroup::Chat, Some(RoomId::default()))] {
        let now = Instant::now();
        let address = Address { host: "localhost".into(), port: None };
        let mut service = ServiceSession::new(&Service { group, address, cookie: vec![7; 8], room }, now);
        drive_service(&mut service, &whole_frames(data), now);
    }
}

/// A room that is entered, and any bodies of its group.
pub(crate) fn room(data: &[u8]) {
    let now = Instant::now();
    let address = Address { host: "localhost".into(), port: None };
    let asked =
        Service { group: FoodGroup::Chat, address, cookie: vec![7; 8], room: Some(RoomId::default()) };
    let mut service = ServiceSession::new(&asked, now);
    let versions = vec![GroupVersion { group: FoodGroup::Chat, version: 1 }];
    let mut frames = vec![
        Frame::body(0, &HostOnline { groups: vec![FoodGroup::Chat] }).unwrap(),
        Frame::body(0, &HostVersions { versions }).unwrap(),
        Frame::body(0, &rates()).unwrap(),
    ];
    let mut rest = data;
    while let Some((&subgroup, behind)) = rest.split_first() {
        rest = behind;
        let snac = Snac {
            group: if subgroup & 0x80 == 0 { FoodGroup::Chat } else { FoodGroup::Oservice },
            subgroup: u16::from(subgroup & 0x7f),
            flags: SnacFlags::default(),
            request_id: 0,
            extension: None,
            body: taken(&mut rest),
        };
        frames.push(Frame::snac(&snac).unwrap());
    }
    drive_service(&mut service, &frames, now);
}

fn drive_service(service: &mut ServiceSession, frames: &[Frame], mut now: Instant) {
    let mut over = false;
    for frame in frames {
        service.receive(frame, now);
        let _ = service.say([1; 8], "hello <all>", now);
        let _ = service.find_or_create("lounge", chat_nav::EXCHANGE_PRIVATE, now);
        now = service.poll_timeout(now).unwrap_or(now).max(now);
        service.handle_timeout(now);
        assert!(std::iter::from_fn(|| service.poll_transmit()).count() <= most(frame.payload.len()));
        let events: Vec<service::Event> = std::iter::from_fn(|| service.poll_event()).collect();
        assert!(events.len() <= most(frame.payload.len()));
        assert!(!over || events.is_empty(), "an event after the last one: {events:?}");
        over |= matches!(events.last(), Some(service::Event::Closed(_)));
    }
}

/// A session, its clock, and the ids of what it asked.
struct Driver {
    session: Session,
    now: Instant,
    ids: Vec<u32>,
    over: bool,
}

impl Driver {
    fn says(&mut self, body: &impl SnacBody) {
        self.receive(&Frame::body(0, body).unwrap());
    }

    fn receive(&mut self, frame: &Frame) {
        self.session.receive(frame, self.now);
        self.drain(frame.payload.len());
    }

    fn send(&mut self) {
        let _ = self.session.send_im([7; 8], &staff(1), "hello", self.now);
        self.drain(0);
    }

    /// To the next deadline.
    fn wait(&mut self) {
        self.now = self.session.poll_timeout(self.now).unwrap_or(self.now).max(self.now);
        self.session.handle_timeout(self.now);
        self.drain(0);
    }

    fn drain(&mut self, received: usize) {
        let mut sent = 0;
        while let Some(frame) = self.session.poll_transmit() {
            frame.encode().unwrap();
            sent += 1;
            if frame.channel == FlapChannel::Data && self.ids.len() < 256 {
                self.ids.push(Snac::decode(&frame.payload).unwrap().request_id);
            }
        }
        assert!(sent <= most(received), "{sent} frames for {received} bytes");
        let mut told = 0;
        while let Some(event) = self.session.poll_event() {
            assert!(!self.over, "an event after the last one: {event:?}");
            self.over = matches!(event, Event::Closed(_));
            told += 1;
        }
        assert!(told <= most(received), "{told} events for {received} bytes");
    }
}

const GROUPS: [FoodGroup; 14] = [
    FoodGroup::Oservice,
    FoodGroup::Locate,
    FoodGroup::Buddy,
    FoodGroup::Icbm,
    FoodGroup::Pd,
    FoodGroup::Stats,
    FoodGroup::ChatNav,
    FoodGroup::Chat,
    FoodGroup::Bart,
    FoodGroup::Feedbag,
    FoodGroup::Icq,
    FoodGroup::Bucp,
    FoodGroup::Alert,
    FoodGroup::Other(0x7777),
];

/// One class, for messages.
fn rates() -> RateParams {
    let members = vec![RateMember { group: FoodGroup::Icbm, subgroup: 6 }];
    RateParams { classes: vec![STOCK_IM], members: vec![RateMembers { class: 3, members }] }
}

fn staff(number: u8) -> ScreenName {
    ScreenName::new(format!("Staff {number}"))
}

/// The next bytes, as many as the byte in front of them says, or what there is.
fn taken(rest: &mut &[u8]) -> Vec<u8> {
    let Some((&length, behind)) = rest.split_first() else { return Vec::new() };
    let (taken, behind) = behind.split_at(behind.len().min(usize::from(length)));
    *rest = behind;
    taken.to_vec()
}

/// The frames that the bytes hold, at most 64.
fn whole_frames(data: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut rest = data;
    while let Ok(FlapProgress::Frame { frame, consumed }) = FlapDecoder::default().decode(rest)
        && frames.len() < 64
    {
        frames.push(frame);
        rest = &rest[consumed..];
    }
    frames
}
