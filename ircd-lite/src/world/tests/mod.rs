//! Transcripts of the world: who sends what, what everybody gets, with the clock in the test's hand.

mod auditorium;
mod capabilities;
mod chathistory;
mod delivery_check;
mod identity;
mod limits;
mod operators;
mod random;
mod ratbox;
mod redaction;
mod unnoticed;

use std::collections::BTreeMap;
use std::path::Path;

use super::*;

/// A world with named connections.
struct Stage {
    world: World,
    now: Now,
    ids: BTreeMap<String, ClientId>,
    inbox: BTreeMap<ClientId, Vec<String>>,
    closed: Vec<ClientId>,
}

/// Limits off, so that a test that is not about them never meets one.
const UNLIMITED: &str = "[limits]\nconnections_per_address = 0\nconnect_throttle = 0\nflood_lines = 0\n";

impl Stage {
    /// A world without limits, with more configuration.
    fn new(toml: &str) -> Self {
        Self::with_limits(&format!("{UNLIMITED}{toml}"))
    }

    fn with_limits(toml: &str) -> Self {
        let config = Config::parse(toml, Path::new("test.toml")).unwrap();
        let now = Now { unix_ms: 1_700_000_000_000, mono_ms: 1000 };
        Self {
            world: World::new(config, [7; 16], now),
            now,
            ids: BTreeMap::new(),
            inbox: BTreeMap::new(),
            closed: Vec::new(),
        }
    }

    /// A connection from 10.0.0.1 over TCP.
    fn connect(&mut self, who: &str) -> &mut Self {
        self.connect_from(who, "10.0.0.1", Transport::Plain).unwrap();
        self
    }

    fn connect_from(&mut self, who: &str, address: &str, transport: Transport) -> Result<(), String> {
        let local = "10.0.0.254:6667".parse().unwrap();
        let peer = Peer { address: address.parse().unwrap(), local, transport };
        let id =
            self.world.connect(peer, self.now).map_err(|line| String::from_utf8(line.to_vec()).unwrap())?;
        self.ids.insert(who.to_owned(), id);
        Ok(())
    }

    /// Connects and registers; the greeting is swallowed.
    fn register(&mut self, who: &str) -> &mut Self {
        self.register_with(who, "")
    }

    /// The same with capabilities.
    fn register_with(&mut self, who: &str, caps: &str) -> &mut Self {
        self.connect(who);
        if !caps.is_empty() {
            self.send(who, &format!("CAP REQ :{caps}")).send(who, "CAP END");
        }
        self.send(who, &format!("NICK {who}")).send(who, &format!("USER {who} 0 * :{who} Test"));
        let lines = self.lines(who);
        assert!(lines.iter().any(|line| line.contains(" 001 ")), "{who} could not register: {lines:?}");
        self
    }

    /// Registers with SASL PLAIN; the password is `pw`.
    fn register_as(&mut self, who: &str, account: &str) -> &mut Self {
        use base64::Engine;
        let message = base64::prelude::BASE64_STANDARD.encode(format!("\0{account}\0pw"));
        self.connect(who)
            .send(who, "CAP REQ :sasl")
            .send(who, &format!("NICK {who}"))
            .send(who, &format!("USER {who} 0 * :{who} Test"))
            .send(who, "AUTHENTICATE PLAIN")
            .send(who, &format!("AUTHENTICATE {message}"))
            .send(who, "CAP END");
        let lines = self.lines(who);
        assert!(lines.iter().any(|line| line.contains(" 001 ")), "{who} could not register: {lines:?}");
        self
    }

    fn send(&mut self, who: &str, line: &str) -> &mut Self {
        self.send_bytes(who, line.as_bytes())
    }

    fn send_bytes(&mut self, who: &str, line: &[u8]) -> &mut Self {
        self.world.receive(self.ids[who], line, self.now);
        self.collect();
        self
    }

    fn gone(&mut self, who: &str, gone: Gone) -> &mut Self {
        self.world.close(self.ids[who], gone, self.now);
        self.collect();
        self
    }

    /// Time passes, and the world is told of it each second.
    fn after(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.now.unix_ms += 1000;
            self.now.mono_ms += 1000;
            self.world.tick(self.now);
        }
        self.collect();
        self
    }

    fn collect(&mut self) {
        for output in self.world.take_output() {
            let lines = output.lines.iter().map(|line| {
                let line = line.strip_suffix(b"\r\n").expect("every line ends with CR LF");
                String::from_utf8_lossy(line).into_owned()
            });
            self.inbox.entry(output.client).or_default().extend(lines);
            if output.close {
                self.closed.push(output.client);
            }
        }
    }

    /// What `who` got since the last call.
    fn lines(&mut self, who: &str) -> Vec<String> {
        self.inbox.remove(&self.ids[who]).unwrap_or_default()
    }

    /// Everybody's lines so far don't matter.
    fn forget(&mut self) -> &mut Self {
        self.inbox.clear();
        self
    }

    #[track_caller]
    fn gets(&mut self, who: &str, expected: &[&str]) -> &mut Self {
        assert_eq!(self.lines(who), expected, "lines of {who}");
        self
    }

    #[track_caller]
    fn silent(&mut self, who: &str) -> &mut Self {
        self.gets(who, &[])
    }

    /// Some line of `who` holds `part`.
    #[track_caller]
    fn hears(&mut self, who: &str, part: &str) -> &mut Self {
        let lines = self.lines(who);
        assert!(lines.iter().any(|line| line.contains(part)), "{who} misses {part:?} in {lines:#?}");
        self
    }

    fn is_closed(&self, who: &str) -> bool {
        self.closed.contains(&self.ids[who])
    }
}
