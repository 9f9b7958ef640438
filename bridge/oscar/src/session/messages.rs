//! Instant messages: out with their acknowledgement or refusal, in with their text; typing; offers of chat rooms.

use super::Session;
use super::event::{Event, ImReceived, Invitation, SendError, Service, Typing};
use crate::ScreenName;
use crate::foodgroup::chat::RoomId;
use crate::foodgroup::icbm::{
    Cookie, EvilRequest, IcqMessage, ImData, ImToClient, ImToHost, MissedCalls, Rendezvous, TextFragment,
    TypingNotice, channel, icq_kind, rendezvous, tlv, typing,
};
use crate::foodgroup::{Capability, FoodGroup, SnacBody, SnacError, oservice};
use crate::sign_on::Address;
use crate::text::{self, Plain, charset};
use crate::wire::flap::MAX_SENT_PAYLOAD;
use crate::wire::{Frame, Snac, Tlvs, Wire};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Messages that wait for their acknowledgement. A server that limits lets through a handful.
const MAX_UNACKNOWLEDGED: usize = 4096;
/// Services asked for and not answered.
const MAX_SERVICES: usize = 16;

const IM: (FoodGroup, u16) = (ImToHost::GROUP, ImToHost::SUBGROUP);

/// What was sent and is not answered yet.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// In the order of their deadlines, which is the order of sending.
    unacknowledged: VecDeque<Unacknowledged>,
    services: VecDeque<(u32, FoodGroup, Option<RoomId>)>,
}

#[derive(Debug)]
struct Unacknowledged {
    cookie: Cookie,
    request_id: u32,
    to: ScreenName,
    deadline: Duration,
}

impl Messages {
    pub(super) fn first_deadline(&self) -> Option<Duration> {
        self.unacknowledged.front().map(|message| message.deadline)
    }
}

/// How a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ImOptions {
    /// An automatic reply: not acknowledged to anybody, never answered by a program.
    pub auto: bool,
    /// The server keeps it if the recipient is not signed on; else it refuses.
    pub store: bool,
}

impl ImOptions {
    /// An automatic reply.
    #[must_use]
    pub const fn automatic(self) -> Self {
        Self { auto: true, ..self }
    }

    /// Kept by the server for a recipient who is not signed on.
    #[must_use]
    pub const fn stored(self) -> Self {
        Self { store: true, ..self }
    }
}

impl Session {
    /// How many messages may go at once without coming near the rate limit; at most 1,024.
    pub fn im_credits(&self, now: Instant) -> u32 {
        if self.is_online() { self.connection.pacer.credits(IM, self.elapsed(now)) } else { 0 }
    }

    /// When [`Session::im_credits`] is at least 1: `now` if it is. None while nothing may be sent at all.
    pub fn next_im_credit_at(&self, now: Instant) -> Option<Instant> {
        if !self.is_online() {
            return None;
        }
        self.connection.pacer.next_credit_at(IM, self.elapsed(now)).map(|at| self.connection.instant(at))
    }

    /// Sends a message of plain text (04/06), `\n` for line breaks. Costs a credit. Its end is [`Event::ImAcked`],
    /// [`Event::ImRefused`] or [`Event::NoAcknowledgement`] with this `cookie`, which should be new.
    pub fn send_im(
        &mut self,
        cookie: Cookie,
        to: &ScreenName,
        plain: &str,
        now: Instant,
    ) -> Result<(), SendError> {
        self.send_text(cookie, to, &text::encode(plain), ImOptions::default(), now)
    }

    /// Sends a message as it is: AIM's HTML in a charset of the caller's choice.
    pub fn send_text(
        &mut self,
        cookie: Cookie,
        to: &ScreenName,
        text: &TextFragment,
        options: ImOptions,
        now: Instant,
    ) -> Result<(), SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        if !to.is_valid() {
            return Err(SendError::InvalidName);
        }
        if self.messages.unacknowledged.len() >= MAX_UNACKNOWLEDGED || self.connection.outgoing.is_full() {
            return Err(SendError::Busy);
        }
        let data = ImData::of_text(text).map_err(|_| SendError::TooLong)?;
        let mut tlvs = Tlvs::new().with_wire(tlv::MESSAGE, &data).map_err(|_| SendError::TooLong)?;
        tlvs.push(tlv::HOST_ACK, []);
        if options.auto {
            tlvs.push(tlv::AUTO_RESPONSE, []);
        }
        if options.store {
            tlvs.push(tlv::STORE, []);
        }
        // libpurple tells that it types only to those whose messages have this.
        tlvs.push(tlv::WANTS_TYPING, []);
        let request_id = self.connection.next_id();
        let body = ImToHost { cookie, channel: channel::IM, to: to.clone(), tlvs };
        let frame = Frame::body(request_id, &body).map_err(|_| SendError::TooLong)?;
        if frame.payload.len() > MAX_SENT_PAYLOAD {
            return Err(SendError::TooLong);
        }
        let now = self.elapsed(now);
        if !self.connection.pacer.send_now(IM, now) {
            return Err(SendError::NoCredit);
        }
        self.connection.outgoing.push(frame);
        self.messages.unacknowledged.push_back(Unacknowledged {
            cookie,
            request_id,
            to: to.clone(),
            deadline: now + self.config.ack_deadline,
        });
        Ok(())
    }

    /// Tells somebody that we type (04/14). Left out, without an error, where the rate limit has no room for it at once: a
    /// late notice is worse than none.
    pub fn send_typing(&mut self, to: &ScreenName, event: Typing, now: Instant) -> Result<(), SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        if !to.is_valid() {
            return Err(SendError::InvalidName);
        }
        let event = match event {
            Typing::Typing => typing::BEGUN,
            Typing::Paused => typing::TYPED,
            Typing::None => typing::NONE,
        };
        let notice =
            TypingNotice { cookie: Cookie::default(), channel: channel::IM, screen_name: to.clone(), event };
        let request_id = self.connection.next_id();
        let frame = Frame::body(request_id, &notice).map_err(|_| SendError::TooLong)?;
        let now = self.elapsed(now);
        if !self.connection.outgoing.is_full()
            && self.connection.pacer.send_now((TypingNotice::GROUP, TypingNotice::SUBGROUP), now)
        {
            self.connection.outgoing.push(frame);
        }
        Ok(())
    }

    /// Asks for a connection to a chat room (01/04), to accept an invitation or to enter one of ours. Answered by
    /// [`Event::ServiceReady`] or [`Event::ServiceRefused`].
    pub fn request_room(&mut self, room: &RoomId, now: Instant) -> Result<(), SendError> {
        let tlvs = Tlvs::new().with_wire(oservice::tlv::ROOM, room).map_err(|_| SendError::TooLong)?;
        self.request_service_with(FoodGroup::Chat, tlvs, Some(room.clone()), now)
    }

    /// Asks for a connection to another service, such as [`FoodGroup::ChatNav`] (01/04). Answered by [`Event::ServiceReady`] or
    /// [`Event::ServiceRefused`]; servers answer in the order of asking.
    pub fn request_service(&mut self, group: FoodGroup, now: Instant) -> Result<(), SendError> {
        self.request_service_with(group, Tlvs::new(), None, now)
    }

    fn request_service_with(
        &mut self,
        group: FoodGroup,
        tlvs: Tlvs,
        room: Option<RoomId>,
        now: Instant,
    ) -> Result<(), SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        if self.messages.services.len() >= MAX_SERVICES {
            return Err(SendError::Busy);
        }
        let request_id = self.request(&oservice::ServiceRequest { group, tlvs }, now)?;
        self.messages.services.push_back((request_id, group, room));
        Ok(())
    }

    /// Declines an invitation (04/06 on channel 2, kind 1). Not answered.
    pub fn decline(&mut self, invitation: &Invitation, now: Instant) -> Result<(), SendError> {
        self.cancel(invitation.cookie, &invitation.from, Capability::CHAT.0, now)
    }

    /// Declines what somebody offers ([`Event::Rendezvous`]).
    pub fn decline_offer(
        &mut self,
        from: &ScreenName,
        offer: &Rendezvous,
        now: Instant,
    ) -> Result<(), SendError> {
        self.cancel(offer.cookie, from, offer.capability, now)
    }

    fn cancel(
        &mut self,
        cookie: Cookie,
        to: &ScreenName,
        capability: [u8; 16],
        now: Instant,
    ) -> Result<(), SendError> {
        let tlvs = Tlvs::new().with_u16(rendezvous::REASON, 1);
        let offer = Rendezvous { kind: rendezvous::CANCEL, cookie, capability, tlvs };
        self.send_rendezvous(to, &offer, now)
    }

    /// Warns somebody who has written to us (04/08); servers take it from nobody else. Answered by [`Event::WarningGiven`] or
    /// [`Event::Refused`].
    pub fn warn(&mut self, name: &ScreenName, anonymously: bool, now: Instant) -> Result<(), SendError> {
        if !name.is_valid() {
            return Err(SendError::InvalidName);
        }
        self.send(&EvilRequest { anonymous: anonymously.into(), screen_name: name.clone() }, now)
    }

    /// Invites somebody into a chat room (04/06 on channel 2), with words in plain text. Not acknowledged; [`Event::Refused`] if
    /// they are not there, and [`Event::Rendezvous`] of kind 1 if they decline.
    pub fn invite(
        &mut self,
        cookie: Cookie,
        to: &ScreenName,
        room: &RoomId,
        plain: &str,
        now: Instant,
    ) -> Result<(), SendError> {
        let text = charset::encode(plain);
        let tlvs = Tlvs::new()
            .with_u16(rendezvous::SEQUENCE, 1)
            .with(rendezvous::HOST_CHECK, [])
            .with(rendezvous::TEXT, &text.bytes)
            .with(rendezvous::CHARSET, charset::name(text.charset))
            .with_wire(rendezvous::SERVICE_DATA, room)
            .map_err(|_| SendError::TooLong)?;
        let offer = Rendezvous { kind: rendezvous::PROPOSE, cookie, capability: Capability::CHAT.0, tlvs };
        self.send_rendezvous(to, &offer, now)
    }

    /// A word on channel 2: offers something, takes that back, or accepts what was offered ([`Event::Rendezvous`]), as
    /// [`Rendezvous::kind`] says. What comes after an acceptance, such as a file on a connection between the two, is the
    /// caller's business. Not acknowledged; [`Event::Refused`] if they are not there.
    pub fn send_rendezvous(
        &mut self,
        to: &ScreenName,
        offer: &Rendezvous,
        now: Instant,
    ) -> Result<(), SendError> {
        if !to.is_valid() {
            return Err(SendError::InvalidName);
        }
        let tlvs = Tlvs::new().with_wire(tlv::DATA, offer).map_err(|_| SendError::TooLong)?;
        let body = ImToHost { cookie: offer.cookie, channel: channel::RENDEZVOUS, to: to.clone(), tlvs };
        self.send(&body, now)
    }

    pub(super) fn receive_im(&mut self, snac: &Snac, im: &ImToClient) {
        let event = match im.channel {
            channel::IM => im
                .message()
                .map(|data| data.map(|data| Event::ImReceived(received(im, text::to_plain(data.texts()))))),
            channel::RENDEZVOUS => im.rendezvous().map(|offer| offer.map(|offer| offered(im, offer))),
            channel::ICQ => im.icq().map(|message| message.map(|message| icq(im, message))),
            _ => None,
        };
        match event {
            Some(Ok(event)) => self.events.push_back(event),
            Some(Err(error)) => self.events.push_back(Event::Unreadable {
                group: ImToClient::GROUP,
                subgroup: ImToClient::SUBGROUP,
                error,
            }),
            // A channel that nobody has heard of, or one without its content.
            None => self.events.push_back(Event::Other(snac.clone())),
        }
    }

    pub(super) fn receive_ack(&mut self, cookie: Cookie) {
        // Nearly always the first: servers acknowledge in the order of sending.
        let waiting = &mut self.messages.unacknowledged;
        if let Some(at) = waiting.iter().position(|message| message.cookie == cookie) {
            waiting.remove(at);
        }
        self.events.push_back(Event::ImAcked { cookie });
    }

    pub(super) fn receive_typing(&mut self, notice: TypingNotice) {
        let typing = match notice.event {
            typing::BEGUN => Typing::Typing,
            typing::TYPED => Typing::Paused,
            _ => Typing::None,
        };
        self.events.push_back(Event::Typing { from: notice.screen_name, typing });
    }

    pub(super) fn receive_missed(&mut self, missed: MissedCalls) {
        self.events.extend(missed.calls.into_iter().map(|call| Event::ImsMissed {
            from: call.from.screen_name,
            count: call.count,
            reason: call.reason,
        }));
    }

    /// An error is about the request with its id: a message, a service, or one that nobody waits for.
    pub(super) fn receive_error(&mut self, snac: &Snac, error: &SnacError) {
        let (code, sub_code) = (error.error_code(), error.sub_code());
        let waiting = &mut self.messages.unacknowledged;
        if snac.group == FoodGroup::Icbm
            && let Some(at) = waiting.iter().position(|message| message.request_id == snac.request_id)
            && let Some(message) = waiting.remove(at)
        {
            let (cookie, to) = (message.cookie, message.to);
            self.events.push_back(Event::ImRefused { cookie, to, code, sub_code });
        } else if let Some((_, group, _)) = self.take_service(snac.request_id) {
            self.events.push_back(Event::ServiceRefused { group, code });
        } else if !self.edit_refused(snac) {
            let (group, request_id) = (snac.group, snac.request_id);
            self.events.push_back(Event::Refused { group, request_id, code });
        }
    }

    pub(super) fn receive_service(&mut self, request_id: u32, tlvs: &Tlvs) {
        let Some((_, group, room)) = self.take_service(request_id) else { return };
        let address = tlvs.text(oservice::tlv::ADDRESS).and_then(|text| Address::parse(&text));
        let cookie = tlvs.get(oservice::tlv::COOKIE).map(<[u8]>::to_vec);
        self.events.push_back(match (address, cookie) {
            (Some(address), Some(cookie)) => Event::ServiceReady(Service { group, address, cookie, room }),
            _ => Event::ServiceRefused { group, code: crate::foodgroup::ErrorCode::BustedPayload },
        });
    }

    pub(super) fn expire_messages(&mut self, now: Duration) {
        while self.messages.first_deadline().is_some_and(|deadline| deadline <= now) {
            if let Some(Unacknowledged { cookie, to, .. }) = self.messages.unacknowledged.pop_front() {
                self.events.push_back(Event::NoAcknowledgement { cookie, to });
            }
        }
    }

    fn take_service(&mut self, request_id: u32) -> Option<(u32, FoodGroup, Option<RoomId>)> {
        let at = self.messages.services.iter().position(|(id, ..)| *id == request_id)?;
        self.messages.services.remove(at)
    }
}

fn received(im: &ImToClient, plain: Plain) -> ImReceived {
    ImReceived {
        from: im.from.screen_name.clone(),
        info: im.from.clone(),
        cookie: im.cookie,
        text: plain.text,
        lossy: plain.lossy,
        auto: im.tlvs.has(tlv::AUTO_RESPONSE),
        stored_at: im.tlvs.number(tlv::SEND_TIME),
        wants_typing: im.tlvs.has(tlv::WANTS_TYPING),
    }
}

fn offered(im: &ImToClient, offer: Rendezvous) -> Event {
    match invitation(im, &offer) {
        Some(invited) => Event::ChatInvited(invited),
        None => Event::Rendezvous { from: im.from.screen_name.clone(), rendezvous: offer },
    }
}

/// ICQ's old plain messages are messages like others, but that their text is no HTML.
fn icq(im: &ImToClient, message: IcqMessage) -> Event {
    if message.kind != icq_kind::PLAIN {
        return Event::Icq { from: im.from.screen_name.clone(), message };
    }
    let part = TextFragment { charset: charset::ASCII, language: 0, bytes: message.text };
    let decoded = charset::decode(&part);
    let kept = |character: &char| matches!(character, '\n' | '\t') || !character.is_control();
    let text = decoded.text.replace("\r\n", "\n").chars().filter(kept).collect();
    Event::ImReceived(received(im, Plain { text, lossy: decoded.lossy }))
}

fn invitation(im: &ImToClient, offer: &Rendezvous) -> Option<Invitation> {
    if offer.kind != rendezvous::PROPOSE || offer.offers() != Capability::CHAT {
        return None;
    }
    let room = RoomId::from_bytes(offer.tlvs.get(rendezvous::SERVICE_DATA)?).ok()?;
    let text = TextFragment {
        charset: charset::from_name(&offer.tlvs.text(rendezvous::CHARSET).unwrap_or_default()),
        language: 0,
        bytes: offer.tlvs.get(rendezvous::TEXT).unwrap_or_default().to_vec(),
    };
    let text = text::to_plain([text]).text;
    Some(Invitation { from: im.from.screen_name.clone(), cookie: offer.cookie, room, text })
}
