//! The IRC side.

pub mod event;
