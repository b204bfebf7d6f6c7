"""A real registry on loopback, for as long as images are put into its storage."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from testbed.errors import ImageError
from testbed.ports import LOOPBACK, free_ports
from testbed.processes import Guard, Process

_DEADLINE: Final = 600.0


def configuration(storage: Path, address: str) -> str:
    """What docker-registry reads; JSON is YAML too."""
    return json.dumps(
        {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(storage)},
                "delete": {"enabled": True},
            },
            "http": {"addr": address},
        }
    )


@contextlib.contextmanager
def serving(storage: Path) -> Iterator[str]:
    """Serve a storage folder; the address is `HOST:PORT`."""
    (port,) = free_ports(1)
    address = f"{LOOPBACK}:{port}"
    with tempfile.TemporaryDirectory(prefix="holdfast-registry-") as folder:
        config = Path(folder, "config.yml")
        config.write_text(configuration(storage, address))
        process = Process(
            ["/usr/bin/docker-registry", "serve", config],
            log=Path(folder, "log"),
            ready=lambda: _listens(port),
            guard=Guard(),
        )
        process.start()
        try:
            yield address
        finally:
            process.stop()


def push(layout: Path, reference: str, address: str, name: str) -> None:
    """Put an image of a layout into a registry as `name`, which is a path with a tag.

    Raises:
        ImageError: it was not taken.
    """
    command = ["skopeo", "copy", "--quiet", "--insecure-policy", "--preserve-digests"]
    command += [
        "--dest-tls-verify=false",
        f"oci:{layout}:{reference}",
        f"docker://{address}/{name}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE, check=False)
    if done.returncode:
        raise ImageError(f"the registry at {address} did not take {name}: {done.stderr.strip()}")


def _listens(port: int) -> bool:
    with socket.create_connection((LOOPBACK, port), timeout=1):
        return True
