//! What the programs of this workspace share, so that they answer alike: the ready line, logging to standard
//! error, signals as a cancellation token, exit statuses, and configuration errors with file, line and column.
//!
//! No protocol and no chat logic lives here, and no crate of ours is used here.

pub mod config;
pub mod exit;
pub mod logging;
pub mod ready;
pub mod secret;
pub mod signals;

pub use config::{ConfigError, Source};
pub use exit::{Failure, report};
pub use logging::LogFormat;
pub use secret::{Secret, SecretError, SecretSource};
pub use signals::Signals;
