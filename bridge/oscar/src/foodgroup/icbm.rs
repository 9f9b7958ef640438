//! 04: instant messages. What stands in their text is the business of [`crate::text`].
//!
//! Source: captured, but for 04/0A and 04/0B, channel 4, and rendezvous that are no chat invitations (libpurple's and
//! BitlBee's source).

use super::{Capability, UserInfo, snac_body, snac_place};
use crate::ScreenName;
use crate::wire::{DecodeError, EncodeError, Reader, Tlvs, Wire, Writer, wire_struct};

/// The sender's 8-byte id of a message; host acknowledgements repeat it.
pub type Cookie = [u8; 8];

/// ICBM channels.
pub mod channel {
    /// Plain messages.
    pub const IM: u16 = 1;
    /// Invitations and other offers.
    pub const RENDEZVOUS: u16 = 2;
    /// ICQ's old messages.
    pub const ICQ: u16 = 4;
}

/// TLV types of 04/06 and 04/07.
pub mod tlv {
    /// Channel 1: the message, [`super::ImData`].
    pub const MESSAGE: u16 = 0x02;
    /// Empty, channel 1: acknowledge with 04/0C.
    pub const HOST_ACK: u16 = 0x03;
    /// Empty: an automatic reply.
    pub const AUTO_RESPONSE: u16 = 0x04;
    /// Channel 2: a [`super::Rendezvous`]. Channel 4: an ICQ message.
    pub const DATA: u16 = 0x05;
    /// The sender's icon: which one it is.
    pub const ICON: u16 = 0x08;
    /// Empty: store it if the recipient is offline.
    pub const STORE: u16 = 0x06;
    /// Empty: the sender takes typing notices.
    pub const WANTS_TYPING: u16 = 0x0b;
    /// `u32` UNIX time, on stored messages.
    pub const SEND_TIME: u16 = 0x16;
}

snac_body! { Icbm, 0x02;
    /// c→s: set the parameters of messages to the client.
    pub struct SetParams {
        /// 0: all.
        pub channel: u16,
        /// 1 messages, 2 missed calls, 8 typing, …
        pub flags: u32,
        /// Longest message, bytes.
        pub max_length: u16,
        /// Highest warning level of a sender, tenths of a percent.
        pub max_sender_warning: u16,
        /// Highest warning level of a receiver.
        pub max_receiver_warning: u16,
        /// Least milliseconds between messages.
        pub min_interval: u32,
    }
}

snac_body! { Icbm, 0x04;
    /// c→s: which parameters are there?
    pub struct ParamsQuery {}
}

snac_body! { Icbm, 0x05;
    /// s→c: these.
    pub struct Params {
        /// How many channels can be set.
        pub max_slots: u16,
        /// As in [`SetParams`].
        pub flags: u32,
        /// Longest message, bytes. open-oscar-server says 512 and does not mean it.
        pub max_length: u16,
        /// As in [`SetParams`].
        pub max_sender_warning: u16,
        /// As in [`SetParams`].
        pub max_receiver_warning: u16,
        /// As in [`SetParams`].
        pub min_interval: u32,
    }
}

snac_body! { Icbm, 0x06;
    /// c→s: a message.
    pub struct ImToHost {
        /// The sender's id of it.
        pub cookie: Cookie,
        /// See [`channel`].
        pub channel: u16,
        /// To whom.
        pub to: ScreenName,
        /// See [`tlv`].
        pub tlvs: Tlvs,
    }
}

impl ImToHost {
    /// The message of channel 1.
    pub fn message(&self) -> Option<Result<ImData, DecodeError>> {
        message_of(self.channel, &self.tlvs)
    }

    /// The offer of channel 2.
    pub fn rendezvous(&self) -> Option<Result<Rendezvous, DecodeError>> {
        rendezvous_of(self.channel, &self.tlvs)
    }
}

impl ImToHost {
    /// The same message as a server passes it on: without the wish for an acknowledgement, which is the server's to grant.
    #[must_use]
    pub fn relayed(mut self, from: UserInfo) -> ImToClient {
        self.tlvs.remove(tlv::HOST_ACK);
        ImToClient { cookie: self.cookie, channel: self.channel, from, tlvs: self.tlvs }
    }
}

snac_body! { Icbm, 0x07;
    /// s→c: a message.
    pub struct ImToClient {
        /// The sender's id of it.
        pub cookie: Cookie,
        /// See [`channel`].
        pub channel: u16,
        /// From whom; stored messages come with a name and nothing else.
        pub from: UserInfo,
        /// See [`tlv`].
        pub tlvs: Tlvs,
    }
}

impl ImToClient {
    /// The message of channel 1.
    pub fn message(&self) -> Option<Result<ImData, DecodeError>> {
        message_of(self.channel, &self.tlvs)
    }

    /// The offer of channel 2.
    pub fn rendezvous(&self) -> Option<Result<Rendezvous, DecodeError>> {
        rendezvous_of(self.channel, &self.tlvs)
    }

    /// The message of channel 4.
    pub fn icq(&self) -> Option<Result<IcqMessage, DecodeError>> {
        (self.channel == channel::ICQ).then(|| self.tlvs.get(tlv::DATA))?.map(IcqMessage::from_bytes)
    }
}

fn message_of(channel: u16, tlvs: &Tlvs) -> Option<Result<ImData, DecodeError>> {
    (channel == channel::IM).then(|| tlvs.get(tlv::MESSAGE))?.map(ImData::from_bytes)
}

fn rendezvous_of(channel: u16, tlvs: &Tlvs) -> Option<Result<Rendezvous, DecodeError>> {
    (channel == channel::RENDEZVOUS).then(|| tlvs.get(tlv::DATA))?.map(Rendezvous::from_bytes)
}

wire_struct! {
    /// The value of TLV 2: fragments, in order.
    pub struct ImData {
        /// One of features, then text, mostly.
        pub fragments: Vec<Fragment>,
    }
}

/// `id u8, version u8, length u16, data`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Fragment {
    /// 5: features; 1: text.
    pub id: u8,
    /// 1.
    pub version: u8,
    /// A text fragment's is a [`TextFragment`].
    pub data: Vec<u8>,
}

impl Wire for Fragment {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { id: reader.u8()?, version: reader.u8()?, data: reader.block16()?.to_vec() })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u8(self.id);
        writer.u8(self.version);
        writer.block16(&self.data);
    }
}

/// Text as it was sent: `charset u16, language u16, bytes`. `text::charset` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TextFragment {
    /// 0 ASCII (or whatever the client had), 2 UTF-16BE, 3 ISO-8859-1.
    pub charset: u16,
    /// 0.
    pub language: u16,
    /// The text, AIM HTML mostly.
    pub bytes: Vec<u8>,
}

impl Wire for TextFragment {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { charset: reader.u16()?, language: reader.u16()?, bytes: reader.rest().to_vec() })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.charset);
        writer.u16(self.language);
        writer.bytes(&self.bytes);
    }
}

impl ImData {
    /// Fragment id of the features.
    pub const FEATURES: u8 = 5;
    /// Fragment id of text.
    pub const TEXT: u8 = 1;

    /// The form that libpurple and BitlBee send: features `01 01 01 02` and one text.
    pub fn of_text(text: &TextFragment) -> Result<Self, EncodeError> {
        let features = Fragment { id: Self::FEATURES, version: 1, data: vec![1, 1, 1, 2] };
        let text = Fragment { id: Self::TEXT, version: 1, data: text.to_bytes()? };
        Ok(Self { fragments: vec![features, text] })
    }

    /// The texts, in order; text fragments too short to hold their charset are left out.
    pub fn texts(&self) -> impl Iterator<Item = TextFragment> {
        self.fragments
            .iter()
            .filter(|fragment| fragment.id == Self::TEXT)
            .filter_map(|fragment| TextFragment::from_bytes(&fragment.data).ok())
    }
}

wire_struct! {
    /// The value of TLV 5 on channel 2.
    pub struct Rendezvous {
        /// See [`rendezvous`].
        pub kind: u16,
        /// The message's cookie again.
        pub cookie: Cookie,
        /// What is offered, a [`Capability`].
        pub capability: [u8; 16],
        /// A chat invitation has [`rendezvous::TEXT`] and [`rendezvous::SERVICE_DATA`].
        pub tlvs: Tlvs,
    }
}

impl Rendezvous {
    /// What is offered.
    pub const fn offers(&self) -> Capability {
        Capability(self.capability)
    }
}

/// Kinds and TLV types of a [`Rendezvous`].
pub mod rendezvous {
    /// Kind: an offer.
    pub const PROPOSE: u16 = 0;
    /// Kind: declined, or taken back.
    pub const CANCEL: u16 = 1;
    /// Kind: accepted.
    pub const ACCEPT: u16 = 2;

    /// `u16`, 1: first request.
    pub const SEQUENCE: u16 = 0x0a;
    /// `u16`: why it was cancelled.
    pub const REASON: u16 = 0x0b;
    /// The words of the invitation.
    pub const TEXT: u16 = 0x0c;
    /// Charset of the words, by name.
    pub const CHARSET: u16 = 0x0d;
    /// Language of the words.
    pub const LANGUAGE: u16 = 0x0e;
    /// Empty.
    pub const HOST_CHECK: u16 = 0x0f;
    /// For a chat invitation the room, a [`crate::foodgroup::chat::RoomId`].
    pub const SERVICE_DATA: u16 = 0x2711;
}

/// The value of TLV 5 on channel 4, in little-endian: `number u32, kind u8, flags u8, length u16, text with a zero`. So
/// libpurple and BitlBee read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct IcqMessage {
    /// The sender's ICQ number.
    pub uin: u32,
    /// See [`icq_kind`].
    pub kind: u8,
    /// 0 mostly.
    pub flags: u8,
    /// The text, in whatever charset the sender's system has, without the zero; some kinds have fields in it, with FE
    /// between them.
    pub text: Vec<u8>,
}

/// Kinds of an [`IcqMessage`].
pub mod icq_kind {
    /// A message.
    pub const PLAIN: u8 = 0x01;
    /// A link: words, FE, address.
    pub const URL: u8 = 0x04;
    /// They want to have us on their list.
    pub const AUTHORIZATION_REQUEST: u8 = 0x06;
    /// They don't want to be on ours.
    pub const AUTHORIZATION_DENIED: u8 = 0x07;
    /// They may be on ours.
    pub const AUTHORIZATION_GRANTED: u8 = 0x08;
    /// They have put us on their list.
    pub const ADDED: u8 = 0x0c;
    /// Contacts: how many, FE, number, FE, name, FE, …
    pub const CONTACTS: u8 = 0x13;
}

impl Wire for IcqMessage {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (uin, kind, flags) = (reader.u32_le()?, reader.u8()?, reader.u8()?);
        let length = reader.u16_le()?;
        let text = reader.bytes(usize::from(length))?;
        let text = text.strip_suffix(&[0]).unwrap_or(text).to_vec();
        Ok(Self { uin, kind, flags, text })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u32_le(self.uin);
        writer.u8(self.kind);
        writer.u8(self.flags);
        // A TLV can't hold what would overflow here.
        writer.u16_le(u16::try_from(self.text.len().saturating_add(1)).unwrap_or(u16::MAX));
        writer.bytes(&self.text);
        writer.u8(0);
    }
}

snac_body! { Icbm, 0x08;
    /// c→s: warn somebody.
    pub struct EvilRequest {
        /// 1: without our name.
        pub anonymous: u16,
        /// Whom.
        pub screen_name: ScreenName,
    }
}

snac_body! { Icbm, 0x09;
    /// s→c: done.
    pub struct EvilReply {
        /// Tenths of a percent more.
        pub increase: u16,
        /// Tenths of a percent now.
        pub level: u16,
    }
}

wire_struct! {
    /// Messages that the server did not pass on.
    pub struct MissedCall {
        /// See [`channel`].
        pub channel: u16,
        /// From whom.
        pub from: UserInfo,
        /// How many.
        pub count: u16,
        /// 0 invalid, 1 too large, 2 rate, 3 sender warned too often, 4 we are.
        pub reason: u16,
    }
}

snac_body! { Icbm, 0x0a;
    /// s→c: you missed some.
    pub struct MissedCalls {
        /// One a sender.
        pub calls: Vec<MissedCall>,
    }
}

/// Both ways: the recipient's client could not take a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ClientError {
    /// The message.
    pub cookie: Cookie,
    /// See [`channel`].
    pub channel: u16,
    /// The other side.
    pub screen_name: ScreenName,
    /// 3: details follow (automatic replies of ICQ clients).
    pub reason: u16,
    /// They do.
    pub details: Vec<u8>,
}

impl Wire for ClientError {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            cookie: reader.array()?,
            channel: reader.u16()?,
            screen_name: ScreenName::decode(reader)?,
            reason: reader.u16()?,
            details: reader.rest().to_vec(),
        })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.bytes(&self.cookie);
        writer.u16(self.channel);
        self.screen_name.encode(writer);
        writer.u16(self.reason);
        writer.bytes(&self.details);
    }
}
snac_place!(Icbm, 0x0b, ClientError);

snac_body! { Icbm, 0x0c;
    /// s→c: the server has taken the message.
    pub struct HostAck {
        /// Which.
        pub cookie: Cookie,
        /// See [`channel`].
        pub channel: u16,
        /// To whom, as the client wrote it.
        pub screen_name: ScreenName,
    }
}

snac_body! { Icbm, 0x10;
    /// c→s: hand out what was stored. 04/07 for each, then 04/17.
    pub struct OfflineRetrieve {}
}

snac_body! { Icbm, 0x14;
    /// Both ways: somebody types. The name is the receiver's to the server and the sender's from it.
    pub struct TypingNotice {
        /// Zero.
        pub cookie: Cookie,
        /// 1.
        pub channel: u16,
        /// The other side.
        pub screen_name: ScreenName,
        /// See [`typing`].
        pub event: u16,
    }
}

/// Events of a [`TypingNotice`].
pub mod typing {
    /// Nothing typed.
    pub const NONE: u16 = 0;
    /// Stopped, with text left.
    pub const TYPED: u16 = 1;
    /// Typing.
    pub const BEGUN: u16 = 2;
    /// The window was closed.
    pub const CLOSED: u16 = 0x0f;
}

snac_body! { Icbm, 0x17;
    /// s→c: that was all that was stored.
    pub struct OfflineDone {}
}
