"""What urllib3 lacks: a deadline for the whole answer, and requests that a thread can abort.

A request may have to be ended by another thread while it still waits for the answer's first
byte, when urllib3 has no response to shut down yet; so the connections here show their socket
to the `Connection` of the thread that asks. Rejected: short read timeouts in a loop, which end
healthy watches.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3 import exceptions as fault
from urllib3.connection import HTTPConnection, HTTPSConnection

from holdfast.kube.errors import ServerUnavailable

CHUNK = 65536

# Called with the socket of this thread's request, once it is connected, and with None once the
# answer is read.
_show_socket: ContextVar[Callable[[socket.socket | None], None] | None] = ContextVar(
    "show_socket", default=None
)


class Connection:
    """The connection that a thread's request waits on, which another thread can abort."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._hung_up = threading.Event()

    def is_aborted(self) -> bool:
        """Whether `abort` was called; for ever."""
        return self._hung_up.is_set()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Requests this thread sends within are on this connection until their answers are read.

        An answer that is not read to its end, as a watch's, stays on the connection afterwards.
        """
        token = _show_socket.set(self._attach)
        try:
            yield
        finally:
            _show_socket.reset(token)

    def set_timeout(self, seconds: float) -> None:
        """How long each read on the connection may wait from now on."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed: the answer had no body
                self._socket.settimeout(seconds)

    def abort(self) -> None:
        """End what is waited for, now or later, from any thread."""
        with self._lock:
            self._hung_up.set()
            self._cut()

    def _attach(self, sock: socket.socket | None) -> None:
        with self._lock:
            self._socket = sock
            if self.is_aborted():
                self._cut()

    def _cut(self) -> None:
        if self._socket is None:
            return
        # The plain socket's method: ssl's own would pull the TLS state from under the reader.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _OneWrite:
    """Sends headers and body in one write: each costs a TLS record and wakes the server."""

    _parts: list[bytes] | None = None

    def request(self, *args: Any, **more: Any) -> None:
        parts: list[bytes] = []
        self._parts = parts
        try:
            super().request(*args, **more)  # type: ignore[misc] # of urllib3's connection
        finally:
            self._parts = None
        self.send(b"".join(parts))

    def send(self, data: bytes) -> None:
        if self._parts is None:
            super().send(data)  # type: ignore[misc] # of urllib3's connection
        else:
            self._parts.append(data)


class _Connection(_OneWrite, HTTPConnection):  # type: ignore[misc] # bytes are all that is sent
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 does
        _show(self.sock)
        return super().getresponse()


class _TlsConnection(_OneWrite, HTTPSConnection):  # type: ignore[misc] # as above
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 does
        _show(self.sock)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        _show(None)  # before another thread can take the connection
        super()._put_conn(conn)


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection

    def _put_conn(self, conn: Any) -> None:
        _show(None)
        super()._put_conn(conn)


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TlsPool}


def _show(sock: socket.socket | None) -> None:
    show = _show_socket.get()
    if show is not None:
        show(sock)


def body_of(response: HTTPResponse, deadline: float) -> bytes:
    """The whole body, and the connection back in its pool.

    urllib3's read timeout starts anew with every byte; `deadline` (monotonic) is for all.

    Raises:
        ServerUnavailable: The deadline passed or the connection was cut.
    """
    chunks: list[bytes] = []
    try:
        while chunk := response.read1(CHUNK):
            chunks.append(chunk)
            if time.monotonic() > deadline:
                raise ServerUnavailable("The API server's answer did not end in time.")
    except (fault.HTTPError, OSError) as error:
        response.close()
        raise ServerUnavailable(f"The API server's answer was cut short: {why(error)}.") from error
    except ServerUnavailable:
        response.close()
        raise
    finally:
        response.release_conn()
    return b"".join(chunks)


def why(error: BaseException) -> str:
    """A transport error in a few words, without the addresses of Python objects."""
    match error:
        case fault.NameResolutionError():
            return "its host name cannot be resolved"
        case fault.NewConnectionError():  # a kind of ConnectTimeoutError, for urllib3
            return str(error).partition("] ")[2].lower() or "no connection"
        case fault.ConnectTimeoutError():
            return "it could not be reached in time"
        case fault.ReadTimeoutError() | TimeoutError():
            return "it did not answer in time"
        case fault.SSLError() | ssl.SSLError():
            return f"TLS failed ({error})"
        case fault.ProtocolError() | ConnectionError():
            return "the connection was cut"
        case _:
            return " ".join(str(error).split()) or type(error).__name__
