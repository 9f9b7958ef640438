//! To ask and change a running server: each question is carried out on the task that owns the host.

use std::time::Duration;

use oscar_im::ScreenName;
use tokio::sync::{mpsc, oneshot};

use crate::clock::{Clock, Now};
use crate::config::AccountConfig;
use crate::ending::Ending;
use crate::faults::{Fault, SetFault};
use crate::host::Host;
use crate::journal::{Entry, Journal, Message, Pattern};
use crate::net::{self, Event};
use crate::realm::{Account, AccountId};

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
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) clock: Clock,
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
            let describe = |account: &Account| AccountInfo {
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

    /// Tells all sessions of a name to move to another connection (01/12), where they go on. False: there is no such
    /// account.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn migrate(&self, name: &str) -> Result<bool, Stopped> {
        self.with_account(name, Host::migrate_all).await
    }

    /// Limits a rate class (1 to 5; 3 is that of messages) of all sessions of a name now, and tells them (01/0A). When
    /// it is clear again, the true arithmetic decides. False: there is no such account.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn limit_rate(&self, name: &str, class: u16) -> Result<bool, Stopped> {
        let class = usize::from(class).wrapping_sub(1);
        self.with_account(name, move |host, account, now| host.limit_rate(account, class, now)).await
    }

    async fn expel(&self, name: &str, ending: Ending) -> Result<bool, Stopped> {
        self.with_account(name, move |host, account, now| host.expel(account, &ending, now)).await
    }

    async fn with_account(
        &self,
        name: &str,
        what: impl FnOnce(&mut Host, AccountId, Now) + Send + 'static,
    ) -> Result<bool, Stopped> {
        let name = ScreenName::from(name);
        self.ask(move |host, now| {
            let found = host.realm().find(&name);
            if let Some(account) = found {
                what(host, account, now);
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
        self.ask(|host, _| host.recorder().messages.iter().cloned().collect()).await
    }

    /// The newest frames.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn journal(&self) -> Result<Journal, Stopped> {
        self.ask(|host, _| Journal(host.recorder().frames().cloned().collect())).await
    }

    /// Waits until a frame that is meant has been seen or sent; at once, if the journal still holds one.
    ///
    /// # Errors
    /// [`Stopped`]; also when too many wait already.
    pub async fn wait_for(&self, pattern: Pattern) -> Result<Entry, Stopped> {
        let (tell, told) = oneshot::channel();
        // Whoever asked may have given up.
        let tell = Box::new(move |entry| drop(tell.send(entry)));
        self.ask(move |host, _| host.recorder_mut().tell_when_seen(pattern, tell)).await?;
        told.await.map_err(|_| Stopped)
    }

    /// Makes something go wrong, and returns the fault's number. None: too many are set.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn set_fault(&self, fault: Fault) -> Result<Option<u64>, Stopped> {
        self.ask(move |host, _| host.faults_mut().add(fault)).await
    }

    /// As [`Handle::wait_for`], for so long at most, by the machine's time; else it fails the test and shows what came
    /// instead.
    ///
    /// # Panics
    /// When no such frame came in time, or the server has stopped.
    #[expect(clippy::panic, reason = "it is an assertion")]
    pub async fn expect(&self, pattern: Pattern, within: Duration) -> Entry {
        let why = match tokio::time::timeout(within, self.wait_for(pattern.clone())).await {
            Ok(Ok(entry)) => return entry,
            Ok(Err(stopped)) => stopped.to_string(),
            Err(_) => format!("not within {within:?}"),
        };
        match self.journal().await {
            Ok(journal) => panic!("no {pattern}, {why}; there were:\n{journal}"),
            Err(stopped) => panic!("no {pattern}: {stopped}"),
        }
    }

    /// The faults that are set.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn faults(&self) -> Result<Vec<SetFault>, Stopped> {
        self.ask(|host, _| host.faults_mut().all().to_vec()).await
    }

    /// Ends one fault. False: there is none with this number. What it holds back stays so until all are ended.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn remove_fault(&self, id: u64) -> Result<bool, Stopped> {
        self.ask(move |host, _| host.faults_mut().remove(id)).await
    }

    /// Ends all faults, and lets happen what they hold back.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn clear_faults(&self) -> Result<(), Stopped> {
        self.ask(Host::clear_faults).await
    }

    /// Forgets the messages and frames seen so far.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn forget(&self) -> Result<(), Stopped> {
        self.ask(|host, _| host.recorder_mut().forget()).await
    }

    /// The server's clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Moves the server's clock on. What falls due on the way happens, each thing at its time: after half a minute a
    /// client has been told that it is limited and, later, that it no longer is.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn advance(&self, by: Duration) -> Result<(), Stopped> {
        let clock = self.clock.clone();
        self.ask(move |host, _| {
            let mut left = by;
            while let Some(due) = host.poll_timeout() {
                let step = due.saturating_duration_since(clock.now().instant);
                if step > left {
                    break;
                }
                clock.advance(step);
                left = left.saturating_sub(step);
                host.handle_timeout(clock.now());
            }
            clock.advance(left);
            host.handle_timeout(clock.now());
        })
        .await
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
