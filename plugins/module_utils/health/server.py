"""What is looked at on an NFS server: that it answers, and has the exports that it should have."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence

PORT = 2049
ANSWER = 10.0  # seconds
# A call of RFC 5531: to do nothing, of NFS version 4, without credentials.
_CALL = struct.pack(">10I", 1, 0, 2, 100003, 4, 0, 0, 0, 0, 0)
_LAST = 1 << 31  # this fragment of a record is its last


def missing_exports(wanted: Sequence[str], table: str) -> Iterator[str]:
    """Exports of the inventory that the server does not serve.

    Args:
        wanted: the paths
        table: /var/lib/nfs/etab
    """
    served = {line.split()[0] for line in table.splitlines() if line.strip()}
    for path in sorted({*wanted} - served):
        yield (
            f"{path} of nfs_server_exports is not exported; see exportfs -s, and run "
            "playbooks/storage.yml."
        )


def silence(host: str = "127.0.0.1", port: int = PORT, seconds: float = ANSWER) -> Iterator[str]:
    """Whether the NFS server answers a call that does nothing."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            connection.sendall(struct.pack(">I", _LAST | len(_CALL)) + _CALL)
            why = "" if connection.recv(4) else "it closed the connection"
    except OSError as error:
        why = str(error)
    if why:
        yield (
            f"The NFS server does not answer on port {port} ({why}); see systemctl status "
            "nfs-server."
        )
