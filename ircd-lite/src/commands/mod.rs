//! What each command means: a table, and one file for each family.
//!
//! A handler gets the world, the client and the parsed line; it may read and change the world's state and say things
//! through it, and does no I/O. The common refusals (421, 451, 461, 462) stand here. Texts, numerics and order are
//! ircd-ratbox's; where a specification of IRCv3 says otherwise, the file names it.

mod accept;
mod auditorium;
mod away;
mod cap;
mod channel_mode;
mod help;
mod history;
mod info;
mod invite;
mod join;
mod kick;
mod list;
mod message;
mod mode;
mod monitor;
mod names;
mod nick;
mod oper;
mod redact;
mod registration;
mod sasl;
mod setname;
mod stats;
mod table;
mod topic;
mod user_mode;
mod webirc;
mod who;
mod whois;

use crate::wire::line::Line;
use crate::wire::numeric::{
    ERR_ALREADYREGISTRED, ERR_NEEDMOREPARAMS, ERR_NOPRIVILEGES, ERR_NOSUCHSERVER, ERR_NOTREGISTERED,
    ERR_UNKNOWNCOMMAND,
};
use crate::wire::writer::Writer;
use crate::world::{Slot, Verifying, World};
pub(crate) use list::Listing;
use table::{Grace, Phase};

/// Runs one line of one client.
pub(crate) fn dispatch(world: &mut World, me: Slot, line: &Line<'_>) {
    let registered = world.client(me).registered();
    let Some(command) = table::find(line.command) else {
        // A numeric is an answer of a server's: from a client it means nothing.
        if registered && !(is_numeric(line.command) && line.get(0).is_some()) {
            world.reply(me, ERR_UNKNOWNCOMMAND, &[line.command]);
        }
        return;
    };
    match (command.phase, registered) {
        (Phase::Registered | Phase::Operators, false) => return not_registered(world, me),
        (Phase::Registering, true) => return world.reply(me, ERR_ALREADYREGISTRED, &[]),
        (Phase::Operators, true) if !world.client(me).oper() => {
            return world.reply(me, ERR_NOPRIVILEGES, &[]);
        }
        _ => {}
    }
    let last_needed = command.parameters.checked_sub(1).map(|at| line.get(at).unwrap_or_default());
    if last_needed.is_some_and(<[u8]>::is_empty) {
        return world.reply(me, ERR_NEEDMOREPARAMS, &[command.name.as_bytes()]);
    }
    if command.grace == Grace::Ends {
        end_grace(world, me);
    }
    (command.handler)(world, me, line);
    if world.clients.contains(me)
        && let Some(registration) = &mut world.client_mut(me).registration
    {
        registration.began = true;
    }
}

fn is_numeric(command: &[u8]) -> bool {
    command.len() == 3 && command.iter().all(u8::is_ascii_digit)
}

/// Goes on where a password check has interrupted a command.
pub(crate) fn verified(world: &mut World, me: Slot, purpose: Verifying, matches: bool) {
    match purpose {
        Verifying::Sasl(login) => sasl::verified(world, me, &login, matches),
        Verifying::Oper => oper::verified(world, me, matches),
        Verifying::WebIrc { address, secure } => webirc::verified(world, me, address, secure, matches),
    }
}

/// Ends the grace of a new client: others notice what it does.
fn end_grace(world: &mut World, me: Slot) {
    let now_ms = world.now.mono_ms;
    world.client_mut(me).flood.end_grace(now_ms);
}

/// 451, once for each connection.
fn not_registered(world: &mut World, me: Slot) {
    let Some(registration) = &mut world.client_mut(me).registration else { return };
    if !std::mem::replace(&mut registration.told, true) {
        // To nobody, though a nick may have been asked for.
        let line =
            Writer::new(&world.name, ERR_NOTREGISTERED.code).word("*").text(ERR_NOTREGISTERED.text).end();
        world.send(me, line);
    }
}

/// What counts of a list where one name is expected.
fn first_of(list: &[u8]) -> &[u8] {
    list.split(|byte| *byte == b',').next().unwrap_or_default()
}

/// The nick in the answer that there is none: ids of servers' begin with a digit, and are not shown.
fn no_nick(word: &[u8]) -> &[u8] {
    if word.first().is_some_and(u8::is_ascii_digit) { b"*" } else { word }
}

/// Whether `word` names this server, as a query for a server may; 402 otherwise. Nothing names it too, and so does
/// the nick of a user or a mask.
fn for_this_server(world: &mut World, me: Slot, word: Option<&[u8]>) -> bool {
    let Some(word) = word.filter(|word| !word.is_empty()) else { return true };
    if crate::wire::mask::matches(word, &world.name) || world.visible_user(me, word).is_some() {
        return true;
    }
    world.reply(me, ERR_NOSUCHSERVER, &[word]);
    false
}
