//! Edits of the list that the server keeps: sent in one transaction each (13/11 to 13/12), made in our copy at once, and
//! taken back there where the server refuses them (13/0E, an answer for each item).

use super::Session;
use super::buddy_list::Edits;
use super::event::{Event, SendError};
use crate::ScreenName;
use crate::foodgroup::feedbag::{self, Item, class, status, tlv};
use crate::foodgroup::{FoodGroup, buddy};
use crate::wire::flap::MAX_SENT_PAYLOAD;
use crate::wire::{DecodeError, Snac, Wire};
use std::time::Instant;

/// Items or names in one SNAC.
pub(super) const ITEMS_AN_EDIT: usize = 50;
/// Bytes of items in one SNAC, whose own header takes 10.
const BYTES_AN_EDIT: usize = MAX_SENT_PAYLOAD - 10;
/// Edits that wait for their status.
const MAX_EDITS: usize = 256;
/// Longest name of a group, longest alias and comment.
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
            self.ask(&buddy::RemoveBuddies { names: vec![name.clone()] });
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
        self.organise(|list| list.label(name, tlv::ALIAS, alias), now)
    }

    /// Notes something about somebody on the list; None takes it away.
    pub fn set_comment(
        &mut self,
        name: &ScreenName,
        comment: Option<&str>,
        now: Instant,
    ) -> Result<(), SendError> {
        fits(comment.unwrap_or_default())?;
        self.organise(|list| list.label(name, tlv::COMMENT, comment), now)
    }

    /// Moves somebody on the list to one group, which is made if there is none.
    pub fn move_buddy(&mut self, name: &ScreenName, group: &str, now: Instant) -> Result<(), SendError> {
        fits(group)?;
        self.organise(|list| list.move_to(group, name), now)
    }

    /// Makes a group without anybody in it; nothing, if there is one of that name.
    pub fn add_group(&mut self, group: &str, now: Instant) -> Result<(), SendError> {
        fits(group)?;
        self.keeps_list()?;
        self.organise(|list| Some(list.add_group(group)), now)
    }

    /// Sets the preferences that the server keeps for clients of this user (class 5, TLV C9); see
    /// [`super::BuddyList::preferences`]. open-oscar-server takes from a bit of theirs whether others hear that we type.
    pub fn set_preferences(&mut self, bits: u32, now: Instant) -> Result<(), SendError> {
        self.keeps_list()?;
        self.organise(|list| Some(list.with_preferences(bits)), now)
    }

    /// Edits the list as the caller sees fit, in one transaction: for what has no method here, such as the icon (class 14).
    /// As with the others, the session's copy has the edits at once, and what the server refuses
    /// ([`Event::BuddyListRefused`]) is taken back there. That each group lists its members (TLV C8) is up to the caller.
    ///
    /// # Errors
    /// [`SendError::NotOnline`], [`SendError::NotOffered`] where the server keeps no list, [`SendError::TooLong`] if an
    /// item alone does not fit a frame, [`SendError::Busy`]. Then nothing is sent or changed.
    pub fn edit_list(&mut self, edits: Edits, now: Instant) -> Result<(), SendError> {
        self.keeps_list()?;
        self.organise(|_| Some(edits), now)
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

    /// How many edits of the list the server has not answered. [`Event::BuddyListSaved`] says when there are none.
    pub fn open_edits(&self) -> usize {
        self.watching.edits.len()
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

    /// Whether there is a list to edit.
    pub(super) fn keeps_list(&self) -> Result<(), SendError> {
        if !self.is_online() {
            return Err(SendError::NotOnline);
        }
        if self.watching.has_feedbag { Ok(()) } else { Err(SendError::NotOffered) }
    }

    /// Whether this can be asked about this name.
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
        let mut snacs = Vec::new();
        for (edit, items) in kinds {
            snacs.extend(parts(items)?.into_iter().map(|items| (edit, items)));
        }
        // All of a transaction or nothing.
        if !self.connection.pacer.has_room(snacs.len() + 2) {
            return Err(SendError::Busy);
        }
        self.ask(&feedbag::StartCluster { data: Vec::new() });
        for (edit, items) in snacs {
            self.send_edit(edit, items.to_vec());
        }
        self.ask(&feedbag::EndCluster {});
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
            Edit::Insert => self.ask(&feedbag::InsertItems { items: items.clone() }),
            Edit::Update => self.ask(&feedbag::UpdateItems { items: items.clone() }),
            Edit::Delete => self.ask(&feedbag::DeleteItems { items: items.clone() }),
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
        self.tell_saved();
    }

    fn tell_saved(&mut self) {
        if self.watching.edits.is_empty() {
            self.events.push_back(Event::BuddyListSaved);
        }
    }

    /// An error in place of a status: all of the edit is refused. False if it is about no edit.
    pub(super) fn edit_refused(&mut self, snac: &Snac) -> bool {
        if snac.group != FoodGroup::Feedbag {
            return false;
        }
        let Some(mut sent) = self.watching.edits.remove(&snac.request_id) else { return false };
        let items = std::mem::take(&mut sent.items);
        self.take_back(&sent, items.into_iter().map(|item| (item, status::INVALID)).collect());
        self.tell_saved();
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

/// The items in as few parts as servers take. [`SendError::TooLong`] if one alone is more than they do.
fn parts(items: &[Item]) -> Result<Vec<&[Item]>, SendError> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        let size = item.to_bytes().map_err(|_| SendError::TooLong)?.len();
        if size > BYTES_AN_EDIT {
            return Err(SendError::TooLong);
        }
        if at - start >= ITEMS_AN_EDIT || bytes + size > BYTES_AN_EDIT {
            parts.extend(items.get(start..at));
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    parts.extend(items.get(start..).filter(|rest| !rest.is_empty()));
    Ok(parts)
}

fn fits(label: &str) -> Result<(), SendError> {
    if label.len() <= MAX_LABEL { Ok(()) } else { Err(SendError::TooLong) }
}
