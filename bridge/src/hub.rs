//! The hub: the one task that joins the domain, the outboxes and the store with the links.
//!
//! It takes what the links say, lets the desk decide, makes the decisions durable, and only then acts on them.
//! While a commit is under way, events wait in the links' channels (256 each; full: the link stops reading) and are
//! decided together afterwards: that is the store's group commit. Commands that a link's channel (256) can't take wait
//! here, bounded: of messages by the outboxes' windows, of typing and states by a number, beyond which they are
//! left out and counted. So the hub never waits for a link.

mod addressing;
mod attendance;
mod commands;
mod connections;
mod deletion;
mod delivery;
mod desk;
mod heard;
mod housekeeping;
mod receipts;
mod refused;
mod room;
mod staff;
mod status;
#[cfg(test)]
mod tests;
mod typing;
mod unsaid;
mod visitors;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use self::desk::Settings;
use self::desk::{Batch, Desk, Effect, Input};
pub use self::status::{Counters, HubStatus};
use crate::aim::event::{AccountId, AimCommand, AimEvent, RoomEvent};
use crate::clock::Moment;
use crate::conversation::{Author, ConversationId, Millis, wording};
use crate::irc::event::{IrcCommand, IrcEvent};
use crate::store::{Entry, StoreError, StoreHandle};
use crate::web::event::{self as web, HistoryEntry, WebEvent};

/// Inputs decided together: a group commit of at most so many lines.
const BATCH: usize = 256;
/// Commands that may wait for a link's channel before states and typing are left out.
const MOST_PENDING: usize = 4096;
/// Readings for staff that may wait for the hub.
const READS: usize = 64;
/// A store that fails is tried again after this.
const STORE_AGAIN: Duration = Duration::from_secs(2);
/// Conversations whose retention is over are deleted this often, so many in one transaction; where there are more, the
/// next part follows after a pause in which visitors' lines are stored.
const DELETE_EVERY: Duration = Duration::from_secs(600);
const DELETE_AT_ONCE: usize = 50;
const DELETE_MORE: Duration = Duration::from_secs(1);
/// What the operator wants deleted, and what the IRC daemon has to forget, is looked for this often.
const CHORES_EVERY: Duration = Duration::from_secs(1);
/// Numbers are shown so long after they have changed.
const SHOW_AFTER: Duration = Duration::from_millis(100);
/// The oldest text that waits is looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a stop was asked for, receipts are awaited for so long at most.
const GOODBYE: Duration = Duration::from_secs(3);
/// The visitors' history is read in parts of at most this.
const MOST_HISTORY: usize = 200;

/// What the operator changes while the bridge runs. Channel of 8; full: the sender waits.
#[derive(Debug)]
pub enum HubControl {
    /// Other settings: staff, departments, routing, hours, wording, retention. The rest of them stays as it was at the start.
    Settings(Box<Settings>),
}

/// The hub's ends of all channels.
#[derive(Debug)]
pub struct Links {
    /// From the IRC link.
    pub irc: mpsc::Receiver<IrcEvent>,
    /// To the IRC link.
    pub to_irc: mpsc::Sender<IrcCommand>,
    /// From all OSCAR links.
    pub aim: mpsc::Receiver<(AccountId, AimEvent)>,
    /// To each OSCAR link, by account.
    pub to_aim: Vec<mpsc::Sender<AimCommand>>,
    /// From the gateway.
    pub web: mpsc::Receiver<WebEvent>,
    /// From the operator.
    pub control: mpsc::Receiver<HubControl>,
}

/// The hub, ready to run.
#[derive(Debug)]
pub struct Hub {
    desk: Desk,
    store: StoreHandle,
    inbox: Inbox,
    to_irc: Outlet<IrcCommand>,
    to_aim: Vec<Outlet<AimCommand>>,
    clock: Clock,
    status: watch::Sender<HubStatus>,
    /// When to try a store again that failed.
    store_again: Option<Millis>,
    /// Set once the store was read.
    start: watch::Sender<Option<Start>>,
    /// The store will never be had.
    hopeless: Option<StoreError>,
    delete_at: Millis,
    chores_at: Millis,
    /// When to look next for the oldest text that waits, and what was found.
    look_at: Millis,
    oldest_waiting: Option<Millis>,
    /// When to show counters that have changed; what else has changed is shown at once.
    publish_at: Option<Millis>,
}

/// What links need to know of the store before they begin.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Up to when all that visitors wrote was stored before the start: the IRC side asks the daemon for what came
    /// after. Not up to what staff said: they may have answered while the way to the daemon was cut.
    pub last_line_at: Option<Millis>,
}

impl Start {
    fn new(snapshot: &crate::store::Snapshot) -> Self {
        // A fetch that broke off begins again where it began: of some channels later lines are here already.
        Self { last_line_at: [snapshot.last_line_at, snapshot.fetching_from].into_iter().flatten().min() }
    }
}

impl Hub {
    /// Reads the store and gets ready. A store that another program holds, or that has no room, is waited for.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn new(settings: Settings, store: StoreHandle, links: Links) -> Result<Self, StoreError> {
        let clock = Clock::start();
        let now = clock.now();
        let start = watch::Sender::new(None);
        let mut store_again = None;
        let desk = match store.load().await {
            Ok(snapshot) => {
                start.send_replace(Some(Start::new(&snapshot)));
                Desk::new(settings, snapshot, now)
            }
            Err(error) if error.passes() => {
                tracing::warn!("{error}; waiting for the database");
                store_again = Some(now.after(STORE_AGAIN));
                let mut desk = Desk::new(settings, crate::store::Snapshot::default(), now);
                desk.store_is_awaited();
                desk
            }
            Err(error) => return Err(error),
        };
        let (reads, read) = mpsc::channel(READS);
        let status = watch::Sender::new(desk.status());
        Ok(Self {
            desk,
            store,
            inbox: Inbox {
                irc: links.irc,
                aim: links.aim,
                web: links.web,
                control: links.control,
                read,
                ahead: Vec::new(),
                reads,
            },
            to_irc: Outlet::new(links.to_irc),
            to_aim: links.to_aim.into_iter().map(Outlet::new).collect(),
            clock,
            status,
            store_again,
            start,
            hopeless: None,
            delete_at: now,
            chores_at: now,
            look_at: now,
            oldest_waiting: None,
            publish_at: None,
        })
    }

    /// How things stand, for `/readyz` and metrics; updated after each round.
    pub fn status(&self) -> watch::Receiver<HubStatus> {
        self.status.subscribe()
    }

    /// Set as soon as the store was read: before that there is nothing that links could do.
    pub fn start(&self) -> watch::Receiver<Option<Start>> {
        self.start.subscribe()
    }

    /// Runs until `stop`; then commits what is in hand, has the links say goodbye, and stores the receipts that still
    /// come, for a few seconds at most.
    ///
    /// # Errors
    /// When the store was waited for, and turns out to be none that can be used.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), StoreError> {
        self.round(Vec::new()).await;
        loop {
            if let Some(error) = self.hopeless.take() {
                return Err(error);
            }
            let wait = self.until_next();
            let inputs = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.to_irc.flush(), if !self.to_irc.pending.is_empty() => continue,
                () = flush_any(&mut self.to_aim), if self.to_aim.iter().any(|outlet| !outlet.pending.is_empty()) => continue,
                inputs = self.inbox.next() => inputs,
                () = tokio::time::sleep(wait) => Vec::new(),
            };
            self.round(inputs).await;
        }
        self.say_goodbye().await;
        Ok(())
    }

    /// Decides about some inputs, stores the decisions, acts on them.
    async fn round(&mut self, inputs: Vec<Input>) {
        self.retry_store().await;
        let now = self.clock.now();
        for input in inputs {
            self.forget_pending(&input);
            self.desk.receive(input, now);
        }
        self.desk.pump(now);
        let batch = self.desk.take();
        self.finish(batch).await;
        self.delete_old().await;
        self.do_chores().await;
        self.publish();
    }

    /// What a lost session was to send is owed anew; what still waits here must not reach the next session as well.
    fn forget_pending(&mut self, input: &Input) {
        match input {
            Input::Irc(IrcEvent::Lost { .. }) => {
                for command in self.to_irc.pending.drain(..) {
                    self.desk.not_said(&command);
                }
            }
            Input::Aim(account, AimEvent::Lost { .. }) => {
                let pending =
                    self.to_aim.get_mut(account.0).map(|outlet| std::mem::take(&mut outlet.pending));
                for command in pending.into_iter().flatten() {
                    self.desk.not_sent(&command);
                }
            }
            // What was to be said goes to each person instead.
            Input::Aim(account, AimEvent::Room(RoomEvent::Lost)) => {
                if let Some(outlet) = self.to_aim.get_mut(account.0) {
                    outlet.pending.retain(|command| {
                        let is_late = command.is_for_the_room();
                        if is_late {
                            self.desk.not_sent(command);
                        }
                        !is_late
                    });
                }
            }
            _ => {}
        }
    }

    async fn finish(&mut self, batch: Batch) {
        let Batch { writes, effects, refusals } = batch;
        let stored = if writes.is_empty() { Ok(()) } else { self.store.commit(writes).await };
        match stored {
            Ok(()) => {
                self.desk.stored();
                self.perform_for_sessions_that_live(effects);
            }
            Err(error) => {
                let (harmless, not_done): (Vec<_>, Vec<_>) =
                    effects.into_iter().partition(Effect::needs_no_store);
                self.store_failed(&error, &not_done);
                self.perform_all(harmless.into_iter().chain(refusals));
            }
        }
    }

    fn store_failed(&mut self, error: &StoreError, not_done: &[Effect]) {
        if self.store_again.is_none() {
            tracing::error!(%error, "the store takes nothing; visitors are told so until it does");
        }
        self.desk.store_went_down(not_done);
        self.store_again = Some(self.clock.now().after(STORE_AGAIN));
    }

    /// After a failure everything in memory is built anew from what the store really has.
    async fn retry_store(&mut self) {
        if self.store_again.is_none_or(|at| at > self.clock.now()) {
            return;
        }
        let now = self.clock.now();
        let tried = match self.store.commit(self.desk.probe()).await {
            Ok(()) => self.store.load().await,
            Err(error) => Err(error),
        };
        match tried {
            Ok(snapshot) if self.is_store_awaited() => {
                tracing::info!("the database is there");
                self.store_again = None;
                self.start.send_replace(Some(Start::new(&snapshot)));
                self.desk.begin(snapshot, now);
            }
            Ok(snapshot) => {
                tracing::info!("the store takes lines again");
                self.store_again = None;
                self.desk.restore(snapshot, now);
            }
            Err(error) if self.is_store_awaited() && !error.passes() => self.hopeless = Some(error),
            Err(error) => {
                tracing::debug!(%error, "the store still takes nothing");
                self.store_again = Some(now.after(STORE_AGAIN));
            }
        }
    }

    fn is_store_awaited(&self) -> bool {
        self.start.borrow().is_none()
    }

    async fn delete_old(&mut self) {
        let now = self.clock.now();
        if now < self.delete_at || self.store_again.is_some() {
            return;
        }
        self.delete_at = now.after(DELETE_EVERY);
        let Some(since) = self.desk.keep_since(now) else { return };
        match self.store.delete_older(since, DELETE_AT_ONCE).await {
            Ok(0) => {}
            Ok(deleted) => {
                tracing::info!(deleted, "conversations deleted whose retention is over");
                if deleted == DELETE_AT_ONCE {
                    self.delete_at = now.after(DELETE_MORE);
                }
            }
            Err(error) => tracing::warn!(%error, "old conversations could not be deleted"),
        }
    }

    /// Deletes what the operator asked for, and hears what the IRC daemon has to forget.
    async fn do_chores(&mut self) {
        let now = self.clock.now();
        if now < self.chores_at || self.store_again.is_some() {
            return;
        }
        self.chores_at = now.after(CHORES_EVERY);
        let chores = match self.store.chores().await {
            Ok(chores) => chores,
            Err(error) => return tracing::warn!(%error, "cannot read what is to be deleted"),
        };
        if let Err(error) = self.store.tidy(now).await {
            tracing::warn!(%error, "what was deleted may still stand in parts of the database that nothing uses");
        }
        self.desk.note_redactions(chores.redactions);
        for id in chores.deletions {
            self.desk.delete(id);
            let batch = self.desk.take();
            self.finish(batch).await;
            if self.store_again.is_some() {
                return;
            }
            match self.delete(id).await {
                Ok(()) => tracing::info!(conversation = id.public(), "deleted, as the operator asked"),
                Err(error) => return self.store_failed(&error, &[]),
            }
        }
    }

    /// Messages in which it stood have become others in the store, so memory is built anew.
    async fn delete(&mut self, id: ConversationId) -> Result<(), StoreError> {
        self.store.delete(id).await?;
        let snapshot = self.store.load().await?;
        self.desk.restore(snapshot, self.clock.now());
        // What the daemon has to forget of it is read at once.
        self.chores_at = self.clock.now();
        Ok(())
    }

    /// A session may have ended while the store was at work, and the next may have begun: what was decided for the one must
    /// not reach the other as well, where it is owed anew.
    fn perform_for_sessions_that_live(&mut self, effects: Vec<Effect>) {
        let lost = self.inbox.look_ahead();
        for effect in effects {
            let is_late = match &effect {
                Effect::Irc(command) => lost.irc && command.is_for_one_session(),
                Effect::Aim(account, command) => {
                    (lost.aim.contains(account) && command.is_for_one_session())
                        || (lost.rooms.contains(account) && command.is_for_the_room())
                }
                Effect::ReadForVisitor { .. } | Effect::ReadForStaff { .. } => false,
            };
            if is_late {
                self.desk.not_done(&effect);
            } else {
                self.perform(effect);
            }
        }
    }

    fn perform_all(&mut self, effects: impl IntoIterator<Item = Effect>) {
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Irc(command) => {
                let keep = matches!(
                    command,
                    IrcCommand::Say { .. }
                        | IrcCommand::Redact { .. }
                        | IrcCommand::Away(_)
                        | IrcCommand::Quit(_)
                );
                self.to_irc.push(command, keep);
            }
            Effect::Aim(account, command) => {
                let keep = !matches!(command, AimCommand::Typing { .. });
                if let Some(outlet) = self.to_aim.get_mut(account.0) {
                    outlet.push(command, keep);
                }
            }
            Effect::ReadForVisitor { conversation, range, limit, untaken, said_from, reply } => {
                self.store.read_entries(conversation, range, limit.min(MOST_HISTORY), move |entries| {
                    // On failure the asker sees that nobody answers.
                    if let Ok(entries) = entries {
                        let is_said = |entry: &Entry| {
                            entry.author != Author::Visitor
                                && said_from.is_some_and(|from| entry.number >= from)
                        };
                        let shown = entries.into_iter().filter(|entry| !is_said(entry));
                        let shown = shown.map(|entry| for_visitor(conversation, entry, untaken));
                        let _ = reply.send(shown.collect());
                    }
                });
            }
            Effect::ReadForStaff { to, conversation, label, entries } => {
                let reads = self.inbox.reads.clone();
                self.store.read_entries(conversation, web::HistoryRange::Latest, entries, move |entries| {
                    let entries = entries.ok().map(|entries| entries.into_iter().map(for_staff).collect());
                    // Full: the hub is far behind; the person asks again. Never wait here, the hub waits for us.
                    let _ = reads.try_send(Input::Read { to, conversation, label, entries });
                });
            }
        }
    }

    fn publish(&mut self) {
        let now = self.clock.now();
        if now >= self.look_at {
            self.look_at = now.after(LOOK_EVERY);
            self.oldest_waiting = self.desk.oldest_waiting();
        }
        let is_news = !self.desk.is_as_shown(&self.status.borrow());
        let due = *self.publish_at.get_or_insert_with(|| now.after(SHOW_AFTER));
        if !is_news && now < due {
            return;
        }
        self.publish_at = None;
        let mut status = self.desk.status();
        status.oldest_waiting = self.oldest_waiting.filter(|_| status.owed_to_staff > 0);
        let outlets = self.to_aim.iter().map(|outlet| outlet.left_out).sum::<u64>();
        status.counters.left_out = self.to_irc.left_out + outlets;
        self.status.send_if_modified(|shown| {
            let changed = *shown != status;
            *shown = status;
            changed
        });
    }

    fn until_next(&self) -> Duration {
        let now = self.clock.now();
        let deletion = self.delete_at.max(now.after(DELETE_MORE));
        let others =
            [self.store_again, self.publish_at, Some(deletion), Some(self.chores_at)].into_iter().flatten();
        let at = others.fold(self.desk.next_deadline(now), Millis::min);
        // Deadlines that have passed were worked on; what they wait for comes as an event.
        at.since(now).max(Duration::from_millis(10))
    }

    async fn say_goodbye(mut self) {
        let waiting = self.inbox.take_waiting(None);
        self.desk.stopping(self.clock.now());
        self.round(waiting).await;
        self.perform(Effect::Irc(IrcCommand::Quit(wording::visitor::QUIT.to_owned())));
        for account in 0..self.to_aim.len() {
            self.perform(Effect::Aim(AccountId(account), AimCommand::SignOff));
        }
        let receipts = async {
            self.to_irc.flush_rest().await;
            for outlet in &mut self.to_aim {
                outlet.flush_rest().await;
            }
            // What still comes is stored: a receipt spares a repeat, a line is owed by the next start. The links close
            // their channels when they have said goodbye.
            while let Some(inputs) = self.inbox.rest().await {
                let now = self.clock.now();
                for input in inputs {
                    self.desk.receive(input, now);
                }
                let Batch { writes, .. } = self.desk.take();
                if !writes.is_empty() && self.store.commit(writes).await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(GOODBYE, receipts).await.is_err() {
            tracing::debug!("a link took longer to say goodbye");
        }
    }
}

fn for_visitor(conversation: ConversationId, entry: Entry, untaken: &'static str) -> HistoryEntry {
    let author = match entry.author {
        Author::Visitor => web::Author::Visitor {
            client_id: entry.client_id,
            state: if entry.taken { visitors::state::TAKEN } else { untaken },
        },
        Author::Staff(name) => web::Author::Staff { name: name.to_string() },
    };
    HistoryEntry {
        conversation: conversation.public(),
        entry: entry.number,
        at: entry.at.to_system(),
        text: entry.text,
        author,
    }
}

fn for_staff(entry: Entry) -> wording::Said {
    let staff = match entry.author {
        Author::Visitor => None,
        Author::Staff(name) => Some(name),
    };
    (entry.at, staff, entry.text)
}

/// Sessions that have ended.
#[derive(Debug, Default)]
struct Lost {
    irc: bool,
    aim: Vec<AccountId>,
    rooms: Vec<AccountId>,
}

/// All that comes in.
#[derive(Debug)]
struct Inbox {
    irc: mpsc::Receiver<IrcEvent>,
    aim: mpsc::Receiver<(AccountId, AimEvent)>,
    web: mpsc::Receiver<WebEvent>,
    control: mpsc::Receiver<HubControl>,
    read: mpsc::Receiver<Input>,
    /// What was taken out of the channels early, to be heard next.
    ahead: Vec<Input>,
    /// Kept so that `read` never ends.
    reads: mpsc::Sender<Input>,
}

impl Inbox {
    /// Which sessions have ended, by what waits. It is kept for [`Inbox::next`].
    fn look_ahead(&mut self) -> Lost {
        let waiting = self.take_waiting(None);
        let mut lost = Lost::default();
        for input in &waiting {
            match input {
                Input::Irc(IrcEvent::Lost { .. }) => lost.irc = true,
                Input::Aim(account, AimEvent::Lost { .. }) => lost.aim.push(*account),
                Input::Aim(account, AimEvent::Room(RoomEvent::Lost)) => lost.rooms.push(*account),
                _ => {}
            }
        }
        self.ahead = waiting;
        lost
    }

    /// Waits for something, then takes what else is there already.
    async fn next(&mut self) -> Vec<Input> {
        if !self.ahead.is_empty() {
            return self.take_waiting(None);
        }
        let first = tokio::select! {
            Some(event) = self.irc.recv() => Input::Irc(event),
            Some((account, event)) = self.aim.recv() => Input::Aim(account, event),
            Some(event) = self.web.recv() => Input::Web(event),
            Some(control) = self.control.recv() => Input::Control(control),
            Some(read) = self.read.recv() => read,
        };
        self.take_waiting(Some(first))
    }

    /// What was taken out early, `first`, and what waits in the channels.
    fn take_waiting(&mut self, first: Option<Input>) -> Vec<Input> {
        let mut inputs = std::mem::take(&mut self.ahead);
        inputs.reserve(usize::from(first.is_some()) + self.irc.len() + self.aim.len() + self.web.len());
        inputs.extend(first);
        inputs.extend(waiting(&mut self.irc).map(Input::Irc));
        inputs.extend(waiting(&mut self.aim).map(|(account, event)| Input::Aim(account, event)));
        inputs.extend(waiting(&mut self.control).map(Input::Control));
        inputs.extend(waiting(&mut self.read));
        while let Ok(event) = self.web.try_recv() {
            inputs.push(Input::Web(event));
        }
        // The gateway announces a visitor before the daemon can pass on the visitor's first line. It is read last and
        // heard first, so that the announcement of whoever spoke is among what is heard.
        let is_web = |input: &Input| matches!(input, Input::Web(_));
        if inputs.iter().any(is_web) {
            inputs.sort_by_key(|input| !is_web(input));
        }
        inputs
    }

    /// While stopping: what the links still say; nothing when they have ended.
    async fn rest(&mut self) -> Option<Vec<Input>> {
        if !self.ahead.is_empty() {
            return Some(self.take_waiting(None));
        }
        let first = tokio::select! {
            Some(event) = self.irc.recv() => Input::Irc(event),
            Some((account, event)) = self.aim.recv() => Input::Aim(account, event),
            else => return None,
        };
        Some(self.take_waiting(Some(first)))
    }
}

fn waiting<T>(channel: &mut mpsc::Receiver<T>) -> impl Iterator<Item = T> {
    std::iter::from_fn(|| channel.try_recv().ok()).take(BATCH)
}

/// The way to one link: its channel, and what the channel couldn't take yet.
#[derive(Debug)]
struct Outlet<T> {
    channel: mpsc::Sender<T>,
    pending: VecDeque<T>,
    left_out: u64,
}

impl<T> Outlet<T> {
    fn new(channel: mpsc::Sender<T>) -> Self {
        Self { channel, pending: VecDeque::new(), left_out: 0 }
    }

    /// Sends in order; without `keep` it may be left out when the link is far behind.
    fn push(&mut self, command: T, keep: bool) {
        if self.pending.is_empty() {
            // Where the link has ended, what it was to send stays owed.
            if let Err(mpsc::error::TrySendError::Full(command)) = self.channel.try_send(command) {
                self.pending.push_back(command);
            }
        } else if keep || self.pending.len() < MOST_PENDING {
            self.pending.push_back(command);
        } else {
            self.left_out += 1;
        }
    }

    /// Waits until one pending command could be sent, then sends as many as the channel takes.
    async fn flush(&mut self) {
        let Ok(permit) = self.channel.reserve().await else {
            self.pending.clear();
            return;
        };
        let mut permit = Some(permit);
        while let Some(free) = permit
            && let Some(command) = self.pending.pop_front()
        {
            free.send(command);
            permit = self.channel.try_reserve().ok();
        }
    }

    async fn flush_rest(&mut self) {
        while !self.pending.is_empty() {
            self.flush().await;
        }
    }
}

/// Waits until one of the links could take something that was pending; at least one has to be.
async fn flush_any(outlets: &mut [Outlet<AimCommand>]) {
    let pending = outlets.iter_mut().filter(|outlet| !outlet.pending.is_empty());
    futures_util::future::select_all(pending.map(|outlet| Box::pin(outlet.flush()))).await;
}

/// Milliseconds since 1970 that never go back: the date at the start and the monotonic clock since.
#[derive(Debug)]
struct Clock {
    start: Moment,
}

impl Clock {
    fn start() -> Self {
        Self { start: Moment::now() }
    }

    fn now(&self) -> Millis {
        let elapsed = Moment::now().instant.saturating_duration_since(self.start.instant);
        Millis::from_system(self.start.wall).after(elapsed)
    }
}
