//! Deleting, in the database and beyond it: requests of the operator, and the lines that the IRC daemon has to forget as well.

use rusqlite::{Transaction, params};

use super::{SqliteStore, commit, int, number};
use crate::conversation::{ConversationId, Millis};
use crate::store::{Chores, Redaction, StoreError};

/// Lines that the daemon may be told to forget, in all: more than a daemon's memory holds of a channel.
const MOST_REDACTIONS: i64 = 10_000;
/// Chores read at once.
const AT_ONCE: i64 = 1000;

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

    pub(super) fn read_chores(&mut self) -> Result<Chores, StoreError> {
        let chores = self.query(|connection| {
            let mut deletions = connection.prepare_cached("SELECT conversation FROM deletion LIMIT ?1")?;
            let deletions = deletions.query_map([AT_ONCE], |row| Ok(ConversationId(number(row, 0)?)))?;
            let sql = "SELECT id, channel, msgid FROM redaction ORDER BY id LIMIT ?1";
            let mut redactions = connection.prepare_cached(sql)?;
            let redactions = redactions.query_map([AT_ONCE], |row| {
                Ok(Redaction { id: number(row, 0)?, channel: row.get(1)?, msgid: row.get(2)? })
            })?;
            Ok(Chores {
                deletions: deletions.collect::<rusqlite::Result<_>>()?,
                redactions: redactions.collect::<rusqlite::Result<_>>()?,
            })
        })?;
        if self.log_holds_deleted && self.lock.is_some() {
            self.clear_log()?;
        }
        Ok(chores)
    }

    pub(super) fn delete_one(&mut self, conversation: ConversationId) -> Result<bool, StoreError> {
        self.wait_for_disk(true)?;
        let deleted = self.transact(|transaction| {
            transaction.execute("DELETE FROM deletion WHERE conversation = ?1", [int(conversation.0)])?;
            delete_all(transaction, &[int(conversation.0)])
        })?;
        self.clear_log()?;
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
        if deleted > 0 || self.log_holds_deleted {
            self.clear_log()?;
        }
        Ok(deleted)
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
        let sql = "INSERT INTO redaction (channel, msgid) SELECT ifnull(channel, ''), msgid FROM entry
            WHERE conversation = ?1 AND staff IS NULL AND msgid IS NOT NULL ORDER BY number";
        transaction.prepare_cached(sql)?.execute([id])?;
        deleted += transaction.prepare_cached("DELETE FROM conversation WHERE id = ?1")?.execute([id])?;
    }
    if deleted > 0 {
        let sql = "DELETE FROM redaction WHERE id <= (SELECT max(id) FROM redaction) - ?1";
        transaction.prepare_cached(sql)?.execute([MOST_REDACTIONS])?;
        commit::dissolve_ims_of_deleted(transaction)?;
    }
    Ok(deleted)
}
