#!/bin/sh
# Restarts the restored server as production: it listens, lets in whom production lets in, and archives to
# $NEW_ARCHIVE. To run it again does the same again.
set -eu
DATA=$FOLDER/data
. ./archive.sh

quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }
shell_quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

{
  # First, so that this account's socket goes on working.
  echo 'local all all trust'
  cat "${HBA:-$DATA/pg_hba.conf}"
} >"$FOLDER/serve_hba.conf"

archive="$variable=$(shell_quote "$NEW_ARCHIVE") wal-g wal-push \"%p\""
{
  echo "# Written by restore.runbook for the restored server."
  echo "include_if_exists = $(quote "${CONFIG:-$DATA/postgresql.conf}")"
  echo "include_if_exists = $(quote "$FOLDER/production.auto.conf")"
  echo "data_directory = $(quote "$DATA")"
  echo "hba_file = $(quote "$FOLDER/serve_hba.conf")"
  echo "external_pid_file = ''"
  echo "listen_addresses = $(quote "$LISTEN")"
  echo "port = $PORT"
  echo "unix_socket_directories = $(quote "$SOCKETS")"
  echo "unix_socket_permissions = 0700"
  echo "logging_collector = off"
  echo "log_destination = 'stderr'"
  echo "archive_mode = on"
  echo "archive_library = ''"
  echo "archive_command = $(quote "$archive")"
  echo "primary_conninfo = ''"
  echo "primary_slot_name = ''"
  # The old standbys are gone; a commit that waited for one would wait for ever.
  echo "synchronous_standby_names = ''"
  echo "restore_command = ''"
  for target in recovery_target recovery_target_time recovery_target_lsn recovery_target_name recovery_target_xid; do
    echo "$target = ''"
  done
} >"$FOLDER/server.conf.new"
mv "$FOLDER/server.conf.new" "$FOLDER/server.conf"

if "$PG_BIN/pg_ctl" status -D "$DATA" >/dev/null; then
  "$PG_BIN/pg_ctl" stop -w -m fast -D "$DATA"
fi
"$PG_BIN/pg_ctl" start -w -t 60 -D "$DATA" -l "$FOLDER/server.log" -o "-c config_file='$FOLDER/server.conf'" || {
  tail -n 20 "$FOLDER/server.log" >&2
  exit 1
}

sql() { psql -X -A -t -q -h "$SOCKETS" -p "$PORT" -U "$SUPERUSER" -d postgres -c "$1"; }
test "$(sql 'select pg_is_in_recovery()')" = f

# Archiving works when a segment has arrived, not when it is switched on.
segment=$(sql "select pg_walfile_name(pg_create_restore_point('serves'))")
sql 'select pg_switch_wal()' >/dev/null
for try in $(seq 1 60); do
  if [ "$(sql "select coalesce(last_archived_wal, '') >= '$segment' from pg_stat_archiver")" = t ]; then exit 0; fi
  sleep 1
done
echo "nothing arrived in $NEW_ARCHIVE:" >&2
sql 'select last_failed_wal, last_failed_time from pg_stat_archiver' >&2
tail -n 20 "$FOLDER/server.log" >&2
exit 1
