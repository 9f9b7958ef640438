//! ACCEPT: whom a user with mode `g` hears.

use crate::wire::line::Line;
use crate::wire::numeric::{
    ERR_ACCEPTEXIST, ERR_ACCEPTFULL, ERR_ACCEPTNOT, ERR_NOSUCHNICK, RPL_ACCEPTLIST, RPL_ENDOFACCEPT,
};
use crate::world::{Slot, World};

/// The most that one may accept.
pub(super) const MOST: usize = 20;

pub(super) fn accept(world: &mut World, me: Slot, line: &Line<'_>) {
    let list = line.get(0).unwrap_or_default();
    for word in list.split(|byte| *byte == b',').filter(|word| !word.is_empty()) {
        match word.strip_prefix(b"-") {
            _ if word == b"*" => show(world, me),
            Some(nick) => remove(world, me, nick),
            None => add(world, me, word),
        }
    }
}

fn accepts(world: &World, me: Slot, user: Slot) -> bool {
    world.client(me).lists.as_ref().is_some_and(|lists| lists.accept.contains(&user))
}

fn add(world: &mut World, me: Slot, nick: &[u8]) {
    let Some(user) = world.visible_user(me, nick) else { return world.reply(me, ERR_NOSUCHNICK, &[nick]) };
    let nick = world.client(user).identity.nick();
    if accepts(world, me, user) {
        return world.reply(me, ERR_ACCEPTEXIST, &[&nick]);
    }
    if world.client_mut(me).lists_mut().accept.len() >= MOST {
        return world.reply(me, ERR_ACCEPTFULL, &[]);
    }
    world.client_mut(me).lists_mut().accept.push(user);
    world.client_mut(user).lists_mut().accepted_by.push(me);
}

fn remove(world: &mut World, me: Slot, nick: &[u8]) {
    let Some(user) = world.visible_user(me, nick) else { return world.reply(me, ERR_NOSUCHNICK, &[nick]) };
    if !accepts(world, me, user) {
        let nick = world.client(user).identity.nick();
        return world.reply(me, ERR_ACCEPTNOT, &[&nick]);
    }
    world.client_mut(me).lists_mut().accept.retain(|slot| *slot != user);
    world.client_mut(user).lists_mut().accepted_by.retain(|slot| *slot != me);
}

fn show(world: &mut World, me: Slot) {
    let accepted: Vec<Slot> = world.client(me).lists.iter().flat_map(|lists| lists.accept.clone()).collect();
    let nicks: Vec<Vec<u8>> = accepted
        .into_iter()
        .filter(|user| !world.hidden(me, *user))
        .map(|user| world.client(user).identity.nick().to_vec())
        .collect();
    world.reply_items(me, RPL_ACCEPTLIST, &[], b' ', nicks.into_iter());
    world.reply(me, RPL_ENDOFACCEPT, &[]);
}
