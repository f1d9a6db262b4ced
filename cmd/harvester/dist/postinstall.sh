#!/bin/sh
# After installing or upgrading, deb ("configure", "abort-…") and rpm (how many
# are installed) alike. Nothing is started that was not running: the
# configuration has to be written first.
set -e

if [ -x /usr/bin/systemd-sysusers ]; then
  systemd-sysusers harvester.conf
elif ! getent passwd harvester >/dev/null; then
  useradd --system --user-group --home-dir /var/lib/harvester --no-create-home --shell /usr/sbin/nologin harvester
fi

# What tmpfiles.d says, also where systemd is not.
install -d -m 0700 -o root -g root /etc/harvester/credentials
for dir in /var/lib/harvester /var/lib/harvester/export /var/lib/harvester/report; do
  install -d -m 0750 -o harvester -g harvester "$dir"
done

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # A service that does not come back is no reason to leave the package half installed.
  systemctl try-restart harvester.service || echo "harvester did not start again: journalctl -u harvester" >&2
fi
