//! KICK: one channel and one nick, as in ircd-ratbox.

use super::registration::REASON;
use crate::wire::line::Line;
use crate::wire::numeric::{
    ERR_CHANOPRIVSNEEDED, ERR_NOSUCHCHANNEL, ERR_NOSUCHNICK, ERR_NOTONCHANNEL, ERR_USERNOTINCHANNEL,
};
use crate::wire::text::cut;
use crate::world::{Slot, World};

pub(super) fn kick(world: &mut World, me: Slot, line: &Line<'_>) {
    let first =
        |at: usize| line.get(at).and_then(|list| list.split(|byte| *byte == b',').next()).unwrap_or_default();
    let (channel_name, nick) = (first(0), first(1));
    let Some(channel) = world.find_channel(channel_name) else {
        return world.reply(me, ERR_NOSUCHCHANNEL, &[channel_name]);
    };
    match world.channel(channel).rank(me) {
        None => return world.reply(me, ERR_NOTONCHANNEL, &[channel_name]),
        Some(rank) if !rank.operator => return world.reply(me, ERR_CHANOPRIVSNEEDED, &[channel_name]),
        Some(_) => {}
    }
    let Some(victim) = world.chase(me, nick) else { return world.reply(me, ERR_NOSUCHNICK, &[nick]) };
    if world.channel(channel).rank(victim).is_none() {
        return world.reply(me, ERR_USERNOTINCHANNEL, &[nick, channel_name]);
    }
    let nick = world.client(victim).identity.nick();
    let reason = line.word(2).map_or_else(|| nick.as_ref(), |reason| cut(reason, REASON));
    let kick = world.line_from(me, "KICK").word(channel_name).word(&nick).text(reason).end();
    let mut message = world.message_from(me, kick);
    world.announce(channel, Some(victim), &mut message, |_, _| true);
    world.leave_seen(victim, channel);
}
