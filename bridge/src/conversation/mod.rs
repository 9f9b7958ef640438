//! The domain: visitors, their conversations, and what staff type. Pure: no socket, clock, file or randomness; it knows
//! no SNAC and no numeric. `hub` joins it with the outbox, the store and the links.

pub mod book;
pub mod commands;
pub mod contact;
pub mod department;
pub mod guard;
pub mod hours;
pub mod labels;
pub mod model;
pub mod routing;
pub mod staff_input;
pub mod text;
pub mod untaken;
pub mod wording;

pub use model::{Author, Conversation, ConversationId, Millis, VisitorKey};
