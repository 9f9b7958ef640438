//! Edits of the list that the server keeps: sent in one transaction each (13/11 to 13/12), made in our copy at once, and
//! taken back there where the server refuses them (13/0E, an answer for each item).

use super::Session;
use super::buddy_list::Edits;
use super::event::{Event, SendError};
use crate::ScreenName;
use crate::foodgroup::feedbag::{self, Item, class, status};
use crate::foodgroup::{FoodGroup, buddy};
use crate::wire::{DecodeError, Snac};
use std::time::Instant;

/// Items in one SNAC: with names of 97 bytes well below the longest frame.
pub(super) const ITEMS_AN_EDIT: usize = 50;
/// Edits that wait for their status.
const MAX_EDITS: usize = 256;
/// Longest name of a group, and longest alias; so that [`ITEMS_AN_EDIT`] of them fit one frame too.
const MAX_LABEL: usize = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    Insert,
    Update,
    Delete,
}

/// An edit that has no answer yet.
#[derive(Debug)]
pub(super) struct Sent {
    edit: Edit,
    items: Vec<Item>,
    /// What an update replaced, for when it is refused.
    before: Vec<Item>,
}

impl Session {
    /// Adds somebody to a group of the list, which is made if there is none; nothing, if they are on the list. Where the
    /// server keeps no list, they are watched for the session.
    pub fn add_buddy(&mut self, group: &str, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        self.may_edit(name)?;
        fits(group)?;
        if self.watching.has_feedbag {
            self.edit(self.watching.list.add(group, name))?;
        } else {
            self.watch_temporarily(std::slice::from_ref(name));
        }
        self.flush(self.elapsed(now));
        Ok(())
    }

    /// Removes somebody from the list, from whatever groups; nothing, if they are not on it.
    pub fn remove_buddy(&mut self, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        self.may_edit(name)?;
        self.edit(self.watching.list.drop_buddy(name))?;
        if self.watching.temporary.remove(name) {
            self.request(&buddy::RemoveBuddies { names: vec![name.clone()] });
        }
        self.watching.presences.remove(name);
        self.flush(self.elapsed(now));
        Ok(())
    }

    /// Gives somebody on the list a name of ours; None takes it away.
    pub fn set_alias(
        &mut self,
        name: &ScreenName,
        alias: Option<&str>,
        now: Instant,
    ) -> Result<(), SendError> {
        fits(alias.unwrap_or_default())?;
        self.organise(|list| list.alias(name, alias), now)
    }

    /// Moves somebody on the list to one group, which is made if there is none.
    pub fn move_buddy(&mut self, name: &ScreenName, group: &str, now: Instant) -> Result<(), SendError> {
        fits(group)?;
        self.organise(|list| list.move_to(group, name), now)
    }

    /// Gives a group another name.
    pub fn rename_group(&mut self, group: &str, to: &str, now: Instant) -> Result<(), SendError> {
        fits(to)?;
        self.organise(|list| list.rename_group(group, to), now)
    }

    /// Removes a group with all who are in it.
    pub fn remove_group(&mut self, group: &str, now: Instant) -> Result<(), SendError> {
        self.organise(|list| list.remove_group(group), now)
    }

    /// Asks somebody whether we may have them on the list, which servers want of ICQ users who said so
    /// ([`feedbag::status::NEEDS_AUTHORIZATION`]). Answered by [`Event::AuthorizationAnswered`], perhaps days later.
    pub fn ask_authorization(
        &mut self,
        name: &ScreenName,
        text: &str,
        now: Instant,
    ) -> Result<(), SendError> {
        self.may_edit(name)?;
        let (screen_name, reason) = (name.clone(), text.to_owned());
        self.send(&feedbag::AuthorizationRequestToHost { screen_name, reason, reserved: 0 }, now)
    }

    /// Answers [`Event::AuthorizationAsked`].
    pub fn answer_authorization(
        &mut self,
        name: &ScreenName,
        granted: bool,
        text: &str,
        now: Instant,
    ) -> Result<(), SendError> {
        self.may_edit(name)?;
        let (screen_name, reason) = (name.clone(), text.to_owned());
        let accepted = granted.into();
        self.send(&feedbag::AuthorizationReplyToHost { screen_name, accepted, reason }, now)
    }

    /// Changes what is on the list.
    fn organise(
        &mut self,
        edits: impl FnOnce(&super::BuddyList) -> Option<Edits>,
        now: Instant,
    ) -> Result<(), SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        let edits = edits(&self.watching.list).ok_or(SendError::NotListed)?;
        self.edit(edits)?;
        self.flush(self.elapsed(now));
        Ok(())
    }

    pub(super) fn may_edit(&self, name: &ScreenName) -> Result<(), SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        if name.is_valid() { Ok(()) } else { Err(SendError::InvalidName) }
    }

    /// Edits the server's list and ours. What the server then refuses is taken back ([`Self::receive_feedbag_status`]).
    pub(super) fn edit(&mut self, edits: Edits) -> Result<(), SendError> {
        if edits.is_empty() {
            return Ok(());
        }
        let kinds =
            [(Edit::Insert, &edits.insert), (Edit::Update, &edits.update), (Edit::Delete, &edits.delete)];
        let snacs: usize = kinds.iter().map(|(_, items)| items.len().div_ceil(ITEMS_AN_EDIT)).sum();
        // All of a transaction or nothing.
        if !self.connection.pacer.has_room(snacs + 2) {
            return Err(SendError::Busy);
        }
        self.request(&feedbag::StartCluster { data: Vec::new() });
        for (edit, items) in kinds {
            for items in items.chunks(ITEMS_AN_EDIT) {
                self.send_edit(edit, items.to_vec());
            }
        }
        self.request(&feedbag::EndCluster {});
        for item in edits.delete.iter().filter(|item| item.class == class::BUDDY) {
            self.watching.presences.remove(&ScreenName::new(item.name.as_str()));
        }
        self.watching.list.upsert(edits.insert.into_iter().chain(edits.update));
        self.watching.list.remove(&edits.delete);
        self.events.push_back(Event::BuddyListChanged);
        Ok(())
    }

    /// Of too many edits without an answer the oldest is forgotten.
    fn send_edit(&mut self, edit: Edit, items: Vec<Item>) {
        let id = match edit {
            Edit::Insert => self.request(&feedbag::InsertItems { items: items.clone() }),
            Edit::Update => self.request(&feedbag::UpdateItems { items: items.clone() }),
            Edit::Delete => self.request(&feedbag::DeleteItems { items: items.clone() }),
        };
        let Some(id) = id else { return };
        if self.watching.edits.len() >= MAX_EDITS {
            self.watching.edits.pop_first();
        }
        let before = if edit == Edit::Update { self.watching.list.as_they_are(&items) } else { Vec::new() };
        self.watching.edits.insert(id, Sent { edit, items, before });
    }

    pub(super) fn receive_feedbag_status(&mut self, request_id: u32, codes: &[u16]) {
        let Some(mut sent) = self.watching.edits.remove(&request_id) else { return };
        let items = std::mem::take(&mut sent.items);
        let refused =
            items.into_iter().zip(codes.iter().copied()).filter(|(_, code)| *code != status::OK).collect();
        self.take_back(&sent, refused);
    }

    /// An error in place of a status: all of the edit is refused. False if it is about no edit.
    pub(super) fn edit_refused(&mut self, snac: &Snac) -> bool {
        if snac.group != FoodGroup::Feedbag {
            return false;
        }
        let Some(mut sent) = self.watching.edits.remove(&snac.request_id) else { return false };
        let items = std::mem::take(&mut sent.items);
        self.take_back(&sent, items.into_iter().map(|item| (item, status::INVALID)).collect());
        true
    }

    fn take_back(&mut self, sent: &Sent, refused: Vec<(Item, u16)>) {
        let mut unwatched = Vec::new();
        for (item, code) in refused {
            // What is there already, or gone already, is as it should be.
            let settled = matches!(
                (sent.edit, code),
                (Edit::Insert, status::EXISTS) | (Edit::Update | Edit::Delete, status::NOT_FOUND)
            );
            if settled {
                continue;
            }
            let name = item.name.clone();
            let list = &mut self.watching.list;
            match sent.edit {
                Edit::Insert => {
                    list.remove(std::slice::from_ref(&item));
                    if item.class == class::BUDDY {
                        unwatched.push(ScreenName::new(item.name));
                    }
                }
                Edit::Update => {
                    list.upsert(sent.before.iter().filter(|old| old.same_place(&item)).cloned());
                }
                Edit::Delete => {
                    list.upsert([item]);
                }
            }
            self.events.push_back(Event::BuddyListRefused { name, code });
        }
        self.watch_temporarily(&unwatched);
    }

    /// The list was edited from another place.
    pub(super) fn receive_items(&mut self, snac: &Snac, items: Vec<Item>) {
        self.take_items(snac, items);
        self.events.push_back(Event::BuddyListChanged);
    }

    /// Of what the server has on its list; more than a list can hold is told and left out.
    pub(super) fn take_items(&mut self, snac: &Snac, items: Vec<Item>) {
        if self.watching.list.upsert(items) > 0 {
            let error = DecodeError::Invalid("more items than a buddy list can hold");
            self.events.push_back(Event::Unreadable { group: snac.group, subgroup: snac.subgroup, error });
        }
    }

    pub(super) fn receive_deletion(&mut self, items: &[Item]) {
        self.watching.list.remove(items);
        self.events.push_back(Event::BuddyListChanged);
    }
}

fn fits(label: &str) -> Result<(), SendError> {
    if label.len() <= MAX_LABEL { Ok(()) } else { Err(SendError::TooLong) }
}
