//! The staff window: an AIM client in the browser. The page is `web-widget`'s; behind its WebSocket stands a real
//! OSCAR session, from here to the server. It knows nothing of the bridge and could talk to anybody on the network.

mod messages;
mod session;
mod socket;

pub use socket::{StaffWindow, router};
