//! What a signed-on client asks and what it is answered: one file a food group.
//!
//! Pure: a handler gets the realm, the caller and one SNAC, and leaves envelopes in the outbox. BOS and the service
//! connections (chat rooms and their navigation, icons, alerts) are served alike; what differs is which groups they
//! have.

mod bart;
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

use oscar_im::ScreenName;
use oscar_im::foodgroup::bucp::tlv;
use oscar_im::foodgroup::oservice::HostOnline;
use oscar_im::foodgroup::stats::{Report, ReportAck};
use oscar_im::foodgroup::{ErrorCode, FoodGroup, SnacBody};
use oscar_im::wire::{Snac, SnacFlags, Tlvs, Writer};

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

/// What BOS serves, in open-oscar-server's order; 08 is named and answered by errors.
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
                // Rooms can be found without a connection for it, too: so does open-oscar-server.
                Self::Bos => group == FoodGroup::ChatNav || BOS_GROUPS.contains(&group.into()),
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

    /// As [`Context::reply`], with a body for which there is no type.
    fn reply_with(&mut self, caller: &Caller, group: FoodGroup, subgroup: u16, body: Writer) -> Outcome {
        let (request_id, body) = (caller.request_id, body.finish()?);
        let snac = Snac { group, subgroup, flags: SnacFlags::default(), request_id, extension: None, body };
        Ok(self.out.raw(caller.connection, &snac)?)
    }

    /// Tells a session something that it did not ask for. What doesn't fit a frame is not sent, which is logged.
    fn tell<B: SnacBody>(&mut self, session: SessionId, body: &B) {
        let Some(bos) = self.realm.session(session).map(|session| session.bos) else { return };
        if self.out.snac(bos, UNASKED, body).is_err() {
            tracing::warn!(group = %B::GROUP, subgroup = B::SUBGROUP, "not sent: too long for a frame");
        }
    }

    /// Tells all sessions of somebody something in the caller's name, unless either lets the other not.
    fn tell_account<B: SnacBody>(&mut self, caller: &Caller, to: &ScreenName, body: &B) {
        let Some(to) = self.realm.find(to) else { return };
        if !self.realm.allows(to, caller.account) || !self.realm.allows(caller.account, to) {
            return;
        }
        let receivers: Vec<SessionId> = self.realm.online(to).map(|(id, _)| id).collect();
        for receiver in receivers {
            self.tell(receiver, body);
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
        FoodGroup::Bart => bart::receive(cx, caller, snac),
        FoodGroup::Stats => stats(cx, caller, snac),
        FoodGroup::Alert => alerts(snac),
        FoodGroup::Other(LOOKUP) => lookup(snac),
        FoodGroup::Other(INVITE) => invite(snac),
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

/// 06: invitations to the service, by e-mail.
const INVITE: u16 = 0x06;
/// 0A: who has an e-mail address.
const LOOKUP: u16 = 0x0a;

/// 0B/03 → 0B/04: a report of usage is thanked for and not read.
fn stats(cx: &mut Context<'_>, caller: &Caller, snac: &Snac) -> Outcome {
    match snac.subgroup {
        Report::SUBGROUP => cx.reply(caller, &ReportAck {}),
        _ => Err(ErrorCode::BadSnac.into()),
    }
}

/// Subscriptions to alerts (18/06), which open-oscar-server leaves without an answer.
fn alerts(snac: &Snac) -> Outcome {
    if snac.subgroup == 0x06 { Ok(()) } else { Err(ErrorCode::BadSnac.into()) }
}

/// 0A/02: accounts have no address here, so nobody is found.
fn lookup(snac: &Snac) -> Outcome {
    Err(if snac.subgroup == 0x02 { ErrorCode::NoMatch } else { ErrorCode::BadSnac }.into())
}

/// 06/02: taken, and nobody is written to.
fn invite(snac: &Snac) -> Outcome {
    if snac.subgroup == 0x02 { Ok(()) } else { Err(ErrorCode::BadSnac.into()) }
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
