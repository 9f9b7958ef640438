//! The bodies of SNACs, one file a food group; both directions, for both sides of the wire.
//!
//! A body's fixed fields are typed; its TLVs are kept as they came, in order, with getters for those that are known,
//! so that what a peer newer than us adds passes through unharmed. Numbers that name things are the constants beside
//! the group, with `Other` where they are an enum. Bytes behind a body's last field are ignored.
//!
//! Each file says where its facts come from: *captured* is what stands in traffic between real clients (libpurple, BitlBee)
//! and a real server (open-oscar-server), which the tests read and write back to the same bytes; the rest is how the source of
//! one of them has it, or how the protocol is generally described. Error codes: captured are 1, 4 and D; the rest as
//! libpurple has them.
//!
//! ```
//! use oscar_im::foodgroup::{Body, FoodGroup};
//! use oscar_im::wire::Snac;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // 03/0C, somebody has gone, with a TLV 7 that nobody has heard of.
//! let bytes = b"\x00\x03\x00\x0c\x00\x00\x80\x00\x00\x00\x03ann\x00\x00\x00\x01\x00\x07\x00\x02hi";
//! let snac = Snac::decode(bytes)?;
//! let body = Body::decode(&snac)?;
//! let Body::BuddyDeparted(departed) = &body else { unreachable!() };
//! assert_eq!(departed.infos[0].screen_name, "Ann".into());
//! assert_eq!(departed.infos[0].tlvs.get(7), Some(&b"hi"[..]));
//! assert_eq!(body.encode()?, snac.body, "nothing is lost");
//! assert_eq!(snac.group, FoodGroup::Buddy);
//! # Ok(())
//! # }
//! ```

pub mod alert;
pub mod bart;
pub mod bucp;
pub mod buddy;
pub mod chat;
pub mod chat_nav;
pub mod feedbag;
pub mod icbm;
pub mod icq;
pub mod locate;
pub mod oservice;
pub mod pd;
pub mod stats;
pub mod user_info;

use crate::wire::{DecodeError, EncodeError, Snac, SnacFlags, Tlvs, Wire, wire_struct};
pub use user_info::{Capability, UserInfo};

/// A family of SNACs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FoodGroup {
    /// 01: the connection itself: versions, rates, own user info.
    Oservice,
    /// 02: profiles, away messages, capabilities.
    Locate,
    /// 03: who comes and goes.
    Buddy,
    /// 04: instant messages.
    Icbm,
    /// 09: permit and deny lists.
    Pd,
    /// 0B: usage reports.
    Stats,
    /// 0D: finding and creating chat rooms.
    ChatNav,
    /// 0E: inside a chat room.
    Chat,
    /// 10: icons.
    Bart,
    /// 13: the buddy list that the server keeps (also called SSI).
    Feedbag,
    /// 15: ICQ's own.
    Icq,
    /// 17: signing on with an MD5 challenge.
    Bucp,
    /// 18: mail and other alerts.
    Alert,
    /// One we know nothing of.
    Other(u16),
}

impl From<u16> for FoodGroup {
    fn from(number: u16) -> Self {
        match number {
            0x01 => Self::Oservice,
            0x02 => Self::Locate,
            0x03 => Self::Buddy,
            0x04 => Self::Icbm,
            0x09 => Self::Pd,
            0x0b => Self::Stats,
            0x0d => Self::ChatNav,
            0x0e => Self::Chat,
            0x10 => Self::Bart,
            0x13 => Self::Feedbag,
            0x15 => Self::Icq,
            0x17 => Self::Bucp,
            0x18 => Self::Alert,
            other => Self::Other(other),
        }
    }
}

impl From<FoodGroup> for u16 {
    fn from(group: FoodGroup) -> Self {
        match group {
            FoodGroup::Oservice => 0x01,
            FoodGroup::Locate => 0x02,
            FoodGroup::Buddy => 0x03,
            FoodGroup::Icbm => 0x04,
            FoodGroup::Pd => 0x09,
            FoodGroup::Stats => 0x0b,
            FoodGroup::ChatNav => 0x0d,
            FoodGroup::Chat => 0x0e,
            FoodGroup::Bart => 0x10,
            FoodGroup::Feedbag => 0x13,
            FoodGroup::Icq => 0x15,
            FoodGroup::Bucp => 0x17,
            FoodGroup::Alert => 0x18,
            FoodGroup::Other(other) => other,
        }
    }
}

impl std::fmt::Display for FoodGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x}", u16::from(*self))
    }
}

impl Default for FoodGroup {
    /// The one that every connection has.
    fn default() -> Self {
        Self::Oservice
    }
}

impl Wire for FoodGroup {
    fn decode(reader: &mut crate::wire::Reader<'_>) -> Result<Self, DecodeError> {
        reader.u16().map(Self::from)
    }
    fn encode(&self, writer: &mut crate::wire::Writer) {
        writer.u16((*self).into());
    }
}

/// A body with a place in the table of food groups and subgroups.
pub trait SnacBody: Wire {
    /// Its food group.
    const GROUP: FoodGroup;
    /// Its number in the group.
    const SUBGROUP: u16;
}

wire_struct! {
    /// xx/01: a request was refused. The same in every group; matched to the request by its id.
    pub struct SnacError {
        /// See [`ErrorCode`].
        pub code: u16,
        /// TLV 8 is the [`SnacError::sub_code`].
        pub tlvs: Tlvs,
    }
}

impl SnacError {
    /// The subgroup of errors in every group.
    pub const SUBGROUP: u16 = 0x01;

    /// With this code only.
    pub fn new(code: ErrorCode) -> Self {
        Self { code: code.into(), tlvs: Tlvs::new() }
    }

    /// The code as a value with a name.
    pub fn error_code(&self) -> ErrorCode {
        self.code.into()
    }

    /// A finer reason; under code 4: 1 the other has instant messages off, F their box for stored ones is full.
    pub fn sub_code(&self) -> Option<u16> {
        self.tlvs.u16(8)
    }

    /// As a SNAC of `group`.
    pub fn to_snac(&self, group: FoodGroup, request_id: u32) -> Result<Snac, EncodeError> {
        Ok(Snac {
            group,
            subgroup: Self::SUBGROUP,
            flags: SnacFlags::default(),
            request_id,
            extension: None,
            body: self.to_bytes()?,
        })
    }
}

macro_rules! error_codes {
    ($($(#[$meta:meta])* $name:ident = $number:literal, $words:literal;)*) => {
        /// Why a request was refused (xx/01).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $words] $name,)*
            /// A code without a known meaning.
            Other(u16),
        }

        impl From<u16> for ErrorCode {
            fn from(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<ErrorCode> for u16 {
            fn from(code: ErrorCode) -> Self {
                match code {
                    $(ErrorCode::$name => $number,)*
                    ErrorCode::Other(other) => other,
                }
            }
        }

        impl std::fmt::Display for ErrorCode {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$name => f.write_str($words),)*
                    Self::Other(other) => write!(f, "error {other:#06x}"),
                }
            }
        }
    };
}

error_codes! {
    BadSnac = 0x01, "the server does not know this request";
    RateToHost = 0x02, "sent too fast for the server";
    RateToClient = 0x03, "too fast for the recipient";
    NotLoggedOn = 0x04, "the recipient is not signed on";
    ServiceUnavailable = 0x05, "the service is not available";
    ServiceNotDefined = 0x06, "the service is not defined";
    ObsoleteSnac = 0x07, "the request is obsolete";
    NotSupportedByHost = 0x08, "the server does not support it";
    NotSupportedByClient = 0x09, "the recipient's client does not support it";
    RefusedByClient = 0x0a, "the recipient's client refused it";
    ReplyTooBig = 0x0b, "the reply is too big";
    ResponsesLost = 0x0c, "responses were lost";
    RequestDenied = 0x0d, "the request was denied";
    BustedPayload = 0x0e, "the server could not read the request";
    InsufficientRights = 0x0f, "not allowed";
    InLocalPermitDeny = 0x10, "the recipient is on your own block list";
    TooEvilSender = 0x11, "you have been warned too often";
    TooEvilReceiver = 0x12, "the recipient has been warned too often";
    UserTempUnavailable = 0x13, "the recipient is away for the moment";
    NoMatch = 0x14, "nothing matches";
    ListOverflow = 0x15, "the list is too long";
    RequestAmbiguous = 0x16, "the request is ambiguous";
    QueueFull = 0x17, "the server's queue is full";
    NotWhileOnAol = 0x18, "not possible while the recipient is on AOL";
}

/// A [`wire_struct!`] that is the whole body of a SNAC.
macro_rules! snac_body {
    ($group:ident, $subgroup:literal; $(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* }) => {
        $crate::wire::wire_struct! { $(#[$meta])* pub struct $name { $($fields)* } }
        $crate::foodgroup::snac_place!($group, $subgroup, $name);
    };
}
pub(crate) use snac_body;

/// The place of a body that encodes itself.
macro_rules! snac_place {
    ($group:ident, $subgroup:literal, $name:ident) => {
        impl $crate::foodgroup::SnacBody for $name {
            const GROUP: $crate::foodgroup::FoodGroup = $crate::foodgroup::FoodGroup::$group;
            const SUBGROUP: u16 = $subgroup;
        }
    };
}
pub(crate) use snac_place;

macro_rules! bodies {
    ($($variant:ident($type:ty),)*) => {
        /// Any body. A peer's SNAC becomes one by [`Body::decode`]; those that are not modelled are `Raw`.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Body {
            $(#[doc = concat!("See [`", stringify!($type), "`].")] $variant($type),)*
            /// xx/01 of any group.
            Error(SnacError),
            /// A body that this crate has no type for.
            Raw(Vec<u8>),
        }

        impl Body {
            /// Gives a SNAC's body its type.
            pub fn decode(snac: &Snac) -> Result<Self, DecodeError> {
                // Group and subgroup name a shape whatever the direction: no body here differs by it.
                $(
                    if snac.group == <$type>::GROUP && snac.subgroup == <$type>::SUBGROUP {
                        return <$type>::from_bytes(&snac.body).map(Self::$variant);
                    }
                )*
                if snac.subgroup == SnacError::SUBGROUP {
                    return SnacError::from_bytes(&snac.body).map(Self::Error);
                }
                Ok(Self::Raw(snac.body.clone()))
            }

            /// The body's bytes.
            pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
                match self {
                    $(Self::$variant(body) => body.to_bytes(),)*
                    Self::Error(body) => body.to_bytes(),
                    Self::Raw(bytes) => Ok(bytes.clone()),
                }
            }

            /// Its place, where the variant alone says it.
            pub const fn place(&self) -> Option<(FoodGroup, u16)> {
                match self {
                    $(Self::$variant(_) => Some((<$type>::GROUP, <$type>::SUBGROUP)),)*
                    Self::Error(_) | Self::Raw(_) => None,
                }
            }
        }

        $(
            impl From<$type> for Body {
                fn from(body: $type) -> Self {
                    Self::$variant(body)
                }
            }
        )*
    };
}

bodies! {
    ClientOnline(oservice::ClientOnline),
    HostOnline(oservice::HostOnline),
    ServiceRequest(oservice::ServiceRequest),
    ServiceResponse(oservice::ServiceResponse),
    RateParamsQuery(oservice::RateParamsQuery),
    RateParams(oservice::RateParams),
    RateSubscribe(oservice::RateSubscribe),
    RateUnsubscribe(oservice::RateUnsubscribe),
    RateParamChange(oservice::RateParamChange),
    Pause(oservice::Pause),
    PauseAck(oservice::PauseAck),
    Resume(oservice::Resume),
    UserInfoQuery(oservice::UserInfoQuery),
    OwnUserInfo(oservice::OwnUserInfo),
    EvilNotification(oservice::EvilNotification),
    IdleNotification(oservice::IdleNotification),
    Migrate(oservice::Migrate),
    Motd(oservice::Motd),
    SetPrivacyFlags(oservice::SetPrivacyFlags),
    Noop(oservice::Noop),
    ClientVersions(oservice::ClientVersions),
    HostVersions(oservice::HostVersions),
    SetUserInfoFields(oservice::SetUserInfoFields),
    BartReply(oservice::BartReply),
    LocateRightsQuery(locate::RightsQuery),
    LocateRights(locate::Rights),
    SetInfo(locate::SetInfo),
    LocateUserInfoQuery(locate::UserInfoQuery),
    UserInfoReply(locate::UserInfoReply),
    LocateUserInfoQuery2(locate::UserInfoQuery2),
    BuddyRightsQuery(buddy::RightsQuery),
    BuddyRights(buddy::Rights),
    AddBuddies(buddy::AddBuddies),
    RemoveBuddies(buddy::RemoveBuddies),
    BuddyArrived(buddy::Arrived),
    BuddyDeparted(buddy::Departed),
    IcbmSetParams(icbm::SetParams),
    IcbmParamsQuery(icbm::ParamsQuery),
    IcbmParams(icbm::Params),
    ImToHost(icbm::ImToHost),
    ImToClient(icbm::ImToClient),
    EvilRequest(icbm::EvilRequest),
    EvilReply(icbm::EvilReply),
    MissedCalls(icbm::MissedCalls),
    ImClientError(icbm::ClientError),
    HostAck(icbm::HostAck),
    OfflineRetrieve(icbm::OfflineRetrieve),
    TypingNotice(icbm::TypingNotice),
    OfflineDone(icbm::OfflineDone),
    PdRightsQuery(pd::RightsQuery),
    PdRights(pd::Rights),
    SetGroupPermitMask(pd::SetGroupPermitMask),
    AddPermit(pd::AddPermit),
    RemovePermit(pd::RemovePermit),
    AddDeny(pd::AddDeny),
    RemoveDeny(pd::RemoveDeny),
    AddTempPermit(pd::AddTempPermit),
    RemoveTempPermit(pd::RemoveTempPermit),
    MinReportInterval(stats::MinReportInterval),
    StatsReport(stats::Report),
    StatsReportAck(stats::ReportAck),
    ChatNavRightsQuery(chat_nav::RightsQuery),
    ExchangeInfoQuery(chat_nav::ExchangeInfoQuery),
    RoomInfoQuery(chat_nav::RoomInfoQuery),
    CreateRoom(chat_nav::CreateRoom),
    NavInfo(chat_nav::NavInfo),
    RoomInfoUpdate(chat::RoomInfoUpdate),
    UsersJoined(chat::UsersJoined),
    UsersLeft(chat::UsersLeft),
    ChatToHost(chat::MessageToHost),
    ChatToClient(chat::MessageToClient),
    FeedbagRightsQuery(feedbag::RightsQuery),
    FeedbagRights(feedbag::Rights),
    FeedbagQuery(feedbag::Query),
    FeedbagQueryIfModified(feedbag::QueryIfModified),
    FeedbagReply(feedbag::Reply),
    FeedbagUse(feedbag::Use),
    FeedbagInsert(feedbag::InsertItems),
    FeedbagUpdate(feedbag::UpdateItems),
    FeedbagDelete(feedbag::DeleteItems),
    FeedbagStatus(feedbag::Status),
    FeedbagNotModified(feedbag::NotModified),
    FeedbagStart(feedbag::StartCluster),
    FeedbagEnd(feedbag::EndCluster),
    AuthorizationRequestToHost(feedbag::AuthorizationRequestToHost),
    AuthorizationRequestToClient(feedbag::AuthorizationRequestToClient),
    AuthorizationReplyToHost(feedbag::AuthorizationReplyToHost),
    AuthorizationReplyToClient(feedbag::AuthorizationReplyToClient),
    BuddyAdded(feedbag::BuddyAdded),
    IcqToHost(icq::ToHost),
    IcqToClient(icq::ToClient),
    LoginRequest(bucp::LoginRequest),
    LoginResponse(bucp::LoginResponse),
    ChallengeRequest(bucp::ChallengeRequest),
    Challenge(bucp::Challenge),
    AlertSubscribe(alert::Subscribe),
}
