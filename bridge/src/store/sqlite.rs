//! The store in one SQLite file, for one bridge on one machine.
//!
//! Write-ahead log, a commit waits for the disk unless told otherwise. A lock file beside the database keeps a second
//! bridge out; reading (`conversations list`) needs none. A database that was not closed is checked before it is used.

mod commit;
mod deletion;
mod entries;
mod im_rows;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oscar_im::ScreenName;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row as SqlRow, Transaction, TransactionBehavior, params,
};

use self::deletion::Gaps;
use super::{Chores, Entry, IDS, Snapshot, Store, StoreError, Summary, Write};
use crate::aim::event::{AccountId, ImCookie};
use crate::conversation::model::{self, Address, Told};
use crate::conversation::untaken::Untaken;
use crate::conversation::{Author, Conversation, ConversationId, Millis, VisitorKey};
use crate::outbox::staff::{DeliveryId, Im, Rank, Row};
use crate::outbox::visitor::{Answer, AnswerId};
use crate::web::event::HistoryRange;

/// "brdg": marks the file as ours.
const APPLICATION_ID: i64 = 0x6272_6467;
/// Each moves the schema one version up; never changed once released.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001-conversations.sql"),
    include_str!("migrations/0002-visitors.sql"),
    include_str!("migrations/0003-written-once.sql"),
    include_str!("migrations/0004-deletion.sql"),
    include_str!("migrations/0005-as-they-came.sql"),
    include_str!("migrations/0006-refused.sql"),
];
/// Statements kept compiled: more than there are.
const STATEMENTS: usize = 64;

/// For so long a lock of another program is waited for. A bridge that is told to stop meanwhile has five seconds.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same where it will be tried again soon: at the start, and after it was in vain.
const SOON_AGAIN: Duration = Duration::from_millis(500);

const MAKE_WRITABLE: &str = "make file and folder writable for the user that bridgebot runs as";

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The disk: nothing committed is lost in a power cut.
    #[default]
    Full,
    /// The system: nothing committed is lost when the process dies; a power cut may take the last seconds.
    Normal,
}

/// The engine.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    durability: Durability,
    /// Whether the commits that follow wait for the disk.
    waits: bool,
    /// Held, not read: the system drops the lock with the file, however the process ends.
    lock: Option<File>,
    /// Something was deleted that the log still holds.
    log_holds_deleted: bool,
    /// Something was deleted that may have left bytes between the rows of others.
    gaps: Option<Gaps>,
    /// Whether somebody spoke, or something was deleted, since that was last asked.
    used: bool,
    /// How long a lock of another program is waited for.
    patience: Duration,
    /// Device and number of the file that is open; none in memory.
    identity: Option<(u64, u64)>,
}

impl SqliteStore {
    /// Opens or creates the database, for this process alone.
    ///
    /// # Errors
    /// When another process has it, it is damaged, foreign or newer, or the file can't be had.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let connection = Connection::open(path).map_err(|error| failure(path, &error))?;
        Self::set_up(connection, path.to_owned(), Some(lock), durability)
    }

    /// Opens an existing database beside a bridge that may be running, to read it.
    ///
    /// # Errors
    /// When there is none, or it is damaged, foreign or newer.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        use rusqlite::OpenFlags;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| failure(path, &error))?;
        let store = Self {
            connection,
            path: path.to_owned(),
            durability: Durability::Full,
            waits: true,
            lock: None,
            log_holds_deleted: false,
            gaps: None,
            used: false,
            patience: PATIENCE,
            identity: None,
        };
        store.prepare_connection()?;
        store.version()?;
        store.query(|connection| connection.pragma_update(None, "query_only", true))?;
        Ok(store)
    }

    /// A database that nobody else sees and that ends with its owner.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|error| failure(&path, &error))?;
        Self::set_up(connection, path, None, Durability::Normal)
    }

    /// Copies the database, as it is now, into a new or empty file; it may be in use meanwhile.
    ///
    /// # Errors
    /// When the file holds something or can't be written.
    pub fn back_up(&self, into: &Path) -> Result<(), StoreError> {
        // Nothing is changed but the copy, which this switch would protect too.
        self.query(|connection| connection.pragma_update(None, "query_only", false))?;
        self.query(|connection| {
            connection.execute("VACUUM INTO ?1", [into.to_string_lossy().as_ref()]).map(|_| ())
        })
    }

    fn set_up(
        connection: Connection,
        path: PathBuf,
        lock: Option<File>,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let waits = durability == Durability::Full;
        let mut store = Self {
            connection,
            path,
            durability,
            waits,
            lock,
            log_holds_deleted: false,
            gaps: None,
            used: false,
            patience: SOON_AGAIN,
            identity: None,
        };
        store.prepare_connection()?;
        let version = store.version()?;
        store.migrate(version)?;
        let unclean = store.fact("open")? == Some(1);
        if unclean {
            store.check()?;
        }
        store.set_fact("open", 1)?;
        store.gaps = store.fact(deletion::GAPS)?.map(|_| Gaps::default());
        store.be_patient(PATIENCE)?;
        store.identity = store.lock.as_ref().and_then(|_| identity(&store.path));
        Ok(store)
    }

    fn prepare_connection(&self) -> Result<(), StoreError> {
        let synchronous = match self.durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        self.query(|connection| {
            connection.busy_timeout(self.patience)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.execute_batch(&format!(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = {synchronous};
                 PRAGMA foreign_keys = ON;
                 PRAGMA journal_size_limit = 67108864;
                 PRAGMA wal_autocheckpoint = 4000;
                 PRAGMA cache_size = -1000;
                 PRAGMA temp_store = MEMORY;
                 PRAGMA secure_delete = ON;
                 PRAGMA trusted_schema = OFF;
                 PRAGMA cell_size_check = ON;
                 PRAGMA mmap_size = 0;"
            ))
        })
    }

    fn be_patient(&mut self, patience: Duration) -> Result<(), StoreError> {
        if self.patience != patience {
            self.query(|connection| connection.busy_timeout(patience))?;
            self.patience = patience;
        }
        Ok(())
    }

    /// Whoever opens the path later would find nothing of what is written to a file that is there no more.
    fn is_in_its_place(&self) -> Result<(), StoreError> {
        if self.identity.is_some() && self.identity != identity(&self.path) {
            return Err(StoreError::Replaced { path: self.path.clone() });
        }
        Ok(())
    }

    /// The schema's version, once it is sure that the file is ours.
    fn version(&self) -> Result<i64, StoreError> {
        let (application, version, tables) = self.query(|connection| {
            let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            Ok((
                number("PRAGMA application_id")?,
                number("PRAGMA user_version")?,
                number("SELECT count(*) FROM sqlite_schema")?,
            ))
        })?;
        let fresh = application == 0 && version == 0 && tables == 0;
        if !fresh && application != APPLICATION_ID {
            return Err(StoreError::Foreign { path: self.path.clone() });
        }
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        if version > known {
            return Err(StoreError::Newer { path: self.path.clone(), found: version, known });
        }
        Ok(version)
    }

    fn migrate(&mut self, version: i64) -> Result<(), StoreError> {
        let done = usize::try_from(version).unwrap_or_default();
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        self.transact(|transaction| {
            for migration in MIGRATIONS.iter().skip(done) {
                transaction.execute_batch(migration)?;
            }
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", known)
        })
    }

    /// Reads the database through.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn check(&self) -> Result<(), StoreError> {
        let what = self.query(|connection| {
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        })?;
        if what == "ok" {
            return Ok(());
        }
        // "*** in database main ***", and what it found on a line of its own.
        let what = what.lines().filter(|line| !line.starts_with("***")).collect::<Vec<_>>().join("; ");
        Err(StoreError::Damaged { path: self.path.clone(), what })
    }

    fn fact(&self, name: &str) -> Result<Option<i64>, StoreError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
            statement.query_row([name], |row| row.get(0)).optional()
        })
    }

    fn set_fact(&self, name: &str, value: i64) -> Result<(), StoreError> {
        self.query(|connection| {
            let sql = "INSERT INTO fact VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
            connection.prepare_cached(sql)?.execute(params![name, value]).map(|_| ())
        })
    }

    /// Whether the commits that follow wait for the disk, where they ever do. One that waits takes those before it along.
    fn wait_for_disk(&mut self, wait: bool) -> Result<(), StoreError> {
        if self.durability == Durability::Full && self.waits != wait {
            let sql = if wait { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.query(|connection| connection.execute_batch(sql))?;
            self.waits = wait;
        }
        Ok(())
    }

    fn query<T>(&self, body: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        body(&self.connection).map_err(|error| failure(&self.path, &error))
    }

    fn transact<T>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.transact_as(TransactionBehavior::Immediate, body)
    }

    fn transact_as<T>(
        &mut self,
        behavior: TransactionBehavior,
        body: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let result = body(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run(&mut self.connection).map_err(|error| failure(&self.path, &error))
    }
}

impl Drop for SqliteStore {
    /// Notes that the database was closed. When that fails, the next start checks it: no harm.
    fn drop(&mut self) {
        if self.lock.is_some() {
            let _ = self.set_fact("open", 0);
        }
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        self.transact_as(TransactionBehavior::Deferred, |transaction| {
            let mut snapshot = Snapshot {
                conversations: load_conversations(transaction)?,
                last_conversation: transaction
                    .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'conversation'", [], |row| {
                        number(row, 0)
                    })
                    .optional()?
                    .unwrap_or_default(),
                answers: load_answers(transaction)?,
                ..Snapshot::default()
            };
            load_owed(transaction, &mut snapshot)?;
            load_ids(transaction, &mut snapshot)?;
            snapshot.heard = rows(transaction, "SELECT sender, cookie, at FROM heard", |row| {
                Ok((name(row, 0)?, cookie(row, 1)?, Millis(number(row, 2)?)))
            })?;
            snapshot.canned = rows(transaction, "SELECT name, text FROM canned ORDER BY name", |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            snapshot.refused = rows(transaction, "SELECT msgid FROM refused ORDER BY id", |row| row.get(0))?;
            let moment = |name: &str| {
                let sql = "SELECT value FROM fact WHERE name = ?1";
                transaction.query_row(sql, [name], |row| number(row, 0).map(Millis)).optional()
            };
            snapshot.aim_up = moment("aim_up")?;
            snapshot.last_line_at = moment("last_line")?;
            snapshot.fetching_from = moment("fetching_from")?;
            Ok(snapshot)
        })
    }

    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.is_in_its_place()?;
        let must_last = writes.iter().any(Write::must_last);
        self.used |= must_last;
        self.wait_for_disk(must_last)?;
        let done = self.transact(|transaction| commit::commit(transaction, writes));
        // Whoever waits for us has waited long enough: until the other program has finished we look at short intervals.
        let in_vain = matches!(done, Err(StoreError::Locked { .. }));
        self.be_patient(if in_vain { SOON_AGAIN } else { PATIENCE })?;
        done
    }

    fn entries(
        &mut self,
        conversation: ConversationId,
        range: &HistoryRange,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.query(|connection| entries::read(connection, conversation, range, limit))
    }

    fn conversations(&mut self, limit: usize) -> Result<Vec<Summary>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.query(|connection| {
            let mut statement = connection.prepare(
                "SELECT id, label, opened_at, last_at, closed_at IS NULL AND retired = 0,
                    entries, page, language, contact
                 FROM conversation ORDER BY last_at DESC, id DESC LIMIT ?1",
            )?;
            let found = statement.query_map([limit], |row| {
                Ok(Summary {
                    id: ConversationId(number(row, 0)?),
                    label: row.get(1)?,
                    opened_at: Millis(number(row, 2)?),
                    last_at: Millis(number(row, 3)?),
                    open: row.get(4)?,
                    entries: number(row, 5)?,
                    page: row.get(6)?,
                    language: row.get(7)?,
                    contact: row.get(8)?,
                })
            })?;
            found.collect()
        })
    }

    fn delete(&mut self, conversation: ConversationId) -> Result<bool, StoreError> {
        self.delete_one(conversation)
    }

    fn delete_older(&mut self, before: Millis, limit: usize) -> Result<usize, StoreError> {
        self.delete_retired(before, limit)
    }

    fn chores(&mut self) -> Result<Chores, StoreError> {
        self.read_chores()
    }

    fn tidy(&mut self, now: Millis) -> Result<(), StoreError> {
        self.tidy_up(now)
    }
}

fn load_conversations(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Conversation>> {
    let sql = "SELECT id, visitor, label, nick, page, opened_at, last_at, closed_at, holder, blocked,
                   entries, language, contact, department
               FROM conversation WHERE retired = 0 ORDER BY last_at, id";
    let mut conversations = rows(transaction, sql, |row| {
        let key = row.get::<_, Option<String>>(1)?.map(VisitorKey::from_stored);
        let address = Address::as_stored(row.get(3)?, key.as_ref());
        let last_at = Millis(number(row, 6)?);
        let holder = row.get::<_, Option<String>>(8)?.map(ScreenName::new);
        let unanswered = match &holder {
            Some(_) => entries::unanswered_since(transaction, ConversationId(number(row, 0)?))?,
            None => None,
        };
        Ok(Conversation {
            id: ConversationId(number(row, 0)?),
            key,
            label: row.get(2)?,
            page: row.get(4)?,
            language: row.get(11)?,
            contact: row.get(12)?,
            department: row.get(13)?,
            opened_at: Millis(number(row, 5)?),
            last_at,
            closed_at: row.get::<_, Option<i64>>(7)?.map(|at| Millis(uint(at))),
            last_entry: number(row, 10)?,
            holder,
            held_at: model::held_at(unanswered, last_at),
            blocked: row.get(9)?,
            address,
            unseen_since: None,
            connection: None,
            untaken: Untaken::default(),
            client_ids: std::collections::VecDeque::new(),
            spoke: 0,
            bucket: crate::conversation::guard::TokenBucket::default(),
            told: Told::default(),
        })
    })?;
    let untaken = rows(
        transaction,
        "SELECT untaken.conversation, untaken.number, client_id FROM untaken JOIN entry ON entry.id = untaken.entry",
        |row| Ok((number(row, 0)?, number(row, 1)?, row.get::<_, Option<String>>(2)?)),
    )?;
    let mut places: BTreeMap<u64, &mut Conversation> = BTreeMap::new();
    for (spoke, conversation) in conversations.iter_mut().enumerate() {
        conversation.spoke = spoke as u64 + 1;
        places.insert(conversation.id.0, conversation);
    }
    for (conversation, entry, client_id) in untaken {
        if let Some(conversation) = places.get_mut(&conversation) {
            conversation.untaken.insert(entry, client_id);
        }
    }
    Ok(conversations)
}

/// Ids under which entries came, so that one that comes again is known.
fn load_ids(transaction: &Transaction<'_>, snapshot: &mut Snapshot) -> rusqlite::Result<()> {
    let sql = format!(
        "SELECT conversation, number, client_id FROM entry
         WHERE client_id IS NOT NULL ORDER BY id DESC LIMIT {IDS}"
    );
    let found =
        rows(transaction, &sql, |row| Ok((number(row, 0)?, number(row, 1)?, row.get::<_, String>(2)?)))?;
    let mut places: BTreeMap<u64, &mut Conversation> =
        snapshot.conversations.iter_mut().map(|conversation| (conversation.id.0, conversation)).collect();
    for (conversation, entry, client_id) in found.into_iter().rev() {
        if let Some(conversation) = places.get_mut(&conversation) {
            conversation.client_ids.push_back((client_id, entry));
        }
    }
    let sql = format!(
        "SELECT msgid, conversation, number FROM entry
         WHERE msgid IS NOT NULL ORDER BY id DESC LIMIT {IDS}"
    );
    snapshot.msgids =
        rows(transaction, &sql, |row| Ok((row.get(0)?, ConversationId(number(row, 1)?), number(row, 2)?)))?;
    // What was deleted must not come back out of the daemon's history: it is known, as nothing that there still is.
    let sql = format!("SELECT msgid FROM redaction ORDER BY id DESC LIMIT {IDS}");
    let deleted = rows(transaction, &sql, |row| Ok((row.get(0)?, ConversationId(0), 0)))?;
    snapshot.msgids.splice(0..0, deleted);
    snapshot.msgids.reverse();
    Ok(())
}

fn load_owed(transaction: &Transaction<'_>, snapshot: &mut Snapshot) -> rusqlite::Result<()> {
    let sql = "SELECT cookie, account, recipient, text, rows FROM im ORDER BY id";
    snapshot.ims = rows(transaction, sql, |row| {
        let (cookie, account) = (cookie(row, 0)?, usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default());
        let text: String = row.get(3)?;
        let rows = im_texts(row, 4, &text)?;
        Ok((name(row, 2)?, Im { cookie, account: AccountId(account), text: text.into(), rows }))
    })?;
    let sql = "SELECT id, recipient, rank, conversation, entry, last, text, at FROM delivery ORDER BY id";
    snapshot.owed = rows(transaction, sql, |row| {
        let found = Row {
            id: DeliveryId(number(row, 0)?),
            rank: rank(row.get(2)?),
            conversation: row.get::<_, Option<i64>>(3)?.map(|id| ConversationId(uint(id))),
            entry: row.get::<_, Option<i64>>(4)?.map(uint),
            last: row.get(5)?,
            text: row.get::<_, String>(6)?.into(),
            at: Millis(number(row, 7)?),
        };
        Ok((name(row, 1)?, found))
    })?;
    Ok(())
}

/// What stands in a message with this text.
fn im_texts(row: &SqlRow<'_>, column: usize, text: &str) -> rusqlite::Result<Vec<Row>> {
    im_rows::decode(row.get_ref(column)?.as_blob()?, text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, "not ours".into())
    })
}

fn load_answers(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(ConversationId, Answer)>> {
    let sql = "SELECT answer.id, answer.conversation, number, staff, text, at
               FROM answer JOIN entry ON entry.id = answer.entry ORDER BY answer.id";
    rows(transaction, sql, |row| {
        let answer = Answer {
            id: AnswerId(number(row, 0)?),
            entry: number(row, 2)?,
            from: ScreenName::new(row.get::<_, Option<String>>(3)?.unwrap_or_default()),
            text: row.get(4)?,
            at: Millis(number(row, 5)?),
            // It may have left before the stop.
            again: true,
        };
        Ok((ConversationId(number(row, 1)?), answer))
    })
}

fn rows<T>(
    transaction: &Transaction<'_>,
    sql: &str,
    read: impl FnMut(&SqlRow<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    transaction.prepare(sql)?.query_map([], read)?.collect()
}

fn number(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(uint)
}

fn name(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<ScreenName> {
    row.get::<_, String>(column).map(ScreenName::new)
}

fn cookie(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<ImCookie> {
    row.get(column).map(ImCookie)
}

fn author(staff: Option<String>) -> Author {
    staff.map_or(Author::Visitor, |name| Author::Staff(ScreenName::new(name)))
}

fn rank_number(rank: Rank) -> u8 {
    match rank {
        Rank::Reply => 0,
        Rank::Line => 1,
        Rank::Passenger => 2,
    }
}

fn rank(number: u8) -> Rank {
    match number {
        0 => Rank::Reply,
        2 => Rank::Passenger,
        _ => Rank::Line,
    }
}

/// SQLite's integers are signed; our numbers never get near the difference.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Why a file beside the database can't be had.
fn no_file(path: &Path, error: &std::io::Error) -> StoreError {
    use std::io::ErrorKind;
    let path = path.to_owned();
    let what = match error.kind() {
        ErrorKind::StorageFull => return StoreError::Full { path },
        ErrorKind::NotFound => "its folder does not exist; create it or mount it".to_owned(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => format!("{error}; {MAKE_WRITABLE}"),
        _ => error.to_string(),
    };
    StoreError::Failed { path, what }
}

/// Device and number of a file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// `bridge.db.lock` beside `bridge.db`.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let failed = |error: &std::io::Error| no_file(path, error);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(&error)),
    }
}

fn extended(error: &rusqlite::Error) -> Option<i32> {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => Some(error.extended_code),
        _ => None,
    }
}

fn failure(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let what = error.to_string();
    if matches!(error, rusqlite::Error::ToSqlConversionFailure(_)) {
        return StoreError::Contradiction { what };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        // No room for the index of the log.
        _ if extended(error) == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) => StoreError::Full { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { path },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, what },
        Some(ErrorCode::ReadOnly) => StoreError::Failed { path, what: format!("{what}; {MAKE_WRITABLE}") },
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path },
        Some(ErrorCode::ConstraintViolation) => StoreError::Contradiction { what },
        _ => StoreError::Failed { path, what },
    }
}

#[cfg(test)]
mod tests {
    use testkit::numbers::Numbers;

    use super::*;

    crate::store::contract::tests!(|| SqliteStore::in_memory().unwrap());

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.db");
        (folder, path)
    }

    #[test]
    fn a_second_bridge_gets_one_clear_sentence() {
        let (_folder, path) = file();
        let first = SqliteStore::open(&path, Durability::Full).unwrap();
        let error = SqliteStore::open(&path, Durability::Full).unwrap_err();
        assert!(matches!(error, StoreError::InUse { .. }));
        assert!(error.to_string().contains("another bridge is using this database"), "{error}");
        drop(first);
        SqliteStore::open(&path, Durability::Full).unwrap();
    }

    #[test]
    fn who_may_not_write_is_told_what_to_do() {
        for kind in [std::io::ErrorKind::PermissionDenied, std::io::ErrorKind::ReadOnlyFilesystem] {
            let words = no_file(Path::new("b.db"), &kind.into()).to_string();
            assert!(words.starts_with("b.db: ") && words.ends_with(MAKE_WRITABLE), "{words}");
        }
        assert!(no_file(Path::new("b.db"), &std::io::ErrorKind::StorageFull.into()).passes());
        let (_folder, path) = file();
        let store = SqliteStore::open(&path, Durability::Full).unwrap();
        store.connection.pragma_update(None, "query_only", true).unwrap();
        let words = store.set_fact("open", 0).unwrap_err().to_string();
        assert!(words.ends_with(MAKE_WRITABLE), "{words}");
    }

    #[test]
    fn a_reader_needs_no_lock_and_writes_nothing() {
        let (_folder, path) = file();
        assert!(SqliteStore::open_to_read(&path).is_err(), "nothing is created by reading");
        let _bridge = SqliteStore::open(&path, Durability::Full).unwrap();
        let mut reader = SqliteStore::open_to_read(&path).unwrap();
        assert!(reader.conversations(10).unwrap().is_empty());
        assert!(reader.commit(&[Write::AimUp(Millis(1))]).is_err());
    }

    #[test]
    fn other_files_are_left_alone() {
        let (_folder, path) = file();
        std::fs::write(&path, "no database, but long enough to be taken for one ".repeat(100)).unwrap();
        assert!(matches!(SqliteStore::open(&path, Durability::Full), Err(StoreError::Foreign { .. })));
        std::fs::remove_file(&path).unwrap();
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(SqliteStore::open(&path, Durability::Full), Err(StoreError::Foreign { .. })));
    }

    #[test]
    fn a_newer_database_is_refused() {
        let (_folder, path) = file();
        let store = SqliteStore::open(&path, Durability::Full).unwrap();
        store.connection.pragma_update(None, "user_version", 99).unwrap();
        drop(store);
        let error = SqliteStore::open(&path, Durability::Full).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    }

    #[test]
    fn an_older_database_keeps_what_it_knows() {
        let (_folder, path) = file();
        let older = Connection::open(&path).unwrap();
        for migration in &MIGRATIONS[..2] {
            older.execute_batch(migration).unwrap();
        }
        older
            .execute_batch(
                "PRAGMA application_id = 0x62726467; PRAGMA user_version = 2;
                 INSERT INTO conversation (id, label, opened_at, last_at) VALUES (1, 'anna', 1, 30);
                 INSERT INTO entry (conversation, number, at, staff, text, client_id, taken) VALUES
                     (1, 1, 10, NULL, 'one', 'id1', 1), (1, 2, 20, NULL, 'two', 'id2', 0),
                     (1, 3, 30, 'staff1', 'hello', NULL, 0);
                 INSERT INTO conversation (id, label, opened_at, last_at) VALUES (2, 'bert', 1, 25);
                 INSERT INTO entry (conversation, number, at, text, client_id) VALUES
                     (2, 1, 5, 'before', 'id3'), (2, 2, 25, 'between', 'id4');
                 INSERT INTO answer VALUES (7, 1, 3);
                 INSERT INTO heard VALUES ('staff1', x'0000000000000002', 2), ('staff1', x'0000000000000001', 1);",
            )
            .unwrap();
        drop(older);
        let mut store = SqliteStore::open(&path, Durability::Full).unwrap();
        let snapshot = store.load().unwrap();
        let untaken = &snapshot.conversations.iter().find(|one| one.label == "anna").unwrap().untaken;
        assert_eq!(
            (untaken.numbers().collect::<Vec<_>>(), untaken.client_ids().collect::<Vec<_>>()),
            (vec![2], vec!["id2"])
        );
        assert_eq!(snapshot.heard.iter().map(|(_, _, at)| at.0).collect::<Vec<_>>(), [1, 2]);
        let entries = store.entries(ConversationId(1), &HistoryRange::Latest, 9).unwrap();
        let visitors = entries.iter().filter(|entry| entry.author == Author::Visitor);
        assert_eq!(visitors.map(|entry| entry.taken).collect::<Vec<_>>(), [true, false]);
        let answers: Vec<_> =
            snapshot.answers.iter().map(|(id, answer)| (id.0, answer.id.0, &*answer.text)).collect();
        assert_eq!(answers, [(1, 7, "hello")]);
        let entries = store.entries(ConversationId(2), &HistoryRange::Latest, 9).unwrap();
        assert_eq!(entries.iter().map(|entry| &*entry.text).collect::<Vec<_>>(), ["before", "between"]);
        let listed: Vec<_> =
            store.conversations(9).unwrap().iter().map(|one| (one.id.0, one.entries)).collect();
        assert_eq!(listed, [(1, 3), (2, 2)]);
    }

    #[test]
    fn a_damaged_database_is_found_after_an_unclean_stop() {
        let (_folder, path) = file();
        let mut store = SqliteStore::open(&path, Durability::Full).unwrap();
        let open = |id: u64| Write::Open {
            id: ConversationId(id),
            key: VisitorKey::session(&id.to_string()),
            label: "x".repeat(500),
            at: Millis(1),
        };
        store.commit(&(1..200).map(open).collect::<Vec<_>>()).unwrap();
        store.clear_log().unwrap();
        store.lock = None; // as if the process had died: the flag stays
        drop(store);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 8192].fill(0xA5);
        std::fs::write(&path, bytes).unwrap();
        let error = SqliteStore::open(&path, Durability::Full).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }

    fn holds(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    }

    #[test]
    fn nothing_of_a_deleted_conversation_stays_in_the_files() {
        let (folder, path) = file();
        let mut store = SqliteStore::open(&path, Durability::Full).unwrap();
        crate::store::contract::fill(&mut store);
        let holds = |text: &str| {
            let mut files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
            files.any(|file| holds(&std::fs::read(file).unwrap(), text))
        };
        assert!(holds("a very private line"));
        assert!(store.delete(ConversationId(1)).unwrap());
        assert!(!holds("a very private line"));
        assert!(!store.delete(ConversationId(1)).unwrap());
    }

    /// SQLite moves rows from page to page when it deletes; bytes that no row uses any more may stay behind. These ones
    /// do, with rows overwritten alone.
    #[test]
    fn nothing_deleted_stays_in_the_gaps_between_rows() {
        let (_folder, path) = file();
        let mut store = twenty_conversations(&path);
        for id in 1..=20 {
            assert!(store.delete(ConversationId(id)).unwrap());
            let left = of_the_first(id, &path);
            assert!(left.is_empty(), "{left:?} after deleting {id}");
        }
    }

    #[test]
    fn the_gaps_that_retention_leaves_are_closed_also_by_the_next_start() {
        let (_folder, path) = file();
        let mut store = twenty_conversations(&path);
        for id in 1..=15 {
            store.commit(&[Write::Retire(ConversationId(id))]).unwrap();
            assert_eq!(store.delete_older(Millis(u64::MAX), 9).unwrap(), 1);
        }
        assert!(!of_the_first(15, &path).is_empty(), "nothing to see here: choose other rows");
        drop(store);
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        store.close_gaps().unwrap();
        assert_eq!(of_the_first(15, &path), Vec::<String>::new());
        assert!(store.gaps.is_none() && store.fact(deletion::GAPS).unwrap().is_none());
    }

    /// With eight hundred lines, as they come.
    fn twenty_conversations(path: &Path) -> SqliteStore {
        let mut store = SqliteStore::open(path, Durability::Normal).unwrap();
        let mut random = Numbers::new(38);
        let open = |id| Write::Open {
            id: ConversationId(id),
            key: VisitorKey::session(&id.to_string()),
            label: format!("guest-{id}"),
            at: Millis(1),
        };
        let mut writes: Vec<Write> = (1..=20).map(open).collect();
        let mut last = [0; 20];
        writes.extend((1..=800).map(|at| {
            let who = random.below(20);
            last[who] += 1;
            let (id, number) = (who as u64 + 1, last[who]);
            Write::Entry {
                conversation: ConversationId(id),
                number,
                at: Millis(at),
                author: Author::Visitor,
                text: format!("line of number {id:03}, {}", "x".repeat(random.below(180))),
                client_id: None,
                msgid: None,
                channel: None,
            }
        }));
        store.commit(&writes).unwrap();
        store
    }

    /// What the file still has of these conversations.
    fn of_the_first(conversations: u64, path: &Path) -> Vec<String> {
        let bytes = std::fs::read(path).unwrap();
        let lines = (1..=conversations).map(|id| format!("line of number {id:03}"));
        lines.filter(|line| holds(&bytes, line)).collect()
    }

    #[test]
    fn a_full_disk_is_said_and_loses_nothing() {
        let (_folder, path) = file();
        let mut store = SqliteStore::open(&path, Durability::Full).unwrap();
        crate::store::contract::fill(&mut store);
        let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        // As much as a disk with no room left: the file can't grow.
        store.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
        let long = || Write::Canned("long".into(), "x".repeat(100_000));
        let error = store.commit(&[Write::AimUp(Millis(78)), long()]).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert_eq!(store.load().unwrap().aim_up, Some(Millis(77)), "all or nothing");
        store.connection.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
        store.commit(&[Write::AimUp(Millis(78)), long()]).unwrap();
        assert_eq!(store.load().unwrap().aim_up, Some(Millis(78)));
        assert_eq!(store.load().unwrap().conversations.len(), 1);
    }

    #[test]
    fn a_lock_of_another_program_is_said_and_passes() {
        let (_folder, path) = file();
        let mut store = SqliteStore::open(&path, Durability::Full).unwrap();
        store.connection.busy_timeout(Duration::from_millis(1)).unwrap();
        let shell = Connection::open(&path).unwrap();
        shell.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = store.commit(&[Write::AimUp(Millis(1))]).unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
        shell.execute_batch("ROLLBACK").unwrap();
        store.commit(&[Write::AimUp(Millis(1))]).unwrap();
    }

    #[test]
    fn a_backup_is_a_database() {
        let (folder, path) = file();
        let mut store = SqliteStore::open(&path, Durability::Full).unwrap();
        crate::store::contract::fill(&mut store);
        let copy = folder.path().join("copy.db");
        store.back_up(&copy).unwrap();
        assert_eq!(SqliteStore::open(&copy, Durability::Full).unwrap().conversations(9).unwrap().len(), 1);
    }
}
