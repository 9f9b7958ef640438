//! `bridgebot demo`: IRC daemon, OSCAR server, web page and bridge in one process on loopback.
//!
//! The bridge is the production one with a configuration made here; the sockets between the parts are real. Nothing is
//! written outside a temporary folder, which goes with the process.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::routing::get;
use axum::{Json, Router};
use clap::{Args, ValueEnum};
use ircd_lite::config::{Account, Password, PermanentChannel, Reserve};
use oscar_mock::config::{AccountConfig, Rates};
use program::{Failure, Secret, Signals};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::checked::{self, Config, DEFAULT_MAX_IM_BYTES, Routing, Synchronous};
use crate::config::values::Listen;
use crate::connect::Endpoint;
use crate::staff_window::{self, StaffWindow};
use crate::supervisor::{self, BindError};

const BOT: &str = "bridgebot";
const CHANNEL: &str = "#support";
const STAFF: [&str; 2] = ["staff1", "staff2"];
const STAFF_PASSWORD: &str = "demo";

/// Where the demo listens, and how strict its OSCAR server is.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The page with the widget and the AIM window [default: 127.0.0.1:8080, or a free port if that is taken]
    #[arg(long, value_name = "ADDRESS", value_parser = Listen::parse)]
    http: Option<Listen>,
    /// The IRC daemon [default: 127.0.0.1:6667, or a free port if that is taken]
    #[arg(long, value_name = "ADDRESS", value_parser = Listen::parse)]
    irc: Option<Listen>,
    /// The OSCAR server [default: 127.0.0.1:5190, or a free port if that is taken]
    #[arg(long, value_name = "ADDRESS", value_parser = Listen::parse)]
    oscar: Option<Listen>,
    /// The OSCAR server's rate limits: none, or those of the real server
    #[arg(long, value_enum, default_value = "none")]
    rates: RatesOption,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RatesOption {
    None,
    Stock,
}

/// Runs until SIGTERM or SIGINT.
pub(super) async fn demo(options: Options, signals: Signals) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("bridgebot-demo-")
        .tempdir()
        .map_err(|error| Failure::runtime(format!("cannot make a temporary folder: {error}")))?;
    let irc_password = random_password()?;
    let aim_password = random_password()?;

    let ircd = bind(options.irc, 6667, "IRC", async |address| {
        ircd_lite::Server::bind(ircd_config(address, &irc_password)).await.map_err(|error| {
            let in_use = matches!(&error, ircd_lite::BindError::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse);
            (in_use, error.to_string())
        })
    })
    .await?;
    let oscar = bind(options.oscar, 5190, "OSCAR", async |address| {
        oscar_mock::Server::bind(oscar_config(address, options.rates, &aim_password)).await.map_err(|error| {
            let in_use = matches!(&error, oscar_mock::StartError::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse);
            (in_use, error.to_string())
        })
    })
    .await?;
    let (Some(irc), Some(ws)) = (ircd.addresses().irc.first().copied(), ircd.addresses().ws.first().copied())
    else {
        return Err(Failure::runtime("the IRC daemon has no listener"));
    };
    let oscar_address = oscar.address();
    let bridge = bind(options.http, 8080, "HTTP", async |address| {
        let config = bridge_config(folder.path(), address, irc, oscar_address, &irc_password, &aim_password);
        supervisor::bind(config).await.map_err(|error| {
            let in_use = matches!(error, BindError::AddressInUse(_));
            (in_use, Failure::from(error).to_string())
        })
    })
    .await?;

    let mut addresses = bridge.addresses();
    addresses.truncate(1);
    addresses.extend([("irc", vec![irc]), ("ws", vec![ws]), ("oscar", vec![oscar_address])]);

    // The servers outlive the bridge, so that its goodbyes arrive.
    let servers = TaskTracker::new();
    let stop_servers = CancellationToken::new();
    servers.spawn(ircd.serve(stop_servers.clone()));
    servers.spawn(oscar.serve(stop_servers.clone()));
    let addresses_for_page = Json(serde_json::json!({
        "oscar": oscar_address.to_string(),
        "irc": irc.to_string(),
        "ws": ws.to_string(),
    }));
    let window = StaffWindow {
        endpoint: Endpoint { host: oscar_address.ip().to_string(), port: oscar_address.port(), tls: None },
        screen_name: STAFF[0].into(),
        password: Secret::new(STAFF_PASSWORD),
        stop: signals.stop.clone(),
    };
    let pages = web_widget::router()
        .merge(web_widget::demo_router())
        .merge(web_widget::staff_router())
        .merge(staff_window::router(window))
        .merge(Router::new().route("/demo.json", get(async move || addresses_for_page)));
    program::ready::announce(&addresses);
    let served = bridge.serve(pages, signals.stop).await;
    stop_servers.cancel();
    servers.close();
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), servers.wait()).await;
    served
}

/// Binds at the address the user gave, or at the default port, or at a free one if that is taken.
async fn bind<T>(
    asked: Option<Listen>,
    default_port: u16,
    what: &str,
    bind: impl AsyncFn(SocketAddr) -> Result<T, (bool, String)>,
) -> Result<T, Failure> {
    if let Some(Listen(address)) = asked {
        return bind(address).await.map_err(|(_, error)| Failure::runtime(error));
    }
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    match bind(SocketAddr::new(loopback, default_port)).await {
        Err((true, _)) => {
            tracing::info!("port {default_port} is taken; {what} uses a free one instead");
            bind(SocketAddr::new(loopback, 0)).await.map_err(|(_, error)| Failure::runtime(error))
        }
        other => other.map_err(|(_, error)| Failure::runtime(error)),
    }
}

fn ircd_config(address: SocketAddr, password: &Secret) -> ircd_lite::Config {
    let mut config = ircd_lite::Config::default();
    config.server.name = "irc.demo".into();
    config.server.network = "BridgeBotDemo".into();
    config.server.description = "the demo's IRC daemon".into();
    config.server.listen = vec![address];
    config.server.ws = vec![SocketAddr::new(address.ip(), 0)];
    // A line and the typing before it are two to the daemon: a lively visitor would be made to wait after two of them.
    config.limits.flood_lines = 0;
    config.limits.exempt =
        ["127.0.0.0/8", "::1/128"].into_iter().filter_map(|network| network.parse().ok()).collect();
    config.accounts =
        vec![Account { name: BOT.into(), password: Password::Plain(password.clone()), exempt: true }];
    config.reserves =
        vec![Reserve { mask: BOT.into(), reason: "the service".into(), account: Some(BOT.into()) }];
    config.channels = vec![PermanentChannel {
        name: CHANNEL.into(),
        modes: "+ntu".into(),
        topic: Some("Ask here; a person will answer.".into()),
        operators: vec![BOT.into()],
    }];
    config
}

fn oscar_config(address: SocketAddr, rates: RatesOption, password: &Secret) -> oscar_mock::config::Config {
    let staff = STAFF
        .map(|name| AccountConfig { buddies: vec![BOT.into()], ..AccountConfig::new(name, STAFF_PASSWORD) });
    oscar_mock::config::Config {
        listen: address,
        accounts: staff.into_iter().chain([AccountConfig::new(BOT, password.expose())]).collect(),
        rates: match rates {
            RatesOption::None => Rates::None,
            RatesOption::Stock => Rates::Stock,
        },
        ..oscar_mock::config::Config::default()
    }
}

fn bridge_config(
    folder: &std::path::Path,
    http: SocketAddr,
    irc: SocketAddr,
    oscar: SocketAddr,
    irc_password: &Secret,
    aim_password: &Secret,
) -> Config {
    Config {
        store: checked::Store {
            place: checked::StorePlace::File(folder.join("demo.db")),
            synchronous: Synchronous::Normal,
            retention: None,
        },
        irc: checked::Irc {
            server: irc.into(),
            tls: false,
            ca_file: None,
            nick: BOT.into(),
            channels: vec![CHANNEL.into()],
            password: None,
            sasl: Some((BOT.into(), irc_password.clone())),
            pacing: None,
        },
        oscar: checked::Oscar {
            server: oscar.into(),
            tls: false,
            ca_file: None,
            accounts: vec![checked::Account { screen_name: BOT.into(), password: aim_password.clone() }],
            max_im_bytes: DEFAULT_MAX_IM_BYTES,
        },
        staff: checked::Staff::new(STAFF.map(Into::into).to_vec(), Routing::Broadcast),
        // Nobody but the person who tries it is there.
        hours: None,
        words: checked::Words::default(),
        limits: checked::Limits {
            visitor_lines_at_once: 0,
            connections_per_address: 0,
            connects_per_minute: 0,
            ..checked::Limits::default()
        },
        web: Some(checked::Web {
            listen: http,
            hosts: Vec::new(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            webirc_password: None,
        }),
        metrics: None,
    }
}

fn random_password() -> Result<Secret, Failure> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::runtime(format!("the system gave no random numbers: {error}")))?;
    // 16 characters: as long as AIM passwords may be.
    Ok(Secret::new(base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)))
}
