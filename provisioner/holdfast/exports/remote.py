"""An export behind an agent: a client of `interface.Exports` over JSON lines."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import IO, Any, cast

from holdfast.exports import errors, remote_codec
from holdfast.exports.errors import ExportError, ExportUnavailable, Failed, TimedOut
from holdfast.exports.interface import ExportInterface
from holdfast.exports.record import DirectoryTaken, Record
from holdfast.exports.server import LONGEST_ANSWER, LONGEST_LINE, PROTOCOL

_KINDS: Mapping[str, type[ExportError]] = {
    kind.__name__: kind
    for kind in (
        errors.Fenced,
        errors.Failed,
        errors.TimedOut,
        errors.Unsafe,
        errors.DirectoryGone,
    )
}
_STALE: Mapping[str, type[ExportUnavailable]] = {
    kind.__name__: kind for kind in (errors.ExportUnavailable, errors.WrongExport)
}


class _PendingRequest:
    """A request that waits for its answer."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: dict[str, Any] | None = None

    def resolve(self, answer: dict[str, Any] | None) -> None:
        """Sets the answer, or None if none will come; later calls are ignored."""
        if not self.answered.is_set():
            self.answer = answer
            self.answered.set()


def connect(requests: IO[bytes], answers: IO[bytes], seconds: float = 30.0) -> ExportInterface:
    """Connects to a `server.Server` over a pair of streams.

    Methods raise the ExportError of the served export. They also raise TimedOut if no answer comes
    within `seconds`, and ExportUnavailable if the server process has ended; whether the call took
    effect is unknown then.

    Raises:
        ExportUnavailable: no greeting came within `seconds`, or one of another protocol.
    """
    return cast("ExportInterface", _RemoteExport(requests, answers, seconds))


class _RemoteExport:
    """Sends each method of `ExportInterface` as a request."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes], seconds: float) -> None:
        self._requests = requests
        self._answers = answers
        self._seconds = seconds
        self._numbers = itertools.count(1)
        # Each request's number and line; None ends the writer.
        self._lines: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self._waiting: dict[int, _PendingRequest] = {}
        self._ended = threading.Event()
        self._greeting = _PendingRequest()
        threading.Thread(target=self._read, name="export-answers", daemon=True).start()
        threading.Thread(target=self._write, name="export-requests", daemon=True).start()
        self._greet()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in remote_codec.METHODS:
            raise AttributeError(name)
        return partial(self._call, name)

    def _greet(self) -> None:
        if not self._greeting.answered.wait(self._seconds):
            raise ExportUnavailable(f"the agent did not answer in {self._seconds:g} s")
        protocol = (self._greeting.answer or {}).get("protocol")
        if protocol is None:
            raise ExportUnavailable("the other end is not a Holdfast agent: check its output")
        if protocol != PROTOCOL:
            raise ExportUnavailable(
                f"the agent speaks protocol {protocol}, this Holdfast {PROTOCOL}: install the same "
                "version on both"
            )

    def _call(self, method: str, *given: Any, **named: Any) -> Any:
        arguments = remote_codec.named(method, given, named)
        number, waiting = next(self._numbers), _PendingRequest()
        request = {"id": number, "method": method, "arguments": remote_codec.encode(arguments)}
        line = _line(request)
        self._waiting[number] = waiting
        try:
            self._lines.put((number, line))
            if self._ended.is_set():  # the reader ended before this request was registered
                waiting.resolve(None)
            if not waiting.answered.wait(self._seconds):
                raise TimedOut(f"{method}: no answer in {self._seconds:g} s")
        finally:
            self._waiting.pop(number, None)
        if waiting.answer is None:
            raise ExportUnavailable(f"{method}: the process that serves the export has ended")
        return _outcome(method, waiting.answer)

    def _write(self) -> None:
        """Sends the requests; in a thread, as writing blocks while the agent does not read.

        Requests that have timed out before their turn are not sent.
        """
        while line := self._lines.get():
            number, data = line
            if waiting := self._waiting.get(number):
                try:
                    self._requests.write(data)
                    self._requests.flush()
                except (OSError, ValueError):  # ValueError: the stream is closed
                    waiting.resolve(None)

    def _read(self) -> None:
        # An invalid answer is treated as the end of the agent.
        with suppress(ValueError, OSError, AttributeError, TypeError, RecursionError):
            self._greeting.resolve(dict(json.loads(self._answers.readline(LONGEST_LINE))))
            while line := self._answers.readline(LONGEST_ANSWER):
                answer = json.loads(line)
                if waiting := self._waiting.get(answer.get("id")):
                    waiting.resolve(answer)
        self._ended.set()
        self._lines.put(None)
        for waiting in (self._greeting, *list(self._waiting.values())):
            waiting.resolve(None)


def _line(request: dict[str, Any]) -> bytes:
    """Encodes a request; raises Failed if it is longer than the agent reads."""
    line = json.dumps(request).encode() + b"\n"
    if len(line) > LONGEST_LINE:
        raise Failed(
            f"{request['method']}: the request has {len(line)} bytes, the limit is {LONGEST_LINE}: "
            "not sent"
        )
    return line


def _outcome(method: str, answer: Mapping[str, Any]) -> Any:
    try:
        if "error" not in answer:
            return remote_codec.result(method, answer["result"])
        error = _error(answer["error"])
    except (ValueError, TypeError, KeyError, AttributeError) as reason:
        raise ExportUnavailable(f"{method}: invalid answer: {reason}") from reason
    raise error


def _error(told: dict[str, Any]) -> ExportError:
    kind, message = told["kind"], told["message"]
    if kind == DirectoryTaken.__name__:
        records = [remote_codec.decode(Record, one) for one in told["records"]]
        return DirectoryTaken(told["directory"], records)
    if kind in _STALE:
        return _STALE[kind](message, stale=bool(told.get("stale")))
    return _KINDS.get(kind, Failed)(message)
