#!/bin/sh
# Watches the API for $SECONDS_TO_WATCH: no request for its health may fail, and its logs may show no 5xx.
set -eu
left=$SECONDS_TO_WATCH
while :; do
  status=$(curl -sS -m 10 -o /dev/null -w '%{http_code}' "$API_URL/health") || status=none
  if [ "$status" != 200 ]; then
    echo "/health: status $status" >&2
    exit 1
  fi
  if [ "$left" -le 0 ]; then break; fi
  pause=$((left < 5 ? left : 5))
  sleep "$pause"
  left=$((left - pause))
done
logs=$(kubectl logs deployment/guestguard-api --all-pods --prefix --since="$((SECONDS_TO_WATCH + 60))s")
printf '%s\n' "$logs" >"$PITON_WORK/api.log"
errors=$(printf '%s\n' "$logs" | grep -Ec 'status[=": ]+5[0-9][0-9]|" 5[0-9][0-9] ' || true)
echo "$errors server errors in ${SECONDS_TO_WATCH} s"
test "$errors" -eq 0 || { printf '%s\n' "$logs" | grep -E 'status[=": ]+5[0-9][0-9]|" 5[0-9][0-9] ' | tail -n 10 >&2; exit 1; }
