//! All conversations that are open or were lately, and the ways to find one: by visitor, by label, by nick.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::labels::{self, Labels, fold};
use super::model::{Address, Conversation, ConversationId, Millis, Told, VisitorKey};
use super::untaken::Untaken;

/// Client ids kept for each conversation: what a widget may send again after a reconnect is less.
const CLIENT_IDS: usize = 128;
/// The daemon's message ids kept over all conversations: what a replay of its history may repeat.
const MESSAGE_IDS: usize = 4096;

/// The conversations by number, with their indexes.
#[derive(Debug, Default)]
pub struct Book {
    /// Boxed: a tree that grows at its end has nodes half full.
    all: BTreeMap<ConversationId, Box<Conversation>>,
    by_key: HashMap<VisitorKey, ConversationId>,
    by_nick: HashMap<Box<str>, ConversationId>,
    labels: Labels,
    last_id: u64,
    spoken: u64,
    open: usize,
    msgids: HashMap<Arc<str>, (ConversationId, u64)>,
    msgids_in_order: VecDeque<Arc<str>>,
}

impl Book {
    /// Begins a conversation with a visitor who has none.
    pub fn open(&mut self, key: VisitorKey, nick: &str, now: Millis) -> ConversationId {
        self.last_id += 1;
        let id = ConversationId(self.last_id);
        let label = self.labels.assign(nick, id);
        self.by_key.insert(key.clone(), id);
        self.open += 1;
        self.all.insert(
            id,
            Box::new(Conversation {
                id,
                key: Some(key),
                label,
                page: None,
                language: None,
                contact: None,
                department: None,
                opened_at: now,
                last_at: now,
                closed_at: None,
                last_entry: 0,
                holder: None,
                held_at: now,
                blocked: false,
                address: Address::Gone,
                unseen_since: None,
                connection: None,
                untaken: Untaken::default(),
                client_ids: VecDeque::new(),
                spoke: 0,
                bucket: super::guard::TokenBucket::default(),
                told: Told::default(),
            }),
        );
        id
    }

    /// No visitor who is new goes by one of these names.
    pub fn reserve<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        self.labels.reserve(names);
    }

    /// Takes in a conversation as the store has it.
    pub fn restore(&mut self, conversation: Conversation) {
        let id = conversation.id;
        self.last_id = self.last_id.max(id.0);
        self.spoken = self.spoken.max(conversation.spoke);
        self.labels.take(&conversation.label, id);
        if let Some(key) = &conversation.key {
            self.by_key.insert(key.clone(), id);
        }
        if let Some(nick) = conversation.address.nick() {
            self.by_nick.insert(fold(nick).into(), id);
        }
        self.open += usize::from(conversation.is_open());
        self.all.insert(id, Box::new(conversation));
    }

    /// Numbers up to this one were given to conversations before.
    pub fn skip_ids(&mut self, last: u64) {
        self.last_id = self.last_id.max(last);
    }

    /// One conversation.
    pub fn get(&self, id: ConversationId) -> Option<&Conversation> {
        self.all.get(&id).map(Box::as_ref)
    }

    /// One conversation. Key, label, address and closing have methods of their own, which keep the indexes.
    pub fn get_mut(&mut self, id: ConversationId) -> Option<&mut Conversation> {
        self.all.get_mut(&id).map(Box::as_mut)
    }

    /// Whose conversation this visitor's is.
    pub fn by_key(&self, key: &VisitorKey) -> Option<ConversationId> {
        self.by_key.get(key).copied()
    }

    /// Whose nick this is, as far as we know.
    pub fn by_nick(&self, nick: &str) -> Option<ConversationId> {
        self.by_nick.get(fold(nick).as_str()).copied()
    }

    /// Whose label this is.
    pub fn by_label(&self, label: &str) -> Option<ConversationId> {
        let id = self.labels.alike(label)?;
        let conversation = self.get(id)?;
        labels::same(&conversation.label, label).then_some(id)
    }

    /// The label that looks like this one and is another.
    pub fn looks_like(&self, label: &str) -> Option<&str> {
        let alike = &self.get(self.labels.alike(label)?)?.label;
        (!labels::same(alike, label)).then_some(alike)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Conversation> {
        self.all.values().map(Box::as_ref)
    }

    /// Those that are going on.
    pub fn open_ones(&self) -> impl Iterator<Item = &Conversation> {
        self.iter().filter(|conversation| conversation.is_open())
    }

    /// How many are going on.
    pub fn open_count(&self) -> usize {
        self.open
    }

    /// Counts up the order in which visitors speak.
    pub fn next_spoken(&mut self) -> u64 {
        self.spoken += 1;
        self.spoken
    }

    /// The newest place in that order.
    pub fn spoken(&self) -> u64 {
        self.spoken
    }

    /// The visitor is at this nick now; whoever was thought to be there isn't.
    pub fn here(&mut self, id: ConversationId, nick: &str) {
        self.set_address(id, Address::Here(nick.to_owned()));
    }

    /// Sets where answers go. A nick belongs to one visitor at most: the one who had it before is gone from it.
    pub fn set_address(&mut self, id: ConversationId, address: Address) {
        if let Some(old) = self.get(id).and_then(|conversation| conversation.address.nick()).map(fold)
            && self.by_nick.get(old.as_str()) == Some(&id)
        {
            self.by_nick.remove(old.as_str());
        }
        if let Some(nick) = address.nick()
            && let Some(before) = self.by_nick.insert(fold(nick).into(), id)
            && before != id
        {
            self.lose_nick(before);
        }
        if let Some(conversation) = self.all.get_mut(&id) {
            if matches!(address, Address::Here(_)) {
                conversation.told.away = false;
            }
            conversation.address = address;
        }
    }

    fn lose_nick(&mut self, id: ConversationId) {
        if let Some(conversation) = self.all.get_mut(&id) {
            conversation.address = Address::Gone;
        }
    }

    /// Gives the conversation another key, or none: then that visitor can't come back to it.
    pub fn set_key(&mut self, id: ConversationId, key: Option<VisitorKey>) {
        let Some(conversation) = self.all.get_mut(&id) else { return };
        let old = std::mem::replace(&mut conversation.key, key.clone());
        if let Some(old) = old {
            self.by_key.remove(&old);
        }
        if let Some(key) = key {
            self.by_key.insert(key, id);
        }
    }

    /// Closes or opens again.
    pub fn set_closed(&mut self, id: ConversationId, closed_at: Option<Millis>) {
        let Some(conversation) = self.all.get_mut(&id) else { return };
        self.open -= usize::from(conversation.is_open());
        conversation.closed_at = closed_at;
        self.open += usize::from(conversation.is_open());
    }

    /// Forgets a conversation here (the store may keep it): its label and its visitor are free.
    pub fn retire(&mut self, id: ConversationId) {
        self.set_address(id, Address::Gone);
        self.set_key(id, None);
        if let Some(conversation) = self.all.remove(&id) {
            self.open -= usize::from(conversation.is_open());
            self.labels.release(&conversation.label);
        }
    }

    /// Remembers the ids under which an entry came.
    pub fn remember(&mut self, id: ConversationId, entry: u64, client_id: Option<&str>, msgid: Option<&str>) {
        if let Some(client_id) = client_id
            && let Some(conversation) = self.all.get_mut(&id)
        {
            if conversation.client_ids.len() >= CLIENT_IDS {
                conversation.client_ids.pop_front();
            }
            conversation.client_ids.push_back((client_id.to_owned(), entry));
        }
        if let Some(msgid) = msgid {
            if self.msgids_in_order.len() >= MESSAGE_IDS
                && let Some(oldest) = self.msgids_in_order.pop_front()
            {
                self.msgids.remove(&oldest);
            }
            let msgid: Arc<str> = msgid.into();
            self.msgids.insert(Arc::clone(&msgid), (id, entry));
            self.msgids_in_order.push_back(msgid);
        }
    }

    /// The entry that came under one of these ids before.
    pub fn known(
        &self,
        id: Option<ConversationId>,
        client_id: Option<&str>,
        msgid: Option<&str>,
    ) -> Option<(ConversationId, u64)> {
        let by_client = || {
            let conversation = self.get(id?)?;
            let client_id = client_id?;
            let (_, entry) = conversation.client_ids.iter().rev().find(|(known, _)| known == client_id)?;
            Some((conversation.id, *entry))
        };
        by_client().or_else(|| self.msgids.get(msgid?).copied())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A conversation for tests of other modules.
    pub(crate) fn conversation(id: u64, label: &str) -> Conversation {
        let mut book = Book::default();
        book.skip_ids(id - 1);
        let id = book.open(VisitorKey::session(label), label, Millis(0));
        *book.all.remove(&id).unwrap()
    }

    #[test]
    fn a_nick_has_one_visitor() {
        let mut book = Book::default();
        let anna = book.open(VisitorKey::connection("u", "h", 1), "anna", Millis(0));
        let thief = book.open(VisitorKey::connection("u", "h", 2), "anna", Millis(0));
        book.here(anna, "anna");
        book.here(thief, "Anna");
        assert_eq!(book.get(anna).unwrap().address, Address::Gone);
        assert_eq!(book.by_nick("ANNA"), Some(thief));
        book.here(anna, "anna_");
        assert_eq!(book.by_nick("anna"), Some(thief));
        assert_eq!(book.by_nick("anna_"), Some(anna));
        book.here(thief, "other");
        assert_eq!(book.by_nick("anna"), None);
    }

    #[test]
    fn an_entry_is_known_by_either_id() {
        let mut book = Book::default();
        let anna = book.open(VisitorKey::session("a"), "anna", Millis(0));
        book.remember(anna, 1, Some("x1"), Some("m1"));
        assert_eq!(book.known(Some(anna), Some("x1"), None), Some((anna, 1)));
        assert_eq!(book.known(None, Some("x1"), Some("m1")), Some((anna, 1)));
        let bob = book.open(VisitorKey::session("b"), "bob", Millis(0));
        assert_eq!(book.known(Some(bob), Some("x1"), None), None, "a client's ids are its own");
    }

    #[test]
    fn a_label_is_found_by_its_name_and_not_by_its_looks() {
        let mut book = Book::default();
        let shop = book.open(VisitorKey::session("a"), "paypal", Millis(0));
        assert_eq!(book.by_label("PayPal"), Some(shop));
        assert_eq!(book.by_label("paypa1"), None, "one for l");
        let other = book.open(VisitorKey::session("b"), "paypa1", Millis(0));
        assert_eq!(book.get(other).unwrap().label, "paypa1-2");
        assert_eq!(book.by_label("paypa1-2"), Some(other));
    }

    #[test]
    fn what_is_retired_frees_label_and_key() {
        let mut book = Book::default();
        let key = VisitorKey::session("a");
        let anna = book.open(key.clone(), "anna", Millis(0));
        book.set_closed(anna, Some(Millis(5)));
        assert_eq!(book.open_count(), 0);
        book.retire(anna);
        let again = book.open(key, "anna", Millis(9));
        assert_ne!(again, anna);
        assert_eq!(book.get(again).unwrap().label, "anna");
    }
}
