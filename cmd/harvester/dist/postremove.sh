#!/bin/sh
# After removing. Only a purge, which rpm does not know, takes the database, the
# secrets and the exports away; the user stays, as nobody knows what it owns.
set -e

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
if [ "$1" = purge ]; then
  rm -rf /var/lib/harvester /etc/harvester
fi
