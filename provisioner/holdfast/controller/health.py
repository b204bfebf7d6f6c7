"""`/healthz`, `/readyz` and `/metrics` over HTTP.

Liveness never touches the export: a restart does not repair an NFS server, and the new container
would hang in the same mount.

Any client can open connections and send nothing. So their number is bounded, each has a deadline,
and a new one replaces the one that has been silent the longest: a kubelet's probe is always
answered.
"""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from holdfast.log import Logger

Answer = Callable[[], list[str]]

_log = Logger(__name__)

_POLL = 0.5  # seconds between two checks of deadlines
_LONGEST = 16384  # bytes of a request's line and header fields
_ROOM = 1.0  # seconds that a connection's thread has to end after it was cut


class Health:
    """The HTTP server of one process.

    `live` and `ready` return problems, one line each: the status is 200 if none, else 503.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        live: Answer,
        ready: Answer,
        registry: CollectorRegistry,
        connections: int = 32,
        deadline: float = 5.0,
    ) -> None:
        """Binds at once; raises OSError if the port is in use.

        Serves at most `connections` at once, each for `deadline` seconds in total.
        """
        answers = {"/healthz": live, "/readyz": ready}

        class Handler(_Handler):
            questions = answers
            metrics = registry

        self._server = _Server((host, port), Handler, _Connections(connections, deadline))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="http", daemon=True, args=(_POLL,)
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_address[1]

    def start(self) -> None:
        """Starts serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stops serving and frees the port."""
        self._server.shutdown()
        self._server.server_close()


class _Connections:
    """The open connections; thread-safe.

    One request a connection (HTTP/1.0): its age is that of its request.
    """

    def __init__(self, most: int, deadline: float) -> None:
        self._most = most
        self._deadline = deadline
        self._opened: dict[socket.socket, float] = {}  # oldest first
        self._asked: set[socket.socket] = set()
        self._changed = threading.Condition()

    def admit(self, connection: socket.socket) -> bool:
        """Adds a connection, replacing another if full; returns False if none ends in time."""
        with self._changed:
            if self._is_full():
                _cut(self._least())
                if not self._changed.wait_for(lambda: not self._is_full(), _ROOM):
                    return False
            self._opened[connection] = time.monotonic()
            return True

    def asked(self, connection: socket.socket) -> None:
        """Notes that its request was read: silent connections are cut first."""
        with self._changed:
            self._asked.add(connection)

    def remove(self, connection: socket.socket) -> None:
        """Removes a closed connection."""
        with self._changed:
            self._opened.pop(connection, None)
            self._asked.discard(connection)
            self._changed.notify_all()

    def cut_late(self) -> None:
        """Cuts connections whose deadline has passed."""
        with self._changed:
            oldest = time.monotonic() - self._deadline
            for connection in [one for one, since in self._opened.items() if since < oldest]:
                _cut(connection)

    def _is_full(self) -> bool:
        return len(self._opened) >= self._most

    def _least(self) -> socket.socket:
        """The connection to cut: silent the longest or, if all have sent a request, the oldest."""
        silent = (one for one in self._opened if one not in self._asked)
        return next(silent, next(iter(self._opened)))


def _cut(connection: socket.socket) -> None:
    """Makes the connection's thread end; that thread closes the connection."""
    with contextlib.suppress(OSError):  # it is ending by itself
        connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A probe waits here while earlier connections are accepted. With a short queue, its first
    # packet would be dropped and resent only a second later.
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        connections: _Connections,
    ) -> None:
        self.connections = connections
        # All addresses include IPv6: a kubelet may have no other.
        if ":" in address[0] or (not address[0] and socket.has_dualstack_ipv6()):
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Not HTTPServer's: it looks up our own host name in DNS and waits for the answer.
        TCPServer.server_bind(self)

    def service_actions(self) -> None:
        self.connections.cut_late()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.connections.admit(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.connections.remove(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's
        """Does not log clients that disconnect or were cut."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("unexpected error", doing="HTTP")


class _Request(io.RawIOBase):
    """The bytes of one request, at most `_LONGEST`.

    The base class allows a hundred header fields of 64 KiB: over all connections, more than a pod's
    memory limit.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.left = _LONGEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._connection.recv_into(buffer, min(self.left, len(buffer))) if self.left else 0
        self.left -= count
        return count


class _Handler(BaseHTTPRequestHandler):
    questions: dict[str, Answer]
    metrics: CollectorRegistry
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile.close()  # it would keep the connection open
        self._request = _Request(self.connection)
        self.rfile = io.BufferedReader(self._request)

    def parse_request(self) -> bool:
        understood = super().parse_request()
        self.server.connections.asked(self.connection)
        if understood and self._request.left == 0:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        return understood

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._send(200, generate_latest(self.metrics), CONTENT_TYPE_LATEST)
        elif self.path in self.questions:
            wrong = self.questions[self.path]()
            text = "\n".join(wrong) if wrong else "ok"
            body = f"{text}\n".encode(errors="backslashreplace")
            self._send(503 if wrong else 200, body, "text/plain; charset=utf-8")
        else:
            self._send(404, b"not found: use /healthz, /readyz or /metrics\n", "text/plain")

    def _send(self, code: int, body: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Does not log requests: a probe arrives every few seconds."""
