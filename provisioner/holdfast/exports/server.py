"""The agent: serves an export as JSON lines, requests on its input and answers on its output.

    {"protocol": 1, "version": "…"}                                    sent first
    {"id": 7, "method": "find", "arguments": {"volume": "pvc-…"}}      a request
    {"id": 7, "result": …}                                             its answer, or
    {"id": 7, "error": {"kind": "DirectoryTaken", "message": "…", …}}

Requests run concurrently; answers come as they are ready. No request ends the server, only the end
of its input does. `python -m holdfast.exports.server ROOT` serves a directory.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from holdfast import __version__
from holdfast.exports import remote_codec
from holdfast.exports.errors import ExportError, ExportUnavailable
from holdfast.exports.export import Export
from holdfast.exports.interface import ExportInterface
from holdfast.exports.record import DirectoryTaken

PROTOCOL = 1
LONGEST_LINE = 1 << 20  # bytes of a request, with its newline
LONGEST_ANSWER = 1 << 25  # bytes: tens of thousands of records
_AT_ONCE = 32


class Server:
    """Serves one export to one client."""

    def __init__(self, export: ExportInterface, answers: IO[bytes]) -> None:
        self._export = export
        self._answers = answers
        self._writing = threading.Lock()
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def serve(self, requests: IO[bytes]) -> None:
        """Answers every request until the input ends."""
        self._send({"protocol": PROTOCOL, "version": __version__})
        for line in _lines(requests):
            self._places.acquire()
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: bytes) -> None:
        try:
            with suppress(OSError, ValueError):  # the client is gone
                self._send(answer(self._export, line))
        finally:
            self._places.release()

    def _send(self, message: dict[str, Any]) -> None:
        data = _line(message)
        with self._writing:
            self._answers.write(data)
            self._answers.flush()


def _line(message: dict[str, Any]) -> bytes:
    data = json.dumps(message).encode() + b"\n"
    if len(data) <= LONGEST_ANSWER:
        return data
    told = f"the answer has {len(data)} bytes, the limit is {LONGEST_ANSWER}"
    return _line({"id": message["id"], "error": {"kind": "Failed", "message": told}})


def answer(export: ExportInterface, line: bytes) -> dict[str, Any]:
    """Carries out one line of input; returns the answer, an error for an invalid line."""
    number: Any = None
    try:
        request = json.loads(line)
        number = _number(request["id"])
        method, given = request["method"], request["arguments"]
        if method not in remote_codec.METHODS:
            raise ValueError(f"unknown method {method!r}")
        called = remote_codec.arguments(method, given)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return {"id": number, "error": {"kind": "Invalid", "message": f"invalid request: {error}"}}
    try:
        return {"id": number, "result": remote_codec.encode(getattr(export, method)(**called))}
    except ExportError as error:
        return {"id": number, "error": _error(error)}
    except Exception as error:  # noqa: BLE001 - one request must not end the server
        message = f"unexpected error: {type(error).__name__}: {error}"
        return {"id": number, "error": {"kind": "Failed", "message": message}}


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"id {value!r} is not an integer")
    return value


def _error(error: ExportError) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": type(error).__name__, "message": error.message}
    if isinstance(error, ExportUnavailable):
        told["stale"] = error.stale
    if isinstance(error, DirectoryTaken):
        told |= {"directory": error.directory, "records": remote_codec.encode(error.records)}
    return told


def _lines(requests: IO[bytes]) -> Iterable[bytes]:
    """The lines of the input; a too long one is truncated, which makes it an invalid request."""
    is_rest = False
    while line := requests.readline(LONGEST_LINE):
        if not is_rest:
            yield line
        is_rest = not line.endswith(b"\n")


def main() -> None:
    """Serves the directory given on the command line."""
    os.umask(0o022)
    Server(Export(Path(sys.argv[1])), sys.stdout.buffer).serve(sys.stdin.buffer)


if __name__ == "__main__":
    main()
