//! A connection's way through the world: it comes, sends lines, falls silent, goes.

use std::cmp::Reverse;
use std::net::IpAddr;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::addresses::TooMany;
use super::caps::Caps;
use super::client::{Client, Identity, Registration, Transport, UserModes};
use super::flood::Flood;
use super::whowas::Past;
use super::{ClientId, Gone, Now, Peer, Slot, World, addresses};
use crate::commands;
use crate::config::Limits;
use crate::wire::line::{Line, Malformed};
use crate::wire::message::{Message, TagSet};
use crate::wire::name::Folded;
use crate::wire::numeric::ERR_INPUTTOOLONG;
use crate::wire::tags;
use crate::wire::writer::Writer;

/// Lines that may wait for a password check where flood control is off.
const WAITING_LINES: usize = 200;
/// The longest label.
const LABEL: usize = 64;

impl World {
    /// A connection came in. `Err` holds the line that it gets before it is closed.
    ///
    /// # Errors
    /// When its address is banned or has too many connections.
    pub fn connect(&mut self, peer: Peer, now: Now) -> Result<ClientId, Bytes> {
        self.now = now;
        let address = peer.address.to_canonical();
        if self.bans.dlined(address, now.unix_ms).is_some() {
            return Err(Writer::bare("ERROR").text("You have been D-lined.").end());
        }
        let exempt_address = self.exempt(address);
        if !exempt_address {
            self.count_address(address)?;
        }
        let cloaked = peer.transport == Transport::WebSocket && self.config.server.cloak_ws;
        let host = if cloaked { self.cloak(address) } else { host_text(address) };
        self.next_serial += 1;
        let id = self.clients.insert(Client {
            serial: self.next_serial,
            identity: Identity::new(b"", b"", host.as_bytes()),
            realname: Bytes::new(),
            address,
            transport: peer.transport,
            cloaked,
            exempt_address,
            registration: Some(Box::new(Registration { local: Some(peer.local), ..Registration::default() })),
            login: None,
            caps: Caps::default(),
            tags: TagSet::default(),
            cap_302: false,
            modes: UserModes::default(),
            away: None,
            channels: Vec::new(),
            auditoriums: 0,
            since_unix_ms: now.unix_ms,
            connected_ms: now.mono_ms,
            seen_ms: now.mono_ms,
            spoke_ms: now.mono_ms,
            pinged: false,
            verifying: false,
            timer_ms: u64::MAX,
            batches: 0,
            mark: 0,
            flood: Flood::new(now.mono_ms),
            waiting: std::collections::VecDeque::new(),
            lists: None,
            pending: Vec::new(),
        });
        self.counts.total_connections += 1;
        self.counts.max_connections = self.counts.max_connections.max(self.clients.len());
        self.set_timer(id.slot);
        Ok(id)
    }

    /// A line from a connection, without its line end.
    pub fn receive(&mut self, id: ClientId, line: &[u8], now: Now) {
        self.now = now;
        let Some(slot) = self.clients.find(id) else { return };
        let free = self.free_of_flood(slot, line);
        let limits = &self.config.limits;
        let most = if limits.flood_lines == 0 { WAITING_LINES } else { limits.flood_lines };
        let client = self.client_mut(slot);
        client.seen_ms = now.mono_ms;
        client.pinged = false;
        let must_wait = client.verifying || !client.waiting.is_empty();
        if !must_wait && (free || client.flood.take(now.mono_ms)) {
            return self.execute(slot, line);
        }
        client.waiting.push_back(line.into());
        if client.waiting.len() > most {
            // As with ircd-ratbox nothing more is sent to it: it does not read, it floods.
            return self.drop_silently(slot, b"Excess Flood");
        }
        if !client.verifying {
            let at = client.flood.next_ms();
            self.arm(slot, at);
        }
    }

    /// A connection ended by itself.
    pub fn close(&mut self, id: ClientId, gone: Gone, now: Now) {
        self.now = now;
        let Some(slot) = self.clients.find(id) else { return };
        let reason = match gone {
            Gone::Eof => "Remote host closed the connection".to_owned(),
            Gone::Error(std::io::ErrorKind::ConnectionReset) => {
                "Read error: Connection reset by peer".to_owned()
            }
            Gone::Error(kind) => format!("Read error: {kind}"),
            Gone::SendQ => "Max SendQ exceeded".to_owned(),
            Gone::Protocol => "Protocol error".to_owned(),
        };
        self.exit(slot, reason.as_bytes());
    }

    /// Time has passed. Harmless when early, and when called twice.
    pub fn tick(&mut self, now: Now) {
        self.now = now;
        while let Some(Reverse((at, slot, serial))) = self.timers.peek().copied() {
            if at > now.mono_ms {
                break;
            }
            self.timers.pop();
            let current = self.clients.contains(slot) && self.client(slot).serial == serial;
            if current && self.client(slot).timer_ms == at {
                self.client_mut(slot).timer_ms = u64::MAX;
                self.service(slot);
            }
        }
        if now.mono_ms >= self.next_purge_ms {
            self.next_purge_ms = now.mono_ms + addresses::WINDOW_MS;
            self.addresses.purge(now.mono_ms);
        }
    }

    /// The outcome of a password check that [`Effect::Verify`](super::Effect::Verify) asked for.
    pub fn verified(&mut self, id: ClientId, matches: bool, now: Now) {
        self.now = now;
        let Some(slot) = self.clients.find(id) else { return };
        self.client_mut(slot).verifying = false;
        if let Some(purpose) = self.verifying.remove(&slot) {
            commands::verified(self, slot, purpose, matches);
        }
        if self.clients.find(id).is_some() {
            self.service(slot);
        }
    }

    /// The server stops: everybody is told and forgotten.
    pub fn stop(&mut self, now: Now) {
        self.now = now;
        let all: Vec<Slot> = self.clients.all().map(|(slot, _)| slot).collect();
        for slot in all {
            let line = closing_link(&self.client(slot).identity.host(), b"Server closing");
            self.clients.remove(slot, Some(line));
        }
    }

    /// Ends a client: those who may know are told, every table forgets it, it gets its ERROR line.
    pub(crate) fn exit(&mut self, slot: Slot, reason: &[u8]) {
        let host = self.client(slot).identity.host();
        self.leave_world(slot, reason, Some(closing_link(&host, reason)));
    }

    /// As [`World::exit`], with a last line that is not about the link.
    pub(crate) fn exit_with(&mut self, slot: Slot, reason: &[u8], last: Bytes) {
        self.leave_world(slot, reason, Some(last));
    }

    /// As [`World::exit`], without a word to the client itself.
    fn drop_silently(&mut self, slot: Slot, reason: &[u8]) {
        self.client_mut(slot).pending.clear();
        self.leave_world(slot, reason, None);
    }

    fn leave_world(&mut self, slot: Slot, reason: &[u8], last: Option<Bytes>) {
        if self.client(slot).registered() {
            let line = self.line_from(slot, "QUIT").text(reason).end();
            let mut message = self.message_from(slot, line);
            for peer in self.peers(slot) {
                self.clients.deliver(peer, &mut message);
            }
            if last.is_some() {
                self.clients.deliver(slot, &mut message);
            }
            self.monitor_offline(slot);
            self.remember_past(slot);
            let modes = self.client(slot).modes;
            self.counts.users -= 1;
            self.counts.invisible -= usize::from(modes.has(UserModes::INVISIBLE));
            let hidden = self.client(slot).auditoriums > 0;
            self.counts.hidden -= usize::from(hidden);
            self.counts.hidden_invisible -= usize::from(hidden && modes.has(UserModes::INVISIBLE));
            if modes.has(UserModes::OPER) {
                self.counts.opers -= 1;
                self.opers.retain(|oper| *oper != slot);
            }
            // Leaving its channels must not count it again.
            self.client_mut(slot).auditoriums = 0;
        }
        for channel in std::mem::take(&mut self.client_mut(slot).channels) {
            self.channel_mut(channel).remove(slot);
            let state = self.channel(channel);
            if state.members().is_empty() && state.permanent.is_none() {
                self.forget_channel(channel);
            }
        }
        self.forget_lists(slot);
        let nick = Folded::new(&self.client(slot).identity.nick());
        if self.nicks.get(&nick) == Some(&slot) {
            self.nicks.remove(&nick);
        }
        let client = self.client(slot);
        if !client.exempt_address {
            let address = client.address;
            self.addresses.close(address);
        }
        self.verifying.remove(&slot);
        self.clients.remove(slot, last);
    }

    fn forget_lists(&mut self, slot: Slot) {
        let Some(lists) = self.client_mut(slot).lists.take() else { return };
        for (nick, _) in &lists.monitor {
            self.monitors.remove(nick, slot);
        }
        for other in lists.accept {
            if let Some(theirs) = &mut self.client_mut(other).lists {
                theirs.accepted_by.retain(|at| *at != slot);
            }
        }
        for other in lists.accepted_by {
            if let Some(theirs) = &mut self.client_mut(other).lists {
                theirs.accept.retain(|at| *at != slot);
            }
        }
        for channel in lists.invites {
            self.channel_mut(channel).invited.retain(|at| *at != slot);
        }
    }

    /// Keeps the present name for WHOWAS.
    pub(crate) fn remember_past(&mut self, slot: Slot) {
        let client = self.client(slot);
        let auditoriums = client
            .channels
            .iter()
            .map(|at| self.channel(*at))
            .filter(|channel| channel.auditorium() && !channel.is_operator(slot))
            .map(|channel| channel.name.clone())
            .collect();
        let past = Past {
            client: self.clients.id(slot),
            identity: client.identity.clone(),
            realname: client.realname.clone(),
            address: client.address,
            cloaked: client.cloaked,
            unix_ms: self.now.unix_ms,
            auditoriums,
        };
        self.whowas.push(past);
    }

    /// Makes sure that [`World::tick`] looks after `slot` at `at_ms` or earlier.
    pub(crate) fn arm(&mut self, slot: Slot, at_ms: u64) {
        let client = self.client_mut(slot);
        if at_ms < client.timer_ms {
            client.timer_ms = at_ms;
            let serial = client.serial;
            self.timers.push(Reverse((at_ms, slot, serial)));
        }
    }

    /// Runs what waits, and ends or pings who is silent.
    fn service(&mut self, slot: Slot) {
        let serial = self.client(slot).serial;
        let alive = |world: &Self| world.clients.contains(slot) && world.client(slot).serial == serial;
        while alive(self) && !self.client(slot).verifying {
            let Some(line) = self.client(slot).waiting.front().cloned() else { break };
            let free = self.free_of_flood(slot, &line);
            let now_ms = self.now.mono_ms;
            let client = self.client_mut(slot);
            if !free && !client.flood.take(now_ms) {
                let at = client.flood.next_ms();
                self.arm(slot, at);
                break;
            }
            client.waiting.pop_front();
            self.execute(slot, &line);
        }
        if alive(self) {
            self.check_silence(slot);
        }
    }

    fn check_silence(&mut self, slot: Slot) {
        let (now_ms, ping_ms) = (self.now.mono_ms, self.config.limits.ping_seconds * 1000);
        let client = self.client(slot);
        if client.registered() && ping_ms > 0 {
            let quiet = now_ms.saturating_sub(client.seen_ms);
            if client.pinged && quiet >= 2 * ping_ms {
                let reason = format!("Ping timeout: {} seconds", quiet / 1000);
                return self.exit(slot, reason.as_bytes());
            }
            if !client.pinged && quiet >= ping_ms {
                self.client_mut(slot).pinged = true;
                let line = Writer::bare("PING").text(&self.name).end();
                self.clients.push_raw(slot, line);
            }
        }
        let registration_ms = self.config.limits.registration_seconds * 1000;
        let client = self.client(slot);
        if !client.registered() && registration_ms > 0 && now_ms >= client.connected_ms + registration_ms {
            return self.exit(slot, b"Connection timed out");
        }
        self.set_timer(slot);
    }

    /// Sets the timer that looks after silence.
    pub(crate) fn set_timer(&mut self, slot: Slot) {
        let Limits { ping_seconds, registration_seconds, .. } = self.config.limits;
        let client = self.client(slot);
        let (from, seconds) = match (client.registered(), client.pinged) {
            (false, _) => (client.connected_ms, registration_seconds),
            (true, false) => (client.seen_ms, ping_seconds),
            (true, true) => (client.seen_ms, ping_seconds * 2),
        };
        if seconds > 0 {
            self.arm(slot, from + seconds * 1000);
        }
    }

    /// Whether this line costs no allowance.
    fn free_of_flood(&self, slot: Slot, line: &[u8]) -> bool {
        let client = self.client(slot);
        let starts = |word: &[u8]| line.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
        // ratbox knows no SASL and one capability: its five lines before registration don't hold today's sign-on.
        let signing_on = !client.registered() && (starts(b"CAP ") || starts(b"AUTHENTICATE "));
        self.config.limits.flood_lines == 0 || client.unlimited() || signing_on
    }

    fn execute(&mut self, slot: Slot, bytes: &[u8]) {
        let line = match Line::parse(bytes) {
            Ok(line) => line,
            Err(Malformed::Empty) => return,
            Err(Malformed::TagsTooLong) => return self.reply(slot, ERR_INPUTTOOLONG, &[]),
        };
        let id = self.clients.id(slot);
        self.batches = self.client(slot).batches;
        self.answer(slot, &line);
        if self.clients.find(id).is_some() {
            self.client_mut(slot).batches = self.batches;
        }
    }

    fn answer(&mut self, slot: Slot, line: &Line<'_>) {
        let wanted = self.client(slot).caps.has(Caps::LABELED_RESPONSE.with(Caps::BATCH));
        let label = tags::value(line.tags, b"label").filter(|label| wanted && label.len() <= LABEL);
        let Some(label) = label else { return commands::dispatch(self, slot, line) };
        let id = self.clients.id(slot);
        self.clients.start_capture(slot);
        commands::dispatch(self, slot, line);
        if self.clients.find(id).is_some() {
            let lines = self.clients.take_capture(slot).unwrap_or_default();
            self.answer_label(slot, &label, &lines);
        }
    }

    /// Sends a labelled answer: one line with the label, or a batch, or ACK.
    fn answer_label(&mut self, slot: Slot, label: &[u8], lines: &[Bytes]) {
        let mut tag = b"label=".to_vec();
        tags::escape(label, &mut tag);
        let labelled = |line: &[u8]| tags::prepend(line, &tag);
        match lines {
            [] => {
                let line = Writer::new(&self.name, "ACK").end();
                let line = Message::new(line, self.now.unix_ms).form(self.client(slot).tags);
                self.clients.push_raw(slot, labelled(&line));
            }
            [line] => self.clients.push_raw(slot, labelled(line)),
            [first, rest @ ..] if is_one_batch(first, rest) => {
                self.clients.push_raw(slot, labelled(first));
                for line in rest {
                    self.clients.push_raw(slot, line.clone());
                }
            }
            lines => {
                let id = self.batch_id();
                let start =
                    Writer::new(&self.name, "BATCH").word(format!("+{id}")).word("labeled-response").end();
                self.clients.push_raw(slot, labelled(&start));
                let tag = format!("batch={id}");
                for line in lines {
                    let inner = line.starts_with(b"@batch=");
                    let line = if inner { line.clone() } else { tags::prepend(line, tag.as_bytes()) };
                    self.clients.push_raw(slot, line);
                }
                let end = Writer::new(&self.name, "BATCH").word(format!("-{id}")).end();
                self.clients.push_raw(slot, end);
            }
        }
    }

    fn exempt(&self, address: IpAddr) -> bool {
        let gateways = self.config.webirc.iter().flat_map(|gateway| &gateway.hosts);
        self.config.limits.exempt.iter().chain(gateways).any(|network| network.contains(address))
    }

    fn count_address(&mut self, address: IpAddr) -> Result<(), Bytes> {
        let limits = &self.config.limits;
        let (open, recent) = (limits.connections_per_address, limits.connect_throttle);
        self.addresses.open(address, self.now.mono_ms, open, recent).map_err(|reason| match reason {
            TooMany::Recent => Writer::bare("ERROR").text("Reconnecting too fast, throttled.").end(),
            TooMany::Open => {
                closing_link(address.to_string().as_bytes(), b"Too many host connections (local)")
            }
        })
    }

    /// A gateway said where its user is: the connection counts by that address from now on.
    pub(crate) fn move_to_address(&mut self, slot: Slot, address: IpAddr) -> Result<(), Bytes> {
        let address = address.to_canonical();
        if self.bans.dlined(address, self.now.unix_ms).is_some() {
            return Err(Writer::bare("ERROR").text("You have been D-lined.").end());
        }
        let exempt = self.config.limits.exempt.iter().any(|network| network.contains(address));
        if !exempt {
            self.count_address(address)?;
        }
        let client = self.client_mut(slot);
        let (counted, old) = (!client.exempt_address, client.address);
        client.address = address;
        client.exempt_address = exempt;
        client.identity = Identity::new(b"", b"", host_text(address).as_bytes());
        if counted {
            self.addresses.close(old);
        }
        Ok(())
    }

    /// A stand-in for an address: the same one for the same address as long as this server runs, and nothing that
    /// leads back to it.
    fn cloak(&self, address: IpAddr) -> String {
        let digest = Sha256::new().chain_update(self.cloak_key).chain_update(address.to_string()).finalize();
        format!("web-{}", super::hex(digest.get(..8).unwrap_or_default()))
    }
}

/// An address as a host on the wire; `:` first would make it a last parameter.
fn host_text(address: IpAddr) -> String {
    let text = address.to_string();
    if text.starts_with(':') { format!("0{text}") } else { text }
}

fn closing_link(host: &[u8], reason: &[u8]) -> Bytes {
    Writer::bare("ERROR").text([b"Closing Link: ", host, b" (", reason, b")"].concat()).end()
}

/// Whether the lines are one batch from its start to its end.
fn is_one_batch(first: &[u8], rest: &[Bytes]) -> bool {
    let reference = |line: &[u8], sign: u8| -> Option<Vec<u8>> {
        let line = Line::parse(line.strip_suffix(b"\r\n").unwrap_or(line)).ok()?;
        let id = line.get(0).filter(|_| line.command == b"BATCH")?;
        id.strip_prefix(&[sign]).map(<[u8]>::to_vec)
    };
    let start = reference(first, b'+');
    start.is_some() && rest.last().and_then(|line| reference(line, b'-')) == start
}
