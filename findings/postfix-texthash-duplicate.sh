#!/usr/bin/env bash
# Postfix refuses every recipient for one texthash table that postmap takes
#
# Program: Postfix 3.7.11 (Debian 12, postfix 3.7.11-0+deb12u1). Where two keys
# of a texthash: table are the same once they are folded to lower case,
# "postmap -q" warns of a duplicate entry, answers, and exits with 0. smtpd opens
# the same table without that leave: its table is a stand-in that fails each
# look-up, and the server answers 451 to all recipients, of whom the table may
# say nothing. "postmap -q" is the check that one makes before a table is put
# in place, so it passes what stops all mail. texthash_table(5) is silent about it.
# Needs root on a Debian 12 with apt-get; nothing is installed. Fails when this changes.
set -euo pipefail
version=3.7.11-0+deb12u1
dir=$(mktemp -d); chmod 755 "$dir"; master=
trap '[ -z "$master" ] || { kill "$master"; wait "$master"; } 2>/dev/null || true; rm -rf "$dir"' EXIT
mkdir -p "$dir"/{debs,root,etc,data} "$dir"/queue/{pid,private,public,incoming,active,deferred}; chmod 777 "$dir/debs"
cd "$dir/debs"
libraries=$(apt-get -qq --no-install-recommends --print-uris --reinstall install "postfix=$version" | sed -n "s/^'[^']*' \(lib[^_]*\)_.*/\1/p" | sort -u)
apt-get download -qq "postfix=$version" $libraries
for deb in *.deb; do dpkg -x "$deb" "$dir/root"; done
bin=$dir/root/usr
LD_LIBRARY_PATH=$bin/lib/postfix:$(find "$dir/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH

port=$((20000 + RANDOM % 20000))
cat >"$dir/etc/main.cf" <<X
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
command_directory = $bin/sbin
daemon_directory = $bin/lib/postfix/sbin
shlib_directory = $bin/lib/postfix
import_environment = MAIL_CONFIG LD_LIBRARY_PATH
mail_owner = nobody
default_privs = daemon
setgid_group = tty
maillog_file = $dir/log
maillog_file_prefixes = $dir
myhostname = mail.example.org
mydestination = example.org
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
smtpd_recipient_restrictions = check_recipient_access texthash:$dir/etc/table, permit_mynetworks, reject
X
cat >"$dir/etc/master.cf" <<X
127.0.0.1:$port inet n - n - - smtpd
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
X
chown nobody "$dir/data" "$dir"/queue/{private,public,incoming,active,deferred}
printf 'gone@example.net REJECT gone\nGone@example.net REJECT gone\n' >"$dir/etc/table"
"$bin/lib/postfix/sbin/master" -c "$dir/etc" -d >"$dir/master.out" 2>&1 & master=$!

ask() { # what smtpd says of a recipient
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'EHLO test.example.org\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nQUIT\r\n' "$1" >&3
  tr -d '\r' <&3 | sed -n '/2.1.0 Ok/{n;p}'
  exec 3>&-
}
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
said=$("$bin/sbin/postmap" -c "$dir/etc" -q gone@example.net "texthash:$dir/etc/table" 2>&1) && status=0 || status=$?
echo "postmap -q: exit $status: $said"
other=$(ask anybody@example.org); echo "smtpd, of a recipient that is not in the table: $other"
[ "$status" = 0 ] && grep -q 'duplicate entry' <<<"$said" && [[ $other == 451* ]] ||
  { cat "$dir/master.out" "$dir/log" 2>/dev/null | tail -20; echo "postfix $version answers otherwise now"; exit 1; }
echo "as described: postfix $version stops at what postmap takes"
