//! What goes wrong, one thing at a time, as the dice say; most of it ends by itself or by a later throw.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use oscar_mock::faults::{Action, Fault};
use oscar_mock::journal::Direction;
use testkit::child::Daemon;
use testkit::numbers::Numbers;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::bridgebot;
use super::ledger::Ledger;
use super::plain::Do;
use super::servers::start_ircd;
use super::way::{State, Way};

/// So long the bridge waits for others, and the lock itself for one before it.
const BUSY: Duration = Duration::from_secs(5);
/// The acknowledgement of a message.
const ACK: (u16, u16) = (0x04, 0x0c);

/// All that can be harmed.
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) irc: Way,
    pub(crate) oscar_way: Way,
    pub(crate) oscar: oscar_mock::Running,
    pub(crate) ircd_stop: CancellationToken,
    pub(crate) ledger: Ledger,
    /// Where the IRC daemon is.
    pub(crate) ircd: watch::Sender<SocketAddr>,
    pub(crate) bridge: Option<Daemon>,
    /// Where the bridge's web part is, while it runs.
    pub(crate) web: watch::Sender<Option<SocketAddr>>,
    /// When the bridge, stopped by SIGSTOP, goes on.
    pub(crate) sleeps_until: Option<Instant>,
    pub(crate) orders: Vec<mpsc::Sender<Do>>,
    /// Faults that are only got over by waiting for half a minute and more are among them.
    pub(crate) patient: bool,
    /// A session of the bridge's was limited to the stock rates.
    pub(crate) limited: bool,
}

impl World {
    pub(crate) fn start_bridge(&mut self) {
        if self.bridge.is_none() {
            let bridge = bridgebot::start(&self.folder);
            self.web.send_replace(Some(bridge.address("http")));
            self.bridge = Some(bridge);
        }
    }

    fn kill_bridge(&mut self) {
        self.web.send_replace(None);
        // Dropping a daemon is SIGKILL.
        self.bridge = None;
        self.sleeps_until = None;
    }

    fn stop_bridge(&mut self) {
        self.web.send_replace(None);
        self.wake_bridge();
        if let Some(bridge) = self.bridge.take() {
            assert!(bridge.stop().success(), "a clean stop");
        }
    }

    async fn restart_ircd(&mut self) {
        self.ircd_stop.cancel();
        self.ledger.history_ended();
        self.ircd_stop = CancellationToken::new();
        let ircd = start_ircd(self.ircd_stop.clone()).await;
        self.irc.lead_to(ircd);
        self.ircd.send_replace(ircd);
    }

    /// The bridge does nothing for a while, and its connections stay.
    fn suspend_bridge(&mut self, long: Duration) -> String {
        if self.bridge.is_some() {
            self.signal("-STOP");
            self.sleeps_until = Some(Instant::now() + long);
        }
        format!("bridge suspended for {long:?}")
    }

    fn wake_bridge(&mut self) {
        if self.sleeps_until.take().is_some() {
            self.signal("-CONT");
        }
    }

    fn signal(&self, signal: &str) {
        if let Some(bridge) = &self.bridge {
            let sent = Command::new("kill").args([signal, &bridge.id().to_string()]).status();
            assert!(sent.unwrap().success());
        }
    }

    /// What is down comes back as often as not.
    pub(crate) async fn heal(&mut self, dice: &mut Numbers) {
        if self.sleeps_until.is_some_and(|until| until <= Instant::now()) {
            self.wake_bridge();
        }
        for way in [&self.irc, &self.oscar_way] {
            if dice.below(2) == 0 {
                way.set(State::Open);
            }
        }
        if dice.below(3) == 0 {
            self.oscar.clear_faults().await.unwrap();
        }
        if dice.below(2) == 0 {
            self.start_bridge();
        }
    }

    pub(crate) async fn heal_all(&mut self) {
        if let Some(until) = self.sleeps_until {
            sleep_until(until).await;
            self.wake_bridge();
        }
        self.irc.set(State::Open);
        self.oscar_way.set(State::Open);
        self.oscar.clear_faults().await.unwrap();
        if std::mem::take(&mut self.limited) {
            // At a message each 4 s what waits would take minutes. The next session is not limited.
            self.oscar.disconnect("bridgebot").await.unwrap();
        }
        self.start_bridge();
    }

    /// Does harm. Tells what.
    pub(crate) async fn harm(&mut self, dice: &mut Numbers) -> String {
        let kinds = if self.patient { 30 } else { 24 };
        match dice.below(kinds) {
            0 => self.irc_is(State::Cut),
            1 => self.oscar_is(State::Cut),
            2 => self.irc_is(State::Frozen),
            3 => self.oscar_is(State::Frozen),
            4 | 5 => {
                self.kill_bridge();
                "bridge killed".into()
            }
            6 => {
                self.stop_bridge();
                "bridge stopped".into()
            }
            7 => {
                self.restart_ircd().await;
                "ircd restarted".into()
            }
            8 => self.order(Do::Drop, dice).await,
            9 => self.order(Do::Rename, dice).await,
            10 => self.order(Do::Replace, dice).await,
            11 => self.lock_store(Duration::from_millis(100 + dice.below(900) as u64)),
            12 => self.fault(Fault::new(Action::AcknowledgeAndLose).of("bridgebot").times(1)).await,
            13 => self.fault(Fault::new(Action::Disconnect).of("bridgebot").times(1)).await,
            14 => {
                let action = Action::Corrupt { at: dice.below(4), bits: 1 << dice.below(8) };
                self.fault(Fault::new(action).of("bridgebot").snac(ACK.0, ACK.1).times(1)).await
            }
            15 => {
                let action = Action::Delay { milliseconds: 300 };
                self.fault(Fault::new(action).of("bridgebot").times(3)).await
            }
            16 => {
                let action = Action::Truncate { bytes: 3 + dice.below(20) };
                self.fault(Fault::new(action).of("bridgebot").snac(ACK.0, ACK.1).times(1)).await
            }
            17 => self.fault(Fault::new(Action::WrongSequence { by: 3 }).of("bridgebot").times(1)).await,
            18 => {
                self.oscar.migrate("bridgebot").await.unwrap();
                "migrated".into()
            }
            19 => {
                self.fault(
                    Fault::new(Action::StopReading { milliseconds: Some(700) }).of("bridgebot").times(1),
                )
                .await
            }
            20 => self.fault(Fault::new(Action::Refuse { code: 0x05 }).of("bridgebot").times(2)).await,
            21 => self.suspend_bridge(Duration::from_millis(1000 + dice.below(2000) as u64)),
            22 => self.irc_ends_after(dice),
            23 => self.oscar_ends_after(dice),
            24 => self.suspend_bridge(Duration::from_secs(5 + dice.below(40) as u64)),
            25 => self.fault(Fault::new(Action::NeverAcknowledge).of("bridgebot").times(2)).await,
            26 => {
                let drop = Fault::new(Action::Drop).of("bridgebot").times(2);
                let drop = if dice.below(2) == 0 {
                    drop.snac(ACK.0, ACK.1).going(Direction::Out)
                } else {
                    drop.snac(0x04, 0x06).going(Direction::In)
                };
                self.fault(drop).await
            }
            27 => {
                self.oscar.limit_rate("bridgebot", 3).await.unwrap();
                self.limited = true;
                "rate limited".into()
            }
            28 => {
                self.oscar.sign_on_elsewhere("bridgebot").await.unwrap();
                "signed on elsewhere".into()
            }
            _ => self.lock_store(Duration::from_secs(7)),
        }
    }

    fn irc_is(&self, state: State) -> String {
        self.irc.set(state);
        format!("IRC {state:?}")
    }

    fn oscar_is(&self, state: State) -> String {
        self.oscar_way.set(state);
        format!("OSCAR {state:?}")
    }

    /// What is on its way stops in the middle of a line, and the connections stay.
    fn irc_ends_after(&self, dice: &mut Numbers) -> String {
        let bytes = 1 + dice.below(60);
        self.irc.set(State::FrozenAfter(bytes));
        format!("IRC frozen in the middle, after {bytes} bytes")
    }

    /// The same in the middle of a frame.
    fn oscar_ends_after(&self, dice: &mut Numbers) -> String {
        let bytes = 1 + dice.below(60);
        self.oscar_way.set(State::FrozenAfter(bytes));
        format!("OSCAR frozen in the middle, after {bytes} bytes")
    }

    async fn order(&self, what: Do, dice: &mut Numbers) -> String {
        let to = dice.below(self.orders.len());
        let _ = self.orders[to].send(what).await;
        format!("visitor {to}: {what:?}")
    }

    async fn fault(&self, fault: Fault) -> String {
        let words = format!("{:?}", fault.action);
        self.oscar.set_fault(fault).await.unwrap();
        words
    }

    /// Another program writes to the database.
    fn lock_store(&mut self, long: Duration) -> String {
        let database = self.folder.join("bridgebot.db");
        if long > BUSY {
            self.ledger.refuses_until(Instant::now() + long + 2 * BUSY);
        }
        std::thread::spawn(move || lock(&database, long));
        format!("store locked for {long:?}")
    }
}

fn lock(database: &Path, long: Duration) {
    let Ok(connection) = rusqlite::Connection::open(database) else { return };
    if connection.execute_batch("BEGIN IMMEDIATE").is_ok() {
        std::thread::sleep(long);
        let _ = connection.execute_batch("ROLLBACK");
    }
}
