//! One transaction's writes, as few statements as they need.
//!
//! Texts that come to be owed and leave in a message within one transaction are written once, in the message. What
//! became of messages and lines is written last, a run of neighbouring numbers by one statement.

use std::collections::BTreeMap;

use oscar_im::ScreenName;
use rusqlite::{OptionalExtension as _, ToSql, Transaction, params};

use super::entries::{self, Newest};
use super::{im_rows, int, rank_number};
use crate::conversation::wording::AGAIN;
use crate::conversation::{Author, ConversationId, VisitorKey};
use crate::outbox::staff::{DeliveryId, Im, Row};
use crate::store::{MOST_REFUSED, Write, account_number};

/// Carries out all writes.
pub(super) fn commit(transaction: &Transaction<'_>, writes: &[Write]) -> rusqlite::Result<()> {
    let mut commit = Commit::new(transaction, writes);
    writes.iter().try_for_each(|write| commit.apply(write))?;
    commit.finish()
}

/// Messages that hold a text of a conversation which is there no more are dissolved: their text holds what was deleted. What
/// else was in them is owed anew, and says that it may have arrived already.
pub(super) fn dissolve_ims_of_deleted(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut ims = transaction.prepare("SELECT id, recipient, text, rows FROM im")?;
    let mut there = transaction.prepare("SELECT 1 FROM conversation WHERE id = ?1")?;
    let found = ims.query_map([], |row| Ok((row.get::<_, i64>(0)?, stored(row)?)))?;
    for im in found.collect::<rusqlite::Result<Vec<_>>>()? {
        let (id, (to, rows)) = im;
        let mut kept = Vec::new();
        let all = rows.len();
        for row in rows {
            if row.conversation.is_none_or(|id| there.exists([int(id.0)]).unwrap_or(true)) {
                kept.push(row);
            }
        }
        if kept.len() == all {
            continue;
        }
        transaction.execute("DELETE FROM im WHERE id = ?1", [id])?;
        for mut row in kept {
            row.text = format!("{}{AGAIN}", row.text).into();
            owe(transaction, &to, &row)?;
        }
    }
    Ok(())
}

struct Commit<'a> {
    transaction: &'a Transaction<'a>,
    /// Texts that come to be owed here, and texts that messages formed here hold: both by number.
    owed: Vec<DeliveryId>,
    formed: Vec<DeliveryId>,
    settled: Vec<i64>,
    taken: BTreeMap<ConversationId, Vec<i64>>,
    /// The newest entry of each conversation that was spoken in, and when that was.
    spoken: BTreeMap<ConversationId, (Newest, i64)>,
    last_line: Option<i64>,
}

impl<'a> Commit<'a> {
    fn new(transaction: &'a Transaction<'a>, writes: &[Write]) -> Self {
        let (mut owed, mut formed) = (Vec::new(), Vec::new());
        for write in writes {
            match write {
                Write::Owe { row, .. } => owed.push(row.id),
                Write::Form { im, .. } => formed.extend(im.rows.iter().map(|row| row.id)),
                _ => {}
            }
        }
        owed.sort_unstable();
        formed.sort_unstable();
        let (settled, taken, spoken) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { transaction, owed, formed, settled, taken, spoken, last_line: None }
    }

    fn run(&self, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
        run(self.transaction, sql, values)
    }

    fn apply(&mut self, write: &Write) -> rusqlite::Result<()> {
        match write {
            Write::Open { id, key, label, at } => self.run(
                "INSERT INTO conversation (id, visitor, label, opened_at, last_at) VALUES (?1, ?2, ?3, ?4, ?4)",
                params![int(id.0), key.as_str(), label, int(at.0)],
            ),
            Write::Key(id, key) => self.run(
                "UPDATE conversation SET visitor = ?2 WHERE id = ?1",
                params![int(id.0), key.as_ref().map(VisitorKey::as_str)],
            ),
            Write::Nick(id, nick) => {
                self.run("UPDATE conversation SET nick = ?2 WHERE id = ?1", params![int(id.0), nick])
            }
            Write::Page(id, page) => {
                self.run("UPDATE conversation SET page = ?2 WHERE id = ?1", params![int(id.0), page])
            }
            Write::Language(id, language) => {
                self.run("UPDATE conversation SET language = ?2 WHERE id = ?1", params![int(id.0), language])
            }
            Write::Contact(id, contact) => {
                self.run("UPDATE conversation SET contact = ?2 WHERE id = ?1", params![int(id.0), contact])
            }
            Write::Department(id, department) => self.run(
                "UPDATE conversation SET department = ?2 WHERE id = ?1",
                params![int(id.0), department],
            ),
            Write::Closed(id, at) => self.run(
                "UPDATE conversation SET closed_at = ?2 WHERE id = ?1",
                params![int(id.0), at.map(|at| int(at.0))],
            ),
            Write::Retire(id) => {
                self.run("DELETE FROM answer WHERE conversation = ?1", params![int(id.0)])?;
                self.run(
                    "UPDATE conversation SET retired = 1, visitor = NULL WHERE id = ?1",
                    params![int(id.0)],
                )
            }
            Write::Holder(id, holder) => self.run(
                "UPDATE conversation SET holder = ?2 WHERE id = ?1",
                params![int(id.0), holder.as_ref().map(ScreenName::as_str)],
            ),
            Write::Blocked(id, blocked) => {
                self.run("UPDATE conversation SET blocked = ?2 WHERE id = ?1", params![int(id.0), blocked])
            }
            Write::Entry { conversation, number, at, author, text, client_id, msgid, channel } => {
                let staff = match author {
                    Author::Visitor => {
                        self.last_line = self.last_line.max(Some(int(at.0)));
                        None
                    }
                    Author::Staff(name) => Some(name.as_str()),
                };
                let newest = self.newest(*conversation)?;
                if *number != newest.number + 1 {
                    return Err(entries::contradiction("an entry is out of turn"));
                }
                self.run(
                    "INSERT INTO entry (conversation, number, previous, at, staff, text, client_id, msgid, channel)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                    params![
                        int(conversation.0),
                        int(*number),
                        newest.id,
                        int(at.0),
                        staff,
                        text,
                        client_id,
                        msgid,
                        channel
                    ],
                )?;
                let id = self.transaction.last_insert_rowid();
                self.spoken.insert(*conversation, (Newest { id: Some(id), number: *number }, int(at.0)));
                if staff.is_none() {
                    self.run(
                        "INSERT INTO untaken (conversation, number, entry) VALUES (?1, ?2, ?3)",
                        params![int(conversation.0), int(*number), id],
                    )?;
                }
                Ok(())
            }
            Write::Taken(id, entry) => {
                self.taken.entry(*id).or_default().push(int(*entry));
                Ok(())
            }
            Write::Owe { row, .. } if self.formed.binary_search(&row.id).is_ok() => Ok(()),
            Write::Owe { to, row } => owe(self.transaction, to, row),
            Write::Drop(id) => self.run("DELETE FROM delivery WHERE id = ?1", params![int(id.0)]),
            Write::Reassign(id, to) => self.run(
                "UPDATE delivery SET recipient = ?2 WHERE id = ?1",
                params![int(id.0), to.as_str()],
            ),
            Write::Form { to, im } => self.form(to, im),
            Write::Settle(number) => {
                self.settled.push(int(number.0));
                Ok(())
            }
            Write::Return(number) => self.unform(*number),
            Write::Answer { id, conversation, entry } => {
                let entry = entries::find(self.transaction, self.newest(*conversation)?, *entry)?;
                self.run(
                    "INSERT INTO answer (id, conversation, entry) VALUES (?1, ?2, ?3)",
                    params![int(id.0), int(conversation.0), entry],
                )
            }
            Write::Paid(id) => self.run("DELETE FROM answer WHERE id = ?1", params![int(id.0)]),
            Write::Heard { sender, cookie, at } => self.run(
                "INSERT OR REPLACE INTO heard (sender, cookie, at) VALUES (?1, ?2, ?3)",
                params![sender.normal(), cookie.0, int(at.0)],
            ),
            Write::ForgetHeard(before) => {
                self.run("DELETE FROM heard WHERE at < ?1", params![int(before.0)])
            }
            Write::Canned(name, text) => {
                self.run("INSERT OR REPLACE INTO canned (name, text) VALUES (?1, ?2)", params![name, text])
            }
            Write::ForgetCanned(name) => self.run("DELETE FROM canned WHERE name = ?1", params![name]),
            Write::FetchingFrom(Some(at)) => self.run(
                "INSERT OR REPLACE INTO fact (name, value) VALUES ('fetching_from', ?1)",
                params![int(at.0)],
            ),
            Write::FetchingFrom(None) => self.run("DELETE FROM fact WHERE name = 'fetching_from'", params![]),
            Write::Redacted(ids) => ids.iter().try_for_each(|id| {
                self.run("DELETE FROM redaction WHERE id = ?1", params![int(*id)])
            }),
            Write::Refused(ids) => self.refuse(ids),
            Write::AimUp(at) => self.run(
                "INSERT OR REPLACE INTO fact (name, value) VALUES ('aim_up', ?1)",
                params![int(at.0)],
            ),
        }
    }

    fn newest(&self, conversation: ConversationId) -> rusqlite::Result<Newest> {
        match self.spoken.get(&conversation) {
            Some((newest, _)) => Ok(*newest),
            None => entries::newest(self.transaction, conversation)?
                .ok_or_else(|| entries::contradiction("an entry is of no conversation")),
        }
    }

    fn refuse(&self, ids: &[String]) -> rusqlite::Result<()> {
        for id in ids {
            self.run("INSERT OR IGNORE INTO refused (msgid) VALUES (?1)", params![id])?;
        }
        let most = i64::try_from(MOST_REFUSED).unwrap_or(i64::MAX);
        self.run("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?1", params![most])
    }

    fn form(&self, to: &ScreenName, im: &Im) -> rusqlite::Result<()> {
        for row in im.rows.iter().filter(|row| self.owed.binary_search(&row.id).is_err()) {
            self.run("DELETE FROM delivery WHERE id = ?1", params![int(row.id.0)])?;
        }
        self.run(
            "INSERT INTO im (id, cookie, account, recipient, text, rows) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                int(im.number().0),
                im.cookie.0,
                account_number(im.account),
                to.as_str(),
                &*im.text,
                im_rows::encode(&im.rows)
            ],
        )
    }

    fn unform(&self, number: DeliveryId) -> rusqlite::Result<()> {
        let found = self
            .transaction
            .prepare_cached("SELECT id, recipient, text, rows FROM im WHERE id = ?1")?
            .query_row([int(number.0)], stored)
            .optional()?;
        let Some((to, rows)) = found else { return Ok(()) };
        self.run("DELETE FROM im WHERE id = ?1", params![int(number.0)])?;
        rows.iter().try_for_each(|row| owe(self.transaction, &to, row))
    }

    fn finish(mut self) -> rusqlite::Result<()> {
        self.settled.sort_unstable();
        for (first, last) in runs(&self.settled) {
            // Every number between the two is settled, so nothing else is hit.
            self.run("DELETE FROM im WHERE id BETWEEN ?1 AND ?2", params![first, last])?;
        }
        self.taken.values_mut().for_each(|entries| entries.sort_unstable());
        for (id, entries) in &self.taken {
            for (first, last) in runs(entries) {
                self.run(
                    "DELETE FROM untaken WHERE conversation = ?1 AND number BETWEEN ?2 AND ?3",
                    params![int(id.0), first, last],
                )?;
            }
        }
        if let Some(at) = self.last_line {
            self.run(
                "INSERT INTO fact (name, value) VALUES ('last_line', ?1)
                 ON CONFLICT (name) DO UPDATE SET value = max(value, ?1)",
                params![at],
            )?;
        }
        for (id, (newest, at)) in &self.spoken {
            self.run(
                "UPDATE conversation SET last_at = ?2, last_entry = ?3, entries = ?4 WHERE id = ?1",
                params![int(id.0), at, newest.id, int(newest.number)],
            )?;
        }
        Ok(())
    }
}

fn run(transaction: &Transaction<'_>, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
    transaction.prepare_cached(sql)?.execute(values).map(|_| ())
}

fn owe(transaction: &Transaction<'_>, to: &ScreenName, row: &Row) -> rusqlite::Result<()> {
    run(
        transaction,
        "INSERT INTO delivery (id, recipient, rank, conversation, entry, last, text, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            int(row.id.0),
            to.as_str(),
            rank_number(row.rank),
            row.conversation.map(|id| int(id.0)),
            row.entry.map(int),
            row.last,
            &*row.text,
            int(row.at.0)
        ],
    )
}

/// Recipient and texts of a row `id, recipient, text, rows`.
fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<(ScreenName, Vec<Row>)> {
    let text: String = row.get(2)?;
    Ok((super::name(row, 1)?, super::im_texts(row, 3, &text)?))
}

/// First and last of each run of neighbours in sorted numbers.
fn runs(numbers: &[i64]) -> impl Iterator<Item = (i64, i64)> + '_ {
    numbers
        .chunk_by(|one, next| one.checked_add(1) == Some(*next) || one == next)
        .filter_map(|run| Some((*run.first()?, *run.last()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_make_a_run() {
        let found: Vec<_> = runs(&[1, 2, 3, 5, 8, 8, 9]).collect();
        assert_eq!(found, [(1, 3), (5, 5), (8, 9)]);
        assert_eq!(runs(&[]).count(), 0);
    }
}
