//! Who is watched, and what is seen of them.

use super::Session;
use super::buddy_list::BuddyList;
use super::edits::{ITEMS_AN_EDIT, Sent};
use super::event::{Event, Presence, SendError};
use crate::ScreenName;
use crate::foodgroup::locate::{UserInfoQuery2, UserInfoReply, mask, tlv};
use crate::foodgroup::{UserInfo, buddy, icbm::TextFragment};
use crate::text::{self, charset};
use crate::wire::Tlvs;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// People whose last presence is remembered; of more, changes are told that are none.
const MAX_PRESENCES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Watching {
    pub(super) list: BuddyList,
    pub(super) has_feedbag: bool,
    /// The request that the list answers.
    pub(super) query: Option<u32>,
    /// As asked for, before the session is online too.
    wanted: Option<Vec<ScreenName>>,
    /// Watched for this session only, because the server's list does not take them.
    pub(super) temporary: BTreeSet<ScreenName>,
    pub(super) edits: BTreeMap<u32, Sent>,
    pub(super) presences: BTreeMap<ScreenName, Presence>,
}

impl Session {
    /// The buddy list that the server keeps, with our edits in it.
    pub fn buddy_list(&self) -> &BuddyList {
        &self.watching.list
    }

    /// How somebody was last seen.
    pub fn presence(&self, who: &ScreenName) -> Presence {
        self.watching.presences.get(who).copied().unwrap_or(Presence::Offline)
    }

    /// Watches these, and nobody else who is in the group of [`super::Config::group`]; may be called before the
    /// session is online. Where the server keeps no list, they are watched for the session.
    pub fn watch(&mut self, names: &[ScreenName], now: Instant) {
        self.watching.wanted = Some(names.to_vec());
        if self.is_online() {
            self.begin_watching();
            self.flush(self.elapsed(now));
        }
    }

    /// Asks for somebody's profile and away message (02/15). Answered by [`Event::UserInfo`], or [`Event::Refused`] if they are
    /// not signed on; of a name that nobody has open-oscar-server says nothing at all.
    pub fn query_user(&mut self, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        self.may_edit(name)?;
        self.send(&UserInfoQuery2 { mask: mask::PROFILE | mask::AWAY, screen_name: name.clone() }, now)
    }

    pub(super) fn begin_watching(&mut self) {
        let Some(names) = self.watching.wanted.take() else { return };
        if self.watching.has_feedbag {
            let edits = self.watching.list.hold_exactly(&self.config.group, &names);
            // Where too much waits, the next call brings the list to where it should be.
            let _ = self.edit(edits);
        } else {
            let wanted: BTreeSet<ScreenName> = names.iter().filter(|name| name.is_valid()).cloned().collect();
            let gone: Vec<ScreenName> =
                self.watching.temporary.iter().filter(|name| !wanted.contains(name)).cloned().collect();
            for names in gone.chunks(ITEMS_AN_EDIT) {
                self.ask(&buddy::RemoveBuddies { names: names.to_vec() });
            }
            for name in &gone {
                self.watching.temporary.remove(name);
                self.watching.presences.remove(name);
            }
            let new: Vec<ScreenName> =
                wanted.into_iter().filter(|name| !self.watching.temporary.contains(name)).collect();
            self.watch_temporarily(&new);
        }
        self.watching.wanted = Some(names);
    }

    pub(super) fn watch_temporarily(&mut self, names: &[ScreenName]) {
        for names in names.chunks(ITEMS_AN_EDIT) {
            self.ask(&buddy::AddBuddies { names: names.to_vec() });
        }
        self.watching.temporary.extend(names.iter().cloned());
    }

    /// Servers repeat 03/0B as each field arrives; only what is different is told.
    pub(super) fn receive_arrived(&mut self, infos: Vec<UserInfo>) {
        for info in infos {
            let presence = Presence::Online {
                away: info.is_away(),
                idle_minutes: info.idle_minutes().unwrap_or_default(),
            };
            let who = info.screen_name.clone();
            self.events.push_back(Event::BuddySeen(info));
            self.seen(&who, presence);
        }
    }

    pub(super) fn receive_departed(&mut self, infos: Vec<UserInfo>) {
        for info in infos {
            self.seen(&info.screen_name, Presence::Offline);
        }
    }

    fn seen(&mut self, who: &ScreenName, presence: Presence) {
        let presences = &mut self.watching.presences;
        let before = match presence {
            Presence::Offline => presences.remove(who),
            Presence::Online { .. } if presences.len() < MAX_PRESENCES || presences.contains_key(who) => {
                presences.insert(who.clone(), presence)
            }
            Presence::Online { .. } => None,
        };
        if before != Some(presence) {
            self.events.push_back(Event::Presence { who: who.clone(), presence });
        }
    }

    pub(super) fn receive_user_info(&mut self, reply: UserInfoReply) {
        let away = typed_text(&reply.tlvs, tlv::AWAY_TYPE, tlv::AWAY);
        let profile = typed_text(&reply.tlvs, tlv::PROFILE_TYPE, tlv::PROFILE);
        self.events.push_back(Event::UserInfo { info: reply.info, away, profile });
    }
}

/// A text whose charset is in a MIME type beside it.
fn typed_text(tlvs: &Tlvs, kind: u16, value: u16) -> Option<String> {
    let bytes = tlvs.get(value).filter(|bytes| !bytes.is_empty())?.to_vec();
    let charset = charset::from_mime(&tlvs.text(kind).unwrap_or_default());
    let text = TextFragment { charset, language: 0, bytes };
    Some(text::to_plain([text]).text)
}
