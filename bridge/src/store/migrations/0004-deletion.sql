-- What the operator wants deleted while a bridge runs, and what of deleted conversations the IRC daemon may still keep: its own
-- ids of lines, no text.

ALTER TABLE entry ADD COLUMN channel TEXT;            -- where it was said, if not privately: the daemon may keep it

CREATE TABLE deletion (
    conversation INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE redaction (
    id      INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    msgid   TEXT NOT NULL
) STRICT;
