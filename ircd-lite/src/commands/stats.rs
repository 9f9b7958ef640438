//! STATS: `u` and `p` for all, `l` of oneself, `o` and `k` for operators.

use crate::wire::line::Line;
use crate::wire::numeric::{
    ERR_NOPRIVILEGES, Numeric, RPL_ENDOFSTATS, RPL_STATSCONN, RPL_STATSDEBUG, RPL_STATSLINKINFO,
    RPL_STATSUPTIME,
};
use crate::world::{Slot, World};

const RPL_STATSKLINE: Numeric = Numeric { code: "216", text: "" };
const RPL_STATSOLINE: Numeric = Numeric { code: "243", text: "" };

pub(super) fn stats(world: &mut World, me: Slot, line: &Line<'_>) {
    let asked = line.get(0).unwrap_or_default();
    let letter = asked.get(..1).unwrap_or_default();
    let oper = world.client(me).oper();
    match letter {
        b"u" => uptime(world, me),
        b"p" => operators(world, me),
        b"l" | b"L" => {
            let client = world.client(me);
            let seconds = world.now.mono_ms.saturating_sub(client.connected_ms) / 1000;
            let (nick, seconds) = (client.identity.nick(), seconds.to_string());
            world.reply_words(
                me,
                RPL_STATSLINKINFO,
                &[&nick, b"0", b"0", b"0", b"0", b"0", seconds.as_bytes()],
            );
        }
        b"o" | b"k" if !oper => world.reply(me, ERR_NOPRIVILEGES, &[]),
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
    let mut shown = 0;
    for oper in world.opers.clone() {
        if !world.hidden(me, oper) {
            shown += 1;
            let client = world.client(oper);
            let idle = world.now.mono_ms.saturating_sub(client.spoke_ms) / 1000;
            let identity = &client.identity;
            let nick = identity.nick();
            let parts: [&[u8]; 5] = [&nick, b" (", &identity.user(), b"@", &identity.host()];
            let text = [parts.concat(), format!(") Idle: {idle}").into_bytes()].concat();
            world.reply_text(me, RPL_STATSDEBUG, &[b"p"], text);
        }
    }
    let text = format!("{shown} staff members");
    world.reply_text(me, RPL_STATSDEBUG, &[b"p"], text);
}
