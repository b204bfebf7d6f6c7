"""What the pods of a trial run: shell scripts for an image as small as BusyBox."""

from __future__ import annotations

# Time for a name service that starts; nslookup itself waits for an answer besides.
_TRIES = 4
_PAUSE = 5


def writer(proof: str, volume: str = "/volume") -> str:
    """Leaves a proof on the volume, a word without quotes; then resolves a name."""
    return f"echo {proof} > {volume}/proof || exit 1\n{_resolve()}"


def reader(proof: str, volume: str = "/volume") -> str:
    """Ends with an error where the volume does not have the proof; then resolves a name."""
    return f'test "$(cat {volume}/proof)" = {proof} || exit 1\n{_resolve()}'


def _resolve() -> str:
    """Resolves the API server's name, as the pod's name service has it.

    A kubelet lists `NAMESPACE.svc.DOMAIN svc.DOMAIN DOMAIN` to be searched, in this order. nslookup
    is asked for each address family by itself, for it may fail if one of two has no answer.
    """
    return f"""\
set -f  # nslookup's asterisks are no pattern
while read -r key own domain rest; do [ "$key" = search ] && break; done < /etc/resolv.conf
name=kubernetes.default.$domain
try=0
while [ $try -lt {_TRIES} ]; do
  said=$(nslookup -type=a "$name" 2>&1) && exit 0
  said=$(nslookup -type=aaaa "$name" 2>&1) && exit 0
  try=$((try + 1))
  sleep {_PAUSE}
done
echo "$name does not resolve on this node; its firewall has to let the pod network pass:" $said
exit 1
"""
