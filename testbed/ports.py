"""Free ports on loopback.

Asking the kernel for port 0 gives one from the range of outgoing connections, where any other
program's connection may take it while our server is down for a restart. So ports come from
below that range (it begins at 32768 unless an administrator moved it), at random, that two
testbeds started at once seldom choose the same. Who loses that race still chooses again:
see PortTakenError.
"""

from __future__ import annotations

import random
import socket

from testbed.errors import StartError

LOOPBACK = "127.0.0.1"
_CANDIDATES = range(20000, 32768)


def free_ports(count: int) -> list[int]:
    """`count` different ports of 127.0.0.1 on which nobody listens now.

    Raises:
        StartError: nearly all of them are in use.
    """
    found: list[int] = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if not is_free(port):
            continue
        found.append(port)
        if len(found) == count:
            return found
    raise StartError(f"no {count} free ports are left on {LOOPBACK} below {_CANDIDATES.stop}")


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As every Go server does: without it, connections in TIME_WAIT look like a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
