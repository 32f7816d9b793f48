-- One file holds every tree of the server. Two key columns pack several numbers, so that a row is
-- found and appended by its rowid alone and no second index has to be kept:
--   leaves.id = ordinal << 40 | leaf index
--   tiles.id  = ordinal << 40 | tile level << 32 | tile index

CREATE TABLE trees (
    ordinal    INTEGER PRIMARY KEY AUTOINCREMENT, -- short name of the tree inside this file, never used again
    tree_id    INTEGER NOT NULL UNIQUE,           -- Trillian's random tree id
    definition BLOB NOT NULL,                     -- trillian.Tree, protobuf
    root       BLOB                               -- latest LogRootV1, TLS encoding; NULL before InitLog
) STRICT;

CREATE TABLE leaves (
    id            INTEGER PRIMARY KEY,
    merkle_hash   BLOB NOT NULL,    -- 32 bytes; also the unfinished level-0 tile
    value         BLOB NOT NULL,
    extra         BLOB,
    identity      BLOB,             -- NULL where it is 24 zero bytes || BE64(leaf index)
    queued_at     INTEGER NOT NULL, -- Unix time, nanoseconds
    integrated_at INTEGER NOT NULL  -- Unix time, nanoseconds; 0 in a PREORDERED_LOG tree
) STRICT;

-- Raw tiles in the layout of C2SP tlog-tiles: 1 to 256 hashes of 32 bytes. A finished tile is never
-- written again. The unfinished tile of level 0 has no row: its hashes are leaves.merkle_hash.
CREATE TABLE tiles (
    id     INTEGER PRIMARY KEY,
    hashes BLOB NOT NULL
) STRICT;

-- Identity hashes that do not follow from the leaf index.
CREATE TABLE identities (
    ordinal INTEGER NOT NULL,
    hash    BLOB NOT NULL,
    place   INTEGER NOT NULL, -- leaves.id, or -queue.position while the leaf waits
    PRIMARY KEY (ordinal, hash)
) STRICT, WITHOUT ROWID;

-- Leaves of LOG trees that wait for their index.
CREATE TABLE queue (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    ordinal     INTEGER NOT NULL,
    merkle_hash BLOB NOT NULL,
    value       BLOB NOT NULL,
    extra       BLOB,
    identity    BLOB NOT NULL,
    queued_at   INTEGER NOT NULL
) STRICT;
