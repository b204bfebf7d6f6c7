"""The server's settings in /etc/nfs.conf.d: what is written, and what comes of it."""

from __future__ import annotations

import configparser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .commands import Runner
from .errors import Refused

HEADER = "# Written by the Ansible role nfs_server; do not edit."
VERSIONS = ("3", "4.0", "4.1", "4.2")
PORTS = ("mountd_port", "statd_port", "statd_outgoing_port", "lockd_port")

Sections = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Settings:
    """The role's variables of the same names."""

    versions: Sequence[str]
    threads: int
    grace_time: int
    lease_time: int
    manage_gids: bool
    mountd_port: int
    statd_port: int
    statd_outgoing_port: int
    lockd_port: int

    def check(self) -> None:
        """See that the kernel will take them.

        Raises:
            Refused: naming the variable and what is allowed.
        """
        if not self.versions or not set(self.versions) <= set(VERSIONS):
            raise Refused(f"nfs_server_versions must name at least one of {', '.join(VERSIONS)}")
        _check_range("nfs_server_threads", self.threads, 1, 4096)
        # The bounds of /proc/fs/nfsd/nfsv4leasetime and nfsv4gracetime.
        _check_range("nfs_server_grace_time", self.grace_time, 10, 3600)
        _check_range("nfs_server_lease_time", self.lease_time, 10, 3600)
        ports = {name: getattr(self, name) for name in PORTS}
        for name, port in ports.items():
            _check_range(f"nfs_server_{name}", port, 1, 65535)
        if len({*ports.values(), 111, 2049}) != len(PORTS) + 2:
            names = ", ".join(f"nfs_server_{name}" for name in PORTS)
            raise Refused(f"{names} must differ from each other and from 111 and 2049")

    def sections(self) -> Sections:
        """As nfs.conf(5) wants them."""
        return {
            "nfsd": {
                "threads": str(self.threads),
                "grace-time": str(self.grace_time),
                "lease-time": str(self.lease_time),
                # No kernel has it any more, but rpc.mountd would open eight ports for it.
                "vers2": "n",
                "vers3": _yes_no("3" in self.versions),
                "vers4": _yes_no(any(version.startswith("4") for version in self.versions)),
                **{f"vers{version}": _yes_no(version in self.versions) for version in VERSIONS[1:]},
            },
            "mountd": {"manage-gids": _yes_no(self.manage_gids)},
        } | (self._v3_sections() if "3" in self.versions else {})

    def _v3_sections(self) -> Sections:
        lockd = str(self.lockd_port)
        return {
            "mountd": {"manage-gids": _yes_no(self.manage_gids), "port": str(self.mountd_port)},
            "statd": {
                "port": str(self.statd_port),
                "outgoing-port": str(self.statd_outgoing_port),
            },
            "lockd": {"port": lockd, "udp-port": lockd},
        }


def render(sections: Sections) -> str:
    """The content of the file."""
    blocks = [
        "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in section.items())])
        for name, section in sections.items()
    ]
    return "\n\n".join([HEADER, *blocks]) + "\n"


def check_effect(sections: Sections, run: Runner) -> None:
    """See that the machine's settings, of all files together, are these.

    A mistake in a file is only a warning to the server, and a later file wins.

    Raises:
        Refused: naming the setting that came out otherwise.
    """
    dump = run("nfsconf", "--dump")
    found = configparser.ConfigParser(delimiters="=", interpolation=None, strict=False)
    found.read_string(dump.out)
    for name, section in sections.items():
        for key, value in section.items():
            effective = found.get(name, key, fallback="nothing").strip()
            if effective != value:
                raise Refused(
                    f"nfs.conf: {key} in [{name}] is {effective} and not {value}; another file in "
                    "/etc/nfs.conf.d sets it after the role's"
                )


def check_kernel(run: Runner) -> None:
    """See that this kernel can serve NFS.

    Raises:
        Refused: it cannot.
    """
    served = "nodev\tnfsd" in Path("/proc/filesystems").read_text().splitlines()
    if not served and run("modprobe", "--dry-run", "--quiet", "nfsd").code:
        raise Refused(
            "this machine's kernel cannot serve NFS (it has no nfsd); install one that can (of "
            "Ubuntu's, linux-image-generic), or give the group nfs_servers another machine"
        )


def _check_range(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise Refused(f"{name} is {value}; it must be from {lowest} to {highest}")


def _yes_no(answer: bool) -> str:  # noqa: FBT001 - the name asks the question
    return "y" if answer else "n"
