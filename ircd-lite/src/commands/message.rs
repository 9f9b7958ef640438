//! PRIVMSG, NOTICE, TAGMSG. Facts beyond ratbox: IRCv3 message-tags, echo-message, msgid; for the tag that names the
//! receiver's connection `docs/protocol/delivery-check.md`.

use bytes::Bytes;

use super::end_grace;
use crate::wire::line::Line;
use crate::wire::message::Message;
use crate::wire::name;
use crate::wire::numeric::{
    ERR_CANNOTSENDTOCHAN, ERR_CHANOPRIVSNEEDED, ERR_NORECIPIENT, ERR_NOSUCHNICK, ERR_NOSUCHSERVER,
    ERR_NOTEXTTOSEND, ERR_TARGCHANGE, ERR_TARGUMODEG, ERR_TOOMANYTARGETS, Numeric, RPL_AWAY, RPL_TARGNOTIFY,
    RPL_UMODEGMSG,
};
use crate::wire::tags;
use crate::world::caps::Caps;
use crate::world::channel::Rank;
use crate::world::client::UserModes;
use crate::world::conversations::Side;
use crate::world::history::Audience;
use crate::world::{ChannelSlot, Slot, World};

/// Names the connection that the message is for.
const RECEIVER_TAG: &[u8] = b"ircd-lite/to";
/// How often somebody with `+g` is told of strangers.
const CALLER_ID_MS: u64 = 60_000;
/// New private targets at once, and how long one more takes.
const NEW_TARGETS: u64 = 10;
const NEW_TARGET_MS: u64 = 60_000;
/// Targets that are remembered as not new.
const KNOWN_TARGETS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Privmsg,
    Notice,
    Tagmsg,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Privmsg => "PRIVMSG",
            Self::Notice => "NOTICE",
            Self::Tagmsg => "TAGMSG",
        }
    }
}

/// Where one copy goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    User(Slot),
    Channel(ChannelSlot),
    /// `@#channel` or `+#channel`.
    Ranked(ChannelSlot, Least),
}

impl Target {
    /// The same for one channel, whoever of its members is meant: of several such words the first one counts.
    fn place(self) -> Self {
        match self {
            Self::Ranked(channel, _) => Self::Channel(channel),
            other => other,
        }
    }
}

/// What a target word turned out to be.
enum Meaning {
    Target(Target),
    /// Nothing, and that is answered; the rest of the list counts.
    Nobody,
    /// Something that the sender has no right to: nothing of the whole line is sent.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Least {
    Operator,
    Voice,
}

impl Least {
    fn admits(self, rank: Rank) -> bool {
        rank.operator || (self == Self::Voice && rank.voice)
    }
}

/// What one command sends to each of its targets.
struct Sending<'a> {
    me: Slot,
    kind: Kind,
    text: &'a [u8],
    client_tags: Bytes,
    /// The connection that it is for, where the sender names one.
    receiver: Option<Vec<u8>>,
}

pub(super) fn privmsg(world: &mut World, me: Slot, line: &Line<'_>) {
    send(world, me, line, Kind::Privmsg);
}

pub(super) fn notice(world: &mut World, me: Slot, line: &Line<'_>) {
    send(world, me, line, Kind::Notice);
}

pub(super) fn tagmsg(world: &mut World, me: Slot, line: &Line<'_>) {
    send(world, me, line, Kind::Tagmsg);
}

fn send(world: &mut World, me: Slot, line: &Line<'_>, kind: Kind) {
    let Some(list) = line.word(0) else {
        return refuse_text(world, me, kind, ERR_NORECIPIENT);
    };
    let text = line.get(1).unwrap_or_default();
    if kind != Kind::Tagmsg && text.is_empty() {
        if kind != Kind::Notice {
            world.reply(me, ERR_NOTEXTTOSEND, &[]);
        }
        return;
    }
    if world.config.server.utf8_only && std::str::from_utf8(text).is_err() {
        let why = "Message rejected, your IRC software must use UTF-8 on this server";
        return world.fail(me, kind.name(), "INVALID_UTF8", &[], why);
    }
    let caps = world.client(me).caps;
    let tagged = caps.has(Caps::MESSAGE_TAGS);
    let receiver = if caps.has(Caps::RECEIVER) { receiver(line) } else { None };
    let client_tags = if tagged { tags::relayed(line.tags) } else { Vec::new() };
    if kind == Kind::Tagmsg && client_tags.is_empty() {
        return;
    }
    let sending = Sending { me, kind, text, client_tags: client_tags.into(), receiver };
    let limit = match world.config.limits.targets {
        0 => usize::MAX,
        _ if world.client(me).unlimited() => usize::MAX,
        limit => limit,
    };
    if !name::same(list, &world.client(me).identity.nick()) {
        end_grace(world, me);
    }
    let mut seen: Vec<Target> = Vec::new();
    for word in list.split(|byte| *byte == b',').filter(|word| !word.is_empty()) {
        let target = match resolve(world, &sending, word) {
            Meaning::Target(target) => target,
            Meaning::Nobody => continue,
            Meaning::Refused => return,
        };
        if !sending.reaches(world, target) {
            sending.refuse(world, ERR_NOSUCHNICK, &[word]);
            continue;
        }
        if seen.iter().any(|other| other.place() == target.place()) {
            continue;
        }
        if seen.len() >= limit {
            // Unlike other refusals this one answers NOTICE as well.
            world.reply(me, ERR_TOOMANYTARGETS, &[without_rank(word)]);
            break;
        }
        seen.push(target);
    }
    // What means nobody has been answered before the first copy leaves, as in ircd-ratbox.
    for target in &seen {
        match *target {
            Target::User(user) => sending.to_user(world, user),
            Target::Channel(channel) => sending.to_channel(world, channel, None),
            Target::Ranked(channel, least) => sending.to_channel(world, channel, Some(least)),
        }
    }
    if kind == Kind::Privmsg && seen.iter().any(|target| counts_as_speaking(world, *target)) {
        let now_ms = world.now.mono_ms;
        world.client_mut(me).spoke_ms = now_ms;
    }
}

/// A target word without the ranks before a channel's name.
fn without_rank(word: &[u8]) -> &[u8] {
    let start = word.iter().position(|byte| !b"@+".contains(byte)).unwrap_or(word.len());
    word.get(start..).unwrap_or_default()
}

/// Whether a message ends its sender's idle time: that is shown to all, so what went to somebody who is hidden doesn't.
fn counts_as_speaking(world: &World, target: Target) -> bool {
    match target {
        Target::User(user) => world.client(user).auditoriums == 0,
        Target::Channel(_) => true,
        Target::Ranked(channel, _) => !world.channel(channel).auditorium(),
    }
}

/// The connection that the sender names. A tag without a value names none that there is.
fn receiver(line: &Line<'_>) -> Option<Vec<u8>> {
    tags::split(line.tags)
        .any(|(key, _)| key == RECEIVER_TAG)
        .then(|| tags::value(line.tags, RECEIVER_TAG).unwrap_or_default())
}

fn refuse_text(world: &mut World, me: Slot, kind: Kind, numeric: Numeric) {
    if kind != Kind::Notice {
        world.reply_text(me, numeric, &[], format!("No recipient given ({})", kind.name()));
    }
}

/// What a target word means for the sender; answers it where it means nothing.
fn resolve(world: &mut World, sending: &Sending<'_>, word: &[u8]) -> Meaning {
    let (me, kind) = (sending.me, sending.kind);
    if name::is_channel(word) {
        return match world.find_channel(word) {
            Some(channel) => Meaning::Target(Target::Channel(channel)),
            None => sending.nobody(world, word),
        };
    }
    if let Some(user) = world.visible_user(me, word) {
        return Meaning::Target(Target::User(user));
    }
    let name = without_rank(word);
    if name.len() < word.len() {
        if name.is_empty() {
            // Answered to NOTICE as well, as is the lack of a rank.
            world.reply_text(me, ERR_NORECIPIENT, &[], format!("No recipient given ({})", kind.name()));
            return Meaning::Nobody;
        }
        let Some(channel) = world.find_channel(name) else { return sending.nobody(world, name) };
        if !world.channel(channel).rank(me).is_some_and(Rank::any) {
            world.reply(me, ERR_CHANOPRIVSNEEDED, &[word]);
            return Meaning::Refused;
        }
        let voices = word.iter().take_while(|byte| b"@+".contains(byte)).any(|byte| *byte == b'+');
        let least = if voices { Least::Voice } else { Least::Operator };
        return Meaning::Target(Target::Ranked(channel, least));
    }
    if let Some(at) = word.iter().position(|byte| *byte == b'@') {
        at_server(world, sending, word, at);
        return Meaning::Nobody;
    }
    sending.nobody(world, word)
}

/// `user@server`, which is for services: there are none, so only `opers@` this server means somebody.
fn at_server(world: &mut World, sending: &Sending<'_>, word: &[u8], at: usize) {
    let me = sending.me;
    let (user, server) = (word.get(..at).unwrap_or_default(), word.get(at + 1..).unwrap_or_default());
    if !name::same(server, &world.name) {
        return world.reply(me, ERR_NOSUCHSERVER, &[server]);
    }
    if user == b"opers" && world.client(me).oper() && sending.kind != Kind::Tagmsg {
        let nick = world.client(me).identity.nick();
        let text = [b"To opers: From: ", nick.as_ref(), b": ", sending.text].concat();
        return world.tell_opers(&String::from_utf8_lossy(&text));
    }
    world.reply(me, ERR_NOSUCHNICK, &[word]);
}

impl Sending<'_> {
    /// A refusal. NOTICE is never answered, unless its sender wants to know whom it reaches.
    fn refuse(&self, world: &mut World, numeric: Numeric, words: &[&[u8]]) {
        if self.kind != Kind::Notice || self.receiver.is_some() {
            world.reply(self.me, numeric, words);
        }
    }

    fn nobody(&self, world: &mut World, word: &[u8]) -> Meaning {
        self.refuse(world, ERR_NOSUCHNICK, &[word]);
        Meaning::Nobody
    }

    /// Whether `target` is the connection that the sender names, if it names one. Whoever may not know connections
    /// names none that there is.
    fn reaches(&self, world: &World, target: Target) -> bool {
        let Some(wanted) = &self.receiver else { return true };
        match target {
            Target::User(user) => {
                let privileged = world.client(self.me).knows_connections();
                privileged && world.connection_name(user).to_string().as_bytes() == wanted.as_slice()
            }
            Target::Channel(_) | Target::Ranked(..) => false,
        }
    }

    /// The message to a target, with an id of its own.
    fn message(&self, world: &mut World, target: &[u8]) -> (Message, Bytes) {
        let line = world.line_from(self.me, self.kind.name()).word(target);
        let line = if self.kind == Kind::Tagmsg { line.end() } else { line.text(self.text).end() };
        let msgid = world.msgid();
        (world.message_from(self.me, line).tagged(msgid.clone(), self.client_tags.clone()), msgid)
    }

    /// Whether a client that could get it wants it.
    fn wanted(&self, caps: Caps) -> bool {
        self.kind != Kind::Tagmsg || caps.has(Caps::MESSAGE_TAGS)
    }

    fn echo(&self, world: &mut World, message: &mut Message) {
        let caps = world.client(self.me).caps;
        if caps.has(Caps::ECHO_MESSAGE) && self.wanted(caps) {
            world.clients.deliver(self.me, message);
        }
    }

    fn to_channel(&self, world: &mut World, channel: ChannelSlot, least: Option<Least>) {
        let name = world.channel(channel).name.clone();
        if least.is_none() && !world.may_speak(self.me, channel) {
            return self.refuse(world, ERR_CANNOTSENDTOCHAN, &[&name]);
        }
        if least.is_none() && self.floods_channel(world, channel) {
            return self.tell_flooded(world, &name);
        }
        let target = match least {
            None => name,
            Some(Least::Operator) => Bytes::from([b"@", name.as_ref()].concat()),
            Some(Least::Voice) => Bytes::from([b"+", name.as_ref()].concat()),
        };
        let (mut message, msgid) = self.message(world, &target);
        let me = self.me;
        let wanted = |slot: Slot, caps: Caps, modes: UserModes| {
            slot != me && self.wanted(caps) && !modes.has(UserModes::DEAF)
        };
        match least {
            None => world.announce(channel, Some(me), &mut message, |slot, client| {
                wanted(slot, client.caps, client.modes)
            }),
            Some(least) => {
                let members = world.channel(channel).members().iter();
                let ranked: Vec<Slot> =
                    members.filter(|member| least.admits(member.rank)).map(|member| member.client).collect();
                world.announce(channel, Some(me), &mut message, |slot, client| {
                    ranked.contains(&slot) && wanted(slot, client.caps, client.modes)
                });
            }
        }
        self.echo(world, &mut message);
        if least.is_none() && self.kind != Kind::Tagmsg {
            self.keep(world, channel, message, msgid);
        }
    }

    fn keep(&self, world: &mut World, channel: ChannelSlot, message: Message, msgid: Bytes) {
        let client = world.client(self.me);
        let state = world.channel(channel);
        let audience = if state.auditorium() && !state.is_operator(self.me) {
            Audience::Author { serial: client.serial, account: client.account() }
        } else {
            Audience::Members
        };
        let (size, unix_ms, lines) = (self.size(), world.now.unix_ms, world.config.limits.history);
        world.channel_mut(channel).history.push(unix_ms, msgid, message, size, audience, lines);
    }

    fn to_user(&self, world: &mut World, user: Slot) {
        let me = self.me;
        let nick = world.client(user).identity.nick();
        if user != me && !self.new_target_allowed(world, user) {
            return world.reply(me, ERR_TARGCHANGE, &[&nick]);
        }
        if !self.passes_caller_id(world, user) {
            return;
        }
        if self.kind == Kind::Privmsg
            && let Some(away) = world.client(user).away.clone()
        {
            world.reply_text(me, RPL_AWAY, &[&nick], away);
        }
        if self.floods_user(world, user) {
            return self.tell_flooded(world, &nick);
        }
        let (mut message, msgid) = self.message(world, &nick);
        if self.wanted(world.client(user).caps) {
            // To oneself this copy is no answer: a label stands on the echo.
            world.clients.deliver_aside(user, &mut message);
        }
        self.echo(world, &mut message);
        if self.kind != Kind::Tagmsg {
            self.keep_private(world, user, message, msgid);
        }
    }

    /// Keeps what one account wrote to another, and what anybody wrote to a bot: one whose connection was dead already
    /// finds it when it is back.
    fn keep_private(&self, world: &mut World, user: Slot, message: Message, msgid: Bytes) {
        let (unix_ms, lines) = (world.now.unix_ms, world.config.limits.history);
        if let Some(account) = world.client(user).bot() {
            let audience = Audience::Receiver { from: world.client(self.me).identity.nick() };
            let inbox = world.inboxes.entry(account).or_default();
            return inbox.push(unix_ms, msgid, message, self.size(), audience, lines);
        }
        // What a bot says is in its own store, and what that deletes must not live on here.
        if world.client(self.me).bot().is_some() {
            return;
        }
        let side = |slot: Slot| {
            let client = world.client(slot);
            client.account().map(|account| Side { account, nick: client.identity.nick() })
        };
        let (Some(from), Some(to)) = (side(self.me), side(user)) else { return };
        world.conversations.push(from, to, (unix_ms, msgid), message, self.size(), lines);
    }

    /// What a kept line counts, with its tags.
    fn size(&self) -> usize {
        self.text.len() + self.client_tags.len() + 200
    }

    /// Whether `user` hears the sender; tells both where not (mode `g`).
    fn passes_caller_id(&self, world: &mut World, user: Slot) -> bool {
        let me = self.me;
        let target = world.client(user);
        let accepted = target.lists.as_ref().is_some_and(|lists| lists.accept.contains(&me));
        if user == me || !target.modes.has(UserModes::CALLER_ID) || accepted || world.client(me).oper() {
            return true;
        }
        // Whoever sends a NOTICE is told nothing of it; the target is.
        if self.kind == Kind::Tagmsg && self.receiver.is_none() {
            return false;
        }
        let nick = target.identity.nick();
        let answered = self.kind == Kind::Privmsg || self.receiver.is_some();
        if answered {
            world.reply(me, ERR_TARGUMODEG, &[&nick]);
        }
        let now_ms = world.now.mono_ms;
        let told_ms = &mut world.client_mut(user).lists_mut().caller_told_ms;
        if told_ms.is_none_or(|told| now_ms.saturating_sub(told) >= CALLER_ID_MS) {
            *told_ms = Some(now_ms);
            if answered {
                world.reply(me, RPL_TARGNOTIFY, &[&nick]);
            }
            let caller = &world.client(me).identity;
            let place = [caller.user().as_ref(), b"@", &caller.host()].concat();
            let nick = caller.nick();
            world.reply(user, RPL_UMODEGMSG, &[&nick, &place]);
        }
        false
    }

    /// Ten new private targets at once, one more a minute; those of late are not new, nor is whoever wrote first.
    fn new_target_allowed(&self, world: &mut World, user: Slot) -> bool {
        let me = self.me;
        // An answer to a CTCP names whoever asked for it.
        let answer = self.kind == Kind::Notice && self.text.starts_with(b"\x01");
        if answer || world.config.limits.flood_lines == 0 || world.client(me).unlimited() {
            return true;
        }
        let (now_ms, target, own) = (world.now.mono_ms, world.clients.id(user), world.clients.id(me));
        let lists = world.client_mut(me).lists_mut();
        if lists.targets.contains(&target) {
            return true;
        }
        let (left, since_ms) = lists.target_budget.unwrap_or((NEW_TARGETS, now_ms));
        let earned = now_ms.saturating_sub(since_ms) / NEW_TARGET_MS;
        let left = (left + earned).min(NEW_TARGETS);
        lists.target_budget = Some((left.saturating_sub(1), since_ms + earned * NEW_TARGET_MS));
        if left == 0 {
            return false;
        }
        for (slot, other) in [(me, target), (user, own)] {
            let known = &mut world.client_mut(slot).lists_mut().targets;
            if known.len() >= KNOWN_TARGETS {
                known.pop_front();
            }
            known.push_back(other);
        }
        true
    }

    /// Whether this is more than `user` should get in a second. Who answers for many, as a bot does, gets all.
    fn floods_user(&self, world: &mut World, user: Slot) -> bool {
        if user == self.me || !self.is_throttled(world) || world.client(user).unlimited() {
            return false;
        }
        let (now_ms, most) = (world.now.mono_ms, world.config.limits.target_messages);
        !world.client_mut(user).lists_mut().received.take(now_ms, most)
    }

    /// Whether this is more than a channel should get in a second from those who have no rank in it. What is said in
    /// an auditorium reaches its operators only.
    fn floods_channel(&self, world: &mut World, channel: ChannelSlot) -> bool {
        let state = world.channel(channel);
        if !self.is_throttled(world) || state.auditorium() || state.rank(self.me).is_some_and(Rank::any) {
            return false;
        }
        let (now_ms, most) = (world.now.mono_ms, world.config.limits.target_messages);
        !world.channel_mut(channel).received.take(now_ms, most)
    }

    fn is_throttled(&self, world: &World) -> bool {
        let limits = &world.config.limits;
        limits.flood_lines > 0 && limits.target_messages > 0 && !world.client(self.me).unlimited()
    }

    fn tell_flooded(&self, world: &mut World, target: &[u8]) {
        if self.kind == Kind::Privmsg || self.receiver.is_some() {
            let target = String::from_utf8_lossy(target);
            world.notice(self.me, format!("*** Message to {target} throttled due to flooding"));
        }
    }
}
