-- The schema as it first was, with a few rows. DO NOT EDIT: it stands for the
-- databases that are out there.
-- The facts, and what follows from them. Times are integer milliseconds since
-- 1970 in UTC; words (kinds, reasons, ...) are those of the JSON contract; an
-- unknown text is '', an unknown time NULL. Tables marked "derived" can be
-- recomputed from the others at any time.

-- One row per content: the same bytes found at several places are one message.
CREATE TABLE messages (
  id            INTEGER PRIMARY KEY,
  hash          BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32), -- SHA-256 of the whole raw message
  at            INTEGER NOT NULL,             -- when it came in: the earliest time known from its places
  harvested     INTEGER NOT NULL,             -- when it was stored
  size          INTEGER NOT NULL,             -- bytes of the whole message
  truncated     INTEGER NOT NULL DEFAULT 0,   -- 1: only its head was read
  kind          TEXT    NOT NULL,
  dialect       TEXT    NOT NULL DEFAULT '',
  message_id    TEXT    NOT NULL DEFAULT '',  -- of the notice itself
  sender        TEXT    NOT NULL DEFAULT '',  -- From of the notice, address only
  return_path   TEXT    NOT NULL DEFAULT '',
  delivered_to  TEXT    NOT NULL DEFAULT '',
  subject       TEXT    NOT NULL DEFAULT '',
  date          INTEGER,                      -- Date of the notice
  reporting_mta TEXT    NOT NULL DEFAULT '',
  arrival       INTEGER,                      -- when the reporting MTA took the mail that failed
  envelope_id   TEXT    NOT NULL DEFAULT '',
  sender_message TEXT   NOT NULL DEFAULT '',  -- an ESP's or MTA's own id of the mail we sent
  feedback_type TEXT    NOT NULL DEFAULT '',
  hint          TEXT    NOT NULL DEFAULT '',
  rules         TEXT    NOT NULL DEFAULT '',  -- version of the rule pack that answered
  original_message_id TEXT NOT NULL DEFAULT '', -- the mail that came back
  original_from TEXT    NOT NULL DEFAULT '',
  original_to   TEXT    NOT NULL DEFAULT '',
  original_subject TEXT NOT NULL DEFAULT '',
  original_date TEXT    NOT NULL DEFAULT '',  -- as written
  original_return_path TEXT NOT NULL DEFAULT '',
  original_sender TEXT  NOT NULL DEFAULT '',
  list_id       TEXT    NOT NULL DEFAULT '',
  feedback_id   TEXT    NOT NULL DEFAULT '',
  dkim          TEXT    NOT NULL DEFAULT '',  -- JSON array of "selector._domainkey.domain", '' when empty
  notes         TEXT    NOT NULL DEFAULT ''   -- JSON array of what was repaired, '' when empty
) STRICT;
CREATE INDEX messages_at ON messages (at);

-- Where messages stand or stood. A place that held two contents one after the
-- other (a file that was overwritten) has two rows.
CREATE TABLE locators (
  id          INTEGER PRIMARY KEY,
  message     INTEGER REFERENCES messages (id) ON DELETE CASCADE, -- NULL: gone or poison, there was nothing to read
  mailbox     TEXT    NOT NULL,
  folder      TEXT    NOT NULL DEFAULT '',
  uidvalidity INTEGER NOT NULL DEFAULT 0,
  uid         INTEGER NOT NULL DEFAULT 0,
  name        TEXT    NOT NULL DEFAULT '',    -- path or UIDL, for sources without UIDs
  received    INTEGER,                        -- INTERNALDATE or file time
  state       TEXT    NOT NULL CHECK (state IN ('stored', 'gone', 'poison')),
  error       TEXT    NOT NULL DEFAULT '',    -- why a poison message can't be read
  disposition TEXT    NOT NULL CHECK (disposition IN ('keep', 'seen', 'move', 'delete')),
  target      TEXT    NOT NULL DEFAULT '',    -- folder of a move
  settled     INTEGER                         -- when the disposition was carried out
) STRICT;
CREATE UNIQUE INDEX locators_place ON locators (mailbox, folder, uidvalidity, uid, name, ifnull(message, 0));
CREATE INDEX locators_message ON locators (message);
CREATE INDEX locators_unsettled ON locators (mailbox, folder) WHERE settled IS NULL AND disposition <> 'keep';

-- Raw bytes of what nobody understood, zstd; the material of triage.
CREATE TABLE raws (
  message INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
  size    INTEGER NOT NULL,  -- bytes before compression, at most the cap
  data    BLOB    NOT NULL
) STRICT;

-- One row per recipient that a message names.
CREATE TABLE events (
  id           INTEGER PRIMARY KEY,
  message      INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  idx          INTEGER NOT NULL,             -- position in the message
  at           INTEGER NOT NULL,             -- that of the message
  key          TEXT    NOT NULL,             -- address key, '' when nobody is named
  domain       TEXT    NOT NULL,             -- domain of the key
  address      TEXT    NOT NULL,             -- as written
  kind         TEXT    NOT NULL,             -- that of the message
  original_recipient TEXT NOT NULL DEFAULT '',
  final_recipient TEXT NOT NULL DEFAULT '',
  action       TEXT    NOT NULL,
  status       TEXT    NOT NULL DEFAULT '',  -- enhanced status code (RFC 3463)
  reply_code   INTEGER NOT NULL DEFAULT 0,
  reason       TEXT    NOT NULL,
  fault        TEXT    NOT NULL,
  class        TEXT    NOT NULL,
  vendor       TEXT    NOT NULL DEFAULT '',
  rule         TEXT    NOT NULL DEFAULT '',
  rules        TEXT    NOT NULL DEFAULT '',  -- version of the rule pack
  confidence   TEXT    NOT NULL,
  remote_mta   TEXT    NOT NULL DEFAULT '',
  diagnostic   TEXT    NOT NULL DEFAULT '',
  evidence     TEXT    NOT NULL DEFAULT '',  -- the words that matched
  proof        TEXT    NOT NULL,             -- of sending: none, returned, ledger, signed
  stream       TEXT    NOT NULL DEFAULT '',  -- of ours, that sent the mail
  operator     TEXT    NOT NULL DEFAULT '',  -- who runs the receiving MX: a known name, or an organisational domain
  original_message_id TEXT NOT NULL DEFAULT '',
  duplicate_of INTEGER,                      -- derived: an earlier event for the same mail and reason family
  UNIQUE (message, idx)
) STRICT;
CREATE INDEX events_key ON events (key);
CREATE INDEX events_at ON events (at);

-- Derived: what stands on the suppression list, one row per address, source
-- and (for what concerns one stream only) stream.
CREATE TABLE suppressions (
  key        TEXT    NOT NULL,
  source     TEXT    NOT NULL,             -- bounce, complaint, unsubscribe, operator
  stream     TEXT    NOT NULL DEFAULT '',  -- '' unless scope is 'stream'
  scope      TEXT    NOT NULL,             -- address (all streams), marketing, stream
  state      TEXT    NOT NULL,             -- suppressed, held
  address    TEXT    NOT NULL,             -- as first seen
  domain     TEXT    NOT NULL,
  kind       TEXT    NOT NULL,             -- of the message it rests on; '' for the operator's
  reason     TEXT    NOT NULL,             -- bounce reason, complaint, unsubscribe, manual
  class      TEXT    NOT NULL,
  since      INTEGER NOT NULL,             -- time of the event that met the policy line
  last_seen  INTEGER NOT NULL,
  expires    INTEGER,                      -- NULL: never
  held_until INTEGER,
  count      INTEGER NOT NULL,             -- counted events
  line       TEXT    NOT NULL,             -- the policy line, in words
  proof      TEXT    NOT NULL,
  rule       TEXT    NOT NULL DEFAULT '',
  rules      TEXT    NOT NULL DEFAULT '',
  status     TEXT    NOT NULL DEFAULT '',
  reply_code INTEGER NOT NULL DEFAULT 0,
  remote_mta TEXT    NOT NULL DEFAULT '',
  diagnostic TEXT    NOT NULL DEFAULT '',
  event      INTEGER,                      -- the event that met the line
  override   INTEGER,                      -- the operator's act
  PRIMARY KEY (key, source, stream)
) STRICT, WITHOUT ROWID;
CREATE INDEX suppressions_expires ON suppressions (expires) WHERE expires IS NOT NULL;
CREATE INDEX suppressions_domain ON suppressions (domain);

-- STABLE PUBLIC CONTRACT for programs that read the database directly: what
-- must not be mailed at this moment. Columns are only ever added. Open the
-- file read-only; look up by key (lower-cased address, domain as A-label).
--   address     as first seen                 key      normal form, unique with source and stream
--   reason      a bounce reason, 'complaint', 'unsubscribe' or 'manual'
--   class       hard, soft, block, none       source   bounce, complaint, unsubscribe, operator
--   since, last_seen, expires                 integer milliseconds UTC; expires NULL: never
--   scope       address (all streams), marketing (all but transactional ones), stream
--   stream      the stream concerned, '' unless scope is 'stream'
--   count       counted events                domain   of the key
CREATE VIEW suppressed (address, key, reason, class, since, expires, stream, scope, source, last_seen, count, domain) AS
  SELECT address, key, reason, class, since, expires, stream, scope, source, last_seen, count, domain
  FROM suppressions
  WHERE state = 'suppressed' AND (expires IS NULL OR expires > CAST(unixepoch('subsec') * 1000 AS INTEGER));

-- What changed on the list, and when: the past of the derived table.
CREATE TABLE changes (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,                -- when the change was stored
  op      TEXT    NOT NULL CHECK (op IN ('add', 'hold', 'remove')), -- remove: also what expired
  key     TEXT    NOT NULL,
  address TEXT    NOT NULL,
  domain  TEXT    NOT NULL,
  source  TEXT    NOT NULL,
  stream  TEXT    NOT NULL DEFAULT '',
  reason  TEXT    NOT NULL,
  class   TEXT    NOT NULL,
  why     TEXT    NOT NULL DEFAULT ''      -- of a removal
) STRICT;
CREATE INDEX changes_at ON changes (at);
CREATE INDEX changes_key ON changes (key);

-- The operator's acts. Nothing is ever deleted here; undone ones name the act
-- that took them back.
CREATE TABLE overrides (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  act     TEXT    NOT NULL CHECK (act IN ('add', 'remove', 'allow', 'undo')),
  pattern TEXT    NOT NULL,                -- address key, '@domain' or '@*.domain'
  address TEXT    NOT NULL DEFAULT '',     -- as the operator wrote it
  until   INTEGER,                         -- NULL: for good
  target  INTEGER REFERENCES overrides (id), -- of an undo
  reason  TEXT    NOT NULL,
  author  TEXT    NOT NULL
) STRICT;
CREATE INDEX overrides_pattern ON overrides (pattern);

-- How far each folder has been accounted for.
CREATE TABLE cursors (
  mailbox     TEXT    NOT NULL,
  folder      TEXT    NOT NULL,
  uidvalidity INTEGER NOT NULL,
  last_uid    INTEGER NOT NULL,
  state       TEXT    NOT NULL DEFAULT '',  -- opaque, for sources without UIDs
  at          INTEGER NOT NULL,             -- when it was stored
  PRIMARY KEY (mailbox, folder)
) STRICT, WITHOUT ROWID;

-- Each run of a job ("harvest bounces", "export suppression", "report").
CREATE TABLE runs (
  id      INTEGER PRIMARY KEY,
  job     TEXT    NOT NULL,
  started INTEGER NOT NULL,
  ended   INTEGER,                          -- NULL: running, or cut off by a crash
  ok      INTEGER NOT NULL DEFAULT 0,
  detail  TEXT    NOT NULL DEFAULT ''       -- one line, or the error
) STRICT;
CREATE INDEX runs_job ON runs (job, started);

-- Each file that was published, or withheld.
CREATE TABLE exports (
  id         INTEGER PRIMARY KEY,
  name       TEXT    NOT NULL,
  profile    TEXT    NOT NULL,
  path       TEXT    NOT NULL,
  generation INTEGER NOT NULL,              -- grows with each new content of that name
  at         INTEGER NOT NULL,
  rows       INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  sha256     TEXT    NOT NULL,              -- of the file, lower-case hex
  state      TEXT    NOT NULL CHECK (state IN ('published', 'withheld')),
  why        TEXT    NOT NULL DEFAULT '',   -- of a withheld one
  UNIQUE (name, generation)
) STRICT;

-- Single values of the database itself: the generation of the list, the policy
-- that it was computed with.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 1752331891;
PRAGMA user_version = 1;

INSERT INTO messages (id, hash, at, harvested, size, kind, dialect, original_message_id, original_from, original_to)
 VALUES (1, x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 1772442000000, 1772442060000, 2048, 'bounce', 'postfix',
  '<1@example.org>', 'news@example.org', 'Jane@example.net');
INSERT INTO locators (message, mailbox, folder, uidvalidity, uid, received, state, disposition)
 VALUES (1, 'bounces', 'INBOX', 1, 1, 1772442000000, 'stored', 'keep');
INSERT INTO events (id, message, idx, at, key, domain, address, kind, action, status, reply_code, reason, fault, class, rule, rules,
  confidence, remote_mta, diagnostic, evidence, proof, stream, operator, original_message_id)
 VALUES (1, 1, 0, 1772442000000, 'jane@example.net', 'example.net', 'Jane@example.net', 'bounce', 'failed', '5.1.1', 550, 'user_unknown',
  'recipient', 'hard', 'generic.no-such-user', 'pack.1', 'rule', 'mx.example.net', '550 5.1.1 no such user', 'no such user', 'returned',
  'news@example.org', 'example.net', '<1@example.org>');
INSERT INTO suppressions (key, source, stream, scope, state, address, domain, kind, reason, class, since, last_seen, expires, count, line,
  proof, rule, rules, status, reply_code, remote_mta, diagnostic, event)
 VALUES ('jane@example.net', 'bounce', '', 'address', 'suppressed', 'Jane@example.net', 'example.net', 'bounce', 'user_unknown', 'hard',
  1772442000000, 1772442000000, 1835514000000, 1, 'user_unknown: after 1, for 24 months, all streams', 'returned', 'generic.no-such-user',
  'pack.1', '5.1.1', 550, 'mx.example.net', '550 5.1.1 no such user', 1);
