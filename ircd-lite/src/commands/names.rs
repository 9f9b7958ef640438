//! NAMES.

use super::first_of;
use super::list::Costly;
use crate::wire::line::Line;
use crate::wire::numeric::{ERR_BADCHANNAME, RPL_ENDOFNAMES, RPL_LOAD2HI, RPL_NAMREPLY};
use crate::wire::text;
use crate::world::caps::Caps;
use crate::world::channel::Modes;
use crate::world::client::{Client, UserModes};
use crate::world::{ChannelSlot, Slot, World};

pub(super) fn names(world: &mut World, me: Slot, line: &Line<'_>) {
    let Some(list) = line.word(0) else { return all(world, me) };
    let name = first_of(list);
    if text::has_control(name) {
        return world.reply(me, ERR_BADCHANNAME, &[name]);
    }
    match world.find_channel(name) {
        Some(channel) => send_channel(world, me, channel),
        None => world.reply(me, RPL_ENDOFNAMES, &[name]),
    }
}

fn all(world: &mut World, me: Slot) {
    if world.too_soon(me, Costly::Names) {
        world.reply(me, RPL_LOAD2HI, &[b"NAMES"]);
        return world.reply(me, RPL_ENDOFNAMES, &[b"*"]);
    }
    let channels: Vec<ChannelSlot> = world.channels.iter().map(|(at, _)| ChannelSlot(at)).collect();
    for channel in channels {
        send_members(world, me, channel);
    }
    let rest: Vec<Vec<u8>> =
        world.clients.all().filter(|(slot, _)| unlisted(world, me, *slot)).map(nick).collect();
    world.reply_items(me, RPL_NAMREPLY, &[b"*", b"*"], b' ', rest.into_iter());
    world.reply(me, RPL_ENDOFNAMES, &[b"*"]);
}

fn nick((_, client): (Slot, &Client)) -> Vec<u8> {
    client.identity.nick().to_vec()
}

/// Whether a user stands in no channel that was listed to `me`, nor in a secret one.
fn unlisted(world: &World, me: Slot, user: Slot) -> bool {
    let client = world.client(user);
    let shown = |at: &ChannelSlot| {
        let state = world.channel(*at);
        state.public() || state.modes.has(Modes::SECRET) || state.rank(me).is_some()
    };
    let visible = client.registered() && !client.modes.has(UserModes::INVISIBLE) && !world.hidden(me, user);
    visible && !client.channels.iter().any(shown)
}

/// 353 … and 366 of one channel.
pub(super) fn send_channel(world: &mut World, me: Slot, channel: ChannelSlot) {
    send_members(world, me, channel);
    let name = world.channel(channel).name.clone();
    world.reply(me, RPL_ENDOFNAMES, &[&name]);
}

fn send_members(world: &mut World, me: Slot, channel: ChannelSlot) {
    let state = world.channel(channel);
    let inside = state.rank(me).is_some();
    if !inside && !state.public() {
        return;
    }
    let symbol = match () {
        () if state.modes.has(Modes::SECRET) => "@",
        () if state.modes.has(Modes::PRIVATE) => "*",
        () => "=",
    };
    let caps = world.client(me).caps;
    // Operators first, then the others, each the latest first.
    let rank = |slot: &Slot| state.rank(*slot).map(|rank| (*slot, rank));
    let operators = state.operators().iter().rev().filter_map(rank);
    let others = state.members().iter().rev().filter(|member| !member.rank.operator);
    let shown = operators.chain(others.map(|member| (member.client, member.rank))).filter(|(slot, _)| {
        let visible = inside || !world.client(*slot).modes.has(UserModes::INVISIBLE);
        visible && world.sees_member(channel, me, *slot)
    });
    let items: Vec<Vec<u8>> = shown
        .map(|(slot, rank)| {
            let identity = &world.client(slot).identity;
            let prefix = rank.prefix(caps.has(Caps::MULTI_PREFIX)).as_bytes();
            if caps.has(Caps::USERHOST_IN_NAMES) {
                [prefix, identity.source()].concat()
            } else {
                [prefix, &identity.nick()].concat()
            }
        })
        .collect();
    let name = state.name.clone();
    world.reply_items(me, RPL_NAMREPLY, &[symbol.as_bytes(), &name], b' ', items.into_iter());
}
