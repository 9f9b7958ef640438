//! A way to a server that can be cut, be frozen, and lead to another server.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// How a way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Bytes pass.
    Open,
    /// Connections stay, nothing passes.
    #[allow(dead_code, reason = "not every test freezes")]
    Frozen,
    /// Of what comes next so many bytes pass, but not the last, then nothing does.
    #[allow(dead_code, reason = "not every test freezes")]
    FrozenAfter(usize),
    /// Connections break in the middle, new ones end at once.
    Cut,
}

/// The switch of a way.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    address: SocketAddr,
    state: watch::Sender<State>,
    server: watch::Sender<Option<SocketAddr>>,
}

impl Way {
    /// Open, but leading nowhere yet.
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Self { address, state: watch::Sender::new(State::Open), server: watch::Sender::new(None) };
        tokio::spawn(way.clone().serve(listener));
        way
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it ends; connections that come from now on get there.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        self.server.send_replace(Some(server));
    }

    /// Changes how it is.
    pub(crate) fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((near, _)) = listener.accept().await {
            let (state, server) = (self.state.subscribe(), *self.server.borrow());
            tokio::spawn(async move {
                let Some(server) = server.filter(|_| *state.borrow() != State::Cut) else { return };
                let Ok(far) = TcpStream::connect(server).await else { return };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::select! {
                    () = carry(near_in, far_out, state.clone()) => {}
                    () = carry(far_in, near_out, state.clone()) => {}
                }
            });
        }
    }
}

/// One direction, until it ends or is cut. What was read but not passed on is lost with the cut.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read.unwrap_or_default(),
            _ = state.wait_for(|state| *state == State::Cut) => return,
        };
        let mut part = bytes.get(..read).unwrap_or_default();
        let now = *state.borrow_and_update();
        if let State::FrozenAfter(most) = now {
            let (first, rest) = part.split_at(most.min(read.saturating_sub(1)));
            if to.write_all(first).await.is_err() {
                return;
            }
            part = rest;
        }
        if !passes(part, &mut to, &mut state).await {
            return;
        }
    }
}

/// Passes on what was read as soon as anything passes. False when the connection is over.
async fn passes(part: &[u8], to: &mut OwnedWriteHalf, state: &mut watch::Receiver<State>) -> bool {
    let thawed = state.wait_for(|state| matches!(state, State::Open | State::Cut)).await.map(|now| *now);
    if !matches!(thawed, Ok(State::Open)) {
        return false;
    }
    let write = timeout(Duration::from_secs(10), to.write_all(part)).await;
    !part.is_empty() && matches!(write, Ok(Ok(())))
}
