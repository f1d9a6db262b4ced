#!/usr/bin/env bash
# Courier answers the FETCH of a message that is gone with a mail of its own
#
# Program: imapd of Courier-IMAP 5.0.13 (Debian 12, courier-imap
# 5.0.13+1.0.16-3+b6). When a message was removed by another program after
# SELECT, RFC 9051 lets a server send NIL, leave it out, or answer NO. Courier
# makes a mail up, From: System Administrator, Subject: message unavailable, and
# says OK: a client that stores what it fetches stores a message nobody sent.
# Needs a Debian 12 with apt-get; nothing is installed. Fails when this changes.
set -euo pipefail
version=5.0.13+1.0.16-3+b6
dir=$(mktemp -d); chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/debs" "$dir/root" "$dir"/Maildir/{cur,new,tmp}; chmod 777 "$dir/debs"
cd "$dir/debs"
libraries=$(apt-get -qq --no-install-recommends --print-uris install "courier-imap=$version" | sed -n "s/^'[^']*' \(lib[^_]*\)_.*/\1/p" | sort -u)
apt-get download -qq "courier-imap=$version" courier-authlib $libraries
for deb in *.deb; do dpkg -x "$deb" "$dir/root"; done
LD_LIBRARY_PATH=$(find "$dir/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
for n in 1 2 3; do
  printf 'From: a@example.org\r\nSubject: mail %s\r\n\r\nText.\r\n' $n >"$dir/Maildir/new/179000000$n.M${n}P1.test"
done
cd "$dir"
said=$( (printf 'a SELECT INBOX\r\n'; sleep 2
  rm "$dir"/Maildir/*/1790000002.*
  printf 'b UID FETCH 1:3 (UID BODY.PEEK[])\r\n'; sleep 2; printf 'c LOGOUT\r\n'; sleep 1) |
  AUTHENTICATED=alice IMAP_CAPABILITY=IMAP4rev1 IMAP_USELOCKS=0 "$dir/root/usr/bin/imapd" Maildir 2>/dev/null | tr -d '\r')
echo "$said" | grep -E 'EXISTS|^\* 2 FETCH|^From:|^Subject:|^b '
echo "$said" | grep -q '^b OK' && echo "$said" | grep -q '^Subject: message unavailable' && echo "$said" | grep -q '^From: System Administrator' ||
  { echo "courier-imap $version answers otherwise now"; exit 1; }
echo "as described: courier-imap $version made up a mail for the one that was gone"
