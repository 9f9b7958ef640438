//! MODE of a channel: flags, ranks, key, limit, lists.
//!
//! One command gives one line with what really changed. In an auditorium a plain member learns nothing from it of
//! other plain members: neither who got or lost a rank, nor what masks stand in the lists.

use bytes::Bytes;

use super::{auditorium, join, names};
use crate::wire::mask;
use crate::wire::message::Message;
use crate::wire::numeric::{
    ERR_BANLISTFULL, ERR_CHANOPRIVSNEEDED, ERR_NOSUCHNICK, ERR_UNKNOWNMODE, ERR_USERNOTINCHANNEL, Numeric,
    RPL_BANLIST, RPL_ENDOFBANLIST, RPL_ENDOFEXCEPTLIST, RPL_ENDOFINVEXLIST, RPL_EXCEPTLIST, RPL_INVEXLIST,
};
use crate::wire::text::cut;
use crate::wire::writer::Writer;
use crate::world::channel::{Channel, MaskEntry, Modes, Rank};
use crate::world::{ChannelSlot, Slot, World};

/// Modes with a parameter in one command.
pub(super) const MODES: usize = 4;
/// The longest key.
pub(super) const KEY: usize = 23;
/// The longest mask.
const MASK: usize = 250;

/// One change that has been made.
#[derive(Debug, Clone)]
struct Change {
    on: bool,
    letter: u8,
    parameter: Option<Bytes>,
    /// The member whose rank it is.
    member: Option<Slot>,
}

/// The state of one MODE command.
struct Run<'a> {
    me: Slot,
    channel: ChannelSlot,
    name: Bytes,
    operator: bool,
    words: std::slice::Iter<'a, &'a [u8]>,
    with_parameter: usize,
    refused: bool,
    unknown: bool,
    changes: Vec<Change>,
}

pub(super) fn change(world: &mut World, me: Slot, channel: ChannelSlot, words: &[&[u8]]) {
    let Some((letters, words)) = words.split_first() else { return };
    let mut run = Run {
        me,
        channel,
        name: world.channel(channel).name.clone(),
        operator: world.channel(channel).is_operator(me),
        words: words.iter(),
        with_parameter: 0,
        refused: false,
        unknown: false,
        changes: Vec::new(),
    };
    let mut on = true;
    for letter in *letters {
        match letter {
            b'+' => on = true,
            b'-' => on = false,
            b'b' | b'e' | b'I' => run.list(world, on, *letter),
            b'o' | b'v' => run.rank(world, on, *letter),
            b'k' => run.key(world, on),
            b'l' => run.limit(world, on),
            letter => match Modes::LETTERS.iter().find(|(known, _)| known == letter) {
                Some((_, mode)) => run.flag(world, on, *letter, *mode),
                None if run.unknown => {}
                None => {
                    run.unknown = true;
                    world.reply(me, ERR_UNKNOWNMODE, &[&[*letter]]);
                }
            },
        }
    }
    run.announce(world);
}

impl<'a> Run<'a> {
    /// Whether the asker is an operator; 482 once where not.
    fn may(&mut self, world: &mut World) -> bool {
        if !self.operator && !self.refused {
            self.refused = true;
            world.reply(self.me, ERR_CHANOPRIVSNEEDED, &[&self.name]);
        }
        self.operator
    }

    /// The next parameter, while parameters are left to be used.
    fn parameter(&mut self) -> Option<&'a [u8]> {
        if self.with_parameter >= MODES {
            return None;
        }
        let word: &'a [u8] = self.words.next()?;
        self.with_parameter += 1;
        Some(word).filter(|word| !word.is_empty())
    }

    fn done(&mut self, on: bool, letter: u8, parameter: Option<Bytes>) {
        self.changes.push(Change { on, letter, parameter, member: None });
    }

    fn flag(&mut self, world: &mut World, on: bool, letter: u8, mode: Modes) {
        if !self.may(world) || world.channel(self.channel).modes.has(mode) == on {
            return;
        }
        if mode == Modes::AUDITORIUM {
            if !auditorium::may_change(world, self.me, self.channel) {
                return;
            }
            auditorium::set(world, self.channel, on);
        } else {
            world.channel_mut(self.channel).modes.set(mode, on);
        }
        // Setting and unsetting in one command leaves nothing to announce.
        let before = self.changes.len();
        self.changes.retain(|change| change.letter != letter || change.on == on);
        if before == self.changes.len() {
            self.done(on, letter, None);
        }
    }

    fn key(&mut self, world: &mut World, on: bool) {
        if !self.may(world) {
            return;
        }
        if !on {
            let _ = self.parameter();
            if world.channel_mut(self.channel).key.take().is_some() {
                self.done(false, b'k', Some(Bytes::from_static(b"*")));
            }
            return;
        }
        let Some(word) = self.parameter() else { return };
        let allowed = |byte: &&u8| **byte > b' ' && **byte != 0x7f && !b":,".contains(byte);
        let key: Vec<u8> = word.iter().filter(allowed).copied().collect();
        let key = Bytes::copy_from_slice(cut(&key, KEY));
        if !key.is_empty() {
            world.channel_mut(self.channel).key = Some(key.clone());
            self.done(true, b'k', Some(key));
        }
    }

    fn limit(&mut self, world: &mut World, on: bool) {
        if !self.may(world) {
            return;
        }
        if !on {
            if world.channel_mut(self.channel).limit.take().is_some() {
                self.done(false, b'l', None);
            }
            return;
        }
        let Some(word) = self.parameter() else { return };
        let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<usize>().ok());
        if let Some(number) = number.filter(|number| *number > 0) {
            world.channel_mut(self.channel).limit = Some(number);
            self.done(true, b'l', Some(number.to_string().into()));
        }
    }

    fn rank(&mut self, world: &mut World, on: bool, letter: u8) {
        if !self.may(world) {
            return;
        }
        let me = self.me;
        let Some(nick) = self.parameter().map(<[u8]>::to_vec) else { return };
        let Some(member) = world.visible_user(me, &nick) else {
            return world.reply(me, ERR_NOSUCHNICK, &[&nick]);
        };
        let nick = world.client(member).identity.nick();
        let Some(rank) = world.channel(self.channel).rank(member) else {
            return world.reply(me, ERR_USERNOTINCHANNEL, &[&nick, &self.name]);
        };
        if letter == b'o' && on && member == me {
            return;
        }
        let after = match letter {
            b'o' => Rank { operator: on, ..rank },
            _ => Rank { voice: on, ..rank },
        };
        self.set_rank(world, member, rank, after);
        self.changes.push(Change { on, letter, parameter: Some(nick), member: Some(member) });
        if member == me && letter == b'o' && !on {
            // What follows in the same command needs the rank that is gone.
            self.operator = false;
        }
    }

    /// Changes a rank. In an auditorium a new operator comes into everybody's sight, and gets everybody into its own.
    fn set_rank(&self, world: &mut World, member: Slot, before: Rank, after: Rank) {
        let channel = self.channel;
        let uncovers = world.channel(channel).auditorium() && before.operator != after.operator;
        let sightings = uncovers.then(|| world.sightings(member));
        world.channel_mut(channel).set_rank(member, after);
        world.recount_auditoriums(member);
        if !uncovers {
            return;
        }
        if after.operator {
            let knew: Vec<Slot> = world.channel(channel).operators().to_vec();
            join::announce_join(world, channel, member, |slot| !knew.contains(&slot));
            names::send_channel(world, member, channel);
        } else {
            let line = world.line_from(member, "PART").word(&self.name).end();
            let mut message = world.message_from(member, line);
            let knows: Vec<Slot> = world.channel(channel).operators().to_vec();
            world.announce(channel, None, &mut message, |slot, _| slot != member && !knows.contains(&slot));
        }
        if let Some(before) = sightings {
            world.tell_sightings(before);
        }
    }

    fn list(&mut self, world: &mut World, on: bool, letter: u8) {
        let kind = ListKind::of(letter);
        let me = self.me;
        let Some(word) = self.peek_mask() else { return self.show(world, kind) };
        if !self.may(world) {
            return;
        }
        let Some(given) = self.parameter().filter(|_| word) else { return };
        let whole = mask::complete(cut(given, MASK), world.config.limits.nick_length);
        let completed = Bytes::copy_from_slice(cut(&whole, MASK));
        let most = world.config.limits.list_entries;
        let setter = world.client(me).identity.source().clone();
        let unix = world.now.unix_ms / 1000;
        let state = world.channel_mut(self.channel);
        if on {
            if kind.entries(state).iter().any(|entry| mask::covers(&entry.mask, &completed)) {
                return;
            }
            if most > 0 && state.list_entries() >= most {
                return world.reply(me, ERR_BANLISTFULL, &[&self.name, &completed]);
            }
            kind.entries_mut(state).insert(0, MaskEntry { mask: completed.clone(), setter, unix });
        } else {
            kind.entries_mut(state).retain(|entry| !crate::wire::name::same(&entry.mask, &completed));
        }
        self.changes.push(Change { on, letter, parameter: Some(completed), member: None });
    }

    /// Whether a mask follows; `None` where the list itself is asked for.
    fn peek_mask(&self) -> Option<bool> {
        let next = self.words.as_slice().first().filter(|word| !word.is_empty());
        next.map(|_| self.with_parameter < MODES)
    }

    fn show(&mut self, world: &mut World, kind: ListKind) {
        let me = self.me;
        let state = world.channel(self.channel);
        if kind != ListKind::Bans && !self.operator {
            self.may(world);
            return;
        }
        // A mask may be somebody's nick or host.
        let covered = state.auditorium() && !self.operator && !world.client(me).oper();
        let entries = if covered { Vec::new() } else { kind.entries(state).to_vec() };
        let (item, end) = kind.numerics();
        for entry in entries {
            world.reply_words(
                me,
                item,
                &[&self.name, &entry.mask, &entry.setter, entry.unix.to_string().as_bytes()],
            );
        }
        world.reply(me, end, &[&self.name]);
    }

    fn announce(self, world: &mut World) {
        if self.changes.is_empty() {
            return;
        }
        // Exceptions are the operators' business in any channel, on a line of their own.
        let excepting = |change: &Change| matches!(change.letter, b'e' | b'I');
        let mut whole = self.message(world, |change| !excepting(change));
        let mut exceptions = self.message(world, excepting);
        let state = world.channel(self.channel);
        let auditorium = state.auditorium();
        let knowing: Vec<Slot> = state.operators().iter().copied().chain([self.me]).collect();
        let known = |change: &Change| match (change.letter, change.member) {
            (b'e' | b'I', _) => false,
            (b'b', _) => !auditorium,
            (b'v', Some(member)) => !auditorium || knowing.contains(&member),
            // Who is an operator now, or just was one, is known to all.
            _ => true,
        };
        if self.changes.iter().all(known) {
            if let Some(message) = &mut whole {
                world.announce(self.channel, None, message, |_, _| true);
            }
            return;
        }
        let concerned: Vec<Slot> = self.changes.iter().filter_map(|change| change.member).collect();
        let mut common = self.message(world, known);
        for member in &concerned {
            let own = self.message(world, |change| known(change) || change.member == Some(*member));
            if let Some(mut own) = own.filter(|_| !knowing.contains(member)) {
                world.clients.deliver(*member, &mut own);
            }
        }
        for message in [&mut whole, &mut exceptions].into_iter().flatten() {
            world.announce(self.channel, None, message, |slot, _| knowing.contains(&slot));
        }
        if let Some(message) = &mut common {
            world.announce(self.channel, None, message, |slot, _| {
                !knowing.contains(&slot) && !concerned.contains(&slot)
            });
        }
    }

    /// The line with those changes that are `shown`; `None` where none is.
    fn message(&self, world: &World, shown: impl Fn(&Change) -> bool) -> Option<Message> {
        let (mut letters, mut sign) = (Vec::new(), None);
        for change in self.changes.iter().filter(|change| shown(change)) {
            if sign != Some(change.on) {
                sign = Some(change.on);
                letters.push(if change.on { b'+' } else { b'-' });
            }
            letters.push(change.letter);
        }
        sign?;
        let line = world.line_from(self.me, "MODE").word(&self.name).word(&letters);
        let parameters =
            self.changes.iter().filter(|change| shown(change)).filter_map(|change| change.parameter.as_ref());
        let line = parameters.fold(line, Writer::word);
        Some(world.message_from(self.me, line.end()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListKind {
    Bans,
    Excepts,
    Invexes,
}

impl ListKind {
    fn of(letter: u8) -> Self {
        match letter {
            b'e' => Self::Excepts,
            b'I' => Self::Invexes,
            _ => Self::Bans,
        }
    }

    fn entries(self, channel: &Channel) -> &[MaskEntry] {
        match self {
            Self::Bans => &channel.bans,
            Self::Excepts => &channel.excepts,
            Self::Invexes => &channel.invexes,
        }
    }

    fn entries_mut(self, channel: &mut Channel) -> &mut Vec<MaskEntry> {
        match self {
            Self::Bans => &mut channel.bans,
            Self::Excepts => &mut channel.excepts,
            Self::Invexes => &mut channel.invexes,
        }
    }

    fn numerics(self) -> (Numeric, Numeric) {
        match self {
            Self::Bans => (RPL_BANLIST, RPL_ENDOFBANLIST),
            Self::Excepts => (RPL_EXCEPTLIST, RPL_ENDOFEXCEPTLIST),
            Self::Invexes => (RPL_INVEXLIST, RPL_ENDOFINVEXLIST),
        }
    }
}
