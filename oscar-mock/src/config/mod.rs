//! What a server double is started with, once it is known to make sense. [`mod@file`] reads the same from files.

pub mod file;

use std::net::{Ipv4Addr, SocketAddr};

use oscar_im::ScreenName;
use program::Secret;

use crate::clock::Clock;
use crate::faults::Fault;

/// Whether the rate classes of the real server are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Rates {
    /// As open-oscar-server does: notices, silent drops, disconnects.
    #[default]
    Stock,
    /// Nobody is limited, and the classes that are announced slow no client that paces itself by them.
    None,
}

/// Somebody who may sign on.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    /// The name, spelled as others shall see it.
    pub name: ScreenName,
    /// The password.
    pub password: Secret,
    /// Names on the buddy list that the server keeps, before the first sign-on.
    pub buddies: Vec<ScreenName>,
    /// Whether it is a bot: never limited, can't be warned, and shown as one.
    pub bot: bool,
}

impl AccountConfig {
    /// An account with an empty buddy list.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { name: ScreenName::new(name), password: Secret::new(password), buddies: Vec::new(), bot: false }
    }
}

/// What open-oscar-server does differently from AOL's servers, and the double only when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// TLV 9 of a sign-off (the reason) takes one byte instead of two. libpurple reads two, so with one byte it
    /// doesn't learn that it was signed on elsewhere.
    pub one_byte_reason: bool,
    /// A client that sent no TLV 4A at sign-on gets the sign-off as four bytes, `2A 04` and the sequence number.
    pub short_sign_off: bool,
}

/// Everything a server double needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where clients connect; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The `host:port` that TLV 5 names. None: the address by which the client reached us.
    pub advertise: Option<String>,
    /// Who may sign on.
    pub accounts: Vec<AccountConfig>,
    /// Whether every name and password is accepted.
    pub open: bool,
    /// Which limits hold.
    pub rates: Rates,
    /// How many sign-ons one address may make in a minute. None: any number.
    pub signon_limit: Option<u32>,
    /// Where the control interface listens, if anywhere.
    pub control: Option<SocketAddr>,
    /// Whether the control interface may listen elsewhere than on loopback.
    pub control_remote: bool,
    /// How many frames the journal keeps; 0 keeps none.
    pub journal: usize,
    /// See [`Quirks`].
    pub quirks: Quirks,
    /// What is to go wrong from the start.
    pub faults: Vec<Fault>,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for Config {
    /// AIM's port on loopback, no accounts, stock rates, no control interface.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5190)),
            advertise: None,
            accounts: Vec::new(),
            open: false,
            rates: Rates::Stock,
            signon_limit: None,
            control: None,
            control_remote: false,
            journal: 1024,
            quirks: Quirks::default(),
            faults: Vec::new(),
            clock: Clock::system(),
        }
    }
}
