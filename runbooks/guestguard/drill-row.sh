#!/bin/sh
# Adds this drill's line to the log, once: the line has the run's name, and one that is there is not written again.
set -eu
mkdir -p "$(dirname "$LOG")"
exec 9>>"$LOG.lock"
flock 9
new=$LOG.new
if [ -f "$LOG" ]; then
  if grep -qF "| $RUN |" "$LOG"; then exit 0; fi
  cat "$LOG" >"$new"
else
  printf '%s\n' '| Started | Run | Outcome | RTO | RPO | Backup | Restored up to |' '|---|---|---|---|---|---|---|' >"$new"
fi
printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$STARTED" "$RUN" "$OUTCOME" "$RTO" "$RPO" "$BACKUP" "$COMMIT" >>"$new"
# Whole or not at all, whatever dies here.
mv "$new" "$LOG"
