-- Several workers on one PostgreSQL: who is at work, who may do what, and what
-- they handed in for the leader to judge. Times are of the database's clock. A
-- file has one worker, and no row here.
CREATE TABLE workers (
  id      TEXT    PRIMARY KEY,         -- of the process
  name    TEXT    NOT NULL,
  about   TEXT    NOT NULL,            -- the program's version, and what a person may want to know
  started INTEGER NOT NULL,
  until   INTEGER NOT NULL,            -- it lives up to then
  skew    INTEGER NOT NULL,            -- its clock less that of the database, ms
  wants   TEXT    NOT NULL,            -- the leases that it can hold, a JSON list
  config  TEXT    NOT NULL,            -- a fingerprint for each part of its configuration that decides, a JSON object
  differs TEXT    NOT NULL             -- the parts that are not those of the database, a JSON list
) STRICT;

-- The pair is a key, so that a new epoch waits for who works under the old one
-- (FOR KEY SHARE), and a renewal does not.
CREATE TABLE leases (
  name  TEXT    PRIMARY KEY,           -- 'leader', 'mailbox NAME', 'export NAME', 'log NAME'
  owner TEXT    NOT NULL,              -- id of the worker, '' when it is free
  until INTEGER NOT NULL,
  epoch INTEGER NOT NULL,              -- grows with every owner
  UNIQUE (name, epoch)
) STRICT;

CREATE TABLE arrivals (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  worker  TEXT    NOT NULL,
  mailbox TEXT    NOT NULL,
  mails   INTEGER NOT NULL,
  body    BLOB    NOT NULL,            -- what was read, or what was settled
  trouble TEXT    NOT NULL DEFAULT ''  -- why the leader could not take it; '' while it may
) STRICT;
CREATE INDEX arrivals_mailbox ON arrivals (mailbox);
