"""The domain of users' names in NFSv4, in a file of its own beside /etc/idmapd.conf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .errors import Refused

NAME = "50-holdfast.conf"
MARK = "# Written by Ansible, role nfs_client."


def own(main: Path) -> Path:
    """The file of the role; idmapd.conf(5) and the libraries read it after `main`."""
    return main.with_name(f"{main.name}.d") / NAME


def pending(main: Path, domain: str) -> str | None:
    """The content that the role's file has to get; None if nothing is to be done.

    Args:
        main: /etc/idmapd.conf
        domain: the wanted one; none is left as it is

    Raises:
        Refused: another file names another domain.
    """
    others = {path: found for path in _others(main) if (found := read(path.read_text()))}
    for path, found in others.items() if domain else ():
        if found != domain:
            raise Refused(
                f"nfs_client_idmap_domain (on an NFS server, nfs_server_idmap_domain) is {domain}, "
                f"but {path} on this machine has the domain {found}, which these playbooks did not "
                f'set; remove it there, or set the variable to {found} (or to "", which leaves it '
                "alone)"
            )
    before = own(main).read_text() if own(main).exists() else ""
    is_there = domain in others.values() and not before
    after = f"{MARK}\n[General]\nDomain = {domain}\n"
    return None if not domain or is_there or before == after else after


def put(file: Path, content: str) -> None:
    """Replace the file as a whole."""
    file.parent.mkdir(mode=0o755, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    new.write_text(content)
    new.chmod(0o644)
    new.replace(file)


def read(text: str) -> str:
    """The domain that the last line about it names; empty if there is none."""
    section = found = ""
    for line in map(str.strip, text.splitlines()):
        key, is_setting, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip().lower()
        elif section == "general" and is_setting and key.strip().lower() == "domain":
            found = value.strip()
    return found


def _others(main: Path) -> Iterator[Path]:
    if main.exists():
        yield main
    yield from sorted(path for path in own(main).parent.glob("*.conf") if path.name != NAME)
