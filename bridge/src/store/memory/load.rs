//! What is read as a whole.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::{About, Line, MemoryStore};
use crate::conversation::guard::TokenBucket;
use crate::conversation::model::{self, Address, Told};
use crate::conversation::untaken::Untaken;
use crate::conversation::{Author, Conversation, ConversationId, Millis};
use crate::store::{IDS, Snapshot, Summary};

impl MemoryStore {
    pub(super) fn snapshot(&self) -> Snapshot {
        let tables = &self.tables;
        let facts = self.facts;
        let mut snapshot = Snapshot {
            conversations: self.conversations_that_go_on(),
            last_conversation: facts.last_conversation,
            owed: tables.owed.iter().map(|(_, owed)| owed.clone()).collect(),
            ims: tables.ims.iter().map(|(_, (to, im))| (to.clone(), (**im).clone())).collect(),
            answers: tables.answers.iter().map(|(_, answer)| answer.clone()).collect(),
            msgids: Vec::new(),
            heard: tables.heard.iter().map(|(_, heard)| heard.clone()).collect(),
            canned: tables.canned.iter().map(|(name, text)| (name.clone(), text.clone())).collect(),
            aim_up: facts.aim_up,
            last_line_at: facts.last_line_at,
            fetching_from: facts.fetching_from,
            refused: tables.refused.iter().map(|(_, msgid)| msgid.clone()).collect(),
        };
        self.add_ids(&mut snapshot);
        snapshot
    }

    pub(super) fn summaries(&self, limit: usize) -> Vec<Summary> {
        let tables = &self.tables;
        let summary = |(id, about): (&ConversationId, &About)| Summary {
            id: *id,
            label: about.label.clone(),
            opened_at: about.opened_at,
            last_at: self.last_at(*id),
            open: about.closed_at.is_none() && !tables.retired.has(id),
            entries: tables.spoken.get(id).map_or(0, |spoken| spoken.last),
            page: about.page.clone(),
            language: about.language.clone(),
            contact: about.contact.clone(),
        };
        let mut all: Vec<Summary> = tables.conversations.iter().map(summary).collect();
        all.sort_by_key(|summary| Reverse((summary.last_at, summary.id)));
        all.truncate(limit);
        all
    }

    fn last_at(&self, id: ConversationId) -> Millis {
        self.tables.spoken.get(&id).map_or(Millis(0), |spoken| spoken.at)
    }

    fn conversations_that_go_on(&self) -> Vec<Conversation> {
        let tables = &self.tables;
        let go_on = tables.conversations.iter().filter(|(id, _)| !tables.retired.has(id));
        let mut all: Vec<Conversation> = go_on.map(|(id, about)| self.conversation(*id, about)).collect();
        all.sort_by_key(|conversation| (conversation.last_at, conversation.id));
        for (spoke, conversation) in all.iter_mut().enumerate() {
            conversation.spoke = spoke as u64 + 1;
        }
        all
    }

    fn conversation(&self, id: ConversationId, about: &About) -> Conversation {
        let last_at = self.last_at(id);
        let address = Address::as_stored(about.nick.clone(), about.key.as_ref());
        let mut untaken = Untaken::default();
        for ((_, number), client_id) in self.tables.untaken.range((id, 0)..=(id, u64::MAX)) {
            untaken.insert(*number, client_id.clone());
        }
        Conversation {
            id,
            key: about.key.clone(),
            label: about.label.clone(),
            page: about.page.clone(),
            language: about.language.clone(),
            contact: about.contact.clone(),
            department: about.department.clone(),
            opened_at: about.opened_at,
            last_at,
            closed_at: about.closed_at,
            last_entry: self.tables.spoken.get(&id).map_or(0, |spoken| spoken.last),
            holder: about.holder.clone(),
            held_at: self.held_at(id, about),
            blocked: about.blocked,
            address,
            unseen_since: None,
            connection: None,
            untaken,
            client_ids: VecDeque::new(),
            spoke: 0,
            bucket: TokenBucket::default(),
            told: Told::default(),
        }
    }

    fn held_at(&self, id: ConversationId, about: &About) -> Millis {
        let last_at = self.last_at(id);
        let entries = self.tables.entries.range((id, 0)..=(id, u64::MAX)).rev();
        let unanswered = entries.map(|(_, line)| line).take_while(|line| line.author == Author::Visitor);
        let since = about.holder.as_ref().and_then(|_| unanswered.map(|line| line.at).min());
        model::held_at(since, last_at)
    }

    /// Ids under which entries came, so that one that comes again is known.
    fn add_ids(&self, snapshot: &mut Snapshot) {
        let mut places: BTreeMap<ConversationId, &mut Conversation> =
            snapshot.conversations.iter_mut().map(|conversation| (conversation.id, conversation)).collect();
        for (id, number, client_id) in self.newest(|line| line.client_id.as_ref()) {
            if let Some(conversation) = places.get_mut(&id) {
                conversation.client_ids.push_back((client_id.clone(), number));
            }
        }
        // What was deleted must not come back out of the daemon's history: it is known, as nothing that there still is.
        let redactions = self.tables.redactions.iter();
        let deleted = redactions.map(|(_, line)| (line.msgid.clone(), ConversationId(0), 0));
        let too_many = self.tables.redactions.len().saturating_sub(usize::from(IDS));
        let known = self.newest(|line| line.msgid.as_ref());
        let known = known.into_iter().map(|(id, number, msgid)| (msgid.clone(), id, number));
        snapshot.msgids = known.chain(deleted.skip(too_many)).collect();
    }

    /// The ids of the newest entries that have one, oldest first.
    fn newest<'a>(
        &'a self,
        id: impl Fn(&'a Line) -> Option<&'a String>,
    ) -> Vec<(ConversationId, u64, &'a String)> {
        let newest_first = self.said.iter().rev();
        let found =
            newest_first.filter_map(|place| Some((place.0, place.1, id(self.tables.entries.get(place)?)?)));
        let mut newest: Vec<_> = found.take(usize::from(IDS)).collect();
        newest.reverse();
        newest
    }
}
