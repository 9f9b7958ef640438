//! The OSCAR side: the link that keeps one of our accounts signed on. The protocol itself is the crate `oscar-im`.

pub(crate) mod credits;
pub mod event;
pub mod link;
mod room;
pub(crate) mod sign_on;
