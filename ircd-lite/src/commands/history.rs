//! CHATHISTORY of channels, between users who are logged in, and for a bot (an account that is `exempt`) of what anybody
//! said to it. Facts: IRCv3 `draft/chathistory`.
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

pub(super) fn chathistory(world: &mut World, me: Slot, line: &Line<'_>) {
    let subcommand = line.get(0).unwrap_or_default().to_ascii_uppercase();
    let verb = String::from_utf8_lossy(&subcommand).into_owned();
    let known = ["LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN", "TARGETS"].contains(&verb.as_str());
    if !known {
        return fail(world, me, "INVALID_PARAMS", &[&subcommand], "Unknown command");
    }
    let words = line.parameters();
    let needed = if verb == "BETWEEN" { 5 } else { 4 };
    if words.len() < needed {
        return fail(world, me, "INVALID_PARAMS", &[&subcommand], "Insufficient parameters");
    }
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let Some(count) = std::str::from_utf8(word(needed - 1)).ok().and_then(|text| text.parse::<usize>().ok())
    else {
        return fail(world, me, "INVALID_PARAMS", &[&subcommand], "Invalid limit");
    };
    let count = if count == 0 { MOST } else { count.min(MOST) };
    if verb == "TARGETS" {
        return targets(world, me, word(1), word(2), count);
    }
    let target = word(1);
    let Some(source) = Source::find(world, me, target) else {
        return fail(world, me, "INVALID_TARGET", &[&subcommand, target], "Messages could not be retrieved");
    };
    let nothing = History::default();
    let history = source.history(world).unwrap_or(&nothing);
    let all = history.entries().count();
    let may_see = sight(world, me, &source);
    // The id of a line that the asker may not see is one that there isn't.
    let known = |reference: &Reference| match reference {
        Reference::Id(id) => history.entries().any(|entry| entry.msgid == id && may_see(entry)),
        Reference::Time(_) => true,
    };
    let place = |word: &[u8]| {
        reference(word).map(|reference| history.place(&reference).filter(|_| known(&reference)))
    };
    let range = match (verb.as_str(), place(word(2))) {
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
            // Half of what is shown, not of what there is: that would tell how much others have said.
            let before = history.entries().enumerate().take(first).filter(|(_, entry)| may_see(entry));
            let from = before.map(|(at, _)| at).rev().take(count / 2).last().unwrap_or(first);
            Range { from, to: all, latest: false }
        })),
    };
    let Some(range) = range else {
        return fail(world, me, "INVALID_MSGREFTYPE", &[&subcommand, word(2)], "Use timestamp= or msgid=");
    };
    // An id that is not kept any more gives an empty answer, as nothing found does.
    let entries = range.map_or_else(Vec::new, |range| pick(world, me, &source, range, count));
    answer(world, me, &source.name(world), entries);
}

/// Whose lines are asked for.
enum Source {
    Channel(ChannelSlot),
    /// A user by this name, and where both are logged in the two accounts.
    User(Bytes, Option<(Bytes, Bytes)>),
    /// What somebody of this nick said to the bot of this account.
    Inbox {
        account: Bytes,
        with: Bytes,
    },
}

impl Source {
    /// A channel that the asker is in, a user that it may know of, or the account of somebody whom it had to do with.
    fn find(world: &World, me: Slot, target: &[u8]) -> Option<Self> {
        if name::is_channel(target) {
            let channel = world.find_channel(target)?;
            return world.channel(channel).rank(me).map(|_| Self::Channel(channel));
        }
        if let Some(account) = world.client(me).bot() {
            return Some(Self::Inbox { account, with: Bytes::copy_from_slice(target) });
        }
        let own = world.client(me).account();
        if let Some(user) = world.visible_user(me, target) {
            let user = world.client(user);
            return Some(Self::User(user.identity.nick(), own.zip(user.account())));
        }
        // Who is gone, and who is hidden: that there is an account tells only whoever wrote to it.
        let own = own?;
        world.conversations.between(&own, target)?;
        let target = Bytes::copy_from_slice(target);
        Some(Self::User(target.clone(), Some((own, target))))
    }

    fn history<'a>(&self, world: &'a World) -> Option<&'a History> {
        match self {
            Self::Channel(channel) => Some(&world.channel(*channel).history),
            Self::User(_, accounts) => {
                accounts.as_ref().and_then(|(own, peer)| world.conversations.between(own, peer))
            }
            Self::Inbox { account, .. } => world.inboxes.get(account),
        }
    }

    fn name(&self, world: &World) -> Bytes {
        match self {
            Self::Channel(channel) => world.channel(*channel).name.clone(),
            Self::User(name, _) | Self::Inbox { with: name, .. } => name.clone(),
        }
    }
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

/// Which entries the asker may see.
fn sight(world: &World, me: Slot, source: &Source) -> impl Fn(&Entry) -> bool + use<> {
    let client = world.client(me);
    let operator = match source {
        Source::Channel(channel) => world.channel(*channel).is_operator(me) || client.oper(),
        Source::User(..) | Source::Inbox { .. } => false,
    };
    let (serial, account) = (client.serial, client.account());
    let with = match source {
        Source::Inbox { with, .. } => Some(with.clone()),
        _ => None,
    };
    move |entry| match &entry.audience {
        Audience::Members => true,
        Audience::Author { serial: author, account: name } => {
            operator || *author == serial || (name.is_some() && *name == account)
        }
        Audience::Receiver { from } => with.as_ref().is_some_and(|with| name::same(from, with)),
    }
}

/// What the asker may see of a range, at most `count` from its end or its beginning, oldest first.
fn pick(world: &World, me: Slot, source: &Source, range: Range, count: usize) -> Vec<Entry> {
    let Some(history) = source.history(world) else { return Vec::new() };
    let may_see = sight(world, me, source);
    let length = range.to.saturating_sub(range.from);
    let seen = history.entries().skip(range.from).take(length).filter(|entry| may_see(entry));
    let mut seen: Vec<Entry> = seen.cloned().collect();
    if range.latest {
        seen.drain(..seen.len().saturating_sub(count));
    } else {
        seen.truncate(count);
    }
    seen
}

fn answer(world: &mut World, me: Slot, name: &Bytes, entries: Vec<Entry>) {
    let (tags, caps) = (world.client(me).tags, world.client(me).caps);
    let lines = entries.into_iter().map(|mut entry| entry.message.form(tags)).collect();
    send_batch(world, me, "chathistory", Some(name), lines, caps.has(Caps::BATCH));
}

/// The latest line of each who wrote to a bot, by the nick.
fn senders(inbox: &History) -> impl Iterator<Item = (u64, Bytes)> + use<> {
    let mut latest: HashMap<Folded, (u64, Bytes)> = HashMap::new();
    for entry in inbox.entries() {
        if let Audience::Receiver { from } = &entry.audience {
            latest.insert(Folded::new(from), (entry.unix_ms, from.clone()));
        }
    }
    latest.into_values()
}

/// The latest line of each user whom the asker wrote with, both logged in. A nick stands for who has it now, an account
/// for who is gone or hidden.
fn private_targets(world: &World, me: Slot) -> Vec<(u64, Bytes)> {
    let Some(own) = world.client(me).account() else { return Vec::new() };
    let named = |account: &Bytes, nick: &Bytes| {
        let holder = world.visible_user(me, nick).and_then(|user| world.client(user).account());
        let same = holder.is_some_and(|holder| holder.eq_ignore_ascii_case(account));
        if same { nick.clone() } else { account.clone() }
    };
    let all = world.conversations.of(&own);
    all.filter_map(|(account, nick, history)| {
        history.entries().next_back().map(|last| (last.unix_ms, named(account, nick)))
    })
    .collect()
}

/// TARGETS: the asker's channels and correspondents with lines in a span, by the time of the latest.
fn targets(world: &mut World, me: Slot, first: &[u8], second: &[u8], count: usize) {
    let time = |word: &[u8]| word.strip_prefix(b"timestamp=").and_then(date::parse_iso);
    let (Some(first), Some(second)) = (time(first), time(second)) else {
        return fail(world, me, "INVALID_PARAMS", &[b"TARGETS"], "Use timestamp=");
    };
    let (from, to) = (first.min(second), first.max(second));
    let mut found: Vec<(u64, Bytes)> = Vec::new();
    for channel in world.client(me).channels.clone() {
        let whole = Range { from: 0, to: usize::MAX, latest: true };
        let last = pick(world, me, &Source::Channel(channel), whole, 1).pop();
        found.extend(last.map(|last| (last.unix_ms, world.channel(channel).name.clone())));
    }
    match world.client(me).bot() {
        Some(account) => found.extend(world.inboxes.get(&account).map(senders).into_iter().flatten()),
        None => found.extend(private_targets(world, me)),
    }
    found.retain(|(unix_ms, _)| from < *unix_ms && *unix_ms < to);
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
