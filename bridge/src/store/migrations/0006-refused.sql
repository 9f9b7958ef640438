-- Visitors' lines that were refused in words: the IRC daemon's ids alone. Its history has the lines, and they are to stay refused.

CREATE TABLE refused (
    id    INTEGER PRIMARY KEY,
    msgid TEXT NOT NULL UNIQUE
) STRICT;
