//! What has a connection of its own: a chat room, and the service that finds and makes rooms.
//!
//! [`crate::session::Session::request_service`] and [`crate::session::Session::request_room`] say where to connect and
//! with which cookie ([`Service`]); a [`ServiceSession`] is that connection, a machine of the same shape as the session.
//! To make a room: ask for [`FoodGroup::ChatNav`], call [`ServiceSession::find_or_create`] there, and ask for the room
//! that [`Event::RoomFound`] names. To leave a room: [`ServiceSession::leave`].
//!
//! Any other group that has a connection of its own (icons, alerts) is served too: [`ServiceSession::request`] asks,
//! [`Event::Other`] answers.
//!
//! Source: the captures `libpurple-chatnav-create`, `libpurple-chat-room`, `bitlbee-chat-room`.

use crate::ScreenName;
use crate::connection::Connection;
use crate::foodgroup::chat::{self, MessageToClient, MessageToHost, RoomId, message_tlv};
use crate::foodgroup::chat_nav::{
    self, CreateRoom, Exchange, ExchangeInfoQuery, NavInfo, Room, RoomInfoQuery,
};
use crate::foodgroup::icbm::{Cookie, TextFragment};
use crate::foodgroup::oservice::{self, GroupVersion, ToolVersion};
use crate::foodgroup::{Body, ErrorCode, FoodGroup, SnacBody, UserInfo};
use crate::session::{CloseReason, ProtocolError, SendError, Service};
use crate::text::{self, charset, html};
use crate::wire::{DecodeError, FlapChannel, FlapError, Frame, Snac, Tlvs};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const KEEP_ALIVE: Duration = Duration::from_secs(30);
const START_UP_DEADLINE: Duration = Duration::from_secs(30);
/// Longest room name that servers take.
const MAX_ROOM_NAME: usize = 50;

/// What happened. [`Event::Closed`] is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The connection is ready.
    Ready,
    /// Answer to [`ServiceSession::find_or_create`] and to [`ServiceSession::query_room`].
    RoomFound {
        /// To be asked for at the session.
        room: RoomId,
        /// As it is displayed.
        name: String,
    },
    /// What a room is like: the one that we are in (0E/02), after [`Event::Ready`] and when it changes; or one that was
    /// asked for, before [`Event::RoomFound`].
    RoomInfo(Room),
    /// Answer to [`ServiceSession::query_limits`].
    Limits {
        /// Most rooms at once.
        max_rooms: Option<u8>,
        /// The families of rooms that there are.
        exchanges: Vec<Exchange>,
    },
    /// A request was refused.
    Refused {
        /// Its id, as [`ServiceSession::request`] gave it.
        request_id: u32,
        /// Why.
        code: ErrorCode,
    },
    /// People are here, or have come; the first time it is everyone, ourselves too.
    Joined(Vec<ScreenName>),
    /// People have gone.
    Left(Vec<ScreenName>),
    /// Somebody said something; ourselves too, which is the only sign that it was heard.
    Said {
        /// Who.
        from: ScreenName,
        /// The sender's id of it.
        cookie: Cookie,
        /// Plain.
        text: String,
    },
    /// A rate class stands differently (01/0A). What is asked for waits for its turn by itself.
    RateChanged {
        /// The class.
        class: u16,
        /// See [`oservice::rate_code`].
        code: u16,
    },
    /// The server asks for silence (01/0B): what is asked for waits for [`Event::Resumed`].
    Paused,
    /// And for silence no more.
    Resumed,
    /// What there is no event for, as it came; [`Body::decode`] gives it a type.
    Other(Snac),
    /// A body that could not be read was left out.
    Unreadable {
        /// Its food group.
        group: FoodGroup,
        /// Its subgroup.
        subgroup: u16,
        /// Why.
        error: DecodeError,
    },
    /// The connection is over.
    Closed(CloseReason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hello,
    Versions,
    RateClasses,
    Ready,
}

/// The machine. See the module's documentation, and [`crate::session`] for how it is driven.
#[derive(Debug)]
pub struct ServiceSession {
    group: FoodGroup,
    room: Option<RoomId>,
    /// The groups that the server named in 01/03.
    groups: Vec<FoodGroup>,
    state: State,
    connection: Connection,
    events: VecDeque<Event>,
    closed: bool,
}

impl ServiceSession {
    /// Ready to send its sign-on frame on a connection that stood at `now`.
    pub fn new(service: &Service, now: Instant) -> Self {
        Self {
            group: service.group,
            room: service.room.clone(),
            groups: Vec::new(),
            state: State::Hello,
            connection: Connection::new(&service.cookie, KEEP_ALIVE, now),
            events: VecDeque::new(),
            closed: false,
        }
    }

    /// Finds the room of that name, or makes it. Answered by [`Event::RoomFound`] or [`Event::Refused`]. Only on a
    /// [`FoodGroup::ChatNav`] connection; `exchange` is [`chat_nav::EXCHANGE_PRIVATE`] mostly.
    pub fn find_or_create(&mut self, name: &str, exchange: u16, now: Instant) -> Result<(), SendError> {
        if name.is_empty() || name.len() > MAX_ROOM_NAME {
            return Err(SendError::InvalidName);
        }
        let text = charset::encode(name);
        let tlvs = Tlvs::new()
            .with(chat_nav::tlv::NAME, &text.bytes)
            .with(chat_nav::tlv::CHARSET, charset::name(text.charset))
            .with(chat_nav::tlv::LANGUAGE, "en");
        let room = Room { exchange, cookie: b"create".to_vec(), instance: 0xffff, detail: 1, tlvs };
        self.send(FoodGroup::ChatNav, &CreateRoom { room }, now)
    }

    /// Asks for the limits and the families of rooms (0D/02). Answered by [`Event::Limits`].
    pub fn query_limits(&mut self, now: Instant) -> Result<(), SendError> {
        self.send(FoodGroup::ChatNav, &chat_nav::RightsQuery {}, now)
    }

    /// Asks about one room (0D/04). Answered by [`Event::RoomFound`] or [`Event::Refused`].
    pub fn query_room(&mut self, room: &RoomId, now: Instant) -> Result<(), SendError> {
        let RoomId { exchange, cookie, instance } = room.clone();
        if cookie.len() > usize::from(u8::MAX) {
            return Err(SendError::TooLong);
        }
        self.send(FoodGroup::ChatNav, &RoomInfoQuery { exchange, cookie, instance, detail: 2 }, now)
    }

    /// Asks about a family of rooms (0D/03). Answered by [`Event::Limits`] or [`Event::Refused`].
    pub fn query_exchange(&mut self, exchange: u16, now: Instant) -> Result<(), SendError> {
        self.send(FoodGroup::ChatNav, &ExchangeInfoQuery { exchange }, now)
    }

    /// Asks for something that has no method here; as [`crate::session::Session::request`].
    ///
    /// # Errors
    /// [`SendError::NotOnline`] before [`Event::Ready`] and after [`Event::Closed`], [`SendError::TooLong`],
    /// [`SendError::Busy`].
    pub fn request<B: SnacBody>(&mut self, body: &B, now: Instant) -> Result<u32, SendError> {
        if self.closed || self.state != State::Ready {
            return Err(SendError::NotOnline);
        }
        let id = self.connection.request(body);
        self.connection.flush(self.connection.elapsed(now));
        id
    }

    /// Says something to the room, plain text with `\n` for line breaks. It comes back as [`Event::Said`]. Rooms take
    /// about 1,024 bytes; [`Event::RoomInfo`] says how many ([`Room::max_message`]).
    pub fn say(&mut self, cookie: Cookie, plain: &str, now: Instant) -> Result<(), SendError> {
        let text = charset::encode(html::escaped(plain));
        let message = Tlvs::new()
            .with(message_tlv::TEXT, &text.bytes)
            .with(message_tlv::CHARSET, charset::name(text.charset))
            .with(message_tlv::LANGUAGE, "en");
        let tlvs = Tlvs::new()
            .with(chat::tlv::PUBLIC, [])
            .with(chat::tlv::REFLECT, [])
            .with_wire(chat::tlv::MESSAGE, &message)
            .map_err(|_| SendError::TooLong)?;
        self.send(FoodGroup::Chat, &MessageToHost { cookie, channel: chat::CHANNEL, tlvs }, now)
    }

    /// Ends the connection: that is how a room is left.
    pub fn leave(&mut self) {
        if !self.closed {
            self.connection.outgoing.push(Frame::new(FlapChannel::SignOff, Vec::new()));
            self.close(CloseReason::SignedOff);
        }
    }

    /// A frame came.
    pub fn receive(&mut self, frame: &Frame, now: Instant) {
        if self.closed {
            return;
        }
        let now = self.connection.elapsed(now);
        self.connection.hear(now);
        match frame.channel {
            FlapChannel::Data => match Snac::decode(&frame.payload) {
                Ok(snac) => self.receive_snac(&snac, now),
                Err(error) => self.close(CloseReason::Protocol(error.into())),
            },
            FlapChannel::SignOff => self.close(self.connection.why_signed_off(&frame.payload)),
            FlapChannel::Error => self.close(CloseReason::Protocol(ProtocolError::ErrorFrame)),
            FlapChannel::SignOn | FlapChannel::KeepAlive | FlapChannel::Other(_) => {}
        }
        if !self.closed {
            self.connection.flush(now);
        }
    }

    /// The connection has ended; `why` in words.
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
        let now = self.connection.elapsed(now);
        if self.state != State::Ready && now >= START_UP_DEADLINE {
            self.close(CloseReason::StartUpTimeout("the service was ready"));
            return;
        }
        self.connection.keep_alive(now);
        self.connection.flush(now);
    }

    /// When [`ServiceSession::handle_timeout`] is to be called; None once it is over.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let patience = (self.state != State::Ready).then_some(START_UP_DEADLINE);
        let flush = self.connection.next_flush(self.connection.elapsed(now));
        let due = [patience, flush, Some(self.connection.next_keep_alive())];
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

    fn send<B: SnacBody>(&mut self, group: FoodGroup, body: &B, now: Instant) -> Result<(), SendError> {
        if self.group != group {
            return Err(SendError::NotOnline);
        }
        self.request(body, now).map(|_| ())
    }

    fn receive_snac(&mut self, snac: &Snac, now: Duration) {
        let event = match Body::decode(snac).map(|body| self.step(snac, body, now)) {
            Ok(Ok(event)) => event,
            Ok(Err(error)) | Err(error) => {
                Some(Event::Unreadable { group: snac.group, subgroup: snac.subgroup, error })
            }
        };
        self.events.extend(event);
    }

    fn step(&mut self, snac: &Snac, body: Body, now: Duration) -> Result<Option<Event>, DecodeError> {
        let versions = [(FoodGroup::Oservice, 3), (self.group, 1)];
        match (self.state, body) {
            (State::Hello, Body::HostOnline(online)) => {
                self.groups = online.groups;
                let versions = versions.map(|(group, version)| GroupVersion { group, version }).to_vec();
                self.ask(&oservice::ClientVersions { versions });
                self.state = State::Versions;
            }
            (State::Versions, Body::HostVersions(_)) => {
                self.ask(&oservice::RateParamsQuery {});
                self.state = State::RateClasses;
            }
            (State::RateClasses, Body::RateParams(params)) => {
                self.connection.pacer.learn(&params, now);
                self.ask(&oservice::RateSubscribe { classes: self.connection.pacer.classes() });
                let tools = versions
                    .map(|(group, version)| ToolVersion {
                        group,
                        version,
                        tool: 0x0110,
                        tool_version: 0x0629,
                    })
                    .to_vec();
                self.ask(&oservice::ClientOnline { tools });
                self.state = State::Ready;
                return Ok(Some(Event::Ready));
            }
            (_, Body::RateParamChange(change)) => {
                self.connection.pacer.adopt(&change, now);
                return Ok(Some(Event::RateChanged { class: change.class.id, code: change.code }));
            }
            (_, Body::Pause(_)) => {
                self.connection.pause(&self.groups);
                return Ok(Some(Event::Paused));
            }
            (_, Body::Resume(_)) => {
                self.connection.pacer.pause(false);
                return Ok(Some(Event::Resumed));
            }
            (_, Body::Migrate(migrate))
                if migrate.groups.is_empty() || migrate.groups.contains(&self.group) =>
            {
                self.close(crate::connection::moved(&migrate.tlvs, self.group, self.room.clone()));
            }
            (_, Body::Error(error)) => {
                return Ok(Some(Event::Refused { request_id: snac.request_id, code: error.error_code() }));
            }
            (_, Body::NavInfo(info)) => return self.found(&info),
            (_, Body::RoomInfoUpdate(info)) => return Ok(Some(Event::RoomInfo(info.room))),
            (_, Body::UsersJoined(joined)) => return Ok(Some(Event::Joined(names(joined.infos)))),
            (_, Body::UsersLeft(left)) => return Ok(Some(Event::Left(names(left.infos)))),
            (_, Body::ChatToClient(message)) => return said(&message),
            _ => return Ok(Some(Event::Other(snac.clone()))),
        }
        Ok(None)
    }

    fn found(&mut self, info: &NavInfo) -> Result<Option<Event>, DecodeError> {
        let Some(room) = info.room().transpose()? else {
            return Ok(Some(Event::Limits { max_rooms: info.max_rooms(), exchanges: info.exchanges()? }));
        };
        let name = room.name().unwrap_or_else(|| crate::wire::text(&room.cookie));
        let id = RoomId::from(&room);
        self.events.push_back(Event::RoomInfo(room));
        Ok(Some(Event::RoomFound { room: id, name }))
    }

    /// Asks for something of the start-up: short, and never too much at once.
    fn ask<B: SnacBody>(&mut self, body: &B) {
        let _ = self.connection.request(body);
    }

    fn close(&mut self, reason: CloseReason) {
        if !self.closed {
            self.closed = true;
            self.events.push_back(Event::Closed(reason));
        }
    }
}

fn said(message: &MessageToClient) -> Result<Option<Event>, DecodeError> {
    let (Some(sender), Some(tlvs)) = (message.sender().transpose()?, message.message().transpose()?) else {
        return Ok(None);
    };
    let text = TextFragment {
        charset: charset::from_name(&tlvs.text(message_tlv::CHARSET).unwrap_or_default()),
        language: 0,
        bytes: tlvs.get(message_tlv::TEXT).unwrap_or_default().to_vec(),
    };
    Ok(Some(Event::Said {
        from: sender.screen_name,
        cookie: message.cookie,
        text: text::to_plain([text]).text,
    }))
}

fn names(infos: Vec<UserInfo>) -> Vec<ScreenName> {
    infos.into_iter().map(|info| info.screen_name).collect()
}
