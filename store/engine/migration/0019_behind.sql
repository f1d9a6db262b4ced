-- What a verdict needs to know besides the reason: the address that failed behind
-- the one that we mailed (a list's member, the target of an alias), and the
-- clauses of the reply that were not understood though they have a strong word.
ALTER TABLE events ADD COLUMN behind TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN unread TEXT NOT NULL DEFAULT '';
