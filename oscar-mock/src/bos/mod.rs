//! What a signed-on client asks and what it is answered: one file a food group.
//!
//! Pure: a handler gets the realm, the caller and one SNAC, and leaves envelopes in the outbox. BOS and the service
//! connections (chat rooms and their navigation, icons, alerts) are served alike; what differs is which groups they
//! have.

pub(crate) mod buddy;
mod chat;
mod chat_nav;
mod feedbag;
mod icbm;
mod icq;
mod locate;
pub(crate) mod oservice;
mod pd;

use std::sync::Arc;

use oscar_im::foodgroup::bucp::tlv;
use oscar_im::foodgroup::oservice::HostOnline;
use oscar_im::foodgroup::{ErrorCode, FoodGroup, SnacBody};
use oscar_im::wire::{Snac, Tlvs};

use crate::clock::Now;
use crate::ending::Ending;
use crate::entropy::Entropy;
use crate::faults::Faults;
use crate::host::Settings;
use crate::journal::{Message, Ring};
use crate::outbox::{Outbox, Refusal, UNASKED};
use crate::realm::{AccountId, ConnectionId, Realm, SessionId};
use crate::tickets::Tickets;

/// All that a handler may read and change.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) realm: &'a mut Realm,
    pub(crate) out: &'a mut Outbox,
    pub(crate) tickets: &'a mut Tickets,
    pub(crate) entropy: &'a mut Entropy,
    pub(crate) settings: &'a Settings,
    pub(crate) messages: &'a mut Ring<Message>,
    pub(crate) faults: &'a mut Faults,
    pub(crate) now: Now,
}

/// Who asks, and where the answer goes.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) connection: ConnectionId,
    pub(crate) session: SessionId,
    pub(crate) account: AccountId,
    /// What the connection serves.
    pub(crate) service: Service,
    /// The `host:port` by which services are to be reached.
    pub(crate) address: Arc<str>,
    /// The request's id, for the answer.
    pub(crate) request_id: u32,
}

/// What a connection of a session serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Service {
    /// The session itself.
    Bos,
    /// Chat navigation, icons or alerts.
    Other(FoodGroup),
    /// The chat room with this cookie.
    Room(String),
}

/// What BOS serves, in open-oscar-server's order; 06, 08 and 0A are named and answered by errors.
const BOS_GROUPS: [u16; 13] = [0x18, 0x10, 0x03, 0x13, 0x04, 0x15, 0x02, 0x01, 0x09, 0x0a, 0x06, 0x08, 0x0b];

impl Service {
    /// The groups that 01/03 names.
    fn groups(&self) -> Vec<FoodGroup> {
        match self {
            Self::Bos => BOS_GROUPS.map(FoodGroup::from).to_vec(),
            Self::Other(group) => vec![*group, FoodGroup::Oservice],
            Self::Room(_) => vec![FoodGroup::Oservice, FoodGroup::Chat],
        }
    }

    fn has(&self, group: FoodGroup) -> bool {
        group == FoodGroup::Oservice
            || match self {
                Self::Bos => BOS_GROUPS.contains(&group.into()),
                Self::Other(own) => group == *own,
                Self::Room(_) => group == FoodGroup::Chat,
            }
    }
}

impl Context<'_> {
    /// Answers the caller.
    fn reply<B: SnacBody>(&mut self, caller: &Caller, body: &B) -> Outcome {
        Ok(self.out.snac(caller.connection, caller.request_id, body)?)
    }

    /// Tells a session something that it did not ask for. What doesn't fit a frame is not sent, which is logged.
    fn tell<B: SnacBody>(&mut self, session: SessionId, body: &B) {
        let Some(bos) = self.realm.session(session).map(|session| session.bos) else { return };
        if self.out.snac(bos, UNASKED, body).is_err() {
            tracing::warn!(group = %B::GROUP, subgroup = B::SUBGROUP, "not sent: too long for a frame");
        }
    }
}

/// What a request's handler says: that it was carried out, or why not.
type Outcome = Result<(), Refusal>;

/// Greets a connection that a cookie let in.
pub(crate) fn greet(cx: &mut Context<'_>, caller: &Caller) {
    let body = HostOnline { groups: caller.service.groups() };
    // A dozen groups always fit.
    let _ = cx.out.snac(caller.connection, UNASKED, &body);
}

/// Carries out one SNAC.
pub(crate) fn receive(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) {
    let outcome = match snac.group {
        group if !caller.service.has(group) => Err(ErrorCode::BadSnac.into()),
        FoodGroup::Oservice => oservice::receive(cx, caller, snac),
        FoodGroup::Locate => locate::receive(cx, caller, snac),
        FoodGroup::Buddy => buddy::receive(cx, caller, snac),
        FoodGroup::Icbm => icbm::receive(cx, caller, snac),
        FoodGroup::Pd => pd::receive(cx, caller, snac),
        FoodGroup::Feedbag => feedbag::receive(cx, caller, snac),
        FoodGroup::Icq => icq::receive(cx, caller, snac),
        FoodGroup::ChatNav => chat_nav::receive(cx, caller, snac),
        FoodGroup::Chat => chat::receive(cx, caller, snac),
        FoodGroup::Stats | FoodGroup::Alert => without_answer(snac),
        _ => Err(ErrorCode::BadSnac.into()),
    };
    if let Err(refusal) = outcome {
        tracing::debug!(group = %snac.group, subgroup = snac.subgroup, ?refusal, "refused");
        cx.out.error(caller.connection, snac.group, snac.request_id, &refusal.body());
    }
}

/// Acknowledges a message and throws it away, by a fault.
pub(crate) fn lose_message(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) {
    icbm::lose(cx, caller, snac);
}

/// Usage reports (0B/03) and subscriptions to alerts (18/06), which open-oscar-server leaves without an answer.
fn without_answer(snac: &Snac) -> Outcome {
    match (snac.group, snac.subgroup) {
        (FoodGroup::Stats, 0x03) | (FoodGroup::Alert, 0x06) => Ok(()),
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

/// Ends a session: its service connections go with it, and whoever saw it is told.
pub(crate) fn end(cx: &mut Context<'_>, session: SessionId) {
    let Some(ended) = cx.realm.end(session) else { return };
    for connection in ended.services {
        sign_off(cx, connection);
        cx.out.close(connection, Ending::SessionOver);
    }
    chat::leave_all(cx, session, ended.account);
    buddy::announce(cx, ended.account);
}

/// The client of a service connection has gone.
pub(crate) fn end_service(
    cx: &mut Context<'_>,
    session: SessionId,
    connection: ConnectionId,
    service: &Service,
) {
    let Some(held) = cx.realm.session_mut(session) else { return };
    held.services.retain(|other| *other != connection);
    let account = held.account;
    if let Service::Room(cookie) = service {
        chat::leave(cx, cookie, connection, account);
    }
}

/// Ends a session from our side, with a sign-off frame on each of its connections.
pub(crate) fn expel(cx: &mut Context<'_>, session: SessionId, ending: Ending) {
    let Some(bos) = cx.realm.session(session).map(|session| session.bos) else { return };
    sign_off(cx, bos);
    cx.out.close(bos, ending);
    end(cx, session);
}

/// The sign-off frame, of a second sign-on and of the rate limits alike: reason 1.
fn sign_off(cx: &mut Context<'_>, connection: ConnectionId) {
    const REASON: u8 = 1;
    let tlvs = if cx.settings.quirks.one_byte_reason {
        Tlvs::new().with(tlv::DISCONNECT_REASON, [REASON])
    } else {
        Tlvs::new().with_u16(tlv::DISCONNECT_REASON, u16::from(REASON))
    };
    cx.out.sign_off(connection, &tlvs.with(tlv::DISCONNECT_URL, DISCONNECT_URL));
}

/// Where a client may read why it was signed off: a name that by its registration never resolves.
const DISCONNECT_URL: &str = "http://oscar-mock.invalid/signed-off";
