#!/usr/bin/env bash
# The zones of the scenarios, looked at by diagnose and by the checkers that can
# be had: writes the table of docs/diagnose.md anew. It needs root, for a network
# of its own in which the server of the test is the resolver, and Debian's
# python3-spf, python3-dkim and opendmarc. mailauth comes from npm.
set -euo pipefail
cd "$(dirname "$0")/../../.."
for tool in opendmarc-check node npm; do
  command -v $tool >/dev/null || { echo "$tool is missing: apt-get install python3-spf python3-dkim opendmarc nodejs npm" >&2; exit 1; }
done
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --no-audit --no-fund --silent mailauth@7.1.0
go mod download blitiri.com.ar/go/spf # its suites are zones of others
go test -c -o "$dir/diagnose.test" ./schedule/diagnose
echo 'nameserver 127.0.0.1' >"$dir/resolv.conf"
export HARVESTER_CHECKERS=$dir
unshare --net --mount sh -c '
  ip link set lo up && mount --bind "$0/resolv.conf" /etc/resolv.conf && cd schedule/diagnose &&
  "$0/diagnose.test" -test.run "^TestCheckers$" -test.v' "$dir"
