//! The commands by name: how many parameters they need, when they are allowed, who handles them.

use super::{
    accept, away, cap, help, history, info, invite, join, kick, list, message, mode, monitor, names, nick,
    oper, redact, registration, sasl, setname, stats, topic, webirc, who, whois,
};
use crate::wire::line::Line;
use crate::world::{Slot, World};

/// Runs a command.
pub(super) type Handler = fn(&mut World, Slot, &Line<'_>);

/// When a command is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Always.
    Any,
    /// Only before registration (462 afterwards).
    Registering,
    /// Only after it (451 before).
    Registered,
    /// Only for IRC operators (481 for others, whatever the parameters).
    Operators,
}

/// Whether a command ends a new client's grace by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grace {
    /// It does.
    Ends,
    /// It doesn't, or its handler decides.
    Stays,
}

/// One command.
#[derive(Debug)]
pub(super) struct Command {
    /// In capitals.
    pub name: &'static str,
    /// The least number of parameters; the last of them may not be empty.
    pub parameters: usize,
    /// When.
    pub phase: Phase,
    /// See [`Grace`].
    pub grace: Grace,
    /// Who.
    pub handler: Handler,
}

const fn command(
    name: &'static str,
    parameters: usize,
    phase: Phase,
    grace: Grace,
    handler: Handler,
) -> Command {
    Command { name, parameters, phase, grace, handler }
}

use Grace::{Ends, Stays};
use Phase::{Any, Operators, Registered, Registering};

/// Sorted by name, for the search. What ircd-ratbox keeps for links between servers is met with silence, as there;
/// what its operators have and these haven't, is refused as it is there to those without the right.
static COMMANDS: &[Command] = &[
    command("ACCEPT", 1, Registered, Stays, accept::accept),
    command("ADMIN", 0, Any, Stays, info::admin),
    command("ADMINDLINE", 0, Operators, Stays, oper::no_privilege),
    command("ADMINKLINE", 0, Operators, Stays, oper::no_privilege),
    command("ADMINRESV", 0, Operators, Stays, oper::no_privilege),
    command("ADMINWALL", 0, Operators, Stays, oper::no_privilege),
    command("ADMINXLINE", 0, Operators, Stays, oper::no_privilege),
    command("AUTHENTICATE", 1, Any, Stays, sasl::authenticate),
    command("AWAY", 0, Registered, Ends, away::away),
    command("BMASK", 0, Any, Stays, ignore),
    command("CAP", 1, Any, Stays, cap::cap),
    command("CAPAB", 0, Any, Stays, ignore),
    command("CHANTRACE", 0, Operators, Stays, oper::no_privilege),
    command("CHATHISTORY", 1, Registered, Stays, history::chathistory),
    command("CLOSE", 0, Operators, Stays, oper::no_privilege),
    command("CONNECT", 0, Operators, Stays, oper::no_privilege),
    command("DIE", 0, Operators, Stays, oper::no_privilege),
    command("DLINE", 1, Operators, Stays, oper::dline),
    command("ENCAP", 0, Any, Stays, ignore),
    command("ERROR", 0, Any, Stays, registration::error),
    command("ETRACE", 0, Operators, Stays, oper::no_privilege),
    command("GCAP", 0, Any, Stays, ignore),
    command("GET", 0, Any, Stays, registration::web),
    command("GLINE", 0, Operators, Stays, oper::no_privilege),
    command("GUNGLINE", 0, Operators, Stays, oper::no_privilege),
    command("HELP", 0, Registered, Stays, help::help),
    command("INFO", 0, Registered, Stays, info::info),
    command("INVITE", 2, Registered, Ends, invite::invite),
    command("ISON", 1, Registered, Stays, whois::ison),
    command("JOIN", 1, Registered, Stays, join::join),
    command("KICK", 2, Registered, Ends, kick::kick),
    command("KILL", 1, Operators, Stays, oper::kill),
    command("KLINE", 1, Operators, Stays, oper::kline),
    command("KNOCK", 1, Registered, Stays, invite::knock),
    command("LINKS", 0, Registered, Stays, info::links),
    command("LIST", 0, Registered, Stays, list::list),
    command("LOCOPS", 0, Operators, Stays, oper::no_privilege),
    command("LUSERS", 0, Registered, Stays, info::lusers),
    command("MAP", 0, Operators, Stays, info::map),
    command("MASKTRACE", 0, Operators, Stays, oper::no_privilege),
    command("MODE", 1, Registered, Stays, mode::mode),
    command("MODLIST", 0, Operators, Stays, oper::no_privilege),
    command("MODLOAD", 0, Operators, Stays, oper::no_privilege),
    command("MODRELOAD", 0, Operators, Stays, oper::no_privilege),
    command("MODRESTART", 0, Operators, Stays, oper::no_privilege),
    command("MODUNLOAD", 0, Operators, Stays, oper::no_privilege),
    command("MONITOR", 1, Registered, Stays, monitor::monitor),
    command("MOTD", 0, Registered, Stays, info::motd),
    command("NAMES", 0, Registered, Stays, names::names),
    command("NICK", 0, Any, Ends, nick::nick),
    command("NOTICE", 0, Registered, Stays, message::notice),
    command("OPER", 2, Registered, Stays, oper::oper),
    command("OPERSPY", 0, Any, Stays, ignore),
    command("OPERWALL", 0, Operators, Stays, oper::no_privilege),
    command("PART", 1, Registered, Ends, join::part),
    command("PASS", 1, Registering, Stays, registration::pass),
    command("PING", 1, Registered, Stays, registration::ping),
    command("PONG", 0, Any, Stays, ignore),
    command("POST", 0, Any, Stays, registration::web),
    command("PRIVMSG", 0, Registered, Stays, message::privmsg),
    command("PUT", 0, Any, Stays, registration::web),
    command("QUIT", 0, Any, Stays, registration::quit),
    command("REDACT", 2, Registered, Stays, redact::redact),
    command("REHASH", 0, Operators, Stays, oper::rehash),
    command("RESTART", 0, Operators, Stays, oper::no_privilege),
    command("RESV", 0, Operators, Stays, oper::no_privilege),
    command("SAVE", 0, Any, Stays, ignore),
    command("SERVER", 0, Registering, Stays, ignore),
    command("SET", 0, Operators, Stays, oper::no_privilege),
    command("SETNAME", 1, Registered, Stays, setname::setname),
    command("SID", 0, Registering, Stays, ignore),
    command("SJOIN", 0, Any, Stays, ignore),
    command("SQUIT", 0, Operators, Stays, oper::no_privilege),
    command("STATS", 1, Registered, Stays, stats::stats),
    command("SVINFO", 0, Any, Stays, ignore),
    command("TAGMSG", 1, Registered, Stays, message::tagmsg),
    command("TB", 0, Any, Stays, ignore),
    command("TESTGECOS", 0, Operators, Stays, oper::no_privilege),
    command("TESTLINE", 0, Operators, Stays, oper::no_privilege),
    command("TESTMASK", 0, Operators, Stays, oper::no_privilege),
    command("TIME", 0, Registered, Stays, info::time),
    command("TMODE", 0, Any, Stays, ignore),
    command("TOPIC", 1, Registered, Ends, topic::topic),
    command("UHELP", 0, Registered, Stays, help::help),
    command("UID", 0, Any, Stays, ignore),
    command("UNDLINE", 1, Operators, Stays, oper::undline),
    command("UNGLINE", 0, Operators, Stays, oper::no_privilege),
    command("UNKLINE", 1, Operators, Stays, oper::unkline),
    command("UNREJECT", 0, Operators, Stays, oper::no_privilege),
    command("UNRESV", 0, Operators, Stays, oper::no_privilege),
    command("UNXLINE", 0, Operators, Stays, oper::no_privilege),
    command("USER", 4, Registering, Stays, registration::user),
    command("USERHOST", 1, Registered, Stays, whois::userhost),
    command("USERS", 0, Registered, Stays, info::users),
    command("VERSION", 0, Registered, Stays, info::version),
    command("WALLOPS", 1, Operators, Stays, oper::wallops),
    command("WEBIRC", 4, Registering, Stays, webirc::webirc),
    command("WHO", 1, Registered, Stays, who::who),
    command("WHOIS", 1, Registered, Stays, whois::whois),
    command("WHOWAS", 1, Registered, Stays, whois::whowas),
    command("XLINE", 0, Operators, Stays, oper::no_privilege),
];

/// The command of this name, in any case.
pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    let ascending = |command: &Command| command.name.bytes().cmp(name.iter().map(u8::to_ascii_uppercase));
    COMMANDS.binary_search_by(ascending).ok().and_then(|at| COMMANDS.get(at))
}

fn ignore(_: &mut World, _: Slot, _: &Line<'_>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found_in_any_case() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
        for command in COMMANDS {
            assert_eq!(find(command.name.to_lowercase().as_bytes()).unwrap().name, command.name);
        }
        assert!(find(b"PRIVMS").is_none() && find(b"").is_none() && find(b"PRIVMSGG").is_none());
    }
}
