//! Answers owed to visitors. Those of one conversation leave in order; an answer is paid when the daemon has it.

use std::collections::{BTreeSet, HashMap, VecDeque};

use oscar_im::ScreenName;

use crate::conversation::{ConversationId, Millis};

/// Answers that may wait for one visitor.
pub const MOST_WAITING: usize = 1000;
/// On their way to one visitor at once, when the daemon has just taken one for the same nick. Else one: were the first
/// refused and the second taken, they would arrive in the wrong order.
const PROVEN_WINDOW: usize = 16;
/// On their way at once, over all visitors; the link's channel holds more.
const MOST_ON_THE_WAY: usize = 48;

/// An answer's number in the store, and on the way to the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerId(pub u64);

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its number.
    pub id: AnswerId,
    /// Its entry in the conversation.
    pub entry: u64,
    /// Who wrote it.
    pub from: ScreenName,
    /// The text.
    pub text: String,
    /// Since when it waits.
    pub at: Millis,
    /// Whether it may have reached the daemon before.
    pub again: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Answer>,
    sent: VecDeque<Answer>,
    proven: bool,
}

/// An answer on its way.
#[derive(Debug, Clone, Copy)]
struct Way {
    conversation: ConversationId,
    /// Whether the visitor has come, gone or changed the nick since it left.
    overtaken: bool,
}

/// An answer that the daemon refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Whose visitor it is for.
    pub conversation: ConversationId,
    /// Whether the refusal is older than what is known of the visitor.
    pub overtaken: bool,
}

/// All answers owed.
#[derive(Debug, Default)]
pub struct VisitorOutbox {
    queues: HashMap<ConversationId, Queue>,
    on_the_way: HashMap<AnswerId, Way>,
    /// Conversations in which something may leave that could not before.
    ready: BTreeSet<ConversationId>,
}

impl VisitorOutbox {
    /// Owes an answer.
    pub fn enqueue(&mut self, conversation: ConversationId, answer: Answer) {
        self.queues.entry(conversation).or_default().waiting.push_back(answer);
        self.ready.insert(conversation);
    }

    /// The next answer that may leave for this visitor; the caller knows where the visitor is.
    pub fn depart(&mut self, conversation: ConversationId) -> Option<&Answer> {
        if self.on_the_way.len() >= MOST_ON_THE_WAY {
            self.ready.insert(conversation);
            return None;
        }
        let queue = self.queues.get_mut(&conversation)?;
        let window = if queue.proven { PROVEN_WINDOW } else { 1 };
        if queue.sent.len() >= window {
            return None;
        }
        let answer = queue.waiting.pop_front()?;
        self.on_the_way.insert(answer.id, Way { conversation, overtaken: false });
        queue.sent.push_back(answer);
        queue.sent.back()
    }

    /// The daemon has it.
    pub fn accepted(&mut self, id: AnswerId) -> Option<(ConversationId, Answer)> {
        let Way { conversation, .. } = self.on_the_way.remove(&id)?;
        let queue = self.queues.get_mut(&conversation)?;
        queue.proven = true;
        let at = queue.sent.iter().position(|answer| answer.id == id)?;
        let answer = queue.sent.remove(at)?;
        if queue.sent.is_empty() && queue.waiting.is_empty() {
            self.queues.remove(&conversation);
        } else {
            self.ready.insert(conversation);
        }
        Some((conversation, answer))
    }

    /// The daemon refused it: it waits again, before all later ones.
    pub fn refused(&mut self, id: AnswerId) -> Option<Refused> {
        let Way { conversation, overtaken } = self.on_the_way.remove(&id)?;
        let queue = self.queues.get_mut(&conversation)?;
        queue.proven = false;
        let at = queue.sent.iter().position(|answer| answer.id == id)?;
        let answer = queue.sent.remove(at)?;
        let place = queue.waiting.partition_point(|waiting| waiting.entry < answer.entry);
        queue.waiting.insert(place, answer);
        self.ready.insert(conversation);
        Some(Refused { conversation, overtaken })
    }

    /// A restored answer was taken by the daemon before.
    pub fn settle(&mut self, id: AnswerId) {
        self.queues.retain(|_, queue| {
            queue.waiting.retain(|answer| answer.id != id);
            !(queue.waiting.is_empty() && queue.sent.is_empty())
        });
    }

    /// It never left: it waits again, before all later ones.
    pub fn not_sent(&mut self, id: AnswerId) {
        self.refused(id);
    }

    /// What was known of the restored answers before: one that is on its way still is, one that never left is no repeat.
    pub fn go_on_from(&mut self, before: &Self) {
        for (conversation, queue) in &mut self.queues {
            let Some(known) = before.queues.get(conversation) else { continue };
            let restored = std::mem::take(&mut queue.waiting);
            for mut answer in restored {
                let is_it = |known: &&Answer| known.id == answer.id;
                if let Some(sent) = known.sent.iter().find(is_it) {
                    let overtaken = before.on_the_way.get(&answer.id).is_some_and(|way| way.overtaken);
                    self.on_the_way.insert(answer.id, Way { conversation: *conversation, overtaken });
                    queue.sent.push_back(sent.clone());
                    continue;
                }
                if let Some(waiting) = known.waiting.iter().find(is_it) {
                    answer.again = waiting.again;
                }
                queue.waiting.push_back(answer);
            }
        }
    }

    /// The connection to the daemon is gone: what was on its way may have arrived.
    pub fn lost(&mut self) {
        self.on_the_way.clear();
        for queue in self.queues.values_mut() {
            queue.proven = false;
            while let Some(answer) = queue.sent.pop_back() {
                queue.waiting.push_front(Answer { again: true, ..answer });
            }
        }
        self.look_at_all();
    }

    /// The visitor came, went or changed the nick: the next answer has to prove itself alone, and what becomes of those on
    /// their way says nothing of where the visitor is now.
    pub fn unproven(&mut self, conversation: ConversationId) {
        if let Some(queue) = self.queues.get_mut(&conversation) {
            queue.proven = false;
            for answer in &queue.sent {
                if let Some(way) = self.on_the_way.get_mut(&answer.id) {
                    way.overtaken = true;
                }
            }
            self.ready.insert(conversation);
        }
    }

    /// Something may leave in any conversation.
    pub fn look_at_all(&mut self) {
        self.ready.extend(self.queues.keys().copied());
    }

    /// Forgets what is owed in a conversation that is deleted.
    pub fn forget(&mut self, conversation: ConversationId) {
        if let Some(queue) = self.queues.remove(&conversation) {
            for answer in queue.sent {
                self.on_the_way.remove(&answer.id);
            }
        }
    }

    /// Who wrote the answers owed in this conversation, each once.
    pub fn authors(&self, conversation: ConversationId) -> Vec<ScreenName> {
        let Some(queue) = self.queues.get(&conversation) else { return Vec::new() };
        let mut authors: Vec<ScreenName> = Vec::new();
        for answer in queue.sent.iter().chain(&queue.waiting) {
            if !authors.contains(&answer.from) {
                authors.push(answer.from.clone());
            }
        }
        authors
    }

    /// The first entry that waits in this conversation and is not on its way.
    pub fn waiting_from(&self, conversation: ConversationId) -> Option<u64> {
        Some(self.queues.get(&conversation)?.waiting.front()?.entry)
    }

    /// Answers owed in this conversation.
    pub fn owed(&self, conversation: ConversationId) -> usize {
        self.queues.get(&conversation).map_or(0, |queue| queue.waiting.len() + queue.sent.len())
    }

    /// Conversations in which something may leave that could not when last asked.
    pub fn take_ready(&mut self) -> BTreeSet<ConversationId> {
        std::mem::take(&mut self.ready)
    }

    /// Whether an answer waits in this conversation.
    pub fn waits(&self, conversation: ConversationId) -> bool {
        self.queues.get(&conversation).is_some_and(|queue| !queue.waiting.is_empty())
    }

    /// Answers owed, over all conversations.
    pub fn depth(&self) -> usize {
        self.queues.values().map(|queue| queue.waiting.len() + queue.sent.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: ConversationId = ConversationId(1);

    fn outbox(answers: u64) -> VisitorOutbox {
        let mut outbox = VisitorOutbox::default();
        for number in 1..=answers {
            outbox.enqueue(
                ANNA,
                Answer {
                    id: AnswerId(number),
                    entry: number,
                    from: "staff1".into(),
                    text: number.to_string(),
                    at: Millis(0),
                    again: false,
                },
            );
        }
        outbox
    }

    fn depart(outbox: &mut VisitorOutbox) -> Vec<u64> {
        std::iter::from_fn(|| outbox.depart(ANNA).map(|answer| answer.id.0)).collect()
    }

    #[test]
    fn the_first_proves_the_way_for_the_rest() {
        let mut outbox = outbox(4);
        assert_eq!(depart(&mut outbox), [1]);
        assert!(outbox.accepted(AnswerId(1)).is_some());
        assert_eq!(depart(&mut outbox), [2, 3, 4]);
        assert_eq!(outbox.owed(ANNA), 3);
        for id in 2..=4 {
            outbox.accepted(AnswerId(id));
        }
        assert_eq!(outbox.depth(), 0);
        assert!(outbox.accepted(AnswerId(4)).is_none());
    }

    #[test]
    fn what_is_refused_keeps_its_place() {
        let mut outbox = outbox(4);
        depart(&mut outbox);
        outbox.accepted(AnswerId(1));
        assert_eq!(depart(&mut outbox), [2, 3, 4]);
        outbox.refused(AnswerId(2));
        outbox.refused(AnswerId(3));
        assert!(depart(&mut outbox).is_empty(), "4 is still on its way");
        outbox.refused(AnswerId(4));
        assert_eq!(depart(&mut outbox), [2]);
    }

    #[test]
    fn what_was_lost_goes_again_marked() {
        let mut outbox = outbox(3);
        depart(&mut outbox);
        outbox.accepted(AnswerId(1));
        depart(&mut outbox);
        outbox.lost();
        assert_eq!(outbox.owed(ANNA), 2);
        assert!(outbox.depart(ANNA).is_some_and(|answer| answer.id == AnswerId(2) && answer.again));
        assert!(outbox.accepted(AnswerId(2)).is_some());
    }
}
