-- What each push has told its target: the target's list holds every address
-- that was sent. Progress stands here batch by batch, so that a run that was
-- cut off goes on where it was.
CREATE TABLE pushed (
  push    TEXT    NOT NULL,                -- as configured
  key     TEXT    NOT NULL,
  address TEXT    NOT NULL,                -- as it was sent
  list    TEXT    NOT NULL,                -- of the target's lists
  state   TEXT    NOT NULL CHECK (state IN ('sent', 'refused')),
  why     TEXT    NOT NULL DEFAULT '',     -- of a refusal, the target's words
  at      INTEGER NOT NULL,
  PRIMARY KEY (push, key)
) STRICT, WITHOUT ROWID;

-- How far into the history of the list a push has come (an id of changes), and
-- for which settings: others begin anew.
CREATE TABLE pushes (
  push TEXT    PRIMARY KEY,
  mark INTEGER NOT NULL,
  form TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
