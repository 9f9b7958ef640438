//! What was said while we were away, from the daemon's own history (draft/chathistory), once and in order.
//!
//! After a JOIN the session asks for what came after the last line that went on; what is said meanwhile in that
//! channel waits until the answer is there. Private lines are found by `CHATHISTORY TARGETS`. A daemon without
//! history, or one that does not answer, costs nothing but the deadline.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use super::event::IrcLine;
use super::queue::Queue;
use super::text::{Line, Word};
use super::timestamp;

const PATIENCE: Duration = Duration::from_secs(10);
/// Pages of one target; more than a daemon keeps.
const MAX_PAGES: u32 = 50;
const MAX_BATCHES: usize = 16;
const MAX_LINES: usize = 512;
const MAX_TARGETS: usize = 64;
const MAX_SEEN: usize = 1024;
/// Asked again before the last known moment: stamps have milliseconds, and several lines may share one. Doubles are
/// recognised by their msgid, here or by the hub.
const OVERLAP: Duration = Duration::from_secs(1);

/// What outlives a connection: up to when lines have gone on, and the ids of the last of them.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    since: Option<SystemTime>,
    seen: HashSet<String>,
    /// The same, oldest first.
    order: VecDeque<String>,
}

impl Memory {
    /// Lines up to `since` are stored already; `None` asks for no history at the first connection.
    pub fn new(since: Option<SystemTime>) -> Self {
        Self { since, ..Self::default() }
    }

    /// `false` for a line that has gone on before.
    pub(super) fn is_new(&mut self, line: &IrcLine) -> bool {
        if let Some(id) = &line.msgid {
            if !self.seen.insert(id.clone()) {
                return false;
            }
            self.order.push_back(id.clone());
            if self.order.len() > MAX_SEEN
                && let Some(oldest) = self.order.pop_front()
            {
                self.seen.remove(&oldest);
            }
        }
        self.since = self.since.max(Some(line.at));
        true
    }

    /// From now on there is a moment to ask from.
    pub(super) fn begin(&mut self, at: SystemTime) {
        self.since.get_or_insert(at);
    }

    fn from(&self) -> Option<SystemTime> {
        let since = self.since?;
        Some(since.checked_sub(OVERLAP).unwrap_or(since))
    }
}

#[derive(Debug)]
enum Batch {
    History {
        target: String,
        lines: Vec<IrcLine>,
    },
    Targets,
    /// labeled-response: everything in it answers this label.
    Labelled(String),
    Other,
}

#[derive(Debug)]
struct Asked {
    name: Word,
    deadline: Instant,
    pages: u32,
    held: Vec<IrcLine>,
}

/// Batches that are open, and the questions for history under way. Targets are folded names.
#[derive(Debug, Default)]
pub(super) struct Replay {
    batches: HashMap<String, Batch>,
    asked: HashMap<String, Asked>,
}

impl Replay {
    /// Asks for what was said in or to `name` since then.
    pub(super) fn ask(
        &mut self,
        target: String,
        name: &str,
        memory: &Memory,
        page: usize,
        now: Instant,
        queue: &mut Queue,
    ) {
        let (Some(from), Some(name)) = (memory.from(), Word::new(name)) else { return };
        if self.asked.len() >= MAX_TARGETS || self.asked.contains_key(&target) {
            return;
        }
        question(&name, from, page, queue);
        self.asked.insert(target, Asked { name, deadline: now + PATIENCE, pages: 1, held: Vec::new() });
    }

    /// Asks who wrote to us since then.
    pub(super) fn ask_targets(memory: &Memory, until: SystemTime, queue: &mut Queue) {
        let Some(from) = memory.from() else { return };
        if let Some(targets) = Word::new("TARGETS") {
            let range = format!(
                "timestamp={} timestamp={} {MAX_TARGETS}",
                timestamp::format(from),
                timestamp::format(until)
            );
            queue.query(words(Line::new("CHATHISTORY").word(&targets), &range));
        }
    }

    /// Whether what is said live to this target must wait.
    pub(super) fn holds(&self, target: &str) -> bool {
        self.asked.contains_key(target)
    }

    /// Keeps a live line; gives all kept ones back when they are too many.
    pub(super) fn hold(&mut self, target: &str, line: IrcLine) -> Vec<IrcLine> {
        let Some(asked) = self.asked.get_mut(target) else { return vec![line] };
        asked.held.push(line);
        if asked.held.len() < MAX_LINES { Vec::new() } else { self.finish(target) }
    }

    /// `BATCH +id type parameters`. `target` is folded.
    pub(super) fn open(&mut self, id: &str, kind: &str, target: String, label: Option<&str>) {
        if self.batches.len() >= MAX_BATCHES {
            return;
        }
        let batch = match kind.to_ascii_lowercase().as_str() {
            "chathistory" => Batch::History { target, lines: Vec::new() },
            "draft/chathistory-targets" => Batch::Targets,
            "labeled-response" => label.map_or(Batch::Other, |label| Batch::Labelled(label.to_owned())),
            _ => Batch::Other,
        };
        self.batches.insert(id.to_owned(), batch);
    }

    /// Whether this batch is history.
    pub(super) fn is_history(&self, id: &str) -> bool {
        matches!(self.batches.get(id), Some(Batch::History { .. }))
    }

    /// Whether this batch lists those who wrote to us.
    pub(super) fn is_targets(&self, id: &str) -> bool {
        matches!(self.batches.get(id), Some(Batch::Targets))
    }

    /// The label that this batch answers.
    pub(super) fn label(&self, id: &str) -> Option<&str> {
        match self.batches.get(id)? {
            Batch::Labelled(label) => Some(label),
            _ => None,
        }
    }

    /// A line inside a batch of history.
    pub(super) fn collect(&mut self, id: &str, line: IrcLine) {
        if let Some(Batch::History { lines, .. }) = self.batches.get_mut(id)
            && lines.len() < MAX_LINES
        {
            lines.push(line);
        }
    }

    /// `BATCH -id`: the lines that may go on now, oldest first.
    pub(super) fn close(
        &mut self,
        id: &str,
        memory: &Memory,
        page: usize,
        now: Instant,
        queue: &mut Queue,
    ) -> Vec<IrcLine> {
        let Some(Batch::History { target, mut lines }) = self.batches.remove(id) else { return Vec::new() };
        // Before the lines go on, or nothing would be new.
        let newest = lines.iter().map(|line| line.at).max();
        let moves_on = newest > memory.from();
        if let Some(asked) = self.asked.get_mut(&target)
            && lines.len() >= page
            && asked.pages < MAX_PAGES
            && moves_on
            && let Some(newest) = newest
        {
            asked.pages += 1;
            asked.deadline = now + PATIENCE;
            question(&asked.name, newest, page, queue);
        } else {
            lines.extend(self.finish(&target));
        }
        lines
    }

    /// No history for this target (FAIL), or none any more: what waited goes on.
    pub(super) fn finish(&mut self, target: &str) -> Vec<IrcLine> {
        self.asked.remove(target).map(|asked| asked.held).unwrap_or_default()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Vec<IrcLine> {
        let late: Vec<String> = self
            .asked
            .iter()
            .filter(|(_, asked)| asked.deadline <= now)
            .map(|(target, _)| target.clone())
            .collect();
        late.iter().flat_map(|target| self.finish(target)).collect()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.asked.values().map(|asked| asked.deadline).min()
    }
}

fn question(name: &Word, from: SystemTime, page: usize, queue: &mut Queue) {
    if let Some(after) = Word::new("AFTER") {
        let line = Line::new("CHATHISTORY").word(&after).word(name);
        queue.query(words(line, &format!("timestamp={} {page}", timestamp::format(from))));
    }
}

/// Adds parameters that stand in one text, the last as it is.
fn words(line: Line, text: &str) -> Line {
    text.split(' ').filter_map(Word::new).fold(line, |line, word| line.word(&word))
}
