//! What was said while we were away, from the daemon's own history (draft/chathistory), once and in order.
//!
//! After a JOIN the session asks for what came after the last line that went on; what is said meanwhile in that
//! channel waits until the answer is there. Private lines are found by `CHATHISTORY TARGETS`; as senders change nicks, what
//! anybody says in private waits until all of that is answered, and so do the answers: what one person said under several
//! nicks comes in as many of them, and goes on in the order in which it was said. A daemon without history, or one that does not answer, costs nothing but the deadline.
//!
//! Lines of one target go on while others are still awaited, so the moment of the last line tells nothing until all have
//! been fetched: a fetch that broke off, with the connection or the process, begins again where it began.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use super::event::IrcLine;
use super::isupport::Page;
use super::queue::Queue;
use super::text::{Line, Word};
use super::timestamp;
use crate::clock::Moment;

const PATIENCE: Duration = Duration::from_secs(10);
/// Pages of one target; more than a daemon keeps.
const MAX_PAGES: u32 = 50;
const MAX_BATCHES: usize = 16;
const MAX_LINES: usize = 512;
const MAX_TARGETS: usize = 64;
const MAX_SEEN: usize = 1024;
/// Private lines out of the history that wait for the rest of it; more than a daemon keeps.
const MAX_FETCHED: usize = 8192;
/// Targets that wait to be asked for; more than a daemon keeps history of.
const MAX_WAITING: usize = 4096;
/// Asked again before the last known moment: stamps have milliseconds, several lines may share one, and a line may
/// have waited for WHOIS while later ones of others went on (10 s at most). Doubles are recognised by their msgid, here or by the
/// hub.
const OVERLAP: Duration = Duration::from_secs(12);
/// Senders are asked for up to so long from now.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
/// A fetch is over after this, whatever is still awaited.
const LONGEST: Duration = Duration::from_secs(120);

/// What outlives a connection: up to when lines have gone on, and the ids of the last of them.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    since: Option<SystemTime>,
    /// Where the fetch began that is not over.
    fetching_from: Option<SystemTime>,
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

    /// Until [`Memory::fetched`], history is asked for from here. Gives the moment.
    pub(super) fn begin_fetch(&mut self) -> Option<SystemTime> {
        self.fetching_from = [self.fetching_from, self.since].into_iter().flatten().min();
        self.fetching_from
    }

    /// All has gone on.
    pub(super) fn fetched(&mut self) {
        self.fetching_from = None;
    }

    fn from(&self) -> Option<SystemTime> {
        let since = self.fetching_from.or(self.since)?;
        Some(since.checked_sub(OVERLAP).unwrap_or(since))
    }
}

#[derive(Debug)]
enum Batch {
    History {
        target: String,
        lines: Vec<IrcLine>,
    },
    Targets {
        count: usize,
        newest: Option<SystemTime>,
    },
    /// labeled-response: everything in it answers this label.
    Labelled(String),
    Other,
}

#[derive(Debug)]
struct Asked {
    name: Word,
    private: bool,
    deadline: Instant,
    pages: u32,
    held: Vec<IrcLine>,
}

/// Whose history a question is for.
#[derive(Debug)]
pub(super) struct Of {
    /// Folded.
    target: String,
    name: Word,
    private: bool,
}

impl Of {
    /// A channel's. `None`: it has no name that can be asked for.
    pub(super) fn channel(target: String, name: &str) -> Option<Self> {
        Some(Self { target, name: Word::new(name)?, private: false })
    }

    /// That of what somebody said to us.
    pub(super) fn person(target: String, name: &str) -> Option<Self> {
        Some(Self { target, name: Word::new(name)?, private: true })
    }
}

/// Batches that are open, and the questions for history under way. Targets are folded names.
#[derive(Debug, Default)]
pub(super) struct Replay {
    batches: HashMap<String, Batch>,
    asked: HashMap<String, Asked>,
    /// Targets whose turn comes when others are done.
    waiting: VecDeque<Of>,
    targets: Targets,
    /// What was said in private while we were away, as far as it is known.
    fetched: Vec<IrcLine>,
    /// What was said in private meanwhile.
    held: Vec<IrcLine>,
    /// The fetch is over then at the latest; none where it is over, or never began.
    over_at: Option<Instant>,
}

/// The question who wrote to us.
#[derive(Debug, Default)]
enum Targets {
    #[default]
    Answered,
    Asked {
        until: SystemTime,
        deadline: Instant,
    },
}

impl Replay {
    /// A fetch begins, of the history of some channels and of those who wrote to us.
    pub(super) fn begin(&mut self, memory: &Memory, now: Moment, queue: &mut Queue) {
        self.over_at = Some(now.instant + LONGEST);
        if let Some(from) = memory.from() {
            // A sender is listed by the latest line: one who speaks just now must not fall out at the end, nor those of
            // a daemon whose clock is ahead.
            let until = now.wall + AHEAD;
            self.ask_targets(from, until, now.instant, queue);
        }
    }

    /// Whether the fetch is over just now. `channels_settled`: each was asked for, or can't be.
    pub(super) fn ends(&mut self, channels_settled: bool, now: Instant) -> bool {
        let Some(over_at) = self.over_at else { return false };
        let is_over = channels_settled
            && self.asked.is_empty()
            && self.waiting.is_empty()
            && matches!(self.targets, Targets::Answered);
        if is_over || over_at <= now {
            self.over_at = None;
        }
        self.over_at.is_none()
    }

    /// Asks for what was said there since then.
    pub(super) fn ask(&mut self, of: Of, memory: &Memory, page: Page, now: Instant, queue: &mut Queue) {
        let Some(from) = memory.from().filter(|_| !self.asked.contains_key(&of.target)) else { return };
        if self.asked.len() >= MAX_TARGETS {
            if self.waiting.len() < MAX_WAITING {
                self.waiting.push_back(of);
            }
            return;
        }
        let Of { target, name, private } = of;
        question(&name, After::Moment(from), page, queue);
        let asked = Asked { name, private, deadline: now + PATIENCE, pages: 1, held: Vec::new() };
        self.asked.insert(target, asked);
    }

    /// Asks for those whose turn it is.
    pub(super) fn ask_waiting(&mut self, memory: &Memory, page: Page, now: Instant, queue: &mut Queue) {
        while self.asked.len() < MAX_TARGETS
            && let Some(of) = self.waiting.pop_front()
        {
            self.ask(of, memory, page, now, queue);
        }
    }

    /// Asks who wrote to us since then.
    fn ask_targets(&mut self, from: SystemTime, until: SystemTime, now: Instant, queue: &mut Queue) {
        self.targets = Targets::Asked { until, deadline: now + PATIENCE };
        if let Some(targets) = Word::new("TARGETS") {
            let range = format!(
                "timestamp={} timestamp={} {MAX_TARGETS}",
                timestamp::format(from),
                timestamp::format(until)
            );
            queue.query(words(Line::new("CHATHISTORY").word(&targets), &range));
        }
    }

    /// Takes a live line that was said in this channel, or in private where there is none. Gives back what may go on now:
    /// the line, or when too many wait all of them.
    pub(super) fn pass(&mut self, channel: Option<&str>, line: IrcLine) -> Vec<IrcLine> {
        let held = match channel {
            Some(channel) => self.asked.get_mut(channel).map(|asked| &mut asked.held),
            None => self.awaits_private().then_some(&mut self.held),
        };
        let Some(held) = held else { return vec![line] };
        held.push(line);
        if held.len() < MAX_LINES {
            return Vec::new();
        }
        if channel.is_none() { self.all_private() } else { std::mem::take(held) }
    }

    /// What was said in private until now, once its history is there, or is awaited no more.
    pub(super) fn take_private(&mut self, now: Instant) -> Vec<IrcLine> {
        let goes_on = self.over_at.is_some_and(|over_at| now < over_at);
        if goes_on && self.awaits_private() { Vec::new() } else { self.all_private() }
    }

    /// In the order in which it was said.
    fn all_private(&mut self) -> Vec<IrcLine> {
        let mut lines = std::mem::take(&mut self.fetched);
        lines.sort_by_key(|line| line.at);
        lines.append(&mut self.held);
        lines
    }

    /// Takes private lines of the history. Gives back what may go on now: nothing, or when too many wait all of them.
    fn keep(&mut self, lines: Vec<IrcLine>) -> Vec<IrcLine> {
        self.fetched.extend(lines);
        if self.fetched.len() < MAX_FETCHED { Vec::new() } else { self.all_private() }
    }

    fn awaits_private(&self) -> bool {
        !matches!(self.targets, Targets::Answered)
            || self.asked.values().any(|asked| asked.private)
            || self.waiting.iter().any(|of| of.private)
    }

    /// `BATCH +id type parameters`. `target` is folded.
    pub(super) fn open(&mut self, id: &str, kind: &str, target: String, label: Option<&str>) {
        if self.batches.len() >= MAX_BATCHES {
            return;
        }
        let batch = match kind.to_ascii_lowercase().as_str() {
            "chathistory" => Batch::History { target, lines: Vec::new() },
            "draft/chathistory-targets" => Batch::Targets { count: 0, newest: None },
            "labeled-response" => label.map_or(Batch::Other, |label| Batch::Labelled(label.to_owned())),
            _ => Batch::Other,
        };
        self.batches.insert(id.to_owned(), batch);
    }

    /// Whether this batch is history.
    pub(super) fn is_history(&self, id: &str) -> bool {
        matches!(self.batches.get(id), Some(Batch::History { .. }))
    }

    /// Somebody who wrote to us, and when last. Whether that stood in an answer.
    pub(super) fn listed(&mut self, id: &str, at: Option<SystemTime>) -> bool {
        let Some(Batch::Targets { count, newest }) = self.batches.get_mut(id) else { return false };
        *count += 1;
        *newest = (*newest).max(at);
        true
    }

    /// The daemon lists nobody.
    pub(super) fn no_targets(&mut self) {
        self.targets = Targets::Answered;
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
        page: Page,
        now: Instant,
        queue: &mut Queue,
    ) -> Vec<IrcLine> {
        let (target, mut lines) = match self.batches.remove(id) {
            Some(Batch::History { target, lines }) => (target, lines),
            Some(Batch::Targets { count, newest }) => {
                self.targets_end(count, newest, memory, now, queue);
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        // Before the lines go on, or nothing would be new.
        let newest = lines.iter().map(|line| line.at).max();
        let moves_on = newest > memory.from();
        let is_private = self.asked.get(&target).is_some_and(|asked| asked.private);
        if let Some(asked) = self.asked.get_mut(&target)
            && lines.len() >= page.lines
            && asked.pages < MAX_PAGES
            && moves_on
            && let Some(newest) = newest
        {
            asked.pages += 1;
            asked.deadline = now + PATIENCE;
            // Several lines may share a moment, and the page may end among them.
            let last = lines.last().and_then(|line| line.msgid.clone()).filter(|_| page.by_id);
            let after = last.map_or(After::Moment(newest), After::Line);
            question(&asked.name, after, page, queue);
        } else {
            lines.extend(self.finish(&target));
        }
        if is_private { self.keep(lines) } else { lines }
    }

    /// A full page of senders may have another behind it.
    fn targets_end(
        &mut self,
        count: usize,
        newest: Option<SystemTime>,
        memory: &Memory,
        now: Instant,
        queue: &mut Queue,
    ) {
        let Targets::Asked { until, .. } = std::mem::take(&mut self.targets) else { return };
        // Both ends are excluded, and several may have the same stamp.
        let next = newest.and_then(|newest| newest.checked_sub(Duration::from_millis(1)));
        if let Some(next) = next
            && count >= MAX_TARGETS
            && Some(next) > memory.from()
            && next < until
        {
            self.ask_targets(next, until, now, queue);
        }
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
        if let Targets::Asked { deadline, .. } = self.targets
            && deadline <= now
        {
            self.targets = Targets::Answered;
        }
        for target in &late {
            tracing::warn!(%target, "the daemon did not tell what was said while we were away; lines may be missing");
        }
        late.iter().flat_map(|target| self.finish(target)).collect()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let targets = match self.targets {
            Targets::Asked { deadline, .. } => Some(deadline),
            Targets::Answered => None,
        };
        let asked = self.asked.values().map(|asked| asked.deadline).min();
        [targets, asked, self.over_at].into_iter().flatten().min()
    }
}

/// What a page of history begins behind.
enum After {
    Moment(SystemTime),
    Line(String),
}

fn question(name: &Word, after: After, page: Page, queue: &mut Queue) {
    let reference = match after {
        After::Moment(at) => format!("timestamp={}", timestamp::format(at)),
        After::Line(id) => format!("msgid={id}"),
    };
    if let Some(after) = Word::new("AFTER") {
        let line = Line::new("CHATHISTORY").word(&after).word(name);
        queue.query(words(line, &format!("{reference} {}", page.lines)));
    }
}

/// Adds parameters that stand in one text, the last as it is.
fn words(line: Line, text: &str) -> Line {
    text.split(' ').filter_map(Word::new).fold(line, |line, word| line.word(&word))
}
