//! WHOIS, WHOWAS, ISON, USERHOST: questions about nicks.

use super::{first_of, for_this_server, no_nick};
use crate::wire::BODY_LIMIT;
use crate::wire::date;
use crate::wire::line::Line;
use crate::wire::name;
use crate::wire::numeric::{
    ERR_NONICKNAMEGIVEN, ERR_NOSUCHNICK, ERR_WASNOSUCHNICK, RPL_AWAY, RPL_ENDOFWHOIS, RPL_ENDOFWHOWAS,
    RPL_ISON, RPL_USERHOST, RPL_WHOISACTUALLY, RPL_WHOISCHANNELS, RPL_WHOISIDLE, RPL_WHOISLOGGEDIN,
    RPL_WHOISOPERATOR, RPL_WHOISSECURE, RPL_WHOISSERVER, RPL_WHOISSPECIAL, RPL_WHOISUSER, RPL_WHOWASUSER,
};
use crate::world::client::Transport;
use crate::world::whowas::Past;
use crate::world::{Slot, World};

/// Nicks in one USERHOST.
const USERHOST_NICKS: usize = 5;
/// How long a former nick leads to who had it.
const CHASE_MS: u64 = 90_000;

pub(super) fn whois(world: &mut World, me: Slot, line: &Line<'_>) {
    let list = match line.get(1) {
        Some(b"") => return world.reply(me, ERR_NONICKNAMEGIVEN, &[]),
        Some(list) if for_this_server(world, me, line.get(0)) => list,
        Some(_) => return,
        None => line.get(0).unwrap_or_default(),
    };
    // Of a list only the first name is answered for, and it is answered as nobody's.
    let asked = first_of(list);
    match world.visible_user(me, list) {
        Some(user) => about(world, me, user),
        None => world.reply(me, ERR_NOSUCHNICK, &[no_nick(asked)]),
    }
    world.reply(me, RPL_ENDOFWHOIS, &[asked]);
}

fn about(world: &mut World, me: Slot, user: Slot) {
    let client = world.client(user);
    let identity = client.identity.clone();
    let nick = identity.nick();
    let (realname, away, account) = (client.realname.clone(), client.away.clone(), client.account());
    let (oper, secure) = (client.oper(), client.transport == Transport::Tls);
    let address = client.address.to_string();
    let address_shown = !client.cloaked || user == me || world.client(me).oper();
    let idle = world.now.mono_ms.saturating_sub(client.spoke_ms) / 1000;
    let signon = client.since_unix_ms / 1000;
    let channels = channels_of(world, me, user);
    world.reply_text(me, RPL_WHOISUSER, &[&nick, &identity.user(), &identity.host(), b"*"], realname);
    send_channels(world, me, &nick, &channels);
    let (server, description) = (world.name.clone(), world.config.server.description.clone());
    world.reply_text(me, RPL_WHOISSERVER, &[&nick, &server], description);
    if let Some(away) = away {
        world.reply_text(me, RPL_AWAY, &[&nick], away);
    }
    if oper {
        world.reply(me, RPL_WHOISOPERATOR, &[&nick]);
    }
    if let Some(account) = account {
        world.reply(me, RPL_WHOISLOGGEDIN, &[&nick, &account]);
    }
    if secure {
        world.reply(me, RPL_WHOISSECURE, &[&nick]);
    }
    if address_shown {
        let address = if address.starts_with(':') { format!("0{address}") } else { address };
        world.reply(me, RPL_WHOISACTUALLY, &[&nick, address.as_bytes()]);
    }
    if world.client(me).knows_connections() {
        let name = world.connection_name(user).to_string();
        world.reply(me, RPL_WHOISSPECIAL, &[&nick, name.as_bytes()]);
    }
    world.reply(me, RPL_WHOISIDLE, &[&nick, idle.to_string().as_bytes(), signon.to_string().as_bytes()]);
}

/// 319, each name with a space after it, in as many lines as it needs.
fn send_channels(world: &mut World, me: Slot, nick: &[u8], channels: &[Vec<u8>]) {
    let room = BODY_LIMIT.saturating_sub(world.numeric(me, RPL_WHOISCHANNELS, &[nick]).len() + 2);
    let mut text: Vec<u8> = Vec::new();
    for channel in channels {
        if text.len() + channel.len() + 1 > room {
            world.reply_text(me, RPL_WHOISCHANNELS, &[nick], &text);
            text.clear();
        }
        text.extend_from_slice(channel);
        text.push(b' ');
    }
    if !text.is_empty() {
        world.reply_text(me, RPL_WHOISCHANNELS, &[nick], &text);
    }
}

/// `@#a`, `+#b`, … as far as the asker may know, the latest first.
fn channels_of(world: &World, me: Slot, user: Slot) -> Vec<Vec<u8>> {
    let visible = world.client(user).channels.iter().rev().filter(|at| world.channel_visible(**at, me, user));
    visible
        .map(|at| {
            let channel = world.channel(*at);
            let rank = channel.rank(user).unwrap_or_default();
            [rank.prefix(true).as_bytes(), &channel.name].concat()
        })
        .collect()
}

pub(super) fn whowas(world: &mut World, me: Slot, line: &Line<'_>) {
    let nick = first_of(line.get(0).unwrap_or_default());
    let most = line.get(1).and_then(|word| std::str::from_utf8(word).ok()?.parse::<usize>().ok());
    let most = most.filter(|most| *most > 0).unwrap_or(20);
    let found: Vec<Past> =
        world.whowas.of(nick).filter(|past| may_know(world, me, past)).take(most).cloned().collect();
    if found.is_empty() {
        world.reply(me, ERR_WASNOSUCHNICK, &[nick]);
    }
    let server = world.name.clone();
    let oper = world.client(me).oper();
    for past in found {
        let identity = &past.identity;
        let name = identity.nick();
        world.reply_text(
            me,
            RPL_WHOWASUSER,
            &[&name, &identity.user(), &identity.host(), b"*"],
            &past.realname,
        );
        if oper || !past.cloaked {
            let address = past.address.to_string();
            let address = if address.starts_with(':') { format!("0{address}") } else { address };
            world.reply(me, RPL_WHOISACTUALLY, &[&name, address.as_bytes()]);
        }
        world.reply_text(me, RPL_WHOISSERVER, &[&name, &server], date::human(past.unix_ms));
    }
    world.reply(me, RPL_ENDOFWHOWAS, &[nick]);
}

/// Who was a plain member of an auditorium is known to its operators only, also afterwards.
fn may_know(world: &World, me: Slot, past: &Past) -> bool {
    let operates =
        |name: &bytes::Bytes| world.find_channel(name).is_some_and(|at| world.channel(at).is_operator(me));
    past.auditoriums.is_empty() || world.client(me).oper() || past.auditoriums.iter().any(operates)
}

impl World {
    /// The user with this nick, or whoever had it until a while ago and is still here: a command that was on its way
    /// while somebody changed the nick finds it all the same.
    pub(crate) fn chase(&self, asker: Slot, nick: &[u8]) -> Option<Slot> {
        self.visible_user(asker, nick).or_else(|| {
            let recent = |past: &&Past| self.now.unix_ms.saturating_sub(past.unix_ms) <= CHASE_MS;
            let known = self.whowas.of(nick).take_while(recent).filter(|past| may_know(self, asker, past));
            known
                .filter_map(|past| self.clients.find(past.client))
                .find(|subject| self.client(*subject).registered() && !self.hidden(asker, *subject))
        })
    }
}

pub(super) fn ison(world: &mut World, me: Slot, line: &Line<'_>) {
    let words = line.parameters().iter().flat_map(|word| word.split(|byte| *byte == b' '));
    let mut text = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        if let Some(user) = world.visible_user(me, word) {
            text.extend_from_slice(&world.client(user).identity.nick());
            text.push(b' ');
        } else if name::same(word, &world.name) {
            text.extend_from_slice(&[&world.name, &b" "[..]].concat());
        }
    }
    world.reply_text(me, RPL_ISON, &[], text);
}

pub(super) fn userhost(world: &mut World, me: Slot, line: &Line<'_>) {
    let mut text = Vec::new();
    for word in line.parameters().iter().take(USERHOST_NICKS) {
        let Some(user) = world.visible_user(me, word) else { continue };
        let client = world.client(user);
        let star: &[u8] = if client.oper() { b"*" } else { b"" };
        let sign: &[u8] = if client.away.is_some() { b"-" } else { b"+" };
        let identity = &client.identity;
        let item: [&[u8]; 8] =
            [&identity.nick(), star, b"=", sign, &identity.user(), b"@", &identity.host(), b" "];
        text.extend(item.concat());
    }
    world.reply_text(me, RPL_USERHOST, &[], text);
}
