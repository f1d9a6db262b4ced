-- The ledger of what was sent, for proof: only numbers, no addresses.
CREATE TABLE sent (
  id     INTEGER PRIMARY KEY,             -- first 63 bits of SHA-256 over Message-ID, NUL, address key
  at     INTEGER NOT NULL,
  stream TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX sent_at ON sent (at);

-- Erasure: what remains of a forgotten address is a keyed hash and what stood
-- on the list for it, so that it stays suppressed and later notices about it
-- are stored without naming it.
CREATE TABLE tombstones (
  hash    BLOB    NOT NULL,               -- HMAC-SHA256 of the address key, with meta's "tombstone key"
  source  TEXT    NOT NULL,               -- of the suppression; '' when none stood
  stream  TEXT    NOT NULL,
  scope   TEXT    NOT NULL,
  reason  TEXT    NOT NULL,
  class   TEXT    NOT NULL,
  since   INTEGER NOT NULL,
  expires INTEGER,
  at      INTEGER NOT NULL,               -- of the erasure
  author  TEXT    NOT NULL,
  PRIMARY KEY (hash, source, stream)
) STRICT, WITHOUT ROWID;
