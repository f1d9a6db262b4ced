-- What hashed exports go on to carry of an address that was forgotten: the
-- digest as that export writes it, since it can't be made any more.
CREATE TABLE digests (
  export    TEXT NOT NULL,                -- its name and profile: "partner/hashed"
  digest    TEXT NOT NULL,
  tombstone BLOB NOT NULL,                -- whose suppression it stands for
  PRIMARY KEY (export, digest)
) STRICT, WITHOUT ROWID;
