//! MODE of a channel: flags, ranks, key, limit, lists.
//!
//! One command gives one line with what really changed. In an auditorium a plain member learns nothing from it of
//! other plain members: neither who got or lost a rank, nor what masks stand in the lists.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{auditorium, end_grace, join, names};
use crate::wire::BODY_LIMIT;
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

/// Changes of ranks and lists in one command.
pub(super) const MODES: usize = 4;
/// Changes of any kind in one command, beyond which flags don't change any more. Keys and limits are not counted.
const CHANGES: usize = MODES + 9;
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
    /// `+`, `-`, or `=`, which only asks.
    sign: Option<bool>,
    words: std::slice::Iter<'a, &'a [u8]>,
    counted: usize,
    told: Told,
    changes: Vec<Change>,
}

/// What is said once only, however often it is true.
#[derive(Debug, Default)]
struct Told {
    no_operator: bool,
    unknown: bool,
    not_here: bool,
    lists: [bool; 3],
}

pub(super) fn change(world: &mut World, me: Slot, channel: ChannelSlot, words: &[&[u8]]) {
    let Some((letters, words)) = words.split_first() else { return };
    if *letters != b"b" || !words.is_empty() {
        end_grace(world, me);
    }
    let mut run = Run {
        me,
        channel,
        name: world.channel(channel).name.clone(),
        operator: world.channel(channel).is_operator(me),
        sign: Some(true),
        words: words.iter(),
        counted: 0,
        told: Told::default(),
        changes: Vec::new(),
    };
    for letter in *letters {
        match letter {
            b'+' => run.sign = Some(true),
            b'-' => run.sign = Some(false),
            b'=' => run.sign = None,
            b'b' | b'e' | b'I' => run.list(world, *letter),
            b'o' | b'v' => run.rank(world, *letter),
            b'k' => run.key(world),
            b'l' => run.limit(world),
            letter => match Modes::LETTERS.iter().find(|(known, _)| known == letter) {
                Some((_, mode)) => run.flag(world, *letter, *mode),
                None if std::mem::replace(&mut run.told.unknown, true) => {}
                None => world.reply(me, ERR_UNKNOWNMODE, &[&[*letter]]),
            },
        }
    }
    run.announce(world);
}

impl Run<'_> {
    /// Whether the asker is an operator; 482 once where not.
    fn may(&mut self, world: &mut World) -> bool {
        if !self.operator && !std::mem::replace(&mut self.told.no_operator, true) {
            world.reply(self.me, ERR_CHANOPRIVSNEEDED, &[&self.name]);
        }
        self.operator
    }

    /// Counts one more change; says whether it is within what one command may hold.
    fn within(&mut self, most: usize) -> bool {
        self.counted += 1;
        self.counted <= most
    }

    fn done(&mut self, on: bool, letter: u8, parameter: Option<Bytes>) {
        self.changes.push(Change { on, letter, parameter, member: None });
    }

    /// What was set earlier in this command under this letter is announced as it is now.
    fn amend(&mut self, letter: u8, parameter: &Bytes) {
        let earlier = self.changes.iter_mut().filter(|change| change.letter == letter && change.on);
        earlier.for_each(|change| change.parameter = Some(parameter.clone()));
    }

    fn flag(&mut self, world: &mut World, letter: u8, mode: Modes) {
        if !self.may(world) || !self.within(CHANGES) {
            return;
        }
        let Some(on) = self.sign else { return };
        if world.channel(self.channel).modes.has(mode) == on {
            return;
        }
        if mode == Modes::AUDITORIUM {
            // Each change of it tells everybody of everybody: one in a command is enough.
            let again = self.changes.iter().any(|change| change.letter == letter);
            if again || !auditorium::may_change(world, self.me, self.channel) {
                return;
            }
            auditorium::set(world, self.channel, on);
        } else {
            world.channel_mut(self.channel).modes.set(mode, on);
        }
        self.done(on, letter, None);
    }

    fn key(&mut self, world: &mut World) {
        if !self.may(world) {
            return;
        }
        match self.sign {
            Some(true) => {
                let Some(word) = self.words.next() else { return };
                let key = key(word);
                if !key.is_empty() {
                    world.channel_mut(self.channel).key = Some(key.clone());
                    self.amend(b'k', &key);
                    self.done(true, b'k', Some(key));
                }
            }
            Some(false) => {
                self.words.next();
                if world.channel_mut(self.channel).key.take().is_some() {
                    let star = Bytes::from_static(b"*");
                    self.amend(b'k', &star);
                    self.done(false, b'k', Some(star));
                }
            }
            None => {}
        }
    }

    fn limit(&mut self, world: &mut World) {
        if !self.may(world) {
            return;
        }
        match self.sign {
            Some(true) => {
                let Some(limit) = self.words.next().and_then(|word| leading_number(word)) else { return };
                world.channel_mut(self.channel).limit = Some(limit);
                let text = Bytes::from(limit.to_string());
                self.amend(b'l', &text);
                self.done(true, b'l', Some(text));
            }
            Some(false) if world.channel_mut(self.channel).limit.take().is_some() => {
                self.done(false, b'l', None);
            }
            _ => {}
        }
    }

    fn rank(&mut self, world: &mut World, letter: u8) {
        if !self.may(world) {
            return;
        }
        let me = self.me;
        let (Some(on), Some(asked)) = (self.sign, self.words.as_slice().first().copied()) else { return };
        self.words.next();
        let Some(member) = world.chase(me, asked) else {
            return world.reply(me, ERR_NOSUCHNICK, &[asked]);
        };
        let Some(rank) = world.channel(self.channel).rank(member) else {
            if !std::mem::replace(&mut self.told.not_here, true) {
                world.reply(me, ERR_USERNOTINCHANNEL, &[asked, &self.name]);
            }
            return;
        };
        if !self.within(MODES) || (letter == b'o' && on && member == me) {
            return;
        }
        let after = match letter {
            b'o' => Rank { operator: on, ..rank },
            _ => Rank { voice: on, ..rank },
        };
        self.set_rank(world, member, rank, after);
        let nick = world.client(member).identity.nick();
        self.changes.push(Change { on, letter, parameter: Some(nick), member: Some(member) });
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

    fn list(&mut self, world: &mut World, letter: u8) {
        let kind = ListKind::of(letter);
        let me = self.me;
        let (Some(on), Some(given)) = (self.sign, self.words.as_slice().first().copied()) else {
            return self.show(world, kind);
        };
        if !self.may(world) || !self.within(MODES) {
            return;
        }
        self.words.next();
        if given.is_empty() || given.starts_with(b":") {
            return;
        }
        let whole = mask::complete(cut(given, MASK), world.config.limits.nick_length);
        let completed = Bytes::copy_from_slice(cut(&whole, MASK));
        let most = world.config.limits.list_entries;
        let setter = world.client(me).identity.source().clone();
        let unix = world.now.unix_ms / 1000;
        let state = world.channel_mut(self.channel);
        if on {
            if most > 0 && state.list_entries() >= most {
                return world.reply(me, ERR_BANLISTFULL, &[&self.name, &completed]);
            }
            if kind.entries(state).iter().any(|entry| mask::covers(&entry.mask, &completed)) {
                return;
            }
            kind.entries_mut(state).insert(0, MaskEntry { mask: completed.clone(), setter, unix });
        } else {
            kind.entries_mut(state).retain(|entry| !crate::wire::name::same(&entry.mask, &completed));
        }
        self.changes.push(Change { on, letter, parameter: Some(completed), member: None });
    }

    fn show(&mut self, world: &mut World, kind: ListKind) {
        let me = self.me;
        if self.told.lists.get_mut(kind as usize).is_some_and(|told| std::mem::replace(told, true)) {
            return;
        }
        if kind != ListKind::Bans && !self.may(world) {
            return;
        }
        let state = world.channel(self.channel);
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
        let mut whole = self.messages(world, |change| !excepting(change));
        let mut exceptions = self.messages(world, excepting);
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
            for message in &mut whole {
                world.announce(self.channel, None, message, |_, _| true);
            }
            return;
        }
        // Each once, however many changes are about it.
        let concerned: BTreeSet<Slot> = self.changes.iter().filter_map(|change| change.member).collect();
        let mut common = self.messages(world, known);
        for member in concerned.iter().filter(|member| !knowing.contains(member)) {
            for mut own in self.messages(world, |change| known(change) || change.member == Some(*member)) {
                world.clients.deliver(*member, &mut own);
            }
        }
        for message in &mut whole {
            world.announce(self.channel, None, message, |slot, _| knowing.contains(&slot));
        }
        let operators = world.channel(self.channel).operators().to_vec();
        for message in &mut exceptions {
            world.announce(self.channel, None, message, |slot, _| operators.contains(&slot));
        }
        for message in &mut common {
            world.announce(self.channel, None, message, |slot, _| {
                !knowing.contains(&slot) && !concerned.contains(&slot)
            });
        }
    }

    /// The lines with those changes that are `shown`; more than one only where one can't hold them.
    fn messages(&self, world: &World, shown: impl Fn(&Change) -> bool) -> Vec<Message> {
        let room = BODY_LIMIT - world.line_from(self.me, "MODE").word(&self.name).len();
        let mut lines: Vec<Vec<&Change>> = Vec::new();
        let mut used = 0;
        for change in self.changes.iter().filter(|change| shown(change)) {
            // A sign, a letter, a space.
            let size = 3 + change.parameter.as_ref().map_or(0, Bytes::len);
            if let Some(line) = lines.last_mut().filter(|_| used + size < room) {
                line.push(change);
            } else {
                lines.push(vec![change]);
                used = 0;
            }
            used += size;
        }
        lines.iter().map(|changes| self.message(world, changes)).collect()
    }

    fn message(&self, world: &World, changes: &[&Change]) -> Message {
        let (mut letters, mut sign) = (Vec::new(), None);
        for change in changes {
            if sign != Some(change.on) {
                sign = Some(change.on);
                letters.push(if change.on { b'+' } else { b'-' });
            }
            letters.push(change.letter);
        }
        let line = world.line_from(self.me, "MODE").word(&self.name).word(&letters);
        let parameters = changes.iter().filter_map(|change| change.parameter.as_ref());
        let line = parameters.fold(line, Writer::word);
        world.message_from(self.me, line.end())
    }
}

/// A key as it is kept: seven bits of each byte, without what could not stand in a line.
fn key(word: &[u8]) -> Bytes {
    let seven = word.iter().map(|byte| byte & 0x7f);
    let kept: Vec<u8> = seven.filter(|byte| *byte > b' ' && !b":,".contains(byte)).take(KEY).collect();
    kept.into()
}

/// The number at the beginning of a word, if it is one above 0.
fn leading_number(word: &[u8]) -> Option<usize> {
    let word = word.strip_prefix(b"+").unwrap_or(word);
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit());
    let number =
        digits.fold(0_i32, |number, digit| number.saturating_mul(10).saturating_add(i32::from(digit - b'0')));
    usize::try_from(number).ok().filter(|number| *number > 0)
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
