//! OSCAR, the protocol of AIM and ICQ.

pub mod foodgroup;
#[cfg(feature = "tokio")]
pub mod net;
mod outgoing;
pub mod rate;
pub mod screen_name;
pub mod session;
pub mod sign_on;
pub mod text;
pub mod wire;

pub use screen_name::ScreenName;
