//! Logs go to standard error, as text or as one JSON object a line; `RUST_LOG` chooses what is shown.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people: time, level, message, fields.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Starts logging for this process. `default` is the filter where `RUST_LOG` is unset, such as `info`.
///
/// The `irc` crate logs whole lines, passwords included, so its target stays off whatever is asked for.
/// Calling it a second time (tests do) changes nothing.
pub fn init(format: LogFormat, default: &str) {
    let asked = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let filter = match "irc=off".parse() {
        Ok(directive) => asked.add_directive(directive),
        Err(_) => asked,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
