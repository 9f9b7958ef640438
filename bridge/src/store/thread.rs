//! The store in a thread of its own: an engine may wait for a disk, the runtime may not. One that waits for nothing does its jobs
//! where they are asked for.
//!
//! The channel holds 64 jobs. Full: a commit waits (only the hub commits, one at a time), a reading is refused.
//! The hub hands over what came while the last commit was under way as one transaction: that is the group commit.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::{Chores, Entry, Snapshot, Store, StoreError, Write};
use crate::conversation::{ConversationId, Millis};
use crate::web::event::HistoryRange;

/// Jobs that may wait for the engine.
const JOBS: usize = 64;

type Then<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

enum Job {
    Load(Then<Snapshot>),
    Commit(Vec<Write>, Then<()>),
    Entries { conversation: ConversationId, range: HistoryRange, limit: usize, then: Then<Vec<Entry>> },
    DeleteOlder(Millis, usize, Then<usize>),
    Delete(ConversationId, Then<bool>),
    Chores(Then<Chores>),
    Tidy(Millis, Then<()>),
}

/// Where jobs for the engine go. When the last one is dropped, the engine finishes what it has and closes.
#[derive(Clone)]
pub struct StoreHandle {
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    InThread(mpsc::Sender<Job>),
    Here(Arc<Mutex<dyn Store>>),
}

impl StoreHandle {
    /// Starts the engine's thread. Join it after dropping all handles: then the engine is closed.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(store: impl Store) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = mpsc::channel(JOBS);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || run(store, queue))?;
        Ok((Self { engine: Engine::InThread(jobs) }, thread))
    }

    /// An engine that never waits, without a thread.
    pub fn here(store: impl Store) -> Self {
        Self { engine: Engine::Here(Arc::new(Mutex::new(store))) }
    }

    /// See [`Store::load`].
    ///
    /// # Errors
    /// As the engine; [`StoreError::Stopped`] when its thread has ended.
    pub async fn load(&self) -> Result<Snapshot, StoreError> {
        self.ask(Job::Load).await
    }

    /// See [`Store::commit`].
    ///
    /// # Errors
    /// As the engine; [`StoreError::Stopped`] when its thread has ended.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.ask(|then| Job::Commit(writes, then)).await
    }

    /// See [`Store::delete_older`].
    ///
    /// # Errors
    /// As the engine; [`StoreError::Stopped`] when its thread has ended.
    pub async fn delete_older(&self, before: Millis, limit: usize) -> Result<usize, StoreError> {
        self.ask(|then| Job::DeleteOlder(before, limit, then)).await
    }

    /// See [`Store::delete`].
    ///
    /// # Errors
    /// As the engine; [`StoreError::Stopped`] when its thread has ended.
    pub async fn delete(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        self.ask(|then| Job::Delete(conversation, then)).await
    }

    /// See [`Store::chores`].
    ///
    /// # Errors
    /// As the engine; [`StoreError::Stopped`] when its thread has ended.
    pub async fn chores(&self) -> Result<Chores, StoreError> {
        self.ask(Job::Chores).await
    }

    /// See [`Store::tidy`].
    ///
    /// # Errors
    /// As the engine; [`StoreError::Stopped`] when its thread has ended.
    pub async fn tidy(&self, now: Millis) -> Result<(), StoreError> {
        self.ask(|then| Job::Tidy(now, then)).await
    }

    /// See [`Store::entries`]. Never waits: `then` runs on the engine's thread, or with an error at once when too much
    /// is asked for already.
    pub fn read_entries(
        &self,
        conversation: ConversationId,
        range: HistoryRange,
        limit: usize,
        then: impl FnOnce(Result<Vec<Entry>, StoreError>) + Send + 'static,
    ) {
        let job = Job::Entries { conversation, range, limit, then: Box::new(then) };
        match &self.engine {
            Engine::InThread(jobs) => {
                if let Err(refused) = jobs.try_send(job)
                    && let Job::Entries { then, .. } = refused.into_inner()
                {
                    then(Err(StoreError::Stopped));
                }
            }
            Engine::Here(store) => work(&mut *store.lock().unwrap_or_else(PoisonError::into_inner), job),
        }
    }

    async fn ask<T: Send + 'static>(&self, job: impl FnOnce(Then<T>) -> Job) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        // Who asked may have stopped waiting; then nobody needs the answer.
        let then: Then<T> = Box::new(move |result| drop(answer.send(result)));
        match &self.engine {
            Engine::InThread(jobs) => jobs.send(job(then)).await.map_err(|_| StoreError::Stopped)?,
            Engine::Here(store) => {
                work(&mut *store.lock().unwrap_or_else(PoisonError::into_inner), job(then));
            }
        }
        answered.await.map_err(|_| StoreError::Stopped)?
    }
}

impl fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreHandle").finish_non_exhaustive()
    }
}

fn run(mut store: impl Store, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        work(&mut store, job);
    }
}

fn work(store: &mut dyn Store, job: Job) {
    match job {
        Job::Load(then) => then(store.load()),
        Job::Commit(writes, then) => then(store.commit(&writes)),
        Job::Entries { conversation, range, limit, then } => then(store.entries(conversation, &range, limit)),
        Job::DeleteOlder(before, limit, then) => then(store.delete_older(before, limit)),
        Job::Delete(conversation, then) => then(store.delete(conversation)),
        Job::Chores(then) => then(store.chores()),
        Job::Tidy(now, then) => then(store.tidy(now)),
    }
}
