//! The lines of a conversation that wait: what no AIM server has acknowledged yet.

use std::collections::VecDeque;

/// A conversation's lines that no AIM server has acknowledged yet, by number, with the client's id of each.
///
/// Most conversations have none most of the time, and one that has none holds no memory: a map of the standard library
/// would keep its first node, which is 368 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Untaken(VecDeque<(u64, Option<String>)>);

impl Untaken {
    /// A line waits from now on; one that waits already goes on as it was. Numbers rise in a conversation, so this is
    /// an append.
    pub fn insert(&mut self, number: u64, client_id: Option<String>) {
        if let Err(at) = self.place(number) {
            self.0.insert(at, (number, client_id));
        }
    }

    /// A line waits no more: its client's id, or `None` where it did not wait.
    pub fn remove(&mut self, number: u64) -> Option<Option<String>> {
        let (_, client_id) = self.0.remove(self.place(number).ok()?)?;
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
        Some(client_id)
    }

    /// Whether this line waits.
    pub fn contains(&self, number: u64) -> bool {
        self.place(number).is_ok()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their numbers, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|(number, _)| *number)
    }

    /// The ids that clients gave to some of them, in the lines' order.
    pub fn client_ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(_, client_id)| client_id.as_deref())
    }

    fn place(&self, number: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_in_order_and_leave_in_any() {
        let mut untaken = Untaken::default();
        for (number, id) in [(1, None), (2, Some("b")), (4, Some("d")), (3, None)] {
            untaken.insert(number, id.map(str::to_owned));
        }
        assert_eq!(untaken.numbers().collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(untaken.client_ids().collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(untaken.remove(2), Some(Some("b".to_owned())));
        assert_eq!(untaken.remove(2), None);
        assert_eq!(untaken.remove(1), Some(None));
        assert!(untaken.contains(3) && !untaken.contains(1));
        assert_eq!(untaken.len(), 2);
    }

    #[test]
    fn none_that_wait_hold_no_memory() {
        let mut untaken = Untaken::default();
        untaken.insert(1, Some("a".to_owned()));
        untaken.remove(1);
        assert_eq!(untaken.0.capacity(), 0);
    }
}
