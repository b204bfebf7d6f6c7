# Begin the replication, if this pod was cloned and has not done so; then give copies to who asks.
# shellcheck shell=bash
set -euo pipefail
source /scripts/engine.sh
data=/var/lib/mysql

until client --execute='SELECT 1' > /dev/null 2>&1; do sleep 1; done
if [[ -e $data/clone.position ]]; then
  follow "$(< "$data/clone.position")"
  mv "$data/clone.position" "$data/clone.done"
fi
touch /tmp/serving
exec socat -U TCP-LISTEN:3307,reuseaddr,fork,max-children=1 EXEC:'bash /scripts/backup.sh'
