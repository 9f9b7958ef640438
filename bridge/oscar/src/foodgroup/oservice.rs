//! 01: the connection itself. Versions, rate classes, own user info, other services, notices.
//!
//! Source: captured, but for 01/09, 01/0B to 01/0D and 01/12 (libpurple's and BitlBee's source; no server known today
//! sends them).

use super::bart::BartItem;
use super::{FoodGroup, UserInfo, snac_body, snac_place};
use crate::wire::{DecodeError, Reader, Tlvs, Wire, Writer, wire_struct};

/// TLV types of 01/04, 01/05, 01/12, 01/1E.
pub mod tlv {
    /// 01/04: the room to join, a [`super::super::chat::RoomId`].
    pub const ROOM: u16 = 0x01;
    /// `host:port`; the port may be missing.
    pub const ADDRESS: u16 = 0x05;
    /// The cookie for the new connection's sign-on frame.
    pub const COOKIE: u16 = 0x06;
    /// 01/1E: status word, `u32`.
    pub const STATUS: u16 = 0x06;
    /// 01/13: text.
    pub const MOTD_TEXT: u16 = 0x0b;
    /// `u16` food group.
    pub const GROUP: u16 = 0x0d;
    /// 01/1E: status text, as BART items.
    pub const BART: u16 = 0x1d;
    /// 1 byte; 0: without TLS.
    pub const SSL_STATE: u16 = 0x8e;
}

/// Bits of the status word, in 01/1E and in user infos.
pub mod status {
    /// Away; the message is a matter of its own (02/04).
    pub const AWAY: u32 = 0x0000_0001;
    /// Seen by nobody.
    pub const INVISIBLE: u32 = 0x0000_0100;
    /// Who wants this user on their list has to ask (ICQ).
    pub const NEEDS_AUTHORIZATION: u32 = 0x1000_0000;
}

wire_struct! {
    /// A food group, the version of it, and the tool that implements it.
    pub struct ToolVersion {
        /// The group.
        pub group: FoodGroup,
        /// Its version.
        pub version: u16,
        /// Which tool.
        pub tool: u16,
        /// The tool's version.
        pub tool_version: u16,
    }
}

wire_struct! {
    /// A food group and the version of it.
    pub struct GroupVersion {
        /// The group.
        pub group: FoodGroup,
        /// Its version.
        pub version: u16,
    }
}

snac_body! { Oservice, 0x02;
    /// c→s: ready. Until it comes the user is not shown to others and gets no messages.
    pub struct ClientOnline {
        /// What the client will use.
        pub tools: Vec<ToolVersion>,
    }
}

snac_body! { Oservice, 0x03;
    /// s→c: the groups that the connection serves.
    pub struct HostOnline {
        /// In any order.
        pub groups: Vec<FoodGroup>,
    }
}

snac_body! { Oservice, 0x04;
    /// c→s: where is this service?
    pub struct ServiceRequest {
        /// Which.
        pub group: FoodGroup,
        /// [`tlv::ROOM`] for a chat room.
        pub tlvs: Tlvs,
    }
}

snac_body! { Oservice, 0x05;
    /// s→c: there.
    pub struct ServiceResponse {
        /// [`tlv::GROUP`], [`tlv::ADDRESS`], [`tlv::COOKIE`], [`tlv::SSL_STATE`].
        pub tlvs: Tlvs,
    }
}

snac_body! { Oservice, 0x06;
    /// c→s: which rate classes are there?
    pub struct RateParamsQuery {}
}

/// A rate class as the server states it. Levels are milliseconds of its moving average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RateClass {
    /// Its number.
    pub id: u16,
    /// How many SNACs the average is taken over.
    pub window: u32,
    /// A limited class is free again at this level.
    pub clear: u32,
    /// Below it the client is warned.
    pub alert: u32,
    /// Below it SNACs are dropped, in silence.
    pub limit: u32,
    /// Below it the connection is closed.
    pub disconnect: u32,
    /// Where the level is now.
    pub current: u32,
    /// As high as it gets.
    pub max: u32,
    /// The five bytes more that clients get who announced version 2 or higher of the group in 01/17.
    pub state: Option<RateState>,
}

/// The last fields of a 35-byte rate class record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RateState {
    /// In 01/0A milliseconds since the class's last SNAC; open-oscar-server puts a clock value into its 01/07.
    pub last: u32,
    /// Whether SNACs are being dropped now.
    pub dropping: u8,
}

impl RateClass {
    fn decode_short(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.u16()?,
            window: reader.u32()?,
            clear: reader.u32()?,
            alert: reader.u32()?,
            limit: reader.u32()?,
            disconnect: reader.u32()?,
            current: reader.u32()?,
            max: reader.u32()?,
            state: None,
        })
    }

    fn decode_long(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let class = Self::decode_short(reader)?;
        Ok(Self { state: Some(RateState { last: reader.u32()?, dropping: reader.u8()? }), ..class })
    }
}

/// Reads a long record if five bytes follow the short one.
impl Wire for RateClass {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let class = Self::decode_short(reader)?;
        let state = match reader.remaining() {
            0..5 => None,
            _ => Some(RateState { last: reader.u32()?, dropping: reader.u8()? }),
        };
        Ok(Self { state, ..class })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.id);
        for level in
            [self.window, self.clear, self.alert, self.limit, self.disconnect, self.current, self.max]
        {
            writer.u32(level);
        }
        if let Some(state) = self.state {
            writer.u32(state.last);
            writer.u8(state.dropping);
        }
    }
}

/// The SNACs that a rate class counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RateMembers {
    /// The class.
    pub class: u16,
    /// Its members.
    pub members: Vec<RateMember>,
}

wire_struct! {
    /// One kind of SNAC.
    #[derive(Copy)]
    pub struct RateMember {
        /// Food group.
        pub group: FoodGroup,
        /// Subgroup.
        pub subgroup: u16,
    }
}

impl Wire for RateMembers {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let class = reader.u16()?;
        let count = reader.u16()?;
        let members = Vec::decode(&mut reader.sub(usize::from(count) * 4)?)?;
        Ok(Self { class, members })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.class);
        writer.count(self.members.len());
        self.members.encode(writer);
    }
}

/// s→c: the rate classes and what each counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RateParams {
    /// The classes; all records have the same length.
    pub classes: Vec<RateClass>,
    /// What they count.
    pub members: Vec<RateMembers>,
}

impl RateParams {
    fn decode_as(
        mut reader: Reader<'_>,
        record: fn(&mut Reader<'_>) -> Result<RateClass, DecodeError>,
    ) -> Result<Self, DecodeError> {
        let count = reader.u16()?;
        let classes: Vec<RateClass> = (0..count).map(|_| record(&mut reader)).collect::<Result<_, _>>()?;
        let members: Vec<RateMembers> = Vec::decode(&mut reader)?;
        if members.iter().any(|members| classes.iter().all(|class| class.id != members.class)) {
            return Err(DecodeError::Invalid("rate class members of an unknown class"));
        }
        Ok(Self { classes, members })
    }

    /// Whether the numbers are such as a server might mean: no class twice, and levels in their order.
    fn makes_sense(&self) -> bool {
        let ids: std::collections::BTreeSet<u16> = self.classes.iter().map(|class| class.id).collect();
        let ordered = |class: &RateClass| {
            class.window > 0
                && class.disconnect <= class.limit
                && class.limit <= class.alert
                && class.limit <= class.clear
                && class.alert <= class.max
        };
        ids.len() == self.classes.len() && self.classes.iter().all(ordered)
    }
}

/// Nothing in the body tells 30-byte records from 35-byte ones: it is the reading that comes out even. Where both do,
/// which four short records can bring about, it is the one that makes sense.
impl Wire for RateParams {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let body = Reader::new(reader.rest());
        let long = Self::decode_as(body.clone(), RateClass::decode_long);
        if long.as_ref().is_ok_and(Self::makes_sense) {
            return long;
        }
        let short = Self::decode_as(body, RateClass::decode_short);
        if short.as_ref().is_ok_and(Self::makes_sense) { short } else { long.or(short) }
    }

    fn encode(&self, writer: &mut Writer) {
        writer.count(self.classes.len());
        self.classes.encode(writer);
        self.members.encode(writer);
    }
}
snac_place!(Oservice, 0x07, RateParams);

snac_body! { Oservice, 0x08;
    /// c→s: tell me of changes in these classes. Not answered.
    pub struct RateSubscribe {
        /// Their numbers.
        pub classes: Vec<u16>,
    }
}

snac_body! { Oservice, 0x09;
    /// c→s: tell me no more.
    pub struct RateUnsubscribe {
        /// Their numbers.
        pub classes: Vec<u16>,
    }
}

/// Codes of 01/0A.
pub mod rate_code {
    /// The class has new parameters.
    pub const CHANGED: u16 = 1;
    /// The level is below alert.
    pub const ALERT: u16 = 2;
    /// SNACs are dropped.
    pub const LIMITED: u16 = 3;
    /// Free again.
    pub const CLEAR: u16 = 4;
}

snac_body! { Oservice, 0x0a;
    /// s→c: how a class stands. Comes on every connection of a session.
    pub struct RateParamChange {
        /// See [`rate_code`].
        pub code: u16,
        /// The class.
        pub class: RateClass,
    }
}

snac_body! { Oservice, 0x0b;
    /// s→c: send nothing until 01/0D (a migration may follow).
    pub struct Pause {}
}

snac_body! { Oservice, 0x0c;
    /// c→s: answer to a pause.
    pub struct PauseAck {
        /// The groups the client uses here.
        pub groups: Vec<FoodGroup>,
    }
}

snac_body! { Oservice, 0x0d;
    /// s→c: go on.
    pub struct Resume {
        /// Groups that go on.
        pub groups: Vec<FoodGroup>,
    }
}

snac_body! { Oservice, 0x0e;
    /// c→s: how am I seen?
    pub struct UserInfoQuery {}
}

snac_body! { Oservice, 0x0f;
    /// s→c: so; also unasked, when it changes.
    pub struct OwnUserInfo {
        /// One, or one for each place where the user is signed on.
        pub infos: Vec<UserInfo>,
    }
}

/// s→c: you were warned.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EvilNotification {
    /// New level in tenths of a percent.
    pub level: u16,
    /// By whom; none if they did it anonymously.
    pub warner: Option<UserInfo>,
}

impl Wire for EvilNotification {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let level = reader.u16()?;
        let warner = if reader.is_empty() { None } else { Some(UserInfo::decode(reader)?) };
        Ok(Self { level, warner })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.level);
        if let Some(warner) = &self.warner {
            warner.encode(writer);
        }
    }
}
snac_place!(Oservice, 0x10, EvilNotification);

snac_body! { Oservice, 0x11;
    /// c→s: idle since so many seconds; 0: back.
    pub struct IdleNotification {
        /// Seconds.
        pub seconds: u32,
    }
}

/// s→c: sign on elsewhere with this cookie; these groups are there now (none named: all).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Migrate {
    /// The groups that move.
    pub groups: Vec<FoodGroup>,
    /// [`tlv::ADDRESS`], [`tlv::COOKIE`].
    pub tlvs: Tlvs,
}

impl Wire for Migrate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.u16()?;
        let groups = Vec::decode(&mut reader.sub(usize::from(count) * 2)?)?;
        Ok(Self { groups, tlvs: Tlvs::decode(reader)? })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.count(self.groups.len());
        self.groups.encode(writer);
        self.tlvs.encode(writer);
    }
}
snac_place!(Oservice, 0x12, Migrate);

snac_body! { Oservice, 0x13;
    /// s→c: message of the day; clients ignore it.
    pub struct Motd {
        /// 4: the ordinary kind.
        pub kind: u16,
        /// [`tlv::MOTD_TEXT`].
        pub tlvs: Tlvs,
    }
}

snac_body! { Oservice, 0x14;
    /// c→s: what others may see (idle time, member since).
    pub struct SetPrivacyFlags {
        /// Bits.
        pub flags: u32,
    }
}

snac_body! { Oservice, 0x16;
    /// c→s: nothing, to keep the connection in use. Not answered.
    pub struct Noop {}
}

snac_body! { Oservice, 0x17;
    /// c→s: the versions the client speaks. Group 01 at version 2 or more makes rate records 35 bytes long.
    pub struct ClientVersions {
        /// One for each group.
        pub versions: Vec<GroupVersion>,
    }
}

snac_body! { Oservice, 0x18;
    /// s→c: the versions the server speaks.
    pub struct HostVersions {
        /// One for each group.
        pub versions: Vec<GroupVersion>,
    }
}

snac_body! { Oservice, 0x1e;
    /// c→s: change own user info.
    pub struct SetUserInfoFields {
        /// [`tlv::STATUS`], [`tlv::BART`].
        pub tlvs: Tlvs,
    }
}

snac_body! { Oservice, 0x21;
    /// s→c: about an icon or status text of ours.
    pub struct BartReply {
        /// Which.
        pub items: Vec<BartItem>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::STOCK;
    use proptest::prelude::*;

    fn params(short: bool, members: &[Vec<(u16, u16)>]) -> RateParams {
        let state = (!short).then_some(RateState { last: 0x6b03_4166, dropping: 0 });
        let classes: Vec<RateClass> = (1..)
            .zip(STOCK.iter().cycle())
            .take(members.len())
            .map(|(id, class)| RateClass { id, state, ..*class })
            .collect();
        let members = (1..)
            .zip(members)
            .map(|(class, members)| RateMembers {
                class,
                members: members
                    .iter()
                    .map(|(group, subgroup)| RateMember {
                        group: FoodGroup::from(*group),
                        subgroup: *subgroup,
                    })
                    .collect(),
            })
            .collect();
        RateParams { classes, members }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn records_of_30_and_of_35_bytes_are_told_apart(
            short in any::<bool>(),
            members in proptest::collection::vec(proptest::collection::vec((1u16..0x19, 1u16..0x20), 0..60), 0..13),
        ) {
            let params = params(short, &members);
            let bytes = params.to_bytes().unwrap();
            let record = if short { 30 } else { 35 };
            let lists: usize = members.iter().map(|members| 4 + 4 * members.len()).sum();
            prop_assert_eq!(bytes.len(), 2 + record * members.len() + lists);
            prop_assert_eq!(RateParams::from_bytes(&bytes).unwrap(), params);
        }
    }

    #[test]
    fn a_group_full_of_its_own_class_is_no_trap() {
        // Four records of 30 bytes end where whole lists of members could begin, were they read as 35 bytes each.
        for count in 0..40 {
            for members in [(1, 1), (1, 2), (1, 4), (2, 1), (4, 6)] {
                let params = params(true, &vec![vec![members; count]; 4]);
                assert_eq!(RateParams::from_bytes(&params.to_bytes().unwrap()).unwrap(), params);
            }
        }
    }
}
