//! Builds the bridge out of a configuration, starts its tasks, and stops them in order.
//!
//! Two steps, as with the servers: [`bind`] takes everything that can be refused (ports, the store's file,
//! certificates), [`Bound::serve`] runs until it is told to stop. Stopping: listeners first, then the hub commits what it has and
//! has the links say goodbye, then the links end, then the store closes. Five seconds in all, or what still runs is cut off.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use program::Failure;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::aim;
use crate::aim::event::AccountId;
use crate::backoff::Backoff;
use crate::clock::Moment;
use crate::config::checked::{self, Config, HostPort, Routing, StorePlace, Synchronous};
use crate::connect::{Endpoint, tls_client};
use crate::conversation::Millis;
use crate::conversation::department::Departments;
use crate::conversation::guard::Pace;
use crate::hub::{Hub, HubControl, HubStatus, Links, Settings};
use crate::irc;
use crate::irc::session::{Channel, Memory};
use crate::irc::text::{LineText, Word};
use crate::store::sqlite::{Durability, SqliteStore};
use crate::store::{Late, MemoryStore, StoreHandle};
use crate::web::health::{SideStatus, Status};
use crate::web::server::{self as web, MetricsText, SitePolicy, WebConfig, WebLinks};

/// Events of one kind on their way to the hub; full: the sender stops reading its socket.
const EVENTS: usize = 256;
/// Commands on their way to one link; full: the hub keeps the row.
const COMMANDS: usize = 256;
/// Changes by the operator; full: the sender waits.
const CONTROLS: usize = 8;
/// For the links' goodbyes once the hub is done.
const GOODBYE: Duration = Duration::from_millis(1500);

/// A bridge that has its files and ports and does not run yet.
#[derive(Debug)]
pub struct Bound {
    config: Config,
    irc: Endpoint,
    oscar: Endpoint,
    store: StoreHandle,
    store_thread: Option<JoinHandle<()>>,
    web: Option<web::Bound>,
    controls: (mpsc::Sender<HubControl>, mpsc::Receiver<HubControl>),
}

/// Why a bridge can't start.
#[derive(Debug)]
pub enum BindError {
    /// The web listener's address is taken by another program. In words.
    AddressInUse(String),
    /// Anything else.
    Other(Failure),
}

impl From<Failure> for BindError {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        match error {
            BindError::AddressInUse(sentence) => Self::runtime(sentence),
            BindError::Other(failure) => failure,
        }
    }
}

/// Opens the store and binds the listeners.
///
/// # Errors
/// One sentence: what can't be had and what to do.
pub async fn bind(config: Config) -> Result<Bound, BindError> {
    let irc = endpoint(&config.irc.server, config.irc.tls, config.irc.ca_file.as_deref())?;
    let oscar = endpoint(&config.oscar.server, config.oscar.tls, config.oscar.ca_file.as_deref())?;
    // Metrics may be wanted without the widget.
    let web = if config.web.is_some() || config.metrics.is_some() {
        let bound = web::bind(web_config(&config, &irc)?).await;
        Some(bound.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => BindError::AddressInUse(error.to_string()),
            _ => BindError::Other(Failure::runtime(error)),
        })?)
    } else {
        None
    };
    let durability = match config.store.synchronous {
        Synchronous::Full => Durability::Full,
        Synchronous::Normal => Durability::Normal,
    };
    let (store, store_thread) = match &config.store.place {
        StorePlace::File(path) => {
            let path = path.clone();
            let store = Late::open(move || SqliteStore::open(&path, durability)).map_err(Failure::runtime)?;
            let (store, thread) = StoreHandle::start(store).map_err(Failure::runtime)?;
            (store, Some(thread))
        }
        StorePlace::Memory => (StoreHandle::here(MemoryStore::new()), None),
    };
    Ok(Bound { config, irc, oscar, store, store_thread, web, controls: mpsc::channel(CONTROLS) })
}

fn endpoint(server: &HostPort, tls: bool, ca_file: Option<&std::path::Path>) -> Result<Endpoint, Failure> {
    let tls = tls.then(|| tls_client(ca_file)).transpose().map_err(Failure::usage)?;
    Ok(Endpoint { host: server.host.clone(), port: server.port, tls })
}

fn web_config(config: &Config, irc: &Endpoint) -> Result<WebConfig, Failure> {
    let table = config.web.as_ref();
    let site = |table: &checked::Web| SitePolicy {
        hosts: table.hosts.clone(),
        allowed_origins: table.allowed_origins.clone(),
    };
    Ok(WebConfig {
        listen: table.map(|table| table.listen),
        metrics: config.metrics,
        site: table.map(site).unwrap_or_default(),
        limits: gateway_limits(config.limits),
        trusted_proxies: table.map(|table| table.trusted_proxies.clone()).unwrap_or_default(),
        daemon: irc.clone(),
        webirc_password: table.and_then(|table| table.webirc_password.clone()),
        bot: word(&config.irc.nick)?,
    })
}

fn gateway_limits(limits: checked::Limits) -> web::Limits {
    web::Limits {
        per_address: limits.connections_per_address,
        connects_a_minute: limits.connects_per_minute,
        lines_at_once: limits.visitor_lines_at_once,
        line_every: Duration::from_secs(1) / limits.visitor_lines_per_second.get(),
        ..web::Limits::default()
    }
}

fn word(text: &str) -> Result<Word, Failure> {
    Word::new(text).ok_or_else(|| Failure::usage(format!("`{text}` can't be said on IRC")))
}

impl Bound {
    /// What the ready line names.
    pub fn addresses(&self) -> Vec<(&'static str, Vec<SocketAddr>)> {
        let http = self.web.as_ref().and_then(|web| web.address().ok().flatten());
        let metrics = self.web.as_ref().and_then(|web| web.metrics_address().ok().flatten());
        vec![("http", http.into_iter().collect()), ("metrics", metrics.into_iter().collect())]
    }

    /// For changes while it runs.
    pub fn controls(&self) -> mpsc::Sender<HubControl> {
        self.controls.0.clone()
    }

    /// Runs until `stop`, with `pages` beside the visitors' socket.
    ///
    /// # Errors
    /// When the store can't be read at the start, or turns out to be no use after it was waited for.
    pub async fn serve(self, pages: Router, stop: CancellationToken) -> Result<(), Failure> {
        let Self { config, irc, oscar, store, store_thread, web, controls: (_, control) } = self;
        // Ours ends with the hub, too.
        let stop = stop.child_token();
        let (irc_events, from_irc) = mpsc::channel(EVENTS);
        let (to_irc, irc_commands) = mpsc::channel(COMMANDS);
        let (aim_events, from_aim) = mpsc::channel(EVENTS);
        let (web_events, from_web) = mpsc::channel(EVENTS);
        let (to_aim, aim_commands): (Vec<_>, Vec<_>) =
            config.oscar.accounts.iter().map(|_| mpsc::channel(COMMANDS)).unzip();

        let links = Links { irc: from_irc, to_irc, aim: from_aim, to_aim, web: from_web, control };
        let hub = Hub::new(hub_settings(&config), store, links).await.map_err(Failure::runtime)?;
        let (mut start, hub_status) = (hub.start(), hub.status());

        // The links outlive the hub's last words, and begin when the hub knows what the store has.
        let hang_up = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (nick, bot) = watch::channel(None);
        let irc_config = irc_config(&config, irc)?;
        let linking = async {
            // Ends with this, so that the hub sees when the last link has said all.
            let aim_events = aim_events;
            let start = tokio::select! {
                start = start.wait_for(Option::is_some) => start.ok().and_then(|start| *start),
                () = stop.cancelled() => None,
            };
            let Some(start) = start else { return };
            let memory = Memory::new(start.last_line_at.map(Millis::to_system));
            let channels = irc::link::LinkChannels { events: irc_events, commands: irc_commands, nick };
            tasks.spawn(irc::link::run(irc_config, memory, channels, hang_up.clone()));
            for (index, (account, commands)) in config.oscar.accounts.iter().zip(aim_commands).enumerate() {
                let mut link = aim::link::LinkConfig::new(
                    AccountId(index),
                    oscar.clone(),
                    account.screen_name.clone(),
                    account.password.clone(),
                );
                if index == 0 {
                    link.room = room(&config.staff);
                }
                let channels = aim::link::LinkChannels { events: aim_events.clone(), commands };
                tasks.spawn(aim::link::run(link, channels, hang_up.clone()));
            }
        };

        let serving = async {
            if let Some(web) = web {
                let (to_web, status) = watch::channel(Status::default());
                let links = WebLinks { events: web_events, bot, status };
                let metrics = metrics(hub_status.clone());
                let reporting = report(hub_status, to_web);
                let serving = web.serve(pages, links, Some(Arc::new(metrics)), stop.clone());
                tokio::select! {
                    () = serving => {}
                    () = reporting => {}
                }
            }
        };
        let deciding = async {
            let ended = hub.run(stop.clone()).await;
            stop.cancel();
            ended
        };
        let ((), (), ended) = tokio::join!(serving, linking, Box::pin(deciding));
        hang_up.cancel();
        tasks.close();
        if timeout(GOODBYE, tasks.wait()).await.is_err() {
            tracing::warn!("a server did not take our goodbye in time");
        }
        // Its last handle went with the hub, so the thread ends once its last commit is done.
        let _ = tokio::task::spawn_blocking(move || store_thread.map(JoinHandle::join)).await;
        ended.map_err(Failure::runtime)
    }
}

/// One account is enough in a room.
fn room(staff: &checked::Staff) -> aim::link::Room {
    staff.room.clone().map_or(aim::link::Room::Invited, aim::link::Room::Named)
}

/// What the hub is told at its start, and again when the configuration was read again.
pub(crate) fn hub_settings(config: &Config) -> Settings {
    let mut seed = [0; 8];
    // Without randomness, time tells two bridges apart well enough: cookies begin with it.
    let _ = getrandom::fill(&mut seed);
    Settings {
        staff: config.staff.handles.clone(),
        routing: match config.staff.routing {
            Routing::Broadcast => crate::conversation::routing::Routing::Broadcast,
            Routing::Claim => crate::conversation::routing::Routing::Claim,
        },
        outside_room: !config.staff.room_only,
        departments: Departments::new(config.staff.departments.clone()),
        hours: config.hours.clone(),
        words: config.words.clone(),
        show_answers: config.staff.show_answers,
        claim_idle: config.staff.claim_idle,
        retention: config.store.retention,
        accounts: config.oscar.accounts.len(),
        max_im_bytes: config.oscar.max_im_bytes,
        pace: Pace {
            burst: config.limits.visitor_lines_at_once,
            per_second: config.limits.visitor_lines_per_second.get(),
        },
        cookie_seed: u64::from_be_bytes(seed),
        ..Settings::default()
    }
}

fn irc_config(config: &Config, endpoint: Endpoint) -> Result<irc::link::LinkConfig, Failure> {
    let channels = config
        .irc
        .channels
        .iter()
        .map(|name| word(name).map(|name| Channel { name, key: None }))
        .collect::<Result<_, _>>()?;
    Ok(irc::link::LinkConfig {
        endpoint,
        session: irc::session::SessionConfig {
            nick: word(&config.irc.nick)?,
            user: word("bridgebot")?,
            real_name: LineText::flat("BridgeBot: lines to this nick are read by people"),
            channels,
            password: config.irc.password.clone(),
            sasl: config
                .irc
                .sasl
                .clone()
                .map(|(account, password)| irc::session::SaslAccount { account, password }),
            pacing: config.irc.pacing,
        },
        backoff: Backoff::default(),
    })
}

/// Tells the web side how the hub stands, until the hub is gone.
async fn report(mut hub: watch::Receiver<HubStatus>, to_web: watch::Sender<Status>) {
    loop {
        let status = status(&hub.borrow_and_update());
        to_web.send_if_modified(|known| {
            let news = *known != status;
            *known = status;
            news
        });
        if hub.changed().await.is_err() {
            // The web server drains longer than the hub lives; it must not be cut off by our end.
            std::future::pending::<()>().await;
        }
    }
}

fn status(hub: &HubStatus) -> Status {
    let side = |up: bool, reason: &str| if up { SideStatus::Up } else { SideStatus::Down(reason.to_owned()) };
    let oscar = if hub.store_is_up {
        side(hub.aim.iter().any(Option::is_some), "not signed on")
    } else {
        SideStatus::Down("the store takes nothing".to_owned())
    };
    Status { irc: side(hub.irc.is_some(), "not signed on"), oscar }
}

fn metrics(hub: watch::Receiver<HubStatus>) -> impl Fn(&mut MetricsText) + Send + Sync {
    move |text| {
        let status = hub.borrow().clone();
        let now = Millis::from_system(Moment::now().wall);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let counters = status.counters;
        let gauges = [
            ("bridgebot_irc_signed_on", "Signed on to IRC", u64::from(status.irc.is_some())),
            (
                "bridgebot_aim_signed_on",
                "OSCAR accounts signed on",
                count(status.aim.iter().flatten().count()),
            ),
            ("bridgebot_staff_available", "Staff signed on and taking lines", count(status.staff_available)),
            ("bridgebot_staff_in_room", "Staff in the staff room", count(status.staff_in_room)),
            ("bridgebot_conversations_open", "Conversations that go on", count(status.open_conversations)),
            ("bridgebot_owed_to_staff", "Texts owed to staff", count(status.owed_to_staff)),
            ("bridgebot_owed_to_visitors", "Answers owed to visitors", count(status.owed_to_visitors)),
            (
                "bridgebot_oldest_waiting_seconds",
                "For how long the oldest text owed to staff has waited",
                status.oldest_waiting.map_or(0, |since| now.since(since).as_secs()),
            ),
            (
                "bridgebot_irc_lines_to_forget",
                "Lines of deleted conversations that the IRC daemon may still keep",
                count(status.to_forget),
            ),
            ("bridgebot_store_up", "The store takes what it is given", u64::from(status.store_is_up)),
        ];
        for (name, help, value) in gauges {
            text.gauge(name, help, value);
        }
        let counters = [
            ("bridgebot_lines_total", "Visitors' lines stored", counters.lines),
            ("bridgebot_lines_refused_total", "Visitors' lines refused in words", counters.lines_refused),
            ("bridgebot_answers_total", "Answers stored", counters.answers),
            ("bridgebot_answers_delivered_total", "Answers that the IRC daemon has", counters.answers_paid),
            ("bridgebot_ims_sent_total", "Instant messages handed to the OSCAR side", counters.ims_sent),
            ("bridgebot_ims_repeated_total", "Of these, repeats", counters.ims_repeated),
            (
                "bridgebot_ims_acknowledged_total",
                "Instant messages that the OSCAR server took",
                counters.ims_acknowledged,
            ),
            ("bridgebot_ims_refused_total", "Instant messages refused or not answered", counters.ims_refused),
            ("bridgebot_questions_total", "Texts of staff asked about instead of sent", counters.questions),
            ("bridgebot_store_failures_total", "Transactions that failed", counters.store_failures),
            (
                "bridgebot_left_out_total",
                "Typing notices and states left out because a link was busy",
                counters.left_out,
            ),
        ];
        for (name, help, value) in counters {
            text.counter(name, help, value);
        }
    }
}
