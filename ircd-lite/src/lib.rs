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
