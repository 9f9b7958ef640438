-- An entry is written once and never again, and what is heard is appended: a line is paid for in pages of the log, so what
-- becomes of many lines at once has to stand close together, not beside each of them.

-- Visitors' lines that the AIM server has not acknowledged.
CREATE TABLE untaken (
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    PRIMARY KEY (conversation, number)
) STRICT, WITHOUT ROWID;

INSERT INTO untaken SELECT conversation, number FROM entry WHERE taken = 0 AND staff IS NULL;

DROP INDEX entry_untaken;

ALTER TABLE entry DROP COLUMN taken;

-- Cookies are random, so as a key each would have a page of its own. Memory knows which were heard; see hub/heard.rs.
ALTER TABLE heard RENAME TO heard_by_cookie;

CREATE TABLE heard (
    id     INTEGER PRIMARY KEY,
    sender TEXT NOT NULL,
    cookie BLOB NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

INSERT INTO heard (sender, cookie, at) SELECT sender, cookie, at FROM heard_by_cookie ORDER BY at;

DROP TABLE heard_by_cookie;
