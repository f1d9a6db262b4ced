#!/bin/sh
# Before removing, but not before upgrading: deb says "remove", rpm 0.
set -e

case "$1" in
remove | 0)
  if [ -d /run/systemd/system ]; then
    systemctl --no-reload disable --now harvester.service harvester-once.timer
  fi
  ;;
esac
