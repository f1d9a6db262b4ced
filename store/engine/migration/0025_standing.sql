-- Derived: how many rows the list has. Pages, reports and the guard ask for it all
-- the time, and counting a list of millions takes seconds.
CREATE TABLE standing (
  source TEXT    NOT NULL,
  state  TEXT    NOT NULL,
  class  TEXT    NOT NULL,
  n      INTEGER NOT NULL,              -- rows, what has expired and still stands among them
  PRIMARY KEY (source, state, class)
) STRICT, WITHOUT ROWID;
INSERT INTO standing SELECT source, state, class, count(*) FROM suppressions GROUP BY source, state, class;

-- What few rows have is found at once: most of a list is of unknown users, and in
-- force.
CREATE INDEX suppressions_held ON suppressions (key) WHERE state = 'held';
CREATE INDEX suppressions_reason ON suppressions (reason, key) WHERE reason <> 'user_unknown';
CREATE INDEX suppressions_source ON suppressions (source, key) WHERE source <> 'bounce';
-- A part of an address is looked for by this index alone, from place to place.
DROP INDEX suppressions_domain;
CREATE INDEX suppressions_domain ON suppressions (domain, key, source, stream);
