//! A signed-on stretch at the BOS server: start-up, keep-alive, messages, presence, the buddy list.
//!
//! A machine without I/O and without a clock. The driver gives it what came ([`Session::receive`],
//! [`Session::closed`]) and the time ([`Session::handle_timeout`]); after each call it drains
//! [`Session::poll_transmit`] and [`Session::poll_event`], and waits no longer than [`Session::poll_timeout`]. What a
//! caller wants done (`send_im`, `set_away`, …) queues frames and never waits.
//!
//! Every method that asks for something may refuse ([`SendError`]), and then has sent and changed nothing:
//! [`SendError::NotOnline`] before [`Event::SignedOn`] and after [`Event::Closed`], [`SendError::InvalidName`] for what can be no
//! name, [`SendError::TooLong`] beyond what servers take in one frame, [`SendError::Busy`] while too much waits. Where one
//! refuses for another reason, it says so.
//!
//! It keeps to the server's rate classes by itself. Messages are not queued here, because their order and number are
//! the caller's business: [`Session::im_credits`] says how many may go at once, [`Session::next_im_credit_at`] when
//! there is one more. An account that the server shows as a bot (own user info, flag 0x400) isn't held back, as
//! open-oscar-server doesn't limit it; where it is warned of a limit all the same, it is from then on.
//!
//! A server in a few lines, and a session that signs on to it and says something:
//!
//! ```
//! use oscar_im::ScreenName;
//! use oscar_im::foodgroup::icbm::{HostAck, ImToHost};
//! use oscar_im::foodgroup::oservice::{HostOnline, HostVersions, RateMember, RateMembers, RateParams};
//! use oscar_im::foodgroup::{Body, FoodGroup};
//! use oscar_im::rate::STOCK_IM;
//! use oscar_im::session::{Config, Event, Session};
//! use oscar_im::wire::{EncodeError, FlapChannel, Frame, Snac};
//! use std::time::{Duration, Instant};
//!
//! fn server(frame: &Frame) -> Result<Option<Frame>, EncodeError> {
//!     if frame.channel == FlapChannel::SignOn {
//!         let groups = vec![FoodGroup::Oservice, FoodGroup::Icbm];
//!         return Frame::body(0x8000_0000, &HostOnline { groups }).map(Some);
//!     }
//!     let Ok(snac) = Snac::decode(&frame.payload) else { return Ok(None) };
//!     let answer = match Body::decode(&snac) {
//!         Ok(Body::ClientVersions(asked)) => {
//!             Frame::body(snac.request_id, &HostVersions { versions: asked.versions })
//!         }
//!         Ok(Body::RateParamsQuery(_)) => {
//!             let members = vec![RateMember { group: FoodGroup::Icbm, subgroup: 6 }];
//!             let members = vec![RateMembers { class: STOCK_IM.id, members }];
//!             Frame::body(snac.request_id, &RateParams { classes: vec![STOCK_IM], members })
//!         }
//!         Ok(Body::ImToHost(ImToHost { cookie, channel, to, .. })) => {
//!             Frame::body(snac.request_id, &HostAck { cookie, channel, screen_name: to })
//!         }
//!         _ => return Ok(None),
//!     };
//!     answer.map(Some)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut now = Instant::now();
//! let mut session = Session::new(Config::default(), ScreenName::from("bridgebot"), b"cookie", now);
//! let mut taken = 0u64;
//! while taken < 20 {
//!     while let Some(frame) = session.poll_transmit() {
//!         if let Some(answer) = server(&frame)? {
//!             session.receive(&answer, now);
//!         }
//!     }
//!     while let Some(event) = session.poll_event() {
//!         taken += u64::from(matches!(event, Event::ImAcked { .. }));
//!     }
//!     if session.im_credits(now) > 0 {
//!         session.send_im(taken.to_be_bytes(), &ScreenName::from("Staff One"), "hello", now)?;
//!     } else if let Some(due) = session.next_im_credit_at(now) {
//!         now = due; // a program waits; here time is a number
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Facts from the captures of libpurple and BitlBee at open-oscar-server: the order of the start-up, and what each
//! step waits for.

mod buddy_list;
mod config;
mod edits;
mod event;
mod messages;
mod privacy;
mod start_up;
mod watching;

pub use buddy_list::{Buddy, BuddyList, Edits};
pub use config::Config;
pub use event::{
    CloseReason, Event, ImReceived, Invitation, Presence, ProtocolError, SendError, Service, Typing,
};
pub use messages::ImOptions;
pub use privacy::Privacy;

use crate::ScreenName;
use crate::connection::{self, Connection};
use crate::foodgroup::{Body, FoodGroup, SnacBody, oservice, user_info};
use crate::wire::{FlapChannel, FlapError, Frame, Snac, Tlvs};
use messages::Messages;
use start_up::State;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use watching::Watching;

/// The machine. See the module's documentation.
#[derive(Debug)]
pub struct Session {
    config: Config,
    screen_name: ScreenName,
    state: State,
    connection: Connection,
    /// When an answer was last asked for, until something comes.
    probed: Option<Duration>,
    /// The groups that the server named in 01/03.
    groups: Vec<FoodGroup>,
    events: VecDeque<Event>,
    messages: Messages,
    watching: Watching,
    closed: bool,
}

impl Session {
    /// Ready to send its sign-on frame, with the cookie from [`crate::sign_on::Authorized`]. `now` is the time at
    /// which the connection stood; no later call may give an earlier one.
    pub fn new(config: Config, screen_name: ScreenName, cookie: &[u8], now: Instant) -> Self {
        Self {
            connection: Connection::new(cookie, config.keep_alive, now),
            config,
            screen_name,
            state: State::Hello,
            probed: None,
            groups: Vec::new(),
            events: VecDeque::new(),
            messages: Messages::default(),
            watching: Watching::default(),
            closed: false,
        }
    }

    /// Our name as the server displays it.
    pub fn screen_name(&self) -> &ScreenName {
        &self.screen_name
    }

    /// Whether the start-up is complete and the session not over.
    pub fn is_online(&self) -> bool {
        self.state == State::Online && !self.closed
    }

    /// How long ago the server was last heard: what was sent to us since may be lost if the connection is.
    pub fn silence(&self, now: Instant) -> Duration {
        self.elapsed(now).saturating_sub(self.connection.heard())
    }

    /// A frame came.
    pub fn receive(&mut self, frame: &Frame, now: Instant) {
        if self.closed {
            return;
        }
        let now = self.elapsed(now);
        self.connection.hear(now);
        self.probed = None;
        match frame.channel {
            FlapChannel::Data => match Snac::decode(&frame.payload) {
                Ok(snac) => self.receive_snac(&snac, now),
                Err(error) => self.close(CloseReason::Protocol(error.into())),
            },
            FlapChannel::SignOff => self.signed_off(&frame.payload),
            FlapChannel::Error => self.close(CloseReason::Protocol(ProtocolError::ErrorFrame)),
            // The server's sign-on frame is not waited for: open-oscar-server speaks first, others may not.
            FlapChannel::SignOn | FlapChannel::KeepAlive | FlapChannel::Other(_) => {}
        }
        self.flush(now);
    }

    /// The connection has ended; `why` in words, such as the error of a read.
    pub fn closed(&mut self, why: &str) {
        self.close(CloseReason::ConnectionLost(why.to_owned()));
    }

    /// What came is no FLAP.
    pub fn broken(&mut self, error: FlapError) {
        self.close(CloseReason::Protocol(error.into()));
    }

    /// Does what is due. Harmless when early.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        let now = self.elapsed(now);
        if self.state != State::Online {
            if now >= self.config.start_up_deadline {
                self.close(CloseReason::StartUpTimeout(self.state.waits_for()));
                return;
            }
        } else if let Some(probed) = self.probed {
            if now >= probed + self.config.probe_deadline {
                self.close(CloseReason::Silent(now.saturating_sub(self.connection.heard())));
                return;
            }
        } else if now >= self.connection.heard() + self.config.probe_after {
            self.probed = Some(now);
            self.ask(&oservice::UserInfoQuery {});
        }
        self.connection.keep_alive(now);
        self.expire_messages(now);
        self.flush(now);
    }

    /// When [`Session::handle_timeout`] is to be called; None once the session is over.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let patience = match (self.state == State::Online, self.probed) {
            (false, _) => self.config.start_up_deadline,
            (true, Some(probed)) => probed + self.config.probe_deadline,
            (true, None) => self.connection.heard() + self.config.probe_after,
        };
        let due = [
            Some(patience),
            Some(self.connection.next_keep_alive()),
            self.messages.first_deadline(),
            self.connection.next_flush(self.elapsed(now)),
        ];
        due.into_iter().flatten().min().map(|due| self.connection.instant(due))
    }

    /// The next frame to send.
    pub fn poll_transmit(&mut self) -> Option<Frame> {
        self.connection.outgoing.poll()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How many requests wait for their turn in their rate class: what [`Session::sign_off`] would drop.
    pub fn queued(&self) -> usize {
        self.connection.pacer.queued()
    }

    /// Signs off: what is queued is dropped ([`Session::queued`]), a sign-off frame goes, and the session is over.
    pub fn sign_off(&mut self) {
        if !self.closed {
            self.connection.outgoing.push(Frame::new(FlapChannel::SignOff, Vec::new()));
            self.close(CloseReason::SignedOff);
        }
    }

    /// Sets the status word (01/1E), see [`oservice::status`]: such as [`oservice::status::INVISIBLE`], so that nobody
    /// sees us. An away message is a matter of its own, [`Session::set_away`].
    pub fn set_status(&mut self, status: u32, now: Instant) -> Result<(), SendError> {
        let tlvs = Tlvs::new().with_u32(oservice::tlv::STATUS, status);
        self.send(&oservice::SetUserInfoFields { tlvs }, now)
    }

    /// Says how long nobody has been at the keyboard (01/11), in whole seconds; zero for back. Others see it in minutes.
    pub fn set_idle(&mut self, idle: Duration, now: Instant) -> Result<(), SendError> {
        let seconds = u32::try_from(idle.as_secs()).unwrap_or(u32::MAX);
        self.send(&oservice::IdleNotification { seconds }, now)
    }

    /// Asks for something that has no method here, or tells it: any body, one of the caller's own too (a type for which
    /// they implement [`crate::wire::Wire`] and [`SnacBody`]). It waits for its turn in its rate class. Gives the request's
    /// id, which an answer repeats: it comes as the event of its kind, as [`Event::Other`] where there is none, or as
    /// [`Event::Refused`].
    ///
    /// Not for what the session keeps count of: messages of channel 1 ([`Session::send_text`]) and edits of the buddy
    /// list ([`Session::edit_list`]).
    ///
    /// # Errors
    /// [`SendError::NotOnline`], [`SendError::TooLong`] beyond [`crate::wire::flap::MAX_SENT_PAYLOAD`] bytes,
    /// [`SendError::Busy`].
    pub fn request<B: SnacBody>(&mut self, body: &B, now: Instant) -> Result<u32, SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        let id = self.connection.request(body);
        self.flush(self.elapsed(now));
        id
    }

    fn receive_snac(&mut self, snac: &Snac, now: Duration) {
        let body = match Body::decode(snac) {
            Ok(body) => body,
            Err(error) => {
                let (group, subgroup) = (snac.group, snac.subgroup);
                self.events.push_back(Event::Unreadable { group, subgroup, error });
                return;
            }
        };
        if let Some(body) = self.receive_start_up(snac, body, now) {
            match body {
                Body::Error(error) => self.receive_error(snac, &error),
                Body::ImToClient(im) => self.receive_im(snac, &im),
                Body::HostAck(ack) => self.receive_ack(ack.cookie),
                Body::TypingNotice(notice) => self.receive_typing(notice),
                Body::MissedCalls(missed) => self.receive_missed(missed),
                Body::ImClientError(error) => self.events.push_back(Event::ImNotTaken {
                    cookie: error.cookie,
                    by: error.screen_name,
                    reason: error.reason,
                }),
                Body::OfflineDone(_) => self.events.push_back(Event::StoredImsDone),
                Body::EvilReply(given) => self
                    .events
                    .push_back(Event::WarningGiven { level: given.level, increase: given.increase }),
                Body::BuddyArrived(arrived) => self.receive_arrived(arrived.infos),
                Body::BuddyDeparted(departed) => self.receive_departed(departed.infos),
                Body::FeedbagStatus(status) => self.receive_feedbag_status(snac.request_id, &status.codes),
                Body::FeedbagInsert(items) => self.receive_items(snac, items.items),
                Body::FeedbagUpdate(items) => self.receive_items(snac, items.items),
                Body::FeedbagDelete(items) => self.receive_deletion(&items.items),
                Body::AuthorizationRequestToClient(asked) => self
                    .events
                    .push_back(Event::AuthorizationAsked { by: asked.screen_name, text: asked.reason }),
                Body::AuthorizationReplyToClient(answer) => {
                    self.events.push_back(Event::AuthorizationAnswered {
                        by: answer.screen_name,
                        granted: answer.accepted != 0,
                        text: answer.reason,
                    });
                }
                Body::BuddyAdded(added) => self.events.push_back(Event::AddedBy(added.screen_name)),
                Body::UserInfoReply(reply) => self.receive_user_info(reply),
                Body::OwnUserInfo(own) => self.receive_own_info(own),
                Body::RateParamChange(change) => {
                    self.connection.pacer.adopt(&change, now);
                    let (class, code) = (change.class.id, change.code);
                    self.events.push_back(Event::RateChanged { class, code });
                }
                Body::EvilNotification(warned) => {
                    let by = warned.warner.map(|warner| warner.screen_name);
                    self.events.push_back(Event::Warned { level: warned.level, by });
                }
                Body::ServiceResponse(response) => self.receive_service(snac.request_id, &response.tlvs),
                Body::Pause(_) => {
                    self.connection.pause(&self.groups);
                    self.events.push_back(Event::Paused);
                }
                Body::Resume(_) => {
                    self.connection.pacer.pause(false);
                    self.events.push_back(Event::Resumed);
                }
                // Groups that are none of a session's are moved without it.
                Body::Migrate(migrate)
                    if migrate.groups.is_empty() || migrate.groups.iter().copied().any(start_up::is_ours) =>
                {
                    self.close(connection::moved(&migrate.tlvs, FoodGroup::Oservice, None));
                }
                // Answers that the session does not need, and what we know nothing of.
                _ => self.events.push_back(Event::Other(snac.clone())),
            }
        }
    }

    fn receive_own_info(&mut self, own: oservice::OwnUserInfo) {
        if let Some(info) = own.infos.into_iter().next() {
            self.screen_name = info.screen_name.clone();
            self.connection.pacer.is_bot(info.flags() & user_info::flags::BOT != 0);
            self.events.push_back(Event::OwnInfo(info));
        }
    }

    fn signed_off(&mut self, payload: &[u8]) {
        self.close(self.connection.why_signed_off(payload));
    }

    fn close(&mut self, reason: CloseReason) {
        if !self.closed {
            self.closed = true;
            self.events.push_back(Event::Closed(reason));
        }
    }

    fn elapsed(&self, now: Instant) -> Duration {
        self.connection.elapsed(now)
    }

    /// Queues what a caller asked for.
    fn send<B: SnacBody>(&mut self, body: &B, now: Instant) -> Result<(), SendError> {
        self.request(body, now).map(|_| ())
    }

    /// Queues what the session itself asks for; gives the request id, if it could be queued.
    fn ask<B: SnacBody>(&mut self, body: &B) -> Option<u32> {
        self.connection.request(body).ok()
    }

    fn flush(&mut self, now: Duration) {
        if !self.closed {
            self.connection.flush(now);
        }
    }
}
