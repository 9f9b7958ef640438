//! ACCEPT: whom a user with mode `g` hears.

use bytes::Bytes;

use crate::wire::line::Line;
use crate::wire::numeric::{
    ERR_ACCEPTEXIST, ERR_ACCEPTFULL, ERR_ACCEPTNOT, ERR_NOSUCHNICK, RPL_ACCEPTLIST, RPL_ENDOFACCEPT,
};
use crate::world::{Slot, World};

/// The most that one may accept.
pub(super) const MOST: usize = 20;

/// The most nicks on one line of the list, and the bytes that they may take.
const ON_A_LINE: usize = 15;
const LINE: usize = 400;

pub(super) fn accept(world: &mut World, me: Slot, line: &Line<'_>) {
    let list = line.get(0).unwrap_or_default();
    if list.starts_with(b"*") {
        return show(world, me);
    }
    // Who is not there is answered first, then what is to go, then what is to come.
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for word in list.split(|byte| *byte == b',').filter(|word| !word.is_empty()) {
        let nick = word.strip_prefix(b"-");
        match world.visible_user(me, nick.unwrap_or(word)) {
            None => world.reply(me, ERR_NOSUCHNICK, &[nick.unwrap_or(word)]),
            Some(user) if nick.is_some() => gone.push(user),
            Some(user) => come.push(user),
        }
    }
    for user in gone {
        remove(world, me, user);
    }
    for user in come {
        if !add(world, me, user) {
            return;
        }
    }
}

/// Everybody accepts himself.
fn accepts(world: &World, me: Slot, user: Slot) -> bool {
    user == me || world.client(me).lists.as_ref().is_some_and(|lists| lists.accept.contains(&user))
}

/// Says `false` where the list is full.
fn add(world: &mut World, me: Slot, user: Slot) -> bool {
    let nick = world.client(user).identity.nick();
    if accepts(world, me, user) {
        world.reply(me, ERR_ACCEPTEXIST, &[&nick]);
    } else if world.client_mut(me).lists_mut().accept.len() >= MOST {
        world.reply(me, ERR_ACCEPTFULL, &[]);
        return false;
    } else {
        world.client_mut(me).lists_mut().accept.push(user);
        world.client_mut(user).lists_mut().accepted_by.push(me);
    }
    true
}

fn remove(world: &mut World, me: Slot, user: Slot) {
    if !accepts(world, me, user) {
        let nick = world.client(user).identity.nick();
        return world.reply(me, ERR_ACCEPTNOT, &[&nick]);
    }
    world.client_mut(me).lists_mut().accept.retain(|slot| *slot != user);
    world.client_mut(user).lists_mut().accepted_by.retain(|slot| *slot != me);
}

fn show(world: &mut World, me: Slot) {
    let accepted: Vec<Slot> = world.client(me).lists.iter().flat_map(|lists| lists.accept.clone()).collect();
    let nicks: Vec<Bytes> = accepted
        .into_iter()
        .filter(|user| !world.hidden(me, *user))
        .map(|user| world.client(user).identity.nick())
        .collect();
    let longest = nicks.iter().map(|nick| nick.len() + 1).max().unwrap_or(1);
    for nicks in nicks.chunks(ON_A_LINE.min(LINE / longest)) {
        let words: Vec<&[u8]> = nicks.iter().map(Bytes::as_ref).collect();
        world.reply_words(me, RPL_ACCEPTLIST, &words);
    }
    world.reply(me, RPL_ENDOFACCEPT, &[]);
}
