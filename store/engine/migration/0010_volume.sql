-- What was sent, for rates, and whether a stream may go on sending.

-- Recipients sent to, as counts say; the rows of the send ledger count besides
-- where no count is given for their day and stream.
CREATE TABLE volumes (
  day    INTEGER NOT NULL,                -- since 1970-01-01
  stream TEXT    NOT NULL,                -- '' where the mail is not told apart
  source TEXT    NOT NULL,                -- who counted
  sent   INTEGER NOT NULL,
  PRIMARY KEY (day, stream, source)
) STRICT, WITHOUT ROWID;

-- Each change of a stream's level, by its rate or by an operator. The newest
-- row of a stream holds.
CREATE TABLE pauses (
  id     INTEGER PRIMARY KEY,
  stream TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  level  TEXT    NOT NULL CHECK (level IN ('unknown', 'ok', 'warn', 'pause')),
  why    TEXT    NOT NULL,
  author TEXT    NOT NULL DEFAULT ''      -- of a release; '' for the rate
) STRICT;
CREATE INDEX pauses_stream ON pauses (stream, id);
