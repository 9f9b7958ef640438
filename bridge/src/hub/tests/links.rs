//! The hub as a task, with channels for links, a database in a file, and the real store thread.

use std::path::Path;
use std::thread::JoinHandle;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ACCOUNT;
use crate::aim::event::{AccountId, AimCommand, AimEvent, ImCookie, Presence};
use crate::conversation::wording::visitor as words;
use crate::hub::{Hub, HubControl, HubStatus, Links, Settings};
use crate::irc::event::{IrcCommand, IrcEvent, IrcLine, Place, SendId, Speech};
use crate::store::sqlite::Durability;
use crate::store::{
    Entry, MemoryStore, Snapshot, SqliteStore, Store, StoreError, StoreHandle, Summary, Write,
};
use crate::web::event::{HistoryRange, SessionId, WebEvent};

struct Bridge {
    irc: mpsc::Sender<IrcEvent>,
    irc_commands: mpsc::Receiver<IrcCommand>,
    aim: mpsc::Sender<(AccountId, AimEvent)>,
    aim_commands: mpsc::Receiver<AimCommand>,
    web: mpsc::Sender<WebEvent>,
    _control: mpsc::Sender<HubControl>,
    status: tokio::sync::watch::Receiver<HubStatus>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), StoreError>>,
    store: JoinHandle<()>,
}

impl Bridge {
    async fn start(path: &Path) -> Self {
        Self::with(SqliteStore::open(path, Durability::Normal).unwrap()).await
    }

    async fn with(store: impl Store) -> Self {
        let (handle, store) = StoreHandle::start(store).unwrap();
        let (irc, from_irc) = mpsc::channel(256);
        let (to_irc, irc_commands) = mpsc::channel(64);
        let (aim, from_aim) = mpsc::channel(256);
        let (to_aim, aim_commands) = mpsc::channel(64);
        let (web, from_web) = mpsc::channel(256);
        let (control, from_control) = mpsc::channel(8);
        let links = Links {
            irc: from_irc,
            to_irc,
            aim: from_aim,
            to_aim: vec![to_aim],
            web: from_web,
            control: from_control,
        };
        let settings = Settings { staff: vec!["staff1".into()], ..Settings::default() };
        let hub = Hub::new(settings, handle, links).await.unwrap();
        let (status, stop) = (hub.status(), CancellationToken::new());
        let task = tokio::spawn(hub.run(stop.clone()));
        let bridge =
            Self { irc, irc_commands, aim, aim_commands, web, _control: control, status, stop, task, store };
        bridge.irc.send(IrcEvent::SignedOn { nick: "bridgebot".into() }).await.unwrap();
        bridge.aim(AimEvent::SignedOn { screen_name: "bridgebot".into() }).await;
        bridge.aim(AimEvent::Credits(8)).await;
        bridge.aim(AimEvent::Presence { who: "staff1".into(), presence: Presence::Online }).await;
        bridge
    }

    async fn aim(&self, event: AimEvent) {
        self.aim.send((ACCOUNT, event)).await.unwrap();
    }

    async fn says(&self, nick: &str, id: &str, text: &str) {
        let line = IrcLine {
            from: super::source(nick, 1),
            place: Place::Private,
            speech: Speech::Privmsg,
            text: text.into(),
            action: false,
            msgid: None,
            client_id: Some(id.into()),
            at: std::time::UNIX_EPOCH,
            replayed: false,
        };
        self.irc.send(IrcEvent::Line(line)).await.unwrap();
    }

    async fn next_im(&mut self) -> (String, ImCookie) {
        loop {
            match self.aim_commands.recv().await.unwrap() {
                AimCommand::Send { cookie, text, .. } => return (text.to_string(), cookie),
                AimCommand::SignOff => panic!("signed off"),
                _ => {}
            }
        }
    }

    /// A staff member's instant message.
    async fn types(&self, number: u8, text: &str) {
        let im = AimEvent::Im {
            from: "staff1".into(),
            text: text.into(),
            auto: false,
            offline: false,
            cookie: ImCookie([number; 8]),
            at: std::time::UNIX_EPOCH,
        };
        self.aim(im).await;
    }

    /// The next answer that the visitor is sent.
    async fn next_answer(&mut self) -> (SendId, String) {
        loop {
            if let IrcCommand::Say { id, speech: Speech::Privmsg, text, .. } =
                self.irc_commands.recv().await.unwrap()
            {
                return (id, text);
            }
        }
    }

    /// The next state that the visitor is told: the line's id, the state.
    async fn next_state(&mut self) -> (String, String) {
        loop {
            if let IrcCommand::Tag { tags, .. } = self.irc_commands.recv().await.unwrap() {
                return (tags[0].1.clone(), tags[1].1.clone());
            }
        }
    }

    /// As SIGKILL does it: no goodbye, nothing committed after it.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
        tokio::task::spawn_blocking(|| self.store.join().unwrap()).await.unwrap();
    }
}

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bridge.db");
    (folder, path)
}

#[tokio::test]
async fn a_line_is_stored_then_told_then_taken() {
    let (_folder, path) = file();
    let mut bridge = Bridge::start(&path).await;
    bridge.says("anna", "l1", "hello").await;
    assert_eq!(bridge.next_state().await, ("l1".into(), "stored".into()));
    let (text, cookie) = bridge.next_im().await;
    assert!(text.ends_with("anna: hello"), "{text}");
    let mut beside = SqliteStore::open_to_read(&path).unwrap();
    assert_eq!(beside.load().unwrap().ims[0].1.cookie, cookie, "what has left is in the store");
    bridge.aim(AimEvent::Acked { cookie }).await;
    assert_eq!(bridge.next_state().await, ("l1".into(), "taken".into()));
    assert!(beside.load().unwrap().ims.is_empty());
    bridge.status.wait_for(|status| status.owed_to_staff == 0 && status.is_ready()).await.unwrap();
}

#[tokio::test]
async fn killed_before_the_acknowledgement_it_sends_the_same_again() {
    let (_folder, path) = file();
    let mut bridge = Bridge::start(&path).await;
    bridge.says("anna", "l1", "hello").await;
    let (text, cookie) = bridge.next_im().await;
    bridge.kill().await;
    let mut bridge = Bridge::start(&path).await;
    assert_eq!(bridge.next_im().await, (format!("{text} (again)"), cookie));
    bridge.says("anna", "l1", "hello").await;
    assert_eq!(bridge.next_state().await, ("l1".into(), "stored".into()), "and stores the line once");
    bridge.aim(AimEvent::Acked { cookie }).await;
    assert_eq!(bridge.next_state().await, ("l1".into(), "taken".into()));
    bridge.kill().await;
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    assert_eq!(store.conversations(9).unwrap()[0].entries, 1);
}

#[tokio::test]
async fn a_stop_says_goodbye_and_stores_late_receipts() {
    let (_folder, path) = file();
    let mut bridge = Bridge::start(&path).await;
    bridge.says("anna", "l1", "hello").await;
    let (_, cookie) = bridge.next_im().await;
    bridge.stop.cancel();
    loop {
        if let AimCommand::SignOff = bridge.aim_commands.recv().await.unwrap() {
            break;
        }
    }
    bridge.aim(AimEvent::Acked { cookie }).await;
    let Bridge { irc, aim, task, store, .. } = bridge;
    drop((irc, aim));
    task.await.unwrap().unwrap();
    tokio::task::spawn_blocking(|| store.join().unwrap()).await.unwrap();
    let snapshot = SqliteStore::open(&path, Durability::Normal).unwrap().load().unwrap();
    assert!(snapshot.ims.is_empty() && snapshot.aim_up.is_some());
}

#[tokio::test]
async fn the_gateway_reads_its_own_visitors_history() {
    let (_folder, path) = file();
    let mut bridge = Bridge::start(&path).await;
    let session = SessionId("s".into());
    let opened =
        WebEvent::Opened { session: session.clone(), user: "anna".into(), page: None, language: None };
    bridge.web.send(opened).await.unwrap();
    bridge.says("anna", "l1", "hello").await;
    bridge.next_state().await;
    for (session, lines) in [(session, 1), (SessionId("other".into()), 0)] {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let asked = WebEvent::History { session, range: HistoryRange::Latest, limit: 50, reply };
        bridge.web.send(asked).await.unwrap();
        assert_eq!(answer.await.unwrap().len(), lines);
    }
}

/// A store that can be told to fail.
struct Failing {
    inner: MemoryStore,
    fails: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Store for Failing {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        self.inner.load()
    }
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        if self.fails.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(StoreError::Full { path: "bridge.db".into() });
        }
        self.inner.commit(writes)
    }
    fn entries(
        &mut self,
        conversation: crate::conversation::ConversationId,
        range: &HistoryRange,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(conversation, range, limit)
    }
    fn conversations(&mut self, limit: usize) -> Result<Vec<Summary>, StoreError> {
        self.inner.conversations(limit)
    }
    fn delete(&mut self, conversation: crate::conversation::ConversationId) -> Result<bool, StoreError> {
        self.inner.delete(conversation)
    }
    fn delete_older(
        &mut self,
        before: crate::conversation::Millis,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.inner.delete_older(before, limit)
    }
    fn chores(&mut self) -> Result<crate::store::Chores, StoreError> {
        self.inner.chores()
    }
    fn tidy(&mut self, now: crate::conversation::Millis) -> Result<(), StoreError> {
        self.inner.tidy(now)
    }
}

/// A store whose commits can be held up.
struct Slow {
    inner: MemoryStore,
    gate: Gate,
}

#[derive(Clone, Default)]
struct Gate {
    lock: std::sync::Arc<tokio::sync::Mutex<()>>,
    waits: std::sync::Arc<tokio::sync::Notify>,
}

impl Gate {
    async fn hold(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.lock.clone().lock_owned().await
    }

    async fn is_waited_for(&self) {
        self.waits.notified().await;
    }
}

impl Slow {
    fn new(inner: MemoryStore) -> (Self, Gate) {
        let gate = Gate::default();
        (Self { inner, gate: gate.clone() }, gate)
    }
}

impl Store for Slow {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        self.inner.load()
    }
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let free = self.gate.lock.try_lock();
        if free.is_err() {
            self.gate.waits.notify_one();
            drop(self.gate.lock.blocking_lock());
        }
        drop(free);
        self.inner.commit(writes)
    }
    fn entries(
        &mut self,
        conversation: crate::conversation::ConversationId,
        range: &HistoryRange,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(conversation, range, limit)
    }
    fn conversations(&mut self, limit: usize) -> Result<Vec<Summary>, StoreError> {
        self.inner.conversations(limit)
    }
    fn delete(&mut self, conversation: crate::conversation::ConversationId) -> Result<bool, StoreError> {
        self.inner.delete(conversation)
    }
    fn delete_older(
        &mut self,
        before: crate::conversation::Millis,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.inner.delete_older(before, limit)
    }
    fn chores(&mut self) -> Result<crate::store::Chores, StoreError> {
        self.inner.chores()
    }
    fn tidy(&mut self, now: crate::conversation::Millis) -> Result<(), StoreError> {
        self.inner.tidy(now)
    }
}

#[tokio::test]
async fn a_full_disk_is_told_to_visitors_and_staff_and_heals() {
    let fails = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let inner = MemoryStore::new();
    let mut bridge = Bridge::with(Failing { inner, fails: fails.clone() }).await;
    bridge.says("anna", "l1", "one").await;
    let (_, cookie) = bridge.next_im().await;
    bridge.aim(AimEvent::Acked { cookie }).await;
    bridge.next_state().await;
    assert_eq!(bridge.next_state().await, ("l1".into(), "taken".into()));

    fails.store(true, std::sync::atomic::Ordering::SeqCst);
    bridge.says("anna", "l2", "two").await;
    assert_eq!(bridge.next_state().await, ("l2".into(), "failed".into()));
    bridge.says("anna", "l2", "two").await;
    assert_eq!(bridge.next_state().await, ("l2".into(), "failed".into()), "it is not taken for known");
    bridge.types(1, "anna: hi").await;
    assert_eq!(bridge.next_im().await.0, crate::conversation::wording::not_stored());
    assert!(!bridge.status.borrow().store_is_up);

    fails.store(false, std::sync::atomic::Ordering::SeqCst);
    bridge.status.wait_for(|status| status.store_is_up).await.unwrap();
    bridge.says("anna", "l2", "two").await;
    assert_eq!(bridge.next_state().await, ("l2".into(), "stored".into()));
    assert_eq!(bridge.next_im().await.0, "anna: two");
    assert!(!words::NOT_STORED.is_empty());
}

#[tokio::test]
async fn receipts_that_came_while_the_disk_was_full_are_not_forgotten() {
    let fails = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let inner = MemoryStore::new();
    let mut bridge = Bridge::with(Failing { inner, fails: fails.clone() }).await;
    bridge.says("anna", "l1", "one").await;
    let (_, first) = bridge.next_im().await;
    assert_eq!(bridge.next_state().await, ("l1".into(), "stored".into()));
    bridge.types(1, "anna: hi").await;
    let answer = bridge.next_answer().await;

    fails.store(true, std::sync::atomic::Ordering::SeqCst);
    bridge.aim(AimEvent::Acked { cookie: first }).await;
    bridge.irc.send(IrcEvent::Accepted { id: answer.0 }).await.unwrap();
    bridge.status.wait_for(|status| !status.store_is_up).await.unwrap();
    fails.store(false, std::sync::atomic::Ordering::SeqCst);
    bridge.status.wait_for(|status| status.store_is_up && status.owed_to_staff == 0).await.unwrap();
    bridge.status.wait_for(|status| status.owed_to_visitors == 0).await.unwrap();
    assert_eq!(bridge.next_state().await, ("l1".into(), "taken".into()));

    bridge.says("anna", "l2", "two").await;
    assert_eq!(bridge.next_im().await.0, "anna: two", "the first is not sent again");
    bridge.types(2, "anna: ho").await;
    assert_eq!(bridge.next_answer().await.1, "ho");
}

#[tokio::test]
async fn an_absence_that_could_not_be_stored_is_told_when_the_disk_has_room() {
    for is_full_before in [true, false] {
        let fails = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let inner = MemoryStore::new();
        let mut bridge = Bridge::with(Failing { inner, fails: fails.clone() }).await;
        bridge.status.wait_for(|status| status.staff_available == 1).await.unwrap();
        let heard_at = std::time::UNIX_EPOCH;
        let retry_in = std::time::Duration::from_millis(1);
        bridge.aim(AimEvent::Lost { reason: "reset".into(), heard_at, retry_in }).await;
        bridge.status.wait_for(|status| status.staff_available == 0).await.unwrap();
        if is_full_before {
            fails.store(true, std::sync::atomic::Ordering::SeqCst);
            bridge.says("anna", "l1", "one").await;
            bridge.status.wait_for(|status| !status.store_is_up).await.unwrap();
        }
        bridge.aim(AimEvent::SignedOn { screen_name: "bridgebot".into() }).await;
        bridge.aim(AimEvent::Credits(8)).await;
        bridge.status.wait_for(|status| status.aim.iter().all(Option::is_some)).await.unwrap();
        fails.store(true, std::sync::atomic::Ordering::SeqCst);
        bridge.aim(AimEvent::Presence { who: "staff1".into(), presence: Presence::Online }).await;
        bridge.status.wait_for(|status| !status.store_is_up && status.staff_available == 1).await.unwrap();
        fails.store(false, std::sync::atomic::Ordering::SeqCst);
        assert!(bridge.next_im().await.0.starts_with("* I was away from "));
    }
}

#[tokio::test]
async fn what_was_on_its_way_when_the_disk_was_full_still_is() {
    let fails = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let inner = MemoryStore::new();
    let mut bridge = Bridge::with(Failing { inner, fails: fails.clone() }).await;
    bridge.says("anna", "l1", "one").await;
    let (_, first) = bridge.next_im().await;
    bridge.types(1, "anna: hi").await;
    let answer = bridge.next_answer().await;

    fails.store(true, std::sync::atomic::Ordering::SeqCst);
    bridge.says("anna", "l2", "two").await;
    bridge.status.wait_for(|status| !status.store_is_up).await.unwrap();
    fails.store(false, std::sync::atomic::Ordering::SeqCst);
    bridge.status.wait_for(|status| status.store_is_up).await.unwrap();
    bridge.aim(AimEvent::Acked { cookie: first }).await;
    bridge.irc.send(IrcEvent::Accepted { id: answer.0 }).await.unwrap();
    bridge.status.wait_for(|status| status.owed_to_staff == 0).await.unwrap();
    bridge.status.wait_for(|status| status.owed_to_visitors == 0).await.unwrap();
    bridge.says("anna", "l3", "three").await;
    assert_eq!(bridge.next_im().await.0, "anna: three", "nothing went again in between");
    bridge.types(2, "anna: ho").await;
    assert_eq!(bridge.next_answer().await.1, "ho");
}

#[tokio::test]
async fn what_was_decided_for_a_lost_connection_does_not_reach_the_next_as_well() {
    let (slow, gate) = Slow::new(MemoryStore::new());
    let mut bridge = Bridge::with(slow).await;
    bridge.says("anna", "l1", "one").await;
    let (_, first) = bridge.next_im().await;
    bridge.aim(AimEvent::Acked { cookie: first }).await;
    bridge.status.wait_for(|status| status.owed_to_staff == 0).await.unwrap();
    let held = gate.hold().await;
    bridge.types(1, "anna: hi").await;
    gate.is_waited_for().await;
    bridge.irc.send(IrcEvent::Lost { reason: "reset".into() }).await.unwrap();
    bridge.irc.send(IrcEvent::SignedOn { nick: "bridgebot".into() }).await.unwrap();
    drop(held);
    // The plain visitor has to be found again first.
    loop {
        match bridge.irc_commands.recv().await.unwrap() {
            IrcCommand::Say { text, .. } => panic!("{text} went to a connection that knows nobody yet"),
            IrcCommand::Identify { .. } => break,
            _ => {}
        }
    }
    bridge.irc.send(IrcEvent::Identified { source: super::source("anna", 1) }).await.unwrap();
    assert_eq!(bridge.next_answer().await.1, "hi", "it never left before, so it is no repeat");
}
