-- Pages and reports look through the events by time: by this index alone, without
-- the rows, which are ten times as large.
DROP INDEX events_failed;
DROP INDEX events_at;
CREATE INDEX events_at ON events (at, id, kind, action, duplicate_of, reason, operator, domain, stream);
