//! BridgeBot: visitors of a website write by IRC, staff answer from an AIM client.

pub mod aim;
mod aim_client;
pub mod backoff;
pub mod clock;
pub mod commands;
pub mod config;
pub mod connect;
pub mod conversation;
pub mod hub;
pub mod irc;
pub mod outbox;
pub mod staff_window;
pub mod store;
pub mod supervisor;
pub mod web;
