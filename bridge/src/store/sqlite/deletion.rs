//! Deleting, in the database and beyond it: requests of the operator, and the lines that the IRC daemon has to forget as well.
//!
//! Deleted rows are overwritten (`secure_delete`). But where SQLite moved a row to another page, what it was before may
//! stay behind in bytes that no row uses, and no later deletion finds it there. So after a deletion the database is written
//! anew, which takes as long as copying it: at once where that is short, else when nobody has spoken for a while.

use std::time::Duration;

use rusqlite::{Transaction, params};

use super::{SqliteStore, commit, entries, int, number, uint};
use crate::conversation::{ConversationId, Millis};
use crate::store::{CHORES_AT_ONCE, Chores, MOST_REDACTIONS, Redaction, StoreError};

/// The fact that the database is to be written anew.
pub(super) const GAPS: &str = "gaps";
/// Writing so many bytes anew takes no longer than a visitor waits without noticing.
const SHORT: i64 = 64 << 20;
/// Larger ones are written anew when nobody has spoken for so long, or at the latest so long after a deletion.
const QUIET: Duration = Duration::from_secs(60);
const LATEST: Duration = Duration::from_secs(86_400);
/// Where it can't be done (it takes the room of the database once more), it is tried again after this.
const AGAIN: Duration = Duration::from_secs(3600);

/// Bytes between rows that may hold what was deleted.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Since when; none: since the last look.
    since: Option<Millis>,
    /// When the database was last in use, by what the looks saw.
    busy_at: Millis,
    not_before: Millis,
}

impl Gaps {
    /// Whether it is time, now that the database was `used` since the last look, or not.
    fn is_due(&mut self, used: bool, now: Millis) -> bool {
        let since = *self.since.get_or_insert(now);
        if used || since == now {
            self.busy_at = now;
        }
        let quiet = now.since(self.busy_at) >= QUIET;
        now >= self.not_before && (quiet || now.since(since) >= LATEST)
    }
}

impl SqliteStore {
    /// Leaves word for the bridge that has this database: it deletes the conversation. Harmless when it is gone already.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn request_deletion(&self, conversation: ConversationId) -> Result<(), StoreError> {
        // Opened to read, the connection would refuse this too.
        self.query(|connection| connection.pragma_update(None, "query_only", false))?;
        self.query(|connection| {
            let sql = "INSERT OR IGNORE INTO deletion (conversation) VALUES (?1)";
            connection.execute(sql, [int(conversation.0)]).map(|_| ())
        })?;
        self.query(|connection| connection.pragma_update(None, "query_only", true))
    }

    pub(super) fn read_chores(&self) -> Result<Chores, StoreError> {
        self.query(|connection| {
            let mut deletions = connection.prepare_cached("SELECT conversation FROM deletion LIMIT ?1")?;
            let deletions =
                deletions.query_map([CHORES_AT_ONCE], |row| Ok(ConversationId(number(row, 0)?)))?;
            let sql = "SELECT id, channel, msgid FROM redaction ORDER BY id LIMIT ?1";
            let mut redactions = connection.prepare_cached(sql)?;
            let redactions = redactions.query_map([CHORES_AT_ONCE], |row| {
                Ok(Redaction { id: number(row, 0)?, channel: row.get(1)?, msgid: row.get(2)? })
            })?;
            Ok(Chores {
                deletions: deletions.collect::<rusqlite::Result<_>>()?,
                redactions: redactions.collect::<rusqlite::Result<_>>()?,
            })
        })
    }

    pub(super) fn tidy_up(&mut self, now: Millis) -> Result<(), StoreError> {
        let used = std::mem::take(&mut self.used);
        if let Some(gaps) = &mut self.gaps
            && gaps.is_due(used, now)
        {
            gaps.not_before = now.after(AGAIN);
            self.close_gaps()
        } else if self.log_holds_deleted {
            self.clear_log()
        } else {
            Ok(())
        }
    }

    pub(super) fn delete_one(&mut self, conversation: ConversationId) -> Result<bool, StoreError> {
        self.wait_for_disk(true)?;
        let deleted = self.transact(|transaction| {
            transaction.execute("DELETE FROM deletion WHERE conversation = ?1", [int(conversation.0)])?;
            delete_all(transaction, &[int(conversation.0)])
        })?;
        self.note_gaps(deleted);
        // What is deleted is deleted, also where there is no room to write the rest anew.
        if self.bytes()? > SHORT || self.close_gaps().is_err() {
            self.clear_log()?;
        }
        Ok(deleted > 0)
    }

    pub(super) fn delete_retired(&mut self, before: Millis, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.wait_for_disk(true)?;
        let deleted = self.transact(|transaction| {
            let sql =
                "SELECT id FROM conversation WHERE retired = 1 AND last_at < ?1 ORDER BY last_at LIMIT ?2";
            let old: Vec<i64> = transaction
                .prepare_cached(sql)?
                .query_map(params![int(before.0), limit], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            delete_all(transaction, &old)
        })?;
        self.note_gaps(deleted);
        if deleted > 0 || self.log_holds_deleted {
            self.clear_log()?;
        }
        Ok(deleted)
    }

    fn note_gaps(&mut self, deleted: usize) {
        if deleted > 0 {
            self.used = true;
            self.gaps.get_or_insert_default();
        }
    }

    fn bytes(&self) -> Result<i64, StoreError> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        self.query(|connection| connection.query_row(sql, [], |row| row.get(0)))
    }

    /// Writes the database anew, if something was deleted since that was last done. The copy that this makes on the way is a
    /// file, for it may be larger than the memory that we want to use.
    ///
    /// # Errors
    /// When there is no room for it; then it is tried again later.
    pub fn close_gaps(&mut self) -> Result<(), StoreError> {
        if self.gaps.is_none() {
            return self.clear_log();
        }
        self.wait_for_disk(true)?;
        self.query(|connection| {
            connection.execute_batch("PRAGMA temp_store = FILE")?;
            let written = connection.execute_batch("VACUUM");
            connection.execute_batch("PRAGMA temp_store = MEMORY")?;
            written?;
            connection.execute("DELETE FROM fact WHERE name = ?1", [GAPS]).map(|_| ())
        })?;
        self.gaps = None;
        self.clear_log()
    }

    /// Deleted rows are overwritten in the database (`secure_delete`); the log would keep them until it is reused.
    /// Somebody who reads at this moment keeps it too; then it is emptied the next time.
    pub(super) fn clear_log(&mut self) -> Result<(), StoreError> {
        self.log_holds_deleted = true;
        self.log_holds_deleted = self.query(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        })?;
        Ok(())
    }
}

fn delete_all(transaction: &Transaction<'_>, conversations: &[i64]) -> rusqlite::Result<usize> {
    let mut deleted = 0;
    for id in conversations {
        entries::delete(transaction, ConversationId(uint(*id)))?;
        transaction.prepare_cached("DELETE FROM answer WHERE conversation = ?1")?.execute([id])?;
        deleted += transaction.prepare_cached("DELETE FROM conversation WHERE id = ?1")?.execute([id])?;
    }
    if deleted > 0 {
        let sql = "DELETE FROM redaction WHERE id <= (SELECT max(id) FROM redaction) - ?1";
        transaction.prepare_cached(sql)?.execute([MOST_REDACTIONS])?;
        let sql = "INSERT INTO fact VALUES (?1, 1) ON CONFLICT (name) DO NOTHING";
        transaction.prepare_cached(sql)?.execute([GAPS])?;
        commit::dissolve_ims_of_deleted(transaction)?;
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_closed_when_nobody_speaks_or_after_a_day() {
        let at = |seconds: u64| Millis(seconds * 1000);
        let mut gaps = Gaps::default();
        assert!(!gaps.is_due(false, at(1000)));
        assert!(!gaps.is_due(false, at(1059)));
        assert!(gaps.is_due(false, at(1060)));
        assert!(!gaps.is_due(true, at(1061)));
        assert!(!gaps.is_due(true, at(1000 + 86_399)), "somebody speaks");
        assert!(gaps.is_due(true, at(1000 + 86_400)));
        gaps.not_before = at(90_000);
        assert!(!gaps.is_due(false, at(89_999)), "there was no room");
        assert!(gaps.is_due(false, at(90_000)));
    }
}
