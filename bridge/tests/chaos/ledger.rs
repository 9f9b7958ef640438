//! Who said what to whom, and what of it arrived where. A line at the wrong person, out of order or twice without a mark
//! ends the test at once; what is missing at the end is told by [`Ledger::missing`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::time::Instant;

use super::text;

/// One life of a visitor: a person, as the bridge should see it.
pub(crate) type Person = String;
pub(crate) type Staff = String;

/// What its sender knows of a line or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has to arrive.
    Owed,
    /// Its sender was told that it was not taken.
    Refused,
    /// Nobody can know: it went to a server that ended.
    Doubtful,
}

#[derive(Debug, Default)]
struct Books {
    lines: BTreeMap<Person, Vec<Fate>>,
    /// By who heard, and whom: the numbers, first occurrences.
    heard: BTreeMap<(Staff, Person), Vec<usize>>,
    labels: BTreeMap<Person, String>,
    answers: BTreeMap<(Staff, Person), Vec<(Fate, SystemTime)>>,
    read: BTreeMap<(Staff, Person), Vec<usize>>,
    /// What widgets show, by entry.
    shown: BTreeMap<Person, BTreeMap<u64, (Staff, usize)>>,
    /// What the OSCAR server acknowledged and threw away.
    lost: BTreeSet<(Staff, Person, usize)>,
    /// From when to when staff were told that lines may not have arrived; seconds since 1970.
    told_away: BTreeMap<Staff, Vec<(u64, u64)>>,
    /// How many of their answers staff were told that they went to nobody.
    told_not_stored: BTreeMap<Staff, usize>,
    /// People who left: answers to them may wait for ever.
    left: BTreeSet<Person>,
    /// The store may take nothing until then.
    refuses_until: Option<Instant>,
    /// Lines that their sender's program said again before it heard that they were refused.
    said_again: BTreeSet<(Person, usize)>,
    repeats: usize,
    faults: Vec<String>,
}

/// Shared by all who take part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Books>>);

impl Ledger {
    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A visitor is about to say a line. Gives its number.
    pub(crate) fn say(&self, who: &str) -> usize {
        let mut books = self.books();
        let lines = books.lines.entry(who.to_owned()).or_default();
        lines.push(Fate::Owed);
        lines.len() - 1
    }

    /// Refused, though its sender's program has said it again meanwhile: then it comes late, or not at all.
    pub(crate) fn was_said_again(&self, who: &str, number: usize) {
        self.books().said_again.insert((who.to_owned(), number));
        self.line_is(who, number, Fate::Doubtful);
    }

    pub(crate) fn line_is(&self, who: &str, number: usize, fate: Fate) {
        if let Some(line) = self.books().lines.get_mut(who).and_then(|lines| lines.get_mut(number)) {
            *line = fate;
        }
    }

    /// The daemon ended that had this person's lines: what of the last ones had not reached the bridge is lost.
    pub(crate) fn daemon_ended(&self, who: &str) {
        let mut books = self.books();
        let heard = books.heard.iter().filter(|((_, person), _)| person == who);
        let known = heard.filter_map(|(_, numbers)| numbers.iter().max()).max().map_or(0, |last| last + 1);
        if let Some(lines) = books.lines.get_mut(who) {
            for line in lines.iter_mut().skip(known).filter(|line| **line == Fate::Owed) {
                *line = Fate::Doubtful;
            }
        }
    }

    /// The same for all who speak by it, those who have left included.
    pub(crate) fn history_ended(&self) {
        let people: Vec<Person> =
            self.books().lines.keys().filter(|person| person.contains('.')).cloned().collect();
        for person in people {
            self.daemon_ended(&person);
        }
    }

    /// The store may take nothing until then: who leaves meanwhile does not hear which lines it did not take.
    pub(crate) fn refuses_until(&self, until: Instant) {
        let refuses_until = &mut self.books().refuses_until;
        *refuses_until = (*refuses_until).max(Some(until));
    }

    pub(crate) fn left(&self, who: &str) {
        if self.books().refuses_until.is_some_and(|until| Instant::now() < until) {
            self.daemon_ended(who);
        }
        self.books().left.insert(who.to_owned());
    }

    /// A staff member reads a line of a visitor's, under a label.
    pub(crate) fn hear(&self, staff: &str, label: &str, said: &str, again: bool) {
        let Some((person, number)) = text::line(said) else {
            return self.wrong(format!("{said:?} from {label}"));
        };
        let mut books = self.books();
        if text::line_of(&person, number) != said {
            books.faults.push(format!("{staff} read {said:?}"));
        }
        match books.lines.get(&person).and_then(|lines| lines.get(number)) {
            Some(Fate::Owed | Fate::Doubtful) => {}
            Some(Fate::Refused) => {
                books.faults.push(format!("{person}'s {number} was refused and came to {staff}"));
            }
            None => books.faults.push(format!("{person} never said {number}")),
        }
        let known = books.labels.entry(person.clone()).or_insert_with(|| label.to_owned()).clone();
        if known != label {
            books.faults.push(format!("{person} was {known}, is {label} for {staff}"));
        }
        if books.labels.iter().any(|(other, known)| known == label && *other != person) {
            books.faults.push(format!("{label} is {person} and somebody else"));
        }
        let is_late = books.said_again.contains(&(person.clone(), number));
        let numbers = books.heard.entry((staff.to_owned(), person.clone())).or_default();
        let (last, is_known) = (numbers.last().copied(), numbers.contains(&number));
        if !is_known && !is_late {
            numbers.push(number);
        } else if !is_known {
            numbers.insert(0, number);
        }
        match (is_known, again) {
            (true, true) => books.repeats += 1,
            (true, false) => {
                books.faults.push(format!("{person}'s {number} came twice to {staff}, unmarked"));
            }
            (false, _) if !is_late && last.is_some_and(|last| last > number) => {
                books.faults.push(format!("{person}'s {number} came to {staff} after {last:?}"));
            }
            (false, _) => {}
        }
    }

    /// Labels of people who are there, as staff know them.
    pub(crate) fn people(&self) -> Vec<(Person, String)> {
        let books = self.books();
        let here = books.labels.iter().filter(|(person, _)| !books.left.contains(*person));
        here.map(|(person, label)| (person.clone(), label.clone())).collect()
    }

    /// A staff member is about to answer. Gives the number.
    pub(crate) fn answer(&self, staff: &str, to: &str) -> usize {
        let mut books = self.books();
        let answers = books.answers.entry((staff.to_owned(), to.to_owned())).or_default();
        #[allow(clippy::disallowed_methods, reason = "compared with what staff are told")]
        let now = SystemTime::now();
        answers.push((Fate::Owed, now));
        answers.len() - 1
    }

    pub(crate) fn answer_is(&self, staff: &str, to: &str, number: usize, fate: Fate) {
        let mut books = self.books();
        let answers = books.answers.get_mut(&(staff.to_owned(), to.to_owned()));
        if let Some(answer) = answers.and_then(|answers| answers.get_mut(number)) {
            answer.0 = fate;
        }
    }

    /// A visitor reads an answer. `marked`: it says that it may be a repeat, or can't be told from one.
    pub(crate) fn read(&self, who: &str, said: &str, marked: bool) {
        let Some((staff, number)) = self.check_answer(who, said) else { return };
        let mut books = self.books();
        let numbers = books.read.entry((staff.clone(), who.to_owned())).or_default();
        let (last, is_known) = (numbers.last().copied(), numbers.contains(&number));
        if !is_known {
            numbers.push(number);
        }
        match (is_known, marked) {
            (true, true) => books.repeats += 1,
            (true, false) => books.faults.push(format!("{staff}'s {number} came twice to {who}, unmarked")),
            (false, _) if last.is_some_and(|last| last > number) => {
                books.faults.push(format!("{staff}'s {number} came to {who} after {last:?}"));
            }
            (false, _) => {}
        }
    }

    /// A widget shows an answer at its place, once, however often it comes.
    pub(crate) fn shown(&self, who: &str, entry: u64, said: &str) {
        let Some((staff, number)) = self.check_answer(who, said) else { return };
        let mut books = self.books();
        let before = books.shown.entry(who.to_owned()).or_default().insert(entry, (staff.clone(), number));
        if before.as_ref().is_some_and(|before| *before != (staff.clone(), number)) {
            books.faults.push(format!("entry {entry} of {who} is {before:?} and {staff}'s {number}"));
        }
        books.read.entry((staff, who.to_owned())).or_default().push(number);
    }

    fn check_answer(&self, who: &str, said: &str) -> Option<(Staff, usize)> {
        let Some((staff, to, number)) = text::answer(said) else {
            self.wrong(format!("{who} read {said:?}"));
            return None;
        };
        let mut books = self.books();
        if to != who {
            books.faults.push(format!("{who} read what {staff} said to {to}: {said:?}"));
            return None;
        }
        let whole = text::answer_to(&staff, &to, number);
        if whole != said && !(text::is_long(number) && whole.starts_with(said)) {
            books.faults.push(format!("{who} read {said:?}"));
        }
        match books.answers.get(&(staff.clone(), to.clone())).and_then(|answers| answers.get(number)) {
            Some((Fate::Owed | Fate::Doubtful, _)) => {}
            Some((Fate::Refused, _)) => {
                books.faults.push(format!("{staff}'s {number} to {to} was refused and came"));
            }
            None => books.faults.push(format!("{staff} never said {number} to {to}")),
        }
        Some((staff, number))
    }

    /// At the end: what widgets show, from the first entry to the last, is in order and stands there once.
    pub(crate) fn check_shown(&self) {
        let mut books = self.books();
        let mut faults = Vec::new();
        for (who, entries) in &books.shown {
            let mut last: BTreeMap<&str, usize> = BTreeMap::new();
            for (entry, (staff, number)) in entries {
                if last.insert(staff, *number).is_some_and(|last| last >= *number) {
                    faults
                        .push(format!("{staff}'s {number} stands at {entry} for {who}, behind a later one"));
                }
            }
        }
        books.faults.extend(faults);
    }

    /// The OSCAR server acknowledged a message to this staff member and threw it away.
    pub(crate) fn thrown_away(&self, staff: &str, message: &str) {
        for line in message.lines() {
            if let Some((from, to)) = text::away(line) {
                self.told_away(staff, from, to);
            }
            let mut books = self.books();
            let said = line.split_once(": ").map(|(_, said)| said.trim_end_matches(" (again)"));
            if let Some((person, number)) = said.and_then(text::line) {
                books.lost.insert((staff.to_owned(), person, number));
            }
        }
    }

    pub(crate) fn told_away(&self, staff: &str, from: u64, to: u64) {
        self.books().told_away.entry(staff.to_owned()).or_default().push((from, to));
    }

    pub(crate) fn wrong(&self, what: String) {
        self.books().faults.push(what);
    }

    /// What went wrong so far.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.books().faults.clone()
    }

    /// Staff hear that an answer could not be stored.
    pub(crate) fn told_not_stored(&self, staff: &str) {
        *self.books().told_not_stored.entry(staff.to_owned()).or_default() += 1;
    }

    /// What has yet to arrive; answers that were lost and of which staff were told so are not in it.
    pub(crate) fn missing(&self, staff: &[Staff]) -> Vec<String> {
        let books = self.books();
        let mut missing = Vec::new();
        for (person, lines) in &books.lines {
            for staff in staff {
                let heard = books.heard.get(&(staff.clone(), person.clone()));
                let heard: BTreeSet<usize> = heard.into_iter().flatten().copied().collect();
                for (number, fate) in lines.iter().enumerate() {
                    let lost = books.lost.contains(&(staff.clone(), person.clone(), number));
                    if *fate == Fate::Owed && !heard.contains(&number) && !lost {
                        missing.push(format!("{person}'s {number} to {staff}"));
                    }
                }
            }
        }
        let mut told_not_stored = books.told_not_stored.clone();
        for ((staff, person), answers) in &books.answers {
            if books.left.contains(person) {
                continue;
            }
            let read = books.read.get(&(staff.clone(), person.clone()));
            let read: BTreeSet<usize> = read.into_iter().flatten().copied().collect();
            for (number, (fate, at)) in answers.iter().enumerate() {
                if *fate != Fate::Owed || read.contains(&number) {
                    continue;
                }
                let at = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |at| at.as_secs());
                let told = books.told_away.get(staff).into_iter().flatten();
                // The clock of the words has whole seconds.
                if told.into_iter().any(|(from, to)| (from.saturating_sub(1)..=to + 1).contains(&at)) {
                    continue;
                }
                // Each such notice is of one message; which one it doesn't say.
                let excuses = told_not_stored.get_mut(staff).filter(|left| **left > 0);
                if let Some(left) = excuses {
                    *left -= 1;
                } else {
                    missing.push(format!("{staff}'s {number} to {person}, said at {}", at % 86_400));
                }
            }
        }
        missing
    }

    /// How much of it all.
    pub(crate) fn summary(&self) -> String {
        let books = self.books();
        let lines: usize = books.lines.values().map(Vec::len).sum();
        let heard: usize = books.heard.values().map(Vec::len).sum();
        let answers: usize = books.answers.values().map(Vec::len).sum();
        let read: usize = books.read.values().map(Vec::len).sum();
        format!(
            "{lines} lines of {} people heard {heard} times, {answers} answers, {read} read, {} marked repeats, {} thrown away, told {:?}",
            books.lines.len(),
            books.repeats,
            books.lost.len(),
            books.told_away,
        )
    }
}
