//! MODE of a user.

use crate::wire::line::Line;
use crate::wire::numeric::{ERR_NOSUCHCHANNEL, ERR_UMODEUNKNOWNFLAG, ERR_USERSDONTMATCH, RPL_UMODEIS};
use crate::wire::writer::Writer;
use crate::world::client::UserModes;
use crate::world::{Slot, World};

pub(super) fn mode(world: &mut World, me: Slot, nick: &[u8], line: &Line<'_>) {
    // A hidden user is answered as nobody is.
    let Some(target) = world.visible_user(me, nick) else {
        return world.reply(me, ERR_NOSUCHCHANNEL, &[nick]);
    };
    if target != me {
        return world.reply(me, ERR_USERSDONTMATCH, &[]);
    }
    let Some(letters) = line.get(1) else {
        let on = world.client(me).modes;
        let shown: Vec<u8> =
            UserModes::LETTERS.iter().filter(|(_, mode)| on.has(*mode)).map(|(letter, _)| *letter).collect();
        return world.reply_words(me, RPL_UMODEIS, &[&[b"+", shown.as_slice()].concat()]);
    };
    let before = world.client(me).modes;
    let (mut after, mut on, mut unknown) = (before, true, false);
    for letter in letters {
        match letter {
            b'+' => on = true,
            b'-' => on = false,
            // Only OPER gives it.
            b'o' if on => {}
            letter => match UserModes::LETTERS.iter().find(|(known, _)| known == letter) {
                Some((_, mode)) => after.set(*mode, on),
                None => unknown = true,
            },
        }
    }
    if unknown {
        world.reply(me, ERR_UMODEUNKNOWNFLAG, &[]);
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
        let letters = |was: bool, sign: &'static [u8]| {
            let changed = UserModes::LETTERS.iter().filter(move |(_, mode)| changed(*mode) == (was, !was));
            let letters: Vec<u8> = changed.map(|(letter, _)| *letter).collect();
            if letters.is_empty() { letters } else { [sign, &letters].concat() }
        };
        let text = [letters(false, b"+"), letters(true, b"-")].concat();
        if !text.is_empty() {
            let nick = self.client(who).identity.nick();
            let line = Writer::new(&nick, "MODE").word(&nick).text(text).end();
            self.send(who, line);
        }
    }
}
