//! The IRC side: one client session with the daemon, and the link that keeps it up.
//!
//! [`session`] is the client as a pure machine: lines and time go in, lines and [`event::IrcEvent`]s come out.
//! The files beside it are its parts, each with one concern and none with a socket or a clock: `caps` and
//! `sasl` (registration), `nick`, `channels`, `people` (who speaks), `receipts` (what became of what we
//! said), `replay` (the daemon's history), `queue` (pacing), `split` (the line budget). [`link`] owns the
//! socket. Incoming lines are framed and decoded here (`framing`) and parsed with the `irc` crate's vocabulary.
//!
//! Nothing here knows visitors, staff or OSCAR.

pub mod event;
pub mod link;

pub mod session;
pub mod text;
pub mod timestamp;

mod caps;
mod channels;
pub(crate) mod framing;
mod isupport;
mod message;
mod nick;
mod people;
mod queue;
mod receipts;
mod redact;
mod replay;
mod sasl;
mod split;

pub use queue::Pacing;

/// The capability with which a daemon delivers to a connection instead of a nick (docs/protocol/delivery-check.md).
const RECEIVER: &str = "ircd-lite/receiver";
