-- What DNS said of our own records, and of recipients' domains that failed: one
-- row for each stretch of time in which it said the same.
CREATE TABLE dns_records (
  id    INTEGER PRIMARY KEY,
  name  TEXT    NOT NULL,                  -- lower case, with its final dot
  type  TEXT    NOT NULL,                  -- "TXT"
  state TEXT    NOT NULL CHECK (state IN ('found', 'no_data', 'nxdomain')),
  value TEXT    NOT NULL,                  -- JSON array of the records as text, sorted
  first INTEGER NOT NULL,                  -- when it was seen first
  last  INTEGER NOT NULL                   -- and last
) STRICT;
CREATE INDEX dns_records_name ON dns_records (name, type, last);

-- What diagnosing found, about an incident or by the watch, and for how long.
CREATE TABLE findings (
  key      TEXT    PRIMARY KEY,            -- incident, id and subject
  scope    TEXT    NOT NULL,               -- the incident's id, or "watch"
  finding  TEXT    NOT NULL,               -- its id: "spf.missing_ip"
  subject  TEXT    NOT NULL,               -- domain, address, selector or list
  verdict  TEXT    NOT NULL,
  answer   TEXT    NOT NULL,
  body     TEXT    NOT NULL,               -- JSON, as harvester diagnose --json prints it
  opened   INTEGER NOT NULL,               -- since when this verdict stands
  last     INTEGER NOT NULL,               -- when it was found last
  closed   INTEGER                         -- NULL: it stands
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_scope ON findings (scope, closed);
