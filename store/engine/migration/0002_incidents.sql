-- What many events say together: failures that are our own fault, bursts and
-- concentrations that take weight from single events, and the guard on the
-- export.

-- The incident that an event belongs to ("spf:example.org"), '' when it is no
-- fault of ours, and the address or selector that is named.
ALTER TABLE events ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN named TEXT NOT NULL DEFAULT '';
-- What concentration it can be part of: unknown, 5.4.1, unreachable,
-- domain_unknown; '' for none and for what is not proven to be ours.
ALTER TABLE events ADD COLUMN concern TEXT NOT NULL DEFAULT '';
UPDATE events SET concern = CASE
    WHEN reason IN ('expired', 'relay_denied', 'routing_failed') THEN 'unreachable'
    WHEN reason = 'domain_unknown' THEN 'domain_unknown'
    WHEN status = '5.4.1' THEN '5.4.1' ELSE 'unknown' END
  WHERE kind = 'bounce' AND action = 'failed' AND proof <> 'none' AND reason IN ('user_unknown', 'address_invalid', 'user_moved',
    'mailbox_disabled', 'expired', 'relay_denied', 'routing_failed', 'domain_unknown');
CREATE INDEX events_cause ON events (cause, at) WHERE cause <> '';
CREATE INDEX events_concern ON events (concern, at) WHERE concern <> '';
CREATE INDEX events_domain ON events (domain, at) WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown');

-- What the operator did about an incident.
CREATE TABLE incident_acts (
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  incident TEXT    NOT NULL,               -- its key
  act      TEXT    NOT NULL CHECK (act IN ('ack', 'note')),
  text     TEXT    NOT NULL,
  author   TEXT    NOT NULL
) STRICT;
CREATE INDEX incident_acts_incident ON incident_acts (incident, at);

-- Derived: how many distinct things failed together. kind outage: addresses
-- that one operator called unknown, bin is the hour since 1970; domain:
-- addresses of one domain, and path: operators by concern, bin is the day
-- since 1970.
CREATE TABLE bins (
  kind    TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  bin     INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (kind, subject, bin)
) STRICT, WITHOUT ROWID;

-- Derived: stretches of time in which events are held (outage, domain) or have
-- no weight (path).
CREATE TABLE windows (
  kind     TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  start    INTEGER NOT NULL,
  ends     INTEGER NOT NULL,               -- of the burst itself
  until    INTEGER NOT NULL,               -- up to which events are held
  peak     INTEGER NOT NULL,               -- most distinct things in one bin
  baseline INTEGER NOT NULL,               -- what is usual; 0: not known
  PRIMARY KEY (kind, subject, start)
) STRICT, WITHOUT ROWID;

-- What the operator decided about a window: release counts its events as
-- usual, drop takes all weight from them. The latest decision holds.
CREATE TABLE rulings (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  kind    TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  start   INTEGER NOT NULL,
  ends    INTEGER NOT NULL,
  act     TEXT    NOT NULL CHECK (act IN ('release', 'drop')),
  reason  TEXT    NOT NULL,
  author  TEXT    NOT NULL
) STRICT;

-- Each time that the guard stopped the exports.
CREATE TABLE trips (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  why     TEXT    NOT NULL,
  acked   INTEGER,                         -- NULL: exports stand still
  reason  TEXT    NOT NULL DEFAULT '',     -- of the release
  author  TEXT    NOT NULL DEFAULT ''
) STRICT;
