//! The browser's side of BridgeBot, ready to be served: the visitors' widget, the demo's page with a customer's site
//! on it, and the staff's AIM window.
//!
//! The pages and scripts are built from `widget/` (TypeScript) into `dist/`, which is part of the repository, so that
//! building this crate takes no Node. This crate knows nothing of conversations: it holds files and answers GET. The
//! sockets that the pages open (`/irc`, `/staff/socket`), `/demo.json` and the check of `Host` are the server's part.
//!
//! ```
//! let pages: axum::Router = web_widget::router()
//!     .merge(web_widget::demo_router())
//!     .merge(web_widget::staff_router());
//! # let _ = pages;
//! ```

mod asset;
mod headers;
mod routes;

pub use routes::{demo_router, router, staff_router};
