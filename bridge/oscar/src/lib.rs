//! OSCAR, the protocol of AIM and ICQ.

pub mod foodgroup;
pub mod rate;
pub mod screen_name;
pub mod wire;

pub use screen_name::ScreenName;
