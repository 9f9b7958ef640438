//! `bridgebot aim`: an AIM client for the terminal, built on `oscar-im` and on nothing else of the bridge's logic.
//!
//! [`messenger`] is the client: a machine without I/O and clock, to which lines that a person enters and events of the
//! OSCAR session go in, and from which actions and news come out. A person meets it through a [`face`]: [`lines`], line
//! after line, on a terminal or in a pipe, or [`view`], a machine too, which [`terminal`] shows over the whole screen.
//! [`shell`] joins it all with sockets. Nothing from a server reaches a terminal but through [`printable`].

mod action;
mod command;
mod conversation;
mod face;
mod lines;
mod messenger;
mod outbox;
mod printable;
mod rooms;
mod shell;
mod terminal;
mod view;
mod wording;

pub(crate) use face::Style;
pub(crate) use shell::{Account, run};
