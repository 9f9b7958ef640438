//! PASS, USER, PING, QUIT, and the step from a connection to a user with its greeting.

use bytes::Bytes;

use super::{info, nick, sasl};
use crate::wire::line::Line;
use crate::wire::mask::Subject;
use crate::wire::name;
use crate::wire::numeric::{
    ERR_NOSUCHSERVER, ERR_PASSWDMISMATCH, ERR_YOUREBANNEDCREEP, RPL_CREATED, RPL_MYINFO, RPL_WELCOME,
    RPL_YOURHOST,
};
use crate::wire::text::cut;
use crate::wire::writer::Writer;
use crate::wire::{date, mask};
use crate::world::client::Identity;
use crate::world::{Slot, World};

/// The longest real name.
pub(super) const REALNAME: usize = 50;
/// The longest reason of PART, KICK and QUIT.
pub(super) const REASON: usize = 120;

pub(super) fn pass(world: &mut World, me: Slot, line: &Line<'_>) {
    if let Some(registration) = &mut world.client_mut(me).registration {
        registration.password = line.get(0).map(<[u8]>::to_vec);
    }
}

pub(super) fn user(world: &mut World, me: Slot, line: &Line<'_>) {
    let realname = Bytes::copy_from_slice(cut(line.get(3).unwrap_or_default(), REALNAME));
    let client = world.client_mut(me);
    if let Some(registration) = &mut client.registration {
        // A later one replaces an earlier one.
        registration.user = line.get(0).map(<[u8]>::to_vec);
        client.realname = realname;
        try_complete(world, me);
    }
}

pub(super) fn ping(world: &mut World, me: Slot, line: &Line<'_>) {
    let asked = line.word(1);
    if let Some(server) = asked.filter(|server| !name::same(server, &world.name)) {
        return world.reply(me, ERR_NOSUCHSERVER, &[server]);
    }
    let token = line.get(0).unwrap_or_default();
    let pong = Writer::new(&world.name, "PONG").word(&world.name).text(token).end();
    world.send(me, pong);
}

pub(super) fn quit(world: &mut World, me: Slot, line: &Line<'_>) {
    if !world.client(me).registered() {
        return world.exit(me, b"Client Quit");
    }
    let nick = world.client(me).identity.nick();
    let reason = match line.get(0).unwrap_or(&nick) {
        b"" => Vec::new(),
        text => [b"Quit: ", text].concat(),
    };
    world.exit(me, cut(&reason, REASON));
}

/// What servers say at the end of a link; a client that has registered may say so in vain.
pub(super) fn error(world: &mut World, me: Slot, _: &Line<'_>) {
    if !world.client(me).registered() {
        world.exit(me, b"ERROR");
    }
}

/// What browsers send: whoever has registered is let be, others are not meant for this server.
pub(super) fn web(world: &mut World, me: Slot, _: &Line<'_>) {
    if !world.client(me).registered() {
        world.exit(me, b"Client Exit");
    }
}

/// Registers a connection that has said all that is needed.
pub(super) fn try_complete(world: &mut World, me: Slot) {
    let client = world.client(me);
    let Some(registration) = &client.registration else { return };
    if registration.negotiating || client.verifying {
        return;
    }
    let Some(given) = registration.user.clone() else { return };
    if let Some(wanted) = registration.wanted_nick.clone()
        && !nick::claim_wanted(world, me, &wanted)
    {
        return;
    }
    let client = world.client(me);
    let nick = client.identity.nick();
    if nick.is_empty() {
        return;
    }
    let password = client.registration.as_ref().and_then(|registration| registration.password.clone());
    if let Some(expected) = &world.config.server.password
        && password.as_deref() != Some(expected.expose().as_bytes())
    {
        world.reply(me, ERR_PASSWDMISMATCH, &[]);
        return world.exit(me, b"Bad Password");
    }
    let client = world.client(me);
    let Some(user) = name::user(&given) else {
        let reason = [b"Invalid username [", name::user_as_shown(&given).as_slice(), b"]"].concat();
        return world.exit(me, &reason);
    };
    let identity = Identity::new(&nick, &user, &client.identity.host());
    let subject = Subject { source: identity.source(), address: client.address };
    if let Some(reason) = world.bans.klined(subject, world.now.unix_ms) {
        let reason = reason.to_owned();
        world.reply_text(me, ERR_YOUREBANNEDCREEP, &[], format!("You are banned from this server- {reason}"));
        world.notice(me, format!("*** Banned {reason}"));
        return world.exit(me, b"*** Banned ");
    }
    welcome(world, me, identity);
}

fn welcome(world: &mut World, me: Slot, identity: Identity) {
    sasl::abort(world, me);
    let now = world.now;
    let origin = [identity.user().as_ref(), b"@", identity.host().as_ref()].concat();
    let signed_on = world.sign_ons.assign(origin, now.unix_ms / 1000);
    let client = world.client_mut(me);
    let local = client.registration.take().and_then(|registration| registration.local);
    client.identity = identity;
    client.since_unix_ms = signed_on * 1000;
    client.spoke_ms = now.mono_ms;
    client.flood.registered(now.mono_ms);
    world.counts.users += 1;
    world.count_seen();
    world.set_timer(me);
    greet(world, me, &local.map_or_else(String::new, |local| format!("[{}/{}]", local.ip(), local.port())));
    world.monitor_online(me);
}

fn greet(world: &mut World, me: Slot, place: &str) {
    let name = world.name.clone();
    let nick = world.client(me).identity.nick();
    let network = world.config.server.network.clone();
    let text = format!("Welcome to the {network} Internet Relay Chat Network ");
    world.reply_text(me, RPL_WELCOME, &[], [text.as_bytes(), &nick].concat());
    let host = format!("Your host is {}{place}, running version {}", world.config.server.name, info::VERSION);
    world.reply_text(me, RPL_YOURHOST, &[], host);
    let created = format!("This server was created {}", date::human(world.started.unix_ms));
    world.reply_text(me, RPL_CREATED, &[], created);
    let user_modes = b"oiwszcrkfydnxbauglZCD";
    let words: [&[u8]; 5] = [&name, info::VERSION.as_bytes(), user_modes, b"SbeIiklmnopstuv", b"beIklov"];
    world.reply_words(me, RPL_MYINFO, &words);
    info::isupport(world, me);
    info::send_lusers(world, me);
    info::send_motd(world, me);
}

impl World {
    /// Why `me` may not use this nick, where it is reserved for others.
    pub(crate) fn reserved(&self, me: Slot, nick: &[u8]) -> Option<String> {
        let account = self.client(me).account();
        let reserve =
            self.config.reserves.iter().find(|reserve| mask::matches(reserve.mask.as_bytes(), nick))?;
        let own = |name: &String| {
            account.as_ref().is_some_and(|account| account.eq_ignore_ascii_case(name.as_bytes()))
        };
        if reserve.account.as_ref().is_some_and(own) {
            return None;
        }
        let reason = if reserve.reason.is_empty() { "not for everybody" } else { &reserve.reason };
        Some(format!("Nickname is reserved: {reason}"))
    }
}
