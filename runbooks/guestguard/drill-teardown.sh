#!/bin/sh
# Stops the drill's servers and removes its folder. Only a folder that this run made has its mark.
set -eu
if [ ! -e "$PLACE" ]; then exit 0; fi
if [ "$(cat "$PLACE/run" 2>/dev/null)" != "$PITON_RUN" ]; then
  echo "$PLACE is not of this run, and stays"
  exit 0
fi
for data in "$PLACE"/*/data; do
  if [ -f "$data/postmaster.pid" ] && "$PG_BIN/pg_ctl" status -D "$data" >/dev/null; then
    "$PG_BIN/pg_ctl" stop -w -m immediate -D "$data"
  fi
done
# The mark goes last: a removal that is cut off is one that can be done again.
for part in "$PLACE"/*; do
  if [ "$part" != "$PLACE/run" ]; then rm -rf "$part"; fi
done
rm -f "$PLACE/run"
rmdir "$PLACE"
