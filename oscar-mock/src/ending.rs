//! Why a connection ended: one typed reason each, for the log, the journal and the control interface.

use oscar_im::wire::{DecodeError, FlapError};

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ending {
    /// The client closed it, or the network did.
    #[error("closed by the client")]
    ClosedByClient,
    /// The client signed off.
    #[error("signed off")]
    SignedOff,
    /// The authorizer has said all it had to say.
    #[error("authorization is done")]
    Authorized,
    /// The sign-on was refused with this code (TLV 8).
    #[error("sign-on refused with code {0:#04x}")]
    Refused(u16),
    /// The cookie is unknown, used or too old.
    #[error("unknown cookie")]
    BadCookie,
    /// The bytes are no FLAP frames.
    #[error("bad framing: {0}")]
    Framing(#[from] FlapError),
    /// A frame that ends the connection when its content is unreadable.
    #[error("unreadable {what}: {source}")]
    Unreadable {
        /// Which frame.
        what: &'static str,
        /// Why.
        source: DecodeError,
    },
    /// A frame that may not come now.
    #[error("{0}")]
    OutOfTurn(&'static str),
    /// Not signed on in time.
    #[error("not signed on within 30 s")]
    TooSlow,
    /// More frames than a sign-on takes.
    #[error("more than 10 frames before the sign-on")]
    TooManyFrames,
    /// More than the rate limits allow.
    #[error("sent too fast")]
    RateLimit,
    /// The account signed on again.
    #[error("signed on elsewhere")]
    SignedOnElsewhere,
    /// The session goes on on another connection.
    #[error("moved to another connection")]
    Migrated,
    /// The client does not read what it is sent.
    #[error("the client reads too slowly")]
    SlowReader,
    /// The session of this service connection ended.
    #[error("its session ended")]
    SessionOver,
    /// The same person has entered the room on another connection.
    #[error("entered the room again")]
    CameAgain,
    /// A fault that a test asked for.
    #[error("by a fault")]
    Fault,
    /// By the control interface.
    #[error("by the control interface")]
    Control,
    /// The server stops.
    #[error("the server stops")]
    Stopping,
}
