#!/bin/sh
# Writes the configuration under which a fetched backup recovers: $FOLDER/server.conf and $FOLDER/hba.conf. Everything
# is written anew each time, so to run it twice is to run it once.
set -eu
DATA=$FOLDER/data

# A value of a configuration file.
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }
# One of pg_controldata.
control() { LC_ALL=C "$PG_BIN/pg_controldata" "$DATA" | sed -n "s/^$1: *//p"; }

# A path through the shell that Postgres runs restore_command with.
shell_quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

mkdir -p "$SOCKETS"
chmod 0700 "$SOCKETS"

# What production set with ALTER SYSTEM would win over any file: archiving, the old primary's address, an old target.
if [ -f "$DATA/postgresql.auto.conf" ] && [ ! -f "$FOLDER/production.auto.conf" ]; then
  mv "$DATA/postgresql.auto.conf" "$FOLDER/production.auto.conf"
fi
: >"$DATA/postgresql.auto.conf"

# Only this account gets into the folder of the socket.
echo 'local all all trust' >"$FOLDER/hba.conf"
: >"$FOLDER/ident.conf"

restore='wal-g wal-fetch "%f" "%p"'
if [ -n "$SALVAGED" ]; then
  restore="$restore || cp $(shell_quote "$SALVAGED")/\"%f\" \"%p\""
fi

{
  echo "# Written by restore.runbook for the recovery."
  echo "include_if_exists = $(quote "${CONFIG:-$DATA/postgresql.conf}")"
  echo "include_if_exists = $(quote "$FOLDER/production.auto.conf")"
  echo "data_directory = $(quote "$DATA")"
  echo "hba_file = $(quote "$FOLDER/hba.conf")"
  echo "ident_file = $(quote "$FOLDER/ident.conf")"
  echo "external_pid_file = ''"
  echo "listen_addresses = ''"
  echo "port = $PORT"
  echo "unix_socket_directories = $(quote "$SOCKETS")"
  echo "unix_socket_permissions = 0700"
  echo "logging_collector = off"
  echo "log_destination = 'stderr'"
  # A copy that archived would write its own history into production's archive.
  echo "archive_mode = off"
  echo "archive_command = ''"
  echo "archive_library = ''"
  echo "primary_conninfo = ''"
  echo "primary_slot_name = ''"
  echo "synchronous_standby_names = ''"
  echo "hot_standby = on"
  # Recovery refuses to go on with less than the primary had.
  for setting in max_connections max_worker_processes max_wal_senders max_prepared_xacts max_locks_per_xact; do
    name=$(printf %s "$setting" | sed 's/_xacts$/_transactions/; s/_xact$/_transaction/')
    echo "$name = $(control "$setting setting")"
  done
  echo "restore_command = $(quote "$restore")"
  echo "wal_retrieve_retry_interval = '1s'"
  echo "recovery_target = ''"
  echo "recovery_target_lsn = ''"
  echo "recovery_target_name = ''"
  echo "recovery_target_xid = ''"
  echo "recovery_target_timeline = $(quote "$TIMELINE")"
  echo "recovery_target_action = 'pause'"
  if [ "$TARGET" = latest ]; then
    echo "recovery_target_time = ''"
  else
    # While Postgres reads its configuration it does not know the zone Z.
    echo "recovery_target_time = $(quote "$(printf %s "$TARGET" | sed 's/[Zz]$/+00/')")"
  fi
} >"$FOLDER/server.conf.new"
mv "$FOLDER/server.conf.new" "$FOLDER/server.conf"

# At the end of the archive a standby waits where a recovery would open by itself, so that what it reached can be read.
rm -f "$DATA/recovery.signal" "$DATA/standby.signal"
if [ "$TARGET" = latest ]; then : >"$DATA/standby.signal"; else : >"$DATA/recovery.signal"; fi
