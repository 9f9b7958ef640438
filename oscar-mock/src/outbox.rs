//! What a handler decides to send, before frames, sequence numbers and faults: envelopes in order.

use oscar_im::foodgroup::{ErrorCode, FoodGroup, SnacBody, SnacError};
use oscar_im::wire::{EncodeError, FlapChannel, Snac, Tlvs, Wire};

use crate::ending::Ending;
use crate::realm::ConnectionId;

/// The request id of SNACs that no request caused. Some old clients need the high bit.
pub(crate) const UNASKED: u32 = 0x8000_0000;

/// What is to happen to a connection.
#[derive(Debug)]
pub(crate) enum Post {
    /// One frame goes out.
    Frame(FlapChannel, Vec<u8>),
    /// It ends, after what was sent before.
    Close(Ending),
}

/// Envelopes for connections, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Vec<(ConnectionId, Post)>);

impl Outbox {
    /// A SNAC.
    ///
    /// # Errors
    /// When a value is too long for its field; nothing is sent then.
    pub(crate) fn snac<B: SnacBody>(
        &mut self,
        to: ConnectionId,
        request_id: u32,
        body: &B,
    ) -> Result<(), EncodeError> {
        self.raw(to, &Snac::new(request_id, body)?)
    }

    /// A SNAC whose body is encoded already.
    ///
    /// # Errors
    /// When it is too long for a frame.
    pub(crate) fn raw(&mut self, to: ConnectionId, snac: &Snac) -> Result<(), EncodeError> {
        let payload = snac.encode()?;
        if payload.len() > usize::from(u16::MAX) {
            return Err(EncodeError);
        }
        self.0.push((to, Post::Frame(FlapChannel::Data, payload)));
        Ok(())
    }

    /// xx/01.
    pub(crate) fn error(&mut self, to: ConnectionId, group: FoodGroup, request_id: u32, error: &SnacError) {
        let sent = error.to_snac(group, request_id).and_then(|snac| self.raw(to, &snac));
        if sent.is_err() {
            tracing::warn!(%group, "an error reply could not be encoded");
        }
    }

    /// A frame on channel 1.
    pub(crate) fn hello(&mut self, to: ConnectionId) {
        self.0.push((to, Post::Frame(FlapChannel::SignOn, vec![0, 0, 0, 1])));
    }

    /// A frame on channel 4.
    pub(crate) fn sign_off(&mut self, to: ConnectionId, tlvs: &Tlvs) {
        let payload = tlvs.to_bytes().unwrap_or_default();
        self.0.push((to, Post::Frame(FlapChannel::SignOff, payload)));
    }

    /// Ends the connection.
    pub(crate) fn close(&mut self, to: ConnectionId, ending: Ending) {
        self.0.push((to, Post::Close(ending)));
    }

    /// All envelopes so far.
    pub(crate) fn take(&mut self) -> Vec<(ConnectionId, Post)> {
        std::mem::take(&mut self.0)
    }
}

/// Why a request is answered by xx/01.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// With a code.
    Code(ErrorCode),
    /// With a code and TLV 8.
    SubCode(ErrorCode, u16),
    /// The body is not what it should be.
    Malformed(oscar_im::wire::DecodeError),
    /// The answer doesn't fit a frame.
    TooLong,
}

impl Refusal {
    /// As the body of xx/01.
    pub(crate) fn body(&self) -> SnacError {
        match self {
            Self::Code(code) => SnacError::new(*code),
            Self::SubCode(code, sub) => {
                SnacError { code: (*code).into(), tlvs: Tlvs::new().with_u16(SUB_CODE, *sub) }
            }
            Self::Malformed(_) => SnacError::new(ErrorCode::BustedPayload),
            Self::TooLong => SnacError::new(ErrorCode::ReplyTooBig),
        }
    }
}

/// TLV 8 of xx/01.
const SUB_CODE: u16 = 0x08;

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<oscar_im::wire::DecodeError> for Refusal {
    fn from(error: oscar_im::wire::DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<EncodeError> for Refusal {
    fn from(_: EncodeError) -> Self {
        Self::TooLong
    }
}
