"""A process that serves an export, forked from one that has imported what it needs.

To start the interpreter for each test would take longer than most tests.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.exports.export import Export
from holdfast.exports.interface import ExportInterface
from holdfast.exports.remote import connect
from holdfast.exports.server import Server

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", __name__])
_END = 10.0  # seconds


@contextmanager
def served(root: Path) -> Iterator[ExportInterface]:
    """An export that is reached through a process of its own."""
    root.mkdir(exist_ok=True)
    ours, theirs = socket.socketpair()
    with theirs:
        process = _CONTEXT.Process(target=_serve, args=(root, theirs), daemon=True)
        process.start()
    with ours, ours.makefile("wb") as requests, ours.makefile("rb") as answers:
        try:
            yield connect(requests, answers)
        finally:
            ours.shutdown(socket.SHUT_WR)
            process.join(_END)
    assert process.exitcode == 0


def _serve(root: Path, connection: socket.socket) -> None:
    os.umask(0o022)  # as the agent's own program
    with connection, connection.makefile("rb") as requests, connection.makefile("wb") as answers:
        Server(Export(root), answers).serve(requests)
