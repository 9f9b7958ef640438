//! CHATHISTORY as the gateway answers it (`docs/protocol/visitor.md`): the question parsed, the answer as a batch.

use std::time::SystemTime;

use unicode_segmentation::UnicodeSegmentation as _;

use super::event::{Author, HistoryEntry, HistoryRange};
use crate::irc::text::{Line, LineText, Word};
use crate::irc::timestamp;

/// Entries of one answer.
pub(super) const MAX_ENTRIES: usize = 200;
/// Text of one line of the answer.
const PIECE_BYTES: usize = 400;

/// A question that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) range: HistoryRange,
    pub(super) limit: usize,
    /// `LATEST` with a reference: only what came after it.
    pub(super) newer_than: Option<Reference>,
}

/// A point in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference {
    Entry(u64),
    Time(SystemTime),
}

/// Why a question can't be answered; the code of the FAIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadQuestion(pub(super) &'static str);

impl Question {
    /// `parameters`: subcommand, target, and what follows. The target is checked by the caller.
    pub(super) fn parse(parameters: &[&str]) -> Result<Self, BadQuestion> {
        let &[subcommand, _, reference, limit] = parameters else {
            return Err(BadQuestion("INVALID_PARAMS"));
        };
        let limit: usize =
            limit.parse().ok().filter(|&limit| limit > 0).ok_or(BadQuestion("INVALID_PARAMS"))?;
        let limit = limit.min(MAX_ENTRIES);
        let latest = |newer_than| Self { range: HistoryRange::Latest, limit, newer_than };
        if subcommand.eq_ignore_ascii_case("LATEST") && reference == "*" {
            return Ok(latest(None));
        }
        let point = Reference::parse(reference)?;
        let range = match (subcommand.to_ascii_uppercase().as_str(), point) {
            ("LATEST", _) => return Ok(latest(Some(point))),
            ("BEFORE", Reference::Entry(entry)) => HistoryRange::Before(entry),
            ("BEFORE", Reference::Time(at)) => HistoryRange::BeforeTime(at),
            ("AFTER", Reference::Entry(entry)) => HistoryRange::After(entry),
            ("AFTER", Reference::Time(at)) => HistoryRange::AfterTime(at),
            _ => return Err(BadQuestion("INVALID_PARAMS")),
        };
        Ok(Self { range, limit, newer_than: None })
    }

    fn wants(&self, entry: &HistoryEntry) -> bool {
        match self.newer_than {
            None => true,
            Some(Reference::Entry(number)) => entry.entry > number,
            Some(Reference::Time(at)) => entry.at > at,
        }
    }
}

impl Reference {
    fn parse(text: &str) -> Result<Self, BadQuestion> {
        match text.split_once('=') {
            Some(("msgid", id)) => id
                .rsplit_once('-')
                .and_then(|(_, entry)| entry.parse().ok())
                .map(Self::Entry)
                .ok_or(BadQuestion("INVALID_PARAMS")),
            Some(("timestamp", stamp)) => {
                timestamp::parse(stamp).map(Self::Time).ok_or(BadQuestion("INVALID_PARAMS"))
            }
            _ => Err(BadQuestion("INVALID_MSGREFTYPE")),
        }
    }
}

/// What the visitor's program understands of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Understands {
    pub(super) batch: bool,
    pub(super) message_tags: bool,
    pub(super) server_time: bool,
}

/// The names in an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) gateway: &'a Word,
    pub(super) bot: &'a Word,
    pub(super) visitor: &'a Word,
}

/// The answer's lines. `reference` names the batch, `label` is the question's.
pub(super) fn answer(
    question: &Question,
    entries: &[HistoryEntry],
    names: Names<'_>,
    understands: Understands,
    reference: &str,
    label: Option<&str>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let batch = |mark: String, kind: Option<&str>| {
        let line = Line::from_source(names.gateway, &word("BATCH")).word(&word(&mark));
        match kind {
            Some(kind) => line.word(&word(kind)).word(names.bot),
            None => line,
        }
    };
    if understands.batch {
        let start = batch(format!("+{reference}"), Some("chathistory"));
        lines.push(start.tags(label.map(|label| ("label", label))));
    }
    for entry in entries.iter().filter(|entry| question.wants(entry)) {
        entry_lines(&mut lines, entry, names, understands, reference);
    }
    if understands.batch {
        lines.push(batch(format!("-{reference}"), None));
    }
    lines
}

fn entry_lines(
    lines: &mut Vec<Line>,
    entry: &HistoryEntry,
    names: Names<'_>,
    understands: Understands,
    reference: &str,
) {
    let (source, target) = match entry.author {
        Author::Visitor { .. } => (names.visitor, names.bot),
        Author::Staff { .. } => (names.bot, names.visitor),
    };
    let number = entry.entry.to_string();
    let time = timestamp::format(entry.at);
    let msgid = format!("{}-{number}", entry.conversation);
    let mut first = true;
    for line in LineText::lines(&entry.text) {
        for piece in pieces(line.as_str()) {
            let mut tags: Vec<(&str, &str)> = Vec::new();
            if understands.batch {
                tags.push(("batch", reference));
            }
            if understands.server_time {
                tags.push(("time", &time));
            }
            if understands.message_tags {
                // One message has one id; the entry's number holds its parts together.
                if first {
                    tags.push(("msgid", &msgid));
                }
                tags.push(("+bridgebot/entry", &number));
                match &entry.author {
                    Author::Visitor { client_id, state } => {
                        tags.extend(client_id.as_deref().map(|id| ("+bridgebot/id", id)));
                        tags.push(("+bridgebot/state", state));
                    }
                    Author::Staff { name } => tags.push(("+bridgebot/from", name)),
                }
            }
            let line = Line::from_source(source, &word("PRIVMSG")).word(target);
            lines.push(line.trailing(&LineText::flat(piece)).tags(tags));
            first = false;
        }
    }
}

/// Pieces of at most [`PIECE_BYTES`], cut between grapheme clusters; nothing is dropped.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while rest.len() > PIECE_BYTES {
        let fits = |&(start, cluster): &(usize, &str)| start + cluster.len() <= PIECE_BYTES;
        let clusters =
            rest.grapheme_indices(true).take_while(fits).last().map(|(start, cluster)| start + cluster.len());
        let cut = clusters
            .or_else(|| (1..=PIECE_BYTES).rev().find(|&at| rest.is_char_boundary(at)))
            .unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(cut);
        pieces.push(piece);
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// A parameter of our own making, which always is one.
fn word(text: &str) -> Word {
    Word::new(text).unwrap_or_else(Word::star)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn parse(text: &str) -> Result<Question, BadQuestion> {
        Question::parse(&text.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn questions() {
        let range = |text: &str| parse(text).map(|question| (question.range, question.limit));
        assert_eq!(range("LATEST bot * 50"), Ok((HistoryRange::Latest, 50)));
        assert_eq!(range("before bot msgid=c-1-17 500"), Ok((HistoryRange::Before(17), 200)));
        assert_eq!(
            range("AFTER bot timestamp=1970-01-01T00:00:01Z 1"),
            Ok((HistoryRange::AfterTime(UNIX_EPOCH + Duration::from_secs(1)), 1))
        );
        assert_eq!(parse("LATEST bot msgid=c-9 5").unwrap().newer_than, Some(Reference::Entry(9)));
        for (text, code) in [
            ("LATEST bot *", "INVALID_PARAMS"),
            ("LATEST bot * 0", "INVALID_PARAMS"),
            ("LATEST bot * -1", "INVALID_PARAMS"),
            ("BEFORE bot * 5", "INVALID_MSGREFTYPE"),
            ("AFTER bot uid=5 5", "INVALID_MSGREFTYPE"),
            ("AFTER bot msgid=x 5", "INVALID_PARAMS"),
            ("AROUND bot msgid=c-1 5", "INVALID_PARAMS"),
            ("TARGETS a b 5", "INVALID_MSGREFTYPE"),
            ("X", "INVALID_PARAMS"),
        ] {
            assert_eq!(parse(text), Err(BadQuestion(code)), "{text}");
        }
    }

    #[test]
    fn answers() {
        let entry = |number, text: &str, author| HistoryEntry {
            conversation: "c1".into(),
            entry: number,
            at: UNIX_EPOCH,
            text: text.into(),
            author,
        };
        let entries = [
            entry(1, "old", Author::Staff { name: "Eva".into() }),
            entry(2, "hi", Author::Visitor { client_id: Some("x".into()), state: "taken" }),
            entry(3, &format!("two\nlines {}", "é".repeat(250)), Author::Staff { name: "Eva S".into() }),
        ];
        let names = Names { gateway: &word("gateway"), bot: &word("bot"), visitor: &word("anna") };
        let all = Understands { batch: true, message_tags: true, server_time: true };
        let question = parse("LATEST bot msgid=c1-1 9").unwrap();
        let lines = answer(&question, &entries, names, all, "h1", Some("L"));
        let lines: Vec<&str> = lines.iter().map(Line::as_str).collect();
        assert_eq!(lines[0], "@label=L :gateway BATCH +h1 chathistory bot");
        assert_eq!(
            lines[1],
            "@batch=h1;time=1970-01-01T00:00:00.000Z;msgid=c1-2;+bridgebot/entry=2;+bridgebot/id=x;+bridgebot/state=taken :anna PRIVMSG bot :hi"
        );
        assert_eq!(
            lines[2],
            "@batch=h1;time=1970-01-01T00:00:00.000Z;msgid=c1-3;+bridgebot/entry=3;+bridgebot/from=Eva\\sS :bot PRIVMSG anna :two"
        );
        assert!(lines[3].starts_with("@batch=h1;time=1970-01-01T00:00:00.000Z;+bridgebot/entry=3;"));
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[5], ":gateway BATCH -h1");
        let none = Understands { batch: false, message_tags: false, server_time: false };
        assert_eq!(answer(&question, &entries, names, none, "h1", None)[0].as_str(), ":anna PRIVMSG bot :hi");
    }
}
