//! The buddy list that the server keeps, and the edits that bring it to where it should be. Pure: it sends nothing.

use crate::ScreenName;
use crate::foodgroup::feedbag::{Item, class};
use std::collections::BTreeSet;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buddy<'a> {
    /// Who, as written in the list.
    pub screen_name: ScreenName,
    /// What its owner calls them.
    pub alias: Option<String>,
    /// The group they are in.
    pub group: &'a str,
}

/// The list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuddyList {
    items: Vec<Item>,
}

/// What to add, change and remove, in that order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) insert: Vec<Item>,
    pub(super) update: Vec<Item>,
    pub(super) delete: Vec<Item>,
}

impl BuddyList {
    /// The names of the groups, in the list's order.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.items
            .iter()
            .filter(|item| item.class == class::GROUP && item.group != 0)
            .map(|i| i.name.as_str())
    }

    /// The buddies, in the list's order.
    pub fn buddies(&self) -> impl Iterator<Item = Buddy<'_>> {
        self.items.iter().filter(|item| item.class == class::BUDDY).map(|item| Buddy {
            screen_name: ScreenName::new(item.name.as_str()),
            alias: item.alias(),
            group: self.group_by_id(item.group).map_or("", |group| group.name.as_str()),
        })
    }

    /// Whether somebody is on it.
    pub fn contains(&self, name: &ScreenName) -> bool {
        self.buddies().any(|buddy| buddy.screen_name == *name)
    }

    /// All items, those that are no buddies too.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Adds or replaces.
    pub(super) fn upsert(&mut self, items: impl IntoIterator<Item = Item>) {
        for item in items {
            match self.items.iter_mut().find(|known| same_place(known, &item)) {
                Some(known) => *known = item,
                None => self.items.push(item),
            }
        }
    }

    pub(super) fn remove(&mut self, items: &[Item]) {
        self.items.retain(|known| !items.iter().any(|item| same_place(known, item)));
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
        let mut edits = Edits::default();
        for item in &self.items {
            if item.class == class::BUDDY && ScreenName::new(item.name.as_str()) == *name {
                edits.delete.push(item.clone());
                if let Some(group) = self.group_by_id(item.group) {
                    let mut group = group.clone();
                    let order: Vec<u16> = group.order().into_iter().filter(|id| *id != item.item).collect();
                    group.set_order(&order);
                    edits.update.push(group);
                }
            }
        }
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
        } else {
            edits.update.push(group);
        }
        edits.insert.extend(buddies);
        edits
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
    pub(super) fn is_empty(&self) -> bool {
        self.insert.is_empty() && self.update.is_empty() && self.delete.is_empty()
    }
}

fn same_place(one: &Item, other: &Item) -> bool {
    (one.group, one.item, one.class) == (other.group, other.item, other.class)
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
