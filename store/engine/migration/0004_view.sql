-- The public view as before, for programs with an SQLite older than 3.42 too:
-- those know no unixepoch('subsec') and would have seen only what never
-- expires. The contract stands with the first schema.
DROP VIEW suppressed;
CREATE VIEW suppressed (address, key, reason, class, since, expires, stream, scope, source, last_seen, count, domain) AS
  SELECT address, key, reason, class, since, expires, stream, scope, source, last_seen, count, domain
  FROM suppressions
  WHERE state = 'suppressed' AND (expires IS NULL OR expires > CAST(strftime('%s', 'now') AS INTEGER) * 1000);
