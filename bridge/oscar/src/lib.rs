//! OSCAR, the protocol of AIM and ICQ.

pub mod screen_name;
pub use screen_name::ScreenName;
