//! The buddy list that the server keeps, and the edits that bring it to where it should be. Pure: it sends nothing.

use crate::ScreenName;
use crate::foodgroup::feedbag::{Item, class, tlv};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Items that are kept: several times what servers take (open-oscar-server 1,000 buddies, AOL's 1,000 and 100 groups).
const MAX_ITEMS: usize = 10_000;
/// Bytes of names and TLVs that are kept.
const MAX_BYTES: usize = 4 << 20;

/// Group, item and class: what tells an item from others.
type Place = (u16, u16, u16);

/// A buddy as the list has them: an item of class 0, with its group's name. Where somebody is in two groups there are two.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Buddy<'a> {
    /// Who, as written in the list.
    pub screen_name: ScreenName,
    /// What its owner calls them.
    pub alias: Option<String>,
    /// What its owner notes about them.
    pub comment: Option<String>,
    /// They have not yet said that they may be on the list (ICQ).
    pub awaits_authorization: bool,
    /// The group they are in.
    pub group: &'a str,
}

/// The list that the server keeps (13): a copy of its items in their order, with our edits in it. At most 10,000 items and
/// 4 MiB; what a server sends beyond is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuddyList {
    items: Vec<Item>,
    /// Where each stands in `items`.
    places: HashMap<Place, usize>,
    bytes: usize,
}

/// What to add, change and remove, in that order, in one transaction (13/11, 13/08, 13/09, 13/0A, 13/12). An item's group,
/// id and class say which it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Items that the list does not have.
    pub insert: Vec<Item>,
    /// Items that it has, as they are to be.
    pub update: Vec<Item>,
    /// Items that it has.
    pub delete: Vec<Item>,
}

impl BuddyList {
    /// The names of the groups, in the list's order; the master group, which has none, is not among them.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.items
            .iter()
            .filter(|item| item.class == class::GROUP && item.group != 0)
            .map(|i| i.name.as_str())
    }

    /// The buddies, in the list's order.
    pub fn buddies(&self) -> impl Iterator<Item = Buddy<'_>> {
        let groups: HashMap<u16, &str> =
            self.of_class(class::GROUP).map(|group| (group.group, group.name.as_str())).collect();
        self.of_class(class::BUDDY).map(move |item| Buddy {
            screen_name: ScreenName::new(item.name.as_str()),
            alias: item.alias(),
            comment: item.tlvs.text(tlv::COMMENT).filter(|comment| !comment.is_empty()),
            awaits_authorization: item.tlvs.has(tlv::AWAITING_AUTHORIZATION),
            group: groups.get(&item.group).copied().unwrap_or_default(),
        })
    }

    /// Whether somebody is on it.
    pub fn contains(&self, name: &ScreenName) -> bool {
        self.entries(name).next().is_some()
    }

    /// All items, those that are no buddies too: groups, permit and deny list, privacy, preferences, icon.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The preferences (class 5, TLV C9), bits that each client has its own of; None if the list has none.
    pub fn preferences(&self) -> Option<u32> {
        self.of_class(class::PREFERENCES).next()?.tlvs.number(tlv::PREFERENCE_BITS)
    }

    /// An id for a new item, that no item of the list has. None if all 65,535 are in use.
    pub fn free_id(&self) -> Option<u16> {
        let used: BTreeSet<u16> = self.items.iter().map(|item| item.item).collect();
        (1..=u16::MAX).find(|id| !used.contains(id))
    }

    /// Adds or replaces. What a list can't hold is left out, whoever sends it: gives how many items.
    pub(super) fn upsert(&mut self, items: impl IntoIterator<Item = Item>) -> usize {
        let mut left_out = 0;
        for item in items {
            let size = item.size();
            let known = self.places.get(&item.place()).and_then(|at| self.items.get_mut(*at));
            let bytes = self.bytes - known.as_ref().map_or(0, |known| known.size()) + size;
            if bytes > MAX_BYTES {
                left_out += 1;
            } else if let Some(known) = known {
                *known = item;
                self.bytes = bytes;
            } else if self.items.len() < MAX_ITEMS {
                self.places.insert(item.place(), self.items.len());
                self.items.push(item);
                self.bytes = bytes;
            } else {
                left_out += 1;
            }
        }
        left_out
    }

    pub(super) fn remove(&mut self, items: &[Item]) {
        let gone: HashSet<Place> =
            items.iter().map(Item::place).filter(|place| self.places.contains_key(place)).collect();
        if gone.is_empty() {
            return;
        }
        self.items.retain(|known| !gone.contains(&known.place()));
        self.places = self.items.iter().enumerate().map(|(at, item)| (item.place(), at)).collect();
        self.bytes = self.items.iter().map(Item::size).sum();
    }

    /// What we have of these.
    pub(super) fn as_they_are(&self, items: &[Item]) -> Vec<Item> {
        items.iter().filter_map(|item| self.items.get(*self.places.get(&item.place())?)).cloned().collect()
    }

    pub(super) fn of_class(&self, class: u16) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.class == class)
    }

    /// Brings `group` to hold exactly `names`, but for those who are in another group already: they are watched
    /// there. Nothing outside `group` is touched, but for the list of groups.
    pub(super) fn hold_exactly(&self, group: &str, names: &[ScreenName]) -> Edits {
        let id = self.group_by_name(group).map(|item| item.group);
        let kept_elsewhere: BTreeSet<ScreenName> = self
            .items
            .iter()
            .filter(|item| item.class == class::BUDDY && Some(item.group) != id)
            .map(|item| ScreenName::new(item.name.as_str()))
            .collect();
        let mut seen = BTreeSet::new();
        let wanted: Vec<&ScreenName> = names
            .iter()
            .filter(|name| name.is_valid() && !kept_elsewhere.contains(name) && seen.insert(*name))
            .collect();
        let mut held = BTreeSet::new();
        let mut delete = Vec::new();
        for item in self.items.iter().filter(|item| item.class == class::BUDDY && Some(item.group) == id) {
            let name = ScreenName::new(item.name.as_str());
            if seen.contains(&name) && !held.contains(&name) {
                held.insert(name);
            } else {
                delete.push(item.clone());
            }
        }
        let missing: Vec<&ScreenName> = wanted.into_iter().filter(|name| !held.contains(*name)).collect();
        self.edit(group, &missing, delete)
    }

    /// Adds one buddy; nothing if they are on the list.
    pub(super) fn add(&self, group: &str, name: &ScreenName) -> Edits {
        if self.contains(name) || !name.is_valid() {
            return Edits::default();
        }
        self.edit(group, &[name], Vec::new())
    }

    /// Removes somebody wherever they are.
    pub(super) fn drop_buddy(&self, name: &ScreenName) -> Edits {
        self.without(self.entries(name).cloned().collect())
    }

    /// Gives somebody an alias or a comment, or takes it away; None if they are not on the list.
    pub(super) fn label(&self, name: &ScreenName, kind: u16, text: Option<&str>) -> Option<Edits> {
        let text = text.filter(|text| !text.is_empty());
        let mut edits = Edits::default();
        let mut found = false;
        for item in self.entries(name) {
            found = true;
            let mut renamed = item.clone();
            match text {
                Some(text) => renamed.tlvs.set(kind, text),
                None => renamed.tlvs.remove(kind),
            }
            if renamed != *item {
                edits.update.push(renamed);
            }
        }
        found.then_some(edits)
    }

    /// Brings somebody to one group and no other, with what the list says of them; None if they are not on the list.
    pub(super) fn move_to(&self, group: &str, name: &ScreenName) -> Option<Edits> {
        let entry = self.entries(name).next()?;
        let id = self.group_by_name(group).map(|item| item.group);
        let stays = self.entries(name).find(|item| Some(item.group) == id);
        let leaving = self.entries(name).filter(|item| stays.is_none_or(|stays| !stays.same_place(item)));
        let mut edits = self.without(leaving.cloned().collect());
        if stays.is_none() {
            let arriving = self.edit(group, &[name], Vec::new());
            edits.insert = arriving.insert;
            if let Some(item) = edits.insert.iter_mut().find(|item| item.class == class::BUDDY) {
                item.name.clone_from(&entry.name);
                item.tlvs = entry.tlvs.clone();
            }
            edits.update.extend(arriving.update);
        }
        Some(edits)
    }

    /// A group without anybody; nothing if there is one of that name.
    pub(super) fn add_group(&self, group: &str) -> Edits {
        let mut edits = Edits::default();
        if !group.is_empty()
            && self.group_by_name(group).is_none()
            && let Some(mut new) = self.new_group(group)
        {
            new.set_order(&[]);
            self.insert_group(&mut edits, new);
        }
        edits
    }

    pub(super) fn with_preferences(&self, bits: u32) -> Edits {
        let mut edits = Edits::default();
        let known = self.of_class(class::PREFERENCES).next().cloned();
        let set = |mut item: Item| {
            item.tlvs.set(tlv::PREFERENCE_BITS, bits.to_be_bytes());
            item
        };
        if let Some(item) = known {
            if item.tlvs.number(tlv::PREFERENCE_BITS) != Some(bits) {
                edits.update.push(set(item));
            }
        } else if let Some(id) = self.free_id() {
            edits.insert.push(set(Item { item: id, class: class::PREFERENCES, ..Item::default() }));
        }
        edits
    }

    /// None if there is no such group, or another has the new name.
    pub(super) fn rename_group(&self, group: &str, to: &str) -> Option<Edits> {
        let mut renamed = self.group_by_name(group)?.clone();
        let taken = self.group_by_name(to).is_some_and(|other| other.group != renamed.group);
        if taken || to.is_empty() {
            return None;
        }
        let unchanged = renamed.name == to;
        to.clone_into(&mut renamed.name);
        Some(Edits { update: if unchanged { Vec::new() } else { vec![renamed] }, ..Edits::default() })
    }

    /// A group with all who are in it; None if there is no such group.
    pub(super) fn remove_group(&self, group: &str) -> Option<Edits> {
        let id = self.group_by_name(group)?.group;
        let mut edits = Edits {
            delete: self.items.iter().filter(|item| item.group == id).cloned().collect(),
            ..Edits::default()
        };
        // Those in it before itself.
        edits.delete.sort_by_key(|item| item.class);
        if let Some(mut master) = self.group_by_id(0).cloned() {
            let groups: Vec<u16> = master.order().into_iter().filter(|group| *group != id).collect();
            master.set_order(&groups);
            edits.update.push(master);
        }
        Some(edits)
    }

    /// Where somebody stands on the list.
    fn entries(&self, name: &ScreenName) -> impl Iterator<Item = &Item> {
        self.of_class(class::BUDDY).filter(move |item| ScreenName::new(item.name.as_str()) == *name)
    }

    /// The list without some of its buddies.
    fn without(&self, delete: Vec<Item>) -> Edits {
        let mut edits = Edits::default();
        let groups: BTreeSet<u16> = delete.iter().map(|item| item.group).collect();
        for mut group in groups.into_iter().filter_map(|id| self.group_by_id(id)).cloned() {
            let mut order = group.order();
            order.retain(|id| !delete.iter().any(|item| (item.group, item.item) == (group.group, *id)));
            group.set_order(&order);
            edits.update.push(group);
        }
        edits.delete = delete;
        edits
    }

    fn edit(&self, group_name: &str, missing: &[&ScreenName], delete: Vec<Item>) -> Edits {
        let mut edits = Edits { delete, ..Edits::default() };
        if missing.is_empty() && edits.delete.is_empty() {
            return edits;
        }
        let existing = self.group_by_name(group_name).cloned();
        let is_new = existing.is_none();
        let Some(mut group) = existing.or_else(|| self.new_group(group_name)) else { return edits };
        let mut used: BTreeSet<u16> = self.items.iter().map(|item| item.item).collect();
        let mut order: Vec<u16> = group.order();
        order.retain(|id| !edits.delete.iter().any(|item| item.item == *id));
        let mut buddies = Vec::new();
        for name in missing {
            // A list with all 65,535 ids in use holds no more.
            let Some(id) = (1..=u16::MAX).find(|id| !used.contains(id)) else { break };
            used.insert(id);
            order.push(id);
            buddies.push(Item {
                name: name.as_str().to_owned(),
                group: group.group,
                item: id,
                class: class::BUDDY,
                ..Item::default()
            });
        }
        group.set_order(&order);
        if is_new {
            self.insert_group(&mut edits, group);
        } else {
            edits.update.push(group);
        }
        edits.insert.extend(buddies);
        edits
    }

    /// A group that is new, in the master group, which may be new too.
    fn insert_group(&self, edits: &mut Edits, group: Item) {
        if let Some(mut master) = self.group_by_id(0).cloned() {
            let mut groups = master.order();
            groups.push(group.group);
            master.set_order(&groups);
            edits.update.push(master);
        } else {
            let mut master = Item { class: class::GROUP, ..Item::default() };
            master.set_order(&[group.group]);
            edits.insert.push(master);
        }
        edits.insert.push(group);
    }

    fn new_group(&self, name: &str) -> Option<Item> {
        let id = (1..=u16::MAX).find(|id| self.items.iter().all(|item| item.group != *id))?;
        Some(Item { name: name.to_owned(), group: id, class: class::GROUP, ..Item::default() })
    }

    fn group_by_id(&self, id: u16) -> Option<&Item> {
        self.items.iter().find(|item| item.class == class::GROUP && item.group == id)
    }

    fn group_by_name(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| {
            item.class == class::GROUP && item.group != 0 && item.name.eq_ignore_ascii_case(name)
        })
    }
}

impl Edits {
    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.insert.is_empty() && self.update.is_empty() && self.delete.is_empty()
    }
}

impl Item {
    pub(super) fn same_place(&self, other: &Self) -> bool {
        self.place() == other.place()
    }

    const fn place(&self) -> Place {
        (self.group, self.item, self.class)
    }

    /// Bytes that it takes to keep.
    fn size(&self) -> usize {
        size_of::<Self>()
            + self.name.len()
            + self.tlvs.0.iter().map(|tlv| size_of_val(tlv) + tlv.value.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<ScreenName> {
        list.iter().copied().map(ScreenName::from).collect()
    }

    fn apply(list: &mut BuddyList, edits: &Edits) {
        list.upsert(edits.insert.iter().chain(&edits.update).cloned());
        list.remove(&edits.delete);
    }

    fn staff(list: &BuddyList) -> Vec<String> {
        list.buddies().filter(|buddy| buddy.group == "Staff").map(|b| b.screen_name.to_string()).collect()
    }

    #[test]
    fn an_empty_list_gets_master_group_and_buddies_at_once() {
        let mut list = BuddyList::default();
        let edits = list.hold_exactly("Staff", &names(&["Staff One", "staff2", "staffone"]));
        assert_eq!(edits.insert.len(), 4);
        assert!(edits.update.is_empty() && edits.delete.is_empty());
        assert_eq!(edits.insert[0].order(), [1]);
        assert_eq!(edits.insert[1].order(), [1, 2]);
        apply(&mut list, &edits);
        assert_eq!(staff(&list), ["Staff One", "staff2"]);
        assert!(list.hold_exactly("Staff", &names(&["STAFF2", "staff one"])).is_empty());
    }

    #[test]
    fn a_server_can_not_make_it_grow_without_end() {
        let item = |number: usize| Item {
            group: u16::try_from(number / 60_000).unwrap(),
            item: u16::try_from(number % 60_000).unwrap(),
            name: "x".repeat(20),
            ..Item::default()
        };
        let mut list = BuddyList::default();
        assert_eq!(list.upsert((0..70_000).map(item)), 70_000 - MAX_ITEMS);
        assert_eq!(list.items().len(), MAX_ITEMS);
        let long = |number| Item { name: "x".repeat(60_000), ..item(number) };
        assert!(list.upsert((0..MAX_ITEMS).map(long)) > 0, "what is there may not grow either");
        assert!(list.bytes <= MAX_BYTES);
        let all: Vec<Item> = (0..70_000).map(item).collect();
        list.remove(&all);
        assert_eq!(list, BuddyList::default());
    }

    #[test]
    fn others_items_stay() {
        let mut list = BuddyList::default();
        let edits = list.add("Friends", &ScreenName::from("ann"));
        apply(&mut list, &edits);
        let edits = list.hold_exactly("Staff", &names(&["ann", "bob", "cy"]));
        apply(&mut list, &edits);
        assert_eq!(staff(&list), ["bob", "cy"]);
        assert_eq!(list.groups().collect::<Vec<_>>(), ["Friends", "Staff"]);
        let edits = list.hold_exactly("Staff", &names(&["cy"]));
        assert_eq!(edits.delete.len(), 1);
        assert_eq!(edits.update[0].order().len(), 1);
        apply(&mut list, &edits);
        assert_eq!(staff(&list), ["cy"]);
        assert!(list.contains(&ScreenName::from("ANN")));
    }

    #[test]
    fn a_buddy_goes_from_list_and_order() {
        let mut list = BuddyList::default();
        let edits = list.hold_exactly("Staff", &names(&["ann", "bob"]));
        apply(&mut list, &edits);
        let edits = list.drop_buddy(&ScreenName::from("Ann"));
        apply(&mut list, &edits);
        assert_eq!(staff(&list), ["bob"]);
        assert_eq!(list.group_by_name("staff").unwrap().order(), [2]);
    }
}
