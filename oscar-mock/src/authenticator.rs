//! The authorizer: who may sign on, by MD5 challenge (group 17) or by a roasted password in the sign-on frame.
//!
//! Pure. Either MD5 form is accepted whatever TLV 4C announces, an account is given the same key each time, and an
//! unknown name is refused in answer to the request for a key: all as open-oscar-server does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oscar_im::ScreenName;
use oscar_im::foodgroup::bucp::{
    Challenge, ChallengeRequest, LoginRequest, LoginResponse, newer_hash, older_hash, roast, tlv,
};
use oscar_im::wire::{DecodeError, Snac, Tlvs, Wire};
use program::Secret;

use crate::bos::Context;
use crate::ending::Ending;
use crate::realm::{AccountId, ConnectionId, Sharing};
use crate::tickets::Ticket;

/// TLV 8 of a refusal.
mod code {
    pub(super) const UNKNOWN_NAME: u16 = 0x01;
    pub(super) const WRONG_PASSWORD: u16 = 0x05;
    pub(super) const ADDRESS_LIMIT: u16 = 0x1d;
}

/// One connection to the authorizer.
#[derive(Debug)]
pub(crate) struct Authenticator {
    /// Where the client is.
    pub(crate) peer: IpAddr,
    /// The `host:port` that it is sent to.
    pub(crate) address: Arc<str>,
    /// Whether this connection has been counted against the address's sign-ons.
    pub(crate) counted: bool,
}

impl Authenticator {
    /// A SNAC of group 17; the ending is the connection's.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        attempts: &mut Attempts,
        connection: ConnectionId,
        snac: &Snac,
    ) -> Result<(), Ending> {
        let unreadable = |source| Ending::Unreadable { what: "sign-on request", source };
        match snac.subgroup {
            0x06 => {
                let ChallengeRequest { tlvs } = Wire::from_bytes(&snac.body).map_err(unreadable)?;
                let key = self.key(cx, attempts, &tlvs).map_err(unreadable)?;
                let answered = match &key {
                    Ok(key) => {
                        cx.out.snac(connection, snac.request_id, &Challenge { key: key.as_bytes().to_vec() })
                    }
                    Err(code) => {
                        let tlvs = Tlvs::new().with_u16(tlv::ERROR, *code);
                        cx.out.snac(connection, snac.request_id, &LoginResponse { tlvs })
                    }
                };
                answered.map_err(|_| Ending::OutOfTurn("a name too long to answer"))?;
                key.map(drop).map_err(Ending::Refused)
            }
            0x02 => {
                let LoginRequest { tlvs } = Wire::from_bytes(&snac.body).map_err(unreadable)?;
                let verdict = self.login(cx, attempts, &tlvs, Proof::Hash).map_err(unreadable)?;
                let tlvs = answer(&verdict);
                cx.out
                    .snac(connection, snac.request_id, &LoginResponse { tlvs })
                    .map_err(|_| Ending::OutOfTurn("a name too long to answer"))?;
                cx.out.sign_off(connection, &Tlvs::new());
                Err(ending(&verdict))
            }
            _ => Err(Ending::OutOfTurn("a SNAC that signs nobody on")),
        }
    }

    /// A sign-on frame with a name in it: the answer is a sign-off frame with what 17/03 would say.
    pub(crate) fn flap_sign_on(
        &mut self,
        cx: &mut Context<'_>,
        attempts: &mut Attempts,
        connection: ConnectionId,
        tlvs: &Tlvs,
    ) -> Ending {
        match self.login(cx, attempts, tlvs, Proof::Roasted) {
            Ok(verdict) => {
                cx.out.sign_off(connection, &answer(&verdict));
                ending(&verdict)
            }
            Err(source) => Ending::Unreadable { what: "sign-on frame", source },
        }
    }

    /// The key for a name, or the code that refuses it.
    fn key(
        &mut self,
        cx: &mut Context<'_>,
        attempts: &mut Attempts,
        tlvs: &Tlvs,
    ) -> Result<Result<String, u16>, DecodeError> {
        let name = screen_name(tlvs)?;
        if !self.may_try(cx, attempts) {
            return Ok(Err(code::ADDRESS_LIMIT));
        }
        Ok(find(cx, &name).map(|id| cx.realm.account(id).key.clone()).ok_or(code::UNKNOWN_NAME))
    }

    fn login(
        &mut self,
        cx: &mut Context<'_>,
        attempts: &mut Attempts,
        tlvs: &Tlvs,
        proof: Proof,
    ) -> Result<Verdict, DecodeError> {
        let name = screen_name(tlvs)?;
        let given = tlvs.require(match proof {
            Proof::Hash => tlv::PASSWORD_HASH,
            Proof::Roasted => tlv::ROASTED_PASSWORD,
        })?;
        let refused = |code| Ok(Verdict::Refused { name: name.to_string(), code });
        if !self.may_try(cx, attempts) {
            return refused(code::ADDRESS_LIMIT);
        }
        let Some(id) = find(cx, &name) else { return refused(code::UNKNOWN_NAME) };
        let account = cx.realm.account(id);
        if let Some(code) = cx.faults.refuse_sign_on(&account.name) {
            return refused(code);
        }
        let password = account.password.expose().as_bytes();
        let right = cx.settings.open
            || match proof {
                Proof::Hash => {
                    let key = account.key.as_bytes();
                    given == newer_hash(key, password) || given == older_hash(key, password)
                }
                Proof::Roasted => roast(given) == password,
            };
        if !right {
            return refused(code::WRONG_PASSWORD);
        }
        let multi = tlvs.number(tlv::MULTI_SIGN_ON);
        let ticket = Ticket::Bos {
            account: id,
            sharing: if multi == Some(1) { Sharing::Shared } else { Sharing::Single },
            knows_multi: multi.is_some(),
        };
        let name = account.name.to_string();
        let cookie = cx.tickets.issue(ticket, cx.entropy, cx.now.instant);
        Ok(Verdict::Admitted { name, address: self.address.clone(), cookie })
    }

    /// Counts a sign-on of this address, once a connection.
    fn may_try(&mut self, cx: &Context<'_>, attempts: &mut Attempts) -> bool {
        let Some(limit) = cx.settings.signon_limit else { return true };
        std::mem::replace(&mut self.counted, true) || attempts.count(self.peer, limit, cx.now.instant)
    }
}

#[derive(Debug, Clone, Copy)]
enum Proof {
    Hash,
    Roasted,
}

enum Verdict {
    Admitted { name: String, address: Arc<str>, cookie: Vec<u8> },
    Refused { name: String, code: u16 },
}

fn answer(verdict: &Verdict) -> Tlvs {
    match verdict {
        Verdict::Admitted { name, address, cookie } => Tlvs::new()
            .with(tlv::SCREEN_NAME, name)
            .with(tlv::BOS_ADDRESS, address.as_bytes())
            .with(tlv::COOKIE, cookie)
            .with(tlv::SSL_STATE, [0]),
        Verdict::Refused { name, code } => {
            Tlvs::new().with(tlv::SCREEN_NAME, name).with_u16(tlv::ERROR, *code)
        }
    }
}

const fn ending(verdict: &Verdict) -> Ending {
    match verdict {
        Verdict::Admitted { .. } => Ending::Authorized,
        Verdict::Refused { code, .. } => Ending::Refused(*code),
    }
}

fn screen_name(tlvs: &Tlvs) -> Result<ScreenName, DecodeError> {
    tlvs.require(tlv::SCREEN_NAME).map(|name| ScreenName::new(oscar_im::wire::text(name)))
}

/// The account of a name; an open server makes one for any name that could be one.
fn find(cx: &mut Context<'_>, name: &ScreenName) -> Option<AccountId> {
    let known = cx.realm.find(name);
    if known.is_none() && cx.settings.open && name.is_valid() {
        let key = cx.entropy.key();
        return cx.realm.add_account(name.clone(), Secret::new(""), key);
    }
    known
}

/// The sign-ons of each address in its current minute.
#[derive(Debug, Default)]
pub(crate) struct Attempts(HashMap<IpAddr, (Instant, u32)>);

/// Addresses that are remembered before old ones are looked for.
const MAX_ADDRESSES: usize = 10_000;
const WINDOW: Duration = Duration::from_secs(60);

impl Attempts {
    /// Counts one; whether it is within the limit.
    fn count(&mut self, peer: IpAddr, limit: u32, now: Instant) -> bool {
        if self.0.len() >= MAX_ADDRESSES {
            self.0.retain(|_, (began, _)| now.saturating_duration_since(*began) < WINDOW);
        }
        let (began, count) = self.0.entry(peer).or_insert((now, 0));
        if now.saturating_duration_since(*began) >= WINDOW {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_after_the_first_sign_on_the_count_begins_anew() {
        let now = crate::clock::Clock::manual().now().instant;
        let mut attempts = Attempts::default();
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert!((0..10).all(|_| attempts.count(peer, 10, now)));
        assert!(!attempts.count(peer, 10, now + Duration::from_secs(59)));
        assert!(attempts.count(IpAddr::from([127, 0, 0, 2]), 10, now));
        assert!(attempts.count(peer, 10, now + WINDOW));
    }
}
