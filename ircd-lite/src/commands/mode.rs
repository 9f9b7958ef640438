//! MODE: for a channel or for a user.

use super::{channel_mode, user_mode};
use crate::wire::line::Line;
use crate::wire::name;
use crate::wire::numeric::{ERR_BADCHANNAME, ERR_NOSUCHCHANNEL, RPL_CHANNELMODEIS, RPL_CREATIONTIME};
use crate::world::{ChannelSlot, Slot, World};

pub(super) fn mode(world: &mut World, me: Slot, line: &Line<'_>) {
    let target = line.get(0).unwrap_or_default();
    if !name::is_channel(target) {
        return user_mode::mode(world, me, target, line);
    }
    if !name::valid_channel(target, usize::MAX) {
        return world.reply(me, ERR_BADCHANNAME, &[target]);
    }
    let Some(channel) = world.find_channel(target) else {
        return world.reply(me, ERR_NOSUCHCHANNEL, &[target]);
    };
    match line.parameters().get(1..) {
        None | Some([]) => query(world, me, channel, target),
        Some(words) => channel_mode::change(world, me, channel, words),
    }
}

/// 324 and 329, with the name as it was asked for.
fn query(world: &mut World, me: Slot, channel: ChannelSlot, name: &[u8]) {
    let state = world.channel(channel);
    let unix = state.unix.to_string();
    let modes = state.mode_words(state.rank(me).is_some());
    let words: Vec<&[u8]> = std::iter::once(name).chain(modes.iter().map(Vec::as_slice)).collect();
    world.reply_words(me, RPL_CHANNELMODEIS, &words);
    world.reply_words(me, RPL_CREATIONTIME, &[name, unix.as_bytes()]);
}
