-- Lists of other systems that were imported. Each row of one is an act of the
-- operator (add) with what the other system said: whether it was a bounce, a
-- complaint or an opt-out, for what, and when.
CREATE TABLE imports (
  id     INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  name   TEXT    NOT NULL,             -- of the file
  form   TEXT    NOT NULL,             -- by which it was read: 'sendgrid', 'ses', …
  reason TEXT    NOT NULL,             -- in the operator's words
  author TEXT    NOT NULL,
  ended  INTEGER,                      -- the latest step that changed the list; NULL: it was cut off
  undone INTEGER,                      -- when it was taken back, and why and by whom
  undone_reason TEXT NOT NULL DEFAULT '',
  undone_author TEXT NOT NULL DEFAULT ''
) STRICT;

ALTER TABLE overrides ADD COLUMN import INTEGER REFERENCES imports (id); -- NULL: the operator named the address
ALTER TABLE overrides ADD COLUMN source TEXT NOT NULL DEFAULT 'operator';
ALTER TABLE overrides ADD COLUMN cause  TEXT NOT NULL DEFAULT 'unclassified'; -- reason of a bounce
ALTER TABLE overrides ADD COLUMN since  INTEGER;                         -- when it happened; NULL: nobody says
ALTER TABLE overrides ADD COLUMN stream TEXT NOT NULL DEFAULT '';
ALTER TABLE overrides ADD COLUMN undone INTEGER NOT NULL DEFAULT 0;      -- with its import
CREATE INDEX overrides_import ON overrides (import) WHERE import IS NOT NULL;
CREATE INDEX overrides_target ON overrides (target) WHERE target IS NOT NULL;
