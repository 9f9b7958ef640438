//! One account's server-stored list: items, limits, privacy. Kept for as long as the server runs.
//!
//! Classes, TLVs and limits as open-oscar-server shows them; an add of an id that exists replaces the item and a
//! change of one that doesn't adds it, as that server does.

use std::collections::HashSet;

use oscar_im::ScreenName;
use oscar_im::foodgroup::bart::BartItem;
use oscar_im::foodgroup::feedbag::{Item, class, status, tlv};
use oscar_im::wire::{Tlvs, Wire};

/// The bit of the preferences (TLV C9 of class 5) by which open-oscar-server tells whether somebody wants typing
/// notices.
const WANTS_TYPING: u32 = 0x0040_0000;
/// How many items of each class an account may hold, by class; 0 where open-oscar-server names no figure.
pub(crate) const LIMITS: [u16; 25] =
    [0x3d, 0x3d, 0x64, 0x64, 1, 1, 0x32, 0, 0, 3, 0, 0, 0, 0x80, 0xff, 0x14, 0xc8, 1, 0, 1, 0xc8, 0, 0, 0, 4];
/// Items of all classes together.
const MAX_ITEMS: usize = 1000;
/// Bytes of one item's TLVs.
const MAX_ITEM_BYTES: usize = 2048;
/// Bytes of an item's name.
const MAX_NAME_BYTES: usize = 97;

/// Who may see an account and write to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Everybody.
    All,
    /// Nobody.
    Nobody,
    /// Only these.
    Permit(HashSet<ScreenName>),
    /// All but these.
    Deny(HashSet<ScreenName>),
}

impl Privacy {
    /// Whether `name` may.
    pub(crate) fn allows(&self, name: &ScreenName) -> bool {
        match self {
            Self::All => true,
            Self::Nobody => false,
            Self::Permit(names) => names.contains(name),
            Self::Deny(names) => !names.contains(name),
        }
    }
}

/// The list of one account, in the order in which items were added.
#[derive(Debug, Default)]
pub(crate) struct Feedbag {
    items: Vec<Item>,
    changed: u32,
}

impl Feedbag {
    /// A list with one group that holds `buddies`; empty where there are none.
    pub(crate) fn with_buddies(buddies: &[ScreenName], unix: u32) -> Self {
        if buddies.is_empty() {
            return Self::default();
        }
        let ids: Vec<u16> = (1u16..).take(buddies.len()).collect();
        let group = |name: &str, group, ids: &[u16]| {
            let mut item = Item { name: name.to_owned(), group, class: class::GROUP, ..Item::default() };
            item.set_order(ids);
            item
        };
        let mut items = vec![group("", 0, &[1]), group("Buddies", 1, &ids)];
        items.extend(buddies.iter().zip(ids).map(|(name, item)| Item {
            name: name.as_str().to_owned(),
            group: 1,
            item,
            class: class::BUDDY,
            tlvs: Tlvs::new(),
        }));
        Self { items, changed: unix }
    }

    /// When it was last changed; 0 for never.
    pub(crate) const fn changed(&self) -> u32 {
        self.changed
    }

    /// All items.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Adds an item, or replaces the one of the same group and id; a code of [`status`].
    pub(crate) fn put(&mut self, item: Item, unix: u32) -> u16 {
        let bytes: usize = item.tlvs.0.iter().map(|tlv| 4 + tlv.value.len()).sum();
        if item.name.len() > MAX_NAME_BYTES || bytes > MAX_ITEM_BYTES {
            return status::INVALID;
        }
        let same = |other: &Item| (other.group, other.item) == (item.group, item.item);
        if let Some(old) = self.items.iter_mut().find(|other| same(other)) {
            *old = item;
        } else {
            let limit = LIMITS.get(usize::from(item.class)).copied().unwrap_or(0);
            let held = self.items.iter().filter(|other| other.class == item.class).count();
            if self.items.len() >= MAX_ITEMS || (limit > 0 && held >= usize::from(limit)) {
                return status::OVER_LIMIT;
            }
            self.items.push(item);
        }
        self.changed = unix;
        status::OK
    }

    /// Removes the item of this group and id; one that isn't there is as good as removed.
    pub(crate) fn remove(&mut self, group: u16, id: u16, unix: u32) -> u16 {
        self.items.retain(|item| (item.group, item.item) != (group, id));
        self.changed = unix;
        status::OK
    }

    /// The names on the buddy list.
    pub(crate) fn buddies(&self) -> impl Iterator<Item = ScreenName> + '_ {
        self.names(class::BUDDY)
    }

    fn names(&self, class: u16) -> impl Iterator<Item = ScreenName> + '_ {
        self.items
            .iter()
            .filter(move |item| item.class == class)
            .map(|item| ScreenName::new(item.name.as_str()))
    }

    /// Who may see this account and write to it. Without a privacy item the deny list holds.
    pub(crate) fn privacy(&self) -> Privacy {
        let mode = self
            .items
            .iter()
            .find(|item| item.class == class::PRIVACY)
            .and_then(|item| item.tlvs.number(tlv::PRIVACY_MODE));
        match mode {
            Some(1) => Privacy::All,
            Some(2) => Privacy::Nobody,
            Some(3) => Privacy::Permit(self.names(class::PERMIT).collect()),
            Some(5) => Privacy::Permit(self.buddies().collect()),
            _ => Privacy::Deny(self.names(class::DENY).collect()),
        }
    }

    /// Whether the owner's preferences ask for typing notices.
    pub(crate) fn wants_typing(&self) -> bool {
        self.items
            .iter()
            .find(|item| item.class == class::PREFERENCES)
            .and_then(|item| item.tlvs.number(tlv::PREFERENCE_BITS))
            .is_some_and(|bits| bits & WANTS_TYPING != 0)
    }

    /// The icons as others are told of them, in the order of their types.
    pub(crate) fn icons(&self) -> Vec<BartItem> {
        let mut icons: Vec<BartItem> = self
            .items
            .iter()
            .filter(|item| item.class == class::ICON)
            .filter_map(|item| {
                // The item's name is the type; its TLV holds the rest of the id.
                let kind: u16 = item.name.parse().ok()?;
                let id = [&kind.to_be_bytes(), item.tlvs.get(tlv::ICON)?].concat();
                BartItem::from_bytes(&id).ok()
            })
            .collect();
        icons.sort_unstable_by_key(|icon| icon.kind);
        icons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(class: u16, group: u16, item: u16, name: &str) -> Item {
        Item { name: name.to_owned(), group, item, class, tlvs: Tlvs::new() }
    }

    #[test]
    fn one_more_than_the_limit_is_refused() {
        let mut list = Feedbag::default();
        for id in 0..LIMITS[0] {
            assert_eq!(list.put(item(class::BUDDY, 1, id, &format!("b{id}")), 1), status::OK);
        }
        assert_eq!(list.put(item(class::BUDDY, 1, 999, "one more"), 1), status::OVER_LIMIT);
        assert_eq!(list.put(item(class::BUDDY, 1, 0, "renamed"), 2), status::OK);
        assert_eq!(list.remove(1, 0, 3), status::OK);
        assert_eq!(list.put(item(class::BUDDY, 1, 999, "one more"), 4), status::OK);
        assert_eq!(list.changed(), 4);
    }

    #[test]
    fn the_mode_decides_which_list_counts() {
        let mut list = Feedbag::default();
        list.put(item(class::DENY, 0, 1, "Pest"), 1);
        list.put(item(class::PERMIT, 0, 2, "friend"), 1);
        let (pest, friend) = (ScreenName::from("pest"), ScreenName::from("Friend"));
        assert!(!list.privacy().allows(&pest));
        for (mode, pest_may, friend_may) in
            [(1, true, true), (2, false, false), (3, false, true), (4, false, true)]
        {
            let mut privacy = item(class::PRIVACY, 0, 3, "");
            privacy.tlvs = Tlvs::new().with(tlv::PRIVACY_MODE, [mode]);
            list.put(privacy, 1);
            assert_eq!(list.privacy().allows(&pest), pest_may, "mode {mode}");
            assert_eq!(list.privacy().allows(&friend), friend_may, "mode {mode}");
        }
    }

    #[test]
    fn icons_are_told_as_bart_ids() {
        let mut list = Feedbag::default();
        assert!(list.icons().is_empty());
        let mut icon = item(class::ICON, 0, 2, "1");
        icon.tlvs = Tlvs::new().with(tlv::ICON, [0, 5, 2, 1, 0xd2, 4, 0x72]);
        list.put(icon, 1);
        assert_eq!(list.icons(), [BartItem { kind: 1, flags: 0, id: vec![2, 1, 0xd2, 4, 0x72] }]);
    }
}
