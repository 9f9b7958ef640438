//! Who is watched, and what is seen of them: edits of the buddy list, presence.

use super::Session;
use super::buddy_list::{BuddyList, Edits};
use super::event::{Event, Presence, SendError};
use crate::ScreenName;
use crate::foodgroup::feedbag::{self, Item, class, status};
use crate::foodgroup::locate::{UserInfoQuery2, UserInfoReply, tlv};
use crate::foodgroup::{FoodGroup, UserInfo, buddy, icbm::TextFragment};
use crate::text::{self, charset};
use crate::wire::{Snac, Tlvs};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Items in one edit: with names of 97 bytes well below the longest frame.
const ITEMS_AN_EDIT: usize = 50;
/// Edits that wait for their status.
const MAX_EDITS: usize = 256;
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
    temporary: BTreeSet<ScreenName>,
    edits: BTreeMap<u32, (Edit, Vec<Item>)>,
    presences: BTreeMap<ScreenName, Presence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    Insert,
    Update,
    Delete,
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

    /// Adds somebody to a group of the list.
    pub fn add_buddy(&mut self, group: &str, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        if !name.is_valid() {
            return Err(SendError::InvalidName);
        }
        if self.watching.has_feedbag {
            let edits = self.watching.list.add(group, name);
            self.edit(edits);
        } else {
            self.watch_temporarily(std::slice::from_ref(name));
        }
        self.flush(self.elapsed(now));
        Ok(())
    }

    /// Removes somebody from the list, from whatever group.
    pub fn remove_buddy(&mut self, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        let edits = self.watching.list.drop_buddy(name);
        self.edit(edits);
        if self.watching.temporary.remove(name) {
            self.request(&buddy::RemoveBuddies { names: vec![name.clone()] });
        }
        self.watching.presences.remove(name);
        self.flush(self.elapsed(now));
        Ok(())
    }

    /// Asks for somebody's profile and away message: [`Event::UserInfo`].
    pub fn query_user(&mut self, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        self.send(&UserInfoQuery2 { mask: 3, screen_name: name.clone() }, now)
    }

    pub(super) fn begin_watching(&mut self) {
        let Some(names) = self.watching.wanted.take() else { return };
        if self.watching.has_feedbag {
            let edits = self.watching.list.hold_exactly(&self.config.group, &names);
            self.edit(edits);
        } else {
            let wanted: BTreeSet<ScreenName> = names.iter().filter(|name| name.is_valid()).cloned().collect();
            let gone: Vec<ScreenName> =
                self.watching.temporary.iter().filter(|name| !wanted.contains(name)).cloned().collect();
            for names in gone.chunks(ITEMS_AN_EDIT) {
                self.request(&buddy::RemoveBuddies { names: names.to_vec() });
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

    fn watch_temporarily(&mut self, names: &[ScreenName]) {
        for names in names.chunks(ITEMS_AN_EDIT) {
            self.request(&buddy::AddBuddies { names: names.to_vec() });
        }
        self.watching.temporary.extend(names.iter().cloned());
    }

    /// Edits the server's list and ours. What the server then refuses is taken back ([`Self::receive_feedbag_status`]).
    fn edit(&mut self, edits: Edits) {
        if edits.is_empty() {
            return;
        }
        self.request(&feedbag::StartCluster { data: Vec::new() });
        for items in edits.insert.chunks(ITEMS_AN_EDIT) {
            let id = self.request(&feedbag::InsertItems { items: items.to_vec() });
            self.remember(id, Edit::Insert, items);
        }
        for items in edits.update.chunks(ITEMS_AN_EDIT) {
            let id = self.request(&feedbag::UpdateItems { items: items.to_vec() });
            self.remember(id, Edit::Update, items);
        }
        for items in edits.delete.chunks(ITEMS_AN_EDIT) {
            let id = self.request(&feedbag::DeleteItems { items: items.to_vec() });
            self.remember(id, Edit::Delete, items);
        }
        self.request(&feedbag::EndCluster {});
        for item in edits.delete.iter().filter(|item| item.class == class::BUDDY) {
            self.watching.presences.remove(&ScreenName::new(item.name.as_str()));
        }
        self.watching.list.upsert(edits.insert.into_iter().chain(edits.update));
        self.watching.list.remove(&edits.delete);
        self.events.push_back(Event::BuddyListChanged);
    }

    /// An edit that could not be queued is not remembered; of too many unanswered ones the oldest is forgotten.
    fn remember(&mut self, id: Option<u32>, edit: Edit, items: &[Item]) {
        if let Some(id) = id {
            if self.watching.edits.len() >= MAX_EDITS {
                self.watching.edits.pop_first();
            }
            self.watching.edits.insert(id, (edit, items.to_vec()));
        }
    }

    pub(super) fn receive_feedbag_status(&mut self, request_id: u32, codes: &[u16]) {
        let Some((edit, items)) = self.watching.edits.remove(&request_id) else { return };
        let refused: Vec<(Item, u16)> =
            items.into_iter().zip(codes.iter().copied()).filter(|(_, code)| *code != status::OK).collect();
        self.take_back(edit, refused);
    }

    /// An error in place of a status: all of the edit is refused. False if it is about no edit.
    pub(super) fn watch_refused(&mut self, snac: &Snac) -> bool {
        if snac.group == FoodGroup::Feedbag
            && let Some((edit, items)) = self.watching.edits.remove(&snac.request_id)
        {
            self.take_back(edit, items.into_iter().map(|item| (item, status::INVALID)).collect());
            return true;
        }
        false
    }

    fn take_back(&mut self, edit: Edit, refused: Vec<(Item, u16)>) {
        // What is there already, or gone already, is as it should be.
        let mut lost = Vec::new();
        for (item, code) in refused {
            let settled = matches!(
                (edit, code),
                (Edit::Insert, status::EXISTS) | (Edit::Update | Edit::Delete, status::NOT_FOUND)
            );
            if settled {
                continue;
            }
            if edit == Edit::Insert {
                self.watching.list.remove(std::slice::from_ref(&item));
                if item.class == class::BUDDY {
                    lost.push(ScreenName::new(item.name.as_str()));
                }
            }
            self.events.push_back(Event::BuddyListRefused { name: item.name, code });
        }
        self.watch_temporarily(&lost);
    }

    /// The list was edited from another place.
    pub(super) fn receive_items(&mut self, items: Vec<Item>) {
        self.watching.list.upsert(items);
        self.events.push_back(Event::BuddyListChanged);
    }

    pub(super) fn receive_deletion(&mut self, items: &[Item]) {
        self.watching.list.remove(items);
        self.events.push_back(Event::BuddyListChanged);
    }

    /// Servers repeat 03/0B as each field arrives; only what is different is told.
    pub(super) fn receive_arrived(&mut self, infos: &[UserInfo]) {
        for info in infos {
            let presence = Presence::Online {
                away: info.is_away(),
                idle_minutes: info.idle_minutes().unwrap_or_default(),
            };
            self.seen(&info.screen_name, presence);
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
    let mime = tlvs.text(kind).unwrap_or_default();
    let name = mime.split_once("charset=").map_or("", |(_, name)| name);
    let text = TextFragment { charset: charset::from_name(name), language: 0, bytes };
    Some(text::to_plain([text]).text)
}
