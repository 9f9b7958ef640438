//! The web side: the HTTP server and the visitors' gateway.
//!
//! [`server`] binds and serves: the routers of others, `/irc`, `/healthz`, `/readyz`, and metrics on a listener of
//! their own. The gateway is a pure machine for each connection (`filter`, with `caps`, `history`, `limits`, `unheard`) and a
//! shell that moves bytes between WebSocket and IRC daemon (`gateway`). Lines themselves reach the hub by IRC; the
//! gateway tells it only whose connection is whose ([`event`]).

pub mod event;
pub mod health;
pub mod server;

mod caps;
mod filter;
mod gateway;
mod history;
mod limits;
mod line;
mod metrics;
mod origin;
mod unheard;
