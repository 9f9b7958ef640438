//! An engine that can't be had yet, because another program holds its file or the disk is full: whatever is asked of it tries first to
//! open it. Once open it stays so.

use super::{Chores, Entry, Snapshot, Store, StoreError, Summary, Write};
use crate::conversation::{ConversationId, Millis};
use crate::web::event::HistoryRange;

type Open<S> = Box<dyn FnMut() -> Result<S, StoreError> + Send>;

/// See the module.
pub struct Late<S> {
    open: Open<S>,
    store: Option<S>,
}

impl<S: Store> Late<S> {
    /// Tries to open the engine, and goes on without it where the reason passes.
    ///
    /// # Errors
    /// When it can't be had, and waiting would not help.
    pub fn open(
        mut open: impl FnMut() -> Result<S, StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let store = match open() {
            Ok(store) => Some(store),
            Err(error) if error.passes() => None,
            Err(error) => return Err(error),
        };
        Ok(Self { open: Box::new(open), store })
    }

    fn store(&mut self) -> Result<&mut S, StoreError> {
        if self.store.is_none() {
            self.store = Some((self.open)()?);
        }
        self.store.as_mut().ok_or(StoreError::Stopped)
    }
}

impl<S: Store> Store for Late<S> {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        self.store()?.load()
    }

    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.store()?.commit(writes)
    }

    fn entries(
        &mut self,
        conversation: ConversationId,
        range: &HistoryRange,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.store()?.entries(conversation, range, limit)
    }

    fn conversations(&mut self, limit: usize) -> Result<Vec<Summary>, StoreError> {
        self.store()?.conversations(limit)
    }

    fn delete(&mut self, conversation: ConversationId) -> Result<bool, StoreError> {
        self.store()?.delete(conversation)
    }

    fn delete_older(&mut self, before: Millis, limit: usize) -> Result<usize, StoreError> {
        self.store()?.delete_older(before, limit)
    }

    fn chores(&mut self) -> Result<Chores, StoreError> {
        self.store()?.chores()
    }

    fn tidy(&mut self, now: Millis) -> Result<(), StoreError> {
        self.store()?.tidy(now)
    }
}
