-- While all history is decided anew: the addresses that were found to differ,
-- and are written all at once when the walk is done.
CREATE TABLE undecided (
  key TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
