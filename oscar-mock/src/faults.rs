//! What is to go wrong, and when: values that a test sets by the library, in the configuration or by the control
//! interface.
//!
//! A fault names the frames that it is about and what happens to them. It may let some pass first ([`Fault::after`])
//! and wear out ([`Fault::times`]). Where several fit a frame, the first that was set has it.

use oscar_im::ScreenName;
use oscar_im::foodgroup::icbm::ImToHost;
use oscar_im::wire::{Snac, Wire};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::journal::Direction;

/// Faults that may be set at once.
const MAX_FAULTS: usize = 1000;

/// What happens to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A sign-on is refused with this code (TLV 8), whatever the password.
    RefuseSignOn {
        /// Such as 0x11 for a suspended account.
        code: u16,
    },
    /// A request is answered by xx/01 with this code and not carried out; a message, if nothing else is said.
    Refuse {
        /// Such as 0x04 for a receiver who isn't there.
        code: u16,
    },
    /// A message is passed on, and never acknowledged.
    NeverAcknowledge,
    /// A message is acknowledged, and thrown away.
    AcknowledgeAndLose,
    /// The connection is closed without a word in place of the frame; of a client's message, if nothing else is said.
    Disconnect,
    /// The session ends as if its account had signed on elsewhere; at a client's message, if nothing else is said.
    SignOnElsewhere,
    /// The request is carried out, and then the client is told to move to another connection (01/12), where its
    /// session goes on; at a message, if nothing else is said.
    Migrate,
    /// The rate class of the SNAC, a message if nothing else is said, is limited from it on: it is dropped, 01/0A says
    /// so, and the true arithmetic decides when the class is clear again. With [`Rates::None`](crate::config::Rates)
    /// the class takes the stock figures from then on. Bots are never limited.
    RateLimit,
    /// The server reads nothing more from the connection, so that the client's writes fill the network's buffers and
    /// then wait; from a message on, if nothing else is said. What it had read already waits as well.
    StopReading {
        /// For how long; until the faults are cleared, if not said.
        #[serde(default)]
        milliseconds: Option<u32>,
    },
    /// The frame and all that follow it the same way are kept back until the faults are cleared.
    Hold,
    /// The frame doesn't arrive.
    Drop,
    /// The frame arrives later, and what follows it the same way not before it.
    Delay {
        /// By how much.
        milliseconds: u32,
    },
    /// Only the first bytes of a frame to the client are sent, and the connection closes.
    Truncate {
        /// How many, the header's six included.
        bytes: usize,
    },
    /// One byte of a frame to the client is another.
    Corrupt {
        /// Which, counted from the header's first.
        at: usize,
        /// The bits that are turned over in it.
        bits: u8,
    },
    /// A frame to the client has a sequence number that is not the next.
    WrongSequence {
        /// By how much it is too high.
        by: u16,
    },
}

/// A fault: which frames, when, and what.
///
/// In JSON and TOML a key that the action doesn't have is refused: one that is ignored would harm other frames than the
/// test meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Fault {
    /// Whose connection, or who signs on. None: anybody's.
    #[serde(default)]
    pub screen_name: Option<String>,
    /// The receiver of a message, on its way in (04/06) or out (04/07). None: anybody.
    #[serde(default)]
    pub to: Option<String>,
    /// Which way; only [`Action::Drop`], [`Action::Delay`], [`Action::Hold`] and [`Action::Disconnect`] go both ways.
    /// None: what fits the action.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// The FLAP channel. None: any.
    #[serde(default)]
    pub channel: Option<u8>,
    /// The food group. None: what fits the action, else any.
    #[serde(default)]
    pub group: Option<u16>,
    /// The subgroup. None: what fits the action, else any.
    #[serde(default)]
    pub subgroup: Option<u16>,
    /// How many such frames pass unharmed before.
    #[serde(default)]
    pub after: u32,
    /// How many are harmed. None: all from then on.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens to them.
    #[serde(flatten)]
    pub action: Action,
}

impl Fault {
    /// For everybody and always.
    pub const fn new(action: Action) -> Self {
        Self {
            screen_name: None,
            to: None,
            direction: None,
            channel: None,
            group: None,
            subgroup: None,
            after: 0,
            times: None,
            action,
        }
    }

    /// Only on connections of this account, or at its sign-on.
    #[must_use]
    pub fn of(mut self, screen_name: impl Into<String>) -> Self {
        self.screen_name = Some(screen_name.into());
        self
    }

    /// Only messages to this name.
    #[must_use]
    pub fn to(mut self, screen_name: impl Into<String>) -> Self {
        self.to = Some(screen_name.into());
        self
    }

    /// Only these SNACs.
    #[must_use]
    pub const fn snac(mut self, group: u16, subgroup: u16) -> Self {
        (self.group, self.subgroup) = (Some(group), Some(subgroup));
        self
    }

    /// Only frames that go this way.
    #[must_use]
    pub const fn going(mut self, direction: Direction) -> Self {
        self.direction = Some(direction);
        self
    }

    /// So many pass before.
    #[must_use]
    pub const fn after(mut self, count: u32) -> Self {
        self.after = count;
        self
    }

    /// So many are harmed.
    #[must_use]
    pub const fn times(mut self, count: u32) -> Self {
        self.times = Some(count);
        self
    }

    fn is_about(&self, facts: &Facts<'_>) -> bool {
        let (direction, place) = match self.action {
            Action::RefuseSignOn { .. } => return false,
            Action::Refuse { .. }
            | Action::NeverAcknowledge
            | Action::AcknowledgeAndLose
            | Action::SignOnElsewhere
            | Action::Migrate
            | Action::RateLimit
            | Action::StopReading { .. } => (Direction::In, Some(MESSAGE)),
            Action::Disconnect => match self.direction {
                Some(Direction::Out) => (Direction::Out, None),
                _ => (Direction::In, Some(MESSAGE)),
            },
            Action::Drop | Action::Delay { .. } | Action::Hold => {
                (self.direction.unwrap_or(Direction::Out), None)
            }
            Action::Truncate { .. } | Action::Corrupt { .. } | Action::WrongSequence { .. } => {
                (Direction::Out, None)
            }
        };
        // A channel or a group that is named stands for itself.
        let place = place.filter(|_| self.group.is_none() && self.channel.is_none());
        let group = self.group.or_else(|| place.map(|(group, _)| group));
        let subgroup = self.subgroup.or_else(|| place.map(|(_, subgroup)| subgroup));
        let named = |wanted: &Option<String>, actual: Option<&ScreenName>| {
            wanted.as_ref().is_none_or(|wanted| actual == Some(&ScreenName::from(wanted.as_str())))
        };
        facts.direction == direction
            && self.channel.is_none_or(|channel| channel == facts.channel)
            && group.is_none_or(|group| facts.snac.is_some_and(|snac| u16::from(snac.group) == group))
            && subgroup.is_none_or(|subgroup| facts.snac.is_some_and(|snac| snac.subgroup == subgroup))
            && named(&self.screen_name, facts.screen_name)
            && (self.to.is_none() || named(&self.to, facts.receiver().as_ref()))
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = serde_json::Map::deserialize(deserializer)?;
        let given: Vec<String> = written.keys().cloned().collect();
        let fault = Self::deserialize(serde_json::Value::Object(written)).map_err(D::Error::custom)?;
        let known = serde_json::to_value(&fault).map_err(D::Error::custom)?;
        match given.iter().find(|key| known.get(key.as_str()).is_none()) {
            Some(key) => Err(D::Error::custom(format_args!("this action has no {key:?}"))),
            None => Ok(fault),
        }
    }
}

const MESSAGE: (u16, u16) = (0x04, 0x06);
const MESSAGE_TO_CLIENT: (u16, u16) = (0x04, 0x07);

/// What is known of a frame.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) direction: Direction,
    pub(crate) channel: u8,
    pub(crate) snac: Option<&'a Snac>,
    pub(crate) screen_name: Option<&'a ScreenName>,
}

impl Facts<'_> {
    fn receiver(&self) -> Option<ScreenName> {
        let snac = self.snac?;
        match (self.direction, (u16::from(snac.group), snac.subgroup)) {
            (Direction::In, MESSAGE) => ImToHost::from_bytes(&snac.body).ok().map(|im| im.to),
            (Direction::Out, MESSAGE_TO_CLIENT) => self.screen_name.cloned(),
            _ => None,
        }
    }
}

/// A fault that has been set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetFault {
    /// Counts the faults of this server, from 1.
    pub id: u64,
    /// How many frames it has met, those that passed included.
    pub met: u32,
    /// Itself.
    #[serde(flatten)]
    pub fault: Fault,
}

impl SetFault {
    /// Counts one more; what happens, unless this one passes.
    const fn meet(&mut self) -> Option<Action> {
        self.met = self.met.saturating_add(1);
        let harmed = self.met.saturating_sub(self.fault.after);
        let worn_out = match self.fault.times {
            Some(times) => harmed > times,
            None => false,
        };
        if harmed == 0 || worn_out { None } else { Some(self.fault.action) }
    }
}

/// All faults, in the order in which they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    set: Vec<SetFault>,
    last: u64,
}

impl Faults {
    /// Sets one more. None: there are too many.
    pub(crate) fn add(&mut self, fault: Fault) -> Option<u64> {
        if self.set.len() >= MAX_FAULTS {
            return None;
        }
        self.last += 1;
        self.set.push(SetFault { id: self.last, met: 0, fault });
        Some(self.last)
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.set.clear();
    }

    /// Forgets the one with this number. False: there is none.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.set.len();
        self.set.retain(|set| set.id != id);
        self.set.len() < before
    }

    /// Those that are set.
    pub(crate) fn all(&self) -> &[SetFault] {
        &self.set
    }

    /// Whether there is nothing to look for.
    pub(crate) const fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// What happens to a frame.
    pub(crate) fn meet(&mut self, facts: &Facts<'_>) -> Option<Action> {
        self.set.iter_mut().filter(|set| set.fault.is_about(facts)).find_map(SetFault::meet)
    }

    /// The code with which a sign-on is refused, if one is.
    pub(crate) fn refuse_sign_on(&mut self, name: &ScreenName) -> Option<u16> {
        let about = |set: &&mut SetFault| {
            let who = set.fault.screen_name.as_ref();
            matches!(set.fault.action, Action::RefuseSignOn { .. })
                && who.is_none_or(|who| ScreenName::from(who.as_str()) == *name)
        };
        self.set.iter_mut().filter(about).find_map(SetFault::meet).and_then(|action| match action {
            Action::RefuseSignOn { code } => Some(code),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lets_some_pass_and_wears_out() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Action::RefuseSignOn { code: 0x11 }).of("anna").after(1).times(2)).unwrap();
        let codes: Vec<_> = (0..5).map(|_| faults.refuse_sign_on(&"An na".into())).collect();
        assert_eq!(codes, [None, Some(0x11), Some(0x11), None, None]);
        assert_eq!(faults.refuse_sign_on(&"bert".into()), None);
        assert_eq!(faults.all()[0].met, 5);
    }

    #[test]
    fn a_fault_is_written_flat() {
        let text = r#"{"action":"delay","milliseconds":50,"screen_name":"anna","times":1}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault, Fault::new(Action::Delay { milliseconds: 50 }).of("anna").times(1));
        assert!(serde_json::from_str::<Fault>(r#"{"action":"explode"}"#).is_err());
        let error = serde_json::from_str::<Fault>(r#"{"action":"drop","afer":1}"#).unwrap_err();
        assert!(error.to_string().contains("this action has no \"afer\""), "{error}");
        assert_eq!(serde_json::from_value::<Fault>(serde_json::to_value(&fault).unwrap()).unwrap(), fault);
    }
}
