"""One watch request: events as they come, an end when nothing comes, and a way to end it early.

A watch owns its connection (`Connection: close`), so ending it from another thread can never
hit somebody else's request. Rejected: the package's `Watch`, which has no deadline, repeats an
expired version and cannot be ended while it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from urllib3 import HTTPResponse
from urllib3 import exceptions as fault

from holdfast.kube import json_decoder
from holdfast.kube.connection import CHUNK, Connection, why
from holdfast.kube.errors import KubeError, ServerUnavailable, refusal
from holdfast.kube.resources import Json


class Watch:
    """Iterates (type, object) once entered; ends when the server ends it or `close` is called.

    Entering sends the request and returns when the server has accepted it.
    """

    def __init__(self, request: Callable[[], HTTPResponse], silence: float) -> None:
        """`request` sends it; `silence` is the longest wait for a byte, in seconds."""
        self._request = request
        self._silence = silence
        self._connection = Connection()
        self._response: HTTPResponse | None = None

    def __enter__(self) -> Self:
        try:
            with self._connection.used():
                self._response = self._request()
        except KubeError:
            if not self._connection.is_aborted():
                raise
        self._connection.set_timeout(self._silence)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if self._response is not None:
            self._response.close()
            self._response.release_conn()

    def __iter__(self) -> Iterator[tuple[str, Json]]:
        """The events, BOOKMARK included.

        Raises:
            Expired: The version is too old; list again.
            ServerUnavailable: Nothing came for `silence` seconds, or the connection was cut.
            ApiError: The server ended the watch for another reason.
        """
        for line in self._lines():
            yield _event(line)

    def close(self) -> None:
        """End the watch, from any thread: a blocked iteration, or entering, returns at once."""
        self._connection.abort()

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        while chunk := self._read():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from filter(bytes.strip, lines)

    def _read(self) -> bytes:
        """The bytes that came; empty at the end."""
        if self._connection.is_aborted() or self._response is None:
            return b""
        try:
            return self._response.read1(CHUNK)
        except (fault.HTTPError, OSError, ValueError) as error:
            if self._connection.is_aborted():
                return b""
            if isinstance(error, fault.ReadTimeoutError):
                raise ServerUnavailable(f"No watch data for {self._silence:g} s.") from error
            raise ServerUnavailable(f"A watch broke: {why(error)}.") from error


def _event(line: bytes) -> tuple[str, Json]:
    try:
        event = json_decoder.loads(line)
        kind, obj = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise ServerUnavailable("A watch sent something that is not an event.") from error
    if kind == "ERROR":
        raise refusal(obj.get("code", 500), obj.get("reason", ""), obj.get("message", "no reason"))
    return kind, obj
