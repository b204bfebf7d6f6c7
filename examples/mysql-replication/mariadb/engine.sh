# What is MariaDB's own; base/engine.sh has the same for MySQL, with more words.
# shellcheck shell=bash

client() {
  mariadb --host=127.0.0.1 --user=root "$@"
}

backup() {
  mariadb-backup --backup --stream=mbstream --host=127.0.0.1 --user=root \
    --datadir=/var/lib/mysql --target-dir=/tmp
}

unpack() {
  mbstream --extract --directory="$1"
}

prepare() {
  mariadb-backup --prepare --target-dir="$1"
}

position() {
  cut --fields=3 "$1/mariadb_backup_binlog_info" | tr --delete '\n'
}

# A copy of a replica knows its position itself, as it is a part of the data; one of the primary has
# none, and is told.
follow() {
  client --execute='STOP SLAVE'
  if [[ -z $(client --batch --skip-column-names --execute='SELECT @@GLOBAL.gtid_slave_pos') ]]; then
    client --execute="SET GLOBAL gtid_slave_pos = '$1'"
  fi
  client <<SQL
RESET SLAVE ALL;
CHANGE MASTER TO
  MASTER_HOST = 'mysql-0.mysql',
  MASTER_USER = 'root',
  MASTER_PASSWORD = '',
  MASTER_CONNECT_RETRY = 10,
  MASTER_SSL = 0,
  MASTER_USE_GTID = slave_pos;
START SLAVE;
SQL
}
