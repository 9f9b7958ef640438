//! A small IRC daemon that speaks as ircd-ratbox does, and beyond it what browsers and today's clients need.
//!
//! The wire ([`World`] knows no I/O), the commands and the sockets are apart: `wire` turns bytes into values, `world`
//! holds all state with one owner, `commands` says what each command means, `net` is the shell with the sockets.
//!
//! A server in a test, or within another program:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use ircd_lite::{Config, Server};
//! use tokio_util::sync::CancellationToken;
//!
//! let mut config = Config::default();
//! config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
//! let bound = Server::bind(config).await.unwrap();
//! println!("listening on {}", bound.addresses().irc[0]);
//! let stop = CancellationToken::new();
//! let serving = tokio::spawn(bound.serve(stop.clone()));
//! stop.cancel();
//! serving.await.unwrap();
//! # });
//! ```

//! # Order
//! Lines of one client are acted upon in the order in which it sent them, always. Between clients: what one learns from the
//! server, it learns after it has happened, so that an answer never overtakes its question, whoever gives it; and of two
//! lines from clients with which the server is not busy at the moment, the one that arrives first is heard first. The latter
//! holds because one thread reads all connections: [`Bound::serve`] makes one where the runtime that it is called on has
//! several. It does not hold for WebSockets that an [`Acceptor`] is given: your runtime reads those.
//!
//! # Start and stop
//! Several servers in one process share nothing. One starts in well under a millisecond (`examples/start.rs` shows it)
//! and stops when its token is cancelled, or when the future that serves is dropped.

pub mod clock;
mod commands;
pub mod config;
mod net;
mod network;
mod wire;
mod world;

pub use config::Config;
pub use net::{Acceptor, Addresses, BindError, Bound, ReloadError, Reloader, Server, SubProtocol};
pub use world::{ClientId, Effect, Gone, Now, Output, Peer, Transport, World};

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
