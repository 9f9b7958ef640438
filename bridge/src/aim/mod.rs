//! The OSCAR side.

pub mod event;
