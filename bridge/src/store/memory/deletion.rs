//! What goes: by the operator's will, because its time is over, and because there is too much of it.

use super::{Journal, MemoryStore};
use crate::conversation::wording::AGAIN;
use crate::conversation::{Author, ConversationId, Millis};
use crate::outbox::staff::Row;
use crate::store::{CHORES_AT_ONCE, Chores, MOST_REDACTIONS, Redaction};

impl MemoryStore {
    /// Deletes those that there are, and leaves word of what the IRC daemon has to forget.
    pub(super) fn delete_all(&mut self, conversations: &[ConversationId]) -> usize {
        let mut deleted = 0;
        for id in
            conversations.iter().filter(|id| self.tables.conversations.has(id)).copied().collect::<Vec<_>>()
        {
            self.note_redactions(id);
            self.drop_conversation(id);
            deleted += 1;
        }
        if deleted > 0 {
            self.dissolve_ims_of_deleted();
            self.end_deletion();
        }
        deleted
    }

    pub(super) fn delete_retired(&mut self, before: Millis, limit: usize) -> usize {
        let spoken = &self.tables.spoken;
        let retired = self.tables.retired.iter().filter_map(|(id, ())| Some((spoken.get(id)?.at, *id)));
        let mut old: Vec<(Millis, ConversationId)> = retired.filter(|(at, _)| *at < before).collect();
        old.sort_unstable();
        let old: Vec<ConversationId> = old.into_iter().take(limit).map(|(_, id)| id).collect();
        self.delete_all(&old)
    }

    pub(super) fn read_chores(&self) -> Chores {
        let redactions = self.tables.redactions.iter().map(|(_, line)| line.clone());
        // Nobody beside the bridge can ask for a deletion: there is no file for them to write to.
        Chores { deletions: Vec::new(), redactions: redactions.take(usize::from(CHORES_AT_ONCE)).collect() }
    }

    /// Keeps to the bounds. The IRC daemon is not asked to forget what goes here: nobody wants it gone.
    pub(super) fn let_go(&mut self) {
        while self.said.len() > self.bounds.entries
            && let Some(oldest) = self.said.pop_front()
        {
            self.tables.entries.remove(&oldest);
            self.tables.entries.keep();
        }
        let mut dropped = false;
        while self.tables.retired.len() > self.bounds.retired
            && let Some(oldest) = self.tables.retired.first().copied()
        {
            self.drop_conversation(oldest);
            dropped = true;
        }
        if dropped {
            self.dissolve_ims_of_deleted();
            self.end_deletion();
        }
    }

    fn note_redactions(&mut self, id: ConversationId) {
        for (_, line) in self.tables.entries.range((id, 0)..=(id, u64::MAX)) {
            let (Author::Visitor, Some(msgid)) = (&line.author, &line.msgid) else { continue };
            self.facts.last_redaction += 1;
            let redaction = Redaction {
                id: self.facts.last_redaction,
                channel: line.channel.clone().unwrap_or_default(),
                msgid: msgid.clone(),
            };
            self.tables.redactions.put(redaction.id, redaction);
            if self.tables.redactions.len() > usize::from(MOST_REDACTIONS)
                && let Some(oldest) = self.tables.redactions.first().copied()
            {
                self.tables.redactions.remove(&oldest);
            }
        }
    }

    fn drop_conversation(&mut self, id: ConversationId) {
        let tables = &mut self.tables;
        if let Some(key) = tables.conversations.remove(&id).and_then(|about| about.key.clone()) {
            tables.keys.remove(&key);
        }
        tables.spoken.remove(&id);
        tables.retired.remove(&id);
        let of_it = (id, 0)..=(id, u64::MAX);
        for place in tables.entries.range(of_it.clone()).map(|(place, _)| *place).collect::<Vec<_>>() {
            tables.entries.remove(&place);
        }
        for place in tables.untaken.range(of_it).map(|(place, _)| *place).collect::<Vec<_>>() {
            tables.untaken.remove(&place);
        }
        for answer in tables.answers.keys_where(|(conversation, _)| *conversation == id) {
            tables.answers.remove(&answer);
        }
        for row in tables.owed.keys_where(|(_, row)| row.conversation == Some(id)) {
            tables.owed.remove(&row);
        }
    }

    /// Messages that hold a text of a conversation which is there no more are dissolved. What else was in them is owed anew,
    /// and says that it may have arrived already.
    fn dissolve_ims_of_deleted(&mut self) {
        let conversations = &self.tables.conversations;
        let is_there = |row: &Row| row.conversation.is_none_or(|id| conversations.has(&id));
        let ims = self.tables.ims.keys_where(|(_, im)| !im.rows.iter().all(is_there));
        for number in ims {
            let Some((to, im)) = self.tables.ims.remove(&number).cloned() else { continue };
            let is_there = |row: &&Row| row.conversation.is_none_or(|id| self.tables.conversations.has(&id));
            for row in im.rows.iter().filter(is_there) {
                let text = format!("{}{AGAIN}", row.text).into();
                self.tables.owed.put(row.id, (to.clone(), Row { text, ..row.clone() }));
            }
        }
    }

    fn end_deletion(&mut self) {
        let conversations = &self.tables.conversations;
        self.said.retain(|(id, _)| conversations.has(id));
        self.tables.all().into_iter().for_each(Journal::keep);
    }
}
