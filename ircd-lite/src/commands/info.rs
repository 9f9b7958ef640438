//! What the server says about itself: VERSION and 005, TIME, ADMIN, MOTD, LUSERS, INFO, LINKS, MAP.

use super::accept::MOST as ACCEPTS;
use super::channel_mode::{KEY, MODES};
use super::for_this_server;
use super::registration::REALNAME;
use crate::wire::date;
use crate::wire::line::Line;
use crate::wire::mask;
use crate::wire::numeric::{
    ERR_NOMOTD, RPL_ADMINEMAIL, RPL_ADMINLOC1, RPL_ADMINLOC2, RPL_ADMINME, RPL_ENDOFINFO, RPL_ENDOFLINKS,
    RPL_ENDOFMOTD, RPL_GLOBALUSERS, RPL_INFO, RPL_ISUPPORT, RPL_LINKS, RPL_LOCALUSERS, RPL_LUSERCHANNELS,
    RPL_LUSERCLIENT, RPL_LUSERME, RPL_LUSEROP, RPL_LUSERUNKNOWN, RPL_MAP, RPL_MAPEND, RPL_MOTD,
    RPL_MOTDSTART, RPL_STATSCONN, RPL_TIME, RPL_VERSION,
};
use crate::world::client::UserModes;
use crate::world::{Slot, World};

/// As 002, 004 and 351 show it.
pub(super) const VERSION: &str = concat!("ircd-lite-", env!("CARGO_PKG_VERSION"));
/// Where MAP counts the users.
const MAP_COLUMN: usize = 50;
/// Tokens in one 005.
const TOKENS: usize = 12;

pub(super) fn version(world: &mut World, me: Slot, line: &Line<'_>) {
    if for_this_server(world, me, line.get(0)) {
        let name = world.name.clone();
        world.reply_text(me, RPL_VERSION, &[format!("{VERSION}.").as_bytes(), &name], "one server, no links");
        isupport(world, me);
    }
}

/// 005: only what there is.
pub(super) fn isupport(world: &mut World, me: Slot) {
    let limits = &world.config.limits;
    let number = |limit: usize| if limit == 0 { String::new() } else { limit.to_string() };
    let mut tokens = vec![
        "CHANTYPES=&#".to_owned(),
        "EXCEPTS".to_owned(),
        "INVEX".to_owned(),
        "CHANMODES=eIb,k,l,imnpstSu".to_owned(),
        format!("CHANLIMIT=&#:{}", number(limits.channels_per_user)),
        "PREFIX=(ov)@+".to_owned(),
        format!("MAXLIST=beI:{}", number(limits.list_entries)),
        format!("MODES={MODES}"),
        format!("NETWORK={}", world.config.server.network),
        "KNOCK".to_owned(),
        "STATUSMSG=@+".to_owned(),
        "CALLERID=g".to_owned(),
        "SAFELIST".to_owned(),
        "ELIST=CTU".to_owned(),
        "CASEMAPPING=rfc1459".to_owned(),
        "CHARSET=ascii".to_owned(),
        format!("NICKLEN={}", limits.nick_length),
        format!("CHANNELLEN={}", limits.channel_length),
        format!("TOPICLEN={}", limits.topic_length),
        format!("AWAYLEN={}", limits.away_length),
        format!("KEYLEN={KEY}"),
        format!("NAMELEN={REALNAME}"),
        "DEAF=D".to_owned(),
        format!("MONITOR={}", number(limits.monitor)),
        format!("ACCEPT={ACCEPTS}"),
        "WHOX".to_owned(),
        format!(
            "TARGMAX=NAMES:1,LIST:1,KICK:1,WHOIS:1,PRIVMSG:{0},NOTICE:{0},TAGMSG:{0},ACCEPT:,MONITOR:",
            number(limits.targets)
        ),
    ];
    if limits.history > 0 {
        tokens.push(format!("CHATHISTORY={}", super::history::MOST));
        tokens.push("MSGREFTYPES=timestamp,msgid".to_owned());
    }
    if world.config.server.utf8_only {
        tokens.push("UTF8ONLY".to_owned());
    }
    for tokens in tokens.chunks(TOKENS) {
        let words: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
        world.reply(me, RPL_ISUPPORT, &words);
    }
}

pub(super) fn time(world: &mut World, me: Slot, line: &Line<'_>) {
    if for_this_server(world, me, line.get(0)) {
        let (name, text) = (world.name.clone(), date::long(world.now.unix_ms));
        world.reply_text(me, RPL_TIME, &[&name], text);
    }
}

pub(super) fn admin(world: &mut World, me: Slot, line: &Line<'_>) {
    if !for_this_server(world, me, line.get(0)) {
        return;
    }
    let text = [b"Administrative info about ", world.name.as_ref()].concat();
    world.reply_text(me, RPL_ADMINME, &[], text);
    let config = world.config.clone();
    for (numeric, line) in
        [RPL_ADMINLOC1, RPL_ADMINLOC2, RPL_ADMINEMAIL].into_iter().zip(&config.server.admin)
    {
        world.reply_text(me, numeric, &[], line);
    }
}

pub(super) fn motd(world: &mut World, me: Slot, line: &Line<'_>) {
    if for_this_server(world, me, line.get(0)) {
        send_motd(world, me);
    }
}

pub(super) fn send_motd(world: &mut World, me: Slot) {
    let config = world.config.clone();
    let Some(lines) = &config.server.motd else { return world.reply(me, ERR_NOMOTD, &[]) };
    let start = [b"- ", world.name.as_ref(), b" Message of the Day - "].concat();
    world.reply_text(me, RPL_MOTDSTART, &[], start);
    for line in lines {
        world.reply_text(me, RPL_MOTD, &[], [b"- ", line.as_ref()].concat());
    }
    world.reply(me, RPL_ENDOFMOTD, &[]);
}

pub(super) fn lusers(world: &mut World, me: Slot, line: &Line<'_>) {
    if for_this_server(world, me, line.get(1)) {
        send_lusers(world, me);
    }
}

pub(super) fn users(world: &mut World, me: Slot, line: &Line<'_>) {
    if for_this_server(world, me, line.get(0)) {
        let (users, max) = user_counts(world, me);
        send_user_counts(world, me, users, max);
    }
}

/// How many users there are, and were at most, as far as `me` may know: who is hidden in an auditorium doesn't count,
/// except for IRC operators and itself.
fn user_counts(world: &World, me: Slot) -> (usize, usize) {
    let counts = &world.counts;
    let client = world.client(me);
    if client.oper() {
        return (counts.users, counts.max_users);
    }
    let seen = counts.users - counts.hidden + usize::from(client.auditoriums > 0);
    (seen, counts.max_seen.max(seen))
}

fn send_user_counts(world: &mut World, me: Slot, users: usize, max: usize) {
    let (now, most) = (users.to_string(), max.to_string());
    for (numeric, scope) in [(RPL_LOCALUSERS, "local"), (RPL_GLOBALUSERS, "global")] {
        let text = format!("Current {scope} users {now}, max {most}");
        world.reply_text(me, numeric, &[now.as_bytes(), most.as_bytes()], text);
    }
}

pub(super) fn send_lusers(world: &mut World, me: Slot) {
    let (users, max) = user_counts(world, me);
    let counts = &world.counts;
    let client = world.client(me);
    let invisible = if client.oper() {
        counts.invisible
    } else {
        let own = client.auditoriums > 0 && client.modes.has(UserModes::INVISIBLE);
        counts.invisible - counts.hidden_invisible + usize::from(own)
    };
    let opers = world.opers.iter().filter(|oper| !world.hidden(me, **oper)).count();
    let unknown = world.clients.len().saturating_sub(counts.users);
    let unknown = if client.oper() { unknown } else { 0 };
    let (max_connections, total) =
        if client.oper() { (counts.max_connections, counts.total_connections) } else { (max, max as u64) };
    let channels = world.channels.len();
    let text = format!("There are {} users and {invisible} invisible on 1 servers", users - invisible);
    world.reply_text(me, RPL_LUSERCLIENT, &[], text);
    for (numeric, count) in [(RPL_LUSEROP, opers), (RPL_LUSERUNKNOWN, unknown), (RPL_LUSERCHANNELS, channels)]
    {
        if count > 0 {
            world.reply(me, numeric, &[count.to_string().as_bytes()]);
        }
    }
    world.reply_text(me, RPL_LUSERME, &[], format!("I have {users} clients and 0 servers"));
    send_user_counts(world, me, users, max);
    let text =
        format!("Highest connection count: {max_connections} ({max} clients) ({total} connections received)");
    world.reply_text(me, RPL_STATSCONN, &[], text);
}

pub(super) fn info(world: &mut World, me: Slot, line: &Line<'_>) {
    if !for_this_server(world, me, line.get(0)) {
        return;
    }
    let started = format!("On-line since {}", date::human(world.started.unix_ms));
    for text in [VERSION, "A small IRC daemon that speaks as ircd-ratbox does.", &started] {
        world.reply_text(me, RPL_INFO, &[], text);
    }
    world.reply(me, RPL_ENDOFINFO, &[]);
}

pub(super) fn links(world: &mut World, me: Slot, line: &Line<'_>) {
    let words = line.parameters();
    let (server, mask) = match words {
        [server, mask, ..] => (Some(*server), *mask),
        [mask] => (None, *mask),
        [] => (None, &b""[..]),
    };
    if !for_this_server(world, me, server) {
        return;
    }
    let mask = if mask.is_empty() { b"*" } else { mask };
    let (name, description) = (world.name.clone(), world.config.server.description.clone());
    if mask::matches(mask, &name) {
        world.reply_text(me, RPL_LINKS, &[&name, &name], format!("0 {description}"));
    }
    world.reply(me, RPL_ENDOFLINKS, &[mask]);
}

/// MAP: for operators, as the daemon's default is.
pub(super) fn map(world: &mut World, me: Slot, _: &Line<'_>) {
    let users = world.counts.users;
    let name = format!("{} ", world.config.server.name);
    let text = format!("{name:-<MAP_COLUMN$} | Users: {users:5} (100.0%)");
    world.reply_text(me, RPL_MAP, &[], text);
    world.reply(me, RPL_MAPEND, &[]);
}
