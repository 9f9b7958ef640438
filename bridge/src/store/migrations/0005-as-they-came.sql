-- Entries stand in the order in which they were said, over all conversations, and each names the one before it in its own.
-- Clustered by conversation, each conversation that went on had a page of its own to be written with each commit.

CREATE TABLE entry_as_it_came (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    number       INTEGER NOT NULL,       -- in the conversation, from 1 on, without gaps
    previous     INTEGER,                -- the entry before it in the conversation
    at           INTEGER NOT NULL,
    staff        TEXT,                   -- who answered; NULL: the visitor wrote it
    text         TEXT NOT NULL,
    client_id    TEXT,                   -- the client's id of a visitor's line
    msgid        TEXT,                   -- the daemon's
    channel      TEXT                    -- where it was said, if not privately: the daemon may keep it
) STRICT;

INSERT INTO entry_as_it_came
    WITH numbered AS (
        SELECT row_number() OVER (ORDER BY at, conversation, number) AS id, * FROM entry
    )
    SELECT id, conversation, number, lag(id) OVER (PARTITION BY conversation ORDER BY number),
        at, staff, text, client_id, msgid, channel
    FROM numbered ORDER BY id;

CREATE INDEX while_moving ON entry_as_it_came (conversation, number);

ALTER TABLE conversation ADD COLUMN last_entry INTEGER;               -- the id of its newest entry
ALTER TABLE conversation ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;  -- how many it has: that one's number

UPDATE conversation SET (last_entry, entries) = (entry.id, entry.number)
FROM (SELECT id, conversation, max(number) AS number FROM entry_as_it_came GROUP BY conversation) AS entry
WHERE entry.conversation = conversation.id;

CREATE TABLE answer_to_entry (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    entry        INTEGER NOT NULL        -- the id of the entry that is owed
) STRICT;

INSERT INTO answer_to_entry
    SELECT answer.id, answer.conversation, entry.id FROM answer JOIN entry_as_it_came AS entry
    ON entry.conversation = answer.conversation AND entry.number = answer.entry;

DROP TABLE answer;

ALTER TABLE answer_to_entry RENAME TO answer;

CREATE TABLE untaken_entry (
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    entry        INTEGER NOT NULL,       -- its id
    PRIMARY KEY (conversation, number)
) STRICT, WITHOUT ROWID;

INSERT INTO untaken_entry
    SELECT conversation, number, entry.id FROM untaken JOIN entry_as_it_came AS entry USING (conversation, number);

DROP TABLE untaken;

ALTER TABLE untaken_entry RENAME TO untaken;

DROP TABLE entry;

DROP INDEX while_moving;

ALTER TABLE entry_as_it_came RENAME TO entry;
