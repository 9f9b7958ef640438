//! BridgeBot: visitors of a website write by IRC, staff answer from an AIM client.

pub mod aim;
pub mod clock;
pub mod config;
pub mod irc;
pub mod web;
