//! HELP: one topic for each command, and a few beside.

use crate::wire::line::Line;
use crate::wire::numeric::{ERR_HELPNOTFOUND, RPL_ENDOFHELP, RPL_HELPSTART, RPL_HELPTXT};
use crate::world::{Slot, World};

/// How a command is said, and what it does. Each line fits a screen.
type Topic = (&'static str, &'static [&'static str]);

/// Sorted by name.
const TOPICS: &[Topic] = &[
    ("ACCEPT", &["ACCEPT <nick>[,-<nick>...] | *", "Whom you hear under user mode g; * lists them."]),
    ("ADMIN", &["ADMIN", "Whom to ask about this server."]),
    ("AWAY", &["AWAY [:<text>]", "Marks you as away; without a text as back."]),
    (
        "CHATHISTORY",
        &[
            "CHATHISTORY LATEST|BEFORE|AFTER|AROUND|BETWEEN <target> <reference>... <lines>",
            "What was said in a channel, or between you and another who is logged in.",
        ],
    ),
    (
        "CMODE",
        &[
            "MODE <channel> [+|-]<letters> [<parameters>]",
            "b ban, e exception, I invite exception, i invite only, k key, l limit, m moderated, n no messages",
            "from outside, o operator, p private, s secret, S TLS only, t topic by operators, v voice,",
            "u auditorium: members who are no operators don't see each other.",
        ],
    ),
    ("HELP", &["HELP [<topic>]", "Says what a command does."]),
    ("INFO", &["INFO", "What this server is, and since when."]),
    ("INVITE", &["INVITE <nick> <channel>", "Asks somebody in; operators of the channel may."]),
    ("ISON", &["ISON <nick>...", "Which of these are here."]),
    ("JOIN", &["JOIN <channel>[,<channel>...] [<key>[,<key>...]]", "Enters channels. JOIN 0 leaves all."]),
    ("KICK", &["KICK <channel> <nick> [:<reason>]", "Sends somebody out of a channel."]),
    ("KNOCK", &["KNOCK <channel>", "Asks the operators of a closed channel for an invitation."]),
    ("LINKS", &["LINKS", "The servers of this network: one."]),
    (
        "LIST",
        &[
            "LIST [<channel> | <filter>[,<filter>...]]",
            "Channels with their members and topic. Filters: >n and <n members; C>n, C<n, T>n, T<n minutes since",
            "the channel or its topic came to be.",
        ],
    ),
    ("LUSERS", &["LUSERS", "How many there are."]),
    (
        "MONITOR",
        &[
            "MONITOR +|- <nick>[,<nick>...], MONITOR C|L|S",
            "Tells when these come and go. C clears, L lists, S says who is here.",
        ],
    ),
    ("MOTD", &["MOTD", "The message of the day."]),
    ("NAMES", &["NAMES [<channel>]", "Who is in a channel."]),
    ("NICK", &["NICK <nick>", "Takes another name."]),
    ("NOTICE", &["NOTICE <target>[,<target>...] :<text>", "As PRIVMSG, and never answered by programs."]),
    ("OPER", &["OPER <name> <password>", "Makes you an IRC operator."]),
    ("PART", &["PART <channel>[,<channel>...] [:<reason>]", "Leaves channels."]),
    ("PASS", &["PASS <password>", "Before NICK and USER: the server's password."]),
    ("PING", &["PING <text>", "Is answered by PONG with the text."]),
    ("PONG", &["PONG <text>", "Answers the server's PING."]),
    (
        "PRIVMSG",
        &[
            "PRIVMSG <target>[,<target>...] :<text>",
            "Says something to a nick or a channel; to @<channel> its operators hear it, to +<channel> those",
            "with a voice as well.",
        ],
    ),
    ("QUIT", &["QUIT [:<reason>]", "Ends the connection."]),
    ("REDACT", &["REDACT <channel> <msgid> [:<reason>]", "Takes a line out of a channel's history."]),
    ("REGISTER", &["Accounts stand in the server's configuration; log in by SASL PLAIN."]),
    ("SETNAME", &["SETNAME :<real name>", "Changes your real name."]),
    ("STATS", &["STATS u|p|l", "How long the server runs; which operators are here; your connection."]),
    ("TIME", &["TIME", "The server's clock."]),
    ("TOPIC", &["TOPIC <channel> [:<text>]", "Shows a channel's topic or sets it; an empty one clears it."]),
    (
        "UMODE",
        &[
            "MODE <nick> [+|-]<letters>",
            "D deaf to channels, g hears only whom you ACCEPT, i invisible to strangers, w WALLOPS; o operator,",
            "s server notices. Other letters do nothing here.",
        ],
    ),
    ("USER", &["USER <name> 0 * :<real name>", "Before you are registered: who you are."]),
    ("USERHOST", &["USERHOST <nick>...", "User names and hosts of up to five nicks."]),
    ("USERS", &["USERS", "How many users there are and were at most."]),
    ("VERSION", &["VERSION", "The program, and what it supports."]),
    (
        "WHO",
        &[
            "WHO <channel | nick | mask> [o][%<fields>[,<token>]]",
            "Users one by one; with o operators only, with % the fields asked for.",
        ],
    ),
    ("WHOIS", &["WHOIS [<server>] <nick>", "What may be known of a user."]),
    ("WHOWAS", &["WHOWAS <nick> [<count>]", "Who had this nick before."]),
];

/// For IRC operators; sorted by name.
const OPERS: &[Topic] = &[
    ("DLINE", &["DLINE [<minutes>] <address or network> [:<reason>]", "Refuses connections from there."]),
    ("KILL", &["KILL <nick> [:<reason>]", "Ends somebody's connection."]),
    ("KLINE", &["KLINE [<minutes>] <user@host> [:<reason>]", "Ends and refuses whoever matches."]),
    ("MAP", &["MAP", "The servers of this network: one."]),
    ("REHASH", &["REHASH", "Reads the configuration again."]),
    ("UNDLINE", &["UNDLINE <address or network>", "Takes a DLINE back."]),
    ("UNKLINE", &["UNKLINE <user@host>", "Takes a KLINE back."]),
    ("WALLOPS", &["WALLOPS :<text>", "Says something to all with user mode w."]),
];

/// Names in one line of the index, and how wide each of them is.
const COLUMNS: usize = 4;
const WIDTH: usize = 16;

pub(super) fn help(world: &mut World, me: Slot, line: &Line<'_>) {
    let asked = line.word(0).unwrap_or(b"index");
    let oper = world.client(me).oper();
    if asked.eq_ignore_ascii_case(b"index") {
        let mut lines = vec!["Topics:".to_owned()];
        lines.extend(index(TOPICS));
        if oper {
            lines.extend(index(OPERS));
        }
        return say(world, me, asked, &lines);
    }
    let topics = TOPICS.iter().chain(OPERS.iter().filter(|_| oper));
    match topics.into_iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(asked)) {
        Some((_, lines)) => say(world, me, asked, lines),
        None => world.reply(me, ERR_HELPNOTFOUND, &[asked]),
    }
}

fn index(topics: &[Topic]) -> impl Iterator<Item = String> {
    topics.chunks(COLUMNS).map(|row| {
        let row: Vec<String> = row.iter().map(|(name, _)| format!("{name:WIDTH$}")).collect();
        row.concat().trim_end().to_owned()
    })
}

fn say<T: AsRef<[u8]>>(world: &mut World, me: Slot, topic: &[u8], lines: &[T]) {
    for (at, text) in lines.iter().enumerate() {
        let numeric = if at == 0 { RPL_HELPSTART } else { RPL_HELPTXT };
        world.reply_text(me, numeric, &[topic], text);
    }
    world.reply(me, RPL_ENDOFHELP, &[topic]);
}
