-- Rows of the list that show something newer (a count, the last failure)
-- without a place in its history: files that show it are brought up to date by
-- these alone. The newest are kept.
CREATE TABLE refreshed (
  id  INTEGER PRIMARY KEY,
  key TEXT    NOT NULL
) STRICT;
