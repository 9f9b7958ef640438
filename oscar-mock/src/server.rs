//! The double as a value: bind it, serve it, ask it.

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, Now};
use crate::config::{AccountConfig, Config, Rates};
use crate::ending::Ending;
use crate::entropy::Entropy;
use crate::faults::{Fault, SetFault};
use crate::host::Host;
use crate::journal::{Entry, Journal, Message, Pattern};
use crate::net::{self, Event};

/// Why a server double can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
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
        Builder {
            config: Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() },
            clock: Clock::system(),
        }
    }

    /// Binds what a configuration says.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        Self::bind_with(config, Clock::system()).await
    }

    /// As [`Server::bind`], with a clock that a test may move.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind_with(config: Config, clock: Clock) -> Result<Self, StartError> {
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
        let host = Host::new(&config, Entropy::system(), clock.now());
        let handle = Handle { events: sender, clock };
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
        tasks.wait().await;
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
    clock: Clock,
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
        self.clock = clock;
        self
    }

    /// Starts it; it stops when the result is dropped.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<Running, StartError> {
        let server = Server::bind_with(self.config, self.clock).await?;
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

/// The server has stopped, so it can't be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server has stopped")]
pub struct Stopped;

/// Somebody signed on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SessionInfo {
    /// Who.
    pub screen_name: String,
    /// Whether others see them and messages reach them.
    pub online: bool,
    /// Whether they are away.
    pub away: bool,
    /// Seconds since 1970 at which they signed on.
    pub since: u32,
    /// Their connections, counted from 1 in the order of arrival; the first is BOS.
    pub connections: Vec<u64>,
}

/// Somebody who may sign on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AccountInfo {
    /// Who.
    pub screen_name: String,
    /// How many sessions they have.
    pub sessions: usize,
    /// Their warning level in tenths of a percent.
    pub warning: u16,
    /// The names on their server-stored list.
    pub buddies: Vec<String>,
    /// How many messages wait for them.
    pub stored_messages: usize,
}

/// To ask and change a running server, from any task.
#[derive(Debug, Clone)]
pub struct Handle {
    events: mpsc::Sender<Event>,
    clock: Clock,
}

impl Handle {
    /// Who is signed on, in the order of their connections.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, Stopped> {
        self.ask(|host, _| {
            let realm = host.realm();
            let mut all: Vec<SessionInfo> = realm
                .sessions()
                .map(|(_, session)| SessionInfo {
                    screen_name: realm.account(session.account).name.to_string(),
                    online: session.ready,
                    away: session.away.is_some(),
                    since: session.began.unix,
                    connections: session.connections().map(|id| id.0).collect(),
                })
                .collect();
            all.sort_by(|a, b| a.connections.cmp(&b.connections));
            all
        })
        .await
    }

    /// Who may sign on.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn accounts(&self) -> Result<Vec<AccountInfo>, Stopped> {
        self.ask(|host, _| {
            let describe = |account: &crate::realm::Account| AccountInfo {
                screen_name: account.name.to_string(),
                sessions: account.sessions.len(),
                warning: account.warning,
                buddies: account.feedbag.buddies().map(|name| name.to_string()).collect(),
                stored_messages: account.stored(),
            };
            host.realm().accounts().map(|(_, account)| describe(account)).collect()
        })
        .await
    }

    /// Adds an account, or changes the password of one. False: the name can't be one, or there are too many.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn add_account(&self, account: AccountConfig) -> Result<bool, Stopped> {
        self.ask(move |host, now| host.add_account(&account, now)).await
    }

    /// Ends all sessions of a name as a sign-on elsewhere would. False: there is no such account.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn sign_on_elsewhere(&self, name: &str) -> Result<bool, Stopped> {
        self.expel(name, Ending::SignedOnElsewhere).await
    }

    /// Ends all sessions of a name. False: there is no such account.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn disconnect(&self, name: &str) -> Result<bool, Stopped> {
        self.expel(name, Ending::Control).await
    }

    async fn expel(&self, name: &str, ending: Ending) -> Result<bool, Stopped> {
        let name = oscar_im::ScreenName::from(name);
        self.ask(move |host, now| {
            let found = host.realm().find(&name);
            if let Some(account) = found {
                host.expel(account, &ending, now);
            }
            found.is_some()
        })
        .await
    }

    /// The newest messages, oldest first.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn messages(&self) -> Result<Vec<Message>, Stopped> {
        self.ask(|host, _| host.messages().iter().cloned().collect()).await
    }

    /// The newest frames.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn journal(&self) -> Result<Journal, Stopped> {
        self.ask(|host, _| Journal(host.journal().iter().cloned().collect())).await
    }

    /// Waits until a frame that is meant has been seen or sent; at once, if the journal still holds one.
    ///
    /// # Errors
    /// [`Stopped`]; also when too many wait already.
    pub async fn wait_for(&self, pattern: Pattern) -> Result<Entry, Stopped> {
        let (tell, told) = oneshot::channel();
        // Whoever asked may have given up.
        let tell = Box::new(move |entry| drop(tell.send(entry)));
        self.ask(move |host, _| host.tell_when_seen(pattern, tell)).await?;
        told.await.map_err(|_| Stopped)
    }

    /// Makes something go wrong, and returns the fault's number. None: too many are set.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn set_fault(&self, fault: Fault) -> Result<Option<u64>, Stopped> {
        self.ask(move |host, _| host.faults_mut().add(fault)).await
    }

    /// The faults that are set.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn faults(&self) -> Result<Vec<SetFault>, Stopped> {
        self.ask(|host, _| host.faults_mut().all().to_vec()).await
    }

    /// Ends all faults.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn clear_faults(&self) -> Result<(), Stopped> {
        self.ask(|host, _| host.faults_mut().clear()).await
    }

    /// Forgets the messages and frames seen so far.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn forget(&self) -> Result<(), Stopped> {
        self.ask(|host, _| host.forget()).await
    }

    /// Moves a manual clock on, and does what is due then.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn advance(&self, by: Duration) -> Result<(), Stopped> {
        self.clock.advance(by);
        self.ask(Host::handle_timeout).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Host, Now) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = oneshot::channel();
        let question: net::Question = Box::new(move |host, now| {
            // Whoever asked may have given up.
            let _ = answer.send(question(host, now));
        });
        self.events.send(Event::Ask(question)).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }
}
