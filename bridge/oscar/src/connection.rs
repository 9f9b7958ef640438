//! What every connection behind the sign-on has, whatever it is for: its first frame, numbered requests at the server's
//! pace, keep-alives, and the time since it stood.

use crate::foodgroup::chat::RoomId;
use crate::foodgroup::oservice::{self, PauseAck};
use crate::foodgroup::{FoodGroup, SnacBody, bucp};
use crate::outgoing::Outgoing;
use crate::pacer::Pacer;
use crate::session::{CloseReason, SendError, Service};
use crate::sign_on::Address;
use crate::wire::flap::MAX_SENT_PAYLOAD;
use crate::wire::{FlapChannel, Frame, SignOnFrame, Tlvs, Wire};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Connection {
    /// Times are kept as the time since then.
    epoch: Instant,
    pub(crate) pacer: Pacer,
    pub(crate) outgoing: Outgoing,
    next_request: u32,
    /// When something last came.
    heard: Duration,
    /// When the last keep-alive frame was queued.
    kept_alive: Duration,
    keep_alive: Duration,
}

impl Connection {
    /// Stands since `now`; the sign-on frame with the cookie is queued.
    pub(crate) fn new(cookie: &[u8], keep_alive: Duration, now: Instant) -> Self {
        let mut connection = Self {
            epoch: now,
            pacer: Pacer::default(),
            outgoing: Outgoing::default(),
            next_request: 0,
            heard: Duration::ZERO,
            kept_alive: Duration::ZERO,
            keep_alive,
        };
        let hello = SignOnFrame { version: 1, tlvs: Tlvs::new().with(bucp::tlv::COOKIE, cookie) };
        // A cookie came in a TLV, so it fits one; were it longer, the server would close on the missing frame.
        if let Ok(payload) = hello.to_bytes() {
            connection.outgoing.push(Frame::new(FlapChannel::SignOn, payload));
        }
        connection
    }

    pub(crate) fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.epoch)
    }

    pub(crate) fn instant(&self, elapsed: Duration) -> Instant {
        self.epoch + elapsed
    }

    /// Something came.
    pub(crate) fn hear(&mut self, now: Duration) {
        self.heard = now;
    }

    pub(crate) fn heard(&self) -> Duration {
        self.heard
    }

    /// As libpurple does: when nothing came for a while, not when nothing was sent.
    pub(crate) fn next_keep_alive(&self) -> Duration {
        self.heard.max(self.kept_alive) + self.keep_alive
    }

    pub(crate) fn keep_alive(&mut self, now: Duration) {
        if now >= self.next_keep_alive() {
            self.kept_alive = now;
            self.outgoing.push(Frame::new(FlapChannel::KeepAlive, Vec::new()));
        }
    }

    /// Queues a request; gives its id. Refused if it is longer than servers take, or if too much waits.
    pub(crate) fn request<B: SnacBody>(&mut self, body: &B) -> Result<u32, SendError> {
        let id = self.next_id();
        let frame = Frame::body(id, body).map_err(|_| SendError::TooLong)?;
        if frame.payload.len() > MAX_SENT_PAYLOAD {
            return Err(SendError::TooLong);
        }
        if self.pacer.push((B::GROUP, B::SUBGROUP), frame) { Ok(id) } else { Err(SendError::Busy) }
    }

    /// Sends past the queue.
    fn urgent<B: SnacBody>(&mut self, body: &B) {
        let id = self.next_id();
        if let Ok(frame) = Frame::body(id, body) {
            self.outgoing.push(frame);
        }
    }

    /// The server asks for silence (01/0B): what is queued waits, but for the word that it does.
    pub(crate) fn pause(&mut self, groups: &[FoodGroup]) {
        self.urgent(&PauseAck { groups: groups.to_vec() });
        self.pacer.pause(true);
    }

    /// What a sign-off frame says. A disconnect for the rate is the same frame as a second sign-on.
    pub(crate) fn why_signed_off(&self, payload: &[u8]) -> CloseReason {
        let code = Tlvs::from_bytes(payload).ok().and_then(|tlvs| tlvs.u16(bucp::tlv::DISCONNECT_REASON));
        match code {
            Some(1) if self.pacer.over_limit() => CloseReason::RateExceeded,
            Some(1) => CloseReason::SignedOnElsewhere,
            Some(2) => CloseReason::AccountDeleted,
            code => CloseReason::SignedOffByServer { code },
        }
    }

    /// Never 0, which servers and clients use for what is not a request; never with the high bit, which is the
    /// server's.
    pub(crate) fn next_id(&mut self) -> u32 {
        self.next_request = self.next_request % 0x7fff_ffff + 1;
        self.next_request
    }

    /// Moves what may go to where it is sent from.
    pub(crate) fn flush(&mut self, now: Duration) {
        while !self.outgoing.is_full() {
            let Some(frame) = self.pacer.take(now) else { break };
            self.outgoing.push(frame);
        }
    }

    /// When [`Connection::flush`] has something to move.
    pub(crate) fn next_flush(&self, now: Duration) -> Option<Duration> {
        if self.outgoing.is_full() { None } else { self.pacer.next_at(now) }
    }
}

/// Where a migration (01/12) leads, as the end of the connection that it came on.
pub(crate) fn moved(tlvs: &Tlvs, group: FoodGroup, room: Option<RoomId>) -> CloseReason {
    let address = tlvs.text(oservice::tlv::ADDRESS).and_then(|text| Address::parse(&text));
    let cookie = tlvs.get(oservice::tlv::COOKIE).map(<[u8]>::to_vec);
    match (address, cookie) {
        (Some(address), Some(cookie)) => CloseReason::Migrated(Service { group, address, cookie, room }),
        _ => CloseReason::SignedOffByServer { code: None },
    }
}
