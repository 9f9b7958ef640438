//! MODE of a user.

use crate::wire::line::Line;
use crate::wire::numeric::{ERR_NOSUCHCHANNEL, ERR_UMODEUNKNOWNFLAG, ERR_USERSDONTMATCH, RPL_UMODEIS};
use crate::wire::writer::Writer;
use crate::world::client::UserModes;
use crate::world::{Slot, World};

/// Modes that are unknown to others than IRC operators.
const OPERS_ONLY: &[u8] = b"dZ";
/// Modes that others ask for in vain, and the privilege that they are told of; the last one nobody has.
const PRIVILEGED: &[(u8, &str)] = &[(b'z', "operwall"), (b'n', "nick_changes"), (b'a', "admin")];

pub(super) fn mode(world: &mut World, me: Slot, nick: &[u8], line: &Line<'_>) {
    // A hidden user is answered as nobody is.
    let Some(target) = world.visible_user(me, nick) else {
        return world.reply(me, ERR_NOSUCHCHANNEL, &[nick]);
    };
    if target != me {
        return world.reply(me, ERR_USERSDONTMATCH, &[]);
    }
    let words = line.parameters().get(1..).unwrap_or_default();
    if words.is_empty() {
        let shown: Vec<u8> = std::iter::once(b'+').chain(world.client(me).modes.letters()).collect();
        return world.reply_words(me, RPL_UMODEIS, &[&shown]);
    }
    let mut after = world.client(me).modes;
    let (mut on, mut unknown) = (true, false);
    for letter in words.concat() {
        let mode = UserModes::of(letter);
        match letter {
            b'+' => on = true,
            b'-' => on = false,
            // Only OPER gives it.
            b'o' if on => {}
            b'o' if !after.has(mode) => {}
            b'o' => OPERS_ONLY.iter().chain(b"o").for_each(|letter| after.set(UserModes::of(*letter), false)),
            b' ' | b'\t' => {}
            _ if mode.is_none() => unknown = true,
            _ if OPERS_ONLY.contains(&letter) && !after.has(UserModes::OPER) => unknown = true,
            _ => after.set(mode, on),
        }
    }
    if unknown {
        world.reply(me, ERR_UMODEUNKNOWNFLAG, &[]);
    }
    for (letter, privilege) in PRIVILEGED {
        let mode = UserModes::of(*letter);
        if after.has(mode) && (*letter == b'a' || !after.has(UserModes::OPER)) {
            after.set(mode, false);
            let letter = char::from(*letter);
            world.notice(me, format!("*** You need oper and {privilege} flag for +{letter}"));
        }
    }
    world.set_user_modes(me, after);
}

impl World {
    /// Changes a user's modes, keeps the counts, and tells the user what has changed.
    pub(crate) fn set_user_modes(&mut self, who: Slot, after: UserModes) {
        let before = self.client(who).modes;
        let client = self.client_mut(who);
        client.modes = after;
        client.settle_tags();
        let changed = |mode: UserModes| (before.has(mode), after.has(mode));
        let hidden = usize::from(self.client(who).auditoriums > 0);
        match changed(UserModes::INVISIBLE) {
            (false, true) => {
                self.counts.invisible += 1;
                self.counts.hidden_invisible += hidden;
            }
            (true, false) => {
                self.counts.invisible -= 1;
                self.counts.hidden_invisible -= hidden;
            }
            _ => {}
        }
        match changed(UserModes::OPER) {
            (false, true) => {
                self.counts.opers += 1;
                self.opers.push(who);
            }
            (true, false) => {
                self.counts.opers -= 1;
                self.opers.retain(|oper| *oper != who);
            }
            _ => {}
        }
        let mut text = Vec::new();
        let mut sign = None;
        for letter in UserModes::LETTERS {
            let (was, is) = changed(UserModes::of(*letter));
            if was == is {
                continue;
            }
            if sign != Some(is) {
                sign = Some(is);
                text.push(if is { b'+' } else { b'-' });
            }
            text.push(*letter);
        }
        if !text.is_empty() {
            let nick = self.client(who).identity.nick();
            let line = Writer::new(&nick, "MODE").word(&nick).text(text).end();
            self.send(who, line);
        }
    }
}
