//! LIST with ELIST filters C, T, U. A long list goes out piece by piece, each when the one before is on its way: it
//! neither fills the asker's send queue nor ends it.

use super::first_of;
use crate::wire::line::Line;
use crate::wire::numeric::{RPL_LIST, RPL_LISTEND, RPL_LISTSTART, RPL_LOAD2HI};
use crate::world::channel::Modes;
use crate::world::{ChannelSlot, ClientId, Effect, Now, Slot, World};

/// Between two LISTs of everything, on the whole server.
const PACE_MS: u64 = 10_000;

/// What a 322 has beside the names and the topic.
const OVERHEAD: usize = 50;
/// A piece of a list is this part of the send queue.
const PIECES: usize = 4;

/// Queries that walk over all there is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Costly {
    /// LIST without a channel.
    List,
    /// NAMES without one.
    Names,
    /// WHO with a mask.
    Who,
}

/// A list that is not finished: where it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing {
    next: usize,
    filter: Filter,
}

/// What a channel must be to be listed.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Filter {
    more_than: Option<usize>,
    fewer_than: Option<usize>,
    created: Option<Age>,
    topic: Option<Age>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Age {
    /// Longer ago than this many seconds.
    Over(u64),
    /// Not so long ago.
    Under(u64),
}

impl Age {
    fn admits(self, seconds: u64) -> bool {
        match self {
            Self::Over(least) => seconds > least,
            Self::Under(most) => seconds < most,
        }
    }
}

pub(super) fn list(world: &mut World, me: Slot, line: &Line<'_>) {
    let word = line.word(0);
    let named = word.filter(|word| crate::wire::name::is_channel(word));
    if named.is_none() && world.too_soon(me, Costly::List) {
        world.reply(me, RPL_LOAD2HI, &[b"LIST"]);
        return world.reply(me, RPL_LISTEND, &[]);
    }
    if let Some(lists) = &mut world.client_mut(me).lists
        && lists.listing.take().is_some()
    {
        // The one that is under way ends here.
        world.reply(me, RPL_LISTEND, &[]);
    }
    world.reply(me, RPL_LISTSTART, &[b"Channel"]);
    let Some(names) = named else {
        return go_on(world, me, Listing { next: 0, filter: parse(word.unwrap_or_default()) });
    };
    if let Some(channel) = world.find_channel(first_of(names)) {
        entry(world, me, channel, Filter::default());
    }
    world.reply(me, RPL_LISTEND, &[]);
}

/// Sends a piece of a list, and sees to it that the next one follows.
fn go_on(world: &mut World, me: Slot, listing: Listing) {
    let sendq = world.config.limits.sendq;
    // The answer to a labelled command is one, whatever its length.
    let whole = sendq == 0 || world.clients.captures(me);
    let mut room = if whole { usize::MAX } else { sendq / PIECES };
    for at in listing.next..world.channels.capacity() {
        if !world.channels.contains(at) {
            continue;
        }
        if room == 0 {
            world.client_mut(me).lists_mut().listing = Some(Listing { next: at, ..listing });
            let client = world.clients.id(me);
            return world.effect(Effect::TellDrained { client });
        }
        let bytes = entry(world, me, ChannelSlot(at), listing.filter);
        room = room.saturating_sub(bytes);
    }
    world.reply(me, RPL_LISTEND, &[]);
}

fn parse(word: &[u8]) -> Filter {
    let mut filter = Filter::default();
    for part in word.split(|byte| *byte == b',') {
        let text = std::str::from_utf8(part).unwrap_or_default();
        let end = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
        let (sign, digits) = text.split_at(end);
        let Ok(number) = digits.parse::<u32>() else { continue };
        let seconds = u64::from(number) * 60;
        match sign {
            ">" => filter.more_than = usize::try_from(number).ok(),
            "<" => filter.fewer_than = usize::try_from(number).ok(),
            "C>" => filter.created = Some(Age::Over(seconds)),
            "C<" => filter.created = Some(Age::Under(seconds)),
            "T>" => filter.topic = Some(Age::Over(seconds)),
            "T<" => filter.topic = Some(Age::Under(seconds)),
            _ => {}
        }
    }
    filter
}

/// 322 of a channel, if it is to be listed; says about how long that was.
fn entry(world: &mut World, me: Slot, channel: ChannelSlot, filter: Filter) -> usize {
    let state = world.channel(channel);
    let hidden = state.modes.has(Modes::SECRET) || state.modes.has(Modes::PRIVATE);
    if hidden && state.rank(me).is_none() {
        return 0;
    }
    let members = world.visible_members(channel, me);
    let unix = world.now.unix_ms / 1000;
    let topic_age = state.topic.as_ref().map(|topic| unix.saturating_sub(topic.unix));
    let admitted = filter.more_than.is_none_or(|least| members > least)
        && filter.fewer_than.is_none_or(|most| members < most)
        && filter.created.is_none_or(|age| age.admits(unix.saturating_sub(state.unix)))
        && filter.topic.is_none_or(|age| topic_age.is_some_and(|seconds| age.admits(seconds)));
    if !admitted {
        return 0;
    }
    let name = state.name.clone();
    let text = state.topic.as_ref().map(|topic| topic.text.clone()).unwrap_or_default();
    let bytes = world.name.len() + name.len() + text.len() + OVERHEAD;
    world.reply_text(me, RPL_LIST, &[&name, members.to_string().as_bytes()], text);
    bytes
}

impl World {
    /// What was handed out to a connection is on its way: a list goes on.
    pub fn drained(&mut self, id: ClientId, now: Now) {
        self.now = now;
        let Some(me) = self.clients.find(id) else { return };
        let listing = self.client_mut(me).lists.as_mut().and_then(|lists| lists.listing.take());
        if let Some(listing) = listing {
            go_on(self, me, listing);
        }
    }

    /// Whether a costly query comes too soon after the last one of its kind, of anybody. Only where flood control is on.
    pub(crate) fn too_soon(&mut self, me: Slot, query: Costly) -> bool {
        if self.config.limits.flood_lines == 0 || self.client(me).unlimited() {
            return false;
        }
        let now_ms = self.now.mono_ms;
        let Some(last_ms) = self.costly_ms.get_mut(query as usize) else { return false };
        let soon = last_ms.is_some_and(|last| now_ms.saturating_sub(last) < PACE_MS);
        if !soon {
            *last_ms = Some(now_ms);
        }
        soon
    }
}
