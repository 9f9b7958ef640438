//! AWAY.

use bytes::Bytes;

use crate::wire::line::Line;
use crate::wire::numeric::{RPL_NOWAWAY, RPL_UNAWAY};
use crate::wire::text::cut;
use crate::world::caps::Caps;
use crate::world::{Slot, World};

pub(super) fn away(world: &mut World, me: Slot, line: &Line<'_>) {
    let text = line.word(0).map(|text| Bytes::copy_from_slice(cut(text, world.config.limits.away_length)));
    let changed = world.client(me).away != text;
    world.client_mut(me).away.clone_from(&text);
    world.reply(me, if text.is_some() { RPL_NOWAWAY } else { RPL_UNAWAY }, &[]);
    if !changed {
        return;
    }
    let line = world.line_from(me, "AWAY");
    let line = text.map_or_else(|| world.line_from(me, "AWAY").end(), |text| line.text(text).end());
    let mut message = world.message_from(me, line);
    for peer in world.peers(me) {
        if world.client(peer).caps.has(Caps::AWAY_NOTIFY) {
            world.clients.deliver(peer, &mut message);
        }
    }
}
