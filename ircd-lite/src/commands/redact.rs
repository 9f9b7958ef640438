//! REDACT: a channel's operators, and IRC operators, take a line out of its history. Facts: IRCv3
//! `draft/message-redaction`.
//!
//! The line is gone from memory, and those who have the capability on and could see it are told. A bot takes out what was
//! said to it in private: under its own nick, and nobody is told.

use bytes::Bytes;

use crate::wire::line::Line;
use crate::wire::name;
use crate::world::caps::Caps;
use crate::world::history::Audience;
use crate::world::{ChannelSlot, Slot, World};

pub(super) fn redact(world: &mut World, me: Slot, line: &Line<'_>) {
    let (Some(target), Some(msgid)) = (line.get(0), line.get(1)) else { return };
    if !name::is_channel(target) {
        return from_inbox(world, me, target, msgid);
    }
    let Some(channel) = world.find_channel(target).filter(|channel| is_there(world, me, *channel)) else {
        return not_there(world, me, target);
    };
    // Before it is looked up: who may not delete a line does not learn either whether it is there.
    if !world.channel(channel).is_operator(me) && !world.client(me).oper() {
        let text = "Only the channel's operators delete messages";
        return world.fail(me, "REDACT", "REDACT_FORBIDDEN", &[target, msgid], text);
    }
    let Some(audience) = world.channel_mut(channel).history.remove(msgid) else {
        return unknown(world, me, target, msgid);
    };
    tell(world, me, channel, &audience, msgid, line.get(2));
}

fn from_inbox(world: &mut World, me: Slot, target: &[u8], msgid: &[u8]) {
    let client = world.client(me);
    let Some(account) = client.bot().filter(|_| name::same(target, &client.identity.nick())) else {
        return not_there(world, me, target);
    };
    if world.inboxes.get_mut(&account).and_then(|inbox| inbox.remove(msgid)).is_none() {
        unknown(world, me, target, msgid);
    }
}

fn not_there(world: &mut World, me: Slot, target: &[u8]) {
    world.fail(me, "REDACT", "INVALID_TARGET", &[target], "You cannot delete messages there");
}

fn unknown(world: &mut World, me: Slot, target: &[u8], msgid: &[u8]) {
    let text = "This message does not exist or is too old";
    world.fail(me, "REDACT", "UNKNOWN_MSGID", &[target, msgid], text);
}

fn is_there(world: &World, me: Slot, channel: ChannelSlot) -> bool {
    world.channel(channel).rank(me).is_some() || world.client(me).oper()
}

fn tell(
    world: &mut World,
    me: Slot,
    channel: ChannelSlot,
    audience: &Audience,
    redacted: &[u8],
    reason: Option<&[u8]>,
) {
    let name = world.channel(channel).name.clone();
    let line = world.line_from(me, "REDACT").word(&name).word(redacted);
    let line = match reason.filter(|reason| !reason.is_empty()) {
        Some(reason) => line.text(reason).end(),
        None => line.end(),
    };
    let msgid = world.msgid();
    let mut message = world.message_from(me, line).tagged(msgid, Bytes::new());
    let operators = world.channel(channel).operators().to_vec();
    world.announce(channel, Some(me), &mut message, |slot, client| {
        let could_see = match audience {
            Audience::Members => true,
            Audience::Author { serial, .. } => client.serial == *serial || operators.contains(&slot),
            Audience::Receiver { .. } => false,
        };
        slot != me && could_see && client.caps.has(Caps::REDACTION)
    });
    if world.client(me).caps.has(Caps::REDACTION.with(Caps::ECHO_MESSAGE)) {
        world.clients.deliver(me, &mut message);
    }
}
