# What is MySQL's own; ../mariadb/engine.sh has the same functions for MariaDB.
# shellcheck shell=bash

client() {
  mysql --host=127.0.0.1 --user=root "$@"
}

# Write a copy of the running server's data to stdout.
backup() {
  xtrabackup --backup --stream=xbstream --host=127.0.0.1 --user=root \
    --datadir=/var/lib/mysql --target-dir=/tmp
}

# Read it from stdin into a folder.
unpack() {
  xbstream --extract --directory="$1"
}

# Make a copy in a folder one that a server can start with.
prepare() {
  xtrabackup --prepare --target-dir="$1"
}

# The transactions that are in a copy.
position() {
  cut --fields=3 "$1/xtrabackup_binlog_info" | tr --delete '\n'
}

# Let the server follow the primary from these transactions on. May be repeated: where they are known
# already, the server has perhaps gone on since.
follow() {
  client --execute='STOP REPLICA'
  if [[ $(client --batch --skip-column-names \
    --execute="SELECT GTID_SUBSET('$1', @@GLOBAL.gtid_executed)") != 1 ]]; then
    client <<SQL
SET GLOBAL super_read_only = OFF;
RESET BINARY LOGS AND GTIDS;
SET GLOBAL gtid_purged = '$1';
SET GLOBAL super_read_only = ON;
SQL
  fi
  client <<SQL
RESET REPLICA ALL;
CHANGE REPLICATION SOURCE TO
  SOURCE_HOST = 'mysql-0.mysql',
  SOURCE_USER = 'root',
  SOURCE_PASSWORD = '',
  SOURCE_CONNECT_RETRY = 10,
  SOURCE_AUTO_POSITION = 1,
  GET_SOURCE_PUBLIC_KEY = 1;
START REPLICA;
SQL
}
