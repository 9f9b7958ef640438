//! NICK, before and after registration, and reserved nicks.

use bytes::Bytes;

use super::registration;
use crate::wire::line::Line;
use crate::wire::name::{self, Folded, Nick};
use crate::wire::numeric::{
    ERR_ERRONEUSNICKNAME, ERR_NICKNAMEINUSE, ERR_NICKTOOFAST, ERR_NONICKNAMEGIVEN, RPL_MONOFFLINE,
};
use crate::world::client::Identity;
use crate::world::{Slot, World};

/// Five changes in 20 s, where flood control is on.
const CHANGES: u8 = 5;
const CHANGES_MS: u64 = 20_000;

pub(super) fn nick(world: &mut World, me: Slot, line: &Line<'_>) {
    let word = line.get(0).unwrap_or_default();
    let nick = match name::nick(word, world.config.limits.nick_length) {
        Nick::Missing => return world.reply(me, ERR_NONICKNAMEGIVEN, &[]),
        Nick::Erroneous => return world.reply(me, ERR_ERRONEUSNICKNAME, &[word]),
        Nick::Valid(nick) => Bytes::copy_from_slice(nick),
    };
    if world.client(me).registered() {
        change(world, me, &nick);
    } else {
        choose(world, me, &nick);
    }
}

/// NICK of a connection that is not registered yet.
fn choose(world: &mut World, me: Slot, nick: &Bytes) {
    if let Some(reason) = world.reserved(me, nick) {
        let Some(registration) = &mut world.client_mut(me).registration else { return };
        if registration.negotiating {
            // It may log in before CAP END; until then the nick stays free for its owner.
            registration.wanted_nick = Some(nick.clone());
            return;
        }
        return world.reply_text(me, ERR_ERRONEUSNICKNAME, &[nick], reason);
    }
    if let Some(registration) = &mut world.client_mut(me).registration {
        registration.wanted_nick = None;
    }
    if claim(world, me, nick) {
        registration::try_complete(world, me);
    }
}

/// At the end of registration: takes the reserved nick that waited for a login. Says whether it got it.
pub(super) fn claim_wanted(world: &mut World, me: Slot, nick: &Bytes) -> bool {
    if let Some(registration) = &mut world.client_mut(me).registration {
        registration.wanted_nick = None;
    }
    match world.reserved(me, nick) {
        Some(reason) => {
            world.reply_text(me, ERR_ERRONEUSNICKNAME, &[nick], reason);
            false
        }
        None => claim(world, me, nick),
    }
}

/// Enters a nick into the table for a connection that is not registered, or answers 433.
fn claim(world: &mut World, me: Slot, nick: &Bytes) -> bool {
    let key = Folded::new(nick);
    if let Some(holder) = world.nicks.get(&key).copied().filter(|holder| *holder != me) {
        if !is_own_ghost(world, me, holder, nick) {
            world.reply(me, ERR_NICKNAMEINUSE, &[nick]);
            return false;
        }
        world.exit(holder, b"Replaced by a new connection");
    }
    release(world, me);
    world.nicks.insert(key, me);
    let host = world.client(me).identity.host();
    world.client_mut(me).identity = Identity::new(nick, b"", &host);
    true
}

/// Whether `holder` is an older connection of the account for which this nick is reserved: a restarted bot needs its
/// name back at once, not after a ping timeout.
fn is_own_ghost(world: &World, me: Slot, holder: Slot, nick: &[u8]) -> bool {
    let account = world.client(me).account();
    let reserved =
        world.config.reserves.iter().any(|reserve| crate::wire::mask::matches(reserve.mask.as_bytes(), nick));
    account.is_some()
        && reserved
        && (world.client(holder).account() == account || !world.client(holder).registered())
}

fn release(world: &mut World, me: Slot) {
    let old = Folded::new(&world.client(me).identity.nick());
    if world.nicks.get(&old) == Some(&me) {
        world.nicks.remove(&old);
    }
}

/// NICK of a user.
fn change(world: &mut World, me: Slot, nick: &Bytes) {
    let identity = world.client(me).identity.clone();
    let old = identity.nick();
    if old == nick {
        return;
    }
    if let Some(reason) = world.reserved(me, nick) {
        return world.reply_text(me, ERR_ERRONEUSNICKNAME, &[nick], reason);
    }
    let key = Folded::new(nick);
    let holder = world.nicks.get(&key).copied().filter(|holder| *holder != me);
    if holder.is_some_and(|holder| world.client(holder).registered()) {
        return world.reply(me, ERR_NICKNAMEINUSE, &[nick]);
    }
    if too_fast(world, me) {
        return world.reply(me, ERR_NICKTOOFAST, &[&old, nick]);
    }
    if let Some(holder) = holder {
        world.exit(holder, b"Overridden");
    }
    let line = world.line_from(me, "NICK").text(nick).end();
    let mut message = world.message_from(me, line);
    world.clients.deliver(me, &mut message);
    for peer in world.peers(me) {
        world.clients.deliver(peer, &mut message);
    }
    world.remember_past(me);
    let renamed = !name::same(&old, nick);
    if renamed {
        for watcher in world.monitors.watchers(&old).to_vec() {
            if !world.hidden(watcher, me) {
                world.reply_text(watcher, RPL_MONOFFLINE, &[], &old);
            }
        }
        forget_accepted(world, me);
    }
    release(world, me);
    world.nicks.insert(key, me);
    world.client_mut(me).identity = identity.with_nick(nick);
    if renamed {
        world.monitor_online(me);
    }
}

fn too_fast(world: &mut World, me: Slot) -> bool {
    let now_ms = world.now.mono_ms;
    if world.config.limits.flood_lines == 0 || world.client(me).unlimited() {
        return false;
    }
    let (count, since_ms) = &mut world.client_mut(me).lists_mut().nick_changes;
    if now_ms.saturating_sub(*since_ms) >= CHANGES_MS {
        (*count, *since_ms) = (0, now_ms);
    }
    *count = count.saturating_add(1);
    *count > CHANGES
}

/// Who accepted the old name has not accepted the new one.
fn forget_accepted(world: &mut World, me: Slot) {
    let Some(lists) = &mut world.client_mut(me).lists else { return };
    for other in std::mem::take(&mut lists.accepted_by) {
        if let Some(theirs) = &mut world.client_mut(other).lists {
            theirs.accept.retain(|slot| *slot != me);
        }
    }
}
