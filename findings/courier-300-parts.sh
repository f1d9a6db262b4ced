#!/usr/bin/env bash
# Courier gives the size of a message that it cut as its size
#
# Program: imapd of Courier-IMAP 5.0.13 (Debian 12, courier-imap
# 5.0.13+1.0.16-3+b6). A message of 300 MIME parts or more is cut after the 299th
# in BODY[], and RFC822.SIZE (RFC 9051: the size of the message) agrees with what
# is left, so that a client that compares the two finds nothing wrong. RFC822,
# which RFC 3501 calls equivalent to BODY[], gives all of it.
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
{
  printf 'From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n'
  for n in $(seq 1000); do printf -- '--b\n\npart %s\n' "$n"; done
  printf -- '--b--\n'
} >"$dir/Maildir/new/1790000001.M1P1.test"
cd "$dir"
said=$(printf 'a EXAMINE INBOX\r\nb UID FETCH 1 (RFC822.SIZE BODY.PEEK[])\r\nc UID FETCH 1 (RFC822)\r\nd LOGOUT\r\n' |
  AUTHENTICATED=alice IMAP_CAPABILITY=IMAP4rev1 IMAP_USELOCKS=0 "$dir/root/usr/bin/imapd" Maildir 2>/dev/null | tr -d '\r')
echo "$said" | grep -E '^\* 1 FETCH'
size=$(echo "$said" | sed -n 's/.*RFC822.SIZE \([0-9]*\) BODY\[\] {\([0-9]*\)}.*/\1 \2/p')
whole=$(echo "$said" | sed -n 's/.*RFC822 {\([0-9]*\)}.*/\1/p')
read -r told cut <<<"$size"
[ "$told" = "$cut" ] && [ "$cut" -lt "$whole" ] || { echo "courier-imap $version answers otherwise now: RFC822.SIZE $told, BODY[] $cut, RFC822 $whole"; exit 1; }
echo "as described: courier-imap $version says RFC822.SIZE $told and sends as much as BODY[], and $whole octets as RFC822"
