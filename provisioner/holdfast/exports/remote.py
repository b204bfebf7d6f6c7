"""An export that is reached through another process: `interface.Exports` over JSON lines."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO, cast

from holdfast.exports import codec, errors
from holdfast.exports.errors import ExportError, Failed, TimedOut, Unavailable
from holdfast.exports.interface import Exports
from holdfast.exports.record import Record, Taken
from holdfast.exports.server import PROTOCOL

_KINDS: Mapping[str, type[ExportError]] = {
    kind.__name__: kind for kind in (errors.Fenced, errors.Failed, errors.TimedOut, errors.Unsafe)
}
_STALE: Mapping[str, type[Unavailable]] = {
    kind.__name__: kind for kind in (errors.Unavailable, errors.WrongExport)
}


class _Waiting:
    """A request whose answer has not come yet."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: dict[str, Any] | None = None


def connect(requests: BinaryIO, answers: BinaryIO, seconds: float = 30.0) -> Exports:
    """An export behind a pair of streams, whose other end is `server.Server`.

    Every method raises ExportError as the export's own does, TimedOut where no answer comes
    within so many seconds, and Unavailable where the other process is gone: whether the call
    took effect is not known then.
    """
    return cast("Exports", _RemoteExport(requests, answers, seconds))


class _RemoteExport:
    """Sends each method that `Exports` declares as a request."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO, seconds: float) -> None:
        self._requests = requests
        self._answers = answers
        self._seconds = seconds
        self._numbers = itertools.count(1)
        self._sending = threading.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._ended = threading.Event()
        self._greet()
        threading.Thread(target=self._read, name="export-answers", daemon=True).start()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in codec.METHODS:
            raise AttributeError(name)
        return partial(self._call, name)

    def _greet(self) -> None:
        try:
            hello = json.loads(self._answers.readline())
            protocol = hello["protocol"]
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise Unavailable(f"the other end is no Holdfast: {error}") from error
        if protocol != PROTOCOL:
            raise Unavailable(
                f"the other end speaks protocol {protocol}, this Holdfast {PROTOCOL}: bring both "
                "to the same version"
            )

    def _call(self, method: str, *given: Any, **named: Any) -> Any:
        arguments = codec.named(method, given, named)
        number, waiting = next(self._numbers), _Waiting()
        self._waiting[number] = waiting
        try:
            self._send({"id": number, "method": method, "arguments": codec.encode(arguments)})
            if not waiting.answered.wait(self._seconds):
                raise TimedOut(f"{method}: no answer in {self._seconds:g} s")
        finally:
            self._waiting.pop(number, None)
        if waiting.answer is None:
            raise Unavailable(f"{method}: the process that serves the export has ended")
        if "error" in waiting.answer:
            raise _error(waiting.answer["error"])
        return codec.result(method, waiting.answer["result"])

    def _send(self, request: dict[str, Any]) -> None:
        if self._ended.is_set():
            raise Unavailable("the process that serves the export has ended")
        try:
            with self._sending:
                self._requests.write(json.dumps(request).encode() + b"\n")
                self._requests.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            raise Unavailable(
                f"cannot reach the process that serves the export: {error}"
            ) from error

    def _read(self) -> None:
        try:
            while line := self._answers.readline():
                answer = json.loads(line)
                self._resolve(answer.get("id"), answer)
        except (ValueError, OSError, AttributeError):
            pass  # what comes is no answer: as if it had ended
        self._ended.set()
        for number in list(self._waiting):
            self._resolve(number, None)

    def _resolve(self, number: Any, answer: dict[str, Any] | None) -> None:
        waiting = self._waiting.get(number)
        if waiting is not None:
            waiting.answer = answer
            waiting.answered.set()


def _error(told: dict[str, Any]) -> ExportError:
    kind, message = told["kind"], told["message"]
    if kind == Taken.__name__:
        records = [codec.decode(Record, one) for one in told["records"]]
        return Taken(told["directory"], records)
    if kind in _STALE:
        return _STALE[kind](message, stale=bool(told.get("stale")))
    return _KINDS.get(kind, Failed)(message)
