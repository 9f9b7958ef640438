//! The web side.

pub mod event;
