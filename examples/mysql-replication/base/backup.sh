# One copy, to who asked serve.sh for it.
set -euo pipefail
source /scripts/engine.sh
backup
