//! AUTHENTICATE: SASL PLAIN against the configured accounts. Facts: IRCv3 `sasl` 3.1 and 3.2, RFC 4616.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::registration;
use crate::config::Password;
use crate::wire::line::Line;
use crate::wire::numeric::{
    ERR_SASLABORTED, ERR_SASLALREADY, ERR_SASLFAIL, ERR_SASLTOOLONG, RPL_LOGGEDIN, RPL_SASLMECHS,
    RPL_SASLSUCCESS,
};
use crate::wire::writer::Writer;
use crate::world::caps::Caps;
use crate::world::client::Login;
use crate::world::{Effect, Slot, Verifying, World};

/// The size of one piece.
const PIECE: usize = 400;
/// The most base64 that is gathered.
const MOST: usize = 4 * PIECE;
/// Wrong passwords before the connection is closed.
pub(super) const TRIES: u8 = 5;

pub(super) fn authenticate(world: &mut World, me: Slot, line: &Line<'_>) {
    let word = line.get(0).unwrap_or_default();
    let client = world.client(me);
    if !client.caps.has(Caps::SASL) || world.config.accounts.is_empty() {
        return world.reply(me, ERR_SASLFAIL, &[]);
    }
    if client.login.is_some() {
        return world.reply(me, ERR_SASLALREADY, &[]);
    }
    let started = client.lists.as_ref().is_some_and(|lists| lists.sasl.is_some());
    if word == b"*" {
        return if started { abort(world, me) } else { world.reply(me, ERR_SASLABORTED, &[]) };
    }
    if !started {
        return start(world, me, word);
    }
    if word.len() > PIECE {
        stop(world, me);
        return world.reply(me, ERR_SASLTOOLONG, &[]);
    }
    let Some(gathered) = &mut world.client_mut(me).lists_mut().sasl else { return };
    if word != b"+" {
        gathered.extend_from_slice(word);
    }
    if gathered.len() > MOST {
        stop(world, me);
        return world.reply(me, ERR_SASLTOOLONG, &[]);
    }
    if word.len() < PIECE {
        let message = std::mem::take(gathered);
        stop(world, me);
        finish(world, me, &message);
    }
}

/// Ends an attempt under way, as registering in the middle of it does.
pub(super) fn abort(world: &mut World, me: Slot) {
    if stop(world, me) {
        world.reply(me, ERR_SASLABORTED, &[]);
    }
}

fn start(world: &mut World, me: Slot, mechanism: &[u8]) {
    if !mechanism.eq_ignore_ascii_case(b"PLAIN") {
        world.reply(me, RPL_SASLMECHS, &[b"PLAIN"]);
        return world.reply(me, ERR_SASLFAIL, &[]);
    }
    world.client_mut(me).lists_mut().sasl = Some(Vec::new());
    world.send(me, Writer::bare("AUTHENTICATE").word("+").end());
}

/// Forgets an attempt; says whether there was one.
fn stop(world: &mut World, me: Slot) -> bool {
    world.client_mut(me).lists.as_mut().is_some_and(|lists| lists.sasl.take().is_some())
}

fn finish(world: &mut World, me: Slot, message: &[u8]) {
    let Some((name, password)) = decode(message) else { return failed(world, me) };
    let found =
        world.config.accounts.iter().find(|account| account.name.as_bytes().eq_ignore_ascii_case(&name));
    let (login, expected) = match found {
        Some(account) => (
            Login { name: Bytes::from(account.name.clone()), exempt: account.exempt },
            Some(account.password.clone()),
        ),
        None => (Login { name: Bytes::new(), exempt: false }, None),
    };
    if let Some(plain @ Password::Plain(_)) = &expected {
        let matches = plain.verify(&password);
        return verified(world, me, &Arc::new(login), matches);
    }
    world.verify_elsewhere(me, Verifying::Sasl(Arc::new(login)), expected, password);
}

/// User name and password of a PLAIN message. An authorization name, if any, must be the same user.
fn decode(message: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let bytes = BASE64_STANDARD.decode(message).ok()?;
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let (authorize, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let same = authorize.is_empty() || authorize.eq_ignore_ascii_case(user);
    (same && !user.is_empty() && !password.is_empty()).then(|| (user.to_vec(), password.to_vec()))
}

/// The password has been checked.
pub(super) fn verified(world: &mut World, me: Slot, login: &Arc<Login>, matches: bool) {
    if !matches || login.name.is_empty() {
        return failed(world, me);
    }
    let client = world.client_mut(me);
    client.login = Some(login.clone());
    client.settle_tags();
    let (nick, source) = (client.addressee(), client.identity.source().clone());
    let source = if client.registered() { source } else { nick };
    let name = &login.name;
    let text = [b"You are now logged in as ", name.as_ref()].concat();
    world.reply_text(me, RPL_LOGGEDIN, &[&source, name], text);
    world.reply(me, RPL_SASLSUCCESS, &[]);
    if world.client(me).registered() {
        let line = world.line_from(me, "ACCOUNT").word(name).end();
        let mut message = world.message_from(me, line);
        for peer in world.peers(me) {
            if world.client(peer).caps.has(Caps::ACCOUNT_NOTIFY) {
                world.clients.deliver(peer, &mut message);
            }
        }
    } else {
        registration::try_complete(world, me);
    }
}

fn failed(world: &mut World, me: Slot) {
    world.reply(me, ERR_SASLFAIL, &[]);
    let failures = &mut world.client_mut(me).lists_mut().failures;
    *failures = failures.saturating_add(1);
    if *failures >= TRIES {
        world.exit(me, b"Too many failed passwords");
    } else if !world.client(me).registered() {
        registration::try_complete(world, me);
    }
}

impl World {
    /// Has a password checked outside; the client's further lines wait for the outcome.
    pub(crate) fn verify_elsewhere(
        &mut self,
        me: Slot,
        purpose: Verifying,
        password: Option<Password>,
        given: Vec<u8>,
    ) {
        self.client_mut(me).verifying = true;
        self.verifying.insert(me, purpose);
        let client = self.clients.id(me);
        self.effect(Effect::Verify { client, password, given });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_messages() {
        let encode = |text: &str| BASE64_STANDARD.encode(text).into_bytes();
        let bot = Some((b"bot".to_vec(), b"pw".to_vec()));
        assert_eq!(decode(&encode("\0bot\0pw")), bot);
        assert_eq!(decode(&encode("bot\0bot\0pw")), bot);
        for bad in ["other\0bot\0pw", "\0bot", "", "\0\0pw", "\0bot\0"] {
            assert_eq!(decode(&encode(bad)), None, "{bad:?}");
        }
        assert_eq!(decode(b"%%%"), None);
    }
}
