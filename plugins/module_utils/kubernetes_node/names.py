"""Whether a machine knows a name without the line that these roles write into /etc/hosts."""

from __future__ import annotations

from pathlib import Path

from ..dns_names import is_ipv4  # noqa: TID252 - Ansible sends a module's parts as they lie
from ..packages import Run  # noqa: TID252 - the same
from .files import content
from .machine import HOSTS_FILES, HOSTS_MARK

# systemd-resolved's, which answers from /etc/hosts as well.
_STUBS = ("127.0.0.53", "127.0.0.54")
_WITHOUT_HOSTS = ("resolvectl", "query", "--legend=no", "--synthesize=no", "-4")
# What programs in Go ask beside /etc/hosts.
_OF_SERVERS = ("getent", "--service=hosts:dns", "ahostsv4")


def is_known(name: str, root: Path, run: Run) -> bool:
    """Whether a name has an address here, by others' lines of /etc/hosts or by name servers.

    Args:
        name: to look for; an address is known by itself
        root: of the machine's files
        run: runs a program
    """
    if is_ipv4(name) or name.lower() in _names(
        content(root / HOSTS_FILES[0]).decode(errors="replace")
    ):
        return True
    return run(*(_WITHOUT_HOSTS if _has_stub(root) else _OF_SERVERS), name)[0] == 0


def _names(text: str) -> set[str]:
    """Those of /etc/hosts but for the line of these roles."""
    lines = [line for line in text.splitlines() if HOSTS_MARK not in line]
    return {word.lower() for line in lines for word in line.partition("#")[0].split()[1:]}


def _has_stub(root: Path) -> bool:
    lines = [line.split() for line in content(root / "etc/resolv.conf").decode().splitlines()]
    return any(line[0] == "nameserver" and line[-1] in _STUBS for line in lines if line)
