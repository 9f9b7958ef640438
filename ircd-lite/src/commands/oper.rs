//! What IRC operators do: OPER, KILL, KLINE and UNKLINE, DLINE and UNDLINE, WALLOPS, REHASH.

use crate::config::Password;
use crate::network::Network;
use crate::wire::line::Line;
use crate::wire::mask::{self, Subject};
use crate::wire::message::Message;
use crate::wire::numeric::{
    ERR_NEEDMOREPARAMS, ERR_NOOPERHOST, ERR_NOPRIVS, ERR_NOSUCHNICK, ERR_PASSWDMISMATCH, RPL_REHASHING,
    RPL_YOUREOPER,
};
use crate::wire::text::cut;
use crate::wire::writer::Writer;
use crate::world::bans::Ban;
use crate::world::client::{Client, UserModes};
use crate::world::{Effect, Slot, Verifying, World};

/// The modes that OPER gives.
const ON_OPER: &[u8] = b"loswz";
/// What they may do, in ircd-ratbox's letters: capitals are rights.
pub(super) const PRIVILEGES: &str = "gKxqOCrUHdaNLspb";
/// The longest reason of a KILL or a ban.
const REASON: usize = 90;

pub(super) fn oper(world: &mut World, me: Slot, line: &Line<'_>) {
    let (name, given) = (line.get(0).unwrap_or_default(), line.get(1).unwrap_or_default());
    if world.client(me).oper() {
        return world.reply(me, RPL_YOUREOPER, &[]);
    }
    let client = world.client(me);
    let subject = Subject { source: client.identity.source(), address: client.address };
    let found = world.config.opers.iter().find(|oper| {
        oper.name.as_bytes() == name
            && oper.hosts.iter().any(|host| mask::applies(host.as_str().as_bytes(), subject))
    });
    let Some(entry) = found else {
        world.reply(me, ERR_NOOPERHOST, &[]);
        return world.tell_opers(&format!("Failed OPER attempt - host mismatch by {}", place(world, me)));
    };
    let password = entry.password.clone();
    match password {
        Password::Plain(_) => {
            let matches = password.verify(given);
            verified(world, me, matches);
        }
        Password::Hash(_) => {
            world.verify_elsewhere(me, Verifying::Oper, Some(password), given.to_vec());
        }
    }
}

/// The password has been checked.
pub(super) fn verified(world: &mut World, me: Slot, matches: bool) {
    if !matches {
        world.reply(me, ERR_PASSWDMISMATCH, &[]);
        world.tell_opers(&format!("Failed OPER attempt by {}", place(world, me)));
        let failures = &mut world.client_mut(me).lists_mut().failures;
        *failures = failures.saturating_add(1);
        if *failures >= super::sasl::TRIES {
            world.exit(me, b"Too many failed passwords");
        }
        return;
    }
    let sightings = world.sightings(me);
    let mut modes = world.client(me).modes;
    for letter in ON_OPER {
        modes.set(UserModes::of(*letter), true);
    }
    let text = format!("{} is now an operator", place(world, me));
    // The new operator, who has no `s` yet, is told as the others are.
    world.tell_opers(&text);
    let line = Writer::new(&world.name, "NOTICE").word("*").text(format!("*** Notice -- {text}")).end();
    world.send(me, line);
    world.set_user_modes(me, modes);
    world.reply(me, RPL_YOUREOPER, &[]);
    world.notice(me, format!("*** Oper privs are {PRIVILEGES}"));
    world.tell_sightings(sightings);
}

/// `nick (user@host)`, as operators are told of somebody.
fn place(world: &World, who: Slot) -> String {
    let identity = &world.client(who).identity;
    let parts: [&[u8]; 6] = [&identity.nick(), b" (", &identity.user(), b"@", &identity.host(), b")"];
    String::from_utf8_lossy(&parts.concat()).into_owned()
}

/// What ircd-ratbox lets privileged operators do and nobody may here: there are no links between servers, and whoever
/// started the daemon ends it.
pub(super) fn no_privilege(world: &mut World, me: Slot, line: &Line<'_>) {
    let privilege = line.command.to_ascii_lowercase();
    world.reply(me, ERR_NOPRIVS, &[&privilege]);
}

pub(super) fn kill(world: &mut World, me: Slot, line: &Line<'_>) {
    let nick = line.get(0).unwrap_or_default();
    let Some(victim) = world.user(nick) else { return world.reply(me, ERR_NOSUCHNICK, &[nick]) };
    let reason = line.word(1).map_or(&b"<No reason given>"[..], |reason| cut(reason, REASON)).to_vec();
    let nick = world.client(victim).identity.nick();
    let killer = world.client(me).identity.nick();
    let told = world.line_from(me, "KILL").word(&nick).text(&reason).end();
    world.send(victim, told);
    world.tell_opers(&format!(
        "Received KILL message for {}. From {} Path: {} ({})",
        String::from_utf8_lossy(&nick),
        String::from_utf8_lossy(&killer),
        String::from_utf8_lossy(&world.name),
        String::from_utf8_lossy(&reason)
    ));
    let text: [&[u8]; 5] = [b"Killed (", &killer, b" (", &reason, b"))"];
    world.exit(victim, &text.concat());
}

/// `[minutes] what [:reason]`.
struct Order {
    until_ms: Option<u64>,
    what: String,
    reason: String,
}

fn order(world: &mut World, me: Slot, line: &Line<'_>, name: &str) -> Option<Order> {
    let text = |at: usize| line.word(at).map(|word| String::from_utf8_lossy(word).into_owned());
    let minutes = text(0).and_then(|word| word.parse::<u64>().ok()).filter(|_| line.parameters().len() > 1);
    let at = usize::from(minutes.is_some());
    let Some(what) = text(at) else {
        world.reply(me, ERR_NEEDMOREPARAMS, &[name.as_bytes()]);
        return None;
    };
    let until_ms = minutes
        .filter(|minutes| *minutes > 0)
        .map(|minutes| world.now.unix_ms.saturating_add(minutes.saturating_mul(60_000)));
    let mut reason = text(at + 1).unwrap_or_else(|| "No reason".to_owned());
    let end = (0..=REASON.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
    reason.truncate(end);
    Some(Order { until_ms, what, reason })
}

pub(super) fn kline(world: &mut World, me: Slot, line: &Line<'_>) {
    let Some(Order { until_ms, what, reason }) = order(world, me, line, "KLINE") else { return };
    let nick_host = world.user(what.as_bytes()).map(|user| world.client(user).identity.host());
    let mask = match nick_host {
        _ if what.contains('@') => what,
        Some(host) => format!("*@{}", String::from_utf8_lossy(&host)),
        None => format!("*@{what}"),
    };
    let literal = mask.bytes().filter(|byte| !b"*?@.".contains(byte)).count();
    if literal < 4 || mask.contains(['!', ' ']) {
        return world.notice(me, "Please include at least 4 non-wildcard characters with the user@host");
    }
    let unix_ms = world.now.unix_ms;
    if !world.bans.kline(Ban { what: mask.clone(), reason: reason.clone(), until_ms }, unix_ms) {
        return world.notice(me, "There are too many K-Lines");
    }
    world.notice(me, format!("Added K-Line [{mask}]"));
    world.tell_opers(&format!("added K-Line for [{mask}] [{reason}]"));
    keep(world);
    expel(world, |client| mask::applies(mask.as_bytes(), subject(client)), &reason);
}

pub(super) fn unkline(world: &mut World, me: Slot, line: &Line<'_>) {
    let mask = String::from_utf8_lossy(line.get(0).unwrap_or_default()).into_owned();
    if world.bans.unkline(&mask) {
        world.notice(me, format!("Un-klined [{mask}]"));
        keep(world);
    } else {
        world.notice(me, format!("No K-Line for {mask}"));
    }
}

pub(super) fn dline(world: &mut World, me: Slot, line: &Line<'_>) {
    let Some(Order { until_ms, what, reason }) = order(world, me, line, "DLINE") else { return };
    let by_nick = world.user(what.as_bytes()).map(|user| Network::from(world.client(user).address));
    let (network, text) = match (what.parse::<Network>(), by_nick) {
        (Ok(network), _) => (network, what),
        (Err(_), Some(network)) => {
            let address = world.user(what.as_bytes()).map(|user| world.client(user).address.to_string());
            (network, address.unwrap_or_default())
        }
        (Err(_), None) => return world.notice(me, "Invalid D-Line"),
    };
    if !world.bans.dline(&text, Ban { what: network, reason: reason.clone(), until_ms }) {
        return world.notice(me, "There are too many D-Lines");
    }
    world.notice(me, format!("Added D-Line [{text}]"));
    world.tell_opers(&format!("added D-Line for [{text}] [{reason}]"));
    keep(world);
    expel(world, |client| network.contains(client.address), &reason);
}

pub(super) fn undline(world: &mut World, me: Slot, line: &Line<'_>) {
    let text = String::from_utf8_lossy(line.get(0).unwrap_or_default()).into_owned();
    if world.bans.undline(&text) {
        world.notice(me, format!("Un-dlined [{text}]"));
        keep(world);
    } else {
        world.notice(me, format!("No D-Line for {text}"));
    }
}

fn keep(world: &mut World) {
    let text = world.bans.to_text(world.now.unix_ms);
    world.effect(Effect::KeepBans(text));
}

fn subject(client: &Client) -> Subject<'_> {
    Subject { source: client.identity.source(), address: client.address }
}

/// Ends everybody who matches, operators excepted.
fn expel(world: &mut World, matches: impl Fn(&Client) -> bool, reason: &str) {
    let expelled: Vec<Slot> = world
        .clients
        .all()
        .filter(|(_, client)| client.registered() && !client.oper() && matches(client))
        .map(|(slot, _)| slot)
        .collect();
    for slot in expelled {
        world.notice(slot, format!("*** Banned {reason}"));
        world.exit(slot, reason.as_bytes());
    }
}

pub(super) fn wallops(world: &mut World, me: Slot, line: &Line<'_>) {
    let text = world.line_from(me, "WALLOPS").text(line.get(0).unwrap_or_default()).end();
    let mut message = world.message_from(me, text);
    let told: Vec<Slot> = world
        .clients
        .all()
        .filter(|(_, client)| client.registered() && client.modes.has(UserModes::WALLOPS))
        .map(|(slot, _)| slot)
        .collect();
    for slot in told {
        world.clients.deliver(slot, &mut message);
    }
}

pub(super) fn rehash(world: &mut World, me: Slot, _: &Line<'_>) {
    world.reply(me, RPL_REHASHING, &[b"ircd-lite.toml"]);
    world.effect(Effect::Reload);
}

impl World {
    /// Takes bans that were kept from an earlier run.
    pub fn restore_bans(&mut self, text: &str) {
        self.bans = crate::world::bans::Bans::from_text(text);
    }

    /// Tells operators what came of something that was done outside.
    pub fn report(&mut self, text: &str, now: crate::world::Now) {
        self.now = now;
        let line = Writer::new(&self.name, "NOTICE").word("*").text(format!("*** Notice -- {text}")).end();
        let mut message = Message::new(line, self.now.unix_ms);
        for oper in self.opers.clone() {
            self.clients.deliver(oper, &mut message);
        }
    }
}
