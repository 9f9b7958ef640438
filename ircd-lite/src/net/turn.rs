//! The task that owns the world: takes what has happened, lets the world act on it, hands out what it said.
//!
//! A turn takes all events that wait (up to a bound), then gives each connection its lines of the whole turn at once.
//! Under load many lines travel in one write; a lone line waits for nothing.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sendq::SendQueue;
use super::share::share;
use crate::clock::Clock;
use crate::config::{Config, Password};
use crate::wire::scan;
use crate::world::{ClientId, Effect, Gone, Now, Output, Peer, World};

/// Events of one turn.
const TURN: usize = 256;
/// Password checks at once: each takes a core and 19 MiB.
const CHECKS: usize = 2;
/// How often a connection that is owed much is looked after.
const DRAINING: Duration = Duration::from_millis(10);
/// A hash that no password fits, checked where there is no account, so that time tells nothing.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What happened.
#[derive(Debug)]
pub(super) enum Event {
    Connect {
        peer: Peer,
        queue: Arc<SendQueue>,
        answer: oneshot::Sender<Result<ClientId, Bytes>>,
    },
    /// Lines of one read, each with LF.
    Lines {
        client: ClientId,
        lines: Vec<u8>,
    },
    Gone {
        client: ClientId,
        gone: Gone,
    },
    Verified {
        client: ClientId,
        matches: bool,
    },
    /// Most of its lines are written.
    Drained {
        client: ClientId,
    },
    Reload(Box<Config>),
    Report(String),
}

/// For ids, which nobody outside can choose: spreads their bits and no more.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, part: u64) {
        // An odd number near 2^64 divided by the golden ratio: neighbours come to lie far apart.
        self.0 = (self.0.rotate_left(5) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, part: usize) {
        self.write_u64(part as u64);
    }
}

/// The owner of the world.
pub(super) struct Turn {
    world: World,
    clock: Clock,
    /// By whole id: a place in the world's table may have a new owner before the last lines of the old one are out.
    queues: HashMap<ClientId, Arc<SendQueue>, BuildHasherDefault<IdHasher>>,
    sendq: usize,
    events: mpsc::WeakSender<Event>,
    checks: Arc<Semaphore>,
    tasks: TaskTracker,
    wanted_reload: Arc<Notify>,
    bans: Option<watch::Sender<String>>,
}

impl Turn {
    pub(super) fn new(
        world: World,
        clock: Clock,
        events: &mpsc::Sender<Event>,
        wanted_reload: Arc<Notify>,
        bans_file: Option<PathBuf>,
    ) -> Self {
        let tasks = TaskTracker::new();
        let bans = bans_file.map(|file| {
            let (sender, receiver) = watch::channel(String::new());
            tasks.spawn(keep_bans(file, receiver));
            sender
        });
        let sendq = world.config.limits.sendq;
        Self {
            world,
            clock,
            queues: HashMap::default(),
            sendq,
            events: events.downgrade(),
            checks: Arc::new(Semaphore::new(CHECKS)),
            tasks,
            wanted_reload,
            bans,
        }
    }

    /// Runs until `stop` is cancelled; then everybody is told, and `stopped` is cancelled before they are.
    pub(super) async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        stop: CancellationToken,
        stopped: &CancellationToken,
    ) {
        let mut batch = Vec::with_capacity(TURN);
        let mut stopping = pin!(stop.cancelled());
        let moment =
            |turn: &Self| tokio::time::Instant::from_std(turn.clock.instant(turn.world.next_tick_ms()));
        let mut alarm = pin!(tokio::time::sleep_until(moment(&self)));
        loop {
            let wake = moment(&self);
            if alarm.deadline() != wake {
                alarm.as_mut().reset(wake);
            }
            // Under load there is always an event, and then nothing is spent on the alarm: who is due is asked below.
            tokio::select! {
                biased;
                () = &mut stopping => break,
                count = events.recv_many(&mut batch, TURN) => {
                    if count == 0 {
                        break;
                    }
                }
                () = &mut alarm => {}
            }
            // One reading for the turn: what it takes is less than what the wire shows of time.
            let now = self.clock.now();
            for event in batch.drain(..) {
                self.handle(event, now);
            }
            if self.world.next_tick_ms() <= now.mono_ms {
                self.world.tick(now);
            }
            self.hand_out();
        }
        stopped.cancel();
        // New connections find nobody to talk to from here on.
        events.close();
        self.world.stop(self.clock.now());
        self.hand_out();
        self.bans = None;
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Connect { peer, queue, answer } => {
                let outcome = self.world.connect(peer, now);
                if let Ok(client) = outcome {
                    self.queues.insert(client, queue);
                    if answer.send(outcome).is_err() {
                        self.world.close(client, Gone::Eof, now);
                    }
                } else {
                    let _ = answer.send(outcome);
                }
            }
            Event::Lines { client, lines } => {
                for line in scan::lines(&lines) {
                    self.world.receive(client, line, now);
                }
            }
            Event::Gone { client, gone } => self.world.close(client, gone, now),
            Event::Verified { client, matches } => self.world.verified(client, matches, now),
            Event::Drained { client } => self.world.drained(client, now),
            Event::Reload(config) => {
                self.sendq = config.limits.sendq;
                self.world.reload(*config, now);
            }
            Event::Report(text) => self.world.report(&text, now),
        }
    }

    /// Gives every connection its lines. A full queue ends its client, which makes more lines.
    fn hand_out(&mut self) {
        for effect in self.world.take_effects() {
            self.perform(effect);
        }
        loop {
            let mut output = self.world.take_output();
            share(&mut output);
            if output.is_empty() {
                return;
            }
            for Output { client, lines, close } in output {
                let pushed = self.queues.get(&client).map(|queue| queue.push(lines, close, self.sendq));
                if close {
                    self.queues.remove(&client);
                }
                if pushed.is_some_and(|pushed| pushed.is_err()) {
                    self.world.close(client, Gone::SendQ, self.clock.now());
                }
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Verify { client, password, given } => {
                let (checks, events) = (self.checks.clone(), self.events.clone());
                self.tasks.spawn(async move {
                    let Ok(permit) = checks.acquire_owned().await else { return };
                    let check = move || {
                        let known = password.is_some();
                        password.unwrap_or_else(|| Password::Hash(NOBODY.into())).verify(&given) && known
                    };
                    let matches = tokio::task::spawn_blocking(check).await.unwrap_or(false);
                    drop(permit);
                    if let Some(events) = events.upgrade() {
                        let _ = events.send(Event::Verified { client, matches }).await;
                    }
                });
            }
            Effect::TellDrained { client } => {
                let Some(queue) = self.queues.get(&client).map(Arc::downgrade) else { return };
                let (most, events) = (self.sendq / 4, self.events.clone());
                self.tasks.spawn(async move {
                    // This turn's lines are not in the queue yet.
                    loop {
                        tokio::time::sleep(DRAINING).await;
                        let (Some(queue), Some(events)) = (queue.upgrade(), events.upgrade()) else { return };
                        if events.is_closed() {
                            return;
                        }
                        if queue.waiting() <= most {
                            let _ = events.send(Event::Drained { client }).await;
                            return;
                        }
                    }
                });
            }
            Effect::Reload => self.wanted_reload.notify_one(),
            Effect::KeepBans(text) => {
                if let Some(bans) = &self.bans {
                    bans.send_replace(text);
                }
            }
        }
    }
}

/// Whoever is still there when the server is dropped is closed without a word.
impl Drop for Turn {
    fn drop(&mut self) {
        for queue in self.queues.values() {
            let _ = queue.push(Vec::new(), true, 0);
        }
    }
}

/// Writes the latest list of bans whenever it changes: to a file beside, then over the old one.
async fn keep_bans(file: PathBuf, mut texts: watch::Receiver<String>) {
    while texts.changed().await.is_ok() {
        let text = texts.borrow_and_update().clone();
        let (target, beside) = (file.clone(), file.with_extension("new"));
        let write = move || std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &target));
        let written = tokio::task::spawn_blocking(write).await.unwrap_or_else(|error| Err(error.into()));
        if let Err(error) = written {
            tracing::error!(file = %file.display(), %error, "cannot keep the bans");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;
    use crate::world::Transport;

    fn connect(turn: &mut Turn) -> (ClientId, Arc<SendQueue>) {
        let address = "127.0.0.1:1".parse().unwrap();
        let peer = Peer { address: "10.0.0.1".parse().unwrap(), local: address, transport: Transport::Plain };
        let (answer, mut outcome) = oneshot::channel();
        let queue = Arc::new(SendQueue::default());
        turn.handle(Event::Connect { peer, queue: queue.clone(), answer }, Now::default());
        (outcome.try_recv().unwrap().unwrap(), queue)
    }

    fn turn() -> Turn {
        let clock = Clock::start();
        let world = World::new(Config::default(), [0; 16], clock.now());
        let (sender, _receiver) = mpsc::channel(1);
        Turn::new(world, clock, &sender, Arc::default(), None)
    }

    #[tokio::test]
    async fn what_members_are_owed_of_a_turn_is_held_once() {
        let mut turn = turn();
        let clients: Vec<_> = (0..3).map(|_| connect(&mut turn)).collect();
        let context = Context::from_waker(Waker::noop());
        let say = |turn: &mut Turn, at: usize, lines: String| {
            let client = clients[at].0;
            turn.handle(Event::Lines { client, lines: lines.into_bytes() }, Now::default());
        };
        for at in 0..3 {
            say(&mut turn, at, format!("NICK n{at}\nUSER n 0 * :n\nJOIN #c\n"));
        }
        turn.hand_out();
        for (_, queue) in &clients {
            queue.take(&context);
        }
        say(&mut turn, 0, "PRIVMSG #c :one\nPRIVMSG #c :two\n".into());
        turn.hand_out();
        let [one, other] = [1, 2].map(|at: usize| clients[at].1.take(&context).lines);
        assert!(one.len() == 1 && one[0].ends_with(b"PRIVMSG #c :two\r\n"), "{one:?}");
        assert_eq!(one[0].as_ptr(), other[0].as_ptr());
    }

    #[tokio::test]
    async fn the_last_lines_of_one_client_never_reach_the_next_in_its_place() {
        let mut turn = turn();
        let (old, old_queue) = connect(&mut turn);
        turn.handle(Event::Gone { client: old, gone: Gone::Eof }, Now::default());
        let (new, new_queue) = connect(&mut turn);
        assert_eq!(old.index(), new.index(), "the place is used again");
        turn.hand_out();
        let context = Context::from_waker(Waker::noop());
        assert!(old_queue.take(&context).closing);
        let taken = new_queue.take(&context);
        assert!(taken.lines.is_empty() && !taken.closing);
    }
}
