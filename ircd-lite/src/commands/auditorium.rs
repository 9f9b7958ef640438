//! What a change of channel mode `u` means for those who are in the channel: plain members go out of each other's
//! sight, or come into it, and their clients' lists of members must follow.

use std::collections::HashSet;

use super::join;
use crate::wire::message::Message;
use crate::wire::writer::Writer;
use crate::world::channel::Modes;
use crate::world::{ChannelSlot, Slot, World};

/// The most plain members among whom `u` may change: each is told of each other.
const MOST: usize = 1000;
/// Nicks in one MODE line.
const RANKS: usize = super::channel_mode::MODES;

fn plain_members(world: &World, channel: ChannelSlot) -> Vec<Slot> {
    let members = world.channel(channel).members().iter();
    members.filter(|member| !member.rank.operator).map(|member| member.client).collect()
}

/// Whether an operator may turn it on or off; tells it where not.
pub(super) fn may_change(world: &mut World, me: Slot, channel: ChannelSlot) -> bool {
    let allowed = plain_members(world, channel).len() <= MOST;
    if !allowed {
        let name = String::from_utf8_lossy(&world.channel(channel).name).into_owned();
        world
            .notice(me, format!("*** Mode u of {name} can't change while more than {MOST} people are in it"));
    }
    allowed
}

/// Turns it on or off, where that is a change.
pub(super) fn set(world: &mut World, channel: ChannelSlot, on: bool) {
    let plain = plain_members(world, channel);
    let sightings = world.sightings_of_members(channel);
    if !world.channel_mut(channel).modes.set(Modes::AUDITORIUM, on) {
        return;
    }
    world.recount_members(channel);
    // More than that only a new configuration may change; clients then learn of it when they ask.
    if plain.len() <= MOST {
        let tell = if on { cover } else { uncover };
        tell(world, channel, &plain);
    }
    world.tell_sightings(sightings);
}

fn cover(world: &mut World, channel: ChannelSlot, plain: &[Slot]) {
    let name = world.channel(channel).name.clone();
    for who in plain {
        let line = world.line_from(*who, "PART").word(&name).end();
        let mut message = world.message_from(*who, line);
        for other in plain.iter().filter(|other| *other != who) {
            world.clients.deliver(*other, &mut message);
        }
    }
}

fn uncover(world: &mut World, channel: ChannelSlot, plain: &[Slot]) {
    let told: HashSet<Slot> = plain.iter().copied().collect();
    for who in plain {
        join::announce_join(world, channel, *who, |slot| slot != *who && told.contains(&slot));
    }
    let voiced = |who: &&Slot| world.channel(channel).rank(**who).is_some_and(|rank| rank.voice);
    let voices: Vec<_> = plain.iter().filter(voiced).map(|who| world.client(*who).identity.nick()).collect();
    for nicks in voices.chunks(RANKS) {
        let letters = format!("+{}", "v".repeat(nicks.len()));
        let start = Writer::new(&world.name, "MODE").word(&world.channel(channel).name).word(letters);
        let line = nicks.iter().fold(start, Writer::word).end();
        let mut message = Message::new(line, world.now.unix_ms);
        for slot in plain {
            world.clients.deliver(*slot, &mut message);
        }
    }
}

impl World {
    /// The configuration gives a channel these flags; who is in it is told of what changes.
    pub(crate) fn set_modes(&mut self, channel: ChannelSlot, modes: Modes) {
        let before = self.channel(channel).modes;
        set(self, channel, modes.has(Modes::AUDITORIUM));
        self.channel_mut(channel).modes = modes;
        let changed = |on: bool, sign: &str| {
            let letters =
                Modes::LETTERS.iter().filter(|(_, mode)| modes.has(*mode) == on && before.has(*mode) != on);
            let letters: String = letters.map(|(letter, _)| char::from(*letter)).collect();
            if letters.is_empty() { letters } else { format!("{sign}{letters}") }
        };
        let text = changed(true, "+") + &changed(false, "-");
        if !text.is_empty() {
            let line = Writer::new(&self.name, "MODE").word(&self.channel(channel).name).word(text).end();
            let mut message = Message::new(line, self.now.unix_ms);
            self.announce(channel, None, &mut message, |_, _| true);
        }
    }
}
