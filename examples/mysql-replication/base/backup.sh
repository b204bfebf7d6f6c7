# One copy, to who asked serve.sh for it.
# shellcheck shell=bash
set -euo pipefail
source /scripts/engine.sh
backup
