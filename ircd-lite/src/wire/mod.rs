//! Bytes to values and back: framing, the line parser, tags, names, masks, numerics, WebSocket frames.
//!
//! Pure functions over borrowed bytes. Nothing here knows a client, a socket or a clock, and nothing allocates more
//! than the bounds that stand beside each function. Facts: RFC 1459 and 2812, the IRCv3 specifications, RFC 6455.

pub(crate) mod connection;
pub(crate) mod date;
pub(crate) mod framer;
pub(crate) mod line;
pub(crate) mod mask;
pub(crate) mod message;
pub(crate) mod name;
pub(crate) mod numeric;
pub(crate) mod scan;
pub(crate) mod tags;
pub(crate) mod text;
pub(crate) mod websocket;
pub(crate) mod writer;

/// The longest line without its tags and without CR LF, both ways.
pub(crate) const BODY_LIMIT: usize = 510;
/// The most tag data a client may send, without `@` and space.
pub(crate) const CLIENT_TAGS_LIMIT: usize = 4094;
/// The longest tag section on the wire, with `@` and space.
pub(crate) const TAGS_LIMIT: usize = 8191;
/// The most that a line from a client may hold in memory.
pub(crate) const FRAME_LIMIT: usize = TAGS_LIMIT + BODY_LIMIT;
