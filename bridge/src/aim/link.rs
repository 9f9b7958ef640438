//! The one task that keeps one of our accounts on OSCAR: signs on, hands out credits, carries messages, signs on again.
//!
//! It decides nothing about conversations. Events go to the hub over a bounded channel: when it is full the link stops
//! reading and TCP pushes back. Commands are taken while signed on; those that arrive while nobody is signed on are
//! dropped, because the hub has been told by [`AimEvent::Lost`] and owes them still.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oscar_im::ScreenName;
use oscar_im::foodgroup::chat_nav::EXCHANGE_PRIVATE;
use oscar_im::foodgroup::icbm::rendezvous::PROPOSE;
use oscar_im::foodgroup::{ErrorCode, FoodGroup};
use oscar_im::net::{ConnectError, ServiceClient};
use oscar_im::service;
use oscar_im::session::{self, CloseReason, Event, SendError};
use oscar_im::sign_on::SignOnError;
use program::Secret;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::credits::Credits;
use super::event::{AccountId, AimCommand, AimEvent, ImCookie, ImRefusal, ImTyping, Presence};
use super::room::{Order, RoomKeeper};
use super::sign_on::{AimClient, sign_on};
use crate::backoff::{Backoff, random};
use crate::clock::Moment;
use crate::connect::{ConnectError as ConnectFailure, Endpoint, Stream};

/// Commands carried out together, before the socket is written to.
const TOGETHER: usize = 256;

/// Where and as whom to be on OSCAR.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// Which of our accounts.
    pub account: AccountId,
    /// The authorizer; its TLS settings hold for the addresses it redirects to as well.
    pub endpoint: Endpoint,
    /// The account's name.
    pub screen_name: ScreenName,
    /// Its password.
    pub password: Secret,
    /// The staff room that this account keeps, by name; without one it goes where staff invite it, if it may.
    pub room: Room,
    /// Pauses after lost connections.
    pub backoff: Backoff,
    /// Pauses after refusals, and after somebody signed on elsewhere: no server likes to be hammered, and two
    /// bridges with one account must not throw each other out for ever.
    pub patience: Backoff,
}

impl LinkConfig {
    /// With the usual pauses.
    pub fn new(account: AccountId, endpoint: Endpoint, screen_name: ScreenName, password: Secret) -> Self {
        let minute = Duration::from_secs(60);
        let patience = Backoff { first: minute, longest: 15 * minute, settled: minute };
        let room = Room::None;
        Self { account, endpoint, screen_name, password, room, backoff: Backoff::default(), patience }
    }
}

/// The staff room of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Room {
    /// It keeps away from all rooms.
    #[default]
    None,
    /// It goes where staff invite it.
    Invited,
    /// It finds or makes the room of this name.
    Named(String),
}

/// The link's ends towards the hub.
#[derive(Debug)]
pub struct LinkChannels {
    /// What happens on OSCAR. 256; full: the link stops reading.
    pub events: mpsc::Sender<(AccountId, AimEvent)>,
    /// What is wanted there. 256; full: the hub keeps the row.
    pub commands: mpsc::Receiver<AimCommand>,
}

/// Stays on OSCAR until `stop`, [`AimCommand::SignOff`] or the end of the hub.
///
/// Logs «Lost connection (…), reconnecting.» once a loss and «Could not connect: …» once an outage.
pub async fn run(config: LinkConfig, channels: LinkChannels, stop: CancellationToken) {
    Link {
        config,
        channels,
        stop,
        watched: Vec::new(),
        away: None,
        outage: false,
        losses: Losses::default(),
    }
    .run()
    .await;
}

struct Link {
    config: LinkConfig,
    channels: LinkChannels,
    stop: CancellationToken,
    /// Whose presence is wanted, told again after each sign-on.
    watched: Vec<ScreenName>,
    /// Our away message, told again after each sign-on.
    away: Option<String>,
    /// The outage that is going on has been logged.
    outage: bool,
    losses: Losses,
}

/// How often one thing happened, one after the other. They are counted apart: after a server that came and went five times, somebody
/// who signs on elsewhere once is no reason to stay away for a quarter of an hour.
#[derive(Debug, Default)]
struct Losses {
    connections: u32,
    refusals: u32,
}

impl Losses {
    fn pause(
        &mut self,
        config: &LinkConfig,
        patient: bool,
        was_up: Option<Duration>,
        random: u32,
    ) -> Duration {
        let held = |backoff: Backoff| was_up.is_some_and(|long| long >= backoff.settled);
        if held(config.backoff) {
            self.connections = 0;
        }
        if held(config.patience) {
            self.refusals = 0;
        }
        let (backoff, count) = if patient {
            (config.patience, &mut self.refusals)
        } else {
            (config.backoff, &mut self.connections)
        };
        let pause = backoff.pause(*count, random);
        *count = count.saturating_add(1);
        pause
    }
}

/// Why a stretch ended, as far as it matters for what comes next.
enum End {
    /// We were told to stop.
    Stopped,
    /// Never signed on, or not any more.
    Lost {
        reason: String,
        silent: Duration,
        was_up: Option<Instant>,
        patient: bool,
        /// Where the server keeps the session for us, if it has moved it.
        moved: Option<session::Service>,
    },
}

impl Link {
    async fn run(mut self) {
        let mut kept = None;
        loop {
            let LinkConfig { endpoint, screen_name, password, .. } = self.config.clone();
            let session = kept.take();
            let connecting = sign_on(&endpoint, &screen_name, &password, session.as_ref());
            let end = match self.while_offline(connecting).await {
                None => End::Stopped,
                Some(Ok(client)) => Online::new(client, &mut self).run().await,
                Some(Err(error)) => {
                    // A server that hangs up without an answer, or whatever stands before it, is going down or coming up.
                    let patient = matches!(&error, ConnectError::SignOn(why) if *why != SignOnError::Closed);
                    let silent = Duration::ZERO;
                    End::Lost { reason: error.to_string(), silent, was_up: None, patient, moved: None }
                }
            };
            let End::Lost { reason, silent, was_up, patient, moved } = end else { return };
            kept = moved;
            let pause = self.note_loss(&reason, was_up, patient);
            let wall = Moment::now().wall;
            let heard_at = wall.checked_sub(silent).unwrap_or(wall);
            let lost = AimEvent::Lost { reason, heard_at, retry_in: pause };
            if was_up.is_some() && !self.tell(lost).await {
                return;
            }
            if self.while_offline(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Logs what happened and gives the pause before the next try.
    fn note_loss(&mut self, reason: &str, was_up: Option<Instant>, patient: bool) -> Duration {
        let account = &self.config.screen_name;
        if was_up.is_some() {
            tracing::warn!(%account, "Lost connection ({reason}), reconnecting.");
            self.outage = false;
        } else if !std::mem::replace(&mut self.outage, true) {
            tracing::warn!(%account, "Could not connect: {reason}");
        }
        self.losses.pause(&self.config, patient, was_up.map(|since| since.elapsed()), random())
    }

    /// Waits for `work`, dropping messages meanwhile; `None` when it is time to end.
    async fn while_offline<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                () = self.stop.cancelled() => return None,
                command = self.channels.commands.recv() => match command? {
                    AimCommand::SignOff => return None,
                    AimCommand::Watch(names) => self.watched = names,
                    AimCommand::Away(message) => self.away = message,
                    AimCommand::Send { .. }
                    | AimCommand::Say { .. }
                    | AimCommand::Invite { .. }
                    | AimCommand::Typing { .. } => {}
                },
            }
        }
    }

    /// False when it is time to end.
    async fn tell(&self, event: AimEvent) -> bool {
        let event = match self.channels.events.try_send((self.config.account, event)) {
            Ok(()) => return true,
            Err(TrySendError::Closed(_)) => return false,
            Err(TrySendError::Full(event)) => event,
        };
        tokio::select! {
            sent = self.channels.events.send(event) => sent.is_ok(),
            () = self.stop.cancelled() => false,
        }
    }
}

/// A message that the session had no room for at once.
struct Held {
    cookie: ImCookie,
    to: ScreenName,
    text: Arc<str>,
}

type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Stream>, ConnectFailure>> + Send>>;

/// A connection of its own that a session has for a room.
enum Service {
    None,
    Connecting(Connecting, session::Service),
    Open(Box<ServiceClient<Box<dyn Stream>>>),
}

/// What a connection for a room says.
enum ServiceNews {
    Connected(Box<dyn Stream>, session::Service),
    Failed(String),
    Event(service::Event),
}

impl Service {
    /// Never, where there is none. Cancel-safe.
    async fn event(&mut self) -> ServiceNews {
        match self {
            Self::None => std::future::pending().await,
            Self::Connecting(connecting, service) => match connecting.await {
                Ok(stream) => ServiceNews::Connected(stream, service.clone()),
                Err(error) => ServiceNews::Failed(error.to_string()),
            },
            Self::Open(client) => ServiceNews::Event(client.event().await),
        }
    }
}

/// One signed-on stretch.
struct Online<'a> {
    client: AimClient,
    link: &'a mut Link,
    credits: Credits,
    /// Messages that a change of the server's limits overtook; in order, at most as many as there were credits.
    held: VecDeque<Held>,
    room: RoomKeeper,
    /// The connection to the room, or to the service that finds it.
    service: Service,
    up: Option<Instant>,
    stopping: bool,
    /// When all was read last that had come.
    quiet_at: std::time::Instant,
    pulse: Pulse,
}

impl<'a> Online<'a> {
    fn new(mut client: AimClient, link: &'a mut Link) -> Self {
        client.watch(&link.watched);
        let name = match &link.config.room {
            Room::Named(name) => Some(name.clone()),
            Room::None | Room::Invited => None,
        };
        Self {
            client,
            link,
            credits: Credits::default(),
            held: VecDeque::new(),
            room: RoomKeeper::new(name),
            service: Service::None,
            up: None,
            stopping: false,
            quiet_at: now(),
            pulse: Pulse::new(now()),
        }
    }

    async fn run(mut self) -> End {
        loop {
            if !self.send_held().await || !self.grant().await || !self.keep_room().await {
                return self.leave().await;
            }
            let credit_at = self.next_credit_at();
            let is_up = self.up.is_some();
            let room_at = self.room.next_timeout().map(Instant::from_std);
            tokio::select! {
                () = sleep_until((self.pulse.last + Pulse::EVERY).into()) => self.pulse.beat(now()),
                event = noting_quiet(&mut self.quiet_at, self.client.event()) => match event {
                    Event::Closed(reason) if self.stopping => {
                        tracing::debug!(%reason, "signed off");
                        return End::Stopped;
                    }
                    Event::Closed(reason) => return self.lost(&reason),
                    event => if !self.event(event).await {
                        return self.leave().await;
                    },
                },
                command = self.link.channels.commands.recv(), if is_up && !self.stopping && self.held.is_empty() => {
                    if !self.commands(command).await {
                        return self.leave().await;
                    }
                }
                event = self.service.event() => self.service_event(event),
                () = sleep_until(room_at.unwrap_or_else(Instant::now)), if room_at.is_some() => {
                    self.room.handle_timeout(now());
                }
                () = self.link.stop.cancelled(), if !self.stopping => self.sign_off(),
                () = sleep_until(credit_at.unwrap_or_else(Instant::now)), if credit_at.is_some() => {}
            }
        }
    }

    fn lost(&mut self, reason: &CloseReason) -> End {
        let patient = matches!(
            reason,
            CloseReason::SignedOnElsewhere | CloseReason::RateExceeded | CloseReason::AccountDeleted
        );
        // What was sent to us before the last thing that we read may have been behind it, where we were slow: a suspended program
        // wakes up to much that has come, and reads it while the connection ends.
        let now = now();
        let behind = now.saturating_duration_since(self.quiet_at);
        let stood_still = self.pulse.stood_still(now);
        let silent = self.client.session().silence(now).max(behind).max(stood_still);
        let moved = reason.moved().cloned();
        End::Lost { reason: reason.to_string(), silent, was_up: self.up, patient, moved }
    }

    /// The hub is gone or the program stops while we wait for it: say goodbye, listen to nobody.
    async fn leave(mut self) -> End {
        self.sign_off();
        while !matches!(self.client.event().await, Event::Closed(_)) {}
        End::Stopped
    }

    fn sign_off(&mut self) {
        self.stopping = true;
        self.room.signed_off();
        self.service = Service::None;
        self.client.sign_off();
    }

    /// When to look for a new credit; none where the hub has some, or where nothing may be sent at all.
    fn next_credit_at(&self) -> Option<Instant> {
        let wanted = self.up.is_some() && (self.credits.outstanding() == 0 || !self.held.is_empty());
        let wait = wanted.then(|| self.client.next_im_credit_in())??;
        // Zero means that there is one; it has just been handed out, unless the session is full until an
        // acknowledgement comes, which is an event.
        (!wait.is_zero()).then(|| Instant::now() + wait)
    }

    /// Gives the hub what it may send. False when it is time to end.
    async fn grant(&mut self) -> bool {
        if self.up.is_none() || self.stopping || !self.held.is_empty() {
            return true;
        }
        match self.credits.grant(self.client.im_credits()) {
            0 => true,
            count => self.link.tell(AimEvent::Credits(count)).await,
        }
    }

    /// Sends what had to wait. False when it is time to end.
    async fn send_held(&mut self) -> bool {
        while let Some(held) = self.held.pop_front() {
            match self.client.send_im(held.cookie.0, &held.to, &held.text) {
                Ok(()) => {}
                Err(SendError::NoCredit | SendError::Busy | SendError::NotOnline) => {
                    self.held.push_front(held);
                    return true;
                }
                Err(error) => {
                    if !self.refuse(held.cookie, error).await {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Does what the way into the staff room takes. False when it is time to end.
    async fn keep_room(&mut self) -> bool {
        while let Some(order) = self.room.poll() {
            let done = match order {
                Order::RequestNav => {
                    let (session, now) = self.client.session_mut();
                    session.request_service(FoodGroup::ChatNav, now)
                }
                Order::RequestRoom(room) => {
                    let (session, now) = self.client.session_mut();
                    session.request_room(&room, now)
                }
                Order::Decline(invitation) => {
                    let (session, now) = self.client.session_mut();
                    // Whoever invited us waits in vain; nothing depends on it.
                    let _ = session.decline(&invitation, now);
                    Ok(())
                }
                Order::Invite(cookie, who, room, words) => {
                    let (session, now) = self.client.session_mut();
                    let _ = session.invite(cookie.0, &who, &room, &words, now);
                    Ok(())
                }
                Order::Connect(service) => {
                    self.connect(service);
                    Ok(())
                }
                Order::Find(name) => match &mut self.service {
                    Service::Open(client) => client.find_or_create(&name, EXCHANGE_PRIVATE),
                    _ => Ok(()),
                },
                Order::Say(cookie, text) => match &mut self.service {
                    Service::Open(client) => client.say(cookie.0, &text),
                    _ => Ok(()),
                },
                Order::Hang => {
                    self.service = Service::None;
                    Ok(())
                }
                Order::Tell(event) => {
                    if !self.link.tell(AimEvent::Room(event)).await {
                        return false;
                    }
                    Ok(())
                }
            };
            if let Err(error) = done {
                self.room.failed(&error.to_string(), now());
            }
        }
        true
    }

    fn connect(&mut self, service: session::Service) {
        let own = &self.link.config.endpoint;
        let endpoint = Endpoint {
            host: service.address.host.clone(),
            port: service.address.port.unwrap_or(own.port),
            tls: own.tls.clone(),
        };
        let connecting = Box::pin(async move { endpoint.connect().await });
        self.service = Service::Connecting(connecting, service);
    }

    fn service_event(&mut self, news: ServiceNews) {
        match news {
            ServiceNews::Connected(stream, service) => {
                self.service = Service::Open(Box::new(ServiceClient::for_service(stream, &service)));
            }
            ServiceNews::Failed(why) => {
                self.service = Service::None;
                self.room.failed(&why, now());
            }
            ServiceNews::Event(event) => {
                if matches!(event, service::Event::Closed(_)) {
                    self.service = Service::None;
                }
                self.room.service_event(event, now());
            }
        }
    }

    /// What can't be sent by anybody at any time. False when it is time to end.
    async fn refuse(&mut self, cookie: ImCookie, error: SendError) -> bool {
        let refusal = ImRefusal::Refused { code: 0, words: error.to_string(), permanent: true };
        self.link.tell(AimEvent::Refused { cookie, refusal }).await
    }

    /// One command, and those that are there already: what they cause is written together. False when it is time to
    /// end.
    async fn commands(&mut self, first: Option<AimCommand>) -> bool {
        if !self.command(first).await {
            return false;
        }
        for _ in 1..TOGETHER {
            if self.stopping || !self.held.is_empty() {
                break;
            }
            // The end of the channel is noticed when the next one is waited for.
            let Ok(command) = self.link.channels.commands.try_recv() else { break };
            if !self.command(Some(command)).await {
                return false;
            }
        }
        true
    }

    /// False when it is time to end.
    async fn command(&mut self, command: Option<AimCommand>) -> bool {
        match command {
            Some(AimCommand::Send { cookie, to, text }) => {
                self.credits.used();
                self.held.push_back(Held { cookie, to, text });
                return self.send_held().await;
            }
            Some(AimCommand::Say { cookie, text }) => self.room.say(cookie, text, now()),
            Some(AimCommand::Invite { cookie, to, text }) => {
                self.credits.used();
                self.room.invite(cookie, to, text);
            }
            Some(AimCommand::Typing { to, typing }) => {
                let typing = match typing {
                    ImTyping::Typing => session::Typing::Typing,
                    ImTyping::Paused => session::Typing::Paused,
                    ImTyping::None => session::Typing::None,
                };
                // A typing notice that can't go now is worth nothing later.
                let _ = self.client.send_typing(&to, typing);
            }
            Some(AimCommand::Watch(names)) => {
                self.client.watch(&names);
                self.link.watched = names;
            }
            Some(AimCommand::Away(message)) => {
                self.link.away = message;
                self.tell_away();
            }
            Some(AimCommand::SignOff) | None => self.sign_off(),
        }
        true
    }

    fn tell_away(&mut self) {
        if let Err(error) = self.client.set_away(self.link.away.as_deref()) {
            tracing::debug!(%error, "the away message was not set");
        }
    }

    /// False when it is time to end.
    async fn event(&mut self, event: Event) -> bool {
        let told = match event {
            Event::SignedOn { screen_name } => {
                tracing::info!(account = %screen_name, "Signed on to AIM.");
                self.up = Some(Instant::now());
                self.link.outage = false;
                if self.link.away.is_some() {
                    self.tell_away();
                }
                self.room.signed_on(screen_name.clone(), now());
                AimEvent::SignedOn { screen_name }
            }
            Event::ImReceived(im) => AimEvent::Im {
                at: im.stored_at.map_or_else(
                    || Moment::now().wall,
                    |at| SystemTime::UNIX_EPOCH + Duration::from_secs(at.into()),
                ),
                offline: im.stored_at.is_some(),
                from: im.from,
                text: im.text,
                auto: im.auto,
                cookie: ImCookie(im.cookie),
            },
            Event::ImAcked { cookie } => AimEvent::Acked { cookie: ImCookie(cookie) },
            Event::ImRefused { cookie, code, .. } => {
                AimEvent::Refused { cookie: ImCookie(cookie), refusal: refusal(code) }
            }
            Event::NoAcknowledgement { cookie, .. } => {
                AimEvent::Refused { cookie: ImCookie(cookie), refusal: ImRefusal::NoAcknowledgement }
            }
            Event::Presence { who, presence } => AimEvent::Presence { who, presence: presence_of(presence) },
            Event::Typing { from, typing } => {
                let typing = match typing {
                    session::Typing::Typing => ImTyping::Typing,
                    session::Typing::Paused => ImTyping::Paused,
                    session::Typing::None => ImTyping::None,
                };
                AimEvent::Typing { from, typing }
            }
            Event::ChatInvited(invitation) => {
                let listed = self.link.watched.contains(&invitation.from);
                let may = listed && self.link.config.room != Room::None;
                self.room.invited(invitation, may, now());
                return true;
            }
            // A file, say, which nobody here could take: staff are not to wait for it. To strangers nothing is said, for
            // it would be said at the cost of messages.
            Event::Rendezvous { from, rendezvous }
                if rendezvous.kind == PROPOSE && self.link.watched.contains(&from) =>
            {
                let (session, now) = self.client.session_mut();
                let _ = session.decline_offer(&from, &rendezvous, now);
                return true;
            }
            Event::ServiceReady(service) => {
                self.room.service_ready(service);
                return true;
            }
            Event::ServiceRefused { code, .. } => {
                self.room.failed(&code.to_string(), now());
                return true;
            }
            Event::BuddyListRefused { name, code } => {
                tracing::warn!(%name, code, "the server does not keep this name on the buddy list");
                return true;
            }
            Event::Warned { level, .. } => {
                tracing::warn!(level, "somebody warned the bridge's account");
                return true;
            }
            other => {
                tracing::debug!(event = ?kind(&other), "nothing for the hub");
                return true;
            }
        };
        self.link.tell(told).await
    }
}

/// Whether this program stood still lately: suspended, or held up for seconds. What the server had for us meanwhile waits on both
/// ends of the connection, and may be lost with it long after we go on.
#[derive(Debug)]
struct Pulse {
    last: std::time::Instant,
    /// When it last stood still: from when, until when that matters.
    still: Option<(std::time::Instant, std::time::Instant)>,
}

impl Pulse {
    const EVERY: Duration = Duration::from_secs(1);
    /// So much later than that is no delay of a busy machine.
    const LATE: Duration = Duration::from_secs(3);
    /// In this time all that waited has come.
    const MATTERS: Duration = Duration::from_secs(30);

    fn new(now: std::time::Instant) -> Self {
        Self { last: now, still: None }
    }

    fn beat(&mut self, now: std::time::Instant) {
        if now.saturating_duration_since(self.last) > Self::LATE {
            self.still = Some((self.last, now + Self::MATTERS));
        }
        self.last = now;
    }

    /// For how long what was sent to us may be lost on that account, if the connection is at `now`.
    fn stood_still(&mut self, now: std::time::Instant) -> Duration {
        self.beat(now);
        let still = self.still.filter(|(_, until)| now < *until);
        still.map_or(Duration::ZERO, |(from, _)| now.saturating_duration_since(from))
    }
}

/// Waits for `event`, and notes each moment in which nothing is there yet.
async fn noting_quiet<T>(quiet_at: &mut std::time::Instant, event: impl Future<Output = T>) -> T {
    // A task that has done much is made to wait though there is something: that is not quiet.
    let mut event = std::pin::pin!(tokio::task::unconstrained(event));
    std::future::poll_fn(|context| {
        let polled = event.as_mut().poll(context);
        if polled.is_pending() {
            *quiet_at = now();
        }
        polled
    })
    .await
}

/// The monotonic time, as the protocol's machines want it.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn presence_of(presence: session::Presence) -> Presence {
    match presence {
        session::Presence::Offline => Presence::Offline,
        session::Presence::Online { away: false, .. } => Presence::Online,
        session::Presence::Online { away: true, .. } => Presence::Away,
    }
}

fn refusal(code: ErrorCode) -> ImRefusal {
    let permanent = matches!(
        code,
        ErrorCode::BadSnac
            | ErrorCode::NotSupportedByHost
            | ErrorCode::NotSupportedByClient
            | ErrorCode::ReplyTooBig
            | ErrorCode::RequestDenied
            | ErrorCode::BustedPayload
            | ErrorCode::InsufficientRights
            | ErrorCode::InLocalPermitDeny
    );
    match code {
        ErrorCode::NotLoggedOn => ImRefusal::NotSignedOn,
        code => ImRefusal::Refused { code: code.into(), words: code.to_string(), permanent },
    }
}

/// The name of an event without what is in it: logs hold no texts and no names of strangers.
fn kind(event: &Event) -> String {
    let text = format!("{event:?}");
    text.chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_connections_do_not_lengthen_the_wait_after_a_refusal() {
        let endpoint = Endpoint { host: "127.0.0.1".into(), port: 5190, tls: None };
        let config = LinkConfig::new(AccountId(0), endpoint, "bridgebot".into(), Secret::new("secret"));
        let mut losses = Losses::default();
        let mut after = |patient, up: Option<u64>| {
            losses.pause(&config, patient, up.map(Duration::from_secs), u32::MAX).as_secs()
        };
        assert_eq!([1, 2, 4, 8, 16], std::array::from_fn(|_| after(false, Some(1))));
        assert_eq!(after(true, Some(1)), 60, "the first time somebody signs on elsewhere");
        assert_eq!(after(true, None), 120);
        assert_eq!(after(false, None), 32);
        assert_eq!(after(true, Some(60)), 60, "it held for a minute");
        assert_eq!(after(false, None), 1);
    }

    #[test]
    fn a_program_that_stood_still_is_behind_for_a_while() {
        let start = now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::new(start);
        for second in 1..=5 {
            pulse.beat(at(second));
        }
        assert_eq!(pulse.stood_still(at(6)), Duration::ZERO);
        assert_eq!(pulse.stood_still(at(20)), Duration::from_secs(14), "before it was noticed by itself");
        (21..=48).for_each(|second| pulse.beat(at(second)));
        assert_eq!(pulse.stood_still(at(49)), Duration::from_secs(43));
        (50..=59).for_each(|second| pulse.beat(at(second)));
        assert_eq!(pulse.stood_still(at(60)), Duration::ZERO, "it has caught up");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_quiet_only_when_all_that_came_was_read() {
        let start = now();
        let mut quiet_at = start;
        let (tell, mut told) = mpsc::channel(512);
        for _ in 0..400 {
            tell.send(()).await.unwrap();
        }
        tokio::time::advance(Duration::from_secs(9)).await;
        for _ in 0..400 {
            noting_quiet(&mut quiet_at, told.recv()).await;
        }
        assert_eq!(quiet_at, start, "something was there all the time");
        let late = async {
            sleep(Duration::from_secs(1)).await;
            tell.send(()).await.unwrap();
        };
        tokio::join!(noting_quiet(&mut quiet_at, told.recv()), late);
        assert_eq!(quiet_at, start + Duration::from_secs(9), "when it began to wait");
    }
}
