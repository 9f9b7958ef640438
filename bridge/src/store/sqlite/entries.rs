//! Transcripts. Entries of all conversations stand in one table in the order in which they were said, so that what is
//! said at one time is written to one page; each names the one before it in its conversation, whose row names
//! the newest. Reading goes from there into the past: what is asked for is nearly always near the end.

use std::collections::VecDeque;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{author, int, number};
use crate::conversation::{ConversationId, Millis};
use crate::store::{Entry, is_in, wants_oldest};
use crate::web::event::HistoryRange;

/// A conversation's newest entry; in one where nobody has spoken yet, none, with the number 0.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Newest {
    pub(super) id: Option<i64>,
    pub(super) number: u64,
}

/// None where there is no such conversation.
pub(super) fn newest(
    connection: &Connection,
    conversation: ConversationId,
) -> rusqlite::Result<Option<Newest>> {
    let mut statement =
        connection.prepare_cached("SELECT last_entry, entries FROM conversation WHERE id = ?1")?;
    let found = statement
        .query_row([int(conversation.0)], |row| Ok(Newest { id: row.get(0)?, number: number(row, 1)? }));
    found.optional()
}

/// The id of the entry with this number.
pub(super) fn find(connection: &Connection, newest: Newest, wanted: u64) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached("SELECT previous FROM entry WHERE id = ?1")?;
    let mut id = newest.id.filter(|_| wanted <= newest.number);
    for _ in wanted..newest.number {
        id = statement.query_row([id], |row| row.get(0)).optional()?.flatten();
    }
    id.ok_or_else(|| contradiction("an answer is no entry"))
}

/// A write does not go with what is there.
pub(super) fn contradiction(what: &'static str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(what.into())
}

/// When the first line was said that nobody has answered.
pub(super) fn unanswered_since(
    connection: &Connection,
    conversation: ConversationId,
) -> rusqlite::Result<Option<Millis>> {
    let mut statement =
        connection.prepare_cached("SELECT previous, at, staff IS NULL FROM entry WHERE id = ?1")?;
    let mut next = newest(connection, conversation)?.and_then(|newest| newest.id);
    let mut since: Option<Millis> = None;
    while let Some(id) = next {
        let (previous, at, is_line) = statement
            .query_row([id], |row| Ok((row.get(0)?, Millis(number(row, 1)?), row.get::<_, bool>(2)?)))?;
        if !is_line {
            break;
        }
        since = Some(since.map_or(at, |since| since.min(at)));
        next = previous;
    }
    Ok(since)
}

/// At most `limit` entries of a conversation, oldest first: those nearest to the range's end, or to its beginning where that is
/// what the range names.
pub(super) fn read(
    connection: &Connection,
    conversation: ConversationId,
    range: &HistoryRange,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let mut statement = connection.prepare_cached(
        "SELECT previous, number, at, staff, text, client_id,
             NOT EXISTS (SELECT 1 FROM untaken WHERE untaken.conversation = entry.conversation
                 AND untaken.number = entry.number)
         FROM entry WHERE id = ?1",
    )?;
    let newest_first = !wants_oldest(range);
    let mut found = VecDeque::new();
    let mut next = newest(connection, conversation)?.and_then(|newest| newest.id).filter(|_| limit > 0);
    while let Some(id) = next {
        let (entry, previous) = statement.query_row([id], |row| {
            let entry = Entry {
                number: number(row, 1)?,
                at: Millis(number(row, 2)?),
                author: author(row.get(3)?),
                text: row.get(4)?,
                client_id: row.get(5)?,
                taken: row.get(6)?,
            };
            Ok((entry, row.get(0)?))
        })?;
        next = previous;
        if is_in(range, entry.number, entry.at) {
            found.push_front(entry);
        } else if matches!(range, HistoryRange::After(_)) {
            break;
        }
        if found.len() == limit && newest_first {
            break;
        }
        found.truncate(limit);
    }
    Ok(found.into())
}

/// Deletes all entries of a conversation, and notes those that the IRC daemon may still have.
pub(super) fn delete(connection: &Connection, conversation: ConversationId) -> rusqlite::Result<()> {
    let mut read =
        connection.prepare_cached("SELECT previous, staff, channel, msgid FROM entry WHERE id = ?1")?;
    let mut delete = connection.prepare_cached("DELETE FROM entry WHERE id = ?1")?;
    let mut known = Vec::new();
    let mut next = newest(connection, conversation)?.and_then(|newest| newest.id);
    while let Some(id) = next {
        let (previous, staff, channel, msgid) = read.query_row([id], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, Option<String>>(1)?,
                row.get::<_, Option<String>>(2)?,
                row.get::<_, Option<String>>(3)?,
            ))
        })?;
        if let (None, Some(msgid)) = (staff, msgid) {
            known.push((channel.unwrap_or_default(), msgid));
        }
        delete.execute([id])?;
        next = previous;
    }
    let mut note = connection.prepare_cached("INSERT INTO redaction (channel, msgid) VALUES (?1, ?2)")?;
    for (channel, msgid) in known.iter().rev() {
        note.execute(params![channel, msgid])?;
    }
    Ok(())
}
