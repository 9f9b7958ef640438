//! CAP: LS, LIST, REQ, CLEAR, END. Facts: IRCv3 capability negotiation 3.2.

use super::registration;
use crate::wire::line::Line;
use crate::wire::numeric::{ERR_INVALIDCAPCMD, ERR_NEEDMOREPARAMS};
use crate::wire::writer::Writer;
use crate::world::caps::{ALL, Capability, Caps};
use crate::world::{Slot, World};

/// What fits a line beside `:S CAP N LS * :`.
const LIST_BYTES: usize = 400;

pub(super) fn cap(world: &mut World, me: Slot, line: &Line<'_>) {
    let Some(subcommand) = line.word(0) else { return world.reply(me, ERR_NEEDMOREPARAMS, &[b"CAP"]) };
    match subcommand.to_ascii_uppercase().as_slice() {
        b"LS" => ls(world, me, line.get(1)),
        b"LIST" => {
            let on = shown(world.client(me).caps, false);
            say(world, me, "LIST", on);
        }
        b"REQ" => {
            hold(world, me);
            if let Some(wanted) = line.get(1) {
                request(world, me, wanted);
            }
        }
        b"CLEAR" => clear(world, me),
        b"ACK" => {}
        b"END" => {
            if let Some(registration) = &mut world.client_mut(me).registration {
                registration.negotiating = false;
                registration::try_complete(world, me);
            }
        }
        _ => world.reply(me, ERR_INVALIDCAPCMD, &[subcommand]),
    }
}

/// The names of a set, in the order of LS.
fn shown(caps: Caps, with_values: bool) -> Vec<String> {
    let named = |one: &Capability| match one.value {
        value if with_values && !value.is_empty() => format!("{}={value}", one.name),
        _ => one.name.to_owned(),
    };
    ALL.iter().filter(|one| caps.has(one.bit)).map(named).collect()
}

fn ls(world: &mut World, me: Slot, version: Option<&[u8]>) {
    hold(world, me);
    let number = version.and_then(|version| std::str::from_utf8(version).ok()?.parse::<u32>().ok());
    if number.is_some_and(|number| number >= 302) {
        let client = world.client_mut(me);
        client.cap_302 = true;
        let caps = client.caps.with(Caps::CAP_NOTIFY);
        client.set_caps(caps);
    }
    let names = shown(Caps::offered(&world.config), world.client(me).cap_302);
    say(world, me, "LS", names);
}

/// All or nothing.
fn request(world: &mut World, me: Slot, wanted: &[u8]) {
    let words = || wanted.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let offered = Caps::offered(&world.config);
    let mut caps = world.client(me).caps;
    let mut known = true;
    for word in words() {
        let (name, on) = word.strip_prefix(b"-").map_or((word, true), |name| (name, false));
        match Caps::named(name) {
            Some(capability) if on && offered.has(capability.bit) => caps = caps.with(capability.bit),
            Some(capability) if !on => {
                // CAP 302 implies cap-notify for good.
                if capability.bit != Caps::CAP_NOTIFY || !world.client(me).cap_302 {
                    caps = caps.without(capability.bit);
                }
            }
            _ => known = false,
        }
    }
    let list = words().collect::<Vec<_>>().join(&b' ');
    let answer = if known { "ACK" } else { "NAK" };
    let line = start(world, me).word(answer).text(list).end();
    world.send(me, line);
    if known {
        world.client_mut(me).set_caps(caps);
    }
}

fn clear(world: &mut World, me: Slot) {
    let client = world.client(me);
    let keep = if client.cap_302 { Caps::CAP_NOTIFY } else { Caps::default() };
    let caps = client.caps;
    let off = shown(caps.without(keep), false).iter().map(|name| format!("-{name}")).collect();
    say(world, me, "ACK", off);
    world.client_mut(me).set_caps(keep);
}

/// LS and REQ before registration hold it until END.
fn hold(world: &mut World, me: Slot) {
    if let Some(registration) = &mut world.client_mut(me).registration {
        registration.negotiating = true;
    }
}

fn start(world: &World, me: Slot) -> Writer {
    Writer::new(&world.name, "CAP").word(world.client(me).addressee())
}

/// One list, in several lines where it is long and the client knows the form.
fn say(world: &mut World, me: Slot, subcommand: &str, names: Vec<String>) {
    let several = world.client(me).cap_302;
    let mut lines = vec![String::new()];
    for name in names {
        let full = lines.last().is_some_and(|line| line.len() + name.len() > LIST_BYTES);
        if full && several {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&name);
        }
    }
    let last = lines.len() - 1;
    for (at, list) in lines.into_iter().enumerate() {
        let line = start(world, me).word(subcommand);
        let line = if at < last { line.word("*") } else { line };
        let line = line.text(list).end();
        world.send(me, line);
    }
}

impl World {
    /// Tells clients with `cap-notify` which capabilities came and went with a new configuration; nobody has on any
    /// longer what is not offered.
    pub(crate) fn announce_caps(&mut self, before: Caps, after: Caps) {
        let (came, went) = (after.without(before), before.without(after));
        if came == went {
            return;
        }
        let all: Vec<Slot> = self.clients.all().map(|(slot, _)| slot).collect();
        for slot in all {
            let client = self.client_mut(slot);
            let (told, with_values) = (client.caps.has(Caps::CAP_NOTIFY), client.cap_302);
            let caps = client.caps.without(went);
            client.set_caps(caps);
            for (subcommand, list) in [("NEW", came), ("DEL", went)] {
                if told && list != Caps::default() {
                    let with_values = with_values && subcommand == "NEW";
                    say(self, slot, subcommand, shown(list, with_values));
                }
            }
        }
    }
}
