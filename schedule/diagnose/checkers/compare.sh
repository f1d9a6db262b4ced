#!/usr/bin/env bash
# The zones of the scenarios, looked at by diagnose and by the checkers that can
# be had: writes the table of docs/diagnose.md anew. It needs root, for a network
# of its own in which the server of the test is the resolver, and Debian's
# python3-spf, python3-dkim, opendmarc, spfquery (libspf2) and
# spf-tools-perl (Mail::SPF). mailauth comes from npm.
set -euo pipefail
cd "$(dirname "$0")/../../.."
for tool in opendmarc-check spfquery.libspf2 spfquery.mail-spf-perl node npm; do
  command -v $tool >/dev/null || { echo "$tool is missing: apt-get install python3-spf python3-dkim opendmarc spfquery spf-tools-perl nodejs npm" >&2; exit 1; }
done
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --no-audit --no-fund --silent mailauth@7.1.0
go mod download blitiri.com.ar/go/spf # its suites are zones of others
go test -c -o "$dir/diagnose.test" ./schedule/diagnose
# OpenDMARC's own records, from the source of Debian's package.
mkdir -p "$dir/lists/partial" "$dir/source"
(. /etc/os-release && echo "deb-src http://deb.debian.org/debian $VERSION_CODENAME main" >"$dir/source.list")
source_of() { apt-get -qq -o Dir::Etc::SourceList="$dir/source.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$dir/lists" "$@"; }
source_of update
(cd "$dir/source" && { source_of source --download-only opendmarc || true; } && tar -xzf opendmarc_*.orig.tar.gz)
(cd schedule/diagnose && HARVESTER_OPENDMARC=$(dirname "$dir"/source/*/libopendmarc/tests/test_dmarc_parse.c) "$dir/diagnose.test" -test.run '^TestForeign(Policies|Signatures|Keys)$' -test.v)
echo 'nameserver 127.0.0.1' >"$dir/resolv.conf"
export HARVESTER_CHECKERS=$dir
unshare --net --mount sh -c '
  ip link set lo up && mount --bind "$0/resolv.conf" /etc/resolv.conf && cd schedule/diagnose &&
  "$0/diagnose.test" -test.run "^TestCheckers$" -test.v' "$dir"
