//! CHATHISTORY of channels, and for a bot (an account that is `exempt`) of what others said to it in private. Facts: IRCv3
//! `draft/chathistory`.
//!
//! A plain member of an auditorium gets back what it could see when it was said: the operators' lines and its own.

use std::collections::HashMap;

use bytes::Bytes;

use crate::wire::date;
use crate::wire::line::Line;
use crate::wire::message::Message;
use crate::wire::name::{self, Folded};
use crate::wire::tags;
use crate::wire::writer::Writer;
use crate::world::caps::Caps;
use crate::world::history::{Audience, Entry, History, Reference};
use crate::world::{ChannelSlot, Slot, World};

/// The most lines of one answer.
pub(super) const MOST: usize = 200;

/// Which entries, by position, and from which end they are counted.
#[derive(Debug, Clone, Copy)]
struct Range {
    from: usize,
    to: usize,
    latest: bool,
}

/// Whose history.
#[derive(Debug, Clone)]
enum Place {
    Channel(ChannelSlot),
    /// What somebody said to this account in private, by the nick.
    Private {
        account: Bytes,
        with: Bytes,
    },
}

impl Place {
    /// What the asker names, if there is such a history and it may be read.
    fn of(world: &World, me: Slot, target: &[u8]) -> Option<Self> {
        if name::is_channel(target) {
            let channel = world.find_channel(target)?;
            return world.channel(channel).rank(me).map(|_| Self::Channel(channel));
        }
        let with = Bytes::copy_from_slice(target);
        Some(Self::Private { account: inbox_of(world, me)?, with })
    }

    fn history<'a>(&self, world: &'a World) -> Option<&'a History> {
        match self {
            Self::Channel(channel) => Some(&world.channel(*channel).history),
            Self::Private { account, .. } => world.inboxes.get(account),
        }
    }

    fn name(&self, world: &World) -> Bytes {
        match self {
            Self::Channel(channel) => world.channel(*channel).name.clone(),
            Self::Private { with, .. } => with.clone(),
        }
    }
}

/// The account whose private lines are kept for this client.
fn inbox_of(world: &World, me: Slot) -> Option<Bytes> {
    world.client(me).login.as_ref().filter(|login| login.exempt).map(|login| login.name.clone())
}

pub(super) fn chathistory(world: &mut World, me: Slot, line: &Line<'_>) {
    let subcommand = line.get(0).unwrap_or_default().to_ascii_uppercase();
    let name = String::from_utf8_lossy(&subcommand).into_owned();
    let known = ["LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN", "TARGETS"].contains(&name.as_str());
    if !known {
        return fail(world, me, "INVALID_PARAMS", &[&subcommand], "Unknown command");
    }
    let words = line.parameters();
    let needed = if name == "BETWEEN" { 5 } else { 4 };
    if words.len() < needed {
        return fail(world, me, "INVALID_PARAMS", &[&subcommand], "Insufficient parameters");
    }
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let Some(count) = std::str::from_utf8(word(needed - 1)).ok().and_then(|text| text.parse::<usize>().ok())
    else {
        return fail(world, me, "INVALID_PARAMS", &[&subcommand], "Invalid limit");
    };
    let count = if count == 0 { MOST } else { count.min(MOST) };
    if name == "TARGETS" {
        return targets(world, me, word(1), word(2), count);
    }
    let target = word(1);
    let Some(of) = Place::of(world, me, target) else {
        return fail(world, me, "INVALID_TARGET", &[&subcommand, target], "Messages could not be retrieved");
    };
    let none = History::default();
    let history = of.history(world).unwrap_or(&none);
    let all = history.entries().count();
    let place = |word: &[u8]| reference(word).map(|reference| history.place(&reference));
    let range = match (name.as_str(), place(word(2))) {
        ("LATEST", _) if word(2) == b"*" => Some(Some(Range { from: 0, to: all, latest: true })),
        ("BETWEEN", first) => match (first, place(word(3))) {
            (Some(first), Some(second)) => {
                Some(first.zip(second).map(|(first, second)| between(first, second)))
            }
            _ => None,
        },
        (_, None) => None,
        ("LATEST", Some(place)) => Some(place.map(|(_, after)| Range { from: after, to: all, latest: true })),
        ("BEFORE", Some(place)) => Some(place.map(|(first, _)| Range { from: 0, to: first, latest: true })),
        ("AFTER", Some(place)) => Some(place.map(|(_, after)| Range { from: after, to: all, latest: false })),
        (_, Some(place)) => Some(place.map(|(first, _)| {
            let from = first.saturating_sub(count / 2);
            Range { from, to: all.min(from + count), latest: false }
        })),
    };
    let Some(range) = range else {
        return fail(world, me, "INVALID_MSGREFTYPE", &[&subcommand, word(2)], "Use timestamp= or msgid=");
    };
    // An id that is not kept any more gives an empty answer, as nothing found does.
    let entries = range.map_or_else(Vec::new, |range| pick(world, me, &of, range, count));
    answer(world, me, &of, entries);
}

fn between(first: (usize, usize), second: (usize, usize)) -> Range {
    if first.0 <= second.0 {
        Range { from: first.1, to: second.0.max(first.1), latest: false }
    } else {
        Range { from: second.1, to: first.0.max(second.1), latest: true }
    }
}

fn reference(word: &[u8]) -> Option<Reference> {
    if let Some(time) = word.strip_prefix(b"timestamp=") {
        return date::parse_iso(time).map(Reference::Time);
    }
    word.strip_prefix(b"msgid=").filter(|id| !id.is_empty()).map(|id| Reference::Id(id.to_vec()))
}

/// What the asker may see of a range, at most `count` from its end or its beginning, oldest first.
fn pick(world: &World, me: Slot, of: &Place, range: Range, count: usize) -> Vec<Entry> {
    let client = world.client(me);
    let operator = match of {
        Place::Channel(channel) => world.channel(*channel).is_operator(me) || client.oper(),
        Place::Private { .. } => false,
    };
    let (serial, account) = (client.serial, client.account());
    let may_see = |entry: &&Entry| match (&entry.audience, of) {
        (Audience::Members, _) => true,
        (Audience::Author { serial: author, account: name }, _) => {
            operator || *author == serial || (name.is_some() && *name == account)
        }
        (Audience::Receiver { from }, Place::Private { with, .. }) => name::same(from, with),
        (Audience::Receiver { .. }, Place::Channel(_)) => false,
    };
    let Some(history) = of.history(world) else { return Vec::new() };
    let length = range.to.saturating_sub(range.from);
    let seen = history.entries().skip(range.from).take(length).filter(may_see);
    let mut seen: Vec<Entry> = seen.cloned().collect();
    if range.latest {
        seen.drain(..seen.len().saturating_sub(count));
    } else {
        seen.truncate(count);
    }
    seen
}

fn answer(world: &mut World, me: Slot, of: &Place, entries: Vec<Entry>) {
    let (tags, caps) = (world.client(me).tags, world.client(me).caps);
    let name = of.name(world);
    let lines = entries.into_iter().map(|mut entry| entry.message.form(tags)).collect();
    send_batch(world, me, "chathistory", Some(&name), lines, caps.has(Caps::BATCH));
}

/// TARGETS: the asker's channels, and those who wrote to a bot, with lines in a span, by the time of the latest.
fn targets(world: &mut World, me: Slot, first: &[u8], second: &[u8], count: usize) {
    let time = |word: &[u8]| word.strip_prefix(b"timestamp=").and_then(date::parse_iso);
    let (Some(first), Some(second)) = (time(first), time(second)) else {
        return fail(world, me, "INVALID_PARAMS", &[b"TARGETS"], "Use timestamp=");
    };
    let (from, to) = (first.min(second), first.max(second));
    let mut found: Vec<(u64, Bytes)> = Vec::new();
    for channel in world.client(me).channels.clone() {
        let whole = Range { from: 0, to: usize::MAX, latest: true };
        let last = pick(world, me, &Place::Channel(channel), whole, 1).pop();
        if let Some(last) = last.filter(|last| from < last.unix_ms && last.unix_ms < to) {
            found.push((last.unix_ms, world.channel(channel).name.clone()));
        }
    }
    let inbox = inbox_of(world, me).and_then(|account| world.inboxes.get(&account));
    let mut senders: HashMap<Folded, (u64, Bytes)> = HashMap::new();
    for entry in inbox.into_iter().flat_map(History::entries) {
        if let Audience::Receiver { from } = &entry.audience {
            senders.insert(Folded::new(from), (entry.unix_ms, from.clone()));
        }
    }
    found.extend(senders.into_values().filter(|(last, _)| from < *last && *last < to));
    found.sort_unstable();
    found.truncate(count);
    let lines = found
        .into_iter()
        .map(|(unix_ms, name)| {
            let line = Writer::new(&world.name, "CHATHISTORY")
                .word("TARGETS")
                .word(&name)
                .word(date::iso(unix_ms))
                .end();
            Message::new(line, world.now.unix_ms).form(world.client(me).tags)
        })
        .collect();
    let batch = world.client(me).caps.has(Caps::BATCH);
    send_batch(world, me, "draft/chathistory-targets", None, lines, batch);
}

fn send_batch(
    world: &mut World,
    me: Slot,
    kind: &str,
    target: Option<&Bytes>,
    lines: Vec<Bytes>,
    batch: bool,
) {
    if !batch {
        for line in lines {
            world.clients.deliver_line(me, line);
        }
        return;
    }
    let id = world.batch_id();
    let start = Writer::new(&world.name, "BATCH").word(format!("+{id}")).word(kind);
    let start = target.into_iter().fold(start, Writer::word).end();
    world.clients.deliver_line(me, start);
    let tag = format!("batch={id}");
    for line in lines {
        world.clients.deliver_line(me, tags::prepend(&line, tag.as_bytes()));
    }
    let end = Writer::new(&world.name, "BATCH").word(format!("-{id}")).end();
    world.clients.deliver_line(me, end);
}

fn fail(world: &mut World, me: Slot, code: &str, context: &[&[u8]], text: &str) {
    world.fail(me, "CHATHISTORY", code, context, text);
}
