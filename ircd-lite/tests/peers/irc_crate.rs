//! The client of the `irc` crate, driven by a thread of its own.

use futures_util::StreamExt;
use irc::client::prelude::{Client, Config, Message, Sender};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, sync_channel};
use testkit::wait::PATIENCE;
use tokio::runtime::Runtime;

/// A client that is signing on; gone when dropped.
pub(crate) struct Running {
    _runtime: Runtime,
    /// Sends what the test wants said.
    pub(crate) sender: Sender,
    lines: Receiver<Message>,
}

/// Connects and registers; it joins by itself.
pub(crate) fn start(server: SocketAddr, nick: &str, channel: &str) -> Running {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let config = Config {
        nickname: Some(nick.to_owned()),
        server: Some(server.ip().to_string()),
        port: Some(server.port()),
        channels: vec![channel.to_owned()],
        ..Config::default()
    };
    let mut client = runtime.block_on(Client::from_config(config)).expect("connect");
    client.identify().expect("register");
    let sender = client.sender();
    let mut stream = client.stream().expect("stream");
    // As large as any of these tests' conversations; when it is full the client waits, and the test fails by time.
    let (into, lines) = sync_channel(1024);
    runtime.spawn(async move {
        let _client = client;
        while let Some(Ok(line)) = stream.next().await {
            if into.send(line).is_err() {
                break;
            }
        }
    });
    Running { _runtime: runtime, sender, lines }
}

impl Running {
    /// Reads on to the first line that is `wanted`.
    pub(crate) fn expect(&self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => seen.push(line.to_string()),
                Err(error) => panic!("no {what}: {error} after {seen:#?}"),
            }
        }
    }
}
