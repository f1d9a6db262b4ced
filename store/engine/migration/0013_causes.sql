-- Incidents are looked for every few minutes: by this index alone, without the rows.
DROP INDEX events_cause;
CREATE INDEX events_cause ON events (cause, at, duplicate_of) WHERE cause <> '';
