# Take over the data of the pod before this one, unless this is the primary or has its data already.
# shellcheck shell=bash
set -euo pipefail
source /scripts/engine.sh
data=/var/lib/mysql
ordinal=${HOSTNAME##*-}

if ((ordinal == 0)) || [[ -e $data/clone.position || -e $data/clone.done ]]; then
  exit 0
fi
# What an attempt that was broken off has left.
find "$data" -mindepth 1 -delete
socat -u "TCP:mysql-$((ordinal - 1)).mysql:3307,retry=10,interval=3" STDOUT | unpack "$data"
prepare "$data"
# Last, and under its name only when it is whole: the mark of a clone that is.
position "$data" > "$data/clone.partial"
sync "$data/clone.partial"
mv "$data/clone.partial" "$data/clone.position"
