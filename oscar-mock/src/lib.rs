//! An OSCAR (AIM) server double: real clients sign on to it, keep a buddy list, see each other come and go, and talk.
//!
//! It behaves as open-oscar-server does where captures of real clients show it, its rate limits included. The
//! program `oscar-mock` serves it on a port; a test starts one of its own on a free port, which stops when dropped:
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use oscar_mock::{Server, config::Rates};
//!
//! let server = Server::builder()
//!     .account("staff1", "demo")
//!     .account_with_buddies("bridgebot", "pass1word", &["staff1"])
//!     .rates(Rates::None)
//!     .start()
//!     .await
//!     .unwrap();
//! // A client would connect to server.address() here.
//! assert!(server.sessions().await.unwrap().is_empty());
//! # });
//! ```
//!
//! A [`Running`] server is asked and changed through its [`Handle`]: accounts and sessions, [`faults`] to set, the time
//! ([`Handle::advance`]), what was said ([`Handle::messages`]) and every frame that went over the wire
//! ([`Handle::journal`]), with assertions that print what came instead. `examples/a_client_under_test.rs` has all of it.
//!
//! Inside, `host` is a pure machine: connections, frames and the time go in, bytes and close orders come out. It
//! holds the `realm` (accounts, sessions, who watches whom), the `authenticator`, and `bos` with one file a food
//! group. `net` puts sockets around it, `control` an HTTP interface.

mod authenticator;
mod bos;
pub mod clock;
pub mod config;
mod control;
pub mod ending;
mod entropy;
pub mod faults;
mod handle;
mod host;
pub mod journal;
mod net;
mod outbox;
mod rates;
mod realm;
mod server;
mod tickets;

pub use handle::{AccountInfo, Handle, SessionInfo, Stopped};
pub use server::{Builder, Running, Server, StartError};

/// The README's examples, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
