#!/usr/bin/env bash
# GNU mailutils imap4d finds nothing for UID SEARCH UID 1:*
#
# Program: imap4d of GNU mailutils 3.15 (Debian 12, mailutils-imap4d 1:3.15-4).
# RFC 9051 section 6.4.4 and its seq-range: * is the largest UID in use, so
# "UID 1:*" names every message. Clients that ask for "UID n:*" to learn of new
# mail are told that there is none, with OK, for ever.
# Seen with three messages in the mailbox:
#   UID SEARCH UID 1:*  ->  * SEARCH
#   UID SEARCH UID 1:3  ->  * SEARCH 1 2 3
#   UID SEARCH ALL      ->  * SEARCH 1 2 3
# Needs a Debian 12 with apt-get; nothing is installed. Fails when this changes.
set -euo pipefail
version=1:3.15-4
dir=$(mktemp -d); chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/debs" "$dir/root" "$dir/spool"; chmod 777 "$dir/debs" "$dir/spool"
cd "$dir/debs"
libraries=$(apt-get -qq --no-install-recommends --print-uris install "mailutils-imap4d=$version" | sed -n "s/^'[^']*' \(lib[^_]*\)_.*/\1/p" | sort -u)
apt-get download -qq "mailutils-imap4d=$version" $libraries
for deb in *.deb; do dpkg -x "$deb" "$dir/root"; done
LD_LIBRARY_PATH=$(find "$dir/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
user=$(id -un)
for n in 1 2 3; do
  printf 'From a@example.org Mon Nov 30 00:00:00 2026\nFrom: a@example.org\nSubject: %s\n\nText.\n\n' $n
done >"$dir/spool/$user"
cat >"$dir/conf" <<CONF
mode inetd;
preauth stdio;
mailbox {
  mail-spool "$dir/spool";
}
CONF
said=$( (printf 'a SELECT INBOX\r\nb UID SEARCH UID 1:*\r\nc UID SEARCH UID 1:3\r\nd UID SEARCH ALL\r\ne LOGOUT\r\n'; sleep 2) |
  "$dir/root/usr/sbin/imap4d" --config-file="$dir/conf" | tr -d '\r')
echo "$said" | grep -E 'EXISTS|SEARCH'
answers=$(echo "$said" | grep '^\* SEARCH' | sed 's/ *$//')
expected='* SEARCH
* SEARCH 1 2 3
* SEARCH 1 2 3'
echo "$said" | grep -q '^\* 3 EXISTS'
[ "$answers" = "$expected" ] || { echo "imap4d $version answers otherwise now:"; echo "$answers"; exit 1; }
echo "as described: imap4d $version finds nothing for UID 1:* in a mailbox of three"
