//! What was said with one person or in one room, as far back as it is kept, and what has not been looked at.

use std::collections::{BTreeSet, VecDeque};
use std::time::SystemTime;

use oscar_im::ScreenName;
use oscar_im::session::Typing;

use super::action::RoomKey;
use super::outbox::EntryId;

/// Entries that are kept of one conversation.
const MOST_ENTRIES: usize = 1_000;
/// Bytes of text that are kept of one conversation.
const MOST_BYTES: usize = 256 * 1024;
/// Conversations at once; the one that nothing happened in for longest makes room.
const MOST_CONVERSATIONS: usize = 100;

/// With whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum With {
    /// Nobody: the client's own words.
    Client,
    /// One person.
    Person(ScreenName),
    /// A chat room.
    Room(RoomKey),
}

/// What became of a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Waits, or is under way.
    Sending,
    /// The server has acknowledged it.
    Taken,
    /// It has not, and why.
    Failed(String),
}

/// Who speaks in an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Voice {
    /// We do.
    Mine(Delivery),
    /// Somebody else.
    Theirs(ScreenName),
    /// The client.
    Notice,
    /// The client: something did not work.
    Problem,
}

/// One message or notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: EntryId,
    pub(super) at: SystemTime,
    pub(super) voice: Voice,
    /// May hold line breaks, and whatever else a peer sends: not printable as it is.
    pub(super) text: String,
}

/// One conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) with: With,
    /// As it is shown.
    pub(super) title: String,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Messages that came since it was last current.
    pub(super) unread: usize,
    /// The first of them, also while one looks at them.
    pub(super) first_new: Option<EntryId>,
    /// Whether they type.
    pub(super) typing: Typing,
    /// Whether their client asked to be told that we type; None until they have written.
    pub(super) wants_typing: Option<bool>,
    /// Who is in the room.
    pub(super) members: BTreeSet<ScreenName>,
}

impl Conversation {
    fn new(with: With, title: String) -> Self {
        Self {
            with,
            title,
            entries: VecDeque::new(),
            bytes: 0,
            unread: 0,
            first_new: None,
            typing: Typing::None,
            wants_typing: None,
            members: BTreeSet::new(),
        }
    }

    /// What is kept, oldest first.
    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.text.len();
        self.entries.push_back(entry);
        while self.entries.len() > MOST_ENTRIES || (self.bytes > MOST_BYTES && self.entries.len() > 1) {
            self.bytes -= self.entries.pop_front().map_or(0, |entry| entry.text.len());
        }
    }
}

/// All conversations; the first is with the client itself and is always there.
#[derive(Debug)]
pub(super) struct Conversations {
    all: Vec<Conversation>,
    current: usize,
    next_entry: u64,
    /// Conversations by the order in which something last happened in them, oldest first.
    activity: Vec<With>,
}

impl Conversations {
    pub(super) fn new(title: &str) -> Self {
        Self {
            all: vec![Conversation::new(With::Client, title.to_owned())],
            current: 0,
            next_entry: 0,
            activity: Vec::new(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Conversation> {
        self.all.iter()
    }

    /// The one that is looked at, and written to.
    pub(super) fn current(&self) -> &Conversation {
        // The first is never removed, and `current` is corrected whenever another is.
        #[expect(clippy::indexing_slicing, reason = "always one, and `current` is one of them")]
        &self.all[self.current.min(self.all.len() - 1)]
    }

    pub(super) fn find(&self, with: &With) -> Option<&Conversation> {
        self.all.iter().find(|conversation| conversation.with == *with)
    }

    pub(super) fn find_mut(&mut self, with: &With) -> Option<&mut Conversation> {
        self.all.iter_mut().find(|conversation| conversation.with == *with)
    }

    /// Looks at a conversation, which is made if it is not there.
    pub(super) fn open(&mut self, with: &With, title: &str) {
        self.ensure(with, title);
        self.look_at(self.all.iter().position(|conversation| conversation.with == *with).unwrap_or(0));
    }

    /// Looks at the one that stands so many after the current one, around the end.
    pub(super) fn step(&mut self, by: isize) {
        let all = isize::try_from(self.all.len()).unwrap_or(isize::MAX);
        let at = isize::try_from(self.current).unwrap_or_default();
        self.look_at(usize::try_from((at + by).rem_euclid(all)).unwrap_or_default());
    }

    /// Looks at the next one with something unread; false if there is none.
    pub(super) fn step_to_unread(&mut self) -> bool {
        let after = (self.current + 1..self.all.len()).chain(0..self.current);
        let unread = |at: &usize| self.all.get(*at).is_some_and(|conversation| conversation.unread > 0);
        let next = after.into_iter().find(unread);
        if let Some(at) = next {
            self.look_at(at);
        }
        next.is_some()
    }

    /// Looks at the one of that number, from 0; nothing, if there are not so many.
    pub(super) fn look_at(&mut self, at: usize) {
        if at >= self.all.len() {
            return;
        }
        if at != self.current
            && let Some(left) = self.all.get_mut(self.current)
        {
            left.first_new = None;
        }
        self.current = at;
        self.look();
    }

    /// Forgets one; the client's own stays.
    pub(super) fn close(&mut self, with: &With) {
        if let Some(at) = self.all.iter().position(|conversation| conversation.with == *with)
            && at > 0
        {
            self.all.remove(at);
            self.activity.retain(|other| other != with);
            if self.current >= at {
                self.current = self.current.saturating_sub(1);
            }
            self.look();
        }
    }

    /// Adds an entry, at the end; one that was heard counts as unread where nobody looks.
    pub(super) fn add(
        &mut self,
        with: &With,
        title: &str,
        voice: Voice,
        text: &str,
        at: SystemTime,
    ) -> EntryId {
        self.ensure(with, title);
        self.next_entry += 1;
        let id = EntryId(self.next_entry);
        let is_current = self.current().with == *with;
        let heard = matches!(voice, Voice::Theirs(_));
        if let Some(conversation) = self.find_mut(with) {
            conversation.push(Entry { id, at, voice, text: text.to_owned() });
            if heard && !is_current {
                if conversation.unread == 0 {
                    conversation.first_new = Some(id);
                }
                conversation.unread += 1;
            }
        }
        if *with != With::Client {
            self.activity.retain(|other| other != with);
            self.activity.push(with.clone());
        }
        id
    }

    /// Says what became of a message; gives its conversation's title and its text, if it is still kept.
    pub(super) fn settle(&mut self, id: EntryId, delivery: Delivery) -> Option<(String, String)> {
        for conversation in &mut self.all {
            if let Some(entry) = conversation.entries.iter_mut().rev().find(|entry| entry.id == id) {
                entry.voice = Voice::Mine(delivery);
                return Some((conversation.title.clone(), entry.text.clone()));
            }
        }
        None
    }

    /// In all of them together.
    pub(super) fn unread(&self) -> usize {
        self.all.iter().map(|conversation| conversation.unread).sum()
    }

    fn look(&mut self) {
        let at = self.current;
        if let Some(conversation) = self.all.get_mut(at) {
            conversation.unread = 0;
        }
    }

    fn ensure(&mut self, with: &With, title: &str) {
        if self.find(with).is_some() {
            return;
        }
        if self.all.len() >= MOST_CONVERSATIONS {
            self.forget_one();
        }
        self.all.push(Conversation::new(with.clone(), title.to_owned()));
        self.activity.push(with.clone());
    }

    /// Of those that nobody looks at, the quietest; read ones before unread ones. Rooms are left by people only.
    fn forget_one(&mut self) {
        let current = self.current().with.clone();
        let quiet = |unread: bool| {
            self.activity.iter().find(|with| {
                matches!(with, With::Person(_))
                    && **with != current
                    && self.find(with).is_some_and(|conversation| unread || conversation.unread == 0)
            })
        };
        if let Some(with) = quiet(false).or_else(|| quiet(true)).cloned() {
            self.close(&with);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> With {
        With::Person(ScreenName::from(name))
    }

    fn hear(all: &mut Conversations, name: &str, text: &str) -> EntryId {
        let voice = Voice::Theirs(ScreenName::from(name));
        all.add(&person(name), name, voice, text, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn unread_counts_where_nobody_looks() {
        let mut all = Conversations::new("aim");
        hear(&mut all, "ann", "one");
        hear(&mut all, "ann", "two");
        hear(&mut all, "bob", "three");
        assert_eq!(all.unread(), 3);
        all.open(&person("ann"), "ann");
        assert_eq!((all.current().title.as_str(), all.unread()), ("ann", 1));
        all.open(&person("bob"), "bob");
        assert_eq!((all.current().title.as_str(), all.unread()), ("bob", 0));
        hear(&mut all, "bob", "four");
        assert_eq!(all.unread(), 0);
        all.close(&person("bob"));
        assert_eq!(all.current().title, "ann");
    }

    #[test]
    fn what_is_kept_is_bounded_by_number_and_size() {
        let mut all = Conversations::new("aim");
        for number in 0..MOST_ENTRIES + 5 {
            hear(&mut all, "ann", &number.to_string());
        }
        let ann = all.find(&person("ann")).unwrap();
        assert_eq!(ann.entries().count(), MOST_ENTRIES);
        assert_eq!(ann.entries().next().unwrap().text, "5");
        for _ in 0..10 {
            hear(&mut all, "bob", &"x".repeat(60_000));
        }
        assert_eq!(all.find(&person("bob")).unwrap().entries().count(), 4);
    }

    #[test]
    fn of_too_many_the_quietest_read_one_goes() {
        let mut all = Conversations::new("aim");
        for number in 1..MOST_CONVERSATIONS {
            hear(&mut all, &format!("user{number}"), "hi");
        }
        all.open(&person("user2"), "user2");
        all.open(&person("user1"), "user1");
        hear(&mut all, "late", "hi");
        assert!(all.find(&person("user2")).is_none(), "read, and not looked at");
        assert_eq!(all.current().title, "user1");
        hear(&mut all, "later", "hi");
        assert!(all.find(&person("user3")).is_none(), "all others are unread: the quietest");
        assert_eq!(all.iter().count(), MOST_CONVERSATIONS);
    }

    #[test]
    fn a_message_is_settled_where_it_stands() {
        let mut all = Conversations::new("aim");
        let voice = Voice::Mine(Delivery::Sending);
        let id = all.add(&person("ann"), "Ann", voice, "hello", SystemTime::UNIX_EPOCH);
        assert_eq!(all.settle(id, Delivery::Taken), Some(("Ann".into(), "hello".into())));
        all.close(&person("ann"));
        assert_eq!(all.settle(id, Delivery::Taken), None);
    }
}
