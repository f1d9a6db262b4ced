#!/usr/bin/env bash
# min(column) over the newest few rows reads an index from its beginning
#
# Program: sqlite3 3.40.1 (Debian 12). SELECT min(at) FROM t WHERE id > ?, with an
# index on at and id as the primary key, does not go to the range of ids, be it ten
# rows of 300,000 and ANALYZE have been run: the planner takes the index because it
# is in the order of min(), and walks it until a row lies in the range. Where at
# grows with id that is nearly the whole table. min(+at), which no index serves,
# reads the ten rows. (max() is quick, since the walk begins at the end.)
# Needs a Debian 12 with sqlite3. Fails when this changes.
set -euo pipefail
version=$(sqlite3 --version | cut -d' ' -f1)
[ "$version" = 3.40.1 ] || { echo "seen with sqlite3 3.40.1, this is $version"; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
db=$dir/t.db
sqlite3 "$db" "CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER); CREATE INDEX t_at ON t (at);
 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO t SELECT i, i FROM n; ANALYZE;"
ask() { # EXPRESSION: the answer, and the steps of SQLite's machine
  sqlite3 -cmd '.stats on' "$db" "SELECT $1 FROM t WHERE id > 299990" | sed -n '1p; s/^Virtual Machine Steps: *//p' | paste -sd' '
}
for e in 'min(at)' 'max(at)' 'min(+at)'; do
  echo "$e: answer and steps $(ask "$e"); $(sqlite3 "$db" "EXPLAIN QUERY PLAN SELECT $e FROM t WHERE id > 299990" | tail -1)"
done
read -r a slow <<<"$(ask 'min(at)')"
read -r b quick <<<"$(ask 'min(+at)')"
read -r _ last <<<"$(ask 'max(at)')"
[ "$a" = 299991 ] && [ "$b" = 299991 ] && [ "$slow" -gt 500000 ] && [ "$quick" -lt 500 ] && [ "$last" -lt 500 ] || { echo "sqlite3 $version does otherwise now"; exit 1; }
echo "as described: sqlite3 $version"
