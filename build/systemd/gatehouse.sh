#!/bin/sh
# /usr/bin/gatehouse: the program that the service runs, whichever slot that is.
boot=${GATEHOUSE_STATE:-/var/lib/gatehouse}/slots/boot
slot=
if [ -r "$boot" ]; then
  read -r words <"$boot" || words=
  for word in $words; do case $word in active=a | active=b) slot=${word#active=} ;; esac; done
fi
program=${boot%/boot}/$slot/gatehouse
if [ -z "$slot" ] || [ ! -x "$program" ]; then program=/opt/gatehouse/gatehouse; fi
exec "$program" "$@"
