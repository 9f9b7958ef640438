//! Rows by key, and what they were before the transaction that is under way.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

/// Rows in the order of their keys. What was changed since [`Journal::keep`] can be taken back.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    /// What stood there, one for each change, in their order.
    before: Vec<(K, Option<V>)>,
}

/// What ends a transaction, whatever is in the table.
pub(super) trait Journal {
    /// What was changed stays.
    fn keep(&mut self);

    /// What was changed is as it was.
    fn roll_back(&mut self);
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn first(&self) -> Option<&K> {
        self.rows.keys().next()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    pub(super) fn range(&self, keys: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.range(keys)
    }

    /// There or not, it is this now.
    pub(super) fn put(&mut self, key: K, value: V) {
        let before = self.rows.insert(key.clone(), value);
        self.before.push((key, before));
    }

    /// The row that was there.
    pub(super) fn remove(&mut self, key: &K) -> Option<&V> {
        let found = self.rows.remove_entry(key)?;
        self.before.push((found.0, Some(found.1)));
        self.before.last().and_then(|(_, value)| value.as_ref())
    }

    /// Nothing happens where there is no such row.
    pub(super) fn change(&mut self, key: &K, change: impl FnOnce(&mut V))
    where
        V: Clone,
    {
        if let Some(value) = self.rows.get_mut(key) {
            self.before.push((key.clone(), Some(value.clone())));
            change(value);
        }
    }

    /// The keys of all rows for which this is so.
    pub(super) fn keys_where(&self, is_so: impl Fn(&V) -> bool) -> Vec<K> {
        self.rows.iter().filter(|(_, value)| is_so(value)).map(|(key, _)| key.clone()).collect()
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), before: Vec::new() }
    }
}

impl<K: Ord, V> Journal for Table<K, V> {
    fn keep(&mut self) {
        self.before.clear();
    }

    fn roll_back(&mut self) {
        for (key, value) in self.before.drain(..).rev() {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_taken_back_in_reverse() {
        let mut table = Table::default();
        table.put(1, "one");
        table.put(2, "two");
        table.keep();
        table.put(1, "other");
        assert_eq!(table.remove(&1), Some(&"other"));
        assert_eq!(table.remove(&1), None);
        table.put(1, "anew");
        table.change(&2, |value| *value = "changed");
        table.put(3, "three");
        table.roll_back();
        assert_eq!(table.iter().collect::<Vec<_>>(), [(&1, &"one"), (&2, &"two")]);
        table.roll_back();
        assert_eq!(table.len(), 2);
    }
}
