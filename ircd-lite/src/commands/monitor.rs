//! MONITOR.

use bytes::Bytes;

use crate::wire::line::Line;
use crate::wire::name::Folded;
use crate::wire::numeric::{
    ERR_MONLISTFULL, ERR_NEEDMOREPARAMS, RPL_ENDOFMONLIST, RPL_MONLIST, RPL_MONOFFLINE, RPL_MONONLINE,
};
use crate::world::{Slot, World};

pub(super) fn monitor(world: &mut World, me: Slot, line: &Line<'_>) {
    let list = line.get(1).unwrap_or_default();
    match line.get(0).and_then(<[u8]>::first) {
        Some(b'+' | b'-') if list.is_empty() => world.reply(me, ERR_NEEDMOREPARAMS, &[b"MONITOR"]),
        Some(b'+') => add(world, me, list),
        Some(b'-') => remove(world, me, list),
        Some(b'C' | b'c') => clear(world, me),
        Some(b'L' | b'l') => show(world, me),
        Some(b'S' | b's') => {
            let nicks: Vec<Bytes> = watched(world, me).into_iter().rev().collect();
            status(world, me, &nicks);
        }
        _ => {}
    }
}

fn watched(world: &World, me: Slot) -> Vec<Bytes> {
    let lists = world.client(me).lists.iter();
    lists.flat_map(|lists| lists.monitor.iter().map(|(_, nick)| nick.clone())).collect()
}

fn words(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').filter(|word| !word.is_empty())
}

fn add(world: &mut World, me: Slot, list: &[u8]) {
    let (limit, nick_length) = (world.config.limits.monitor, world.config.limits.nick_length);
    let mut added: Vec<Bytes> = Vec::new();
    let mut all = words(list);
    while let Some(word) = all.next() {
        if word.len() > nick_length {
            continue;
        }
        let (key, nick) = (Folded::new(word), Bytes::copy_from_slice(word));
        let known = &mut world.client_mut(me).lists_mut().monitor;
        if known.iter().any(|(other, _)| *other == key) {
            continue;
        }
        if limit > 0 && known.len() >= limit {
            let rest: Vec<&[u8]> = std::iter::once(word).chain(all).collect();
            let rest = rest.join(&b',');
            status(world, me, &added);
            return world.reply(me, ERR_MONLISTFULL, &[limit.to_string().as_bytes(), &rest]);
        }
        known.push((key.clone(), nick.clone()));
        world.monitors.add(&key, me);
        added.push(nick);
    }
    status(world, me, &added);
}

fn remove(world: &mut World, me: Slot, list: &[u8]) {
    for word in words(list) {
        let key = Folded::new(word);
        if let Some(lists) = &mut world.client_mut(me).lists {
            lists.monitor.retain(|(other, _)| *other != key);
        }
        world.monitors.remove(&key, me);
    }
}

fn clear(world: &mut World, me: Slot) {
    let Some(lists) = &mut world.client_mut(me).lists else { return };
    for (key, _) in std::mem::take(&mut lists.monitor) {
        world.monitors.remove(&key, me);
    }
}

fn show(world: &mut World, me: Slot) {
    let nicks = watched(world, me);
    world.reply_items(me, RPL_MONLIST, &[], b',', nicks.iter().rev().map(|nick| nick.to_vec()));
    world.reply(me, RPL_ENDOFMONLIST, &[]);
}

fn status(world: &mut World, me: Slot, nicks: &[Bytes]) {
    let (mut online, mut offline) = (Vec::new(), Vec::new());
    for nick in nicks {
        match world.visible_user(me, nick) {
            Some(user) => online.push(world.client(user).identity.source().to_vec()),
            None => offline.push(nick.to_vec()),
        }
    }
    world.reply_items(me, RPL_MONONLINE, &[], b',', online.into_iter());
    world.reply_items(me, RPL_MONOFFLINE, &[], b',', offline.into_iter());
}
