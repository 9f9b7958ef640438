//! JOIN and PART.

use super::registration::REASON;
use super::{end_grace, names};
use crate::wire::line::Line;
use crate::wire::mask::{self, Subject};
use crate::wire::name;
use crate::wire::numeric::{
    ERR_BADCHANNAME, ERR_BADCHANNELKEY, ERR_BANNEDFROMCHAN, ERR_CHANNELISFULL, ERR_INVITEONLYCHAN,
    ERR_NOSUCHCHANNEL, ERR_NOTONCHANNEL, ERR_SSLONLYCHAN, ERR_TOOMANYCHANNELS, Numeric, RPL_TOPIC,
    RPL_TOPICWHOTIME,
};
use crate::wire::text::cut;
use crate::wire::writer::Writer;
use crate::world::caps::Caps;
use crate::world::channel::{MaskEntry, Modes, Rank};
use crate::world::client::Transport;
use crate::world::{ChannelSlot, Slot, World};

pub(super) fn join(world: &mut World, me: Slot, line: &Line<'_>) {
    let list = line.get(0).unwrap_or_default().split(|byte| *byte == b',').filter(|name| !name.is_empty());
    // What can't be a channel is answered first, and takes no key with it.
    let mut names: Vec<&[u8]> = Vec::new();
    for (at, name) in list.enumerate() {
        match name {
            b"0" if at == 0 => names.push(name),
            name if !name::is_channel(name) => world.reply(me, ERR_NOSUCHCHANNEL, &[name]),
            name if !name::valid_channel(name, world.config.limits.channel_length) => {
                world.reply(me, ERR_BADCHANNAME, &[name]);
            }
            name => names.push(name),
        }
    }
    let mut keys = line.get(1).unwrap_or_default().split(|byte| *byte == b',').filter(|key| !key.is_empty());
    for name in names {
        let key = keys.next().unwrap_or_default();
        if name == b"0" {
            leave_all(world, me);
        } else if !join_one(world, me, name, key) {
            return;
        }
    }
}

/// Joins one channel; `false` when the rest of the list is to be dropped.
fn join_one(world: &mut World, me: Slot, name: &[u8], key: &[u8]) -> bool {
    let found = world.find_channel(name);
    let client = world.client(me);
    if found.is_some_and(|channel| world.channel(channel).rank(me).is_some()) {
        return true;
    }
    let most = world.config.limits.channels_per_user * if client.oper() { 3 } else { 1 };
    if most > 0 && client.channels.len() >= most {
        world.reply(me, ERR_TOOMANYCHANNELS, &[name]);
        return false;
    }
    let Some(channel) = found else {
        let channel = world.create_channel(name);
        world.channel_mut(channel).modes = Modes::NO_EXTERNAL.with(Modes::TOPIC);
        enter(world, me, channel, Rank { operator: true, voice: false });
        return true;
    };
    let operator = is_configured_operator(world, me, channel);
    if let Some(refusal) = refusal(world, me, channel, key).filter(|_| !operator) {
        world.reply(me, refusal, &[name]);
        return true;
    }
    world.use_invite(me, channel);
    enter(world, me, channel, Rank { operator, voice: false });
    true
}

fn is_configured_operator(world: &World, me: Slot, channel: ChannelSlot) -> bool {
    let Some(account) = world.client(me).account() else { return false };
    let permanent = world.channel(channel).permanent.as_ref();
    permanent.is_some_and(|it| it.operators.iter().any(|name| account.eq_ignore_ascii_case(name.as_bytes())))
}

fn refusal(world: &World, me: Slot, channel: ChannelSlot, key: &[u8]) -> Option<Numeric> {
    let state = world.channel(channel);
    let client = world.client(me);
    let invited = client.lists.as_ref().is_some_and(|lists| lists.invites.contains(&channel));
    if state.modes.has(Modes::TLS) && client.transport != Transport::Tls {
        return Some(ERR_SSLONLYCHAN);
    }
    if world.banned(me, channel) {
        return Some(ERR_BANNEDFROMCHAN);
    }
    if state.modes.has(Modes::INVITE) && !invited && !world.on_list(me, &state.invexes) {
        return Some(ERR_INVITEONLYCHAN);
    }
    if state.key.as_ref().is_some_and(|expected| !name::same(expected, key)) {
        return Some(ERR_BADCHANNELKEY);
    }
    state.limit.filter(|limit| state.members().len() >= *limit).map(|_| ERR_CHANNELISFULL)
}

/// Becomes a member, tells those who may know, and tells the joiner what is there.
fn enter(world: &mut World, me: Slot, channel: ChannelSlot, rank: Rank) {
    let sightings = world.channel(channel).auditorium().then(|| world.sightings(me));
    let created = world.channel(channel).members().is_empty() && world.channel(channel).permanent.is_none();
    world.enter(me, channel, rank);
    announce_join(world, channel, me, |_| true);
    let name = world.channel(channel).name.clone();
    if created {
        let line = Writer::new(&world.name, "MODE").word(&name).word("+nt").end();
        world.send(me, line);
    } else if rank.operator {
        announce_operator(world, me, channel);
    }
    send_topic(world, me, channel);
    names::send_channel(world, me, channel);
    if let Some(before) = sightings {
        world.tell_sightings(before);
    }
}

/// JOIN of `who` to the members that are `wanted` and may see it, each in the form it asked for.
pub(super) fn announce_join(
    world: &mut World,
    channel: ChannelSlot,
    who: Slot,
    wanted: impl Fn(Slot) -> bool,
) {
    let name = world.channel(channel).name.clone();
    let client = world.client(who);
    let account = client.account().unwrap_or_else(|| bytes::Bytes::from_static(b"*"));
    let (realname, away) = (client.realname.clone(), client.away.clone());
    let line = world.line_from(who, "JOIN").text(&name).end();
    let extended = world.line_from(who, "JOIN").word(&name).word(account).text(realname).end();
    let mut plain = world.message_from(who, line);
    let mut extended = world.message_from(who, extended);
    world.announce(channel, Some(who), &mut plain, |slot, client| {
        wanted(slot) && !client.caps.has(Caps::EXTENDED_JOIN)
    });
    world.announce(channel, Some(who), &mut extended, |slot, client| {
        wanted(slot) && client.caps.has(Caps::EXTENDED_JOIN)
    });
    if let Some(away) = away {
        let line = world.line_from(who, "AWAY").text(away).end();
        let mut message = world.message_from(who, line);
        world.announce(channel, Some(who), &mut message, |slot, client| {
            slot != who && wanted(slot) && client.caps.has(Caps::AWAY_NOTIFY)
        });
    }
}

/// The server made `me` an operator on joining.
fn announce_operator(world: &mut World, me: Slot, channel: ChannelSlot) {
    let (name, nick) = (world.channel(channel).name.clone(), world.client(me).identity.nick());
    let line = Writer::new(&world.name, "MODE").word(&name).word("+o").word(&nick).end();
    let mut message = crate::wire::message::Message::new(line, world.now.unix_ms);
    world.announce(channel, None, &mut message, |_, _| true);
}

/// 332 and 333, or nothing.
pub(super) fn send_topic(world: &mut World, me: Slot, channel: ChannelSlot) {
    let state = world.channel(channel);
    let Some(topic) = state.topic.clone() else { return };
    let name = state.name.clone();
    let hidden = topic.hidden_setter && !state.is_operator(me) && !world.client(me).oper();
    let own = topic.setter == *world.client(me).identity.source();
    let setter = if hidden && !own { world.name.clone() } else { topic.setter };
    world.reply_text(me, RPL_TOPIC, &[&name], &topic.text);
    world.reply_words(me, RPL_TOPICWHOTIME, &[&name, &setter, topic.unix.to_string().as_bytes()]);
}

fn leave_all(world: &mut World, me: Slot) {
    end_grace(world, me);
    for channel in world.client(me).channels.clone().into_iter().rev() {
        depart(world, me, channel, None);
    }
}

pub(super) fn part(world: &mut World, me: Slot, line: &Line<'_>) {
    let reason = line.word(1).map(|reason| cut(reason, REASON));
    for name in line.get(0).unwrap_or_default().split(|byte| *byte == b',').filter(|name| !name.is_empty()) {
        let Some(channel) = world.find_channel(name) else {
            world.reply(me, ERR_NOSUCHCHANNEL, &[name]);
            continue;
        };
        if world.channel(channel).rank(me).is_none() {
            world.reply(me, ERR_NOTONCHANNEL, &[name]);
            continue;
        }
        let reason = reason.filter(|_| world.may_speak(me, channel));
        depart(world, me, channel, reason);
    }
}

fn depart(world: &mut World, me: Slot, channel: ChannelSlot, reason: Option<&[u8]>) {
    let line = world.line_from(me, "PART").word(&world.channel(channel).name);
    let line = match reason {
        Some(reason) => line.text(reason).end(),
        None => line.end(),
    };
    let mut message = world.message_from(me, line);
    world.announce(channel, Some(me), &mut message, |_, _| true);
    world.leave_seen(me, channel);
}

impl World {
    /// Ends a membership and tells over MONITOR what that uncovers.
    pub(crate) fn leave_seen(&mut self, who: Slot, channel: ChannelSlot) {
        let sightings = self.channel(channel).auditorium().then(|| self.sightings(who));
        self.leave(who, channel);
        if let Some(before) = sightings {
            self.tell_sightings(before);
        }
    }

    /// Whether one of these masks matches `who`.
    pub(crate) fn on_list(&self, who: Slot, list: &[MaskEntry]) -> bool {
        let client = self.client(who);
        let subject = Subject { source: client.identity.source(), address: client.address };
        list.iter().any(|entry| mask::applies(&entry.mask, subject))
    }

    /// Whether `who` is banned from a channel and not excepted.
    pub(crate) fn banned(&self, who: Slot, channel: ChannelSlot) -> bool {
        let state = self.channel(channel);
        self.on_list(who, &state.bans) && !self.on_list(who, &state.excepts)
    }

    /// Whether `who` may send to a channel.
    pub(crate) fn may_speak(&self, who: Slot, channel: ChannelSlot) -> bool {
        let state = self.channel(channel);
        match state.rank(who) {
            Some(rank) if rank.any() => true,
            Some(_) => !state.modes.has(Modes::MODERATED) && !self.banned(who, channel),
            // A ban keeps out whoever is outside; to be heard from there all the same is what `-n` is for.
            None => !state.modes.has(Modes::NO_EXTERNAL) && !state.modes.has(Modes::MODERATED),
        }
    }
}
