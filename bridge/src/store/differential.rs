//! The engines side by side: the same writes, most of them sensible and some not, leave the same in both.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use testkit::numbers::Numbers;

use super::{MemoryStore, SqliteStore, Store, Write};
use crate::aim::event::{AccountId, ImCookie};
use crate::conversation::{Author, ConversationId, Millis, VisitorKey};
use crate::outbox::staff::{DeliveryId, Im, Rank, Row};
use crate::outbox::visitor::AnswerId;
use crate::web::event::HistoryRange;

const SEEDS: u64 = 15;
const TRANSACTIONS: usize = 60;
/// Between two moments: more than there are.
const STEP: u64 = 10_000;

/// Writes as a bridge makes them, without its care: numbers are taken twice, and what is meant may be gone.
struct Writer {
    numbers: Numbers,
    conversations: u64,
    /// How many each conversation has, as the engines say.
    entries: BTreeMap<ConversationId, u64>,
    rows: u64,
    answers: u64,
    owed: Vec<Row>,
    now: u64,
    times: u64,
}

impl Writer {
    fn new(seed: u64) -> Self {
        let numbers = Numbers::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Self {
            numbers,
            conversations: 1,
            entries: BTreeMap::new(),
            rows: 1,
            answers: 1,
            owed: Vec::new(),
            now: 100 * STEP,
            times: 0,
        }
    }

    fn newest(&self, id: ConversationId) -> u64 {
        self.entries.get(&id).copied().unwrap_or_default()
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.numbers.below(usize::try_from(limit).unwrap()) as u64
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A number up to `newest`, most often one of the latest, sometimes one too high.
    fn some(&mut self, newest: u64) -> u64 {
        let back = self.below(8);
        if self.one_in(50) { newest + 1 } else { newest.saturating_sub(back).max(1) }
    }

    fn conversation(&mut self) -> ConversationId {
        ConversationId(self.some(self.conversations))
    }

    fn key(&mut self) -> VisitorKey {
        let number = self.conversations + self.below(3);
        if self.one_in(2) {
            VisitorKey::session(&number.to_string())
        } else {
            VisitorKey::connection("u", "h", number)
        }
    }

    fn staff(&mut self) -> oscar_im::ScreenName {
        oscar_im::ScreenName::new(format!("staff{}", self.below(3)))
    }

    fn maybe<T>(&mut self, value: T) -> Option<T> {
        (!self.one_in(3)).then_some(value)
    }

    /// Each time is there once, and they don't come in order: the daemon's history brings older lines.
    fn time(&mut self) -> Millis {
        self.times += 1;
        self.now += STEP;
        let older = STEP * self.below(40).saturating_sub(30);
        Millis(self.now - older + self.times)
    }

    fn transaction(&mut self) -> Vec<Write> {
        let mut writes = Vec::new();
        for _ in 0..=self.below(8) {
            self.add(&mut writes);
        }
        // An engine may carry these out last.
        writes.sort_by_key(|write| matches!(write, Write::Settle(_) | Write::Taken(..)));
        writes
    }

    fn add(&mut self, writes: &mut Vec<Write>) {
        let id = self.conversation();
        match self.below(30) {
            0..=2 => {
                self.conversations += u64::from(!self.one_in(20));
                let (id, key, at) = (ConversationId(self.conversations), self.key(), self.time());
                writes.push(Write::Open { id, key, label: format!("v{}", id.0), at });
            }
            3 => {
                let key = self.key();
                let key = self.maybe(key);
                writes.push(Write::Key(id, key));
            }
            4 => writes.push(Write::Nick(id, format!("nick{}", self.rows))),
            5 => writes.push(Write::Page(id, format!("page{}", self.rows))),
            6 => writes.push(Write::Language(id, "de".into())),
            7 => writes.push(Write::Contact(id, format!("{}@example.org", self.rows))),
            8 => {
                let department = self.maybe("sales".to_owned());
                writes.push(Write::Department(id, department));
            }
            9 => {
                let at = self.time();
                let at = self.maybe(at);
                writes.push(Write::Closed(id, at));
            }
            10 => writes.push(Write::Retire(id)),
            11 => {
                let holder = self.staff();
                let holder = self.maybe(holder);
                writes.push(Write::Holder(id, holder));
            }
            12 => writes.push(Write::Blocked(id, self.one_in(2))),
            13..=16 => self.line(id, writes),
            17 | 18 => self.answer(id, writes),
            19 => {
                let entry = self.some(self.newest(id));
                writes.push(Write::Taken(id, entry));
            }
            20 => writes.push(Write::Drop(DeliveryId(self.some(self.rows)))),
            21 => {
                let to = self.staff();
                writes.push(Write::Reassign(DeliveryId(self.some(self.rows)), to));
            }
            22 => self.form(writes),
            23 | 24 => writes.push(Write::Settle(DeliveryId(self.some(self.rows)))),
            25 => writes.push(Write::Return(DeliveryId(self.some(self.rows)))),
            26 => writes.push(Write::Paid(AnswerId(self.some(self.answers)))),
            27 => {
                let (sender, at) = (self.staff(), self.time());
                writes.push(Write::Heard { sender, cookie: ImCookie(self.now.to_be_bytes()), at });
                if self.one_in(4) {
                    writes.push(Write::ForgetHeard(Millis(self.now - 10 * STEP)));
                }
            }
            28 => {
                let name = format!("c{}", self.below(4));
                writes.push(if self.one_in(3) {
                    Write::ForgetCanned(name)
                } else {
                    Write::Canned(name, format!("text {}", self.now))
                });
            }
            _ => {
                let at = self.time();
                let since = self.maybe(at);
                writes.push(if self.one_in(2) { Write::AimUp(at) } else { Write::FetchingFrom(since) });
            }
        }
    }

    fn entry(&mut self, conversation: ConversationId, author: Author, writes: &mut Vec<Write>) -> u64 {
        let number = (self.newest(conversation) + u64::from(!self.one_in(60))).max(1);
        self.entries.insert(conversation, number);
        let is_visitor = author == Author::Visitor;
        let (id, channel) = (format!("id{}-{number}", conversation.0), "#support".to_owned());
        writes.push(Write::Entry {
            conversation,
            number,
            at: self.time(),
            author,
            text: format!("text {number}"),
            client_id: self.maybe(id).filter(|_| is_visitor),
            msgid: self.maybe(format!("m{}-{number}", conversation.0)),
            channel: self.maybe(channel),
        });
        number
    }

    /// A visitor's line, owed to somebody, often on its way at once.
    fn line(&mut self, conversation: ConversationId, writes: &mut Vec<Write>) {
        let entry = self.entry(conversation, Author::Visitor, writes);
        for _ in 0..self.below(3) {
            self.rows += 1;
            let row = Row {
                id: DeliveryId(self.rows),
                rank: [Rank::Reply, Rank::Line, Rank::Passenger][self.numbers.below(3)],
                conversation: self.maybe(conversation),
                entry: self.maybe(entry),
                last: self.one_in(2),
                text: format!("row {}\nof {entry}", self.rows).into(),
                at: Millis(self.now),
            };
            self.owed.push(row.clone());
            let to = self.staff();
            writes.push(Write::Owe { to, row });
        }
        if self.one_in(2) {
            self.form(writes);
        }
    }

    fn form(&mut self, writes: &mut Vec<Write>) {
        let many = self.owed.len().saturating_sub(1 + self.numbers.below(3));
        let rows = self.owed.split_off(many);
        if rows.is_empty() {
            return;
        }
        let texts: Vec<&str> = rows.iter().map(|row| &*row.text).collect();
        let cookie = ImCookie(self.rows.to_be_bytes());
        let im =
            Im { cookie, account: AccountId(self.numbers.below(3)), text: texts.join("\n").into(), rows };
        let to = self.staff();
        writes.push(Write::Form { to, im: im.into() });
    }

    fn answer(&mut self, conversation: ConversationId, writes: &mut Vec<Write>) {
        let author = Author::Staff(self.staff());
        let entry = self.entry(conversation, author, writes);
        self.answers += u64::from(!self.one_in(30));
        writes.push(Write::Answer { id: AnswerId(self.answers), conversation, entry });
    }
}

/// All that can be read.
fn state(store: &mut impl Store, conversations: u64) -> String {
    let mut text = format!("{:#?}\n{:#?}\n", store.load().unwrap(), store.conversations(9).unwrap());
    let mut add = |part: String| text.push_str(&part);
    let chores = store.chores().unwrap();
    let lines: Vec<_> = chores.redactions.iter().map(|line| (&line.channel, &line.msgid)).collect();
    add(format!("{:?} {lines:?}\n", chores.deletions));
    for id in 1..=conversations {
        let entries = store.entries(ConversationId(id), &HistoryRange::Latest, usize::MAX).unwrap();
        add(format!("{id}: {entries:?}\n"));
    }
    text
}

/// Where they differ first.
fn difference(one: &str, other: &str) -> Option<String> {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let longer = one.len().max(other.len());
    let at = (0..longer).find(|at| one.get(*at) != other.get(*at))?;
    let shown = |lines: &[&str]| {
        let around = lines.iter().skip(at.saturating_sub(6)).take(9);
        around.map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    };
    Some(format!("\nmemory: {}\nsqlite: {}", shown(&one), shown(&other)))
}

#[test]
fn both_engines_have_the_same_after_the_same() {
    let (mut refused, mut taken) = (0, 0);
    for seed in 1..=SEEDS {
        let mut writer = Writer::new(seed);
        let (mut memory, mut sqlite) = (MemoryStore::new(), SqliteStore::in_memory().unwrap());
        for step in 0..TRANSACTIONS {
            let place = format!("seed {seed}, transaction {step}");
            let writes = writer.transaction();
            let answers = (memory.commit(&writes), sqlite.commit(&writes));
            match &answers {
                (Ok(()), Ok(())) => taken += 1,
                (Err(_), Err(_)) => refused += 1,
                _ => panic!("{place}: {answers:?} to {writes:#?}"),
            }
            if writer.one_in(12) {
                let id = writer.conversation();
                assert_eq!(memory.delete(id).unwrap(), sqlite.delete(id).unwrap(), "{place}");
            }
            if writer.one_in(12) {
                let (before, limit) = (Millis(writer.now - 10 * STEP), writer.numbers.below(4));
                let deleted = (memory.delete_older(before, limit), sqlite.delete_older(before, limit));
                assert_eq!(deleted.0.unwrap(), deleted.1.unwrap(), "{place}");
            }
            if writer.one_in(8) {
                let (some, skip) = (writer.numbers.below(4), writer.numbers.below(2));
                let redacted = |store: &mut dyn Store| {
                    let chores = store.chores().unwrap();
                    let ids = chores.redactions.iter().skip(skip).take(some).map(|line| line.id).collect();
                    store.commit(&[Write::Redacted(ids)]).unwrap();
                };
                redacted(&mut memory);
                redacted(&mut sqlite);
            }
            let listed = memory.conversations(usize::MAX).unwrap();
            writer.entries = listed.iter().map(|one| (one.id, one.entries)).collect();
            let all = writer.conversations;
            let difference = difference(&state(&mut memory, all), &state(&mut sqlite, all));
            assert!(difference.is_none(), "{place}: {}\nafter {writes:#?}", difference.unwrap());
            let id = writer.conversation();
            let (number, moment) = (writer.some(writer.newest(id)), writer.time().0);
            let time = UNIX_EPOCH + Duration::from_millis(moment - writer.below(20 * STEP));
            let limit = writer.numbers.below(5);
            for range in [
                HistoryRange::Latest,
                HistoryRange::Before(number),
                HistoryRange::After(number),
                HistoryRange::BeforeTime(time),
                HistoryRange::AfterTime(time),
            ] {
                let found = (memory.entries(id, &range, limit), sqlite.entries(id, &range, limit));
                assert_eq!(found.0.unwrap(), found.1.unwrap(), "{place}: {range:?} {limit} of {id:?}");
            }
        }
    }
    // Most of it goes through, and refusals are among it.
    assert!(refused * 10 < taken * 9 && refused > 50, "{refused} refused, {taken} taken");
}
