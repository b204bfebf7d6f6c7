# Write the configuration of this pod: number 0 is the primary, all others are replicas.
# shellcheck shell=bash
set -euo pipefail
ordinal=${HOSTNAME##*-}
role=replica
((ordinal > 0)) || role=primary

cp /scripts/common.cnf /scripts/engine.cnf "/scripts/$role.cnf" /mnt/conf.d/
# 0 is no server's number.
printf '[mysqld]\nserver-id = %d\n' $((100 + ordinal)) > /mnt/conf.d/server-id.cnf
