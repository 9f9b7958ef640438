//! A host with the accounts of the captures, on which one scene is played.

use std::collections::BTreeMap;

use oscar_im::ScreenName;
use oscar_im::foodgroup::bucp::{Challenge, LoginRequest, newer_hash, older_hash};
use oscar_im::foodgroup::chat::UsersJoined;
use oscar_im::foodgroup::feedbag::Reply;
use oscar_im::foodgroup::icbm::ImToClient;
use oscar_im::foodgroup::oservice::{ClientOnline, OwnUserInfo};
use oscar_im::foodgroup::{UserInfo, buddy, chat_nav, user_info};
use oscar_im::wire::{SignOnFrame, Tlvs, Wire};
use testkit::capture::{self, Captured};

use super::super::*;
use super::{ROOM, Scene, decode, snac};
use crate::clock::Clock;
use crate::realm::Sharing;
use crate::realm::rooms::Occupant;

/// The BOS connection of a scene that plays another connection of the session.
const BOS: ConnectionId = ConnectionId(99);

/// A host with the accounts of the captures, and one scene's connection to it.
pub(super) struct Stage {
    host: Host,
    clock: Clock,
    /// None where the capture's name is unknown.
    account: Option<AccountId>,
    connection: ConnectionId,
    companions: BTreeMap<String, ConnectionId>,
    /// The key that the client was given, then and now.
    keys: (Vec<u8>, Vec<u8>),
    heard: Vec<Frame>,
    service: Service,
}

impl Stage {
    pub(super) fn new(scene: &Scene, service: Service, theirs: &[Frame]) -> Self {
        let names = ["Staff One", "bridgebot", "visitor3"];
        let config = Config {
            accounts: names.map(|name| AccountConfig::new(name, "pass1word")).to_vec(),
            signon_limit: (scene.capture == "raw-auth-address-limited").then_some(0),
            ..Config::default()
        };
        let clock = Clock::manual();
        let host = Host::new(&config, Entropy::counting(), clock.now());
        let account = host.realm.find(&ScreenName::from(scene.account));
        let mut stage = Self {
            host,
            clock,
            account,
            connection: ConnectionId(1),
            companions: BTreeMap::new(),
            keys: Default::default(),
            heard: Vec::new(),
            service,
        };
        stage.host.realm.rooms.open(chat_nav::EXCHANGE_PRIVATE, b"stafflounge", 0).unwrap();
        let snacs: Vec<Snac> = theirs.iter().filter_map(snac).collect();
        if let Some(account) = account {
            stage.restore(account, &snacs);
        }
        for name in scene.present {
            stage.companion_is(&UserInfo::new(ScreenName::from(*name)));
        }
        if let (Some(account), true) = (account, stage.service != Service::Bos) {
            stage.sign_on(BOS, account);
        }
        let there = snacs.iter().find_map(Snac::body_as::<UsersJoined>);
        let there = there.map(|joined| joined.unwrap().infos).unwrap_or_default();
        for info in there.iter().filter(|info| info.screen_name != ScreenName::from(scene.account)) {
            stage.companion_is(info);
            let account = stage.host.realm.find(&info.screen_name).unwrap();
            let occupant = Occupant {
                session: stage.host.realm.account(account).sessions[0],
                connection: ConnectionId(500),
            };
            assert!(stage.host.realm.rooms.enter(ROOM, occupant));
        }
        stage
    }

    /// Gives the account the buddy list that it had when the capture was taken; where the client didn't ask for it, the
    /// icon that the server knew. Also the warnings that it had.
    fn restore(&mut self, account: AccountId, snacs: &[Snac]) {
        let now = self.clock.now();
        let account = self.host.realm.account_mut(account);
        let own = snacs.iter().find_map(Snac::body_as::<OwnUserInfo>);
        let own = own.map(|own| own.unwrap().infos[0].clone());
        account.warning = own.as_ref().map_or(0, |own| own.warning);
        if let Some(reply) = snacs.iter().find_map(Snac::body_as::<Reply>) {
            for item in reply.unwrap().items {
                account.feedbag.put(item, now.unix);
            }
        } else if let Some(icon) = own.as_ref().and_then(|own| own.tlvs.get(user_info::tlv::BART)) {
            use oscar_im::foodgroup::feedbag::{Item, class, tlv};
            let kind = u16::from_be_bytes([icon[0], icon[1]]);
            let tlvs = Tlvs::new().with(tlv::ICON, &icon[2..]);
            let item = Item { name: kind.to_string(), item: 1, class: class::ICON, tlvs, group: 0 };
            account.feedbag.put(item, now.unix);
        }
    }

    /// Plays the client's side, with the others coming and going as the client saw them, and returns what the host sent.
    pub(super) fn play(mut self, frames: &[Captured]) -> Vec<Frame> {
        let local = "127.0.0.1:5190".parse().unwrap();
        self.host.connect(self.connection, local_ip(), local, self.clock.now());
        let mut at = Duration::ZERO;
        for captured in frames {
            let next = Duration::from_secs_f64(captured.seconds);
            self.pass(next.saturating_sub(at));
            at = at.max(next);
            let frame = decode(&captured.bytes);
            match captured.direction {
                capture::Direction::ClientToServer => {
                    let frame = self.carry_over(frame);
                    self.host.receive(self.connection, &frame, self.clock.now());
                    self.listen();
                }
                capture::Direction::ServerToClient => self.follow(&frame),
            }
        }
        self.pass(Duration::from_secs(1));
        self.heard
    }

    /// Lets time pass, second by second, as a server's timers would.
    fn pass(&mut self, mut time: Duration) {
        while time > Duration::ZERO {
            let step = time.min(Duration::from_secs(1));
            self.clock.advance(step);
            self.host.handle_timeout(self.clock.now());
            time -= step;
        }
        self.listen();
    }

    fn listen(&mut self) {
        while let Some(output) = self.host.poll_output() {
            if let Output::Write(id, bytes) = output
                && id == self.connection
            {
                let frame = decode(&bytes);
                if let Some(Ok(key)) = snac(&frame).and_then(|snac| snac.body_as::<Challenge>()) {
                    self.keys.1 = key.key;
                }
                self.heard.push(frame);
            }
        }
    }

    /// Puts our cookie and our key's hash where the client had the real server's.
    fn carry_over(&mut self, mut frame: Frame) -> Frame {
        if frame.channel == FlapChannel::SignOn {
            let mut hello: SignOnFrame = Wire::from_bytes(&frame.payload).unwrap();
            if hello.tlvs.has(tlv::COOKIE) {
                let account = self.account.unwrap();
                let service = |group, room| Ticket::Service {
                    session: self.host.realm.account(account).sessions[0],
                    group,
                    room,
                };
                let ticket = match self.service.clone() {
                    Service::Bos => shared(account),
                    Service::Other(group) => service(group, None),
                    Service::Room(room) => service(FoodGroup::Chat, Some(room)),
                };
                let now = self.clock.now().instant;
                let cookie = self.host.tickets.issue(ticket, &mut self.host.entropy, now);
                hello.tlvs.set(tlv::COOKIE, cookie);
                frame.payload = hello.to_bytes().unwrap();
            }
        }
        let login = snac(&frame).and_then(|snac| Some((snac.body_as::<LoginRequest>()?.unwrap(), snac)));
        if let Some((mut login, mut snac)) = login {
            let hash = login.tlvs.get(tlv::PASSWORD_HASH).unwrap();
            let (then, now) = &self.keys;
            let password = b"pass1word";
            let ours = if hash == newer_hash(then, password) {
                Some(newer_hash(now, password))
            } else if hash == older_hash(then, password) {
                Some(older_hash(now, password))
            } else {
                // A wrong password stays one.
                None
            };
            if let Some(hash) = ours {
                login.tlvs.set(tlv::PASSWORD_HASH, hash);
            }
            snac.body = login.to_bytes().unwrap();
            frame.payload = snac.encode().unwrap();
        }
        frame
    }

    /// Draws from what the client was told what the others were doing.
    fn follow(&mut self, frame: &Frame) {
        if frame.channel == FlapChannel::SignOff {
            self.end_of_session();
        }
        let Some(snac) = snac(frame) else { return };
        if let Some(Ok(im)) = snac.body_as::<ImToClient>()
            && let (Some(from), Some(account)) = (self.host.realm.find(&im.from.screen_name), self.account)
        {
            self.host.realm.account_mut(account).heard_from.insert(from);
        }
        if let Some(key) = snac.body_as::<Challenge>() {
            self.keys.0 = key.unwrap().key;
        }
        if let Some(arrived) = snac.body_as::<buddy::Arrived>() {
            for info in arrived.unwrap().infos {
                self.companion_is(&info);
            }
        }
        if let Some(departed) = snac.body_as::<buddy::Departed>() {
            for info in departed.unwrap().infos {
                if let Some(connection) = self.companions.remove(info.screen_name.normal()) {
                    self.host.disconnect(connection, Ending::SignedOff, self.clock.now());
                }
            }
        }
        self.listen();
    }

    /// The client was signed off: on BOS because the account signed on elsewhere (unless the host has ended the session
    /// by its own rules), on another connection because BOS ended.
    fn end_of_session(&mut self) {
        let Some(account) = self.account else { return };
        let now = self.clock.now();
        if self.service != Service::Bos {
            self.host.disconnect(BOS, Ending::SignedOff, now);
        } else if !self.host.realm.account(account).sessions.is_empty() {
            self.host.connect(BOS, local_ip(), "127.0.0.1:5190".parse().unwrap(), now);
            let ticket = Ticket::Bos { account, sharing: Sharing::Single, knows_multi: true };
            self.host.admit(BOS, ticket, now).unwrap();
            self.host.flush(now);
        }
    }

    fn sign_on(&mut self, connection: ConnectionId, account: AccountId) {
        let now = self.clock.now();
        self.host.connect(connection, local_ip(), "127.0.0.1:5190".parse().unwrap(), now);
        self.host.admit(connection, shared(account), now).unwrap();
        let ready = Snac::new(1, &ClientOnline::default()).unwrap();
        self.host.receive(connection, &Frame::snac(&ready).unwrap(), now);
    }

    /// Somebody else is signed on, and looks like this.
    fn companion_is(&mut self, info: &UserInfo) {
        let account = self.host.realm.find(&info.screen_name).unwrap();
        let next = ConnectionId(100 + self.companions.len() as u64);
        let connection = *self.companions.entry(info.screen_name.normal().to_owned()).or_insert(next);
        if self.host.realm.foremost(account).is_none() {
            self.sign_on(connection, account);
        }
        let session = self.host.realm.account(account).sessions[0];
        let session = self.host.realm.session_mut(session).unwrap();
        session.status = info.tlvs.number(user_info::tlv::STATUS).unwrap_or_default();
        let (capabilities, _) =
            info.tlvs.get(user_info::tlv::CAPABILITIES).unwrap_or_default().as_chunks::<16>();
        session.capabilities = capabilities.to_vec();
    }
}

const fn shared(account: AccountId) -> Ticket {
    Ticket::Bos { account, sharing: Sharing::Shared, knows_multi: true }
}

fn local_ip() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}
