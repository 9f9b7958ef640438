//! A visitor with the widget's manners: a session that outlives connections, lines kept until the bridge has them, answers
//! by entry, and the history for what was missed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

use super::ledger::{Fate, Ledger};
use super::plain::Do;
use super::text;

const SAY_EVERY: Duration = Duration::from_millis(80);
/// Sent again when nobody says that it is stored.
const STORED_WITHIN: Duration = Duration::from_secs(15);
/// With so many on the way nobody writes on: the bridge knows no more of a visitor's lines again.
const MOST_KEPT: usize = 100;
const SOON: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<TcpStream>;

pub(crate) struct Widget {
    name: &'static str,
    token: String,
    bridge: watch::Receiver<Option<SocketAddr>>,
    ledger: Ledger,
    quiet: CancellationToken,
    /// Lines that nobody has said anything about, oldest first, and which of them are on their way here.
    kept: VecDeque<usize>,
    in_flight: HashMap<usize, Instant>,
    said: HashSet<usize>,
    said_again: HashSet<usize>,
    bot_is_here: bool,
    /// The newest entry that the history told of.
    last: Option<String>,
    nick: String,
    renames: usize,
}

/// The connection is gone.
struct Gone;

impl Widget {
    pub(crate) fn new(
        name: &'static str,
        bridge: watch::Receiver<Option<SocketAddr>>,
        ledger: Ledger,
        quiet: CancellationToken,
    ) -> Self {
        Self {
            name,
            token: format!("{name:->32}"),
            bridge,
            ledger,
            quiet,
            kept: VecDeque::new(),
            in_flight: HashMap::new(),
            said: HashSet::new(),
            said_again: HashSet::new(),
            bot_is_here: true,
            last: None,
            nick: name.to_owned(),
            renames: 0,
        }
    }

    pub(crate) async fn live(mut self, mut orders: mpsc::Receiver<Do>) {
        loop {
            let bridge = *self.bridge.borrow();
            if let Some(bridge) = bridge
                && let Ok(Some(mut socket)) = timeout(SOON, connect(bridge)).await
            {
                let _: Result<(), Gone> = self.online(&mut socket, &mut orders).await;
            }
            self.in_flight.clear();
            self.bot_is_here = true;
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn online(&mut self, socket: &mut Socket, orders: &mut mpsc::Receiver<Do>) -> Result<(), Gone> {
        let greeting = [
            format!("SESSION {}", self.token),
            "CAP REQ :message-tags server-time batch draft/chathistory".to_owned(),
            "CAP END".to_owned(),
            format!("NICK {}", self.nick),
            "USER w 0 * :A visitor".to_owned(),
        ];
        for line in greeting {
            say(socket, line).await?;
        }
        let mut say_next = interval(SAY_EVERY);
        say_next.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut ready, mut batch) = (false, None);
        let registered_by = Instant::now() + SOON;
        loop {
            tokio::select! {
                message = socket.next() => {
                    let line = match message.ok_or(Gone)?.map_err(|_| Gone)? {
                        Message::Text(line) => line,
                        Message::Close(_) => return Err(Gone),
                        _ => continue,
                    };
                    self.hears(socket, &line, &mut ready, &mut batch).await?;
                }
                _ = say_next.tick() => {
                    if !ready {
                        if Instant::now() > registered_by {
                            return Err(Gone);
                        }
                        continue;
                    }
                    if !self.quiet.is_cancelled() && self.kept.len() < MOST_KEPT {
                        let number = self.ledger.say(self.name);
                        self.kept.push_back(number);
                    }
                    if self.in_flight.values().any(|since| since.elapsed() > STORED_WITHIN) {
                        self.in_flight.clear();
                    }
                    self.flush(socket).await?;
                }
                Some(order) = orders.recv(), if ready => match order {
                    Do::Rename => {
                        self.renames += 1;
                        say(socket, format!("NICK {}-{}", self.name, self.renames)).await?;
                    }
                    Do::Replace | Do::Drop => return Err(Gone),
                },
            }
        }
    }

    async fn hears(
        &mut self,
        socket: &mut Socket,
        line: &str,
        ready: &mut bool,
        batch: &mut Option<(String, usize)>,
    ) -> Result<(), Gone> {
        let (tags, rest) = tags(line);
        let words: Vec<&str> = rest.split(' ').collect();
        match words.as_slice() {
            ["PING", ..] => say(socket, rest.replacen("PING", "PONG", 1)).await?,
            [_, "001", nick, ..] => {
                (*nick).clone_into(&mut self.nick);
                say(socket, "MONITOR + bridgebot".to_owned()).await?;
                self.ask_history(socket).await?;
            }
            [_, "433", ..] => {
                self.renames += 1;
                self.nick = format!("{}-{}", self.name, self.renames);
                say(socket, format!("NICK {}", self.nick)).await?;
            }
            [_, "401", _, "bridgebot", ..] | [_, "731", ..] => self.bot_is_here = false,
            [_, "730", ..] => {
                if !std::mem::replace(&mut self.bot_is_here, true) {
                    self.in_flight.clear();
                }
                if *ready {
                    self.flush(socket).await?;
                }
            }
            [_, "BATCH", name, ..] => {
                if let Some(name) = name.strip_prefix('+') {
                    *batch = Some((name.to_owned(), 0));
                } else if let Some((_, count)) = batch.take() {
                    if count >= 200 {
                        self.ask_history(socket).await?;
                    } else {
                        *ready = true;
                        self.flush(socket).await?;
                    }
                }
            }
            ["FAIL", "CHATHISTORY", ..] | [_, "FAIL", "CHATHISTORY", ..] => return Err(Gone),
            [source, "NICK", to] if source.starts_with(&format!(":{}!", self.nick)) => {
                to.trim_start_matches(':').clone_into(&mut self.nick);
            }
            [source, "PRIVMSG", ..] => {
                let said = rest.split_once(" :").map_or("", |(_, said)| said);
                let in_batch = tags.contains_key("batch");
                if let Some((_, count)) = batch.as_mut().filter(|_| in_batch) {
                    *count += 1;
                }
                if in_batch && let Some(id) = tags.get("msgid") {
                    self.last = Some(id.clone());
                }
                if source.starts_with(":bridgebot!") || *source == ":bridgebot" {
                    self.answered(&tags, said);
                } else if let Some(number) = tags.get("+bridgebot/id").and_then(|id| number(id)) {
                    self.settled(number);
                }
            }
            [_, "TAGMSG", ..] => {
                let Some(number) = tags.get("+bridgebot/id").and_then(|id| number(id)) else { return Ok(()) };
                if tags.get("+bridgebot/state").is_some_and(|state| state == "failed")
                    && self.kept.contains(&number)
                {
                    if self.said_again.contains(&number) {
                        self.ledger.was_said_again(self.name, number);
                    } else {
                        self.ledger.line_is(self.name, number, Fate::Refused);
                    }
                }
                self.settled(number);
                self.bot_is_here = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Of a long entry that comes in pieces the first says which it is.
    fn answered(&mut self, tags: &HashMap<String, String>, said: &str) {
        match tags.get("+bridgebot/entry").and_then(|entry| entry.parse().ok()) {
            Some(entry) if said.starts_with('<') => self.ledger.shown(self.name, entry, said),
            Some(_) => {}
            None => self.ledger.wrong(format!("{} got {said:?} without an entry", self.name)),
        }
    }

    fn settled(&mut self, number: usize) {
        self.in_flight.remove(&number);
        self.kept.retain(|kept| *kept != number);
    }

    async fn ask_history(&self, socket: &mut Socket) -> Result<(), Gone> {
        let question = match &self.last {
            Some(id) => format!("CHATHISTORY AFTER bridgebot msgid={id} 200"),
            None => "CHATHISTORY AFTER bridgebot timestamp=2000-01-01T00:00:00.000Z 200".to_owned(),
        };
        say(socket, question).await
    }

    async fn flush(&mut self, socket: &mut Socket) -> Result<(), Gone> {
        for number in self.kept.clone() {
            if self.in_flight.contains_key(&number) {
                continue;
            }
            let line = text::line_of(self.name, number);
            if !self.said.insert(number) {
                self.said_again.insert(number);
            }
            say(socket, format!("@+bridgebot/id=n{number} PRIVMSG bridgebot :{line}")).await?;
            self.in_flight.insert(number, Instant::now());
        }
        Ok(())
    }
}

fn number(id: &str) -> Option<usize> {
    id.strip_prefix('n')?.parse().ok()
}

async fn connect(bridge: SocketAddr) -> Option<Socket> {
    let mut request = format!("ws://{bridge}/irc").into_client_request().ok()?;
    request.headers_mut().insert("sec-websocket-protocol", "text.ircv3.net".parse().ok()?);
    let stream = TcpStream::connect(bridge).await.ok()?;
    Some(client_async(request, stream).await.ok()?.0)
}

async fn say(socket: &mut Socket, line: String) -> Result<(), Gone> {
    socket.send(Message::text(line)).await.map_err(|_| Gone)
}

fn tags(line: &str) -> (HashMap<String, String>, &str) {
    let Some((tags, rest)) = line.strip_prefix('@').and_then(|line| line.split_once(' ')) else {
        return (HashMap::new(), line);
    };
    let pairs = tags.split(';').map(|tag| tag.split_once('=').unwrap_or((tag, "")));
    (pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(), rest)
}
