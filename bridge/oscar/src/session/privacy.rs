//! Who may see us and write to us. The server keeps it in the buddy list, as items of their own; where it keeps no list,
//! names hold for the session (09/05 to 09/08).

use super::Session;
use super::buddy_list::{BuddyList, Edits};
use super::event::SendError;
use crate::ScreenName;
use crate::foodgroup::feedbag::{Item, class, tlv};
use crate::foodgroup::pd;
use std::time::Instant;

/// Every class of user, for the mask beside the mode: libpurple sets it so too.
const EVERYBODY: u32 = u32::MAX;

/// Whom the server lets see us and write to us: the mode of the privacy item (13, class 4, TLV CA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Privacy {
    /// Everybody; the lists don't count.
    All = 1,
    /// Nobody.
    Nobody = 2,
    /// Whoever is on the permit list.
    Permitted = 3,
    /// Everybody but those on the deny list.
    NotDenied = 4,
    /// Whoever is on the buddy list.
    Buddies = 5,
}

impl Privacy {
    /// None for a mode that nobody has heard of.
    fn from_mode(mode: u32) -> Option<Self> {
        [Self::All, Self::Nobody, Self::Permitted, Self::NotDenied, Self::Buddies]
            .into_iter()
            .find(|privacy| u32::from(privacy.mode()) == mode)
    }

    const fn mode(self) -> u8 {
        self as u8
    }
}

impl BuddyList {
    /// The mode; None if the list says nothing of it, or nothing known. Servers then let [`Privacy::NotDenied`] hold.
    pub fn privacy(&self) -> Option<Privacy> {
        let item = self.of_class(class::PRIVACY).next()?;
        Privacy::from_mode(item.tlvs.number(tlv::PRIVACY_MODE)?)
    }

    /// The permit list (class 2).
    pub fn permitted(&self) -> impl Iterator<Item = ScreenName> {
        self.of_class(class::PERMIT).map(|item| ScreenName::new(item.name.as_str()))
    }

    /// The deny list (class 3).
    pub fn denied(&self) -> impl Iterator<Item = ScreenName> {
        self.of_class(class::DENY).map(|item| ScreenName::new(item.name.as_str()))
    }

    pub(super) fn with_privacy(&self, privacy: Privacy) -> Edits {
        let mut edits = Edits::default();
        if let Some(mut item) = self.of_class(class::PRIVACY).next().cloned() {
            if item.tlvs.number(tlv::PRIVACY_MODE) != Some(privacy.mode().into()) {
                item.tlvs.set(tlv::PRIVACY_MODE, [privacy.mode()]);
                edits.update.push(item);
            }
        } else if let Some(id) = self.free_id() {
            let mut item = Item { item: id, class: class::PRIVACY, ..Item::default() };
            item.tlvs.set(tlv::PRIVACY_MODE, [privacy.mode()]);
            item.tlvs.set(tlv::PRIVACY_MASK, EVERYBODY.to_be_bytes());
            edits.insert.push(item);
        }
        edits
    }

    /// Puts somebody on the permit or the deny list, or takes them off it.
    pub(super) fn with_listed(&self, list: List, name: &ScreenName, listed: bool) -> Edits {
        let mut edits = Edits::default();
        let class = list.class();
        let items = self.of_class(class).filter(|item| ScreenName::new(item.name.as_str()) == *name);
        if !listed {
            edits.delete.extend(items.cloned());
        } else if items.count() == 0
            && let Some(id) = self.free_id()
        {
            edits.insert.push(Item { name: name.to_string(), item: id, class, ..Item::default() });
        }
        edits
    }
}

/// Which list.
#[derive(Debug, Clone, Copy)]
pub(super) enum List {
    Permit,
    Deny,
}

impl List {
    const fn class(self) -> u16 {
        match self {
            Self::Permit => class::PERMIT,
            Self::Deny => class::DENY,
        }
    }
}

impl Session {
    /// Says whom the server is to let through. [`SendError::NotOffered`] where it keeps no list.
    pub fn set_privacy(&mut self, privacy: Privacy, now: Instant) -> Result<(), SendError> {
        self.keeps_list()?;
        self.edit(self.watching.list.with_privacy(privacy))?;
        self.flush(self.elapsed(now));
        Ok(())
    }

    /// Puts somebody on the permit list; it counts with [`Privacy::Permitted`].
    pub fn permit(&mut self, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        self.list(List::Permit, name, true, now)
    }

    /// Takes somebody off the permit list.
    pub fn unpermit(&mut self, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        self.list(List::Permit, name, false, now)
    }

    /// Puts somebody on the deny list; it counts with [`Privacy::NotDenied`]. To them we look signed off from then on.
    pub fn deny(&mut self, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        self.list(List::Deny, name, true, now)
    }

    /// Takes somebody off the deny list.
    pub fn undeny(&mut self, name: &ScreenName, now: Instant) -> Result<(), SendError> {
        self.list(List::Deny, name, false, now)
    }

    fn list(&mut self, list: List, name: &ScreenName, listed: bool, now: Instant) -> Result<(), SendError> {
        self.may_edit(name)?;
        if self.watching.has_feedbag {
            self.edit(self.watching.list.with_listed(list, name, listed))?;
            self.flush(self.elapsed(now));
            return Ok(());
        }
        let names = vec![name.clone()];
        match (list, listed) {
            (List::Permit, true) => self.send(&pd::AddPermit { names }, now),
            (List::Permit, false) => self.send(&pd::RemovePermit { names }, now),
            (List::Deny, true) => self.send(&pd::AddDeny { names }, now),
            (List::Deny, false) => self.send(&pd::RemoveDeny { names }, now),
        }
    }
}
