//! STATS: `u` and `p` for all, `l` of oneself, `o` and `k` for operators.

use super::for_this_server;
use super::oper::PRIVILEGES;
use crate::wire::line::Line;
use crate::wire::numeric::{
    ERR_NOPRIVILEGES, Numeric, RPL_ENDOFSTATS, RPL_STATSCONN, RPL_STATSDEBUG, RPL_STATSLINKINFO,
    RPL_STATSUPTIME,
};
use crate::world::{Slot, World};

const RPL_STATSKLINE: Numeric = Numeric { code: "216", text: "" };
const RPL_STATSOLINE: Numeric = Numeric { code: "243", text: "" };

/// What others than IRC operators may not ask for.
const OPERS_ONLY: &[u8] = b"aAbBdDeEfFgGkKoOqQrRtTUxXzZ";

pub(super) fn stats(world: &mut World, me: Slot, line: &Line<'_>) {
    if !for_this_server(world, me, line.get(1)) {
        return;
    }
    let asked = line.get(0).unwrap_or_default();
    let letter = asked.get(..1).unwrap_or_default();
    let oper = world.client(me).oper();
    match letter {
        b"u" => uptime(world, me),
        b"p" => operators(world, me),
        b"l" | b"L" => {
            let client = world.client(me);
            let since = |from_ms: u64| world.now.mono_ms.saturating_sub(from_ms) / 1000;
            let text = format!("{} {} -", since(client.connected_ms), since(client.spoke_ms));
            let identity = &client.identity;
            let place: [&[u8]; 6] = [&identity.nick(), b"[", &identity.user(), b"@", &identity.host(), b"]"];
            let words: [&[u8]; 6] = [&place.concat(), b"0", b"0", b"0", b"0", b"0"];
            world.reply_text(me, RPL_STATSLINKINFO, &words, text);
        }
        [letter] if !oper && OPERS_ONLY.contains(letter) => world.reply(me, ERR_NOPRIVILEGES, &[]),
        b"o" => {
            let config = world.config.clone();
            for oper in &config.opers {
                for host in &oper.hosts {
                    world.reply_words(
                        me,
                        RPL_STATSOLINE,
                        &[b"O", host.as_str().as_bytes(), b"*", oper.name.as_bytes()],
                    );
                }
            }
        }
        b"k" => {
            let klines: Vec<(String, String)> =
                world.bans.klines().map(|(mask, reason)| (mask.to_owned(), reason.to_owned())).collect();
            for (mask, reason) in klines {
                let (user, host) = mask.split_once('@').unwrap_or(("*", &mask));
                world.reply_text(me, RPL_STATSKLINE, &[b"K", host.as_bytes(), b"*", user.as_bytes()], reason);
            }
        }
        _ => {}
    }
    world.reply(me, RPL_ENDOFSTATS, &[letter]);
}

fn uptime(world: &mut World, me: Slot) {
    let seconds = world.now.mono_ms.saturating_sub(world.started.mono_ms) / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let text = format!("Server Up {days} days, {hours}:{minutes:02}:{:02}", seconds % 60);
    world.reply_text(me, RPL_STATSUPTIME, &[], text);
    let counts = &world.counts;
    let (connections, clients, total) = if world.client(me).oper() {
        (counts.max_connections, counts.max_users, counts.total_connections)
    } else {
        (counts.max_seen, counts.max_seen, counts.max_seen as u64)
    };
    let text =
        format!("Highest connection count: {connections} ({clients} clients) ({total} connections received)");
    world.reply_text(me, RPL_STATSCONN, &[], text);
}

fn operators(world: &mut World, me: Slot) {
    let asker = world.client(me).oper();
    let mut count = 0;
    for oper in world.opers.clone() {
        if !world.hidden(me, oper) {
            count += 1;
            let client = world.client(oper);
            let idle = world.now.mono_ms.saturating_sub(client.spoke_ms) / 1000;
            let identity = &client.identity;
            let rights = if asker { format!("[{PRIVILEGES}]") } else { String::new() };
            let parts: [&[u8]; 6] = [b" ", &identity.nick(), b" (", &identity.user(), b"@", &identity.host()];
            let rest = format!(") Idle: {idle}");
            let text = [b"[O]", rights.as_bytes(), &parts.concat(), rest.as_bytes()].concat();
            world.reply_text(me, RPL_STATSDEBUG, &[b"p"], text);
        }
    }
    let text = format!("{count} OPER(s)");
    world.reply_text(me, RPL_STATSDEBUG, &[b"p"], text);
}
