"""The firewall's table as the kernel has it, whatever a unit of systemd or a file says of it."""

from __future__ import annotations

from .commands import Runner
from .errors import Refused

# In a network namespace of its own, so that nothing is changed: nft writes rules otherwise than
# they were given to it, and each version of it in its own way.
_TRIAL = 'nft "$1" && exec nft --stateless list table inet "$2"'


def wanted(table: str, rules: str, run: Runner) -> str:
    """What `nft` lists where these rules are loaded.

    Raises:
        Refused: it does not take them.
    """
    tried = run("unshare", "--net", "sh", "-c", _TRIAL, "sh", rules, table)
    if tried.code:
        raise Refused(f"nft does not take the firewall's rules: {tried.complaint}")
    return tried.out


def is_loaded(table: str, rules: str, run: Runner) -> bool:
    """Whether the kernel has the table with these rules.

    Raises:
        Refused: nft does not take them.
    """
    try:
        listed = run("nft", "--stateless", "list", "table", "inet", table)
    except Refused:  # nft is not installed yet
        return False
    return listed.code == 0 and listed.out == wanted(table, rules, run)


def load(table: str, rules: str, file: str, run: Runner) -> None:
    """Load the rules from their file, in place of those of before.

    Raises:
        Refused: the kernel has not got them then.
    """
    outcome = run("nft", "--file", file)
    if outcome.code or not is_loaded(table, rules, run):
        raise Refused(
            f"the firewall's table inet {table} could not be loaded from {file}"
            f"{': ' + outcome.complaint if outcome.complaint else ''}; the ports of the NFS server "
            "are not closed to others"
        )
