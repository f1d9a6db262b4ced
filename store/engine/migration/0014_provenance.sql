-- What shows where a notice comes from and whether the mail that it returns is
-- ours, as JSON; '' when nothing is known. See parse.Provenance.
ALTER TABLE messages ADD COLUMN provenance TEXT NOT NULL DEFAULT '';

-- The public DKIM keys of our own selectors as DNS had them, so that what was
-- signed with one verifies after a rotation.
CREATE TABLE dkim_keys (
  domain     TEXT    NOT NULL,
  selector   TEXT    NOT NULL,
  record     TEXT    NOT NULL, -- the TXT record
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  PRIMARY KEY (domain, selector, record)
) STRICT, WITHOUT ROWID;
