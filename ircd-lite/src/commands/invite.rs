//! INVITE and KNOCK.

use super::{first_of, no_nick};
use crate::wire::line::Line;
use crate::wire::message::Message;
use crate::wire::name;
use crate::wire::numeric::{
    ERR_BADCHANNAME, ERR_CANNOTSENDTOCHAN, ERR_CHANOPEN, ERR_CHANOPRIVSNEEDED, ERR_KNOCKONCHAN,
    ERR_NOSUCHCHANNEL, ERR_NOSUCHNICK, ERR_NOTONCHANNEL, ERR_TOOMANYKNOCK, ERR_USERONCHANNEL, RPL_AWAY,
    RPL_INVITING, RPL_KNOCK, RPL_KNOCKDLVR,
};
use crate::wire::writer::Writer;
use crate::world::caps::Caps;
use crate::world::channel::Modes;
use crate::world::{Slot, World};

/// Between two KNOCKs of one user, and to one channel.
const KNOCK_USER_MS: u64 = 300_000;
const KNOCK_CHANNEL_MS: u64 = 60_000;

pub(super) fn invite(world: &mut World, me: Slot, line: &Line<'_>) {
    let (nick, name) = (line.get(0).unwrap_or_default(), line.get(1).unwrap_or_default());
    let Some(guest) = world.visible_user(me, nick) else {
        return world.reply(me, ERR_NOSUCHNICK, &[no_nick(nick)]);
    };
    if name::is_channel(name) && !name::valid_channel(name, usize::MAX) {
        return world.reply(me, ERR_BADCHANNAME, &[name]);
    }
    let Some(channel) = world.find_channel(name) else { return world.reply(me, ERR_NOSUCHCHANNEL, &[name]) };
    // Answers name the channel as it was asked for.
    let nick = world.client(guest).identity.nick();
    let Some(rank) = world.channel(channel).rank(me) else {
        return world.reply(me, ERR_NOTONCHANNEL, &[name]);
    };
    let there = world.channel(channel).rank(guest).is_some() && world.sees_member(channel, me, guest);
    if there {
        return world.reply(me, ERR_USERONCHANNEL, &[&nick, name]);
    }
    if !rank.operator {
        return world.reply(me, ERR_CHANOPRIVSNEEDED, &[name]);
    }
    world.reply_words(me, RPL_INVITING, &[&nick, name]);
    if let Some(away) = world.client(guest).away.clone() {
        world.reply_text(me, RPL_AWAY, &[&nick], away);
    }
    if world.channel(channel).modes.has(Modes::INVITE) {
        world.remember_invite(guest, channel);
    }
    let line = world.line_from(me, "INVITE").word(&nick).text(&world.channel(channel).name).end();
    let mut message = world.message_from(me, line);
    world.clients.deliver(guest, &mut message);
    // invite-notify: to the operators, who alone may invite.
    for operator in world.channel(channel).operators().to_vec() {
        let told = operator != me && world.client(operator).caps.has(Caps::INVITE_NOTIFY);
        if told && !world.hidden(operator, guest) {
            world.clients.deliver(operator, &mut message);
        }
    }
}

pub(super) fn knock(world: &mut World, me: Slot, line: &Line<'_>) {
    let asked = first_of(line.get(0).unwrap_or_default());
    let Some(channel) = world.find_channel(asked) else {
        return world.reply(me, ERR_NOSUCHCHANNEL, &[asked]);
    };
    let state = world.channel(channel);
    let name = state.name.clone();
    if state.rank(me).is_some() {
        return world.reply(me, ERR_KNOCKONCHAN, &[asked]);
    }
    let full = state.limit.is_some_and(|limit| state.members().len() >= limit);
    if !state.modes.has(Modes::INVITE) && state.key.is_none() && !full {
        return world.reply(me, ERR_CHANOPEN, &[asked]);
    }
    if state.modes.has(Modes::PRIVATE) || world.banned(me, channel) {
        return world.reply(me, ERR_CANNOTSENDTOCHAN, &[&name]);
    }
    let now_ms = world.now.mono_ms;
    let recent = |last: Option<u64>, ms: u64| last.is_some_and(|last| now_ms.saturating_sub(last) < ms);
    let mine = world.client(me).lists.as_ref().and_then(|lists| lists.knocked_ms);
    if recent(mine, KNOCK_USER_MS) {
        return world.reply_text(me, ERR_TOOMANYKNOCK, &[&name], "Too many KNOCKs (user).");
    }
    if recent(world.channel(channel).knocked_ms, KNOCK_CHANNEL_MS) {
        return world.reply_text(me, ERR_TOOMANYKNOCK, &[&name], "Too many KNOCKs (channel).");
    }
    world.client_mut(me).lists_mut().knocked_ms = Some(now_ms);
    world.channel_mut(channel).knocked_ms = Some(now_ms);
    world.reply(me, RPL_KNOCKDLVR, &[&name]);
    let source = world.client(me).identity.source().clone();
    let line =
        Writer::new(&world.name, RPL_KNOCK.code).word(&name).word(&name).word(&source).text(RPL_KNOCK.text);
    let mut message = Message::new(line.end(), world.now.unix_ms);
    for operator in world.channel(channel).operators().to_vec() {
        world.clients.deliver(operator, &mut message);
    }
}
