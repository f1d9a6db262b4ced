-- Where an operator's failures are looked for when one more comes in. The
-- index before was of no use: no query names it by its own condition.
DROP INDEX events_concern;
CREATE INDEX events_path ON events (concern, operator, at) WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown');
