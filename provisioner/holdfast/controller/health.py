"""`/healthz`, `/readyz` and `/metrics` over HTTP.

Liveness never touches the export: a restart cannot cure a dead NFS server, and the new
container would hang in the same mount.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Answer = Callable[[], list[str]]


class Health:
    """The HTTP server of one process.

    `live` and `ready` give what is wrong, a line each; nothing wrong is 200, else 503.
    """

    def __init__(
        self, host: str, port: int, *, live: Answer, ready: Answer, registry: CollectorRegistry
    ) -> None:
        """Binds at once; raises OSError where the port is taken."""
        answers = {"/healthz": live, "/readyz": ready}

        class Handler(_Handler):
            questions = answers
            metrics = registry

        self._server = _Server((host, port), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="http", daemon=True, args=(0.5,)
        )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.server_address[1]

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Ends answering and frees the port."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        # All addresses are those of IPv6 too: a kubelet may have no other.
        if ":" in address[0] or (not address[0] and socket.has_dualstack_ipv6()):
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Not HTTPServer's: it asks the name server who we are, and waits for an answer.
        TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    questions: dict[str, Answer]
    metrics: CollectorRegistry

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._send(200, generate_latest(self.metrics), CONTENT_TYPE_LATEST)
        elif self.path in self.questions:
            wrong = self.questions[self.path]()
            text = "\n".join(wrong) if wrong else "ok"
            self._send(503 if wrong else 200, f"{text}\n".encode(), "text/plain; charset=utf-8")
        else:
            self._send(404, b"there are /healthz, /readyz and /metrics\n", "text/plain")

    def _send(self, code: int, body: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """A probe every few seconds is no news."""
