//! SETNAME. Facts: IRCv3 `setname`.

use bytes::Bytes;

use super::registration::REALNAME;
use crate::wire::line::Line;
use crate::world::caps::Caps;
use crate::world::{Slot, World};

pub(super) fn setname(world: &mut World, me: Slot, line: &Line<'_>) {
    let name = line.get(0).unwrap_or_default();
    if name.len() > REALNAME {
        let why = "Realname is not valid: too long";
        return world.fail(me, "SETNAME", "INVALID_REALNAME", &[], why);
    }
    world.client_mut(me).realname = Bytes::copy_from_slice(name);
    let line = world.line_from(me, "SETNAME").text(name).end();
    let mut message = world.message_from(me, line);
    for told in world.peers(me).into_iter().chain([me]) {
        if world.client(told).caps.has(Caps::SETNAME) {
            world.clients.deliver(told, &mut message);
        }
    }
}
