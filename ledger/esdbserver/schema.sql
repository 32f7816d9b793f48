-- Version 1. An event is one row; n is its dense place in the store, from 1.
CREATE TABLE stream (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE event (
    n       INTEGER PRIMARY KEY,
    stream  INTEGER NOT NULL,
    rev     INTEGER NOT NULL, -- 9223372036854775807 marks a tombstone
    id      BLOB    NOT NULL, -- 16 bytes, as the client gave it
    created INTEGER NOT NULL, -- 100 ns ticks since 1970
    json    INTEGER NOT NULL,
    type    TEXT    NOT NULL,
    meta    BLOB    NOT NULL,
    data    BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX event_by_stream ON event (stream, rev);

PRAGMA application_id = 1163084866;
PRAGMA user_version = 1;
