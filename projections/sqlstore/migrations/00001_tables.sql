-- Read models that follow the journal of events. Everything here can be dropped and built again.
-- The column revision of every table is the revision of the event that made or last changed the row: the row position
-- keeps the count of all rows and the sum of their revisions, by which a damaged file is noticed.

-- +goose Up
CREATE TABLE position (
    id    INTEGER PRIMARY KEY CHECK (id = 0),
    next  INTEGER NOT NULL, -- revision of the first event that is not applied
    total INTEGER NOT NULL, -- rows in all other tables
    sum   INTEGER NOT NULL, -- of their revisions
    fold  INTEGER NOT NULL  -- version of the code that made the rows
);
INSERT INTO position (id, next, total, sum, fold) VALUES (0, 0, 0, 0, 0);

-- Numbers for texts that occur often: ids of cases and exhibits, chains, kinds, organisations.
CREATE TABLE word (
    no       INTEGER PRIMARY KEY,
    text     TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL
);

-- One row for each event, in the order of the journal, so that events of many cases fill the same pages. Each row names
-- the event before it of the same owner: a case, or the organisation where the event has no case.
CREATE TABLE entry (
    revision INTEGER PRIMARY KEY,
    owner    INTEGER NOT NULL,
    before   INTEGER NOT NULL, -- revision of the owner's event before this one, -1 for its first
    kind     INTEGER NOT NULL,
    chain    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    actor    INTEGER NOT NULL, -- the actor's organisation
    exhibit  INTEGER NOT NULL  -- 0 where the event concerns none
);

-- The last event of each owner.
CREATE TABLE owner (
    no       INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL
);

-- Events whose id a client can ask for again.
CREATE TABLE event_id (
    id       BLOB PRIMARY KEY,
    revision INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE urn (
    key      TEXT NOT NULL,
    owner    INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (key, owner)
) WITHOUT ROWID;

-- State of a case and of its parts, as canonical JSON of clear slots; no opened field is kept.
CREATE TABLE cases (
    owner    INTEGER PRIMARY KEY,
    state    BLOB NOT NULL,
    revision INTEGER NOT NULL
);
CREATE TABLE exhibits (
    owner    INTEGER NOT NULL,
    no       INTEGER NOT NULL, -- order within the case
    id       TEXT NOT NULL,
    state    BLOB NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (owner, no)
) WITHOUT ROWID;
CREATE UNIQUE INDEX exhibits_id ON exhibits (owner, id);
CREATE TABLE people (
    owner    INTEGER NOT NULL,
    no       INTEGER NOT NULL,
    id       TEXT NOT NULL,
    state    BLOB NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (owner, no)
) WITHOUT ROWID;
CREATE UNIQUE INDEX people_id ON people (owner, id);
CREATE TABLE grants (
    owner    INTEGER NOT NULL,
    no       INTEGER NOT NULL,
    id       TEXT NOT NULL,
    state    BLOB NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (owner, no)
) WITHOUT ROWID;
CREATE UNIQUE INDEX grants_id ON grants (owner, id);

-- Which organisation takes part in which case, and by which event.
CREATE TABLE participant (
    org       INTEGER NOT NULL,
    owner     INTEGER NOT NULL,
    revision  INTEGER NOT NULL,
    defendant TEXT NOT NULL, -- for whom a firm acts; empty where it does not matter
    PRIMARY KEY (org, owner, revision)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE participant;
DROP TABLE grants;
DROP TABLE people;
DROP TABLE exhibits;
DROP TABLE cases;
DROP TABLE urn;
DROP TABLE event_id;
DROP TABLE owner;
DROP TABLE entry;
DROP TABLE word;
DROP TABLE position;
