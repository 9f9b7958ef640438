//! NAMES.

use crate::wire::line::Line;
use crate::wire::numeric::{RPL_ENDOFNAMES, RPL_NAMREPLY};
use crate::world::caps::Caps;
use crate::world::channel::Modes;
use crate::world::client::UserModes;
use crate::world::{ChannelSlot, Slot, World};

pub(super) fn names(world: &mut World, me: Slot, line: &Line<'_>) {
    let Some(list) = line.word(0) else { return all(world, me) };
    let name = list.split(|byte| *byte == b',').next().unwrap_or_default();
    match world.find_channel(name) {
        Some(channel) => send_channel(world, me, channel),
        None => world.reply(me, RPL_ENDOFNAMES, &[name]),
    }
}

fn all(world: &mut World, me: Slot) {
    let channels: Vec<ChannelSlot> = world.channels.iter().map(|(at, _)| ChannelSlot(at)).collect();
    for channel in channels {
        send_members(world, me, channel);
    }
    world.reply(me, RPL_ENDOFNAMES, &[b"*"]);
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
    let shown = state.members().iter().filter(|member| {
        let visible = inside || !world.client(member.client).modes.has(UserModes::INVISIBLE);
        visible && world.sees_member(channel, me, member.client)
    });
    let items: Vec<Vec<u8>> = shown
        .map(|member| {
            let identity = &world.client(member.client).identity;
            let prefix = member.rank.prefix(caps.has(Caps::MULTI_PREFIX)).as_bytes();
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
