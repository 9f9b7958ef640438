//! The store in memory, for trials and measurements: it ends with its process.
//!
//! Ordered maps, no files. What a database leaves to the disk's size has a bound here, beside the operator's retention:
//! see `Bounds`. What is owed is never let go of: the outboxes bound it.

mod commit;
mod deletion;
mod load;
mod table;

use std::collections::VecDeque;
use std::sync::Arc;

use oscar_im::ScreenName;

use self::table::{Journal, Table};
use super::{Chores, Entry, Redaction, Snapshot, Store, StoreError, Summary, Write, is_in, wants_oldest};
use crate::aim::event::ImCookie;
use crate::conversation::{Author, ConversationId, Millis, VisitorKey};
use crate::outbox::staff::{DeliveryId, Im, Row};
use crate::outbox::visitor::{Answer, AnswerId};
use crate::web::event::HistoryRange;

/// What is kept of what nobody is owed any more; beyond it the oldest goes.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Entries, over all conversations: some 300 bytes each, so that 50,000 are about as much as the rest of the bridge.
    entries: usize,
    /// Conversations of which only the transcript is left. The others are bounded by who is there.
    retired: usize,
}

const BOUNDS: Bounds = Bounds { entries: 50_000, retired: 10_000 };

/// The engine.
#[derive(Debug)]
pub struct MemoryStore {
    tables: Tables,
    facts: Facts,
    /// All entries in the order in which they were stored.
    said: VecDeque<(ConversationId, u64)>,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct Tables {
    conversations: Table<ConversationId, About>,
    /// Changes with each entry, so it stands apart.
    spoken: Table<ConversationId, Spoken>,
    keys: Table<VisitorKey, ConversationId>,
    retired: Table<ConversationId, ()>,
    entries: Table<(ConversationId, u64), Box<Line>>,
    /// With the client's id.
    untaken: Table<(ConversationId, u64), Option<String>>,
    owed: Table<DeliveryId, (ScreenName, Row)>,
    ims: Table<DeliveryId, (ScreenName, Arc<Im>)>,
    answers: Table<AnswerId, (ConversationId, Answer)>,
    heard: Table<u64, (ScreenName, ImCookie, Millis)>,
    canned: Table<String, String>,
    redactions: Table<u64, Redaction>,
    refused: Table<u64, String>,
}

impl Tables {
    fn all(&mut self) -> [&mut dyn Journal; 13] {
        [
            &mut self.conversations,
            &mut self.spoken,
            &mut self.keys,
            &mut self.retired,
            &mut self.entries,
            &mut self.untaken,
            &mut self.owed,
            &mut self.ims,
            &mut self.answers,
            &mut self.heard,
            &mut self.canned,
            &mut self.redactions,
            &mut self.refused,
        ]
    }
}

/// Single values.
#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    last_conversation: u64,
    last_heard: u64,
    last_redaction: u64,
    last_refused: u64,
    aim_up: Option<Millis>,
    last_line_at: Option<Millis>,
    fetching_from: Option<Millis>,
}

/// A conversation without what was said in it.
#[derive(Debug, Clone)]
struct About {
    key: Option<VisitorKey>,
    label: String,
    nick: Option<String>,
    page: Option<String>,
    language: Option<String>,
    contact: Option<String>,
    department: Option<String>,
    opened_at: Millis,
    closed_at: Option<Millis>,
    holder: Option<ScreenName>,
    blocked: bool,
}

#[derive(Debug)]
struct Spoken {
    at: Millis,
    /// Number of the newest entry.
    last: u64,
}

#[derive(Debug)]
struct Line {
    at: Millis,
    author: Author,
    text: String,
    client_id: Option<String>,
    msgid: Option<String>,
    channel: Option<String>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::bounded(BOUNDS)
    }

    fn bounded(bounds: Bounds) -> Self {
        Self { tables: Tables::default(), facts: Facts::default(), said: VecDeque::new(), bounds }
    }

    /// Carries out all writes, or none.
    fn transact(&mut self, body: impl FnOnce(&mut Self) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let (facts, said) = (self.facts, self.said.len());
        let done = body(self);
        if done.is_ok() {
            self.tables.all().into_iter().for_each(Journal::keep);
        } else {
            self.tables.all().into_iter().for_each(Journal::roll_back);
            self.facts = facts;
            self.said.truncate(said);
        }
        done
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        Ok(self.snapshot())
    }

    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.transact(|store| writes.iter().try_for_each(|write| store.apply(write)))?;
        self.let_go();
        Ok(())
    }

    fn entries(
        &mut self,
        conversation: ConversationId,
        range: &HistoryRange,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let all = self.tables.entries.range((conversation, 0)..=(conversation, u64::MAX));
        let all = all.map(|((_, number), line)| (*number, &**line));
        let fitting = all.filter(|(number, line)| is_in(range, *number, line.at));
        let entry = |(number, line): (u64, &Line)| Entry {
            number,
            at: line.at,
            author: line.author.clone(),
            text: line.text.clone(),
            client_id: line.client_id.clone(),
            taken: !self.tables.untaken.has(&(conversation, number)),
        };
        if wants_oldest(range) {
            return Ok(fitting.take(limit).map(entry).collect());
        }
        let mut newest: Vec<Entry> = fitting.rev().take(limit).map(entry).collect();
        newest.reverse();
        Ok(newest)
    }

    fn conversations(&mut self, limit: usize) -> Result<Vec<Summary>, StoreError> {
        Ok(self.summaries(limit))
    }

    fn delete(&mut self, conversation: ConversationId) -> Result<bool, StoreError> {
        Ok(self.delete_all(&[conversation]) > 0)
    }

    fn delete_older(&mut self, before: Millis, limit: usize) -> Result<usize, StoreError> {
        Ok(self.delete_retired(before, limit))
    }

    fn chores(&mut self) -> Result<Chores, StoreError> {
        Ok(self.read_chores())
    }

    /// Nothing stays behind.
    fn tidy(&mut self, _now: Millis) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::line;

    crate::store::contract::tests!(MemoryStore::new);

    #[test]
    fn beyond_its_bounds_the_oldest_goes_and_what_is_owed_stays() {
        let mut store = MemoryStore::bounded(Bounds { entries: 3, retired: 2 });
        let open = |id: u64| Write::Open {
            id: ConversationId(id),
            key: VisitorKey::session(&id.to_string()),
            label: format!("v{id}"),
            at: Millis(id),
        };
        let of = |id: u64, number: u64, author: Author| line(ConversationId(id), number, author);
        let staff = || Author::Staff("staff1".into());
        store.commit(&[open(1), of(1, 1, Author::Visitor), of(1, 2, staff()), open(2)]).unwrap();
        store
            .commit(&[Write::Answer { id: AnswerId(1), conversation: ConversationId(1), entry: 2 }])
            .unwrap();
        store.commit(&[of(2, 1, staff()), of(2, 2, staff()), of(2, 3, staff())]).unwrap();
        let entries = |store: &mut MemoryStore, id: u64| {
            store.entries(ConversationId(id), &HistoryRange::Latest, 9).unwrap().len()
        };
        assert_eq!((entries(&mut store, 1), entries(&mut store, 2)), (0, 3));
        let snapshot = store.load().unwrap();
        let first = &snapshot.conversations[0];
        assert_eq!(first.last_entry, 2, "a number is not used again");
        assert_eq!(first.untaken.client_ids().collect::<Vec<_>>(), ["id1"]);
        assert_eq!(snapshot.answers[0].1.text, "line 2");
        store.commit(&[open(3), Write::Retire(ConversationId(1)), Write::Retire(ConversationId(3))]).unwrap();
        assert_eq!(store.conversations(9).unwrap().len(), 3);
        store.commit(&[Write::Retire(ConversationId(2))]).unwrap();
        let left: Vec<u64> = store.conversations(9).unwrap().iter().map(|summary| summary.id.0).collect();
        assert_eq!(left, [2, 3]);
        assert!(store.said.len() == 3 && store.tables.untaken.len() == 0);
    }
}
