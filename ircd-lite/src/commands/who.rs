//! WHO, and WHOX (`WHO mask %fields,token`).

use super::end_grace;
use super::list::Costly;
use crate::wire::line::Line;
use crate::wire::mask::matches;
use crate::wire::name;
use crate::wire::numeric::{ERR_TOOMANYMATCHES, RPL_ENDOFWHO, RPL_LOAD2HI, RPL_WHOREPLY, RPL_WHOSPCRPL};
use crate::world::caps::Caps;
use crate::world::client::UserModes;
use crate::world::{ChannelSlot, Slot, World};

/// The most answers to a mask.
const MOST: usize = 500;

/// What the asker wants to know.
struct Query<'a> {
    opers_only: bool,
    fields: Option<Vec<u8>>,
    token: &'a [u8],
}

pub(super) fn who(world: &mut World, me: Slot, line: &Line<'_>) {
    let asked = line.get(0).unwrap_or_default();
    let options = line.get(1).unwrap_or_default();
    let query = Query::parse(options);
    if name::is_channel(asked) {
        if let Some(channel) = world.find_channel(asked) {
            who_channel(world, me, channel, &query);
        }
    } else if asked == b"*" {
        // The channel joined last, as in ircd-ratbox: everybody is `0`.
        if let Some(channel) = world.client(me).channels.last().copied() {
            who_channel(world, me, channel, &query);
        }
    } else if let Some(user) = world.visible_user(me, asked) {
        let channel = shared_or_public(world, me, user);
        if !query.opers_only || world.client(user).oper() {
            query.answer(world, me, user, channel);
        }
    } else if asked.iter().any(|byte| b"*?".contains(byte)) || asked == b"0" || asked.contains(&b'.') {
        end_grace(world, me);
        if world.too_soon(me, Costly::Who) {
            world.reply(me, RPL_LOAD2HI, &[b"WHO"]);
            return world.reply(me, RPL_ENDOFWHO, &[b"*"]);
        }
        who_mask(world, me, asked, &query);
    }
    world.reply(me, RPL_ENDOFWHO, &[asked]);
}

fn who_channel(world: &mut World, me: Slot, channel: ChannelSlot, query: &Query<'_>) {
    let state = world.channel(channel);
    let inside = state.rank(me).is_some();
    if !inside && state.modes.has(crate::world::channel::Modes::SECRET) {
        return;
    }
    let shown: Vec<Slot> = state
        .members()
        .iter()
        .map(|member| member.client)
        .filter(|slot| {
            let client = world.client(*slot);
            (inside || !client.modes.has(UserModes::INVISIBLE))
                && (!query.opers_only || client.oper())
                && world.sees_member(channel, me, *slot)
        })
        .collect();
    for user in shown {
        query.answer(world, me, user, Some(channel));
    }
}

fn who_mask(world: &mut World, me: Slot, mask: &[u8], query: &Query<'_>) {
    let mask = if mask == b"0" { b"*" } else { mask };
    let server = world.name.clone();
    let fits = |slot: Slot| {
        let client = world.client(slot);
        let parts = [
            client.identity.nick(),
            client.identity.user(),
            client.identity.host(),
            server.clone(),
            client.realname.clone(),
        ];
        parts.iter().any(|part| matches(mask, part))
    };
    let shares = |slot: Slot| {
        world
            .client(slot)
            .channels
            .iter()
            .any(|at| world.channel(*at).rank(me).is_some() && world.sees_member(*at, me, slot))
    };
    let found: Vec<Slot> = world
        .clients
        .all()
        .filter(|(_, client)| client.registered() && (!query.opers_only || client.oper()))
        .filter(|(slot, client)| *slot == me || !client.modes.has(UserModes::INVISIBLE) || shares(*slot))
        .filter(|(slot, _)| !world.hidden(me, *slot) && fits(*slot))
        .map(|(slot, _)| slot)
        .take(MOST + 1)
        .collect();
    for user in found.iter().take(MOST) {
        query.answer(world, me, *user, None);
    }
    if found.len() > MOST {
        world.reply(me, ERR_TOOMANYMATCHES, &[b"WHO"]);
    }
}

/// A channel to name beside a user who was asked for by nick.
fn shared_or_public(world: &World, me: Slot, user: Slot) -> Option<ChannelSlot> {
    let seen = |at: &&ChannelSlot| world.channel_visible(**at, me, user);
    world.client(user).channels.iter().rev().find(seen).copied()
}

impl World {
    /// Whether `asker` may learn that `user` is on this channel.
    pub(crate) fn channel_visible(&self, channel: ChannelSlot, asker: Slot, user: Slot) -> bool {
        let state = self.channel(channel);
        (user == asker || state.public() || state.rank(asker).is_some())
            && self.sees_member(channel, asker, user)
    }
}

impl<'a> Query<'a> {
    fn parse(options: &'a [u8]) -> Self {
        let (flags, extended) = match options.iter().position(|byte| *byte == b'%') {
            Some(at) => (options.get(..at).unwrap_or_default(), options.get(at + 1..)),
            None => (options, None),
        };
        let mut parts = extended.unwrap_or_default().splitn(2, |byte| *byte == b',');
        let fields = parts.next().unwrap_or_default();
        let token = parts.next().filter(|token| !token.is_empty() && token.len() <= 3).unwrap_or(b"0");
        let fields = Some(fields).filter(|fields| !fields.is_empty()).map(<[u8]>::to_vec);
        Self { opers_only: flags.contains(&b'o'), fields, token }
    }

    fn answer(&self, world: &mut World, me: Slot, user: Slot, channel: Option<ChannelSlot>) {
        let client = world.client(user);
        let caps = world.client(me).caps;
        let mut flags = vec![if client.away.is_some() { b'G' } else { b'H' }];
        if client.oper() {
            flags.push(b'*');
        }
        let rank = channel.and_then(|channel| world.channel(channel).rank(user)).unwrap_or_default();
        flags.extend_from_slice(rank.prefix(caps.has(Caps::MULTI_PREFIX)).as_bytes());
        let channel = channel.map_or_else(|| "*".into(), |channel| world.channel(channel).name.clone());
        let identity = client.identity.clone();
        let (user_name, host, nick) = (identity.user(), identity.host(), identity.nick());
        let server = world.name.clone();
        let realname = client.realname.clone();
        let Some(fields) = &self.fields else {
            let text = [b"0 ", realname.as_ref()].concat();
            return world.reply_text(
                me,
                RPL_WHOREPLY,
                &[&channel, &user_name, &host, &server, &nick, &flags],
                text,
            );
        };
        let asker_sees_address = !client.cloaked || user == me || world.client(me).oper();
        let address = if asker_sees_address { client.address.to_string() } else { "255.255.255.255".into() };
        let address = if address.starts_with(':') { format!("0{address}") } else { address };
        let idle = (world.now.mono_ms.saturating_sub(client.spoke_ms) / 1000).to_string();
        let account = client.account().unwrap_or_else(|| "0".into());
        let wanted = |field: u8| fields.contains(&field);
        let words: [(u8, &[u8]); 12] = [
            (b't', self.token),
            (b'c', &channel),
            (b'u', &user_name),
            (b'i', address.as_bytes()),
            (b'h', &host),
            (b's', &server),
            (b'n', &nick),
            (b'f', &flags),
            (b'd', b"0"),
            (b'l', idle.as_bytes()),
            (b'a', &account),
            (b'o', b"n/a"),
        ];
        let words: Vec<&[u8]> =
            words.iter().filter(|(field, _)| wanted(*field)).map(|(_, word)| *word).collect();
        if wanted(b'r') {
            world.reply_text(me, RPL_WHOSPCRPL, &words, realname);
        } else {
            world.reply_words(me, RPL_WHOSPCRPL, &words);
        }
    }
}
