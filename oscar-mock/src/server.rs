//! The double as a value: bind it, serve it, ask it.

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::{AccountConfig, Config, Rates};
use crate::entropy::Entropy;
use crate::faults::Fault;
use crate::handle::Handle;
use crate::host::Host;
use crate::net::{self, Event};

/// How long the control interface may take to finish what it was asked.
const CONTROL_DRAIN: Duration = Duration::from_secs(1);

/// Why a server double can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address is taken, or not ours.
    #[error("cannot listen on {address}: {source}; choose another address or stop what uses it")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The control interface was to listen where others could reach it.
    #[error("the control interface listens on loopback only, not on {0}, unless control_remote is set")]
    RemoteControl(SocketAddr),
    /// An account has a name that can't be one.
    #[error("{0:?} can't be a screen name")]
    BadName(String),
}

/// A server double that listens and does not serve yet: clients can connect, and wait.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    control: Option<(TcpListener, SocketAddr)>,
    host: Host,
    handle: Handle,
    events: mpsc::Receiver<Event>,
}

impl Server {
    /// A double with no accounts and stock rates on a free port of loopback, to be changed and started.
    pub fn builder() -> Builder {
        Builder { config: Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() } }
    }

    /// As a configuration file says, but on a free port of loopback, whatever `listen` is there; so that tests share
    /// files and not ports.
    ///
    /// # Errors
    /// One sentence that says where the file is wrong.
    pub fn builder_from(file: &Path) -> Result<Builder, program::Failure> {
        let config = crate::config::file::read(file)?;
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Builder { config: Config { listen, ..config } })
    }

    /// Binds what a configuration says.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        if let Some(account) = config.accounts.iter().find(|account| !account.name.is_valid()) {
            return Err(StartError::BadName(account.name.to_string()));
        }
        let (listener, address) = listen(config.listen).await?;
        let control = match config.control {
            Some(at) if !at.ip().is_loopback() && !config.control_remote => {
                return Err(StartError::RemoteControl(at));
            }
            Some(at) => Some(listen(at).await?),
            None => None,
        };
        let (sender, events) = net::channel();
        let host = Host::new(&config, Entropy::system(), config.clock.now());
        let handle = Handle { events: sender, clock: config.clock };
        Ok(Self { listener, address, control, host, handle, events })
    }

    /// Where clients connect.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the control interface listens, if it is on.
    pub fn control_address(&self) -> Option<SocketAddr> {
        self.control.as_ref().map(|(_, address)| *address)
    }

    /// To ask and change the running server.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until `stop`, then says goodbye to everybody, within some two seconds.
    pub async fn serve(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        if let Some((listener, address)) = self.control {
            tasks.spawn(crate::control::serve(listener, address, self.handle.clone(), stop.clone()));
        }
        let Handle { events, clock } = self.handle;
        net::serve(self.listener, self.host, clock, (events, self.events), stop).await;
        tasks.close();
        if tokio::time::timeout(CONTROL_DRAIN, tasks.wait()).await.is_err() {
            tracing::debug!("left a request of the control interface unfinished");
        }
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// A double for a test, being put together.
#[derive(Debug, Clone)]
pub struct Builder {
    config: Config,
}

impl Builder {
    /// Adds somebody who may sign on.
    #[must_use]
    pub fn account(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.config.accounts.push(AccountConfig::new(name, password));
        self
    }

    /// As [`Builder::account`], with names on the server-stored buddy list.
    #[must_use]
    pub fn account_with_buddies(
        mut self,
        name: impl Into<String>,
        password: impl Into<String>,
        buddies: &[&str],
    ) -> Self {
        let buddies = buddies.iter().map(|name| (*name).into()).collect();
        self.config.accounts.push(AccountConfig { buddies, ..AccountConfig::new(name, password) });
        self
    }

    /// Which limits hold; [`Rates::Stock`] if not said.
    #[must_use]
    pub const fn rates(mut self, rates: Rates) -> Self {
        self.config.rates = rates;
        self
    }

    /// Changes anything else.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Takes the time from a clock that the test moves.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.config.clock = clock;
        self
    }

    /// Sets a fault from the start.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.config.faults.push(fault);
        self
    }

    /// Starts it; it stops when the result is dropped.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<Running, StartError> {
        let server = Server::bind(self.config).await?;
        let running = Running {
            address: server.address(),
            control: server.control_address(),
            handle: server.handle(),
            stop: CancellationToken::new(),
        };
        tokio::spawn(server.serve(running.stop.clone()));
        Ok(running)
    }
}

/// A double that serves until this is dropped. It can do all that a [`Handle`] can.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    control: Option<SocketAddr>,
    handle: Handle,
    stop: CancellationToken,
}

impl Running {
    /// Where clients connect.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the control interface listens, if it is on.
    pub const fn control_address(&self) -> Option<SocketAddr> {
        self.control
    }
}

impl Deref for Running {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
