//! LIST with ELIST filters C, T, U.

use super::first_of;
use crate::wire::line::Line;
use crate::wire::numeric::{RPL_LIST, RPL_LISTEND, RPL_LISTSTART, RPL_LOAD2HI};
use crate::world::channel::Modes;
use crate::world::{ChannelSlot, Slot, World};

/// Between two LISTs of everything, on the whole server.
const PACE_MS: u64 = 10_000;

/// What a channel must be to be listed.
#[derive(Debug, Default, Clone, Copy)]
struct Filter {
    more_than: Option<usize>,
    fewer_than: Option<usize>,
    created: Option<Age>,
    topic: Option<Age>,
}

#[derive(Debug, Clone, Copy)]
enum Age {
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
    if named.is_none() && world.pace_of_server(me) {
        world.reply(me, RPL_LOAD2HI, &[b"LIST"]);
        return world.reply(me, RPL_LISTEND, &[]);
    }
    world.reply(me, RPL_LISTSTART, &[b"Channel"]);
    let filter = if named.is_some() { Filter::default() } else { parse(word.unwrap_or_default()) };
    let channels: Vec<ChannelSlot> = match named {
        Some(names) => world.find_channel(first_of(names)).into_iter().collect(),
        None => world.channels.iter().map(|(at, _)| ChannelSlot(at)).collect(),
    };
    for channel in channels {
        entry(world, me, channel, filter);
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

fn entry(world: &mut World, me: Slot, channel: ChannelSlot, filter: Filter) {
    let state = world.channel(channel);
    let hidden = state.modes.has(Modes::SECRET) || state.modes.has(Modes::PRIVATE);
    if hidden && state.rank(me).is_none() {
        return;
    }
    let members = world.visible_members(channel, me);
    let unix = world.now.unix_ms / 1000;
    let topic_age = state.topic.as_ref().map(|topic| unix.saturating_sub(topic.unix));
    let admitted = filter.more_than.is_none_or(|least| members > least)
        && filter.fewer_than.is_none_or(|most| members < most)
        && filter.created.is_none_or(|age| age.admits(unix.saturating_sub(state.unix)))
        && filter.topic.is_none_or(|age| topic_age.is_some_and(|seconds| age.admits(seconds)));
    if admitted {
        let name = state.name.clone();
        let text = state.topic.as_ref().map(|topic| topic.text.clone()).unwrap_or_default();
        world.reply_text(me, RPL_LIST, &[&name, members.to_string().as_bytes()], text);
    }
}

impl World {
    /// Whether a costly query comes too soon after the last one of anybody. Only where flood control is on.
    pub(crate) fn pace_of_server(&mut self, me: Slot) -> bool {
        if self.config.limits.flood_lines == 0 || self.client(me).unlimited() {
            return false;
        }
        let now_ms = self.now.mono_ms;
        let soon = self.last_list_ms.is_some_and(|last| now_ms.saturating_sub(last) < PACE_MS);
        if !soon {
            self.last_list_ms = Some(now_ms);
        }
        soon
    }
}
