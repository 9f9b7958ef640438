-- Conversations, what was said in them, and what is owed to whom.
-- Times are milliseconds since 1970. Nothing is updated in place that a crash could leave half done: each change of
-- the bridge's mind is one transaction.

CREATE TABLE conversation (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    visitor    TEXT UNIQUE,              -- who; NULL when that visitor can't come back to it
    label      TEXT NOT NULL,            -- what staff call it
    nick       TEXT,                     -- where the visitor was last
    page       TEXT,
    opened_at  INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    closed_at  INTEGER,
    retired    INTEGER NOT NULL DEFAULT 0,  -- label and visitor are free again
    holder     TEXT,                     -- staff member who claimed it
    blocked    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX conversation_retired ON conversation (last_at) WHERE retired = 1;

CREATE TABLE entry (
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    staff        TEXT,                   -- who answered; NULL: the visitor wrote it
    text         TEXT NOT NULL,
    client_id    TEXT,                   -- the client's id of a visitor's line
    msgid        TEXT,                   -- the daemon's
    taken        INTEGER NOT NULL DEFAULT 0,  -- a visitor's line: acknowledged by the AIM server
    PRIMARY KEY (conversation, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_untaken ON entry (conversation) WHERE taken = 0 AND staff IS NULL;

-- An instant message, kept from before its first byte leaves until its fate is known. The texts owed in it stand here
-- alone, so that a message is one row written and one deleted.
CREATE TABLE im (
    id        INTEGER PRIMARY KEY,       -- the delivery number of its first text
    cookie    BLOB NOT NULL,
    account   INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    text      TEXT NOT NULL,
    rows      BLOB NOT NULL              -- the texts in it, see store/sqlite/im_rows.rs
) STRICT;

-- One text owed to one staff member and in no instant message.
CREATE TABLE delivery (
    id           INTEGER PRIMARY KEY,
    recipient    TEXT NOT NULL,          -- empty: nobody was listed
    rank         INTEGER NOT NULL,
    conversation INTEGER REFERENCES conversation (id) ON DELETE CASCADE,
    entry        INTEGER,                -- the visitor's line that it is, or part of it
    last         INTEGER NOT NULL,       -- whether the line has arrived when this has
    text         TEXT NOT NULL,
    at           INTEGER NOT NULL
) STRICT;

CREATE INDEX delivery_by_conversation ON delivery (conversation);

-- One answer owed to a visitor; gone when the daemon has it.
CREATE TABLE answer (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    entry        INTEGER NOT NULL,
    FOREIGN KEY (conversation, entry) REFERENCES entry (conversation, number) ON DELETE CASCADE
) STRICT;

CREATE INDEX answer_by_entry ON answer (conversation, entry);

-- Staff messages that came in, so that one that comes twice is heard once.
CREATE TABLE heard (
    sender TEXT NOT NULL,
    cookie BLOB NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (sender, cookie)
) STRICT, WITHOUT ROWID;

CREATE TABLE canned (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Single values, such as when the AIM side was last up.
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
