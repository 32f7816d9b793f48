-- One row per key, in order of creation. Rows are only ever appended, and destruction overwrites the two secrets with
-- zeros of the same length: SQLite then changes the bytes in place and never moves a cell between pages, so no stale copy
-- of a secret is left in the unused part of a page. (One page is moved: the first root, whose old place secure_delete zeroes.)
CREATE TABLE IF NOT EXISTS keys (
  n         INTEGER PRIMARY KEY,
  id        TEXT    NOT NULL UNIQUE,
  case_id   TEXT    NOT NULL,            -- '' for the identity key and for tombstones of unknown keys
  kind      TEXT    NOT NULL CHECK (kind IN ('identity', 'case', 'exhibit', 'subject', 'unknown')),
  owner     TEXT    NOT NULL,            -- exhibit id; HMAC of the subject; '' for a case; the key id where unknown
  destroyed INTEGER NOT NULL DEFAULT 0,
  wrapped   BLOB    NOT NULL,            -- the key, under the master (identity, case) or under the case key
  secret    BLOB    NOT NULL DEFAULT x'' -- of an exhibit: its age identity under its own key
) STRICT;

CREATE UNIQUE INDEX IF NOT EXISTS keys_by_owner ON keys (case_id, kind, owner);
