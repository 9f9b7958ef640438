//! TOPIC.

use bytes::Bytes;

use super::first_of;
use super::join::send_topic;
use crate::wire::line::Line;
use crate::wire::message::Message;
use crate::wire::numeric::{ERR_CHANOPRIVSNEEDED, ERR_NOSUCHCHANNEL, ERR_NOTONCHANNEL, RPL_NOTOPIC};
use crate::wire::text::cut;
use crate::wire::writer::Writer;
use crate::world::channel::{Modes, Topic};
use crate::world::{ChannelSlot, Slot, World};

pub(super) fn topic(world: &mut World, me: Slot, line: &Line<'_>) {
    let name = first_of(line.get(0).unwrap_or_default());
    let Some(channel) = world.find_channel(name) else { return world.reply(me, ERR_NOSUCHCHANNEL, &[name]) };
    match line.get(1) {
        Some(text) => set(world, me, channel, name, text),
        None => query(world, me, channel, name),
    }
}

fn query(world: &mut World, me: Slot, channel: ChannelSlot, asked: &[u8]) {
    let state = world.channel(channel);
    if state.modes.has(Modes::SECRET) && state.rank(me).is_none() {
        return world.reply(me, ERR_NOTONCHANNEL, &[asked]);
    }
    if state.topic.is_none() {
        return world.reply(me, RPL_NOTOPIC, &[asked]);
    }
    send_topic(world, me, channel);
}

fn set(world: &mut World, me: Slot, channel: ChannelSlot, asked: &[u8], text: &[u8]) {
    let state = world.channel(channel);
    let name = state.name.clone();
    let Some(rank) = state.rank(me) else { return world.reply(me, ERR_NOTONCHANNEL, &[asked]) };
    if state.modes.has(Modes::TOPIC) && !rank.operator {
        return world.reply(me, ERR_CHANOPRIVSNEEDED, &[asked]);
    }
    let hidden = state.auditorium() && !rank.operator;
    let text = cut(text, world.config.limits.topic_length);
    let topic = Topic {
        text: Bytes::copy_from_slice(text),
        setter: world.client(me).identity.source().clone(),
        hidden_setter: hidden,
        unix: world.now.unix_ms / 1000,
    };
    world.channel_mut(channel).topic = Some(topic).filter(|topic| !topic.text.is_empty());
    let line = world.line_from(me, "TOPIC").word(&name).text(text).end();
    let mut message = world.message_from(me, line);
    world.announce(channel, Some(me), &mut message, |_, _| true);
    if hidden {
        // The other plain members get the topic, but not from whom.
        let line = Writer::new(&world.name, "TOPIC").word(&name).text(text).end();
        let mut message = Message::new(line, world.now.unix_ms);
        let told = world.channel(channel).operators().to_vec();
        world.announce(channel, None, &mut message, |slot, _| slot != me && !told.contains(&slot));
    }
}
