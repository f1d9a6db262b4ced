-- The report counts 14 days: by these indexes alone, without the rows.
DROP INDEX messages_at;
CREATE INDEX messages_at ON messages (at, kind);
CREATE INDEX events_failed ON events (at, reason) WHERE kind = 'bounce' AND action = 'failed' AND duplicate_of IS NULL;
