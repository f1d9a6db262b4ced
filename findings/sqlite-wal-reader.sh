#!/usr/bin/env bash
# A reader of an SQLite database leaves files that keep its owner out
#
# Program: sqlite3 3.40.1 (Debian 12). A database in WAL mode that nobody has open
# is one file. Who opens it read-only (-readonly, SQLITE_OPEN_READONLY) and may
# write to the folder makes -wal and -shm, as files of his own, and does not remove
# them when he closes. The owner of the database, if he is another user and not
# root, can then not open it. Without the right to write to the folder the reader
# fails instead.
# Needs root, for two users, and a Debian 12 with sqlite3. Fails when this changes.
set -euo pipefail
version=$(sqlite3 --version | cut -d' ' -f1)
[ "$version" = 3.40.1 ] || { echo "seen with sqlite3 3.40.1, this is $version"; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 1777 "$dir"; cd "$dir"
as() { setpriv --reuid="$1" --regid=nogroup --clear-groups sqlite3 "${@:2}" 2>&1 || true; }
umask 027
as daemon list.db "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES('row');" >/dev/null
[ "$(ls)" = list.db ] || { echo "the owner left $(ls | paste -sd' ')"; exit 1; }
read=$(as nobody -readonly list.db "SELECT a FROM t")
left=$(stat -c '%n %U %a' list.db-* | paste -sd' ')
write=$(as daemon list.db "INSERT INTO t VALUES('another')")
echo "the reader read: $read; there are now: $left; the owner: ${write:-wrote}"
case "$read $left $write" in
"row "*"list.db-shm nobody 640 list.db-wal nobody 640"*[Ee]rror*) ;;
*) echo "sqlite3 $version does otherwise now"; exit 1 ;;
esac
rm -f list.db-*; chmod 755 "$dir"
read=$(as nobody -readonly list.db "SELECT a FROM t")
echo "without the right to write to the folder: $read"
case "$read" in *[Ee]rror*) ;; *) echo "sqlite3 $version does otherwise now"; exit 1 ;; esac
echo "as described: sqlite3 $version"
