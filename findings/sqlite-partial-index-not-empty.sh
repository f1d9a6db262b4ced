#!/usr/bin/env bash
# A partial index WHERE word <> '' is not used for word = 'x'
#
# Program: sqlite3 3.40.1 (Debian 12), beside PostgreSQL 15. Rows whose word is empty
# are left out of the index by WHERE word <> ''. A query for word = 'x' can't mean
# them, and PostgreSQL's planner proves that and takes the index. SQLite's does not,
# with a literal as little as with a parameter, and reads the table: of inequalities
# it follows only IS NOT NULL from an operator. An index WHERE word IS NOT NULL
# serves, and so does a query that says word <> '' AND word = 'x'. A schema for both
# engines has the same index, and a page of milliseconds on one is a scan on the other.
# Needs a Debian 12 with sqlite3 and postgresql-15; runs the latter as nobody. Fails
# when this changes.
set -euo pipefail
version=$(sqlite3 --version | cut -d' ' -f1)
[ "$version" = 3.40.1 ] || { echo "seen with sqlite3 3.40.1, this is $version"; exit 1; }
bin=/usr/lib/postgresql/15/bin
[ -x $bin/initdb ] || { echo "postgresql-15 is missing"; exit 1; }
dir=$(mktemp -d)
chmod 755 "$dir"
as() { setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"; }
trap 'as $bin/pg_ctl -D "$dir/pg/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
table="CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT NOT NULL);"
index="CREATE INDEX t_word ON t (word) WHERE word <> '';"

sqlite3 "$dir/t.db" "$table $index WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
 INSERT INTO t SELECT i, CASE WHEN i % 1000 = 0 THEN 'w' || i ELSE '' END FROM n; ANALYZE;"
lite() { sqlite3 "$dir/t.db" -cmd ".param set :w 'w5000'" "EXPLAIN QUERY PLAN SELECT id FROM t WHERE $1" | tail -1 | sed 's/^`--//'; }

install -d -o nobody -g nogroup "$dir/pg"
as $bin/initdb -D "$dir/pg/data" -A trust -U postgres >/dev/null
as $bin/pg_ctl -D "$dir/pg/data" -w -l "$dir/pg/log" -o "-k $dir/pg -c listen_addresses=''" start >/dev/null
ask() { psql -qAtX -h "$dir/pg" -U postgres -c "$1" postgres; }
ask "$table $index INSERT INTO t SELECT i, CASE WHEN i % 1000 = 0 THEN 'w' || i ELSE '' END FROM generate_series(1, 100000) i"
ask "ANALYZE t"
big() { ask "EXPLAIN (COSTS OFF) SELECT id FROM t WHERE $1" | head -1; }

literal=$(lite "word = 'w5000'") bound=$(lite "word = :w") said=$(lite "word <> '' AND word = 'w5000'") other=$(big "word = 'w5000'")
echo "sqlite3, a literal:     $literal"
echo "sqlite3, a parameter:   $bound"
echo "sqlite3, with word<>'': $said"
echo "PostgreSQL, a literal:  $other"
[[ $literal == "SCAN t"* && $bound == "SCAN t"* && $said == *t_word* && $other == *t_word* ]] || { echo "sqlite3 $version or PostgreSQL does otherwise now"; exit 1; }
echo "as described: sqlite3 $version, $(psql --version)"
