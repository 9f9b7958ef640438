//! The start-up, as real clients do it: versions, rate classes, one burst of queries, then what makes us visible.
//!
//! ```text
//! s→c 01/03   c→s 01/17   s→c 01/18   c→s 01/06   s→c 01/07
//! c→s 01/08, 01/0E, 02/02, 03/02, 04/04, 09/02, 13/02, 13/04
//! s→c … 09/03 and the last 13/06, or errors for them
//! c→s 13/07, 02/04, 04/02, 01/02, 04/10
//! ```

use super::{Event, SendError, Session};
use crate::foodgroup::oservice::{GroupVersion, ToolVersion};
use crate::foodgroup::{Body, Capability, FoodGroup, buddy, feedbag, icbm, locate, oservice, pd};
use crate::text::charset;
use crate::text::split::{Limits, split};
use crate::wire::{Snac, Tlvs};
use std::time::{Duration, Instant};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for 01/03.
    Hello,
    /// Waits for 01/18.
    Versions,
    /// Waits for 01/07.
    RateClasses,
    /// Waits for the answers without which nothing goes on.
    Setup { rights: bool, feedbag: bool },
    /// Done.
    Online,
}

impl State {
    /// What has not come, in words.
    pub(super) const fn waits_for(self) -> &'static str {
        match self {
            Self::Hello => "its list of services (01/03)",
            Self::Versions => "its versions (01/18)",
            Self::RateClasses => "its rate classes (01/07)",
            Self::Setup { rights: true, .. } => "the privacy limits (09/03)",
            Self::Setup { .. } => "the buddy list (13/06)",
            Self::Online => "nothing",
        }
    }
}

/// The groups that a session uses, with the versions that libpurple announces. 01 at version 3 makes rate class records
/// 35 bytes long.
const VERSIONS: [(FoodGroup, u16); 8] = [
    (FoodGroup::Oservice, 3),
    (FoodGroup::Feedbag, 3),
    (FoodGroup::Locate, 1),
    (FoodGroup::Buddy, 1),
    (FoodGroup::Icbm, 1),
    (FoodGroup::Pd, 1),
    (FoodGroup::Icq, 1),
    (FoodGroup::Stats, 1),
];

/// Whether a session uses this group.
pub(super) fn is_ours(group: FoodGroup) -> bool {
    VERSIONS.iter().any(|(ours, _)| *ours == group)
}

/// Tool id and version that real clients state in 01/02.
const TOOL: (u16, u16) = (0x0110, 0x0629);

/// As much of a profile as fits one frame beside a few hundred capabilities.
const MAX_PROFILE: Limits = Limits { characters: usize::MAX, bytes: 4_096 };

/// What messages to us may be: flags 1 messages, 2 missed calls, 8 typing; 8,000 bytes; warned up to 99.9 %.
const ICBM_FLAGS: u32 = 0x0b;
const ICBM_MAX_LENGTH: u16 = 8000;
const ICBM_MAX_WARNING: u16 = 999;

impl Session {
    /// Takes the bodies that move the start-up on; gives back what is none of its business.
    pub(super) fn receive_start_up(&mut self, snac: &Snac, body: Body, now: Duration) -> Option<Body> {
        match (self.state, body) {
            (State::Hello, Body::HostOnline(online)) => {
                self.groups = online.groups;
                let versions =
                    self.spoken().map(|(group, version)| GroupVersion { group, version }).collect();
                self.ask(&oservice::ClientVersions { versions });
                self.state = State::Versions;
            }
            (State::Versions, Body::HostVersions(_)) => {
                self.ask(&oservice::RateParamsQuery {});
                self.state = State::RateClasses;
            }
            (State::RateClasses, Body::RateParams(params)) => {
                self.connection.pacer.learn(&params, now);
                self.query();
            }
            (State::Setup { feedbag, .. }, Body::PdRights(_)) => {
                self.progress(State::Setup { rights: false, feedbag });
            }
            (State::Setup { rights, .. }, Body::FeedbagReply(reply)) => {
                self.take_items(snac, reply.items);
                if !snac.flags.more_follows() {
                    self.watching.has_feedbag = true;
                    self.progress(State::Setup { rights, feedbag: false });
                }
            }
            // Nobody was told of a list that we have, so it is one without items.
            (State::Setup { rights, .. }, Body::FeedbagNotModified(_)) => {
                self.watching.has_feedbag = true;
                self.progress(State::Setup { rights, feedbag: false });
            }
            (State::Setup { feedbag, .. }, Body::Error(_)) if snac.group == FoodGroup::Pd => {
                self.progress(State::Setup { rights: false, feedbag });
            }
            // The rights may be refused and the list given: only the refusal of the list counts.
            (State::Setup { rights, .. }, Body::Error(_))
                if snac.group == FoodGroup::Feedbag && self.watching.query == Some(snac.request_id) =>
            {
                self.progress(State::Setup { rights, feedbag: false });
            }
            (_, body) => return Some(body),
        }
        None
    }

    fn spoken(&self) -> impl Iterator<Item = (FoodGroup, u16)> {
        VERSIONS.into_iter().filter(|(group, _)| self.groups.contains(group))
    }

    fn query(&mut self) {
        let classes = self.connection.pacer.classes();
        self.ask(&oservice::RateSubscribe { classes });
        self.ask(&oservice::UserInfoQuery {});
        let [locate, buddy, rights, feedbag] =
            [FoodGroup::Locate, FoodGroup::Buddy, FoodGroup::Pd, FoodGroup::Feedbag]
                .map(|group| self.groups.contains(&group));
        if locate {
            self.ask(&locate::RightsQuery {});
        }
        if buddy {
            self.ask(&buddy::RightsQuery { tlvs: Tlvs::new() });
        }
        self.ask(&icbm::ParamsQuery {});
        if rights {
            self.ask(&pd::RightsQuery {});
        }
        if feedbag {
            self.ask(&feedbag::RightsQuery { tlvs: Tlvs::new() });
            self.watching.query = self.ask(&feedbag::Query {});
        }
        self.progress(State::Setup { rights, feedbag });
    }

    fn progress(&mut self, state: State) {
        self.state = state;
        if state != (State::Setup { rights: false, feedbag: false }) {
            return;
        }
        if self.watching.has_feedbag {
            self.ask(&feedbag::Use {});
        }
        let mut tlvs = Tlvs::new();
        if let Some(profile) = split(&self.config.profile, MAX_PROFILE).first() {
            push_text(&mut tlvs, locate::tlv::PROFILE_TYPE, locate::tlv::PROFILE, profile);
        }
        tlvs.push(locate::tlv::CAPABILITIES, Capability::to_value(&self.config.capabilities));
        self.ask(&locate::SetInfo { tlvs });
        self.ask(&icbm::SetParams {
            channel: 0,
            flags: ICBM_FLAGS,
            max_length: ICBM_MAX_LENGTH,
            max_sender_warning: ICBM_MAX_WARNING,
            max_receiver_warning: ICBM_MAX_WARNING,
            min_interval: 0,
        });
        // Without a list on the server, it has to know whom we watch before it makes us visible; edits of the list come
        // after that from real clients.
        if !self.watching.has_feedbag {
            self.begin_watching();
        }
        let tools = self
            .spoken()
            .map(|(group, version)| ToolVersion { group, version, tool: TOOL.0, tool_version: TOOL.1 })
            .collect();
        self.ask(&oservice::ClientOnline { tools });
        if self.config.fetch_stored {
            self.ask(&icbm::OfflineRetrieve {});
        }
        self.state = State::Online;
        if self.watching.has_feedbag {
            self.begin_watching();
        }
        self.events.push_back(Event::SignedOn { screen_name: self.screen_name.clone() });
    }

    /// Sets our profile (02/04), plain text; empty: none. Not answered. Servers say in 02/03 how long it may
    /// be: open-oscar-server 1,000 bytes.
    pub fn set_profile(&mut self, profile: &str, now: Instant) -> Result<(), SendError> {
        let mut tlvs = Tlvs::new();
        push_text(&mut tlvs, locate::tlv::PROFILE_TYPE, locate::tlv::PROFILE, profile);
        self.send(&locate::SetInfo { tlvs }, now)
    }

    /// Sets our away message (02/04), plain text; None or empty: back. Not answered: others hear of it.
    pub fn set_away(&mut self, message: Option<&str>, now: Instant) -> Result<(), SendError> {
        let mut tlvs = Tlvs::new();
        match message.filter(|message| !message.is_empty()) {
            Some(message) => push_text(&mut tlvs, locate::tlv::AWAY_TYPE, locate::tlv::AWAY, message),
            None => tlvs.push(locate::tlv::AWAY, []),
        }
        self.send(&locate::SetInfo { tlvs }, now)
    }
}

/// A text with its MIME type, as profiles and away messages have it.
fn push_text(tlvs: &mut Tlvs, kind: u16, text: u16, plain: &str) {
    let encoded = crate::text::encode(plain);
    tlvs.push(kind, charset::mime(encoded.charset));
    tlvs.push(text, encoded.bytes);
}
