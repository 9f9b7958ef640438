//! The host seen from its clients: a town of three accounts, whose frames go in and come out as values.

mod faults;
mod hostile;
mod lists;
mod messages;
mod moving;
mod presence;
mod quirks;
mod rooms;
mod sign_on;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use oscar_im::ScreenName;
use oscar_im::foodgroup::bucp::{Challenge, ChallengeRequest, LoginRequest, LoginResponse, newer_hash, tlv};
use oscar_im::foodgroup::buddy::AddBuddies;
use oscar_im::foodgroup::icbm::{ImToHost, channel};
use oscar_im::foodgroup::oservice::{ClientOnline, ClientVersions, GroupVersion};
use oscar_im::foodgroup::{FoodGroup, SnacBody, SnacError};
use oscar_im::wire::flap::{FlapDecoder, FlapProgress};
use oscar_im::wire::{FlapChannel, Frame, SignOnFrame, Snac, Tlvs, Wire};

use super::{Host, Output};
use crate::clock::Clock;
use crate::config::{AccountConfig, Config};
use crate::ending::Ending;
use crate::entropy::Entropy;
use crate::realm::ConnectionId;

/// The password of everybody.
const PASSWORD: &str = "pass1word";

struct Town {
    host: Host,
    clock: Clock,
    connections: u64,
    requests: u32,
    heard: HashMap<ConnectionId, Vec<Frame>>,
    closed: HashMap<ConnectionId, Ending>,
    reading: HashMap<ConnectionId, bool>,
}

/// How a client signs on.
struct SignOn {
    multi: Option<u8>,
    hash: fn(&[u8], &[u8]) -> [u8; 16],
    version: u16,
}

const USUAL: SignOn = SignOn { multi: Some(3), hash: newer_hash, version: 4 };

impl Town {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// Anna, Bert and Carl live there.
    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let accounts = ["Anna", "Bert", "Carl"].map(|name| AccountConfig::new(name, PASSWORD)).to_vec();
        let mut config = Config { accounts, ..Config::default() };
        change(&mut config);
        let clock = Clock::manual();
        let host = Host::new(&config, Entropy::counting(), clock.now());
        let (heard, closed, reading) = Default::default();
        Self { host, clock, connections: 0, requests: 0, heard, closed, reading }
    }

    fn connect(&mut self) -> ConnectionId {
        self.connections += 1;
        let id = ConnectionId(self.connections);
        let local = "192.0.2.1:5190".parse().unwrap();
        self.host.connect(id, IpAddr::from([192, 0, 2, 9]), local, self.clock.now());
        self.listen();
        id
    }

    fn frame(&mut self, id: ConnectionId, channel: FlapChannel, payload: Vec<u8>) {
        self.host.receive(id, &Frame::new(channel, payload), self.clock.now());
        self.listen();
    }

    /// Sends a request, and returns its id.
    fn send<B: SnacBody>(&mut self, id: ConnectionId, body: &B) -> u32 {
        self.requests += 1;
        let snac = Snac::new(self.requests, body).unwrap();
        self.frame(id, FlapChannel::Data, snac.encode().unwrap());
        self.requests
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            self.host.handle_timeout(self.clock.now());
        }
        self.listen();
    }

    fn listen(&mut self) {
        while let Some(output) = self.host.poll_output() {
            match output {
                Output::Write(id, bytes) => {
                    if let Ok(FlapProgress::Frame { frame, .. }) = FlapDecoder::default().decode(&bytes) {
                        self.heard.entry(id).or_default().push(frame);
                    }
                }
                Output::Reading(id, reads) => {
                    self.reading.insert(id, reads);
                }
                Output::Close(id, ending) => {
                    assert!(self.closed.insert(id, ending).is_none(), "closed twice");
                }
            }
        }
    }

    /// The frames that a connection has got since it was last asked.
    fn frames(&mut self, id: ConnectionId) -> Vec<Frame> {
        self.heard.remove(&id).unwrap_or_default()
    }

    /// The SNACs among them.
    fn snacs(&mut self, id: ConnectionId) -> Vec<Snac> {
        let frames = self.frames(id).into_iter().filter(|frame| frame.channel == FlapChannel::Data);
        frames.map(|frame| Snac::decode(&frame.payload).unwrap()).collect()
    }

    /// The bodies of one kind among them.
    fn bodies<B: SnacBody>(&mut self, id: ConnectionId) -> Vec<B> {
        self.snacs(id).iter().filter_map(Snac::body_as).map(Result::unwrap).collect()
    }

    /// The one body of that kind among them.
    #[track_caller]
    fn body<B: SnacBody>(&mut self, id: ConnectionId) -> B {
        let mut bodies = self.bodies(id);
        assert_eq!(bodies.len(), 1, "of {}/{:02x}", B::GROUP, B::SUBGROUP);
        bodies.remove(0)
    }

    /// The answer to a request, if it is an error.
    fn error(&mut self, id: ConnectionId, request: u32) -> Option<SnacError> {
        let snacs = self.snacs(id);
        let snac =
            snacs.iter().find(|snac| snac.request_id == request && snac.subgroup == SnacError::SUBGROUP)?;
        Some(Wire::from_bytes(&snac.body).unwrap())
    }

    /// Goes through the authorizer; the answer's TLVs.
    fn authorize(&mut self, name: &str, how: &SignOn) -> Tlvs {
        let id = self.connect();
        self.frame(
            id,
            FlapChannel::SignOn,
            SignOnFrame { version: 1, tlvs: Tlvs::new() }.to_bytes().unwrap(),
        );
        let name = Tlvs::new().with(tlv::SCREEN_NAME, name);
        self.send(id, &ChallengeRequest { tlvs: name.clone() });
        let answers = self.snacs(id);
        let key = match answers[0].body_as::<Challenge>() {
            Some(key) => key.unwrap().key,
            None => return answers[0].body_as::<LoginResponse>().unwrap().unwrap().tlvs,
        };
        let mut tlvs = name.with(tlv::PASSWORD_HASH, (how.hash)(&key, PASSWORD.as_bytes()));
        if let Some(multi) = how.multi {
            tlvs.push(tlv::MULTI_SIGN_ON, [multi]);
        }
        self.send(id, &LoginRequest { tlvs });
        self.body::<LoginResponse>(id).tlvs
    }

    /// Connects with a cookie.
    fn present(&mut self, cookie: &[u8]) -> ConnectionId {
        let id = self.connect();
        let tlvs = Tlvs::new().with(tlv::COOKIE, cookie);
        self.frame(id, FlapChannel::SignOn, SignOnFrame { version: 1, tlvs }.to_bytes().unwrap());
        id
    }

    /// Signs on as far as the versions.
    fn arrive(&mut self, name: &str, how: &SignOn) -> ConnectionId {
        let tlvs = self.authorize(name, how);
        let id = self.present(tlvs.get(tlv::COOKIE).expect("a cookie"));
        let versions = vec![GroupVersion { group: FoodGroup::Oservice, version: how.version }];
        self.send(id, &ClientVersions { versions });
        id
    }

    /// Signs on, so that others see it, with these buddies; what came on the way is forgotten.
    fn sign_on(&mut self, name: &str, buddies: &[&str]) -> ConnectionId {
        let id = self.arrive(name, &USUAL);
        if !buddies.is_empty() {
            let names = buddies.iter().map(|name| ScreenName::from(*name)).collect();
            self.send(id, &AddBuddies { names });
        }
        self.send(id, &ClientOnline::default());
        self.frames(id);
        id
    }

    fn sign_off(&mut self, id: ConnectionId) {
        self.frame(id, FlapChannel::SignOff, Vec::new());
    }
}

/// A plain message with these TLVs beside its text.
fn im(to: &str, flags: &[u16]) -> ImToHost {
    let mut tlvs = Tlvs::new().with(
        oscar_im::foodgroup::icbm::tlv::MESSAGE,
        b"\x05\x01\x00\x01\x01\x01\x01\x00\x06\x00\x00\x00\x00hi",
    );
    for flag in flags {
        tlvs.push(*flag, []);
    }
    ImToHost { cookie: *b"12345678", channel: channel::IM, to: to.into(), tlvs }
}

/// What a message asks for: an acknowledgement, and to be stored.
const ACK: u16 = oscar_im::foodgroup::icbm::tlv::HOST_ACK;
const STORE: u16 = oscar_im::foodgroup::icbm::tlv::STORE;
