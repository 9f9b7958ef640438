//! The server as a pure machine: connections, frames and the time go in; bytes and close orders come out.
//!
//! One of these owns the whole realm, and one task owns it. It waits for nobody: what a connection can't take is that
//! connection's end, decided outside.

mod faulty;
mod moving;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oscar_im::foodgroup::bucp::tlv;
use oscar_im::foodgroup::oservice::ClientOnline;
use oscar_im::foodgroup::{ErrorCode, FoodGroup, SnacBody, SnacError};
use oscar_im::wire::{FlapChannel, Frame, Snac, flap};

use self::faulty::{Delayed, Fate, Held};
use self::moving::Moves;
use crate::authenticator::{Attempts, Authenticator};
use crate::bos::{self, Caller, Context, Service};
use crate::clock::Now;
use crate::config::{AccountConfig, Config, Quirks, Rates};
use crate::ending::Ending;
use crate::entropy::Entropy;
use crate::faults::Faults;
use crate::journal::{Direction, Recorder};
use crate::outbox::{Outbox, Post};
use crate::rates::{self, Levels, Verdict};
use crate::realm::feedbag::Feedbag;
use crate::realm::{AccountId, ConnectionId, Realm, SessionId};
use crate::tickets::{Ticket, Tickets};

/// The first sequence number that a server sends, as open-oscar-server's is.
const FIRST_SEQUENCE: u16 = 100;
/// How long a sign-on may take.
const SIGN_ON_TIME: Duration = Duration::from_secs(30);
/// Frames that a client may send while it signs on.
const SIGN_ON_FRAMES: u8 = 10;
/// How often sessions near their limits are looked at.
const RATE_POLL: Duration = Duration::from_secs(1);

/// What of the configuration holds for the whole life of the server.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) advertise: Option<String>,
    pub(crate) open: bool,
    pub(crate) rates: Rates,
    pub(crate) signon_limit: Option<u32>,
    pub(crate) quirks: Quirks,
}

/// What is to be done with a socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send these bytes.
    Write(ConnectionId, Vec<u8>),
    /// Read on from here (true), or no more until this is said again.
    Reading(ConnectionId, bool),
    /// Close it when all is sent.
    Close(ConnectionId, Ending),
}

/// All state of the server.
pub(crate) struct Host {
    settings: Settings,
    realm: Realm,
    tickets: Tickets,
    attempts: Attempts,
    entropy: Entropy,
    connections: HashMap<ConnectionId, Connection>,
    outbox: Outbox,
    outputs: VecDeque<Output>,
    /// Connections that must have signed on by a time; all wait equally long, so the first is the next.
    sign_ons: VecDeque<(Instant, ConnectionId)>,
    rate_poll: Option<Instant>,
    recorder: Recorder,
    faults: Faults,
    /// What faults hold back, by the time at which it happens and in the order in which it came.
    delayed: BTreeMap<(Instant, u64), (ConnectionId, Delayed)>,
    delays: u64,
    /// The request whose acknowledgement is kept back while it is carried out.
    muted: Option<(ConnectionId, u32)>,
    /// Sessions on their way from one connection to another.
    moves: Moves,
    /// Sessions that are to end as soon as all envelopes are out.
    strays: Vec<(SessionId, Ending)>,
}

#[derive(Debug)]
struct Connection {
    peer: IpAddr,
    address: Arc<str>,
    sequence: u16,
    /// Whether the sign-on named TLV 4A: if not, it may get the short sign-off.
    knows_multi: bool,
    role: Role,
    held: Held,
}

#[derive(Debug)]
enum Role {
    /// Connected; its first frame says what it wants.
    Greeting,
    /// Signing on.
    Authorizer { authenticator: Authenticator, frames: u8 },
    /// Let in by a cookie.
    SignedOn { session: SessionId, account: AccountId, service: Service },
}

impl Host {
    /// With the accounts of a configuration, and nobody signed on.
    pub(crate) fn new(config: &Config, entropy: Entropy, now: Now) -> Self {
        let settings = Settings {
            advertise: config.advertise.clone(),
            open: config.open,
            rates: config.rates,
            signon_limit: config.signon_limit,
            quirks: config.quirks,
        };
        let mut host = Self {
            settings,
            realm: Realm::default(),
            tickets: Tickets::default(),
            attempts: Attempts::default(),
            entropy,
            connections: HashMap::new(),
            outbox: Outbox::default(),
            outputs: VecDeque::new(),
            sign_ons: VecDeque::new(),
            rate_poll: None,
            recorder: Recorder::new(config.journal),
            faults: Faults::default(),
            delayed: BTreeMap::new(),
            delays: 0,
            muted: None,
            moves: Moves::new(),
            strays: Vec::new(),
        };
        for account in &config.accounts {
            host.add_account(account, now);
        }
        for fault in &config.faults {
            host.faults.add(fault.clone());
        }
        host
    }

    /// Adds an account or changes the password of one. False: there are too many, or the name can't be one.
    pub(crate) fn add_account(&mut self, config: &AccountConfig, now: Now) -> bool {
        if !config.name.is_valid() {
            return false;
        }
        let is_new = self.realm.find(&config.name).is_none();
        let key = self.entropy.key();
        let Some(id) = self.realm.add_account(config.name.clone(), config.password.clone(), key) else {
            return false;
        };
        let account = self.realm.account_mut(id);
        account.bot = config.bot;
        if is_new {
            account.feedbag = Feedbag::with_buddies(&config.buddies, now.unix);
        }
        true
    }

    /// What is known of everybody, for the control interface.
    pub(crate) const fn realm(&self) -> &Realm {
        &self.realm
    }

    /// What has been seen and sent.
    pub(crate) const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The same, to make it forget or tell.
    pub(crate) const fn recorder_mut(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// What is to go wrong.
    pub(crate) const fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// A client has connected from `peer` to `local`.
    pub(crate) fn connect(&mut self, id: ConnectionId, peer: IpAddr, local: SocketAddr, now: Now) {
        let address = self.settings.advertise.clone().unwrap_or_else(|| local.to_string()).into();
        let connection = Connection {
            peer,
            address,
            sequence: FIRST_SEQUENCE,
            knows_multi: true,
            role: Role::Greeting,
            held: Held::default(),
        };
        self.connections.insert(id, connection);
        self.sign_ons.push_back((now.instant + SIGN_ON_TIME, id));
        self.outbox.hello(id);
        self.flush(now);
    }

    /// A frame has come.
    pub(crate) fn receive(&mut self, id: ConnectionId, frame: &Frame, now: Now) {
        // The timer may be late; what was held back until now goes before what comes now.
        self.release(now);
        self.note(id, Direction::In, frame.channel, &frame.payload, now);
        let outcome = match self.fate_of_arrival(id, frame, now) {
            Fate::Proceed => self.dispatch(id, frame, now),
            Fate::ProceedAndMove(caller) => {
                let outcome = self.dispatch(id, frame, now);
                self.migrate(&caller, now);
                outcome
            }
            Fate::Done => Ok(()),
            Fate::Close(ending) => Err(ending),
        };
        if let Err(ending) = outcome {
            self.outbox.close(id, ending);
        }
        self.flush(now);
        self.muted = None;
    }

    /// The client has gone, or its bytes were no frames.
    pub(crate) fn disconnect(&mut self, id: ConnectionId, ending: Ending, now: Now) {
        self.outbox.close(id, ending);
        self.flush(now);
    }

    /// Ends all sessions of a name, as a sign-on elsewhere would or by the control interface's wish.
    pub(crate) fn expel(&mut self, account: AccountId, ending: &Ending, now: Now) {
        self.release(now);
        let sessions = self.realm.account(account).sessions.clone();
        let mut cx = self.context(now).0;
        for session in sessions {
            bos::expel(&mut cx, session, ending.clone());
        }
        self.flush(now);
    }

    /// Tells all sessions of a name to move to another connection.
    pub(crate) fn migrate_all(&mut self, account: AccountId, now: Now) {
        self.release(now);
        let homes = self.realm.account(account).sessions.iter().filter_map(|id| self.realm.session(*id));
        let callers: Vec<Caller> = homes.filter_map(|session| self.caller(session.bos, 0)).collect();
        for caller in callers {
            self.migrate(&caller, now);
        }
    }

    /// Limits a rate class (from 0) of all sessions of a name from now on, and tells them.
    pub(crate) fn limit_rate(&mut self, account: AccountId, class: usize, now: Now) {
        self.release(now);
        for id in self.realm.account(account).sessions.clone() {
            self.limit_session(id, class, now);
            bos::oservice::tell_rates(&mut self.context(now).0, id);
        }
        self.flush(now);
    }

    /// Says goodbye to all.
    pub(crate) fn stop(&mut self, now: Now) {
        let mut ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.outbox.sign_off(id, &oscar_im::wire::Tlvs::new());
            self.outbox.close(id, Ending::Stopping);
        }
        self.flush(now);
    }

    /// The next thing to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Host::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let sign_on = self.sign_ons.front().map(|(at, _)| *at);
        let delayed = self.delayed.first_key_value().map(|((at, _), _)| *at);
        [sign_on, self.rate_poll, delayed, self.next_to_give_up()].into_iter().flatten().min()
    }

    /// Does what is due; harmless when early.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        self.release(now);
        self.give_up(now);
        while let Some(&(at, id)) = self.sign_ons.front()
            && at <= now.instant
        {
            self.sign_ons.pop_front();
            let signs_on = |connection: &Connection| !matches!(connection.role, Role::SignedOn { .. });
            if self.connections.get(&id).is_some_and(signs_on) {
                self.outbox.close(id, Ending::TooSlow);
            }
        }
        if self.rate_poll.take_if(|at| *at <= now.instant).is_some() {
            let restless: Vec<SessionId> = self
                .realm
                .sessions()
                .filter(|(_, session)| session.levels.is_restless(now.instant))
                .map(|(id, _)| id)
                .collect();
            let mut cx = self.context(now).0;
            for id in &restless {
                bos::oservice::tell_rates(&mut cx, *id);
            }
            let still =
                |id: &SessionId| self.realm.session(*id).is_some_and(|s| s.levels.is_restless(now.instant));
            if restless.iter().any(still) {
                self.rate_poll = Some(now.instant + RATE_POLL);
            }
        }
        self.flush(now);
    }

    fn dispatch(&mut self, id: ConnectionId, frame: &Frame, now: Now) -> Result<(), Ending> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        match (&mut connection.role, frame.channel) {
            (_, FlapChannel::SignOff) => Err(Ending::SignedOff),
            (_, FlapChannel::KeepAlive) => Ok(()),
            (Role::Greeting, FlapChannel::SignOn) => self.sign_on(id, frame, now),
            (Role::Authorizer { frames, .. }, FlapChannel::Data) => {
                *frames += 1;
                if *frames > SIGN_ON_FRAMES {
                    return Err(Ending::TooManyFrames);
                }
                self.authorize(id, frame, now)
            }
            (Role::SignedOn { .. }, FlapChannel::Data) => self.serve(id, frame, now),
            (_, FlapChannel::SignOn) => Err(Ending::OutOfTurn("a second sign-on frame")),
            (_, FlapChannel::Data) => Err(Ending::OutOfTurn("a SNAC before the sign-on frame")),
            (_, FlapChannel::Error) => Err(Ending::OutOfTurn("an error frame")),
            (_, FlapChannel::Other(_)) => Err(Ending::OutOfTurn("a frame of an unknown channel")),
        }
    }

    /// The first frame: with a cookie for BOS or a service, with a name for a sign-on without group 17, with neither for
    /// the authorizer.
    fn sign_on(&mut self, id: ConnectionId, frame: &Frame, now: Now) -> Result<(), Ending> {
        let hello =
            flap::sign_on(frame).map_err(|source| Ending::Unreadable { what: "sign-on frame", source })?;
        if let Some(cookie) = hello.tlvs.get(tlv::COOKIE) {
            let ticket = self.tickets.redeem(cookie, now.instant).ok_or(Ending::BadCookie)?;
            return self.admit(id, ticket, now);
        }
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let mut authenticator =
            Authenticator { peer: connection.peer, address: connection.address.clone(), counted: false };
        if hello.tlvs.has(tlv::SCREEN_NAME) {
            let (mut cx, attempts) = self.context(now);
            return Err(authenticator.flap_sign_on(&mut cx, attempts, id, &hello.tlvs));
        }
        connection.role = Role::Authorizer { authenticator, frames: 0 };
        Ok(())
    }

    fn authorize(&mut self, id: ConnectionId, frame: &Frame, now: Now) -> Result<(), Ending> {
        let snac =
            Snac::decode(&frame.payload).map_err(|source| Ending::Unreadable { what: "SNAC", source })?;
        if snac.group != FoodGroup::Bucp {
            let error = SnacError::new(ErrorCode::BadSnac);
            self.outbox.error(id, snac.group, snac.request_id, &error);
            return Ok(());
        }
        let Some(Connection { role: Role::Authorizer { authenticator, .. }, .. }) =
            self.connections.get_mut(&id)
        else {
            return Ok(());
        };
        let mut cx = Context {
            realm: &mut self.realm,
            out: &mut self.outbox,
            tickets: &mut self.tickets,
            entropy: &mut self.entropy,
            settings: &self.settings,
            messages: &mut self.recorder.messages,
            faults: &mut self.faults,
            now,
        };
        authenticator.receive(&mut cx, &mut self.attempts, id, &snac)
    }

    /// A cookie is good: its connection becomes what the cookie says.
    fn admit(&mut self, id: ConnectionId, ticket: Ticket, now: Now) -> Result<(), Ending> {
        let (session, account, service) = match ticket {
            Ticket::Bos { account, sharing, knows_multi } => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.knows_multi = knows_multi;
                }
                let displaced = self.realm.displaced_by(account, sharing);
                let mut cx = self.context(now).0;
                for session in displaced {
                    bos::expel(&mut cx, session, Ending::SignedOnElsewhere);
                }
                let classes = rates::classes(self.settings.rates, self.realm.account(account).warning);
                let levels = Levels::new(classes, now.instant);
                (self.realm.begin(account, sharing, id, levels, now), account, Service::Bos)
            }
            Ticket::Move { from } => {
                let session = self.arrive(from, id)?;
                let account = self.realm.session(session).ok_or(Ending::SessionOver)?.account;
                (session, account, Service::Bos)
            }
            Ticket::Service { session, group, room } => {
                let held = self.realm.session_mut(session).ok_or(Ending::SessionOver)?;
                held.services.push(id);
                (session, held.account, room.map_or(Service::Other(group), Service::Room))
            }
        };
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        connection.role = Role::SignedOn { session, account, service };
        if let Some(caller) = self.caller(id, 0) {
            bos::greet(&mut self.context(now).0, &caller);
        }
        Ok(())
    }

    fn serve(&mut self, id: ConnectionId, frame: &Frame, now: Now) -> Result<(), Ending> {
        let snac =
            Snac::decode(&frame.payload).map_err(|source| Ending::Unreadable { what: "SNAC", source })?;
        let Some(caller) = self.caller(id, snac.request_id) else { return Ok(()) };
        let verdict = self.spend(&caller, &snac, now);
        if verdict == Verdict::Drop {
            tracing::debug!(group = %snac.group, subgroup = snac.subgroup, "dropped by the rate limit");
            return Ok(());
        }
        bos::receive(&mut self.context(now).0, &caller, &snac);
        if (snac.group, snac.subgroup) == (ClientOnline::GROUP, ClientOnline::SUBGROUP)
            && !self.moves.is_empty()
        {
            self.settle(id, now);
        }
        if verdict == Verdict::PassAndClose {
            bos::expel(&mut self.context(now).0, caller.session, Ending::RateLimit);
        }
        Ok(())
    }

    /// Counts a SNAC against its class.
    fn spend(&mut self, caller: &Caller, snac: &Snac, now: Now) -> Verdict {
        if self.realm.account(caller.account).bot {
            return Verdict::Pass;
        }
        let class = rates::class_of(snac.group.into(), snac.subgroup);
        let (Some(class), Some(session)) = (class, self.realm.session_mut(caller.session)) else {
            return Verdict::Pass;
        };
        let verdict = session.levels.spend(class, now.instant);
        if session.levels.is_restless(now.instant) {
            self.rate_poll.get_or_insert(now.instant + RATE_POLL);
        }
        verdict
    }

    fn limit_session(&mut self, id: SessionId, class: usize, now: Now) {
        if let Some(session) = self.realm.session_mut(id) {
            session.levels.limit(class, now.instant);
            self.rate_poll.get_or_insert(now.instant + RATE_POLL);
        }
    }

    fn caller(&self, id: ConnectionId, request_id: u32) -> Option<Caller> {
        let connection = self.connections.get(&id)?;
        let Role::SignedOn { session, account, service } = &connection.role else { return None };
        Some(Caller {
            connection: id,
            session: *session,
            account: *account,
            service: service.clone(),
            address: connection.address.clone(),
            request_id,
        })
    }

    fn context(&mut self, now: Now) -> (Context<'_>, &mut Attempts) {
        let context = Context {
            realm: &mut self.realm,
            out: &mut self.outbox,
            tickets: &mut self.tickets,
            entropy: &mut self.entropy,
            settings: &self.settings,
            messages: &mut self.recorder.messages,
            faults: &mut self.faults,
            now,
        };
        (context, &mut self.attempts)
    }

    /// Turns what handlers decided into outputs; closing a connection may decide more.
    fn flush(&mut self, now: Now) {
        loop {
            let envelopes = self.outbox.take();
            if envelopes.is_empty() {
                if self.strays.is_empty() {
                    return;
                }
                self.end_strays(now);
            }
            for (id, post) in envelopes {
                match post {
                    Post::Frame(channel, payload) => self.transmit(id, channel, payload, now),
                    Post::Close(ending) => self.close_in_order(id, ending, now),
                }
            }
        }
    }

    /// Makes a frame of a payload and sends its bytes, as `blemish` leaves them.
    fn send(
        &mut self,
        id: ConnectionId,
        channel: FlapChannel,
        payload: Vec<u8>,
        now: Now,
        blemish: impl FnOnce(&mut Vec<u8>),
    ) {
        self.note(id, Direction::Out, channel, &payload, now);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let frame = Frame { channel, sequence: connection.sequence, payload };
        connection.sequence = connection.sequence.wrapping_add(1);
        let short = self.settings.quirks.short_sign_off
            && channel == FlapChannel::SignOff
            && !connection.knows_multi
            && matches!(connection.role, Role::SignedOn { .. });
        let Ok(mut bytes) = frame.encode() else { return };
        if short {
            // Marker, channel and sequence number; the length is left out with what it counts.
            bytes.truncate(4);
        }
        blemish(&mut bytes);
        self.outputs.push_back(Output::Write(id, bytes));
    }

    fn close(&mut self, id: ConnectionId, ending: Ending, now: Now) {
        let Some(connection) = self.connections.remove(&id) else { return };
        if let Role::SignedOn { session, service, .. } = connection.role {
            match service {
                Service::Bos => {
                    if self.is_home(id, session) {
                        bos::end(&mut self.context(now).0, session);
                    }
                }
                other => bos::end_service(&mut self.context(now).0, session, id, &other),
            }
        }
        self.outputs.push_back(Output::Close(id, ending));
    }

    fn note(
        &mut self,
        id: ConnectionId,
        direction: Direction,
        channel: FlapChannel,
        payload: &[u8],
        now: Now,
    ) {
        let screen_name = match self.connections.get(&id).map(|connection| &connection.role) {
            Some(Role::SignedOn { account, .. }) => Some(&self.realm.account(*account).name),
            _ => None,
        };
        self.recorder.note(id, screen_name, direction, (channel, payload), now);
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("connections", &self.connections.len()).finish_non_exhaustive()
    }
}
